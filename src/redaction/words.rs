//! Lists of words, looked up in one step: a hash table laid out at compile time. (A `match` over as many strings
//! compiles to tens of kilobytes of comparisons.)

/// Words and what each stands for; the words of a row are parted by spaces, and no word stands twice.
pub type Rows = [(u32, &'static str)];

/// Where a word stands: its row, and where in the row; length 0 for an empty slot.
#[derive(Clone, Copy)]
struct Slot {
    start: u16,
    row: u8,
    len: u8,
}

/// A list of words with an index of `N` slots, a power of two.
pub struct Words<const N: usize> {
    rows: &'static Rows,
    slots: [Slot; N],
}

const fn hash(bytes: &[u8], start: usize, len: usize) -> usize {
    let (mut h, mut i) = (len as u32, 0);
    while i < len {
        h = h.wrapping_mul(0x0100_0193) ^ bytes[start + i] as u32;
        i += 1;
    }
    (h ^ (h >> 15)) as usize
}

impl<const N: usize> Words<N> {
    /// Lays the index out.
    pub const fn new(rows: &'static Rows) -> Self {
        let mut slots = [Slot { start: 0, row: 0, len: 0 }; N];
        let mut row = 0;
        while row < rows.len() {
            let text = rows[row].1.as_bytes();
            let (mut start, mut end) = (0, 0);
            while end <= text.len() {
                if end == text.len() || text[end] == b' ' {
                    if end > start {
                        let mut at = hash(text, start, end - start) % N;
                        while slots[at].len != 0 {
                            at = (at + 1) % N;
                        }
                        slots[at] = Slot { start: start as u16, row: row as u8, len: (end - start) as u8 };
                    }
                    start = end + 1;
                }
                end += 1;
            }
            row += 1;
        }
        Self { rows, slots }
    }

    /// What a word (in lower case) stands for.
    #[inline(never)]
    pub fn get(&self, word: &[u8]) -> Option<u32> {
        let mut at = hash(word, 0, word.len());
        loop {
            let slot = self.slots.get(at % N)?;
            if slot.len == 0 {
                return None;
            }
            let (role, text) = self.rows.get(slot.row as usize)?;
            let start = slot.start as usize;
            if text.as_bytes().get(start..start + slot.len as usize) == Some(word) {
                return Some(*role);
            }
            at += 1;
        }
    }
}

/// Whether a word is one of a short list, letters of any case.
#[inline(never)]
pub fn one_of(word: &[u8], list: &[&str]) -> bool {
    list.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
}
