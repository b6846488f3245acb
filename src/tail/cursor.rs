//! The cursor: how far a viewer has seen.

use std::fmt;

/// Bytes of a cursor at most: five numbers of 64 bits, and what stands between them.
const MAX_BYTES: usize = 5 * 20 + 4;

/// How far a viewer has seen. Opaque to viewers; it tells them nothing but how much has been logged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cursor {
    /// When the shard that made it began, Unix ms: numbers of another shard mean nothing to it.
    pub born: i64,
    /// Every entry up to this number was seen, or is not the viewer's.
    pub seq: u64,
    /// Of one trace: how many of its logs were seen or told as missed since its list began.
    pub count: u64,
    /// Of one trace: the number of the first entry of that list; 0 while none was seen.
    pub first: u64,
    /// Of one trace: the clear that was told, by the number of the newest entry it removed. Of a shard: how many
    /// clears were told.
    pub cleared: u64,
}

impl Cursor {
    /// Reads a cursor; `None` for what never was one.
    pub fn parse(text: &str) -> Option<Cursor> {
        if text.len() > MAX_BYTES {
            return None;
        }
        let mut numbers = text.split('-').map(|part| part.parse::<u64>().ok());
        let mut next = || numbers.next().flatten();
        let cursor = Cursor {
            born: i64::try_from(next()?).ok()?,
            seq: next()?,
            count: next()?,
            first: next()?,
            cleared: next()?,
        };
        numbers.next().is_none().then_some(cursor)
    }

    /// Having seen one entry more.
    pub fn past(self, seq: u64) -> Cursor {
        Cursor { seq, count: self.count.saturating_add(1), ..self }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cursor { born, seq, count, first, cleared } = self;
        write!(f, "{born}-{seq}-{count}-{first}-{cleared}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cursor_reads_back_as_it_was_written(
            born in 0..i64::MAX, seq: u64, count: u64, first: u64, cleared: u64
        ) {
            let cursor = Cursor { born, seq, count, first, cleared };
            prop_assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        }

        #[test]
        fn any_text_is_a_cursor_or_none(text in ".{0,100}") {
            if let Some(cursor) = Cursor::parse(&text) {
                prop_assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
            }
        }
    }

    #[test]
    fn what_is_no_cursor_is_none() {
        for text in
            ["", "0", "1-2-3-4", "1-2-3-4-5-6", "1-2-3-4-x", "18446744073709551615-1-1-1-1", &"0".repeat(200)]
        {
            assert_eq!(Cursor::parse(text), None, "{text}");
        }
    }
}
