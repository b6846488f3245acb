//! `ops config sync`: makes local files, or an environment's deployments, say what the source of truth says.
//!
//! Every target is looked at first, the differences are shown, and only they are applied; so a run that was cut off is
//! completed by running it again. A target that fails does not keep the others from being served.

mod local_redis;
mod plans;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use log_ingestion_worker::config::Environment;
use serde_json::{Value, json};

use super::{
    backup, confirm,
    keys::{self, Target},
    outcome::{Outcome, exit, what_next},
    places::{Places, PlacesArgs},
    source::{Source, SourceArgs},
    table::{Development, Selection, Side, Table},
    targets::local,
    validate::{self, Severity},
};
use crate::{
    exit::{Exit, Failure},
    project::Project,
    run::Run,
};
use plans::{Plans, Written};

/// A value shorter than this whose name says nothing is a word, and hiding it would take sentences apart.
const MIN_HIDDEN: usize = 12;

/// The options of `ops config sync`.
#[derive(Args, Clone, Debug)]
pub struct SyncArgs {
    /// What is to be made the same as the source.
    #[arg(long, value_enum)]
    pub mode: Mode,
    /// Only these.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "TARGETS")]
    pub target: Vec<Target>,
    /// Remove, where it is set, what is empty in the source.
    #[arg(long)]
    pub prune: bool,
    /// Change a Convex deployment without keeping what it holds.
    #[arg(long)]
    pub no_backup: bool,
    #[command(flatten)]
    /// Which source.
    pub source: SourceArgs,
    #[command(flatten)]
    /// Where the apps are.
    pub places: PlacesArgs,
}

/// Where configuration is brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// The local files of the apps, with development's values alone.
    Local,
    /// What is deployed for development.
    DeployDev,
    /// What is deployed for production.
    DeployProd,
}

impl Mode {
    fn environment(self) -> Environment {
        match self {
            Mode::Local | Mode::DeployDev => Environment::Development,
            Mode::DeployProd => Environment::Production,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Mode::Local => "local",
            Mode::DeployDev => "deploy-dev",
            Mode::DeployProd => "deploy-prod",
        }
    }
}

/// Does it.
///
/// # Errors
/// What was in the way before anything was changed. What became of each key afterwards is told, and the exit status.
pub async fn run(run: &Run, args: &SyncArgs) -> Result<Exit, Failure> {
    let environment = args.mode.environment();
    if run.globals().env.is_some_and(|given| given != environment) {
        let hint = format!("leave --env out, or give --env {}", environment.as_str());
        return Err(Failure::usage(format!("--mode {} is not of that environment", args.mode.name()), hint));
    }
    let project = Project::find()?;
    let source = args.source.read()?;
    refuse_faults(run, &source, environment)?;
    hide(run, &source.table);
    let _lock = run.lock(&lock(&project, environment))?;
    run.step("sync", json!({ "mode": args.mode.name(), "source": source.path }));
    let places = args.places.resolve(project.root());
    let sync = Sync { run, args, project, places };
    let (outcomes, backup) = match args.mode {
        Mode::Local => (sync.local(&source.path, &source.table.into_development()), None),
        Mode::DeployDev => sync.deploy(&source.table.into_development()).await?,
        Mode::DeployProd => sync.deploy(&source.table.into_production()).await?,
    };
    sync.tell(&source.path, &outcomes, backup)
}

/// One change of an environment's configuration at a time.
pub fn lock(project: &Project, environment: Environment) -> String {
    format!("config-{}-{}", environment.as_str(), project.worker_name(environment))
}

struct Sync<'a> {
    run: &'a Run,
    args: &'a SyncArgs,
    project: Project,
    places: Places,
}

impl Sync<'_> {
    fn is_wanted(&self, target: Target) -> bool {
        self.args.target.is_empty() || self.args.target.contains(&target)
    }

    fn is_dry(&self) -> bool {
        self.run.globals().dry_run
    }

    /// The local files. Their writer takes nothing but values of development.
    fn local(&self, source: &Path, selection: &Selection<Development>) -> Vec<Outcome> {
        let places = self.places.files.iter();
        let places = places.filter(|place| self.is_wanted(place.target) && selection.names(place.target));
        let outcomes = places.map(|place| {
            let plan = local::plan(place, source, selection);
            let mut outcome = if self.is_dry() { plan.outcome() } else { plan.apply() };
            outcome.notes.extend(local_redis::note(&self.project, place.target, selection));
            outcome
        });
        outcomes.collect()
    }

    /// What is deployed: looked at, shown, confirmed, kept, changed.
    async fn deploy<S: Side>(
        &self,
        selection: &Selection<S>,
    ) -> Result<(Vec<Outcome>, Option<PathBuf>), Failure> {
        let (run, environment) = (self.run, S::ENVIRONMENT);
        let mut written = Written::open(run, &self.project, environment);
        let step = run.printer().quiet_step("looking at what is there");
        let plans = Plans::make(self, selection, &written).await;
        drop(step);
        if selection.names(Target::NextJs) && self.is_wanted(Target::NextJs) {
            run.printer()
                .say("NEXTJS: the app takes its values where it is built; nothing is deployed for it here.");
        }
        let differs = plans.outcomes().iter().any(|outcome| !outcome.changes.is_empty());
        if self.is_dry() || !differs {
            return Ok((plans.into_outcomes(), None));
        }
        if !run.printer().json() {
            plans.outcomes().iter().for_each(|outcome| outcome.show_changes(run.printer()));
        }
        confirm::environment(run, environment, "configuration is about to be changed")?;
        let overwritten = plans.convex.as_ref().filter(|plan| plan.overwrites() && !self.args.no_backup);
        let kept = overwritten.map(|plan| backup::before_change(run, environment, &plan.held)).transpose()?;
        Ok((plans.apply(run, &self.project, environment, &mut written).await, kept))
    }

    fn tell(&self, source: &Path, outcomes: &[Outcome], backup: Option<PathBuf>) -> Result<Exit, Failure> {
        let printer = self.run.printer();
        let complete = !outcomes.iter().any(Outcome::is_incomplete);
        let exit = exit(outcomes);
        if printer.json() {
            let told = json!({
                "mode": self.args.mode.name(),
                "environment": self.args.mode.environment().as_str(),
                "source": source,
                "dry_run": self.is_dry(),
                "complete": complete,
                "backup": backup,
                "targets": outcomes.iter().map(Outcome::json).collect::<Vec<Value>>(),
                "exit": exit as u8,
            });
            printer.data(&told.to_string());
        } else {
            for outcome in outcomes {
                match self.is_dry() {
                    true => outcome.show_changes(printer),
                    false => outcome.show_result(printer),
                }
            }
            if outcomes.is_empty() {
                printer.say("The source has nothing for that.");
            }
            if !complete {
                printer.say(what_next(outcomes));
            }
        }
        if complete && !self.is_dry() {
            self.settle();
        }
        Ok(exit)
    }

    /// Runs of this mode that were killed are complete now.
    fn settle(&self) {
        let run = self.run;
        for past in run.journal().interrupted() {
            let mode = past.step("sync").and_then(|step| step.get("mode")?.as_str());
            if past.command == "config" && mode == Some(self.args.mode.name()) {
                let found = json!({ "settled_by": run.id().as_str() });
                let _ = run.journal().settle(&past, Exit::Warnings, found, run.mask().clone());
                run.printer().say(&format!("The run {} was killed; this one completed it.", past.run));
            }
        }
    }
}

/// A source with faults is not spread. A value that is missing stops nothing: what is there stays there.
fn refuse_faults(run: &Run, source: &Source, environment: Environment) -> Result<(), Failure> {
    let mut found = validate::findings(&source.table, Some(environment));
    found.extend(source.findings.iter().cloned());
    found.retain(|finding| finding.severity == Severity::Error);
    let (missing, faults): (Vec<_>, Vec<_>) = found.iter().partition(|finding| finding.rule == "missing");
    for finding in &missing {
        let key = finding.key.as_deref().unwrap_or_default();
        run.printer().warn(&format!("{key} has no value: {}", finding.message));
    }
    if faults.is_empty() {
        return Ok(());
    }
    for fault in &faults {
        run.printer().say(&validate::command::line(run.printer(), fault));
    }
    let hint = format!("mend them, then look: ops config validate --env {}", environment.as_str());
    Err(Failure::new(format!("the source has faults: {}", faults.len()), hint))
}

/// Takes every secret of the table out of whatever is printed and logged, those of the other environment too.
pub fn hide(run: &Run, table: &Table) {
    for row in table.rows() {
        for value in validate::BOTH.map(|environment| row.value(environment)) {
            let known = row.targets.iter().any(|&target| keys::find(target, &row.key).is_some());
            let plain = known || keys::is_public(&row.key) || keys::kind_by_name(&row.key).is_some();
            if keys::is_secret(&row.targets, &row.key, value) || (!plain && value.len() >= MIN_HIDDEN) {
                run.mask().hide(value);
            }
        }
    }
}
