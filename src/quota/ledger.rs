//! The ledger: what the global object knows of one hour.

use super::{LEASE_VERSION, LeaseReply, LeaseRequest, Limits, PerSystem, WINDOW_MS};
use crate::entry::System;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Shards there can be (`LOG_BUFFER_SHARDS`).
pub const MAX_SHARDS: u32 = 64;

/// How soon idle tokens are recalled again, in ms: a shard that is short asks as often.
const RECALL_AGAIN_MS: i64 = 1_000;

/// How far the turns of a shard's instances lie apart: more than one instance ever takes.
const TURNS_OF_AN_INSTANCE: u64 = 1_000_000_000;

/// Version of the layout of [`LedgerState`].
pub const LAYOUT: u8 = 1;

/// What the global object stores, version 1: one value, written at each lease that changes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerState {
    /// [`LAYOUT`].
    pub v: u8,
    /// Start of the current window, Unix ms.
    pub window: i64,
    /// What each shard was granted in it, by its number.
    pub shards: Vec<Account>,
    /// Over how many shards the traces are spread; 0 before the first request.
    #[serde(default)]
    pub shard_count: u32,
    /// When that number last changed, Unix ms; 0: never.
    #[serde(default)]
    pub resharded_at: i64,
    /// What an earlier worker had counted in it.
    #[serde(default)]
    pub earlier: PerSystem,
    /// As `earlier`, of all systems and those of none.
    #[serde(default)]
    pub earlier_global: u64,
    /// As `earlier`, per trace.
    #[serde(default)]
    pub earlier_traces: BTreeMap<String, u64>,
}

/// How one shard stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The last request heard.
    pub turn: u64,
    /// Tokens granted in the current window, spent ones included.
    pub granted: PerSystem,
    /// Logs of the current window let through without a grant.
    #[serde(default)]
    pub overdrawn: u64,
}

/// State of the earlier `RateLimiterDO`, as it stored it under the key `rateLimitState`. Numbers are JavaScript's; one
/// that was not there is 0.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EarlierState {
    /// Logs counted in all (`global_current`).
    pub global: f64,
    /// Logs counted per system (`system_current`), in the order of [`System::ALL`].
    pub systems: [f64; 4],
    /// Logs counted per trace (`trace_counts`).
    pub traces: Vec<(String, f64)>,
    /// Start of its window, Unix ms (`window_start`).
    pub window_start: f64,
}

/// A count as JavaScript stored it.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(number: f64) -> u64 {
    // `as` saturates, and turns NaN into 0.
    number.max(0.0) as u64
}

/// The hour's quotas and who holds what of them.
#[derive(Debug, Clone)]
pub struct Ledger {
    limits: Limits,
    state: LedgerState,
    /// No recall before then, Unix ms.
    recall_after: i64,
}

impl Ledger {
    /// A ledger whose first window starts now.
    pub fn new(limits: Limits, now: i64) -> Ledger {
        let state = LedgerState {
            v: LAYOUT,
            window: now,
            shards: Vec::new(),
            shard_count: 0,
            resharded_at: 0,
            earlier: [0; 4],
            earlier_global: 0,
            earlier_traces: BTreeMap::new(),
        };
        Ledger::restore(limits, state)
    }

    /// The ledger as it was stored.
    pub fn restore(limits: Limits, state: LedgerState) -> Ledger {
        Ledger { limits, state, recall_after: i64::MIN }
    }

    /// A ledger that goes on where the earlier worker's object stopped.
    pub fn from_earlier(limits: Limits, earlier: &EarlierState, now: i64) -> Ledger {
        let mut ledger = Ledger::new(limits, now);
        #[allow(clippy::cast_possible_truncation)]
        let start = earlier.window_start as i64;
        if start > now || now - start >= WINDOW_MS {
            return ledger;
        }
        ledger.state.window = start;
        ledger.state.earlier_global = whole(earlier.global);
        ledger.state.earlier = earlier.systems.map(whole);
        for (trace_id, count) in &earlier.traces {
            ledger.state.earlier_traces.insert(trace_id.clone(), whole(*count));
        }
        ledger
    }

    /// What to store.
    pub fn state(&self) -> &LedgerState {
        &self.state
    }

    /// The quotas in force.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Forgets what was spent and granted in this window. Shards learn of it with their next request.
    pub fn reset(&mut self, now: i64) {
        // A new window, so that a shard cannot go on with what it holds of the old one.
        let after = self.state.window + 1;
        self.begin(now.max(after));
    }

    /// Starts the window `now` lies in, if the current one has ended.
    pub fn turn_window(&mut self, now: i64) {
        let passed = now.saturating_sub(self.state.window);
        if passed >= WINDOW_MS {
            self.begin(self.state.window + passed / WINDOW_MS * WINDOW_MS);
        }
    }

    fn begin(&mut self, window: i64) {
        self.recall_after = i64::MIN;
        self.state.window = window;
        self.state.earlier = [0; 4];
        self.state.earlier_global = 0;
        self.state.earlier_traces.clear();
        for account in &mut self.state.shards {
            account.granted = [0; 4];
            account.overdrawn = 0;
        }
    }

    /// Tokens granted to no shard: in all, and per system.
    pub fn left(&self) -> (u64, PerSystem) {
        let mut systems = self.limits.systems;
        let mut global = self.limits.global.saturating_sub(self.state.earlier_global);
        for (left, earlier) in systems.iter_mut().zip(self.state.earlier) {
            *left = left.saturating_sub(earlier);
        }
        for account in &self.state.shards {
            for (left, granted) in systems.iter_mut().zip(account.granted) {
                *left = left.saturating_sub(granted);
                global = global.saturating_sub(granted);
            }
        }
        (global, systems)
    }

    /// The shards to ask for what they hold and do not need, before `request` is heard: none while there is enough, and
    /// none within a second of the last time. A shard answers with a request of its own, to be heard first.
    pub fn recalls(&mut self, request: &LeaseRequest, now: i64) -> Vec<u32> {
        self.turn_window(now);
        let Some(system) = request.want else { return Vec::new() };
        let (global, systems) = self.left();
        let left = systems.get(system.index()).copied().unwrap_or(0).min(global);
        if left >= request.count || now < self.recall_after || self.is_undrained(request) {
            return Vec::new();
        }
        self.recall_after = now + RECALL_AGAIN_MS;
        let others = (0..).zip(&self.state.shards).filter(|(shard, _)| *shard != request.shard);
        others.filter(|(_, account)| account.granted != [0; 4]).map(|(shard, _)| shard).collect()
    }

    fn is_undrained(&self, request: &LeaseRequest) -> bool {
        ![0, request.shards].contains(&self.state.shard_count)
    }

    /// Spreads the traces over so many shards from now on; whoever calls this has seen every buffer empty.
    pub fn reshard(&mut self, shards: u32, now: i64) {
        if self.state.shard_count != shards {
            self.state.shard_count = shards;
            self.state.resharded_at = now;
        }
    }

    /// Hears a shard: takes back what it no longer holds, grants what it wants and may have.
    ///
    /// Never grants beyond a quota, whatever the order and repetition of requests: a request older than one
    /// already heard changes nothing, and a repeated one only lowers what the shard had.
    pub fn lease(&mut self, request: &LeaseRequest, now: i64) -> LeaseReply {
        self.turn_window(now);
        let window = self.state.window;
        let undrained = self.is_undrained(request);
        if !undrained {
            self.state.shard_count = request.shards;
        }
        let shard = request.shard.min(MAX_SHARDS - 1) as usize;
        if self.state.shards.len() <= shard {
            self.state.shards.resize_with(shard + 1, Account::default);
        }
        let starts = request.turn == 0;
        let mut account = self.state.shards.get(shard).cloned().unwrap_or_default();
        if starts {
            // Whatever an instance before this one still has under way is older than this, and changes nothing.
            account.turn = account.turn.saturating_add(TURNS_OF_AN_INSTANCE);
        }
        let fresh = request.turn > account.turn;
        if fresh {
            account.turn = request.turn;
            if request.window == window {
                account.overdrawn = request.overdrawn;
                for ((granted, spent), held) in
                    account.granted.iter_mut().zip(request.spent).zip(request.held)
                {
                    *granted = spent.saturating_add(held);
                }
            }
        }
        if let Some(slot) = self.state.shards.get_mut(shard) {
            *slot = account;
        }
        if let (true, Some(system)) = (fresh && !undrained, request.want) {
            let amount = self.slice(system, request.count, request.shards);
            let account = self.state.shards.get_mut(shard);
            if let Some(granted) = account.and_then(|account| account.granted.get_mut(system.index())) {
                *granted += amount;
            }
        }
        let (left_global, left) = self.left();
        let account = self.state.shards.get(shard).cloned().unwrap_or_default();
        LeaseReply {
            v: LEASE_VERSION,
            turn: account.turn,
            window,
            granted: account.granted,
            overdrawn: account.overdrawn,
            left_global,
            left,
            undrained_from: if undrained { self.state.shard_count } else { 0 },
            resharded_at: self.state.resharded_at,
            earlier_traces: if starts { self.state.earlier_traces.clone() } else { BTreeMap::new() },
        }
    }

    /// How much to grant at once: half of an even share, so that slices shrink as the quota runs out and no
    /// shard can sit on much; at least what is wanted, if there is so much.
    fn slice(&self, system: System, wanted: u64, shards: u32) -> u64 {
        let (global, systems) = self.left();
        let left = systems.get(system.index()).copied().unwrap_or(0).min(global);
        let share = left / (2 * u64::from(shards.max(1)));
        share.max(wanted).max(1).min(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { global: 100, systems: [80, 50, 50, 10], trace: 20 };

    fn ask(turn: u64, window: i64, want: Option<System>) -> LeaseRequest {
        LeaseRequest {
            v: LEASE_VERSION,
            shard: 0,
            shards: 1,
            turn,
            window,
            spent: [0; 4],
            held: [0; 4],
            overdrawn: 0,
            want,
            count: 1,
        }
    }

    #[test]
    fn grants_never_exceed_a_quota_in_whatever_order_requests_come() {
        let mut ledger = Ledger::new(LIMITS, 1_000);
        let mut total = 0;
        for shard in 0..40 {
            for turn in 1..4 {
                let request = LeaseRequest { shard, shards: 40, ..ask(turn, 1_000, Some(System::Browser)) };
                let reply = ledger.lease(&request, 2_000);
                total = total.max(LIMITS.systems[0] - reply.left[0]);
                assert_eq!(ledger.lease(&request, 2_000), reply, "a repeated request grants nothing");
            }
        }
        assert!(total <= LIMITS.systems[0]);
        assert_eq!(ledger.left().0, LIMITS.global - total);
    }

    #[test]
    fn what_a_shard_no_longer_names_goes_back() {
        let mut ledger = Ledger::new(LIMITS, 1_000);
        let first = ledger.lease(&ask(1, 1_000, Some(System::Browser)), 1_000);
        assert_eq!(first.granted[0], 40);
        let back = LeaseRequest { spent: [3, 0, 0, 0], ..ask(2, 1_000, Some(System::Convex)) };
        let second = ledger.lease(&back, 1_000);
        assert_eq!((second.granted[0], second.left[0]), (3, 77));
        let overtaken = LeaseRequest { held: [9, 9, 9, 9], ..ask(1, 1_000, None) };
        assert_eq!(ledger.lease(&overtaken, 1_000).granted, second.granted);
    }

    #[test]
    fn windows_turn_by_whole_hours_and_a_reset_starts_one() {
        let mut ledger = Ledger::new(LIMITS, 1_000);
        ledger.lease(&ask(1, 1_000, Some(System::Browser)), 1_000);
        let reply = ledger.lease(&ask(2, 1_000, None), 1_000 + 2 * WINDOW_MS + 5);
        assert_eq!((reply.window, reply.granted), (1_000 + 2 * WINDOW_MS, [0; 4]));
        let before = ledger.state().window;
        ledger.reset(before);
        assert!(ledger.state().window > before);
    }

    #[test]
    fn what_idle_shards_hold_comes_back_when_another_is_short() {
        let mut ledger = Ledger::new(LIMITS, 1_000);
        let of = |shard, turn, want| LeaseRequest { shard, shards: 2, ..ask(turn, 1_000, want) };
        let idle = ledger.lease(&of(0, 1, Some(System::Manual)), 1_000);
        assert_eq!(idle.granted[3], 2);
        let wanting = LeaseRequest { count: 9, ..of(1, 1, Some(System::Manual)) };
        assert_eq!(ledger.recalls(&wanting, 1_000), [0]);
        ledger.lease(&of(0, 2, None), 1_000);
        assert_eq!(ledger.lease(&wanting, 1_000).granted[3], 9);
        assert!(
            ledger.recalls(&LeaseRequest { turn: 2, ..wanting.clone() }, 1_999).is_empty(),
            "once a second"
        );
        assert_eq!(ledger.recalls(&LeaseRequest { shard: 0, ..wanting }, 2_000), [1]);
    }

    #[test]
    fn another_number_of_shards_is_granted_nothing_until_the_buffers_are_drained() {
        let mut ledger = Ledger::new(LIMITS, 1_000);
        ledger.lease(&ask(1, 1_000, Some(System::Browser)), 1_000);
        let changed = LeaseRequest { shard: 3, shards: 4, ..ask(1, 1_000, Some(System::Browser)) };
        let refused = ledger.lease(&changed, 1_000);
        assert_eq!((refused.undrained_from, refused.granted), (1, [0; 4]));
        ledger.reshard(4, 2_000);
        let granted = ledger.lease(&LeaseRequest { turn: 2, ..changed }, 2_000);
        assert_eq!((granted.undrained_from, granted.resharded_at), (0, 2_000));
        assert!(granted.granted[0] > 0);
    }

    #[test]
    fn the_earlier_objects_counts_go_on() {
        let earlier = EarlierState {
            global: 30.0,
            systems: [20.0, 10.0, 0.0, 0.0],
            traces: vec![("t".into(), 7.0), ("odd".into(), f64::NAN)],
            window_start: 5_000.0,
        };
        let mut ledger = Ledger::from_earlier(LIMITS, &earlier, 6_000);
        assert_eq!((ledger.state().window, ledger.left()), (5_000, (70, [60, 40, 50, 10])));
        assert_eq!(ledger.lease(&ask(0, 0, None), 6_000).earlier_traces.get("t"), Some(&7));
        ledger.turn_window(5_000 + WINDOW_MS);
        assert_eq!(ledger.left().0, 100);
        let old = Ledger::from_earlier(LIMITS, &earlier, 5_000 + WINDOW_MS);
        assert_eq!(old.left().0, 100);
    }
}
