//! Runs that were killed: the next one finds their journals, and brings what they began to an end first.

use super::{
    Switch,
    attempt::{Attempt, Phase},
    ending::Ending,
    resolve, truth,
};
use crate::{
    exit::{Exit, Failure},
    run::journal::PastRun,
    secrets,
    wrangler::types::Live,
};

/// The commands whose killed runs leave an [`Attempt`].
pub const COMMANDS: [&str; 2] = ["deploy", "rollback"];

/// Settles every killed deployment and rollback of this environment, the oldest first.
///
/// # Errors
/// When one of them leaves a state nobody knows: then nothing is deployed on top of it.
pub async fn all(switch: &Switch<'_>) -> Result<(), Failure> {
    let environment = Some(switch.environment.as_str());
    let interrupted = switch.run.journal().interrupted();
    if interrupted.iter().any(|past| past.command == "secrets" && past.environment.as_deref() == environment)
        && let Ok(live) = switch.wrangler.live().await
    {
        let sole = if let Live::Deployed(live) = &live { live.sole() } else { None };
        secrets::settle(switch.run, switch.environment, sole);
    }
    for past in interrupted {
        if !COMMANDS.contains(&past.command.as_str()) || past.environment.as_deref() != environment {
            continue;
        }
        let ending = one(switch, &past).await;
        let printer = switch.run.printer();
        printer.warn(&format!(
            "ops {} of {} (run {}) was killed: {}",
            past.command, past.at, past.run, ending.headline
        ));
        let found = serde_json::json!({ "settled_by": switch.run.id().as_str(), "outcome": ending.headline, "live": ending.live });
        if ending.exit == Exit::Unknown {
            let hint = ending.next.join("; ");
            return Err(Failure::new(ending.headline, hint).exit(Exit::Unknown));
        }
        if let Err(cause) = switch.run.journal().settle(&past, ending.exit, found, switch.run.mask().clone())
        {
            printer.warn(&format!("its journal could not be ended: {cause}"));
        }
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
