//! Quotas: so many logs an hour in all, per system and per trace.
//!
//! One object ("global") keeps the [`Ledger`] of an hour: which shard may spend how much of which system's
//! quota. A shard spends its [`Lease`] without asking anyone. A token of a system is a token of the global quota
//! too, taken from both when it is granted, so that no interleaving of shards can exceed either. Per-trace counts
//! need no lease: a trace belongs to one shard.

mod lease;
mod ledger;
#[cfg(test)]
mod tests;

pub use lease::{FAIL_OPEN_ALLOWANCE, Lease, Refusal, Scope};
pub use ledger::{EarlierState, LAYOUT as LEDGER_LAYOUT, Ledger, LedgerState, MAX_SHARDS};

use crate::entry::System;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Length of a quota window in ms: one hour, fixed (contract: Quotas).
pub const WINDOW_MS: i64 = 3_600_000;

/// One number per system, in the order of [`System::ALL`].
pub type PerSystem = [u64; 4];

/// Logs an hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// In all.
    pub global: u64,
    /// Per system, in the order of [`System::ALL`].
    pub systems: PerSystem,
    /// Per trace.
    pub trace: u64,
}

/// What a shard tells the ledger: how it stands, and what it wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseRequest {
    /// Version of this vocabulary.
    pub v: u8,
    /// Which shard asks, from 0.
    pub shard: u32,
    /// How many shards there are.
    pub shards: u32,
    /// Grows by one with each request of a shard, so that a request overtaken by a later one is seen to be old.
    /// 0 from a shard that does not know, after a start: it is told how it stands, or was asked to give back what it held
    /// before.
    pub turn: u64,
    /// The window the numbers below belong to (its start, Unix ms); 0 before the first is known.
    pub window: i64,
    /// Tokens spent in that window.
    pub spent: PerSystem,
    /// Tokens held beyond those spent, and kept; what was held and is not named here goes back.
    pub held: PerSystem,
    /// Logs of that window that were let through while the ledger could not be asked.
    #[serde(default)]
    pub overdrawn: u64,
    /// The system tokens are wanted for.
    pub want: Option<System>,
    /// How many are wanted at least, if there are so many.
    pub count: u64,
}

impl LeaseRequest {
    /// Tokens spent in this window, as far as its numbers tell: none, where they are of another one.
    fn spent_in(&self, window: i64) -> PerSystem {
        if self.window == window { self.spent } else { [0; 4] }
    }
}

/// What the ledger answers: how the shard stands from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseReply {
    /// Version of this vocabulary.
    pub v: u8,
    /// The request's turn, or to a shard that did not know the turn it last had.
    pub turn: u64,
    /// Start of the window these numbers belong to, Unix ms.
    pub window: i64,
    /// Tokens granted to this shard in this window, spent ones included.
    pub granted: PerSystem,
    /// What this shard last said it had overdrawn in this window.
    #[serde(default)]
    pub overdrawn: u64,
    /// Tokens the ledger still has, in all and per system.
    pub left_global: u64,
    /// As `left_global`, per system.
    pub left: PerSystem,
    /// Not 0: the traces were spread over so many shards when last logs were taken, and what those shards hold has not
    /// been drained since; nothing is granted until it is.
    #[serde(default)]
    pub undrained_from: u32,
    /// When the number of shards last changed, Unix ms; 0: never.
    #[serde(default)]
    pub resharded_at: i64,
    /// Logs per trace that an earlier worker had counted in this window, for a shard that starts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub earlier_traces: BTreeMap<String, u64>,
}

/// Version of the lease vocabulary.
pub const LEASE_VERSION: u8 = 1;
