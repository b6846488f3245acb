//! What a shard tells: reads, recent traces, and how it stands.

use super::row::{LAYOUT, Row};
use super::shard::Shard;
use super::wire::{ReadHead, StatusReply, Summary, VERSION};
use crate::redis::LIST_TTL_S;
use std::collections::{BTreeMap, HashSet};

/// Traces named in a status at most.
const STATUS_TRACES: usize = 50;

/// Whether every list of that time has expired since.
fn older_than_lists(since: i64, now: i64) -> bool {
    now.saturating_sub(since) > LIST_TTL_S * 1_000
}

impl Shard {
    /// Whether a list may have been there before this shard was: not where other shards wrote within a list's life.
    pub(super) fn may_be_younger_than_lists(&self, now: i64) -> bool {
        older_than_lists(self.resharded_at, now) && !older_than_lists(self.born, now)
    }

    /// Head of an answer to a read of `trace_id`.
    pub fn read_head(&self, trace_id: &str, now: i64) -> ReadHead {
        let trace = self.traces.get(trace_id).filter(|trace| !trace.expired(now));
        let always_its_own = older_than_lists(self.resharded_at, now);
        // Older than any list's life, the shard has seen every list begin.
        let saw_all_lists_begin = always_its_own && older_than_lists(self.born, now);
        let oldest_kept = self.ring.oldest().unwrap_or(u64::MAX);
        let whole = match trace {
            None => saw_all_lists_begin,
            Some(trace) => {
                let cleared = always_its_own && (trace.cleared > 0 || self.cleared > 0);
                let cleared_or_new = trace.whole || cleared || saw_all_lists_begin;
                let all_kept = trace.kept.len() as u64 >= trace.count
                    && trace.kept.iter().all(|&seq| seq >= oldest_kept || self.ring.of(seq).is_some());
                cleared_or_new && all_kept
            }
        };
        ReadHead {
            v: VERSION,
            flushed: trace.map_or(0, super::traces::Trace::flushed),
            whole,
            cleared: self
                .late
                .audits
                .get(trace_id)
                .map(|audit| audit.fenced.iter().cloned().collect())
                .unwrap_or_default(),
            doubtful: self.doubts(trace_id),
        }
    }

    /// A trace's waiting entries that are in memory, in order, and the slots of the rows that hold the others.
    pub fn waiting_entries(&self, trace_id: &str) -> (BTreeMap<u64, Vec<u8>>, Vec<i64>) {
        let mut entries = BTreeMap::new();
        let mut slots = Vec::new();
        for entry in self.waiting_of(trace_id) {
            match &entry.body {
                Some(body) => {
                    entries.insert(entry.seq, body.to_vec());
                }
                None => slots.extend(self.ring.of(entry.seq).map(|row| row.slot)),
            }
        }
        slots.sort_unstable();
        slots.dedup();
        (entries, slots)
    }

    /// Slots of the rows that hold entries of a trace.
    pub fn slots_of(&self, trace_id: &str) -> Vec<i64> {
        let kept = self.traces.get(trace_id).into_iter().flat_map(|trace| &trace.kept);
        let mut slots: Vec<i64> = kept.filter_map(|&seq| self.ring.of(seq).map(|row| row.slot)).collect();
        slots.sort_unstable();
        slots.dedup();
        slots
    }

    /// Numbers of a trace's entries that are not yet in Redis.
    pub fn waiting_seqs(&self, trace_id: &str) -> HashSet<u64> {
        self.waiting_of(trace_id).map(|entry| entry.seq).collect()
    }

    /// Picks from a row a trace's entries that were not cleared, all of them or only these.
    pub fn pick(
        &self,
        row: &Row,
        trace_id: &str,
        only: Option<&HashSet<u64>>,
        into: &mut BTreeMap<u64, Vec<u8>>,
    ) {
        let trace = self.traces.get(trace_id);
        let cleared = self.cleared.max(trace.map_or(0, |trace| trace.cleared));
        let first = trace.map_or(0, |trace| trace.first);
        for (seq, meta, json) in row.entries() {
            if meta.trace_id == trace_id
                && seq > cleared
                && seq >= first
                && !json.is_empty()
                && only.is_none_or(|only| only.contains(&seq))
            {
                into.insert(seq, json.to_vec());
            }
        }
    }

    /// The newest traces, newest first.
    pub fn recent(&self, limit: usize, now: i64) -> Vec<Summary> {
        self.traces.recent(limit, now)
    }

    /// How the shard stands; version, sizes, redactions and viewers are the owner's to fill in.
    pub fn status(&self, now: i64) -> StatusReply {
        let oldest = self
            .waiting
            .front()
            .into_iter()
            .chain(self.batch.iter().flat_map(super::batch::Batch::entries))
            .chain(self.asides().flat_map(|(_, aside)| &aside.entries))
            .map(|entry| entry.at)
            .min();
        let window = self.lease.window();
        let newest = self.traces.recent(STATUS_TRACES, now);
        let in_window =
            |id: &str| self.traces.get(id).filter(|trace| trace.window == window).map(|t| t.in_window);
        let mut set_aside = BTreeMap::new();
        for (key, aside) in self.asides().take(STATUS_TRACES) {
            set_aside.insert(key.to_string(), aside.error.clone());
        }
        let mut trace_counts = BTreeMap::new();
        for summary in newest {
            if let Some(count) = in_window(&summary.id) {
                trace_counts.insert(summary.id, count);
            }
        }
        StatusReply {
            v: VERSION,
            version: String::new(),
            layout: LAYOUT,
            waiting: self.pending(),
            waiting_bytes: self.held_bytes,
            oldest_waiting_ms: oldest.map_or(0, |at| now.saturating_sub(at)),
            failing_since: self.link.failing_since,
            last_error: self.link.last_error.clone(),
            set_aside,
            set_aside_entries: self.asides().map(|(_, aside)| aside.entries.len() as u64).sum(),
            traces: self.traces.live() as u64,
            storage_bytes: 0,
            window,
            spent: self.lease.spent(),
            overdrawn: self.lease.overdrawn(),
            limiter_unreachable: self.lease.unreachable(),
            trace_counts,
            counters: self.counters,
            redactions: BTreeMap::new(),
            memory_bytes: 0,
            viewers: 0,
        }
    }
}
