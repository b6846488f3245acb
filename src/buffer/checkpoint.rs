//! The checkpoint: what is stored now and then, so that a start need not read older rows again.

use super::pages::Page;
use super::row::{self, LAYOUT};
use super::shard::Shard;
use super::traces::Trace;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::rc::Rc;

/// A checkpoint is due after this many entries, so that a start never reads more rows than these twice.
const CHECKPOINT_ENTRIES: u64 = 5_000;

/// A trace's summary as it is stored: a line of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TraceLine {
    /// The trace.
    pub trace_id: String,
    /// Its entries, waiting ones included, since its list began.
    #[serde(skip_serializing_if = "is_default")]
    pub count: u64,
    /// Entries that an earlier worker left in its list.
    #[serde(skip_serializing_if = "is_default")]
    pub earlier: u64,
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
    /// Whether its list is to be looked at.
    #[serde(skip_serializing_if = "is_default")]
    pub owes_repair: bool,
    /// First entry set aside, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aside: Option<(u64, String)>,
}

/// What the last checkpoint told, and when the next is due.
#[derive(Debug, Default)]
pub(super) struct Saved {
    /// Newest entry that it knew.
    pub(super) through: u64,
    /// Newest entry that it knew to be in Redis.
    pub(super) flushed: u64,
    /// Whether the next is due.
    pub(super) due: bool,
    /// When it was taken, Unix ms: expired traces are forgotten then.
    pub(super) at: i64,
    /// Bytes that the lines of entries since may take.
    growth_bytes: usize,
}

impl Saved {
    /// Before the first.
    pub(super) fn nothing(now: i64) -> Saved {
        Saved { at: now, ..Saved::default() }
    }
}

/// A checkpoint is due after entries whose traces' lines may take so many bytes, so that it never writes much more.
const CHECKPOINT_BYTES: usize = 4 * 1024 * 1024;

/// Bytes a trace's line takes at most, but for why it was set aside: a control character is six bytes of JSON.
fn line_bytes(trace_id: &str) -> usize {
    300 + 6 * trace_id.len()
}

impl Shard {
    /// Has a checkpoint made once enough came in since the last, now that an entry of this trace did.
    pub(super) fn note_growth(&mut self, trace_id: &str) {
        self.saved.growth_bytes += line_bytes(trace_id);
        self.saved.due |= self.next_seq - self.saved.through > CHECKPOINT_ENTRIES
            || self.saved.growth_bytes > CHECKPOINT_BYTES;
    }

    /// Whether a checkpoint should be stored now; when `idle`, whenever there is something it would tell.
    pub fn wants_checkpoint(&self, idle: bool) -> bool {
        let tells_more =
            self.next_seq - 1 > self.saved.through || self.flushed_through() > self.saved.flushed;
        self.saved.due || (idle && tells_more)
    }

    /// What to store, in one transaction: the pages it hands to `store` one by one, and after them the shard's own row.
    /// If that fails, this shard is no longer true and must be loaded anew.
    ///
    /// # Errors
    /// What `store` says.
    pub fn take_checkpoint<E>(
        &mut self,
        now: i64,
        mut store: impl FnMut(Page) -> Result<(), E>,
    ) -> Result<row::Meta, E> {
        self.saved.through = self.next_seq - 1;
        self.saved.flushed = self.flushed_through();
        self.saved.due = false;
        self.saved.at = now;
        self.saved.growth_bytes = 0;
        let mut count = 0;
        self.write_pages(now, &mut |page| {
            count += 1;
            store(page)
        })?;
        self.counters.rows_written += 1 + count;
        Ok(self.meta())
    }

    /// Writes what has changed, what counts in the pages that are emptied, and what is forgotten.
    fn write_pages<E>(&mut self, now: i64, store: &mut impl FnMut(Page) -> Result<(), E>) -> Result<(), E> {
        let busy: HashSet<Rc<str>> = self.mending.lists().chain(self.late.audits.keys()).cloned().collect();
        let forgotten = self.traces.forget_expired(now, self.lease.window(), |key| busy.contains(key));
        for (_, trace) in &forgotten {
            self.pages.is_void(trace.stored);
        }
        let mut coming = 0;
        for (key, trace) in self.traces.iter_mut().filter(|(_, trace)| trace.changed) {
            self.pages.is_void(trace.stored);
            trace.stored = self.pages.put(&line(&trace_line(key, trace, self.cleared)), true, store)?;
            trace.changed = false;
            coming += trace.stored.bytes;
        }
        let emptied = self.pages.to_empty(coming);
        let counts = |trace: &Trace| (1..=emptied).contains(&trace.stored.page);
        for (key, trace) in self.traces.iter_mut().filter(|(_, trace)| counts(trace)) {
            trace.stored = self.pages.put(&line(&trace_line(key, trace, self.cleared)), true, store)?;
        }
        // Nothing is left of the others.
        for (key, _) in forgotten.iter().filter(|(_, trace)| trace.stored.page > emptied) {
            self.pages.put(&line(&**key), false, store)?;
        }
        self.pages.close(store)?;
        self.pages.empty(emptied);
        Ok(())
    }

    fn meta(&self) -> row::Meta {
        row::Meta {
            v: LAYOUT,
            born: self.born,
            checkpoint: self.saved.through,
            flushed: self.flushed_through(),
            cleared: self.cleared,
            clears: self.clears,
            given_up: self.late.given_up,
            window: self.lease.window(),
            spent: self.lease.spent(),
            late_doubles: self.counters.late_doubles,
            oldest_page: *self.pages.numbers().start(),
            newest_page: *self.pages.numbers().end(),
        }
    }
}

fn trace_line(key: &str, trace: &Trace, cleared_all: u64) -> TraceLine {
    TraceLine {
        trace_id: key.to_string(),
        count: trace.count,
        earlier: trace.earlier,
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
        owes_repair: trace.owes_repair,
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
