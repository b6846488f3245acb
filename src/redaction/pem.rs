//! Private keys in PEM (RFC 7468), as one text or as a row of strings: `'-----BEGIN …\n' +`, `["-----BEGIN …", "MII…"]`.

use super::MARK;
use super::charset;
use super::names::Rule;
use super::scan::Scanner;
use super::value;

impl Scanner<'_> {
    /// `-----BEGIN … PRIVATE KEY-----` to its end, lines broken or escaped. Public keys and certificates stay.
    pub fn dash(&mut self) {
        // In a form's body spaces are pluses.
        if !self.is_at(self.at, b"-----BEGIN") || !matches!(self.byte(self.at + 10), b' ' | b'+') {
            self.at += 1;
            return;
        }
        let label = self.at + 11;
        let close = (label..label + 48).find(|&i| self.is_at(i, b"-----"));
        let private = close.is_some_and(|close| {
            self.slice(label, close).windows(7).any(|w| w == b"PRIVATE")
                && self.slice(label, close).ends_with(b"KEY")
                || self.slice(label, close).ends_with(b"PRIVATE KEY BLOCK")
                || self.slice(label, close).starts_with(b"OpenVPN Static key")
        });
        let Some(body) = close.filter(|_| private).map(|close| close + 5) else {
            self.at += 11;
            return;
        };
        let mut end = body;
        // Headers and base64, lines ended by CR, LF or their escapes; a cut-off key ends with the text or its string.
        loop {
            match self.byte(end) {
                b'-' if self.is_at(end, b"-----") => break,
                b'"' | b'\'' | b'`' => match self.next_piece(end) {
                    Some(next) => end = next,
                    None => break,
                },
                b'<' | b'{' | b'}' | 0 => break,
                b'\\' if matches!(self.byte(end + value::run_of(self.text, end, b'\\')), b'"' | b'\'') => {
                    break;
                }
                _ => end += 1,
            }
        }
        self.looked(self.at, end);
        self.looked(body, end);
        if !self.has_key(body, end) {
            self.at = body;
            return;
        }
        if self.is_at(end, b"-----END") {
            let close = (end + 9..end + 64).find(|&i| self.is_at(i, b"-----"));
            end = close.map_or(end, |close| close + 5);
        }
        self.take(self.at, end, end, Rule::PRIVATE_KEY);
    }

    /// Whether base64 stands there: `expected "-----BEGIN PRIVATE KEY-----", found EOF` speaks of a key's first line.
    fn has_key(&self, body: usize, end: usize) -> bool {
        let body = self.slice(body, end);
        if body.trim_ascii() == MARK.as_bytes() {
            return false;
        }
        let broken = |b: &u8| matches!(b, b'\n' | b'\r' | b'\\' | b'[');
        body.iter().take(8).any(broken) && body.iter().any(u8::is_ascii_alphanumeric)
            || body.split(|&b| !charset::BASE64.has(b)).any(|run| run.len() >= 16)
    }

    /// Where the key goes on behind a string's closing mark: in the next string, joined by `+`, `.`, `,` or nothing.
    fn next_piece(&self, mark: usize) -> Option<usize> {
        let gap = self.slice(mark + 1, mark + 48);
        let blank = gap.iter().take_while(|b| b.is_ascii_whitespace() || b"+.,\\".contains(b)).count();
        let opens = mark + 1 + blank;
        let piece = charset::BASE64.run_within(self.text, opens + 1, 100);
        let next_key = self.byte(piece) == self.byte(mark) && self.byte(piece + 1) == b':';
        let goes_on = piece > opens + 4 && !next_key || self.is_at(opens + 1, b"-----END");
        (blank > 0 && self.byte(opens) == self.byte(mark) && goes_on).then_some(opens + 1)
    }
}
