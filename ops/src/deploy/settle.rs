//! Runs that were killed: the next deployment finds their journals, and brings what they began to an end first.

use super::{
    Deploy,
    attempt::{Attempt, Phase},
    ending::Ending,
    resolve, truth,
};
use crate::{
    exit::{Exit, Failure},
    run::journal::PastRun,
    wrangler::types::Live,
};

/// Settles every killed deployment of this environment, the oldest first.
///
/// # Errors
/// When one of them leaves a state nobody knows: then nothing is deployed on top of it.
pub async fn all(deploy: &Deploy<'_>) -> Result<(), Failure> {
    let environment = Some(deploy.environment.as_str());
    for past in deploy.run.journal().interrupted() {
        if past.command != deploy.run.command() || past.environment.as_deref() != environment {
            continue;
        }
        let ending = one(deploy, &past).await;
        let printer = deploy.run.printer();
        printer.warn(&format!("the run {} of {} was killed: {}", past.run, past.at, ending.headline));
        let found = serde_json::json!({ "settled_by": deploy.run.id().as_str(), "outcome": ending.headline, "live": ending.live });
        if ending.exit == Exit::Unknown {
            let hint = ending.next.join("; ");
            return Err(Failure::new(ending.headline, hint).exit(Exit::Unknown));
        }
        if let Err(cause) = deploy.run.journal().settle(&past, ending.exit, found, deploy.run.mask().clone())
        {
            printer.warn(&format!("its journal could not be ended: {cause}"));
        }
    }
    Ok(())
}

async fn one(deploy: &Deploy<'_>, past: &PastRun) -> Ending {
    let Some(mut attempt) = Attempt::of_journal(past) else {
        return Ending {
            exit: Exit::Failed,
            headline: "it had not changed anything".into(),
            next: Vec::new(),
            warnings: Vec::new(),
            live: None,
            before: None,
        };
    };
    let why = Failure::new(format!("run {} was killed", past.run), "it is settled now");
    // A version that had all the traffic when its run died may be good: then it stays.
    if let Ok(Live::Deployed(now)) = truth::after_cut(&deploy.wrangler).await
        && let Some(new) = now.sole().filter(|sole| Some(*sole) != attempt.old())
        && (attempt.new.as_deref() == Some(new) || attempt.new.is_none())
        && attempt.phase >= Phase::Switching
        && attempt.phase != Phase::Returning
    {
        let new = new.to_owned();
        attempt.new = Some(new.clone());
        if resolve::judge(deploy, &new).await {
            return Ending::serves(deploy, &attempt, &new, "its run was killed");
        }
    }
    resolve::to_a_known_state(deploy, &attempt, &why).await
}
