//! What the worker and a shard say to each other: logs by the object's method `append` (an [`AppendHead`] line and the
//! entries' bytes → [`AppendReply`]), anything else by `fetch`.
//!
//! A gradual deployment runs two versions at once, so both sides ignore fields they do not know and a field is
//! only ever added with a default. Entries travel as their own JSON bytes, unparsed, behind a JSON line.

mod outcome;
mod status;

pub use outcome::{Outcome, Room};
pub use status::{Counters, StatusReply};

use crate::entry::{Meta, System};
use crate::json;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Version of this vocabulary, in every request and reply.
pub const VERSION: u8 = 1;

/// The Durable Object binding of the shards.
pub const BINDING: &str = "LOG_BUFFER";

/// `POST` [`TraceQuery`] → a [`ReadHead`] line and the waiting entries' bytes.
pub const READ: &str = "/read";
/// `POST` [`TraceQuery`] → a [`ReadHead`] line and every entry of the trace the shard still keeps.
pub const RETAINED: &str = "/retained";
/// `POST` [`RecentQuery`] → [`RecentReply`].
pub const RECENT: &str = "/recent";
/// `POST` [`ClearQuery`] → [`ClearReply`], or 502 when Redis did not do its part.
pub const CLEAR: &str = "/clear";
/// `POST` [`SweepQuery`] → [`ClearReply`]: removes lists that no live trace owns.
pub const SWEEP: &str = "/sweep";
/// `POST` → [`StatusReply`].
pub const STATUS: &str = "/status";
/// `POST` → the [`LeaseRequest`](crate::quota::LeaseRequest) that gives back what the shard holds, or null.
pub const RECALL: &str = "/recall";
/// `POST` [`CheckQuery`] → [`CheckReply`].
pub const CHECK: &str = "/check";
/// `POST` → [`StatusReply`], after a flush of all that waits has been started.
pub const DRAIN: &str = "/drain";

/// The shard a trace belongs to: FNV-1a (64 bit) of its id, modulo the count. Part of the stored layout: changing
/// it means draining first, like changing the count.
pub fn shard_of(trace_id: &str, shards: u32) -> u32 {
    let hash = trace_id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    // FNV's low bits alone are weak; fold the high half in.
    let folded = (hash ^ (hash >> 32)) % u64::from(shards.max(1));
    u32::try_from(folded).unwrap_or(0)
}

/// The name of a shard's object.
pub fn shard_name(shard: u32) -> String {
    format!("shard-{shard}")
}

/// First line of an append.
#[derive(Debug, Deserialize)]
pub struct AppendHead<'a> {
    /// [`VERSION`].
    pub v: u8,
    /// The entries, in order; their bytes follow the line without separators.
    #[serde(borrow)]
    pub entries: Vec<Meta<'a>>,
    /// What was redacted from the request's logs, by rule, for the shard to count.
    #[serde(default)]
    pub redactions: BTreeMap<String, u64>,
}

impl<'a> AppendHead<'a> {
    /// Reads one as this version writes it where nothing was redacted and nothing is escaped, which serde takes several times as
    /// long for. Serde reads any.
    fn read(line: &'a [u8]) -> Option<AppendHead<'a>> {
        let mut text = json::Exact::new(std::str::from_utf8(line).ok()?);
        text.text("{\"v\":")?;
        let v = text.integer()?;
        text.text(",\"entries\":")?;
        let entries = Meta::read_list(&mut text, line.len())?;
        text.text("}")?;
        text.is_done().then_some(AppendHead { v, entries, redactions: BTreeMap::new() })
    }
}

/// The body of an append in the making: an [`AppendHead`], and the entries behind it.
#[derive(Debug, Default)]
pub struct AppendBody {
    /// The envelopes, a comma between two.
    metas: Vec<u8>,
    entries: Vec<u8>,
}

impl AppendBody {
    /// One with room for so many bytes of entries.
    pub fn new(bytes: usize) -> AppendBody {
        AppendBody { metas: Vec::new(), entries: Vec::with_capacity(bytes) }
    }

    /// Adds an entry.
    pub fn push(&mut self, meta: &Meta<'_>, json: &[u8]) {
        if !self.metas.is_empty() {
            self.metas.push(b',');
        }
        meta.write(&mut self.metas);
        self.entries.extend_from_slice(json);
    }

    /// The body, with what was redacted from the request's logs for this shard to count.
    pub fn finish(self, redactions: &BTreeMap<String, u64>) -> Vec<u8> {
        let mut body = Vec::with_capacity(64 + self.metas.len() + self.entries.len());
        body.extend_from_slice(b"{\"v\":");
        json::write_integer(&mut body, VERSION);
        body.extend_from_slice(b",\"entries\":[");
        body.extend_from_slice(&self.metas);
        body.push(b']');
        if !redactions.is_empty() {
            body.extend_from_slice(b",\"redactions\":");
            body.extend_from_slice(&serde_json::to_vec(redactions).unwrap_or_else(|_| b"{}".to_vec()));
        }
        body.extend_from_slice(b"}\n");
        body.extend_from_slice(&self.entries);
        body
    }
}

/// What an append holds: its entries, and what was redacted.
pub type Append<'a> = (Vec<(Meta<'a>, &'a [u8])>, BTreeMap<String, u64>);

/// Reads an append.
///
/// # Errors
/// What is wrong with the body; only a bug or a foreign caller makes one.
pub fn decode_append(body: &[u8]) -> Result<Append<'_>, String> {
    let (head, mut rest) = split_line(body)?;
    let head = match AppendHead::read(head) {
        Some(head) => head,
        None => serde_json::from_slice(head).map_err(|error| error.to_string())?,
    };
    let mut entries = Vec::with_capacity(head.entries.len());
    for meta in head.entries {
        let len = usize::try_from(meta.len).map_err(|error| error.to_string())?;
        let (json, tail) = rest.split_at_checked(len).ok_or("an entry is cut short")?;
        rest = tail;
        entries.push((meta, json));
    }
    Ok((entries, head.redactions))
}

fn split_line(body: &[u8]) -> Result<(&[u8], &[u8]), String> {
    let end = body.iter().position(|&byte| byte == b'\n').ok_or("there is no head line")?;
    Ok((body.get(..end).unwrap_or_default(), body.get(end + 1..).unwrap_or_default()))
}

/// Answer to an append: one outcome an entry, in order.
#[derive(Debug, Serialize, Deserialize)]
pub struct AppendReply {
    /// [`VERSION`].
    pub v: u8,
    /// One an entry, in order.
    pub outcomes: Vec<Outcome>,
    /// When the quota window ends, Unix ms.
    pub window_end: i64,
}

impl AppendReply {
    /// Reads one.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(line: &[u8]) -> serde_json::Result<AppendReply> {
        Self::read_stored(line).map_or_else(|| serde_json::from_slice(line), Ok)
    }

    /// The one that says that everything was stored, as this version writes it.
    fn read_stored(line: &[u8]) -> Option<AppendReply> {
        let mut text = json::Exact::new(std::str::from_utf8(line).ok()?);
        text.text("{\"v\":")?;
        let v = text.integer()?;
        text.text(",\"outcomes\":[")?;
        let mut outcomes = Vec::with_capacity(line.len() / STORED_BYTES + 1);
        loop {
            text.text("{\"is\":\"stored\",\"left\":")?;
            outcomes.push(Outcome::Stored { left: text.integer()? });
            text.text("}")?;
            if text.text(",").is_none() {
                break;
            }
        }
        text.text("],\"window_end\":")?;
        let window_end = text.integer()?;
        text.text("}")?;
        text.is_done().then_some(AppendReply { v, outcomes, window_end })
    }
}

/// Bytes that say that a log was stored, at least.
const STORED_BYTES: usize = 25;

/// Asks how the next log would be judged.
#[derive(Debug, Serialize, Deserialize)]
pub struct CheckQuery {
    /// Its trace.
    pub trace_id: String,
    /// Its system.
    pub system: System,
}

/// How the next log would be judged, as things stand.
#[derive(Debug, Serialize, Deserialize)]
pub struct CheckReply {
    /// [`VERSION`].
    pub v: u8,
    /// What would become of it. `left` counts this log as not yet stored.
    pub outcome: Outcome,
    /// Logs the trace may still store in this window, whatever the other quotas say.
    pub trace_left: u64,
    /// When the quota window ends, Unix ms.
    pub window_end: i64,
}

/// Names a trace.
#[derive(Debug, Serialize, Deserialize)]
pub struct TraceQuery {
    /// The trace's id.
    pub trace_id: String,
    /// Whether its list was found to have less than it should.
    #[serde(default)]
    pub short: bool,
}

/// First line of a read. The entries follow, in order of arrival, each on a line of its own.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct ReadHead {
    /// [`VERSION`].
    pub v: u8,
    /// How many entries of this trace the shard has put into its list: fewer there means Redis lost some.
    pub flushed: u64,
    /// Whether what the shard keeps is provably all there is of the trace.
    pub whole: bool,
    /// Ids that were cleared but may yet appear in the list, from a write still under way somewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cleared: Vec<String>,
    /// Whether a write still under way somewhere may have put older entries in the place of newer ones, so that the
    /// number of them tells nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub doubtful: bool,
}

/// The body of an answer to a read.
pub fn encode_read<'a>(head: &ReadHead, entries: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut body = serde_json::to_vec(head).unwrap_or_default();
    for entry in entries {
        body.push(b'\n');
        body.extend_from_slice(entry);
    }
    body.push(b'\n');
    body
}

/// Head and entries of an answer to a read.
///
/// # Errors
/// What is wrong with the body.
pub fn decode_read(body: &str) -> Result<(ReadHead, Vec<&str>), String> {
    let mut lines = body.split_terminator('\n');
    let head = serde_json::from_str(lines.next().unwrap_or("")).map_err(|error| error.to_string())?;
    Ok((head, lines.collect()))
}

/// Asks for the newest traces.
#[derive(Debug, Serialize, Deserialize)]
pub struct RecentQuery {
    /// At most so many.
    pub limit: usize,
}

/// A trace among the recent ones, as `/traces/recent` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The trace's id.
    pub id: String,
    /// The same, under the name another client reads.
    pub trace_id: String,
    /// Timestamp of its newest log, Unix ms.
    pub timestamp: i64,
    /// How many logs it has.
    #[serde(rename = "logCount")]
    pub log_count: u64,
    /// The systems they came from.
    pub systems: Vec<System>,
    /// Whether one of them is an error.
    #[serde(rename = "hasErrors")]
    pub has_errors: bool,
}

/// The newest traces of a shard, newest first.
#[derive(Debug, Serialize, Deserialize)]
pub struct RecentReply {
    /// [`VERSION`].
    pub v: u8,
    /// Newest first.
    pub traces: Vec<Summary>,
}

/// Asks to clear.
#[derive(Debug, Serialize, Deserialize)]
pub struct ClearQuery {
    /// One trace, or all the shard owns.
    pub trace_id: Option<String>,
}

/// Names lists that were found in Redis.
#[derive(Debug, Serialize, Deserialize)]
pub struct SweepQuery {
    /// Traces of those lists.
    pub traces: Vec<String>,
}

/// What was cleared.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct ClearReply {
    /// [`VERSION`].
    pub v: u8,
    /// Traces removed.
    pub traces: u64,
    /// Logs removed.
    pub logs: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn meta(id: &'static str, json: &[u8]) -> Meta<'static> {
        Meta {
            id: id.into(),
            trace_id: "t".into(),
            system: System::Browser,
            error: id == "b",
            timestamp: 1,
            len: u32::try_from(json.len()).unwrap(),
        }
    }

    #[test]
    fn an_append_reads_back_as_it_was_written() {
        let entries: Vec<_> =
            [("a", &b"{\"x\":1}"[..]), ("b", b"{}")].map(|(id, j)| (meta(id, j), j.to_vec())).into();
        let redactions = BTreeMap::from([("jwt".to_string(), 2)]);
        let mut body = AppendBody::default();
        entries.iter().for_each(|(meta, json)| body.push(meta, json));
        let body = body.finish(&redactions);
        // Versions of this worker talk to each other so.
        assert_eq!(
            std::str::from_utf8(&body).unwrap(),
            concat!(
                r#"{"v":1,"entries":[{"id":"a","trace":"t","system":"browser","ts":1,"len":7},"#,
                r#"{"id":"b","trace":"t","system":"browser","error":true,"ts":1,"len":2}],"redactions":{"jwt":2}}"#,
                "\n",
                r#"{"x":1}{}"#
            )
        );
        let (back, counted) = decode_append(&body).unwrap();
        let back: Vec<_> = back.into_iter().map(|(m, j)| (m, j.to_vec())).collect();
        assert_eq!((back, counted), (entries, redactions));
        assert!(decode_append(&body[..body.len() - 1]).is_err());
        let none = AppendBody::default().finish(&BTreeMap::new());
        assert_eq!(decode_append(&none).unwrap(), (Vec::new(), BTreeMap::new()));
        assert!(decode_append(b"{}").is_err());
    }

    proptest! {
        /// The quick readers may decline anything, and must not read anything differently.
        #[test]
        fn what_is_read_quickly_is_what_serde_reads(
            texts in proptest::collection::vec(("[a-z0-9\"\\\\\\n\u{e9}-]{0,8}", "[a-z_]{0,8}"), 1..4),
            numbers in (any::<i64>(), any::<u32>(), any::<u64>(), 0_usize..4),
            mutation in (any::<proptest::sample::Index>(), "[-0-9a-z\"{}\\[\\],: ]?"),
        ) {
            let system = System::ALL[numbers.3];
            let meta = |(id, trace): &(String, String)| Meta {
                id: id.clone().into(),
                trace_id: trace.clone().into(),
                system,
                error: numbers.2 % 2 == 0,
                timestamp: numbers.0,
                len: numbers.1,
            };
            let entries: Vec<Meta<'_>> = texts.iter().map(meta).collect();
            let mut body = AppendBody::default();
            entries.iter().for_each(|meta| body.push(meta, b""));
            let mut line = body.finish(&BTreeMap::new());
            line.pop();
            let plain = texts.iter().all(|(id, _)| !id.contains(['"', '\\', '\n']));
            prop_assert_eq!(AppendHead::read(&line).map(|head| head.entries), plain.then_some(entries));
            let outcomes = vec![Outcome::Stored { left: numbers.2 }; texts.len()];
            let reply = AppendReply { v: VERSION, outcomes, window_end: numbers.0 };
            let reply = serde_json::to_vec(&reply).unwrap();
            prop_assert!(AppendReply::read_stored(&reply).is_some());

            let mutated = |json: &[u8]| {
                let at = mutation.0.index(json.len());
                [&json[..at], mutation.1.as_bytes(), &json[at + 1..]].concat()
            };
            let (line, reply) = (mutated(&line), mutated(&reply));
            if let Some(head) = AppendHead::read(&line) {
                let same: AppendHead<'_> = serde_json::from_slice(&line).unwrap();
                prop_assert_eq!((head.v, head.entries), (same.v, same.entries));
            }
            if let Some(quick) = AppendReply::read_stored(&reply) {
                let same: AppendReply = serde_json::from_slice(&reply).unwrap();
                prop_assert_eq!((quick.v, quick.outcomes, quick.window_end), (same.v, same.outcomes, same.window_end));
            }
        }
    }

    #[test]
    fn a_read_reads_back_as_it_was_written() {
        let head =
            ReadHead { v: VERSION, flushed: 3, whole: true, cleared: vec!["x".into()], doubtful: false };
        let body = String::from_utf8(encode_read(&head, [&b"{1}"[..], b"{2}"].into_iter())).unwrap();
        let (back, entries) = decode_read(&body).unwrap();
        assert_eq!((back.flushed, back.whole, entries), (3, true, vec!["{1}", "{2}"]));
        let none = String::from_utf8(encode_read(&head, std::iter::empty())).unwrap();
        assert!(decode_read(&none).unwrap().1.is_empty());
    }

    #[test]
    fn traces_spread_over_shards_and_stay_where_they_are() {
        let mut counts = [0; 16];
        for n in 0..16_000 {
            counts[shard_of(&format!("trace_17{n:011}_abc"), 16) as usize] += 1;
        }
        assert!(counts.iter().all(|&count| (850..1_150).contains(&count)), "{counts:?}");
        assert_eq!(shard_of("anything", 1), 0);
        // Stored layout: these must never change.
        assert_eq!(["", "a", "trace_1"].map(|trace| shard_of(trace, 16)), [1, 0, 15]);
    }
}
