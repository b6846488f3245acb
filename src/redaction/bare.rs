//! A bare value behind a secret's name: taken, unless something else stands in the secret's place ([`super::instead`]).

use super::charset::{self, TOKEN_DOT};
use super::keys::Level;
use super::lists::{ends_as, is_one_of};
use super::names::Rule;
use super::scan::Scanner;
use super::separator::Separator;
use super::statement;
use super::value;
use super::words::Beginnings;

/// A password that is told by its letters and the digits behind them has so many of each.
const TOLD_LETTERS: usize = 4;
const TOLD_DIGITS: usize = 2;

/// So much of a name is looked at.
const NAME_AT_MOST: usize = 64;

/// A value without quotation marks, and the name it stands under.
#[derive(Clone, Copy)]
pub struct Bare<'t> {
    pub sep: Separator,
    /// How much the name says.
    pub level: Level,
    /// Where the name starts.
    pub name: usize,
    /// The name, as far as letters, digits, dashes and full stops go.
    pub own: &'t [u8],
    /// Where the value starts.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// As much of it as tells what it says.
    pub content: &'t [u8],
    /// It is of digits, full stops and dashes alone.
    pub number: bool,
    /// The name is a flag's.
    pub flag: bool,
}

impl Scanner<'_> {
    /// Takes the bare value of a name that starts at `name`, or leaves it.
    #[inline(never)]
    pub fn bare_value(
        &mut self,
        sep: Separator,
        level: Level,
        name: usize,
        start: usize,
        end: usize,
    ) -> bool {
        if let Some(end) = self.phrase_value(sep, name, start, end) {
            self.take(start, end, end, Rule::KEY_VALUE);
            return true;
        }
        // `;jsessionid=…?id=380`: the address's query
        let query = || self.slice(start, end).iter().take(128).position(|&b| b == b'?');
        let of_path = self.before(name) == b';' && self.is_at(name, b"jsessionid=");
        let end = if of_path { query().map_or(end, |length| start + length) } else { end };
        let content = self.judged(start, end);
        if sep.arrow
            && !sep.quoted
            && self.before(name) != b':'
            && !value::looks_generated(content, 8)
            && !self.is_told_by_arrow(name, sep, content)
        {
            return false;
        }
        if level == Level::Always
            && let Some(end) =
                statement::mnemonic(self.text, start).or_else(|| self.words_of_phrase(sep, name, start))
        {
            self.looked(start, end);
            self.take(start, end, end, Rule::KEY_VALUE);
            return true;
        }
        self.owes(content.rsplit(|&b| b == b'(').next().unwrap_or_default()); // `crypt($2, …)`
        let own = self.slice(name, charset::TOKEN_DOT.run_within(self.text, name, NAME_AT_MOST));
        let number = content.iter().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-'));
        let flag = self.before(name) == b'-';
        let bare = Bare { sep, level, name, own, start, end, content, number, flag };
        if self.stands_instead(&bare) {
            return self.redis_value(&bare) || self.fallback(&bare) || self.pass(start, content);
        }
        self.take_bare(&bare)
    }

    /// `password => herbst21` where a text begins or behind another pair, and `otp_code=>640917`. Elsewhere an arrow is a
    /// function's, or says where something went: `case Token => State12`, `renamed: token => token2`.
    fn is_told_by_arrow(&self, name: usize, sep: Separator, content: &[u8]) -> bool {
        let own = self.slice(name, TOKEN_DOT.run_within(self.text, name, NAME_AT_MOST));
        let digits = content.iter().rev().take_while(|b| b.is_ascii_digit()).count();
        let letters = content.get(..content.len() - digits).unwrap_or_default();
        if letters.is_empty() {
            return digits == 6 && sep.unspaced && ends_as!(own, "otp otp_code otpcode totp");
        }
        let (from, to) = self.words[0];
        let pair = to > from
            && matches!(self.slice(to, name), b" " | b", ")
            && (self.before(from) == b'=' || self.is_at(from.saturating_sub(3), b"=> "));
        (pair || matches!(self.before(name), 0 | b'"'))
            && ends_as!(own, "password passwd pwd passphrase")
            && letters.len() >= TOLD_LETTERS
            && letters.iter().all(u8::is_ascii_lowercase)
            && digits >= TOLD_DIGITS
    }

    /// Takes it, and what stands behind it in the same statement.
    fn take_bare(&mut self, bare: &Bare<'_>) -> bool {
        let &Bare { start, end, own, content, .. } = bare;
        // `credentials: ada / hunter2`: the user's name stays.
        let both = self.is_at(end, b" / ");
        let user = both && !value::is_told(content) && is_one_of!(own, "credentials creds");
        if user && self.is_at(end + 3, super::MARK.as_bytes()) {
            return self.pass(end + 3, super::MARK.as_bytes());
        }
        if user && self.chosen(end + 3) {
            return true;
        }
        self.take_named(start, end, end, Rule::KEY_VALUE);
        let _ = both && self.chosen(end + 3);
        self.list_goes_on(end, end - start);
        true
    }

    /// `SET otp:16063 482913`, `SETEX otp:16063 300 482913`: what is kept under a key of Redis
    fn redis_value(&mut self, key: &Bare<'_>) -> bool {
        const SETS: &str = "set setex psetex setnx getset";
        let end = key.end;
        if !is_one_of!(self.nth_word(0), SETS) || !self.is_redis_key(key) || self.byte(end) != b' ' {
            return false;
        }
        let timed = is_one_of!(self.nth_word(0), "setex psetex");
        let seconds = charset::DIGITS.run_within(self.text, end + 1, 12);
        let at = if timed && self.byte(seconds) == b' ' { seconds + 1 } else { end + 1 };
        let (from, to, after) = self.argument_at(at, 512);
        if from == to || value::says_nothing(self.judged(from, to)) {
            return false;
        }
        self.take(from, to, after, Rule::KEY_VALUE);
        true
    }

    /// `process.env.DB_PASSWORD || '…'`: what stands for a secret that is not set
    fn fallback(&mut self, code: &Bare<'_>) -> bool {
        let end = code.end;
        let sign = self.one_at(end, const { &Beginnings::of(&[" || ", " ?? ", " or "]) });
        let Some(at) = sign.map(|sign| end + sign.len()).filter(|_| value::is_code(code.content)) else {
            return false;
        };
        matches!(self.byte(at), b'"' | b'\'') && self.quoted_argument(at)
    }
}
