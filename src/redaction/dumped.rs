//! What a dump writes between a name and its value: a type and a length, who may see it.

use super::charset;
use super::lists::is_one_of;
use super::scan::Scanner;
use super::separator::Separator;
use super::value;

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
        let measured = between.windows(5).any(|part| part == b"(len=") && between.ends_with(b") ");
        let pointer = between.starts_with(b"(*") && between.ends_with(b")("); // `(*string)("…")`
        ((measured || pointer) && between.iter().all(plain)).then_some(at + mark)
    }

    /// Behind YAML's anchor and tag, if they stand before the value: `&default "…"`, `!plain |`, `&token !!str …`.
    #[inline]
    pub fn behind_tags(&self, sep: Separator) -> usize {
        if !sep.spaced_colon || !matches!(self.byte(sep.value), b'!' | b'&') {
            return sep.value;
        }
        let tag = |at: usize| self.behind_tag(at).unwrap_or(at);
        tag(tag(sep.value))
    }

    /// Where the value stands behind the anchor or the tag that stands here. Behind a tag that fetches one stands where it is
    /// kept, and a bare word behind a tag of one's own is a name.
    #[inline(never)]
    fn behind_tag(&self, at: usize) -> Option<usize> {
        const FETCHES: &str = "ref sub getatt importvalue join select findinmap transform secret env env_var var vault \
            include file reference lookup encrypted";
        const RUST: &str = "mut dyn impl str static";
        let mark = self.byte(at);
        if !matches!(mark, b'!' | b'&') {
            return None;
        }
        let from = at + value::run_of(self.text, at, mark).min(2);
        let end = charset::TOKEN.run_within(self.text, from, 32);
        let name = self.slice(from, end);
        let opens = matches!(self.byte(end + 1), b'"' | b'\'' | b'|' | b'>');
        let leads = match mark {
            b'!' => from == at + 2 || opens && !is_one_of!(name, FETCHES),
            _ => (opens || !name.iter().any(u8::is_ascii_digit)) && !is_one_of!(name, RUST),
        };
        (end > from && self.byte(end) == b' ' && leads).then_some(end + 1)
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
        let plain = |b: &u8| charset::is_alnum(*b) || *b >= 0x80 || b"\\_\":".contains(b);
        let close = rest.iter().position(|b| !plain(b)).filter(|&end| rest.get(end) == Some(&b']'))?;
        let said = rest.get(..close)?;
        let class = said.strip_suffix(b"protected").or_else(|| said.strip_suffix(b"private"))?;
        let fits = class.is_empty() || class.len() > 1 && class.ends_with(b":");
        fits.then_some(at + 1 + close)
    }
}
