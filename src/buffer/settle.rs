//! What Redis's answer to a step means.

use super::aside::shortened;
use super::batch::{Batch, Part, Pending, standing};
use super::earlier::SURVEYED_AT_MOST;
use super::link::BACKOFF_MS;
use super::repair::Repair;
use super::shard::Shard;
use super::step::Asked;
use crate::redis::{Failure, Item, Reply};
use std::rc::Rc;

/// A batch whose items are answered with an error so often sets those traces aside, so that the others flow.
const ERRORS_BEFORE_ASIDE: u32 = 3;
/// So many refusals in a row, the batch's and its first trace's, are taken for what is in them, and the next trace has its
/// turn at once. After more of them it is Redis that takes nothing, as at the end of a plan's quota, and pauses follow.
const REFUSALS_AT_ONCE: u32 = 2;
/// A flush so much later than its trace's newest entry counts as the time the trace was written to, in ms: its list
/// lives from then.
pub(super) const LATE_FLUSH_MS: i64 = 60_000;

impl Shard {
    /// Takes Redis's answer to the last [`Step::Ask`](super::Step::Ask).
    pub fn settle(&mut self, answer: Result<Vec<Item>, Failure>, now: i64) {
        let Some(asked) = self.asked.take() else { return };
        let items = match answer {
            Ok(items) => items,
            Err(failure) => return self.failed(asked, &failure, now),
        };
        if self.link.answered() {
            // What it had may be gone.
            self.census.ask_anew(now);
        }
        match asked {
            Asked::Look => self.looked(items, now),
            Asked::Write => self.wrote(items, now),
            Asked::Census(keys) => self.counted(&keys, &items, now),
            Asked::RepairRead => self.repair_read(items, now),
            Asked::RepairWrite => self.repaired(&items, now),
            Asked::Audit(keys) => {
                let mut items = items.into_iter();
                keys.iter().for_each(|key| self.audited(key, &mut items, now));
            }
            Asked::Fence(key) => self.fenced(&key, now),
            Asked::Survey(key, _) => self.surveyed(&key, items, now),
        }
    }

    fn failed(&mut self, asked: Asked, failure: &Failure, now: i64) {
        self.counters.redis_failures += 1;
        self.link.failed(failure, now);
        // The request itself was refused, not for a while but for what is in it: the same would be refused again.
        let refused = matches!(failure, Failure::Refused { status: 400 | 413, .. });
        match (asked, failure) {
            (Asked::Look, _) if refused => self.look_refused(failure, now),
            (Asked::Write, _) if refused => self.split_refused(failure, now),
            (Asked::RepairRead | Asked::RepairWrite, _) if refused => self.put_off_repair(now),
            (Asked::Audit(keys), _) if refused => self.audit_refused(&keys, now),
            // Whoever reads one of these lists finds out, and so does its next flush.
            (Asked::Census(_) | Asked::Survey(..), _) if refused => {}
            (Asked::Write, Failure::Uncertain(_)) => {
                if let Some(batch) = &mut self.batch {
                    batch.uncertain = true;
                    let seqs: Vec<u64> = batch.entries().map(|entry| entry.seq).collect();
                    self.give_up(seqs.into_iter(), now);
                }
            }
            (Asked::RepairWrite, Failure::Uncertain(_)) => {
                let seqs: Vec<u64> = self.mending.now.iter().flat_map(Repair::seqs).collect();
                self.mending.recheck.extend(self.mending.now.iter().map(Repair::key).cloned());
                // These do not wait, so that a start would not take them for under way.
                self.saved.due = true;
                self.give_up(seqs.into_iter(), now);
                self.restart_repair();
            }
            (Asked::Census(keys), _) => self.census.again(keys),
            (Asked::Survey(key, tries), _) => self.survey_again(key, tries),
            (Asked::RepairRead | Asked::RepairWrite, _) => self.restart_repair(),
            (Asked::Audit(keys), _) => keys.iter().for_each(|key| self.postpone_audit(key, now)),
            (Asked::Fence(key), _) => self.postpone_audit(&key, now),
            (Asked::Look | Asked::Write, _) => {}
        }
    }

    /// Has each trace's list looked at alone, when its turn comes: one of them is more than Redis answers in one piece.
    fn look_refused(&mut self, failure: &Failure, now: i64) {
        let Some(batch) = &mut self.batch else { return };
        for part in std::mem::take(&mut batch.parts) {
            self.set_aside(part, true, &failure.to_string(), now);
        }
        self.link.retry_now();
        self.end_batch();
    }

    /// Sends the batch's traces one by one, and sets those aside that are refused alone.
    fn split_refused(&mut self, failure: &Failure, now: i64) {
        let Some(batch) = &mut self.batch else { return };
        if !batch.alone && batch.parts.len() > 1 {
            batch.alone = true;
            self.link.retry_now();
            return;
        }
        if batch.parts.is_empty() {
            return;
        }
        let part = batch.parts.remove(0);
        self.set_aside(part, false, &failure.to_string(), now);
        if self.link.failures <= REFUSALS_AT_ONCE {
            self.link.retry_now();
        }
        self.end_batch();
    }

    fn looked(&mut self, items: Vec<Item>, now: i64) {
        let Some(mut batch) = self.batch.take() else { return };
        let mut left = Vec::new();
        let mut missing_some = false;
        let mut unknown = Vec::new();
        let found = batch.found(items);
        if batch.look_closer(&found) {
            self.batch = Some(batch);
            return;
        }
        for (mut part, found) in batch.parts.drain(..).zip(found) {
            if part.entries.is_empty() {
                left.push(part); // its time to live is left to renew
                continue;
            }
            match found {
                Ok(elements) => {
                    let standing = standing(&part, &elements);
                    let mut standing = standing.into_iter();
                    let (there, missing): (Vec<Pending>, Vec<Pending>) = std::mem::take(&mut part.entries)
                        .into_iter()
                        .partition(|_| standing.next() == Some(true));
                    let after_start = there.first().is_some_and(|entry| entry.seq <= self.uncertain_through);
                    if batch.resent && !there.is_empty() {
                        // An earlier try may come as well.
                        self.watch(&part.key, now);
                    }
                    self.flushed(&part.key, &there, None, now);
                    if missing.is_empty() && (after_start || !part.renew) {
                        // What became of its time to live is not known either: this push may have begun the list anew.
                        self.owes_repair(&part.key);
                        left.push(Part { entries: missing, renew: true, ..part });
                    } else if !missing.is_empty() {
                        // The write that was given up may yet come, and double what is sent again.
                        self.watch(&part.key, now);
                        missing_some = true;
                        left.push(Part { entries: missing, ..part });
                    }
                }
                Err(error) => unknown.push((part, error)),
            }
        }
        batch.resent |= missing_some;
        let given_up = batch.errors + 1 >= ERRORS_BEFORE_ASIDE;
        let (aside, again): (Vec<_>, Vec<_>) =
            unknown.into_iter().partition(|(_, error)| given_up || for_good(error));
        batch.uncertain = !again.is_empty();
        if batch.uncertain {
            self.item_failed(&mut batch, again.first().map(|(_, error)| error.as_str()), now);
        }
        left.extend(again.into_iter().map(|(part, _)| part));
        batch.parts = left;
        self.batch = Some(batch);
        for (part, error) in aside {
            self.set_aside(part, true, &error, now);
        }
        self.end_batch();
    }

    fn wrote(&mut self, items: Vec<Item>, now: i64) {
        let Some(mut batch) = self.batch.take() else { return };
        let span = batch.span();
        let later = batch.parts.split_off(span);
        let mut items = items.into_iter();
        let mut left = Vec::new();
        let mut refused = Vec::new();
        let mut said = None;
        for mut part in batch.parts.drain(..) {
            let pushed = if part.entries.is_empty() { None } else { items.next() };
            let renewed = if part.renew { items.next() } else { None };
            match pushed {
                Some(Ok(Reply::Integer(len))) => {
                    let entries = std::mem::take(&mut part.entries);
                    self.flushed(&part.key, &entries, u64::try_from(len).ok(), now);
                    if batch.resent {
                        // As above: the time in which it may come begins anew.
                        self.watch(&part.key, now);
                        self.give_up(entries.iter().map(|entry| entry.seq), now);
                        self.saved.due = true;
                    }
                }
                Some(Err(error))
                    if for_good(&error)
                        || batch.aside.is_some()
                        || batch.errors + 1 >= ERRORS_BEFORE_ASIDE =>
                {
                    refused.push((part, error));
                    continue;
                }
                Some(Err(error)) => {
                    said = Some(error);
                    left.push(part);
                    continue;
                }
                Some(Ok(_)) => {
                    said = Some("no length in the answer".to_string());
                    batch.uncertain = true;
                    left.push(part);
                    continue;
                }
                None => {}
            }
            match renewed {
                Some(Ok(renewed)) => {
                    // A list that is not there has no time to live, and the one that begins next gets one of its own.
                    let at = if renewed.integer() == Some(0) { 0 } else { now };
                    // Hardly ever any does, and then its repair may be to come.
                    let owes = at > 0 && self.traces.get(&part.key).is_some_and(|trace| trace.owes_repair);
                    let mended = owes && !self.mending.lists().any(|key| *key == part.key);
                    self.traces.update(&part.key, |trace| {
                        trace.renewed_at = at;
                        trace.changed |= mended && std::mem::take(&mut trace.owes_repair);
                    });
                }
                // Without it the list would live for ever.
                Some(Err(error)) if batch.errors + 1 < ERRORS_BEFORE_ASIDE => {
                    said = Some(error);
                    left.push(part);
                }
                Some(Err(_)) => {
                    self.mending.add(part.key);
                }
                None => {}
            }
        }
        if !left.is_empty() {
            self.item_failed(&mut batch, said.as_deref(), now);
        }
        left.extend(later);
        batch.parts = left;
        self.batch = Some(batch);
        for (part, error) in refused {
            self.set_aside(part, false, &error, now);
        }
        self.end_batch();
    }

    /// Notes, also for the next instance, that a list may lack entries, or a time to live.
    fn owes_repair(&mut self, key: &Rc<str>) {
        self.traces.update(key, |trace| {
            trace.renewed_at = 0;
            trace.owes_repair = true;
            trace.changed = true;
        });
        self.saved.due = true;
    }

    /// Notes that Redis answered, but an item of the batch with an error.
    fn item_failed(&mut self, batch: &mut Batch, said: Option<&str>, now: i64) {
        batch.errors += 1;
        self.counters.redis_failures += 1;
        self.link.last_error = said.map(shortened);
        self.link.retry_at = now.saturating_add(BACKOFF_MS << batch.errors.min(6));
    }

    /// Forgets the batch once nothing of it is left.
    fn end_batch(&mut self) {
        if let Some(batch) = self.batch.take_if(|batch| batch.parts.is_empty()) {
            self.end_aside(&batch);
        }
    }

    /// Sets entries aside whose row is not where it should be: an error that shows, rather than a loss that does
    /// not.
    pub(super) fn set_aside_rowless(&mut self, now: i64) {
        let Some(mut batch) = self.batch.take() else { return };
        let (rowless, whole): (Vec<Part>, Vec<Part>) =
            batch.parts.drain(..).partition(|part| part.entries.iter().any(|entry| entry.body.is_none()));
        batch.parts = whole;
        let uncertain = batch.uncertain;
        self.batch = Some(batch);
        for part in rowless {
            self.set_aside(part, uncertain, "its row is missing in storage", now);
        }
        self.end_batch();
    }

    /// Entries are in Redis; `len` is what it says their list has now.
    fn flushed(&mut self, key: &Rc<str>, entries: &[Pending], len: Option<u64>, now: i64) {
        if entries.is_empty() {
            return;
        }
        for entry in entries {
            self.settle_entry(entry, now);
        }
        let count = entries.len() as u64;
        self.counters.flushed += count;
        self.list_changed(key);
        let may_be_younger = self.may_be_younger_than_lists(now);
        let checkpoint_due = &mut self.saved.due;
        let surprise = self.traces.update(key, |trace| {
            trace.waiting = trace.waiting.saturating_sub(count);
            if now.saturating_sub(trace.written_at) > LATE_FLUSH_MS {
                trace.written_at = now;
                trace.changed = true;
                *checkpoint_due = true;
            }
            let before = trace.list_len;
            trace.list_len = len;
            if trace.flushed() == count && len == Some(count) {
                trace.whole = true;
                trace.changed = true;
            }
            match (before, len) {
                (Some(before), Some(len)) if len < before + count => Surprise::Short,
                (None, Some(len)) if len < trace.flushed() => Surprise::Short,
                (Some(before), Some(len)) if len > before + count => Surprise::Long,
                (None, Some(len))
                    if may_be_younger && len <= SURVEYED_AT_MOST && len > trace.flushed() + trace.earlier =>
                {
                    Surprise::Older
                }
                _ => Surprise::None,
            }
        });
        match surprise {
            Some(Surprise::Short) => {
                // Without a new look at its time to live, what was just begun anew would live for ever.
                self.owes_repair(key);
                self.mending.add(key.clone());
                self.census.ask_anew(now);
            }
            Some(Surprise::Long) => self.watch(key, now),
            Some(Surprise::Older) => self.to_survey.push_back((key.clone(), 0)),
            _ => {}
        }
    }
}

enum Surprise {
    None,
    /// The list has fewer entries than were put there.
    Short,
    /// The list has more than it should.
    Long,
    /// The list may have been there before this shard wrote to it.
    Older,
}

/// Errors that a repetition cannot heal.
pub(super) fn for_good(error: &str) -> bool {
    error.starts_with("WRONGTYPE")
}
