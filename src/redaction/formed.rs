//! What a name that says little holds, told by its form: `mfa: "123456"`, `cc_csc: 671`, `pk: "0x…"`; and a secret behind its id.

use super::charset;
use super::keys::Level;
use super::lists::{ends_as, is_one_of};
use super::names::Rule;
use super::scan::Scanner;
use super::separator::Separator;
use super::value;
use super::words::Beginnings;

/// The longest value of a page's field.
const FIELD_AT_MOST: usize = 128;

/// What a second factor is called, and its code.
pub const FACTORS: &str = "mfa 2fa two_factor twofactor";

/// What a card's check value is called that is called so by nothing else.
pub const CHECK_VALUES: &str = "csc cc_csc cc-csc cccsc card_csc cardcsc";

/// The shortest token that `refresh` alone names.
const REFRESH_AT_LEAST: usize = 32;

/// Ids behind which their secret is written: how they begin, how long they are, and their secret's bytes and length. Google
/// Cloud's HMAC keys, Razorpay's and LiveKit's, as they are seen; no source that states them was looked up.
const ISSUED: [(&str, usize, charset::Charset, usize); 4] = [
    ("GOOG1", 61, charset::BASE64, 40),
    ("rzp_live_", 23, charset::ALNUM, 24),
    ("rzp_test_", 23, charset::ALNUM, 24),
    ("API", 15, charset::ALNUM, 43),
];

impl Scanner<'_> {
    /// `GOOG1… / …`, `rzp_live_…:…`: the secret behind its id.
    pub fn secret_of_id(&mut self, start: usize, end: usize) -> Option<(usize, usize, Rule)> {
        let fits = |issued: &&(&str, usize, _, _)| {
            issued.1 == end - start && self.slice(start, end).starts_with(issued.0.as_bytes())
        };
        let &(_, _, bytes, length) = ISSUED.iter().find(fits)?;
        let from = end + self.one_at(end, const { &Beginnings::of(&[" / ", ": ", ":", "/", " "]) })?.len();
        let to = bytes.run_within(self.text, from, length + 2);
        self.looked(end, to);
        let fits =
            (to == from + length || to == from + length + 1) && charset::is_mixed(self.slice(from, to));
        fits.then_some((from, to, Rule::KEY_VALUE))
    }

    /// Takes a value of at most so many bytes if it has this form.
    fn take_formed(&mut self, sep: Separator, most: usize, rule: Rule, fits: impl Fn(&[u8]) -> bool) -> bool {
        let (start, end, after) = self.argument_at(sep.value, most);
        // `mfa: 100200 users`: without marks it says how many there are of what stands behind it
        let counted = after == end && self.byte(end) == b' ' && self.byte(end + 1).is_ascii_lowercase();
        let fits = fits(self.slice(start, end)) && !counted;
        if fits {
            self.take(start, end, after, rule);
        }
        fits
    }

    /// `"mfa":"123456"`
    pub fn six_digits(&mut self, sep: Separator) -> bool {
        self.take_formed(sep, 16, Rule::ONE_TIME_CODE, is_six_digits)
    }

    /// `cc_csc=823`: a card's check value
    pub fn check_digits(&mut self, sep: Separator) -> bool {
        self.take_formed(sep, 16, Rule::CARD, is_check_value)
    }

    /// `input#password[value="…"]`: a field of a page, as CSS selects it
    pub fn selected_value(&mut self, start: usize, sep: Separator) -> bool {
        let (from, to) = self.words[0];
        if to == 0 || to + 1 != start || self.before(start) != b'[' {
            return false;
        }
        if ends_as!(self.slice(from, to), "csc cvc cvv") {
            return self.check_digits(sep);
        }
        let (open, end, after) = self.argument_at(sep.value, FIELD_AT_MOST);
        let fits = self.alone(from, to) == Level::Always
            && after > end
            && open > sep.value
            && value::is_told(self.slice(open, end));
        if fits {
            self.take(open, end, after, Rule::KEY_VALUE);
        }
        fits
    }

    /// A wallet's `pk: 0x…`, 32 bytes: of a public key there are 33 or 64.
    pub fn curve_scalar(&mut self, sep: Separator) -> bool {
        let (start, end, after) = self.argument_at(sep.value, 80);
        let fits = is_scalar(self.slice(start, end));
        if fits {
            self.take(start, end, after, Rule::PRIVATE_KEY);
        }
        fits
    }
}

/// Whether a value is one of the keys of an Azure account: 84 letters and digits, or 64 bytes in base64. Shorter ones are hashes
/// of a cache's keys as well.
pub fn is_account_key(value: &[u8]) -> bool {
    (40..=92).contains(&value.len())
        && charset::is_mixed(value)
        && value.iter().any(u8::is_ascii_lowercase)
        && value.iter().any(u8::is_ascii_uppercase)
        && value.iter().all(|&b| charset::BASE64.has(b))
}

/// `123456`
fn is_six_digits(value: &[u8]) -> bool {
    value.len() == 6 && value.iter().all(u8::is_ascii_digit)
}

/// Whether it may be a card's check value.
fn is_check_value(value: &[u8]) -> bool {
    matches!(value.len(), 3 | 4) && value.iter().all(u8::is_ascii_digit)
}

/// `0x…`: 32 bytes in hexadecimal digits
fn is_scalar(value: &[u8]) -> bool {
    value.len() == 66 && value.starts_with(b"0x") && value.iter().skip(2).all(u8::is_ascii_hexdigit)
}

/// Whether a value under `refresh` is a token though no `access` stands beside it: longer than a hash of a file is in base64.
pub fn is_refresh_token(value: &[u8]) -> bool {
    value.len() >= REFRESH_AT_LEAST
        && value.iter().any(u8::is_ascii_uppercase)
        && value.iter().any(u8::is_ascii_lowercase)
        && value.iter().any(u8::is_ascii_digit)
        && value.iter().all(|&b| charset::TOKEN.has(b))
        && value::looks_generated(value, REFRESH_AT_LEAST)
}

/// Whether what a name that says little holds is a secret by its form too: `mfa: "123456"`, `csc: 123`, `pk: "0x…"`,
/// `refresh: "…"`.
pub fn is_told_by_form(name: &[u8], value: &[u8]) -> bool {
    is_one_of!(name, CHECK_VALUES) && is_check_value(value)
        || is_one_of!(name, FACTORS) && is_six_digits(value)
        || name == b"pk" && is_scalar(value)
        || name == b"refresh" && is_refresh_token(value)
}
