//! The variables of a Convex deployment, through the Convex CLI (`npx convex env`), version 1.28 or newer.
//!
//! What the CLI was seen to do, by its source: `env set NAME` takes the value from standard input and drops one line end;
//! `env list` prints a file for `dotenv`, in which a few values cannot be told from others, so that those are asked for
//! one by one; where it takes itself to be run by an assistant it prints names alone, unless `--include-values` (1.49)
//! is given. Which deployment it talks to is said by `--prod`, or by a deploy key, which wins.

use std::{env, fs, path::Path, time::Duration};

use log_ingestion_worker::config::Environment;

use crate::{
    config::{
        dotenv,
        keys::Target,
        outcome::{Change, Kind, Outcome, masked},
        places::Places,
        program::{Program, Refused},
        table::{Selection, Side},
    },
    process::find_program,
    run::Run,
};

/// A deployment's variables, and the way to them.
#[derive(Debug)]
pub struct Convex {
    program: Program,
    environment: Environment,
    /// `--prod`, or nothing.
    selector: Vec<&'static str>,
}

/// A variable and its value.
pub type Variable = (String, String);

/// What a deployment is to hold, and how that differs from what it holds.
pub struct Plan {
    convex: Option<Convex>,
    /// What it holds; a backup is made of it.
    pub held: Vec<Variable>,
    /// Nothing: it is to go.
    wanted: Vec<(String, Option<String>)>,
    /// What differs.
    pub outcome: Outcome,
}

impl Convex {
    /// The CLI beside the functions, for one environment's deployment.
    ///
    /// # Errors
    /// When it is missing, or the environment's deploy key is another environment's.
    pub fn open(
        places: &Places,
        environment: Environment,
        limit: Option<Duration>,
    ) -> Result<Convex, String> {
        let bins = [places.convex.join("node_modules/.bin"), places.app_root.join("node_modules/.bin")];
        let file = find_program("convex", &bins).ok_or_else(|| {
            format!("the Convex CLI is missing: npm install convex, in {}", places.convex.display())
        })?;
        if !places.convex.is_dir() {
            return Err(format!("there is no folder {}: --app-root FOLDER", places.convex.display()));
        }
        let selector = selector(&places.convex, environment)?;
        let program = Program::new("convex", file, &places.convex, limit);
        Ok(Convex { program, environment, selector })
    }

    /// The deployment, for people.
    pub fn place(environment: Environment) -> String {
        format!("the {} deployment", environment.as_str())
    }

    /// Every variable.
    ///
    /// # Errors
    /// When the CLI fails.
    pub async fn list(&self, run: &Run) -> Result<Vec<Variable>, Refused> {
        let listed = match self.call(&["env", "list", "--include-values"], None).await {
            // Before 1.49.
            Err(refused) if format!("{}{}", refused.why, refused.said).contains("unknown option") => {
                self.call(&["env", "list"], None).await
            }
            listed => listed,
        }?;
        let mut found = Vec::new();
        for variable in dotenv::read(&listed) {
            let value = match is_ambiguous(&variable.value) {
                true => self.get(&variable.key).await?,
                false => variable.value,
            };
            run.mask().hide(&value);
            found.push((variable.key, value));
        }
        Ok(found)
    }

    async fn get(&self, key: &str) -> Result<String, Refused> {
        let told = self.call(&["env", "get", key], None).await?;
        Ok(told.strip_suffix('\n').unwrap_or(&told).to_owned())
    }

    /// Sets one, or removes it.
    ///
    /// # Errors
    /// When the CLI fails.
    pub async fn set(&self, key: &str, value: Option<&str>) -> Result<(), Refused> {
        match value {
            // One line end at the end is the CLI's.
            Some(value) => self.call(&["env", "set", key], Some(&format!("{value}\n"))).await,
            None => self.call(&["env", "remove", key], None).await,
        }
        .map(drop)
    }

    async fn call(&self, arguments: &[&str], input: Option<&str>) -> Result<String, Refused> {
        self.program.run(&[arguments, &self.selector].concat(), input).await
    }

    /// How the deployment differs from what it is to hold; `Some(None)` is a variable that is to go.
    pub async fn plan(self, run: &Run, wanted: Vec<(String, Option<String>)>, prune: bool) -> Plan {
        let outcome = Outcome::of(Target::Convex.name(), Convex::place(self.environment));
        let mut plan = Plan { convex: None, held: Vec::new(), wanted, outcome };
        match self.list(run).await {
            Ok(held) => plan.held = held,
            Err(refused) => {
                plan.outcome.unreadable = Some(refused.why);
                return plan;
            }
        }
        let is_named = |name: &str| plan.wanted.iter().any(|(key, _)| key == name);
        plan.outcome.others =
            plan.held.iter().map(|(name, _)| name.clone()).filter(|name| !is_named(name)).collect();
        for (key, wanted) in &plan.wanted {
            let was = plan.held.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
            let (change, now) = match (was, wanted) {
                (None, None) => continue,
                (Some(was), Some(now)) if was == now => {
                    plan.outcome.unchanged += 1;
                    continue;
                }
                (None, Some(now)) => (Kind::Add, Some(masked(now))),
                (Some(_), Some(now)) => (Kind::Update, Some(masked(now))),
                (Some(_), None) if prune => (Kind::Remove, None),
                (Some(_), None) => {
                    let note = format!("{key} is set there and empty in the source: --prune removes it");
                    plan.outcome.notes.push(note);
                    continue;
                }
            };
            plan.outcome.changes.push(Change { key: key.clone(), change, was: was.map(masked), now });
        }
        plan.convex = Some(self);
        plan
    }
}

/// What a selection wants of Convex.
pub fn wanted<S: Side>(selection: &Selection<S>) -> Vec<(String, Option<String>)> {
    let entries = selection.of_target(Target::Convex);
    entries
        .map(|entry| (entry.key.clone(), entry.value.as_ref().map(|value| value.reveal().to_owned())))
        .collect()
}

impl Plan {
    /// A target that could not even be asked.
    pub fn unreadable(environment: Environment, why: String) -> Plan {
        let outcome = Outcome {
            unreadable: Some(why),
            ..Outcome::of(Target::Convex.name(), Convex::place(environment))
        };
        Plan { convex: None, held: Vec::new(), wanted: Vec::new(), outcome }
    }

    /// Whether something that is there would be lost.
    pub fn overwrites(&self) -> bool {
        self.outcome.changes.iter().any(|change| change.change != Kind::Add)
    }

    /// Makes the deployment hold it, one variable after the other; the first that fails ends it.
    pub async fn apply(self, run: &Run) -> Outcome {
        let Plan { convex: Some(convex), wanted, mut outcome, .. } = self else { return self.outcome };
        for index in 0..outcome.changes.len() {
            let Some(key) = outcome.changes.get(index).map(|change| change.key.clone()) else { break };
            let value = wanted.iter().find(|(name, _)| *name == key).and_then(|(_, value)| value.as_deref());
            match convex.set(&key, value).await {
                Ok(()) => outcome.applied.push(key),
                Err(refused) => {
                    // What was ended, or lost its answer, may be done all the same: the deployment knows.
                    let now = convex.list(run).await.ok();
                    let now = now.as_ref().map(|now| {
                        now.iter().find(|(name, _)| *name == key).map(|(_, value)| value.as_str())
                    });
                    match now {
                        Some(now) if now == value => outcome.applied.push(key),
                        Some(_) => outcome.not_applied.push((key, refused.why)),
                        None => {
                            outcome
                                .not_applied
                                .push((key, format!("{}; whether it was is not known", refused.why)));
                        }
                    }
                    outcome.rest_not_applied("the one before it failed");
                    break;
                }
            }
        }
        outcome
    }
}

/// Where `env list` cannot be taken at its word.
fn is_ambiguous(value: &str) -> bool {
    value.contains(['#', '\'', '"', '`', '\n', '\r']) || value.contains("\\n")
}

/// How the CLI is told which deployment is meant. A key or a name of the other environment is refused: the values of
/// one would go to the other.
fn selector(folder: &Path, environment: Environment) -> Result<Vec<&'static str>, String> {
    let files = [".env.local", ".env"].map(|name| fs::read_to_string(folder.join(name)).unwrap_or_default());
    let said = |name: &str| {
        let in_file = || {
            files.iter().find_map(|text| {
                dotenv::read(text).into_iter().find(|found| found.key == name).map(|found| found.value)
            })
        };
        env::var(name).ok().or_else(in_file).filter(|value| !value.is_empty())
    };
    for name in ["CONVEX_DEPLOY_KEY", "CONVEX_DEPLOYMENT_TOKEN"] {
        let Some(key) = said(name) else { continue };
        let is_production = key.starts_with("prod:");
        let is_another = ["dev:", "preview:", "local:"].iter().any(|kind| key.starts_with(kind));
        return match environment {
            Environment::Production if is_another => {
                Err(format!("{name} is no key of production's deployment"))
            }
            Environment::Development if is_production => {
                Err(format!("{name} is the key of production's deployment: unset it"))
            }
            // With the key of a project both exist.
            Environment::Production if !is_production => Ok(vec!["--prod"]),
            _ => Ok(Vec::new()),
        };
    }
    match environment {
        Environment::Production => Ok(vec!["--prod"]),
        Environment::Development
            if said("CONVEX_DEPLOYMENT").is_some_and(|name| name.starts_with("prod:")) =>
        {
            Err("CONVEX_DEPLOYMENT names production's deployment".into())
        }
        Environment::Development => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_of_the_other_environment_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let with = |line: &str, environment| {
            fs::write(folder.path().join(".env.local"), line).unwrap();
            selector(folder.path(), environment)
        };
        let (development, production) = (Environment::Development, Environment::Production);
        assert_eq!(with("", development), Ok(vec![]));
        assert_eq!(with("CONVEX_DEPLOYMENT=dev:a-b-1 # team", production), Ok(vec!["--prod"]));
        assert!(with("CONVEX_DEPLOYMENT=prod:a-b-1", development).is_err());
        assert!(with("CONVEX_DEPLOY_KEY=\"prod:a-b-1|geheim\"", development).is_err());
        assert_eq!(with("CONVEX_DEPLOY_KEY=prod:a-b-1|geheim", production), Ok(vec![]));
        assert_eq!(with("CONVEX_DEPLOY_KEY=project:t:p|geheim", production), Ok(vec!["--prod"]));
        let said = with("CONVEX_DEPLOY_KEY=dev:a-b-1|geheim", production).unwrap_err();
        assert!(!said.contains("geheim"), "{said}");
    }
}
