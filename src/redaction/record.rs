//! A name and its value in what a program prints of a record: `[Smtp:Password, …]`, `Credentials("ada", "…")`,
//! `InvalidToken("…")`, `pgbouncer "app" "…"`; and codes that their own form tells.

use super::charset;
use super::keys::{self, Level};
use super::lists::{ends_as, is_one_of};
use super::names::Rule;
use super::phrase::PASSWORDS;
use super::scan::Scanner;
use super::value;

/// How far before its end a name in brackets starts.
const NAME_AT_MOST: usize = 64;

/// The longest value of a record.
const VALUE_AT_MOST: usize = 128;

/// A UUID's length.
const UUID: usize = 36;

/// The shortest part of a code of Entra's behind its version, and the longest code.
const ENTRA: (usize, usize) = (60, 4096);

impl Scanner<'_> {
    /// A record whose name ends here.
    #[inline]
    pub fn record(&mut self, start: usize, end: usize) -> bool {
        match self.byte(end) {
            b',' => self.byte(end + 1) == b' ' && self.entry(start, end),
            b'(' => self.constructed(start, end),
            b'.' => self.coded(start, end),
            b' ' | b':' => self.in_second_place(start, end),
            _ => false,
        }
    }

    /// `[Smtp:Password, …]`, `[grant_type, password],[password, …]`
    #[inline(never)]
    fn entry(&mut self, start: usize, end: usize) -> bool {
        let back = self.slice(start.saturating_sub(NAME_AT_MOST), start);
        let path = back.iter().rev().take_while(|&&b| charset::TOKEN_DOT.has(b) || b == b':').count();
        let from = start - path;
        if self.before(from) != b'[' {
            return false;
        }
        self.looked(from, end);
        let name = self.slice(from, end);
        let parted = name.contains(&b':');
        let level = if parted { keys::level(&joined(name)) } else { self.alone(start, end) };
        let strong = matches!(level, Level::Always | Level::UnlessNumber);
        let (at, rest) = (end + 2, self.slice(end + 2, end + 2 + VALUE_AT_MOST));
        let length = rest.iter().position(|b| matches!(b, b']' | b'\n' | b'"' | b'\'' | b' ')).unwrap_or(0);
        self.looked(at, at + length);
        let content = self.slice(at, at + length);
        let closed = self.byte(at + length) == b']' && !self.is_at(at + length, b"] =");
        let told =
            value::is_told(content) || value::is_coined(content) || value::looks_generated(content, 10);
        let fits = closed
            && (strong && told || level == Level::IfGenerated && value::looks_generated(content, 16))
            && !self.says_other(content)
            && keys::level(content) == Level::Harmless;
        if fits {
            self.take(at, at + length, at + length, Rule::KEY_VALUE);
        }
        fits
    }

    /// `Credentials("ada", "…")`, `Creds(ada,Some(…))`, `InvalidToken("…")`
    #[inline(never)]
    fn constructed(&mut self, start: usize, end: usize) -> bool {
        let word = self.slice(start, end);
        if ends_as!(word, "creds credentials credential") {
            return self.second_string(end + 1, false) || self.second_bare(end + 1);
        }
        let faulty = ["Invalid", "Bad", "Wrong", "Expired", "Unknown"];
        if !faulty.iter().any(|faulty| word.starts_with(faulty.as_bytes()))
            || value::opening(self.text, end + 1).is_none()
        {
            return false;
        }
        if ends_as!(word, PASSWORDS) {
            return self.told_here(end + 1);
        }
        let (from, to, after) = self.argument_at(end + 1, 2 * VALUE_AT_MOST);
        let content = self.judged(from, to);
        let fits = ends_as!(word, "token key secret cookie session")
            && value::looks_generated(content, 16)
            && !self.says_other(content);
        if fits {
            self.take(from, to, after, Rule::KEY_VALUE);
        }
        fits
    }

    /// `(ada,Some(…))`, `(ada, …)`: the second of two words.
    fn second_bare(&mut self, open: usize) -> bool {
        let user = charset::TOKEN_DOT.run_within(self.text, open, NAME_AT_MOST);
        if user == open || self.byte(user) != b',' {
            return false;
        }
        let at = user + 1 + usize::from(self.byte(user + 1) == b' ');
        let at = at + if self.is_at(at, b"Some(") { 5 } else { 0 };
        let rest = self.slice(at, at + VALUE_AT_MOST);
        let length = rest.iter().position(|b| b"), \n".contains(b)).unwrap_or(0);
        self.looked(open, at + length);
        let content = self.slice(at, at + length);
        let fits = self.byte(at + length) == b')'
            && value::is_told(content)
            && !self.says_other(content)
            && keys::level(content) == Level::Harmless;
        if fits {
            self.take(at, at + length, at + length, Rule::KEY_VALUE);
        }
        fits
    }

    /// Keycloak's code, three UUIDs, and Entra's, `0.A…`
    fn coded(&mut self, start: usize, end: usize) -> bool {
        let to = match end - start {
            UUID => {
                let second = charset::HEX_DASH.run_within(self.text, end + 1, UUID + 1);
                let third = charset::HEX_DASH.run_within(self.text, second + 1, UUID + 1);
                self.looked(start, third);
                let parts = [(start, end), (end + 1, second), (second + 1, third)];
                let dotted = self.byte(second) == b'.' && !charset::WORD.has(self.byte(third));
                let ids = parts.iter().all(|&(from, to)| value::is_uuid(self.slice(from, to)));
                if dotted && ids { third } else { start }
            }
            1 if self.byte(end + 1) == b'A' && matches!(self.byte(start), b'0' | b'1') => {
                let least = end + 1 + ENTRA.0;
                if charset::TOKEN.run_within(self.text, end + 1, ENTRA.0) < least {
                    return false;
                }
                let to = charset::TOKEN_DOT.run_within(self.text, least, ENTRA.1);
                self.looked(start, to);
                let dots = self.slice(start, to).iter().rev().take_while(|b| **b == b'.').count();
                if charset::is_mixed(self.slice(start, least)) { to - dots } else { start }
            }
            _ => start,
        };
        if to > start {
            self.take(start, to, to, Rule::URL_QUERY);
        }
        to > start
    }

    /// pgbouncer's `"app" "…"`, `sp_addlogin 'app', '…'`; and a German bank's `TAN 123456`.
    fn in_second_place(&mut self, start: usize, end: usize) -> bool {
        let word = self.slice(start, end);
        if (3..=7).contains(&word.len()) && word.ends_with(b"TAN") && self.byte(end) == b' ' {
            let to = charset::ALNUM.run_within(self.text, end + 1, 7);
            let fits = to == end + 7 && self.slice(end + 1, to).iter().all(u8::is_ascii_digit);
            if fits {
                self.take(end + 1, to, to, Rule::ONE_TIME_CODE);
            }
            return fits;
        }
        if !matches!(word.len(), 3 | 9 | 11) || !is_one_of!(word, "pgbouncer txt sp_addlogin") {
            return false;
        }
        if word == b"txt" && !self.is_at(start.saturating_sub(9), b"userlist.") {
            return false;
        }
        let at = end + self.slice(end, end + 4).iter().take_while(|b| matches!(b, b' ' | b':')).count();
        let (from, _, after) = self.argument_at(at, VALUE_AT_MOST);
        let next =
            after + self.slice(after, after + 2).iter().take_while(|b| matches!(b, b' ' | b',')).count();
        if from == at || next == after {
            return false;
        }
        let (from, to, after) = self.argument_at(next, VALUE_AT_MOST);
        let content = self.judged(from, to);
        let told = value::is_told(content) || value::is_coined(content);
        let fits = from > next && told && !self.says_other(content);
        if fits {
            self.take(from, to, after, Rule::KEY_VALUE);
        }
        fits
    }
}

/// A name of parts as one with dashes is written: `Api:Key` as `Api-Key`.
fn joined(name: &[u8]) -> Vec<u8> {
    name.iter().map(|&b| if b == b':' { b'-' } else { b }).collect()
}
