//! `ops config`: one source of truth for the configuration of the web app, Convex, the worker and GitHub Actions.
//!
//! The source is a table outside the repository ([`table`]), with a value for development and one for production. The
//! values of each side are a type of their own: a writer of local files takes those of development, and there is no way
//! to hand it another ([`table::Selection`]). A value goes to other programs through standard input, stays in memory on
//! the way, and is never an argument, printed, or in a journal.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`table`] | the source as a text: read and written without loss |
//! | [`source`] | where it is, and who may read it |
//! | [`keys`] | which keys there are, at which target, of which kind |
//! | [`validate`] | what is wrong with it, by line |
//! | `init` | a first one |
//! | [`sync`] | making files and deployments say the same |
//! | `targets` | each of them: how it differs, and making it the same |
//! | [`outcome`] | what differs, and what became of it |
//! | [`backup`] | what Convex held before; `seal` is how production's is kept |
//! | `fingerprint` | what was written where nobody can read it back |
//! | [`drift`] | what is not as it says |
//! | `unread`, `near` | vars nobody reads; the name that may have been meant |
//! | [`places`] | where the local files are |
//! | `dotenv` | files of `NAME=value` as Node reads them |
//! | `file` | replacing a local file: old or new, never half |
//! | `program` | another program's call: in memory, with a limit |
//! | `confirm` | production is changed by who names it |
//! | `steps` | where tests kill a run |

pub mod backup;
mod confirm;
pub(crate) mod dotenv;
pub mod drift;
mod file;
mod fingerprint;
mod init;
pub mod keys;
pub(crate) mod near;
pub mod outcome;
pub mod places;
mod program;
mod seal;
pub mod source;
mod steps;
pub mod sync;
pub mod table;
mod targets;
pub(crate) mod unread;
pub mod validate;

use clap::Subcommand;
use log_ingestion_worker::config::Environment;

use crate::{
    exit::{Exit, Failure},
    project::Project,
    run::{Effect, Run},
};
use backup::{BackupArgs, RestoreArgs};
use drift::DriftArgs;
use fingerprint::Fingerprints;
use source::SourceArgs;
use sync::{Mode, SyncArgs};

/// What is to be done with the configuration.
#[derive(Clone, Debug, Subcommand)]
pub enum ConfigCommand {
    /// Writes a first source of truth, with every key that is known and what it is for; asks for values at a terminal.
    Init(SourceArgs),
    /// Checks the source of truth: form, keys, values, and what must not be the same in both environments.
    Validate(SourceArgs),
    /// Makes local files (of development) or an environment's deployments say what the source says.
    Sync(SyncArgs),
    /// Compares the source with local files, Convex, the worker and GitHub, and the live worker with wrangler.toml.
    Drift(DriftArgs),
    /// Keeps what a Convex deployment holds; of production sealed under OPS_BACKUP_KEY.
    Backup(BackupArgs),
    /// Puts a backup back into its Convex deployment.
    Restore(RestoreArgs),
}

impl ConfigCommand {
    /// What it does to the world.
    pub fn effect(&self) -> Effect {
        match self {
            ConfigCommand::Init(_) | ConfigCommand::Validate(_) => Effect::None,
            ConfigCommand::Sync(args) if args.mode == Mode::Local => Effect::Checks,
            ConfigCommand::Backup(_) | ConfigCommand::Drift(_) => Effect::Checks,
            ConfigCommand::Sync(_) | ConfigCommand::Restore(_) => Effect::Changes,
        }
    }

    /// The global flags it has a use for.
    pub fn flags(&self) -> &'static [&'static str] {
        match self {
            ConfigCommand::Init(_) => &["--json"],
            ConfigCommand::Validate(_) => &["--json", "--env"],
            // Where the worker answers that is asked afterwards.
            ConfigCommand::Sync(args) if args.mode != Mode::Local => {
                &["--json", "--env", "--url", "--dry-run", "--yes", "--timeout"]
            }
            _ => &["--json", "--env", "--dry-run", "--yes", "--timeout"],
        }
    }
}

/// Does it.
///
/// # Errors
/// What was in the way.
pub async fn run(run: &Run, command: &ConfigCommand) -> Result<Exit, Failure> {
    match command {
        ConfigCommand::Init(source) => init::run(run, source),
        ConfigCommand::Validate(source) => validate::command::run(run, source),
        ConfigCommand::Sync(args) => sync::run(run, args).await,
        ConfigCommand::Drift(args) => drift::run(run, args).await,
        ConfigCommand::Backup(args) => backup::backup(run, args).await,
        ConfigCommand::Restore(args) => backup::restore(run, args).await,
    }
}

/// Another command set a secret of the worker: `drift` compares it with the source from now on. Without a value nobody
/// knows what it is.
pub fn secret_was_set(
    run: &Run,
    project: &Project,
    environment: Environment,
    key: &str,
    value: Option<&str>,
) {
    let mut fingerprints = Fingerprints::open(run, &targets::worker::place(project, environment));
    match value {
        Some(value) => fingerprints.record(run, key, value, ""),
        None => fingerprints.forget(run, key),
    }
}
