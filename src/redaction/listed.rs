//! A name and its value side by side, no sign in between: `define('DB_PASSWORD', '…')`, `["x-api-key", "…"]`,
//! `| admin_password | … |`; and the value that takes another's place.

use super::charset::TOKEN_DOT;
use super::keys::{self, Level};
use super::names::Rule;
use super::scan::Scanner;
use super::separator::Separator;
use super::value;
use super::words::Beginnings;

/// The longest path of names before the last one: `"javax.net.ssl.keyStorePassword"`.
const PATH_AT_MOST: usize = 64;

/// How much of a cell or a string is looked at.
const CELL_AT_MOST: usize = 128;

impl Scanner<'_> {
    /// A call or a list that starts with a secret's name. What a variable or an entry of a list of pairs holds may be
    /// any string, anything else must look like a secret.
    pub fn second_of_two(&mut self, sep: Separator, name: usize) -> bool {
        let path = self.slice(name.saturating_sub(PATH_AT_MOST), name);
        let dotted = path.iter().rev().take_while(|&&b| TOKEN_DOT.has(b)).count();
        self.looked(name.saturating_sub(PATH_AT_MOST), name);
        let mark = name - dotted;
        let open = mark.saturating_sub(1);
        let open = if self.before(open) == b'b' { open - 1 } else { open }; // `(b'x-api-key', b'…')`
        let open = if self.before(open) == b' ' { open - 1 } else { open };
        let opener = self.before(open);
        // `"--token", "…"`, as a process is started
        if matches!(self.before(mark), b'"' | b'\'') && self.slice(mark, mark + 2) == b"--" {
            let (from, to, after) = self.argument_at(sep.value, CELL_AT_MOST);
            let content = self.judged(from, to);
            let secret = from > sep.value
                && content.len() >= 3
                && content.first() != Some(&b'-')
                && !value::says_nothing(content);
            if secret {
                self.take(from, to, after, Rule::KEY_VALUE);
            }
            return secret;
        }
        if !matches!(self.before(mark), b'"' | b'\'') || !matches!(opener, b'(' | b'[') {
            return self.second_cell(sep, name);
        }
        let Some((quote, start)) = value::opening(self.text, sep.value) else { return false };

        let (end, after) = value::closing(self.slice(0, start + 4 * CELL_AT_MOST), start, quote);
        self.looked(start, after);
        let content = self.judged(start, end);
        let next = after + value::run_of(self.text, after, b' ').min(2);
        let closes = match self.byte(next) {
            b')' => true,
            b']' => opener == b'[',
            b',' => opener == b'(',
            _ => false,
        };
        if after == end || !closes {
            return false;
        }
        let around = open.saturating_sub(1);
        let around = if self.before(around) == b' ' { around - 1 } else { around };
        let entry = opener == b'[' && matches!(self.before(around), b'[' | b',' | b'(' | b'\n');
        let tuple = opener == b'(' && matches!(self.before(around), b'[' | b',');
        let variable = self.byte(name).is_ascii_uppercase() && self.slice(name, sep.value).contains(&b'_');
        // `validate('password', 'min:8')`
        let rule = content.iter().position(|&b| b == b':').is_some_and(|at| at < 8 && content.len() < at + 6);
        let line = opener == b'(' && matches!(self.before(open.saturating_sub(1)), 0 | b'\n');
        let coined = (line || tuple) && value::is_coined(content);
        let told = coined
            || content.len() >= if opener == b'[' { 6 } else { 4 }
                && !rule
                && !value::is_method(content)
                && (tuple || !content.contains(&b' '))
                && content.iter().any(|b| b.is_ascii_digit() || b"!#$%^&*+=?~".contains(b));
        if !(told || (entry || variable) && content.len() >= 3 && !is_name(content))
            || content.starts_with(b"{")
            || value::says_nothing(content)
            || value::is_sentence(content)
        {
            return false;
        }
        if self.is_at(name, b"authorization") {
            return self.authorization(sep.value).unwrap_or(false);
        }
        self.take(start, end, after, Rule::KEY_VALUE);
        true
    }

    /// A quoted name and a string with a blank or words between: `user-secrets set "Jwt:Secret" "…"`, GraphQL's `Variable
    /// "$token" got invalid value "…"`.
    pub fn string_behind(&mut self, start: usize, end: usize) -> bool {
        const GOT: &[u8] = b"\" got invalid value \"";
        let got = self.is_at(end, GOT);
        let set = || {
            let back = self.slice(start.saturating_sub(40), start);
            let is =
                |part: &[u8]| part.eq_ignore_ascii_case(b" set ") || part.eq_ignore_ascii_case(b"hset\"");
            self.is_at(end, b"\" \"") && back.windows(5).any(is)
        };
        if !(got || set()) || self.level_of(start, end, true) != Level::Always {
            return false;
        }
        self.quoted_argument(end + if got { GOT.len() - 1 } else { 1 })
    }

    /// `| admin_password | … |`: the cell behind a name, in a table without a head.
    fn second_cell(&mut self, sep: Separator, name: usize) -> bool {
        if self.before(sep.value) == b'\t' {
            let rest = self.slice(sep.value, sep.value + CELL_AT_MOST);
            let length = rest.iter().position(|b| matches!(b, b'\t' | b'\n')).unwrap_or(rest.len());
            self.looked(sep.value, sep.value + length);
            let cell = rest.get(..length).unwrap_or_default();
            if value::is_told(cell) && !cell.contains(&b' ') {
                self.take(sep.value, sep.value + length, sep.value + length, Rule::KEY_VALUE);
                return true;
            }
            return false;
        }
        if self.path_cell(sep, name) {
            return true;
        }
        let cells = self.before(sep.value.saturating_sub(1)) == b'|'
            || self.before(sep.value.saturating_sub(2)) == b'|';
        let blank =
            self.slice(name.saturating_sub(24), name).iter().rev().take_while(|&&b| b == b' ').count();
        if !cells || self.before(name - blank) != b'|' {
            return false;
        }
        let rest = self.slice(sep.value, sep.value + CELL_AT_MOST);
        let length = rest.iter().position(|&b| b == b'|' || b == b'\n').unwrap_or(rest.len());
        self.looked(sep.value, sep.value + length);
        let cell = rest.get(..length).unwrap_or_default().trim_ascii_end();
        if length == CELL_AT_MOST || !value::is_told(cell) || cell.contains(&b' ') {
            return false;
        }
        let end = sep.value + cell.len();
        self.take(sep.value, end, end, Rule::KEY_VALUE);
        true
    }

    /// `auth.password|…|prod`: behind a path of names that a line begins with.
    fn path_cell(&mut self, sep: Separator, name: usize) -> bool {
        let path = self.slice(name.saturating_sub(PATH_AT_MOST), name);
        let dotted = path.iter().rev().take_while(|&&b| TOKEN_DOT.has(b)).count();
        if self.before(sep.value) != b'|' || dotted == 0 || !matches!(self.before(name - dotted), 0 | b'\n') {
            return false;
        }
        let rest = self.slice(sep.value, sep.value + CELL_AT_MOST);
        let length = rest.iter().position(|b| b"| \n".contains(b)).unwrap_or(0);
        self.looked(sep.value, sep.value + length);
        let cell = rest.get(..length).unwrap_or_default();
        if rest.get(length) != Some(&b'|') || !value::is_told(cell) || value::says_nothing(cell) {
            return false;
        }
        self.take(sep.value, sep.value + length, sep.value + length, Rule::KEY_VALUE);
        true
    }

    /// Terraform's `"old" -> "new"`.
    pub fn changed_to(&mut self, after: usize) {
        let Some(arrow) =
            self.one_at(after, const { &Beginnings::of(&[" -> ", " => ", " → ", " REPLACE "]) })
        else {
            return;
        };
        let Some((quote, start)) = value::opening(self.text, after + arrow.len()) else { return };
        let (end, next) = self.closing(start, quote);
        if !value::says_nothing(self.judged(start, end)) {
            self.take(start, end, next, Rule::KEY_VALUE);
        }
    }
}

/// Whether a string is itself a secret's name: then it is the next of a list of names.
fn is_name(content: &[u8]) -> bool {
    content.iter().all(|&b| TOKEN_DOT.has(b)) && keys::level(content) != Level::Harmless
}
