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

/// Of a word's length and its four first and four last letters, of any case: a look takes no longer where the word is longer.
#[inline]
#[allow(clippy::cast_possible_truncation)] // of a length
pub fn hash(word: &[u8]) -> usize {
    let four = |four: Option<&[u8; 4]>| four.map_or(0, |four| u32::from_le_bytes(*four));
    let (head, tail) = match *word {
        [] => (0, 0),
        [one] => (u32::from(one), 0),
        [one, two] => (u32::from(one), u32::from(two)),
        [one, two, three] => (u32::from(one) | u32::from(two) << 8, u32::from(three)),
        _ => (four(word.first_chunk()), four(word.last_chunk())),
    };
    let (head, tail) = (head | 0x2020_2020, tail | 0x2020_2020);
    let h = (head ^ word.len() as u32).wrapping_mul(0x9e37_79b1) ^ tail.wrapping_mul(0x85eb_ca6b);
    let h = (h ^ (h >> 15)).wrapping_mul(0x2c1b_3c6d);
    (h ^ (h >> 16)) as usize
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

    /// What the first word stands for that is the same as this one.
    #[inline(always)]
    fn find(&self, word: &[u8], same: impl Fn(&[u8], &[u8]) -> bool) -> Option<u32> {
        let slots = self.slots.get_or_init(|| self.index());
        let mut at = hash(word);
        loop {
            let (known, role) = slots.get(at % N)?;
            if known.is_empty() {
                return None;
            }
            if known.len() == word.len() && same(known, word) {
                return Some(*role);
            }
            at += 1;
        }
    }

    /// What a word (in lower case) stands for.
    #[inline(never)]
    pub fn get(&self, word: &[u8]) -> Option<u32> {
        self.find(word, |known, word| known == word)
    }

    /// [`get`](Self::get) of a word in letters of any case, as the list's own may be.
    #[inline(never)]
    pub fn any_case(&self, word: &[u8]) -> Option<u32> {
        self.find(word, <[u8]>::eq_ignore_ascii_case)
    }
}

/// What is left of lists of words when nothing but their first and last letters and their lengths is kept, one bit for each
/// word, and again of the letters next to those: enough to turn most other words away.
pub struct Sketches {
    ends: u64,
    inner: u64,
}

impl Sketches {
    /// Of these lists, the words of each parted by spaces.
    pub const fn of(lists: &[&str]) -> Self {
        let (mut sketches, mut list) = (Self { ends: 0, inner: 0 }, 0);
        while list < lists.len() {
            let bytes = lists[list].as_bytes();
            let (mut start, mut at) = (0, 0);
            while at <= bytes.len() {
                if at == bytes.len() || bytes[at] == b' ' {
                    if at > start {
                        sketches.ends |= Self::bit(bytes[start], bytes[at - 1], at - start);
                    }
                    if at == start + 1 {
                        sketches.inner |= Self::bit(bytes[start], 0, 1);
                    } else if at > start + 1 {
                        sketches.inner |= Self::bit(bytes[start + 1], bytes[at - 2], 0);
                    }
                    start = at + 1;
                }
                at += 1;
            }
            list += 1;
        }
        sketches
    }

    #[allow(clippy::cast_possible_truncation)] // of a length modulo 64
    const fn bit(first: u8, last: u8, length: usize) -> u64 {
        let (first, last) = ((first & 31) as u32, (last & 31) as u32);
        1 << ((first + 5 * last + 23 * (length % 64) as u32) % 64)
    }

    /// Whether the lists may hold this word, letters of any case, as far as its ends tell. They do not when the answer is
    /// no.
    #[inline]
    pub fn may_hold(&self, word: &[u8]) -> bool {
        let (Some(&first), Some(&last)) = (word.first(), word.last()) else { return false };
        self.ends & Self::bit(first, last, word.len()) != 0
    }

    /// The same as far as the letters next to its ends tell, or a letter that stands alone.
    #[inline]
    pub fn may_hold_within(&self, word: &[u8]) -> bool {
        match *word {
            [one] => self.inner & Self::bit(one, 0, 1) != 0,
            [.., one, _] => word.get(1).is_some_and(|&second| self.inner & Self::bit(second, one, 0) != 0),
            _ => true,
        }
    }
}

/// Whether one of these words stands anywhere in a text, in letters of the same case.
#[inline(never)]
pub fn mentions(text: &[u8], words: &[&[u8]]) -> bool {
    // How they begin, one bit for each two letters: nearly every byte is turned away by it.
    let heads = words.iter().fold(0, |bits, word| match **word {
        [one, two, ..] => bits | pair_bit(one, two),
        _ => u64::MAX,
    });
    let begins = |at: usize, one: u8| {
        let two = text.get(at + 1).copied().unwrap_or(0);
        heads & pair_bit(one, two) != 0
    };
    text.iter().enumerate().any(|(at, &one)| {
        begins(at, one)
            && text.get(at..).is_some_and(|rest| {
                words.iter().any(|word| word.first() == Some(&one) && rest.starts_with(word))
            })
    })
}

/// What texts may begin with, by nothing but their first two letters: most other texts are turned away by it.
pub struct Heads(u64);

impl Heads {
    /// Of these beginnings; one of a single letter turns none away.
    pub const fn of(beginnings: &[&str]) -> Self {
        let (mut heads, mut at) = (0, 0);
        while at < beginnings.len() {
            let bytes = beginnings[at].as_bytes();
            heads |= if bytes.len() > 1 { pair_bit(bytes[0], bytes[1]) } else { u64::MAX };
            at += 1;
        }
        Heads(heads)
    }

    /// Whether a text, letters of any case, may begin so. When the answer is no, it does not.
    #[inline]
    pub fn may_begin(&self, text: &[u8]) -> bool {
        matches!(*text, [one, two, ..] if self.0 & pair_bit(one, two) != 0)
    }
}

/// Texts, and by their first two letters what may begin with one of them.
pub struct Beginnings {
    heads: Heads,
    /// The texts.
    pub texts: &'static [&'static str],
}

impl Beginnings {
    /// Of these texts.
    pub const fn of(texts: &'static [&'static str]) -> Self {
        Beginnings { heads: Heads::of(texts), texts }
    }

    /// Whether one of them may begin with these two letters of any case.
    #[inline]
    pub fn may_begin(&self, one: u8, two: u8) -> bool {
        self.heads.0 & pair_bit(one, two) != 0
    }
}

/// One of 64 bits for two letters of any case.
pub const fn pair_bit(one: u8, two: u8) -> u64 {
    1 << ((13 * (one & 31) as u32 + (two & 31) as u32) % 64)
}
