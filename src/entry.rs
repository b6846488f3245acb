//! The entry: what is stored of one log, and the words it may use.

use crate::intake::Context;
use crate::json;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Where a log came from. A Convex table validates exactly these words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum System {
    /// A page in a browser.
    Browser,
    /// A Convex function.
    Convex,
    /// A Worker at the edge.
    Worker,
    /// Anything else: scripts, curl, other servers.
    Manual,
}

impl System {
    /// Every system, in the order the contract lists them.
    pub const ALL: [System; 4] = [System::Browser, System::Convex, System::Worker, System::Manual];

    /// The system's word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            System::Browser => "browser",
            System::Convex => "convex",
            System::Worker => "worker",
            System::Manual => "manual",
        }
    }

    /// The system of that word.
    pub fn parse(word: &str) -> Option<System> {
        Self::ALL.into_iter().find(|system| system.as_str() == word)
    }

    /// Position in [`System::ALL`].
    pub fn index(self) -> usize {
        match self {
            System::Browser => 0,
            System::Convex => 1,
            System::Worker => 2,
            System::Manual => 3,
        }
    }
}

/// How grave a log is. A Convex table validates exactly these words, so nothing else is ever stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// `console.log`, and `console.debug`, which is stored as this.
    Log,
    /// `console.info`.
    Info,
    /// `console.warn`.
    Warn,
    /// `console.error`.
    Error,
}

impl Level {
    /// Every level, in the order the contract lists them.
    pub const ALL: [Level; 4] = [Level::Log, Level::Info, Level::Warn, Level::Error];

    /// The level's word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Log => "log",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        }
    }

    /// The level of that word; `debug` is accepted and is [`Level::Log`].
    pub fn parse(word: &str) -> Option<Level> {
        match word {
            "debug" => Some(Level::Log),
            _ => Self::ALL.into_iter().find(|level| level.as_str() == word),
        }
    }
}

/// A validated, redacted log on its way to be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<'a> {
    /// Unique within its trace: the client's, else a UUID v7 made here.
    pub id: Cow<'a, str>,
    /// The trace it belongs to.
    pub trace_id: Cow<'a, str>,
    /// Who the user was, if the client said.
    pub user_id: Option<Cow<'a, str>>,
    /// Where it came from.
    pub system: System,
    /// How grave it is.
    pub level: Level,
    /// What was logged.
    pub message: Cow<'a, str>,
    /// A stack trace.
    pub stack: Option<Cow<'a, str>>,
    /// Unix time in milliseconds.
    pub timestamp: i64,
    /// Any JSON object.
    pub context: Option<Context<'a>>,
}

impl Entry<'_> {
    /// Appends the stored form: `{id, trace_id, user_id?, system, level, message, stack?, timestamp, context?}` in
    /// this order, absent optionals left out.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.reserve(256 + self.message.len() + self.stack.as_ref().map_or(0, |stack| stack.len()));
        out.extend_from_slice(b"{\"id\":");
        json::write_string(out, &self.id);
        out.extend_from_slice(b",\"trace_id\":");
        json::write_string(out, &self.trace_id);
        if let Some(user_id) = &self.user_id {
            out.extend_from_slice(b",\"user_id\":");
            json::write_string(out, user_id);
        }
        out.extend_from_slice(b",\"system\":\"");
        out.extend_from_slice(self.system.as_str().as_bytes());
        out.extend_from_slice(b"\",\"level\":\"");
        out.extend_from_slice(self.level.as_str().as_bytes());
        out.extend_from_slice(b"\",\"message\":");
        json::write_string(out, &self.message);
        if let Some(stack) = &self.stack {
            out.extend_from_slice(b",\"stack\":");
            json::write_string(out, stack);
        }
        out.extend_from_slice(b",\"timestamp\":");
        json::write_integer(out, self.timestamp);
        if let Some(context) = &self.context {
            out.extend_from_slice(b",\"context\":");
            context.write(out);
        }
        out.push(b'}');
    }
}

/// Bytes an envelope has as JSON, at a guess: a UUID for its id, and a trace's id of thirty letters.
const META_BYTES: usize = 140;

/// A stored entry's envelope, as a shard keeps and passes it beside the entry's JSON.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Meta<'a> {
    /// The entry's id.
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    /// The entry's trace.
    #[serde(borrow, rename = "trace")]
    pub trace_id: Cow<'a, str>,
    /// The entry's system.
    pub system: System,
    /// Whether its level is error.
    #[serde(default)]
    pub error: bool,
    /// The entry's timestamp, Unix ms.
    #[serde(rename = "ts")]
    pub timestamp: i64,
    /// Length of its JSON in bytes.
    pub len: u32,
}

impl<'a> Meta<'a> {
    /// Reads one that [`Meta::write`] wrote without escapes, as nearly all are; serde reads any.
    pub fn read(text: &mut json::Exact<'a>) -> Option<Meta<'a>> {
        text.text("{\"id\":")?;
        let id = Cow::Borrowed(text.string()?);
        text.text(",\"trace\":")?;
        let trace_id = Cow::Borrowed(text.string()?);
        text.text(",\"system\":")?;
        let system = System::parse(text.string()?)?;
        let error = text.text(",\"error\":true").is_some();
        text.text(",\"ts\":")?;
        let timestamp = text.integer()?;
        text.text(",\"len\":")?;
        let len = text.integer()?;
        text.text("}")?;
        Some(Meta { id, trace_id, system, error, timestamp, len })
    }

    /// Reads a list of them, of one and more; `bytes` are what is left of the text.
    pub fn read_list(text: &mut json::Exact<'a>, bytes: usize) -> Option<Vec<Meta<'a>>> {
        text.text("[")?;
        let mut list = Vec::with_capacity(bytes / META_BYTES + 1);
        loop {
            list.push(Meta::read(text)?);
            if text.text(",").is_none() {
                text.text("]")?;
                return Some(list);
            }
        }
    }

    /// Appends it as JSON, as serde would write it, but not byte by byte: each log's is written twice on its way, for the shard
    /// and for its row.
    pub fn write(&self, out: &mut Vec<u8>) {
        let Meta { id, trace_id, system, error, timestamp, len } = self;
        out.extend_from_slice(b"{\"id\":");
        json::write_string(out, id);
        out.extend_from_slice(b",\"trace\":");
        json::write_string(out, trace_id);
        out.extend_from_slice(b",\"system\":\"");
        out.extend_from_slice(system.as_str().as_bytes());
        out.push(b'"');
        if *error {
            out.extend_from_slice(b",\"error\":true");
        }
        out.extend_from_slice(b",\"ts\":");
        json::write_integer(out, timestamp);
        out.extend_from_slice(b",\"len\":");
        json::write_integer(out, len);
        out.push(b'}');
    }

    /// As one that borrows nothing.
    pub fn into_owned(self) -> Meta<'static> {
        let Meta { id, trace_id, system, error, timestamp, len } = self;
        let (id, trace_id) = (Cow::Owned(id.into_owned()), Cow::Owned(trace_id.into_owned()));
        Meta { id, trace_id, system, error, timestamp, len }
    }
}
