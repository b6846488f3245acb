//! What each run did: one file of NDJSON a run, in the state folder's `runs/`, readable by its owner alone.
//!
//! The first line is `{"at","run","event":"open","command","changes","environment"}`, then a
//! `{"at","run","event":"step","step",…}` for each step, and at the end `{"at","run","event":"close","exit",…}`. While
//! a run lives it holds a lock on its file, which the system takes back when it dies: a file without a last line that
//! nobody holds is a run that was killed ([`Journal::interrupted`]). No secret is written: texts go through the mask.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

use humantime::format_rfc3339_millis;
use serde_json::{Map, Value, json};

use super::{
    folder::{StateFolder, private},
    lock::is_free,
    mask::Mask,
};
use crate::exit::Exit;

/// The state folder's folder of journals.
const FOLDER: &str = "runs";
/// How many journals are kept; at a deploy an hour that is weeks.
const KEPT: usize = 1_000;

/// The journals of every run on this machine.
#[derive(Clone, Debug)]
pub struct Journal {
    folder: StateFolder,
}

/// What is known of a run when it begins.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// Its correlation id.
    pub run: &'a str,
    /// The command's name.
    pub command: &'a str,
    /// Whether it changes a deployment.
    pub changes: bool,
    /// The environment asked for.
    pub environment: Option<&'a str>,
}

impl Journal {
    /// The journals in this state folder.
    pub fn of(folder: &StateFolder) -> Journal {
        Journal { folder: folder.clone() }
    }

    /// Opens a run's journal.
    ///
    /// # Errors
    /// What the system says; a run goes on without.
    pub fn open(&self, opening: &Opening<'_>, mask: Mask) -> io::Result<Record> {
        let folder = self.folder.make(FOLDER)?;
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        // Names sort by time, and an id that is given twice makes two files.
        let path = folder.join(format!("{:015}-{}.ndjson", since.as_micros(), opening.run));
        let file = private(&path)?;
        // Free but for the moment in which somebody looks whether it is.
        file.lock()?;
        let mut record = Record { file, run: opening.run.to_owned(), mask };
        record.line(
            "open",
            json!({ "command": opening.command, "changes": opening.changes, "environment": opening.environment }),
        )?;
        self.prune();
        Ok(record)
    }

    /// Every run, the oldest first. What cannot be read is left out.
    pub fn runs(&self) -> Vec<PastRun> {
        self.files().iter().filter_map(|path| PastRun::read(path)).collect()
    }

    /// Runs that change a deployment and ended without a word, killed or by a loss of power, the oldest first. Those
    /// that are still going on are not among them.
    pub fn interrupted(&self) -> Vec<PastRun> {
        // Looked at in this order: a run that ends in between has its last line.
        let free: Vec<_> = self.files().into_iter().filter(|path| is_free(path)).collect();
        let runs = free.iter().filter_map(|path| PastRun::read(path));
        runs.filter(|run| run.changes && run.closing.is_none()).collect()
    }

    /// Writes the last line for a run that was killed, with what was found.
    ///
    /// # Errors
    /// What the system says.
    pub fn settle(&self, run: &PastRun, exit: Exit, found: Value, mask: Mask) -> io::Result<()> {
        let mut record = Record { file: private(&run.path)?, run: run.run.clone(), mask };
        // The last line may be half of one.
        record.file.write_all(b"\n")?;
        record.close(exit, found)
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = self.folder.inside(FOLDER).and_then(fs::read_dir).into_iter().flatten().flatten();
        let mut files: Vec<_> = entries
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "ndjson"))
            .collect();
        files.sort();
        files
    }

    fn prune(&self) {
        let files = self.files();
        let old = files.get(..files.len().saturating_sub(KEPT)).unwrap_or_default();
        for path in old.iter().filter(|path| is_free(path)) {
            if PastRun::read(path).is_none_or(|run| run.closing.is_some() || !run.changes) {
                let _ = fs::remove_file(path);
            }
        }
    }
}

/// The journal of a run that is going on. Dropped without [`Record::close`], it says that the run was interrupted.
#[derive(Debug)]
pub struct Record {
    file: File,
    run: String,
    mask: Mask,
}

impl Record {
    /// Writes a step.
    ///
    /// # Errors
    /// What the system says.
    pub fn step(&mut self, name: &str, fields: Value) -> io::Result<()> {
        self.line("step", merged(json!({ "step": name }), fields))
    }

    /// Writes the last line.
    ///
    /// # Errors
    /// What the system says.
    pub fn close(&mut self, exit: Exit, fields: Value) -> io::Result<()> {
        self.line("close", merged(json!({ "exit": exit as u8 }), fields))
    }

    /// One write a line, so that no line is torn by a reader.
    fn line(&mut self, event: &str, fields: Value) -> io::Result<()> {
        let at = format_rfc3339_millis(SystemTime::now()).to_string();
        let line = merged(json!({ "at": at, "run": self.run, "event": event }), fields);
        let line = self.mask.apply(&line.to_string());
        self.file.write_all(format!("{line}\n").as_bytes())
    }
}

/// `fields` beside those of `line`, which win.
fn merged(line: Value, fields: Value) -> Value {
    let mut all = match fields {
        Value::Object(fields) => fields,
        Value::Null => Map::new(),
        other => Map::from_iter([("value".to_owned(), other)]),
    };
    if let Value::Object(line) = line {
        all.extend(line);
    }
    Value::Object(all)
}

/// A run as its journal tells it.
#[derive(Clone, Debug)]
pub struct PastRun {
    /// Its correlation id.
    pub run: String,
    /// The command's name.
    pub command: String,
    /// The environment asked for.
    pub environment: Option<String>,
    /// Whether it changes a deployment.
    pub changes: bool,
    /// When it began, RFC 3339 in UTC.
    pub at: String,
    /// Its steps in order, each with `step` and `at`.
    pub steps: Vec<Map<String, Value>>,
    /// Its last line, with `exit` and `at`; nothing while it goes on, and when it was killed.
    pub closing: Option<Map<String, Value>>,
    path: PathBuf,
}

impl PastRun {
    fn read(path: &Path) -> Option<PastRun> {
        let text = fs::read(path).ok()?;
        let text = String::from_utf8_lossy(&text);
        let mut lines = text.lines().filter_map(|line| serde_json::from_str::<Map<String, Value>>(line).ok());
        let opening = lines.next().filter(|line| is_event(line, "open"))?;
        let word = |name: &str| opening.get(name).and_then(Value::as_str).map(str::to_owned);
        let (closings, steps): (Vec<_>, Vec<_>) = lines.partition(|line| is_event(line, "close"));
        Some(PastRun {
            run: word("run")?,
            command: word("command")?,
            environment: word("environment"),
            changes: opening.get("changes").and_then(Value::as_bool).unwrap_or(false),
            at: word("at")?,
            steps,
            closing: closings.into_iter().next(),
            path: path.to_owned(),
        })
    }

    /// Its exit status; nothing while it goes on, and when it was killed.
    pub fn exit(&self) -> Option<u64> {
        self.closing.as_ref()?.get("exit")?.as_u64()
    }

    /// Whether its process still lives.
    pub fn goes_on(&self) -> bool {
        self.closing.is_none() && !is_free(&self.path)
    }

    /// The last step of that name.
    pub fn step(&self, name: &str) -> Option<&Map<String, Value>> {
        self.steps.iter().rev().find(|step| step.get("step").and_then(Value::as_str) == Some(name))
    }
}

fn is_event(line: &Map<String, Value>, event: &str) -> bool {
    line.get("event").and_then(Value::as_str) == Some(event)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn journal() -> (tempfile::TempDir, Journal) {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::of(&StateFolder::at(&folder.path().join("state")));
        (folder, journal)
    }

    fn opening(run: &str) -> Opening<'_> {
        Opening { run, command: "deploy", changes: true, environment: Some("production") }
    }

    #[test]
    fn a_run_without_a_last_line_is_interrupted_once_nobody_holds_it() {
        let (_folder, journal) = journal();
        let mut record = journal.open(&opening("a"), Mask::default()).unwrap();
        record.step("upload", json!({ "version": "v1", "step": "not this" })).unwrap();
        assert!(journal.interrupted().is_empty());
        assert!(journal.runs()[0].goes_on());
        record.file.write_all(b"{\"half a li").unwrap();
        drop(record);
        let found = journal.interrupted();
        assert_eq!((found.len(), found[0].run.as_str(), found[0].goes_on()), (1, "a", false));
        assert_eq!(found[0].step("upload").unwrap()["version"], "v1");
        journal.settle(&found[0], Exit::Done, json!({ "settled_by": "b" }), Mask::default()).unwrap();
        assert!(journal.interrupted().is_empty());
        assert_eq!(journal.runs()[0].exit(), Some(0));
        let mode = fs::metadata(&found[0].path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn what_ended_or_changes_nothing_is_not_interrupted() {
        let (_folder, journal) = journal();
        journal.open(&opening("a"), Mask::default()).unwrap().close(Exit::Failed, Value::Null).unwrap();
        drop(journal.open(&Opening { changes: false, ..opening("b") }, Mask::default()).unwrap());
        assert!(journal.interrupted().is_empty());
        assert_eq!(journal.runs().iter().map(PastRun::exit).collect::<Vec<_>>(), [Some(1), None]);
    }

    #[test]
    fn every_line_names_the_run_and_none_a_secret() {
        let (_folder, journal) = journal();
        let mask = Mask::default();
        mask.hide("geheimwort");
        let mut record = journal.open(&opening("a"), mask).unwrap();
        record.step("told", json!({ "error": "401 for geheimwort" })).unwrap();
        record.close(Exit::Done, Value::Null).unwrap();
        let text = fs::read_to_string(&journal.files()[0]).unwrap();
        assert!(!text.contains("geheimwort") && text.contains("401 for [REDACTED]"), "{text}");
        assert!(text.lines().all(|line| line.contains(r#""run":"a""#)), "{text}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_an_error_and_no_more() {
        let file = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut record = Record { file, run: "a".into(), mask: Mask::default() };
        assert_eq!(record.step("s", Value::Null).unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
