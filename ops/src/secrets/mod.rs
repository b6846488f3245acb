//! `ops secrets`: which secrets are set, and setting one so that the worker is well afterwards.
//!
//! The names are those of the worker's own configuration ([`SETTINGS`]). A value comes through standard input or a
//! file, goes to wrangler through standard input, and is never an argument, never printed and never in the journal.
//!
//! Setting a secret is a deployment: a new version of the newest code, with all the traffic at once. So it is done as
//! one: only where the newest code is what is live, and when the worker is not well afterwards the version from before
//! is brought back, whose secret is the old one.

mod apply;
mod check;
pub(crate) mod value;

pub use value::fresh as fresh_token;

use std::path::PathBuf;

use clap::Subcommand;
use log_ingestion_worker::config::{Environment, Kind, SETTINGS, Setting};
use serde_json::json;

use crate::{
    config::{self, near::nearest},
    exit::{Exit, Failure},
    project::Project,
    run::{Effect, Run, journal::PastRun},
    wrangler::{CALL_LIMIT, Wrangler, tools::Tools},
};

/// What is to be done with secrets.
#[derive(Clone, Debug, Subcommand)]
pub enum SecretsCommand {
    /// Shows which secrets are set in each environment, and which are missing.
    Check,
    /// Sets a secret: its value comes from standard input or a file.
    Put {
        /// Its name.
        name: String,
        /// The file that holds the value, instead of standard input.
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Makes a new value for one of the worker's own tokens, sets it, and leaves it in a file for its clients.
    Rotate {
        /// Its name: LOG_READ_TOKEN, LOG_ADMIN_TOKEN or LOG_INGEST_TOKEN.
        name: String,
        /// A file that does not exist yet; only its owner will be able to read it.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
}

impl SecretsCommand {
    /// What it does to the world.
    pub fn effect(&self) -> Effect {
        match self {
            SecretsCommand::Check => Effect::None,
            SecretsCommand::Put { .. } | SecretsCommand::Rotate { .. } => Effect::Changes,
        }
    }
}

/// Does it.
///
/// # Errors
/// What was wrong before anything was changed; what happened afterwards is the exit status, and said.
pub async fn run(run: &Run, command: &SecretsCommand) -> Result<Exit, Failure> {
    let project = Project::find()?;
    match command {
        SecretsCommand::Check => check::run(run, &project).await,
        SecretsCommand::Put { name, file } => {
            let setting = known(name)?;
            let change = Change::begin(run, &project, setting)?;
            if run.globals().dry_run {
                return Ok(change.dry());
            }
            let value = value::given(setting, file.as_deref())?;
            run.mask().hide(&value);
            let outcome = apply::put(&change, &value).await;
            change.note(&value, &outcome);
            outcome
        }
        SecretsCommand::Rotate { name, to } => {
            let setting = known(name)?;
            if setting.kind != Kind::Token {
                let hint = format!("make a new one where it comes from, then: ops secrets put {name}");
                return Err(Failure::usage(format!("{name} is not made here"), hint));
            }
            let change = Change::begin(run, &project, setting)?;
            if run.globals().dry_run {
                return Ok(change.dry());
            }
            let value = value::fresh()?;
            run.mask().hide(&value);
            value::keep(to, &value)?;
            let outcome = apply::put(&change, &value).await;
            change.note(&value, &outcome);
            match &outcome {
                Ok(Exit::Done | Exit::Warnings) => {
                    run.printer().say(&format!("The new {name} is in {}.", to.display()));
                }
                // Nobody knows which one counts: the file may be needed.
                Ok(Exit::Unknown) => run.printer().warn(&format!("{} has the new {name}", to.display())),
                _ => value::forget(to),
            }
            outcome
        }
    }
}

/// A secret that is about to be set.
struct Change<'a> {
    run: &'a Run,
    project: &'a Project,
    environment: Environment,
    setting: &'static Setting,
    worker: String,
    wrangler: Wrangler,
}

impl<'a> Change<'a> {
    fn begin(run: &'a Run, project: &'a Project, setting: &'static Setting) -> Result<Change<'a>, Failure> {
        let environment = run.globals().env.ok_or_else(|| {
            Failure::usage("which environment?", "give --env development or --env production")
        })?;
        Ok(Change {
            run,
            project,
            environment,
            setting,
            worker: project.worker_name(environment),
            wrangler: wrangler(project, environment)?,
        })
    }

    /// Lets `ops config` know what is set now.
    fn note(&self, value: &str, outcome: &Result<Exit, Failure>) {
        let note = |value| {
            config::secret_was_set(self.run, self.project, self.environment, self.setting.key, value);
        };
        match outcome {
            Ok(Exit::Done | Exit::Warnings) => note(Some(value)),
            Ok(Exit::Unknown) => note(None),
            // It is what it was.
            _ => {}
        }
    }

    fn dry(&self) -> Exit {
        let command = self.wrangler.shown(&["secret", "put", self.setting.key]);
        self.run.printer().data(&format!("would run {command}, the value on its standard input, and verify"));
        Exit::Done
    }
}

fn wrangler(project: &Project, environment: Environment) -> Result<Wrangler, Failure> {
    Ok(Wrangler::new(Tools::find(project.root())?, project.root(), environment, CALL_LIMIT))
}

/// The setting of that name, when it is a secret.
pub(crate) fn known(name: &str) -> Result<&'static Setting, Failure> {
    let secrets = || SETTINGS.iter().filter(|setting| setting.secret);
    secrets().find(|setting| setting.key == name).ok_or_else(|| {
        let names: Vec<&str> = secrets().map(|setting| setting.key).collect();
        let meant = nearest(name, names.iter().copied());
        let meant = meant.map(|meant| format!("is {meant} meant? ")).unwrap_or_default();
        Failure::usage(
            format!("{name} is no secret of this worker"),
            format!("{meant}they are {}", names.join(", ")),
        )
    })
}

/// Runs that were killed while they set a secret of this environment.
pub fn left_open(run: &Run, environment: Environment) -> impl Iterator<Item = PastRun> {
    let of_ours = move |past: &PastRun| {
        past.command == "secrets" && past.environment.as_deref() == Some(environment.as_str())
    };
    run.journal().interrupted().into_iter().filter(of_ours)
}

/// Ends the journals of runs that were killed while they set a secret of this environment: what is live is known now, and
/// a secret is set or it is not.
pub fn settle(run: &Run, environment: Environment, live: Option<&str>) {
    for past in left_open(run, environment) {
        let found = json!({ "settled_by": run.id().as_str(), "live": live });
        let settled = run.journal().settle(&past, Exit::Warnings, found, run.mask().clone());
        let live = live.unwrap_or("nothing");
        run.printer().warn(&match settled {
            Ok(()) => format!("the run {} was killed while it set a secret; {live} is live now", past.run),
            Err(cause) => format!("the journal of the killed run {} could not be ended: {cause}", past.run),
        });
    }
}
