//! The ring: which slot each row is in, and which may be overwritten.
//!
//! Overwriting a slot is one row written; inserting and deleting would be two.

use super::row::RETAIN_MS;
use super::settle::LATE_FLUSH_MS;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Where a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Number of its first entry.
    pub seq: u64,
    /// How many entries it has.
    pub count: u64,
    /// Its slot.
    pub slot: i64,
    /// When it was stored, Unix ms.
    pub at: i64,
    /// Its entries that are not yet in Redis.
    pub pending: u64,
    /// Until when it is needed, Unix ms, once all of it is in Redis.
    pub until: i64,
}

impl Place {
    /// A row that is stored at `at`, with `pending` of its `count` entries waiting.
    pub fn new(seq: u64, count: u64, slot: i64, at: i64, pending: u64) -> Place {
        Place { seq, count, slot, at, pending, until: at.saturating_add(RETAIN_MS) }
    }

    /// Whether it has one of the entries from `from` through `through`.
    fn meets(&self, from: u64, through: u64) -> bool {
        from <= through && self.seq <= through && from < self.seq + self.count
    }

    fn settled(&mut self, now: i64) {
        self.pending = self.pending.saturating_sub(1);
        if now.saturating_sub(self.at) > LATE_FLUSH_MS {
            // Its lists live from now on, and so long it must be possible to write them again.
            self.until = now.saturating_add(RETAIN_MS);
        }
    }
}

/// The rows of a shard, oldest first.
#[derive(Debug, Default)]
pub struct Ring {
    rows: VecDeque<Place>,
    /// Rows that are needed longer than those stored at their time, by their first entry's number.
    kept: BTreeMap<u64, Place>,
    /// Those of them that are in Redis: until when they are needed, and their first entry's number.
    leaving: BTreeSet<(i64, u64)>,
    free: Vec<i64>,
    /// First and last of the entries whose rows are kept in any case; they are numbered from 1.
    held: (u64, u64),
    /// The first entries of rows that would have left but for that.
    overdue: Vec<u64>,
    slots: i64,
}

impl Ring {
    /// Takes in a row as it was found in storage; rows come in order of their entries.
    pub fn found(&mut self, place: Place) {
        self.slots = self.slots.max(place.slot + 1);
        self.rows.push_back(place);
    }

    /// A slot that may be written, for a row stored at `now`.
    pub fn slot(&mut self, now: i64) -> i64 {
        while let Some(oldest) =
            self.rows.front().copied().filter(|row| row.at.saturating_add(RETAIN_MS) <= now)
        {
            self.rows.pop_front();
            self.keep(oldest);
        }
        while let Some((_, seq)) = self.leaving.first().copied().filter(|(until, _)| *until <= now) {
            self.leaving.pop_first();
            if self.kept.get(&seq).is_some_and(|row| self.holds(row)) {
                self.overdue.push(seq);
            } else {
                self.free.extend(self.kept.remove(&seq).map(|row| row.slot));
            }
        }
        self.free.pop().unwrap_or_else(|| {
            self.slots += 1;
            self.slots - 1
        })
    }

    fn keep(&mut self, row: Place) {
        if row.pending == 0 {
            self.leaving.insert((row.until, row.seq));
        }
        self.kept.insert(row.seq, row);
    }

    /// Keeps the row of an entry until then, Unix ms, at least.
    pub fn needed(&mut self, seq: u64, until: i64) {
        let after = self.rows.partition_point(|row| row.seq <= seq);
        if let Some(row) = after.checked_sub(1).and_then(|at| self.rows.get_mut(at)) {
            row.until = row.until.max(until);
        }
    }

    /// Whether an entry's row is needed at `now` for what it says.
    pub fn keeps(&self, seq: u64, now: i64) -> bool {
        self.of(seq).is_some_and(|row| row.pending > 0 || row.until > now)
    }

    /// Keeps the rows of the entries from `from` through `through`, and no others, however old they get.
    pub fn hold(&mut self, from: u64, through: u64) {
        self.held = (from, through);
        for seq in std::mem::take(&mut self.overdue) {
            self.leaving.extend(self.kept.get(&seq).map(|row| (row.until, seq)));
        }
    }

    fn holds(&self, row: &Place) -> bool {
        let (from, through) = self.held;
        row.meets(from, through)
    }

    /// Takes in a row that is being stored.
    pub fn stored(&mut self, place: Place) {
        self.rows.push_back(place);
    }

    /// The slots of the rows that hold one of these entries.
    pub fn slots(&self, seqs: impl Iterator<Item = u64>) -> Vec<i64> {
        let slots: BTreeSet<i64> = seqs.filter_map(|seq| self.of(seq).map(|row| row.slot)).collect();
        slots.into_iter().collect()
    }

    /// The slots of the rows that hold entries from `from` through `through`.
    pub fn slots_between(&self, from: u64, through: u64) -> Vec<i64> {
        let rows = self.kept.values().chain(&self.rows);
        rows.filter(|row| row.meets(from, through)).map(|row| row.slot).collect()
    }

    /// The first entry after this one that has a row.
    pub fn after(&self, seq: u64) -> Option<u64> {
        let next = seq.saturating_add(1);
        if self.of(next).is_some() {
            return Some(next);
        }
        let at = self.rows.partition_point(|row| row.seq <= seq);
        let kept = self.kept.range(next..).next().map(|(seq, _)| *seq);
        self.rows.get(at).map(|row| row.seq).into_iter().chain(kept).min()
    }

    /// The row of an entry.
    pub fn of(&self, seq: u64) -> Option<&Place> {
        let after = self.rows.partition_point(|row| row.seq <= seq);
        let recent = after.checked_sub(1).and_then(|at| self.rows.get(at));
        let kept = || self.kept.range(..=seq).next_back().map(|(_, row)| row);
        recent.or_else(kept).filter(|row| seq < row.seq + row.count)
    }

    /// Notes that an entry of a row that was found waits.
    pub fn waits(&mut self, seq: u64) {
        let after = self.rows.partition_point(|row| row.seq <= seq);
        if let Some(row) = after.checked_sub(1).and_then(|at| self.rows.get_mut(at)) {
            row.pending += 1;
        }
    }

    /// Notes that an entry waits no longer.
    pub fn settled(&mut self, seq: u64, now: i64) {
        let after = self.rows.partition_point(|row| row.seq <= seq);
        if let Some(row) = after.checked_sub(1).and_then(|at| self.rows.get_mut(at)) {
            row.settled(now);
            return;
        }
        let Some((_, row)) = self.kept.range_mut(..=seq).next_back() else { return };
        row.settled(now);
        if row.pending == 0 {
            self.leaving.insert((row.until, row.seq));
        }
    }

    /// The number of the oldest entry that still has a row of the last hour.
    pub fn oldest(&self) -> Option<u64> {
        self.rows.front().map(|row| row.seq)
    }

    /// Until when a row is needed, Unix ms, as far as is known; `None` while there are no rows.
    pub fn needed_until(&self) -> Option<i64> {
        self.rows.iter().chain(self.kept.values()).map(|row| row.until).max()
    }

    /// Whether no row is needed any more and none holds a waiting entry.
    pub fn all_expired(&self, now: i64) -> bool {
        self.rows
            .iter()
            .chain(self.kept.values())
            .all(|row| row.pending == 0 && row.until <= now && !self.holds(row))
    }

    /// Forgets all rows: their slots are empty.
    pub fn emptied(&mut self) {
        *self = Ring::default();
    }

    /// Rows that have a slot.
    pub fn len(&self) -> usize {
        self.rows.len() + self.kept.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(ring: &mut Ring, seq: u64, at: i64, pending: u64) -> i64 {
        let slot = ring.slot(at);
        ring.stored(Place::new(seq, 2, slot, at, pending));
        slot
    }

    #[test]
    fn slots_are_overwritten_only_when_old_and_flushed() {
        let mut ring = Ring::default();
        assert_eq!(
            (store(&mut ring, 1, 0, 0), store(&mut ring, 3, 1, 2), store(&mut ring, 5, 2, 0)),
            (0, 1, 2)
        );
        assert_eq!(store(&mut ring, 7, RETAIN_MS - 1, 0), 3);
        assert_eq!(store(&mut ring, 9, RETAIN_MS, 0), 0);
        // The second row is old too, but its entries wait: it keeps its slot, and can still be found.
        assert_eq!(store(&mut ring, 11, RETAIN_MS + 2, 0), 2);
        assert_eq!(ring.of(4).map(|row| row.slot), Some(1));
        ring.settled(3, RETAIN_MS + 2);
        ring.settled(4, RETAIN_MS + 2);
        // It came into Redis late: from then on it is needed as long as any.
        assert_eq!(store(&mut ring, 13, 2 * RETAIN_MS + 1, 0), 0);
        assert_eq!(ring.of(4).map(|row| row.slot), Some(1));
        assert_eq!(store(&mut ring, 15, 2 * RETAIN_MS + 2, 0), 2);
        assert_eq!(ring.of(4), None);
        assert_eq!(ring.of(14).map(|row| row.seq), Some(13));
        assert_eq!(ring.of(17), None);
        assert_eq!(ring.needed_until(), Some(3 * RETAIN_MS + 2));
        assert!(!ring.all_expired(3 * RETAIN_MS + 1));
        assert!(ring.all_expired(3 * RETAIN_MS + 2));
    }
}
