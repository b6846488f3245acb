//! Short lists of words that are written where they are asked for: whether a word is one of them, or a name ends in one.
//!
//! A list is laid out by its words' lengths when it is compiled, and takes no more room than its text: of each length one
//! byte that says it, one that says how many words have it, and these without anything between. So a look goes from length
//! to length, and compares no word of another one.

use super::words::{Sketches, pair_bit};

/// The longest word of a list.
const LONGEST: usize = 64;

/// A list that its [`Sketches`] turn most other words away from.
pub struct List {
    groups: &'static [u8],
    sketches: Sketches,
}

impl List {
    /// Of these words, parted by spaces, and what [`grouped`] made of them.
    pub const fn new(words: &str, groups: &'static [u8]) -> Self {
        List { groups, sketches: Sketches::of(&[words]) }
    }

    /// Whether it holds this word, letters of any case.
    #[inline]
    pub fn has(&self, word: &[u8]) -> bool {
        self.sketches.may_hold(word) && self.holds(word)
    }

    #[inline(never)]
    fn holds(&self, word: &[u8]) -> bool {
        self.sketches.may_hold_within(word)
            && Groups(self.groups)
                .find(|&(length, _)| length >= word.len())
                .is_some_and(|(length, group)| length == word.len() && holds_same(group, word))
    }
}

/// Words that a name may end in (`smtp_password`, `userPassword`), looked through only for names whose last three letters are
/// some word's, as far as two bits tell.
pub struct Endings {
    groups: &'static [u8],
    /// The last two letters
    tails: u64,
    /// The last letter and the third but it; every one where a word has but two
    thirds: u64,
}

impl Endings {
    /// Of these words of two letters and more, parted by spaces, and what [`grouped`] made of them.
    pub const fn new(words: &str, groups: &'static [u8]) -> Self {
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
        Endings { groups, tails, thirds }
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
        may && ends_in_one_of(name, self.groups)
    }
}

#[inline(never)]
fn ends_in_one_of(name: &[u8], groups: &'static [u8]) -> bool {
    Groups(groups)
        .map_while(|(length, group)| Some((group, name.get(name.len().checked_sub(length)?..)?)))
        .any(|(group, tail)| holds_same(group, tail))
}

/// Whether one of these words, all as long as this one, is the same, letters of any case.
#[inline]
fn holds_same(group: &[u8], word: &[u8]) -> bool {
    let first = word.first().map(|b| b | 0x20);
    group
        .chunks_exact(word.len().max(1))
        .any(|known| known.first().map(|b| b | 0x20) == first && known.eq_ignore_ascii_case(word))
}

/// The words of a list, length by length, the shortest first.
struct Groups(&'static [u8]);

impl Iterator for Groups {
    type Item = (usize, &'static [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let [length, count, rest @ ..] = self.0 else { return None };
        let (group, next) = rest.split_at_checked(usize::from(*length) * usize::from(*count))?;
        self.0 = next;
        Some((usize::from(*length), group))
    }
}

/// How many words of a list have each length.
const fn counts(words: &[u8]) -> [usize; LONGEST + 1] {
    let (mut counts, mut at, mut start) = ([0; LONGEST + 1], 0, 0);
    while at <= words.len() {
        if at == words.len() || words[at] == b' ' {
            counts[at - start] += 1;
            start = at + 1;
        }
        at += 1;
    }
    counts[0] = 0; // between two spaces
    counts
}

/// How many bytes [`grouped`] makes of a list.
pub const fn grouped_size(words: &str) -> usize {
    let (counts, mut size, mut length) = (counts(words.as_bytes()), 0, 1);
    while length <= LONGEST {
        if counts[length] > 0 {
            size += 2 + counts[length] * length;
        }
        length += 1;
    }
    size
}

/// A list's words by their lengths.
#[allow(clippy::cast_possible_truncation)] // of a length, and of how many words a short list has
pub const fn grouped<const SIZE: usize>(words: &str) -> [u8; SIZE] {
    let bytes = words.as_bytes();
    let (counts, mut groups, mut to, mut length) = (counts(bytes), [0; SIZE], 0, 1);
    while length <= LONGEST {
        if counts[length] > 0 {
            (groups[to], groups[to + 1]) = (length as u8, counts[length] as u8);
            to += 2;
            let (mut at, mut start) = (0, 0);
            while at <= bytes.len() {
                if at == bytes.len() || bytes[at] == b' ' {
                    let mut from = if at - start == length { start } else { at };
                    while from < at {
                        groups[to] = bytes[from];
                        (to, from) = (to + 1, from + 1);
                    }
                    start = at + 1;
                }
                at += 1;
            }
        }
        length += 1;
    }
    groups
}

/// What is laid out of a list of words that is written where it is asked for.
macro_rules! groups {
    ($words:expr) => {{
        const SIZE: usize = $crate::redaction::lists::grouped_size($words);
        static GROUPS: [u8; SIZE] = $crate::redaction::lists::grouped($words);
        &GROUPS
    }};
}
pub(crate) use groups;

/// A list of words that is written where it is asked for.
macro_rules! list {
    ($words:expr) => {{
        static LIST: $crate::redaction::lists::List =
            $crate::redaction::lists::List::new($words, $crate::redaction::lists::groups!($words));
        &LIST
    }};
}
pub(crate) use list;

/// Whether a word is one of a list that is written where it is asked for.
macro_rules! is_one_of {
    ($word:expr, $words:expr) => {
        $crate::redaction::lists::list!($words).has($word)
    };
}
pub(crate) use is_one_of;

/// Whether a name ends in one of a list of words that is written where it is asked for.
macro_rules! ends_as {
    ($name:expr, $words:expr) => {{
        const ENDINGS: $crate::redaction::lists::Endings =
            $crate::redaction::lists::Endings::new($words, $crate::redaction::lists::groups!($words));
        ENDINGS.end($name)
    }};
}
pub(crate) use ends_as;

#[cfg(test)]
mod tests {
    #[test]
    fn a_list_has_its_words_and_a_name_ends_in_them_in_letters_of_any_case() {
        const WORDS: &str = "password pwd  pw contraseña";
        for word in WORDS.split_ascii_whitespace() {
            assert!(is_one_of!(word.to_ascii_uppercase().as_bytes(), WORDS));
            assert!(ends_as!(word.as_bytes(), WORDS));
            assert!(ends_as!(format!("smtp{}", word.to_ascii_uppercase()).as_bytes(), WORDS));
        }
        for other in ["", "p", "pass", "passwordd", "smtp_pass", "w", "word", "d  p"] {
            assert!(!is_one_of!(other.as_bytes(), WORDS) && !ends_as!(other.as_bytes(), WORDS), "{other}");
        }
    }
}
