//! How long the object has something in hand: what the platform bills as its duration.

use crate::edge::now;
use std::cell::Cell;
use std::rc::Rc;

/// A clock that runs while somebody holds it: a request, an alarm, a timer that is set. An object is billed by the wall
/// clock while it works or has a timer to wait for, and not while it is idle and may hibernate (Cloudflare, "Durable
/// Objects: pricing", compute billing).
#[derive(Default)]
pub(super) struct Awake {
    holders: Cell<u32>,
    since: Cell<i64>,
    before: Cell<u64>,
}

impl Awake {
    /// Lets the clock run until what is returned is dropped.
    pub(super) fn hold(self: &Rc<Self>) -> Held {
        if self.holders.get() == 0 {
            self.since.set(now());
        }
        self.holders.set(self.holders.get() + 1);
        Held(self.clone())
    }

    /// How long it ran, in ms, since the object started.
    pub(super) fn ms(&self) -> u64 {
        let running = if self.holders.get() > 0 { now() - self.since.get() } else { 0 };
        self.before.get() + u64::try_from(running).unwrap_or(0)
    }
}

/// Keeps the clock running.
pub(super) struct Held(Rc<Awake>);

impl Drop for Held {
    fn drop(&mut self) {
        let ms = self.0.ms();
        self.0.holders.set(self.0.holders.get().saturating_sub(1));
        if self.0.holders.get() == 0 {
            self.0.before.set(ms);
        }
    }
}
