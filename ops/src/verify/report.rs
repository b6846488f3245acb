//! What a verification found.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;

use crate::exit::Exit;

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should.
    Pass,
    /// Could not be looked at: a token is missing, or there is no quota left for it.
    Skip,
    /// Worth a look.
    Warn,
    /// Not as it should be.
    Fail,
}

/// What a check found: in one line what is so, in one line what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How it went.
    pub status: Status,
    /// What was seen; may be empty when all is well.
    pub detail: String,
    /// What to do; empty when all is well.
    pub hint: String,
}

impl Finding {
    /// All is well.
    pub fn pass(detail: impl Into<String>) -> Finding {
        Finding { status: Status::Pass, detail: detail.into(), hint: String::new() }
    }

    /// It could not be looked at.
    pub fn skip(detail: impl Into<String>, hint: impl Into<String>) -> Finding {
        Finding { status: Status::Skip, detail: detail.into(), hint: hint.into() }
    }

    /// It is worth a look.
    pub fn warn(detail: impl Into<String>, hint: impl Into<String>) -> Finding {
        Finding { status: Status::Warn, detail: detail.into(), hint: hint.into() }
    }

    /// It is not as it should be.
    pub fn fail(detail: impl Into<String>, hint: impl Into<String>) -> Finding {
        Finding { status: Status::Fail, detail: detail.into(), hint: hint.into() }
    }
}

/// One check, done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its name, which does not change.
    pub name: &'static str,
    /// How it went.
    pub status: Status,
    /// How long it took, ms.
    pub ms: u64,
    /// What was seen.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// What to do.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hint: String,
}

/// Layouts of what Durable Objects store, by component: `buffer`, `rate_limiter`.
pub type Layouts = BTreeMap<String, u64>;

/// The version that answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Version {
    /// Its id.
    pub id: String,
    /// What the deployer called it.
    pub tag: String,
    /// The newest layout of stored state that it reads, by component; nothing from a version that does not say.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub layouts: Layouts,
}

/// What waits in the buffers for Redis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Backlog {
    /// Logs.
    pub waiting: u64,
    /// Their bytes.
    pub waiting_bytes: u64,
    /// The age of the oldest, ms.
    pub oldest_waiting_ms: u64,
    /// Logs that Redis refuses for good.
    pub set_aside: u64,
}

/// How long the answers took, ms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// Requests that were answered.
    pub requests: usize,
    /// Half of them took no longer.
    pub p50_ms: u64,
    /// The slowest.
    pub max_ms: u64,
}

impl Latency {
    /// Of these times.
    pub fn of(mut times: Vec<Duration>) -> Latency {
        times.sort();
        let ms = |at: usize| times.get(at).map_or(0, |time| millis(*time));
        Latency {
            requests: times.len(),
            p50_ms: ms(times.len() / 2),
            max_ms: ms(times.len().saturating_sub(1)),
        }
    }
}

/// What a verification found. As JSON its fields are stable: names and meanings stay, more may come.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The correlation id, which is the trace id of the test logs.
    pub run: String,
    /// Where the worker answers.
    pub url: String,
    /// The worst of the checks; what was skipped counts as well.
    pub outcome: Status,
    /// The exit status: 0 all is well, 2 with warnings or something skipped, 1 something failed.
    pub exit: u8,
    /// What the worker says it is.
    pub environment: Option<String>,
    /// The version that answered.
    pub version: Option<Version>,
    /// The layouts of what the objects stored.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub stored: Layouts,
    /// What waits in the buffers.
    pub backlog: Option<Backlog>,
    /// How long the answers took.
    pub latency: Latency,
    /// How long it took in all, ms.
    pub ms: u64,
    /// Every check in its order. Where the first ones say that this is not the worker, or not the one that was asked
    /// for, there are no others: nothing is written to a stranger.
    pub checks: Vec<Check>,
}

impl Report {
    /// How the checks went, taken together.
    pub fn status(&self) -> Exit {
        exit_of(self.outcome)
    }

    /// Adds checks that were made beside the worker's.
    pub(super) fn add(&mut self, checks: Vec<Check>, ms: u64) {
        self.outcome = checks
            .iter()
            .map(|check| check.status)
            .max()
            .map_or(self.outcome, |worst| worst.max(self.outcome));
        self.exit = exit_of(self.outcome) as u8;
        self.ms += ms;
        self.checks.extend(checks);
    }

    /// The check of that name, when it was made.
    pub fn check(&self, name: &str) -> Option<&Check> {
        self.checks.iter().find(|check| check.name == name)
    }

    /// How many checks went so.
    pub fn count(&self, status: Status) -> usize {
        self.checks.iter().filter(|check| check.status == status).count()
    }

    /// What failed.
    pub fn failed(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.status == Status::Fail)
    }
}

/// The exit status that says so.
pub(super) fn exit_of(outcome: Status) -> Exit {
    match outcome {
        Status::Pass => Exit::Done,
        Status::Skip | Status::Warn => Exit::Warnings,
        Status::Fail => Exit::Failed,
    }
}

/// Whole milliseconds.
pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_the_answers_is_one_of_them() {
        let times = [30, 10, 20].map(Duration::from_millis).to_vec();
        assert_eq!(Latency::of(times), Latency { requests: 3, p50_ms: 20, max_ms: 30 });
        assert_eq!(Latency::of(Vec::new()), Latency::default());
    }
}
