//! Signing in: the environment has a client id, the provider knows it, and leads back to the environment's own address.
//!
//! The provider's authorize endpoint is asked as a browser without a session asks it. Of GitHub, `404` means that it
//! does not know the id, and the redirect to its login page repeats what was asked. Google sends on to an error page
//! when it does not know the id or the callback is not registered with it. Whether GitHub has the callback registered
//! shows only after a login.

use base64::{Engine, engine::general_purpose};
use clap::Args;
use log_ingestion_worker::config::Environment;
use percent_encoding::percent_decode_str;
use reqwest::Url;

use super::{
    Side,
    ask::{Answered, Silence, Web},
    urls::{APP, CONVEX_SITE},
};
use crate::verify::report::Finding;

/// Where providers are asked instead; for tests, and for an enterprise's own server.
#[derive(Args, Clone, Debug)]
pub struct Endpoints {
    /// GitHub's authorize endpoint.
    #[arg(
        long,
        env = "OPS_GITHUB_AUTHORIZE_URL",
        default_value = "https://github.com/login/oauth/authorize",
        hide = true
    )]
    github_authorize: Url,
    /// Google's authorize endpoint.
    #[arg(
        long,
        env = "OPS_GOOGLE_AUTHORIZE_URL",
        default_value = "https://accounts.google.com/o/oauth2/v2/auth",
        hide = true
    )]
    google_authorize: Url,
}

/// Whoever signs people in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    GitHub,
    Google,
}

/// Each with the name of its check.
pub const PROVIDERS: [(&str, Provider); 2] =
    [("oauth-github", Provider::GitHub), ("oauth-google", Provider::Google)];

impl Provider {
    fn name(self) -> &'static str {
        match self {
            Provider::GitHub => "GitHub",
            Provider::Google => "Google",
        }
    }

    /// What its client id is called, by library and by habit.
    fn client_ids(self) -> &'static [&'static str] {
        match self {
            Provider::GitHub => {
                &["AUTH_GITHUB_ID", "GITHUB_CLIENT_ID", "GITHUB_ID", "OAUTH_GITHUB_CLIENT_ID"]
            }
            Provider::Google => {
                &["AUTH_GOOGLE_ID", "GOOGLE_CLIENT_ID", "GOOGLE_ID", "OAUTH_GOOGLE_CLIENT_ID"]
            }
        }
    }

    /// What its callback is called, where it is configured.
    fn callbacks(self) -> &'static [&'static str] {
        match self {
            Provider::GitHub => &["GITHUB_CALLBACK_URL", "GITHUB_REDIRECT_URI", "AUTH_GITHUB_CALLBACK_URL"],
            Provider::Google => &["GOOGLE_CALLBACK_URL", "GOOGLE_REDIRECT_URI", "AUTH_GOOGLE_CALLBACK_URL"],
        }
    }

    fn question(self, endpoints: &Endpoints, client_id: &str, callback: &Url) -> Url {
        let (endpoint, scope) = match self {
            Provider::GitHub => (&endpoints.github_authorize, "read:user"),
            Provider::Google => (&endpoints.google_authorize, "openid"),
        };
        let mut url = endpoint.clone();
        url.query_pairs_mut()
            .append_pair("client_id", client_id)
            .append_pair("redirect_uri", callback.as_str())
            .append_pair("response_type", "code")
            .append_pair("scope", scope)
            .append_pair("state", "ops-verify");
        url
    }
}

/// Nothing for a provider the source does not know.
pub async fn check(side: &Side<'_>, provider: Provider, endpoints: &Endpoints, web: &Web) -> Option<Finding> {
    let keys = provider.client_ids();
    let row = side.table.rows().iter().find(|row| keys.contains(&row.key.as_str()))?;
    let (name, environment) = (provider.name(), side.environment.as_str());
    let Some(client_id) = side.first(keys) else {
        let detail = format!("{} (line {}) has no value for {environment}", row.key, row.line);
        return Some(Finding::fail(detail, format!("add the id of {environment}'s OAuth app at {name}")));
    };
    let Some(callback) = callback(side, provider) else {
        let detail = format!("nothing says where {name} leads back to");
        return Some(Finding::fail(detail, format!("add CONVEX_SITE_URL, or {}", APP.join(" or "))));
    };
    let other = match side.environment {
        Environment::Development => Environment::Production,
        Environment::Production => Environment::Development,
    };
    // An app of GitHub's has one callback.
    if provider == Provider::GitHub && !row.is_shared() && row.value(other) == client_id.value {
        let detail = format!("{} (line {}) is the same in both environments", client_id.key, client_id.line);
        return Some(Finding::warn(
            detail,
            "make an OAuth app for each: GitHub leads back to one address alone",
        ));
    }
    let question = provider.question(endpoints, &client_id.value, &callback);
    let at = format!("{} (line {})", client_id.key, client_id.line);
    Some(match web.get(&question).await {
        Ok(answered) => judged(&answered, provider, &callback, &at),
        Err(Silence { why, .. }) => {
            Finding::warn(format!("{name} was not to be asked: {why}"), "look again later")
        }
    })
}

/// Where a sign-in comes back: as configured; else where Convex Auth, or NextAuth in the app, expects it.
fn callback(side: &Side<'_>, provider: Provider) -> Option<Url> {
    if let Some(set) = side.first(provider.callbacks()) {
        return set.url();
    }
    let base = side.first(CONVEX_SITE).or_else(|| side.first(APP))?.url()?;
    let path = format!("/api/auth/callback/{}", provider.name().to_lowercase());
    base.join(&path).ok()
}

fn judged(answered: &Answered, provider: Provider, callback: &Url, at: &str) -> Finding {
    let name = provider.name();
    let Some(location) = &answered.location else {
        return match answered.status {
            404 => Finding::fail(
                format!("{name} does not know {at}"),
                format!("copy the id from the OAuth app at {name}"),
            ),
            status => Finding::warn(
                format!("{name} answers {status} and leads nowhere, which says nothing"),
                "sign in by hand once",
            ),
        };
    };
    let told = decoded(location.as_str());
    if location.path().contains("/error") || told.contains("error=") {
        let why = reason(location);
        let registered =
            "register the callback with the OAuth app, and see whether the client id is this environment's";
        return Finding::fail(format!("{name} refuses {at} with {callback}: {why}"), registered);
    }
    if told.contains(callback.as_str()) {
        Finding::pass(format!("{name} leads back to {callback}"))
    } else {
        Finding::fail(
            format!("{name} leads on without {callback}"),
            format!("see which callback the OAuth app of {at} has"),
        )
    }
}

/// Percent codes inside percent codes: an address in an address in an address.
fn decoded(text: &str) -> String {
    (0..3).fold(text.to_owned(), |text, _| percent_decode_str(&text).decode_utf8_lossy().into_owned())
}

/// What the error page is told: Google packs it as bytes in base64, whose first text is the code.
fn reason(location: &Url) -> String {
    let value =
        |name: &str| location.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    if let Some(packed) = value("authError") {
        let bytes = general_purpose::STANDARD_NO_PAD
            .decode(packed.trim_end_matches('=').replace('-', "+").replace('_', "/"))
            .unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let is_code = |word: &&str| {
            word.len() > 5 && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        };
        if let Some(code) = text.split(|c: char| !c.is_ascii_lowercase() && c != '_').find(is_code) {
            return code.to_owned();
        }
    }
    value("error").unwrap_or_else(|| "it does not say why".to_owned())
}
