//! The secrets of GitHub Actions, through `gh`. They are those of the GitHub environment that has the environment's name,
//! so that a workflow gets production's only where the environment's protection lets it. Nobody can read them back.

use std::{path::Path, time::Duration};

use log_ingestion_worker::config::Environment;
use serde::Deserialize;

use crate::{
    config::{
        fingerprint::{Fingerprints, Likeness},
        keys::Target,
        outcome::{Change, Kind, Outcome, masked},
        program::{Program, Refused},
        table::{Selection, Side},
    },
    process::find_program,
    project::Project,
    run::Run,
};

/// `gh` for one environment's secrets.
#[derive(Debug)]
pub struct GitHub {
    program: Program,
    environment: Environment,
}

/// A secret as GitHub tells of it.
#[derive(Clone, Debug, Deserialize)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// When it was last set, RFC 3339.
    #[serde(rename = "updatedAt", default)]
    pub updated_at: String,
}

/// What GitHub is to hold, and how that differs from what is known of what it holds.
pub struct Plan {
    github: Option<GitHub>,
    wanted: Vec<(String, Option<String>)>,
    /// What differs.
    pub outcome: Outcome,
}

/// By which its fingerprints are known, in every clone of the project.
pub fn place(project: &Project, environment: Environment) -> String {
    format!("github {} of {}", environment.as_str(), project.worker_name(Environment::Development))
}

impl GitHub {
    /// The program, in the project's folder: the repository is the one of its remote.
    ///
    /// # Errors
    /// When it is missing.
    pub fn open(project: &Path, environment: Environment, limit: Option<Duration>) -> Result<GitHub, String> {
        let file = find_program("gh", &[]).ok_or("gh is missing: https://cli.github.com")?;
        Ok(GitHub { program: Program::new("gh", file, project, limit), environment })
    }

    /// For people.
    pub fn place(environment: Environment) -> String {
        format!("the environment {}", environment.as_str())
    }

    /// Every secret's name.
    ///
    /// # Errors
    /// When `gh` fails, or what it tells is not understood.
    pub async fn list(&self) -> Result<Vec<Listed>, Refused> {
        let arguments = ["secret", "list", "--env", self.environment.as_str(), "--json", "name,updatedAt"];
        let told = self.program.run(&arguments, None).await?;
        serde_json::from_str(told.trim()).map_err(|cause| Refused {
            why: format!("{} said what is not understood: {cause}", self.program.shown(&arguments)),
            said: String::new(),
            is_unknown: false,
        })
    }

    async fn set(&self, key: &str, value: Option<&str>) -> Result<(), Refused> {
        let verb = if value.is_some() { "set" } else { "delete" };
        let arguments = ["secret", verb, key, "--env", self.environment.as_str()];
        self.program.run(&arguments, value).await.map(drop)
    }

    /// How it differs.
    pub async fn plan<S: Side>(
        self,
        selection: &Selection<S>,
        fingerprints: &Fingerprints,
        prune: bool,
    ) -> Plan {
        let entries = selection.of_target(Target::GitHub);
        let wanted: Vec<(String, Option<String>)> = entries
            .map(|entry| (entry.key.clone(), entry.value.as_ref().map(|value| value.reveal().to_owned())))
            .collect();
        let outcome = Outcome::of(Target::GitHub.name(), GitHub::place(self.environment));
        let mut plan = Plan { github: None, wanted, outcome };
        let listed = match self.list().await {
            Ok(listed) => listed,
            Err(refused) => {
                plan.outcome.unreadable = Some(format!(
                    "{}; is there an environment {} in the repository's settings?",
                    refused.why,
                    self.environment.as_str()
                ));
                return plan;
            }
        };
        let is_named = |name: &str| plan.wanted.iter().any(|(key, _)| key == name);
        plan.outcome.others =
            listed.iter().map(|secret| secret.name.clone()).filter(|name| !is_named(name)).collect();
        for (key, wanted) in &plan.wanted {
            let there = listed.iter().find(|secret| secret.name == *key);
            let likeness = match (there, wanted) {
                (Some(there), Some(wanted)) => fingerprints.compare(key, wanted, &there.updated_at),
                _ => Likeness::Unknown,
            };
            let change = match (there, wanted, likeness) {
                (None, None, _) => continue,
                (Some(_), Some(_), Likeness::Same) => {
                    plan.outcome.unchanged += 1;
                    continue;
                }
                (None, Some(_), _) => Kind::Add,
                (Some(_), Some(_), Likeness::Differs | Likeness::ChangedThere) => Kind::Update,
                (Some(_), Some(_), _) => Kind::Write,
                (Some(_), None, _) if prune => Kind::Remove,
                (Some(_), None, _) => {
                    let note = format!("{key} is set there and empty in the source: --prune removes it");
                    plan.outcome.notes.push(note);
                    continue;
                }
            };
            let was = there.map(|_| "[set]".to_owned());
            plan.outcome.changes.push(Change {
                key: key.clone(),
                change,
                was,
                now: wanted.as_deref().map(masked),
            });
        }
        plan.github = Some(self);
        plan
    }
}

impl Plan {
    /// A target that could not even be asked.
    pub fn unreadable(environment: Environment, why: String) -> Plan {
        let outcome = Outcome {
            unreadable: Some(why),
            ..Outcome::of(Target::GitHub.name(), GitHub::place(environment))
        };
        Plan { github: None, wanted: Vec::new(), outcome }
    }

    /// Makes GitHub hold it, one secret after the other; the first that fails ends it.
    pub async fn apply(self, run: &Run, fingerprints: &mut Fingerprints) -> Outcome {
        let Plan { github: Some(github), wanted, mut outcome } = self else { return self.outcome };
        for index in 0..outcome.changes.len() {
            let Some(key) = outcome.changes.get(index).map(|change| change.key.clone()) else { break };
            let value = wanted.iter().find(|(name, _)| *name == key).and_then(|(_, value)| value.as_deref());
            if let Err(refused) = github.set(&key, value).await {
                // The same again does no harm: whatever became of it, the next run sets it.
                fingerprints.forget(run, &key);
                let unknown = if refused.is_unknown { "; whether it was is not known" } else { "" };
                outcome.not_applied.push((key, format!("{}{unknown}", refused.why)));
                outcome.rest_not_applied("the one before it failed");
                break;
            }
            outcome.applied.push(key);
        }
        // When they were set is known to GitHub alone.
        let listed = if outcome.applied.is_empty() { Ok(Vec::new()) } else { github.list().await };
        for key in &outcome.applied {
            let value = wanted.iter().find(|(name, _)| name == key).and_then(|(_, value)| value.as_deref());
            let there = listed.as_ref().ok().and_then(|all| all.iter().find(|secret| secret.name == *key));
            match (value, there) {
                (Some(value), Some(there)) => fingerprints.record(run, key, value, &there.updated_at),
                _ => fingerprints.forget(run, key),
            }
        }
        outcome
    }
}
