//! The tokens of JSON: strings, numbers, words, white space.

use super::Json;
use std::borrow::Cow;

/// Why parsing stopped, and at which byte.
pub(super) struct Refusal {
    pub(super) what: &'static str,
    pub(super) offset: usize,
}

pub(super) type Parsed<T> = Result<T, Refusal>;

/// Whether a byte stands for itself in a string: it is no quote, backslash or control character.
#[inline]
pub(super) fn is_plain(byte: u8) -> bool {
    !matches!(byte, b'"' | b'\\' | 0..=0x1f)
}

/// How many of eight bytes stand for themselves in a string before one that does not ([`is_plain`]).
#[inline]
pub(super) fn plain_of_eight(eight: [u8; 8]) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const TOPS: u64 = ONES << 7;
    let word = u64::from_le_bytes(eight);
    // The top bit of each byte that is zero; of a byte behind a zero one it may be wrong, and the first is what counts.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word;
    let quotes = zeros(word ^ (ONES * 0x22)) | zeros(word ^ (ONES * 0x5c));
    let controls = word.wrapping_sub(ONES * 0x20) & !word;
    (((quotes | controls) & TOPS).trailing_zeros() / 8) as usize
}

/// Where the bytes from `at` on cease to stand for themselves in a string: at a quote, a backslash, a control character
/// or the end. Eight bytes at a time, as nearly all of every log is such bytes.
pub(super) fn plain_until(bytes: &[u8], mut at: usize) -> usize {
    while let Some(eight) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        match plain_of_eight(*eight) {
            8 => at += 8,
            plain => return at + plain,
        }
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(|&byte| !is_plain(byte)).unwrap_or(rest.len())
}

/// A number of fewer characters without an exponent is one that a double can hold: the largest has 309 digits (IEEE 754).
const FINITE_BELOW: usize = 309;

/// A place in a text.
pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str) -> Parser<'a> {
        let at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Parser { text, bytes: text.as_bytes(), at }
    }

    pub(super) fn end(&mut self) -> Parsed<()> {
        self.space();
        if self.peek().is_some() { self.refuse("expected the end of the text") } else { Ok(()) }
    }

    pub(super) fn scalar(&mut self) -> Parsed<Json<'a>> {
        match self.peek() {
            Some(b'"') => self.string().map(Json::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            Some(_) => self.refuse("expected a value"),
            None => self.refuse("expected a value, found the end of the text"),
        }
    }

    pub(super) fn word(&mut self, word: &'static str, value: Json<'a>) -> Parsed<Json<'a>> {
        if self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes())) {
            self.at += word.len();
            Ok(value)
        } else {
            self.refuse("expected a value")
        }
    }

    pub(super) fn key(&mut self) -> Parsed<Cow<'a, str>> {
        self.space();
        if self.peek() != Some(b'"') {
            return self.refuse("expected a key in double quotes");
        }
        let key = self.string()?;
        self.space();
        if self.peek() != Some(b':') {
            return self.refuse("expected ':'");
        }
        self.at += 1;
        Ok(key)
    }

    pub(super) fn number(&mut self) -> Parsed<Json<'a>> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return self.refuse("expected a digit"),
        }
        if matches!(self.peek(), Some(b'0'..=b'9')) {
            return self.refuse("a number must not start with 0");
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        let mut powered = false;
        if matches!(self.peek(), Some(b'e' | b'E')) {
            powered = true;
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits()?;
        }
        let digits = self.text.get(start..self.at).unwrap_or("0");
        let finite = !powered && digits.len() < FINITE_BELOW
            || digits.parse::<f64>().is_ok_and(|number| number.is_finite());
        Ok(if finite { Json::Number(Cow::Borrowed(digits)) } else { Json::Null })
    }

    pub(super) fn some_digits(&mut self) -> Parsed<()> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return self.refuse("expected a digit");
        }
        self.digits();
        Ok(())
    }

    pub(super) fn digits(&mut self) {
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
    }

    pub(super) fn string(&mut self) -> Parsed<Cow<'a, str>> {
        self.at += 1;
        let mut owned: Option<String> = None;
        let mut run = self.at;
        loop {
            self.at = plain_until(self.bytes, self.at);
            match self.peek() {
                None => return self.refuse("expected '\"', found the end of the text"),
                Some(b'"') => {
                    let tail = self.text.get(run..self.at).unwrap_or("");
                    self.at += 1;
                    return Ok(match owned {
                        None => Cow::Borrowed(tail),
                        Some(mut text) => {
                            text.push_str(tail);
                            Cow::Owned(text)
                        }
                    });
                }
                Some(b'\\') => {
                    let text = owned.get_or_insert_with(String::new);
                    text.push_str(self.text.get(run..self.at).unwrap_or(""));
                    self.at += 1;
                    let unescaped = self.escape()?;
                    owned.get_or_insert_with(String::new).push(unescaped);
                    run = self.at;
                }
                Some(_) => return self.refuse("a control character in a string must be escaped"),
            }
        }
    }

    /// The character of the escape whose backslash was just passed; half a surrogate pair is U+FFFD.
    pub(super) fn escape(&mut self) -> Parsed<char> {
        let Some(byte) = self.peek() else {
            return self.refuse("expected an escape, found the end of the text");
        };
        self.at += 1;
        Ok(match byte {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.hex4()?;
                match unit {
                    0xd800..=0xdbff => self.low_surrogate(unit)?,
                    _ => char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER),
                }
            }
            _ => {
                self.at -= 1;
                return self.refuse("unknown escape in a string");
            }
        })
    }

    pub(super) fn low_surrogate(&mut self, high: u32) -> Parsed<char> {
        if !self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(b"\\u")) {
            return Ok(char::REPLACEMENT_CHARACTER);
        }
        let before = self.at;
        self.at += 2;
        let low = self.hex4()?;
        if (0xdc00..=0xdfff).contains(&low) {
            let scalar = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
            return Ok(char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        // Not this pair's second half: the high one stands alone, and the next escape is read for itself.
        self.at = before;
        Ok(char::REPLACEMENT_CHARACTER)
    }

    pub(super) fn hex4(&mut self) -> Parsed<u32> {
        let mut unit = 0;
        for _ in 0..4 {
            let Some(digit) = self.peek().and_then(|byte| char::from(byte).to_digit(16)) else {
                return self.refuse("expected four hexadecimal digits");
            };
            unit = unit * 16 + digit;
            self.at += 1;
        }
        Ok(unit)
    }

    pub(super) fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(super) fn refuse<T>(&self, what: &'static str) -> Parsed<T> {
        Err(Refusal { what, offset: self.at })
    }
}
