//! Tokens that a sign or a length within gives away, where no prefix does.

use super::charset::{self, ALNUM, HEX, TOKEN, TOKEN_DOT};
use super::names::Rule;
use super::scan::Scanner;

impl Scanner<'_> {
    /// Tokens that are long, or have parts.
    #[inline(never)]
    pub fn parted(&mut self, start: usize, end: usize) -> Option<(usize, usize, Rule)> {
        let taken = self.fal(start, end).or_else(|| self.pgpass(start, end));
        let taken = taken.or_else(|| self.azure_devops(start, end)).or_else(|| self.joined(start, end));
        let taken = taken.or_else(|| self.telegram(start, end)).or_else(|| self.mailchimp(start, end));
        taken.or_else(|| self.mailgun(start, end)).or_else(|| self.windows_hashes(start, end))
    }

    /// Windows' `Administrator:500:{LM}:{NT}:::`, as its accounts' hashes are dumped
    fn windows_hashes(&self, start: usize, end: usize) -> Option<(usize, usize, Rule)> {
        let to = end + 33;
        let fits = end - start == 32
            && self.byte(end) == b':'
            && HEX.run_within(self.text, start, 32) == end
            && HEX.run_within(self.text, end + 1, 32) == to
            && self.is_at(to, b":::");
        fits.then_some((start, to, Rule::KEY_VALUE))
    }

    /// Azure DevOps' 84 characters, `AZDO` near their end
    fn azure_devops(&self, start: usize, end: usize) -> Option<(usize, usize, Rule)> {
        let fits = end - start == 84 && self.slice(start + 76, start + 80) == b"AZDO";
        (fits && ALNUM.run(self.slice(start, end), 0) == 84).then_some((start, end, Rule::KEY_VALUE))
    }

    /// Tokens whose marks stand within: Ably's `{app}.{key}:{43 characters}`, Salesforce's `00D{12 to 15}!{…}`, Stripe's
    /// `pi_{…}_secret_{…}`.
    fn joined(&mut self, start: usize, end: usize) -> Option<(usize, usize, Rule)> {
        let word = self.slice(start, end);
        match self.byte(end) {
            b':' if word.len() == 6 && self.before(start) == b'.' => {
                let to = TOKEN.run_within(self.text, end + 1, 44);
                let app = self.words[0];
                let fits = to == end + 44 && app.1 + 1 == start && app.1 - app.0 == 6;
                (fits && charset::is_mixed(self.slice(end + 1, to))).then_some((end + 1, to, Rule::KEY_VALUE))
            }
            b'!' if word.starts_with(b"00D") && (15..=18).contains(&word.len()) => {
                let to = TOKEN_DOT.run_within(self.text, end + 1, 200);
                self.looked(end, to);
                (to > end + 60).then_some((start, to, Rule::KEY_VALUE))
            }
            _ if (40..=160).contains(&word.len()) && matches!(word.first(), Some(b'p' | b's')) => {
                let intent =
                    word.starts_with(b"pi_") || word.starts_with(b"seti_") || word.starts_with(b"src_");
                let secret = intent && word.windows(8).any(|part| part == b"_secret_");
                secret.then_some((start, end, Rule::KEY_VALUE))
            }
            _ => None,
        }
    }

    /// fal.ai's `{uuid}:{32 hex}`
    fn fal(&mut self, start: usize, end: usize) -> Option<(usize, usize, Rule)> {
        let fits = end - start == 36
            && self.byte(end) == b':'
            && charset::HEX.run_within(self.text, end + 1, 33) == end + 33;
        fits.then_some((start, end + 33, Rule::KEY_VALUE))
    }

    /// `{bot id}:{35 characters, the first two AA}`
    fn telegram(&mut self, start: usize, end: usize) -> Option<(usize, usize, Rule)> {
        let addressed = self.is_at(start, b"bot");
        if self.byte(end) != b':'
            || !(addressed || self.byte(end + 1) == b'A')
            || !self.before(end).is_ascii_digit()
        {
            return None;
        }
        let digits = self.slice(start, end).iter().rev().take(12).take_while(|b| b.is_ascii_digit()).count();
        let token = TOKEN.run_within(self.text, end + 1, 40);
        self.looked(end, token);
        (digits >= 6 && token - end == 36).then_some((end - digits, token, Rule::TELEGRAM))
    }

    /// `{32 hex}-us12`
    fn mailchimp(&mut self, start: usize, end: usize) -> Option<(usize, usize, Rule)> {
        let fits = (36..=38).contains(&(end - start))
            && self.is_at(start + 32, b"-us")
            && charset::HEX.run_within(self.text, start, 32) == start + 32;
        fits.then_some((start, end, Rule::MAILCHIMP))
    }

    /// `{32 hex}-{8 hex}-{8 hex}`
    fn mailgun(&self, start: usize, end: usize) -> Option<(usize, usize, Rule)> {
        let hex = |at: usize, count: usize| charset::HEX.run_within(self.text, at, count) == at + count;
        let fits = end - start == 50
            && [32, 41].iter().all(|at| self.byte(start + at) == b'-')
            && hex(start, 32)
            && hex(start + 33, 8)
            && hex(start + 42, 8);
        fits.then_some((start, end, Rule::KEY_VALUE))
    }
}
