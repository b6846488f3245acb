//! What a dump writes between a name and its value: a type and a length, who may see it.

use super::charset;
use super::scan::Scanner;

/// How long what stands between is at most.
const BETWEEN_AT_MOST: usize = 96;

impl Scanner<'_> {
    /// `(string) (len=16) "…"`, as Go's spew prints it, a pointer's address before it or not: where the string opens.
    pub fn behind_type(&self, at: usize) -> Option<usize> {
        if self.byte(at) != b'(' {
            return None;
        }
        let rest = self.slice(at, at + BETWEEN_AT_MOST);
        let mark = rest.iter().position(|&b| b == b'"')?;
        let between = rest.get(..mark)?;
        let plain = |b: &u8| charset::is_alnum(*b) || b"() .*_[]=".contains(b);
        let measured = between.windows(5).any(|part| part == b"(len=");
        (measured && between.ends_with(b") ") && between.iter().all(plain)).then_some(at + mark)
    }

    /// PHP's `[secret:protected]`, `[password:App\Entity\User:private]`, `["secret":"App\X":private]`: where the bracket
    /// closes.
    pub fn behind_visibility(&self, at: usize) -> Option<usize> {
        // One word tells most other values: `"name":"value"`.
        let first = at + 1 + usize::from(self.byte(at + 1) == b'"');
        let word = charset::ALNUM_UNDER.run_within(self.text, first, 40);
        if !matches!(self.byte(word), b']' | b'\\' | b':' | b'"') {
            return None;
        }
        let rest = self.slice(at + 1, at + BETWEEN_AT_MOST);
        let close = rest.iter().position(|&b| b == b']')?;
        let said = rest.get(..close)?;
        let class = said.strip_suffix(b"protected").or_else(|| said.strip_suffix(b"private"))?;
        let plain = |b: &u8| charset::is_alnum(*b) || *b >= 0x80 || b"\\_\":".contains(b);
        let fits = class.is_empty() || class.len() > 1 && class.ends_with(b":") && class.iter().all(plain);
        fits.then_some(at + 1 + close)
    }
}
