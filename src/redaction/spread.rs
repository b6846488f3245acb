//! A name and its string as JSON may spread them: white space of any kind around the colon, a string of several lines.

use super::charset::WORD;
use super::scan::Scanner;
use super::separator::Separator;
use super::value::{self, Quote};

/// How much white space is skipped on either side of the colon.
const GAP_AT_MOST: usize = 64;

/// How far behind its first line's end a string is looked for the end of, in bytes and in lines.
const STRING_AT_MOST: usize = 512;
const LINES_AT_MOST: usize = 8;

/// JSON's own mark, not within another string.
const MARK: Quote = Quote::Mark(b'"', 0);

impl Separator {
    /// Of a name in quotation marks whose string starts there.
    pub fn of_json(value: usize) -> Self {
        Separator {
            value,
            quoted: true,
            arrow: false,
            colon: true,
            unspaced: false,
            spaced_colon: true,
            encoded: false,
            listed: false,
        }
    }
}

impl Scanner<'_> {
    /// Where the string starts that a line break parts from its name, which ends at `end`, both in quotation marks.
    #[inline(never)]
    pub fn string_spread(&self, end: usize) -> Option<usize> {
        if self.byte(end) != b'"' || self.opener(end) != b'"' {
            return None;
        }
        let colon = self.behind_space(end + 1);
        let value = self.behind_space(colon + 1);
        let gap = self.slice(end + 1, value);
        let spread = self.byte(colon) == b':'
            && self.byte(value) == b'"'
            && gap.iter().any(|b| matches!(b, b'\n' | b'\r'));
        if !spread {
            return None;
        }
        let (line, after) = value::closing(self.slice(0, value + STRING_AT_MOST), value + 1, MARK);
        let after = if after > line { after } else { self.closing_below(line)?.1 };
        self.ends_entry(after).then_some(value)
    }

    /// Where a string ends that its line does not, and where reading goes on: at the next mark, if that ends an entry. One
    /// that was never closed has another string's opening there.
    pub fn closing_below(&self, line: usize) -> Option<(usize, usize)> {
        let within = self.slice(0, line + STRING_AT_MOST);
        let mut at = line;
        for _ in 0..LINES_AT_MOST {
            at += match (within.get(at)?, within.get(at + 1)) {
                (b'\r', Some(b'\n')) => 2,
                (b'\r' | b'\n', _) => 1,
                _ => return None,
            };
            let (end, after) = value::closing(within, at, MARK);
            if after > end {
                let opens = matches!(self.before(end), b'=' | b':' | b'(' | b'[' | b'{' | b',' | b' ');
                let closed =
                    matches!(self.byte(after), b',' | b'}' | b']') || !opens && self.ends_entry(after);
                return closed.then_some((end, after));
            }
            at = end;
        }
        None
    }

    /// Whether an entry ends here: with its list, with the next one's comma, or with the line.
    pub fn ends_entry(&self, at: usize) -> bool {
        let blank = self.slice(at, at + GAP_AT_MOST).iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        matches!(self.byte(at + blank), b',' | b'}' | b']' | b'\n' | b'\r') || at + blank >= self.text.len()
    }

    fn behind_space(&self, at: usize) -> usize {
        let gap = self.slice(at, at + GAP_AT_MOST);
        at + gap.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')).count()
    }

    /// How many bytes a space beyond ASCII has that stands here, 0 for none.
    #[inline(never)]
    pub fn wide_space(&self, at: usize) -> usize {
        match (self.byte(at), self.byte(at + 1), self.byte(at + 2)) {
            (0xc2, 0xa0, _) => 2, // no-break
            (0xe2, 0x80, 0x80..=0x8b | 0xaf) | (0xe3, 0x80, 0x80) | (0xef, 0xbb, 0xbf) => 3, // thin, narrow; CJK's; BOM
            _ => 0,
        }
    }

    /// Whether the next line of a dump of PHP's is the next name's, `[login] => …`: the value is empty.
    pub fn entry_below(&self, at: usize) -> bool {
        let open = at + 1 + value::run_of(self.text, at + 1, b' ').min(64);
        let marked = usize::from(matches!(self.byte(open + 1), b'"' | b'\''));
        let name = WORD.run_within(self.text, open + 1 + marked, 64);
        let close = name + marked;
        self.byte(open) == b'[' && name > open + 1 + marked && self.byte(close) == b']' && {
            let sign = close + 1 + value::run_of(self.text, close + 1, b' ').min(1);
            self.slice(sign, sign + 2) == b"=>"
        }
    }

    /// Whether a string that is no name stands on the next line.
    pub fn string_below(&self, at: usize) -> bool {
        let from = at + 1 + value::run_of(self.text, at + 1, b' ').min(64);
        let (end, after) = match value::opening(self.text, from) {
            Some((quote, start)) => value::closing(self.slice(0, start + 512), start, quote),
            None => return false,
        };
        after > end && self.ends_entry(after)
    }
}
