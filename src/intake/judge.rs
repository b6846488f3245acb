//! The judgement of one log: is it well-formed, is it noise, and what of it is stored.

use super::context::{Contexts, Sent};
use super::detect::{Sender, detect_system};
use super::noise::is_noise;
use crate::entry::{Entry, Level, Meta, System};
use crate::json::{self, Json, ParseError};
use crate::redaction::{self, Tally};
use std::borrow::Cow;

/// Bytes of a `trace_id` (contract: Bounds).
pub const MAX_TRACE_ID_BYTES: usize = 4_096;
/// Bytes of a `user_id` (contract: Bounds).
pub const MAX_USER_ID_BYTES: usize = 1_024;
/// Bytes of a client-given `id`.
pub const MAX_ID_BYTES: usize = 128;
/// Bytes of one stored entry as JSON: a Durable Object row holds 2 MB, and its head needs room.
pub const MAX_ENTRY_BYTES: usize = 1_572_864;
/// How far in the past a client's timestamp may lie and be kept, in ms.
pub const MAX_PAST_MS: i64 = 3_600_000;
/// How far ahead a client's timestamp may lie and be kept, in ms.
pub const MAX_AHEAD_MS: i64 = 300_000;

/// What became of one log.
#[derive(Debug)]
pub enum Judged<'b> {
    /// To be stored: its envelope.
    Accepted(Meta<'b>),
    /// Noise of this trace: success, nothing stored.
    Noise(Cow<'b, str>),
    /// The sender's fault: status 400 or 413, and the reason.
    Refused {
        /// 400 or 413.
        status: u16,
        /// What is wrong and what to do.
        error: String,
    },
}

fn refused<'b>(error: impl Into<String>) -> Judged<'b> {
    Judged::Refused { status: 400, error: error.into() }
}

/// What of a log is left as text when it is parsed.
pub const LEFT_AS_TEXT: &str = "context";

/// One log as it was sent.
#[derive(Debug, Clone)]
pub struct Log<'b> {
    tree: Json<'b>,
    /// The text of its context where the tree has an empty one in its place.
    context: Option<&'b str>,
}

impl<'b> Log<'b> {
    /// Parses one log and leaves its context as text.
    ///
    /// # Errors
    /// [`ParseError`] when it is not JSON, or has too many values.
    pub fn parse(text: &'b str) -> Result<Log<'b>, ParseError> {
        let (tree, context) = json::parse_apart(text, LEFT_AS_TEXT)?;
        Ok(Log::of(tree, context))
    }

    /// One that was parsed with [`LEFT_AS_TEXT`] apart.
    pub fn of(tree: Json<'b>, context: Option<&'b str>) -> Log<'b> {
        Log { tree, context }
    }
}

impl<'b> From<Json<'b>> for Log<'b> {
    fn from(tree: Json<'b>) -> Log<'b> {
        Log { tree, context: None }
    }
}

/// Who judges the logs of one request.
pub struct Judge<'r, 'b> {
    sender: &'r Sender,
    now: i64,
    new_id: &'r mut dyn FnMut() -> String,
    tally: Tally,
    contexts: Contexts<'b>,
}

impl<'r, 'b> Judge<'r, 'b> {
    /// Of this sender's logs. `now` is the server's time in Unix ms; `new_id` makes an id when the client gave none.
    pub fn new(sender: &'r Sender, now: i64, new_id: &'r mut dyn FnMut() -> String) -> Self {
        Judge { sender, now, new_id, tally: Tally::default(), contexts: Contexts::default() }
    }

    /// What was redacted of the logs judged so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Judges one log, in the contract's order: trace_id, message, level, system, other fields, noise, redaction, entry
    /// size. The JSON of one that is accepted is appended to `stored`.
    pub fn judge(&mut self, log: impl Into<Log<'b>>, stored: &mut Vec<u8>) -> Judged<'b> {
        let (mut entry, context) = match self.validate(log.into()) {
            Err(error) => return refused(error),
            Ok((entry, _)) if is_noise(&entry.message) => return Judged::Noise(entry.trace_id),
            Ok(valid) => valid,
        };
        redact(&mut entry.message, &mut self.tally);
        if let Some(stack) = &mut entry.stack {
            redact(stack, &mut self.tally);
        }
        entry.context = match context.map(|sent| self.contexts.redact(sent, &mut self.tally)).transpose() {
            Ok(context) => context,
            // It was checked: all that can be wrong with it is that it has too many values.
            Err(_) => return Judged::Refused { status: 413, error: too_many_values() },
        };
        let start = stored.len();
        entry.write(stored);
        let length = stored.len() - start;
        match u32::try_from(length) {
            Ok(len) if length <= MAX_ENTRY_BYTES => {
                let Entry { id, trace_id, system, level, timestamp, .. } = entry;
                let meta = Meta { id, trace_id, system, error: level == Level::Error, timestamp, len };
                Judged::Accepted(meta)
            }
            _ => {
                stored.truncate(start);
                let error = format!(
                    "log is {length} bytes as stored, at most {MAX_ENTRY_BYTES} are taken: shorten it"
                );
                Judged::Refused { status: 413, error }
            }
        }
    }

    /// The entry of a log, but for its context, and that.
    fn validate(&mut self, log: Log<'b>) -> Result<(Entry<'b>, Option<Sent<'b>>), String> {
        let Log { tree: mut log, context: text } = log;
        if !matches!(log, Json::Object(_)) {
            return Err(format!("a log must be a JSON object, found {}", log.type_name()));
        }
        let trace_id = required(&mut log, "trace_id")?;
        bounded("trace_id", &trace_id, MAX_TRACE_ID_BYTES)?;
        let message = required(&mut log, "message")?;
        let level = match log.take("level") {
            Some(Json::String(word)) => Level::parse(&word),
            _ => None,
        }
        .ok_or("level must be one of: log, info, warn, error")?;
        let system = match log.take("system") {
            None | Some(Json::Null) => detect_system(self.sender),
            Some(Json::String(word)) => System::parse(&word).ok_or(WRONG_SYSTEM)?,
            Some(_) => return Err(WRONG_SYSTEM.into()),
        };
        let user_id = optional(&mut log, "user_id")?;
        if let Some(user_id) = &user_id {
            bounded("user_id", user_id, MAX_USER_ID_BYTES)?;
        }
        let stack = optional(&mut log, "stack")?;
        let id = match optional(&mut log, "id")? {
            None => Cow::Owned((self.new_id)()),
            Some(id) if id.is_empty() => return Err("id must have 1 to 128 bytes, found none".into()),
            Some(id) => {
                bounded("id", &id, MAX_ID_BYTES)?;
                id
            }
        };
        let context = match (log.take("context"), text) {
            (None | Some(Json::Null), _) => None,
            (Some(Json::Object(_)), Some(text)) => Some(Sent::Text(text)),
            (Some(tree @ Json::Object(_)), None) => Some(Sent::Tree(tree)),
            (Some(other), _) => {
                return Err(format!("context must be a JSON object, found {}", other.type_name()));
            }
        };
        let timestamp = match log.take("timestamp") {
            Some(Json::Number(digits)) => plausible(&digits, self.now),
            _ => None,
        }
        .unwrap_or(self.now);
        let entry = Entry { id, trace_id, user_id, system, level, message, stack, timestamp, context: None };
        Ok((entry, context))
    }
}

/// Why a log with more values than can be stored is refused.
pub fn too_many_values() -> String {
    format!("a log has more than {} values, which no stored entry has room for", json::MAX_VALUES)
}

const WRONG_SYSTEM: &str = "system must be one of: browser, convex, worker, manual";

/// A client's timestamp in whole ms, if it lies within the last hour and not far ahead.
fn plausible(digits: &str, now: i64) -> Option<i64> {
    let given = digits.parse::<f64>().ok()?.floor();
    let (oldest, newest) = (now - MAX_PAST_MS, now + MAX_AHEAD_MS);
    // Both bounds are exact in a double for any clock before the year 287396.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
    let kept = (given >= oldest as f64 && given <= newest as f64).then_some(given as i64);
    kept
}

fn required<'b>(log: &mut Json<'b>, name: &str) -> Result<Cow<'b, str>, String> {
    match log.take(name) {
        None | Some(Json::Null) => Err(format!("{name} is required")),
        Some(Json::String(text)) if text.is_empty() => Err(format!("{name} is required")),
        Some(Json::String(text)) => Ok(text),
        Some(other) => Err(format!("{name} must be a string, found {}", other.type_name())),
    }
}

fn optional<'b>(log: &mut Json<'b>, name: &str) -> Result<Option<Cow<'b, str>>, String> {
    match log.take(name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) => Ok(Some(text)),
        Some(other) => Err(format!("{name} must be a string, found {}", other.type_name())),
    }
}

fn bounded(name: &str, text: &str, most: usize) -> Result<(), String> {
    if text.len() <= most {
        return Ok(());
    }
    Err(format!("{name} has {} bytes, at most {most} are taken", text.len()))
}

fn redact(text: &mut Cow<'_, str>, tally: &mut Tally) {
    if let Cow::Owned(redacted) = redaction::redact_text(text, tally) {
        *text = Cow::Owned(redacted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_750_000_000_000;

    fn judged(log: &str) -> (Judged<'_>, String) {
        let sender = Sender { user_agent: Some("Convex/1".into()), ..Sender::default() };
        // Whether its context comes as text or as a tree makes no difference.
        let mut new_id = || "made".into();
        let mut judge = Judge::new(&sender, NOW, &mut new_id);
        let (mut json_of_tree, mut json_of_text) = (Vec::new(), Vec::new());
        let of_tree = judge.judge(crate::json::parse(log).unwrap(), &mut json_of_tree);
        let of_text = judge.judge(Log::parse(log).unwrap(), &mut json_of_text);
        assert_eq!((format!("{of_tree:?}"), &json_of_tree), (format!("{of_text:?}"), &json_of_text));
        (of_text, String::from_utf8(json_of_text).unwrap())
    }

    fn error(log: &str) -> String {
        match judged(log) {
            (Judged::Refused { status: 400, error }, _) => error,
            other => panic!("{log}: {other:?}"),
        }
    }

    fn stored(log: &str) -> String {
        match judged(log) {
            (Judged::Accepted(meta), json) => {
                assert_eq!(meta.len as usize, json.len());
                json
            }
            other => panic!("{log}: {other:?}"),
        }
    }

    #[test]
    fn an_entry_has_the_contracts_fields_in_order() {
        assert_eq!(
            stored(r#"{"level":"debug","message":"m","trace_id":"t","x":1}"#),
            format!(
                r#"{{"id":"made","trace_id":"t","system":"convex","level":"log","message":"m","timestamp":{NOW}}}"#
            )
        );
        for last in [r#"{"b":{"context":{"c":null}}}"#, "{}"] {
            let twice = format!(
                r#"{{"trace_id":"t","message":"m","level":"log","context":{{"a":1}},"context": {last} }}"#
            );
            assert!(stored(&twice).ends_with(&format!(r#","context":{last}}}"#)), "{twice}");
        }
        assert_eq!(
            stored(
                r#"{"trace_id":"__proto__","message":"a\ud83d\u0000","level":"error","system":"manual","user_id":"u",
                "stack":"s","id":"i","timestamp":1749999999999.7,"context":{"__proto__":{"b":1e400},"n":9007199254740993}}"#
            ),
            r#"{"id":"i","trace_id":"__proto__","user_id":"u","system":"manual","level":"error","message":"a�\u0000","stack":"s","timestamp":1749999999999,"context":{"__proto__":{"b":null},"n":9007199254740993}}"#
        );
    }

    #[test]
    fn each_fault_is_named_in_the_order_of_judgement() {
        assert_eq!(error("[]"), "a log must be a JSON object, found an array");
        assert_eq!(error("{}"), "trace_id is required");
        assert_eq!(error(r#"{"trace_id":"","level":"x"}"#), "trace_id is required");
        assert_eq!(error(r#"{"trace_id":7}"#), "trace_id must be a string, found a number");
        assert_eq!(error(r#"{"trace_id":"t","message":null}"#), "message is required");
        assert_eq!(error(r#"{"trace_id":"t","message":["a"]}"#), "message must be a string, found an array");
        let rest = |rest: &str| error(&format!(r#"{{"trace_id":"t","message":"m",{rest}}}"#));
        assert_eq!(rest(r#""level":"fatal","system":"x""#), "level must be one of: log, info, warn, error");
        assert_eq!(rest(r#""level":"log","system":"x","stack":1"#), WRONG_SYSTEM);
        assert_eq!(rest(r#""level":"log","stack":1"#), "stack must be a string, found a number");
        assert_eq!(rest(r#""level":"log","context":[]"#), "context must be a JSON object, found an array");
        assert_eq!(
            rest(r#""level":"log","context":{},"context":7"#),
            "context must be a JSON object, found a number"
        );
        assert_eq!(rest(r#""level":"log","id":"""#), "id must have 1 to 128 bytes, found none");
        let long = format!(r#"{{"trace_id":"{}","message":"m","level":"log"}}"#, "x".repeat(10_240));
        assert_eq!(error(&long), "trace_id has 10240 bytes, at most 4096 are taken");
    }

    #[test]
    fn timestamps_out_of_reach_are_replaced_never_refused() {
        let stamp = |given: &str| {
            let json =
                stored(&format!(r#"{{"trace_id":"t","message":"m","level":"log","timestamp":{given}}}"#));
            let entry: serde_json::Value = serde_json::from_str(&json).unwrap();
            entry["timestamp"].as_i64().unwrap() - NOW
        };
        assert_eq!(stamp(&(NOW - MAX_PAST_MS).to_string()), -MAX_PAST_MS);
        assert_eq!(stamp(&(NOW + MAX_AHEAD_MS).to_string()), MAX_AHEAD_MS);
        for out in [&(NOW - MAX_PAST_MS - 1).to_string(), "1e400", "-5", "\"x\"", "null", "1e18"] {
            assert_eq!(stamp(out), 0, "{out}");
        }
    }

    #[test]
    fn an_entry_over_its_size_is_413_and_noise_is_judged_first() {
        let log = |message: &str| format!(r#"{{"trace_id":"t","message":"{message}","level":"log"}}"#);
        let long = "x".repeat(MAX_ENTRY_BYTES);
        let long_log = log(&long);
        let (refused, json) = judged(&long_log);
        assert!(matches!(refused, Judged::Refused { status: 413, .. }) && json.is_empty());
        assert!(matches!(judged(&log(&format!("[hmr]{long}"))).0, Judged::Noise(trace) if trace == "t"));
    }
}
