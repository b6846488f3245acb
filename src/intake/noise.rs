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
/// One pass: a position is compared only when its two bytes can start a pattern.
pub fn is_noise(message: &str) -> bool {
    let bytes = message.as_bytes();
    bytes.windows(2).enumerate().any(|(at, head)| {
        begins(head)
            && PATTERNS.iter().any(|pattern| {
                bytes
                    .get(at..at + pattern.len())
                    .is_some_and(|part| part.eq_ignore_ascii_case(pattern.as_bytes()))
            })
    })
}

/// Whether one of [`PATTERNS`] begins so.
fn begins(head: &[u8]) -> bool {
    let [first, second] = *head else { return false };
    // A bracket is the only one that is no letter, and no other byte becomes it.
    matches!(
        [first | 0x20, second | 0x20],
        [b'{', b'h' | b'f']
            | [b'u' | b'd', b'n' | b'i' | b'e']
            | [b'w', b'e' | b'o']
            | [b'h' | b'n', b'o']
            | [b'r', b'e']
            | [b's', b'c']
    )
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
