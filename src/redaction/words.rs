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

    /// [`get`](Self::get) of a word in letters of any case, where the list's own are small.
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

/// A short list of words, parted by spaces, looked through only for words that its [`Sketches`] do not turn away. (A text
/// is a third the size of a list of texts.)
pub struct List {
    words: &'static str,
    sketches: Sketches,
}

impl List {
    /// Of these words.
    pub const fn new(words: &'static str) -> Self {
        List { words, sketches: Sketches::of(&[words]) }
    }

    /// Whether it holds this word, letters of any case.
    #[inline]
    pub fn has(&self, word: &[u8]) -> bool {
        self.sketches.may_hold(word) && self.holds(word)
    }

    #[inline(never)]
    fn holds(&self, word: &[u8]) -> bool {
        self.sketches.may_hold_within(word) && any_word(self.words, |known| word.eq_ignore_ascii_case(known))
    }
}

/// Whether one of these words stands anywhere in a text, in letters of the same case.
#[inline(never)]
pub fn mentions(text: &[u8], words: &[&[u8]]) -> bool {
    // How they begin, one bit for each letter: nearly every byte is turned away by it.
    let firsts = words.iter().filter_map(|word| word.first()).fold(0u32, |bits, b| bits | 1 << (b & 31));
    text.iter().enumerate().any(|(at, b)| {
        firsts & (1 << (b & 31)) != 0
            && text.get(at..).is_some_and(|rest| words.iter().any(|word| rest.starts_with(word)))
    })
}

/// Whether a word is one of a list that is written where it is asked for.
macro_rules! is_one_of {
    ($word:expr, $words:expr) => {{
        static LIST: $crate::redaction::words::List = $crate::redaction::words::List::new($words);
        LIST.has($word)
    }};
}
pub(crate) use is_one_of;

/// What texts may begin with, by nothing but their first two letters: most other texts are turned away by it.
pub struct Heads(u64);

impl Heads {
    /// Of these beginnings, of two letters and more.
    pub const fn of(beginnings: &[&str]) -> Self {
        let (mut heads, mut at) = (0, 0);
        while at < beginnings.len() {
            let bytes = beginnings[at].as_bytes();
            heads |= pair_bit(bytes[0], bytes[1]);
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

/// One of 64 bits for two letters of any case.
const fn pair_bit(one: u8, two: u8) -> u64 {
    1 << ((13 * (one & 31) as u32 + (two & 31) as u32) % 64)
}

/// A short list of words that a name may end in (`smtp_password`, `userPassword`), looked through only for names whose last
/// three letters are some word's, as far as two bits tell.
pub struct Endings {
    words: &'static str,
    /// The last two letters
    tails: u64,
    /// The last letter and the third but it; every one where a word has but two
    thirds: u64,
}

impl Endings {
    /// Of these words of two letters and more, parted by spaces.
    pub const fn new(words: &'static str) -> Self {
        let bytes = words.as_bytes();
        let (mut tails, mut thirds, mut at) = (0, 0, 1);
        while at < bytes.len() {
            if bytes[at] != b' ' && (at + 1 == bytes.len() || bytes[at + 1] == b' ') {
                tails |= pair_bit(bytes[at - 1], bytes[at]);
                let short = at < 2 || bytes[at - 2] == b' ';
                thirds |= if short { u64::MAX } else { pair_bit(bytes[at - 2], bytes[at]) };
            }
            at += 1;
        }
        Endings { words, tails, thirds }
    }

    /// Whether a name, letters of any case, ends in one of them.
    #[inline]
    pub fn end(&self, name: &[u8]) -> bool {
        let may = match *name {
            [.., third, one, last] => {
                self.tails & pair_bit(one, last) != 0 && self.thirds & pair_bit(third, last) != 0
            }
            [one, last] => self.tails & pair_bit(one, last) != 0,
            _ => false,
        };
        may && ends_in_one_of(name, self.words)
    }
}

#[inline(never)]
fn ends_in_one_of(name: &[u8], list: &str) -> bool {
    let last = name.last().map(u8::to_ascii_lowercase);
    any_word(list, |word| {
        let from = name.len().checked_sub(word.len());
        word.last().map(u8::to_ascii_lowercase) == last
            && from.and_then(|from| name.get(from..)).is_some_and(|tail| tail.eq_ignore_ascii_case(word))
    })
}

/// Whether any word of a list, parted by spaces, is such a one.
#[inline(always)]
fn any_word(list: &str, is: impl Fn(&[u8]) -> bool) -> bool {
    let mut rest = list.as_bytes();
    loop {
        let end = rest.iter().position(|&b| b == b' ').unwrap_or(rest.len());
        let (word, behind) = rest.split_at_checked(end).unwrap_or_default();
        match behind {
            _ if is(word) => return true,
            [_, next @ ..] => rest = next,
            [] => return false,
        }
    }
}

/// Whether a name ends in one of a list of words that is written where it is asked for.
macro_rules! ends_as {
    ($name:expr, $words:expr) => {{
        const ENDINGS: $crate::redaction::words::Endings = $crate::redaction::words::Endings::new($words);
        ENDINGS.end($name)
    }};
}
pub(crate) use ends_as;

#[cfg(test)]
mod tests {
    #[test]
    fn a_list_has_its_words_and_a_name_ends_in_them_in_letters_of_any_case() {
        const WORDS: &str = "password pwd pw";
        for word in WORDS.split(' ') {
            assert!(is_one_of!(word.to_uppercase().as_bytes(), WORDS));
            assert!(ends_as!(word.as_bytes(), WORDS));
            assert!(ends_as!(format!("smtp{}", word.to_uppercase()).as_bytes(), WORDS));
        }
        for other in ["", "p", "pass", "passwordd", "smtp_pass", "w", "word"] {
            assert!(!is_one_of!(other.as_bytes(), WORDS) && !ends_as!(other.as_bytes(), WORDS), "{other}");
        }
    }
}
