//! Log ingestion at the edge.
pub mod access;
pub mod buffer;
pub mod config;
#[cfg(target_arch = "wasm32")]
mod edge;
pub mod entry;
pub mod intake;
pub mod json;
pub mod quota;
pub mod redaction;
pub mod redis;
