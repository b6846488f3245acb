//! `POST /log`: judge every log of the body, hand each to its shard, and answer what became of it.

use super::answer::{Answer, RETRY_AFTER_S};
use super::body::{self, Unread};
use super::{Visit, hop};
use crate::access::Action;
use crate::answers::{self, Fate, Told};
use crate::buffer::wire::{self, AppendReply, Outcome};
use crate::entry::Meta;
use crate::intake::{self, Judged, Posted, Sender};
use crate::redaction::Tally;
use futures_util::future::join_all;
use std::collections::BTreeMap;
use worker::{Request, console_error};

/// Answers `POST /log`.
pub async fn post(mut request: Request, visit: &Visit) -> Answer {
    let answer = take(&mut request, visit).await;
    body::discard(&mut request, visit.config.body_max_bytes).await;
    answer
}

async fn take(request: &mut Request, visit: &Visit) -> Answer {
    if let Err(denied) = visit.authorize(Action::Ingest) {
        return refuse(denied.status(), denied.reason());
    }
    let header = |name: &str| request.headers().get(name).ok().flatten();
    let content_type = header("content-type");
    let sender = Sender {
        origin: visit.origin.clone(),
        referer: header("referer"),
        user_agent: header("user-agent"),
        fetch_metadata: header("sec-fetch-site").is_some(),
    };
    let holds_json = intake::body::check_content_type(content_type.as_deref());
    let plain = intake::body::check_content_encoding(header("content-encoding").as_deref());
    if let Err(error) = holds_json.and(plain) {
        return refuse(error.status(), &error.to_string());
    }
    let limit = visit.config.body_max_bytes;
    let (bytes, _reserved) = match body::read(request, limit, visit.config.in_flight_max_bytes).await {
        Ok(read) => read,
        Err(Unread::TooLarge) => {
            return refuse(413, &format!("body is larger than {limit} bytes: split the batch"));
        }
        Err(Unread::NoRoom) => return busy("too many bytes are being received at once: try again"),
        Err(Unread::TooSlow) => {
            return refuse(408, &format!("body did not arrive within {} s", body::TIME_MAX.as_secs()));
        }
        Err(Unread::Broken(why)) => return refuse(400, &format!("body could not be read: {why}")),
    };
    // What came with the request decides the time its entries get, not how long the body took.
    let now = super::now();
    let mut tally = Tally::default();
    let judged = match intake::split(&bytes, content_type.as_deref()) {
        Err(error) => {
            return refuse(error.status(), &error.to_string());
        }
        Ok(posted) => judge_all(posted, &sender, now, &mut tally),
    };
    drop(bytes);
    let (single, judged) = judged;
    let fates = deliver(visit, judged, &tally).await;
    let told = answers::tell(single, &fates, now, &visit.config.limits);
    sent(told)
}

fn sent(told: Told) -> Answer {
    told.headers
        .into_iter()
        .fold(Answer::raw(told.status, told.body), |answer, (name, value)| answer.with(name, value))
}

fn refuse(status: u16, error: &str) -> Answer {
    Answer::json(status, &answers::Refused { success: false, error })
}

fn busy(error: &str) -> Answer {
    refuse(503, error).with("Retry-After", RETRY_AFTER_S.to_string())
}

/// Whether it was a single log, and what is thought of each.
fn judge_all(posted: Posted<'_>, sender: &Sender, now: i64, tally: &mut Tally) -> (bool, Vec<Judged>) {
    let mut new_id = || new_id(now);
    let mut judge = |log| intake::judge(log, sender, now, &mut new_id, tally);
    match posted {
        Posted::Single(log) => (true, vec![judge(log)]),
        Posted::Batch(logs) => {
            let judged = logs.into_iter().map(|log| match log.parse() {
                Ok(log) => judge(log),
                Err((status, error)) => Judged::Refused { status, error },
            });
            (false, judged.collect())
        }
    }
}

/// A UUID v7 (RFC 9562, section 5.7). `Uuid::now_v7` would ask std for the time, which wasm has not.
fn new_id(now: i64) -> String {
    let mut random = [0; 10];
    if let Err(error) = getrandom::fill(&mut random) {
        console_error!("no randomness for an id: {error}");
    }
    uuid::Builder::from_unix_timestamp_millis(u64::try_from(now).unwrap_or(0), &random)
        .into_uuid()
        .to_string()
}

/// An entry bound for a shard, and its place in the request.
type Bound = (usize, (Meta, Vec<u8>));

/// Hands the accepted entries to their shards, all shards at once, and returns each log's fate in order.
async fn deliver(visit: &Visit, judged: Vec<Judged>, tally: &Tally) -> Vec<Fate> {
    let mut fates = Vec::with_capacity(judged.len());
    let mut by_shard: Vec<Vec<Bound>> = (0..visit.config.shards).map(|_| Vec::new()).collect();
    for (index, judged) in judged.into_iter().enumerate() {
        fates.push(match judged {
            Judged::Refused { status, error } => Fate::Refused { status, error },
            Judged::Noise(trace_id) => Fate::Noise { trace_id },
            Judged::Accepted(meta, json) => {
                let fate = Fate::Lost { trace_id: meta.trace_id.clone(), system: meta.system };
                let shard = wire::shard_of(&meta.trace_id, visit.config.shards);
                if let Some(bound) = by_shard.get_mut(shard as usize) {
                    bound.push((index, (meta, json)));
                }
                fate
            }
        });
    }
    if by_shard.iter().all(Vec::is_empty) {
        return fates;
    }
    if visit.config.redis.is_none() {
        for fate in &mut fates {
            if let Fate::Lost { trace_id, .. } = fate {
                *fate = Fate::NoStore { trace_id: std::mem::take(trace_id) };
            }
        }
        return fates;
    }
    let mut redactions = BTreeMap::new();
    for (rule, count) in tally.iter() {
        redactions.insert(rule.to_string(), count);
    }
    let bound = (0..).zip(by_shard).filter(|(_, entries)| !entries.is_empty());
    let hops = bound.map(|(shard, entries)| {
        // The first shard counts the whole request's.
        (shard, entries, std::mem::take(&mut redactions))
    });
    let hops = hops.map(|(shard, entries, redactions)| async move {
        let (indexes, entries): (Vec<usize>, Vec<(Meta, Vec<u8>)>) = entries.into_iter().unzip();
        let body = wire::encode_append(&entries, redactions);
        drop(entries);
        let reply = hop::call_twice(&visit.env, shard, wire::APPEND, body, visit.config.hop_timeout_ms).await;
        (indexes, reply.and_then(|body| hop::read::<AppendReply>(&body)))
    });
    for (indexes, reply) in join_all(hops).await {
        match reply {
            Ok(reply) => {
                for (index, outcome) in indexes.into_iter().zip(reply.outcomes) {
                    settle(&mut fates, index, outcome, reply.window_end);
                }
            }
            Err(lost) => console_error!("logs were refused: a buffer gave no answer: {lost}"),
        }
    }
    fates
}

fn settle(fates: &mut [Fate], index: usize, outcome: Outcome, window_end: i64) {
    let Some(fate) = fates.get_mut(index) else { return };
    let Fate::Lost { trace_id, system } = fate else { return };
    let (trace_id, system) = (std::mem::take(trace_id), *system);
    *fate = match outcome {
        Outcome::Stored { left } => Fate::Stored { trace_id, system, left, until: window_end },
        Outcome::Duplicate { left } => Fate::Duplicate { trace_id, system, left, until: window_end },
        Outcome::Over { scope, until } => Fate::Over { trace_id, system, scope, until },
        Outcome::Full => Fate::Full { trace_id },
    };
}
