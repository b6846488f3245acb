//! What a check says it was given: `invalid csrf token — got '…'`, `… (got: …)`, `received "…"`, `tried '…'`, and React's
//! ``Invalid prop `apiSecret` …, value "…"``.

use super::lists::is_one_of;
use super::names::Rule;
use super::scan::Scanner;
use super::value;

/// The longest secret that a check quotes.
const GIVEN_AT_MOST: usize = 512;

/// The shortest secret that nothing but such a word leads to: of letters of both cases and digits, and of small letters and
/// digits. A pod's name is shorter, and so is a short hash.
const MIXED_AT_LEAST: usize = 24;
const SMALL_AT_LEAST: usize = 40;

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
        let named = self.byte(end) == b':' && is_one_of!(word, "tried");
        if !(quoted || bracketed || named) {
            return false;
        }
        let content = self.judged(from, to);
        // `bad creds tried: …`
        let listed = self.byte(end) == b':' && is_one_of!(self.nth_word(0), "creds credentials passwords");
        let spoken = self.line.password && is_one_of!(word, "got tried") || listed;
        let tried = self.line.login && quoted && is_one_of!(word, "tried") && !content.contains(&b'-');
        let mixed = content.iter().any(u8::is_ascii_uppercase)
            && content.iter().any(u8::is_ascii_lowercase)
            && content.iter().any(u8::is_ascii_digit);
        let least = if mixed { MIXED_AT_LEAST } else { SMALL_AT_LEAST };
        // `got "my-app-7d9f8b6c5d-x2x4z"`: what a cluster calls its objects
        let small = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-';
        let object = content.contains(&b'-') && content.iter().all(small);
        // `got "refs/heads/…"`: base64 has capitals
        let path = content.contains(&b'/') && !content.iter().any(u8::is_ascii_uppercase);
        let secret = self.line.secret && !path && value::looks_generated(content, least)
            || (spoken || tried) && !object && value::is_told(content);
        let typed = content.ends_with(b"Array"); // `got "Uint8Array"`
        if !secret
            || typed
            || to - from > GIVEN_AT_MOST
            || value::names_kind(content)
            || self.says_other(content)
        {
            return false;
        }
        self.take(from, to, after, Rule::KEY_VALUE);
        true
    }
}
