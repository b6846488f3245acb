//! `GET /logs/tail` up to the shard, and `POST /logs/tail/ticket`. The WebSocket itself is src/tail.mjs's.

use super::answer::{self, Answer};
use super::hop::{self, Lost};
use super::{Visit, limiter};
use crate::access::Action;
use crate::buffer::wire;
use crate::intake::judge::MAX_TRACE_ID_BYTES;
use crate::query::Query;
use crate::tail::{self, Asked, LIFE_S, Subject};
use serde::Serialize;
use wasm_bindgen::JsValue;
use worker::{Request, console_error};

/// Judges a request for a tail. Answers 200 with what src/tail.mjs needs to open it: the shard, where to go on, and what
/// to follow, with NUL between them. Anything else is an answer for the client.
pub async fn admit(request: &Request, visit: &Visit) -> Answer {
    match judge(request, visit).await {
        Ok((shard, Asked { subject, after, .. })) => {
            Answer::raw(200, format!("{shard}\0{after}\0{}", subject.to_text()).into_bytes())
        }
        Err(refused) => refused,
    }
}

async fn judge(request: &Request, visit: &Visit) -> Result<(u32, Asked), Answer> {
    let shards = visit.config.shards;
    let url = request.inner().url();
    let pairs = Query::of(&url).pairs().map(|(key, value)| (key.into_owned(), value.into_owned()));
    let asked = Asked::parse(pairs, shards, MAX_TRACE_ID_BYTES);
    if let Err(denied) = visit.authorize(Action::Read) {
        let ticket = asked.as_ref().ok().and_then(|asked| asked.ticket.as_deref());
        let Some(ticket) = ticket else { return Err(Answer::error(denied.status(), denied.reason())) };
        if !redeem(visit, ticket).await? {
            let error = "the ticket was used, or is too old, or never was one: get another from POST /logs/tail/ticket";
            return Err(Answer::error(401, error));
        }
    }
    if !tail::may_open(&visit.config, visit.origin.as_deref(), &url) {
        let error = format!("origin {:?} is not in ALLOWED_ORIGINS", visit.origin.as_deref().unwrap_or(""));
        return Err(Answer::error(403, &error));
    }
    let asked = asked.map_err(|error| Answer::error(400, &error))?;
    let upgrade = request.headers().get("upgrade").ok().flatten();
    if !upgrade.is_some_and(|upgrade| upgrade.eq_ignore_ascii_case("websocket")) {
        let error = "this is a WebSocket: open it as one (Upgrade: websocket)";
        return Err(Answer::error(426, error)); // the platform lets no `Upgrade` header out
    }
    let shard = match (&asked.subject, asked.shard) {
        (_, Some(shard)) => shard,
        (Subject::Trace(trace_id), None) => wire::shard_of(trace_id, shards),
        _ => 0,
    };
    Ok((shard, asked))
}

async fn redeem(visit: &Visit, ticket: &str) -> Result<bool, Answer> {
    let body = js_sys::Uint8Array::from(ticket.as_bytes()).into();
    match ask(visit, limiter::REDEEM, &body).await {
        Ok(answer) => Ok(answer == b"1"),
        Err(lost) => Err(unanswered(&lost)),
    }
}

#[derive(Serialize)]
struct Ticket<'a> {
    ticket: &'a str,
    expires_in: i64,
}

/// Answers `POST /logs/tail/ticket`.
pub async fn ticket(visit: &Visit) -> Answer {
    if let Err(denied) = visit.authorize(Action::Read) {
        return Answer::error(denied.status(), denied.reason());
    }
    match ask(visit, limiter::TICKET, &JsValue::NULL).await {
        Ok(ticket) => {
            let ticket = String::from_utf8_lossy(&ticket);
            Answer::json(200, &Ticket { ticket: &ticket, expires_in: LIFE_S })
        }
        Err(lost) => unanswered(&lost),
    }
}

async fn ask(visit: &Visit, path: &str, body: &JsValue) -> Result<Vec<u8>, Lost> {
    let stub = hop::object(&visit.env, limiter::BINDING, limiter::NAME)?;
    hop::send(&stub, path, body, visit.config.hop_timeout_ms).await
}

fn unanswered(lost: &Lost) -> Answer {
    console_error!("the keeper of the tickets gave no answer: {lost}");
    Answer::error(503, "The keeper of the tickets did not answer: try again")
        .with("Retry-After", answer::RETRY_AFTER_S.to_string())
}
