//! The lease: what one shard may spend of the hour's quotas, and how it judges a log by it.

use super::{LEASE_VERSION, LeaseReply, LeaseRequest, PerSystem, WINDOW_MS};
use crate::entry::System;
use serde::{Deserialize, Serialize};

/// While the global object is unreachable, a shard lets this many logs through in a window beyond what it was
/// granted, then refuses. Chosen to carry a short outage, and to be 2 % of the default quota with the one shard that is the
/// default; each shard more has as many.
pub const FAIL_OPEN_ALLOWANCE: u64 = 100;

/// A shard that learned that a quota is used up, or could not ask, asks again after this many ms.
pub const ASK_AGAIN_MS: i64 = 1_000;

/// Which quota refused a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// The quota of all logs.
    Global,
    /// The quota of the log's system.
    System,
    /// The quota of the log's trace.
    Trace,
}

/// A log over a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Which quota.
    pub scope: Scope,
    /// When the window ends, Unix ms; sooner while nobody knows what is left.
    pub until: i64,
}

/// What a shard holds of one window.
#[derive(Debug, Clone)]
pub struct Lease {
    shard: u32,
    shards: u32,
    turn: u64,
    /// Start of the window, Unix ms; `None` before the ledger was heard for the first time.
    window: Option<i64>,
    granted: PerSystem,
    spent: PerSystem,
    left_global: u64,
    left: PerSystem,
    /// As in [`LeaseReply`].
    undrained_from: u32,
    /// Logs let through while the global object was unreachable, in this window.
    overdrawn: u64,
    /// Whether that is only assumed, the most there can be: after a start, before the ledger was heard.
    overdrawn_assumed: bool,
    /// It gave back what it held before it was told what that is: of an answer under way it holds nothing.
    gave_back_untold: bool,
    /// No asking for this system's tokens before then, Unix ms.
    ask_after: [i64; 4],
    unreachable: bool,
}

impl Lease {
    /// A lease of nothing, for a shard that starts.
    pub fn new(shard: u32, shards: u32) -> Lease {
        Lease {
            shard,
            shards,
            turn: 0,
            window: None,
            granted: [0; 4],
            spent: [0; 4],
            left_global: 0,
            left: [0; 4],
            undrained_from: 0,
            overdrawn: 0,
            overdrawn_assumed: false,
            gave_back_untold: false,
            ask_after: [i64::MIN; 4],
            unreachable: false,
        }
    }

    /// Start of the window that logs are counted in now, Unix ms; 0 before the first is known.
    pub fn window(&self) -> i64 {
        self.window.unwrap_or(0)
    }

    /// Whether the ledger was ever heard, by this instance or one before it. Until then no log can be judged.
    pub fn is_ready(&self) -> bool {
        self.window.is_some()
    }

    /// End of the window, Unix ms.
    pub fn window_end(&self) -> i64 {
        self.window().saturating_add(WINDOW_MS)
    }

    /// Logs spent in the window, per system.
    pub fn spent(&self) -> PerSystem {
        self.spent
    }

    /// Logs known to have been let through in this window while the global object was unreachable.
    pub fn overdrawn(&self) -> u64 {
        if self.overdrawn_assumed { 0 } else { self.overdrawn }
    }

    /// Whether the last request to the global object failed.
    pub fn unreachable(&self) -> bool {
        self.unreachable
    }

    /// Tells a shard that starts what its rows say it spent. How much of that was overdrawn they do not say, so
    /// nothing more is until the ledger was heard.
    pub fn recall(&mut self, window: i64, spent: PerSystem) {
        self.window = Some(window);
        self.spent = spent;
        self.granted = spent;
        self.overdrawn = FAIL_OPEN_ALLOWANCE;
        self.overdrawn_assumed = true;
    }

    fn held(&self) -> PerSystem {
        let mut held = self.granted;
        for (held, spent) in held.iter_mut().zip(self.spent) {
            *held = held.saturating_sub(spent);
        }
        held
    }

    fn held_of(&self, system: System) -> u64 {
        self.held().get(system.index()).copied().unwrap_or(0)
    }

    /// Whether what is held is enough for so many logs per system: nothing is to be asked before them.
    pub fn holds(&self, wanted: PerSystem, now: i64) -> bool {
        self.turn > 0
            && !self.turned(now)
            && wanted.iter().zip(self.held()).all(|(&wanted, held)| wanted <= held)
    }

    /// Whether the window that what is held is for is over.
    fn turned(&self, now: i64) -> bool {
        now >= self.window_end() || self.undrained_from > 0
    }

    /// What to ask the global object before `wanted` logs per system can be judged; `None` when what is held
    /// is enough, or asking is not due yet.
    pub fn request(&mut self, wanted: PerSystem, now: i64) -> Option<LeaseRequest> {
        let base = self.standing();
        // A time further ahead than any wait was set by a clock that went back since.
        let due = |lease: &Lease, system: System| {
            lease.ask_after.get(system.index()).is_none_or(|&at| now >= at || at > now + ASK_AGAIN_MS)
        };
        if self.turn == 0 {
            let any =
                System::ALL.into_iter().find(|system| wanted.get(system.index()).is_some_and(|&n| n > 0))?;
            return due(self, any).then_some(base);
        }
        let turned = self.turned(now);
        let held = self.held();
        let short = System::ALL.into_iter().find(|system| {
            let at = system.index();
            let (wanted, held) = (wanted.get(at).copied().unwrap_or(0), held.get(at).copied().unwrap_or(0));
            wanted > 0 && (turned || wanted > held) && due(self, *system)
        })?;
        let at = short.index();
        let count = wanted.get(at).copied().unwrap_or(0).saturating_sub(held.get(at).copied().unwrap_or(0));
        self.turn += 1;
        // While the global quota has tokens left, all that is held is kept. After that, what is not wanted now
        // goes back, so that no system is refused while another's tokens lie idle here.
        let mut kept = held;
        if self.left_global < count {
            for ((at_kept, kept), wanted) in kept.iter_mut().enumerate().zip(wanted) {
                *kept = if at_kept == at { *kept } else { wanted.min(*kept) };
            }
        }
        for (granted, (spent, kept)) in self.granted.iter_mut().zip(self.spent.into_iter().zip(kept)) {
            *granted = spent + kept;
        }
        Some(LeaseRequest { turn: self.turn, held: kept, want: Some(short), count: count.max(1), ..base })
    }

    /// Takes the global object's answer.
    pub fn granted(&mut self, request: &LeaseRequest, reply: &LeaseReply, now: i64) {
        if self.is_of_window_before(reply.window, now) {
            // By the ledger's clock that one goes on. What was spent of it was forgotten when it ended by this shard's, so nothing
            // of it can be spent: until the ledger's turns as well, the ledger is as good as unreachable.
            self.turn = self.turn.max(reply.turn);
            self.failed(now);
            return;
        }
        self.unreachable = false;
        if request.turn == 0 {
            self.turn = reply.turn.max(1);
        } else if reply.turn != request.turn || self.turn != request.turn {
            // The ledger heard a later request of this shard, or is about to: of an instance before this one, or what
            // it gave back meanwhile. Go on from there.
            self.turn = self.turn.max(reply.turn);
            return;
        }
        if self.window != Some(reply.window) {
            self.spent = [0; 4];
            self.overdrawn = 0;
            self.overdrawn_assumed = false;
            self.ask_after = [i64::MIN; 4];
        }
        self.window = Some(reply.window);
        self.granted = reply.granted;
        if request.turn == 0 {
            // Beyond what it said itself, whatever it spent without a grant.
            let ungranted =
                self.spent.iter().zip(reply.granted).map(|(spent, granted)| spent.saturating_sub(granted));
            self.overdrawn = reply.overdrawn + ungranted.sum::<u64>();
            self.overdrawn_assumed = false;
            if std::mem::take(&mut self.gave_back_untold) {
                for (granted, spent) in self.granted.iter_mut().zip(self.spent) {
                    *granted = spent.min(*granted);
                }
            }
        }
        self.undrained_from = reply.undrained_from;
        if self.undrained_from > 0 {
            self.ask_after = [now + ASK_AGAIN_MS; 4];
        }
        self.left_global = reply.left_global;
        self.left = reply.left;
        // Asked again at once it would answer the same: it has no more to give, or by its clock the window that is
        // over by this shard's goes on. The lease's window counts.
        if let Some(system) = request.want {
            let had = request.held.get(system.index()).copied().unwrap_or(0);
            let short = self.held_of(system) < had.saturating_add(request.count);
            if (short || now >= self.window_end())
                && let Some(after) = self.ask_after.get_mut(system.index())
            {
                *after = now + ASK_AGAIN_MS;
            }
        }
    }

    /// Whether it is the one before the window that logs are counted in: this shard's clock turned that while the ledger did
    /// not answer, and is ahead of the ledger's.
    fn is_of_window_before(&self, window: i64, now: i64) -> bool {
        let ahead = self.window().saturating_sub(window);
        self.unreachable && self.turn > 0 && ahead > 0 && ahead % WINDOW_MS == 0 && now >= self.window()
    }

    /// Gives back all it holds, and asks again with the next log: what to tell the global object
    /// ([`Ledger::take_back`](super::Ledger::take_back)). A shard that was just loaded has no turn yet; what the instance
    /// before it held goes back all the same, and what it spent is what its rows say.
    pub fn give_back(&mut self) -> LeaseRequest {
        self.ask_after = [i64::MIN; 4];
        match self.turn {
            0 => self.gave_back_untold = true,
            _ => self.turn += 1,
        }
        self.granted = self.spent;
        self.standing()
    }

    /// How it stands, holding and wanting nothing.
    fn standing(&self) -> LeaseRequest {
        LeaseRequest {
            v: LEASE_VERSION,
            shard: self.shard,
            shards: self.shards,
            turn: self.turn,
            window: self.window(),
            spent: self.spent,
            held: [0; 4],
            overdrawn: self.overdrawn,
            want: None,
            count: 0,
        }
    }

    /// Not 0: the number of shards was changed from this, and the buffers were not drained since.
    pub fn undrained_from(&self) -> u32 {
        self.undrained_from
    }

    /// Notes that the global object could not be asked. The window turns by this shard's clock meanwhile.
    pub fn failed(&mut self, now: i64) {
        self.unreachable = true;
        self.ask_after = [now + ASK_AGAIN_MS; 4];
        match self.window {
            Some(start) if now.saturating_sub(start) >= WINDOW_MS => {
                self.window = Some(start + (now - start) / WINDOW_MS * WINDOW_MS);
                self.spent = [0; 4];
                self.granted = [0; 4];
                self.overdrawn = 0;
                self.overdrawn_assumed = false;
                self.left = [0; 4];
                self.left_global = 0;
            }
            // Before the first window is known nothing can be counted, and nothing is let through.
            None | Some(_) => {}
        }
    }

    /// Whether one more log of `system` may be stored.
    ///
    /// # Errors
    /// [`Refusal`] when the quota of the system or of all logs is used up.
    pub fn check(&self, system: System) -> Result<(), Refusal> {
        let fails_open = self.unreachable && self.window.is_some() && self.overdrawn < FAIL_OPEN_ALLOWANCE;
        if self.held_of(system) > 0 || fails_open {
            return Ok(());
        }
        let system_left = self.left.get(system.index()).copied().unwrap_or(0);
        let global_left = self.left_global + self.unspent();
        // When both are used up, the contract names the global quota.
        let scope = if global_left == 0 || system_left > 0 { Scope::Global } else { Scope::System };
        // Whether anything is left is not known while the global object is unreachable: it may be back with the next asking.
        let again = self.ask_after.get(system.index()).copied().filter(|_| self.unreachable);
        Err(Refusal { scope, until: again.unwrap_or(self.window_end()) })
    }

    /// Spends one token of `system`; whoever calls this has asked [`Lease::check`] first.
    pub fn spend(&mut self, system: System) {
        if self.held_of(system) == 0 {
            self.overdrawn += 1;
        }
        if let Some(spent) = self.spent.get_mut(system.index()) {
            *spent += 1;
        }
    }

    fn unspent(&self) -> u64 {
        self.held().iter().sum()
    }

    /// How many more logs of `system` this window takes, as far as this shard knows.
    pub fn remaining(&self, system: System) -> u64 {
        let left = self.left.get(system.index()).copied().unwrap_or(0);
        let of_system = left + self.held_of(system);
        of_system.min(self.left_global + self.unspent())
    }
}

#[cfg(test)]
mod tests;
