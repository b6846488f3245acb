//! Loading: a shard from what it stored.

use super::aside::Aside;
use super::batch::Pending;
use super::checkpoint::TraceLine;
use super::pages::{Page, Pages, Stored};
use super::ring::Place;
use super::row::{self, RowHead};
use super::shard::{Shard, ShardSettings};
use crate::entry;
use crate::quota::PerSystem;
use std::collections::VecDeque;
use std::ops::RangeInclusive;

/// Builds a shard from its rows: first [`Loader::new`], then each page in order of its number, then each row's head in
/// order of `seq`, then [`Loader::finish`].
#[derive(Debug)]
pub struct Loader {
    shard: Shard,
    flushed: u64,
    window: i64,
    spent: PerSystem,
    pages: RangeInclusive<u64>,
    /// Entries that may wait: the highest `flushed` is known only at the end.
    tail: VecDeque<Pending>,
    now: i64,
}

impl Loader {
    /// Begins with the shard's own row, if it has one.
    pub fn new(settings: ShardSettings, meta: Option<row::Meta>, now: i64) -> Loader {
        let meta = meta.unwrap_or(row::Meta { born: now, ..row::Meta::default() });
        let mut shard = Shard::new(settings, meta.born);
        shard.saved.through = meta.checkpoint;
        shard.cleared = meta.cleared;
        shard.clears = meta.clears;
        shard.saved.flushed = meta.flushed;
        shard.pages = Pages::new(meta.newest_page);
        shard.recall_given_up(meta.given_up, now);
        shard.next_seq = meta.checkpoint + 1;
        shard.counters.late_doubles = meta.late_doubles;
        Loader {
            shard,
            flushed: meta.flushed,
            window: meta.window,
            spent: meta.spent,
            pages: meta.oldest_page..=meta.newest_page,
            tail: VecDeque::new(),
            now,
        }
    }

    /// Takes in a page.
    ///
    /// # Errors
    /// When a line of it cannot be read.
    pub fn page(&mut self, page: &Page) -> serde_json::Result<()> {
        self.shard.pages.found(page);
        for line in page.lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            if line.starts_with(b"\"") {
                if let Some(trace) = self.shard.traces.forget(&serde_json::from_slice::<String>(line)?) {
                    self.shard.pages.is_void(trace.stored);
                }
            } else {
                self.trace(
                    serde_json::from_slice(line)?,
                    Stored { page: page.number, bytes: line.len() + 1 },
                );
            }
        }
        Ok(())
    }

    /// Which pages count, by their numbers: those to hand to [`Loader::page`], in their order.
    pub fn pages(&self) -> RangeInclusive<u64> {
        self.pages.clone()
    }

    /// Takes in the slot of a page that does not count.
    pub fn free_page(&mut self, slot: i64) {
        self.shard.pages.found_free(slot);
    }

    /// Takes in a trace from a page, or one that is in none and has to be stored in one.
    pub fn trace(&mut self, row: TraceLine, stored: Stored) {
        let key = self.shard.traces.key(&row.trace_id);
        let now = self.now;
        let cleared_all = self.shard.cleared;
        // Stored before all was cleared: but for what it cost of its quota it is void.
        let void = row.cleared < cleared_all;
        let mut before = Stored::default();
        self.shard.traces.update(&key, |trace| {
            before = std::mem::replace(&mut trace.stored, stored);
            trace.changed = stored.page == 0;
            trace.window = row.window;
            trace.in_window = row.in_window;
            trace.written_at = row.written_at;
            trace.cleared = row.cleared.max(cleared_all);
            if void {
                return;
            }
            trace.count = row.count;
            trace.earlier = row.earlier;
            trace.systems = row.systems;
            trace.errors = row.errors;
            trace.newest = row.newest;
            trace.first = row.first;
            trace.whole = row.whole;
            trace.owes_repair = row.owes_repair;
            trace.aside = row.aside.map(|(since, error)| Aside {
                since,
                error,
                retry_at: now,
                tries: 0,
                uncertain: true,
                entries: VecDeque::new(),
            });
        });
        self.shard.pages.is_void(before);
        self.shard.pages.counts(stored);
    }

    /// Takes in a row's head.
    pub fn row(&mut self, slot: i64, head: &RowHead<'_>) {
        let count = head.entries.len() as u64;
        self.flushed = self.flushed.max(head.flushed);
        self.shard.next_seq = self.shard.next_seq.max(head.seq + count);
        self.shard.ring.found(Place::new(head.seq, count, slot, head.at, 0));
        for (place, (meta, seq)) in head.entries.iter().zip(head.seq..).enumerate() {
            let id = self.shard.ids.fingerprint(&meta.trace_id, &meta.id);
            self.shard.ids.insert(id, head.at);
            self.entry(meta, seq, head, head.begins.contains(&place));
        }
        while self.tail.front().is_some_and(|entry| entry.seq <= self.flushed) {
            self.tail.pop_front();
        }
    }

    fn entry(&mut self, meta: &entry::Meta<'_>, seq: u64, head: &RowHead<'_>, begins: bool) {
        let counted = seq <= self.shard.saved.through;
        if !counted {
            self.shard.note_growth(&meta.trace_id);
            if head.window != self.window {
                self.window = head.window;
                self.spent = [0; 4];
            }
            if let Some(spent) = self.spent.get_mut(meta.system.index()) {
                *spent += 1;
            }
        }
        let now = self.now;
        let cleared_all = self.shard.cleared;
        // Even if it is too late for it by now: nobody may have looked meanwhile.
        let given_up = self.shard.late.given_up;
        let may_come = given_up.is_some_and(|given_up| (given_up.from..=given_up.through).contains(&seq));
        let key = self.shard.traces.key(&meta.trace_id);
        let pending = Pending { seq, key: key.clone(), at: head.at, len: meta.len, body: None };
        let mut cleared = false;
        let waits = self.shard.traces.update(&key, |trace| {
            cleared = meta.len == 0 || seq <= cleared_all.max(trace.cleared);
            if cleared {
                if !counted {
                    trace.count_in_window(head.window);
                    trace.in_window += 1;
                }
                return false;
            }
            if !counted {
                if begins {
                    trace.reset();
                }
                trace.add(meta, seq, head.at, head.window);
            } else if trace.count > 0 && seq >= trace.first {
                trace.kept.push_back(seq);
            } else {
                // Its list had expired by the checkpoint.
                return false;
            }
            match &mut trace.aside {
                Some(aside) if seq >= aside.since => {
                    aside.retry_at = now;
                    aside.entries.push_back(pending.clone());
                    false
                }
                _ => true,
            }
        });
        if may_come && cleared {
            self.shard.fence_one(meta, now);
        } else if may_come {
            self.shard.watch(&key, now);
            if given_up.is_some_and(|given_up| given_up.lists) {
                self.shard.mending.recheck.insert(key.clone());
            }
        }
        if waits == Some(true) && seq > self.flushed {
            self.tail.push_back(pending);
        }
    }

    /// The shard, which knows of every waiting entry that it may be in Redis already.
    pub fn finish(self) -> Shard {
        let Loader { mut shard, window, spent, tail, flushed, now, .. } = self;
        // What came before its trace's list began anew was in the list that expired.
        let tail: VecDeque<Pending> = tail
            .into_iter()
            .filter(|entry| shard.traces.get(&entry.key).is_some_and(|trace| entry.seq >= trace.first))
            .collect();
        let asides = shard.asides().flat_map(|(_, aside)| &aside.entries).cloned().collect::<Vec<_>>();
        shard.next_seq = shard.next_seq.max(flushed + 1);
        shard.uncertain_through = shard.next_seq - 1;
        for entry in tail.iter().chain(&asides) {
            shard.held_bytes += entry.weight();
            shard.ring.waits(entry.seq);
            shard.traces.update(&entry.key, |trace| trace.waiting += 1);
        }
        for (key, trace) in shard.traces.iter() {
            if trace.owes_repair {
                shard.mending.add(key.clone());
            }
            // Written to late, when its entries came into Redis: its rows are needed from then on.
            let until = trace.written_at.saturating_add(row::RETAIN_MS);
            trace.kept.iter().for_each(|&seq| shard.ring.needed(seq, until));
        }
        let pending = tail.iter().chain(&asides).map(|entry| entry.seq);
        if let (Some(from), Some(through)) = (pending.clone().min(), pending.max()) {
            // The instance before may have sent any of them.
            shard.give_up([from, through].into_iter(), now);
        }
        shard.waiting = tail.into_iter().collect();
        if window > 0 {
            shard.lease.recall(window, spent);
        }
        shard
    }
}
