//! How Redis answers: when it may be asked again, and what is told of it.

use crate::redis::Failure;

/// First pause after a failure, ms; it doubles up to [`BACKOFF_MAX_MS`].
pub(super) const BACKOFF_MS: i64 = 250;
/// Longest pause after a failure, ms: how long a backlog waits at most once Redis is back.
const BACKOFF_MAX_MS: i64 = 15_000;

/// What a shard knows of its Redis.
#[derive(Debug)]
pub(super) struct Link {
    /// Not to be asked before, Unix ms.
    pub(super) retry_at: i64,
    /// Failures since the last answer.
    pub(super) failures: u32,
    /// Since when there are any, Unix ms.
    pub(super) failing_since: Option<i64>,
    /// Whether a request got no answer since the last that did: Redis may have lost what it had.
    was_away: bool,
    /// What it said, or what went wrong.
    pub(super) last_error: Option<String>,
}

impl Default for Link {
    fn default() -> Link {
        Link { retry_at: i64::MIN, failures: 0, failing_since: None, was_away: false, last_error: None }
    }
}

impl Link {
    /// It answered. Whether it was away before, and may have lost what it had.
    pub(super) fn answered(&mut self) -> bool {
        std::mem::take(self).was_away
    }

    /// It did not answer, or refused the request.
    pub(super) fn failed(&mut self, failure: &Failure, now: i64) {
        self.failures = self.failures.saturating_add(1);
        self.failing_since.get_or_insert(now);
        self.was_away |= matches!(failure, Failure::Uncertain(_));
        self.last_error = Some(failure.to_string());
        let doubled = BACKOFF_MS.saturating_mul(1 << self.failures.min(10).saturating_sub(1));
        self.retry_at = now.saturating_add(doubled.min(BACKOFF_MAX_MS));
    }

    /// Lets it be asked at once: what it refused is not what comes next.
    pub(super) fn retry_now(&mut self) {
        self.retry_at = i64::MIN;
    }
}
