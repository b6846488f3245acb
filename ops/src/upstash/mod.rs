//! A server that speaks the Upstash Redis REST API, for development and tests: no account, no network.
//!
//! A request goes through these modules in this order: [`server`](Server) accepts it, `service` checks the token and
//! applies the [`faults`](Faults), `request` reads the commands, [`store`] executes them (in memory or in a real
//! Redis), [`reply`] writes the answers. `admin` is the way to the faults and the [`Stats`] from another process.
//!
//! What it is faithful to: <https://upstash.com/docs/redis/features/restapi>. What it leaves out: `/monitor`,
//! `/subscribe`, read-only tokens, and every command that waits.

mod admin;
mod faults;
mod journal;
pub mod reply;
pub mod request;
mod resp;
mod server;
mod service;
mod stats;
pub mod store;

pub use faults::{Fault, FaultKind, Faults, Which};
pub use journal::Executed;
pub use reply::Reply;
pub use server::{Options, Server};
pub use stats::Stats;
