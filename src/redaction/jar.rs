//! Cookies that a sentence lists: `cookie jar: sid=…, theme=dark`. A header's have a grammar of their own.

use super::charset::{self, TOKEN_DOT};
use super::keys;
use super::lists::{ends_as, is_one_of};
use super::names::Rule;
use super::scan::Scanner;
use super::separator::Separator;
use super::value;

/// How many cookies are listed at most, and how long each one's name is.
const COOKIES_AT_MOST: usize = 32;
const NAME_AT_MOST: usize = 96;

/// The shortest value that is taken for somebody's session.
const SESSION_AT_LEAST: usize = 12;

/// What follows cookies on a line and is none, though it looks generated.
const OTHERS: &str = "trace traceid trace_id span span_id spanid request request_id requestid commit sha etag hash digest checksum";

impl Scanner<'_> {
    /// `Added cookie sid="…" for domain x.io`: one that a sentence names.
    pub fn named_cookie(&mut self, start: usize, sep: Separator) -> bool {
        let (_, to) = self.words[0];
        if sep.colon || sep.arrow || sep.listed || to + 1 != start || !is_one_of!(self.nth_word(0), "cookie")
        {
            return false;
        }
        let (from, to, after) = self.argument_at(sep.value, usize::MAX);
        let content = self.judged(from, to);
        let name = self.slice(start, sep.value);
        let name = name.get(..name.iter().take_while(|b| charset::WORD.has(**b)).count()).unwrap_or_default();
        let session = value::looks_generated(content, SESSION_AT_LEAST)
            && !value::says_nothing(content)
            && !content.contains(&b'/')
            && !is_one_of!(name, OTHERS)
            && !ends_as!(name, "_id path url");
        if session {
            self.take(from, to, after, Rule::COOKIE);
        }
        session
    }

    /// `cookie jar: …`, `cookies sent to x.io: …`: the values in the list that look generated.
    pub fn cookie_jar(&mut self, sep: Separator) -> bool {
        let spoken = (0..3).any(|nth| is_one_of!(self.nth_word(nth), "cookie cookies set-cookie"));
        if !sep.spaced_colon || sep.quoted || sep.listed || !spoken {
            return false;
        }
        let (mut at, mut taken) = (sep.value, false);
        for _ in 0..COOKIES_AT_MOST {
            let name = TOKEN_DOT.run_within(self.text, at, NAME_AT_MOST);
            if name == at || self.byte(name) != b'=' {
                break;
            }
            let from = name + 1;
            let to = charset::CREDENTIAL.run_within(self.text, from, 4096);
            self.looked(at, to);
            let (named, content) = (self.slice(at, name), self.slice(from, to));
            let told = keys::level(named) == keys::Level::Always && !value::says_nothing(content);
            let session = value::looks_generated(content, SESSION_AT_LEAST) && !is_one_of!(named, OTHERS);
            if told || session {
                self.take(from, to, to, Rule::COOKIE);
                taken = true;
            }
            let gap = self.slice(to, to + 3).iter().take_while(|b| b" ,;".contains(b)).count();
            if gap == 0 {
                break;
            }
            at = to + gap;
        }
        taken
    }
}
