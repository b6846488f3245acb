//! Redis's glob patterns: `*`, `?`, `[a-z]`, `[^x]` and `\` before a character to be taken as it is.

/// Whether the whole text matches the pattern.
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    // The last `*` and how much of the text it took; on a mismatch it takes one byte more.
    let mut star: Option<(&[u8], &[u8])> = None;
    let (mut rest, mut left) = (pattern, text);
    loop {
        if let Some((b'*', after)) = rest.split_first() {
            star = Some((after, left));
            rest = after;
            continue;
        }
        let step = match left.split_first() {
            None if rest.is_empty() => return true,
            None => return false,
            Some((byte, tail)) => one(rest, *byte).map(|after| (after, tail)),
        };
        (rest, left) = match (step, star) {
            (Some(next), _) => next,
            (None, Some((after, [_, shorter @ ..]))) => {
                star = Some((after, shorter));
                (after, shorter)
            }
            (None, _) => return false,
        };
    }
}

/// Matches one byte against the pattern's first item; the pattern after it, or nothing when it does not match.
fn one(pattern: &[u8], byte: u8) -> Option<&[u8]> {
    match pattern {
        [b'?', after @ ..] => Some(after),
        [b'\\', literal, after @ ..] => (*literal == byte).then_some(after),
        [b'[', inside @ ..] => class(inside, byte),
        [literal, after @ ..] => (*literal == byte).then_some(after),
        [] => None,
    }
}

/// A class without its `[`. Redis takes a missing `]` as if it stood at the end.
fn class(inside: &[u8], byte: u8) -> Option<&[u8]> {
    let (negated, mut rest) = match inside {
        [b'^', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut found = false;
    loop {
        rest = match rest {
            [b'\\', literal, after @ ..] => {
                found |= *literal == byte;
                after
            }
            [b']', after @ ..] => return (found != negated).then_some(after),
            [] => return (found != negated).then_some(rest),
            [from, b'-', to, after @ ..] => {
                found |= (*from.min(to)..=*from.max(to)).contains(&byte);
                after
            }
            [literal, after @ ..] => {
                found |= *literal == byte;
                after
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_as_in_redis() {
        let cases = [
            ("*", "", true),
            ("logs:*", "logs:trace_1", true),
            ("logs:*", "log:trace_1", false),
            ("*a*b", "xxaxxbxb", true),
            ("*a*b", "xxaxxbx", false),
            ("h?llo", "hello", true),
            ("h?llo", "hllo", false),
            ("h[ae]llo", "hallo", true),
            ("h[^e]llo", "hello", false),
            ("h[a-c]llo", "hbllo", true),
            ("h[c-a]llo", "hbllo", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "axb", false),
            ("", "", true),
            ("", "a", false),
            ("[abc", "c", true),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }
}
