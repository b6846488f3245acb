//! The body: one log, or a batch in one of three forms.

use super::judge::{LEFT_AS_TEXT, Log, too_many_values};
use crate::json::{self, Json};
use std::borrow::Cow;
use std::fmt;

/// Entries one batch may hold (contract: Bounds).
pub const MAX_BATCH_ENTRIES: usize = 1_000;

/// Values of a batch that are parsed at once, contexts not counted: of 1,000 logs with every field, and as many again. Their trees
/// take half a megabyte; what comes on top is parsed when its turn comes, and dropped before the next one's.
const PARSED_AT_ONCE: usize = 20_000;

/// What a body holds.
#[derive(Debug)]
pub enum Posted<'a> {
    /// One log; it is answered with its own status.
    Single(Json<'a>),
    /// A batch; each log is judged by itself.
    Batch(Vec<Item<'a>>),
}

/// One log of a batch.
#[derive(Debug, Clone)]
pub enum Item<'a> {
    /// Parsed already.
    Parsed(Log<'a>),
    /// JSON that was checked: its tree is built when its turn comes, and dropped before the next one's.
    Checked(&'a str),
    /// A line, its number from 1. It may not be JSON.
    Line(usize, &'a str),
}

impl<'a> Item<'a> {
    /// The log itself.
    ///
    /// # Errors
    /// Why it is refused: status and words.
    pub fn parse(self) -> Result<Log<'a>, (u16, String)> {
        let text = match self {
            Item::Parsed(log) => return Ok(log),
            Item::Checked(text) | Item::Line(_, text) => text,
        };
        Log::parse(text).map_err(|error| match self {
            _ if error.too_large => (413, too_many_values()),
            Item::Line(line, _) => {
                (400, format!("line {line} is not JSON: {} at column {}", error.what, error.column))
            }
            _ => (400, format!("log is not JSON: {error}")),
        })
    }
}

/// Why a body as a whole is refused. The sender is at fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyError {
    /// 400: empty, not JSON, or JSON of the wrong shape.
    Malformed(String),
    /// 413: more entries than [`MAX_BATCH_ENTRIES`].
    TooManyEntries(usize),
    /// 413: one log with more values than can be stored.
    TooManyValues,
    /// 415: OpenTelemetry's records under another content type than JSON's.
    ContentType(String),
    /// 415: OpenTelemetry's records, but not in JSON.
    Protobuf,
    /// 415: a body that is coded otherwise than by gzip.
    ContentEncoding(String),
}

impl BodyError {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            BodyError::Malformed(_) => 400,
            BodyError::TooManyEntries(_) | BodyError::TooManyValues => 413,
            BodyError::ContentType(_) | BodyError::Protobuf | BodyError::ContentEncoding(_) => 415,
        }
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BodyError::Malformed(why) => f.write_str(why),
            BodyError::TooManyEntries(count) => {
                write!(f, "batch has {count} logs, at most {MAX_BATCH_ENTRIES} are taken at once: split it")
            }
            BodyError::TooManyValues => f.write_str(&too_many_values()),
            BodyError::ContentType(given) => {
                write!(f, "content type {given:?} is not taken: send application/json")
            }
            BodyError::Protobuf => f.write_str(
                "protobuf is not taken: have the exporter send JSON (OTEL_EXPORTER_OTLP_PROTOCOL=http/json, or the \
                 package exporter-logs-otlp-http)",
            ),
            BodyError::ContentEncoding(given) => {
                write!(f, "content encoding {given:?} is not taken: send the body as it is, or as gzip")
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Lines,
    /// It is not said: JSON, or lines of it.
    Either,
}

/// What the content type says of the body's form. One that names no JSON refuses nothing: the earlier worker never looked,
/// `curl -d` says `application/x-www-form-urlencoded` unasked, and `navigator.sendBeacon` says `text/plain`.
fn form(content_type: Option<&str>) -> Form {
    let kind = content_type.unwrap_or("").split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    match kind.as_str() {
        "application/json" | "text/json" => Form::Json,
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/x-jsonlines" => {
            Form::Lines
        }
        _ if kind.ends_with("+json") => Form::Json,
        _ => Form::Either,
    }
}

/// A body as text: what is no UTF-8 becomes U+FFFD, as it did where a worker calls `request.json()`
/// (<https://fetch.spec.whatwg.org/#dom-body-json>): a detail of its contents refuses no log.
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// Whether a body is to be unpacked, as its content encoding says (RFC 9110, section 8.4.1); any other encoding is
/// refused before the body is read.
///
/// # Errors
/// [`BodyError::ContentEncoding`].
pub fn is_gzip(content_encoding: Option<&str>) -> Result<bool, BodyError> {
    match content_encoding.unwrap_or("").trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(false),
        "gzip" | "x-gzip" => Ok(true),
        other => Err(BodyError::ContentEncoding(other.chars().take(100).collect())),
    }
}

/// Splits a body into the logs it holds.
///
/// # Errors
/// [`BodyError`] when nothing of the body can be judged log by log.
pub fn split<'a>(text: &'a str, content_type: Option<&str>) -> Result<Posted<'a>, BodyError> {
    if text.trim().is_empty() {
        return Err(malformed("body is empty: send a JSON object, or a batch of them".into()));
    }
    match form(content_type) {
        Form::Lines => lines(text),
        Form::Json => whole(text),
        Form::Either => whole(text).or_else(|error| if is_lines(text) { lines(text) } else { Err(error) }),
    }
}

/// Whether a text that is not JSON as a whole has more than one line, and JSON's object on the first. Where that first line is
/// broken, only a content type that says so makes the others a batch.
fn is_lines(text: &str) -> bool {
    let (first, others) = text.trim_start().split_once('\n').unwrap_or_default();
    !others.trim().is_empty() && matches!(json::parse(first), Ok(Json::Object(_)))
}

fn malformed(why: String) -> BodyError {
    BodyError::Malformed(why)
}

fn lines(text: &str) -> Result<Posted<'_>, BodyError> {
    let lines = || text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let count = lines().count();
    if count > MAX_BATCH_ENTRIES {
        return Err(BodyError::TooManyEntries(count));
    }
    Ok(Posted::Batch(lines().map(|(at, line)| Item::Line(at + 1, line)).collect()))
}

fn whole(text: &str) -> Result<Posted<'_>, BodyError> {
    if text.trim_start_matches('\u{feff}').trim_start().starts_with('[') {
        return Ok(array(text)?.unwrap_or_else(|| Posted::Batch(Vec::new())));
    }
    match json::parse(text) {
        Ok(value) => shape(value),
        // Too much for one log, but it may be a batch of many.
        Err(error) if error.too_large => {
            let logs = json::member(text, "logs").map_err(not_json)?.ok_or(BodyError::TooManyValues)?;
            array(logs)?.ok_or(BodyError::TooManyValues)
        }
        Err(error) => Err(not_json(error)),
    }
}

/// The batch an array holds; nothing when it is none.
fn array(text: &str) -> Result<Option<Posted<'_>>, BodyError> {
    let items = json::items_apart(text, LEFT_AS_TEXT, PARSED_AT_ONCE, MAX_BATCH_ENTRIES).map_err(not_json)?;
    let Some(items) = items else { return Ok(None) };
    if items.count > MAX_BATCH_ENTRIES {
        return Err(BodyError::TooManyEntries(items.count));
    }
    Ok(Some(Posted::Batch(items.kept.into_iter().map(Item::from).collect())))
}

fn not_json(error: json::ParseError) -> BodyError {
    malformed(format!("body is not JSON: {error}"))
}

impl<'a> From<json::Item<'a>> for Item<'a> {
    fn from(item: json::Item<'a>) -> Self {
        match item {
            json::Item::Parsed(tree, context) => Item::Parsed(Log::of(tree, context)),
            json::Item::Text(text) => Item::Checked(text),
        }
    }
}

fn batch(logs: Vec<Item<'_>>) -> Result<Posted<'_>, BodyError> {
    match logs.len() {
        count if count > MAX_BATCH_ENTRIES => Err(BodyError::TooManyEntries(count)),
        _ => Ok(Posted::Batch(logs)),
    }
}

fn shape(mut value: Json<'_>) -> Result<Posted<'_>, BodyError> {
    let Json::Object(members) = &value else {
        let found = value.type_name();
        return Err(malformed(format!("body must be a JSON object or an array of them, found {found}")));
    };
    let has = |name: &str| members.iter().any(|(key, _)| key == name);
    if !has("logs") || has("trace_id") || has("message") {
        return Ok(Posted::Single(value));
    }
    match value.take("logs") {
        Some(Json::Array(items)) => batch(items.into_iter().map(|log| Item::Parsed(log.into())).collect()),
        other => {
            let found = other.map_or("nothing", |other| other.type_name());
            Err(malformed(format!("logs must be an array, found {found}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(body: &str, content_type: Option<&str>) -> Result<usize, BodyError> {
        split(body, content_type).map(|posted| match posted {
            Posted::Single(_) => 0,
            Posted::Batch(logs) => logs.len(),
        })
    }

    #[test]
    fn a_batch_comes_as_an_array_an_object_or_lines() {
        assert_eq!(count(r#"{"trace_id":"t","logs":[]}"#, None), Ok(0));
        assert_eq!(count(r#"[{},{}]"#, Some("application/json; charset=utf-8")), Ok(2));
        assert_eq!(count(r#"{"logs":[{},1]}"#, Some("text/plain;charset=UTF-8")), Ok(2));
        assert_eq!(count("{}\n\n{}\r\nnonsense", Some("application/x-ndjson")), Ok(3));
        for unsaid in [None, Some("text/plain;charset=UTF-8"), Some("application/octet-stream")] {
            assert_eq!(count("\n{}\n\n{}\r\nnonsense\n", unsaid), Ok(3));
            assert_eq!(count("{}\n", unsaid), Ok(0));
            assert!(count("{} {}", unsaid).is_err() && count("nonsense\n{}", unsaid).is_err());
        }
        assert!(count("{}\n{}", Some("application/json")).is_err());
        assert_eq!((count("[]", None), count(r#"{"logs":[]}"#, None)), (Ok(0), Ok(0)));
        assert_eq!(count("\u{feff}{}", None), Ok(0));
    }

    #[test]
    fn a_batch_of_more_values_than_one_log_may_have_is_judged_log_by_log() {
        let log = format!("{{\"context\":[{}0]}}", "0,".repeat(json::MAX_VALUES / 2));
        assert_eq!(count(&format!("[{log},{log},{log}]"), None), Ok(3));
        assert_eq!(count(&format!("{{\"logs\":[{log},{log},{log}]}}"), None), Ok(3));
        let huge = format!("{{\"context\":[{}0]}}", "0,".repeat(json::MAX_VALUES));
        assert_eq!(count(&huge, None), Err(BodyError::TooManyValues));
        assert_eq!(Item::Checked(&huge).parse().unwrap_err().0, 413);
    }

    #[test]
    fn what_is_no_body_is_refused_by_name() {
        let refused = |body: &[u8]| split(&text(body), None).map(|_| ()).unwrap_err().to_string();
        assert_eq!(refused(b""), "body is empty: send a JSON object, or a batch of them");
        assert_eq!(refused(b"{\"a\":\xff}"), "body is not JSON: expected a value at line 1 column 6");
        assert_eq!(refused(b"{\"a\":}"), "body is not JSON: expected a value at line 1 column 6");
        assert_eq!(refused(b"\"x\""), "body must be a JSON object or an array of them, found a string");
        assert_eq!(refused(b"{\"logs\":{}}"), "logs must be an array, found an object");
        assert_eq!(count(&format!("[{}1]", "1,".repeat(1_000)), None), Err(BodyError::TooManyEntries(1_001)));
        assert_eq!(count("{}", Some("application/xml")), Ok(0));
        for plain in [None, Some(""), Some(" Identity ")] {
            assert_eq!(is_gzip(plain), Ok(false));
        }
        assert_eq!((is_gzip(Some("GZIP")), is_gzip(Some("x-gzip"))), (Ok(true), Ok(true)));
        for other in ["br", "deflate", "gzip, gzip", "zstd"] {
            let error = is_gzip(Some(other)).unwrap_err();
            assert_eq!(error.status(), 415);
            assert!(error.to_string().contains(&format!("{other:?}")), "{error}");
        }
    }
}
