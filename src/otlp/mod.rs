//! OpenTelemetry: logs as OTLP/HTTP sends them in JSON, and what of them becomes a log like any other.
//!
//! Sections named here are those of the OTLP specification (opentelemetry-proto, docs/specification.md); fields are those
//! of its logs/v1/logs.proto, common/v1/common.proto and resource/v1/resource.proto.
//!
//! # A record becomes a log
//!
//! | of the log | from the record |
//! | --- | --- |
//! | `trace_id` | `traceId`, 32 hexadecimal digits in lower case. Without one, or if it is all zeroes: the attribute `trace_id` of the record, else `service:` and `service.name` of the resource, so that what a service logs outside any trace stands together; `service:unknown_service` where that is missing too |
//! | `id` | a hash of the resource, the scope and the record as they were sent, and of the record's place in the request. An exporter that sends a request again sends the same bytes, and nothing is stored twice |
//! | `system` | the attribute `system` of the record or resource where it is one of the four words; `browser` where `telemetry.sdk.language` is `webjs`; `worker` where `cloud.provider` or `cloud.platform` begins with `cloudflare`; `convex` where `service.name` has that word in it; else as for any request |
//! | `level` | `severityNumber`: up to 8 (trace, debug) `log`, up to 12 `info`, up to 16 `warn`, above `error`. Without one: `severityText` |
//! | `message` | `body`: text as it is, anything else as JSON. Without one: `eventName`, `exception.message`, or `(no body)` |
//! | `timestamp` | `timeUnixNano`, else `observedTimeUnixNano`, in ms |
//! | `user_id` | the attribute `user.id`, else `enduser.id` |
//! | `stack` | the attribute `exception.stacktrace` |
//! | `context` | `attributes`, `span_id`, `flags`, `severity_number`, `severity_text`, `event_name`, `time_unix_nano`, `dropped_attributes_count`, `body` where it is no text, `scope` and `resource` with their attributes |
//!
//! From there on it is judged, redacted and stored as what comes to `POST /log`.
//!
//! # The answer
//!
//! 200 with `{}`, or with `partialSuccess` and how many records were refused for good; an exporter does not send those
//! again (section "Partial Success"). When any of them could be taken later, the whole answer is 429 or 503, and the
//! exporter sends all again (section "Retryable Response Codes"): what was stored is recognised. Every other answer is
//! a `Status` with a `message` (section "Failures").

mod answer;
mod hash;
mod record;
mod value;

#[cfg(test)]
mod tests;

pub use answer::{as_status, tell};
pub use record::{Record, records};

use crate::intake::BodyError;

/// Refuses a content type that is no JSON, before its body is read (section "OTLP/HTTP Request").
///
/// # Errors
/// [`BodyError::Protobuf`] or [`BodyError::ContentType`].
pub fn check_content_type(content_type: Option<&str>) -> Result<(), BodyError> {
    let kind = content_type.unwrap_or("").split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    match kind.as_str() {
        "" | "application/json" => Ok(()),
        "application/x-protobuf" | "application/protobuf" => Err(BodyError::Protobuf),
        _ => Err(BodyError::ContentType(kind.chars().take(100).collect())),
    }
}
