//! Records: found in a request without building its tree, and made logs of one by one.

use super::hash::Hash;
use super::value::{attributes, plain, text};
use crate::entry::System;
use crate::intake::BodyError;
use crate::intake::body::MAX_BATCH_ENTRIES;
use crate::intake::judge::MAX_USER_ID_BYTES;
use crate::json::{self, Json};
use std::borrow::Cow;
use std::rc::Rc;

/// Bytes, as they were sent, of the attributes of a resource or scope that stand in each entry at most. They stand
/// there as often as there are records: without a limit a body could grow a thousandfold. What an SDK detects by itself
/// has about 2 KB.
pub const SOURCE_BYTES: usize = 4 * 1024;

type Members<'a> = Vec<(Cow<'a, str>, Json<'a>)>;

/// A resource or a scope.
#[derive(Debug, Default)]
struct Source<'a> {
    name: Option<Json<'a>>,
    version: Option<Json<'a>>,
    attributes: Members<'a>,
    /// Attributes that are left out for [`SOURCE_BYTES`].
    cut: usize,
}

/// A record that is still as it was sent.
#[derive(Debug)]
pub struct Record<'a> {
    resource: Rc<Source<'a>>,
    scope: Rc<Source<'a>>,
    hash: Hash,
    text: &'a str,
    place: usize,
}

/// Finds the records of an `ExportLogsServiceRequest`. None is a request as well (section "Full Success").
///
/// # Errors
/// [`BodyError`] when the body is not one, or has too many records.
pub fn records(text: &str) -> Result<Vec<Record<'_>>, BodyError> {
    let mut found = Vec::new();
    let mut count = 0;
    for of_resource in list(text, "resourceLogs")? {
        let resource = member(of_resource, "resource")?.unwrap_or("{}");
        let of_resource_hash = Hash::new().and(resource);
        let resource = Rc::new(Source::read(resource)?);
        for of_scope in list(of_resource, "scopeLogs")? {
            let scope = member(of_scope, "scope")?.unwrap_or("{}");
            let hash = of_resource_hash.and(scope);
            let scope = Rc::new(Source::read(scope)?);
            let records = list(of_scope, "logRecords")?;
            let first = count;
            count += records.len();
            if count > MAX_BATCH_ENTRIES {
                return Err(BodyError::TooManyEntries(count));
            }
            found.extend(records.into_iter().zip(first..).map(|(text, place)| Record {
                resource: resource.clone(),
                scope: scope.clone(),
                hash,
                text,
                place,
            }));
        }
    }
    Ok(found)
}

fn malformed(error: &json::ParseError) -> BodyError {
    BodyError::Malformed(format!("body is no ExportLogsServiceRequest in JSON: {error}"))
}

/// The text of a member; none when it is null.
fn member<'a>(text: &'a str, key: &str) -> Result<Option<&'a str>, BodyError> {
    let found = json::member(text, key).map_err(|error| malformed(&error))?;
    Ok(found.filter(|found| *found != "null"))
}

/// The texts of a member's items; none when there is no such member.
fn list<'a>(text: &'a str, key: &str) -> Result<Vec<&'a str>, BodyError> {
    let Some(found) = member(text, key)? else { return Ok(Vec::new()) };
    let items = json::items(found).map_err(|error| malformed(&error))?;
    items.ok_or_else(|| BodyError::Malformed(format!("{key} must be an array")))
}

impl<'a> Source<'a> {
    fn read(text: &'a str) -> Result<Source<'a>, BodyError> {
        let scalar = |key: &str| Ok(member(text, key)?.and_then(|text| json::parse(text).ok()));
        let mut source = Source { name: scalar("name")?, version: scalar("version")?, ..Source::default() };
        let mut room = SOURCE_BYTES;
        let mut kept = Vec::new();
        for attribute in list(text, "attributes")? {
            match (room.checked_sub(attribute.len()), json::parse(attribute)) {
                (Some(left), Ok(attribute)) => {
                    room = left;
                    kept.push(attribute);
                }
                _ => source.cut += 1,
            }
        }
        source.attributes = attributes(Some(Json::Array(kept)));
        Ok(source)
    }

    /// As it stands in a context; none when nothing is known of it.
    fn described(&self) -> Option<Json<'a>> {
        let mut members: Members<'a> = Vec::new();
        let scalars = [("name", &self.name), ("version", &self.version)];
        for (key, value) in scalars {
            if let Some(Json::String(text)) = value
                && !text.is_empty()
                && text.len() <= SOURCE_BYTES
            {
                members.push((key.into(), Json::String(text.clone())));
            }
        }
        if !self.attributes.is_empty() {
            members.push(("attributes".into(), Json::Object(self.attributes.clone())));
        }
        if self.cut > 0 {
            members.push(("attributes_cut".into(), Json::Number(self.cut.to_string().into())));
        }
        (!members.is_empty()).then_some(Json::Object(members))
    }
}

impl<'a> Record<'a> {
    /// The log that is made of it, to be judged like any other; see [`super`].
    ///
    /// # Errors
    /// Why it is refused: status and words.
    pub fn log(self) -> Result<Json<'a>, (u16, String)> {
        let Record { resource, scope, hash, text: sent, place } = self;
        let mut record = json::parse(sent).map_err(|error| match error.too_large {
            true => (413, "the record has too many values".to_string()),
            false => (400, format!("the record is not JSON: {error}")),
        })?;
        if !matches!(record, Json::Object(_)) {
            return Err((400, format!("a log record must be a JSON object, found {}", record.type_name())));
        }
        let own = attributes(record.take("attributes"));
        let body = record.take("body").map(plain).filter(|body| *body != Json::Null);
        let event = string(record.take("eventName")).or_else(|| owned(&own, "event.name"));
        let severity_text = string(record.take("severityText"));
        let severity = record.take("severityNumber");
        let level = level(severity.as_ref(), severity_text.as_deref());
        let time = [record.take("timeUnixNano"), record.take("observedTimeUnixNano")];
        let nanos = time.into_iter().flatten().find_map(|time| nanos(&time));
        let trace_id =
            hex(record.take("traceId"), 32).or_else(|| owned(&own, "trace_id")).unwrap_or_else(|| {
                format!("service:{}", text(&resource.attributes, "service.name").unwrap_or("unknown_service"))
                    .into()
            });
        let message = match &body {
            Some(Json::String(text)) if !text.is_empty() => Some(text.clone()),
            Some(Json::String(_)) | None => None,
            Some(other) => {
                let mut json = Vec::new();
                json::write_value(&mut json, other, json::MAX_CONTEXT_DEPTH);
                Some(String::from_utf8_lossy(&json).into_owned().into())
            }
        };
        let message = message.or_else(|| event.clone()).or_else(|| owned(&own, "exception.message"));
        let user = [text(&own, "user.id"), text(&own, "enduser.id")].into_iter().flatten().next();
        let user: Option<Cow<'a, str>> =
            user.filter(|user| user.len() <= MAX_USER_ID_BYTES).map(|user| user.to_owned().into());
        let stack = owned(&own, "exception.stacktrace");
        let system = system(&own, &resource.attributes);

        let mut context: Members<'a> = Vec::new();
        let mut note = |key: &'static str, value: Option<Json<'a>>| {
            context.extend(value.map(|value| (Cow::Borrowed(key), value)));
        };
        note("attributes", (!own.is_empty()).then_some(Json::Object(own)));
        note("span_id", hex(record.take("spanId"), 16).map(Json::String));
        note("flags", number(record.take("flags")));
        note("severity_number", number(severity));
        note("severity_text", severity_text.map(Json::String));
        note("event_name", event.map(Json::String));
        note("time_unix_nano", nanos.map(|nanos| Json::String(nanos.to_string().into())));
        note("dropped_attributes_count", number(record.take("droppedAttributesCount")));
        note("body", body.filter(|body| !matches!(body, Json::String(_))));
        note("scope", scope.described());
        note("resource", resource.described());

        let mut log: Members<'a> = Vec::new();
        let mut say = |key: &'static str, value: Option<Json<'a>>| {
            log.extend(value.map(|value| (Cow::Borrowed(key), value)));
        };
        say("id", Some(Json::String(hash.and(sent).id(place).into())));
        say("trace_id", Some(Json::String(trace_id)));
        say("level", Some(Json::String(level.into())));
        say("message", Some(Json::String(message.unwrap_or("(no body)".into()))));
        say("system", system.map(|system| Json::String(system.as_str().into())));
        say("user_id", user.map(Json::String));
        say("stack", stack.map(Json::String));
        say("timestamp", nanos.map(|nanos| Json::Number((nanos / 1_000_000).to_string().into())));
        say("context", (!context.is_empty()).then_some(Json::Object(context)));
        Ok(Json::Object(log))
    }
}

/// The level of a `SeverityNumber` (logs.proto); without one, of the words that loggers use.
fn level(severity: Option<&Json<'_>>, text: Option<&str>) -> &'static str {
    let number = match severity {
        Some(Json::Number(digits)) => digits.parse::<u32>().unwrap_or(0),
        _ => 0,
    };
    match number {
        1..=8 => "log",
        9..=12 => "info",
        13..=16 => "warn",
        17.. => "error",
        0 => {
            let text = text.unwrap_or("").to_ascii_lowercase();
            let begins = |words: &[&str]| words.iter().any(|word| text.starts_with(word));
            if begins(&["err", "fatal", "crit", "alert", "emerg", "panic"]) {
                "error"
            } else if begins(&["warn"]) {
                "warn"
            } else if begins(&["info", "notice"]) {
                "info"
            } else {
                "log"
            }
        }
    }
}

/// The system that a record or its resource tells.
fn system(own: &[(Cow<'_, str>, Json<'_>)], resource: &[(Cow<'_, str>, Json<'_>)]) -> Option<System> {
    let named = text(own, "system").or_else(|| text(resource, "system"));
    let cloudflare = |key| text(resource, key).is_some_and(|value| value.starts_with("cloudflare"));
    if let Some(system) = named.and_then(System::parse) {
        Some(system)
    } else if text(resource, "telemetry.sdk.language") == Some("webjs") {
        Some(System::Browser)
    } else if cloudflare("cloud.provider") || cloudflare("cloud.platform") {
        Some(System::Worker)
    } else if text(resource, "service.name").is_some_and(|name| name.to_ascii_lowercase().contains("convex"))
    {
        Some(System::Convex)
    } else {
        None
    }
}

/// An id of so many hexadecimal digits, in lower case; none when it is another or all zeroes, which means none.
fn hex<'a>(id: Option<Json<'a>>, digits: usize) -> Option<Cow<'a, str>> {
    let id = string(id)?;
    let valid = id.len() == digits && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    (valid && id.bytes().any(|byte| byte != b'0')).then(|| id.to_ascii_lowercase().into())
}

/// Unix time in ns, from a decimal string or a number; 0 means unknown.
fn nanos(time: &Json<'_>) -> Option<u64> {
    let (Json::String(digits) | Json::Number(digits)) = time else { return None };
    // A number that went through a double may be written with an exponent.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let by_double = || digits.parse::<f64>().ok().filter(|time| time.is_finite()).map(|time| time as u64);
    digits.parse().ok().or_else(by_double).filter(|&nanos| nanos > 0)
}

fn string<'a>(value: Option<Json<'a>>) -> Option<Cow<'a, str>> {
    match value {
        Some(Json::String(text)) if !text.is_empty() => Some(text),
        _ => None,
    }
}

/// A number that says something: 0 is what an unset field is written as.
fn number<'a>(value: Option<Json<'a>>) -> Option<Json<'a>> {
    value.filter(|value| matches!(value, Json::Number(digits) if digits != "0"))
}

fn owned<'a>(members: &[(Cow<'a, str>, Json<'a>)], key: &str) -> Option<Cow<'a, str>> {
    text(members, key).map(|text| text.to_owned().into())
}
