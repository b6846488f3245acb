//! The next step towards Redis. What its answer means: [`super::settle`].
//!
//! One request is under way at a time. Its owner calls [`Shard::step`], does what it says, and hands the answer to
//! `Shard::settle`. Work comes in this order: the batch under way, the waiting entries, traces that were set
//! aside, a census after Redis was away, cleared entries that came back, lists to restore, audits, what an earlier worker left.

use super::batch::{Batch, Pending};
use super::row::Row;
use super::shard::Shard;
use crate::redis::Commands;
use std::rc::Rc;

/// Bytes one flush carries at most, by [`Pending::request_bytes`]; Upstash takes requests up to 10 MB.
pub(super) const FLUSH_MAX_BYTES: u64 = 7_000_000;
/// Entries one flush carries at most.
const FLUSH_MAX_ENTRIES: usize = 2_000;
/// So many waiting entries are flushed at once, without waiting for the delay.
const FLUSH_AT_ENTRIES: usize = 1_000;
/// So many waiting bytes are flushed at once.
const FLUSH_AT_BYTES: u64 = 1024 * 1024;

/// What to do next.
#[derive(Debug)]
pub enum Step {
    /// Nothing is due.
    Rest,
    /// Read the rows in these slots and hand each to [`Shard::supply`].
    Load(Vec<i64>),
    /// Send these commands and hand the answer to [`Shard::settle`].
    Ask(Commands, Mode),
}

/// How commands are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Each by itself.
    Pipeline,
    /// All or none.
    Transaction,
}

/// What the request under way is about.
#[derive(Debug)]
pub(super) enum Asked {
    Look,
    Write,
    Census(Vec<Rc<str>>),
    RepairRead,
    RepairWrite,
    Audit(Vec<Rc<str>>),
    Fence(Rc<str>),
    Survey(Rc<str>, u32),
}

impl Shard {
    /// When the next step is due, Unix ms; `None` while there is nothing to do.
    pub fn wake_at(&self) -> Option<i64> {
        let now_if = |due: bool| due.then_some(i64::MIN);
        let waiting = self.flush_due();
        let aside = self.asides().map(|(_, aside)| aside.retry_at).min();
        let audits = self.late.audits.values().map(|audit| audit.due).min();
        let repairs = !self.mending.is_done() && self.may_repair();
        let lists = self.census.is_under_way() || !self.late.fences.is_empty() || self.may_survey();
        let repairs = now_if(repairs || lists);
        let put_off = Some(self.mending.put_off_until).filter(|_| !self.mending.put_off.is_empty());
        let due = [
            now_if(self.batch.is_some()),
            waiting,
            aside,
            audits,
            repairs,
            put_off,
            self.census.due(),
            self.horizon(),
        ];
        due.into_iter().flatten().min().map(|at| at.max(self.link.retry_at))
    }

    /// When what waits is flushed, Unix ms: once the first has waited for its delay, or at once when much waits.
    fn flush_due(&self) -> Option<i64> {
        let first = self.waiting.front()?;
        let much = self.waiting.len() >= FLUSH_AT_ENTRIES || self.waiting.bytes() >= FLUSH_AT_BYTES;
        Some(if much { i64::MIN } else { first.at.saturating_add(self.settings.flush_delay_ms) })
    }

    /// Entries that are acknowledged and not yet in Redis.
    pub fn pending(&self) -> u64 {
        let batch = self.batch.as_ref().map_or(0, |batch| batch.entries().count());
        let aside: usize = self.asides().map(|(_, aside)| aside.entries.len()).sum();
        (self.waiting.len() + batch + aside) as u64
    }

    /// What to do at `now`; with `hurry`, waiting entries are flushed whether or not their delay has passed.
    pub fn step(&mut self, now: i64, hurry: bool) -> Step {
        if self.wake_at().is_none_or(|at| at > now) && !(hurry && now >= self.link.retry_at) {
            return Step::Rest;
        }
        if self.batch.is_none() {
            self.batch = self.next_batch(now, hurry);
        }
        if let Some(batch) = &mut self.batch {
            if batch.lacks_bodies() {
                if !std::mem::replace(&mut batch.loaded, true) {
                    let lacking = batch.entries().filter(|entry| entry.body.is_none());
                    return Step::Load(self.ring.slots(lacking.map(|entry| entry.seq)));
                }
                self.set_aside_rowless(now);
                return self.step(now, hurry);
            }
            if batch.uncertain {
                let commands = batch.look();
                return self.ask(commands, Mode::Transaction, Asked::Look);
            }
            if batch.sent > 0 {
                // Time has passed since it was decided which lists' time to live to renew.
                for part in &mut batch.parts {
                    part.renew |= self.traces.get(&part.key).is_none_or(|trace| trace.owes_renewal(now));
                }
            }
            let commands = batch.write();
            batch.sent += 1;
            return self.ask(commands, Mode::Transaction, Asked::Write);
        }
        self.upkeep(now)
    }

    pub(super) fn ask(&mut self, commands: Commands, mode: Mode, asked: Asked) -> Step {
        self.counters.redis_requests += 1;
        self.counters.redis_commands += commands.len() as u64;
        self.asked = Some(asked);
        Step::Ask(commands, mode)
    }

    fn next_batch(&mut self, now: i64, hurry: bool) -> Option<Batch> {
        let oldest = self.waiting.front().map_or(0, |first| first.seq);
        let mut batch = if self.flush_due().is_some_and(|due| hurry || due <= now) {
            let mut entries: Vec<Pending> = Vec::new();
            let mut bytes = 0;
            while let Some(entry) = self.waiting.front() {
                bytes += entry.request_bytes();
                if entries.len() >= FLUSH_MAX_ENTRIES || (bytes > FLUSH_MAX_BYTES && !entries.is_empty()) {
                    break;
                }
                entries.extend(self.waiting.pop());
            }
            Batch { uncertain: oldest <= self.uncertain_through, ..Batch::of(entries) }
        } else {
            self.aside_batch(now)?
        };
        for part in &mut batch.parts {
            let trace = self.traces.get(&part.key);
            part.renew = batch.uncertain || trace.is_none_or(|trace| trace.owes_renewal(now));
            if batch.uncertain {
                let waiting = usize::try_from(trace.map_or(0, |trace| trace.waiting)).unwrap_or(usize::MAX);
                batch.depths.insert(part.key.clone(), waiting);
            }
        }
        Some(batch)
    }

    /// Takes a row that a [`Step::Load`] asked for.
    pub fn supply(&mut self, row: &Row) {
        if let Some(batch) = &mut self.batch {
            let mut loaded = 0;
            for entry in batch.parts.iter_mut().flat_map(|part| &mut part.entries) {
                if entry.body.is_none()
                    && let Some((_, _, json)) = row.entries().find(|(seq, _, _)| *seq == entry.seq)
                {
                    loaded += u64::from(entry.len);
                    entry.body = Some(Rc::from(json));
                }
            }
            self.memory.take_anyhow(loaded);
        }
        if let Some(repair) = &mut self.mending.now {
            repair.supply(row);
        }
    }
}
