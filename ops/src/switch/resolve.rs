//! From anywhere to a known state: what is live is read, what was not verified loses the traffic, and requests prove
//! what serves then.

use std::time::Duration;

use super::{
    Switch,
    attempt::{Attempt, Phase},
    ending::Ending,
    proof::{self, Claim, SOON},
    truth,
};
use crate::{
    exit::Failure,
    run::printer::Mark,
    verify::Depth,
    wrangler::{
        trouble::Trouble,
        types::{Deployment, Live},
    },
};

/// After a failure, an interruption, or the death of an earlier run.
pub async fn to_a_known_state(switch: &Switch<'_>, attempt: &Attempt, why: &Failure) -> Ending {
    if let (Phase::Verified, Some(new)) = (attempt.phase, &attempt.new) {
        return Ending::serves(switch, attempt, new, "the run did not get to its end after that");
    }
    let step = switch.run.printer().step("what is live now");
    let live = truth::after_cut(&switch.wrangler).await;
    let live = match live {
        Ok(live) => live,
        Err(trouble) => {
            step.end(Mark::Bad, &trouble.to_string());
            return unread(switch, attempt, why, &trouble).await;
        }
    };
    match &live {
        Live::Absent => {
            step.end(Mark::Dim, "nothing");
            Ending::failed(switch, attempt, "nothing is deployed, as before", None)
        }
        Live::Deployed(now) => {
            step.end(Mark::Good, &now.shares());
            of_deployment(switch, attempt, now, why).await
        }
    }
}

/// The API does not say what is live. What requests can prove still counts.
async fn unread(switch: &Switch<'_>, attempt: &Attempt, why: &Failure, trouble: &Trouble) -> Ending {
    match (attempt.phase, &attempt.new, attempt.old()) {
        // Nothing was deployed by this run: whatever served goes on serving.
        (Phase::Preparing | Phase::Uploading, _, _) => return untouched(switch, attempt, why).await,
        // At most it stands beside the old one.
        (Phase::Trying, _, Some(old))
            if serves(switch, attempt, old, Depth::Health, SOON.min(switch.patience())).await =>
        {
            return Ending::left_beside(switch, attempt, old);
        }
        (Phase::Switching, Some(new), _) if judge(switch, attempt, new).await => {
            return Ending::serves(switch, attempt, new, &format!("the API does not say so: {trouble}"));
        }
        _ => {}
    }
    Ending::unknown(switch, attempt, &format!("what is live cannot be read: {trouble}"))
}

async fn of_deployment(switch: &Switch<'_>, attempt: &Attempt, now: &Deployment, why: &Failure) -> Ending {
    let unverified = match &attempt.new {
        Some(new) => now.names(new),
        // A deployment at once whose version nobody learnt.
        None => attempt.phase >= Phase::Switching && made_by(switch, attempt, now).await,
    };
    if unverified {
        return go_back(switch, attempt, now).await;
    }
    if attempt.old().is_some() && now.sole() == attempt.old() {
        return untouched(switch, attempt, why).await;
    }
    let said = format!(
        "somebody else's deployment is live: {} by {}; nothing of this run is",
        now.shares(),
        now.author_email
    );
    Ending::failed(switch, attempt, &said, now.sole().map(str::to_owned))
}

/// Whether the version that has the traffic is this attempt's.
async fn made_by(switch: &Switch<'_>, attempt: &Attempt, now: &Deployment) -> bool {
    let Some(id) = now.sole().filter(|id| Some(*id) != attempt.old()) else { return false };
    // When it cannot be read, it is not the one from before: better to call it unverified.
    let version = switch.wrangler.version(id).await;
    version.map_or(true, |version| version.message().is_some_and(|message| message.contains(&attempt.run)))
}

/// The old version never lost the traffic; requests prove it.
async fn untouched(switch: &Switch<'_>, attempt: &Attempt, why: &Failure) -> Ending {
    let Some(old) = attempt.old() else {
        return Ending::failed(switch, attempt, "nothing was deployed", None);
    };
    if serves(switch, attempt, old, Depth::Health, SOON.min(switch.patience())).await {
        let said = format!("version {old} serves, as before");
        return Ending::failed(switch, attempt, &said, Some(old.to_owned()));
    }
    let said = format!("this run deployed nothing ({}), but {old} could not be seen serving", why.message());
    Ending::unknown(switch, attempt, &said)
}

/// Takes the traffic, or the place beside it, from the version that was not verified.
async fn go_back(switch: &Switch<'_>, attempt: &Attempt, now: &Deployment) -> Ending {
    let had_traffic = attempt.new.as_deref().is_none_or(|new| now.share(new) > 0.0);
    let Some(old) = attempt.old().filter(|_| attempt.can_return()) else {
        return Ending::no_way_back(switch, attempt, now);
    };
    let mut returning = attempt.clone();
    returning.enter(switch.run, Phase::Returning);
    let step = switch.run.printer().step(&format!("back to version {old}"));
    let message = format!("ops {} back", attempt.run);
    if let Err(trouble) = truth::bring_back(&switch.wrangler, old, &message, attempt.secrets).await {
        step.end(Mark::Bad, &trouble.to_string());
        // Without traffic it harms nobody, but its place must be taken from it by hand.
        if !had_traffic && serves(switch, attempt, old, Depth::Health, SOON.min(switch.patience())).await {
            return Ending::left_beside(switch, attempt, old);
        }
        return Ending::unknown(switch, attempt, &format!("the way back failed: {trouble}"));
    }
    step.end(Mark::Good, "");
    if !serves(switch, attempt, old, Depth::ReadOnly, switch.patience()).await {
        let said = format!("version {old} was deployed again, but could not be seen serving, or is not well");
        return Ending::unknown(switch, attempt, &said);
    }
    match had_traffic {
        true => Ending::rolled_back(switch, attempt, old),
        false => {
            Ending::failed(switch, attempt, &format!("version {old} serves, as before"), Some(old.to_owned()))
        }
    }
}

/// Whether requests prove that the version serves, in every part.
async fn serves(
    switch: &Switch<'_>,
    attempt: &Attempt,
    version: &str,
    depth: Depth,
    patience: Duration,
) -> bool {
    let Ok(target) = switch.target() else { return false };
    let claim = Claim { what: "the version from before", version, beside: None, depth, patience };
    let report = proof::look(switch.run, &target, switch.environment, &claim).await;
    report.is_ok_and(|report| {
        // Objects that answered nobody before need not do so now.
        let named = |name: &str| {
            ["reachable", "identity", "version"].contains(&name)
                || (name == "objects" && !attempt.failing.iter().any(|failed| failed == name))
        };
        !report.failed().any(|check| named(check.name))
    })
}

/// Whether requests prove that the version serves, in every part, and is well, or no worse than what was before.
pub async fn judge(switch: &Switch<'_>, attempt: &Attempt, version: &str) -> bool {
    let Ok(target) = switch.target() else { return false };
    let what = "the new version, whatever the API says";
    let claim = Claim { what, version, beside: None, depth: Depth::Normal, patience: switch.patience() };
    let report = proof::look(switch.run, &target, switch.environment, &claim).await;
    report.is_ok_and(|report| proof::failures(&report, &attempt.failing).is_empty())
}
