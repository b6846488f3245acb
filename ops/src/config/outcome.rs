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
    /// What a person should know.
    pub notes: Vec<String>,
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
            notes: Vec::new(),
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
            "notes": self.notes,
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
        for (key, why) in &self.not_applied {
            let word = printer.for_stdout(Mark::Bad.word(), Mark::Bad);
            printer.data(&format!("  {word} {key}: not applied: {why}"));
        }
        self.show_rest(printer);
    }

    fn show_rest(&self, printer: &Printer) {
        if let Some(why) = &self.unreadable {
            printer.data(&format!("  {} {why}", printer.for_stdout(Mark::Bad.word(), Mark::Bad)));
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
    match (incomplete, applied) {
        (false, _) => Exit::Done,
        (true, false) => Exit::Failed,
        // Half of it: a person looks at the list, or runs it again.
        (true, true) => Exit::Unknown,
    }
}
