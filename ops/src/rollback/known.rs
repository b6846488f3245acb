//! What this machine's journal knows of an environment's versions: which were proven, and whose secrets changed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    run::journal::PastRun,
    switch::{
        attempt::{Attempt, Way},
        latency::VERIFIED,
    },
    verify::Layouts,
};

/// A version that was proven to serve.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// By this run.
    pub run: String,
    /// When, RFC 3339.
    pub at: String,
    /// The newest layouts of stored state that its code reads; empty when it did not say.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub layouts: Layouts,
}

/// What is known.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// By version id.
    pub proven: BTreeMap<String, Proof>,
    /// The names of the secrets that were set with a version, by its id.
    pub set: BTreeMap<String, BTreeSet<String>>,
    /// Versions that were uploaded with secrets of their own.
    pub with_secrets: BTreeSet<String>,
}

impl Known {
    /// Of these runs, the oldest first.
    pub fn of(runs: &[PastRun], environment: &str) -> Known {
        let mut known = Known::default();
        for past in runs.iter().filter(|past| past.environment.as_deref() == Some(environment)) {
            let text = |step: &str, name: &str| past.step(step)?.get(name)?.as_str().map(str::to_owned);
            if let (Some(version), Some(at)) = (text(VERIFIED, "version"), text(VERIFIED, "at")) {
                let layouts = past.step(VERIFIED).and_then(|step| step.get("layouts"));
                let layouts = layouts.and_then(|told| Layouts::deserialize(told).ok()).unwrap_or_default();
                known.proven.insert(version, Proof { run: past.run.clone(), at, layouts });
            }
            if let (Some(name), Some(version)) = (text("put", "name"), text("live", "version")) {
                known.set.insert(version, BTreeSet::from([name]));
            }
            let attempt = Attempt::of_journal(past);
            // A rollback brings no secrets of its own.
            let brought = attempt.filter(|attempt| attempt.secrets && attempt.way != Way::Back);
            let Some((version, names)) = brought.and_then(|attempt| Some((attempt.new?, attempt.brings)))
            else {
                continue;
            };
            // Earlier journals do not name them.
            if !names.is_empty() {
                known.set.insert(version.clone(), names.into_iter().collect());
            }
            known.with_secrets.insert(version);
        }
        known
    }
}
