//! A password or a key in the sentence that says what is wrong with it, or what it is: ``password `…` is too short``,
//! `Passwort … ist falsch`, `… is not a valid password`, `login admin:… rejected`.

use super::charset;
use super::keys::Level;
use super::lists::{ends_as, is_one_of};
use super::names::Rule;
use super::phrase::PASSWORDS;
use super::scan::Scanner;
use super::value;
use super::words::Beginnings;

/// What is said behind a password, and a space, of what is wrong with it.
static SAID: Beginnings = Beginnings::of(&[
    "too ",
    "is too ",
    "was too ",
    "doesn't match",
    "does not match",
    "didn't match",
    "rejected",
    "was rejected",
    "refused",
    "not accepted",
    "is not ",
    "is invalid",
    "is incorrect",
    "is wrong",
    "was wrong",
    "ist falsch",
    "ist ungültig",
    "ist zu ",
    "war falsch",
    "falsch",
    "fehlgeschlagen",
    "abgelehnt",
    "est incorrect",
    "est invalide",
    "est trop ",
    "refusé",
    "incorrect",
    "es incorrect",
    "es inválid",
    "no es ",
    "está incorret",
    "é inválid",
    "incorret",
    "è errat",
    "errata",
    "non è ",
    "is onjuist",
    "onjuist",
]);

/// How far a password is followed.
const SECRET_AT_MOST: usize = 80;

/// The longest word of what a secret is said to be.
const WORD_AT_MOST: usize = 16;

/// Words between `is` and a secret's name.
const KINDS: &str = "not the a an your my his her our its their valid invalid correct right wrong new old weak good current default \
    initial temporary wifi root admin guest api access";

impl Scanner<'_> {
    /// A password behind its name, and what is wrong with it.
    #[inline(never)]
    pub fn faulted(&mut self, end: usize) -> bool {
        if self.byte(end) != b' ' {
            return false;
        }
        let (from, to, after) = self.argument_at(end + 1, SECRET_AT_MOST);
        let quoted = from > end + 1;
        // French leaves spaces within its marks.
        let blank = |b: &&u8| **b == b' ';
        let whole = self.judged(from, to);
        let (lead, trail) =
            (whole.iter().take_while(blank).count(), whole.iter().rev().take_while(blank).count());
        let (from, to) = if lead + trail < whole.len() { (from + lead, to - trail) } else { (from, to) };
        let content = self.slice(from, to);
        let said = if self.byte(after) == b' ' { self.one_at(after + 1, &SAID) } else { None };
        let matched = said.is_some_and(|said| said.contains("match") || said.ends_with("too "));
        let secret = match () {
            () if content.len() < 4 => false,
            () if quoted => said.is_some() && !content.contains(&b' ') || value::is_told(content),
            () => said.is_some() && told_word(content) || matched && value::is_joined(content),
        };
        // What it says otherwise is asked last: behind nearly every name stands a word of which nothing is said.
        if !secret || self.says_other(content) || value::is_known_word(content) {
            return false;
        }
        self.take(from, to, after, Rule::KEY_VALUE);
        for again in [" doesn't match confirmation ", " does not match confirmation "] {
            if self.is_at(after, again.as_bytes()) {
                self.told_here(after + again.len());
            }
        }
        true
    }

    /// `JWT_SECRET must be 32+ characters, got "…"`: what was there instead, in quotation marks
    pub fn required(&mut self, end: usize) -> bool {
        const LENGTHS: [&[u8]; 4] = [b"char", b"bytes", b" long", b"bits"];
        const GOT: [&[u8]; 4] = [b", got ", b", received ", b"but got ", b"(got "];
        if !self.is_at(end, b" must be ") && !self.is_at(end, b" should be ") {
            return false;
        }
        let said = self.slice(end, end + SECRET_AT_MOST);
        let Some(mark) = said.iter().position(|b| b"\"'`\n".contains(b)) else { return false };
        self.looked(end, end + mark);
        let said = said.get(..mark).unwrap_or_default();
        let length = LENGTHS.iter().any(|length| said.windows(length.len()).any(|part| part == *length));
        if !length || !GOT.iter().any(|got| said.ends_with(got)) {
            return false;
        }
        let (from, to, after) = self.argument_at(end + mark, SECRET_AT_MOST);
        let content = self.judged(from, to);
        let named = content.contains(&b' ') || content.ends_with(b"Array") || content.len() < 8;
        let secret = from > end + mark && value::is_told(content) && !named && !self.says_other(content);
        if secret {
            self.take(from, to, after, Rule::KEY_VALUE);
        }
        secret
    }

    /// `login refused for ada using …`: what is no browser's and no provider's name
    pub fn login_with(&mut self, end: usize) -> bool {
        self.byte(end) == b' ' && self.take_ahead(end + 1, is_spiced)
    }

    /// `… is not a valid password for …`, `… is the api key of …`: what stands before the word `is`.
    #[inline(never)]
    pub fn said_to_be(&mut self, start: usize, end: usize) -> bool {
        if self.byte(end) != b' ' || start < 2 || self.before(start) != b' ' {
            return false;
        }
        let (mut from, mut to, mut last, mut kinds) = (end + 1, end, end + 1, 0);
        for _ in 0..6 {
            to = charset::WORD.run_within(self.text, from, WORD_AT_MOST);
            if self.byte(to) != b' ' || !is_one_of!(self.slice(from, to), KINDS) {
                break;
            }
            (last, from, kinds) = (from, to + 1, kinds + 1);
        }
        self.looked(end, to);
        let next = charset::ALNUM.run_within(self.text, to + 1, WORD_AT_MOST);
        let ends = match self.byte(to) {
            b' ' => is_one_of!(self.slice(to + 1, next), "of for to on in at and from here now again"),
            b => matches!(b, 0 | b'\n' | b'.' | b',' | b'!' | b')' | b';' | b'"' | b'\''),
        };
        if kinds == 0 || to == from || !ends {
            return false;
        }
        let api = last < from && is_one_of!(self.slice(last, from - 1), "api access");
        let named = self.alone(if api { last } else { from }, to) == Level::Always;
        if !named {
            return false;
        }
        let password = ends_as!(self.slice(from, to), PASSWORDS);
        self.take_behind(start - 1, |content| {
            value::looks_generated(content, 16)
                || password && (told_word(content) || value::looks_generated(content, 8))
        })
    }

    /// Takes the word that ends here if it is a secret, with marks around it or not.
    pub fn take_behind(&mut self, stop: usize, secret: impl Fn(&[u8]) -> bool) -> bool {
        let back = self.slice(stop.saturating_sub(SECRET_AT_MOST).max(self.done), stop);
        let length = back.iter().rev().take_while(|b| b.is_ascii_graphic()).count();
        self.looked(stop - length, stop);
        let word = self.slice(stop - length, stop);
        let mark = usize::from(
            length > 2 && matches!(word.first(), Some(b'"' | b'\'' | b'`')) && word.first() == word.last(),
        );
        let (start, stop) = (stop - length + mark, stop - mark);
        let content = self.slice(start, stop);
        if length == SECRET_AT_MOST || !secret(content) || self.says_other(content) {
            return false;
        }
        let resume = self.at;
        self.take(start, stop, stop, Rule::KEY_VALUE);
        self.at = self.at.max(resume);
        true
    }

    /// `login with admin and …`: a user that there is everywhere, and its password
    pub fn default_login(&mut self, end: usize) -> bool {
        self.byte(end) == b' '
            && is_one_of!(self.nth_word(0), "admin administrator root sa guest user test default")
            && is_one_of!(self.nth_word(1), "with using")
            && self.told_here(end + 1)
    }

    /// `login admin:… rejected`: what stands behind the colon.
    pub fn turned_away(&mut self, start: usize) -> bool {
        let (from, to, _) = self.argument_at(start, SECRET_AT_MOST);
        let next = charset::ALNUM.run_within(self.text, to + 1, WORD_AT_MOST);
        let away = self.byte(to) == b' '
            && is_one_of!(self.slice(to + 1, next), "rejected failed denied refused invalid incorrect");
        let content = self.judged(from, to);
        let secret = from == start && away && value::is_told(content) && !self.says_other(content);
        if secret {
            self.take(from, to, to, Rule::KEY_VALUE);
        }
        secret
    }
}

/// `T00thpaste!`, `Walrus*Moon5`: a capital and, between letters, a mark, or digits in a letter's place and a mark at its end.
fn is_spiced(word: &[u8]) -> bool {
    let mark = |part: &[u8]| match part {
        [before, b'!' | b'*' | b'^', after] => {
            before.is_ascii_alphanumeric() && after.is_ascii_alphanumeric()
        }
        _ => false,
    };
    let digits = |part: &[u8]| match part {
        [before, digit, after] => {
            before.is_ascii_alphanumeric() && digit.is_ascii_digit() && after.is_ascii_lowercase()
        }
        _ => false,
    };
    value::is_told(word)
        && word.len() >= 8
        && word.iter().any(u8::is_ascii_uppercase)
        && (word.windows(3).any(mark) || word.ends_with(b"!") && word.windows(3).any(digits))
        && super::keys::level(word) == Level::Harmless
}

/// Whether a word has the shape of a password: a digit, a mark or a capital inside.
fn told_word(word: &[u8]) -> bool {
    value::is_told(word) || value::is_coined(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_logged_in_with_is_a_password_or_a_products_name() {
        for password in ["T00thpaste!", "Walrus*Moon5"] {
            assert!(is_spiced(password.as_bytes()), "{password}");
        }
        for other in [
            "Google",
            "OAuth2",
            "Pixel7pro",
            "Web3Auth",
            "SSO+MFA",
            "AuthException$Expired",
            "Apple%20ID",
            "X509cert",
            "Web3!",
        ] {
            assert!(!is_spiced(other.as_bytes()), "{other}");
        }
    }
}
