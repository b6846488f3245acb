//! Log ingestion at the edge.
pub mod json;
pub mod redaction;

#[cfg(target_arch = "wasm32")]
mod edge;
