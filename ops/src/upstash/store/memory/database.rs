//! The keys, their values and when they end. Time is an argument here: milliseconds since 1970.

use std::{
    collections::{BTreeMap, VecDeque, btree_map},
    hash::{DefaultHasher, Hash, Hasher},
};

use bytes::Bytes;

/// What a key holds. A list is never empty: its key goes with its last element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// One string of bytes.
    Text(Bytes),
    /// Its first element is the left one (`LPUSH`).
    List(VecDeque<Bytes>),
}

impl Value {
    /// The answer to `TYPE`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Text(_) => "string",
            Value::List(_) => "list",
        }
    }
}

/// A value and the time at which it is gone.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The value.
    pub value: Value,
    /// Milliseconds since 1970; absent: it stays.
    pub expires_at: Option<u64>,
}

impl Entry {
    /// An entry that stays.
    pub fn new(value: Value) -> Entry {
        Entry { value, expires_at: None }
    }

    fn is_gone(&self, now: u64) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

/// All keys. They are kept in the order of their hash, so a `SCAN` cursor is simply the hash to go on from: what
/// stays during a whole scan is returned, whatever else comes and goes.
#[derive(Debug, Default)]
pub struct Database {
    entries: BTreeMap<(u64, Bytes), Entry>,
    changed: bool,
}

impl Database {
    /// The entry of a key, unless it has expired.
    pub fn get(&self, key: &Bytes, now: u64) -> Option<&Entry> {
        self.entries.get(&place(key)).filter(|entry| !entry.is_gone(now))
    }

    /// The same to be changed; an expired one is removed.
    pub fn get_mut(&mut self, key: &Bytes, now: u64) -> Option<&mut Entry> {
        self.changed = true;
        match self.entries.entry(place(key)) {
            btree_map::Entry::Occupied(entry) if entry.get().is_gone(now) => {
                entry.remove();
                None
            }
            btree_map::Entry::Occupied(entry) => Some(entry.into_mut()),
            btree_map::Entry::Vacant(_) => None,
        }
    }

    /// Sets a key, whatever it held.
    pub fn insert(&mut self, key: Bytes, entry: Entry) {
        self.changed = true;
        self.entries.insert(place(&key), entry);
    }

    /// Removes a key; false when there was none.
    pub fn remove(&mut self, key: &Bytes, now: u64) -> bool {
        self.changed = true;
        self.entries.remove(&place(key)).is_some_and(|entry| !entry.is_gone(now))
    }

    /// Removes every key.
    pub fn clear(&mut self) {
        self.changed = true;
        self.entries.clear();
    }

    /// Removes what has expired.
    pub fn sweep(&mut self, now: u64) {
        let before = self.entries.len();
        self.entries.retain(|_, entry| !entry.is_gone(now));
        self.changed |= self.entries.len() != before;
    }

    /// Keys and entries in the order of a scan.
    pub fn iter(&self, now: u64) -> impl Iterator<Item = (&Bytes, &Entry)> {
        self.entries
            .iter()
            .filter(move |(_, entry)| !entry.is_gone(now))
            .map(|((_, key), entry)| (key, entry))
    }

    /// One step of a scan: about `count` keys from `cursor` on, and the next cursor (0: it was the last step).
    pub fn scan(&self, cursor: u64, count: usize, now: u64) -> (u64, Vec<(&Bytes, &Entry)>) {
        let mut found = Vec::new();
        let mut last = None;
        for ((hash, key), entry) in self.entries.range((cursor, Bytes::new())..) {
            // Keys of one hash go together: the cursor cannot point between them.
            if found.len() >= count && last != Some(*hash) {
                return (*hash, found);
            }
            last = Some(*hash);
            if !entry.is_gone(now) {
                found.push((key, entry));
            }
        }
        (0, found)
    }

    /// Whether anything may have changed since the last call.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Marks it as changed.
    pub fn touch(&mut self) {
        self.changed = true;
    }
}

/// Never 0, which ends a scan; 48 bits, so that a reader that takes cursors for JavaScript numbers is right too.
fn place(key: &Bytes) -> (u64, Bytes) {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    ((hasher.finish() >> 16) | 1, key.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_returns_every_key_that_stays_while_others_come_and_go() {
        let mut database = Database::default();
        let key = |n: u32| Bytes::from(format!("k{n}"));
        let put = |database: &mut Database, n| database.insert(key(n), Entry::new(Value::Text(Bytes::new())));
        (0..500).for_each(|n| put(&mut database, n));
        let mut seen = std::collections::HashSet::new();
        let (mut cursor, mut step) = (0, 0);
        loop {
            let (next, found) = database.scan(cursor, 7, 0);
            seen.extend(found.into_iter().map(|(key, _)| key.clone()));
            step += 1;
            put(&mut database, 1000 + step);
            database.remove(&key(400 + step % 100), 0);
            cursor = next;
            if cursor == 0 {
                break;
            }
        }
        assert!((0..400).all(|n| seen.contains(&key(n))));
    }

    #[test]
    fn an_expired_key_is_gone_before_any_sweep() {
        let mut database = Database::default();
        let key = Bytes::from_static(b"k");
        database.insert(key.clone(), Entry { value: Value::Text(Bytes::new()), expires_at: Some(10) });
        assert!(database.get(&key, 9).is_some());
        assert!(database.get(&key, 10).is_none());
        assert_eq!(database.iter(10).count(), 0);
        assert!(!database.remove(&key, 10));
    }
}
