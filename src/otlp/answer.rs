//! What an exporter is told.

use crate::answers::{self, Fate, Told};
use crate::json::{self, Json};
use crate::quota::Limits;
use serde::Serialize;

/// Reasons named in one answer at most.
const REASONS: usize = 3;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Exported {
    #[serde(skip_serializing_if = "Option::is_none")]
    partial_success: Option<Partial>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Partial {
    /// A whole number of 64 bits is a decimal string (section "JSON Protobuf Encoding").
    rejected_log_records: String,
    error_message: String,
}

#[derive(Serialize)]
struct Status<'a> {
    message: &'a str,
}

/// Tells an exporter what became of its records. 200 only when none of them should be sent again.
pub fn tell(fates: &[Fate], now: i64, limits: &Limits) -> Told {
    let again = [503, 429].into_iter().find(|&status| fates.iter().any(|fate| fate.status() == status));
    let status = again.unwrap_or(200);
    let body = if let Some(again) = again {
        let error = fates.iter().filter(|fate| fate.status() == again).find_map(Fate::error);
        serde_json::to_vec(&Status { message: &error.unwrap_or_default() })
    } else {
        let refused = || fates.iter().zip(0..).filter_map(|(fate, at)| fate.error().map(|error| (at, error)));
        let rejected = refused().count();
        let reasons: Vec<String> = refused()
            .take(REASONS)
            .map(|(at, error): (usize, String)| format!("record {at}: {error}"))
            .collect();
        let partial =
            Partial { rejected_log_records: rejected.to_string(), error_message: reasons.join("; ") };
        serde_json::to_vec(&Exported { partial_success: (rejected > 0).then_some(partial) })
    };
    Told { status, body: body.unwrap_or_default(), headers: answers::headers(status, fates, now, limits) }
}

/// An answer that says `error` as a `Status` (section "Failures").
pub fn as_status(body: &[u8]) -> Vec<u8> {
    let said = std::str::from_utf8(body).ok().and_then(|body| json::parse(body).ok()?.take("error"));
    let message: &str = match &said {
        Some(Json::String(error)) => error,
        _ => "refused",
    };
    serde_json::to_vec(&Status { message }).unwrap_or_default()
}
