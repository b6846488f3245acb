//! Lists of words, looked up in one step: a hash table laid out at the first look. (A `match` over as many strings
//! compiles to tens of kilobytes of comparisons, and a table laid out at compile time is kilobytes of the bundle.)

use std::sync::OnceLock;

/// Words and what each stands for; the words of a row are parted by spaces, and no word stands twice.
pub type Rows = [(u32, &'static str)];

/// A word and what it stands for; an empty word for an empty slot.
type Slot = (&'static [u8], u32);

/// A list of words with an index of `N` slots, a power of two.
pub struct Words<const N: usize> {
    rows: &'static Rows,
    slots: OnceLock<Vec<Slot>>,
}

fn hash(word: &[u8]) -> usize {
    let h = word.iter().fold(word.len() as u32, |h, &b| h.wrapping_mul(0x0100_0193) ^ u32::from(b));
    (h ^ (h >> 15)) as usize
}

impl<const N: usize> Words<N> {
    /// Of these rows; more than half of the slots should stay empty.
    pub const fn new(rows: &'static Rows) -> Self {
        Self { rows, slots: OnceLock::new() }
    }

    /// Lays the index out.
    fn index(&self) -> Vec<Slot> {
        let mut slots: Vec<Slot> = vec![(b"", 0); N];
        for (role, words) in self.rows {
            for word in words.split_ascii_whitespace() {
                let start = hash(word.as_bytes());
                let free = (start..start + N)
                    .map(|at| at % N)
                    .find(|&at| slots.get(at).is_some_and(|s| s.0.is_empty()));
                if let Some(slot) = free.and_then(|at| slots.get_mut(at)) {
                    *slot = (word.as_bytes(), *role);
                }
            }
        }
        slots
    }

    /// What a word (in lower case) stands for.
    #[inline(never)]
    pub fn get(&self, word: &[u8]) -> Option<u32> {
        let slots = self.slots.get_or_init(|| self.index());
        let mut at = hash(word);
        loop {
            let (known, role) = slots.get(at % N)?;
            if known.is_empty() {
                return None;
            }
            if *known == word {
                return Some(*role);
            }
            at += 1;
        }
    }
}

impl<const N: usize> Words<N> {
    /// [`get`](Self::get) of a word in letters of any case.
    pub fn any_case(&self, word: &[u8]) -> Option<u32> {
        let mut lower = [0u8; 16];
        let lower = lower.get_mut(..word.len())?;
        lower.copy_from_slice(word);
        lower.make_ascii_lowercase();
        self.get(lower)
    }
}

/// Whether a word is one of a short list, its words parted by spaces, letters of any case. (A text is a third the size
/// of a list of texts.)
#[inline(never)]
pub fn one_of(word: &[u8], list: &str) -> bool {
    list.as_bytes().split(|&b| b == b' ').any(|known| word.eq_ignore_ascii_case(known))
}
