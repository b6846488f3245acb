//! Answers that are longer than Redis gives in one piece.
//!
//! Upstash bounds a request and what one command answers: 10 MB on its free and pay-as-you-go plans, 1 MB on free
//! databases of an earlier time. A command whose answer would be longer fails with an error of its own, and a list that was
//! written push by push may be any times as long
//! (<https://upstash.com/docs/redis/troubleshooting/max_request_size_exceeded>).

/// What the error begins with.
const SAYS: &str = "ERR max request size exceeded";

/// By how much an answer would have been too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Oversize {
    /// Bytes Redis gives.
    limit: u64,
    /// Bytes it would have had.
    pub actual: u64,
}

impl Oversize {
    /// What a command's error says of it; `None` when that is not why it failed.
    pub fn of(error: &str) -> Option<Oversize> {
        let said = error.strip_prefix(SAYS)?;
        let number = |name: &str| {
            let (_, rest) = said.split_once(name)?;
            rest.trim_start().split(|c: char| !c.is_ascii_digit()).next()?.parse::<u64>().ok()
        };
        Some(Oversize { limit: number("Limit:").unwrap_or(0), actual: number("Actual:").unwrap_or(0) })
    }

    /// How many times too long, rounded up and at least 2.
    pub fn times(self) -> u64 {
        self.actual.div_ceil(self.limit.max(1)).max(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_says_how_much_too_long() {
        let times = |error: &str| Oversize::of(error).map(Oversize::times);
        let said = "ERR max request size exceeded. Limit: 1048576 bytes, Actual: 1277695 bytes. See https://upstash.com";
        assert_eq!(times(said), Some(2));
        assert_eq!(times("ERR max request size exceeded. Limit: 10 bytes, Actual: 41 bytes"), Some(5));
        for unclear in ["", ". Limit: 0 bytes, Actual: x", ". Limit: 10, Actual: 99999999999999999999 bytes"]
        {
            assert_eq!(times(&format!("{SAYS}{unclear}")), Some(2), "{unclear}");
        }
        assert_eq!(times("WRONGTYPE Operation against a key"), None);
    }
}
