//! Who may do what: tokens, origins, and the CORS headers that let a page read an answer.

use crate::config::{Config, Environment};
use std::fmt;

/// A secret. Its `Debug` shows nothing and its equality takes the same time whatever differs.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// A secret of that text; `None` when it is empty.
    pub fn new(text: String) -> Option<Secret> {
        (!text.is_empty()).then_some(Secret(text))
    }

    /// The text itself, for the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether `given` is this secret, in time that depends on `given`'s length alone.
    pub fn matches(&self, given: &str) -> bool {
        let secret = self.0.as_bytes();
        let mut difference = secret.len() ^ given.len();
        for (at, byte) in given.bytes().enumerate() {
            let own = secret.get(at % secret.len().max(1)).copied().unwrap_or(0);
            difference |= usize::from(own ^ byte);
        }
        std::hint::black_box(difference) == 0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[REDACTED]")
    }
}

/// What a request wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Post logs.
    Ingest,
    /// Read logs and traces.
    Read,
    /// Clear and reset.
    Admin,
}

/// Why a request may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denied {
    /// 401: a token is needed, and the one given (if any) is not it.
    Unauthorized(&'static str),
    /// 403: no token could help.
    Forbidden(String),
}

impl Denied {
    /// 401 or 403.
    pub fn status(&self) -> u16 {
        match self {
            Denied::Unauthorized(_) => 401,
            Denied::Forbidden(_) => 403,
        }
    }

    /// What to tell the sender.
    pub fn reason(&self) -> &str {
        match self {
            Denied::Unauthorized(why) => why,
            Denied::Forbidden(why) => why,
        }
    }
}

/// The token of an `Authorization: Bearer …` header (RFC 6750, section 2.1).
pub fn bearer(authorization: Option<&str>) -> Option<&str> {
    let (scheme, token) = authorization?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}

/// Judges a request by the contract's table "Who may do what".
///
/// # Errors
/// [`Denied`] with the status and the words to answer.
pub fn authorize(
    config: &Config,
    action: Action,
    origin: Option<&str>,
    authorization: Option<&str>,
) -> Result<(), Denied> {
    if config.environment == Environment::Development {
        return Ok(());
    }
    let given = bearer(authorization);
    let one_of = |tokens: [&Option<Secret>; 2]| {
        given.is_some_and(|given| tokens.into_iter().flatten().any(|token| token.matches(given)))
    };
    match (action, origin) {
        (Action::Ingest, Some(origin)) => {
            if config.allowed_origins.is_empty() || lists(config, origin) {
                return Ok(());
            }
            Err(Denied::Forbidden(format!("origin {origin:?} is not in ALLOWED_ORIGINS")))
        }
        (Action::Ingest, None) if config.ingest_token.is_none() || one_of([&config.ingest_token, &None]) => Ok(()),
        (Action::Ingest, None) => Err(Denied::Unauthorized("send LOG_INGEST_TOKEN as Authorization: Bearer")),
        (Action::Read, _) if config.public_reads => Ok(()),
        (Action::Read, _) if config.read_token.is_none() && config.admin_token.is_none() => Err(Denied::Forbidden(
            "reads are closed in production: set the secret LOG_READ_TOKEN (or LOG_ADMIN_TOKEN) and send it".into(),
        )),
        (Action::Read, _) if one_of([&config.read_token, &config.admin_token]) => Ok(()),
        (Action::Read, _) => Err(Denied::Unauthorized("send LOG_READ_TOKEN as Authorization: Bearer")),
        (Action::Admin, _) if config.admin_token.is_none() => {
            Err(Denied::Forbidden("this is closed in production: set the secret LOG_ADMIN_TOKEN and send it".into()))
        }
        (Action::Admin, _) if one_of([&config.admin_token, &None]) => Ok(()),
        (Action::Admin, _) => Err(Denied::Unauthorized("send LOG_ADMIN_TOKEN as Authorization: Bearer")),
    }
}

/// Whether `ALLOWED_ORIGINS` lists this origin, or all below its domain.
pub fn lists(config: &Config, origin: &str) -> bool {
    config.allowed_origins.iter().any(|listed| crate::origin::covers(listed, origin))
}

/// Methods a page may use (contract).
pub const ALLOW_METHODS: &str = "POST, GET, DELETE, OPTIONS";
/// Request headers a page may send (contract).
pub const ALLOW_HEADERS: &str = "Content-Type, Origin, User-Agent, Authorization, X-Correlation-Id";
/// Answer headers a page may read.
pub const EXPOSE_HEADERS: &str = "Retry-After, RateLimit, RateLimit-Policy";

/// The CORS headers of every answer. Without a readable configuration there is nothing to answer but what is
/// wrong with it, and any page may read that.
pub fn cors(config: Option<&Config>, origin: Option<&str>) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        ("Access-Control-Allow-Methods", ALLOW_METHODS.to_string()),
        ("Access-Control-Allow-Headers", ALLOW_HEADERS.to_string()),
        ("Access-Control-Expose-Headers", EXPOSE_HEADERS.to_string()),
    ];
    match config {
        Some(config) if !config.allowed_origins.is_empty() => {
            headers.push(("Vary", "Origin".to_string()));
            if let Some(origin) = origin.filter(|origin| lists(config, origin)) {
                headers.push(("Access-Control-Allow-Origin", origin.to_string()));
            }
        }
        _ => headers.push(("Access-Control-Allow-Origin", "*".to_string())),
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: &str = "read-token-0123456789";
    const ADMIN: &str = "admin-token-0123456789";
    const INGEST: &str = "ingest-token-0123456789";

    fn config(pairs: &[(&str, &str)]) -> Config {
        Config::load(|key| pairs.iter().find(|(k, _)| *k == key).map(|(_, v)| (*v).to_string())).unwrap()
    }

    fn status(config: &Config, action: Action, origin: Option<&str>, token: Option<&str>) -> u16 {
        let header = token.map(|token| format!("Bearer {token}"));
        authorize(config, action, origin, header.as_deref()).map_or_else(|denied| denied.status(), |()| 200)
    }

    #[test]
    fn development_is_open() {
        let config = config(&[("ENVIRONMENT", "development"), ("LOG_ADMIN_TOKEN", ADMIN)]);
        for action in [Action::Ingest, Action::Read, Action::Admin] {
            assert_eq!(status(&config, action, Some("https://any.example"), None), 200);
        }
    }

    #[test]
    fn production_is_closed_but_for_those_the_table_names() {
        let bare = config(&[("ENVIRONMENT", "production")]);
        assert_eq!(status(&bare, Action::Ingest, None, None), 200);
        assert_eq!(status(&bare, Action::Ingest, Some("https://any.example"), None), 200);
        assert_eq!(status(&bare, Action::Read, None, Some(READ)), 403);
        assert_eq!(status(&bare, Action::Admin, None, Some(ADMIN)), 403);

        let full = config(&[
            ("ENVIRONMENT", "production"),
            ("ALLOWED_ORIGINS", "https://app.example.com"),
            ("LOG_INGEST_TOKEN", INGEST),
            ("LOG_READ_TOKEN", READ),
            ("LOG_ADMIN_TOKEN", ADMIN),
        ]);
        let cases = [
            (Action::Ingest, Some("https://app.example.com"), None, 200),
            (Action::Ingest, Some("https://evil.example"), Some(INGEST), 403),
            (Action::Ingest, None, Some(INGEST), 200),
            (Action::Ingest, None, None, 401),
            (Action::Ingest, None, Some(READ), 401),
            (Action::Read, None, Some(READ), 200),
            (Action::Read, None, Some(ADMIN), 200),
            (Action::Read, None, Some(INGEST), 401),
            (Action::Read, None, None, 401),
            (Action::Admin, None, Some(ADMIN), 200),
            (Action::Admin, None, Some(READ), 401),
        ];
        for (action, origin, token, wanted) in cases {
            assert_eq!(status(&full, action, origin, token), wanted, "{action:?} {origin:?} {token:?}");
        }
        let open = config(&[("ENVIRONMENT", "production"), ("LOG_PUBLIC_READS", "true")]);
        assert_eq!(status(&open, Action::Read, None, None), 200);
        assert_eq!(status(&open, Action::Admin, None, None), 403);
    }

    #[test]
    fn secrets_match_only_themselves() {
        let secret = Secret::new("abcabc".into()).unwrap();
        assert!(secret.matches("abcabc"));
        for other in ["", "abc", "abcabcabc", "abcabd", "ABCABC"] {
            assert!(!secret.matches(other), "{other}");
        }
        assert_eq!(format!("{secret:?}"), "[REDACTED]");
        assert_eq!(bearer(Some("bearer  x ")), Some("x"));
        assert_eq!(bearer(Some("Basic x")), None);
    }

    #[test]
    fn an_unlisted_origin_is_not_named() {
        let listed = config(&[
            ("ENVIRONMENT", "production"),
            ("ALLOWED_ORIGINS", "https://a.example,https://b.example"),
        ]);
        let allowed = |origin| {
            let headers = cors(Some(&listed), origin);
            assert!(headers.contains(&("Vary", "Origin".to_string())));
            headers
                .into_iter()
                .find(|(name, _)| *name == "Access-Control-Allow-Origin")
                .map(|(_, value)| value)
        };
        assert_eq!(allowed(Some("https://b.example")).as_deref(), Some("https://b.example"));
        assert_eq!(allowed(Some("https://c.example")), None);
        assert_eq!(allowed(None), None);
    }
}
