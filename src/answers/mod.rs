//! What `POST /log` answers, for one log and for a batch.

mod fate;

pub use fate::Fate;

use crate::entry::System;
use crate::quota::{Limits, Scope, WINDOW_MS};
use serde::Serialize;

/// The service's name (contract: Identity).
pub const SERVICE: &str = "supportsignal-log-ingestion-worker";

/// Seconds a client is asked to wait after a passing fault.
pub const RETRY_AFTER_S: i64 = 5;

/// `{success, error}`.
#[derive(Debug, Serialize)]
pub struct Refused<'a> {
    /// Always false.
    pub success: bool,
    /// What is wrong and what to do.
    pub error: &'a str,
}

/// An answer, ready to be sent.
#[derive(Debug)]
pub struct Told {
    /// The HTTP status.
    pub status: u16,
    /// JSON.
    pub body: Vec<u8>,
    /// Headers that depend on it.
    pub headers: Vec<(&'static str, String)>,
}

#[derive(Serialize)]
struct One<'a> {
    success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remaining_quota: Option<u64>,
}

#[derive(Serialize)]
struct Many {
    success: bool,
    accepted: usize,
    duplicates: usize,
    suppressed: usize,
    rejected: Vec<Rejected>,
    remaining_quota: Option<u64>,
}

#[derive(Serialize)]
struct Rejected {
    index: usize,
    status: u16,
    error: String,
}

/// Tells a client what became of its logs: of the one it sent, or of its batch.
pub fn tell(single: bool, fates: &[Fate], now: i64, limits: &Limits) -> Told {
    let (status, body) = match (single, fates) {
        (true, [fate]) => (fate.status(), serde_json::to_vec(&one(fate))),
        _ => (status_of_batch(fates), serde_json::to_vec(&many(fates, &touched(fates, limits)))),
    };
    Told { status, body: body.unwrap_or_default(), headers: headers(status, fates, now, limits) }
}

/// The headers of an answer of this status: how the quotas stand that were touched, and when to come back.
pub fn headers(status: u16, fates: &[Fate], now: i64, limits: &Limits) -> Vec<(&'static str, String)> {
    let touched = touched(fates, limits);
    let mut headers = quota_headers(&touched, now);
    match status {
        429 => {
            let wait = touched.iter().map(|quota| seconds(quota.until, now)).max().unwrap_or(RETRY_AFTER_S);
            headers.push(("Retry-After", wait.to_string()));
        }
        503 => headers.push(("Retry-After", RETRY_AFTER_S.to_string())),
        _ => {}
    }
    headers
}

fn one(fate: &Fate) -> One<'_> {
    let (message, remaining_quota) = match fate {
        Fate::Stored { left, .. } | Fate::Duplicate { left, .. } => (None, Some(*left)),
        Fate::Noise { .. } => (Some("Log suppressed (noise filtering)"), None),
        Fate::Over { .. } => (None, Some(0)),
        _ => (None, None),
    };
    One {
        success: fate.status() == 200,
        trace_id: fate.trace_id(),
        message,
        error: fate.error(),
        remaining_quota,
    }
}

fn many(fates: &[Fate], touched: &[Touched]) -> Many {
    let rejected: Vec<Rejected> = fates
        .iter()
        .enumerate()
        .filter_map(|(index, fate)| {
            fate.error().map(|error| Rejected { index, status: fate.status(), error })
        })
        .collect();
    let count = |wanted: fn(&Fate) -> bool| fates.iter().filter(|fate| wanted(fate)).count();
    Many {
        success: rejected.is_empty(),
        accepted: count(|fate| matches!(fate, Fate::Stored { .. })),
        duplicates: count(|fate| matches!(fate, Fate::Duplicate { .. })),
        suppressed: count(|fate| matches!(fate, Fate::Noise { .. })),
        rejected,
        // The scarcest of the quotas the batch touched, as it was left; null when it touched none.
        remaining_quota: touched.iter().map(|quota| quota.left).min(),
    }
}

/// 429 or 503 when that is every log's fate, else 200; so also for a batch without logs.
fn status_of_batch(fates: &[Fate]) -> u16 {
    let first = fates.first().map_or(200, Fate::status);
    let shared = matches!(first, 429 | 503) && fates.iter().all(|fate| fate.status() == first);
    if shared { first } else { 200 }
}

/// A quota that a request touched.
struct Touched {
    name: &'static str,
    quota: u64,
    left: u64,
    until: i64,
}

/// The quotas of the systems a request touched, as its last log left them, and the global one and the trace's where these
/// refused.
fn touched(fates: &[Fate], limits: &Limits) -> Vec<Touched> {
    let mut touched = Vec::new();
    for wanted in System::ALL {
        let last = fates.iter().rev().find_map(|fate| match fate {
            Fate::Stored { system, left, until, .. } | Fate::Duplicate { system, left, until, .. }
                if *system == wanted =>
            {
                Some((*left, *until))
            }
            Fate::Over { system, until, scope: Scope::System, .. } if *system == wanted => Some((0, *until)),
            _ => None,
        });
        if let Some((left, until)) = last {
            let quota = limits.systems.get(wanted.index()).copied().unwrap_or(0).min(limits.global);
            touched.push(Touched { name: wanted.as_str(), quota, left, until });
        }
    }
    let shared = [("global", Scope::Global, limits.global), ("trace", Scope::Trace, limits.trace)];
    for (name, refused_by, quota) in shared {
        let until = fates.iter().find_map(|fate| match fate {
            Fate::Over { scope, until, .. } if *scope == refused_by => Some(*until),
            _ => None,
        });
        touched.extend(until.map(|until| Touched { name, quota, left: 0, until }));
    }
    touched
}

/// Whole seconds from `now` to `until`, at least one, at most a window.
fn seconds(until: i64, now: i64) -> i64 {
    let ms = until.saturating_sub(now).clamp(1, WINDOW_MS);
    (ms + 999) / 1_000
}

/// `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10, sections 3 and 4): one item a quota.
fn quota_headers(touched: &[Touched], now: i64) -> Vec<(&'static str, String)> {
    if touched.is_empty() {
        return Vec::new();
    }
    let window = WINDOW_MS / 1_000;
    let list = |item: &dyn Fn(&Touched) -> String| touched.iter().map(item).collect::<Vec<_>>().join(", ");
    let policy = list(&|Touched { name, quota, .. }| format!("\"{name}\";q={quota};w={window}"));
    let state =
        list(&|Touched { name, left, until, .. }| format!("\"{name}\";r={left};t={}", seconds(*until, now)));
    vec![("RateLimit-Policy", policy), ("RateLimit", state)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buffer::wire::Room;

    const LIMITS: Limits = Limits { global: 5000, systems: [2000, 1500, 1500, 500], trace: 500 };

    fn stored(system: System, left: u64) -> Fate {
        Fate::Stored { trace_id: "t".into(), system, left, until: 60_000 }
    }

    fn over(scope: Scope) -> Fate {
        Fate::Over { trace_id: "t".into(), system: System::Convex, scope, until: 60_500 }
    }

    fn said(single: bool, fates: &[Fate]) -> (u16, String, Vec<(&'static str, String)>) {
        let told = tell(single, fates, 1_000, &LIMITS);
        (told.status, String::from_utf8(told.body).unwrap(), told.headers)
    }

    #[test]
    fn one_log_is_answered_in_the_contracts_words() {
        let cases = [
            (stored(System::Browser, 7), 200, r#"{"success":true,"trace_id":"t","remaining_quota":7}"#),
            (
                Fate::Noise { trace_id: "t".into() },
                200,
                r#"{"success":true,"trace_id":"t","message":"Log suppressed (noise filtering)"}"#,
            ),
            (
                Fate::Refused { status: 400, error: "message is required".into() },
                400,
                r#"{"success":false,"error":"message is required"}"#,
            ),
            (
                over(Scope::Global),
                429,
                r#"{"success":false,"trace_id":"t","error":"Global rate limit exceeded","remaining_quota":0}"#,
            ),
            (
                over(Scope::System),
                429,
                r#"{"success":false,"trace_id":"t","error":"convex system rate limit exceeded","remaining_quota":0}"#,
            ),
            (
                over(Scope::Trace),
                429,
                r#"{"success":false,"trace_id":"t","error":"Per-trace rate limit exceeded for t","remaining_quota":0}"#,
            ),
        ];
        for (fate, status, body) in cases {
            let told = said(true, std::slice::from_ref(&fate));
            assert_eq!((told.0, told.1.as_str()), (status, body));
        }
        for of in [Room::Ids, Room::Traces] {
            let full = Fate::Full { trace_id: "t".into(), of };
            assert!(full.error().unwrap().contains("Raise LOG_BUFFER_SHARDS"), "Redis has no part in it");
        }
        let (status, _, headers) = said(true, &[Fate::Full { trace_id: "t".into(), of: Room::Waiting }]);
        assert_eq!((status, headers), (503, vec![("Retry-After", "5".to_string())]));
    }

    #[test]
    fn a_batch_is_told_entry_by_entry() {
        let fates = [
            stored(System::Browser, 9),
            Fate::Noise { trace_id: "t".into() },
            over(Scope::Trace),
            Fate::Duplicate { trace_id: "t".into(), system: System::Browser, left: 8, until: 60_000 },
        ];
        let (status, body, headers) = said(false, &fates);
        assert_eq!(status, 200);
        assert_eq!(
            body,
            r#"{"success":false,"accepted":1,"duplicates":1,"suppressed":1,"rejected":[{"index":2,"status":429,"error":"Per-trace rate limit exceeded for t"}],"remaining_quota":0}"#
        );
        assert_eq!(
            headers,
            [
                ("RateLimit-Policy", r#""browser";q=2000;w=3600, "trace";q=500;w=3600"#.to_string()),
                ("RateLimit", r#""browser";r=8;t=59, "trace";r=0;t=60"#.to_string()),
            ]
        );
    }

    #[test]
    fn a_batch_is_refused_as_a_whole_only_when_all_of_it_is_for_one_reason() {
        let lost = Fate::Lost { trace_id: "t".into(), system: System::Worker };
        assert_eq!(said(false, &[over(Scope::Global), over(Scope::Trace)]).0, 429);
        assert_eq!(said(false, &[lost.clone(), lost.clone()]).0, 503);
        assert_eq!(said(false, &[lost, over(Scope::Global)]).0, 200);
        let refused = Fate::Refused { status: 400, error: "x".into() };
        assert_eq!(said(false, &[refused.clone(), refused]).0, 200);
        assert_eq!(
            said(false, &[over(Scope::Global)]).2,
            [
                ("RateLimit-Policy", r#""global";q=5000;w=3600"#.to_string()),
                ("RateLimit", r#""global";r=0;t=60"#.to_string()),
                ("Retry-After", "60".to_string()),
            ]
        );
        let none = r#"{"success":true,"accepted":0,"duplicates":0,"suppressed":0,"rejected":[],"remaining_quota":null}"#;
        assert_eq!(said(false, &[]), (200, none.to_string(), Vec::new()));
    }
}
