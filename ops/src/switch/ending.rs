//! How it ended: an exit status, one paragraph, and what to type next.

use serde_json::{Map, Value, json};

use super::{
    Switch,
    attempt::{Attempt, Way},
};
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
    /// What else a program may want to know, under names of its own.
    pub details: Map<String, Value>,
}

impl Ending {
    /// The new version is proven to serve, though not everything went as it should.
    pub fn serves(switch: &Switch<'_>, attempt: &Attempt, new: &str, warning: &str) -> Ending {
        let headline = format!("{} serves version {new}, which is well", switch.worker);
        let mut warnings = vec![warning.to_owned()];
        if !attempt.failing.is_empty() {
            warnings.push(format!("failed before, and may go on failing: {}", attempt.failing.join(", ")));
        }
        let mut next = Vec::new();
        // Beside the live one a version is deployed without them; they come last.
        if attempt.way == Way::Beside {
            warnings.push("routes and schedules may be as before".to_owned());
            next.push(switch.wrangler.shown(&["triggers", "deploy"]));
        }
        Ending { warnings, next, ..Ending::of(Exit::Warnings, headline, attempt, Some(new.to_owned())) }
    }

    /// Nothing had happened.
    pub fn nothing(said: &str) -> Ending {
        let (next, warnings, details) = (Vec::new(), Vec::new(), Map::new());
        let headline = said.to_owned();
        Ending { exit: Exit::Failed, headline, next, warnings, live: None, before: None, details }
    }

    /// What was there before is there still.
    pub fn failed(switch: &Switch<'_>, attempt: &Attempt, said: &str, live: Option<String>) -> Ending {
        let what = if attempt.way == Way::Back { "rolled back" } else { "deployed" };
        let headline = format!("{} was not {what}: {said}", switch.worker);
        Ending::of(Exit::Failed, headline, attempt, live)
    }

    /// What was there before has the traffic, and the new version could not be removed from its place beside it.
    pub fn left_beside(switch: &Switch<'_>, attempt: &Attempt, old: &str) -> Ending {
        let new = attempt.new.as_deref().unwrap_or("the new version");
        let said = format!("version {old} serves, as before; {new} may stand beside it without traffic");
        let next = vec![back(switch, old)];
        Ending { next, ..Ending::failed(switch, attempt, &said, Some(old.to_owned())) }
    }

    /// What was there before was brought back.
    pub fn rolled_back(switch: &Switch<'_>, attempt: &Attempt, old: &str) -> Ending {
        let new = attempt.new.as_deref().unwrap_or("the new version");
        let headline = format!("{} is back: version {old} serves, {new} does not", switch.worker);
        Ending::of(Exit::RolledBack, headline, attempt, Some(old.to_owned()))
    }

    /// The new version has the traffic, is not as it should be, and nothing can take its place.
    pub fn no_way_back(switch: &Switch<'_>, attempt: &Attempt, now: &Deployment) -> Ending {
        let why = match attempt.before {
            None => "there is no version before it",
            Some(_) => "a Durable Object migration lies before it",
        };
        let live = now.sole().map(str::to_owned);
        let shares = now.shares();
        let headline = format!(
            "{} serves {shares}, which is not proven to be well, and there is no way back: {why}",
            switch.worker
        );
        let verify = verify(switch, live.as_deref());
        let again = format!("{} (once it is mended)", switch.shown("deploy"));
        Ending { next: vec![verify, again], ..Ending::of(Exit::Unknown, headline, attempt, live) }
    }

    /// Nobody knows.
    pub fn unknown(switch: &Switch<'_>, attempt: &Attempt, why: &str) -> Ending {
        let known = match (attempt.old(), attempt.new.as_deref()) {
            (Some(old), Some(new)) if attempt.way == Way::Back => {
                format!("version {old} was live before, the way was to {new}")
            }
            (Some(old), Some(new)) => format!("version {old} was live before, {new} is the new one"),
            (Some(old), None) => format!("version {old} was live before"),
            (None, _) => "nothing was live before".to_owned(),
        };
        let headline = format!("how {} stands is not known: {why}; {known}", switch.worker);
        let mut next = vec![switch.wrangler.shown(&["deployments", "status"]), verify(switch, None)];
        if let Some(old) = attempt.old().filter(|_| attempt.can_return()) {
            next.push(back(switch, old));
        }
        Ending { next, ..Ending::of(Exit::Unknown, headline, attempt, None) }
    }

    fn of(exit: Exit, headline: String, attempt: &Attempt, live: Option<String>) -> Ending {
        let before = attempt.old().map(str::to_owned);
        Ending { exit, live, before, ..Ending::nothing(&headline) }
    }

    /// Says it, ends the journal with it, and gives the exit status.
    pub fn tell(&self, switch: &Switch<'_>) -> Exit {
        let printer = switch.run.printer();
        for warning in &self.warnings {
            printer.warn(warning);
        }
        let mut told = json!({
            "run": switch.run.id().as_str(),
            "environment": switch.environment.as_str(),
            "worker": switch.worker,
            "exit": self.exit as u8,
            "outcome": self.headline,
            "live": self.live,
            "before": self.before,
            "warnings": self.warnings,
            "next": self.next,
        });
        if let Some(told) = told.as_object_mut() {
            told.extend(self.details.clone());
        }
        if printer.json() {
            printer.data(&told.to_string());
        } else {
            printer.data(&self.headline);
        }
        for command in &self.next {
            printer.say(&format!("next: {command}"));
        }
        switch.run.close(self.exit, told);
        self.exit
    }
}

fn back(switch: &Switch<'_>, old: &str) -> String {
    let share = format!("{old}@100%");
    let mode = ["--durable-objects-code-update-mode", "immediate"];
    switch.wrangler.shown(&["versions", "deploy", &share, "-y", mode[0], mode[1]])
}

fn verify(switch: &Switch<'_>, version: Option<&str>) -> String {
    let version = version.map(|id| format!(" --version {id}")).unwrap_or_default();
    switch.shown("verify") + &version
}
