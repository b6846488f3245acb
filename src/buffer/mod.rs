//! The buffer: what one shard keeps between a log's acknowledgement and its place in Redis, and how it gets it
//! there exactly once.
//!
//! [`Shard`] is the whole of it, without platform, clock or I/O: its owner hands it requests and Redis's answers
//! and carries out what it asks for. [`wire`] is the vocabulary between the worker and its shards, [`row`] what a
//! shard stores.

mod append;
mod aside;
mod batch;
mod census;
mod checkpoint;
mod clear;
mod earlier;
mod ids;
mod late;
mod link;
mod load;
mod memory;
mod mending;
mod pages;
mod queue;
mod repair;
mod ring;
pub mod row;
mod settle;
mod shard;
mod status;
mod step;
mod tail;
mod traces;
mod window;
pub mod wire;

#[cfg(test)]
mod tests;

pub use append::Appended;
pub use checkpoint::TraceLine;
pub use ids::MAX_IDS;
pub use load::Loader;
pub use pages::{Page, Stored};
pub use shard::{Shard, ShardSettings};
pub use step::{Mode, Step};
pub use tail::{Told, Wanted};
