//! The next step towards Redis, and what its answer means.
//!
//! One request is under way at a time. Its owner calls [`Shard::step`], does what it says, and hands the answer to
//! [`Shard::settle`]. Work comes in this order: the batch under way, the waiting entries, a census after Redis was
//! away, lists to restore, traces that were set aside, audits.

use super::batch::{Batch, Part, Pending, standing};
use super::row::Row;
use super::shard::Shard;
use super::traces::{Aside, Trace};
use crate::redis::{Commands, EXPIRE_EVERY_MS, Failure, Item, Reply};
use std::collections::VecDeque;
use std::rc::Rc;

/// Bytes of entries one flush carries at most. Quoting inside JSON at most doubles them, and Upstash takes
/// requests up to 10 MB.
const FLUSH_MAX_BYTES: u64 = 3 * 1024 * 1024;
/// Entries one flush carries at most.
const FLUSH_MAX_ENTRIES: usize = 2_000;
/// So many waiting entries are flushed at once, without waiting for the delay.
const FLUSH_AT_ENTRIES: usize = 1_000;
/// So many waiting bytes are flushed at once.
const FLUSH_AT_BYTES: u64 = 1024 * 1024;
/// First pause after a failure, ms; it doubles up to [`BACKOFF_MAX_MS`].
const BACKOFF_MS: i64 = 250;
/// Longest pause after a failure, ms: how long a backlog waits at most once Redis is back.
const BACKOFF_MAX_MS: i64 = 15_000;
/// A batch whose items are answered with an error so often sets those traces aside, so that the others flow.
const ERRORS_BEFORE_ASIDE: u32 = 3;
/// First pause before a trace that was set aside is tried again, ms; it doubles up to [`ASIDE_MAX_MS`].
const ASIDE_MS: i64 = 5_000;
/// Longest pause before a trace that was set aside is tried again, ms.
const ASIDE_MAX_MS: i64 = 30_000;
/// Longest error text kept, in characters.
const ERROR_MAX_CHARS: usize = 200;

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
    Audit(Rc<str>),
    Fence(Rc<str>),
}

impl Shard {
    /// When the next step is due, Unix ms; `None` while there is nothing to do.
    pub fn wake_at(&self) -> Option<i64> {
        let now_if = |due: bool| due.then_some(i64::MIN);
        let waiting = self.waiting.front().map(|entry| {
            let enough = self.waiting.len() >= FLUSH_AT_ENTRIES || self.held_bytes >= FLUSH_AT_BYTES;
            if enough { i64::MIN } else { entry.at.saturating_add(self.settings.flush_delay_ms) }
        });
        let aside = self.asides().map(|(_, aside)| aside.retry_at).min();
        let audits = self.audits.values().map(|audit| audit.due).min();
        let repairs = now_if(
            !self.repairs.is_empty()
                || self.repair.is_some()
                || !self.census.is_empty()
                || !self.fences.is_empty(),
        );
        let due = [now_if(self.batch.is_some()), waiting, aside, audits, repairs, self.census_at];
        due.into_iter().flatten().min().map(|at| at.max(self.retry_at))
    }

    /// Entries that are acknowledged and not yet in Redis.
    pub fn pending(&self) -> u64 {
        let batch = self.batch.as_ref().map_or(0, |batch| batch.entries().count());
        let aside: usize = self.asides().map(|(_, aside)| aside.entries.len()).sum();
        (self.waiting.len() + batch + aside) as u64
    }

    pub(super) fn asides(&self) -> impl Iterator<Item = (&Rc<str>, &Aside)> {
        self.traces.iter().filter_map(|(key, trace)| trace.aside.as_ref().map(|aside| (key, aside)))
    }

    /// What to do at `now`; with `hurry`, waiting entries are flushed whether or not their delay has passed.
    pub fn step(&mut self, now: i64, hurry: bool) -> Step {
        if self.wake_at().is_none_or(|at| at > now) && !(hurry && now >= self.retry_at) {
            return Step::Rest;
        }
        if self.batch.is_none() {
            self.batch = self.next_batch(now, hurry);
        }
        if let Some(batch) = &self.batch {
            if batch.lacks_bodies() {
                let mut slots: Vec<i64> =
                    batch.entries().filter_map(|entry| self.ring.of(entry.seq).map(|row| row.slot)).collect();
                slots.sort_unstable();
                slots.dedup();
                return Step::Load(slots);
            }
            if batch.uncertain {
                return self.ask(batch.look(), Mode::Pipeline, Asked::Look);
            }
            let commands = batch.write();
            if let Some(batch) = &mut self.batch {
                batch.sent += 1;
            }
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
        let (due, oldest) = match self.waiting.front() {
            None => (false, 0),
            Some(first) => {
                let enough = self.waiting.len() >= FLUSH_AT_ENTRIES || self.held_bytes >= FLUSH_AT_BYTES;
                (hurry || enough || first.at.saturating_add(self.settings.flush_delay_ms) <= now, first.seq)
            }
        };
        let mut batch = if due {
            let mut entries: Vec<Pending> = Vec::new();
            let mut bytes = 0;
            while let Some(entry) = self.waiting.front() {
                bytes += u64::from(entry.len);
                if entries.len() >= FLUSH_MAX_ENTRIES || (bytes > FLUSH_MAX_BYTES && !entries.is_empty()) {
                    break;
                }
                entries.extend(self.waiting.pop_front());
            }
            Batch { uncertain: oldest <= self.uncertain_through, sent: 1, ..Batch::of(entries) }
        } else {
            self.aside_batch(now)?
        };
        if !batch.uncertain {
            batch.sent = 0;
        }
        for part in &mut batch.parts {
            let renewed = self.traces.get(&part.key).map_or(0, |trace| trace.renewed_at);
            part.renew = batch.uncertain || now.saturating_sub(renewed) >= EXPIRE_EVERY_MS;
        }
        Some(batch)
    }

    /// The entries of one trace that was set aside and may be tried again.
    fn aside_batch(&mut self, now: i64) -> Option<Batch> {
        let key = self.asides().find(|(_, aside)| aside.retry_at <= now).map(|(key, _)| key.clone())?;
        let uncertain_through = self.uncertain_through;
        let entries = self.traces.update(&key, |trace| {
            let aside = trace.aside.as_mut()?;
            let mut entries = Vec::new();
            let mut bytes = 0;
            while let Some(entry) = aside.entries.front() {
                bytes += u64::from(entry.len);
                if bytes > FLUSH_MAX_BYTES && !entries.is_empty() {
                    break;
                }
                entries.extend(aside.entries.pop_front());
            }
            Some(entries)
        })??;
        let uncertain = entries.first().is_some_and(|entry: &Pending| entry.seq <= uncertain_through);
        Some(Batch { aside: true, uncertain, sent: 1, ..Batch::of(entries) })
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
            self.memory_bytes += loaded;
        }
        if let Some(repair) = &mut self.repair {
            repair.supply(row);
        }
    }

    /// Takes Redis's answer to the last [`Step::Ask`].
    pub fn settle(&mut self, answer: Result<Vec<Item>, Failure>, now: i64) {
        let Some(asked) = self.asked.take() else { return };
        let items = match answer {
            Ok(items) => items,
            Err(failure) => return self.failed(asked, &failure, now),
        };
        if self.failing_since.take().is_some() {
            // Redis was away: what it had may be gone.
            self.census_at = Some(now);
        }
        self.failures = 0;
        self.retry_at = i64::MIN;
        self.last_error = None;
        match asked {
            Asked::Look => self.looked(items, now),
            Asked::Write => self.wrote(items, now),
            Asked::Census(keys) => self.counted(&keys, &items, now),
            Asked::RepairRead => self.repair_read(items),
            Asked::RepairWrite => self.repaired(&items, now),
            Asked::Audit(key) => self.audited(&key, items, now),
            Asked::Fence(key) => self.fenced(&key, now),
        }
    }

    fn failed(&mut self, asked: Asked, failure: &Failure, now: i64) {
        self.counters.redis_failures += 1;
        self.failures = self.failures.saturating_add(1);
        self.failing_since.get_or_insert(now);
        self.last_error = Some(failure.to_string());
        let pause =
            BACKOFF_MS.saturating_mul(1 << self.failures.min(10).saturating_sub(1)).min(BACKOFF_MAX_MS);
        self.retry_at = now.saturating_add(pause);
        match (asked, failure) {
            (Asked::Write, Failure::Uncertain(_)) => {
                if let Some(batch) = &mut self.batch {
                    batch.uncertain = true;
                }
            }
            // The request itself was refused, not for a while but for what is in it.
            (Asked::Write, Failure::Refused { status: 400 | 413, .. }) => self.split_refused(failure, now),
            (Asked::Census(keys), _) => self.census.extend(keys),
            (Asked::RepairRead | Asked::RepairWrite, _) => self.restart_repair(),
            (Asked::Audit(key) | Asked::Fence(key), _) => self.postpone_audit(&key, now),
            (Asked::Look | Asked::Write, _) => {}
        }
    }

    fn split_refused(&mut self, failure: &Failure, now: i64) {
        let Some(batch) = &mut self.batch else { return };
        if !batch.alone && batch.parts.len() > 1 {
            batch.alone = true;
            self.retry_at = i64::MIN;
            return;
        }
        if batch.parts.is_empty() {
            return;
        }
        let part = batch.parts.remove(0);
        self.set_aside(part, &failure.to_string(), now);
        self.retry_at = i64::MIN;
        self.end_batch(now);
    }

    fn looked(&mut self, items: Vec<Item>, now: i64) {
        let Some(mut batch) = self.batch.take() else { return };
        let mut left = Vec::new();
        for (mut part, item) in batch.parts.drain(..).zip(items) {
            match item.map(Reply::into_strings) {
                Ok(Some(elements)) => {
                    let standing = standing(&part, &elements);
                    let mut standing = standing.into_iter();
                    let (there, missing): (Vec<Pending>, Vec<Pending>) = std::mem::take(&mut part.entries)
                        .into_iter()
                        .partition(|_| standing.next() == Some(true));
                    self.flushed(&part.key, &there, None, now);
                    if !missing.is_empty() {
                        left.push(Part { entries: missing, ..part });
                    }
                }
                Ok(None) => left.push(part),
                Err(error) => self.set_aside(part, &error, now),
            }
        }
        batch.resent |= !left.is_empty() && batch.sent > 0;
        batch.parts = left;
        batch.uncertain = false;
        self.batch = Some(batch);
        self.end_batch(now);
    }

    fn wrote(&mut self, items: Vec<Item>, now: i64) {
        let Some(mut batch) = self.batch.take() else { return };
        let span = batch.span();
        let later = batch.parts.split_off(span);
        let mut items = items.into_iter();
        let mut left = Vec::new();
        let mut refused = Vec::new();
        for part in batch.parts.drain(..) {
            let pushed = items.next();
            let renewed = if part.renew { items.next() } else { None };
            match pushed {
                Some(Ok(reply)) => {
                    let len = reply.integer().and_then(|len| u64::try_from(len).ok());
                    self.flushed(&part.key, &part.entries, len, now);
                    if part.renew && matches!(renewed, Some(Ok(_))) {
                        self.traces.update(&part.key, |trace| trace.renewed_at = now);
                    }
                    if batch.resent {
                        self.watch(&part.key, now);
                    }
                }
                Some(Err(error))
                    if for_good(&error) || batch.aside || batch.errors + 1 >= ERRORS_BEFORE_ASIDE =>
                {
                    refused.push((part, error));
                }
                Some(Err(error)) => {
                    self.last_error = Some(shortened(&error));
                    left.push(part);
                }
                None => left.push(part),
            }
        }
        if !left.is_empty() {
            batch.errors += 1;
            self.counters.redis_failures += 1;
            self.retry_at = now.saturating_add(BACKOFF_MS << batch.errors.min(6));
        }
        left.extend(later);
        batch.parts = left;
        self.batch = Some(batch);
        for (part, error) in refused {
            self.set_aside(part, &error, now);
        }
        self.end_batch(now);
    }

    /// Forgets the batch once nothing of it is left.
    fn end_batch(&mut self, now: i64) {
        let Some(batch) = self.batch.take_if(|batch| batch.parts.is_empty()) else { return };
        if !batch.aside {
            return;
        }
        // What was set aside has gone through: the trace flows again, once none of it is left.
        let done: Vec<Rc<str>> = self
            .asides()
            .filter(|(_, aside)| aside.entries.is_empty() && aside.retry_at <= now)
            .map(|(key, _)| key.clone())
            .collect();
        for key in done {
            self.traces.update(&key, |trace| {
                trace.aside = None;
                trace.changed = true;
            });
            self.checkpoint_due = true;
        }
    }

    /// Entries are in Redis; `len` is what it says their list has now.
    fn flushed(&mut self, key: &Rc<str>, entries: &[Pending], len: Option<u64>, now: i64) {
        if entries.is_empty() {
            return;
        }
        for entry in entries {
            self.settle_entry(entry);
        }
        let count = entries.len() as u64;
        self.counters.flushed += count;
        let surprise = self.traces.update(key, |trace| {
            trace.waiting = trace.waiting.saturating_sub(count);
            let before = trace.list_len;
            trace.list_len = len;
            if trace.flushed() == count && len == Some(count) {
                trace.whole = true;
                trace.changed = true;
            }
            match (before, len) {
                (Some(before), Some(len)) if len < before + count => Surprise::Short,
                (None, Some(len)) if len < trace.flushed() && !just_expired(trace, now) => Surprise::Short,
                (Some(before), Some(len)) if len > before + count => Surprise::Long,
                _ => Surprise::None,
            }
        });
        match surprise {
            Some(Surprise::Short) => {
                self.repairs.push_back(key.clone());
                self.census_at = Some(now);
            }
            Some(Surprise::Long) => self.watch(key, now),
            _ => {}
        }
    }

    /// Puts a part's entries where they wait without holding up the others.
    pub(super) fn set_aside(&mut self, part: Part, error: &str, now: i64) {
        let error = shortened(error);
        let Part { key, entries, .. } = part;
        // Entries of this trace that wait in line follow them, so that its order holds.
        let mut entries = VecDeque::from(entries);
        if self.traces.get(&key).is_some_and(|trace| trace.aside.is_none()) {
            let (same, others) =
                std::mem::take(&mut self.waiting).into_iter().partition(|entry| entry.key == key);
            self.waiting = others;
            let same: VecDeque<Pending> = same;
            entries.extend(same);
        }
        self.traces.update(&key, |trace| {
            let since = entries.front().map_or(0, |entry| entry.seq);
            let aside = trace.aside.get_or_insert(Aside {
                since,
                error: String::new(),
                retry_at: 0,
                tries: 0,
                entries: VecDeque::new(),
            });
            aside.since = aside.since.min(since);
            entries.append(&mut aside.entries);
            aside.entries = std::mem::take(&mut entries);
            let pause = ASIDE_MS.saturating_mul(1 << aside.tries.min(4)).min(ASIDE_MAX_MS);
            aside.retry_at = now.saturating_add(pause);
            aside.tries = aside.tries.saturating_add(1);
            aside.error = error;
            trace.changed = true;
        });
        self.checkpoint_due = true;
    }
}

enum Surprise {
    None,
    /// The list has fewer entries than were put there.
    Short,
    /// The list has more than it should.
    Long,
}

/// A list at the end of its life may have expired between two writes: that is no loss.
fn just_expired(trace: &Trace, now: i64) -> bool {
    trace.written_at.saturating_add(crate::redis::LIST_TTL_S * 1_000 - 120_000) <= now
}

/// Errors that a repetition cannot heal.
fn for_good(error: &str) -> bool {
    error.starts_with("WRONGTYPE")
}

fn shortened(error: &str) -> String {
    error.chars().filter(|c| !c.is_control()).take(ERROR_MAX_CHARS).collect()
}
