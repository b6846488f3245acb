//! Upkeep: finding out that Redis lost lists and writing them again, and watching for late executions.

use super::batch::{Batch, Pending};
use super::row::Row;
use super::shard::Shard;
use super::step::{Asked, Mode, Step};
use crate::redis::{Commands, Item, LIST_TTL_S, Reply, list_key};
use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

/// Lists counted in one request of a census.
const CENSUS_KEYS: usize = 500;
/// Bytes of a list that is written again in one request at most. A longer one is served from storage alone.
const REPAIR_MAX_BYTES: usize = 3 * 1024 * 1024;
/// When a list that a late execution may still reach is looked at, in ms after the write was given up.
const AUDIT_AFTER_MS: [i64; 9] = [2_000, 5_000, 10_000, 20_000, 30_000, 45_000, 60_000, 90_000, 120_000];
/// How many of a list's newest entries an audit reads.
const AUDIT_DEPTH: i64 = 1_000;

/// A list being written again.
#[derive(Debug)]
pub(super) struct Repair {
    key: Rc<str>,
    /// What the list holds, oldest first; `None` before it was read.
    found: Option<Vec<String>>,
    /// What it should hold of ours, by number.
    kept: BTreeMap<u64, Option<String>>,
}

impl Repair {
    pub(super) fn supply(&mut self, row: &Row) {
        for (seq, _, json) in row.entries() {
            if let Some(body) = self.kept.get_mut(&seq) {
                *body = Some(String::from_utf8_lossy(json).into_owned());
            }
        }
    }
}

/// A list that a write which was given up may still reach.
#[derive(Debug, Clone)]
pub(super) struct Audit {
    since: i64,
    looks: usize,
    pub(super) due: i64,
    /// Doubles seen and counted.
    doubles: u64,
    /// Cleared entries, by their JSON: they are removed when they appear.
    pub(super) fenced: HashSet<String>,
}

impl Shard {
    pub(super) fn upkeep(&mut self, now: i64) -> Step {
        if self.census_at.is_some_and(|at| at <= now) {
            self.census_at = None;
            let live = self.traces.iter().filter(|(_, trace)| trace.flushed() > 0 && !trace.expired(now));
            self.census = live.map(|(key, _)| key.clone()).collect();
        }
        if !self.census.is_empty() {
            let rest = self.census.split_off(self.census.len().min(CENSUS_KEYS));
            let keys = std::mem::replace(&mut self.census, rest);
            let mut commands = Commands::new();
            for key in &keys {
                commands.push("LLEN", [list_key(key).as_str()]);
            }
            return self.ask(commands, Mode::Pipeline, Asked::Census(keys));
        }
        if let Some((key, commands)) = self.fences.pop_front() {
            return self.ask(commands, Mode::Pipeline, Asked::Fence(key));
        }
        if let Some(step) = self.repair_step() {
            return step;
        }
        if let Some(key) = self.audits.iter().find(|(_, audit)| audit.due <= now).map(|(key, _)| key.clone())
        {
            let mut commands = Commands::new();
            commands.push("LRANGE", [list_key(&key).as_str(), "0", &(AUDIT_DEPTH - 1).to_string()]);
            return self.ask(commands, Mode::Pipeline, Asked::Audit(key));
        }
        Step::Rest
    }

    /// Notes that a reader found fewer entries in a list than the shard put there.
    pub fn found_short(&mut self, trace_id: &str, now: i64) {
        let Some(trace) = self.traces.get(trace_id) else { return };
        if trace.flushed() > 0 && trace.aside.is_none() && !trace.expired(now) {
            let key = self.traces.key(trace_id);
            if !self.repairs.contains(&key) {
                self.repairs.push_back(key);
                self.census_at.get_or_insert(now);
            }
        }
    }

    pub(super) fn counted(&mut self, keys: &[Rc<str>], items: &[Item], now: i64) {
        for (key, item) in keys.iter().zip(items) {
            let Ok(Some(len)) =
                item.as_ref().map(|reply| reply.integer().and_then(|len| u64::try_from(len).ok()))
            else {
                continue;
            };
            let short = self.traces.get(key).is_some_and(|trace| {
                !trace.expired(now) && len < trace.list_len.unwrap_or(0).max(trace.flushed())
            });
            if short && !self.repairs.contains(key) {
                self.repairs.push_back(key.clone());
            }
        }
    }

    fn repair_step(&mut self) -> Option<Step> {
        while self.repair.is_none() {
            let key = self.repairs.pop_front()?;
            let kept = self.flushed_seqs(&key);
            if !kept.is_empty() {
                let kept = kept.into_iter().map(|seq| (seq, None)).collect();
                self.repair = Some(Repair { key, found: None, kept });
            }
        }
        let repair = self.repair.as_ref()?;
        let Some(found) = &repair.found else {
            let mut commands = Commands::new();
            commands.push("LRANGE", [list_key(&repair.key).as_str(), "0", "-1"]);
            return Some(self.ask(commands, Mode::Pipeline, Asked::RepairRead));
        };
        let lacking: Vec<u64> =
            repair.kept.iter().filter(|(_, body)| body.is_none()).map(|(&seq, _)| seq).collect();
        if !lacking.is_empty() {
            let mut slots: Vec<i64> =
                lacking.iter().filter_map(|&seq| self.ring.of(seq).map(|row| row.slot)).collect();
            slots.sort_unstable();
            slots.dedup();
            if !slots.is_empty() {
                return Some(Step::Load(slots));
            }
        }
        let ours: HashSet<&str> = repair.kept.values().flatten().map(String::as_str).collect();
        let standing: HashSet<&str> = found.iter().map(String::as_str).collect();
        let bytes: usize = ours.iter().map(|body| body.len()).sum();
        if bytes > REPAIR_MAX_BYTES || ours.iter().all(|body| standing.contains(body)) {
            self.repair = None;
            return self.repair_step();
        }
        let key = list_key(&repair.key);
        let others = found.iter().map(String::as_str).filter(|element| !ours.contains(element));
        let own = repair.kept.values().flatten().map(String::as_str);
        let mut commands = Commands::new();
        commands.push("DEL", [key.as_str()]);
        commands.push("LPUSH", std::iter::once(key.as_str()).chain(others).chain(own));
        commands.push("EXPIRE", [key.as_str(), &LIST_TTL_S.to_string()]);
        Some(self.ask(commands, Mode::Transaction, Asked::RepairWrite))
    }

    /// Numbers of a trace's entries that are in Redis and still kept here.
    fn flushed_seqs(&self, key: &Rc<str>) -> Vec<u64> {
        let Some(trace) = self.traces.get(key) else { return Vec::new() };
        if trace.aside.is_some() {
            return Vec::new();
        }
        let waits: HashSet<u64> = self.waiting_of(key).map(|entry| entry.seq).collect();
        let kept = trace.kept.iter().copied();
        kept.filter(|&seq| seq > trace.cleared.max(self.cleared) && !waits.contains(&seq)).collect()
    }

    /// A trace's entries that are not known to be in Redis, in order.
    pub(super) fn waiting_of(&self, key: &str) -> impl Iterator<Item = &Pending> {
        let of_batch = self.batch.iter().flat_map(Batch::entries);
        let aside = self.traces.get(key).and_then(|trace| trace.aside.as_ref());
        let of_aside = aside.into_iter().flat_map(|aside| &aside.entries);
        of_batch.chain(of_aside).chain(&self.waiting).filter(move |entry| &*entry.key == key)
    }

    pub(super) fn repair_read(&mut self, items: Vec<Item>) {
        let elements = items.into_iter().next().and_then(Result::ok).and_then(Reply::into_strings);
        match (&mut self.repair, elements) {
            (Some(repair), Some(mut elements)) => {
                elements.reverse();
                repair.found = Some(elements);
            }
            // Something else stands under the key: it is not ours to remove.
            _ => self.repair = None,
        }
    }

    pub(super) fn repaired(&mut self, items: &[Item], now: i64) {
        let Some(repair) = self.repair.take() else { return };
        let len = match items.get(1) {
            Some(Ok(reply)) => reply.integer().and_then(|len| u64::try_from(len).ok()),
            _ => None,
        };
        self.counters.lists_restored += 1;
        self.traces.update(&repair.key, |trace| {
            trace.list_len = len;
            trace.renewed_at = now;
        });
        self.watch(&repair.key, now);
    }

    /// Begins the repair under way anew: its outcome is unknown, and reading comes before writing.
    pub(super) fn restart_repair(&mut self) {
        if let Some(repair) = &mut self.repair {
            repair.found = None;
        }
    }

    /// Looks at a list again and again for a while: a write that was given up may still arrive.
    pub(super) fn watch(&mut self, key: &Rc<str>, now: i64) {
        let [first, ..] = AUDIT_AFTER_MS;
        let audit = self.audits.entry(key.clone()).or_insert(Audit {
            since: now,
            looks: 0,
            due: now,
            doubles: 0,
            fenced: HashSet::new(),
        });
        audit.since = now;
        audit.looks = 0;
        audit.due = now + first;
    }

    pub(super) fn postpone_audit(&mut self, key: &Rc<str>, now: i64) {
        let [first, ..] = AUDIT_AFTER_MS;
        if let Some(audit) = self.audits.get_mut(key) {
            audit.due = now + first;
        }
    }

    pub(super) fn audited(&mut self, key: &Rc<str>, items: Vec<Item>, now: i64) {
        let elements =
            items.into_iter().next().and_then(Result::ok).and_then(Reply::into_strings).unwrap_or_default();
        let Some(audit) = self.audits.get_mut(key) else { return };
        let unique: HashSet<&str> = elements.iter().map(String::as_str).collect();
        let doubles = (elements.len() - unique.len()) as u64;
        if doubles > audit.doubles {
            self.counters.late_doubles += doubles - audit.doubles;
            audit.doubles = doubles;
            self.checkpoint_due = true;
        }
        if audit.fenced.iter().any(|element| unique.contains(element.as_str())) {
            audit.due = now;
        } else {
            audit.looks += 1;
            match AUDIT_AFTER_MS.get(audit.looks) {
                Some(after) => audit.due = (audit.since + after).max(now + 1_000),
                None => {
                    self.audits.remove(key);
                }
            }
            return;
        }
        // Removing all copies of an entry that must not be there can be repeated without harm.
        let mut commands = Commands::new();
        for element in audit.fenced.iter().filter(|element| unique.contains(element.as_str())) {
            commands.push("LREM", [list_key(key).as_str(), "0", element.as_str()]);
        }
        self.fences.push_back((key.clone(), commands));
    }

    pub(super) fn fenced(&mut self, key: &Rc<str>, now: i64) {
        self.postpone_audit(key, now);
        self.traces.update(key, |trace| trace.list_len = None);
    }
}
