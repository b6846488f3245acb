//! The client: one request, one time-out, and an honest word on what a failure leaves open.

#[cfg(not(target_arch = "wasm32"))]
use super::exchange;
use super::{Commands, Item, parse_items};
use crate::config::RedisAccess;
#[cfg(target_arch = "wasm32")]
use crate::edge::exchange;
use crate::redaction::{MARK, Tally, redact_text};
use std::fmt;
use std::time::Duration;

/// Why a request has no answer that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Redis said no before it did anything (a 4xx status): nothing was executed.
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it said, cut to 200 characters.
        said: String,
    },
    /// Time-out, broken connection, 5xx or garbage: it may have been executed, or may yet be.
    Uncertain(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Refused { status, said } => write!(f, "Redis refused with {status}: {said}"),
            Failure::Uncertain(why) => write!(f, "Redis gave no usable answer: {why}"),
        }
    }
}

/// How much of an error's body is kept for `/health`, in characters.
pub const SAID_MAX_CHARS: usize = 200;

/// A client of one Redis.
#[derive(Debug, Clone)]
pub struct Client {
    access: RedisAccess,
    timeout: Duration,
}

impl Client {
    /// A client for the Redis at `access`; a request may take `timeout_ms`.
    pub fn new(access: RedisAccess, timeout_ms: u32) -> Client {
        Client { access, timeout: Duration::from_millis(timeout_ms.into()) }
    }

    /// Sends commands in one request, each executed by itself, and returns each one's outcome in order.
    ///
    /// # Errors
    /// [`Failure`] when there is no answer that can be used.
    pub async fn pipeline(&self, commands: Commands) -> Result<Vec<Item>, Failure> {
        self.send("/pipeline", commands).await
    }

    /// As [`Client::pipeline`], but as one transaction: all of them at once, or none.
    ///
    /// # Errors
    /// [`Failure`] when there is no answer that can be used.
    pub async fn transaction(&self, commands: Commands) -> Result<Vec<Item>, Failure> {
        self.send("/multi-exec", commands).await
    }

    async fn send(&self, path: &str, commands: Commands) -> Result<Vec<Item>, Failure> {
        let count = commands.len();
        let url = format!("{}{path}", self.access.url);
        let token = self.access.token.reveal();
        let said = |error: &str| said(error, token, &self.access.url);
        let shown = |body: &[u8]| said(&String::from_utf8_lossy(body.get(..READ_MAX_BYTES).unwrap_or(body)));
        let (status, body) = exchange::post(&url, token, commands.into_body(), self.timeout)
            .await
            .map_err(|why| Failure::Uncertain(why.to_string()))?;
        match status {
            200..=299 => {
                let mut items = parse_items(&body, count).map_err(|why| Failure::Uncertain(said(&why)))?;
                for error in items.iter_mut().filter_map(|item| item.as_mut().err()) {
                    *error = said(error);
                }
                Ok(items)
            }
            400..=499 => Err(Failure::Refused { status, said: shown(&body) }),
            _ => Err(Failure::Uncertain(format!("status {status}: {}", shown(&body)))),
        }
    }
}

/// How much of an error's body is read, in bytes.
const READ_MAX_BYTES: usize = 4_096;

/// The words of an error, as they may be shown, without the token and the host, which names a deployment's database: a
/// proxy may have written the request's head into them. Nor with the command, logs and all, that Upstash quotes.
fn said(error: &str, token: &str, url: &str) -> String {
    let error = error.split("command was:").next().unwrap_or_default().trim_end_matches([' ', ',']);
    let host = url.split("://").nth(1).unwrap_or_default().split('/').next().unwrap_or_default();
    let shown = error.replace(token, MARK);
    let shown = if host.is_empty() { shown } else { shown.replace(host, MARK) };
    let shown = redact_text(&shown, &mut Tally::default());
    shown.chars().filter(|c| !c.is_control()).take(SAID_MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_error_says_holds_no_secret_and_no_more_than_fits() {
        let said = |error: &str| said(error, "tok-1", "https://fine-cat.upstash.io/x");
        assert_eq!(said("WRONGTYPE Operation\n"), "WRONGTYPE Operation");
        let quoting = r#"ERR too long, command was: ["LPUSH","logs:t","{\"message\":\"hello\"}"]"#;
        assert_eq!(said(quoting), "ERR too long");
        assert_eq!(
            said("Host: fine-cat.upstash.io got token tok-1 and password=hunter2"),
            "Host: [REDACTED] got token [REDACTED] and password=[REDACTED]"
        );
        assert_eq!(said(&"é".repeat(999)).chars().count(), SAID_MAX_CHARS);
    }
}
