//! A value on lines of its own: YAML's `password: |`.

use super::names::Rule;
use super::scan::Scanner;
use super::value;

impl Scanner<'_> {
    /// YAML's `password: |` with the value on the indented lines below.
    pub fn block_value(&mut self, from: usize) -> bool {
        let indent = value::run_of(self.text, from, b' ');
        if indent < 2 {
            return false;
        }
        let start = from + indent;
        let known = self.blocks.known(indent, indent, start);
        let mut end = known.map_or(start, |(end, _)| end);
        while known.is_none() {
            while !matches!(self.byte(end), b'\n' | 0) {
                end += 1;
            }
            if end >= self.text.len() || value::run_of(self.text, end + 1, b' ') < indent {
                self.looked(from, end);
                break;
            }
            end += 1;
        }
        self.blocks.note(indent, indent, start, (end, end));
        if value::says_nothing(self.judged(start, end)) {
            return false;
        }
        if self.is_at(start, b"-----BEGIN ") {
            self.at = start; // its own end says where it ends
            return true;
        }
        self.take(start, end, end, Rule::KEY_VALUE);
        true
    }
}
