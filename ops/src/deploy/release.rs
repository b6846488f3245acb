//! The way forward: from a commit to a version that is proven to serve.

use log_ingestion_worker::access::Secret;
use reqwest::Url;

use super::{
    options::DeployArgs,
    preflight::{self, Ready},
};
use crate::{
    exit::{Exit, Failure},
    switch::{
        Switch,
        attempt::{Attempt, Phase, Way},
        ending::Ending,
        steps::{Proven, mark},
        truth,
    },
    verify::{Target, remember},
    wrangler::types::{Live, Uploaded},
};

/// What the version is called.
const NEW: &str = "the new version";

/// Everything, up to the proof. A future that may be dropped at any point: [`Switch::attempt`] says how far it came.
///
/// # Errors
/// What went wrong; what is live must be found out then.
pub async fn forward(switch: &Switch<'_>, args: &DeployArgs) -> Result<Ending, Failure> {
    let ready = preflight::check(switch, args).await?;
    let mut attempt = Attempt {
        run: switch.run.id().to_string(),
        way: ready.way,
        before: ready.before.clone(),
        new: None,
        phase: Phase::Preparing,
        secrets: args.secrets_file.is_some(),
        brings: ready.secrets.names.iter().cloned().collect(),
        inherits: ready.inherits.clone(),
        failing: ready.tolerated.clone(),
    };
    announce(switch, &ready).await?;
    switch.begin(&attempt);
    let step = switch.run.printer().step("build");
    let built = switch.wrangler.build().await;
    step.end(mark(&built), "");
    built.map_err(|trouble| trouble.failure())?;
    match ready.way {
        Way::Beside | Way::Back => beside(switch, &mut attempt, &ready).await,
        Way::Migration | Way::First => at_once(switch, &mut attempt, &ready).await,
    }
}

/// What cannot be undone is said, and asked for, before anything is done.
async fn announce(switch: &Switch<'_>, ready: &Ready) -> Result<(), Failure> {
    let worker = &switch.worker;
    match ready.way {
        Way::Beside | Way::Back => Ok(()),
        Way::Migration => {
            let what = format!(
                "this deployment of {worker} applies a Durable Object migration: there is no way back to the version \
             that serves now; what goes wrong must be repaired forward"
            );
            switch.run.confirm(&what).await
        }
        Way::First => {
            let what = format!(
                "there is no worker {worker} yet: this makes one, and there is nothing to go back to"
            );
            switch.run.confirm(&what).await
        }
    }
}

/// Upload, 0 % beside the old version, 100 %.
async fn beside(switch: &Switch<'_>, attempt: &mut Attempt, ready: &Ready) -> Result<Ending, Failure> {
    switch.enter(attempt, Phase::Uploading);
    let step = switch.run.printer().step("upload");
    let secrets = ready.secrets.json.as_ref().map(Secret::reveal);
    let uploaded = switch.wrangler.upload(&ready.tag, &ready.message, secrets).await;
    step.end(mark(&uploaded), uploaded.as_ref().map_or("", |uploaded| &uploaded.version_id));
    attempt.new = Some(uploaded.map_err(|trouble| trouble.failure())?.version_id);

    switch.unchanged(attempt).await?;
    switch.place(attempt, &ready.message).await.map_err(|trouble| trouble.failure())?;
    switch.look_beside(attempt, NEW).await?;
    switch.take_over(attempt, &ready.message).await?;
    let target = switch.target()?;
    let mut proven = switch.prove(attempt, NEW, &target).await?;
    proven.warnings.extend(triggers(switch).await);
    Ok(done(switch, attempt, ready, &target, proven))
}

/// `wrangler deploy`: the only way of a migration, and of a first deployment.
async fn at_once(switch: &Switch<'_>, attempt: &mut Attempt, ready: &Ready) -> Result<Ending, Failure> {
    switch.unchanged(attempt).await?;
    switch.enter(attempt, Phase::Switching);
    let step = switch.run.printer().step("deploy");
    let secrets = ready.secrets.json.as_ref().map(Secret::reveal);
    let deployed = switch.wrangler.deploy(&ready.tag, &ready.message, secrets).await;
    step.end(mark(&deployed), "");
    let mut warnings = Vec::new();
    let uploaded = match deployed {
        Ok(uploaded) => uploaded,
        // It may be live all the same: a trigger failed, an answer was lost.
        Err(trouble) => {
            let version_id = ours(switch).await.ok_or_else(|| trouble.failure())?;
            warnings.push(format!("deployed, though wrangler said: {trouble}; look at its routes"));
            Uploaded { version_id, targets: Vec::new() }
        }
    };
    attempt.new = Some(uploaded.version_id.clone());
    switch.enter(attempt, Phase::Switching);
    let target = match (switch.target(), address(&uploaded.targets)) {
        (Ok(target), _) => target,
        (Err(_), Some(url)) => Target { url, origin: None },
        (Err(failure), None) => return Err(failure),
    };
    let mut proven = switch.prove(attempt, NEW, &target).await?;
    warnings.append(&mut proven.warnings);
    Ok(done(switch, attempt, ready, &target, Proven { warnings, ..proven }))
}

fn done(
    switch: &Switch<'_>,
    attempt: &Attempt,
    ready: &Ready,
    target: &Target,
    Proven { mut warnings, .. }: Proven,
) -> Ending {
    warnings.extend(ready.unread.iter().cloned());
    if let Err(cause) = remember(switch.run.folder(), &switch.worker, &target.url) {
        warnings.push(format!("where it answers could not be remembered: {cause}"));
    }
    let new = attempt.new.as_deref().unwrap_or_default();
    Ending {
        exit: if warnings.is_empty() { Exit::Done } else { Exit::Warnings },
        warnings,
        live: attempt.new.clone(),
        before: attempt.old().map(str::to_owned),
        ..Ending::nothing(&format!("{} serves version {new} ({})", switch.worker, ready.tag))
    }
}

/// The live version, when this run made it.
async fn ours(switch: &Switch<'_>) -> Option<String> {
    let Live::Deployed(live) = truth::after_cut(&switch.wrangler).await.ok()? else { return None };
    let id = live.sole()?.to_owned();
    let version = switch.wrangler.version(&id).await.ok()?;
    version.message()?.contains(switch.run.id().as_str()).then_some(id)
}

/// Routes, domains and schedules of wrangler.toml, which belong to no version: last, because nothing takes them back.
async fn triggers(switch: &Switch<'_>) -> Option<String> {
    let step = switch.run.printer().step("routes and schedules");
    let applied = switch.wrangler.triggers().await;
    step.end(mark(&applied), "");
    let trouble = applied.err()?;
    Some(format!("routes and schedules may be as before: {trouble}; {}", trouble.hint()))
}

/// The first address among what wrangler says a worker answers on.
fn address(targets: &[String]) -> Option<Url> {
    targets.iter().find_map(|target| Url::parse(target).ok().filter(|url| url.scheme() == "https"))
}
