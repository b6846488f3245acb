//! The checkpoint: what is stored now and then, so that a start need not read older rows again.

use super::pages::Page;
use super::row::{self, LAYOUT};
use super::shard::Shard;
use super::traces::Trace;
use serde::{Deserialize, Serialize};
use std::rc::Rc;

/// A checkpoint is due after this many entries, so that a start never reads more rows than these twice.
const CHECKPOINT_ENTRIES: u64 = 5_000;

/// A trace's summary as it is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TraceRow {
    /// The trace.
    pub trace_id: String,
    /// Its entries, waiting ones included, since its list began.
    #[serde(skip_serializing_if = "is_default")]
    pub count: u64,
    /// A bit per system.
    #[serde(skip_serializing_if = "is_default")]
    pub systems: u8,
    /// Whether one entry is an error.
    #[serde(skip_serializing_if = "is_default")]
    pub errors: bool,
    /// Newest timestamp, Unix ms.
    #[serde(skip_serializing_if = "is_default")]
    pub newest: i64,
    /// Last written to, Unix ms.
    #[serde(skip_serializing_if = "is_default")]
    pub written_at: i64,
    /// The quota window counted in.
    #[serde(skip_serializing_if = "is_default")]
    pub window: i64,
    /// Entries accepted in it.
    #[serde(skip_serializing_if = "is_default")]
    pub in_window: u64,
    /// Entries up to this number were cleared.
    #[serde(skip_serializing_if = "is_default")]
    pub cleared: u64,
    /// Number of the first entry of its list.
    #[serde(skip_serializing_if = "is_default")]
    pub first: u64,
    /// Whether all of its list is this shard's.
    #[serde(skip_serializing_if = "is_default")]
    pub whole: bool,
    /// First entry set aside, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aside: Option<(u64, String)>,
}

/// Bytes of a line of [`TraceRow`] beside the trace's id, about.
const LINE_BYTES: usize = 200;

/// What to store at a checkpoint, in one transaction.
#[derive(Debug)]
pub struct Checkpoint {
    /// The shard's own row.
    pub meta: row::Meta,
    /// Pages to insert, or to write over what is in their slots.
    pub pages: Vec<Page>,
}

impl Shard {
    /// Has a checkpoint made once enough came in since the last.
    pub(super) fn note_growth(&mut self) {
        self.checkpoint_due |= self.next_seq - self.checkpoint > CHECKPOINT_ENTRIES;
    }

    /// Whether a checkpoint should be stored now; when `idle`, whenever there is something it would tell.
    pub fn wants_checkpoint(&self, idle: bool) -> bool {
        let tells_more =
            self.next_seq - 1 > self.checkpoint || self.flushed_through() > self.checkpoint_flushed;
        self.checkpoint_due || (idle && tells_more)
    }

    /// What to store, in one transaction.
    pub fn take_checkpoint(&mut self, now: i64) -> Checkpoint {
        let forgotten = self.traces.forget_expired(now, self.lease.window());
        self.checkpoint = self.next_seq - 1;
        self.checkpoint_flushed = self.flushed_through();
        self.checkpoint_due = false;
        let pages = self.take_pages(&forgotten);
        self.counters.rows_written += 1 + pages.len() as u64;
        Checkpoint { meta: self.meta(), pages }
    }

    /// What is forgotten, what has changed, and what still counts in the oldest pages.
    fn take_pages(&mut self, forgotten: &[Rc<str>]) -> Vec<Page> {
        let changed = self.traces.iter().filter(|(_, trace)| trace.changed);
        let coming = changed.map(|(key, _)| key.len() + LINE_BYTES).sum();
        let emptied = self.pages.to_empty(coming, self.traces.bytes());
        let mut pages = Vec::new();
        for key in forgotten {
            self.pages.put(&mut pages, &line(&**key));
        }
        for (key, trace) in self.traces.iter_mut().filter(|(_, trace)| trace.to_store(emptied)) {
            trace.page = self.pages.put(&mut pages, &line(&trace_row(key, trace, self.cleared)));
            trace.changed = false;
        }
        self.pages.stored(&pages, emptied);
        pages
    }

    fn meta(&self) -> row::Meta {
        row::Meta {
            v: LAYOUT,
            born: self.born,
            checkpoint: self.checkpoint,
            flushed: self.flushed_through(),
            cleared: self.cleared,
            clears: self.clears,
            given_up: self.given_up,
            window: self.lease.window(),
            spent: self.lease.spent(),
            late_doubles: self.counters.late_doubles,
            oldest_page: self.pages.oldest(),
        }
    }
}

fn trace_row(key: &str, trace: &Trace, cleared_all: u64) -> TraceRow {
    TraceRow {
        trace_id: key.to_string(),
        count: trace.count,
        systems: trace.systems,
        errors: trace.errors,
        newest: trace.newest,
        written_at: trace.written_at,
        window: trace.window,
        in_window: trace.in_window,
        // Tells it from a row stored before all was cleared.
        cleared: trace.cleared.max(cleared_all),
        first: trace.first,
        whole: trace.whole,
        aside: trace.aside.as_ref().map(|aside| (aside.since, aside.error.clone())),
    }
}

/// One line of a page: JSON has no line break outside of its strings, and none that is not escaped within.
fn line(value: &(impl Serialize + ?Sized)) -> Vec<u8> {
    // Strings and numbers: they can be written.
    serde_json::to_vec(value).unwrap_or_default()
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
