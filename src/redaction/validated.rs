//! The value that a check quotes beside the name of its field: ``Path `password` (`…`) is shorter than …``,
//! `Variable "$password" got "…"`, `on field 'password': rejected value […]`, `for value "…" … at path "password"`.

use super::charset;
use super::keys::{self, Level};
use super::lists::{is_one_of, list};
use super::names::Rule;
use super::scan::Scanner;
use super::value;
use super::words::{Beginnings, mentions};

/// What stands between a field's name, in marks, and the string that it holds.
const HELD: [&str; 5] = [" (", " got ", " got invalid value ", " with value ", " has invalid value "];

/// What stands between a field's name and what was turned away, in brackets.
static REJECTED: Beginnings = Beginnings::of(&[": rejected value [", " rejected value ["]);

/// How far a value that is quoted goes.
const QUOTED_AT_MOST: usize = 256;

/// How far before its schema's path the value stands that a JSON schema's report begins with.
const REPORT_AT_MOST: usize = 256;

/// How far from a field's path its value stands at most.
const FIELD_WITHIN: usize = 80;

/// What values are called beside a field's path.
const VALUES: [&[u8]; 8] =
    [b"value", b"Value", b"input", b"received", b"given", b"entered", b"attempted", b"actual"];

impl Scanner<'_> {
    /// The value of a field whose name ends here, in quotation marks; or of the value that is spoken of before its field.
    #[inline]
    pub fn validated(&mut self, start: usize, end: usize) -> bool {
        match self.byte(end) {
            b'"' | b'\'' | b'`' | b'\\' => self.held(start, end) || self.of_schema(start, end),
            b' ' if end - start == 5 && self.is_at(start, b"value") => self.cast(end),
            _ => false,
        }
    }

    /// Whether a word names a secret, whatever stands before it.
    fn names_secret(&self, start: usize, end: usize) -> bool {
        matches!(self.alone(start, end), Level::Always | Level::UnlessNumber)
    }

    #[inline(never)]
    fn held(&mut self, start: usize, end: usize) -> bool {
        let behind = end + value::run_of(self.text, end, b'\\').min(8) + 1;
        if !matches!(self.byte(behind), b' ' | b':') {
            return false; // neither begins so
        }
        let held = HELD.into_iter().find(|held| {
            self.is_at(behind, held.as_bytes()) && value::opening(self.text, behind + held.len()).is_some()
        });
        let rejected = self.one_at(behind, &REJECTED);
        let Some(link) = held.or(rejected) else { return false };
        // SQL's `insert into "api_keys" ("name", …)`
        let columns = || link == " (" && self.words_mention(list!("into table references exists"));
        if !self.names_secret(start, end) || columns() {
            return false;
        }
        let at = behind + link.len();
        let (from, to, after) = if rejected.is_some() {
            let rest = self.slice(at, at + QUOTED_AT_MOST);
            let ends = |part: &[u8]| part == b"];" || part == b"]\n";
            let length = rest.windows(2).position(ends).or_else(|| rest.iter().position(|&b| b == b']'));
            let Some(length) = length else { return false };
            (at, at + length, at + length)
        } else {
            self.argument_at(at, QUOTED_AT_MOST)
        };
        self.looked(end, after);
        let content = self.judged(from, to);
        if from == to || value::says_nothing(content) || value::is_sentence(content) {
            return false;
        }
        self.take(from, to, after, Rule::KEY_VALUE);
        true
    }

    /// Mongoose's `Cast to Number failed for value "…" (type string) at path "password"`
    #[inline(never)]
    fn cast(&mut self, end: usize) -> bool {
        const PATH: &[u8] = b" at path ";
        if !is_one_of!(self.nth_word(0), "for") || value::opening(self.text, end + 1).is_none() {
            return false;
        }
        let (from, to, after) = self.argument_at(end + 1, QUOTED_AT_MOST);
        let rest = self.slice(after, after + 48);
        self.looked(after, after + 48);
        let Some(path) = rest.windows(PATH.len()).position(|part| part == PATH) else { return false };
        let Some((_, start)) = value::opening(self.text, after + path + PATH.len()) else { return false };
        let stop = charset::TOKEN_DOT.run_within(self.text, start, 64);
        let path = self.slice(start, stop);
        let name = path.rsplit(|&b| b == b'.').next().unwrap_or_default();
        let secret = matches!(keys::level(name), Level::Always | Level::UnlessNumber);
        if !secret || from == to || value::says_nothing(self.judged(from, to)) {
            return false;
        }
        self.take(from, to, after, Rule::KEY_VALUE);
        true
    }

    /// Python's `'…' is too short`, an empty line, `Failed validating … in schema['properties']['password']`, and below it
    /// `On instance['password']:` with the value again.
    #[inline(never)]
    fn of_schema(&mut self, start: usize, end: usize) -> bool {
        const FAILED: &[u8] = b"\n\nFailed validating ";
        if self.is_at(start.saturating_sub(10), b"instance['")
            && self.is_at(end, b"']:\n    '")
            && self.names_secret(start, end)
        {
            return self.quoted_argument(end + 8);
        }
        let properties = self.is_at(start.saturating_sub(16), b"['properties']['");
        if !properties || !self.names_secret(start, end) {
            return false;
        }
        let from = start.saturating_sub(REPORT_AT_MOST).max(self.done);
        let back = self.slice(from, start);
        self.looked(from, start);
        let Some(line) = back.windows(FAILED.len()).rposition(|part| part == FAILED) else { return false };
        let said = back.get(..line).unwrap_or_default();
        let open = said.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        let Some((quote, begin)) = value::opening(self.text, from + open) else { return false };
        let (stop, after) = value::closing(self.slice(0, from + line), begin, quote);
        if begin < stop && after > stop && !value::says_nothing(self.judged(begin, stop)) {
            let resume = self.at;
            self.take(begin, stop, after, Rule::KEY_VALUE);
            self.at = self.at.max(resume);
        }
        false
    }

    /// `{"path":"password","value":"…"}`: whether the path is a field's, and not where a request went.
    pub fn is_field_path(&mut self, name: usize, value: usize) -> bool {
        let from = name.saturating_sub(FIELD_WITHIN);
        let to = (value + FIELD_WITHIN).min(self.text.len());
        self.looked(from, to);
        let rooted =
            self.slice(value, value + 8).iter().take_while(|b| !b.is_ascii_alphabetic()).any(|&b| b == b'/');
        let operation = || self.slice(name.saturating_sub(64), name).windows(2).any(|part| part == b"op");
        if rooted {
            return operation();
        }
        operation() || mentions(self.slice(from, name), &VALUES) || mentions(self.slice(value, to), &VALUES)
    }
}

/// Laravel's `'password' => 'required|string|min:8|confirmed'`: what a field must be like
pub fn is_validation(value: &[u8]) -> bool {
    let mut rules = value.split(|&b| b == b'|');
    let first = rules.next().unwrap_or_default();
    is_one_of!(first, "required nullable sometimes string confirmed bail filled present")
        && value.contains(&b'|')
        && rules.all(|rule| rule.first().is_some_and(u8::is_ascii_lowercase))
}
