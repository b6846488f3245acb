//! What a sync is to change at one target, and what became of it.

use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    exit::Exit,
    run::printer::{Mark, Printer},
};

/// One difference between the source and a target. As JSON its fields are stable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Whose value it is.
    pub key: String,
    /// What is to be done.
    pub change: Kind,
    /// What it was, for people: the value of a public var, the length of every other.
    pub was: Option<String>,
    /// What it is to be, likewise.
    pub now: Option<String>,
}

/// What is to be done with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It is not there.
    Add,
    /// It is there with another value.
    Update,
    /// It is there, and nobody can read whether it is the same.
    Write,
    /// It is there, and is to go.
    Remove,
}

/// A target, its differences, and what became of them.
#[derive(Debug)]
pub struct Outcome {
    /// The target's name.
    pub target: &'static str,
    /// Where: a file, a deployment, a worker.
    pub place: String,
    /// What is to be changed, in order.
    pub changes: Vec<Change>,
    /// How many keys are as they should be.
    pub unchanged: usize,
    /// What is set there and not in the source; a sync leaves it alone.
    pub others: Vec<String>,
    /// The keys that were changed.
    pub applied: Vec<String>,
    /// The keys that were not, and why.
    pub not_applied: Vec<(String, String)>,
    /// Why it could not be looked at; then nothing else is known.
    pub unreadable: Option<String>,
    /// What must be done before another run can apply what is missing.
    pub hints: Vec<String>,
    /// What a person should know.
    pub notes: Vec<String>,
    /// What asking the deployment afterwards showed; nothing where nobody asks.
    pub proof: Option<Proof>,
}

/// What was seen of a deployment after its change. As JSON its words are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// It does what it did before.
    Proven,
    /// It is changed, and nobody knows yet whether it is well.
    Unproven,
    /// It failed, and has again what it had before.
    TakenBack,
    /// It failed, and nobody knows what it has now.
    Unknown,
}

impl Outcome {
    /// Of a target at which nothing is known yet.
    pub fn of(target: &'static str, place: impl Into<String>) -> Outcome {
        Outcome {
            target,
            place: place.into(),
            changes: Vec::new(),
            unchanged: 0,
            others: Vec::new(),
            applied: Vec::new(),
            not_applied: Vec::new(),
            unreadable: None,
            hints: Vec::new(),
            notes: Vec::new(),
            proof: None,
        }
    }

    /// Every difference was applied.
    pub fn all_applied(&mut self) {
        self.applied = self.changes.iter().map(|change| change.key.clone()).collect();
    }

    /// None of the differences that have no result yet was applied.
    pub fn rest_not_applied(&mut self, why: &str) {
        for change in &self.changes {
            let has_result = self.applied.contains(&change.key)
                || self.not_applied.iter().any(|(key, _)| *key == change.key);
            if !has_result {
                self.not_applied.push((change.key.clone(), why.to_owned()));
            }
        }
    }

    /// Says once what must be done before another run can help.
    pub fn hint(&mut self, hint: impl Into<String>) {
        let hint = hint.into();
        if !self.hints.contains(&hint) {
            self.hints.push(hint);
        }
    }

    /// Whether something is missing.
    pub fn is_incomplete(&self) -> bool {
        self.unreadable.is_some() || !self.not_applied.is_empty()
    }

    /// As JSON; the fields are stable.
    pub fn json(&self) -> Value {
        let not: Vec<Value> =
            self.not_applied.iter().map(|(key, why)| json!({ "key": key, "why": why })).collect();
        json!({
            "target": self.target,
            "place": self.place,
            "changes": self.changes,
            "unchanged": self.unchanged,
            "others": self.others,
            "applied": self.applied,
            "not_applied": not,
            "unreadable": self.unreadable,
            "hints": self.hints,
            "notes": self.notes,
            "proof": self.proof,
        })
    }

    /// The differences, for people.
    pub fn show_changes(&self, printer: &Printer) {
        let count = match (self.changes.len(), &self.unreadable) {
            (_, Some(_)) => "cannot be read".to_owned(),
            (0, None) => format!("{} as they should be", self.unchanged),
            (count, None) => format!("{count} to change, {} as they should be", self.unchanged),
        };
        printer.data(&format!("{}  {}: {count}", self.target, self.place));
        for change in &self.changes {
            let (sign, mark) = match change.change {
                Kind::Add => ("+", Mark::Good),
                Kind::Update | Kind::Write => ("~", Mark::Warning),
                Kind::Remove => ("-", Mark::Bad),
            };
            let was = change.was.clone().unwrap_or_default();
            let said = match (change.change, &change.now) {
                (Kind::Add, Some(now)) => now.clone(),
                (Kind::Write, Some(now)) => format!("{now}; what is there cannot be compared"),
                (Kind::Update, Some(now)) => format!("{was} -> {now}"),
                _ => was,
            };
            let line = format!("  {} {:<28} {said}", printer.for_stdout(sign, mark), change.key);
            printer.data(line.trim_end());
        }
        self.show_not_applied(printer, "cannot be applied");
        self.show_rest(printer);
    }

    /// What became of them, for people.
    pub fn show_result(&self, printer: &Printer) {
        let changed = self.applied.len();
        printer.data(&format!(
            "{}  {}: {changed} changed, {} as they were{}",
            self.target,
            self.place,
            self.unchanged,
            if self.is_incomplete() { ", not all of it applied" } else { "" },
        ));
        for key in &self.applied {
            printer.data(&format!("  {} {key}", printer.for_stdout(Mark::Good.word(), Mark::Good)));
        }
        self.show_not_applied(printer, "not applied");
        self.show_rest(printer);
    }

    fn show_not_applied(&self, printer: &Printer, said: &str) {
        for (key, why) in &self.not_applied {
            let word = printer.for_stdout(Mark::Bad.word(), Mark::Bad);
            printer.data(&format!("  {word} {key}: {said}: {why}"));
        }
    }

    fn show_rest(&self, printer: &Printer) {
        if let Some(why) = &self.unreadable {
            printer.data(&format!("  {} {why}", printer.for_stdout(Mark::Bad.word(), Mark::Bad)));
        }
        for hint in &self.hints {
            printer.data(&format!("     hint: {hint}"));
        }
        let others = match self.others.len() {
            0 => None,
            count => Some(format!("{count} there that the source does not name, left alone")),
        };
        for note in others.iter().chain(&self.notes) {
            printer.data(&format!("  {} {note}", printer.for_stdout(Mark::Dim.word(), Mark::Dim)));
        }
    }
}

/// How a value is shown whose text is not.
pub fn masked(value: &str) -> String {
    match value.chars().count() {
        1 => "[1 character]".into(),
        count => format!("[{count} characters]"),
    }
}

/// How a run over these targets ends.
pub fn exit(outcomes: &[Outcome]) -> Exit {
    let incomplete = outcomes.iter().any(Outcome::is_incomplete);
    let applied = outcomes.iter().any(|outcome| !outcome.applied.is_empty());
    let is_one = |proof| outcomes.iter().any(|outcome| outcome.proof == Some(proof));
    match (incomplete, applied) {
        _ if is_one(Proof::Unknown) => Exit::Unknown,
        (false, _) if is_one(Proof::Unproven) => Exit::Warnings,
        (false, _) => Exit::Done,
        (true, false) if is_one(Proof::TakenBack) => Exit::RolledBack,
        (true, false) => Exit::Failed,
        // Half of it: a person looks at the list, or runs it again.
        (true, true) => Exit::Unknown,
    }
}

/// What to do when something is missing.
pub fn what_next(outcomes: &[Outcome]) -> &'static str {
    let mut missing = outcomes.iter().filter(|outcome| outcome.is_incomplete()).peekable();
    let hinted = missing.clone().filter(|outcome| !outcome.hints.is_empty()).count();
    if missing.peek().is_some() && hinted == missing.count() {
        "Not all of it was applied. Do first what the hints say: running it again alone does not help."
    } else if hinted > 0 {
        "Not all of it was applied. Where there is a hint, do first what it says; running it again applies the rest."
    } else {
        "Not all of it was applied. Running it again applies the rest, once what the lines name is mended."
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_status_says_what_was_seen_after_the_change() {
        let with = |proof, applied: bool| {
            let mut outcome = Outcome { proof: Some(proof), ..Outcome::of("LOG_WORKER", "secrets") };
            let key = "KEY".to_owned();
            if applied {
                outcome.applied.push(key)
            } else {
                outcome.not_applied.push((key, "why".into()))
            }
            outcome
        };
        let other = || Outcome { applied: vec!["KEY".into()], ..Outcome::of("CONVEX", "there") };
        for (proof, applied, alone, with_another) in [
            (Proof::Proven, true, Exit::Done, Exit::Done),
            (Proof::Unproven, true, Exit::Warnings, Exit::Warnings),
            (Proof::TakenBack, false, Exit::RolledBack, Exit::Unknown),
            (Proof::Unknown, false, Exit::Unknown, Exit::Unknown),
        ] {
            assert_eq!(exit(&[with(proof, applied)]), alone, "{proof:?}");
            assert_eq!(exit(&[with(proof, applied), other()]), with_another, "{proof:?}");
        }
    }

    #[test]
    fn a_retry_is_promised_only_where_it_helps() {
        let mut hinted = Outcome { unreadable: Some("it is a folder".into()), ..Outcome::of("NEXTJS", "f") };
        hinted.hint("move it away");
        let plain = Outcome { unreadable: Some("no answer".into()), ..Outcome::of("GITHUB", "g") };
        let again = "unning it again applies the rest";
        assert!(!what_next(std::slice::from_ref(&hinted)).contains(again));
        assert!(what_next(std::slice::from_ref(&plain)).contains(again));
        assert!(what_next(&[hinted, plain]).contains("Where there is a hint"));
    }
}
