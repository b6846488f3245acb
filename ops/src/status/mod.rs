//! `ops status`: what is live in each environment.
//!
//! The truth about versions is wrangler's (`deployments status`), the truth about health the worker's own, and the
//! truth about the code git's. Nothing is changed.

mod shown;

use std::time::SystemTime;

use log_ingestion_worker::config::Environment;
use serde::Serialize;
use serde_json::json;

use crate::{
    config::unread,
    deploy::git::{self, Commit},
    exit::{Exit, Failure},
    project::Project,
    run::Run,
    secrets,
    switch::settle,
    verify::{Depth, Plan, Report, Status, Target, verify},
    wrangler::{
        CALL_LIMIT, Wrangler,
        tools::Tools,
        trouble::Trouble,
        types::{Deployment, Live, Version},
    },
};

/// What is live in one environment. As JSON its fields are stable.
#[derive(Debug, Serialize)]
pub struct Standing {
    environment: &'static str,
    worker: String,
    /// Nothing while there is no such worker.
    live: Option<Serving>,
    health: Health,
    /// What is worth a look: a split, a version nobody deployed, code that is not this checkout's.
    warnings: Vec<String>,
}

/// The current deployment.
#[derive(Debug, Serialize)]
struct Serving {
    deployment: String,
    created_on: String,
    age_s: Option<u64>,
    author: String,
    message: Option<String>,
    versions: Vec<Share>,
}

/// A version of it.
#[derive(Debug, Serialize)]
struct Share {
    id: String,
    percentage: f64,
    tag: Option<String>,
    message: Option<String>,
}

/// What the worker says of itself.
#[derive(Debug, Serialize)]
#[serde(tag = "status", rename_all = "lowercase")]
enum Health {
    /// Nobody knows where it answers, or nothing is deployed.
    Unknown,
    /// It was asked.
    Asked { url: String, outcome: Status, failed: Vec<String>, waiting: Option<u64> },
}

/// Shows the environment of `--env`, or both.
///
/// # Errors
/// When the API does not say what is live.
pub async fn run(run: &Run) -> Result<Exit, Failure> {
    let project = Project::find()?;
    if run.globals().url.is_some() && run.globals().env.is_none() {
        return Err(Failure::usage("of which environment is that --url?", "give --env as well"));
    }
    let environments = match run.globals().env {
        Some(environment) => vec![environment],
        None => vec![Environment::Development, Environment::Production],
    };
    let tools = Tools::find(project.root())?;
    let wrangler = |environment| Wrangler::new(tools.clone(), project.root(), environment, limit(run));
    if run.globals().dry_run {
        for environment in environments {
            let command = wrangler(environment).shown(&["deployments", "status", "--json"]);
            run.printer().data(&format!("would run {command}"));
        }
        return Ok(Exit::Done);
    }
    let commit = Commit::of(project.root()).await;
    let step = run.printer().quiet_step("asking Cloudflare");
    let asked = environments.into_iter().map(|environment| {
        let (wrangler, project, commit) = (wrangler(environment), &project, commit.as_ref());
        async move { standing(run, project, environment, &wrangler, commit).await }
    });
    let standings = futures_util::future::try_join_all(asked).await.map_err(|trouble| trouble.failure())?;
    drop(step);
    let well = standings.iter().all(Standing::is_well);
    if run.printer().json() {
        let commit = commit.map(|commit| json!({ "tag": commit.tag, "subject": commit.subject }));
        run.printer().data(&json!({ "commit": commit, "environments": standings }).to_string());
    } else {
        shown::all(run.printer(), &standings);
    }
    Ok(if well { Exit::Done } else { Exit::Warnings })
}

/// How long wrangler may take to answer: `--timeout`, or its usual limit.
fn limit(run: &Run) -> std::time::Duration {
    run.globals().timeout.unwrap_or(CALL_LIMIT)
}

impl Standing {
    fn is_well(&self) -> bool {
        let healthy = match &self.health {
            Health::Unknown => true,
            Health::Asked { outcome, .. } => *outcome < Status::Warn,
        };
        healthy && self.warnings.is_empty()
    }
}

async fn standing(
    run: &Run,
    project: &Project,
    environment: Environment,
    wrangler: &Wrangler,
    commit: Option<&Commit>,
) -> Result<Standing, Trouble> {
    let mut standing = Standing {
        environment: environment.as_str(),
        worker: project.worker_name(environment),
        live: None,
        health: Health::Unknown,
        warnings: Vec::new(),
    };
    standing.warnings.extend(settle::left_open(run, environment).map(|past| {
        format!(
            "ops {} of {} (run {}) was killed: the next ops deploy, rollback or secrets put settles it first",
            past.command, past.at, past.run
        )
    }));
    standing.warnings.extend(unread::lines(&project.vars(environment)));
    let live = wrangler.live().await?;
    let Live::Deployed(deployment) = live else {
        secrets::settle(run, environment, None);
        return Ok(standing);
    };
    secrets::settle(run, environment, deployment.sole());
    let versions = wrangler.versions().await?;
    let target = Target::deployed(run, Some(project), environment);
    if let Some(target) = target {
        let plan = Plan {
            environment: Some(environment),
            depth: Depth::Health,
            ..Plan::new(target.url, run.id().clone())
        };
        if let Ok(report) = verify(&plan, &|_| {}, std::future::pending()).await {
            standing.warnings.extend(another_answers(&deployment, &report));
            standing.health = health(&report);
        }
    }
    standing.warnings.extend(newer(&deployment, &versions));
    if deployment.versions.len() > 1 {
        standing.warnings.push(format!("a gradual deployment is under way: {}", deployment.shares()));
    }
    if let Some(id) = deployment.sole()
        && let Some(why) = drift(project, commit, versions.iter().find(|version| version.id == id)).await
    {
        standing.warnings.push(why);
    }
    standing.live = Some(serving(deployment, &versions));
    Ok(standing)
}

fn serving(deployment: Deployment, versions: &[Version]) -> Serving {
    let made = humantime::parse_rfc3339(&deployment.created_on).ok();
    let age = made.and_then(|made| SystemTime::now().duration_since(made).ok());
    let shares = deployment.versions.iter().map(|share| {
        let version = versions.iter().find(|version| version.id == share.version_id);
        Share {
            id: share.version_id.clone(),
            percentage: share.percentage,
            tag: version.and_then(Version::tag).map(str::to_owned),
            message: version.and_then(Version::message).map(str::to_owned),
        }
    });
    Serving {
        versions: shares.collect(),
        message: deployment.message().map(str::to_owned),
        age_s: age.map(|age| age.as_secs()),
        deployment: deployment.id,
        created_on: deployment.created_on,
        author: deployment.author_email,
    }
}

fn health(report: &Report) -> Health {
    Health::Asked {
        url: report.url.clone(),
        outcome: report.outcome,
        failed: report.failed().map(|check| format!("{}: {}", check.name, check.detail)).collect(),
        waiting: report.backlog.map(|backlog| backlog.waiting),
    }
}

/// A version that has no share in the deployment answers: it has not spread yet, or the address is another's.
fn another_answers(deployment: &Deployment, report: &Report) -> Option<String> {
    let answers = report.version.as_ref().filter(|version| !version.id.is_empty())?;
    let has_share = deployment.share(&answers.id) > 0.0;
    (!has_share).then(|| format!("{} is answered by version {}, which is not live", report.url, answers.id))
}

/// A version that was uploaded after the live one, by whomever, and never deployed.
fn newer(deployment: &Deployment, versions: &[Version]) -> Option<String> {
    let live = versions.iter().filter(|version| deployment.names(&version.id)).map(|version| version.number);
    let live = live.max()?;
    let newest = versions.iter().max_by_key(|version| version.number)?;
    (newest.number > live).then(|| {
        let who = &newest.metadata.author_email;
        let tag = newest.tag().map(|tag| format!(" ({tag})")).unwrap_or_default();
        format!("version {}{tag} by {who} is newer and not live: rolled back, or never deployed", newest.id)
    })
}

/// How the live code differs from the checkout's.
async fn drift(project: &Project, commit: Option<&Commit>, live: Option<&Version>) -> Option<String> {
    let (commit, live) = (commit?, live?);
    let Some(tag) = live.tag() else {
        return Some(
            "the live version names no commit: a secret was edited, or it was deployed by hand".into(),
        );
    };
    if tag == commit.tag {
        return None;
    }
    let (clean, head) = (tag.trim_end_matches("-dirty"), commit.tag.trim_end_matches("-dirty"));
    Some(match git::ahead_of(project.root(), clean).await {
        Some(0) if clean == head && clean != tag => format!("{tag} was deployed with uncommitted changes"),
        Some(0) if clean == head => {
            format!("files here differ from the live {clean}: {}", commit.changed.len())
        }
        Some(0) => format!("the live {clean} is ahead of this checkout"),
        Some(count) => format!("this checkout is ahead of the live {clean}, commits: {count}"),
        None => format!("the live {clean} is no commit this checkout knows"),
    })
}
