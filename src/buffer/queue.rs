//! The entries that wait for their flush, in order, and what they weigh.

use super::batch::Pending;
use std::collections::VecDeque;
use std::ops::Deref;

/// Entries in order.
#[derive(Debug, Default)]
pub struct Queue {
    entries: VecDeque<Pending>,
    bytes: u64,
}

impl Queue {
    /// Bytes of them, by [`Pending::weight`].
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Adds one behind the others.
    pub fn push(&mut self, entry: Pending) {
        self.bytes += entry.weight();
        self.entries.push_back(entry);
    }

    /// Takes the first.
    pub fn pop(&mut self) -> Option<Pending> {
        let entry = self.entries.pop_front()?;
        self.bytes -= entry.weight();
        Some(entry)
    }

    /// Takes all.
    pub fn take(&mut self) -> VecDeque<Pending> {
        self.bytes = 0;
        std::mem::take(&mut self.entries)
    }
}

impl FromIterator<Pending> for Queue {
    fn from_iter<I: IntoIterator<Item = Pending>>(entries: I) -> Queue {
        let entries: VecDeque<Pending> = entries.into_iter().collect();
        Queue { bytes: entries.iter().map(Pending::weight).sum(), entries }
    }
}

impl Deref for Queue {
    type Target = VecDeque<Pending>;

    fn deref(&self) -> &VecDeque<Pending> {
        &self.entries
    }
}
