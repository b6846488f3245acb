//! A form as multipart/form-data (RFC 7578): behind a part's name more of its headers may stand, then a blank line, then the
//! value.

use super::charset::TOKEN;
use super::scan::Scanner;

/// How many headers a part has behind its name at most, and how long each is.
const HEADERS_AT_MOST: usize = 4;
const HEADER_AT_MOST: usize = 128;

impl Scanner<'_> {
    /// Where the value starts of a part whose name ends at `at`.
    pub fn part_body(&mut self, at: usize) -> Option<usize> {
        let mut at = self.line_end(at)?;
        for _ in 0..HEADERS_AT_MOST {
            if let Some(body) = self.line_end(at) {
                return Some(body);
            }
            let name = TOKEN.run_within(self.text, at, HEADER_AT_MOST);
            if name == at || self.byte(name) != b':' {
                return None;
            }
            let rest = self.slice(name, name + HEADER_AT_MOST);
            let length = rest.iter().position(|b| matches!(b, b'\r' | b'\n' | b'\\'))?;
            self.looked(at, name + length);
            at = self.line_end(name + length)?;
        }
        self.line_end(at)
    }

    /// The next line's start if the line ends at `at`, raw or escaped.
    fn line_end(&self, at: usize) -> Option<usize> {
        [&b"\r\n"[..], b"\n", b"\\r\\n", b"\\n", b"\\\\r\\\\n", b"\\\\n"]
            .iter()
            .find(|line| self.slice(at, at + line.len()) == **line)
            .map(|line| at + line.len())
    }
}
