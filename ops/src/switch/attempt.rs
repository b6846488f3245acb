//! How far a change of the live version has come: what must be known to bring it to an end from anywhere, kept in the run's journal.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    run::{Run, journal::PastRun},
    wrangler::types::Deployment,
};

/// The step that says what served before.
const BEFORE: &str = "before";
/// The steps after it.
const PHASE: &str = "phase";

/// Which way a version goes live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// Beside the old one, without traffic, then instead of it. There is a way back.
    Beside,
    /// At once, with a Durable Object migration. There is no way back.
    Migration,
    /// At once, because nothing is there. There is nothing to go back to.
    First,
    /// An earlier version again, as [`Way::Beside`].
    Back,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Nothing has been sent.
    #[default]
    Preparing,
    /// A version may have been uploaded. None is deployed.
    Uploading,
    /// The version may stand beside the old one, without traffic.
    Trying,
    /// The version may have all the traffic, and has not been verified with it.
    Switching,
    /// The version has all the traffic and was verified.
    Verified,
    /// The old version is being brought back.
    Returning,
}

/// A change under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// The run's id, which stands in the messages of its versions and deployments.
    pub run: String,
    /// Which way it goes.
    pub way: Way,
    /// What served before; nothing for a first deployment.
    pub before: Option<Deployment>,
    /// The version, once it is known.
    pub new: Option<String>,
    /// How far it has come.
    pub phase: Phase,
    /// Whether secrets move with the version, and so back with the old one.
    pub secrets: bool,
    /// The names of those that were given with the version.
    #[serde(default)]
    pub brings: Vec<String>,
    /// A version that was not live and whose secrets came along.
    #[serde(default)]
    pub inherits: Option<String>,
    /// Checks that failed before, or could not be made: these may go on failing.
    #[serde(default)]
    pub failing: Vec<String>,
}

impl Attempt {
    /// The version that had all the traffic before.
    pub fn old(&self) -> Option<&str> {
        self.before.as_ref().and_then(Deployment::sole)
    }

    /// Whether the old version can be deployed again.
    pub fn can_return(&self) -> bool {
        matches!(self.way, Way::Beside | Way::Back) && self.old().is_some()
    }

    /// Writes what served before to the journal. From here on a run that is killed is settled by the next.
    pub fn begin(&self, run: &Run) {
        run.step(BEFORE, json!({ "attempt": self }));
    }

    /// Goes on to a phase. Written before its first call, so that a run that is killed within it is found in it.
    pub fn enter(&mut self, run: &Run, phase: Phase) {
        self.phase = phase;
        run.step(PHASE, json!({ "phase": phase, "version": self.new }));
    }

    /// The attempt of a run that was killed; nothing when it had not come so far as to change anything.
    pub fn of_journal(past: &PastRun) -> Option<Attempt> {
        let kept = past.step(BEFORE)?.get("attempt")?;
        let mut attempt = Attempt::deserialize(kept).ok()?;
        if let Some(step) = past.step(PHASE) {
            attempt.phase = Phase::deserialize(step.get("phase")?).ok()?;
            attempt.new = step.get("version").and_then(Value::as_str).map(str::to_owned).or(attempt.new);
        }
        Some(attempt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Effect, folder::StateFolder, globals::Globals};

    #[test]
    fn a_run_that_was_killed_is_found_in_the_phase_it_had_entered() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::at(folder.path());
        let run = Run::begin_in(state.clone(), "deploy", Effect::Changes, Globals::default());
        let mut attempt = Attempt {
            run: run.id().to_string(),
            way: Way::Beside,
            before: None,
            new: None,
            phase: Phase::Preparing,
            secrets: false,
            brings: Vec::new(),
            inherits: None,
            failing: vec!["redis".into()],
        };
        attempt.begin(&run);
        attempt.enter(&run, Phase::Uploading);
        attempt.new = Some("v2".into());
        attempt.enter(&run, Phase::Trying);
        let journal = run.journal();
        drop(run);
        let found = journal.interrupted();
        assert_eq!(Attempt::of_journal(&found[0]), Some(attempt));
    }
}
