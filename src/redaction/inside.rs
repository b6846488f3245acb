//! Inside a list or an object under a sensitive name: its brackets, and its strings, which go.

use super::MARK;
use super::assign::HEAD_AT_MOST;
use super::benign;
use super::charset;
use super::keys;
use super::lists::{ends_as, is_one_of};
use super::names::Rule;
use super::scan::Scanner;
use super::separator::Separator;
use super::value;
use super::words::mentions;

/// How far a list or object under a sensitive name reaches at most, should its end be missing.
const INSIDE_AT_MOST: usize = 16 * 1024;

/// The longest name in a list of names.
const NAME_AT_MOST: usize = 24;

impl Scanner<'_> {
    pub fn open(&mut self, b: u8) {
        if self.slice(self.at, self.at + MARK.len()) == MARK.as_bytes() {
            self.resume(self.at + MARK.len());
            return;
        }
        if b == b'[' && (self.relay() || self.bound_list()) {
            return;
        }
        if self.inside > 0 {
            self.inside += 1;
            if self.is_out_of_reach(self.at) {
                self.inside = 0;
            }
        }
        if b == b'{' {
            let of_pair = self.pair != keys::Level::Harmless;
            self.pair_depth = if of_pair { self.pair_depth + 1 } else { 0 };
            self.token_or_step();
        } else {
            self.at += 1;
        }
    }

    /// Whether so much stands between where the list or object opened and here that its end is taken to be missing.
    fn is_out_of_reach(&self, at: usize) -> bool {
        at - self.inside_from > INSIDE_AT_MOST
    }

    pub fn close(&mut self, b: u8) {
        self.inside = self.inside.saturating_sub(1);
        match b {
            b'}' if self.pair_depth > 0 => self.pair_depth -= 1,
            b'}' => self.pair = keys::Level::Harmless,
            _ => {}
        }
        self.at += 1;
    }

    /// A list or an object that opens at `at` under a sensitive name that starts at `name`: reading goes on inside.
    pub fn opened(&mut self, sep: Separator, name: usize, at: usize) -> bool {
        if sep.arrow && !sep.quoted && self.before(name) != b':' {
            return false; // token => { … } is a function
        }
        if sep.spaced_colon && !sep.quoted && self.begins_record(at) {
            return self.pass(at, b"");
        }
        let listed = self.byte(at) == b'[' && value::opening(self.text, at + 1).is_some();
        if sep.spaced_colon
            && !sep.quoted
            && !listed
            && self.words[0].1 + 1 == name
            && self.before(name) == b' '
        {
            return false; // a sentence's `… for token: {…}`: what is in it speaks for itself
        }
        let named = charset::WORD.run_within(self.text, name, 48);
        // WebAuthn's `credential: {"type":"public-key", …}` says how somebody signs in.
        self.looked(at, at + HEAD_AT_MOST);
        if mentions(self.slice(at, at + HEAD_AT_MOST), &[b"public-key"]) {
            return self.pass(at, b"");
        }
        let tokens = is_one_of!(self.slice(name, named), "tokens");
        if tokens && self.lists_nodes(at) {
            return self.pass(at, b"");
        }
        // `"cookies":["theme","locale"]`
        if ends_as!(self.slice(name, named), "cookies") {
            let blank = self.slice(at + 1, at + 16).iter().take_while(|b| b.is_ascii_whitespace()).count();
            let (from, to, _) = self.argument_at(at + 1 + blank, HEAD_AT_MOST);
            let name = self.slice(from, to);
            if from > at + 1 + blank
                && self.byte(at) == b'['
                && name.iter().all(|&b| b.is_ascii_alphabetic() || b"-_.".contains(&b))
            {
                return self.pass(at, b"");
            }
        }
        if self.byte(at) == b'[' && charset::is_alnum(self.byte(at + 1)) && self.listed_behind(at + 1) {
            return true;
        }
        if self.inside == 0 {
            (self.inside, self.inside_from) = (1, at);
            self.pieces = self.byte(at) == b'['
                && (tokens || ends_as!(self.slice(name, named), "tokenkeys token_keys"));
            self.at = at + 1;
            return true;
        }
        // Where the reach ends, one that opens under a name of its own has its own. Were its strings left, the text read again
        // would differ: a marker is as long as it is, so the reach would end elsewhere, and these be taken.
        if self.is_out_of_reach(at) {
            self.inside_from = at;
        }
        false
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
        let content = self.judged(start, end);
        let is_key = || {
            self.byte(next) == b':'
                || self.slice(next, next + 2) == b"=>"
                || self.names_second(self.at, content, after)
        };
        let scheme = || {
            content.starts_with(b"Bearer ")
                || content.starts_with(b"Basic ")
                || is_one_of!(content, "authorization cookie set-cookie") // the name as it was sent
        };
        // `SECRET_KEYS = ['password', 'apiKey']`: a list of names
        let named = || {
            content.len() <= NAME_AT_MOST
                && content.iter().all(|b| b.is_ascii_alphabetic() || *b == b'_')
                && keys::level(content) == keys::Level::Always
        };
        let piece =
            || self.pieces && self.inside == 1 && benign::is_piece(content) || benign::is_label_text(content);
        if content.starts_with(MARK.as_bytes())
            || end == after
            || is_key()
            || scheme()
            || piece()
            || named()
            || value::says_nothing(content)
            || value::is_sentence(content)
        {
            (self.at, self.label_end) = (start, if end < after { end } else { self.label_end });
        } else if self.inside == 0 {
            if !self.bound_here(self.at, start, end, after) && !self.owed(start, end, after) {
                self.at = start;
            }
        } else {
            self.take(start, end, after, Rule::KEY_VALUE);
        }
    }
}
