//! The shard: what it holds, and how it takes entries in.

use super::batch::{Batch, Pending};
use super::ids::{Ids, MAX_IDS, Seed};
use super::late::{Audit, GivenUp};
use super::pages::Pages;
use super::queue::Queue;
use super::repair::Repair;
use super::ring::{Place, Ring};
use super::row::{LAYOUT, ROW_HEAD_BYTES, ROW_MAX_BYTES, Row, RowHead, head_bytes};
use super::step::Asked;
use super::traces::{Trace, Traces};
use super::wire::{CheckQuery, CheckReply, Counters, Outcome, VERSION};
use crate::entry::{Meta, System};
use crate::quota::{Lease, LeaseReply, LeaseRequest, Limits, PerSystem, Scope};
use crate::redis::Commands;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

/// Waiting entries' JSON kept in memory at most; what comes on top is read from storage when its turn comes.
const WAITING_MEMORY_BYTES: u64 = 8 * 1024 * 1024;

/// A shard that has no room for a new trace looks so often, in ms, whether some have expired.
const FORGET_EVERY_MS: i64 = 60_000;

/// What a shard is told about itself.
#[derive(Debug, Clone)]
pub struct ShardSettings {
    /// Which shard, from 0.
    pub shard: u32,
    /// How many there are.
    pub shards: u32,
    /// Logs an hour.
    pub limits: Limits,
    /// Bytes it holds for Redis at most.
    pub buffer_max_bytes: u64,
    /// From arrival to flush, ms.
    pub flush_delay_ms: i64,
    /// Keys its hashes; random.
    pub seed: u64,
}

/// One shard, between requests.
#[derive(Debug)]
pub struct Shard {
    pub(super) settings: ShardSettings,
    pub(super) born: i64,
    /// When the number of shards last changed, Unix ms, as far as it was told; before that other shards wrote the lists
    /// of its traces.
    pub(super) resharded_at: i64,
    pub(super) next_seq: u64,
    pub(super) ring: Ring,
    pub(super) ids: Ids,
    pub(super) traces: Traces,
    pub(super) pages: Pages,
    pub(super) lease: Lease,
    pub(super) waiting: Queue,
    pub(super) held_bytes: u64,
    pub(super) memory_bytes: u64,
    pub(super) batch: Option<Batch>,
    /// Entries up to this number may be in Redis although they are not known to be: a start forgets.
    pub(super) uncertain_through: u64,
    pub(super) asked: Option<Asked>,
    pub(super) retry_at: i64,
    pub(super) failures: u32,
    pub(super) failing_since: Option<i64>,
    /// Whether a request got no answer since the last that did: Redis may have lost what it had.
    pub(super) was_away: bool,
    pub(super) last_error: Option<String>,
    /// Set when Redis may have lost lists: all are to be counted, not before this time, Unix ms.
    pub(super) census_at: Option<i64>,
    /// Those yet to be counted, and when the last count began, Unix ms.
    pub(super) census: Vec<Rc<str>>,
    pub(super) counted_at: i64,
    pub(super) repairs: VecDeque<Rc<str>>,
    pub(super) repair: Option<Repair>,
    /// Lists whose repair was put off, until when, Unix ms, and how many were since one came to its end.
    pub(super) put_off: BTreeSet<Rc<str>>,
    pub(super) put_off_until: i64,
    pub(super) puts_off: u32,
    /// Which entries a write that was given up may still bring.
    pub(super) given_up: Option<GivenUp>,
    /// Lists that a repair which was given up may yet write as they were.
    pub(super) recheck: BTreeSet<Rc<str>>,
    /// Those for which it is too late for that, until they are looked at.
    pub(super) rechecking: BTreeSet<Rc<str>>,
    pub(super) audits: BTreeMap<Rc<str>, Audit>,
    /// Removals of cleared entries that appeared in a list after all.
    pub(super) fences: VecDeque<(Rc<str>, Commands)>,
    pub(super) cleared: u64,
    /// How often something was cleared.
    pub(super) clears: u64,
    /// Newest entry that the last checkpoint knew, and newest that it knew to be in Redis.
    pub(super) checkpoint: u64,
    pub(super) checkpoint_flushed: u64,
    pub(super) checkpoint_due: bool,
    /// When the last one was taken, Unix ms: expired traces are forgotten then.
    pub(super) checkpoint_at: i64,
    pub(super) growth_bytes: usize,
    pub(super) counters: Counters,
}

/// What an append came to. Acknowledge nothing before the rows are durable.
#[derive(Debug)]
pub struct Appended {
    /// One an entry, in order.
    pub outcomes: Vec<Outcome>,
    /// To be stored in one transaction.
    pub rows: Vec<Row>,
}

impl Shard {
    /// A shard without any state.
    pub fn new(settings: ShardSettings, now: i64) -> Shard {
        let seed = Seed(settings.seed);
        Shard {
            born: now,
            resharded_at: 0,
            next_seq: 1,
            ring: Ring::default(),
            ids: Ids::new(seed),
            traces: Traces::new(seed),
            pages: Pages::default(),
            lease: Lease::new(settings.shard, settings.shards),
            waiting: Queue::default(),
            held_bytes: 0,
            memory_bytes: 0,
            batch: None,
            uncertain_through: 0,
            asked: None,
            retry_at: i64::MIN,
            failures: 0,
            failing_since: None,
            was_away: false,
            last_error: None,
            census_at: None,
            census: Vec::new(),
            counted_at: i64::MIN,
            repairs: VecDeque::new(),
            repair: None,
            put_off: BTreeSet::new(),
            put_off_until: 0,
            puts_off: 0,
            given_up: None,
            recheck: BTreeSet::new(),
            rechecking: BTreeSet::new(),
            audits: BTreeMap::new(),
            fences: VecDeque::new(),
            cleared: 0,
            clears: 0,
            checkpoint: 0,
            checkpoint_flushed: 0,
            checkpoint_due: false,
            checkpoint_at: now,
            growth_bytes: 0,
            counters: Counters::default(),
            settings,
        }
    }

    /// What to ask the quota's keeper before these entries can be judged; `None` when nothing.
    pub fn lease_request(&mut self, wanted: PerSystem, now: i64) -> Option<LeaseRequest> {
        self.lease.request(wanted, now)
    }

    /// Takes the answer of the quota's keeper; `None` when it could not be had.
    pub fn lease_answer(&mut self, request: &LeaseRequest, reply: Option<&LeaseReply>, now: i64) {
        self.counters.lease_calls += 1;
        let Some(reply) = reply else {
            self.lease.failed(now);
            return;
        };
        self.lease.granted(request, reply, now);
        self.resharded_at = reply.resharded_at;
        for (trace_id, &count) in &reply.earlier_traces {
            if super::wire::shard_of(trace_id, self.settings.shards) == self.settings.shard {
                let key = self.traces.key(trace_id);
                let taken_over = self.traces.update(&key, |trace| {
                    trace.count_in_window(reply.window);
                    let fewer = trace.in_window < count;
                    trace.in_window = trace.in_window.max(count);
                    trace.written_at = trace.written_at.max(now);
                    trace.changed = true;
                    fewer
                });
                // Rows only tell what this shard counted: what it took over must be stored with the first of them.
                self.checkpoint_due |= taken_over == Some(true);
            }
        }
    }

    /// Gives back the tokens it holds: what to tell the quota's keeper.
    pub fn give_back(&mut self) -> Option<LeaseRequest> {
        self.lease.give_back()
    }

    /// Whether entries can be judged: not before the quota's keeper was heard for the first time.
    pub fn is_ready(&self) -> bool {
        self.lease.is_ready()
    }

    /// How many of these entries would spend quota, per system.
    pub fn wanted<'a>(&mut self, entries: impl Iterator<Item = &'a Meta>, now: i64) -> PerSystem {
        self.ids.forget(now);
        let mut wanted = [0; 4];
        let is_new = |meta: &&Meta| !self.ids.knows(self.ids.fingerprint(&meta.trace_id, &meta.id));
        for meta in entries.filter(is_new) {
            if let Some(wanted) = wanted.get_mut(meta.system.index()) {
                *wanted += 1;
            }
        }
        wanted
    }

    /// Judges entries in order and takes in those that pass. The rows must be stored before anything else
    /// happens; if that fails, this shard is no longer true and must be loaded anew.
    pub fn append(&mut self, entries: Vec<(Meta, &[u8])>, now: i64) -> Appended {
        self.ids.forget(now);
        let mut outcomes = Vec::with_capacity(entries.len());
        let mut rows: Vec<Row> = Vec::new();
        let mut row_bytes = ROW_MAX_BYTES;
        let oldest_kept = self.ring.oldest().unwrap_or(self.next_seq);
        let forgets = now.saturating_sub(self.checkpoint_at) >= FORGET_EVERY_MS;
        self.checkpoint_due |= forgets && !self.traces.has_room();
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

    fn new_row(&self, now: i64) -> Row {
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

    fn judge(&mut self, meta: &Meta, now: i64) -> Outcome {
        let id = self.ids.fingerprint(&meta.trace_id, &meta.id);
        if self.ids.knows(id) {
            return Outcome::Duplicate { left: self.lease.remaining(meta.system) };
        }
        if let Err(refused) = self.admits(&meta.trace_id, meta.system, meta.len) {
            return refused;
        }
        self.lease.spend(meta.system);
        self.ids.insert(id, now);
        Outcome::Stored { left: self.lease.remaining(meta.system) }
    }

    /// Whether a log of so many bytes that was never seen before would be taken in.
    fn admits(&self, trace_id: &str, system: System, bytes: u32) -> Result<(), Outcome> {
        if self.lease.undrained_from() > 0 {
            return Err(Outcome::Undrained { from: self.lease.undrained_from(), to: self.settings.shards });
        }
        let trace = self.traces.get(trace_id);
        let over_bytes = self.held_bytes + u64::from(bytes) > self.settings.buffer_max_bytes;
        if over_bytes || self.ids.len() >= MAX_IDS || (trace.is_none() && !self.traces.has_room()) {
            return Err(Outcome::Full);
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
    fn take_in(&mut self, meta: &Meta, json: &[u8], oldest_kept: u64, now: i64) -> bool {
        let seq = self.next_seq;
        self.next_seq += 1;
        self.note_growth(&meta.trace_id);
        let window = self.lease.window();
        let key = self.traces.key(&meta.trace_id);
        let in_memory = self.memory_bytes + json.len() as u64 <= WAITING_MEMORY_BYTES;
        let pending = Pending {
            seq,
            key: key.clone(),
            at: now,
            len: meta.len,
            body: in_memory.then(|| Rc::from(json)),
        };
        self.held_bytes += pending.weight();
        self.memory_bytes += if in_memory { json.len() as u64 } else { 0 };
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
            Outcome::Full | Outcome::Undrained { .. } => &mut counters.refused_full,
        } += 1;
    }

    /// When the quota window ends, Unix ms.
    pub fn window_end(&self) -> i64 {
        self.lease.window_end()
    }

    /// Every entry up to this number is in Redis, cleared, or of a trace that is set aside.
    pub(super) fn flushed_through(&self) -> u64 {
        let waiting = self.waiting.front().map(|entry| entry.seq);
        let batch = self.batch.as_ref().filter(|batch| batch.aside.is_none());
        let sending = batch.and_then(|batch| batch.entries().map(|entry| entry.seq).min());
        waiting.into_iter().chain(sending).min().unwrap_or(self.next_seq) - 1
    }

    /// Notes that an entry is in Redis, or gone.
    pub(super) fn settle_entry(&mut self, entry: &Pending, now: i64) {
        self.held_bytes = self.held_bytes.saturating_sub(entry.weight());
        if entry.body.is_some() {
            self.memory_bytes = self.memory_bytes.saturating_sub(entry.len.into());
        }
        self.ring.settled(entry.seq, now);
    }

    /// Whether everything stored is over an hour old and in Redis, so that all rows may be deleted at once.
    pub fn idle_for_good(&self, now: i64) -> bool {
        self.ring.len() > 0 && self.ring.all_expired(now) && self.pending() == 0
    }

    /// Notes that all rows were deleted.
    pub fn rows_deleted(&mut self) {
        self.ring.emptied();
    }

    /// When [`Shard::idle_for_good`] may come true, Unix ms; `None` while there are no rows.
    pub fn idle_at(&self) -> Option<i64> {
        self.ring.needed_until()
    }

    /// Adds to the counters what the owner did.
    pub fn counters(&mut self) -> &mut Counters {
        &mut self.counters
    }
}
