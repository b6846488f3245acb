//! `ops ci`: the workflow runs of GitHub Actions, asked through the `gh` program.
//!
//! What is watched is a commit, not "the newest run": right after a push the newest run is the one of the push before.
//! Scheduled runs (drift) carry the commit of the branch as well and say nothing about it; only `status` shows them.
//!
//! | module | what it is |
//! | --- | --- |
//! | `gh` | the program: calls with a limit, and why one failed |
//! | `runs` | a run, its jobs and its steps as `gh` tells them, and how they went |
//! | `status`, `watch`, `logs` | the three commands |

mod gh;
mod logs;
mod runs;
mod status;
mod watch;

use std::{path::Path, time::Duration};

use clap::{Args, Subcommand};

use crate::{
    deploy::git,
    exit::{Exit, Failure},
    project::find_project,
    run::Run,
};
use gh::Gh;

/// What is to be done with the workflow runs.
#[derive(Clone, Debug, Subcommand)]
pub enum CiCommand {
    /// Shows the newest run of each workflow: exit 0 all succeeded, 1 one failed, 2 one was cancelled or goes on.
    Status(Which),
    /// Waits for the runs of a commit: exit 0 success, 1 failure, 2 cancelled, 124 not over in time.
    Watch {
        /// Of which runs.
        #[command(flatten)]
        which: Which,
        /// The commit; else the one of the branch that was last pushed or fetched here.
        #[arg(long, value_name = "SHA", value_parser = hash)]
        commit: Option<String>,
        /// How often GitHub is asked.
        #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = humantime::parse_duration)]
        interval: Duration,
    },
    /// Prints the log of what failed in the newest run that failed, or in the run that is named.
    Logs {
        /// Of which runs.
        #[command(flatten)]
        which: Which,
        /// The run's number in its address (…/actions/runs/NUMBER).
        run: Option<u64>,
        /// The whole log, whether or not anything failed; without RUN that of the newest run.
        #[arg(long)]
        all: bool,
    },
}

/// Which runs are meant.
#[derive(Args, Clone, Debug)]
pub struct Which {
    /// The branch; else the one that is checked out.
    #[arg(long, value_name = "BRANCH")]
    branch: Option<String>,
    /// Only this workflow, by its name or file (ci.yml); else all of them.
    #[arg(long, value_name = "NAME")]
    workflow: Option<String>,
}

impl CiCommand {
    /// The global flags it has a use for.
    pub fn flags(&self) -> &'static [&'static str] {
        match self {
            CiCommand::Status(_) => &["--json"],
            CiCommand::Watch { .. } => &["--json", "--timeout"],
            CiCommand::Logs { .. } => &[],
        }
    }
}

/// Does it.
///
/// # Errors
/// When `gh` is missing or not logged in, when GitHub cannot be reached, or when no branch is checked out.
pub async fn run(run: &Run, command: &CiCommand) -> Result<Exit, Failure> {
    let project = find_project()?;
    let gh = Gh::find(&project)?;
    match command {
        CiCommand::Status(which) => status::run(run, &gh, &which.branch(&project).await?, which).await,
        CiCommand::Watch { which, commit, interval } => {
            let branch = which.branch(&project).await?;
            let commit = match commit {
                Some(commit) => Some(commit.clone()),
                None => git::pushed(&project, &branch).await,
            };
            let watch = watch::Watch { run, gh: &gh, which, branch, interval: *interval };
            watch.until_done(commit).await
        }
        CiCommand::Logs { run: Some(id), all, .. } => logs::of(run, &gh, *id, *all).await,
        CiCommand::Logs { which, run: None, all } => {
            logs::newest(run, &gh, &which.branch(&project).await?, which, *all).await
        }
    }
}

impl Which {
    async fn branch(&self, project: &Path) -> Result<String, Failure> {
        if let Some(branch) = &self.branch {
            return Ok(branch.clone());
        }
        let missing = || Failure::new("no branch is checked out here", "name it: --branch main");
        git::branch(project).await.ok_or_else(missing)
    }
}

fn hash(text: &str) -> Result<String, String> {
    let fits = (7..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if fits { Ok(text.to_ascii_lowercase()) } else { Err("7 to 40 hexadecimal digits".into()) }
}
