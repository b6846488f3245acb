//! Log ingestion at the edge: browser, backend and worker logs of one trace, in one place within a second.
//!
//! # Two promises
//!
//! **A 2xx is true**: an acknowledged log is durable at that moment and is read back exactly once, whatever Redis,
//! the network or the machine does next. **Cost does not grow with use**: the work per log is the same whether ten
//! traces are alive or fifty thousand.
//!
//! # Where a log goes
//!
//! ```text
//! POST /log ─► intake        split the body, judge each log, drop noise, redact
//!                │
//!                ▼ one hop (buffer::wire)
//!              buffer        one shard per trace: quota from its lease, one transaction for all that arrived
//!                │           together (edge::buffer, a Durable Object), then the answer
//!                ▼ a flush soon after, out of the request's way
//!              redis         LIST logs:{trace_id}, newest first
//! ```
//!
//! [`read`] puts what waits in the buffer and what is in Redis together again.
//!
//! # The modules
//!
//! | module | what it knows |
//! | --- | --- |
//! | [`intake`] | from a request's bytes to entries: body, system detection, noise, validation |
//! | [`otlp`] | the same from OpenTelemetry's records, and what its exporters are told |
//! | [`entry`] | what is stored of a log |
//! | [`json`] | JSON as hostile clients send it |
//! | [`redaction`] | which secrets leave a log before anything is stored |
//! | [`quota`] | the hour's quotas: a ledger, and leases on it |
//! | [`buffer`] | a shard: rows, summaries, ids, and how entries get into Redis exactly once |
//! | [`redis`] | Upstash's REST API: commands, replies, what a failure leaves open |
//! | [`query`] | what a URL asks for |
//! | [`read`], [`answers`] | what clients are told |
//! | [`tail`] | what viewers are told as logs arrive |
//! | [`access`], [`flood`], [`config`] | who may do what, and how often; every var and secret, declared once |
//! | `edge` | what only wasm compiles: the fetch event, the routes, the shells of the Durable Objects |
//!
//! What browsers get, the trace page (src/page) and the log client (src/client), is JavaScript beside the wasm.
//!
//! Everything but `edge` is plain Rust without clock, I/O or platform: time is an argument, and `cargo test` runs
//! it on the host. `ops`, the companion binary, uses the same types.

pub mod access;
pub mod answers;
pub mod buffer;
pub mod config;
#[cfg(target_arch = "wasm32")]
mod edge;
pub mod entry;
pub mod flood;
pub mod intake;
pub mod json;
pub mod origin;
pub mod otlp;
pub mod query;
pub mod quota;
pub mod read;
pub mod redaction;
pub mod redis;
pub mod tail;
