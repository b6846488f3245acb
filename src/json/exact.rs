//! Reads JSON that was written here, byte for byte as it is written here: field after field, nothing escaped, no space. What is
//! written otherwise is for a parser, and every read says so by being `None`.

use super::token::plain_until;
use std::str::FromStr;

/// The rest of a text.
#[derive(Debug, Clone, Copy)]
pub struct Exact<'a>(&'a str);

impl<'a> Exact<'a> {
    /// Of a whole text.
    pub fn new(text: &'a str) -> Exact<'a> {
        Exact(text)
    }

    /// Whether nothing is left.
    pub fn is_done(&self) -> bool {
        self.0.is_empty()
    }

    /// Passes this text.
    pub fn text(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    /// A string without its quotes.
    pub fn string(&mut self) -> Option<&'a str> {
        let inside = self.0.strip_prefix('"')?;
        let (string, rest) = inside.split_at_checked(plain_until(inside.as_bytes(), 0))?;
        self.0 = rest.strip_prefix('"')?;
        Some(string)
    }

    /// An integer.
    pub fn integer<T: FromStr>(&mut self) -> Option<T> {
        let minus = usize::from(self.0.starts_with('-'));
        let digits = self.0.bytes().skip(minus).take_while(u8::is_ascii_digit).count();
        let (integer, rest) = self.0.split_at_checked(minus + digits)?;
        // JSON has no `007`, and `-0` is none of serde's integers.
        if matches!(integer.as_bytes().get(minus..), Some([b'0', ..])) && integer != "0" {
            return None;
        }
        let integer = integer.parse().ok()?;
        self.0 = rest;
        Some(integer)
    }
}
