//! Configuration: every var and secret the worker reads, declared once, checked in one place.
//!
//! A value that does not parse is a [`Problem`], never a silent default: the worker refuses logs and `/health`
//! names it, and `ops` says the same from the same table before a deploy.

use crate::access::Secret;
use crate::quota::{Limits, MAX_SHARDS};
use crate::redaction::Extra;
use std::fmt;

/// What a setting's value must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number within these bounds, both included.
    Integer {
        /// Smallest.
        min: u64,
        /// Largest.
        max: u64,
    },
    /// `development` or `production`.
    Environment,
    /// `true` or `false`.
    Flag,
    /// Comma-separated web origins (`https://app.example.com`), nothing after the host and port.
    Origins,
    /// An `http` or `https` URL.
    Url,
    /// A token: visible ASCII, at least [`MIN_TOKEN_BYTES`] long.
    Token,
    /// Comma-separated words of visible ASCII, at most [`MOST_WORDS`] of at least `shortest` and at most 64 bytes.
    Words {
        /// Fewest bytes of one.
        shortest: usize,
    },
    /// Any text that is not empty.
    Text,
}

/// Words that one setting lists at most: each is compared with every name in every log.
pub const MOST_WORDS: usize = 64;

/// A token shorter than this can be guessed.
pub const MIN_TOKEN_BYTES: usize = 16;

/// One var or secret.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its name in the environment.
    pub key: &'static str,
    /// What its value must look like.
    pub kind: Kind,
    /// The value when it is not set; `None` when there is no such thing.
    pub default: Option<&'static str>,
    /// Whether it is a secret, never shown and never in a file that is committed.
    pub secret: bool,
    /// Whether logs are refused while it is not set.
    pub required: bool,
    /// What it does, with its unit.
    pub doc: &'static str,
}

const fn var(key: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Setting {
    Setting { key, kind, default: Some(default), secret: false, required: false, doc }
}

const fn secret(key: &'static str, kind: Kind, required: bool, doc: &'static str) -> Setting {
    Setting { key, kind, default: None, secret: true, required, doc }
}

const fn count(min: u64, max: u64) -> Kind {
    Kind::Integer { min, max }
}

const MIB: u64 = 1024 * 1024;

/// Largest quota that may be set: ids of an hour are held in memory, 16 shards of a million each.
const MAX_QUOTA: u64 = 16_000_000;

/// Every setting of the worker.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "ENVIRONMENT",
        kind: Kind::Environment,
        default: None,
        secret: false,
        required: true,
        doc: "development (reads and clear are open) or production",
    },
    var("ALLOWED_ORIGINS", Kind::Origins, "", "web origins that may post and read answers; empty: any"),
    var("LOG_PUBLIC_READS", Kind::Flag, "false", "true opens reads in production to anyone"),
    var(
        "FLOOD_GUARD",
        Kind::Flag,
        "true",
        "false lets any address send as fast as it likes; see FLOOD_LIMITER",
    ),
    var(
        "REDACT_KEYS",
        Kind::Words { shortest: 2 },
        "",
        "further names whose values are redacted, in any notation",
    ),
    var("REDACT_PREFIXES", Kind::Words { shortest: 3 }, "", "what further tokens to redact start with"),
    var("REDACT_ALLOW", Kind::Words { shortest: 2 }, "", "names and whole values that are never redacted"),
    var("RATE_LIMIT_GLOBAL", count(1, MAX_QUOTA), "5000", "logs an hour in all"),
    var("RATE_LIMIT_BROWSER", count(0, MAX_QUOTA), "2000", "logs an hour of system browser"),
    var("RATE_LIMIT_CONVEX", count(0, MAX_QUOTA), "1500", "logs an hour of system convex"),
    var("RATE_LIMIT_WORKER", count(0, MAX_QUOTA), "1500", "logs an hour of system worker"),
    var("RATE_LIMIT_MANUAL", count(0, MAX_QUOTA), "500", "logs an hour of system manual"),
    var("RATE_LIMIT_TRACE", count(1, MAX_QUOTA), "500", "logs an hour of one trace"),
    var("LOG_BUFFER_SHARDS", count(1, MAX_SHARDS as u64), "1", "buffer shards; drain before changing it"),
    var("BODY_MAX_BYTES", count(1024, 64 * MIB), "8388608", "bytes of one request's body"),
    var(
        "IN_FLIGHT_MAX_BYTES",
        count(MIB, 64 * MIB),
        "18874368",
        "bytes of bodies one isolate holds at once, beyond it 503; each may stand in memory up to four times",
    ),
    var(
        "BUFFER_MAX_BYTES",
        count(MIB, 8192 * MIB),
        "536870912",
        "bytes one shard holds for Redis, beyond it 503",
    ),
    var("FLUSH_DELAY_MS", count(0, 60_000), "500", "ms from a log's arrival to the flush that carries it"),
    var(
        "GROUP_COMMIT_MS",
        count(0, 100),
        "0",
        "ms a buffer waits for logs to share a transaction; 0: those that are there",
    ),
    var("HOP_TIMEOUT_MS", count(100, 60_000), "5000", "ms the worker waits for a shard, twice at most"),
    var("REDIS_TIMEOUT_MS", count(100, 60_000), "5000", "ms one request to Redis may take"),
    secret("UPSTASH_REDIS_REST_URL", Kind::Url, true, "where Upstash Redis answers"),
    secret("UPSTASH_REDIS_REST_TOKEN", Kind::Text, true, "the token Upstash asks for"),
    secret("LOG_INGEST_TOKEN", Kind::Token, false, "when set, what servers must send to post in production"),
    secret("LOG_READ_TOKEN", Kind::Token, false, "opens reads in production"),
    secret("LOG_ADMIN_TOKEN", Kind::Token, false, "opens reads, clear and resets in production"),
];

/// A setting that cannot be used as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The setting's name.
    pub key: &'static str,
    /// What its value must be. Never holds the value of a secret.
    pub wanted: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.key, self.wanted)
    }
}

/// Where the worker runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// Reads and clear are open.
    Development,
    /// Reads and clear need a token.
    Production,
}

impl Environment {
    /// The environment's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Environment::Development => "development",
            Environment::Production => "production",
        }
    }
}

/// Where Redis is and how to get in.
#[derive(Debug, Clone)]
pub struct RedisAccess {
    /// Base URL of the REST API, no slash at the end.
    pub url: String,
    /// Its token.
    pub token: Secret,
}

/// The worker's configuration, every value checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where it runs.
    pub environment: Environment,
    /// Origins that may post; empty means any.
    pub allowed_origins: Vec<String>,
    /// Whether anyone may read in production.
    pub public_reads: bool,
    /// Whether requests are counted by address, where the platform has a counter.
    pub flood_guard: bool,
    /// What redaction takes and leaves beyond its own rules.
    pub redaction: Extra,
    /// Logs an hour.
    pub limits: Limits,
    /// Buffer shards.
    pub shards: u32,
    /// Bytes of one body.
    pub body_max_bytes: usize,
    /// Bytes of bodies one isolate holds at once.
    pub in_flight_max_bytes: usize,
    /// Bytes one shard holds for Redis.
    pub buffer_max_bytes: u64,
    /// From arrival to flush, ms.
    pub flush_delay_ms: i64,
    /// How long a buffer waits for logs to share a transaction, in ms. 0 waits one turn of the event loop: for what has
    /// arrived already. Waiting longer costs a lone log dearly and gives a crowd nothing (`scripts/bench --only group`, 3 s
    /// each over 1,000 traces, one run on two cores; requests a second, p50 / p99 in ms):
    ///
    /// | wait | 1 connection | 16 | 64 | 256 |
    /// | --- | --- | --- | --- | --- |
    /// | 0 | 428, 2.3 / 3.8 | 2476, 5.3 / 31 | 2971, 17 / 94 | 3542, 67 / 171 |
    /// | 1 ms | 223, 4.5 / 5.8 | 1962, 7.4 / 24 | 3519, 15 / 102 | 2416, 94 / 320 |
    /// | 2 ms | 180, 5.5 / 6.7 | 1879, 7.9 / 24 | 3081, 18 / 82 | 3308, 69 / 211 |
    /// | 5 ms | 113, 8.8 / 11.5 | 1315, 12 / 24 | 2930, 18 / 107 | 3154, 74 / 224 |
    pub group_commit_ms: u64,
    /// How long the worker waits for a shard, ms.
    pub hop_timeout_ms: u32,
    /// How long one request to Redis may take, ms.
    pub redis_timeout_ms: u32,
    /// `None` while no Redis is configured: then logs are refused.
    pub redis: Option<RedisAccess>,
    /// What servers must send to post in production, if anything.
    pub ingest_token: Option<Secret>,
    /// Opens reads in production.
    pub read_token: Option<Secret>,
    /// Opens everything in production.
    pub admin_token: Option<Secret>,
}

/// The required secrets that are not set, by name.
pub fn missing_secrets(is_set: impl Fn(&str) -> bool) -> impl Iterator<Item = &'static str> {
    let required = SETTINGS.iter().filter(|setting| setting.secret && setting.required);
    required.map(|setting| setting.key).filter(move |name| !is_set(name))
}

/// Says why `value` cannot be used for `setting`; `None` when it can.
pub fn check(setting: &Setting, value: &str) -> Option<Problem> {
    let wanted = match setting.kind {
        Kind::Integer { min, max } => match value.parse::<u64>() {
            Ok(number) if (min..=max).contains(&number) => return None,
            _ => format!("must be a whole number from {min} to {max}"),
        },
        Kind::Environment if matches!(value, "development" | "production") => return None,
        Kind::Environment => "must be development or production".into(),
        Kind::Flag if matches!(value, "true" | "false") => return None,
        Kind::Flag => "must be true or false".into(),
        Kind::Origins => match listed(value).find(|origin| !is_origin(origin)) {
            None => return None,
            Some(bad) => format!("must list origins like https://app.example.com, which {bad:?} is not"),
        },
        Kind::Url if is_url(value) => return None,
        Kind::Url => "must be a URL that starts with https:// or http://".into(),
        Kind::Token if value.len() >= MIN_TOKEN_BYTES && value.bytes().all(|b| b.is_ascii_graphic()) => {
            return None;
        }
        Kind::Token => format!("must be at least {MIN_TOKEN_BYTES} visible ASCII characters without spaces"),
        Kind::Words { shortest } => {
            let fits = |word: &str| {
                (shortest..=64).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_graphic())
            };
            match listed(value).find(|word| !fits(word)) {
                None if listed(value).count() <= MOST_WORDS => return None,
                None => format!("must list at most {MOST_WORDS} words"),
                Some(bad) => {
                    format!("must list words of {shortest} to 64 visible characters, which {bad:?} is not")
                }
            }
        }
        Kind::Text if !value.trim().is_empty() => return None,
        Kind::Text => "must not be empty".into(),
    };
    Some(Problem { key: setting.key, wanted })
}

/// The entries of a comma-separated list.
fn listed(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|entry| !entry.is_empty())
}

fn is_origin(origin: &str) -> bool {
    let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://")).unwrap_or("");
    !host.is_empty() && !host.contains(['/', '?', '#', '@', '*', ' '])
}

fn is_url(value: &str) -> bool {
    let rest = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://")).unwrap_or("");
    !rest.is_empty() && !rest.starts_with('/') && !rest.contains(char::is_whitespace)
}

impl Config {
    /// Reads every setting through `get` (a name to its value, `None` when not set).
    ///
    /// # Errors
    /// Every value that cannot be used, and a required var that is not set. A missing or empty secret is no
    /// problem here: without Redis the configuration stands, with `redis: None`.
    pub fn load(get: impl Fn(&str) -> Option<String>) -> Result<Config, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut value = |key: &str| -> String {
            let Some(setting) = SETTINGS.iter().find(|setting| setting.key == key) else {
                return String::new();
            };
            let given = get(key).map(|text| text.trim().to_string()).filter(|text| !text.is_empty());
            match given {
                Some(text) => {
                    problems.extend(check(setting, &text));
                    text
                }
                None => {
                    if setting.required && !setting.secret {
                        problems.extend(check(setting, ""));
                    }
                    setting.default.unwrap_or("").to_string()
                }
            }
        };
        let environment = match value("ENVIRONMENT").as_str() {
            "development" => Environment::Development,
            _ => Environment::Production,
        };
        let mut list = |key: &str| -> Vec<String> { listed(&value(key)).map(str::to_string).collect() };
        let allowed_origins = list("ALLOWED_ORIGINS");
        let redaction = Extra {
            keys: list("REDACT_KEYS"),
            prefixes: list("REDACT_PREFIXES"),
            allow: list("REDACT_ALLOW"),
        };
        let public_reads = value("LOG_PUBLIC_READS") == "true";
        let flood_guard = value("FLOOD_GUARD") == "true";
        let mut number = |key: &str| value(key).parse::<u64>().unwrap_or(0);
        let limits = Limits {
            global: number("RATE_LIMIT_GLOBAL"),
            systems: [
                number("RATE_LIMIT_BROWSER"),
                number("RATE_LIMIT_CONVEX"),
                number("RATE_LIMIT_WORKER"),
                number("RATE_LIMIT_MANUAL"),
            ],
            trace: number("RATE_LIMIT_TRACE"),
        };
        let shards = u32::try_from(number("LOG_BUFFER_SHARDS")).unwrap_or(1);
        let body_max_bytes = usize::try_from(number("BODY_MAX_BYTES")).unwrap_or(0);
        let in_flight_max_bytes = usize::try_from(number("IN_FLIGHT_MAX_BYTES")).unwrap_or(0);
        let buffer_max_bytes = number("BUFFER_MAX_BYTES");
        let flush_delay_ms = i64::try_from(number("FLUSH_DELAY_MS")).unwrap_or(0);
        let group_commit_ms = number("GROUP_COMMIT_MS");
        let hop_timeout_ms = u32::try_from(number("HOP_TIMEOUT_MS")).unwrap_or(0);
        let redis_timeout_ms = u32::try_from(number("REDIS_TIMEOUT_MS")).unwrap_or(0);
        let url = value("UPSTASH_REDIS_REST_URL");
        let token = Secret::new(value("UPSTASH_REDIS_REST_TOKEN"));
        let redis = token
            .filter(|_| !url.is_empty())
            .map(|token| RedisAccess { url: url.trim_end_matches('/').to_string(), token });
        let ingest_token = Secret::new(value("LOG_INGEST_TOKEN"));
        let read_token = Secret::new(value("LOG_READ_TOKEN"));
        let admin_token = Secret::new(value("LOG_ADMIN_TOKEN"));
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Config {
            environment,
            allowed_origins,
            public_reads,
            flood_guard,
            redaction,
            limits,
            shards,
            body_max_bytes,
            in_flight_max_bytes,
            buffer_max_bytes,
            flush_delay_ms,
            group_commit_ms,
            hop_timeout_ms,
            redis_timeout_ms,
            redis,
            ingest_token,
            read_token,
            admin_token,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(pairs: &[(&str, &str)]) -> Result<Config, Vec<Problem>> {
        Config::load(|key| pairs.iter().find(|(k, _)| *k == key).map(|(_, v)| (*v).to_string()))
    }

    #[test]
    fn defaults_are_the_contracts() {
        let config = load(&[("ENVIRONMENT", "development")]).unwrap();
        assert_eq!(config.limits, Limits { global: 5000, systems: [2000, 1500, 1500, 500], trace: 500 });
        assert_eq!((config.shards, config.body_max_bytes), (1, 8 * 1024 * 1024));
        assert!(config.redis.is_none() && config.allowed_origins.is_empty());
        for setting in SETTINGS {
            assert!(
                setting.default.is_none_or(|default| check(setting, default).is_none()),
                "{}",
                setting.key
            );
        }
    }

    #[test]
    fn a_bad_value_is_named_never_replaced() {
        let problems = load(&[
            ("RATE_LIMIT_TRACE", "many"),
            ("ALLOWED_ORIGINS", "https://a.example, a.example/x"),
            ("LOG_READ_TOKEN", "short"),
            ("REDACT_PREFIXES", "acme_, ac"),
        ])
        .unwrap_err();
        let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "ENVIRONMENT must be development or production",
                "ALLOWED_ORIGINS must list origins like https://app.example.com, which \"a.example/x\" is not",
                "REDACT_PREFIXES must list words of 3 to 64 visible characters, which \"ac\" is not",
                "RATE_LIMIT_TRACE must be a whole number from 1 to 16000000",
                "LOG_READ_TOKEN must be at least 16 visible ASCII characters without spaces",
            ]
        );
    }

    #[test]
    fn redis_needs_both_its_secrets_and_is_never_shown() {
        let one = [("ENVIRONMENT", "production"), ("UPSTASH_REDIS_REST_URL", "https://x.upstash.io/")];
        assert!(load(&one).unwrap().redis.is_none());
        let both = [one[0], one[1], ("UPSTASH_REDIS_REST_TOKEN", "AX-very-secret")];
        let config = load(&both).unwrap();
        assert_eq!(config.redis.as_ref().unwrap().url, "https://x.upstash.io");
        assert!(!format!("{config:?}").contains("very-secret"));
    }
}
