//! What a secret is for, or whose, where that is said before it: `key for the staging API is …`, `creds for the FTP: ada / …`.

use super::keys::Level;
use super::lists::is_one_of;
use super::scan::Scanner;
use super::words::mentions;

/// How long it is said at most what a key is for, and what credentials are for.
const PURPOSE_AT_MOST: usize = 48;

impl Scanner<'_> {
    /// `key for the staging API is …`: whether what the key is for is a service.
    pub fn of_service(&self, start: usize, end: usize) -> bool {
        const SERVICES: [&[u8]; 6] = [b" API", b" api", b" staging", b" production", b" prod ", b" webhook"];
        let rest = self.slice(end, end + PURPOSE_AT_MOST);
        let is = rest.windows(4).position(|part| part == b" is ").unwrap_or(0);
        self.is_at(end, b" for ")
            && !is_one_of!(self.nth_word(0), "partition sort cache idempotency primary foreign routing shard")
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
}
