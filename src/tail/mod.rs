//! Live tail: what a viewer is told as logs arrive, and from where it goes on after a break.
//!
//! # The protocol
//!
//! `GET /logs/tail` opens a WebSocket on a shard: on that of `?trace_id=…`, or on `?shard=N` (from 0). The shard sends
//! text frames, each one JSON object with a `type`:
//!
//! | type | what it says |
//! | --- | --- |
//! | `hello` | first of all: `cursor`, and `shards`, how many there are |
//! | `logs` | `logs`: entries as `GET /logs` gives them, in order of arrival |
//! | `traces` | `traces`: summaries that changed, as `/traces/recent` gives them, newest first (`?shard=N`) |
//! | `missed` | `count`: exactly so many logs came that the shard no longer holds |
//! | `cleared` | what was shown so far is gone; what is left of it follows |
//! | `ack` | the viewer is to send the text `ack` (see below) |
//!
//! Every frame but `ack` has a `cursor`. A viewer that comes back with `after=<cursor>` of the last frame it has seen
//! goes on right behind it. The shard holds the logs of the last hour ([`RETAIN_MS`](crate::buffer::row::RETAIN_MS)).
//! With a cursor that is not this shard's (`0` for one) a viewer gets all that the shard holds; without any, what comes
//! from now on. `?shard=N&logs=true` is every log of the shard instead of its list of traces.
//!
//! A viewer may send two texts. `ping` is answered `pong` by the platform, without waking the shard. `ack` answers the
//! frame `ack`, which comes after some ten thousand bytes: a viewer that does not send it reads too slowly, is closed with
//! code 4408 and may come back with its cursor. That bounds what waits for a slow reader, since the platform does
//! not tell how much that is (workerd has no `bufferedAmount`).
//!
//! A shard keeps nothing about a viewer but its socket, what it follows and its cursor, which the platform keeps with
//! the socket while the shard hibernates. Sending is src/tail.mjs; this module says what.

mod cursor;
mod ticket;

pub use cursor::Cursor;
pub use ticket::{LIFE_S, Tickets};

use crate::buffer::wire::Summary;

/// Bytes of entries in one frame at most, beyond the first: a larger entry has one for itself.
pub const FRAME_BYTES: usize = 128 * 1024;

/// Entries in one frame at most.
pub const FRAME_ENTRIES: usize = 1_000;

/// Traces in one frame at most, and so in a shard's list: as many as `/traces/recent` shows.
pub const FRAME_TRACES: usize = 50;

/// What a viewer follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The logs of one trace.
    Trace(String),
    /// A shard's list of traces.
    Traces,
    /// All logs of a shard.
    Logs,
}

impl Subject {
    /// As one text, for the way to the shard and for the platform's keeping.
    pub fn to_text(&self) -> String {
        match self {
            Subject::Trace(trace_id) => format!("trace {trace_id}"),
            Subject::Traces => "traces".to_string(),
            Subject::Logs => "logs".to_string(),
        }
    }

    /// Reads such a text.
    pub fn parse(text: &str) -> Option<Subject> {
        match text {
            "traces" => Some(Subject::Traces),
            "logs" => Some(Subject::Logs),
            _ => Some(Subject::Trace(text.strip_prefix("trace ")?.to_string())),
        }
    }
}

/// The frame `hello`.
pub fn hello(cursor: &Cursor, shards: u32) -> String {
    format!(r#"{{"type":"hello","cursor":"{cursor}","shards":{shards}}}"#)
}

/// The frame `missed`.
pub fn missed(cursor: &Cursor, count: u64) -> String {
    format!(r#"{{"type":"missed","cursor":"{cursor}","count":{count}}}"#)
}

/// The frame `cleared`.
pub fn cleared(cursor: &Cursor) -> String {
    format!(r#"{{"type":"cleared","cursor":"{cursor}"}}"#)
}

/// The frame `logs`, of entries that stand in `entries` with commas between them.
pub fn logs(cursor: &Cursor, entries: &[u8]) -> String {
    format!(r#"{{"type":"logs","cursor":"{cursor}","logs":[{}]}}"#, String::from_utf8_lossy(entries))
}

/// The frame `traces`.
pub fn traces(cursor: &Cursor, traces: &[Summary]) -> String {
    let traces = serde_json::to_string(traces).unwrap_or_default();
    format!(r#"{{"type":"traces","cursor":"{cursor}","traces":{traces}}}"#)
}

/// What a viewer asks for in its URL.
#[derive(Debug, PartialEq, Eq)]
pub struct Asked {
    /// What to follow.
    pub subject: Subject,
    /// On which shard; `None`: on the trace's.
    pub shard: Option<u32>,
    /// Where to go on.
    pub after: String,
    /// What opens it where a header cannot be sent.
    pub ticket: Option<String>,
}

impl Asked {
    /// Reads a query, decoded already.
    ///
    /// # Errors
    /// What is wrong with it and what to do, for a 400.
    pub fn parse(
        pairs: impl Iterator<Item = (String, String)>,
        shards: u32,
        trace_id_max: usize,
    ) -> Result<Asked, String> {
        let (mut trace_id, mut shard, mut logs, mut after, mut ticket) =
            (None, None, false, String::new(), None);
        for (key, value) in pairs {
            match key.as_str() {
                "trace_id" if !value.is_empty() => trace_id = Some(value),
                "shard" => shard = Some(value),
                "logs" => {
                    logs = match value.as_str() {
                        "true" => true,
                        "false" => false,
                        _ => return Err("logs must be true or false".to_string()),
                    }
                }
                "after" => after = value,
                "ticket" => ticket = Some(value),
                _ => {}
            }
        }
        let (subject, shard) = match (trace_id, shard) {
            (Some(trace_id), None) if trace_id.len() > trace_id_max => {
                return Err(format!(
                    "trace_id has {} bytes, at most {trace_id_max} are taken",
                    trace_id.len()
                ));
            }
            (Some(trace_id), None) => (Subject::Trace(trace_id), None),
            (None, Some(shard)) => {
                let number = shard.parse().ok().filter(|&shard: &u32| shard < shards);
                let number =
                    number.ok_or_else(|| format!("shard must be a number from 0 to {}", shards - 1))?;
                (if logs { Subject::Logs } else { Subject::Traces }, Some(number))
            }
            _ => return Err("give either trace_id, or shard".to_string()),
        };
        Ok(Asked { subject, shard, after, ticket })
    }
}

/// Whether a page of this origin may open a WebSocket: browsers let any page try, and there is no CORS for it. The
/// worker's own pages always may; another needs to be listed where origins are.
pub fn may_open(config: &crate::config::Config, origin: Option<&str>, url: &str) -> bool {
    let Some(origin) = origin else { return true };
    let own = url.get(..origin.len()).is_some_and(|start| start.eq_ignore_ascii_case(origin))
        && url.get(origin.len()..).is_some_and(|rest| rest.starts_with('/'));
    own || config.allowed_origins.is_empty() || crate::access::lists(config, origin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn asked(query: &[(&str, &str)]) -> Result<Asked, String> {
        let pairs = query.iter().map(|(key, value)| ((*key).to_string(), (*value).to_string()));
        Asked::parse(pairs, 4, 10)
    }

    #[test]
    fn a_viewer_follows_a_trace_or_a_shard() {
        let trace = asked(&[("trace_id", "t 1"), ("after", "x"), ("ticket", "y")]).unwrap();
        assert_eq!(trace.subject, Subject::Trace("t 1".into()));
        assert_eq!((trace.after.as_str(), trace.ticket.as_deref()), ("x", Some("y")));
        assert_eq!(asked(&[("shard", "3")]).unwrap().subject, Subject::Traces);
        assert_eq!(asked(&[("shard", "0"), ("logs", "true")]).unwrap().subject, Subject::Logs);
        assert_eq!(asked(&[("shard", "4")]), Err("shard must be a number from 0 to 3".into()));
        for neither in [&[][..], &[("trace_id", "")], &[("trace_id", "t"), ("shard", "0")]] {
            assert_eq!(asked(neither), Err("give either trace_id, or shard".into()));
        }
        assert!(asked(&[("trace_id", "longer than ten")]).is_err());
    }

    #[test]
    fn a_subject_survives_its_way() {
        for subject in
            [Subject::Trace("traces".into()), Subject::Trace("\0 é".into()), Subject::Traces, Subject::Logs]
        {
            assert_eq!(Subject::parse(&subject.to_text()), Some(subject));
        }
        assert_eq!(Subject::parse("x"), None);
    }

    #[test]
    fn a_page_of_another_origin_needs_to_be_listed() {
        let config = |origins: &str| {
            Config::load(|key| match key {
                "ENVIRONMENT" => Some("production".into()),
                "ALLOWED_ORIGINS" => Some(origins.into()),
                _ => None,
            })
            .unwrap()
        };
        let listed = config("https://app.example.com");
        let url = "https://logs.example.com/logs/tail?shard=0";
        let may = |config: &Config, origin| may_open(config, origin, url);
        assert!(may(&listed, None));
        assert!(may(&listed, Some("https://APP.example.com")));
        assert!(may(&listed, Some("https://logs.example.com")), "its own page");
        for other in
            ["https://evil.example", "https://logs.example.co", "null", "", "https://logs.example.com/"]
        {
            assert!(!may(&listed, Some(other)), "{other}");
        }
        assert!(may(&config(""), Some("https://evil.example")));
    }
}
