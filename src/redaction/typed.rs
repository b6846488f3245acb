//! What was typed into a field, as test runners and browsers' drivers log it: `getByLabel('Password').fill('…')`,
//! `fill #password with …`, `type … into #user_password`.

use super::charset::WORD;
use super::keys::Level;
use super::lists::{ends_as, is_one_of};
use super::names::Rule;
use super::phrase::PASSWORDS;
use super::scan::Scanner;
use super::value;
use super::words::Beginnings;

/// How far what was typed is followed.
const TYPED_AT_MOST: usize = 96;

/// How far before a field's name it is said that something was typed into it.
const FIELD_AT_MOST: usize = 24;

/// The longest name of a method.
const METHOD_AT_MOST: usize = 24;

/// Methods that fill a field in.
const FILLS: &str = "fill type typetext sendkeys send_keys presssequentially setvalue set_value entertext inserttext clearandtype";

impl Scanner<'_> {
    /// Behind a field's name, or before it.
    #[inline(never)]
    pub fn typed(&mut self, start: usize, end: usize) -> bool {
        match self.byte(end) {
            b']' if self.before(start) == b'=' => self.typed_into(start, end),
            b'"' | b'\'' | b']' | b')' => self.filled(start, end),
            b' ' if self.before(start) == b'#' && self.is_at(end, b" with ") => {
                self.names_field(start, end) && self.told_here(end + 6)
            }
            _ if self.before(start) == b'#' => self.names_field(start, end) && self.typed_before(start),
            _ => matches!(self.before(start), b' ' | b'=') && self.typed_into(start, end),
        }
    }

    fn names_field(&self, start: usize, end: usize) -> bool {
        ends_as!(self.slice(start, end), PASSWORDS) && self.alone(start, end) == Level::Always
    }

    /// `getByLabel('Password').fill('…')`, `$("#password").sendKeys("…")`, `page.fill('#password', '…')`
    fn filled(&mut self, start: usize, end: usize) -> bool {
        let (_, to) = self.words[0];
        let gap = self.slice(to, start);
        let called = is_one_of!(self.nth_word(0), FILLS) && gap.len() < 16 && gap.first() == Some(&b'(');
        if called
            && let Some(link) =
                self.one_at(end, const { &Beginnings::of(&["', '", "\", \"", "]', '", "]\", \""]) })
        {
            return self.names_field(start, end) && self.quoted_argument(end + link.len() - 1);
        }
        let marks = self.slice(end, end + 8).iter().take_while(|b| b"\"'\\])".contains(b)).count();
        let dot = end + marks;
        if self.byte(dot) != b'.' || self.before(dot) != b')' {
            return false;
        }
        let method = WORD.run_within(self.text, dot + 1, METHOD_AT_MOST);
        self.looked(end, method);
        if self.byte(method) != b'(' || !is_one_of!(self.slice(dot + 1, method), FILLS) {
            return false;
        }
        let digits = self.alone(start, end) == Level::Digits;
        if !digits && !matches!(self.alone(start, end), Level::Always | Level::UnlessNumber) {
            return false;
        }
        // `getByLabel('Email or password')`, `getByPlaceholder('Search tokens')`
        if is_one_of!(self.nth_word(0), "or and search forgot find filter no without") {
            return false;
        }
        let (from, to, after) = self.argument_at(method + 1, TYPED_AT_MOST);
        let content = self.judged(from, to);
        let fits = from > method + 1
            && after > to
            && !matches!(content.first(), Some(b'{' | b'\\')) // a key of the keyboard
            && !value::says_nothing(content)
            && (!digits || content.iter().all(u8::is_ascii_digit));
        if fits {
            self.take(from, to, after, Rule::KEY_VALUE);
        }
        fits
    }

    /// `typed '…' into input[type=password]`, `typed "…" into the password box`
    fn typed_into(&mut self, start: usize, end: usize) -> bool {
        const INTO: &[u8] = b" into ";
        let back = self.slice(start.saturating_sub(FIELD_AT_MOST), start);
        let Some(into) = back.windows(INTO.len()).rposition(|part| part == INTO) else { return false };
        let stop = start - (back.len() - into);
        let mark = self.before(stop);
        if !matches!(mark, b'"' | b'\'') || !self.names_field(start, end) {
            return false;
        }
        let from = stop.saturating_sub(TYPED_AT_MOST).max(self.done);
        self.looked(from, end);
        let text = self.slice(from, stop - 1);
        let Some(open) = text.iter().rposition(|&b| b == mark) else { return false };
        let (before, content) = text.split_at_checked(open).unwrap_or_default();
        let content = content.get(1..).unwrap_or_default();
        let typed = [&b"typed "[..], b"entered ", b"filled "].iter().any(|verb| before.ends_with(verb));
        let gap = back.get(into + INTO.len()..).unwrap_or_default();
        let field = matches!(gap, b"" | b"the " | b"input[type=" | b"<input type=");
        if !typed || !field || !value::is_told(content) || content.contains(&b' ') || self.says_other(content)
        {
            return false;
        }
        let resume = self.at;
        self.take(stop - 1 - content.len(), stop - 1, stop, Rule::KEY_VALUE);
        self.at = self.at.max(resume);
        true
    }

    /// `type … into #user_password`: what stands before ` into #`.
    fn typed_before(&mut self, start: usize) -> bool {
        const INTO: &[u8] = b" into #";
        let stop = start.saturating_sub(INTO.len());
        self.is_at(stop, INTO) && self.take_behind(stop, value::is_told)
    }
}
