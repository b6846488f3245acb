//! The cases: what is sent, and what is counted meanwhile.

use std::{sync::Arc, time::Duration};

use log_ingestion_worker::buffer::MAX_IDS;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    cost::Used,
    load::{self, Load, Script, Stretch},
    replay::{Form, replay},
    world::{Subject, World},
};

/// One line of the table.
#[derive(Serialize)]
pub struct Row {
    /// What was done.
    pub case: String,
    /// To whom.
    pub subject: String,
    /// Answers a second, and logs in them.
    pub requests_s: f64,
    pub logs_s: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    /// CPU of workerd per log, or per request where no log is sent, in µs.
    pub cpu_us: f64,
    /// The most memory workerd had, in MB.
    pub peak_mb: f64,
    /// Requests not answered with 200.
    pub refused: u64,
    /// What was used, in all.
    pub used: Used,
    /// Dollars per million logs.
    pub dollars: Option<f64>,
    /// From acknowledgement to the LIST for 99 of 100 logs, in ms; of replays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visible_p99_ms: Option<f64>,
}

/// How long a case runs.
#[derive(Clone, Copy)]
pub struct Pace {
    pub warm_up: Duration,
    pub measured: Duration,
    pub replayed: Duration,
}

/// A log of a trace.
pub fn log(trace: &str, bytes: usize) -> Value {
    let message = "User clicked the button and the page loaded ".repeat(bytes.div_ceil(44));
    json!({
        "trace_id": trace, "message": &message[..bytes], "level": "info", "system": "browser", "user_id": "anonymous",
        "context": {"url": "https://app.example.com/orders", "userAgent": "Mozilla/5.0 (X11; Linux x86_64)"},
    })
}

fn post(body: String) -> (&'static str, String, String) {
    ("POST", "/log".into(), body)
}

/// Single posts, each of a trace of its own.
pub fn unique() -> Script {
    Arc::new(|n| post(log(&format!("trace_{n:016}"), 44).to_string()))
}

/// Single posts over so many traces, with messages of so many bytes.
pub fn hot(traces: u64, bytes: usize) -> Script {
    Arc::new(move |n| post(log(&format!("trace_hot_{:04}", n % traces), bytes).to_string()))
}

/// Batches of so many, each of a trace of its own.
pub fn batches(size: u64) -> Script {
    Arc::new(move |n| {
        // One page's logs: no two messages are alike, their contexts are.
        let nth = |of: u64| {
            let mut log = log(&format!("trace_{n:016}"), 44);
            log["message"] = format!("User clicked button {of:03} and the page loaded {of}").into();
            log
        };
        post(Value::Array((0..size).map(nth).collect()).to_string())
    })
}

/// Batches of so many traces, one log each.
pub fn spread(size: u64) -> Script {
    Arc::new(move |n| {
        let logs: Vec<Value> =
            (0..size).map(|of| log(&format!("trace_live_{:016}", n * size + of), 44)).collect();
        post(Value::Array(logs).to_string())
    })
}

/// A read.
pub fn get(path: &str) -> Script {
    let path = path.to_owned();
    Arc::new(move |_| ("GET", path.clone(), String::new()))
}

/// Logs that are sent to one world at most. A shard remembers the ids of an hour, and has no room for more than
/// [`MAX_IDS`]: a fast machine sends as many within ten seconds.
const WORLD_LOGS: u64 = MAX_IDS as u64 / 10 * 9;
/// Of which so many are not counted.
const WARM_UP_LOGS: u64 = WORLD_LOGS / 3;

/// A closed loop, and what was measured of it so far: slice by slice, in one world or in several.
pub struct Loop {
    pub case: String,
    pub subject: Subject,
    connections: usize,
    logs: u64,
    script: Script,
    /// Numbers of the script that were used.
    sent: u64,
    load: Load,
    used: Used,
    peak_mb: f64,
}

impl Loop {
    /// Of which nothing was measured yet. `logs` are those of one request.
    pub fn new(case: &str, subject: Subject, connections: usize, logs: u64, script: &Script) -> Loop {
        let (case, script) = (case.into(), script.clone());
        let (sent, load, used, peak_mb) = (0, Load::default(), Used::default(), 0.0);
        Loop { case, subject, connections, logs, script, sent, load, used, peak_mb }
    }

    /// Runs it, and counts nothing.
    pub async fn warm_up(&mut self, world: &World, time: Duration) {
        self.run(world, time, WARM_UP_LOGS).await;
    }

    /// Runs one of so many slices in this world, and counts until nothing of it is left to be done.
    pub async fn slice(&mut self, world: &World, time: Duration, slices: u64) {
        let before = world.count(0, 0).await;
        let load = self.run(world, time, (WORLD_LOGS - WARM_UP_LOGS) / slices).await;
        let after = world.count(load.answered, load.answered * self.logs).await;
        self.load.add(load);
        self.used += world.between(&before, &after);
        self.peak_mb = self.peak_mb.max(world.peak_mb());
    }

    /// Sends for so long, or so many logs, and waits until none waits.
    async fn run(&mut self, world: &World, time: Duration, logs: u64) -> Load {
        let stretch = Stretch { time, requests: logs / self.logs.max(1) };
        let load =
            load::closed(world.worker.port(), self.connections, stretch, self.sent, &self.script).await;
        self.sent += load.answered + load.refused;
        world.drained().await;
        load
    }

    /// All slices together.
    pub fn row(&self) -> Row {
        row(self.subject, &self.case, &self.load, self.logs, self.used, self.peak_mb)
    }
}

/// Runs a closed loop, after a warm-up, and counts.
pub async fn closed(
    world: &World,
    name: &str,
    connections: usize,
    logs: u64,
    pace: Pace,
    script: &Script,
) -> Row {
    let mut looped = Loop::new(name, world.subject, connections, logs, script);
    looped.warm_up(world, pace.warm_up).await;
    looped.slice(world, pace.measured, 1).await;
    looped.row()
}

/// Runs an open loop: what its clients wait at that rate.
pub async fn open(world: &World, name: &str, rate: f64, logs: u64, pace: Pace, script: &Script) -> Row {
    let before = world.count(0, 0).await;
    let load = load::open(world.worker.port(), 256, rate, pace.measured, 1 << 40, script).await;
    world.drained().await;
    let after = world.count(load.answered, load.answered * logs).await;
    row(world.subject, name, &load, logs, world.between(&before, &after), world.peak_mb())
}

fn row(subject: Subject, case: &str, load: &Load, logs: u64, used: Used, peak_mb: f64) -> Row {
    let counted = load.answered.max(1) as f64 * logs.max(1) as f64;
    Row {
        case: case.into(),
        subject: subject.name(),
        requests_s: load.per_second(),
        logs_s: load.per_second() * logs as f64,
        p50_ms: load.quantile_ms(0.50),
        p99_ms: load.quantile_ms(0.99),
        cpu_us: used.cpu_ms * 1_000.0 / counted,
        peak_mb,
        refused: load.refused,
        dollars: (logs > 0).then(|| used.dollars_per_million()),
        used,
        visible_p99_ms: None,
    }
}

/// Replays people.
pub async fn people(world: &World, name: &str, form: Form, pace: Pace) -> Row {
    let before = world.count(0, 0).await;
    let replayed = replay(world, form, pace.replayed).await;
    let after = world.count(replayed.requests, replayed.logs).await;
    let used = world.between(&before, &after);
    let seconds = used.seconds;
    Row {
        case: name.into(),
        subject: world.subject.name(),
        requests_s: replayed.requests as f64 / seconds,
        logs_s: replayed.logs as f64 / seconds,
        p50_ms: f64::NAN,
        p99_ms: f64::NAN,
        cpu_us: used.cpu_ms * 1_000.0 / replayed.logs as f64,
        peak_mb: world.peak_mb(),
        refused: replayed.refused,
        dollars: Some(used.dollars_per_million()),
        used,
        visible_p99_ms: matches!(world.subject, Subject::Ours(_)).then_some(replayed.visible_p99_ms),
    }
}
