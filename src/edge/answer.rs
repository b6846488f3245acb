//! Answers: a status, JSON, and the headers every answer carries.

use crate::answers::Refused;
pub use crate::answers::{RETRY_AFTER_S, SERVICE};
use crate::config::Problem;
use serde::Serialize;
use worker::{Headers, Method, Response, ResponseBuilder, Result};

/// An answer that is not sent yet.
pub struct Answer {
    status: u16,
    body: Vec<u8>,
    headers: Vec<(&'static str, String)>,
}

impl Answer {
    /// 200 without a body.
    pub fn empty() -> Answer {
        Answer { status: 200, body: Vec::new(), headers: Vec::new() }
    }

    /// JSON that was written elsewhere.
    pub fn raw(status: u16, body: Vec<u8>) -> Answer {
        Answer { status, body, headers: Vec::new() }
    }

    /// `body` as JSON.
    pub fn json(status: u16, body: &impl Serialize) -> Answer {
        Answer::long_json(status, body, 0)
    }

    /// As [`Answer::json`], of some `bytes`: a long one that grew as it was written would take twice its room.
    pub fn long_json(status: u16, body: &impl Serialize, bytes: usize) -> Answer {
        const BESIDE: usize = 1024; // what is written beside them
        let mut json = Vec::with_capacity(bytes.saturating_add(BESIDE));
        match serde_json::to_writer(&mut json, body) {
            Ok(()) => Answer::raw(status, json),
            Err(error) => {
                worker::console_error!("an answer could not be written: {error}");
                Answer::raw(500, br#"{"error":"Internal error"}"#.to_vec())
            }
        }
    }

    /// `{"error": …}`.
    pub fn error(status: u16, error: &str) -> Answer {
        #[derive(Serialize)]
        struct Failed<'a> {
            error: &'a str,
        }
        Answer::json(status, &Failed { error })
    }

    /// With another body.
    pub fn map(self, body: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Answer {
        Answer { body: body(self.body), ..self }
    }

    /// Adds a header.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Answer {
        self.headers.push((name, value.into()));
        self
    }

    /// The headers that many answers share, before those of this one.
    fn common_headers(&self, cors: Vec<(&'static str, String)>) -> Vec<(&'static str, String)> {
        let mut headers =
            vec![("Content-Type", "application/json".to_string()), ("Cache-Control", "no-store".to_string())];
        if self.status == 401 {
            headers.push(("WWW-Authenticate", "Bearer".to_string())); // RFC 9110, section 15.5.2
        }
        headers.extend(cors);
        headers
    }

    /// Makes the platform's response of it.
    pub fn send(self, cors: Vec<(&'static str, String)>) -> Result<Response> {
        let headers = Headers::new();
        for (name, value) in self.common_headers(cors).iter().chain(&self.headers) {
            // An answer may depend on more than its origin.
            if *name == "Vary" { headers.append(name, value)? } else { headers.set(name, value)? }
        }
        let response = ResponseBuilder::new().with_status(self.status).with_headers(headers);
        Ok(if self.body.is_empty() { response.empty() } else { response.fixed(self.body) })
    }

    /// Status, the headers that many answers share (a line for each name and each value), body, and name and value of each
    /// other header, with NUL between them: one string is handed to JavaScript faster than its parts. Neither NUL nor a line
    /// break can be in JSON as it is written here, or in a header.
    pub fn joined(self, cors: Vec<(&'static str, String)>) -> String {
        let mut joined = self.status.to_string();
        joined.push('\0');
        for (name, value) in self.common_headers(cors) {
            for part in [name, &value] {
                joined.push_str(part);
                joined.push('\n');
            }
        }
        joined.push('\0');
        joined.push_str(&String::from_utf8_lossy(&self.body));
        for (name, value) in &self.headers {
            for part in [*name, value] {
                joined.push('\0');
                joined.push_str(part);
            }
        }
        joined
    }
}

/// The routes, for whoever asks.
#[derive(Serialize)]
pub struct Endpoints {
    log: &'static str,
    otlp: &'static str,
    health: &'static str,
    logs: &'static str,
    recent_traces: &'static str,
    tail: &'static str,
    tail_ticket: &'static str,
    clear: &'static str,
    client: &'static str,
    openapi: &'static str,
}

/// The routes.
pub const ENDPOINTS: Endpoints = Endpoints {
    log: "POST /log",
    otlp: "POST /v1/logs",
    health: "GET /health",
    logs: "GET /logs?trace_id={trace_id}",
    recent_traces: "GET /traces/recent?limit={limit}",
    tail: "GET /logs/tail?trace_id={trace_id}",
    tail_ticket: "POST /logs/tail/ticket",
    clear: "DELETE /logs/clear",
    client: "GET /client.js",
    openapi: "GET /openapi.json",
};

/// Whether the contract has a route of this method and path.
pub fn is_route(method: &Method, path: &str) -> bool {
    let fault = cfg!(feature = "fault-injection") && path.starts_with("/fault/");
    fault
        || matches!(
            (method, path),
            (
                Method::Get,
                "/health" | "/logs" | "/logs/tail" | "/traces/recent" | "/limiter/status" | "/limiter/check"
            ) | (Method::Post, "/logs/tail/ticket" | "/limiter/reset" | "/buffer/drain")
                | (Method::Delete, "/logs/clear")
        )
}

/// `GET /`, for programs: a browser gets the trace page instead (src/static.mjs).
pub fn home() -> Answer {
    #[derive(Serialize)]
    struct Home {
        service: &'static str,
        status: &'static str,
        endpoints: Endpoints,
        usage: Usage,
    }
    #[derive(Serialize)]
    struct Usage {
        log: &'static str,
        read: &'static str,
    }
    let usage = Usage {
        log: r#"POST /log {"trace_id":"…","message":"…","level":"log|info|warn|error","system":"browser|convex|worker|manual"}"#,
        read: "GET /logs?trace_id=…",
    };
    Answer::json(200, &Home { service: SERVICE, status: "running", endpoints: ENDPOINTS, usage })
        .with("Vary", "Accept")
}

/// `GET /openapi.json`: every route, for programs. Written by hand; tests compare it with the running worker.
pub fn openapi() -> Answer {
    Answer::raw(200, include_str!("../openapi.json").into())
}

/// 429 for one request too many from an address (see `flood`).
pub fn flood() -> Answer {
    let error =
        format!("Too many requests from this address: wait {RETRY_AFTER_S} s, and send logs in batches");
    Answer::json(429, &Refused { success: false, error: &error })
        .with("Retry-After", RETRY_AFTER_S.to_string())
}

/// 503 while a setting cannot be used: its name, never its value.
pub fn misconfigured(problems: &[Problem]) -> Answer {
    let named: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let error = format!("The worker is not configured: {}", named.join("; "));
    Answer::json(503, &Refused { success: false, error: &error })
        .with("Retry-After", RETRY_AFTER_S.to_string())
}
