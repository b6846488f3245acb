//! `GET /health`.

use super::answer::{Answer, ENDPOINTS, Endpoints, SERVICE};
use super::hop::{self, Lost};
use super::limiter::{self, LimiterStatus};
use super::settings;
use super::{Visit, now};
use crate::access::Action;
use crate::buffer::row;
use crate::buffer::wire::{self, Counters, StatusReply};
use crate::config::{Environment, Problem};
use crate::entry::{Level, System};
use crate::intake::noise;
use crate::quota::{LEDGER_LAYOUT, Limits, PerSystem, WINDOW_MS};
use crate::redaction;
use crate::redis::{Client, Commands};
use futures_util::future::{join_all, join3};
use serde::Serialize;
use std::collections::BTreeMap;

/// How long Redis may take to say PONG, in ms: a health check must not take as long as a flush may.
const PING_TIMEOUT_MS: u32 = 3_000;

#[derive(Serialize)]
struct Health {
    status: &'static str,
    service: &'static str,
    timestamp: i64,
    environment: &'static str,
    version: Version,
    components: Components,
    endpoints: Endpoints,
    cost_model: CostModel,
}

#[derive(Serialize)]
struct Version {
    id: String,
    tag: String,
    layouts: Layouts,
}

/// The newest layout of stored state that this version's code reads, and writes. It reads all before it: whether a
/// version can take over what another one stored is seen here before it has to.
#[derive(Serialize)]
struct Layouts {
    buffer: u8,
    rate_limiter: u8,
}

const LAYOUTS: Layouts = Layouts { buffer: row::LAYOUT, rate_limiter: LEDGER_LAYOUT };

#[derive(Serialize)]
struct Components {
    redis: Redis,
    rate_limiter: RateLimiter,
    log_processor: LogProcessor,
    buffer: Buffer,
}

#[derive(Serialize)]
struct Redis {
    status: &'static str,
    url: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
struct RateLimiter {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    config: QuotaConfig,
    current_state: CurrentState,
    window_remaining_ms: i64,
    /// Logs let through beyond what was granted, while the quota's keeper was unreachable.
    overdrawn: u64,
    unreachable_from: Vec<u32>,
    /// The version of the code the quota's keeper runs; absent when it does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// The layout of what it stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    layout: Option<u8>,
}

#[derive(Serialize)]
struct QuotaConfig {
    global_limit: u64,
    system_limits: BySystem,
    per_trace_limit: u64,
    window_ms: i64,
    fail_open_allowance: u64,
}

/// One number a system.
#[derive(Serialize, Default)]
struct BySystem {
    browser: u64,
    convex: u64,
    worker: u64,
    manual: u64,
}

impl BySystem {
    fn add(&mut self, [browser, convex, worker, manual]: PerSystem) {
        self.browser += browser;
        self.convex += convex;
        self.worker += worker;
        self.manual += manual;
    }
}

#[derive(Serialize, Default)]
struct CurrentState {
    global_current: u64,
    system_current: BySystem,
    trace_counts: BTreeMap<String, u64>,
    window_start: i64,
}

#[derive(Serialize)]
struct LogProcessor {
    status: &'static str,
    processor_status: &'static str,
    redaction_patterns: usize,
    /// What was redacted since the buffers started, by rule.
    redactions: BTreeMap<String, u64>,
    suppression_patterns: usize,
    supported_levels: Vec<&'static str>,
    supported_systems: Vec<&'static str>,
    timestamp: i64,
}

#[derive(Serialize)]
struct Buffer {
    status: &'static str,
    waiting: u64,
    waiting_bytes: u64,
    oldest_waiting_ms: i64,
    set_aside: u64,
    late_doubles: u64,
    /// Viewers of a live tail.
    viewers: u64,
    /// Bytes of wasm memory, the largest instance's.
    memory_bytes: u64,
    totals: Counters,
    shards: Vec<Shard>,
}

#[derive(Serialize)]
struct Shard {
    status: &'static str,
    shard: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(flatten)]
    state: Option<StatusReply>,
}

#[derive(Serialize)]
struct CostModel {
    redis_commands_per_log: Option<f64>,
    rows_written_per_log: Option<f64>,
    note: &'static str,
}

const COST_NOTE: &str = "per log stored since the buffers started; alarms and checkpoints included";

/// Answers `GET /health`: 200 when all is well, 503 with the reasons when not.
pub async fn get(visit: &Visit) -> Answer {
    let shards = join_all((0..visit.config.shards).map(|shard| async move {
        let reply = hop::call(&visit.env, shard, wire::STATUS, Vec::new(), visit.config.hop_timeout_ms).await;
        (shard, reply.and_then(|body| hop::read::<StatusReply>(&body)))
    }));
    let (redis, ledger, shards) = join3(redis(visit), ledger(visit), shards).await;
    // Who may not read logs sees no trace id either.
    let open = visit.config.environment == Environment::Development || visit.authorize(Action::Read).is_ok();
    let mut shards: Vec<Shard> =
        shards.into_iter().map(|(shard, reply)| shard_health(shard, reply)).collect();
    let rate_limiter = rate_limiter(&visit.config.limits, &ledger, &mut shards, open);
    let redactions = redactions(&mut shards);
    let buffer = buffer(shards, open);
    let well = redis.status == "healthy" && buffer.status == "healthy" && rate_limiter.status == "healthy";
    let (id, tag) = settings::version(&visit.env);
    let health = Health {
        status: if well { "healthy" } else { "degraded" },
        service: SERVICE,
        timestamp: now(),
        environment: visit.config.environment.as_str(),
        version: Version { id, tag, layouts: LAYOUTS },
        components: Components {
            redis,
            rate_limiter,
            log_processor: LogProcessor {
                status: "healthy",
                processor_status: "operational",
                redaction_patterns: redaction::pattern_count(),
                redactions,
                suppression_patterns: noise::PATTERNS.len(),
                supported_levels: Level::ALL.map(Level::as_str).to_vec(),
                supported_systems: System::ALL.map(System::as_str).to_vec(),
                timestamp: now(),
            },
            buffer,
        },
        endpoints: ENDPOINTS,
        cost_model: CostModel { redis_commands_per_log: None, rows_written_per_log: None, note: COST_NOTE },
    };
    let totals = health.components.buffer.totals;
    #[allow(clippy::cast_precision_loss)]
    let per_log = |count: u64| (totals.appended > 0).then(|| count as f64 / totals.appended as f64);
    let cost_model = CostModel {
        redis_commands_per_log: per_log(totals.redis_commands),
        rows_written_per_log: per_log(totals.rows_written),
        note: COST_NOTE,
    };
    Answer::json(if well { 200 } else { 503 }, &Health { cost_model, ..health })
}

/// 503 while a setting cannot be used.
pub fn misconfigured(problems: &[Problem]) -> Answer {
    let named: Vec<String> = problems.iter().map(ToString::to_string).collect();
    #[derive(Serialize)]
    struct Unhealthy {
        status: &'static str,
        service: &'static str,
        timestamp: i64,
        configuration: Vec<String>,
    }
    let unhealthy =
        Unhealthy { status: "degraded", service: SERVICE, timestamp: now(), configuration: named };
    Answer::json(503, &unhealthy)
}

async fn ledger(visit: &Visit) -> Result<LimiterStatus, Lost> {
    let stub = hop::object(&visit.env, limiter::BINDING, limiter::NAME)?;
    let body =
        hop::send(&stub, limiter::STATUS, &wasm_bindgen::JsValue::NULL, visit.config.hop_timeout_ms).await?;
    hop::read(&body)
}

async fn redis(visit: &Visit) -> Redis {
    let Some(access) = visit.config.redis.clone() else {
        let error = Some("set the secrets UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN".to_string());
        return Redis { status: "unhealthy", url: "missing", error };
    };
    let mut commands = Commands::new();
    commands.push("PING", []);
    let timeout = visit.config.redis_timeout_ms.min(PING_TIMEOUT_MS);
    let error = match Client::new(access, timeout).pipeline(commands).await {
        Ok(items) => items.into_iter().next().and_then(Result::err),
        Err(failure) => Some(failure.to_string()),
    };
    let status = if error.is_none() { "healthy" } else { "unhealthy" };
    Redis { status, url: "configured", error }
}

fn shard_health(shard: u32, reply: Result<StatusReply, Lost>) -> Shard {
    match reply {
        Ok(state) => {
            let behind = state.failing_since.is_some() || !state.set_aside.is_empty();
            Shard {
                shard,
                status: if behind { "degraded" } else { "healthy" },
                error: None,
                state: Some(state),
            }
        }
        Err(lost) => Shard { shard, status: "unhealthy", error: Some(lost.to_string()), state: None },
    }
}

fn rate_limiter(
    limits: &Limits,
    limiter: &Result<LimiterStatus, Lost>,
    shards: &mut [Shard],
    open: bool,
) -> RateLimiter {
    let mut current = CurrentState::default();
    let mut system_limits = BySystem::default();
    system_limits.add(limits.systems);
    let mut overdrawn = 0;
    let mut unreachable_from = Vec::new();
    let told = shards.iter().filter_map(|shard| shard.state.as_ref()).map(|state| state.window).max();
    let window = limiter.as_ref().map_or(told.unwrap_or(0), |limiter| limiter.ledger.window);
    if let Ok(LimiterStatus { ledger, .. }) = limiter {
        current.global_current = ledger.earlier_global;
        current.system_current.add(ledger.earlier);
        if open {
            current.trace_counts = ledger.earlier_traces.clone();
        }
    }
    for shard in shards {
        let Some(state) = &mut shard.state else { continue };
        if state.limiter_unreachable {
            unreachable_from.push(shard.shard);
        }
        if state.window != window {
            continue;
        }
        overdrawn += state.overdrawn;
        current.global_current += state.spent.iter().sum::<u64>();
        current.system_current.add(state.spent);
        let counts = std::mem::take(&mut state.trace_counts);
        if open {
            current.trace_counts.extend(counts);
        }
    }
    current.window_start = window;
    let remaining = if window == 0 { WINDOW_MS } else { (window + WINDOW_MS - now()).clamp(0, WINDOW_MS) };
    RateLimiter {
        status: if limiter.is_ok() && unreachable_from.is_empty() { "healthy" } else { "degraded" },
        error: limiter.as_ref().err().map(ToString::to_string),
        config: QuotaConfig {
            global_limit: limits.global,
            system_limits,
            per_trace_limit: limits.trace,
            window_ms: WINDOW_MS,
            fail_open_allowance: crate::quota::FAIL_OPEN_ALLOWANCE,
        },
        current_state: current,
        window_remaining_ms: remaining,
        overdrawn,
        unreachable_from,
        version: limiter.as_ref().ok().map(|limiter| limiter.version.clone()).filter(|id| !id.is_empty()),
        layout: limiter.as_ref().ok().map(|limiter| limiter.ledger.v),
    }
}

fn redactions(shards: &mut [Shard]) -> BTreeMap<String, u64> {
    let mut sum = BTreeMap::new();
    for state in shards.iter_mut().filter_map(|shard| shard.state.as_mut()) {
        for (rule, count) in std::mem::take(&mut state.redactions) {
            *sum.entry(rule).or_default() += count;
        }
    }
    sum
}

fn buffer(mut shards: Vec<Shard>, open: bool) -> Buffer {
    let mut totals = Counters::default();
    let (mut waiting, mut waiting_bytes, mut oldest_waiting_ms, mut set_aside) = (0, 0, 0, 0);
    let (mut memory_bytes, mut viewers) = (0, 0);
    for shard in &mut shards {
        let Some(state) = &mut shard.state else { continue };
        waiting += state.waiting;
        memory_bytes = memory_bytes.max(state.memory_bytes);
        viewers += state.viewers;
        waiting_bytes += state.waiting_bytes;
        oldest_waiting_ms = oldest_waiting_ms.max(state.oldest_waiting_ms);
        set_aside += state.set_aside_entries;
        totals.add(&state.counters);
        // Those of the window are shown beside the limits.
        state.trace_counts.clear();
        if !open {
            state.set_aside.clear();
        }
    }
    let well = shards.iter().all(|shard| shard.status == "healthy");
    Buffer {
        status: if well { "healthy" } else { "degraded" },
        waiting,
        waiting_bytes,
        oldest_waiting_ms,
        set_aside,
        late_doubles: totals.late_doubles,
        viewers,
        memory_bytes,
        totals,
        shards,
    }
}
