//! Inside a list or an object under a sensitive name: its brackets, and its strings, which go.

use super::MARK;
use super::benign;
use super::charset;
use super::keys;
use super::names::Rule;
use super::scan::Scanner;
use super::value;
use super::words::is_one_of;

/// How far a list or object under a sensitive name reaches at most, should its end be missing.
const INSIDE_AT_MOST: usize = 16 * 1024;

impl Scanner<'_> {
    pub fn open(&mut self, b: u8) {
        if self.slice(self.at, self.at + MARK.len()) == MARK.as_bytes() {
            self.resume(self.at + MARK.len());
            return;
        }
        if self.inside > 0 {
            self.inside += 1;
            if self.at - self.inside_from > INSIDE_AT_MOST {
                self.inside = 0;
            }
        }
        if b == b'{' {
            self.token_or_step();
        } else {
            self.at += 1;
        }
    }

    pub fn close(&mut self, b: u8) {
        self.inside = self.inside.saturating_sub(1);
        if b == b'}' {
            self.pair = keys::Level::Harmless;
        }
        self.at += 1;
    }

    /// Inside a list under a sensitive name a string that is no key goes.
    #[inline(never)]
    pub fn quote(&mut self) {
        let opens =
            !charset::is_alnum(self.before(self.at)) && self.at != self.done && self.at != self.label_end;
        let opened = if opens { value::opening(self.text, self.at) } else { None };
        let Some((quote, start)) = opened else {
            self.at += 1;
            return;
        };
        let (end, after) = self.closing(start, quote);
        let next = after + value::run_of(self.text, after, b' ');
        let is_key = self.byte(next) == b':' || self.slice(next, next + 2) == b"=>";
        let content = self.judged(start, end);
        let scheme = content.starts_with(b"Bearer ") || content.starts_with(b"Basic ");
        let scheme = scheme || is_one_of!(content, "authorization cookie set-cookie"); // the name as it was sent
        let piece = self.pieces && self.inside == 1 && benign::is_piece(content);
        let piece = piece || benign::is_label_text(content);
        if is_key
            || scheme
            || piece
            || end == after
            || value::says_nothing(content)
            || value::is_sentence(content)
        {
            (self.at, self.label_end) = (start, if end < after { end } else { self.label_end });
        } else if self.inside == 0 {
            if !self.owed(start, end, after) {
                self.at = start;
            }
        } else {
            self.take(start, end, after, Rule::KEY_VALUE);
        }
    }
}
