//! From a request's bytes to entries: split the body, judge each log, in the contract's order of judgement, and bind it for its
//! shard.

pub mod body;
pub mod context;
pub mod detect;
pub mod distribution;
pub mod judge;
pub mod noise;
pub mod receive;

pub use body::{BodyError, Item, Posted, split};
pub use context::Context;
pub use detect::{Sender, detect_system};
pub use distribution::{Distribution, Hop};
pub use judge::{Judge, Judged, Log};
