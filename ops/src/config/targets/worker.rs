//! The secrets of the deployed worker, through wrangler: one edit for all, which is a version of the newest code that gets
//! the traffic at once. So it is done only where the newest code is what is live, and proven afterwards.

use std::time::Duration;

use log_ingestion_worker::config::Environment;
use serde_json::{Map, Value, json};

use super::proof::{Proof, Verdict};
use crate::{
    config::{
        fingerprint::{Fingerprints, Likeness},
        keys::{self, Target},
        outcome::{self, Change, Kind, Outcome, masked},
        steps,
        table::{Selection, Side},
    },
    exit::Failure,
    project::Project,
    run::Run,
    signals::Stop,
    wrangler::{Wrangler, types::Live},
};

/// How long a call whose answer was lost may still be executed.
const LATE: Duration = Duration::from_secs(1);

/// The secrets the worker is to have, and how that differs from what is known of those it has.
pub struct Plan {
    worker: String,
    wrangler: Option<Wrangler>,
    wanted: Vec<(String, Option<String>)>,
    /// What differs.
    pub outcome: Outcome,
}

/// The worker, for people.
pub fn place(project: &Project, environment: Environment) -> String {
    place_of(&project.worker_name(environment))
}

fn place_of(worker: &str) -> String {
    format!("secrets of {worker}")
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
    pub fn unreadable(worker: &str, why: String) -> Plan {
        let place = place_of(worker);
        let outcome = Outcome { unreadable: Some(why), ..Outcome::of(Target::Worker.name(), place) };
        Plan { worker: worker.to_owned(), wrangler: None, wanted: Vec::new(), outcome }
    }

    /// Compares by the names that are set, and by fingerprints. Only with a wrangler can it be applied.
    pub fn make(
        wrangler: Option<Wrangler>,
        worker: &str,
        wanted: Vec<(String, Option<String>)>,
        names: &[String],
        fingerprints: &Fingerprints,
        prune: bool,
    ) -> Plan {
        let mut outcome = Outcome::of(Target::Worker.name(), place_of(worker));
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
        Plan { worker: worker.to_owned(), wrangler, wanted, outcome }
    }

    /// Sets them all at once, and takes them back when the worker fails with them.
    pub async fn apply(
        self,
        run: &Run,
        project: &Project,
        environment: Environment,
        fingerprints: &mut Fingerprints,
    ) -> Outcome {
        let Plan { worker, wrangler: Some(wrangler), wanted, mut outcome } = self else {
            return self.outcome;
        };
        if outcome.changes.is_empty() {
            return outcome;
        }
        // An edit is a deployment: no other may be under way.
        let _lock = match run.lock(&worker) {
            Ok(lock) => lock,
            Err(refused) => {
                outcome.rest_not_applied(refused.message());
                outcome.hint(refused.hint());
                return outcome;
            }
        };
        // Ctrl-C in the middle would leave values behind that nobody proved.
        let _stop = Stop::watch();
        let before = match newest_is_live(&wrangler).await {
            Ok(before) => before,
            Err(refused) => {
                outcome.rest_not_applied(refused.message());
                outcome.hint(refused.hint());
                return outcome;
            }
        };
        let proof = match Proof::begin(run, project, environment, &wrangler, &before).await {
            Ok(proof) => proof,
            Err(refused) => {
                outcome.rest_not_applied(refused.message());
                outcome.hint(refused.hint());
                return outcome;
            }
        };
        let value =
            |key: &str| wanted.iter().find(|(name, _)| name == key).and_then(|(_, value)| value.clone());
        let edits: Map<String, Value> =
            outcome.changes.iter().map(|change| (change.key.clone(), json!(value(&change.key)))).collect();
        let keys: Vec<String> = edits.keys().cloned().collect();
        let aside = fingerprints.set_aside(run, keys.iter().map(String::as_str));
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
                outcome.rest_not_applied(&why);
                return outcome;
            }
        }
        steps::passed("after the secrets");
        match proof.end(&value).await {
            Verdict::TakenBack(why) => {
                fingerprints.put_back(run, aside);
                outcome.proof = Some(outcome::Proof::TakenBack);
                outcome.rest_not_applied(&why);
                outcome.hint("correct the source; the newest version has the wrong values now, so ops deploy with the right ones");
            }
            Verdict::Unknown(why) => {
                outcome.proof = Some(outcome::Proof::Unknown);
                outcome.rest_not_applied(&why);
                outcome.hint("look which version is live: ops status; then go on from there");
            }
            verdict => {
                outcome.proof = Some(match verdict {
                    Verdict::Unproven(why) => {
                        outcome
                            .notes
                            .push(format!("they are live with a new version, and not verified: {why}"));
                        outcome::Proof::Unproven
                    }
                    _ => {
                        outcome.notes.push("they are live with a new version, which is well".into());
                        outcome::Proof::Proven
                    }
                });
                outcome.all_applied();
                for key in &outcome.applied {
                    if let Some(value) = value(key) {
                        fingerprints.record(run, key, &value, "");
                    }
                }
            }
        }
        outcome
    }
}

/// The live version, when an edit of a secret would build on it.
async fn newest_is_live(wrangler: &Wrangler) -> Result<String, Failure> {
    let live = match wrangler.live().await.map_err(|trouble| trouble.failure())? {
        Live::Deployed(live) => live,
        Live::Absent => {
            return Err(Failure::new("the worker is gone", "ops deploy --secrets-file FILE brings it"));
        }
    };
    let Some(id) = live.sole().filter(|_| live.versions.len() == 1) else {
        let why = format!("a gradual deployment is under way: {}", live.shares());
        return Err(Failure::new(why, "let it end"));
    };
    let versions = wrangler.versions().await.map_err(|trouble| trouble.failure())?;
    match versions.into_iter().max_by_key(|version| version.number) {
        Some(newest) if newest.id != id => Err(Failure::new(
            format!("version {} is newer than the live one, and an edit would bring it up", newest.id),
            "deploy first: ops deploy, with --secrets-file FILE when it is the secrets that were wrong",
        )),
        _ => Ok(id.to_owned()),
    }
}
