//! `ops secrets check`: what is set, what is missing, and what nobody reads.

use std::collections::BTreeSet;

use log_ingestion_worker::config::{self, Environment, SETTINGS};
use serde_json::{Value, json};

use super::wrangler;
use crate::{
    exit::{Exit, Failure},
    project::Project,
    run::{
        Run,
        printer::{Mark, Printer},
    },
    wrangler::{trouble::Kind, types::Secret},
};

/// One environment's secrets.
struct Standing {
    environment: &'static str,
    worker: String,
    /// Nothing while there is no such worker.
    set: Option<BTreeSet<String>>,
}

/// Shows the environment of `--env`, or both. A required secret that is missing is a failure.
pub async fn run(run: &Run, project: &Project) -> Result<Exit, Failure> {
    let environments = match run.globals().env {
        Some(environment) => vec![environment],
        None => vec![Environment::Development, Environment::Production],
    };
    if run.globals().dry_run {
        for environment in environments {
            let command = wrangler(project, environment)?.shown(&["secret", "list"]);
            run.printer().data(&format!("would run {command}"));
        }
        return Ok(Exit::Done);
    }
    let step = run.printer().quiet_step("asking Cloudflare");
    let mut standings = Vec::new();
    for environment in environments {
        let set = match wrangler(project, environment)?.secrets().await {
            Ok(secrets) => Some(secrets.into_iter().map(|Secret { name }| name).collect()),
            Err(trouble) if trouble.kind == Kind::NotFound => None,
            Err(trouble) => return Err(trouble.failure()),
        };
        let worker = project.worker_name(environment);
        standings.push(Standing { environment: environment.as_str(), worker, set });
    }
    drop(step);
    let exit = standings.iter().map(Standing::exit).max_by_key(|exit| match exit {
        Exit::Failed => 2,
        Exit::Warnings => 1,
        _ => 0,
    });
    if run.printer().json() {
        let all: Vec<Value> = standings.iter().map(Standing::json).collect();
        run.printer().data(&json!({ "environments": all }).to_string());
    } else {
        standings.iter().for_each(|standing| standing.show(run.printer()));
    }
    Ok(exit.unwrap_or(Exit::Done))
}

impl Standing {
    fn is_set(&self, name: &str) -> bool {
        self.set.as_ref().is_some_and(|set| set.contains(name))
    }

    fn missing(&self) -> impl Iterator<Item = &'static str> {
        config::missing_secrets(|name| self.is_set(name))
    }

    /// Names that the worker never reads: mistyped, or of an earlier worker.
    fn unread(&self) -> impl Iterator<Item = &String> {
        let known = |name: &str| SETTINGS.iter().any(|setting| setting.key == name);
        self.set.iter().flatten().filter(move |name| !known(name))
    }

    fn exit(&self) -> Exit {
        if self.set.is_none() {
            Exit::Warnings
        } else if self.missing().next().is_some() {
            Exit::Failed
        } else if self.unread().next().is_some() {
            Exit::Warnings
        } else {
            Exit::Done
        }
    }

    fn json(&self) -> Value {
        json!({
            "environment": self.environment,
            "worker": self.worker,
            "exists": self.set.is_some(),
            "set": self.set,
            "missing": self.missing().collect::<Vec<_>>(),
            "unread": self.unread().collect::<Vec<_>>(),
        })
    }

    fn show(&self, printer: &Printer) {
        printer.data(&format!("{}  {}", self.environment, self.worker));
        let line = |mark: Mark, name: &str, said: &str| {
            let line = format!("  {} {name:<25} {said}", printer.for_stdout(mark.word(), mark));
            printer.data(line.trim_end());
        };
        if self.set.is_none() {
            return line(Mark::Dim, "nothing is deployed", "");
        }
        for setting in SETTINGS.iter().filter(|setting| setting.secret) {
            match (self.is_set(setting.key), setting.required) {
                (true, _) => line(Mark::Good, setting.key, "is set"),
                (false, true) => line(Mark::Bad, setting.key, &format!("is missing: {}", setting.doc)),
                (false, false) => line(Mark::Dim, setting.key, &format!("is not set: {}", setting.doc)),
            }
        }
        for name in self.unread() {
            line(Mark::Warning, name, "is set, and the worker does not read it");
        }
        if let Some(name) = self.missing().next() {
            printer.data(&format!("     hint: ops secrets put {name} --env {}", self.environment));
        }
    }
}
