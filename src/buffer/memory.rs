//! Memory for the JSON of entries that wait: all shards of an isolate share it.

use std::cell::Cell;

/// Bytes of waiting entries' JSON that one isolate keeps in memory; what comes on top is read from storage when its turn
/// comes. An isolate has 128 MB (Cloudflare, "Workers: limits"), the platform may put every shard into one, and the bodies
/// in hand may take 72 of them (`IN_FLIGHT_MAX_BYTES`).
pub const WAITING_MEMORY_BYTES: u64 = 16 * 1024 * 1024;

thread_local! {
    /// Bytes that this isolate's shards hold together.
    static TAKEN: Cell<u64> = const { Cell::new(0) };
}

/// What one shard holds of it; given back when the shard is dropped.
#[derive(Debug, Default)]
pub struct Held(u64);

impl Held {
    /// Takes so many bytes, if there is room for them.
    pub fn take(&mut self, bytes: u64) -> bool {
        let fits = TAKEN.get().saturating_add(bytes) <= WAITING_MEMORY_BYTES;
        if fits {
            self.take_anyhow(bytes);
        }
        fits
    }

    /// Takes so many bytes, whether there is room or not: what is sent next must be in memory.
    pub fn take_anyhow(&mut self, bytes: u64) {
        self.0 += bytes;
        TAKEN.set(TAKEN.get() + bytes);
    }

    /// Gives back so many bytes.
    pub fn give_back(&mut self, bytes: u64) {
        let bytes = bytes.min(self.0);
        self.0 -= bytes;
        TAKEN.set(TAKEN.get() - bytes);
    }

    /// How many it holds.
    #[cfg(test)]
    pub fn bytes(&self) -> u64 {
        self.0
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.give_back(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_share_the_room_and_a_dropped_one_gives_its_part_back() {
        let (mut one, mut other) = (Held::default(), Held::default());
        assert!(one.take(WAITING_MEMORY_BYTES - 10) && other.take(10));
        assert!(!one.take(1) && !other.take(1));
        other.take_anyhow(5);
        one.give_back(6);
        assert!(other.take(1) && !other.take(1));
        drop(one);
        assert!(other.take(WAITING_MEMORY_BYTES - 16) && !other.take(1));
        assert_eq!(other.bytes(), WAITING_MEMORY_BYTES);
    }
}
