//! What is measured: a worker in workerd itself (no wrangler in between), with a Redis of its own.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use ops::{
    upstash::{Fault, Server},
    workerd::{Config, Workerd},
};
use serde_json::Value;

use crate::{cost::Used, load};

/// Which worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The real bundle, over so many shards.
    Ours(u32),
    /// The reference.
    Reference,
    /// A worker that carries logs the way ours does, and reads none of them.
    Carrier,
    /// A hello-world worker in JavaScript.
    Hello,
    /// A hello-world worker in Rust, built the same way as the real one.
    HelloRust,
}

impl Subject {
    /// What the tables call it.
    pub fn name(self) -> String {
        match self {
            Subject::Ours(1) => "worker".into(),
            Subject::Ours(shards) => format!("worker, {shards} shards"),
            Subject::Reference => "reference".into(),
            Subject::Carrier => "carrier".into(),
            Subject::Hello => "hello".into(),
            Subject::HelloRust => "hello, Rust".into(),
        }
    }
}

/// Quotas nobody meets, unless a case is about them.
const NO_LIMIT: &str = "16000000";

/// A running worker and its Redis.
pub struct World {
    pub subject: Subject,
    pub worker: Workerd,
    pub redis: Server,
    _disk: tempfile::TempDir,
}

/// What was counted up to some moment.
#[derive(Clone, Copy, Default)]
pub struct Count {
    cpu: Duration,
    used: Used,
    /// Logs that the worker says it stored, where it says so.
    stored: Option<f64>,
    at: Option<Instant>,
}

impl World {
    /// Starts a worker whose Redis takes `latency` to answer; `vars` are added.
    pub async fn start(subject: Subject, latency: Duration, vars: &[(&str, &str)]) -> World {
        World::with(subject, latency, vars, &[]).await
    }

    /// As [`World::start`], with flags for V8.
    pub async fn with(
        subject: Subject,
        latency: Duration,
        vars: &[(&str, &str)],
        v8_flags: &[&str],
    ) -> World {
        let redis = Server::memory().await.expect("a loopback port");
        if !latency.is_zero() {
            redis.faults().set(Fault::latency(latency));
        }
        let disk = tempfile::tempdir_in(scratch()).expect("room for the objects' storage");
        let workers = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/worker/workers");
        let script = |name: &str| {
            let folder = disk.path().join("bundle");
            std::fs::create_dir_all(&folder).expect("a folder for the bundle");
            std::fs::copy(workers.join(name), folder.join("entry.js")).expect("the bundle is copied");
            folder
        };
        let config = match subject {
            Subject::Ours(shards) => {
                let toml = Path::new(env!("CARGO_MANIFEST_DIR")).join("wrangler.toml");
                let mut config = Config::from_wrangler(built("build"), &toml, None).expect("wrangler.toml");
                config = config.var("LOG_BUFFER_SHARDS", shards.to_string());
                for quota in ["GLOBAL", "BROWSER", "CONVEX", "WORKER", "MANUAL", "TRACE"] {
                    config = config.var(&format!("RATE_LIMIT_{quota}"), NO_LIMIT);
                }
                config
            }
            Subject::Reference => {
                Config::new(script("reference.mjs"), DATE).object("RATE_LIMIT_STATE", "RateLimiterDO")
            }
            Subject::Carrier => Config::new(script("carrier.mjs"), DATE).object("LOG_BUFFER", "LogBuffer"),
            Subject::Hello => Config::new(script("hello.mjs"), DATE),
            Subject::HelloRust => Config::new(built("build-hello"), DATE),
        };
        let mut config = config
            .var("UPSTASH_REDIS_REST_URL", redis.url())
            .var("UPSTASH_REDIS_REST_TOKEN", redis.token())
            .disk(disk.path().join("objects"));
        for (name, value) in vars {
            config = config.var(name, *value);
        }
        config.v8_flags = v8_flags.iter().map(ToString::to_string).collect();
        std::fs::create_dir_all(disk.path().join("objects")).expect("a folder for the objects");
        let worker = Workerd::start(config).await.expect("workerd starts");
        World { subject, worker, redis, _disk: disk }
    }

    /// GETs a path, which must answer with JSON.
    pub async fn get(&self, path: &str) -> Value {
        let answer = load::fetch(&mut None, self.worker.port(), ("GET", path.into(), String::new())).await;
        answer.and_then(|(_, body)| serde_json::from_slice(&body).ok()).unwrap_or_default()
    }

    /// Waits until Redis has all that was acknowledged.
    pub async fn drained(&self) {
        if !matches!(self.subject, Subject::Ours(_)) {
            return;
        }
        let end = Instant::now() + Duration::from_secs(60);
        while Instant::now() < end {
            let health = self.get("/health").await;
            if health["components"]["buffer"]["waiting"] == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the backlog does not drain: {}", self.get("/health").await);
    }

    /// Counts what was used so far; `requests` and `logs` are the caller's to know.
    pub async fn count(&self, requests: u64, logs: u64) -> Count {
        let redis = self.redis.stats();
        let mut used = Used {
            logs: logs as f64,
            requests: requests as f64,
            redis_requests: redis.requests as f64,
            redis_commands: redis.commands as f64,
            ..Used::default()
        };
        let mut stored = None;
        match self.subject {
            Subject::Ours(_) => {
                let health = self.get("/health").await;
                let totals = &health["components"]["buffer"]["totals"];
                stored = totals["appended"].as_f64();
                let total = |name: &str| totals[name].as_f64().unwrap_or(0.0);
                // The quota's keeper stores its ledger each time it is asked.
                used.rows = total("rows_written") + total("lease_calls");
                // The quota's keeper works while it is asked; that it is asked by several at once is not made use of.
                used.object_s = (total("awake_ms") + total("lease_ms")) / 1_000.0;
                used.object_requests = total("requests") + total("lease_calls") + total("alarms");
            }
            // One `put` and one call of its object a log. How long it works is not counted, in its favour.
            Subject::Reference => (used.rows, used.object_requests) = (logs as f64, requests as f64),
            Subject::Carrier | Subject::Hello | Subject::HelloRust => {}
        }
        let cpu = self.worker.usage().map(|usage| usage.cpu).unwrap_or_default();
        Count { cpu, used, stored, at: Some(Instant::now()) }
    }

    /// What was used between two counts. What was answered with 200 must have been stored, each log of it.
    pub fn between(&self, before: &Count, after: &Count) -> Used {
        let (b, a) = (before.used, after.used);
        if let (Some(before), Some(after)) = (before.stored, after.stored) {
            assert_eq!(after - before, a.logs - b.logs, "logs stored, and logs in answers with 200");
        }
        let wall = after.at.zip(before.at).map(|(after, before)| after - before).unwrap_or_default();
        Used {
            seconds: wall.as_secs_f64(),
            logs: a.logs - b.logs,
            requests: a.requests - b.requests,
            cpu_ms: (after.cpu - before.cpu).as_secs_f64() * 1_000.0,
            object_requests: a.object_requests - b.object_requests,
            object_s: a.object_s - b.object_s,
            rows: a.rows - b.rows,
            redis_requests: a.redis_requests - b.redis_requests,
            redis_commands: a.redis_commands - b.redis_commands,
        }
    }

    /// The most memory workerd ever had, in MB.
    pub fn peak_mb(&self) -> f64 {
        self.worker.usage().map_or(f64::NAN, |usage| usage.peak_rss_bytes as f64 / 1e6)
    }
}

/// The compatibility date of the workers that are not ours.
const DATE: &str = "2026-11-01";

/// A bundle under the project's root.
fn built(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name).join("bundle")
}

/// Where objects store: in memory where there is a file system for that, so that one machine's disk is no part of a
/// ratio; `BENCH_DISK` chooses another place.
fn scratch() -> PathBuf {
    let shm = PathBuf::from("/dev/shm");
    match std::env::var_os("BENCH_DISK") {
        Some(folder) => folder.into(),
        None if shm.is_dir() => shm,
        None => std::env::temp_dir(),
    }
}
