//! `ops config backup` and `restore`: what a Convex deployment holds, kept before it is changed.
//!
//! Of development it is a file that its owner alone may read, in the state folder. Of production it is the same file with
//! its values sealed under the operator's passphrase (`OPS_BACKUP_KEY`, or asked for): without it a local disk holds
//! nothing of production's.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

use clap::Args;
use console::Term;
use log_ingestion_worker::config::Environment;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    confirm,
    outcome::exit,
    places::PlacesArgs,
    program::Refused,
    seal::{self, Sealed},
    targets::convex::{Convex, Variable},
};
use crate::{
    exit::{Exit, Failure},
    project::Project,
    run::Run,
};

/// Names the passphrase.
const KEY_VARIABLE: &str = "OPS_BACKUP_KEY";
/// A passphrase shorter than this can be guessed, however slow each guess is.
const MIN_KEY: usize = 16;
/// The state folder's folder of backups.
const FOLDER: &str = "backups";

/// The options of `ops config backup`.
#[derive(Args, Clone, Debug)]
pub struct BackupArgs {
    /// A file that does not exist yet, instead of one in the state folder.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    #[command(flatten)]
    places: PlacesArgs,
}

/// The options of `ops config restore`.
#[derive(Args, Clone, Debug)]
pub struct RestoreArgs {
    /// The backup.
    file: PathBuf,
    /// Remove variables that were not there when it was made.
    #[arg(long)]
    prune: bool,
    #[command(flatten)]
    places: PlacesArgs,
}

/// A backup as it stands in its file.
#[derive(Serialize, Deserialize)]
struct Kept {
    what: String,
    environment: String,
    made: String,
    keys: Vec<String>,
    /// Of development.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    variables: Option<BTreeMap<String, String>>,
    /// Of production.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed: Option<Sealed>,
}

const WHAT: &str = "the variables of a Convex deployment";

impl Kept {
    /// What is sealed with the values.
    fn beside(&self) -> String {
        format!("{}\n{}\n{}", self.environment, self.made, self.keys.join(","))
    }
}

/// Makes a backup.
///
/// # Errors
/// When the deployment cannot be read, or the file not written.
pub async fn backup(run: &Run, args: &BackupArgs) -> Result<Exit, Failure> {
    let environment = environment(run)?;
    let convex = open(run, &args.places, environment)?;
    if run.globals().dry_run {
        let place = Convex::place(environment);
        run.printer().data(&format!("would run convex env list, and keep what {place} holds"));
        return Ok(Exit::Done);
    }
    let key = if environment == Environment::Production { Some(passphrase(run)?) } else { None };
    let held = convex.list(run).await.map_err(failure)?;
    let path = keep(run, environment, &held, key.as_deref(), args.to.as_deref())?;
    if run.printer().json() {
        run.printer().data(&json!({ "backup": path, "keys": held.len() }).to_string());
    } else {
        run.printer().data(&path.display().to_string());
    }
    Ok(Exit::Done)
}

/// Puts back what a backup holds. What is there before is kept first.
///
/// # Errors
/// When the backup cannot be read, is another environment's, or it was not confirmed.
pub async fn restore(run: &Run, args: &RestoreArgs) -> Result<Exit, Failure> {
    let environment = environment(run)?;
    let _lock = run.lock(&format!("config-convex-{}", environment.as_str()))?;
    let variables = read(run, &args.file, environment)?;
    let convex = open(run, &args.places, environment)?;
    let mut wanted: Vec<(String, Option<String>)> =
        variables.into_iter().map(|(key, value)| (key, Some(value))).collect();
    if args.prune {
        for (key, _) in convex.list(run).await.map_err(failure)? {
            if !wanted.iter().any(|(name, _)| *name == key) {
                wanted.push((key, None));
            }
        }
    }
    let plan = convex.plan(run, wanted, args.prune).await;
    let printer = run.printer();
    if !printer.json() {
        plan.outcome.show_changes(printer);
    }
    let untouched = run.globals().dry_run || plan.outcome.changes.is_empty();
    let outcome = if untouched {
        plan.outcome
    } else {
        confirm::environment(run, environment, "Convex variables are about to be replaced")?;
        if plan.overwrites() {
            before_change(run, environment, &plan.held)?;
        }
        let outcome = plan.apply(run).await;
        if !printer.json() {
            outcome.show_result(printer);
        }
        outcome
    };
    let told = json!({ "environment": environment.as_str(), "dry_run": run.globals().dry_run, "targets": [outcome.json()] });
    run.step("restore", told.clone());
    if printer.json() {
        printer.data(&told.to_string());
    }
    Ok(exit(&[outcome]))
}

/// Keeps what is there before a change; where.
///
/// # Errors
/// When it cannot be kept: then nothing may be changed.
pub fn before_change(run: &Run, environment: Environment, held: &[Variable]) -> Result<PathBuf, Failure> {
    let key = if environment == Environment::Production { Some(passphrase(run)?) } else { None };
    let path = keep(run, environment, held, key.as_deref(), None)?;
    run.printer().say(&format!("What Convex holds now is kept in {}", path.display()));
    run.step("backup", json!({ "file": path }));
    Ok(path)
}

fn keep(
    run: &Run,
    environment: Environment,
    held: &[Variable],
    key: Option<&str>,
    to: Option<&Path>,
) -> Result<PathBuf, Failure> {
    let failed = |cause: String| {
        Failure::new(format!("the backup could not be made: {cause}"), "nothing was changed; see the cause")
    };
    let now = SystemTime::now();
    let variables: BTreeMap<String, String> = held.iter().cloned().collect();
    let mut kept = Kept {
        what: WHAT.into(),
        environment: environment.as_str().into(),
        made: humantime::format_rfc3339_millis(now).to_string(),
        keys: variables.keys().cloned().collect(),
        variables: None,
        sealed: None,
    };
    match (key, environment) {
        (Some(key), _) => {
            let text = serde_json::to_string(&variables).unwrap_or_default();
            kept.sealed = Some(seal::seal(key, &kept.beside(), &text).map_err(failed)?);
        }
        (None, Environment::Development) => kept.variables = Some(variables),
        (None, Environment::Production) => return Err(failed("production's is sealed or not made".into())),
    }
    let text = serde_json::to_string_pretty(&kept).unwrap_or_default();
    let name = format!("convex-{}-{}.json", environment.as_str(), kept.made.replace(':', ""));
    let path = match to {
        Some(path) => path.to_owned(),
        None => run.folder().make(FOLDER).map_err(|cause| failed(cause.to_string()))?.join(name),
    };
    write_new(&path, &text).map_err(|cause| failed(format!("{}: {cause}", path.display())))?;
    Ok(path)
}

/// Whole or not at all, never over another, for its owner alone.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map(drop).map_err(|failed| failed.error)
}

fn read(run: &Run, path: &Path, environment: Environment) -> Result<BTreeMap<String, String>, Failure> {
    let unusable = |cause: String| {
        let hint = "name a file that `ops config backup` made";
        Failure::new(format!("{} cannot be used: {cause}", path.display()), hint)
    };
    let text = fs::read_to_string(path).map_err(|cause| unusable(cause.to_string()))?;
    let kept: Kept = serde_json::from_str(&text).map_err(|_| unusable("it is no backup".into()))?;
    if kept.environment != environment.as_str() {
        let hint = format!("the backup's own: --env {}", kept.environment);
        return Err(Failure::usage(format!("the backup is of {}", kept.environment), hint));
    }
    let variables = match (&kept.variables, &kept.sealed) {
        (None, Some(sealed)) => {
            let opened = seal::open(&passphrase(run)?, &kept.beside(), sealed);
            let opened = opened.and_then(|text| serde_json::from_str(&text).ok());
            opened.ok_or_else(|| unusable("the passphrase is another, or the file was changed".into()))?
        }
        (Some(variables), None) if environment == Environment::Development => variables.clone(),
        _ => return Err(unusable("it holds no values".into())),
    };
    variables.values().for_each(|value| run.mask().hide(value));
    Ok(variables)
}

/// The operator's passphrase.
fn passphrase(run: &Run) -> Result<String, Failure> {
    let hint = format!(
        "set {KEY_VARIABLE} to a passphrase of {MIN_KEY} characters or more, kept where production's secrets are kept; \
         or go without: ops config sync --no-backup"
    );
    let given = env::var(KEY_VARIABLE).ok().filter(|key| !key.is_empty());
    let key = match given {
        Some(key) => key,
        None if io::stdin().is_terminal() && io::stderr().is_terminal() => {
            eprint!("The passphrase of production's backups (it is not shown): ");
            Term::stderr().read_secure_line().unwrap_or_default()
        }
        None => {
            return Err(Failure::new(
                "production's backup is sealed, and there is no passphrase for it",
                hint,
            ));
        }
    };
    if key.chars().count() < MIN_KEY {
        return Err(Failure::new(format!("the passphrase is shorter than {MIN_KEY} characters"), hint));
    }
    run.mask().hide(&key);
    Ok(key)
}

fn open(run: &Run, places: &PlacesArgs, environment: Environment) -> Result<Convex, Failure> {
    let places = places.resolve(Project::find()?.root());
    Convex::open(&places, environment, run.globals().timeout)
        .map_err(|why| Failure::new(why, "see `ops doctor` and --app-root"))
}

fn environment(run: &Run) -> Result<Environment, Failure> {
    run.globals()
        .env
        .ok_or_else(|| Failure::usage("which deployment?", "give --env development or --env production"))
}

fn failure(refused: Refused) -> Failure {
    refused.failure("is the Convex CLI logged in, or CONVEX_DEPLOY_KEY set?")
}
