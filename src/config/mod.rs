//! Configuration: every var and secret the worker reads, declared once, checked in one place.
//!
//! A value that does not parse is a [`Problem`], never a silent default: the worker refuses logs and `/health`
//! names it, and `ops` says the same from the same table before a deploy.

use crate::access::Secret;
use crate::quota::Limits;
use crate::redaction::Extra;

mod settings;

use settings::listed;
pub use settings::{Kind, MIN_TOKEN_BYTES, MOST_WORDS, Problem, SETTINGS, Setting, check, missing_secrets};

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
            ("REDACT_KEYS", r#"["ssn","badge"]"#),
        ])
        .unwrap_err();
        let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "ENVIRONMENT must be development or production",
                "ALLOWED_ORIGINS must list origins like https://app.example.com or https://*.example.com, which \"a.example/x\" is not",
                "REDACT_KEYS must be a text, not a list or an object: entries are separated by commas",
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
