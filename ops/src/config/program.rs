//! Another program's call: what it reads and what it prints stay in memory, it has a limit, and it ends with us.
//!
//! Values go in through a pipe and come back through one: not as an argument (every process of the machine can read
//! those), and not by way of a file.

use std::{
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use log_ingestion_worker::redaction::MARK;
use tokio::sync::oneshot;

use super::steps;
use crate::{exit::Failure, process::ProcessGroup};

/// Longest time one call may take: Node starts, asks twice, and the network may be slow.
pub const LIMIT: Duration = Duration::from_secs(60);
/// How long a program may take to end by itself once it is told to.
const GRACE: Duration = Duration::from_secs(2);
/// How long what it printed may take to arrive once it has ended.
const DRAIN: Duration = Duration::from_secs(2);
/// A value shorter than this tells nothing, and taking it out would take words apart.
const MIN_VALUE: usize = 4;
/// Lines of what it said that a person is shown.
const KEPT_LINES: usize = 8;

/// A program that was found.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its name, for people.
    pub name: &'static str,
    file: PathBuf,
    folder: PathBuf,
    limit: Duration,
}

/// A call that failed.
#[derive(Clone, Debug)]
pub struct Refused {
    /// What went wrong, in one line.
    pub why: String,
    /// What it printed last.
    pub said: String,
    /// Whether it was ended because it took too long: what it was to do may be done or not.
    pub is_unknown: bool,
}

impl Program {
    /// The program in this folder.
    pub fn new(name: &'static str, file: PathBuf, folder: &Path, limit: Option<Duration>) -> Program {
        Program { name, file, folder: folder.to_owned(), limit: limit.unwrap_or(LIMIT) }
    }

    /// Runs it to its end, and returns what it printed. Dropping the future kills it and what it started.
    ///
    /// # Errors
    /// When it failed, or was not over within the limit.
    pub async fn run(&self, arguments: &[&str], input: Option<&str>) -> Result<String, Refused> {
        steps::passed("before a call");
        let shown = self.shown(arguments);
        let broken = |cause: std::io::Error| Refused {
            why: format!("{shown} could not be run: {cause}"),
            said: String::new(),
            is_unknown: false,
        };
        let mut command = Command::new(&self.file);
        command
            .current_dir(&self.folder)
            .args(arguments)
            // Colours and questions are for people.
            .env("NO_COLOR", "1")
            .env("CI", "true")
            .env("GH_PROMPT_DISABLED", "1")
            .env_remove("FORCE_COLOR")
            .env_remove("NODE_OPTIONS")
            .env_remove("GH_DEBUG")
            .env_remove("GH_FORCE_TTY")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut group = ProcessGroup::spawn(&mut command).map_err(broken)?;
        let child = group.child_mut();
        feed(child.stdin.take(), input.unwrap_or_default());
        let (stdout, stderr) = (collect(child.stdout.take()), collect(child.stderr.take()));
        let status = tokio::time::timeout(self.limit, group.wait()).await;
        if status.is_err() {
            group.stop(GRACE).await;
        }
        let (stdout, stderr) = (arrived(stdout).await, arrived(stderr).await);
        let stderr = without(&stderr, input.unwrap_or_default().trim_end());
        steps::passed("after a call");
        match status {
            Ok(status) if status.success() => Ok(stdout),
            Ok(status) => Err(Refused {
                why: format!("{shown} failed: {}", first_line(&stderr).unwrap_or_else(|| status.to_string())),
                said: kept(&stderr),
                is_unknown: false,
            }),
            Err(_) => Err(Refused {
                why: format!("{shown} was not over after {} s and was ended", self.limit.as_secs()),
                said: kept(&stderr),
                is_unknown: true,
            }),
        }
    }

    /// The command as a person would type it. No value is among the arguments.
    pub fn shown(&self, arguments: &[&str]) -> String {
        format!("{} {}", self.name, arguments.join(" "))
    }
}

impl Refused {
    /// For a person.
    pub fn failure(self, hint: &str) -> Failure {
        Failure::new(self.why, hint).detail(self.said)
    }
}

/// Gives a child what it reads, on a thread: who does not read it is not waited for.
fn feed(to: Option<impl Write + Send + 'static>, text: &str) {
    let text = text.to_owned();
    if let Some(mut to) = to {
        std::thread::spawn(move || {
            let _ = to.write_all(text.as_bytes());
        });
    }
}

/// Reads what a child prints, on a thread: a full pipe would stop it.
fn collect(from: Option<impl Read + Send + 'static>) -> oneshot::Receiver<Vec<u8>> {
    let (told, read) = oneshot::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut from) = from {
            let _ = from.read_to_end(&mut bytes);
        }
        let _ = told.send(bytes);
    });
    read
}

async fn arrived(bytes: oneshot::Receiver<Vec<u8>>) -> String {
    let bytes = tokio::time::timeout(DRAIN, bytes).await.ok().and_then(Result::ok).unwrap_or_default();
    console::strip_ansi_codes(&String::from_utf8_lossy(&bytes)).into_owned()
}

/// What a program says of the value it was given does not say the value, secret or not.
fn without(text: &str, value: &str) -> String {
    if value.len() < MIN_VALUE { text.to_owned() } else { text.replace(value, MARK) }
}

fn first_line(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(line.trim_start_matches(['✖', ' ']).to_owned())
}

fn kept(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines.get(lines.len().saturating_sub(KEPT_LINES)..).unwrap_or_default().join("\n")
}
