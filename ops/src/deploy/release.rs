//! The way forward: from a commit to a version that is proven to serve.

use log_ingestion_worker::access::Secret;
use reqwest::Url;
use serde_json::{Value, json};

use super::{
    Deploy,
    attempt::{Attempt, Phase, Way},
    ending::Ending,
    preflight::{self, Ready},
    proof::{self, Claim},
    truth,
};
use crate::{
    exit::{Exit, Failure},
    run::printer::Mark,
    verify::{Depth, Report, Status, Target, remember},
    wrangler::{
        trouble::{Kind, Trouble},
        types::{Deployment, Live, Uploaded},
    },
};

/// From here on a slower answer is worth a look: times the last good deployment's.
const SLOWER: u64 = 2;

/// Everything, up to the proof. A future that may be dropped at any point: [`Deploy::attempt`] says how far it came.
///
/// # Errors
/// What went wrong; what is live must be found out then.
pub async fn forward(deploy: &Deploy<'_>) -> Result<Ending, Failure> {
    let ready = preflight::check(deploy).await?;
    let mut attempt = Attempt {
        run: deploy.run.id().to_string(),
        way: ready.way,
        before: ready.before.clone(),
        new: None,
        phase: Phase::Preparing,
        secrets: deploy.args.secrets_file.is_some(),
    };
    announce(deploy, &ready).await?;
    attempt.begin(deploy.run);
    deploy.keep(&attempt);
    let step = deploy.run.printer().step("build");
    let built = deploy.wrangler.build().await;
    step.end(mark(&built), "");
    built.map_err(|trouble| trouble.failure())?;
    match ready.way {
        Way::Beside => beside(deploy, &mut attempt, &ready).await,
        Way::Migration | Way::First => at_once(deploy, &mut attempt, &ready).await,
    }
}

/// What cannot be undone is said, and asked for, before anything is done.
async fn announce(deploy: &Deploy<'_>, ready: &Ready) -> Result<(), Failure> {
    let worker = &deploy.worker;
    match ready.way {
        Way::Beside => Ok(()),
        Way::Migration => {
            let what = format!(
                "this deployment of {worker} applies a Durable Object migration: there is no way back to the version \
             that serves now; what goes wrong must be repaired forward"
            );
            deploy.confirm(&what).await
        }
        Way::First => {
            let what = format!(
                "there is no worker {worker} yet: this makes one, and there is nothing to go back to"
            );
            deploy.confirm(&what).await
        }
    }
}

/// Upload, 0 % beside the old version, 100 %.
async fn beside(deploy: &Deploy<'_>, attempt: &mut Attempt, ready: &Ready) -> Result<Ending, Failure> {
    let (printer, wrangler) = (deploy.run.printer(), &deploy.wrangler);
    let old = attempt.old().unwrap_or_default().to_owned();
    enter(deploy, attempt, Phase::Uploading);
    let step = printer.step("upload");
    let uploaded =
        wrangler.upload(&ready.tag, &ready.message, ready.secrets.as_ref().map(Secret::reveal)).await;
    step.end(mark(&uploaded), uploaded.as_ref().map_or("", |uploaded| &uploaded.version_id));
    let new = uploaded.map_err(|trouble| trouble.failure())?.version_id;
    attempt.new = Some(new.clone());

    unchanged(deploy, attempt).await?;
    enter(deploy, attempt, Phase::Trying);
    let step = printer.step("beside the live version, without traffic");
    let tried = truth::deploy(wrangler, &[(&new, 0), (&old, 100)], &ready.message).await;
    step.end(mark(&tried), "");
    tried.map_err(|trouble| trouble.failure())?;
    let target = deploy.target()?;
    let claim = Claim {
        what: "the new version, by the override header",
        version: &new,
        beside: Some(&deploy.worker),
        depth: Depth::Normal,
        patience: deploy.patience(),
    };
    judged(&proof::look(deploy.run, &target, deploy.environment, &claim).await?, ready)?;

    still_ours(deploy, &[(&new, 0), (&old, 100)]).await?;
    enter(deploy, attempt, Phase::Switching);
    let step = printer.step("all the traffic");
    let switched = truth::deploy(wrangler, &[(&new, 100)], &ready.message).await;
    step.end(mark(&switched), "");
    switched.map_err(|trouble| trouble.failure())?;
    proven(deploy, attempt, ready, &target, Vec::new()).await
}

/// `wrangler deploy`: the only way of a migration, and of a first deployment.
async fn at_once(deploy: &Deploy<'_>, attempt: &mut Attempt, ready: &Ready) -> Result<Ending, Failure> {
    unchanged(deploy, attempt).await?;
    enter(deploy, attempt, Phase::Switching);
    let step = deploy.run.printer().step("deploy");
    let deployed =
        deploy.wrangler.deploy(&ready.tag, &ready.message, ready.secrets.as_ref().map(Secret::reveal)).await;
    step.end(mark(&deployed), "");
    let mut warnings = Vec::new();
    let uploaded = match deployed {
        Ok(uploaded) => uploaded,
        // It may be live all the same: a trigger failed, an answer was lost.
        Err(trouble) => {
            let version_id = ours(deploy).await.ok_or_else(|| trouble.failure())?;
            warnings.push(format!("deployed, though wrangler said: {trouble}; look at its routes"));
            Uploaded { version_id, targets: Vec::new() }
        }
    };
    attempt.new = Some(uploaded.version_id.clone());
    enter(deploy, attempt, Phase::Switching);
    let target = match (deploy.target(), address(&uploaded.targets)) {
        (Ok(target), _) => target,
        (Err(_), Some(url)) => Target { url, origin: None },
        (Err(failure), None) => return Err(failure),
    };
    proven(deploy, attempt, ready, &target, warnings).await
}

/// The version has all the traffic: every part of it is asked, and that nobody interfered.
async fn proven(
    deploy: &Deploy<'_>,
    attempt: &mut Attempt,
    ready: &Ready,
    target: &Target,
    mut warnings: Vec<String>,
) -> Result<Ending, Failure> {
    let new = attempt.new.clone().unwrap_or_default();
    let claim = Claim {
        what: "the new version, with all the traffic",
        version: &new,
        beside: None,
        depth: Depth::Normal,
        patience: deploy.patience(),
    };
    let report = proof::look(deploy.run, target, deploy.environment, &claim).await?;
    judged(&report, ready)?;
    let p50_ms = report.latency.p50_ms;
    warnings.extend(slower(deploy, p50_ms));
    enter(deploy, attempt, Phase::Verified);
    deploy.run.step("verified", json!({ "version": new, "p50_ms": p50_ms }));
    let worth = report.checks.iter().filter(|check| check.status != Status::Pass);
    warnings.extend(worth.map(proof::line));
    warnings.extend(interference(deploy, attempt).await);
    if attempt.way == Way::Beside {
        warnings.extend(triggers(deploy).await);
    }
    if let Err(cause) = remember(deploy.run.folder(), &deploy.worker, &target.url) {
        warnings.push(format!("where it answers could not be remembered: {cause}"));
    }
    let exit = if warnings.is_empty() { Exit::Done } else { Exit::Warnings };
    Ok(Ending {
        exit,
        headline: format!("{} serves version {new} ({})", deploy.worker, ready.tag),
        next: Vec::new(),
        warnings,
        live: Some(new),
        before: attempt.old().map(str::to_owned),
    })
}

fn judged(report: &Report, ready: &Ready) -> Result<(), Failure> {
    let failures: Vec<String> =
        proof::failures(report, &ready.tolerated).into_iter().map(proof::line).collect();
    if failures.is_empty() {
        return Ok(());
    }
    let version = report.version.as_ref().map_or("the worker", |version| version.id.as_str());
    Err(Failure::new(format!("{version} fails: {}", failures.join("; ")), "mend it, and deploy again"))
}

/// Nobody deployed since this run began.
async fn unchanged(deploy: &Deploy<'_>, attempt: &Attempt) -> Result<(), Failure> {
    let live = deploy.wrangler.live().await.map_err(|trouble| trouble.failure())?;
    match (&live, &attempt.before) {
        (Live::Absent, None) => Ok(()),
        (Live::Deployed(now), Some(before)) if now.id == before.id => Ok(()),
        (Live::Deployed(now), _) => Err(someone(now)),
        (Live::Absent, Some(_)) => Err(Failure::new("the worker is gone", "ask who deleted it")),
    }
}

/// What this run deployed is what is deployed.
async fn still_ours(deploy: &Deploy<'_>, shares: &[(&str, u8)]) -> Result<(), Failure> {
    let live = deploy.wrangler.live().await.map_err(|trouble| trouble.failure())?;
    match &live {
        live if truth::is_so(live, shares) => Ok(()),
        Live::Deployed(now) => Err(someone(now)),
        Live::Absent => Err(Failure::new("the worker is gone", "ask who deleted it")),
    }
}

fn someone(now: &Deployment) -> Failure {
    let message = format!("somebody else deployed in between: {} by {}", now.shares(), now.author_email);
    Failure::new(message, "agree with them who deploys, then deploy again")
}

/// The live version, when this run made it.
async fn ours(deploy: &Deploy<'_>) -> Option<String> {
    let Live::Deployed(live) = truth::after_cut(&deploy.wrangler).await.ok()? else { return None };
    let id = live.sole()?.to_owned();
    let version = deploy.wrangler.version(&id).await.ok()?;
    version.message()?.contains(deploy.run.id().as_str()).then_some(id)
}

/// Deployments of others since this run began: what they deployed is not live any more, or what this run did is not.
async fn interference(deploy: &Deploy<'_>, attempt: &Attempt) -> Vec<String> {
    let deployments = match deploy.wrangler.deployments().await {
        Ok(deployments) => deployments,
        Err(trouble) => return vec![format!("whether somebody else deployed could not be read: {trouble}")],
    };
    let mut warnings: Vec<String> = truth::foreign(&deployments, attempt.before.as_ref(), &attempt.run)
        .into_iter()
        .map(|other| {
            format!("{} deployed {} meanwhile, at {}", other.author_email, other.shares(), other.created_on)
        })
        .collect();
    let new = attempt.new.as_deref().unwrap_or_default();
    if let Some(last) = deployments.last().filter(|last| last.sole() != Some(new)) {
        warnings.push(format!("now live is not this version but: {}", last.shares()));
    }
    warnings
}

/// Routes, domains and schedules of wrangler.toml, which belong to no version: last, because nothing takes them back.
async fn triggers(deploy: &Deploy<'_>) -> Option<String> {
    let step = deploy.run.printer().step("routes and schedules");
    let applied = deploy.wrangler.triggers().await;
    step.end(mark(&applied), "");
    let trouble = applied.err()?;
    Some(format!("routes and schedules may be as before: {trouble}; {}", trouble.hint()))
}

/// Compares with the last deployment of this environment that went well.
fn slower(deploy: &Deploy<'_>, p50_ms: u64) -> Option<String> {
    let runs = deploy.run.journal().runs();
    let mut earlier = runs.iter().rev().filter(|past| {
        past.run != deploy.run.id().as_str()
            && past.environment.as_deref() == Some(deploy.environment.as_str())
    });
    let last = earlier.find_map(|past| past.step("verified")?.get("p50_ms").and_then(Value::as_u64))?;
    (p50_ms > last.saturating_mul(SLOWER).max(1))
        .then(|| format!("answers take {p50_ms} ms (p50), after the last good deployment it was {last} ms"))
}

/// The first address among what wrangler says a worker answers on.
fn address(targets: &[String]) -> Option<Url> {
    targets.iter().find_map(|target| Url::parse(target).ok().filter(|url| url.scheme() == "https"))
}

fn enter(deploy: &Deploy<'_>, attempt: &mut Attempt, phase: Phase) {
    attempt.enter(deploy.run, phase);
    deploy.keep(attempt);
}

fn mark<T>(outcome: &Result<T, Trouble>) -> Mark {
    match outcome {
        Ok(_) => Mark::Good,
        Err(trouble) if trouble.kind == Kind::Timeout => Mark::Warning,
        Err(_) => Mark::Bad,
    }
}
