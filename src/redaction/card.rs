//! Payment card numbers (ISO/IEC 7812): issuer range, length, check digit; groups parted by one kind of mark.

use super::charset;
use super::lists::is_one_of;
use super::names::Rule;
use super::scan::Scanner;
use super::words::mentions;

/// Most groups a number is read in.
const MOST_GROUPS: usize = 5;

/// How far before a number whose groups are parted by dots it is called a card's.
const NAMED_WITHIN: usize = 24;

/// How a space that breaks no line begins in UTF-8, and a thin one.
const NO_BREAK: u8 = 0xc2;
const THIN: u8 = 0xe2;

/// Groups of digits that stand in a row.
#[derive(Default)]
struct Groups {
    digits: [u8; 19],
    /// Where each group ends, and how many digits stand up to there.
    ends: [(usize, usize); MOST_GROUPS],
    /// How many groups there are, all within the digits.
    count: usize,
    /// What parts them, 0 for nothing.
    mark: u8,
    /// More digits follow.
    more: bool,
}

impl Groups {
    /// How many digits the group has.
    fn length(&self, group: usize) -> usize {
        let until = |group: usize| self.ends.get(group).map_or(0, |end| end.1);
        until(group).saturating_sub(group.checked_sub(1).map_or(0, until))
    }

    /// Whether the first so many groups are laid out as a card's, and are one's number.
    fn is_card(&self, count: usize) -> bool {
        let first = [0, 1, 2, 3].map(|group| self.length(group));
        let last = self.length(count.saturating_sub(1));
        let grouped = match (count, first) {
            (1, _) => true,
            (3, [4, 6, ..]) => matches!(last, 4 | 5),
            (4, [4, 4, 4, _]) => (1..=4).contains(&last),
            (5, [4, 4, 4, 4]) => last <= 3,
            _ => false,
        };
        let until = self.ends.get(count.saturating_sub(1)).map_or(0, |end| end.1);
        let digits = self.digits.get(..until).unwrap_or_default();
        grouped && issued(digits) && luhn(digits)
    }
}

impl Scanner<'_> {
    /// Whether the name before the number is an id's.
    pub fn names_id(&self, start: usize) -> bool {
        let (from, to) = self.words[0];
        to > from && start - to <= 4 && super::keys::is_id(self.slice(from, to))
    }

    /// A number that stands alone, or behind the word for one: `CARD#4539…`.
    #[inline(never)]
    pub fn card(&mut self, start: usize) -> Option<usize> {
        let marked = match self.before(start) {
            b'#' => {
                let (from, to) = self.words[0];
                !(to + 1 == start && is_one_of!(self.slice(from, to), CARD_WORDS))
            }
            before => matches!(before, b'.' | b'-' | b'_' | b'/' | b'+'),
        };
        if marked { None } else { self.card_at(start) }
    }

    /// A number glued to the word for one: `cc4539…`.
    pub fn named_card(&mut self, start: usize, end: usize) -> Option<(usize, usize)> {
        let word = self.slice(start, end).iter().take(5).take_while(|b| b.is_ascii_alphabetic()).count();
        let named = is_one_of!(self.slice(start, start + word), CARD_WORDS);
        if !named || !self.byte(start + word).is_ascii_digit() {
            return None;
        }
        self.card_at(start + word).map(|end| (start + word, end))
    }

    /// `PAN/CVC: 4539 4040 9145 2157 / 671`: takes the number that stands in front of a check value.
    pub fn card_before(&mut self, start: usize) -> bool {
        if !self.byte(start).is_ascii_digit() {
            return false;
        }
        let Some(end) = self.card_at(start) else { return false };
        self.take(start, end, end, Rule::CARD);
        self.line.card_to = end;
        true
    }

    /// Where the number that starts here ends.
    pub fn card_at(&mut self, start: usize) -> Option<usize> {
        // No number of a card begins with fewer digits in a row: nearly every number is turned away here.
        if !(start..start + 4).all(|at| self.byte(at).is_ascii_digit()) {
            return None;
        }
        let (groups, at) = self.groups(start);
        // `6011.0009.9013.9424` may be a version, or a place on a map
        let named = || {
            mentions(
                self.slice(start.saturating_sub(NAMED_WITHIN), start),
                &[b"ard", b"CARD", b"PAN", b"pan "],
            )
        };
        if groups.mark == b'.' && !named() {
            return None;
        }
        self.looked(start, at);
        let next = self.byte(at);
        let goes_on = groups.more
            || charset::is_alnum(next)
            || matches!(next, b'_' | b'-')
            || (next == b'.' && self.byte(at + 1).is_ascii_digit());
        if !goes_on && groups.is_card(groups.count) {
            // A magnetic stripe's track: `;{number}={expiry and check values}?`
            let track = next == b'=' && self.before(start) == b';';
            return Some(if track { charset::HEX.run_within(self.text, at + 1, 32) } else { at });
        }
        // What follows is no part of it: `4539 4040 9145 2157 09/27`
        let whole = if groups.more { groups.count + 1 } else { groups.count };
        (1..whole.min(MOST_GROUPS))
            .rev()
            .find(|&count| self.stands_apart(&groups, count, start))
            .and_then(|count| groups.ends.get(count - 1).map(|end| end.0))
    }

    /// Whether the first groups are a number and the others something else. A row of numbers has no end there.
    fn stands_apart(&mut self, groups: &Groups, count: usize, start: usize) -> bool {
        let Some(&(end, _)) = groups.ends.get(count - 1) else { return false };
        self.looked(end, end + 6);
        let next = charset::DIGITS.run_within(self.text, end + 1, 5) - end - 1;
        let row = match count {
            1 => groups.mark != b' ',
            _ => next > 3 || self.before(start) == b' ' && self.before(start - 1).is_ascii_digit(),
        };
        let expiry = next == 2 && self.byte(end + 3) == b'/' && self.byte(end + 4).is_ascii_digit();
        (!row || count > 1 && expiry) && groups.is_card(count)
    }

    /// What may part two groups, and how many bytes that is: documents have a space that breaks no line, or a thin one.
    fn group_mark(&self, at: usize) -> (u8, usize) {
        match (self.byte(at), self.byte(at + 1), self.byte(at + 2)) {
            (NO_BREAK, 0xa0, _) => (NO_BREAK, 2),   // U+00A0
            (THIN, 0x80, 0x89 | 0xaf) => (THIN, 3), // U+2009, U+202F
            (mark, ..) if mark < 0x80 => (mark, 1),
            _ => (0, 1),
        }
    }

    /// The digits from here on, and where they end.
    fn groups(&self, start: usize) -> (Groups, usize) {
        let (mut groups, mut at, mut digits) = (Groups::default(), start, 0usize);
        while groups.count < MOST_GROUPS {
            let from = at;
            while self.byte(at).is_ascii_digit() {
                let Some(slot) = groups.digits.get_mut(digits) else {
                    groups.more = true;
                    return (groups, at);
                };
                *slot = self.byte(at) - b'0';
                (digits, at) = (digits + 1, at + 1);
            }
            if let Some(slot) = groups.ends.get_mut(groups.count) {
                *slot = (at, digits);
            }
            groups.count += 1;
            let (mark, width) = self.group_mark(at);
            // `number=4539+4040+9145+2157`: a form's spaces
            let spaced = mark == b'+' && self.before(start) == b'=';
            let goes_on = (matches!(mark, b' ' | b'-' | b'.' | NO_BREAK | THIN) || spaced)
                && (groups.mark == 0 || groups.mark == mark)
                && at - from >= 4
                && groups.count < MOST_GROUPS
                && self.byte(at + width).is_ascii_digit();
            if !goes_on {
                break;
            }
            (groups.mark, at) = (mark, at + width);
        }
        (groups, at)
    }
}

/// What a card's number is called where it stands right behind.
const CARD_WORDS: &str = "card cc pan";

/// Whether the number is in an issuer's range and of that issuer's length.
fn issued(digits: &[u8]) -> bool {
    let head = |n: usize| digits.iter().take(n).fold(0u32, |sum, &d| sum * 10 + u32::from(d));
    match digits.len() {
        14 => matches!(head(3), 300..=305 | 309) || matches!(head(2), 36 | 38 | 39),
        15 => matches!(head(2), 34 | 37),
        16 => {
            head(1) == 4
                || (51..=55).contains(&head(2))
                || (2221..=2720).contains(&head(4))
                || head(4) == 6011
                || (644..=659).contains(&head(3))
                || (3528..=3589).contains(&head(4))
                || matches!(head(2), 62 | 60 | 81)
                || (2200..=2204).contains(&head(4))
                || maestro(head(4))
        }
        17..=19 => head(2) == 62 || maestro(head(4)),
        _ => false,
    }
}

/// Maestro's ranges.
fn maestro(head: u32) -> bool {
    matches!(head, 5018 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763)
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, &d)| {
            let d = u32::from(d) << (i % 2);
            if d > 9 { d - 9 } else { d }
        })
        .sum();
    sum.is_multiple_of(10) && digits.iter().any(|&d| Some(&d) != digits.first())
}
