//! Workflow runs, their jobs and their steps as `gh` tells them, and how they went.

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

use crate::{exit::Exit, run::printer::Mark};

/// What `gh run list` and `gh run view` are asked for.
pub const FIELDS: &str =
    "databaseId,workflowName,displayTitle,status,conclusion,headSha,event,url,createdAt,updatedAt";

/// One run of a workflow.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowRun {
    /// The number in its address.
    pub database_id: u64,
    pub workflow_name: String,
    pub display_title: String,
    pub status: String,
    #[serde(default)]
    pub conclusion: Option<String>,
    pub head_sha: String,
    pub event: String,
    pub url: String,
    pub created_at: String,
    pub updated_at: String,
    #[serde(default)]
    pub jobs: Vec<Job>,
}

/// One job of a run.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    pub database_id: u64,
    pub name: String,
    pub status: String,
    #[serde(default)]
    pub conclusion: Option<String>,
    #[serde(default)]
    pub started_at: Option<String>,
    #[serde(default)]
    pub completed_at: Option<String>,
    #[serde(default)]
    pub steps: Vec<Step>,
}

/// One step of a job.
#[derive(Clone, Debug, Deserialize)]
pub struct Step {
    pub name: String,
    pub status: String,
    #[serde(default)]
    pub conclusion: Option<String>,
}

/// How a run, a job or a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Over: it succeeded, or had nothing to do.
    Success,
    /// Over: somebody, or a newer run, ended it.
    Cancelled,
    /// It has not begun.
    Queued,
    /// A person must approve it first: a protected environment.
    Waiting,
    /// It goes on.
    Running,
    /// Over: it failed. Words that are not known count as this.
    Failure,
}

impl State {
    /// From GitHub's two words, <https://docs.github.com/rest/actions/workflow-runs>.
    pub fn of(status: &str, conclusion: Option<&str>) -> State {
        match (status, conclusion.unwrap_or_default()) {
            ("completed", "success" | "neutral" | "skipped") => State::Success,
            ("completed", "cancelled") => State::Cancelled,
            ("completed", _) => State::Failure,
            ("in_progress", _) => State::Running,
            ("waiting", _) => State::Waiting,
            _ => State::Queued,
        }
    }

    pub fn is_over(self) -> bool {
        matches!(self, State::Success | State::Cancelled | State::Failure)
    }

    pub fn word(self) -> &'static str {
        match self {
            State::Success => "success",
            State::Cancelled => "cancelled",
            State::Queued => "queued",
            State::Waiting => "waiting",
            State::Running => "running",
            State::Failure => "failure",
        }
    }

    pub fn mark(self) -> Mark {
        match self {
            State::Success => Mark::Good,
            State::Cancelled | State::Waiting => Mark::Warning,
            State::Queued | State::Running => Mark::Dim,
            State::Failure => Mark::Bad,
        }
    }

    /// The exit status that says so.
    pub fn exit(self) -> Exit {
        match self {
            State::Success => Exit::Done,
            State::Failure => Exit::Failed,
            State::Cancelled | State::Queued | State::Waiting | State::Running => Exit::Warnings,
        }
    }
}

impl WorkflowRun {
    pub fn state(&self) -> State {
        State::of(&self.status, self.conclusion.as_deref())
    }

    /// Whether it runs by the clock: it says nothing about the commit it ran on.
    pub fn is_scheduled(&self) -> bool {
        self.event == "schedule"
    }

    /// The commit as people write it.
    pub fn commit(&self) -> &str {
        self.head_sha.get(..7).unwrap_or(&self.head_sha)
    }

    /// How long ago it was made; nothing when the clocks or the text say something odd.
    pub fn age(&self) -> Option<Duration> {
        SystemTime::now().duration_since(humantime::parse_rfc3339(&self.created_at).ok()?).ok()
    }

    /// How long it took, when it is over.
    pub fn took(&self) -> Option<Duration> {
        between(&self.created_at, &self.updated_at)
    }
}

impl Job {
    pub fn state(&self) -> State {
        State::of(&self.status, self.conclusion.as_deref())
    }

    pub fn took(&self) -> Option<Duration> {
        between(self.started_at.as_deref()?, self.completed_at.as_deref()?)
    }

    /// The step it is at.
    pub fn step(&self) -> Option<&Step> {
        self.steps.iter().find(|step| step.state() == State::Running)
    }

    /// The steps that failed.
    pub fn failed_steps(&self) -> Vec<&str> {
        let failed = self.steps.iter().filter(|step| step.state() == State::Failure);
        failed.map(|step| step.name.as_str()).collect()
    }
}

impl Step {
    fn state(&self) -> State {
        State::of(&self.status, self.conclusion.as_deref())
    }
}

/// The newest run of each workflow, in the order of `runs`, which is the newest first.
pub fn newest_of_each(runs: &[WorkflowRun]) -> Vec<&WorkflowRun> {
    let mut seen = BTreeSet::new();
    runs.iter().filter(|run| seen.insert(run.workflow_name.as_str())).collect()
}

/// In whole minutes and seconds; nothing where GitHub gave no time or the year 1.
pub fn spoken(took: Option<Duration>) -> String {
    took.map_or_else(String::new, |took| {
        let (minutes, seconds) = (took.as_secs() / 60, took.as_secs() % 60);
        if minutes == 0 { format!("{seconds} s") } else { format!("{minutes} min {seconds} s") }
    })
}

fn between(from: &str, to: &str) -> Option<Duration> {
    let time = |text: &str| humantime::parse_rfc3339(text).ok();
    time(to)?.duration_since(time(from)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn githubs_words_are_one_of_six_states() {
        for (status, conclusion, state) in [
            ("completed", Some("success"), State::Success),
            ("completed", Some("skipped"), State::Success),
            ("completed", Some("cancelled"), State::Cancelled),
            ("completed", Some("timed_out"), State::Failure),
            ("completed", Some("startup_failure"), State::Failure),
            ("completed", Some("a word of next year"), State::Failure),
            ("completed", None, State::Failure),
            ("in_progress", Some(""), State::Running),
            ("waiting", None, State::Waiting),
            ("queued", Some(""), State::Queued),
            ("pending", None, State::Queued),
        ] {
            assert_eq!(State::of(status, conclusion), state, "{status} {conclusion:?}");
        }
    }

    #[test]
    fn a_time_that_github_did_not_give_is_not_told() {
        assert_eq!(spoken(between("2026-01-01T10:00:00Z", "2026-01-01T10:03:12Z")), "3 min 12 s");
        assert_eq!(spoken(between("2026-01-01T10:00:00Z", "0001-01-01T00:00:00Z")), "");
    }
}
