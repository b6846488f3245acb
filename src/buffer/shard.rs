//! The shard: what it holds, and the quota it holds of the keeper's.

use super::batch::{Batch, Pending};
use super::census::Census;
use super::checkpoint::Saved;
use super::ids::{Ids, Seed};
use super::late::Late;
use super::link::Link;
use super::memory::Held;
use super::mending::Mending;
use super::pages::Pages;
use super::queue::Queue;
use super::ring::Ring;
use super::step::Asked;
use super::traces::Traces;
use super::wire::Counters;
use crate::entry::{Meta, System};
use crate::quota::{Lease, LeaseReply, LeaseRequest, Limits, PerSystem};
use std::collections::VecDeque;
use std::rc::Rc;

fn per_system<'a>(entries: impl Iterator<Item = &'a Meta<'a>>) -> PerSystem {
    let mut count = [0; 4];
    for meta in entries {
        if let Some(count) = count.get_mut(meta.system.index()) {
            *count += 1;
        }
    }
    count
}

/// Rows that a new table counts as written.
const TABLE_ROWS: u64 = 2;

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
    /// When the number of shards last changed, Unix ms, before which other shards wrote the lists of its traces; `MAX` until
    /// it was told.
    pub(super) resharded_at: i64,
    pub(super) next_seq: u64,
    pub(super) ring: Ring,
    pub(super) ids: Ids,
    pub(super) traces: Traces,
    pub(super) pages: Pages,
    pub(super) lease: Lease,
    pub(super) waiting: Queue,
    pub(super) held_bytes: u64,
    pub(super) memory: Held,
    pub(super) batch: Option<Batch>,
    /// Entries up to this number may be in Redis although they are not known to be: a start forgets.
    pub(super) uncertain_through: u64,
    pub(super) asked: Option<Asked>,
    pub(super) link: Link,
    pub(super) census: Census,
    pub(super) mending: Mending,
    pub(super) late: Late,
    /// Lists in which an earlier worker's entries are to be counted, and how often that was tried.
    pub(super) to_survey: VecDeque<(Rc<str>, u32)>,
    pub(super) cleared: u64,
    /// How often something was cleared.
    pub(super) clears: u64,
    pub(super) saved: Saved,
    pub(super) counters: Counters,
}

impl Shard {
    /// A shard without any state.
    pub fn new(settings: ShardSettings, now: i64) -> Shard {
        let seed = Seed(settings.seed);
        Shard {
            born: now,
            resharded_at: i64::MAX,
            next_seq: 1,
            ring: Ring::default(),
            ids: Ids::new(seed),
            traces: Traces::new(seed),
            pages: Pages::default(),
            lease: Lease::new(settings.shard, settings.shards),
            waiting: Queue::default(),
            held_bytes: 0,
            memory: Held::default(),
            batch: None,
            uncertain_through: 0,
            asked: None,
            link: Link::default(),
            census: Census::default(),
            mending: Mending::default(),
            late: Late::default(),
            to_survey: VecDeque::new(),
            cleared: 0,
            clears: 0,
            saved: Saved::nothing(now),
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
            if reply.window >= self.lease.window()
                && super::wire::shard_of(trace_id, self.settings.shards) == self.settings.shard
            {
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
                self.saved.due |= taken_over == Some(true);
            }
        }
    }

    /// Gives back the tokens it holds: what to tell the quota's keeper.
    pub fn give_back(&mut self) -> LeaseRequest {
        self.lease.give_back()
    }

    /// Whether entries can be judged: not before the quota's keeper was heard for the first time.
    pub fn is_ready(&self) -> bool {
        self.lease.is_ready()
    }

    /// How many of these entries would spend quota, per system; no fewer, where what is held is enough for all of them. One for
    /// repeats alone, where nothing is known to be left: they spend nothing, but are answered with what is, which a shard that was
    /// just loaded has to ask for.
    pub fn wanted<'a>(&mut self, entries: impl Iterator<Item = &'a Meta<'a>> + Clone, now: i64) -> PerSystem {
        let all = per_system(entries.clone());
        if self.lease.holds(all, now) {
            return all;
        }
        self.ids.forget(now);
        let is_new = |meta: &&Meta<'_>| !self.ids.knows(self.ids.fingerprint(&meta.trace_id, &meta.id));
        let mut wanted = per_system(entries.filter(is_new));
        for (system, (wanted, all)) in System::ALL.into_iter().zip(wanted.iter_mut().zip(all)) {
            if all > 0 && *wanted == 0 && self.lease.remaining(system) == 0 {
                *wanted = 1;
            }
        }
        wanted
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
            self.memory.give_back(entry.len.into());
        }
        self.ring.settled(entry.seq, now);
    }

    /// Whether everything stored is over an hour old and in Redis, so that all rows may be deleted at once.
    pub fn idle_for_good(&self, now: i64) -> bool {
        self.ring.len() > 0 && self.ring.all_expired(now) && self.pending() == 0
    }

    /// Notes that all rows were deleted, and that their table was made anew.
    pub fn rows_deleted(&mut self) {
        self.ring.emptied();
        self.counters.rows_written += TABLE_ROWS;
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
