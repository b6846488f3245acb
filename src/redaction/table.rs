//! Tables in a text: a line of names parted by one mark (`id,email,password`, `| user | passwd |`), then lines of values.

use super::charset;
use super::keys::{self, Level};
use super::names::Rule;
use super::scan::Scanner;
use super::value;

/// A table whose rows are being read.
#[derive(Clone, Copy)]
pub struct Table {
    mark: u8,
    cells: usize,
    /// Which cells hold secrets, one bit each.
    secret: u64,
}

/// Longest line of names, to either side of the one that made it be looked at.
const HEADER_AT_MOST: usize = 300;

/// The cells of a line, the empty ones at its ends left out: each one's start and end.
fn cells(line: &[u8], mark: u8) -> impl Iterator<Item = (usize, usize)> + '_ {
    let open = usize::from(mark == b'|' && line.first() == Some(&mark));
    let close = line.len() - usize::from(mark == b'|' && line.len() > 1 && line.last() == Some(&mark));
    let mut at = open;
    std::iter::from_fn(move || {
        let rest = line.get(at..close).filter(|_| at <= close)?;
        let length = rest.iter().position(|&b| b == mark).unwrap_or(rest.len());
        let cell = (at, at + length);
        at += length + 1;
        Some(cell)
    })
}

impl Scanner<'_> {
    /// Whether the line on which a secret's name stands is the head of a table: then its rows come.
    pub fn table_head(&mut self, start: usize, end: usize) {
        if std::mem::replace(&mut self.line.looked_at, true) {
            return;
        }
        let is_mark = |b: &u8| matches!(b, b'|' | b',' | b';' | b'\t');
        let after = self.slice(end, end + 40).iter().find(|b| **b != b' ').copied().unwrap_or(b'\n');
        let before = self.slice(start.saturating_sub(40), start).iter().rfind(|b| **b != b' ').copied();
        let mark = if is_mark(&after) { after } else { before.unwrap_or(0) };
        if !is_mark(&mark) || !(is_mark(&after) || after == b'\n' || after == b'\r') {
            return;
        }
        let back = self.slice(start.saturating_sub(HEADER_AT_MOST), start);
        let from = start - back.iter().rev().take_while(|&&b| b != b'\n').count();
        let to = end + self.slice(end, end + HEADER_AT_MOST).iter().take_while(|&&b| b != b'\n').count();
        self.looked(from, to);
        let line = self.slice(from, to).trim_ascii();
        let mut table = Table { mark, cells: 0, secret: 0 };
        for (start, end) in cells(line, mark).take(64) {
            let cell = line.get(start..end).unwrap_or_default().trim_ascii();
            let named = cell.first().is_some_and(u8::is_ascii_alphabetic)
                && cell
                    .iter()
                    .all(|&b| charset::WORD.has(b) || b == b'.' || b == b' ' && matches!(mark, b'|' | b'\t'));
            if !named || cell.len() > 40 {
                return;
            }
            let secret = matches!(
                keys::level(cell),
                Level::Always | Level::UnlessNumber | Level::UnlessCount | Level::Digits
            );
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
        if !line.is_empty() && line.iter().all(|b| b"-+|= \r".contains(b)) {
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
            let lead = cell.iter().take_while(|b| matches!(b, b' ' | b'"')).count();
            let tail = cell.iter().rev().take_while(|b| matches!(b, b' ' | b'"')).count();
            let (start, end) = (from + blank + start + lead, (from + blank + end).saturating_sub(tail));
            let secret = column < 64 && table.secret >> column & 1 == 1;
            if secret && start < end && !value::says_nothing(self.slice(start, end)) {
                self.take(start, end, end, Rule::KEY_VALUE);
            } else {
                self.read_until(end.max(self.at));
            }
        }
    }
}
