//! The client: one request, one time-out, and an honest word on what a failure leaves open.

#[cfg(not(target_arch = "wasm32"))]
use super::exchange;
use super::{Commands, Item, parse_items};
use crate::config::RedisAccess;
#[cfg(target_arch = "wasm32")]
use crate::edge::exchange;
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
        let (status, body) = exchange::post(&url, token, commands.into_body(), self.timeout)
            .await
            .map_err(|why| Failure::Uncertain(why.to_string()))?;
        match status {
            200..=299 => parse_items(&body, count).map_err(Failure::Uncertain),
            400..=499 => Err(Failure::Refused { status, said: said(&body) }),
            _ => Err(Failure::Uncertain(format!("status {status}: {}", said(&body)))),
        }
    }
}

fn said(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().filter(|c| !c.is_control()).take(SAID_MAX_CHARS).collect()
}
