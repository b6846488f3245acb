//! A one-time code alone on a line, below the one that announced it: `Your verification code is:`, and then the digits.

use super::charset;
use super::line::Line;
use super::names::Rule;
use super::scan::Scanner;
use super::value;

/// How much blank may stand between the announcement and the code.
const BLANK_AT_MOST: usize = 48;

impl Scanner<'_> {
    /// Takes the code below a line that ends here, if nothing else stands on its own line. Without a colon only what
    /// nearly every code is, six digits.
    #[inline(never)]
    pub fn code_below(&mut self, end: usize) -> bool {
        let last = self.before(end.saturating_sub(usize::from(self.before(end) == b'\r')));
        let start = self.blank(end);
        if start < self.done {
            return false;
        }
        let stop = charset::TOKEN.run_within(self.text, start, 12);
        let parted = stop == start + 3 && self.byte(stop) == b' ';
        let stop = if parted { charset::ALNUM.run_within(self.text, stop + 1, 4) } else { stop };
        self.looked(end, stop);
        let code = self.slice(start, stop);
        let digits = value::digits(code);
        let halves = code.len() == 7 && digits == 3 && code.iter().skip(4).all(u8::is_ascii_digit);
        let fits = halves
            || digits == code.len()
                && (digits == 6 || (4..=8).contains(&digits) && matches!(last, b':' | b'*' | b'>'));
        let taken = fits && self.ends_line(stop);
        if taken {
            self.take(start, stop, stop, Rule::ONE_TIME_CODE);
            self.line = Line::default();
        }
        taken
    }

    /// Where what a line's end and the blank lines behind it lead to starts: written or escaped, marks of emphasis and a
    /// quotation's sign among them.
    fn blank(&self, from: usize) -> usize {
        let mut at = from;
        while at < from + BLANK_AT_MOST {
            at += match self.byte(at) {
                b'\n' | b'\r' | b'\t' | b' ' | b'*' | b'>' => 1,
                b'\\' if matches!(self.byte(at + 1), b'n' | b'r' | b't') => 2,
                _ => break,
            };
        }
        at
    }

    /// Whether nothing more stands on the line.
    pub fn ends_line(&self, at: usize) -> bool {
        let rest = self.slice(at, at + 8);
        let blank = rest.iter().take_while(|b| matches!(b, b' ' | b'*')).count();
        match rest.get(blank) {
            None => true,
            Some(b'\n' | b'\r' | b'"' | b'\'' | b'`') => true,
            Some(b'\\') => matches!(rest.get(blank + 1), Some(b'n' | b'r' | b'"')),
            Some(_) => false,
        }
    }
}
