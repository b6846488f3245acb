//! One HTTP request after the other: who asks, what for, what goes wrong, what is answered.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::{
    HeaderMap, Method, Request as HttpRequest, Response, StatusCode,
    body::{Body, Incoming},
    header::{ALLOW, AUTHORIZATION, CONTENT_TYPE},
};
use serde_json::{Value, json};

use super::{
    admin,
    faults::{FaultKind, Plan},
    reply::{Encoding, Reply},
    request::{self, Command, Request},
    resp,
    server::Core,
    store::{MemoryStore, Store, StoreError, Transaction},
};

/// A body beyond the limit is read up to this many times the limit, so that its sender gets to read why.
const DRAIN_FACTOR: usize = 8;

/// Commands the REST API has no use for: they wait, change the connection, or rule the server.
/// <https://upstash.com/docs/redis/overall/compatibility>
const UNAVAILABLE: &[&str] = &[
    "auth",
    "blmove",
    "blmpop",
    "blpop",
    "brpop",
    "brpoplpush",
    "bzmpop",
    "bzpopmax",
    "bzpopmin",
    "client",
    "cluster",
    "config",
    "debug",
    "discard",
    "exec",
    "failover",
    "hello",
    "migrate",
    "monitor",
    "multi",
    "psubscribe",
    "psync",
    "punsubscribe",
    "quit",
    "replicaof",
    "reset",
    "save",
    "select",
    "shutdown",
    "slaveof",
    "ssubscribe",
    "subscribe",
    "sunsubscribe",
    "swapdb",
    "sync",
    "unsubscribe",
    "unwatch",
    "wait",
    "watch",
];

/// No answer: the connection is closed.
#[derive(Debug, thiserror::Error)]
#[error("closed on purpose")]
pub struct HangUp;

pub type HttpResponse = Response<Full<Bytes>>;

/// How the client wants its answer written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Json(Encoding),
    Resp2,
}

/// Answers one request. `reset` is set when the connection must end without the usual farewell.
pub async fn serve(
    core: Arc<Core>,
    reset: Arc<AtomicBool>,
    http: HttpRequest<Incoming>,
) -> Result<HttpResponse, HangUp> {
    let (parts, body) = http.into_parts();
    let path = parts.uri.path();
    let local = path.strip_prefix("/_local/").map(str::to_owned);
    let body = match read_body(body, core.max_request_bytes).await {
        Ok(body) => body,
        Err(TooLarge { actual }) => {
            core.counter.request(actual);
            return Ok(failure(&core, StatusCode::BAD_REQUEST, &too_large(core.max_request_bytes, actual)));
        }
    };
    if local.is_none() {
        core.counter.request(body.len());
    }
    if !authorized(&core.token, &parts.headers, parts.uri.query()) {
        return Ok(failure(&core, StatusCode::UNAUTHORIZED, "WRONGPASS invalid or missing auth token"));
    }
    if let Some(route) = local {
        let (status, answer) = admin::serve(&core, &parts.method, &route, &body).await;
        return Ok(json_response(status, &answer));
    }
    if ![Method::GET, Method::HEAD, Method::POST, Method::PUT].contains(&parts.method) {
        let mut response = failure(&core, StatusCode::METHOD_NOT_ALLOWED, "ERR method not allowed");
        response.headers_mut().insert(ALLOW, hyper::header::HeaderValue::from_static("HEAD, GET, POST, PUT"));
        return Ok(response);
    }
    let parsed = format_of(&parts.headers, path)
        .and_then(|format| request::parse(path, parts.uri.query(), &body).map(|request| (format, request)));
    let (format, request) = match parsed {
        Ok(parsed) => parsed,
        Err(text) => return Ok(failure(&core, StatusCode::BAD_REQUEST, &text)),
    };
    let plan = core.faults.plan(&request);
    if plan.is_fault() {
        core.counter.fault();
    }
    answer(core, reset, request, format, plan).await
}

/// Executes under the plan. Execution runs in a task of its own: as at Upstash, what has been received is executed
/// even when the client is gone by then.
async fn answer(
    core: Arc<Core>,
    reset: Arc<AtomicBool>,
    request: Request,
    format: Format,
    plan: Plan,
) -> Result<HttpResponse, HangUp> {
    pause(plan.latency).await;
    let hang_up = || {
        reset.store(true, Ordering::Relaxed);
        Err(HangUp)
    };
    let injected = |status: u16| {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Ok(failure(&core, status, "ERR injected failure"))
    };
    let delay = match &plan.ending {
        Some(FaultKind::Status { status }) => return injected(*status),
        Some(FaultKind::Close) => return hang_up(),
        Some(FaultKind::Garbage) => {
            let text = Bytes::from_static(b"<html><body>It works!</body></html>");
            core.counter.response(text.len());
            return Ok(response(StatusCode::OK, "text/html", text));
        }
        Some(FaultKind::Hang { delay }) => {
            tokio::time::sleep(*delay).await;
            return Err(HangUp);
        }
        Some(FaultKind::ExecuteLate { delay }) => *delay,
        _ => Duration::ZERO,
    };
    let work = {
        let (core, errors) = (core.clone(), plan.errors);
        let store = if plan.lagging { Arc::new(MemoryStore::new()) } else { core.store.clone() };
        async move {
            pause(delay).await;
            execute(&core, &*store, request, errors, format).await
        }
    };
    let outcome = tokio::spawn(work).await;
    match plan.ending {
        Some(FaultKind::ExecuteThenStatus { status }) => return injected(status),
        Some(FaultKind::ExecuteThenClose) => return hang_up(),
        _ => {}
    }
    Ok(match outcome {
        Ok(Ok(response)) => response,
        Ok(Err(cause)) => failure(&core, StatusCode::INTERNAL_SERVER_ERROR, &format!("ERR {cause}")),
        Err(cause) => failure(&core, StatusCode::INTERNAL_SERVER_ERROR, &format!("ERR {cause}")),
    })
}

/// Even a sleep of nothing would take up to a millisecond: the timer's step.
async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

async fn execute(
    core: &Core,
    store: &dyn Store,
    request: Request,
    errors: Vec<(usize, String)>,
    format: Format,
) -> Result<HttpResponse, StoreError> {
    match request {
        Request::Single(command) => {
            let reply = run_pipeline(core, store, vec![command], errors).await?.pop().unwrap_or(Reply::Nil);
            let status = if reply.is_error() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
            Ok(match format {
                Format::Json(encoding) => answered(core, status, &reply.to_json(encoding)),
                Format::Resp2 => binary(core, status, resp::encode(&reply)),
            })
        }
        Request::Pipeline(commands) => {
            let replies = run_pipeline(core, store, commands, errors).await?;
            Ok(match format {
                Format::Json(encoding) => answered(core, StatusCode::OK, &list(&replies, encoding)),
                Format::Resp2 => binary(
                    core,
                    StatusCode::OK,
                    replies.iter().map(resp::encode).collect::<Vec<_>>().concat().into(),
                ),
            })
        }
        Request::MultiExec(commands) => {
            let Format::Json(encoding) = format else {
                return Ok(failure(core, StatusCode::BAD_REQUEST, "ERR /multi-exec answers in JSON only"));
            };
            Ok(match run_transaction(core, store, commands, errors).await? {
                Transaction::Executed(replies) => answered(core, StatusCode::OK, &list(&replies, encoding)),
                Transaction::Discarded(cause) => {
                    let text = format!("EXECABORT Transaction discarded because of: {cause}");
                    failure(core, StatusCode::BAD_REQUEST, &text)
                }
            })
        }
    }
}

/// Errors by place stand in for their commands; only the others reach the store.
async fn run_pipeline(
    core: &Core,
    store: &dyn Store,
    commands: Vec<Command>,
    errors: Vec<(usize, String)>,
) -> Result<Vec<Reply>, StoreError> {
    let refused = |index: usize, command: &Command| {
        let injected = errors.iter().find(|(place, _)| *place == index).map(|(_, text)| text.clone());
        injected.or_else(|| unavailable(command))
    };
    let slots: Vec<Option<String>> =
        commands.iter().enumerate().map(|(index, c)| refused(index, c)).collect();
    let rest: Vec<Command> = commands
        .into_iter()
        .zip(&slots)
        .filter(|(_, slot)| slot.is_none())
        .map(|(command, _)| command)
        .collect();
    if rest.is_empty() {
        return Ok(merge(slots, Vec::new()));
    }
    core.counter.commands(&rest);
    let copy = core.journal.copy(&rest);
    let executed = store.pipeline(rest).await?;
    core.journal.record(copy);
    Ok(merge(slots, bounded(core, executed)))
}

async fn run_transaction(
    core: &Core,
    store: &dyn Store,
    commands: Vec<Command>,
    errors: Vec<(usize, String)>,
) -> Result<Transaction, StoreError> {
    if let Some(cause) = commands.iter().find_map(unavailable) {
        return Ok(Transaction::Discarded(cause));
    }
    let error_of =
        |index: usize| errors.iter().find(|(place, _)| *place == index).map(|(_, text)| text.clone());
    let slots: Vec<Option<String>> = (0..commands.len()).map(error_of).collect();
    let rest: Vec<Command> = commands
        .into_iter()
        .zip(&slots)
        .filter(|(_, slot)| slot.is_none())
        .map(|(command, _)| command)
        .collect();
    if rest.is_empty() {
        return Ok(Transaction::Executed(merge(slots, Vec::new())));
    }
    core.counter.commands(&rest);
    let copy = core.journal.copy(&rest);
    Ok(match store.transaction(rest).await? {
        Transaction::Executed(replies) => {
            core.journal.record(copy);
            Transaction::Executed(merge(slots, bounded(core, replies)))
        }
        discarded => discarded,
    })
}

/// What is over the limit is refused, be it a request or what one command answers; several commands' answers together are
/// not. <https://upstash.com/docs/redis/troubleshooting/max_request_size_exceeded>, and for a pipeline's commands
/// <https://github.com/koala73/worldmonitor/pull/6033>, which tried it
fn too_large(limit: usize, actual: usize) -> String {
    format!("ERR max request size exceeded. Limit: {limit} bytes, Actual: {actual} bytes")
}

/// An error in the place of each answer that is over the limit.
fn bounded(core: &Core, mut replies: Vec<Reply>) -> Vec<Reply> {
    let limit = core.max_request_bytes;
    for reply in &mut replies {
        let actual = reply.payload_bytes();
        if actual > limit {
            *reply = Reply::Error(too_large(limit, actual));
        }
    }
    replies
}

fn merge(slots: Vec<Option<String>>, executed: Vec<Reply>) -> Vec<Reply> {
    let mut executed = executed.into_iter();
    let place = |slot: Option<String>| match slot {
        Some(text) => Reply::Error(text),
        None => executed.next().unwrap_or(Reply::Nil),
    };
    slots.into_iter().map(place).collect()
}

fn unavailable(command: &Command) -> Option<String> {
    let name = command.first().map(|name| String::from_utf8_lossy(name).to_ascii_lowercase())?;
    UNAVAILABLE.contains(&name.as_str()).then(|| format!("ERR Command is not available: '{name}'"))
}

fn authorized(token: &str, headers: &HeaderMap, query: Option<&str>) -> bool {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = header.and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    bearer == Some(token) || request::token_of_query(query).as_deref() == Some(token)
}

fn format_of(headers: &HeaderMap, path: &str) -> Result<Format, String> {
    let value =
        |name: &str| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).to_lowercase());
    let base64 = value("upstash-encoding").as_deref() == Some("base64");
    match value("upstash-response-format").as_deref() {
        None | Some("json") => Ok(Format::Json(if base64 { Encoding::Base64 } else { Encoding::Text })),
        // A transaction answers in JSON whatever was asked for.
        Some("resp2") if path.trim_matches('/') == "multi-exec" => Ok(Format::Json(Encoding::Text)),
        Some("resp2") if base64 => {
            Err("ERR base64 encoding is not permitted with the response format resp2".into())
        }
        Some("resp2") => Ok(Format::Resp2),
        Some(other) => Err(format!("ERR unknown response format '{other}'")),
    }
}

struct TooLarge {
    actual: usize,
}

async fn read_body(mut body: Incoming, limit: usize) -> Result<Bytes, TooLarge> {
    let declared = body.size_hint().exact().and_then(|size| usize::try_from(size).ok());
    let mut collected = BytesMut::with_capacity(declared.unwrap_or(0).min(limit));
    let mut actual = 0_usize;
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(data) = frame.into_data() else { continue };
        actual = actual.saturating_add(data.len());
        if actual <= limit {
            collected.extend_from_slice(&data);
        } else if actual > limit.saturating_mul(DRAIN_FACTOR) {
            break;
        }
    }
    if actual > limit { Err(TooLarge { actual: declared.unwrap_or(actual) }) } else { Ok(collected.freeze()) }
}

fn list(replies: &[Reply], encoding: Encoding) -> Value {
    replies.iter().map(|reply| reply.to_json(encoding)).collect()
}

fn failure(core: &Core, status: StatusCode, text: &str) -> HttpResponse {
    answered(core, status, &json!({ "error": text }))
}

fn answered(core: &Core, status: StatusCode, value: &Value) -> HttpResponse {
    let response = json_response(status, value);
    core.counter
        .response(response.body().size_hint().exact().and_then(|n| usize::try_from(n).ok()).unwrap_or(0));
    response
}

fn binary(core: &Core, status: StatusCode, body: Bytes) -> HttpResponse {
    core.counter.response(body.len());
    response(status, "application/octet-stream", body)
}

fn json_response(status: StatusCode, value: &Value) -> HttpResponse {
    response(status, "application/json", Bytes::from(value.to_string()))
}

fn response(status: StatusCode, content_type: &'static str, body: Bytes) -> HttpResponse {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(content_type));
    response
}
