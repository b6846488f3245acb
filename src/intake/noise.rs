//! Noise: messages of development tooling that are answered with success and stored nowhere.

/// Substrings that make a message noise, whatever their case (contract: Noise).
pub const PATTERNS: [&str; 13] = [
    "[HMR]",
    "unexpected require",
    "disposed module",
    "webpack-internal",
    "webpack-hot-middleware",
    "hot-update",
    "[Fast Refresh]",
    "React DevTools",
    "DevTools detected",
    "Received an error",
    "Non-Error promise rejection",
    "Script will terminate",
    "Worker script error",
];

/// Whether `message` holds one of [`PATTERNS`].
///
/// One pass: a place is compared only where its two bytes begin a pattern.
pub fn is_noise(message: &str) -> bool {
    let bytes = message.as_bytes();
    let mut before = 0; // nothing begins behind nothing, so that the first byte ends no pair
    bytes.iter().enumerate().any(|(at, &byte)| {
        let begins = before & SECOND[usize::from(byte)] != 0;
        before = FIRST[usize::from(byte)];
        begins && begins_at(bytes.get(at - 1..).unwrap_or_default())
    })
}

/// Whether one of [`PATTERNS`] stands at the start.
#[inline(never)]
fn begins_at(bytes: &[u8]) -> bool {
    PATTERNS.iter().any(|pattern| {
        bytes.get(..pattern.len()).is_some_and(|part| part.eq_ignore_ascii_case(pattern.as_bytes()))
    })
}

/// The patterns whose first byte this may be, a bit each, and those whose second byte it may be: in letters of any case.
static FIRST: [u16; 256] = places(0);
static SECOND: [u16; 256] = places(1);

const fn places(at: usize) -> [u16; 256] {
    let (mut places, mut nth) = ([0; 256], 0);
    while nth < PATTERNS.len() {
        let byte = PATTERNS[nth].as_bytes()[at];
        places[byte.to_ascii_lowercase() as usize] |= 1 << nth;
        places[byte.to_ascii_uppercase() as usize] |= 1 << nth;
        nth += 1;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_noise_in_any_case_and_place() {
        for pattern in PATTERNS {
            assert!(is_noise(&format!("é {} x", pattern.to_uppercase())), "{pattern}");
            assert!(is_noise(&pattern.to_lowercase()), "{pattern}");
            assert!(!is_noise(&pattern[..pattern.len() - 1]), "{pattern}");
        }
        assert!(!is_noise("user received the parcel"));
    }
}
