//! What a sentence says a name is: `password is hunter2`, `code is 123456`, `password was set to …`.

use super::keys::Level;
use super::lists::{ends_as, is_one_of, list};
use super::names::Rule;
use super::one_time::OTHER_CODES;
use super::phrase::PASSWORDS;
use super::scan::Scanner;
use super::value;

/// The shortest cookie of Erlang's nodes; they make 20 capitals by themselves.
const COOKIE_AT_LEAST: usize = 16;

impl Scanner<'_> {
    /// `password is hunter2`, `code is 123456`
    #[inline(never)]
    pub fn predicate(&mut self, end: usize, nth: usize) -> bool {
        if self.byte(end) != b' ' {
            return false;
        }
        let (from, to) = self.words.get(nth).copied().unwrap_or((0, 0));
        let (before, _) = self.words.get(nth + 1).copied().unwrap_or((0, 0));
        let name = self.slice(from, to);
        let alone = self.alone(from, to);
        let key = if matches!(alone, Level::Harmless | Level::Query | Level::Code)
            && to > from
            && before > 0
            && before < from
        {
            self.alone(before, to)
        } else {
            alone
        };
        if self.comments_column() {
            return false;
        }
        if name.eq_ignore_ascii_case(b"code") && !is_one_of!(self.nth_word(1), OTHER_CODES) {
            self.line.one_time = true;
        }
        if !matches!(key, Level::Always | Level::UnlessNumber) {
            return false;
        }
        let at = end + 1;
        let (start, stop, _) = self.argument_at(at, usize::MAX);
        let content = self.judged(start, stop);
        let has = |test: fn(&u8) -> bool| content.iter().any(test);
        let telling = content.len() >= 6
            && has(|b| b.is_ascii_digit() || b"!@#$&%+*^~".contains(b))
            && has(|b| b.is_ascii_alphabetic())
            && !value::is_method(content);
        let telling = telling
            || name.eq_ignore_ascii_case(b"password")
                && is_one_of!(self.nth_word(nth + 1), "my your his her old new temporary initial")
                && value::is_paired(content);
        // `Erlang cookie is KYTYZNPYKNZOFZVIUXUT`
        let telling = telling
            || name.eq_ignore_ascii_case(b"cookie")
                && content.len() >= COOKIE_AT_LEAST
                && content.iter().all(u8::is_ascii_uppercase);
        let quoted = start > at && content.len() >= 3 && ends_as!(name, PASSWORDS);
        if !(telling || quoted)
            || value::says_nothing(content)
            || value::is_sentence(content)
            || is_url(content)
        {
            return false;
        }
        self.take(start, stop, stop, Rule::KEY_VALUE);
        true
    }

    /// SQL's `COMMENT ON COLUMN users.password IS '…'`
    pub fn comments_column(&self) -> bool {
        self.words_mention(list!("column"))
    }
}

fn is_url(content: &[u8]) -> bool {
    content.windows(3).any(|w| w == b"://")
}
