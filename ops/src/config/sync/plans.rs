//! The targets of one environment: each looked at, then each changed.

use log_ingestion_worker::config::Environment;

use super::Sync;
use crate::{
    config::{
        fingerprint::Fingerprints,
        keys::Target,
        outcome::Outcome,
        table::{Selection, Side},
        targets::{
            convex::{self, Convex},
            github::{self, GitHub},
            vars, worker,
        },
    },
    project::Project,
    run::Run,
    wrangler::{CALL_LIMIT, Wrangler, tools::Tools},
};

/// What was written where nobody can read it back.
pub struct Written {
    worker: Fingerprints,
    github: Fingerprints,
}

impl Written {
    /// Of one environment.
    pub fn open(run: &Run, project: &Project, environment: Environment) -> Written {
        Written {
            worker: Fingerprints::open(run, &worker::place(project, environment)),
            github: Fingerprints::open(run, &github::place(project, environment)),
        }
    }
}

/// How each target differs; nothing for one that the source does not name, or that is not wanted.
pub struct Plans {
    pub convex: Option<convex::Plan>,
    secrets: Option<worker::Plan>,
    vars: Option<vars::Plan>,
    github: Option<github::Plan>,
}

impl Plans {
    /// Looks at every target. Nothing is changed.
    pub async fn make<S: Side>(sync: &Sync<'_>, selection: &Selection<S>, written: &Written) -> Plans {
        let (run, project, prune) = (sync.run, &sync.project, sync.args.prune);
        let (environment, limit) = (S::ENVIRONMENT, run.globals().timeout);
        let serves = |target| sync.is_wanted(target) && selection.names(target);
        let mut plans = Plans { convex: None, secrets: None, vars: None, github: None };
        if serves(Target::Convex) {
            plans.convex = Some(match Convex::open(&sync.places, environment, limit) {
                Ok(cli) => cli.plan(run, convex::wanted(selection), prune).await,
                Err(why) => convex::Plan::unreadable(environment, why),
            });
        }
        if serves(Target::Worker) {
            let wanted = worker::wanted(selection);
            if !wanted.is_empty() {
                plans.secrets = Some(secrets(sync, environment, wanted, &written.worker).await);
            }
            plans.vars = Some(vars::plan(project, selection, prune));
        }
        if serves(Target::GitHub) {
            plans.github = Some(match GitHub::open(project.root(), environment, limit) {
                Ok(gh) => gh.plan(selection, &written.github, prune).await,
                Err(why) => github::Plan::unreadable(environment, why),
            });
        }
        plans
    }

    /// What differs, target by target.
    pub fn outcomes(&self) -> Vec<&Outcome> {
        let all = [
            self.convex.as_ref().map(|plan| &plan.outcome),
            self.secrets.as_ref().map(|plan| &plan.outcome),
            self.vars.as_ref().map(|plan| &plan.outcome),
            self.github.as_ref().map(|plan| &plan.outcome),
        ];
        all.into_iter().flatten().collect()
    }

    /// As [`Plans::outcomes`], for good.
    pub fn into_outcomes(self) -> Vec<Outcome> {
        let all = [
            self.convex.map(|plan| plan.outcome),
            self.secrets.map(|plan| plan.outcome),
            self.vars.map(|plan| plan.outcome),
            self.github.map(|plan| plan.outcome),
        ];
        all.into_iter().flatten().collect()
    }

    /// Changes them, one after the other. A target that fails does not keep the next from being changed.
    pub async fn apply(
        self,
        run: &Run,
        project: &Project,
        environment: Environment,
        written: &mut Written,
    ) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        // In the journal at once: the run may not get to its end.
        let mut changed = |outcome: Outcome| {
            run.step("target", outcome.json());
            outcomes.push(outcome);
        };
        if let Some(plan) = self.convex {
            changed(plan.apply(run).await);
        }
        if let Some(plan) = self.secrets {
            changed(plan.apply(run, project, environment, &mut written.worker).await);
        }
        if let Some(plan) = self.vars {
            changed(plan.apply());
        }
        if let Some(plan) = self.github {
            changed(plan.apply(run, &mut written.github).await);
        }
        outcomes
    }
}

async fn secrets(
    sync: &Sync<'_>,
    environment: Environment,
    wanted: Vec<(String, Option<String>)>,
    written: &Fingerprints,
) -> worker::Plan {
    let (run, project) = (sync.run, &sync.project);
    let worker = project.worker_name(environment);
    let tools = match Tools::find(project.root()) {
        Ok(tools) => tools,
        Err(failure) => return worker::Plan::unreadable(&worker, failure.message().to_owned()),
    };
    let limit = run.globals().timeout.unwrap_or(CALL_LIMIT);
    let wrangler = Wrangler::new(tools, project.root(), environment, limit);
    match worker::names(&wrangler, project, environment).await {
        Ok(names) => worker::Plan::make(Some(wrangler), &worker, wanted, &names, written, sync.args.prune),
        Err(why) => worker::Plan::unreadable(&worker, why),
    }
}
