//! What going back does to vars, secrets, stored state and Redis.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::history::{Candidate, History, SecretChange};
use crate::{
    exit::Failure,
    switch::vars,
    verify::{Layouts, Report},
};

/// What it does.
#[derive(Debug)]
pub struct Effects<'a> {
    candidate: &'a Candidate,
    /// Each change in one line.
    vars: Vec<String>,
    /// Secrets that version has and the live one has not.
    appear: BTreeSet<String>,
    /// Secrets the live version has and that one has not.
    disappear: BTreeSet<String>,
    /// The layouts of what is stored.
    stored: Layouts,
    /// The layouts its code reads, where it is known before it is asked.
    reads: Layouts,
    /// How many logs wait for Redis.
    waiting: Option<u64>,
}

impl<'a> Effects<'a> {
    /// Of going back to this version, from what the live one says of itself.
    pub fn of(history: &History, candidate: &'a Candidate, before: &Report) -> Effects<'a> {
        let (then, now) = (candidate.version.secrets(), history.live.secrets());
        let stored = if before.stored.is_empty() { history.stored() } else { before.stored.clone() };
        Effects {
            candidate,
            vars: vars::changes(&history.live.vars(), &candidate.version.vars()),
            appear: then.difference(&now).cloned().collect(),
            disappear: now.difference(&then).cloned().collect(),
            stored,
            reads: candidate.proven.as_ref().map(|proof| proof.layouts.clone()).unwrap_or_default(),
            waiting: before.backlog.map(|backlog| backlog.waiting),
        }
    }

    /// Whether secrets go back with it, as far as one can see.
    pub fn secrets_change(&self) -> bool {
        !self.candidate.secrets.is_empty() || !self.appear.is_empty() || !self.disappear.is_empty()
    }

    /// Takes note of what its code says that it reads.
    pub fn reads(&mut self, layouts: &Layouts) {
        if !layouts.is_empty() {
            self.reads = layouts.clone();
        }
    }

    /// Refuses a version whose code cannot read what is stored. One that does not say is let pass: a Durable Object
    /// that finds a layout it does not know answers nothing and changes nothing, and the verification sees it.
    ///
    /// # Errors
    /// Which component, and which layouts.
    pub fn readable(&self) -> Result<(), Failure> {
        let newer = self.stored.iter().find_map(|(component, stored)| {
            let reads = self.reads.get(component).filter(|reads| *reads < stored)?;
            Some(format!("{component} has stored layout {stored}, and its code reads up to {reads}"))
        });
        match newer {
            None => Ok(()),
            Some(why) => Err(Failure::new(
                format!("{} cannot read what is stored: {why}", self.candidate.version.id),
                "go forward instead: deploy a repaired build that reads it",
            )),
        }
    }

    /// For people, each under its name.
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let mut lines: Vec<(&str, String)> = self.vars.iter().map(|line| ("var", line.clone())).collect();
        let list = |layouts: &Layouts| {
            let each = layouts.iter().map(|(component, layout)| format!("{component} {layout}"));
            each.collect::<Vec<_>>().join(", ")
        };
        let reads = match (self.stored.is_empty(), self.reads.is_empty()) {
            (true, _) => "; which layout it has is not known".to_owned(),
            (false, true) => {
                format!(" (layouts: {}); that version is asked what it reads", list(&self.stored))
            }
            (false, false) => {
                format!(" (layouts: {}); that version reads {}", list(&self.stored), list(&self.reads))
            }
        };
        lines.push(("state", format!("what Durable Objects stored stays{reads}")));
        let waiting = match self.waiting {
            Some(0) => "nothing waits for it".to_owned(),
            Some(count) => format!("{count} logs wait for it and go on waiting"),
            None => "how much waits for it is not known".to_owned(),
        };
        lines.push(("redis", format!("what is in it stays; {waiting}")));
        let mut secrets: Vec<String> = Vec::new();
        secrets.extend(values_from_before(&self.candidate.secrets, |name| {
            !self.appear.contains(name) && !self.disappear.contains(name)
        }));
        secrets.extend(self.appear.iter().map(|name| format!("{name} is there again, with its old value")));
        secrets.extend(self.disappear.iter().map(|name| format!("{name} is gone: that version has none")));
        if secrets.is_empty() {
            secrets.push("no sign that one changed since; they are those of that version".to_owned());
        }
        lines.extend(secrets.into_iter().map(|line| ("secrets", line)));
        lines.push(("routes", "stay as they are: they belong to no version".to_owned()));
        lines
    }

    /// For programs.
    pub fn json(&self) -> Value {
        json!({
            "to": self.candidate,
            "vars": self.vars,
            "state": { "stored": self.stored, "reads": self.reads },
            "redis": { "waiting": self.waiting },
            "secrets": {
                "changed": self.candidate.secrets,
                "appear": self.appear,
                "disappear": self.disappear,
            },
        })
    }
}

/// One line for each secret that gets an earlier value: that of before its first change. Of those that come or go with the
/// version (`stays` says no) it would not be true.
fn values_from_before(changes: &[SecretChange], stays: impl Fn(&str) -> bool) -> Vec<String> {
    let mut told = BTreeSet::new();
    let first = |change: &&SecretChange| {
        change.name.as_deref().is_none_or(|name| stays(name) && told.insert(name.to_owned()))
    };
    let lines = changes.iter().filter(first).map(|change| {
        let name = change.name.as_deref().unwrap_or("a secret");
        format!("{name} gets the value from before {} ({})", change.at, change.author)
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_becomes_of_a_secret_is_said_once() {
        let change = |name: Option<&str>, at: &str| SecretChange {
            name: name.map(str::to_owned),
            version: at.to_owned(),
            at: at.to_owned(),
            author: "me".to_owned(),
        };
        let twice = [
            change(Some("LOG_READ_TOKEN"), "May"),
            change(Some("LOG_ADMIN_TOKEN"), "June"),
            change(None, "July"),
            change(Some("LOG_ADMIN_TOKEN"), "August"),
            change(Some("LOG_READ_TOKEN"), "August"),
        ];
        assert_eq!(
            values_from_before(&twice, |name| name != "LOG_READ_TOKEN"),
            [
                "LOG_ADMIN_TOKEN gets the value from before June (me)",
                "a secret gets the value from before July (me)"
            ]
        );
    }
}
