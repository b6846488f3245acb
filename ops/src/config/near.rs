//! The known name that somebody may have meant.

/// Most letters that may be wrong in a name that is still recognised.
const MOST_WRONG: usize = 2;

/// The name among `known` that is nearest to `given`, when it is near enough to have been meant.
pub fn nearest<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.to_ascii_uppercase();
    let near =
        known.map(|name| (wrong_letters(&given, name), name)).filter(|(wrong, _)| *wrong <= MOST_WRONG);
    near.min().map(|(_, name)| name)
}

/// How many letters must be put in, taken out or replaced to make one name of the other.
fn wrong_letters(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.chars().enumerate() {
        let mut next = vec![at + 1];
        for ((above, pair), theirs) in row.iter().skip(1).zip(row.iter()).zip(&other) {
            let left = next.last().copied().unwrap_or_default();
            next.push((pair + usize::from(letter != *theirs)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let known = ["RATE_LIMIT_TRACE", "LOG_READ_TOKEN", "LOG_ADMIN_TOKEN"];
        for (given, meant) in [
            ("RATE_LIMIT_TRACES", Some("RATE_LIMIT_TRACE")),
            ("LOG_RAED_TOKEN", Some("LOG_READ_TOKEN")),
            ("log_read_token", Some("LOG_READ_TOKEN")),
            ("SENTRY_DSN", None),
            ("", None),
        ] {
            assert_eq!(nearest(given, known.into_iter()), meant, "{given}");
        }
    }
}
