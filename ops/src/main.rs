//! The companion binary of the log-ingestion worker.
fn main() {}
