//! The envelope every answer comes in, and the errors the API knows.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

/// An answer of the API.
pub type Answer = Response<Full<Bytes>>;

/// A refusal: status, code, message.
#[derive(Debug, Clone)]
pub struct Refusal {
    pub status: u16,
    pub code: u32,
    pub message: String,
}

/// What a handler returns: the `result`, or why not.
pub type Outcome = Result<Value, Refusal>;

impl Refusal {
    pub fn new(status: u16, code: u32, message: impl Into<String>) -> Refusal {
        Refusal { status, code, message: message.into() }
    }

    /// What an unknown, expired or too weak token meets on most calls.
    pub fn authentication() -> Refusal {
        Refusal::new(403, 10000, "Authentication error")
    }

    pub fn no_worker() -> Refusal {
        Refusal::new(404, 10007, "This Worker does not exist on your account.")
    }

    pub fn malformed(what: impl Into<String>) -> Refusal {
        Refusal::new(400, 10001, what)
    }
}

/// The envelope around an outcome.
pub fn answer(outcome: Outcome) -> Answer {
    match outcome {
        Ok(result) => {
            respond(200, &json!({ "success": true, "errors": [], "messages": [], "result": result }))
        }
        Err(refusal) => respond(
            refusal.status,
            &json!({
                "success": false,
                "errors": [{ "code": refusal.code, "message": refusal.message }],
                "messages": [],
                "result": null,
            }),
        ),
    }
}

fn respond(status: u16, body: &Value) -> Answer {
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response.headers_mut().insert("content-type", "application/json".parse().unwrap());
    response
}
