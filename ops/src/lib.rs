//! The companion of the log-ingestion worker, as a library: what the `ops` program does, and what the tests and the
//! benchmark build on.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`upstash`] | a local server that speaks the Upstash Redis REST API, with faults and counters |
//! | [`workerd`] | runs the built worker under workerd: start, crash, start again over the same storage |
//! | [`process`] | child processes that end with us, with everything they started |

pub mod process;
pub mod upstash;
pub mod workerd;
