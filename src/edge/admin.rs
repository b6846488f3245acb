//! What an operator may do to quotas and buffers: `GET /limiter/status`, `GET /limiter/check`, `POST /limiter/reset`,
//! `POST /buffer/drain`.

use super::Visit;
use super::answer::{Answer, RETRY_AFTER_S};
use super::hop::{self, Lost};
use super::limiter::{self, LimiterStatus};
use crate::access::Action;
use crate::answers::Fate;
use crate::buffer::wire::{self, CheckQuery, CheckReply, Outcome, StatusReply};
use crate::entry::System;
use crate::query::Query;
use futures_util::future::join_all;
use serde::Serialize;
use wasm_bindgen::JsValue;
use worker::Request;

#[derive(Serialize)]
struct Drained {
    success: bool,
    /// Entries not yet in Redis, of the shards that answered.
    waiting: u64,
    shards: Vec<DrainedShard>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
struct DrainedShard {
    shard: u32,
    waiting: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Answers `GET /limiter/status`: quotas, what is left of them, and who holds what.
pub async fn limiter_status(visit: &Visit) -> Answer {
    tell(visit, limiter::STATUS).await
}

#[derive(Serialize)]
struct Checked<'a> {
    allowed: bool,
    trace_id: &'a str,
    system: System,
    /// Logs the system may still store, as `POST /log` would have told it before this one.
    remaining_quota: u64,
    /// Logs the trace may still store.
    trace_remaining: u64,
    /// End of the window, Unix ms.
    window_end: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Answers `GET /limiter/check?trace_id=…&system=…`: how the next such log would be judged. Spends nothing.
pub async fn limiter_check(request: &Request, visit: &Visit) -> Answer {
    if let Err(denied) = visit.authorize(Action::Admin) {
        return Answer::error(denied.status(), denied.reason());
    }
    let url = request.inner().url();
    let query = Query::of(&url);
    let Some(trace_id) = query.get("trace_id").filter(|trace_id| !trace_id.is_empty()) else {
        return Answer::error(400, "trace_id parameter is required");
    };
    let Some(system) = query.get("system").and_then(|system| System::parse(&system)) else {
        return Answer::error(400, "system must be one of: browser, convex, worker, manual");
    };
    let shard = wire::shard_of(&trace_id, visit.config.shards);
    let query = CheckQuery { trace_id, system };
    let body = serde_json::to_vec(&query).unwrap_or_default();
    let reply = hop::call(&visit.env, shard, wire::CHECK, body, visit.config.hop_timeout_ms).await;
    let CheckReply { outcome, trace_left, window_end, .. } =
        match reply.and_then(|body| hop::read::<CheckReply>(&body)) {
            Ok(checked) => checked,
            Err(lost) => return unanswered(&lost),
        };
    let fate = Fate::of(outcome, query.trace_id.as_str().into(), system, window_end);
    let remaining_quota = match outcome {
        Outcome::Stored { left } => left.min(trace_left),
        _ => 0,
    };
    let allowed = fate.status() == 200;
    let told = Checked {
        allowed,
        trace_id: &query.trace_id,
        system,
        remaining_quota,
        trace_remaining: trace_left,
        window_end,
        error: fate.error(),
    };
    Answer::json(200, &told)
}

/// Answers `POST /limiter/reset`: forgets what was spent in this window.
pub async fn limiter_reset(visit: &Visit) -> Answer {
    if let Err(denied) = visit.authorize(Action::Admin) {
        return Answer::error(denied.status(), denied.reason());
    }
    let answer = tell(visit, limiter::RESET).await;
    // A shard hears of the new window with its next request: that is to be now.
    let told = (0..visit.config.shards)
        .map(|shard| hop::call(&visit.env, shard, wire::RECALL, Vec::new(), visit.config.hop_timeout_ms));
    match join_all(told).await.into_iter().find_map(Result::err) {
        None => answer,
        Some(lost) => unanswered(&lost),
    }
}

/// Answers `POST /buffer/drain`: sends all that waits to Redis. 200 once nothing does, and only then is another number
/// of shards accepted; 503 with how much waits before that: ask again.
pub async fn drain(visit: &Visit) -> Answer {
    if let Err(denied) = visit.authorize(Action::Admin) {
        return Answer::error(denied.status(), denied.reason());
    }
    let known = match ask(visit, limiter::STATUS).await.and_then(|body| hop::read::<LimiterStatus>(&body)) {
        Ok(status) => status.ledger.shard_count,
        Err(lost) => return unanswered(&lost),
    };
    let shards = (0..visit.config.shards.max(known)).map(|shard| async move {
        let reply = hop::call(&visit.env, shard, wire::DRAIN, Vec::new(), visit.config.hop_timeout_ms).await;
        match reply.and_then(|body| hop::read::<StatusReply>(&body)) {
            Ok(status) => DrainedShard { shard, waiting: status.waiting, error: status.last_error },
            Err(lost) => DrainedShard { shard, waiting: 0, error: Some(lost.to_string()) },
        }
    });
    let shards = join_all(shards).await;
    let waiting = shards.iter().map(|shard| shard.waiting).sum();
    let mut drained = Drained { success: false, waiting, shards, error: None };
    if waiting == 0 && drained.shards.iter().all(|shard| shard.error.is_none()) {
        match ask(visit, limiter::RESHARD).await {
            Ok(_) => drained.success = true,
            Err(lost) => drained.error = Some(lost.to_string()),
        }
    }
    let status = if drained.success { 200 } else { 503 };
    let answer = Answer::json(status, &drained);
    if drained.success { answer } else { answer.with("Retry-After", RETRY_AFTER_S.to_string()) }
}

async fn tell(visit: &Visit, path: &str) -> Answer {
    if let Err(denied) = visit.authorize(Action::Admin) {
        return Answer::error(denied.status(), denied.reason());
    }
    match ask(visit, path).await {
        Ok(status) => Answer::raw(200, status),
        Err(lost) => unanswered(&lost),
    }
}

async fn ask(visit: &Visit, path: &str) -> Result<Vec<u8>, Lost> {
    let stub = hop::object(&visit.env, limiter::BINDING, limiter::NAME)?;
    hop::send(&stub, path, &JsValue::NULL, visit.config.hop_timeout_ms).await
}

fn unanswered(lost: &Lost) -> Answer {
    Answer::error(503, &lost.to_string()).with("Retry-After", RETRY_AFTER_S.to_string())
}
