//! The memory of ids: which (trace, id) was made durable within the last hour.

use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};

/// How long an id is remembered at least, in ms (contract: `POST /log`, id).
pub const REMEMBER_MS: i64 = 3_600_000;

/// Ids one shard remembers at most; about 16 bytes each. Beyond it a shard is full: it refuses rather than risk a
/// double.
pub const MAX_IDS: usize = 1_000_000;

/// Ids are forgotten by generations: at most this much later than they may be, in ms.
const GENERATION_MS: i64 = 300_000;

/// A keyed hash, so that nobody outside can make two ids collide.
#[derive(Debug, Clone, Copy)]
pub struct Seed(pub u64);

impl BuildHasher for Seed {
    type Hasher = std::hash::DefaultHasher;

    fn build_hasher(&self) -> Self::Hasher {
        let mut hasher = std::hash::DefaultHasher::new();
        hasher.write_u64(self.0);
        hasher
    }
}

/// Fingerprints are hashes already.
#[derive(Debug, Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, fingerprint: u64) {
        self.0 = fingerprint;
    }
}

type Fingerprints = HashSet<u64, BuildHasherDefault<Identity>>;

/// Ids of the last hour and few minutes, in generations.
#[derive(Debug)]
pub struct Ids {
    seed: Seed,
    /// Newest first: start of the generation, Unix ms, and its ids.
    generations: Vec<(i64, Fingerprints)>,
}

impl Ids {
    /// Remembers nothing yet.
    pub fn new(seed: Seed) -> Ids {
        Ids { seed, generations: Vec::new() }
    }

    /// What an id of a trace is remembered as.
    pub fn fingerprint(&self, trace_id: &str, id: &str) -> u64 {
        let mut hasher = self.seed.build_hasher();
        hasher.write_usize(trace_id.len());
        hasher.write(trace_id.as_bytes());
        hasher.write(id.as_bytes());
        hasher.finish()
    }

    /// Forgets what need not be remembered any more: a repeat of it is a new log.
    pub fn forget(&mut self, now: i64) {
        self.generations.retain(|(start, _)| start.saturating_add(GENERATION_MS + REMEMBER_MS) > now);
    }

    /// Remembers an id stored at `at`, by its fingerprint; one that is known is remembered as it was.
    pub fn insert(&mut self, fingerprint: u64, at: i64) {
        if !self.knows(fingerprint) {
            self.insert_new(fingerprint, at);
        }
    }

    /// Remembers an id that is not known.
    pub fn insert_new(&mut self, fingerprint: u64, at: i64) {
        let fits =
            self.generations.first().is_some_and(|(start, _)| at < start.saturating_add(GENERATION_MS));
        if !fits {
            self.generations.insert(0, (at, Fingerprints::default()));
        }
        if let Some((_, ids)) = self.generations.first_mut() {
            ids.insert(fingerprint);
        }
    }

    /// Whether an id is known, by its fingerprint.
    pub fn knows(&self, fingerprint: u64) -> bool {
        self.generations.iter().any(|(_, ids)| ids.contains(&fingerprint))
    }

    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.generations.iter().map(|(_, ids)| ids.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_known_for_an_hour_in_its_own_trace() {
        let mut ids = Ids::new(Seed(7));
        let [a, b, joined, other] =
            [("t", "a"), ("t", "b"), ("ta", ""), ("u", "a")].map(|(trace, id)| ids.fingerprint(trace, id));
        for (id, at) in [(a, 0), (a, REMEMBER_MS), (joined, 0), (other, 0), (b, GENERATION_MS)] {
            assert!(!ids.knows(id) || id == a);
            ids.insert(id, at);
        }
        assert_eq!(ids.len(), 4);
        ids.forget(REMEMBER_MS + GENERATION_MS - 1);
        assert!(ids.knows(a));
        ids.forget(REMEMBER_MS + GENERATION_MS);
        assert!(!ids.knows(a) && ids.knows(b));
        assert_eq!(ids.len(), 1);
    }
}
