//! What a check says it was given: `invalid csrf token — got '…'`, `… (got: …)`, `received "…"`, `tried '…'`, and React's
//! ``Invalid prop `apiSecret` …, value "…"``.

use super::lists::is_one_of;
use super::names::Rule;
use super::scan::Scanner;
use super::value;

/// The longest secret that a check quotes.
const GIVEN_AT_MOST: usize = 512;

/// The shortest secret that nothing but such a word leads to.
const GENERATED_AT_LEAST: usize = 16;

impl Scanner<'_> {
    /// Behind a word that says what was given, on a line that spoke of a secret or of a login.
    #[inline(never)]
    pub fn echoed(&mut self, start: usize, end: usize) -> bool {
        let word = self.slice(start, end);
        if !is_one_of!(word, "got received tried given provided entered value actual") {
            return false;
        }
        let at = match self.byte(end) {
            b' ' => end + 1,
            b':' if self.byte(end + 1) == b' ' => end + 2,
            _ => return false,
        };
        let (from, to, after) = self.argument_at(at, usize::MAX);
        let quoted = from > at && after > to;
        let bracketed = self.before(start) == b'(' && matches!(self.byte(to), b')' | b',');
        if !quoted && !bracketed {
            return false;
        }
        let content = self.judged(from, to);
        let spoken = self.line.password && (bracketed || is_one_of!(word, "got received tried entered"));
        let tried = self.line.login && quoted && is_one_of!(word, "tried");
        // `got "refs/heads/…"`: base64 has capitals
        let path = content.contains(&b'/') && !content.iter().any(u8::is_ascii_uppercase);
        let secret = self.line.secret && !path && value::looks_generated(content, GENERATED_AT_LEAST)
            || (spoken || tried) && value::is_told(content);
        if !secret || to - from > GIVEN_AT_MOST || value::names_kind(content) || self.says_other(content) {
            return false;
        }
        self.take(from, to, after, Rule::KEY_VALUE);
        true
    }
}
