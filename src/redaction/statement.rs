//! Statements whose grammar says which word is the secret: `INSERT … VALUES`, `AUTH`, `PASS`, `LOGIN`.

use super::bound::{holds_secret, place_of};
use super::charset;
use super::keys::{self, Level};
use super::lists::is_one_of;
use super::names::Rule;
use super::scan::Scanner;
use super::value;

/// How far back a list of columns is looked for.
const COLUMNS_AT_MOST: usize = 400;

/// The longest placeholder that is told from a value.
const PLACEHOLDER_AT_MOST: usize = 32;

/// How much of a word is looked at to see where it ends; most are shorter.
const WORD_AT_MOST: usize = 80;

/// The shortest answer that is one though it is no whole base64.
const CUT_AT_LEAST: usize = 40;

impl Scanner<'_> {
    /// `AUTH [user] password`, `AUTH PLAIN …`, `PASS …`, `LOGIN user password`, `… VALUES (…)`.
    #[inline(never)]
    pub fn statement(&mut self, start: usize, end: usize) -> bool {
        let word = self.slice(start, end);
        // Redis' MONITOR: `"AUTH" "default" "…"`
        if word.eq_ignore_ascii_case(b"auth") && self.is_at(end, b"\" \"") {
            let user = charset::TOKEN_DOT.run_within(self.text, end + 3, 64);
            let at = if self.is_at(user, b"\" \"") { user + 2 } else { end + 2 };
            self.looked(end, at);
            return self.quoted_argument(at);
        }
        if self.is_at(end, b"\" \"") && is_one_of!(word, "requirepass masterauth") {
            return self.quoted_argument(end + 2);
        }
        if is_one_of!(word, "setuser") {
            return self.redis_user(end);
        }
        // ioredis' `{ name: 'AUTH', args: [ 'default', '…' ] }`
        self.line.owed |= word == b"AUTH" && self.slice(end, end + 10).windows(4).any(|part| part == b"args");
        if self.byte(end) != b' ' && self.byte(end) != b'(' {
            return false;
        }
        match word {
            b"AUTH" => {
                if matches!(self.byte(end + 1), b'"' | b'\'') {
                    let (from, to, user) = self.argument_at(end + 1, 64);
                    if self.slice(from, to).contains(&b' ') {
                        return false; // what went wrong
                    }
                    return self.byte(user) == b' ' && self.told_here(user + 1) || self.told_here(end + 1);
                }
                let next = self.next_word(end);
                if is_one_of!(self.slice(next.0, next.1), "plain login default cram-md5 xoauth2") {
                    return self.base64_word(next.1)
                        || self.generated_word(next.1, 8)
                        || self.told_word(next.1)
                        || self.plain_answer(next.1);
                }
                self.generated_word(end, 8)
                    || (next.1 - next.0 < 32 && self.generated_word(next.1, 8))
                    || self.sent(start) && self.last_word(end)
                    || self.told_word(end)
            }
            // IMAP's and ManageSieve's
            b"AUTHENTICATE" => {
                let (from, to, mechanism) = self.argument_at(end + 1, 32);
                is_one_of!(self.slice(from, to), "plain login xoauth2 oauthbearer")
                    && (self.base64_word(mechanism)
                        || self.plain_answer(mechanism)
                        || self.byte(mechanism) == b' ' && self.last_word(mechanism))
            }
            // FTP's and POP's
            b"PASS" => self.generated_word(end, 8) || self.sent(start) && self.last_word(end),
            // IMAP's, behind its tag
            b"LOGIN" => {
                let tag = self.slice(self.words[0].0, self.words[0].1);
                let number = tag.iter().all(u8::is_ascii_digit)
                    && self.before(self.words[0].0.saturating_sub(1)) != b':';
                let tagged = !number
                    && (1..=8).contains(&tag.len())
                    && tag.iter().any(u8::is_ascii_digit)
                    && self.words[0].1 + 1 == start;
                let tagged = tagged || self.slice(start.saturating_sub(2), start) == b"* ";
                let (_, user, after) = self.argument_at(end + 1, 64);
                self.generated_word(user, 8) || tagged && self.last_word(after)
            }
            b"IDENTIFY" => self.last_word(end),
            b"requirepass" | b"masterauth" => self.redis_setting(end) || self.last_word(end),
            _ if word.eq_ignore_ascii_case(b"values") => self.row(start, end),
            _ => false,
        }
    }

    /// The word behind the space at `at`.
    fn next_word(&mut self, at: usize) -> (usize, usize) {
        let start = at + value::run_of(self.text, at, b' ').min(4);
        let end = value::bare_end(self.slice(0, start + WORD_AT_MOST), start, false);
        self.looked(at, end);
        // A longer one goes whole; a full stop or two may have been left out at its end.
        let cut = end + 3 >= start + WORD_AT_MOST;
        (start, if cut { self.bare_end(start, false, false) } else { end })
    }

    /// Takes the word behind the space at `at` if it looks generated.
    fn generated_word(&mut self, at: usize, min: usize) -> bool {
        let (start, end) = self.next_word(at);
        let content = self.slice(start, end);
        let secret = start > at
            && self.byte(end) != b':'
            && (!content.contains(&b'/') || content.len() >= 16 && content.len().is_multiple_of(4))
            && value::looks_generated(content, min);
        if secret {
            self.take(start, end, end, Rule::COMMAND_LINE);
        }
        secret
    }

    /// Whether a protocol's command is what stands before it says: a prompt's sign, a side's letter, an opened string.
    fn sent(&self, start: usize) -> bool {
        let before = self.slice(start.saturating_sub(3), start);
        let signs = [&b"> "[..], b"C: ", b"\"", b"'", b"\\n", b">> ", b"]: "];
        // `PASS src/a.test.ts` is a test's result.
        let user = self.before(start) == b'\n'
            && self.slice(start.saturating_sub(80), start).windows(5).any(|part| part == b"USER ");
        user || self.is_at(start.saturating_sub(13), b"FTP command: ")
            || signs.iter().any(|sign| before.ends_with(sign))
    }

    /// Takes the string or the word behind the space at `at` when the line, the string or the command ends with it.
    pub fn last_word(&mut self, at: usize) -> bool {
        if self.byte(at) != b' ' {
            return false;
        }
        let (start, end, after) = self.argument_at(at + 1, 96);
        let content = self.slice(start, end);
        let ends = matches!(self.byte(after), 0 | b'\n' | b'\r' | b'\\' | b'"' | b'\'')
            || self.is_at(after, b" -> ")
            || self.is_at(after, b" C: ")
            || self.is_at(after, b" S: ");
        let secret = ends
            && content.len() >= 3
            && !content.contains(&b'/')
            && !value::says_nothing(content)
            && !value::is_assignment(content)
            && (start > at + 1 || !content.iter().all(|b| b.is_ascii_uppercase() || b"-_".contains(b)));
        if secret {
            self.take(start, end, after, Rule::COMMAND_LINE);
        }
        secret
    }

    /// Takes the word behind the space at `at` if it is base64; a long one may have been cut off.
    fn base64_word(&mut self, at: usize) -> bool {
        let (start, end) = self.next_word(at);
        let word = self.slice(start, end);
        let secret = word.len() >= 8
            && (word.len().is_multiple_of(4) || word.len() >= CUT_AT_LEAST)
            && word.iter().all(|&b| charset::BASE64.has(b))
            && word.iter().any(u8::is_ascii_lowercase)
            && word.iter().any(u8::is_ascii_uppercase);
        if secret {
            self.take(start, end, end, Rule::COMMAND_LINE);
        }
        secret
    }

    /// Takes the word behind the space at `at` if it may be a password.
    fn told_word(&mut self, at: usize) -> bool {
        let (start, end) = self.next_word(at);
        let secret = start > at && self.byte(end) != b':' && value::is_told(self.slice(start, end));
        if secret {
            self.take(start, end, end, Rule::COMMAND_LINE);
        }
        secret
    }

    /// `(email, password) VALUES ('…', '…')`: the values of the sensitive columns. What is in the others is read as
    /// any text is.
    fn row(&mut self, start: usize, end: usize) -> bool {
        let mut open = end + value::run_of(self.text, end, b' ').min(4);
        let columns = if self.byte(open) == b'(' { self.sensitive_columns(start) } else { 0 };
        if columns == 0 {
            return false;
        }
        while self.byte(open) == b'(' {
            let (mut at, mut placeholders) = (open + 1, 0);
            for column in 0..64 {
                at += value::run_of(self.text, at, b' ').min(4);
                let (from, to, after) = match value::opening(self.text, at) {
                    Some((quote, from)) => {
                        let (to, after) = self.closing(from, quote);
                        (from, to, after)
                    }
                    None => {
                        let mut to = at;
                        while !matches!(self.byte(to), b',' | b')' | b'\n' | 0) {
                            to += 1;
                        }
                        (at, to, to)
                    }
                };
                self.looked(at, after);
                let secret = columns >> column & 1 == 1;
                let content = self.slice(from, to);
                let placeholder = content.len() <= PLACEHOLDER_AT_MOST && is_owed(content);
                if placeholder && secret {
                    self.line.places |= place_of(content).unwrap_or(1_u32 << placeholders);
                }
                placeholders = (placeholders + u32::from(placeholder)).min(31);
                // Laravel writes values without their marks; a function or another column has none either.
                let marked = after > to || value::looks_generated(self.judged(from, to), 8);
                if from < to && secret && marked && !value::says_nothing(content) {
                    self.take(from, to, after, Rule::KEY_VALUE);
                } else {
                    self.read_until(after);
                }
                at = after.max(self.at);
                if self.byte(at) != b',' {
                    break;
                }
                at += 1;
            }
            // `), (`: the next row
            let next = at + 2 + value::run_of(self.text, at + 2, b' ').min(2);
            if self.byte(at) != b')' || self.byte(at + 1) != b',' {
                break;
            }
            open = next;
        }
        self.at = self.at.max(end);
        true
    }

    /// Which columns of the list that ends before `end` are sensitive, one bit each.
    pub fn sensitive_columns(&mut self, end: usize) -> u64 {
        let back = end.saturating_sub(COLUMNS_AT_MOST);
        let Some(list) = self.slice(back, end).trim_ascii_end().strip_suffix(b")") else { return 0 };
        let from = list.iter().rposition(|&b| b == b'(').map_or(list.len(), |open| open + 1);
        // `INSERT INTO api_keys (name, key)`: of a table of secrets
        let table = list.get(..from.saturating_sub(1)).unwrap_or_default().trim_ascii_end();
        let table = table.strip_suffix(b"`").or_else(|| table.strip_suffix(b"\"")).unwrap_or(table);
        let name = table.iter().rev().take(40).take_while(|b| charset::WORD.has(**b)).count();
        let of_secrets = matches!(
            keys::level(table.get(table.len() - name..).unwrap_or_default()),
            Level::Always | Level::UnlessNumber
        );
        let list = list.get(from..).unwrap_or_default();
        self.runs.looked += (list.len() + name) as u64;
        list.split(|&b| b == b',').take(64).enumerate().fold(0, |bits, (i, name)| {
            let secret = holds_secret(name) || of_secrets && is_one_of!(unquoted(name), "key value code");
            bits | u64::from(secret) << i
        })
    }
}

/// Where a word ends that may be one of a wallet's seed (BIP-39): of three to eight small letters.
fn seed_word(text: &[u8], at: usize) -> Option<usize> {
    let end = charset::ALNUM.run_within(text, at, 9);
    let word = text.get(at..end).unwrap_or_default();
    ((3..=8).contains(&word.len()) && word.iter().all(u8::is_ascii_lowercase)).then_some(end)
}

/// Twelve to twenty-four plain words: a wallet's seed. Where they end.
pub fn mnemonic(text: &[u8], from: usize) -> Option<usize> {
    let (mut at, mut words) = (from, 0);
    loop {
        (at, words) = (seed_word(text, at)?, words + 1);
        if text.get(at) != Some(&b' ') || words == 24 {
            break;
        }
        at += 1;
    }
    (words >= 12 && words % 3 == 0).then_some(at)
}

/// The same where a sentence goes on behind it: twelve or twenty-four of the words, or as many as there are.
pub fn mnemonic_in(text: &[u8], from: usize) -> Option<usize> {
    const OTHERS: &str =
        "the and for with was were your from are has not but user shown opened taps clicks failed words";
    let (mut at, mut end, mut words) = (from, None, 0);
    while words < 24
        && let Some(to) = seed_word(text, at)
        && !is_one_of!(text.get(at..to).unwrap_or_default(), OTHERS)
    {
        words += 1;
        let last = text.get(to) != Some(&b' ');
        if words == 12 || words == 24 || words > 12 && words % 3 == 0 && last {
            end = Some(to);
        }
        if last {
            break;
        }
        at = to + 1;
    }
    end
}

/// A column's name without its marks.
fn unquoted(name: &[u8]) -> &[u8] {
    let mark = |b: &u8| b"`\"[] ".contains(b);
    let from = name.iter().take_while(|b| mark(b)).count();
    let to = name.len() - name.iter().rev().take_while(|b| mark(b)).count();
    name.get(from..to).unwrap_or_default()
}

/// Whether a secret's value is to come from elsewhere on the line: `?`, `$1`, `%s`, `{0}`, `:password`, `@p1`.
pub fn is_owed(value: &[u8]) -> bool {
    let rest = value.get(1..).unwrap_or_default();
    match value.first() {
        Some(b'?') => rest.is_empty(),
        Some(b'$') => !rest.is_empty() && rest.iter().all(u8::is_ascii_digit),
        Some(b'%') => matches!(rest, b"s" | b"q" | b"v"),
        Some(b'{') => value.ends_with(b"}") && rest.len() <= 3,
        Some(b':' | b'@') => {
            !rest.is_empty() && keys::level(rest) != Level::Harmless || rest.starts_with(b"p")
        }
        _ => false,
    }
}

/// Whether a secret's value is to come from elsewhere in this statement, and in which places: `… WHERE api_token = $1`.
pub fn owed(text: &str) -> (bool, u32) {
    let mut scanner = Scanner::new(text);
    scanner.run();
    (scanner.line.owed, scanner.line.places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_of_statements_are_told_from_values() {
        for owed in ["?", "$2", "%s", "{}", "{0}", ":password", "@p1"] {
            assert!(is_owed(owed.as_bytes()), "{owed}");
        }
        for value in ["", "$", "$a", "hunter2", "%40", "{secret}", "a"] {
            assert!(!is_owed(value.as_bytes()), "{value}");
        }
    }
}
