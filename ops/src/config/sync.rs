//! `ops config sync`: makes local files, or an environment's deployments, say what the source of truth says.
//!
//! Every target is looked at first, the differences are shown, and only they are applied; so a run that was cut off is
//! completed by running it again. A target that fails does not keep the others from being served.

use clap::{Args, ValueEnum};
use log_ingestion_worker::config::Environment;
use serde_json::{Value, json};

use super::{
    backup, confirm,
    fingerprint::Fingerprints,
    keys::{self, Target},
    outcome::{Outcome, exit},
    places::{Places, PlacesArgs},
    source::{Source, SourceArgs},
    table::{Development, Selection, Side, Table},
    targets::{
        convex::{self, Convex},
        github::{self, GitHub},
        local, vars, worker,
    },
    validate::{self, Severity},
};
use crate::{
    exit::{Exit, Failure},
    project::Project,
    run::Run,
    wrangler::{CALL_LIMIT, Wrangler, tools::Tools},
};

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
    let _lock = run.lock(&format!("config-{}", args.mode.name()))?;
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
    fn local(&self, source: &std::path::Path, selection: &Selection<Development>) -> Vec<Outcome> {
        let places = self.places.files.iter();
        let places = places.filter(|place| self.is_wanted(place.target) && selection.names(place.target));
        let outcomes = places.map(|place| {
            let plan = local::plan(place, source, selection);
            if self.is_dry() { plan.outcome() } else { plan.apply() }
        });
        outcomes.collect()
    }

    /// What is deployed: looked at, shown, confirmed, kept, changed.
    async fn deploy<S: Side>(
        &self,
        selection: &Selection<S>,
    ) -> Result<(Vec<Outcome>, Option<std::path::PathBuf>), Failure> {
        let (run, environment, prune) = (self.run, S::ENVIRONMENT, self.args.prune);
        let serves = |target| self.is_wanted(target) && selection.names(target);
        let limit = run.globals().timeout;
        let mut of_worker = Fingerprints::open(run, &worker::place(&self.project, environment));
        let mut of_github = Fingerprints::open(run, &github::place(&self.project, environment));
        let step = run.printer().quiet_step("looking at what is there");
        let mut convex = None;
        if serves(Target::Convex) {
            convex = Some(match Convex::open(&self.places, environment, limit) {
                Ok(cli) => cli.plan(run, convex::wanted(selection), prune).await,
                Err(why) => convex::Plan::unreadable(environment, why),
            });
        }
        let (mut secrets, mut toml) = (None, None);
        if serves(Target::Worker) {
            let wanted = worker::wanted(selection);
            if !wanted.is_empty() {
                secrets = Some(self.secrets(environment, wanted, &of_worker).await);
            }
            toml = Some(vars::plan(&self.project, selection, prune));
        }
        let mut github = None;
        if serves(Target::GitHub) {
            github = Some(match GitHub::open(self.project.root(), environment, limit) {
                Ok(gh) => gh.plan(selection, &of_github, prune).await,
                Err(why) => github::Plan::unreadable(environment, why),
            });
        }
        drop(step);
        if selection.names(Target::NextJs) && self.is_wanted(Target::NextJs) {
            run.printer()
                .say("NEXTJS: the app takes its values where it is built; nothing is deployed for it here.");
        }
        let planned = [
            convex.as_ref().map(|plan| &plan.outcome),
            secrets.as_ref().map(|plan| &plan.outcome),
            toml.as_ref().map(|plan| &plan.outcome),
            github.as_ref().map(|plan| &plan.outcome),
        ];
        let differs = planned.iter().flatten().any(|outcome| !outcome.changes.is_empty());
        if differs && !self.is_dry() {
            if !run.printer().json() {
                planned.iter().flatten().for_each(|outcome| outcome.show_changes(run.printer()));
            }
            confirm::environment(run, environment, "configuration is about to be changed")?;
        }
        let mut outcomes = Vec::new();
        let mut kept = None;
        if self.is_dry() || !differs {
            outcomes.extend(convex.map(|plan| plan.outcome));
            outcomes.extend(secrets.map(|plan| plan.outcome));
            outcomes.extend(toml.map(|plan| plan.outcome));
            outcomes.extend(github.map(|plan| plan.outcome));
            return Ok((outcomes, None));
        }
        if let Some(plan) = convex {
            if plan.overwrites() && !self.args.no_backup {
                kept = Some(backup::before_change(run, environment, &plan.held)?);
            }
            outcomes.push(self.changed(plan.apply(run).await));
        }
        if let Some(plan) = secrets {
            outcomes.push(self.changed(plan.apply(run, &mut of_worker).await));
        }
        if let Some(plan) = toml {
            outcomes.push(self.changed(plan.apply()));
        }
        if let Some(plan) = github {
            outcomes.push(self.changed(plan.apply(run, &mut of_github).await));
        }
        Ok((outcomes, kept))
    }

    async fn secrets(
        &self,
        environment: Environment,
        wanted: Vec<(String, Option<String>)>,
        fingerprints: &Fingerprints,
    ) -> worker::Plan {
        let place = worker::place(&self.project, environment);
        let wrangler = match self.wrangler(environment) {
            Ok(wrangler) => wrangler,
            Err(failure) => return worker::Plan::unreadable(place, failure.message().to_owned()),
        };
        match worker::names(&wrangler, &self.project, environment).await {
            Ok(names) => {
                worker::Plan::make(Some(wrangler), place, wanted, &names, fingerprints, self.args.prune)
            }
            Err(why) => worker::Plan::unreadable(place, why),
        }
    }

    fn wrangler(&self, environment: Environment) -> Result<Wrangler, Failure> {
        let limit = self.run.globals().timeout.unwrap_or(CALL_LIMIT);
        Ok(Wrangler::new(Tools::find(self.project.root())?, self.project.root(), environment, limit))
    }

    /// In the journal at once: the run may not get to its end.
    fn changed(&self, outcome: Outcome) -> Outcome {
        self.run.step("target", outcome.json());
        outcome
    }

    fn tell(
        &self,
        source: &std::path::Path,
        outcomes: &[Outcome],
        backup: Option<std::path::PathBuf>,
    ) -> Result<Exit, Failure> {
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
                printer.say("Not all of it was applied. Running it again applies the rest.");
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
