//! What stands where a value would, and is none: a string's closing mark, what a console prints of what has no text.

use super::charset;
use super::lists::is_one_of;
use super::scan::Scanner;
use super::separator::Separator;

impl Scanner<'_> {
    /// `read -p "Enter password: " PW`: the mark behind the colon closes a string that opened before the name.
    pub fn closes_prompt(&self, sep: Separator, name: usize) -> bool {
        let mark = self.byte(sep.value);
        if !sep.spaced_colon || sep.quoted || !matches!(mark, b'"' | b'\'') {
            return false;
        }
        let back = self.slice(name.saturating_sub(64), name);
        let line = back.iter().rev().take_while(|&&b| b != b'\n');
        matches!(self.byte(sep.value + 1), b' ' | b')' | b',' | b';' | b'\n' | 0)
            && line.filter(|&&b| b == mark).count() % 2 == 1
    }

    /// `[Function: validate]`, `[class Token extends Base]`: what a console prints of what has no text.
    pub fn prints_kind(&self, at: usize) -> bool {
        const KINDS: &str = "function asyncfunction generatorfunction asyncgeneratorfunction class circular object getter setter";
        if self.byte(at) != b'[' {
            return false;
        }
        let end = charset::ALNUM.run_within(self.text, at + 1, 24);
        matches!(self.byte(end), b':' | b' ' | b'/' | b']') && is_one_of!(self.slice(at + 1, end), KINDS)
    }
}
