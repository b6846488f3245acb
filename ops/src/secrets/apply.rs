//! Setting one secret: looked at before, proven after, and taken back when the worker is worse off.

use std::{collections::BTreeSet, io::Write, process::Stdio, time::Duration};

use log_ingestion_worker::access::Secret;
use serde_json::json;

use super::Change;
use crate::{
    deploy::git::Commit,
    exit::{Exit, Failure},
    run::printer::Mark,
    signals::Stop,
    switch::{Switch, latency::VERIFIED, settle},
    verify::{
        PATIENCE, Target, Tokens,
        live::{self, OBJECTS, Seen},
    },
    wrangler::{
        CALL_LIMIT,
        types::{Live, Version},
    },
};

/// How long a call whose answer was lost may still be executed.
const LATE: Duration = Duration::from_secs(1);

/// Sets the secret.
///
/// # Errors
/// What was in the way; the secret is as it was.
pub async fn put(change: &Change<'_>, value: &str) -> Result<Exit, Failure> {
    let lock = change.run.lock(&change.worker)?;
    let mut stop = Stop::watch()?;
    let switch = change.switch()?;
    let standing = tokio::select! {
        standing = async { settle::all(&switch).await?; change.standing().await } => standing?,
        () = stop.wait() => return Err(Failure::new("interrupted", "nothing was changed")),
    };
    let live = match &standing {
        Standing::Newest(live) => live,
        Standing::RolledBack(live) => &live.id,
    };
    super::settle(change.run, change.environment, Some(live));
    let outcome = match standing {
        Standing::Newest(before) => change.edit(&before, value).await,
        Standing::RolledBack(live) => {
            change.same_code(&live).await?;
            drop(lock); // it is the deployment's turn
            return change.deploy(value).await;
        }
    };
    outcome.map(|ending| change.tell(&ending))
}

/// What is live, and whether a secret can be edited on it.
enum Standing {
    /// The newest version has all the traffic.
    Newest(String),
    /// A newer one was rolled back, or never deployed: an edit of a secret would bring that one back.
    RolledBack(Box<Version>),
}

/// How it ended.
struct Ending {
    exit: Exit,
    said: String,
    next: Option<String>,
    live: Option<String>,
}

impl Change<'_> {
    /// For what earlier runs left, which comes to its end first.
    fn switch(&self) -> Result<Switch<'_>, Failure> {
        Switch::new(self.run, self.project.clone(), self.environment, CALL_LIMIT)
    }

    async fn standing(&self) -> Result<Standing, Failure> {
        let worker = &self.worker;
        let live = match self.wrangler.live().await.map_err(|trouble| trouble.failure())? {
            Live::Deployed(live) => live,
            // wrangler would publish an empty worker of that name.
            Live::Absent => {
                return Err(Failure::new(
                    format!("there is no worker {worker}"),
                    "its first deployment brings its secrets: ops deploy --secrets-file FILE",
                ));
            }
        };
        let Some(id) = live.sole().filter(|_| live.versions.len() == 1) else {
            return Err(Failure::new(
                format!("a gradual deployment is under way: {}", live.shares()),
                "let it end, then put the secret",
            ));
        };
        let versions = self.wrangler.versions().await.map_err(|trouble| trouble.failure())?;
        match versions.into_iter().max_by_key(|version| version.number) {
            Some(newest) if newest.id != id => {
                let live = self.wrangler.version(id).await.map_err(|trouble| trouble.failure())?;
                Ok(Standing::RolledBack(Box::new(live)))
            }
            _ => Ok(Standing::Newest(id.to_owned())),
        }
    }

    /// The usual way: wrangler's `secret put`.
    async fn edit(&self, before: &str, value: &str) -> Result<Ending, Failure> {
        let (run, name) = (self.run, self.setting.key);
        let target = Target::deployed(run, Some(self.project), self.environment);
        let failed_before = match &target {
            Some(target) => live::before(run, self.environment, target, before).await?,
            None => BTreeSet::new(),
        };
        run.step("put", json!({ "name": name, "worker": self.worker, "before": before }));
        let step = run.printer().step(&format!("setting {name} of {}", self.worker));
        let put = self.wrangler.put_secret(name, value).await;
        step.end(if put.is_ok() { Mark::Good } else { Mark::Bad }, "");
        if put.is_err() {
            tokio::time::sleep(LATE).await;
        }
        let live = match self.wrangler.live().await {
            Ok(Live::Deployed(live)) => live.sole().map(str::to_owned),
            _ => None,
        };
        let new = match (put, live) {
            (Err(trouble), Some(live)) if live == before => return Err(trouble.failure()),
            (_, Some(live)) if live != before => live,
            (_, live) => {
                let said = format!("nobody knows whether {name} of {} was set", self.worker);
                return Ok(self.unknown(said, live));
            }
        };
        run.step("live", json!({ "version": new }));
        let Some(target) = target else {
            return Ok(Ending {
                exit: Exit::Warnings,
                said: format!("{name} is set with version {new}; it was not verified"),
                next: Some("nothing says where the worker answers: give --url".into()),
                live: Some(new),
            });
        };
        let patience = run.globals().timeout.unwrap_or(PATIENCE);
        let Seen { mut failed, layouts } = self.failing(&target, &new, patience, Some(value)).await?;
        // `secret put` does not say when objects take it: the platform may let them go on for a while.
        let late = failed.remove(OBJECTS);
        let worse: Vec<&str> = failed.difference(&failed_before).map(String::as_str).collect();
        if worse.is_empty() {
            if !late {
                run.step(VERIFIED, json!({ "version": new, "layouts": layouts }));
            }
            let said = format!("{name} is set, {} serves version {new}", self.worker);
            let next = "an object goes on with the old value, for 5 minutes at most: ops verify then";
            let (exit, next) = if late { (Exit::Warnings, Some(next.into())) } else { (Exit::Done, None) };
            return Ok(Ending { exit, said, next, live: Some(new) });
        }
        let why = worse.join(", ");
        Ok(self.bring_back(&target, before, &failed_before, &why).await)
    }

    /// The version from before, and with it the secret from before.
    async fn bring_back(
        &self,
        target: &Target,
        before: &str,
        failed_before: &BTreeSet<String>,
        why: &str,
    ) -> Ending {
        let (run, name) = (self.run, self.setting.key);
        run.printer().warn(&format!("with this {name} it fails: {why}; going back to version {before}"));
        run.step("bring back", json!({ "version": before, "why": why }));
        let message = format!("ops {} {name} taken back", run.id());
        let back = self.wrangler.roll_back(before, &message).await;
        let live = match self.wrangler.live().await {
            Ok(Live::Deployed(live)) => live.sole().map(str::to_owned),
            _ => None,
        };
        let patience = run.globals().timeout.unwrap_or(PATIENCE);
        let proven = live.as_deref() == Some(before)
            && self
                .failing(target, before, patience, None)
                .await
                .is_ok_and(|now| now.failed.is_subset(failed_before));
        if proven {
            return Ending {
                exit: Exit::RolledBack,
                said: format!("{name} is what it was: with the new value {} fails: {why}", self.worker),
                next: Some(format!(
                    "look at the value, then deploy a good build with it: {}",
                    self.with_deploy()
                )),
                live,
            };
        }
        let trouble = back.err().map(|trouble| format!(" ({trouble})")).unwrap_or_default();
        self.unknown(
            format!("with the new {name} {} fails: {why}; the way back failed{trouble}", self.worker),
            live,
        )
    }

    fn unknown(&self, said: String, live: Option<String>) -> Ending {
        let next = format!("look: ops status --env {}; then go on from there", self.environment.as_str());
        Ending { exit: Exit::Unknown, said, next: Some(next), live }
    }

    /// The checks that fail, once this version serves.
    async fn failing(
        &self,
        target: &Target,
        version: &str,
        patience: Duration,
        new: Option<&str>,
    ) -> Result<Seen, Failure> {
        let mut tokens = Tokens::from_environment();
        let token = new.and_then(|value| Secret::new(value.to_owned()));
        match (self.setting.key, token) {
            ("LOG_READ_TOKEN", Some(token)) => tokens.read = Some(token),
            ("LOG_ADMIN_TOKEN", Some(token)) => (tokens.read, tokens.admin) = (None, Some(token)),
            _ => {}
        }
        live::look(self.run, self.environment, target, version, patience, tokens).await
    }

    /// After a rollback the only way that does not bring the other code back is a deployment of the live code.
    async fn same_code(&self, live: &Version) -> Result<(), Failure> {
        let commit = Commit::of(self.project.root()).await;
        let same = commit
            .as_ref()
            .is_some_and(|commit| commit.changed.is_empty() && live.tag() == Some(&commit.tag));
        if same {
            return Ok(());
        }
        let tag = live.tag().unwrap_or("a commit nobody knows");
        Err(Failure::new(
            format!(
                "a newer version than the live one was rolled back or never deployed: setting {} now would deploy it",
                self.setting.key
            ),
            format!(
                "check out the code that is live ({tag}), or a repaired one, and deploy it with the secret: {}",
                self.with_deploy()
            ),
        ))
    }

    fn with_deploy(&self) -> String {
        format!("ops deploy --env {} --secrets-file FILE", self.environment.as_str())
    }

    /// `ops deploy` of the code that is live, with the secret in its version: a run of its own, with its own journal.
    async fn deploy(&self, value: &str) -> Result<Exit, Failure> {
        let failed = |cause: std::io::Error| {
            Failure::new(format!("the deployment could not be started: {cause}"), self.with_deploy())
        };
        let mut file =
            tempfile::Builder::new().prefix("ops-secret-").suffix(".json").tempfile().map_err(failed)?;
        file.write_all(json!({ (self.setting.key): value }).to_string().as_bytes()).map_err(failed)?;
        self.run
            .printer()
            .say("A newer version is not live: the live code is deployed again, with the secret.");
        let globals = self.run.globals();
        let mut command = tokio::process::Command::new(std::env::current_exe().map_err(failed)?);
        command.args(["deploy", "--env", self.environment.as_str(), "--secrets-file"]).arg(file.path());
        command.args(["--correlation-id", self.run.id().as_str()]).stdin(Stdio::null());
        command.args(globals.url.iter().flat_map(|url| ["--url", url.as_str()]));
        let flags = [("--json", globals.json), ("--yes", globals.yes), ("--verbose", globals.verbose)];
        command.args(flags.into_iter().filter_map(|(flag, given)| given.then_some(flag)));
        // An edit of this secret that was taken back is in nobody's way. What else a newer version has is, and the
        // deployment says so.
        if let Some(timeout) = globals.timeout {
            command.args(["--timeout", &humantime::format_duration(timeout).to_string()]);
        }
        // It hears the terminal's signals as well, and ends in a known state; it is waited for.
        let _stop = Stop::watch()?;
        let status = command.status().await.map_err(failed)?;
        Ok(match status.code() {
            Some(0) => Exit::Done,
            Some(2) => Exit::Warnings,
            Some(3) => Exit::RolledBack,
            Some(4) | None => Exit::Unknown,
            Some(_) => Exit::Failed,
        })
    }

    fn tell(&self, ending: &Ending) -> Exit {
        let printer = self.run.printer();
        printer.say(&ending.said);
        if let Some(next) = &ending.next {
            printer.say(&format!("hint: {next}"));
        }
        let told = json!({
            "run": self.run.id().as_str(),
            "name": self.setting.key,
            "environment": self.environment.as_str(),
            "worker": self.worker,
            "outcome": ending.said,
            "next": ending.next,
            "live": ending.live,
            "exit": ending.exit as u8,
        });
        self.run.step("end", told.clone());
        if printer.json() {
            printer.data(&told.to_string());
        }
        ending.exit
    }
}
