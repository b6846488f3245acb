//! What a secret is for, or whose, where that is said before it: `key for the staging API is …`, `creds for the FTP: ada / …`,
//! `wifi password for guests: …`.

use super::keys::{self, Level};
use super::lists::is_one_of;
use super::scan::Scanner;
use super::value;
use super::words::mentions;

/// How long it is said at most what a key is for, and what credentials are for.
const PURPOSE_AT_MOST: usize = 48;

/// The longest word before a colon that tells whose a password is.
const WHOM_AT_MOST: usize = 16;

/// The shortest password of small letters alone.
const LONE_AT_LEAST: usize = 9;

impl Scanner<'_> {
    /// `key for the staging API is …`: whether what the key is for is a service.
    pub fn of_service(&self, start: usize, end: usize) -> bool {
        const SERVICES: [&[u8]; 6] = [b" API", b" api", b" staging", b" production", b" prod ", b" webhook"];
        let rest = self.slice(end, end + PURPOSE_AT_MOST);
        let is = rest.windows(4).position(|part| part == b" is ").unwrap_or(0);
        self.is_at(end, b" for ")
            && mentions(rest.get(..is + 1).unwrap_or_default(), &SERVICES)
            && self.level_of(start, end, false) != Level::Harmless
    }

    /// Whether `creds` stands before the word that is read: right before it, or with `are` between.
    pub fn credentials_lead(&self, user: usize) -> Option<bool> {
        let linked = is_one_of!(self.nth_word(0), "are were is");
        let nth = usize::from(linked);
        let (_, to) = self.words.get(nth).copied().unwrap_or((0, 0));
        let named = self.byte(to) == b' ' && is_one_of!(self.nth_word(nth), "creds credentials");
        let back = self.slice(user.saturating_sub(PURPOSE_AT_MOST).max(self.done), user);
        let purpose = || mentions(back, &[b"creds for ", b"Creds for ", b"redentials for "]);
        (named || self.slice(user.saturating_sub(2), user) == b": " && purpose()).then_some(linked)
    }

    /// `wifi password for guests: cinderspider`: a long word of small letters, the last of its line, that neither says how
    /// something went nor, behind `user:`, who somebody is.
    pub fn is_lone(&self, value: usize, end: usize) -> bool {
        const WHO: &str = "user users username account login host server service database db role member id email file keystore \
            alias name";
        const SAID: [&[u8]; 11] =
            [b"ed", b"ing", b"ful", b"ble", b"ory", b"ect", b"ent", b"ion", b"ate", b"ess", b"den"];
        let (word, colon) = (self.slice(value, end), value.saturating_sub(2));
        let back = self.slice(colon.saturating_sub(WHOM_AT_MOST), colon);
        let length = back.iter().rev().take_while(|b| b.is_ascii_alphanumeric()).count();
        self.slice(colon, value) == b": "
            && (LONE_AT_LEAST..=32).contains(&word.len())
            && self.ends_line(end)
            && word.iter().all(u8::is_ascii_lowercase)
            && !is_one_of!(self.slice(colon - length, colon), WHO)
            && !SAID.iter().any(|end| word.ends_with(end))
            && !value::is_known_word(word)
            && keys::level(word) == Level::Harmless
    }
}
