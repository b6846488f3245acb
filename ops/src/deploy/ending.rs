//! How a deployment ended: an exit status, one paragraph, and what to type next.

use serde_json::json;

use super::{Deploy, attempt::Attempt};
use crate::{exit::Exit, wrangler::types::Deployment};

/// How it ended.
#[derive(Clone, Debug)]
pub struct Ending {
    /// The exit status.
    pub exit: Exit,
    /// What is so, in one sentence.
    pub headline: String,
    /// What to type next.
    pub next: Vec<String>,
    /// What is worth a look.
    pub warnings: Vec<String>,
    /// The version that is known to have the traffic.
    pub live: Option<String>,
    /// The version that had it before.
    pub before: Option<String>,
}

impl Ending {
    /// The new version is proven to serve, though not everything went as it should.
    pub fn serves(deploy: &Deploy<'_>, attempt: &Attempt, new: &str, warning: &str) -> Ending {
        let headline = format!("{} serves version {new}, which is well", deploy.worker);
        let warnings = vec![warning.to_owned()];
        Ending { warnings, ..Ending::of(Exit::Warnings, headline, attempt, Some(new.to_owned())) }
    }

    /// What was there before is there still.
    pub fn failed(deploy: &Deploy<'_>, attempt: &Attempt, said: &str, live: Option<String>) -> Ending {
        let headline = format!("{} was not deployed: {said}", deploy.worker);
        Ending::of(Exit::Failed, headline, attempt, live)
    }

    /// What was there before has the traffic, and the new version could not be removed from its place beside it.
    pub fn left_beside(deploy: &Deploy<'_>, attempt: &Attempt, old: &str) -> Ending {
        let new = attempt.new.as_deref().unwrap_or("the new version");
        let said = format!("version {old} serves, as before; {new} may stand beside it without traffic");
        let next = vec![back(deploy, old)];
        Ending { next, ..Ending::failed(deploy, attempt, &said, Some(old.to_owned())) }
    }

    /// What was there before was brought back.
    pub fn rolled_back(deploy: &Deploy<'_>, attempt: &Attempt, old: &str) -> Ending {
        let new = attempt.new.as_deref().unwrap_or("the new version");
        let headline = format!("{} is back: version {old} serves, {new} does not", deploy.worker);
        Ending::of(Exit::RolledBack, headline, attempt, Some(old.to_owned()))
    }

    /// The new version has the traffic, is not as it should be, and nothing can take its place.
    pub fn no_way_back(deploy: &Deploy<'_>, attempt: &Attempt, now: &Deployment) -> Ending {
        let why = match attempt.before {
            None => "there is no version before it",
            Some(_) => "a Durable Object migration lies before it",
        };
        let live = now.sole().map(str::to_owned);
        let shares = now.shares();
        let headline = format!(
            "{} serves {shares}, which is not proven to be well, and there is no way back: {why}",
            deploy.worker
        );
        let verify = verify(deploy, live.as_deref());
        let again = format!("ops deploy --env {} (once it is mended)", deploy.environment.as_str());
        Ending { next: vec![verify, again], ..Ending::of(Exit::Unknown, headline, attempt, live) }
    }

    /// Nobody knows.
    pub fn unknown(deploy: &Deploy<'_>, attempt: &Attempt, why: &str) -> Ending {
        let known = match (attempt.old(), attempt.new.as_deref()) {
            (Some(old), Some(new)) => format!("version {old} was live before, {new} is the new one"),
            (Some(old), None) => format!("version {old} was live before"),
            (None, _) => "nothing was live before".to_owned(),
        };
        let headline = format!("how {} stands is not known: {why}; {known}", deploy.worker);
        let mut next = vec![deploy.wrangler.shown(&["deployments", "status"]), verify(deploy, None)];
        if let Some(old) = attempt.old().filter(|_| attempt.can_return()) {
            next.push(back(deploy, old));
        }
        Ending { next, ..Ending::of(Exit::Unknown, headline, attempt, None) }
    }

    fn of(exit: Exit, headline: String, attempt: &Attempt, live: Option<String>) -> Ending {
        let before = attempt.old().map(str::to_owned);
        Ending { exit, headline, next: Vec::new(), warnings: Vec::new(), live, before }
    }

    /// Says it, ends the journal with it, and gives the exit status.
    pub fn tell(&self, deploy: &Deploy<'_>) -> Exit {
        let printer = deploy.run.printer();
        for warning in &self.warnings {
            printer.warn(warning);
        }
        let told = json!({
            "run": deploy.run.id().as_str(),
            "environment": deploy.environment.as_str(),
            "worker": deploy.worker,
            "exit": self.exit as u8,
            "outcome": self.headline,
            "live": self.live,
            "before": self.before,
            "warnings": self.warnings,
            "next": self.next,
        });
        if printer.json() {
            printer.data(&told.to_string());
        } else {
            printer.data(&self.headline);
        }
        for command in &self.next {
            printer.say(&format!("next: {command}"));
        }
        deploy.run.close(self.exit, told);
        self.exit
    }
}

fn back(deploy: &Deploy<'_>, old: &str) -> String {
    let share = format!("{old}@100%");
    let mode = ["--durable-objects-code-update-mode", "immediate"];
    deploy.wrangler.shown(&["versions", "deploy", &share, "-y", mode[0], mode[1]])
}

fn verify(deploy: &Deploy<'_>, version: Option<&str>) -> String {
    let version = version.map(|id| format!(" --version {id}")).unwrap_or_default();
    let url = deploy.run.globals().url.as_ref().map(|url| format!(" --url {url}")).unwrap_or_default();
    format!("ops verify --env {}{url}{version}", deploy.environment.as_str())
}
