//! Whether a text stands at a place, letters of any case.

use super::scan::Scanner;
use super::words::Beginnings;

impl Scanner<'_> {
    /// Whether what stands at `at` is this, letters of any case.
    #[inline]
    pub fn is_at(&self, at: usize, what: &[u8]) -> bool {
        // Two bytes turn nearly every text away: what begins with a space begins as every word's end.
        let same = |nth: usize| what.get(nth).is_none_or(|b| self.byte(at + nth).eq_ignore_ascii_case(b));
        same(0) && same(1) && self.is_all_at(at, what)
    }

    #[inline(never)]
    fn is_all_at(&self, at: usize, what: &[u8]) -> bool {
        self.slice(at, at + what.len()).eq_ignore_ascii_case(what)
    }

    /// The first of these that stands at `at`, letters of any case: two bytes turn nearly every text away.
    #[inline]
    pub fn one_at(&self, at: usize, texts: &Beginnings) -> Option<&'static str> {
        let (first, second) = (self.byte(at), self.byte(at + 1));
        if texts.may_begin(first, second) { self.one_of_at(at, texts.texts) } else { None }
    }

    #[inline(never)]
    fn one_of_at(&self, at: usize, texts: &'static [&'static str]) -> Option<&'static str> {
        let (first, second) = (self.byte(at) | 0x20, self.byte(at + 1) | 0x20);
        let may = |one: &[u8]| {
            one.first().is_none_or(|b| b | 0x20 == first) && one.get(1).is_none_or(|b| b | 0x20 == second)
        };
        texts.iter().copied().find(|one| may(one.as_bytes()) && self.is_all_at(at, one.as_bytes()))
    }
}
