//! The flags every command shares.

use std::{fmt, str::FromStr, time::Duration};

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use log_ingestion_worker::config::Environment;
use reqwest::Url;
use uuid::Uuid;

/// Longest correlation id: it stands in a header, a version's message (100 bytes in all) and a file's name.
const MAX_ID_BYTES: usize = 64;

/// The flags every command shares. A command refuses those it has no use for.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Global options")]
pub struct Globals {
    /// Which deployment.
    #[arg(long, global = true, value_name = "ENVIRONMENT", value_parser = environments())]
    pub env: Option<Environment>,
    /// Where the worker answers, when that is not its route or its workers.dev name.
    #[arg(long, global = true, value_parser = base_url)]
    pub url: Option<Url>,
    /// The result as JSON on stdout.
    #[arg(long, global = true)]
    pub json: bool,
    /// Print every step and command, change nothing; works without a token.
    #[arg(long, global = true)]
    pub dry_run: bool,
    /// Answer yes to every question.
    #[arg(long, short, global = true)]
    pub yes: bool,
    /// Say more.
    #[arg(long, short, global = true)]
    pub verbose: bool,
    /// How long the command may take to see what it waits for, as 90s, 5m, or a number of seconds.
    #[arg(long, global = true, value_name = "DURATION", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// The id that ties this run's requests, logs and journal together; a fresh UUID v7 without it.
    #[arg(long, global = true, value_name = "ID")]
    pub correlation_id: Option<CorrelationId>,
}

impl Globals {
    /// The flags that were given, as they are typed.
    pub fn given(&self) -> Vec<&'static str> {
        let flags = [
            ("--env", self.env.is_some()),
            ("--url", self.url.is_some()),
            ("--json", self.json),
            ("--dry-run", self.dry_run),
            ("--yes", self.yes),
            ("--verbose", self.verbose),
            ("--timeout", self.timeout.is_some()),
            ("--correlation-id", self.correlation_id.is_some()),
        ];
        flags.into_iter().filter_map(|(flag, given)| given.then_some(flag)).collect()
    }
}

/// The id of a run: visible in headers and file names, so plain characters alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorrelationId(String);

impl CorrelationId {
    /// A new UUID v7: ids sort by time.
    pub fn fresh() -> CorrelationId {
        CorrelationId(Uuid::now_v7().to_string())
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CorrelationId {
    type Err = String;

    fn from_str(text: &str) -> Result<CorrelationId, String> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if text.is_empty() || text.len() > MAX_ID_BYTES || !text.bytes().all(plain) {
            return Err(format!("an id is 1 to {MAX_ID_BYTES} letters, digits, '-' and '_'"));
        }
        Ok(CorrelationId(text.to_owned()))
    }
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A time with its unit; a bare number is seconds, as timeout(1) and older scripts take it.
fn duration(text: &str) -> Result<Duration, humantime::DurationError> {
    text.parse().map(Duration::from_secs).or_else(|_| humantime::parse_duration(text))
}

fn environments() -> impl TypedValueParser<Value = Environment> {
    PossibleValuesParser::new(["development", "production"]).map(|name| match name.as_str() {
        "production" => Environment::Production,
        _ => Environment::Development,
    })
}

/// An `http` or `https` URL without a query; a path is kept, a slash at its end is not needed.
fn base_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|cause| format!("{cause}; it looks like https://logs.example.com"))?;
    let usable =
        matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.fragment().is_none();
    if !usable {
        return Err("it must be http:// or https://, without ? and #".into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it must not hold a user or a password".into());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_fit_for_a_header_and_a_file_name() {
        assert!(CorrelationId::fresh().as_str().parse::<CorrelationId>().is_ok());
        for bad in ["", "a b", "../x", "a\n", &"x".repeat(65)] {
            assert!(bad.parse::<CorrelationId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_time_without_a_unit_is_seconds() {
        assert_eq!(duration("90").unwrap(), duration("90s").unwrap());
        assert_eq!(duration("5m").unwrap(), Duration::from_secs(300));
        for bad in ["", "-1", "soon", "1.5"] {
            assert!(duration(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_url_is_where_requests_go_and_nothing_else() {
        assert_eq!(base_url("http://127.0.0.1:8787").unwrap().as_str(), "http://127.0.0.1:8787/");
        for bad in ["logs.example.com", "ftp://h", "https://user:geheim@h", "https://h/?a=b", "https://h/#a"]
        {
            let said = base_url(bad).unwrap_err();
            assert!(!said.contains("geheim"), "{said}");
        }
    }
}
