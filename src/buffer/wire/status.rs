//! How a shard says it stands.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a shard stands.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StatusReply {
    /// [`VERSION`](super::VERSION).
    pub v: u8,
    /// The version of the code the object runs, as the platform names it.
    pub version: String,
    /// [`LAYOUT`](crate::buffer::row::LAYOUT) of what is stored; 0 from a version that does not say.
    pub layout: u8,
    /// Entries acknowledged and not yet in Redis.
    pub waiting: u64,
    /// Their bytes, stored.
    pub waiting_bytes: u64,
    /// Age of the oldest of them, ms.
    pub oldest_waiting_ms: i64,
    /// Since when Redis has not answered, Unix ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<i64>,
    /// What it last said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// Traces Redis refuses for good, and why.
    pub set_aside: BTreeMap<String, String>,
    /// Entries of those traces.
    pub set_aside_entries: u64,
    /// Live traces.
    pub traces: u64,
    /// Bytes of the object's database.
    pub storage_bytes: u64,
    /// The quota window's start, Unix ms.
    pub window: i64,
    /// Logs spent in it, per system.
    pub spent: [u64; 4],
    /// Logs let through in it while the quota's keeper was unreachable.
    pub overdrawn: u64,
    /// Whether that keeper is unreachable.
    pub limiter_unreachable: bool,
    /// Logs in the window of the newest traces.
    pub trace_counts: BTreeMap<String, u64>,
    /// What happened since the object started.
    pub counters: Counters,
    /// What was redacted from logs posted to it since then, by rule.
    pub redactions: BTreeMap<String, u64>,
    /// Bytes of wasm memory of the instance it runs in.
    pub memory_bytes: u64,
    /// Viewers of its tail.
    pub viewers: u64,
}

/// What a shard did since it started; `late_doubles` since it exists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counters {
    /// Entries made durable.
    pub appended: u64,
    /// Requests to the object, of any kind.
    pub requests: u64,
    /// Transactions they took.
    pub commits: u64,
    /// Entries answered as known already.
    pub duplicates: u64,
    /// Entries refused by the global quota.
    pub refused_global: u64,
    /// Entries refused by a system's quota.
    pub refused_system: u64,
    /// Entries refused by a trace's quota.
    pub refused_trace: u64,
    /// Entries refused because too much waited for Redis.
    pub refused_full: u64,
    /// Entries refused because the shard remembered as many ids as it can.
    pub refused_ids: u64,
    /// Entries refused because the shard knew as many traces as it can.
    pub refused_traces: u64,
    /// Entries refused because the number of shards had changed and the buffers were not drained.
    pub refused_undrained: u64,
    /// Entries put into Redis.
    pub flushed: u64,
    /// Requests sent to Redis.
    pub redis_requests: u64,
    /// Commands in them.
    pub redis_commands: u64,
    /// Requests that failed.
    pub redis_failures: u64,
    /// Rows written to storage, alarms included.
    pub rows_written: u64,
    /// Requests to the quota's keeper.
    pub lease_calls: u64,
    /// How long they took, ms.
    pub lease_ms: u64,
    /// How long the object had something in hand, ms: what the platform bills as its duration.
    pub awake_ms: u64,
    /// Alarms that fired.
    pub alarms: u64,
    /// Lists found short and written again.
    pub lists_restored: u64,
    /// Entries that stand twice in a list because Redis executed a write after it had been given up.
    pub late_doubles: u64,
}

impl Counters {
    /// Adds another shard's counters.
    pub fn add(&mut self, other: &Counters) {
        self.appended += other.appended;
        self.requests += other.requests;
        self.commits += other.commits;
        self.duplicates += other.duplicates;
        self.refused_global += other.refused_global;
        self.refused_system += other.refused_system;
        self.refused_trace += other.refused_trace;
        self.refused_full += other.refused_full;
        self.refused_ids += other.refused_ids;
        self.refused_traces += other.refused_traces;
        self.refused_undrained += other.refused_undrained;
        self.flushed += other.flushed;
        self.redis_requests += other.redis_requests;
        self.redis_commands += other.redis_commands;
        self.redis_failures += other.redis_failures;
        self.rows_written += other.rows_written;
        self.lease_calls += other.lease_calls;
        self.lease_ms += other.lease_ms;
        self.awake_ms += other.awake_ms;
        self.alarms += other.alarms;
        self.lists_restored += other.lists_restored;
        self.late_doubles += other.late_doubles;
    }
}
