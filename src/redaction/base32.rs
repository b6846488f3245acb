//! An authenticator's secret as people read it: base32 in groups of four, as a page shows it to be typed
//! (`setup key GSNI UC2T GXGP BGBB`), and behind what says that it is one (`TOTP seed for ada is …`). RFC 4648 has its
//! letters, and RFC 6238 is what it is for.

use super::names::Rule;
use super::scan::Scanner;

/// How many letters a group has, and how many groups a secret at least and at most.
const GROUP: usize = 4;
const GROUPS_AT_LEAST: usize = 4;
const GROUPS_AT_MOST: usize = 16;

/// The shortest secret without groups, and the longest.
const SECRET_AT_LEAST: usize = 16;
const SECRET_AT_MOST: usize = 64;

impl Scanner<'_> {
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
