//! Vars of wrangler.toml that the worker never reads: mistyped, or of an earlier worker. What was meant by them has its
//! default.

use std::collections::BTreeMap;

use log_ingestion_worker::config::SETTINGS;

use super::near::nearest;

/// The names of such vars, each with what there is to say of it.
pub fn vars(stated: &BTreeMap<String, String>) -> Vec<(&str, String)> {
    let known = || SETTINGS.iter().map(|setting| setting.key);
    let unread = stated.keys().filter(|name| !known().any(|key| key == name.as_str()));
    let said = |name: &String| {
        let meant = nearest(name, known()).map(|key| format!(": is {key} meant?")).unwrap_or_default();
        format!("is a var of wrangler.toml that the worker does not read{meant}")
    };
    unread.map(|name| (name.as_str(), said(name))).collect()
}

/// Each in one line.
pub fn lines(stated: &BTreeMap<String, String>) -> Vec<String> {
    vars(stated).into_iter().map(|(name, said)| format!("{name} {said}")).collect()
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn a_misspelled_var_is_named_with_the_one_that_is_meant() {
        let stated = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), "1".to_owned())).collect();
        assert_eq!(lines(&stated(&["RATE_LIMIT_TRACE", "ENVIRONMENT"])), Vec::<String>::new());
        assert_eq!(
            lines(&stated(&["RATE_LIMIT_TRACES", "SENTRY_DSN"])),
            [
                "RATE_LIMIT_TRACES is a var of wrangler.toml that the worker does not read: is RATE_LIMIT_TRACE meant?",
                "SENTRY_DSN is a var of wrangler.toml that the worker does not read",
            ]
        );
    }
}
