//! How a shard behaves over time.
