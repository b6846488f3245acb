//! Tables in a text: a line of names parted by one mark (`id,email,password`, `| user | passwd |`,
//! `│ (index) │ name │ secret │`), then lines of values.

use super::charset;
use super::keys::{self, Level};
use super::lists::ends_as;
use super::names::Rule;
use super::scan::Scanner;
use super::value;

/// A table whose rows are being read.
#[derive(Clone, Copy)]
pub struct Table {
    mark: &'static [u8],
    cells: usize,
    /// Which cells hold secrets, one bit each.
    secret: u64,
    /// Which of them are of many, so that a number there is how many.
    counted: u64,
    /// Which of these are of what may be digits alone (`backup_codes`): only a short number is how many.
    digits: u64,
}

/// Most digits of a number that says how many secrets there are: a language model's tokens are counted in millions.
const COUNT_AT_MOST: usize = 7;

/// The same under a name of what may be digits alone: no code, PIN or password is that short.
const COUNT_OF_DIGITS_AT_MOST: usize = 3;

/// Ends of names whose values may be digits alone.
const DIGITS: &str = "codes passwords passwds pins otps passcodes";

/// Longest line of names, to either side of the one that made it be looked at.
const HEADER_AT_MOST: usize = 300;

/// What parts the columns of the tables that `console.table` draws.
const BOX: &[u8] = "│".as_bytes();

/// What may part the cells of a line.
const MARKS: [&[u8]; 5] = [b"|", b",", b";", b"\t", BOX];

/// The mark that a text begins with.
fn mark_of(text: &[u8]) -> Option<&'static [u8]> {
    MARKS.into_iter().find(|mark| text.starts_with(mark))
}

/// Whether a table's lines begin and end with this mark.
fn frames(mark: &[u8]) -> bool {
    matches!(mark, b"|" | BOX)
}

/// The cells of a line, the empty ones at its ends left out: each one's start and end.
fn cells<'l>(line: &'l [u8], mark: &'l [u8]) -> impl Iterator<Item = (usize, usize)> + 'l {
    let open = if frames(mark) && line.starts_with(mark) { mark.len() } else { 0 };
    let framed = frames(mark) && line.len() > mark.len() && line.ends_with(mark);
    let close = line.len() - if framed { mark.len() } else { 0 };
    let (mut at, mut strings) = (open, mark == b",");
    std::iter::from_fn(move || {
        let rest = line.get(at..close).filter(|_| at <= close)?;
        // `"Lovelace, Ada",…`: a string that is not closed is none, and no other is looked for.
        let closed = if strings && rest.first() == Some(&b'"') {
            rest.windows(2).position(|two| two == b"\",").map(|at| at + 1)
        } else {
            None
        };
        strings &= closed.is_some() || rest.first() != Some(&b'"');
        let length =
            closed.or_else(|| rest.windows(mark.len()).position(|part| part == mark)).unwrap_or(rest.len());
        let cell = (at, at + length);
        at += length + mark.len();
        Some(cell)
    })
}

/// What a cell holds within its spaces and quotation marks: how many bytes stand before it and behind.
fn margins(cell: &[u8], mark: &[u8]) -> (usize, usize) {
    let margin = |b: &&u8| matches!(**b, b' ' | b'"') || mark == BOX && **b == b'\'';
    let lead = cell.iter().take_while(margin).count();
    let rest = cell.get(lead..).unwrap_or_default();
    (lead, rest.iter().rev().take_while(margin).count())
}

impl Scanner<'_> {
    /// Whether the line on which a secret's name stands is the head of a table: then its rows come.
    pub fn table_head(&mut self, start: usize, end: usize) {
        if std::mem::replace(&mut self.line.looked_at, true) {
            return;
        }
        let blank = |b: &&u8| matches!(**b, b' ' | b'"');
        let gap = self.slice(end, end + 40).iter().take_while(blank).count();
        let after = mark_of(self.slice(end + gap, end + gap + BOX.len()));
        let ends = matches!(self.byte(end + gap), b'\n' | b'\r' | 0);
        let back = self.slice(start.saturating_sub(40), start);
        let back = back.get(..back.len() - back.iter().rev().take_while(blank).count()).unwrap_or_default();
        let before = || MARKS.into_iter().find(|mark| back.ends_with(mark));
        let Some(mark) = after.or_else(|| if ends { before() } else { None }) else { return };
        let back = self.slice(start.saturating_sub(HEADER_AT_MOST), start);
        let from = start - back.iter().rev().take_while(|&&b| b != b'\n').count();
        let to = end + self.slice(end, end + HEADER_AT_MOST).iter().take_while(|&&b| b != b'\n').count();
        self.looked(from, to);
        let line = self.slice(from, to).trim_ascii();
        let mut table = Table { mark, cells: 0, secret: 0, counted: 0, digits: 0 };
        for (start, end) in cells(line, mark).take(64) {
            let cell = line.get(start..end).unwrap_or_default();
            let (lead, tail) = margins(cell, mark);
            let cell = cell.get(lead..cell.len() - tail).unwrap_or_default().trim_ascii();
            let spaced = frames(mark) || mark == b"\t";
            let named = cell.first().is_some_and(u8::is_ascii_alphabetic)
                && cell.iter().all(|&b| charset::WORD.has(b) || b == b'.' || b == b' ' && spaced)
                || mark == BOX && matches!(cell, b"(index)" | b"(iteration index)");
            if !named || cell.len() > 40 {
                return;
            }
            let level = keys::level(cell);
            table.counted |=
                u64::from(matches!(level, Level::UnlessNumber | Level::UnlessCount)) << table.cells;
            table.digits |= u64::from(ends_as!(cell, DIGITS)) << table.cells;
            let secret =
                matches!(level, Level::Always | Level::UnlessNumber | Level::UnlessCount | Level::Digits);
            table.secret |= u64::from(secret) << table.cells;
            table.cells += 1;
        }
        if table.cells > 1 && table.secret != 0 && self.byte(to) == b'\n' {
            self.table = Some(table);
        }
    }

    /// A line of a jar of cookies, as curl and Netscape keep it, read at its second field: `host TRUE / TRUE 1793548800 sid …`,
    /// parted by tabs. The last field goes.
    pub fn jar_cookie(&mut self, start: usize, end: usize) -> Option<(usize, usize, Rule)> {
        let truth = |word: &[u8]| matches!(word, b"TRUE" | b"FALSE");
        if !truth(self.slice(start, end)) {
            return None;
        }
        let line = self.slice(end + 1, end + 600);
        let mut fields = line.splitn(5, |&b| b == b'\t');
        let (path, secure, expires, name) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        let fits = path.first() == Some(&b'/')
            && truth(secure)
            && !expires.is_empty()
            && expires.iter().all(u8::is_ascii_digit);
        let from = end + 1 + path.len() + secure.len() + expires.len() + name.len() + 4;
        let value = fields.next().filter(|_| fits)?;
        let length = value.iter().position(|&b| b <= b' ' || b == b'\\').unwrap_or(value.len());
        self.looked(end, from + length);
        let said = value.get(..length).unwrap_or_default();
        (!value::says_nothing(said)).then_some((from, from + length, Rule::COOKIE))
    }

    /// Reads a line of a table's values.
    pub fn table_row(&mut self, table: Table) {
        let from = self.at;
        let length = self.slice(from, from + 2048).iter().position(|&b| b == b'\n');
        let to = length.map_or(self.text.len().min(from + 2048), |length| from + length);
        self.looked(from, to);
        let line = self.slice(from, to);
        if !line.is_empty() && line.iter().all(|b| b"-+|= \r".contains(b)) || line.starts_with("├".as_bytes())
        {
            return; // a rule between head and rows
        }
        let blank = line.iter().take_while(|b| **b == b' ').count();
        let line = line.trim_ascii();
        if cells(line, table.mark).count() != table.cells {
            self.table = None;
            return;
        }
        for (column, (start, end)) in cells(line, table.mark).enumerate() {
            let cell = line.get(start..end).unwrap_or_default();
            let (lead, tail) = margins(cell, table.mark);
            let (start, end) = (from + blank + start + lead, (from + blank + end).saturating_sub(tail));
            // `console.table` prints a text in quotation marks: what has none is a number.
            let text = table.mark != BOX || self.before(start) == b'\'';
            let secret = column < 64 && table.secret >> column & 1 == 1 && text;
            let cell = self.slice(start, end);
            let is = |cells: u64| cells >> column.min(63) & 1 == 1;
            let most = if is(table.digits) { COUNT_OF_DIGITS_AT_MOST } else { COUNT_AT_MOST };
            let count = is(table.counted) && cell.len() <= most && cell.iter().all(u8::is_ascii_digit);
            if secret && start < end && !count && !value::says_nothing(cell) {
                self.take(start, end, end, Rule::KEY_VALUE);
            } else {
                self.read_until(end.max(self.at));
            }
        }
    }
}
