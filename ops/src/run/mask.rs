//! Secrets that are taken out of everything a run writes: the terminal, the journal, an alert.

use std::{
    env,
    sync::{Arc, PoisonError, RwLock},
};

use log_ingestion_worker::{access::Secret, config::SETTINGS, redaction::MARK};

/// Names of environment variables that hold a secret, beside those of the worker itself.
const SECRET_VARIABLES: [&str; 11] = [
    "OPS_READ_TOKEN",
    "OPS_ADMIN_TOKEN",
    "OPS_INGEST_TOKEN",
    "CLOUDFLARE_API_TOKEN",
    "CLOUDFLARE_API_KEY",
    "CF_API_TOKEN",
    "OPS_BACKUP_KEY",
    "CONVEX_DEPLOY_KEY",
    "CONVEX_DEPLOYMENT_TOKEN",
    "GH_TOKEN",
    "GITHUB_TOKEN",
];

/// A text shorter than this is no secret, and taking it out would take words apart.
const MIN_BYTES: usize = 6;

/// What must not be shown. Its copies share one list.
#[derive(Clone, Debug, Default)]
pub struct Mask {
    secrets: Arc<RwLock<Vec<Secret>>>,
}

impl Mask {
    /// Every secret this process's environment holds.
    pub fn from_environment() -> Mask {
        let mask = Mask::default();
        let own = SETTINGS.iter().filter(|setting| setting.secret).map(|setting| setting.key);
        for secret in SECRET_VARIABLES.into_iter().chain(own).filter_map(|name| env::var(name).ok()) {
            mask.hide(&secret);
        }
        mask
    }

    /// Adds a secret.
    pub fn hide(&self, secret: &str) {
        let secret = secret.trim();
        if secret.len() >= MIN_BYTES
            && let Some(secret) = Secret::new(secret.to_owned())
        {
            self.secrets.write().unwrap_or_else(PoisonError::into_inner).push(secret);
        }
    }

    /// The text with every secret replaced, as it is and as JSON writes it.
    pub fn apply(&self, text: &str) -> String {
        let secrets = self.secrets.read().unwrap_or_else(PoisonError::into_inner);
        secrets.iter().fold(text.to_owned(), |text, secret| {
            let text = text.replace(secret.reveal(), MARK);
            let quoted = serde_json::to_string(secret.reveal()).unwrap_or_default();
            let escaped = quoted.trim_matches('"');
            if escaped.len() < MIN_BYTES { text } else { text.replace(escaped, MARK) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_nowhere_however_it_is_written() {
        let mask = Mask::default();
        mask.hide("gehe\"im\\wort\n");
        mask.hide("short");
        let text = serde_json::json!({ "said": "it is gehe\"im\\wort, in short" }).to_string();
        assert_eq!(mask.apply(&text), r#"{"said":"it is [REDACTED], in short"}"#);
        assert_eq!(mask.apply("gehe\"im\\wort"), "[REDACTED]");
        assert!(!format!("{mask:?}").contains("wort"));
    }
}
