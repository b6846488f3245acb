//! Runs that were killed: the next one finds their journals, and brings what they began to an end first.

use log_ingestion_worker::config::Environment;
use serde_json::json;

use super::{
    Switch,
    attempt::{Attempt, Phase},
    ending::Ending,
    resolve, truth,
};
use crate::{
    exit::{Exit, Failure},
    run::{Run, journal::PastRun},
    secrets,
    wrangler::types::Live,
};

/// The commands whose killed runs leave an [`Attempt`].
pub const COMMANDS: [&str; 2] = ["deploy", "rollback"];

/// Deployments and rollbacks of this environment that were killed, the oldest first.
pub fn left_open(run: &Run, environment: Environment) -> impl Iterator<Item = PastRun> {
    let of_ours = move |past: &PastRun| {
        COMMANDS.contains(&past.command.as_str()) && past.environment.as_deref() == Some(environment.as_str())
    };
    run.journal().interrupted().into_iter().filter(of_ours)
}

/// Settles every one of them, and edits of secrets.
///
/// # Errors
/// When one of them leaves a state nobody knows, and the API does not say what is live either: then nothing is deployed
/// on top of it. A version that is live and not well does not stop the next command, which may be its repair.
pub async fn all(switch: &Switch<'_>) -> Result<(), Failure> {
    let (run, printer) = (switch.run, switch.run.printer());
    for past in left_open(run, switch.environment) {
        let ending = one(switch, &past).await;
        printer.warn(&format!(
            "ops {} of {} (run {}) was killed: {}",
            past.command, past.at, past.run, ending.headline
        ));
        if ending.exit == Exit::Warnings {
            ending.next.iter().for_each(|command| printer.say(&format!("next: {command}")));
        }
        let found =
            json!({ "settled_by": run.id().as_str(), "outcome": ending.headline, "live": ending.live });
        if ending.exit == Exit::Unknown && switch.wrangler.live().await.is_err() {
            let hint = ending.next.join("; ");
            return Err(Failure::new(ending.headline, hint).exit(Exit::Unknown));
        }
        if let Err(cause) = run.journal().settle(&past, ending.exit, found, run.mask().clone()) {
            printer.warn(&format!("its journal could not be ended: {cause}"));
        }
    }
    if secrets::left_open(run, switch.environment).next().is_some()
        && let Ok(live) = switch.wrangler.live().await
    {
        let sole = if let Live::Deployed(live) = &live { live.sole() } else { None };
        secrets::settle(run, switch.environment, sole);
    }
    Ok(())
}

async fn one(switch: &Switch<'_>, past: &PastRun) -> Ending {
    let Some(mut attempt) = Attempt::of_journal(past) else {
        return Ending::nothing("it had not changed anything");
    };
    let why = Failure::new(format!("run {} was killed", past.run), "it is settled now");
    // A version that had all the traffic when its run died may be good: then it stays.
    if let Ok(Live::Deployed(now)) = truth::after_cut(&switch.wrangler).await
        && let Some(new) = now.sole().filter(|sole| Some(*sole) != attempt.old())
        && (attempt.new.as_deref() == Some(new) || attempt.new.is_none())
        && attempt.phase >= Phase::Switching
        && attempt.phase != Phase::Returning
    {
        let new = new.to_owned();
        attempt.new = Some(new.clone());
        if resolve::judge(switch, &attempt, &new).await {
            return Ending::serves(switch, &attempt, &new, "its run was killed");
        }
    }
    resolve::to_a_known_state(switch, &attempt, &why).await
}
