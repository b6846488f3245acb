//! What a run cost: counted on both sides, and in dollars at the public prices.

use std::ops::AddAssign;

use serde::Serialize;

/// Dollars a million, at public prices (2026-11). Each command of a pipeline counts; rows are rows written, deletes
/// and `setAlarm` included.
pub const PRICES: &[(&str, f64, &str)] = &[
    ("Workers requests", 0.30, "https://developers.cloudflare.com/workers/platform/pricing/"),
    ("Workers CPU-ms", 0.02, "https://developers.cloudflare.com/workers/platform/pricing/"),
    ("Durable Object requests", 0.15, "https://developers.cloudflare.com/durable-objects/platform/pricing/"),
    ("Durable Object GB-s", 12.50, "https://developers.cloudflare.com/durable-objects/platform/pricing/"),
    ("SQLite rows written", 1.00, "https://developers.cloudflare.com/durable-objects/platform/pricing/"),
    ("Upstash commands", 2.00, "https://upstash.com/docs/redis/overall/pricing"),
];

/// Memory a Durable Object is billed for while it has something in hand, in GB: 128 MB, whatever it uses.
const OBJECT_GB: f64 = 0.128;

/// What was used, in all.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Used {
    /// How long it took, in s.
    pub seconds: f64,
    /// Logs stored.
    pub logs: f64,
    /// Requests to the worker.
    pub requests: f64,
    /// CPU time of workerd, the worker's and the objects', in ms. The platform bills the worker's alone.
    pub cpu_ms: f64,
    /// Requests to Durable Objects, alarms included.
    pub object_requests: f64,
    /// Seconds Durable Objects had something in hand, summed over them: an idle one that may hibernate is not billed.
    pub object_s: f64,
    /// Rows written, alarms set included.
    pub rows: f64,
    /// HTTP requests to Redis.
    pub redis_requests: f64,
    /// Redis commands.
    pub redis_commands: f64,
}

impl AddAssign for Used {
    fn add_assign(&mut self, more: Used) {
        self.seconds += more.seconds;
        self.logs += more.logs;
        self.requests += more.requests;
        self.cpu_ms += more.cpu_ms;
        self.object_requests += more.object_requests;
        self.object_s += more.object_s;
        self.rows += more.rows;
        self.redis_requests += more.redis_requests;
        self.redis_commands += more.redis_commands;
    }
}

impl Used {
    /// Dollars per million logs.
    pub fn dollars_per_million(&self) -> f64 {
        let used = [
            self.requests,
            self.cpu_ms,
            self.object_requests,
            self.object_s * OBJECT_GB,
            self.rows,
            self.redis_commands,
        ];
        let millionths: f64 = PRICES.iter().zip(used).map(|((_, price, _), used)| price * used).sum();
        millionths / self.logs
    }
}
