//! Redis over Upstash's REST API: commands out, replies in, and a client that says what is certain.
//!
//! Source: Upstash documentation, "REST API" (pipelining, transactions, authentication, errors).

mod client;
mod command;
#[cfg(not(target_arch = "wasm32"))]
mod exchange;
mod oversize;
mod reply;

pub use client::{Client, Failure};
pub use command::Commands;
pub use oversize::Oversize;
pub use reply::{Item, Reply, parse_items};

/// The Redis key of a trace's LIST, newest entry first (contract: Identity).
pub fn list_key(trace_id: &str) -> String {
    let mut key = String::with_capacity(KEY_PREFIX.len() + trace_id.len());
    key.push_str(KEY_PREFIX);
    key.push_str(trace_id);
    key
}

/// What every list's key starts with.
pub const KEY_PREFIX: &str = "logs:";

/// Time to live given to a list, in seconds. With [`EXPIRE_EVERY_MS`] any write leaves at least 3,600 s.
pub const LIST_TTL_S: i64 = 3_660;

/// A list's time to live is renewed by the first write this long after the last renewal, in ms: 10 s short of
/// the 60 s the contract leaves, for a renewal that takes a while to arrive.
pub const EXPIRE_EVERY_MS: i64 = 50_000;
