//! Upkeep: what is done while nothing is to be flushed, and lists that are written again.

use super::batch::{Batch, Pending, at_primary};
use super::row::Row;
use super::settle::for_good;
use super::shard::Shard;
use super::step::{Asked, Mode, Step};
use super::wire::shard_of;
use crate::redis::{Commands, Item, LIST_TTL_S, Oversize, list_key};
use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

/// How long after a list could not be written again it is looked at anew, in ms.
const AGAIN_MS: i64 = 30_000;
/// How often that is done in a row at most, for all lists together: ten minutes for one.
const PUTS_OFF_AT_MOST: u32 = 20;
/// Bytes of a list that is written again in one request at most. A longer one is served from storage alone.
const REPAIR_MAX_BYTES: usize = 3 * 1024 * 1024;
/// A list being written again.
#[derive(Debug)]
pub(super) struct Repair {
    key: Rc<str>,
    /// What the list holds, oldest first; `None` before it was read.
    found: Option<Vec<String>>,
    /// Whether it is longer than Redis answers: then it is not written again, and only lives as long as it should.
    too_long: bool,
    /// What it should hold of ours, by number.
    kept: BTreeMap<u64, Option<String>>,
    /// Whether its rows were asked for.
    loaded: bool,
    /// Bytes of what is kept, as far as it was read: beyond [`REPAIR_MAX_BYTES`] no more is.
    bytes: usize,
    /// Length of the list as it was or will be, if it is known, and how many different entries it has then.
    len: Option<u64>,
    different: u64,
    /// How many of those are kept.
    ours: u64,
}

impl Repair {
    fn of(key: Rc<str>, kept: Vec<u64>) -> Repair {
        let kept = kept.into_iter().map(|seq| (seq, None)).collect();
        Repair {
            key,
            found: None,
            too_long: false,
            kept,
            loaded: false,
            bytes: 0,
            len: None,
            different: 0,
            ours: 0,
        }
    }

    /// Whose list it is.
    pub(super) fn key(&self) -> &Rc<str> {
        &self.key
    }

    /// Numbers of the entries it writes.
    pub(super) fn seqs(&self) -> impl Iterator<Item = u64> {
        self.kept.keys().copied()
    }

    pub(super) fn supply(&mut self, row: &Row) {
        for (seq, _, json) in row.entries() {
            if let Some(body) = self.kept.get_mut(&seq) {
                self.bytes += json.len();
                *body = (self.bytes <= REPAIR_MAX_BYTES).then(|| String::from_utf8_lossy(json).into_owned());
            }
        }
    }
}

impl Shard {
    pub(super) fn upkeep(&mut self, now: i64) -> Step {
        self.horizon_passed(now);
        self.mending.take_up(now);
        if let Some(step) = self.census_step(now) {
            return step;
        }
        if let Some((key, commands)) = self.late.fences.pop_front() {
            return self.ask(commands, Mode::Pipeline, Asked::Fence(key));
        }
        if self.may_repair()
            && let Some(step) = self.repair_step(now)
        {
            return step;
        }
        match self.audit_step(now) {
            Step::Rest => self.survey_step().unwrap_or(Step::Rest),
            step => step,
        }
    }

    /// Notes that a reader found fewer entries in a list than the shard put there.
    pub fn found_short(&mut self, trace_id: &str, now: i64) {
        let Some(trace) = self.traces.get(trace_id) else { return };
        if trace.flushed() > 0 && trace.aside.is_none() && !trace.too_large && !trace.may_have_expired(now) {
            let key = self.traces.key(trace_id);
            if self.mending.add(key) {
                self.census.ask(now);
            }
        }
    }

    /// Whether lists can be written again: not before what a start takes for waiting was looked for, or what stands there of
    /// it would be taken for another's.
    pub(super) fn may_repair(&self) -> bool {
        self.waiting.front().is_none_or(|entry| entry.seq > self.uncertain_through)
    }

    fn repair_step(&mut self, now: i64) -> Option<Step> {
        while self.mending.now.is_none() {
            let key = self.mending.next()?;
            // One that is set aside is looked at when it flows again.
            if self.is_ours(&key)
                && self.traces.get(&key).is_some_and(|trace| trace.flushed() > 0 && trace.aside.is_none())
            {
                let kept = self.flushed_seqs(&key);
                self.mending.now = Some(Repair::of(key, kept));
            } else {
                self.mending.rechecking.remove(&key);
            }
        }
        let repair = self.mending.now.as_mut()?;
        // Its trace may have expired and begun anew since it was told what to write. And what is older than rows are kept,
        // and all before it, is not written again: it stays if it stands there.
        let first = self.traces.get(&repair.key).map_or(0, |trace| trace.first);
        let expired = repair.kept.keys().rev().find(|seq| !self.ring.keeps(**seq, now)).copied();
        let first = first.max(expired.map_or(0, |seq| seq + 1));
        repair.kept.retain(|&seq, _| seq >= first);
        let Some(found) = &repair.found else {
            let mut commands = Commands::new();
            let key = list_key(&repair.key);
            at_primary(&mut commands, &key);
            commands.push("LRANGE", [key.as_str(), "0", "-1"]);
            return Some(self.ask(commands, Mode::Transaction, Asked::RepairRead));
        };
        if !std::mem::replace(&mut repair.loaded, true) && !repair.kept.is_empty() && !repair.too_long {
            return Some(Step::Load(self.ring.slots(repair.kept.keys().copied())));
        }
        let written_at = self.traces.get(&repair.key).map_or(now, |trace| trace.written_at);
        if self.traces.get(&repair.key).is_some_and(|trace| trace.expired(now)) {
            // What stands there is without a time to live, or has a late one.
            (repair.len, repair.different, repair.ours, repair.too_long) = (Some(0), 0, 0, false);
            let mut commands = Commands::new();
            commands.push("DEL", [list_key(&repair.key).as_str()]);
            return Some(self.ask(commands, Mode::Transaction, Asked::RepairWrite));
        }
        let ours: HashSet<&str> = repair.kept.values().flatten().map(String::as_str).collect();
        let others: Vec<&str> =
            found.iter().map(String::as_str).filter(|element| !ours.contains(element)).collect();
        let standing: HashSet<&str> = found.iter().map(String::as_str).collect();
        let lacks = repair.too_long || repair.bytes > REPAIR_MAX_BYTES || !ours.is_subset(&standing);
        let bytes: usize = ours.iter().chain(&others).map(|element| element.len()).sum();
        let key = list_key(&repair.key);
        let mut commands = Commands::new();
        let mends = lacks && !repair.too_long && bytes.max(repair.bytes) <= REPAIR_MAX_BYTES;
        repair.len = Some(found.len() as u64).filter(|_| !repair.too_long);
        repair.ours = ours.len() as u64;
        repair.different = standing.union(&ours).count() as u64;
        if mends {
            repair.len = Some((others.len() + ours.len()) as u64);
            let own = repair.kept.values().flatten().map(String::as_str);
            commands.push("DEL", [key.as_str()]);
            commands.push("LPUSH", std::iter::once(key.as_str()).chain(others).chain(own));
            self.counters.lists_restored += 1;
        }
        // Its time to live went with the list, even if it holds all there is by now. It gets what is left of it.
        let expires = written_at.saturating_add(LIST_TTL_S * 1_000);
        let ttl = (expires.saturating_sub(now) / 1_000).clamp(1, LIST_TTL_S);
        commands.push("EXPIRE", [key.as_str(), &ttl.to_string()]);
        if lacks && !mends {
            let key = repair.key.clone();
            self.traces.update(&key, |trace| trace.too_large = true);
        }
        Some(self.ask(commands, Mode::Transaction, Asked::RepairWrite))
    }

    /// Whether this shard, and no other since their number changed, writes a trace's list.
    pub(super) fn is_ours(&self, key: &str) -> bool {
        shard_of(key, self.settings.shards) == self.settings.shard
    }

    /// Numbers of a trace's entries that are in Redis and still kept here.
    fn flushed_seqs(&self, key: &Rc<str>) -> Vec<u64> {
        let Some(trace) = self.traces.get(key) else { return Vec::new() };
        let waits = self.waiting_seqs(key);
        let kept = trace.kept.iter().copied();
        kept.filter(|&seq| seq > trace.cleared.max(self.cleared) && !waits.contains(&seq)).collect()
    }

    /// A trace's entries that are not known to be in Redis, in order.
    pub(super) fn waiting_of(&self, key: &str) -> impl Iterator<Item = &Pending> {
        let of_batch = self.batch.iter().flat_map(Batch::entries);
        let aside = self.traces.get(key).and_then(|trace| trace.aside.as_ref());
        let of_aside = aside.into_iter().flat_map(|aside| &aside.entries);
        of_batch.chain(of_aside).chain(self.waiting.iter()).filter(move |entry| &*entry.key == key)
    }

    pub(super) fn repair_read(&mut self, items: Vec<Item>, now: i64) {
        match (&mut self.mending.now, items.into_iter().nth(1)) {
            (Some(repair), Some(Ok(reply))) => match reply.into_strings() {
                Some(mut elements) => {
                    elements.reverse();
                    repair.found = Some(elements);
                }
                None => self.put_off_repair(now),
            },
            (Some(repair), Some(Err(error))) if Oversize::of(&error).is_some() => {
                (repair.too_long, repair.found) = (true, Some(Vec::new()));
            }
            (_, Some(Err(error))) if !for_good(&error) => self.put_off_repair(now),
            // Something else stands under the key: it is not ours to remove.
            _ => {
                if let Some(repair) = self.mending.now.take() {
                    self.mending.rechecking.remove(&repair.key);
                }
            }
        }
    }

    pub(super) fn repaired(&mut self, items: &[Item], now: i64) {
        if items.iter().any(Result::is_err) {
            return self.put_off_repair(now);
        }
        let Some(repair) = self.mending.now.take() else { return };
        self.mending.rechecking.remove(&repair.key);
        self.mending.puts_off = 0;
        let checkpoint_due = &mut self.saved.due;
        self.traces.update(&repair.key, |trace| {
            trace.list_len = repair.len;
            // The next write gives it its full time to live again.
            trace.renewed_at = 0;
            trace.changed |= std::mem::take(&mut trace.owes_repair);
            if repair.too_long {
                return;
            }
            let earlier = trace.earlier.min(repair.different.saturating_sub(repair.ours));
            if std::mem::replace(&mut trace.earlier, earlier) != earlier {
                trace.changed = true;
                *checkpoint_due = true;
            }
            // What was lost and is not kept is lost for good; what is kept is there again.
            let there = trace.flushed().min(repair.different).max(repair.ours);
            if !trace.too_large && there != trace.flushed() {
                trace.count = there + trace.waiting;
                trace.changed = true;
                *checkpoint_due = true;
            }
        });
    }

    /// Has the list under repair looked at anew in a while, unless that was tried in vain often enough.
    pub(super) fn put_off_repair(&mut self, now: i64) {
        let Some(Repair { key, .. }) = self.mending.now.take() else { return };
        self.mending.puts_off += 1;
        if self.mending.puts_off > PUTS_OFF_AT_MOST {
            self.mending.rechecking.remove(&key);
            return;
        }
        self.mending.put_off.insert(key);
        self.mending.put_off_until = now.saturating_add(AGAIN_MS);
    }

    /// Begins a list's repair from the start, if it is under way: what was read of the list is not all of it now.
    pub(super) fn list_changed(&mut self, key: &Rc<str>) {
        if self.mending.now.take_if(|repair| repair.key == *key).is_some() {
            self.mending.add_first(key.clone());
        }
    }

    /// Begins the repair under way anew: its outcome is unknown, and reading comes before writing.
    pub(super) fn restart_repair(&mut self) {
        if let Some(repair) = &mut self.mending.now {
            (repair.found, repair.too_long) = (None, false);
        }
    }
}
