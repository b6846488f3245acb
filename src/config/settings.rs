//! The settings: each var and secret, what its value must look like, and what is wrong with one that does not.

use crate::json::{self, Json};
use crate::origin;
use crate::quota::MAX_SHARDS;
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
    /// Comma-separated web origins (`https://app.example.com`, `https://*.example.com`), nothing after the host and port.
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

/// Largest quota that may be set: what sixteen shards hold of an hour's ids, a million each, in memory.
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
    var(
        "HOP_TIMEOUT_MS",
        count(100, 60_000),
        "5000",
        "ms the worker waits for a shard, twice at most, a read four times",
    ),
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

/// The required secrets that are not set, by name.
pub fn missing_secrets(is_set: impl Fn(&str) -> bool) -> impl Iterator<Item = &'static str> {
    let required = SETTINGS.iter().filter(|setting| setting.secret && setting.required);
    required.map(|setting| setting.key).filter(move |name| !is_set(name))
}

/// Says why `value` cannot be used for `setting`; `None` when it can.
pub fn check(setting: &Setting, value: &str) -> Option<Problem> {
    let wanted = match setting.kind {
        _ if matches!(json::parse(value), Ok(Json::Array(_) | Json::Object(_))) => {
            "must be a text, not a list or an object: entries are separated by commas".into()
        }
        Kind::Integer { min, max } => match value.parse::<u64>() {
            Ok(number) if (min..=max).contains(&number) => return None,
            _ => format!("must be a whole number from {min} to {max}"),
        },
        Kind::Environment if matches!(value, "development" | "production") => return None,
        Kind::Environment => "must be development or production".into(),
        Kind::Flag if matches!(value, "true" | "false") => return None,
        Kind::Flag => "must be true or false".into(),
        Kind::Origins => match listed(value).find(|listed| !origin::may_be_listed(listed)) {
            None => return None,
            Some(bad) => format!(
                "must list origins like https://app.example.com or https://*.example.com, which {bad:?} is not"
            ),
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
pub(super) fn listed(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|entry| !entry.is_empty())
}

fn is_url(value: &str) -> bool {
    let rest = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://")).unwrap_or("");
    !rest.is_empty() && !rest.starts_with('/') && !rest.contains(char::is_whitespace)
}
