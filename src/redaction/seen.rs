//! Texts of which one request already showed that nothing is to be taken out of them. The logs of a batch mostly come from
//! one page, and their contexts say the same of it each time: its address, its browser, its user.

/// How many texts are remembered, each in the one place it can have: a power of two, for a context has few such texts.
const PLACES: usize = 16;
/// Bytes of a text that is remembered: there is little to read in shorter ones, and longer ones would take up memory.
const LENGTHS: std::ops::RangeInclusive<usize> = 12..=512;

/// What was seen to be harmless.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen([Box<str>; PLACES]);

impl Seen {
    /// Whether this very text was seen.
    pub fn has(&self, text: &str) -> bool {
        self.0.get(place(text)).is_some_and(|known| **known == *text) && !text.is_empty()
    }

    /// Remembers a text that nothing is to be taken out of, and forgets the one in whose place it comes.
    pub fn remember(&mut self, text: &str) {
        if LENGTHS.contains(&text.len())
            && let Some(known) = self.0.get_mut(place(text))
        {
            *known = text.into();
        }
    }
}

/// By its length and its last bytes: how texts begin is often the same.
fn place(text: &str) -> usize {
    let last =
        text.bytes().rev().take(4).fold(text.len(), |sum, b| sum.wrapping_mul(31).wrapping_add(b.into()));
    (last ^ (last >> 8)) % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_known_until_another_takes_its_place() {
        let mut seen = Seen::default();
        assert!(!seen.has("") && !seen.has("https://example.com"));
        seen.remember("https://example.com");
        assert!(seen.has("https://example.com") && !seen.has("https://example.con"));
        for n in 0..1_000 {
            seen.remember(&format!("https://example.com/{n}"));
        }
        assert!(!seen.has("https://example.com") && seen.has("https://example.com/999"));
        let (short, long) = ("x", "x".repeat(513));
        seen.remember(short);
        seen.remember(&long);
        assert!(!seen.has(short) && !seen.has(&long));
    }
}
