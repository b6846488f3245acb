//! `ops verify` and `ops health`: is what answers there our worker, is it well, and does it do what it promises?
//!
//! [`verify`] is the suite, for `ops verify` and for a deployment: from a [`Plan`] to a [`Report`]. Its checks are
//! in `checks/`, one file a group; each is a question to the worker with a name that stays the same. The first ones
//! (does it answer, is it the worker, the version and the environment that were asked for) must pass before anything
//! is written. Test logs go to a trace whose id is the run's correlation id, and are removed at the end.

mod around;
mod checks;
mod client;
pub mod command;
pub mod contract;
pub mod live;
pub mod notify;
mod plan;
mod report;
mod stranger;
mod suite;
mod target;

pub use checks::names;
pub use client::{Answer, Client, Who, is_local};
pub use plan::{Depth, PATIENCE, Plan, Tokens};
pub use report::{Backlog, Check, Finding, Latency, Layouts, Report, Status, Version};
pub use stranger::known;
pub use suite::{Event, verify};
pub use target::{Target, remember};
