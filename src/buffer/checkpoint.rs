//! The checkpoint: what is stored now and then, so that a start need not read older rows again.

use super::row::{self, LAYOUT};
use super::shard::Shard;
use super::traces::Trace;
use std::rc::Rc;

/// A checkpoint is due after this many entries, so that a start never reads more rows than these twice.
const CHECKPOINT_ENTRIES: u64 = 5_000;

/// A trace's summary as it is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TraceRow {
    /// The trace.
    pub trace_id: String,
    /// Its entries, waiting ones included, since its list began.
    pub count: u64,
    /// A bit per system.
    pub systems: u8,
    /// Whether one entry is an error.
    pub errors: bool,
    /// Newest timestamp, Unix ms.
    pub newest: i64,
    /// Last written to, Unix ms.
    pub written_at: i64,
    /// The quota window counted in.
    pub window: i64,
    /// Entries accepted in it.
    pub in_window: u64,
    /// Entries up to this number were cleared.
    pub cleared: u64,
    /// Number of the first entry of its list.
    pub first: u64,
    /// Whether all of its list is this shard's.
    pub whole: bool,
    /// First entry set aside, and why.
    pub aside: Option<(u64, String)>,
}

/// What to store at a checkpoint, in one transaction.
#[derive(Debug)]
pub struct Checkpoint {
    /// The shard's own row.
    pub meta: row::Meta,
    /// Traces to insert or replace.
    pub traces: Vec<TraceRow>,
    /// Traces to delete.
    pub forgotten: Vec<Rc<str>>,
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
        let changed = self.traces.take_changed();
        let traces: Vec<TraceRow> =
            changed.into_iter().map(|(key, trace)| trace_row(&key, trace, self.cleared)).collect();
        self.counters.rows_written += (1 + traces.len() + forgotten.len()) as u64;
        Checkpoint { meta: self.meta(), traces, forgotten }
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
        }
    }
}

fn trace_row(key: &Rc<str>, trace: Trace, cleared_all: u64) -> TraceRow {
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
        aside: trace.aside.map(|aside| (aside.since, aside.error)),
    }
}
