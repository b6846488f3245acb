//! A connection's address, percent-encoded: `postgresql%3A%2F%2Fada%3A…%40db.example.net%3A5432%2Fshop`.

use super::charset;
use super::names::Rule;
use super::scan::Scanner;
use super::value;

/// How far its user and password reach at most.
const USERINFO_AT_MOST: usize = 320;

impl Scanner<'_> {
    /// Takes the password of the address whose scheme ends here. A slash or a question mark before the sign ends what may be
    /// its user and password: one that is theirs is encoded twice.
    pub fn encoded_address(&mut self, at: usize) -> bool {
        if !self.is_at(at, b"%3A%2F%2F") || !charset::is_alnum(self.before(at)) {
            return false;
        }
        let start = at + 9;
        let (mut from, mut to, mut end) = (0, 0, start);
        while end < start + USERINFO_AT_MOST && charset::CREDENTIAL.has(self.byte(end)) {
            match self.slice(end, end + 3) {
                b"%3A" | b"%3a" if from == 0 => from = end + 3,
                b"%40" => to = end,
                b"%2F" | b"%2f" | b"%3F" | b"%3f" | b"%23" | b"%26" | b"%22" => break,
                _ => {}
            }
            end += 1;
        }
        self.looked(start, end);
        if from == 0 || to <= from || value::says_nothing(self.slice(from, to)) {
            return false;
        }
        self.take(from, to, to, Rule::URL_PASSWORD);
        true
    }
}
