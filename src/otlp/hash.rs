//! What a record's id is made of.

/// Two FNV-1a hashes of 64 bits (as in [`crate::buffer::wire::shard_of`]), of which the second turns its bits between the
/// bytes. Not meant to withstand whoever wants two records to look the same: that only loses a log of their own.
#[derive(Debug, Clone, Copy)]
pub struct Hash(u64, u64);

const PRIME: u64 = 0x0100_0000_01b3;

impl Hash {
    /// Of nothing.
    pub fn new() -> Hash {
        Hash(0xcbf2_9ce4_8422_2325, 0x6c62_272e_07bb_0142)
    }

    /// Of one text more.
    pub fn and(self, text: &str) -> Hash {
        // What no UTF-8 has stands between the texts.
        text.bytes().chain([0xff]).fold(self, |Hash(one, other), byte| {
            let one = (one ^ u64::from(byte)).wrapping_mul(PRIME);
            let other = (other ^ u64::from(byte)).wrapping_mul(PRIME).rotate_left(23);
            Hash(one, other)
        })
    }

    /// The id of the record at this place of its request.
    pub fn id(self, place: usize) -> String {
        let Hash(one, other) = self.and(&place.to_string());
        format!("otlp-{one:016x}{other:016x}")
    }
}
