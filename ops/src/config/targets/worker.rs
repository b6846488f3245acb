//! The secrets of the deployed worker, through wrangler: one edit for all, which is a version of the newest code that gets
//! the traffic at once. So it is done only where the newest code is what is live.

use std::time::Duration;

use log_ingestion_worker::config::Environment;
use serde_json::{Map, Value, json};

use crate::{
    config::{
        fingerprint::{Fingerprints, Likeness},
        keys::{self, Target},
        outcome::{Change, Kind, Outcome, masked},
        steps,
        table::{Selection, Side},
    },
    project::Project,
    run::Run,
    wrangler::{Wrangler, types::Live},
};

/// How long a call whose answer was lost may still be executed.
const LATE: Duration = Duration::from_secs(1);

/// The secrets the worker is to have, and how that differs from what is known of those it has.
pub struct Plan {
    wrangler: Option<Wrangler>,
    wanted: Vec<(String, Option<String>)>,
    /// What differs.
    pub outcome: Outcome,
}

/// The worker, for people.
pub fn place(project: &Project, environment: Environment) -> String {
    format!("secrets of {}", project.worker_name(environment))
}

/// The secrets that a selection wants of the worker. What the worker does not read is not sent.
pub fn wanted<S: Side>(selection: &Selection<S>) -> Vec<(String, Option<String>)> {
    let entries = selection.of_target(Target::Worker);
    entries
        .filter(|entry| keys::find(Target::Worker, &entry.key).is_some_and(|known| known.secret))
        .map(|entry| (entry.key.clone(), entry.value.as_ref().map(|value| value.reveal().to_owned())))
        .collect()
}

/// The names of the secrets that are set.
///
/// # Errors
/// When there is no worker, or nobody says.
pub async fn names(
    wrangler: &Wrangler,
    project: &Project,
    environment: Environment,
) -> Result<Vec<String>, String> {
    match wrangler.live().await.map_err(|trouble| trouble.to_string())? {
        Live::Absent => Err(absent(project, environment)),
        Live::Deployed(_) => {
            let secrets = wrangler.secrets().await.map_err(|trouble| trouble.to_string())?;
            Ok(secrets.into_iter().map(|secret| secret.name).collect())
        }
    }
}

/// wrangler would publish an empty worker for its secrets.
pub fn absent(project: &Project, environment: Environment) -> String {
    format!(
        "there is no worker {} yet: its first deployment brings its secrets, ops deploy --secrets-file FILE",
        project.worker_name(environment)
    )
}

impl Plan {
    /// A target that could not even be asked.
    pub fn unreadable(place: String, why: String) -> Plan {
        let outcome = Outcome { unreadable: Some(why), ..Outcome::of(Target::Worker.name(), place) };
        Plan { wrangler: None, wanted: Vec::new(), outcome }
    }

    /// Compares by the names that are set, and by fingerprints. Only with a wrangler can it be applied.
    pub fn make(
        wrangler: Option<Wrangler>,
        place: String,
        wanted: Vec<(String, Option<String>)>,
        names: &[String],
        fingerprints: &Fingerprints,
        prune: bool,
    ) -> Plan {
        let mut outcome = Outcome::of(Target::Worker.name(), place);
        let is_named = |name: &str| wanted.iter().any(|(key, _)| key == name);
        outcome.others = names.iter().filter(|name| !is_named(name)).cloned().collect();
        for (key, wanted) in &wanted {
            let is_set = names.contains(key);
            let likeness = wanted.as_ref().map(|wanted| fingerprints.compare(key, wanted, ""));
            let change = match (is_set, likeness) {
                (false, None) => continue,
                (true, Some(Likeness::Same)) => {
                    outcome.unchanged += 1;
                    continue;
                }
                (false, Some(_)) => Kind::Add,
                (true, Some(Likeness::Differs)) => Kind::Update,
                (true, Some(_)) => Kind::Write,
                (true, None) if prune => Kind::Remove,
                (true, None) => {
                    outcome
                        .notes
                        .push(format!("{key} is set there and empty in the source: --prune removes it"));
                    continue;
                }
            };
            let was = is_set.then(|| "[set]".to_owned());
            outcome.changes.push(Change {
                key: key.clone(),
                change,
                was,
                now: wanted.as_deref().map(masked),
            });
        }
        Plan { wrangler, wanted, outcome }
    }

    /// Sets them all at once.
    pub async fn apply(self, run: &Run, fingerprints: &mut Fingerprints) -> Outcome {
        let Plan { wrangler: Some(wrangler), wanted, mut outcome } = self else { return self.outcome };
        if outcome.changes.is_empty() {
            return outcome;
        }
        let before = match newest_is_live(&wrangler).await {
            Ok(before) => before,
            Err(why) => {
                outcome.rest_not_applied(&why);
                return outcome;
            }
        };
        let value =
            |key: &str| wanted.iter().find(|(name, _)| name == key).and_then(|(_, value)| value.clone());
        let edits: Map<String, Value> =
            outcome.changes.iter().map(|change| (change.key.clone(), json!(value(&change.key)))).collect();
        steps::passed("before the secrets");
        let put = wrangler.put_secrets(&Value::Object(edits).to_string()).await;
        if let Err(trouble) = put {
            tokio::time::sleep(LATE).await;
            let live = wrangler.live().await;
            let why = match live {
                // One edit is one version: a new one that is live has them all.
                Ok(Live::Deployed(live)) if live.sole().is_some_and(|live| live != before) => None,
                Ok(_) => Some(trouble.to_string()),
                Err(_) => Some(format!("{trouble}; whether they were is not known")),
            };
            if let Some(why) = why {
                for change in &outcome.changes {
                    fingerprints.forget(run, &change.key);
                }
                outcome.rest_not_applied(&why);
                return outcome;
            }
        }
        steps::passed("after the secrets");
        outcome.all_applied();
        for key in &outcome.applied {
            match value(key) {
                Some(value) => fingerprints.record(run, key, &value, ""),
                None => fingerprints.forget(run, key),
            }
        }
        outcome.notes.push("they are live with a new version: ops verify".into());
        outcome
    }
}

/// The live version, when an edit of a secret would build on it.
async fn newest_is_live(wrangler: &Wrangler) -> Result<String, String> {
    let live = match wrangler.live().await.map_err(|trouble| trouble.to_string())? {
        Live::Deployed(live) => live,
        Live::Absent => return Err("the worker is gone".into()),
    };
    let Some(id) = live.sole().filter(|_| live.versions.len() == 1) else {
        return Err(format!("a gradual deployment is under way: {}", live.shares()));
    };
    let versions = wrangler.versions().await.map_err(|trouble| trouble.to_string())?;
    match versions.into_iter().max_by_key(|version| version.number) {
        Some(newest) if newest.id != id => Err(format!(
            "version {} is newer than the live one, and an edit would bring it up: ops deploy first",
            newest.id
        )),
        _ => Ok(id.to_owned()),
    }
}
