//! How often each rule removed something.

use super::names::{NAMES, PATTERN_COUNT, Rule};
use super::seen::Seen;

/// What was removed, by rule name. Of one request or the sum of many; a request's also knows what it need not read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    counts: [u64; PATTERN_COUNT],
    total: u64,
    pub(super) harmless: Seen,
}

impl Default for Tally {
    fn default() -> Self {
        Self { counts: [0; PATTERN_COUNT], total: 0, harmless: Seen::default() }
    }
}

impl Tally {
    pub(super) fn add(&mut self, rule: Rule) {
        if let Some(count) = self.counts.get_mut(rule.index()) {
            *count = count.saturating_add(1);
            self.total = self.total.saturating_add(1);
        }
    }

    /// Takes another tally's counts in.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(other.counts) {
            *mine = mine.saturating_add(theirs);
        }
        self.total = self.total.saturating_add(other.total);
    }

    /// How many values were removed in all.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The rules that removed something, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        NAMES.iter().zip(self.counts).filter(|(_, count)| *count > 0).map(|(name, count)| (*name, count))
    }
}
