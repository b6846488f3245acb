//! What says nothing elsewhere, and is a value behind a name in quotation marks and under a context's key.

use super::MARK;
use super::keys;
use super::lists::{ends_as, is_one_of};
use super::masks;
use super::phrase::PASSWORDS;
use super::says;
use super::scan::Scanner;
use super::separator::Separator;

/// The names whose values go whatever they are.
const OWN: &str = "access_token client_secret refresh_token token password secret api_key api-key apikey";

/// How long and how mixed a password of marks alone is: `!!!` and `--------` are none.
const MARKS_AT_LEAST: usize = 6;
const KINDS_AT_LEAST: usize = 4;

/// How much of a password a mask may leave to see; of a token, whose ends are often shown, it may be more.
const SHOWN_AT_MOST: usize = 8;

/// Whether a value that would say nothing is one under this name.
pub fn is_value_under(name: &[u8], value: &[u8]) -> bool {
    let own = is_one_of!(name, OWN);
    let value = value.trim_ascii();
    let chosen = || ends_as!(name, PASSWORDS) || is_one_of!(name, "secret client_secret");
    is_behind_mark(value)
        || masks::shown(value).is_some_and(|count| count > SHOWN_AT_MOST) && chosen()
        || own && says::is_plain_word(value) && !is_title(name, value)
        || (own || ends_as!(name, PASSWORDS)) && (is_dollar_word(value) || is_of_marks(value))
}

/// The longest string in marks that are written twice.
const DOUBLED_AT_MOST: usize = 200;

impl Scanner<'_> {
    /// `'{''login'': ''root'', ''secret'': ''…''}'`: marks written twice within a string, around the name and around its
    /// value, which this is about.
    #[inline]
    pub fn doubled_marks(&mut self, at: usize) -> Option<(usize, usize)> {
        if self.slice(at, at + 2) != b"''" || !self.slice(at.saturating_sub(4), at).starts_with(b"''") {
            return None;
        }
        let rest = self.slice(at + 2, at + 2 + DOUBLED_AT_MOST);
        let ends = |two: &[u8]| two == b"''" || two.contains(&b'\n');
        let length = rest.windows(2).position(ends).unwrap_or(rest.len());
        self.looked(at, at + 2 + length);
        (length > 0 && self.slice(at + 2 + length, at + 4 + length) == b"''")
            .then_some((at + 2, at + 2 + length))
    }

    /// The same of a name in a text, where JSON's notation says that a value stands behind it.
    pub fn is_owned(&self, sep: Separator, start: usize, name: &[u8], value: &[u8]) -> bool {
        sep.quoted && sep.colon && self.before(start) == b'"' && is_value_under(name, value)
    }
}

/// `[REDACTED]hunter2`: whether a word goes on behind what was taken out.
pub fn is_behind_mark(value: &[u8]) -> bool {
    let rest = value.strip_prefix(MARK.as_bytes()).unwrap_or_default();
    rest.len() >= 4 && rest.iter().all(u8::is_ascii_alphanumeric)
}

/// `"password":"Password"`: the label of its field
fn is_title(name: &[u8], value: &[u8]) -> bool {
    value.first().is_some_and(u8::is_ascii_uppercase)
        && !value.iter().skip(1).any(u8::is_ascii_uppercase)
        && value.eq_ignore_ascii_case(name)
}

/// `$ecret`: a word that is no variable's name, as `$password`, `$DB_PASS` and `$value` are
fn is_dollar_word(value: &[u8]) -> bool {
    let Some(word) = value.strip_prefix(b"$") else { return false };
    word.len() > 2
        && word.iter().all(|b| b.is_ascii_alphabetic() || *b == b'_')
        && word.iter().any(u8::is_ascii_lowercase)
        && keys::level(word) == keys::Level::Harmless
        && !says::is_known_word(word)
}

/// `!@#$%^&*`
fn is_of_marks(value: &[u8]) -> bool {
    let kinds = value.iter().filter(|b| b.is_ascii_punctuation()).fold(0u128, |kinds, &b| kinds | 1 << b);
    value.len() >= MARKS_AT_LEAST
        && value.iter().all(u8::is_ascii_punctuation)
        && kinds.count_ones() as usize >= KINDS_AT_LEAST
}

#[cfg(test)]
mod tests {
    use super::is_value_under;

    #[test]
    fn a_plain_word_is_a_value_under_the_names_whose_values_go_whatever_they_are() {
        for (name, value, is) in [
            ("password", "secret", true),
            ("Password", "password", true),
            ("token", "default", true),
            ("password", "$ecret", true),
            ("dbPassword", "$hunter", true),
            ("password", "!@#$%^&*", true),
            ("password", "[REDACTED]hunter2", true),
            ("password", "My***Secret9", true),
            ("password", "hunter2***", false),
            ("password", "Verifying...", false),
            ("token", "abc123...wxyz", false),
            ("dbPassword", "secret", false),
            ("password", "Password", false),
            ("password", "required", false),
            ("password", "null", false),
            ("password", "$db_pass", false),
            ("password", "$PASSWD", false),
            ("password", "$value", false),
            ("password", "--------", false),
            ("password", "!!!", false),
            ("password", "[REDACTED]", false),
        ] {
            assert_eq!(is_value_under(name.as_bytes(), value.as_bytes()), is, "{name}: {value}");
        }
    }
}
