//! Late executions: a write that was given up may still reach Redis, minutes after.
//!
//! Until then its lists are looked at again and again: doubles are counted, what it brought back after a clear is
//! removed, and what it took away is written again.

use super::row::RowHead;
use super::settle::for_good;
use super::shard::Shard;
use super::step::{Asked, Mode, Step};
use super::window::{READ_MAX_BYTES, Window};
use crate::entry::Meta;
use crate::redis::{Commands, Item, Oversize, list_key};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::rc::Rc;

/// How long after it was given up a write may still be executed, in ms, as far as this worker looks.
const HORIZON_MS: i64 = 130_000;
/// Writes given up within so long of each other, in ms, are remembered together.
const GIVE_UPS_APART_MS: i64 = 10_000;
/// When a list that a late execution may still reach is looked at, in ms after the write was given up.
const AUDIT_AFTER_MS: [i64; 9] = [2_000, 5_000, 10_000, 20_000, 30_000, 45_000, 60_000, 90_000, 120_000];
/// How many of a list's newest entries an audit reads.
const AUDIT_DEPTH: usize = 1_000;

/// Elements a list may have beside the entries that are counted, as far as an audit in pieces looks for them.
const MORE_THAN_COUNTED: usize = 50;

/// How often in a row a list may be answered for with an error before that counts as a look.
const ERRORS_AT_MOST: u32 = 20;

/// Lists one request audits at most.
const AUDIT_KEYS: usize = 100;
/// Elements it is expected to read beyond which it takes no further list.
const AUDIT_ELEMENTS: u64 = 2_000;

/// Entries that writes which were given up may still bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenUp {
    /// Number of the first; greater than `through` when it brings none.
    pub from: u64,
    /// Number of the last.
    pub through: u64,
    /// Until when, Unix ms.
    pub until: i64,
    /// Whether one of those writes is a list as it was: it may take the place of newer entries by as many older ones.
    #[serde(default)]
    pub lists: bool,
}

/// Writes that were given up at about the same time.
#[derive(Debug, Clone, Copy)]
struct GiveUp {
    /// Number of their first entry.
    from: u64,
    began: i64,
    /// Until when they may come, Unix ms.
    until: i64,
}

/// A list that a write which was given up may still reach.
#[derive(Debug, Clone)]
pub(super) struct Audit {
    began: i64,
    /// When its list was last looked at, Unix ms.
    looked_at: i64,
    since: i64,
    looks: usize,
    /// How often in a row it was no look, because Redis answered with an error.
    errors: u32,
    /// Whether it has a request of its own.
    alone: bool,
    /// How many elements are read, and how many of them with one command, where the list is longer than Redis answers.
    window: Option<Window>,
    pub(super) due: i64,
    /// Ids of cleared entries: they are removed when they appear.
    pub(super) fenced: BTreeSet<String>,
}

impl Audit {
    fn window(&self) -> Window {
        self.window.unwrap_or(Window::new(AUDIT_DEPTH, None))
    }
}

/// Less of a list that has some `count` entries, after so much of it was too much: in pieces, and no more than there is room
/// for. `None` when that cannot be.
fn closer(window: Window, too_much: Oversize, count: u64) -> Option<Window> {
    if window.commands() > 1 {
        return Some(Window::new(window.depth, Some(window.smaller_piece(too_much)?)));
    }
    let there = usize::try_from(count).unwrap_or(usize::MAX).saturating_add(MORE_THAN_COUNTED);
    let whole = Window::new(window.depth.min(there), None);
    let piece = whole.smaller_piece(too_much)?;
    // What a late execution brings stands among the newest.
    let times = usize::try_from(too_much.actual.div_ceil(READ_MAX_BYTES)).unwrap_or(usize::MAX);
    Some(Window::new(whole.depth / times.max(1), Some(piece)))
}

/// What late executions may bring yet.
#[derive(Debug, Default)]
pub(super) struct Late {
    /// Which entries.
    pub(super) given_up: Option<GivenUp>,
    /// When they were given up, oldest first.
    give_ups: VecDeque<GiveUp>,
    /// Which lists, and when they are looked at.
    pub(super) audits: BTreeMap<Rc<str>, Audit>,
    /// Removals of cleared entries that appeared in a list after all.
    pub(super) fences: VecDeque<(Rc<str>, Commands)>,
}

impl Shard {
    /// Notes that a request with these entries was given up, and may be executed all the same.
    pub(super) fn give_up(&mut self, seqs: impl Iterator<Item = u64>, now: i64) {
        let nothing = GivenUp { from: u64::MAX, through: 0, until: now, lists: false };
        let mut given_up = self.late.given_up.unwrap_or(nothing);
        let mut own = GiveUp { from: u64::MAX, began: now, until: now.saturating_add(HORIZON_MS) };
        for seq in seqs {
            own.from = own.from.min(seq);
            given_up.through = given_up.through.max(seq);
        }
        given_up.from = given_up.from.min(own.from);
        given_up.until = given_up.until.max(own.until);
        given_up.lists |= !(self.mending.recheck.is_empty() && self.mending.rechecking.is_empty());
        match self.late.give_ups.back_mut() {
            Some(last) if now.saturating_sub(last.began) < GIVE_UPS_APART_MS => {
                *last = GiveUp { from: last.from.min(own.from), began: last.began, until: own.until };
            }
            _ => self.late.give_ups.push_back(own),
        }
        // While one write after another is given up, rows are not kept for the first of them for ever: only until it is too
        // late for it, and every list it could reach was looked at since, and mended.
        while let Some(first) = self.late.give_ups.front()
            && first.until <= now
            && self.late.fences.is_empty()
            && self
                .late
                .audits
                .values()
                .all(|audit| audit.began > first.until || audit.looked_at >= first.until)
        {
            self.late.give_ups.pop_front();
        }
        if !given_up.lists {
            let first = self.late.give_ups.iter().map(|give_up| give_up.from).min();
            given_up.from = given_up.from.max(first.unwrap_or(given_up.from));
        }
        self.gave_up(Some(given_up));
    }

    /// Takes over what the instance before gave up.
    pub(super) fn recall_given_up(&mut self, given_up: Option<GivenUp>, now: i64) {
        self.late.give_ups.extend(given_up.map(|GivenUp { from, until, .. }| GiveUp {
            from,
            began: now,
            // Its lists are looked at from now on, however late that is.
            until: until.max(now),
        }));
        self.gave_up(given_up);
    }

    /// Notes what may still come; its rows are kept until it is too late for it: a clear, also one by the next instance,
    /// must be able to tell what it removes for good.
    pub(super) fn gave_up(&mut self, given_up: Option<GivenUp>) {
        let (from, through) = given_up.map_or((1, 0), |given_up| (given_up.from, given_up.through));
        self.ring.hold(from, through);
        if given_up.is_none() {
            self.late.give_ups.clear();
        }
        self.late.given_up = given_up;
    }

    /// When it is too late for everything that was given up, Unix ms, and every list it could reach was looked at.
    pub(super) fn horizon(&self) -> Option<i64> {
        self.late.given_up.filter(|_| self.late.audits.is_empty()).map(|given_up| given_up.until)
    }

    /// Forgets what was given up once it is too late for it; then every list is counted once more, since it may
    /// have taken something away. Lists that may have been written as they were are looked at first: until then the next
    /// instance would have to know, too.
    pub(super) fn horizon_passed(&mut self, now: i64) {
        let Some(given_up) = self.late.given_up.filter(|_| self.horizon().is_some_and(|until| until <= now))
        else {
            return;
        };
        if !self.mending.has_to_recheck() {
            self.gave_up(None);
        } else {
            self.gave_up(Some(GivenUp { until: now.saturating_add(HORIZON_MS), ..given_up }));
            self.mending.look_again();
        }
        self.census.ask(now);
        self.saved.due = true;
    }

    /// Whether a list may have been written as it was, so that newer entries lack there, and was not looked at since.
    pub(super) fn doubts(&self, trace_id: &str) -> bool {
        self.mending.recheck.contains(trace_id) || self.mending.rechecking.contains(trace_id)
    }

    /// Slots of the rows to be handed to [`Shard::fence`] before a clear.
    pub fn slots_to_fence(&self, mark: u64) -> Vec<i64> {
        self.late
            .given_up
            .map(|given_up| self.ring.slots_between(given_up.from, given_up.through.min(mark)))
            .unwrap_or_default()
    }

    /// Remembers those of a row's entries which a clear of `trace_id`, or of all, removes up to `mark`, and which a
    /// write that was given up may bring back.
    pub fn fence(&mut self, trace_id: Option<&str>, mark: u64, head: &RowHead<'_>, now: i64) {
        let Some(given_up) = self.late.given_up else { return };
        for (meta, seq) in head.entries.iter().zip(head.seq..) {
            if (given_up.from..=given_up.through.min(mark)).contains(&seq)
                && trace_id.is_none_or(|trace_id| trace_id == meta.trace_id)
            {
                self.fence_one(meta, now);
            }
        }
    }

    pub(super) fn fence_one(&mut self, cleared: &Meta<'_>, now: i64) {
        let key = self.traces.key(&cleared.trace_id);
        self.watch(&key, now);
        if let Some(audit) = self.late.audits.get_mut(&key) {
            audit.fenced.insert(cleared.id.to_string());
        }
    }

    /// Looks at a list again and again for a while: a write that was given up may still arrive.
    pub(super) fn watch(&mut self, key: &Rc<str>, now: i64) {
        let [first, ..] = AUDIT_AFTER_MS;
        let audit = self.late.audits.entry(key.clone()).or_insert_with(|| Audit {
            began: now,
            looked_at: i64::MIN,
            since: now,
            looks: 0,
            errors: 0,
            alone: false,
            window: None,
            due: now,
            fenced: BTreeSet::new(),
        });
        audit.since = now;
        audit.looks = 0;
        audit.due = now + first;
    }

    /// Has lists looked at one by one that were refused together, and no more one that was refused alone too often.
    pub(super) fn audit_refused(&mut self, keys: &[Rc<str>], now: i64) {
        for key in keys {
            let Some(audit) = self.late.audits.get_mut(key) else { continue };
            audit.errors += u32::from(std::mem::replace(&mut audit.alone, true));
            if audit.errors > ERRORS_AT_MOST {
                self.late.audits.remove(key);
            }
            self.postpone_audit(key, now);
        }
    }

    pub(super) fn postpone_audit(&mut self, key: &Rc<str>, now: i64) {
        let [first, ..] = AUDIT_AFTER_MS;
        if let Some(audit) = self.late.audits.get_mut(key) {
            audit.due = now + first;
        }
    }

    /// Reads the lists whose audits are due, several at once.
    pub(super) fn audit_step(&mut self, now: i64) -> Step {
        let mut keys = Vec::new();
        let mut commands = Commands::new();
        let mut elements = 0;
        for (key, audit) in self.late.audits.iter().filter(|(_, audit)| audit.due <= now) {
            elements += self.traces.get(key).map_or(0, |trace| trace.count.min(AUDIT_DEPTH as u64)) + 1;
            let full = elements > AUDIT_ELEMENTS || keys.len() == AUDIT_KEYS || audit.alone;
            if full && !keys.is_empty() {
                break;
            }
            audit.window().ask(&mut commands, &list_key(key));
            keys.push(key.clone());
            if audit.alone {
                break;
            }
        }
        if keys.is_empty() { Step::Rest } else { self.ask(commands, Mode::Pipeline, Asked::Audit(keys)) }
    }

    pub(super) fn audited(&mut self, key: &Rc<str>, items: &mut impl Iterator<Item = Item>, now: i64) {
        let count = self.traces.get(key).map_or(0, |trace| trace.count);
        let Some(audit) = self.late.audits.get_mut(key) else { return };
        let window = audit.window();
        let elements = match window.found(items) {
            Err(error) if !for_good(&error) && audit.errors < ERRORS_AT_MOST => {
                let closer = Oversize::of(&error).and_then(|too_much| closer(window, too_much, count));
                audit.alone |= closer.is_some();
                audit.errors += u32::from(closer.is_none());
                audit.window = closer.or(audit.window);
                return if closer.is_some() { audit.due = now } else { self.postpone_audit(key, now) };
            }
            found => found.ok(),
        };
        audit.errors = 0;
        audit.looked_at = now;
        audit.looks += 1;
        match AUDIT_AFTER_MS.get(audit.looks) {
            Some(after) => audit.due = (audit.since + after).max(now + 1_000),
            None => audit.due = now,
        }
        let over = audit.looks >= AUDIT_AFTER_MS.len();
        // What is no list cannot have been pushed to.
        let is_list = elements.is_some();
        let elements = elements.unwrap_or_default();
        let fenced = &audit.fenced;
        let back: Vec<&String> =
            elements.iter().filter(|element| id_of(element).is_some_and(|id| fenced.contains(&id))).collect();
        if !back.is_empty() {
            // Removing all copies of an entry that must not be there can be repeated without harm.
            let mut commands = Commands::new();
            for element in back {
                commands.push("LREM", [list_key(key).as_str(), "0", element.as_str()]);
            }
            self.late.fences.push_back((key.clone(), commands));
        } else if over {
            self.late.audits.remove(key);
        }
        if is_list {
            self.compare(key, &elements, window.depth, now);
        }
    }

    /// Counts doubles, and has the list written again when something is missing.
    fn compare(&mut self, key: &Rc<str>, elements: &[String], depth: usize, now: i64) {
        let unique: HashSet<&str> = elements.iter().map(String::as_str).collect();
        let doubles = (elements.len() - unique.len()) as u64;
        let counted = self.traces.get(key).map_or(0, |trace| trace.doubles);
        if doubles > counted {
            self.counters.late_doubles += doubles - counted;
            self.traces.update(key, |trace| trace.doubles = doubles);
            self.saved.due = true;
        }
        let Some(trace) = self.traces.get(key) else { return };
        if trace.may_have_expired(now) && !elements.is_empty() && !self.mending.has(key) {
            // What a late execution began anew has no time to live.
            self.mending.add(key.clone());
        } else if elements.len() < depth && (unique.len() as u64) < trace.flushed() {
            self.found_short(key, now);
        }
    }

    pub(super) fn fenced(&mut self, key: &Rc<str>, now: i64) {
        self.postpone_audit(key, now);
        self.traces.update(key, |trace| trace.list_len = None);
    }
}

fn id_of(element: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Id {
        id: String,
    }
    serde_json::from_str::<Id>(element).ok().map(|Id { id }| id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_list_that_is_too_long_for_memory_the_newest_are_looked_at() {
        let too_much = |actual: u64| {
            Oversize::of(&format!(
                "ERR max request size exceeded. Limit: 10000000 bytes, Actual: {actual} bytes"
            ))
            .unwrap()
        };
        let whole = Window::new(AUDIT_DEPTH, None);
        assert_eq!(closer(whole, too_much(15_000_000), 350), Some(Window { depth: 400, piece: 200 }));
        assert_eq!(closer(whole, too_much(60_000_000), 350), Some(Window { depth: 133, piece: 66 }));
        let in_pieces = Window::new(400, Some(200));
        assert_eq!(closer(in_pieces, too_much(15_000_000), 350), Some(Window { depth: 400, piece: 100 }));
        assert_eq!(closer(Window::new(9, Some(1)), too_much(15_000_000), 9), None);
    }
}
