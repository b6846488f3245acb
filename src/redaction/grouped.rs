//! Secrets in groups of four, as people read them: Google's password for an application, and an authenticator's secret, base32
//! as a page shows it to be typed (`setup key GSNI UC2T GXGP BGBB`), and behind what says that it is one
//! (`TOTP seed for ada is …`). RFC 4648 has its letters, and RFC 6238 is what it is for.

use super::lists::ends_as;
use super::names::Rule;
use super::phrase::PASSWORDS;
use super::scan::Scanner;

/// How many letters a group has, and how many groups a secret at least and at most.
const GROUP: usize = 4;
const GROUPS_AT_LEAST: usize = 4;
const GROUPS_AT_MOST: usize = 16;

/// The shortest secret without groups, and the longest.
const SECRET_AT_LEAST: usize = 16;
const SECRET_AT_MOST: usize = 64;

impl Scanner<'_> {
    /// `setup key: GSNI UC2T GXGP BGBB`, `mail.password: ynkp wqor tdla zuem`
    pub fn grouped(&mut self, name: &[u8], at: usize) -> bool {
        ends_as!(name, "key secret") && self.grouped_secret(at)
            || ends_as!(name, PASSWORDS) && self.app_password(at)
    }

    /// Google's password for one application, as its page shows it: four groups of four small letters, one of them at least
    /// without a vowel, as hardly any four words of a sentence.
    fn app_password(&mut self, start: usize) -> bool {
        let text = self.slice(start, start + 4 * (GROUP + 1));
        let end = start + 4 * (GROUP + 1) - 1;
        let mut groups = text.get(..end - start).unwrap_or_default().split(|&b| b == b' ');
        let letters = |group: &[u8]| group.len() == GROUP && group.iter().all(u8::is_ascii_lowercase);
        let fits = groups.clone().count() == 4
            && groups.clone().all(letters)
            && groups.any(|group| !group.iter().any(|b| b"aeiou".contains(b)))
            && matches!(self.byte(end), 0 | b'\n' | b'\r' | b',' | b'"' | b'\'');
        self.looked(start, end);
        if fits {
            self.take(start, end, end, Rule::KEY_VALUE);
        }
        fits
    }

    /// Takes a secret in groups of four that starts here.
    #[inline(never)]
    pub fn grouped_secret(&mut self, start: usize) -> bool {
        let (mut end, mut groups, mut digits) = (start, 0, 0);
        let small = self.byte(start).is_ascii_lowercase();
        let letter = |b: &u8| {
            matches!(b, b'2'..=b'7') || if small { b.is_ascii_lowercase() } else { b.is_ascii_uppercase() }
        };
        while groups < GROUPS_AT_MOST {
            let from = if groups == 0 { start } else { end + 1 };
            let group = self.slice(from, from + GROUP + 1);
            let length = group.iter().take_while(|b| letter(b)).count();
            let parted = groups == 0 || matches!(self.byte(end), b' ' | b'-');
            let whole = !group.get(GROUP).is_some_and(|b| b.is_ascii_alphanumeric() || *b >= 0x80);
            if !parted || length != GROUP || !whole {
                break;
            }
            digits += group.iter().take(GROUP).filter(|b| b.is_ascii_digit()).count();
            (end, groups) = (from + GROUP, groups + 1);
        }
        self.looked(start, end + GROUP);
        if groups < GROUPS_AT_LEAST || digits == 0 {
            return false;
        }
        self.take(start, end, end, Rule::KEY_VALUE);
        true
    }

    /// `TOTP seed for ada is …`: capitals and digits of base32 behind the word, where a one-time code was spoken of.
    #[inline(never)]
    pub fn seed_behind(&mut self, end: usize) -> bool {
        if !self.line.one_time || self.byte(end) != b' ' {
            return false;
        }
        let rest = self.slice(end + 1, end + 2 + SECRET_AT_MOST);
        let length = rest.iter().take_while(|b| b.is_ascii_uppercase() || matches!(b, b'2'..=b'7')).count();
        let secret = rest.get(..length).unwrap_or_default();
        self.looked(end, end + length);
        let ends = !rest.get(length).is_some_and(|b| b.is_ascii_alphanumeric() || b"_-/".contains(b));
        if !(SECRET_AT_LEAST..=SECRET_AT_MOST).contains(&length)
            || !ends
            || !secret.iter().any(u8::is_ascii_digit)
        {
            return false;
        }
        self.take(end + 1, end + 1 + length, end + 1 + length, Rule::KEY_VALUE);
        true
    }
}
