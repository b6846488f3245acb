//! The way back.

use std::time::Duration;

use serde_json::{Map, json};

use super::{
    RollbackArgs, choice,
    effects::Effects,
    extras,
    history::{Candidate, History},
    shown,
};
use crate::{
    exit::{Exit, Failure},
    run::printer::Mark,
    switch::{
        Switch,
        attempt::{Attempt, Phase, Way},
        ending::Ending,
        proof::{self, Claim},
        steps::mark,
        truth,
    },
    verify::{self, Client, Depth, Plan, Report, Status, Target},
    wrangler::trouble::{Trouble, code},
};

/// How long the live version, which may be why one goes back, is waited for.
const BRIEFLY: Duration = Duration::from_secs(5);

/// Everything, up to the proof. A future that may be dropped at any point.
///
/// # Errors
/// What went wrong; what is live must be found out then, if anything was changed.
pub async fn forward(switch: &Switch<'_>, args: &RollbackArgs) -> Result<Ending, Failure> {
    let history = History::read(switch, args.to.as_deref()).await?;
    let (history, candidate) = choice::choose(switch, args, history).await?;
    let target = switch.target()?;
    let before = live(switch, args, &history, &target).await?;
    let mut effects = Effects::of(&history, &candidate, &before);
    shown::effects(switch, &history, &candidate, &effects);
    effects.readable()?;
    if effects.secrets_change() {
        let what = "secrets go back as well: a value that was replaced, and perhaps revoked, is used again";
        switch.run.confirm(what).await?;
    }
    extras::agreed(switch, args, &target).await?;

    let id = candidate.version.id.clone();
    let mut attempt = Attempt {
        run: switch.run.id().to_string(),
        way: Way::Back,
        before: Some(history.deployment.clone()),
        new: Some(id.clone()),
        phase: Phase::Preparing,
        secrets: effects.secrets_change(),
        brings: Vec::new(),
        inherits: None,
        failing: unproven(&before),
    };
    switch.begin(&attempt);
    switch.unchanged(&attempt).await?;
    let message = format!("ops {} back to {}", switch.run.id(), id.get(..8).unwrap_or(&id));
    let what = "the version from before";
    match switch.place(&mut attempt, &message).await {
        Ok(()) => {
            let report = switch.look_beside(&attempt, what).await?;
            effects.reads(&report.version.map(|version| version.layouts).unwrap_or_default());
            effects.readable()?;
            switch.take_over(&mut attempt, &message).await?;
        }
        Err(trouble) if trouble.code == Some(code::SECRETS_CHANGED) => {
            with_secrets(switch, &mut attempt, &effects, &message).await?;
        }
        Err(trouble) => return Err(trouble.failure()),
    }
    let proven = switch.prove(&mut attempt, what, &target).await?;
    let mut warnings = proven.warnings;
    warnings.extend(extras::done(switch, args, &target).await);
    let ending = ending(switch, &candidate, &effects, [&before, &proven.report]);
    let exit = if warnings.is_empty() { Exit::Done } else { Exit::Warnings };
    Ok(Ending { exit, warnings, before: attempt.old().map(str::to_owned), ..ending })
}

/// What is live is looked at, not to be well but to know what may go on failing: and that it is what answers there.
async fn live(
    switch: &Switch<'_>,
    args: &RollbackArgs,
    history: &History,
    target: &Target,
) -> Result<Report, Failure> {
    let claim = Claim {
        what: "the live version, before",
        version: &history.live.id,
        beside: None,
        depth: Depth::Normal,
        patience: BRIEFLY.min(switch.patience()),
    };
    let report = proof::look(switch.run, target, switch.environment, &claim).await?;
    let named = ["reachable", "identity", "version", "environment"];
    let Some(check) = report.failed().find(|check| named.contains(&check.name)) else { return Ok(report) };
    // Code that throws at every request is a reason to go back. That nothing answers at all is none.
    let broken = check.name == "reachable" && throws(switch, target).await;
    if broken || args.allow_unseen {
        switch.run.printer().warn(&format!("the live version could not be seen: {}", proof::line(check)));
        return Ok(report);
    }
    Err(Failure::new(
        format!("{} is not the live version {}: {}", target.url, history.live.id, proof::line(check)),
        "see whether --url is this environment's. If it is, and broken: --allow-unseen",
    ))
}

/// Whether it answers, and nothing but errors.
async fn throws(switch: &Switch<'_>, target: &Target) -> bool {
    match Client::new(&Plan::new(target.url.clone(), switch.run.id().clone())) {
        Ok(client) => client.status("/").await.is_some_and(|status| status >= 500),
        Err(_) => false,
    }
}

/// The checks that the live version did not pass, or that could not be made of it.
fn unproven(before: &Report) -> Vec<String> {
    let passed = |name: &str| before.check(name).is_some_and(|check| check.status != Status::Fail);
    verify::names(Depth::Normal).into_iter().filter(|name| !passed(name)).map(str::to_owned).collect()
}

/// Secrets changed since: the API gives it no place beside the live version, and wrangler's `rollback` is the one way.
async fn with_secrets(
    switch: &Switch<'_>,
    attempt: &mut Attempt,
    effects: &Effects<'_>,
    message: &str,
) -> Result<(), Failure> {
    if !effects.secrets_change() {
        let what =
            "the API says that secrets changed since: they go back as well, to values that may be revoked";
        switch.run.confirm(what).await?;
    }
    attempt.secrets = true;
    switch.begin(attempt);
    switch.unchanged(attempt).await?;
    switch.enter(attempt, Phase::Switching);
    let id = attempt.new.clone().unwrap_or_default();
    let step = switch.run.printer().step("all the traffic at once, with the secrets it had");
    let switched: Result<(), Trouble> = truth::with_its_secrets(&switch.wrangler, &id, message).await;
    step.end(if switched.is_ok() { Mark::Good } else { mark(&switched) }, "");
    switched.map_err(|trouble| trouble.failure())
}

fn ending(
    switch: &Switch<'_>,
    candidate: &Candidate,
    effects: &Effects<'_>,
    [before, after]: [&Report; 2],
) -> Ending {
    let (was, is) = (before.latency.p50_ms, after.latency.p50_ms);
    switch.run.printer().say(&format!("  answers take {is} ms (p50); before it was {was} ms"));
    let version = &candidate.version;
    let tag = version.tag().map(|tag| format!(" ({tag})")).unwrap_or_default();
    let details = Map::from_iter([
        ("effects".to_owned(), effects.json()),
        ("latency".to_owned(), json!({ "p50_ms": is, "before_p50_ms": was })),
    ]);
    let headline = format!("{} serves version {}{tag} again", switch.worker, version.id);
    Ending { live: Some(version.id.clone()), details, ..Ending::nothing(&headline) }
}
