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

    /// Hears a shard that gives back what it holds. One that was loaded since it was granted anything does not know its turn:
    /// what it did not spend of this window, as far as its rows say, is nobody's.
    pub fn take_back(&mut self, request: &LeaseRequest, now: i64) {
        if request.turn > 0 {
            self.lease(request, now);
            return;
        }
        self.turn_window(now);
        let window = self.state.window;
        let Some(account) = self.state.shards.get_mut(request.shard as usize) else { return };
        account.turn = account.turn.saturating_add(TURNS_OF_AN_INSTANCE);
        if request.window <= window {
            let (spent, granted) = (request.spent_in(window), account.granted);
            account.overdrawn +=
                spent.iter().zip(granted).map(|(spent, granted)| spent.saturating_sub(granted)).sum::<u64>();
            account.granted = spent;
        }
    }

    /// Takes from a shard that starts what it has not spent, as far as more was granted in all than there is: a quota was
    /// lowered. `spent` is what its rows say.
    fn clip(&mut self, shard: usize, spent: PerSystem) {
        let earlier = self.state.earlier;
        let granted_of = |shards: &[Account], at: usize| -> u64 {
            shards.iter().filter_map(|account| account.granted.get(at)).sum()
        };
        for at in 0..spent.len() {
            let shards = &mut self.state.shards;
            let of = |list: &PerSystem| list.get(at).copied().unwrap_or(0);
            let of_system = (granted_of(shards, at) + of(&earlier)).saturating_sub(of(&self.limits.systems));
            let all: u64 = (0..spent.len()).map(|at| granted_of(shards, at)).sum();
            let of_all = (all + self.state.earlier_global).saturating_sub(self.limits.global);
            if let Some(granted) = shards.get_mut(shard).and_then(|account| account.granted.get_mut(at)) {
                let unspent = granted.saturating_sub(of(&spent));
                *granted -= unspent.min(of_system.max(of_all));
            }
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
        if starts {
            self.clip(shard, request.spent_in(window));
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
mod tests;
