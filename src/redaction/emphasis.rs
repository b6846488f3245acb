//! A secret that a message's HTML sets off from its name: `<p>Your temporary password: <b>…</b></p>`.

use super::lists::is_one_of;
use super::scan::Scanner;
use super::separator::Separator;
use super::value;

/// Elements that set a word off.
const ELEMENTS: &str = "b strong em i code kbd tt samp span font mark u big pre";

/// How long an element's tag is at most, and a secret in it, and how many elements stand in each other.
const TAG_AT_MOST: usize = 160;
const SECRET_AT_MOST: usize = 128;
const ELEMENTS_AT_MOST: usize = 3;

impl Scanner<'_> {
    /// Where the word starts and ends that stands alone in such an element.
    #[inline]
    pub fn emphasised(&mut self, sep: Separator, at: usize) -> Option<(usize, usize)> {
        if self.byte(at) != b'<' || !sep.colon || sep.quoted { None } else { self.in_element(at) }
    }

    #[inline(never)]
    fn in_element(&mut self, open: usize) -> Option<(usize, usize)> {
        let mut at = open;
        for _ in 0..ELEMENTS_AT_MOST {
            if self.byte(at) != b'<' {
                break;
            }
            let tag = self.slice(at + 1, at + TAG_AT_MOST);
            let name = tag.iter().take_while(|b| b.is_ascii_alphanumeric()).count();
            let close = tag.iter().position(|b| matches!(b, b'>' | b'<' | b'\n'))?;
            self.looked(at, at + 1 + close);
            if tag.get(close) != Some(&b'>') || !is_one_of!(tag.get(..name).unwrap_or_default(), ELEMENTS) {
                return None;
            }
            at += close + 2;
        }
        let rest = self.slice(at, at + SECRET_AT_MOST);
        let length = rest.iter().position(|b| matches!(b, 0..=b' ' | b'<'))?;
        self.looked(at, at + length);
        let content = rest.get(..length).unwrap_or_default();
        let closes = self.is_at(at + length, b"</");
        let digits = (4..=8).contains(&length) && content.iter().all(u8::is_ascii_digit);
        let secret = digits || value::looks_generated(content, 8) || value::is_told(content);
        // `secret: <code>DB_SECRET_2</code>`: where it is kept
        let constant = content.contains(&b'_')
            && content.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_');
        (closes && secret && !constant && !value::is_code(content)).then_some((at, at + length))
    }
}
