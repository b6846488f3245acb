//! How a mail client signs in, as logs show it: its answer to SMTP's question for a password (RFC 4954), and the map that
//! Postfix looks passwords up in.

use super::charset::{BASE64, DIGITS, TOKEN_DOT};
use super::names::Rule;
use super::scan::Scanner;
use super::value;

/// `Password:` in base64, which is how a server asks for it.
const QUESTION: &[u8] = b"UGFzc3dvcmQ6";

/// How far behind the question its answer stands at most, in bytes and in lines.
const ANSWER_WITHIN: usize = 256;
const LINES_AT_MOST: usize = 3;

/// How far before the question the answer stands where a line tells both.
const TOLD_WITHIN: usize = 160;

/// The longest answer.
const ANSWER_AT_MOST: usize = 256;

/// How much of an answer is decoded to see that it is text: base64's characters, and the bytes they stand for.
const DECODED_AT_MOST: usize = 64;

/// The longest name of a host and of its user in Postfix's map, and the longest password.
const FIELD_AT_MOST: usize = 96;

impl Scanner<'_> {
    /// `334 UGFzc3dvcmQ6`, and what the client answers on its next line.
    #[inline(never)]
    pub fn asked_password(&mut self, start: usize, end: usize) -> Option<(usize, usize, Rule)> {
        if self.slice(start, end) != QUESTION {
            return None;
        }
        let (from, to) = self.answer_behind(end, is_text_in_base64).or_else(|| self.answer_before(start))?;
        Some((from, to, Rule::AUTHORIZATION))
    }

    /// `C: c2VjcmV0`, `>>> c2VjcmV0`, `CLIENT -> SERVER: c2VjcmV0`, `send: 'c2VjcmV0\r\n'`, or alone on its line.
    fn answer_behind(&mut self, end: usize, fits: fn(&[u8]) -> bool) -> Option<(usize, usize)> {
        let limit = self.text.len().min(end + ANSWER_WITHIN);
        let (mut at, mut lines, mut led, mut first) = (end, 0, false, false);
        while at < limit && lines <= LINES_AT_MOST {
            let escaped = self.byte(at) == b'\\' && matches!(self.byte(at + 1), b'n' | b'r');
            if self.byte(at) == b'\n' || escaped && self.byte(at + 1) == b'n' {
                (lines, led, first) = (lines + 1, false, true);
            }
            if escaped || parts_words(self.byte(at)) {
                at += 1 + usize::from(escaped);
                continue;
            }
            let to = at + self.slice(at, limit).iter().take_while(|&&b| !parts_words(b)).count();
            let word = self.slice(at, to);
            self.looked(at, to);
            if word == QUESTION {
                return None; // its own answer is looked for behind it
            }
            let alone = first && matches!(self.byte(to), 0 | b'\n' | b'\r' | b'\\');
            if (led || alone) && fits(word) {
                return Some((at, to));
            }
            led = speaks_for_client(word);
            (at, first) = (to, false);
        }
        None
    }

    /// `AUTH PLAIN` at its line's end, a server's `334` or `+`, and the client's user and password.
    pub fn plain_answer(&mut self, end: usize) -> bool {
        if !matches!(self.byte(end), b'\n' | b'\r' | b'\\') {
            return false;
        }
        let Some((from, to)) = self.answer_behind(end, is_user_and_password) else { return false };
        let resume = self.at;
        self.take(from, to, to, Rule::AUTHORIZATION);
        self.at = self.at.max(resume);
        true
    }

    /// `CLIENT -> SERVER: c2VjcmV0 (after 334 UGFzc3dvcmQ6)`
    fn answer_before(&mut self, start: usize) -> Option<(usize, usize)> {
        const LEADS: [&[u8]; 3] = [b"-> SERVER: ", b"C: ", b">>> "];
        let reach = start.saturating_sub(TOLD_WITHIN).max(self.done);
        let back = self.slice(reach, start);
        self.looked(reach, start);
        let line = back.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        let back = back.get(line..).unwrap_or_default();
        let lead = LEADS.iter().find_map(|lead| {
            back.windows(lead.len()).rposition(|part| part == *lead).map(|at| at + lead.len())
        })?;
        let from = reach + line + lead;
        let to = BASE64.run_within(self.text, from, ANSWER_AT_MOST);
        (to < start && is_text_in_base64(self.slice(from, to))).then_some((from, to))
    }

    /// `[smtp.example.com]:587 user:password`, an entry of Postfix's `sasl_passwd`: where the password stands. Without its
    /// name only behind a port that takes mail.
    pub fn relay_password(&mut self, at: usize, named: bool) -> Option<(usize, usize)> {
        if self.byte(at) != b'[' {
            return None;
        }
        let host = TOKEN_DOT.run_within(self.text, at + 1, FIELD_AT_MOST);
        if self.byte(host) != b']' || !self.slice(at, host).contains(&b'.') {
            return None;
        }
        let ported = self.byte(host + 1) == b':';
        let port = if ported { DIGITS.run_within(self.text, host + 2, 5) } else { host + 1 };
        let mail = matches!(self.slice(host + 2, port), b"25" | b"465" | b"587" | b"2525");
        let gap = self.slice(port, port + 8).iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        let user = self.slice(port + gap, port + gap + FIELD_AT_MOST);
        let user = user.iter().take_while(|&&b| TOKEN_DOT.has(b) || matches!(b, b'@' | b'+')).count();
        let from = port + gap + user + 1;
        let rest = self.slice(from, from + FIELD_AT_MOST);
        let to = from + rest.iter().take_while(|&&b| !parts_words(b)).count();
        self.looked(at, to);
        let content = self.slice(from, to);
        let fits = gap > 0
            && user > 0
            && self.byte(from - 1) == b':'
            && (named && ported || mail)
            && content.len() > 3;
        fits.then_some((from, to))
    }

    /// The same without a name before it.
    pub fn relay(&mut self) -> bool {
        let Some((from, to)) = self.relay_password(self.at, false) else { return false };
        let content = self.slice(from, to);
        let address = self.slice(self.at, from).contains(&b'@');
        if value::says_nothing(content) || !(address || value::is_told(content)) {
            return false;
        }
        self.take(from, to, to, Rule::KEY_VALUE);
        true
    }
}

/// White space, quotation marks and escapes part the words of a dialogue.
fn parts_words(b: u8) -> bool {
    b <= b' ' || matches!(b, b'"' | b'\'' | b'`' | b'\\' | 0x7f)
}

/// Whether a word says that what follows is what the client sent.
fn speaks_for_client(word: &[u8]) -> bool {
    word.ends_with(b">") && !word.starts_with(b"<")
        || matches!(word, b"C:" | b"SERVER:" | b"send:" | b"Client:" | b"client:" | b"CLIENT:")
}

/// Whether it is base64 of text. Ordinary words of a fitting length are base64 of bytes that are none.
fn is_text_in_base64(word: &[u8]) -> bool {
    let mut bytes = [0u8; DECODED_AT_MOST];
    let text = decoded(word, &mut bytes);
    is_text(text) && !text.is_empty()
}

/// Whether it is base64 of what `PLAIN` sends (RFC 4616): zeroes part who, as whom and the password.
fn is_user_and_password(word: &[u8]) -> bool {
    let mut bytes = [0u8; DECODED_AT_MOST];
    let mut parts = decoded(word, &mut bytes).split(|b| *b == 0);
    let (_, user) = (parts.next(), parts.next());
    user.is_some_and(|user| !user.is_empty() && is_text(user)) && parts.next().is_some_and(is_text)
}

/// Whether bytes are text without control characters. What was cut off within a letter is text as well.
fn is_text(bytes: &[u8]) -> bool {
    let control = |b: &u8| *b < b' ' || *b == 0x7f;
    let text = match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(cause) => cause.error_len().is_none(),
    };
    text && !bytes.iter().any(control)
}

/// What base64 stands for, as much of it as there is room for; nothing when it is none.
fn decoded<'b>(word: &[u8], bytes: &'b mut [u8; DECODED_AT_MOST]) -> &'b [u8] {
    let padding = word.iter().rev().take_while(|b| **b == b'=').count();
    let body = word.get(..word.len() - padding).unwrap_or_default();
    if body.len() < 3 || padding > 2 || !word.len().is_multiple_of(4) || word.len() > ANSWER_AT_MOST {
        return &[];
    }
    let (mut length, mut bits, mut have) = (0, 0u32, 0u32);
    for &b in body {
        let six = match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return &[],
        };
        (bits, have) = ((bits << 6 | u32::from(six)) & 0xffff, have + 6);
        if have >= 8 {
            have -= 8;
            if let Some(slot) = bytes.get_mut(length) {
                (*slot, length) = ((bits >> have) as u8, length + 1);
            }
        }
    }
    bytes.get(..length).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::is_text_in_base64;

    #[test]
    fn an_answer_is_told_from_a_word() {
        for answer in ["aHVudGVyMg==", "R2VoZWltLVB3LTk5", "UMOkc3N3b3J0", "YWJj"] {
            assert!(is_text_in_base64(answer.as_bytes()), "{answer}");
        }
        for word in ["done", "Okay", "Authenticate", "closed", "YWJ", "====", "", "Server:", "AAAA"] {
            assert!(!is_text_in_base64(word.as_bytes()), "{word}");
        }
    }
}
