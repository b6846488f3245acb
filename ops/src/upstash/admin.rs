//! `/_local/…`: breaking the server on purpose and looking at its counters from outside the process. It takes the
//! same token, is not counted, and meets no fault.
//!
//! | request | what it does |
//! | --- | --- |
//! | `GET /_local/stats`, `DELETE /_local/stats` | reads, resets the counters |
//! | `GET /_local/faults` | the faults in force |
//! | `POST /_local/faults` | replaces them: one [`Fault`] or a list of them |
//! | `DELETE /_local/faults` | nothing goes wrong any more |
//! | `POST /_local/away` `{"ms":30000}` | refuses connections for that long, then comes back |
//! | `POST /_local/wipe` | forgets all data |

use std::{sync::Arc, time::Duration};

use hyper::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{faults::Fault, server::Core};

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    Many(Vec<Fault>),
    One(Fault),
}

#[derive(Deserialize)]
struct Away {
    ms: u64,
}

/// Answers a request under `/_local/`; `route` is what follows it.
pub async fn serve(core: &Arc<Core>, method: &Method, route: &str, body: &[u8]) -> (StatusCode, Value) {
    let done = (StatusCode::OK, json!({ "result": "OK" }));
    let bad = |text: String| (StatusCode::BAD_REQUEST, json!({ "error": text }));
    match (method.as_str(), route) {
        ("GET", "stats") => (StatusCode::OK, json!(core.counter.snapshot())),
        ("DELETE", "stats") => {
            core.counter.reset();
            done
        }
        ("GET", "faults") => (StatusCode::OK, json!(core.faults.list())),
        ("POST", "faults") => match serde_json::from_slice(body) {
            Ok(OneOrMany::Many(faults)) => {
                core.faults.set_all(faults);
                done
            }
            Ok(OneOrMany::One(fault)) => {
                core.faults.set(fault);
                done
            }
            Err(_) => {
                bad(r#"ERR expected a fault such as {"kind":"status","status":500}, or a list of them"#
                    .into())
            }
        },
        ("DELETE", "faults") => {
            core.faults.clear();
            done
        }
        ("POST", "away") => match serde_json::from_slice(body) {
            Ok(Away { ms }) => {
                core.away_for(Duration::from_millis(ms));
                done
            }
            Err(_) => bad(r#"ERR expected {"ms":30000}"#.into()),
        },
        ("POST", "wipe") => match core.wipe().await {
            Ok(()) => done,
            Err(cause) => (StatusCode::INTERNAL_SERVER_ERROR, json!({ "error": format!("ERR {cause}") })),
        },
        _ => {
            (StatusCode::NOT_FOUND, json!({ "error": format!("ERR no such local route: {method} {route}") }))
        }
    }
}
