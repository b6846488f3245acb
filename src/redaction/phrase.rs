//! Secrets in sentences and commands: `your code is 123456`, `password is …`, `--password …`, `curl -u user:…`,
//! `IDENTIFIED BY '…'`.

use super::benign;
use super::lists::{List, is_one_of, list};
use super::names::Rule;
use super::scan::Scanner;
use super::value;

/// How the names of passwords end.
pub const PASSWORDS: &str = "password passphrase passwd pwd passcode pass pw passordet passwort kennwort passe senha clave wachtwoord adgangskode passord \
    pre-shared-key";

/// What SQL says before a password.
const IDENTIFIED: &str = "identified mysql_native_password caching_sha2_password sha256_password";

impl Scanner<'_> {
    /// The word so many words before the one that is read; empty when there is none.
    pub fn nth_word(&self, nth: usize) -> &[u8] {
        let (start, end) = self.words.get(nth).copied().unwrap_or((0, 0));
        self.slice(start, end)
    }

    /// What a word means for the words behind it. Nothing stands between it and a value but space.
    #[inline(never)]
    pub fn phrase(&mut self, start: usize, end: usize) -> bool {
        let length = end - start;
        let flag =
            self.before(start) == b'-' && matches!(self.before(start - 1), b'-' | b' ' | b'"' | b'\'' | 0);
        if flag && self.flag(start, end) {
            return true;
        }
        if self.byte(start).is_ascii_digit() {
            if length <= 3 && self.is_at(start, b"7z") && self.before(start) != b'.' {
                return self.command(start, end);
            }
            return self.one_time_code(start, end) || self.lettered_code(start, end);
        }
        if !(2..=40).contains(&length) {
            return false;
        }
        if self.is_at(start, b"G-") {
            return self.one_time_code(start + 2, end);
        }
        let stated = match self.byte(start) {
            b'A' | b'a' | b'P' | b'L' | b'V' | b'v' => matches!(length, 4..=6 | 12),
            b'I' => length == 8,
            b'm' => length == 10,
            b'r' => length == 11,
            b'S' | b's' => length == 7,
            _ => false,
        };
        if stated && !self.in_row && self.statement(start, end) {
            return true;
        }
        let telling = match self.byte(start) | 0x20 {
            b'b' => matches!(length, 2 | 3 | 5 | 6),
            b'i' => matches!(length, 2 | 4 | 8),
            b'a' => length == 2,
            b'z' => length == 3,
            b'u' => length == 5,
            b'c' => matches!(length, 4 | 7),
            b'w' => length == 4,
            b't' => matches!(length, 2 | 4 | 5),
            b'm' => matches!(length, 5..=13),
            b's' => matches!(length, 5..=10),
            b'l' => matches!(length, 5 | 7 | 10..=13),
            b'o' => matches!(length, 3 | 7),
            b'r' => matches!(length, 3 | 8 | 9),
            b'p' => matches!(length, 3 | 8),
            _ => false,
        };
        if !self.line.one_time && self.names_code(start, end) {
            self.line.one_time = true;
        }
        if self.byte(end - 1).is_ascii_digit() | self.byte(end - 1).is_ascii_uppercase()
            && self.lettered_code(start, end)
        {
            return true;
        }
        if length == 8 && self.is_at(start, b"chpasswd") && (self.piped(start) || self.fed(end)) {
            return true;
        }
        if matches!(length, 3 | 6..=8) && self.kept(start, end) {
            return true;
        }
        if !telling {
            return self.argument(start, end);
        }
        let word = self.slice(start, end);
        match word.first().map(u8::to_ascii_lowercase) {
            Some(b'b') if is_one_of!(word, "bearer basic") => self.scheme_phrase(start, end),
            Some(b'b') if length == 2 => {
                is_one_of!(word, "by")
                    && self.words_mention(list!(IDENTIFIED))
                    && (self.quoted_argument(end)
                        || is_one_of!(self.nth_word(0), "identified") && self.identified(start, end))
            }
            // `IDENTIFIED WITH mysql_native_password AS '*…'`
            Some(b'a') if is_one_of!(word, "as") => {
                self.told_before(start, end)
                    || self.words_mention(list!(IDENTIFIED)) && self.quoted_argument(end)
            }
            Some(b'i') if is_one_of!(word, "identify") => {
                is_one_of!(self.nth_word(0), "nickserv") && self.last_word(end)
            }
            Some(b'i') if length == 2 && is_one_of!(word, "is") => {
                self.seed_behind(end)
                    || self.said_to_be(start, end)
                    || self.predicate(end + usize::from(self.byte(end) == b':'), 0)
            }
            // `password was set to …`
            Some(b't')
                if length == 2
                    && is_one_of!(word, "to")
                    && is_one_of!(self.nth_word(0), "set changed updated reset") =>
            {
                let auxiliary = is_one_of!(self.nth_word(1), "was been is");
                self.predicate(end, if auxiliary { 2 } else { 1 })
            }
            Some(b'l' | b'm')
                if is_one_of!(word, "login machine")
                    && !is_one_of!(self.nth_word(0), "docker podman az oc helm") =>
            {
                self.line.account = true;
                self.netrc |= is_one_of!(word, "machine") && self.words[0].1 == 0;
                false
            }
            Some(b'l')
                if is_one_of!(word, "login")
                    && is_one_of!(self.nth_word(0), "docker podman az oc helm registry") =>
            {
                self.line.password_flag = b'p';
                false
            }
            Some(b'o' | b'c' | b'p' | b't') if self.speaks_of_one_time(start, end) => {
                self.line.one_time = true;
                self.argument(start, end)
            }
            _ => self.command(start, end) || self.argument(start, end),
        }
    }

    pub fn words_mention(&self, list: &List) -> bool {
        (0..3).any(|nth| list.has(self.nth_word(nth)))
    }

    /// A string behind a word, with or without a bracket.
    pub fn quoted_argument(&mut self, end: usize) -> bool {
        let at = end + value::run_of(self.text, end, b' ');
        let at = at + usize::from(self.byte(at) == b'(');
        let Some((quote, start)) = value::opening(self.text, at) else { return false };
        let (to, after) = self.closing(start, quote);
        let content = self.judged(start, to);
        if to == after
            || self.before(at) == b':' // psql's `:'variable'`
            || content.len() < 3
            || value::says_nothing(content)
            || value::is_sentence(content)
            || benign::is_prompt(content)
        {
            return false;
        }
        self.take(start, to, after, Rule::COMMAND_LINE);
        self.changed_to(after);
        true
    }
}
