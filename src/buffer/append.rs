//! Appends: how entries are judged and taken in.

use super::batch::Pending;
use super::ids::MAX_IDS;
use super::ring::Place;
use super::row::{LAYOUT, ROW_HEAD_BYTES, ROW_MAX_BYTES, Row, RowHead, head_bytes};
use super::shard::Shard;
use super::traces::Trace;
use super::wire::{CheckQuery, CheckReply, Outcome, Room, VERSION};
use crate::entry::{Meta, System};
use crate::quota::Scope;
use std::rc::Rc;

/// A shard that has no room for a new trace looks so often, in ms, whether some have expired.
const FORGET_EVERY_MS: i64 = 60_000;

/// What an append came to. Acknowledge nothing before the rows are durable.
#[derive(Debug)]
pub struct Appended<'e> {
    /// One an entry, in order.
    pub outcomes: Vec<Outcome>,
    /// To be stored in one transaction.
    pub rows: Vec<Row<'e>>,
}

impl Shard {
    /// Judges entries in order and takes in those that pass. The rows must be stored before anything else
    /// happens; if that fails, this shard is no longer true and must be loaded anew.
    pub fn append<'e>(&mut self, entries: Vec<(Meta<'e>, &[u8])>, now: i64) -> Appended<'e> {
        self.ids.forget(now);
        let mut outcomes = Vec::with_capacity(entries.len());
        let mut rows: Vec<Row<'e>> = Vec::new();
        let mut row_bytes = ROW_MAX_BYTES;
        let oldest_kept = self.ring.oldest().unwrap_or(self.next_seq);
        let forgets = now.saturating_sub(self.saved.at) >= FORGET_EVERY_MS;
        self.saved.due |= forgets && !self.traces.has_room();
        for (meta, json) in entries {
            let outcome = self.judge(&meta, now);
            if let Outcome::Stored { .. } = outcome {
                let bytes = json.len() + head_bytes(&meta);
                if row_bytes + bytes > ROW_MAX_BYTES {
                    rows.push(self.new_row(now));
                    row_bytes = ROW_HEAD_BYTES;
                }
                row_bytes += bytes;
                let begins = self.take_in(&meta, json, oldest_kept, now);
                if let Some(row) = rows.last_mut() {
                    if begins {
                        row.head.begins.push(row.head.entries.len());
                    }
                    row.head.entries.push(meta);
                    row.body.extend_from_slice(json);
                }
            }
            self.count(&outcome);
            outcomes.push(outcome);
        }
        for row in &mut rows {
            row.slot = self.ring.slot(now);
            let count = row.head.entries.len() as u64;
            self.ring.stored(Place::new(row.head.seq, count, row.slot, now, count));
        }
        self.counters.rows_written += rows.len() as u64;
        self.counters.commits += u64::from(!rows.is_empty());
        Appended { outcomes, rows }
    }

    fn new_row<'e>(&self, now: i64) -> Row<'e> {
        let head = RowHead {
            v: LAYOUT,
            seq: self.next_seq,
            at: now,
            window: self.lease.window(),
            flushed: self.flushed_through(),
            begins: Vec::new(),
            entries: Vec::new(),
        };
        Row { slot: 0, head, body: Vec::new() }
    }

    fn judge(&mut self, meta: &Meta<'_>, now: i64) -> Outcome {
        let id = self.ids.fingerprint(&meta.trace_id, &meta.id);
        if self.ids.knows(id) {
            return Outcome::Duplicate { left: self.lease.remaining(meta.system) };
        }
        if let Err(refused) = self.admits(&meta.trace_id, meta.system, meta.len) {
            return refused;
        }
        self.lease.spend(meta.system);
        self.ids.insert_new(id, now);
        Outcome::Stored { left: self.lease.remaining(meta.system) }
    }

    /// Whether a log of so many bytes that was never seen before would be taken in.
    fn admits(&self, trace_id: &str, system: System, bytes: u32) -> Result<(), Outcome> {
        if self.lease.undrained_from() > 0 {
            return Err(Outcome::Undrained { from: self.lease.undrained_from(), to: self.settings.shards });
        }
        let trace = self.traces.get(trace_id);
        if self.held_bytes + u64::from(bytes) > self.settings.buffer_max_bytes {
            return Err(Outcome::Full { of: Room::Waiting });
        }
        if self.ids.len() >= MAX_IDS {
            return Err(Outcome::Full { of: Room::Ids });
        }
        if trace.is_none() && !self.traces.has_room() {
            return Err(Outcome::Full { of: Room::Traces });
        }
        if let Err(refusal) = self.lease.check(system) {
            return Err(Outcome::Over { scope: refusal.scope, until: refusal.until });
        }
        if self.in_window(trace) >= self.settings.limits.trace {
            return Err(Outcome::Over { scope: Scope::Trace, until: self.lease.window_end() });
        }
        Ok(())
    }

    /// Logs of a trace that count in the window.
    fn in_window(&self, trace: Option<&Trace>) -> u64 {
        let window = self.lease.window();
        trace.filter(|trace| trace.window == window).map_or(0, |trace| trace.in_window)
    }

    /// How the next log of a trace would be judged, without spending anything.
    pub fn foretell(&self, query: &CheckQuery) -> CheckReply {
        let left = self.lease.remaining(query.system);
        let outcome = self.admits(&query.trace_id, query.system, 0).err();
        let counted = self.in_window(self.traces.get(&query.trace_id));
        CheckReply {
            v: VERSION,
            outcome: outcome.unwrap_or(Outcome::Stored { left }),
            trace_left: self.settings.limits.trace.saturating_sub(counted),
            window_end: self.lease.window_end(),
        }
    }

    /// Returns whether the trace's list had expired, so that the entry begins a new one.
    fn take_in(&mut self, meta: &Meta<'_>, json: &[u8], oldest_kept: u64, now: i64) -> bool {
        let seq = self.next_seq;
        self.next_seq += 1;
        self.note_growth(&meta.trace_id);
        let window = self.lease.window();
        let key = self.traces.key(&meta.trace_id);
        let in_memory = self.memory.take(meta.len.into());
        let pending = Pending {
            seq,
            key: key.clone(),
            at: now,
            len: meta.len,
            body: in_memory.then(|| Rc::from(json)),
        };
        self.held_bytes += pending.weight();
        let mut begins = false;
        let ring = &self.ring;
        let aside = self.traces.update(&key, |trace| {
            begins = trace.count > 0 && trace.expired(now);
            if begins {
                trace.reset();
            }
            trace.add(meta, seq, now, window);
            trace.waiting += 1;
            while trace.kept.front().is_some_and(|&kept| kept < oldest_kept && ring.of(kept).is_none()) {
                trace.kept.pop_front();
            }
            match &mut trace.aside {
                Some(aside) => {
                    aside.entries.push_back(pending.clone());
                    true
                }
                None => false,
            }
        });
        if aside != Some(true) {
            self.waiting.push(pending);
        }
        begins
    }

    fn count(&mut self, outcome: &Outcome) {
        let counters = &mut self.counters;
        *match outcome {
            Outcome::Stored { .. } => &mut counters.appended,
            Outcome::Duplicate { .. } => &mut counters.duplicates,
            Outcome::Over { scope: Scope::Global, .. } => &mut counters.refused_global,
            Outcome::Over { scope: Scope::System, .. } => &mut counters.refused_system,
            Outcome::Over { scope: Scope::Trace, .. } => &mut counters.refused_trace,
            Outcome::Full { of: Room::Waiting } => &mut counters.refused_full,
            Outcome::Full { of: Room::Ids } => &mut counters.refused_ids,
            Outcome::Full { of: Room::Traces } => &mut counters.refused_traces,
            Outcome::Undrained { .. } => &mut counters.refused_undrained,
        } += 1;
    }
}
