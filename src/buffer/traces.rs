//! The live traces of a shard: their summaries, their quota, and what is known of their lists in Redis.

use super::aside::Aside;
use super::ids::Seed;
use super::pages::Stored;
use super::wire::Summary;
use crate::entry::{Meta, System};
use crate::redis::{EXPIRE_EVERY_MS, LIST_TTL_S};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::rc::Rc;

/// Bytes of memory the live traces of one shard may take, by [`Trace::weight`]; beyond it a new trace is refused.
pub const MAX_TRACES_BYTES: usize = 48 * 1024 * 1024;

/// How long after it was written a trace is kept at most for its list alone, which Redis would not have looked at yet, in ms.
const OWED_AT_MOST_MS: i64 = 24 * 3_600_000;

/// One live trace.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    /// Its entries, waiting ones included, since its list began.
    pub count: u64,
    /// Those not yet in Redis.
    pub waiting: u64,
    /// Entries that an earlier worker left in its list.
    pub earlier: u64,
    /// A bit per system, by [`System::index`].
    pub systems: u8,
    /// Whether one entry is an error.
    pub errors: bool,
    /// Newest timestamp, Unix ms.
    pub newest: i64,
    /// When it was last written to, Unix ms.
    pub written_at: i64,
    /// The quota window that `in_window` counts in.
    pub window: i64,
    /// Entries accepted in that window.
    pub in_window: u64,
    /// Entries up to this number were cleared.
    pub cleared: u64,
    /// Number of the first entry of its list; those before it have expired.
    pub first: u64,
    /// Length of its list, as Redis last told; `None` while it has not since this instance started.
    pub list_len: Option<u64>,
    /// When its list's time to live was last renewed, Unix ms; 0 when not known.
    pub renewed_at: i64,
    /// Whether its list is to be looked at: it was begun anew, and may lack entries or a time to live. Stored, for the next
    /// instance.
    pub owes_repair: bool,
    /// Doubles seen in its list and counted.
    pub doubles: u64,
    /// Whether its list is too large to be written again.
    pub too_large: bool,
    /// Whether its list provably began with an entry of this shard: nothing of an earlier worker is in it.
    pub whole: bool,
    /// Numbers of its entries that are kept in rows.
    pub kept: VecDeque<u64>,
    /// Set while Redis refuses it.
    pub aside: Option<Aside>,
    /// Whether it differs from what is stored of it.
    pub changed: bool,
    /// Where that is.
    pub stored: Stored,
}

impl Trace {
    /// Takes in an entry that was stored at `at` and counted in `window`.
    pub fn add(&mut self, meta: &Meta<'_>, seq: u64, at: i64, window: i64) {
        self.count_in_window(window);
        self.in_window += 1;
        if self.count == 0 {
            self.first = seq;
        }
        self.count += 1;
        self.systems |= 1 << meta.system.index();
        self.errors |= meta.error;
        self.newest = if self.count == 1 { meta.timestamp } else { self.newest.max(meta.timestamp) };
        self.written_at = self.written_at.max(at);
        self.kept.push_back(seq);
        self.changed = true;
    }

    /// Turns to `window`, forgetting what was counted in another.
    pub fn count_in_window(&mut self, window: i64) {
        if self.window != window {
            self.window = window;
            self.in_window = 0;
        }
    }

    /// Entries that are in Redis.
    pub fn flushed(&self) -> u64 {
        self.count.saturating_sub(self.waiting)
    }

    /// Whether its list has expired by now and nothing waits, so that a next log begins a new one.
    pub fn expired(&self, now: i64) -> bool {
        self.waiting == 0 && self.written_at.saturating_add(LIST_TTL_S * 1_000) <= now
    }

    /// Whether Redis's list may have expired: its time to live may have been renewed a while before the last write.
    pub fn may_have_expired(&self, now: i64) -> bool {
        self.expired(now.saturating_add(EXPIRE_EVERY_MS))
    }

    /// Whether its list may still stand there without a time to live, and would for ever if nobody knew of it.
    fn is_owed(&self, now: i64) -> bool {
        self.owes_repair && now.saturating_sub(self.written_at) < OWED_AT_MOST_MS
    }

    /// Whether the next write has to renew its list's time to live.
    pub fn owes_renewal(&self, now: i64) -> bool {
        now.saturating_sub(self.renewed_at) >= EXPIRE_EVERY_MS
    }

    /// Forgets its entries, but not what they cost of its quota.
    pub fn reset(&mut self) {
        *self = Trace {
            window: self.window,
            in_window: self.in_window,
            cleared: self.cleared,
            written_at: self.written_at,
            changed: true,
            stored: self.stored,
            ..Trace::default()
        };
    }

    fn weight(trace_id: &str) -> usize {
        trace_id.len() * 2 + 320
    }

    fn summary(&self, trace_id: &str) -> Summary {
        Summary {
            id: trace_id.to_string(),
            trace_id: trace_id.to_string(),
            timestamp: self.newest,
            log_count: self.count + self.earlier,
            systems: System::ALL
                .into_iter()
                .filter(|system| self.systems & (1 << system.index()) != 0)
                .collect(),
            has_errors: self.errors,
        }
    }
}

/// All live traces, and which are newest.
#[derive(Debug)]
pub struct Traces {
    by_id: HashMap<Rc<str>, Trace, Seed>,
    /// Those that have entries, by their newest timestamp.
    by_time: BTreeSet<(i64, Rc<str>)>,
    /// Those that are set aside: looked for at every step, and hardly ever any.
    aside: BTreeSet<Rc<str>>,
    bytes: usize,
}

impl Traces {
    /// No traces yet.
    pub fn new(seed: Seed) -> Traces {
        Traces {
            by_id: HashMap::with_hasher(seed),
            by_time: BTreeSet::new(),
            aside: BTreeSet::new(),
            bytes: 0,
        }
    }

    /// How many have entries.
    pub fn live(&self) -> usize {
        self.by_time.len()
    }

    /// A trace.
    pub fn get(&self, trace_id: &str) -> Option<&Trace> {
        self.by_id.get(trace_id)
    }

    /// Whether there is room for a trace that is not known yet.
    pub fn has_room(&self) -> bool {
        self.bytes < MAX_TRACES_BYTES
    }

    /// The shared copy of a trace's id, which is known from then on.
    pub fn key(&mut self, trace_id: &str) -> Rc<str> {
        if let Some((key, _)) = self.by_id.get_key_value(trace_id) {
            return key.clone();
        }
        let key: Rc<str> = Rc::from(trace_id);
        self.bytes += Trace::weight(trace_id);
        self.by_id.insert(key.clone(), Trace::default());
        key
    }

    /// Changes a trace, and keeps its place among the newest true.
    pub fn update<T>(&mut self, key: &Rc<str>, change: impl FnOnce(&mut Trace) -> T) -> Option<T> {
        let trace = self.by_id.get_mut(key)?;
        let before = (trace.count > 0).then_some(trace.newest);
        let result = change(trace);
        let after = (trace.count > 0).then_some(trace.newest);
        if trace.aside.is_none() {
            self.aside.remove(key);
        } else if !self.aside.contains(key) {
            self.aside.insert(key.clone());
        }
        if before != after {
            if let Some(newest) = before {
                self.by_time.remove(&(newest, key.clone()));
            }
            if let Some(newest) = after {
                self.by_time.insert((newest, key.clone()));
            }
        }
        Some(result)
    }

    /// The `limit` newest, newest first.
    pub fn recent(&self, limit: usize, now: i64) -> Vec<Summary> {
        self.newest(limit, now).map(|(key, trace)| trace.summary(key)).collect()
    }

    /// Those of the `limit` newest that have an entry after this one, newest first.
    pub fn recent_after(&self, seq: u64, limit: usize, now: i64) -> Vec<Summary> {
        let after = |trace: &Trace| seq == 0 || trace.kept.back().is_some_and(|&newest| newest > seq);
        let changed = self.newest(limit, now).filter(|(_, trace)| after(trace));
        changed.map(|(key, trace)| trace.summary(key)).collect()
    }

    fn newest(&self, limit: usize, now: i64) -> impl Iterator<Item = (&Rc<str>, &Trace)> {
        let newest = self.by_time.iter().rev();
        let live = newest.filter_map(|(_, key)| self.by_id.get(key).map(|trace| (key, trace)));
        live.filter(move |(_, trace)| !trace.expired(now)).take(limit)
    }

    /// Every trace.
    pub fn iter(&self) -> impl Iterator<Item = (&Rc<str>, &Trace)> {
        self.by_id.iter()
    }

    /// Every trace, to be stored: what changes its place among the others goes through [`Traces::update`].
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&Rc<str>, &mut Trace)> {
        self.by_id.iter_mut()
    }

    /// Every trace that is set aside.
    pub fn asides(&self) -> impl Iterator<Item = (&Rc<str>, &Aside)> {
        self.aside.iter().filter_map(|key| Some((key, self.by_id.get(key)?.aside.as_ref()?)))
    }

    /// Every trace's id.
    pub fn keys(&self) -> Vec<Rc<str>> {
        self.by_id.keys().cloned().collect()
    }

    /// Forgets the traces whose list has expired and whose quota window has passed, and hands them on.
    /// One whose list is `busy`, because something is yet to be done about it, is not.
    pub fn forget_expired(
        &mut self,
        now: i64,
        window: i64,
        busy: impl Fn(&Rc<str>) -> bool,
    ) -> Vec<(Rc<str>, Trace)> {
        let gone = self
            .by_id
            .iter()
            .filter(|(_, trace)| trace.expired(now) && trace.aside.is_none() && !trace.is_owed(now))
            .filter(|(key, trace)| (trace.window != window || trace.in_window == 0) && !busy(key))
            .map(|(key, _)| key.clone());
        let gone: Vec<Rc<str>> = gone.collect();
        gone.into_iter().filter_map(|key| self.forget(&key).map(|trace| (key, trace))).collect()
    }

    /// Forgets a trace.
    pub fn forget(&mut self, key: &str) -> Option<Trace> {
        let (key, trace) = self.by_id.remove_entry(key)?;
        self.bytes = self.bytes.saturating_sub(Trace::weight(&key));
        self.by_time.remove(&(trace.newest, key.clone()));
        self.aside.remove(&key);
        Some(trace)
    }
}
