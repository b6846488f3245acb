//! Secrets in a list that a sentence has behind their name: `passwords a, b and c`, `backup codes: 123456, 654321`.

use super::benign;
use super::charset;
use super::names::Rule;
use super::scan::Scanner;
use super::value;
use super::words::Beginnings;

/// How a list of strings opens behind a word.
static LISTS: Beginnings = Beginnings::of(&[" [\"", " ['", " [\\\""]);

impl Scanner<'_> {
    /// `passwords a, b and c`, `recovery codes for ada: 123 456`
    pub fn listed_behind(&mut self, end: usize) -> bool {
        let (mut at, mut taken) = (end, false);
        if self.is_at(at, b" for ") {
            at = charset::TOKEN_DOT.run_within(self.text, at + 5, 40);
            let rest = self.slice(at, at + 40);
            let colon = rest.iter().position(|&b| b == b':').filter(|_| rest.first() == Some(&b' '));
            let whose = |b: &u8| charset::is_alnum(*b) || b" .-_#".contains(b);
            let told =
                colon.and_then(|colon| rest.get(..colon)).is_some_and(|whose_| whose_.iter().all(whose));
            at += colon.filter(|_| told).unwrap_or(0);
        }
        let link = self.one_at(
            at,
            const {
                &Beginnings::of(&[
                    " are",
                    " generated",
                    " created",
                    " issued",
                    " regenerated",
                    " shown once",
                    " printed",
                ])
            },
        );
        at += link.map_or(0, |link| link.len());
        // `backup codes generated for uid=31: …`
        if link.is_some() && self.is_at(at, b" for ") {
            let rest = self.slice(at + 5, at + 45);
            let whom = rest.iter().take_while(|&&b| charset::is_alnum(b) || b" .-_#@=".contains(&b)).count();
            at += if rest.get(whom) == Some(&b':') { 6 + whom } else { 0 };
        }
        // `recovery codes generated ["…", "…"]`
        let coded =
            || self.slice(at + 2, at + 16).iter().take_while(|b| !b" ]".contains(b)).any(u8::is_ascii_digit);
        if link.is_some()
            && self.line.one_time
            && self.inside == 0
            && self.one_at(at, &LISTS).is_some()
            && coded()
        {
            (self.inside, self.inside_from, self.pieces) = (1, at + 1, false);
            self.at = at + 2;
            return true;
        }
        at += usize::from(self.byte(at) == b':');
        for _ in 0..24 {
            at += self.slice(at, at + 4).iter().take_while(|b| matches!(b, b' ' | b',')).count();
            at += if self.is_at(at, b"and ") { 4 } else { 0 };
            if self.begins_none(at) {
                break;
            }
            let to = value::bare_end(self.slice(0, at + 64), at, false);
            self.looked(at, to);
            let content = self.slice(at, to);
            let digits = content.len() >= 6 && content.iter().all(u8::is_ascii_digit) && self.line.one_time;
            let chosen = value::looks_chosen(content) || value::looks_generated(content, 10);
            let parted = self.line.one_time
                && content
                    .iter()
                    .position(|&b| b == b'-')
                    .is_some_and(|dash| (4..=6).contains(&dash) && content.len() == 2 * dash + 1);
            let parted = parted && content.iter().all(|&b| charset::is_alnum(b) || b == b'-');
            if content.contains(&b'/') || !(digits || chosen || parted) {
                break;
            }
            // `cookies sid=…`
            let from = at + benign::inner_value(content).unwrap_or(0);
            self.take(from, to, to, Rule::KEY_VALUE);
            (at, taken) = (to, true);
        }
        taken
    }

    /// Whether nothing that looks chosen or generated starts here: a bracket, a quotation mark or a slash does, or a word in
    /// small letters up to a space.
    fn begins_none(&self, at: usize) -> bool {
        let word = self.slice(at, at + 24);
        let letters = word.iter().take_while(|b| b.is_ascii_lowercase()).count();
        match word.get(letters) {
            Some(b' ') => true,
            Some(b'[' | b'(' | b'{' | b'<' | b'"' | b'\'' | b'`' | b'/' | b'\n') | None => letters == 0,
            _ => false,
        }
    }

    /// `backup codes: a, b, c`: what is like the first of a list.
    pub fn list_goes_on(&mut self, mut end: usize, length: usize) {
        while self.is_at(end, b", ") {
            let to = value::bare_end(self.slice(0, end + 2 + length + 8), end + 2, false);
            self.looked(end, to);
            let content = self.slice(end + 2, to);
            let code = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-';
            let alike = content.len() == length && content.iter().all(code)
                || value::looks_chosen(content) && !content.contains(&b'=')
                || content.len() == length && content.ends_with(b"!") && value::is_told(content);
            if !alike || !content.iter().any(u8::is_ascii_digit) {
                return;
            }
            self.take(end + 2, to, to, Rule::KEY_VALUE);
            end = to;
        }
    }
}
