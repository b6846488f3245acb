//! Which lists are to be written again.

use super::repair::Repair;
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

/// Lists to be written again, and the one that is.
#[derive(Debug, Default)]
pub(super) struct Mending {
    /// In the order of their turns, each once.
    queue: VecDeque<Rc<str>>,
    queued: BTreeSet<Rc<str>>,
    /// The one under way.
    pub(super) now: Option<Repair>,
    /// Lists whose repair was put off, until when, Unix ms, and how many were since one came to its end.
    pub(super) put_off: BTreeSet<Rc<str>>,
    pub(super) put_off_until: i64,
    pub(super) puts_off: u32,
    /// Lists that a repair which was given up may yet write as they were.
    pub(super) recheck: BTreeSet<Rc<str>>,
    /// Those for which it is too late for that, until they are looked at.
    pub(super) rechecking: BTreeSet<Rc<str>>,
}

impl Mending {
    /// Puts a list at the end. Whether it was not there.
    pub(super) fn add(&mut self, key: Rc<str>) -> bool {
        let new = self.queued.insert(key.clone());
        if new {
            self.queue.push_back(key);
        }
        new
    }

    /// Puts a list at the front.
    pub(super) fn add_first(&mut self, key: Rc<str>) {
        if !self.queued.insert(key.clone()) {
            self.queue.retain(|queued| *queued != key);
        }
        self.queue.push_front(key);
    }

    /// The list whose turn it is.
    pub(super) fn next(&mut self) -> Option<Rc<str>> {
        let key = self.queue.pop_front()?;
        self.queued.remove(&key);
        Some(key)
    }

    /// Whether a list waits for its turn.
    pub(super) fn has(&self, key: &str) -> bool {
        self.queued.contains(key)
    }

    /// Whether nothing waits, nor is under way.
    pub(super) fn is_done(&self) -> bool {
        self.queue.is_empty() && self.now.is_none()
    }

    /// Has those that were put off their turn again, when it is time.
    pub(super) fn take_up(&mut self, now: i64) {
        if self.put_off_until <= now {
            std::mem::take(&mut self.put_off).into_iter().for_each(|key| {
                self.add(key);
            });
        }
    }

    /// Now it is too late for the repairs that were given up. Whether their lists are to be looked at.
    pub(super) fn has_to_recheck(&mut self) -> bool {
        self.rechecking.append(&mut self.recheck);
        !self.rechecking.is_empty()
    }

    /// Has those lists looked at, which is a repair's beginning.
    pub(super) fn look_again(&mut self) {
        for key in self.rechecking.clone() {
            self.add(key);
        }
    }

    /// Forgets lists that were cleared.
    pub(super) fn forget(&mut self, covers: impl Fn(&str) -> bool) {
        self.queue.retain(|key| !covers(key));
        self.queued.retain(|key| !covers(key));
        self.put_off.retain(|key| !covers(key));
        self.now.take_if(|repair| covers(repair.key()));
    }

    /// All of them, some more than once.
    pub(super) fn lists(&self) -> impl Iterator<Item = &Rc<str>> {
        let under_way = self.now.as_ref().map(Repair::key);
        let queued = self.queue.iter().chain(under_way).chain(&self.put_off);
        queued.chain(&self.recheck).chain(&self.rechecking)
    }
}
