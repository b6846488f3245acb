//! Log ingestion at the edge.
#[cfg(target_arch = "wasm32")]
mod edge;
