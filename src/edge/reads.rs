//! `GET /logs` and `GET /traces/recent`.

use super::answer::Answer;
use super::hop::{self, Lost};
use super::list::{self, Unread};
use super::{Visit, now};
use crate::access::Action;
use crate::buffer::wire::{self, ReadHead, RecentQuery, RecentReply, Summary, TraceQuery};
use crate::query::Query;
use crate::read::{ANSWER_MAX_BYTES, Filter, Trace, positive};
use crate::redis::Client;
use futures_util::future::join_all;
use serde::Serialize;
use worker::{Request, console_error};

/// Traces shown when no limit is given (contract).
const RECENT_DEFAULT: usize = 10;
/// Traces shown at most (contract).
const RECENT_MAX: usize = 50;

/// Answers `GET /logs`.
pub async fn logs(request: &Request, visit: &Visit) -> Answer {
    if let Err(denied) = visit.authorize(Action::Read) {
        return Answer::error(denied.status(), denied.reason());
    }
    let url = request.inner().url();
    let query = Query::of(&url);
    let Some(trace_id) = query.get("trace_id").filter(|trace_id| !trace_id.is_empty()) else {
        return Answer::error(400, "trace_id parameter is required");
    };
    let pairs: Vec<_> = query.pairs().collect();
    let filter = match Filter::parse(pairs.iter().map(|(key, value)| (&**key, &**value))) {
        Ok(filter) => filter,
        Err(error) => return Answer::error(400, &error),
    };
    let first = read_trace(visit, &trace_id, &filter).await;
    // One client puts the id into the URL as it is: there a plus is a plus, not a space.
    let literal = query.get_literal("trace_id").filter(|literal| *literal != trace_id);
    let (trace_id, read) = match (literal, first) {
        (Some(literal), Ok(read)) if read.trace.is_empty() && read.partial.is_none() => {
            (literal.clone(), read_trace(visit, &literal, &filter).await)
        }
        (_, first) => (trace_id, first),
    };
    answer_logs(&trace_id, read)
}

struct Read {
    trace: Trace,
    /// Set when the store could not be read and the buffer may not hold all of it: why.
    partial: Option<&'static str>,
}

#[derive(Serialize)]
struct Logs<'a> {
    trace_id: &'a str,
    #[serde(rename = "logs")]
    entries: Vec<Box<serde_json::value::RawValue>>,
    count: usize,
    retrieved_at: i64,
    #[serde(skip_serializing_if = "is_zero")]
    unreadable: usize,
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

#[derive(Serialize)]
struct Failed<'a> {
    error: &'static str,
    details: &'static str,
    partial: bool,
    #[serde(flatten)]
    logs: Logs<'a>,
}

fn answer_logs(trace_id: &str, read: Result<Read, Lost>) -> Answer {
    let (trace, details) = match read {
        Ok(Read { trace, partial }) => (trace, partial),
        Err(lost) => {
            console_error!("a trace could not be read: its buffer gave no answer: {lost}");
            (Trace::default(), Some("The log buffer did not answer"))
        }
    };
    if trace.too_much {
        const MIB: usize = 1024 * 1024;
        let most = ANSWER_MAX_BYTES / MIB;
        return Answer::error(
            413,
            &format!(
                "these logs are more than {most} MiB: ask for some by limit, since, until, level, system or user_id"
            ),
        );
    }
    let unreadable = trace.unreadable;
    let raw = |json: String| serde_json::value::RawValue::from_string(json).ok();
    let entries: Vec<_> = trace.select().into_iter().filter_map(raw).collect();
    let bytes: usize = entries.iter().map(|entry| entry.get().len() + 1).sum();
    let logs = Logs { trace_id, count: entries.len(), entries, retrieved_at: now(), unreadable };
    match details {
        None => Answer::long_json(200, &logs, bytes),
        Some(details) => {
            let failed = Failed { error: "Failed to retrieve logs", details, partial: true, logs };
            Answer::long_json(500, &failed, bytes)
        }
    }
}

/// Reads the buffer first and Redis second, so that an entry that moves from one to the other meanwhile is seen.
async fn read_trace(visit: &Visit, trace_id: &str, filter: &Filter) -> Result<Read, Lost> {
    let shard = wire::shard_of(trace_id, visit.config.shards);
    let (head, waiting) = ask_shard(visit, shard, wire::READ, trace_id, false).await?;
    let empty = || {
        let mut trace = Trace::of(filter.clone());
        trace.hide(head.cleared.iter().cloned());
        trace
    };
    let mut trace = empty();
    match stored(visit, trace_id, &mut trace).await {
        Ok(()) => {
            // Some that wait may be in the list already: only the sum tells whether it lacks any.
            let (in_list, expected) = (trace.len(), head.flushed + waiting.len() as u64);
            waiting.into_iter().for_each(|element| trace.push(element));
            let short = (trace.len() as u64) < expected;
            if head.doubtful || short {
                // Redis lost some, or may have. The buffer still has the last hour's, and writes the list again.
                let short = short && !head.doubtful;
                let (_, kept) = ask_shard(visit, shard, wire::RETAINED, trace_id, short).await?;
                trace.truncate(in_list);
                kept.into_iter().for_each(|element| trace.push(element));
            }
            Ok(Read { trace, partial: None })
        }
        Err(why) => {
            // What was read of the list before that may be any part of it.
            trace = empty();
            let (head, kept) = ask_shard(visit, shard, wire::RETAINED, trace_id, false).await?;
            kept.into_iter().for_each(|element| trace.push(element));
            Ok(Read { trace, partial: Some(why).filter(|_| !head.whole) })
        }
    }
}

async fn ask_shard(
    visit: &Visit,
    shard: u32,
    path: &str,
    trace_id: &str,
    short: bool,
) -> Result<(ReadHead, Vec<String>), Lost> {
    let query = TraceQuery { trace_id: trace_id.to_string(), short };
    let query = serde_json::to_vec(&query).unwrap_or_default();
    let body = hop::call_twice(&visit.env, shard, path, query, visit.config.hop_timeout_ms).await?;
    let text = String::from_utf8(body).map_err(|error| Lost::Uncertain(error.to_string()))?;
    let (head, entries) = wire::decode_read(&text).map_err(Lost::Uncertain)?;
    Ok((head, entries.into_iter().map(str::to_string).collect()))
}

/// Adds what stands in the trace's list.
async fn stored(visit: &Visit, trace_id: &str, trace: &mut Trace) -> Result<(), Unread> {
    let access = visit.config.redis.clone().ok_or(list::AWAY)?;
    let client = Client::new(access, visit.config.redis_timeout_ms);
    list::read(&client, trace_id, |element| trace.push(element)).await
}

#[derive(Serialize)]
struct Recent {
    traces: Vec<Summary>,
    count: usize,
    retrieved_at: i64,
}

/// Answers `GET /traces/recent`.
pub async fn recent(request: &Request, visit: &Visit) -> Answer {
    if let Err(denied) = visit.authorize(Action::Read) {
        return Answer::error(denied.status(), denied.reason());
    }
    let limit = match Query::of(&request.inner().url()).get("limit").map(|limit| positive(&limit)) {
        None => RECENT_DEFAULT,
        Some(Ok(limit)) => limit.min(RECENT_MAX),
        Some(Err(error)) => return Answer::error(400, &error),
    };
    let asked = (0..visit.config.shards).map(|shard| async move {
        let query = serde_json::to_vec(&RecentQuery { limit }).unwrap_or_default();
        let body =
            hop::call_twice(&visit.env, shard, wire::RECENT, query, visit.config.hop_timeout_ms).await?;
        hop::read::<RecentReply>(&body)
    });
    let mut traces = Vec::new();
    for reply in join_all(asked).await {
        match reply {
            Ok(reply) => traces.extend(reply.traces),
            Err(lost) => {
                console_error!("recent traces could not be read: a buffer gave no answer: {lost}");
                return Answer::error(500, "Failed to retrieve recent traces");
            }
        }
    }
    traces.sort_by_key(|trace| std::cmp::Reverse(trace.timestamp));
    traces.truncate(limit);
    Answer::json(200, &Recent { count: traces.len(), traces, retrieved_at: now() })
}
