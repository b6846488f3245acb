//! `DELETE /logs/clear`.

use super::answer::{Answer, RETRY_AFTER_S};
use super::hop::{self, Lost};
use super::{Visit, now};
use crate::access::Action;
use crate::buffer::wire::{self, ClearQuery, ClearReply, SweepQuery};
use crate::query::Query;
use crate::redis::{Client, Commands, KEY_PREFIX, Reply};
use serde::Serialize;
use worker::{Request, console_error};

/// Keys one `SCAN` looks at, at least.
const SCAN_COUNT: i64 = 10_000;
/// Keys one `SCAN` looks at, at most: Redis does nothing else meanwhile.
const SCAN_COUNT_MAX: i64 = 100_000;
/// Keys of one sweep at most: a shard deletes them in one request.
const SWEEP_KEYS: usize = 1_000;
/// `SCAN`s of one clear at most: no more requests than the platform lets one make.
const SCANS_MAX: i64 = 40;
/// `SCAN`s that a clear plans to make: it may look at somewhat more keys than `DBSIZE` counted.
const SCANS_PLANNED: i64 = 30;
/// A clear waits for a flush under way and deletes every list: it may take so many times as long as a hop.
const CLEAR_HOPS: u32 = 6;

#[derive(Serialize)]
struct Cleared {
    success: bool,
    deleted: u64,
    message: String,
    cleared_traces: u64,
    cleared_logs: u64,
    cleared_at: i64,
}

#[derive(Serialize)]
struct Failed<'a> {
    success: bool,
    error: &'static str,
    details: &'a str,
}

/// Answers `DELETE /logs/clear`.
pub async fn delete(request: &Request, visit: &Visit) -> Answer {
    if let Err(denied) = visit.authorize(Action::Admin) {
        return Answer::error(denied.status(), denied.reason());
    }
    let one = Query::of(&request.inner().url()).get("trace_id");
    if one.as_deref() == Some("") {
        return Answer::error(400, "trace_id must not be empty: leave it out to clear every trace");
    }
    let cleared = match one {
        Some(trace_id) => clear_one(visit, trace_id).await,
        None => clear_all(visit).await,
    };
    match cleared {
        Ok(cleared) => {
            let message = format!("Cleared {} traces with {} logs", cleared.traces, cleared.logs);
            Answer::json(
                200,
                &Cleared {
                    success: true,
                    deleted: cleared.traces,
                    message,
                    cleared_traces: cleared.traces,
                    cleared_logs: cleared.logs,
                    cleared_at: now(),
                },
            )
        }
        Err(why) => {
            console_error!("a clear failed: {why}");
            Answer::json(500, &Failed { success: false, error: "Failed to clear logs", details: &why })
                .with("Retry-After", RETRY_AFTER_S.to_string())
        }
    }
}

async fn clear_one(visit: &Visit, trace_id: String) -> Result<ClearReply, String> {
    let shard = wire::shard_of(&trace_id, visit.config.shards);
    ask(visit, shard, wire::CLEAR, &ClearQuery { trace_id: Some(trace_id) }).await
}

/// Every shard deletes what it owns; then lists that no shard owns, an earlier worker's, are looked for.
async fn clear_all(visit: &Visit) -> Result<ClearReply, String> {
    let mut cleared = ClearReply::default();
    for shard in 0..visit.config.shards {
        add(&mut cleared, ask(visit, shard, wire::CLEAR, &ClearQuery { trace_id: None }).await?);
    }
    let access = visit.config.redis.clone().ok_or("no Redis is configured")?;
    let client = Client::new(access, visit.config.redis_timeout_ms);
    let count =
        count_keys(&client).await?.div_euclid(SCANS_PLANNED).clamp(SCAN_COUNT, SCAN_COUNT_MAX).to_string();
    let mut cursor = "0".to_string();
    for _ in 0..SCANS_MAX {
        let (next, keys) = scan(&client, &cursor, &count).await?;
        let mut by_shard: Vec<Vec<String>> = (0..visit.config.shards).map(|_| Vec::new()).collect();
        for trace_id in keys.iter().filter_map(|key| key.strip_prefix(KEY_PREFIX)) {
            let shard = wire::shard_of(trace_id, visit.config.shards);
            if let Some(traces) = by_shard.get_mut(shard as usize) {
                traces.push(trace_id.to_string());
            }
        }
        for (shard, traces) in (0..).zip(by_shard) {
            for traces in traces.chunks(SWEEP_KEYS) {
                let query = SweepQuery { traces: traces.to_vec() };
                add(&mut cleared, ask(visit, shard, wire::SWEEP, &query).await?);
            }
        }
        cursor = next;
        if cursor == "0" {
            return Ok(cleared);
        }
    }
    Err(format!(
        "every list this worker knows of is deleted, but the database has more keys than one clear looks through; \
         lists of an earlier worker may be left: delete its `{KEY_PREFIX}*` with redis-cli"
    ))
}

/// How many keys the database has.
async fn count_keys(client: &Client) -> Result<i64, String> {
    let mut commands = Commands::new();
    commands.push("DBSIZE", []);
    let items = client.pipeline(commands).await.map_err(|failure| failure.to_string())?;
    match items.into_iter().next() {
        Some(Ok(Reply::Integer(keys))) => Ok(keys),
        // It only saves requests.
        _ => Ok(0),
    }
}

fn add(sum: &mut ClearReply, reply: ClearReply) {
    sum.traces += reply.traces;
    sum.logs += reply.logs;
}

async fn ask(visit: &Visit, shard: u32, path: &str, query: &impl Serialize) -> Result<ClearReply, String> {
    let body = serde_json::to_vec(query).unwrap_or_default();
    let timeout = visit.config.hop_timeout_ms.saturating_mul(CLEAR_HOPS);
    let reply = hop::call(&visit.env, shard, path, body, timeout).await;
    reply.and_then(|body| hop::read(&body)).map_err(|lost| match lost {
        Lost::Status(_, said) => said,
        Lost::Uncertain(why) => format!("the log buffer did not answer: {why}"),
    })
}

async fn scan(client: &Client, cursor: &str, count: &str) -> Result<(String, Vec<String>), String> {
    let mut commands = Commands::new();
    commands.push("SCAN", [cursor, "MATCH", &format!("{KEY_PREFIX}*"), "COUNT", count]);
    let items = client.pipeline(commands).await.map_err(|failure| failure.to_string())?;
    let unusable = || "Redis gave no usable answer to SCAN".to_string();
    let Some(Ok(Reply::List(parts))) = items.into_iter().next() else { return Err(unusable()) };
    let mut parts = parts.into_iter();
    let cursor = match parts.next() {
        Some(Reply::Text(cursor)) => cursor,
        Some(Reply::Integer(cursor)) => cursor.to_string(),
        _ => return Err(unusable()),
    };
    let keys = parts.next().and_then(Reply::into_strings).ok_or_else(unusable)?;
    Ok((cursor, keys))
}
