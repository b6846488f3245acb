//! What PostgreSQL's `.pgpass` holds: `host:5432:database:user:password`.

use super::charset::TOKEN_DOT;
use super::names::Rule;
use super::scan::Scanner;
use super::value;

/// The longest of a line's fields.
const FIELD_AT_MOST: usize = 64;

impl Scanner<'_> {
    /// `host:5432:database:user:password`, as `.pgpass` has it; `*` stands for any. Within a line the
    /// password must look like one.
    pub fn pgpass(&mut self, start: usize, end: usize) -> Option<(usize, usize, Rule)> {
        if let Some(found) = self.pgpass_line(start, end) {
            return Some(found);
        }
        if self.byte(end) != b':' || !(self.byte(end + 1) == b'*' || self.byte(end + 1).is_ascii_digit()) {
            return None;
        }
        let mut at = end;
        for field in 0..3 {
            let from = at + 1;
            at = if self.byte(from) == b'*' { from + 1 } else { TOKEN_DOT.run_within(self.text, from, 64) };
            let number = self.slice(from, at).iter().all(|b| b.is_ascii_digit() || *b == b'*');
            let named = self.byte(from).is_ascii_alphabetic() && at > from + 1;
            let fits = if field == 0 { number && at > from + 2 } else { named };
            if self.byte(at) != b':' || !fits && self.byte(from) != b'*' {
                return None;
            }
        }
        let to = value::bare_end(self.slice(0, at + 200), at + 1, false);
        self.looked(end, to);
        let content = self.slice(at + 1, to);
        (value::looks_generated(content, 8) || value::is_told(content)).then_some((
            at + 1,
            to,
            Rule::KEY_VALUE,
        ))
    }

    /// `*:*:*:ada:it's long`, a line that holds nothing else: the fifth field, whatever it looks like.
    fn pgpass_line(&mut self, start: usize, end: usize) -> Option<(usize, usize, Rule)> {
        let any = self.before(start) == b':' && self.before(start - 1) == b'*';
        let host =
            self.byte(end) == b':' && (self.byte(end + 1) == b'*' || self.byte(end + 1).is_ascii_digit());
        let lead = match () {
            () if any => {
                let back = self.slice(start.saturating_sub(8), start);
                back.iter().rev().take_while(|b| b"*:".contains(b)).count()
            }
            () if host => {
                let back = self.slice(start.saturating_sub(FIELD_AT_MOST), start);
                back.iter().rev().take_while(|&&b| TOKEN_DOT.has(b)).count()
            }
            () => return None,
        };
        self.looked(start - lead, start);
        let from = start - lead;
        if !matches!(self.before(from), 0 | b'\n') {
            return None;
        }
        let (mut at, mut loose) = (from, false);
        for field in 0..4 {
            let all = self.byte(at) == b'*';
            let to = if all { at + 1 } else { TOKEN_DOT.run_within(self.text, at, FIELD_AT_MOST) };
            let port = (2..=5).contains(&(to - at)) && self.slice(at, to).iter().all(u8::is_ascii_digit);
            let named = self.byte(at).is_ascii_alphabetic() || field == 0;
            let fits = all || if field == 1 { port } else { named && to > at };
            if !fits || self.byte(to) != b':' {
                return None;
            }
            loose |= all || field == 1 && (self.is_at(at, b"543") || self.is_at(at, b"643"));
            at = to + 1;
        }
        let rest = self.slice(at, at + 2 * FIELD_AT_MOST);
        let length = rest.iter().position(|b| matches!(b, 0..=b' ' | b':')).unwrap_or(rest.len());
        self.looked(from, at + length);
        let content = self.slice(at, at + length);
        let told = content.iter().any(|b| !b.is_ascii_alphabetic());
        let ends = matches!(self.byte(at + length), 0 | b'\n' | b'\r');
        let fits = ends && length > 3 && (loose || told) && !value::says_nothing(content);
        fits.then_some((at, at + length, Rule::KEY_VALUE))
    }
}
