//! The `gh` program: calls with a limit, and why one failed.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde::de::DeserializeOwned;
use tokio::process::Command;

use super::{
    Which,
    runs::{self, WorkflowRun},
};
use crate::{exit::Failure, process::find_program};

/// Longest time one question may take.
const LIMIT: Duration = Duration::from_secs(60);
/// Longest time a log may take: GitHub packs it first, and it may be some MB.
const LOG_LIMIT: Duration = Duration::from_secs(300);
/// How many runs are asked for: some pushes' worth, in one request.
const RUNS: &str = "30";
/// What `gh` exits with when nobody is logged in (`gh help exit-codes`).
const NOT_LOGGED_IN: i32 = 4;

/// The program, and the repository it is asked about.
pub struct Gh {
    program: PathBuf,
    project: PathBuf,
}

/// Why a call failed.
#[derive(Debug)]
pub struct Trouble {
    /// Whether the same call may succeed in a moment: the network, GitHub itself.
    pub passing: bool,
    what: String,
    hint: &'static str,
    said: String,
}

impl Gh {
    /// # Errors
    /// When it is not installed.
    pub fn find(project: &Path) -> Result<Gh, Failure> {
        let program = find_program("gh", &[]).ok_or_else(|| {
            Failure::new(
                "gh is missing",
                "install GitHub's CLI (https://cli.github.com), then: gh auth login",
            )
        })?;
        Ok(Gh { program, project: project.to_owned() })
    }

    /// The newest runs on a branch, the newest first, without their jobs.
    pub async fn list(&self, branch: &str, which: &Which) -> Result<Vec<WorkflowRun>, Trouble> {
        let mut arguments = vec!["run", "list", "--branch", branch, "--limit", RUNS, "--json", runs::FIELDS];
        if let Some(workflow) = &which.workflow {
            arguments.extend(["--workflow", workflow]);
        }
        self.json(&arguments).await
    }

    /// One run, with its jobs.
    pub async fn view(&self, id: u64) -> Result<WorkflowRun, Trouble> {
        self.json(&["run", "view", &id.to_string(), "--json", &format!("{},jobs", runs::FIELDS)]).await
    }

    /// The log of a run, or only of the steps that failed.
    pub async fn log(&self, id: u64, all: bool) -> Result<String, Trouble> {
        let part = if all { "--log" } else { "--log-failed" };
        self.call(&["run", "view", &id.to_string(), part], LOG_LIMIT).await
    }

    async fn json<T: DeserializeOwned>(&self, arguments: &[&str]) -> Result<T, Trouble> {
        let stdout = self.call(arguments, LIMIT).await?;
        serde_json::from_str(&stdout).map_err(|cause| {
            let hint = "a newer gh may help: https://cli.github.com";
            Trouble::new(arguments, format!("its answer is not as expected: {cause}"), hint)
        })
    }

    async fn call(&self, arguments: &[&str], limit: Duration) -> Result<String, Trouble> {
        let mut command = Command::new(&self.program);
        command
            .current_dir(&self.project)
            .args(arguments)
            .env_remove("GH_FORCE_TTY")
            .env_remove("GH_DEBUG")
            .env("GH_PROMPT_DISABLED", "1")
            .env("GH_NO_UPDATE_NOTIFIER", "1")
            .env("GH_PAGER", "cat")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let network = "see whether the network is up, and https://www.githubstatus.com";
        let output = match tokio::time::timeout(limit, command.output()).await {
            Ok(Ok(output)) => output,
            Ok(Err(cause)) => {
                return Err(Trouble::new(arguments, format!("it could not be run: {cause}"), "mend gh"));
            }
            Err(_) => {
                let what = format!("it did not answer within {} s", limit.as_secs());
                return Err(Trouble { passing: true, ..Trouble::new(arguments, what, network) });
            }
        };
        let text = |bytes: &[u8]| console::strip_ansi_codes(&String::from_utf8_lossy(bytes)).into_owned();
        if output.status.success() {
            return Ok(text(&output.stdout));
        }
        let said = text(&output.stderr);
        let trouble =
            |what: &str, hint| Trouble { said: said.clone(), ..Trouble::new(arguments, what.into(), hint) };
        let says = |words: &[&str]| words.iter().any(|word| said.to_lowercase().contains(word));
        Err(
            if output.status.code() == Some(NOT_LOGGED_IN)
                || says(&["gh auth login", "http 401", "bad credentials"])
            {
                trouble("nobody is logged in", "gh auth login, or set GH_TOKEN")
            } else if says(&["no git remotes", "not a git repository", "known github host"]) {
                trouble(
                    "this checkout has no remote on GitHub",
                    "git remote add origin …, or set GH_REPO=OWNER/NAME",
                )
            } else if says(&["rate limit"]) {
                Trouble {
                    passing: true,
                    ..trouble("GitHub takes no more requests for now", "wait some minutes")
                }
            } else if says(&["http 403", "http 404", "could not find any workflows", "not found"]) {
                trouble("GitHub refused it", "see whether the name is right, and the token may read Actions")
            } else {
                Trouble { passing: true, ..trouble("it failed", network) }
            },
        )
    }
}

impl Trouble {
    fn new(arguments: &[&str], what: String, hint: &'static str) -> Trouble {
        let command: Vec<&str> =
            arguments.iter().take_while(|word| !word.starts_with('-')).copied().collect();
        Trouble {
            passing: false,
            what: format!("gh {}: {what}", command.join(" ")),
            hint,
            said: String::new(),
        }
    }

    /// For people.
    pub fn failure(&self) -> Failure {
        Failure::new(self.what.clone(), self.hint).detail(self.said.clone())
    }
}
