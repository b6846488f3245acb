//! The way forward: beside the live version without traffic, then all of it, then the proof.

use serde_json::json;

use super::{
    Switch,
    attempt::{Attempt, Phase, Way},
    latency::{VERIFIED, last_good, slower},
    proof::{self, Claim},
    truth,
};
use crate::{
    exit::Failure,
    run::printer::Mark,
    verify::{Depth, Report, Status, Target},
    wrangler::{
        trouble::{Kind, Trouble},
        types::{Deployment, Live},
    },
};

/// A version that serves, proven.
#[derive(Debug)]
pub struct Proven {
    /// What was seen.
    pub report: Report,
    /// What is worth a look.
    pub warnings: Vec<String>,
}

impl Switch<'_> {
    /// Gives the attempt's version a place beside the live one, without traffic.
    ///
    /// # Errors
    /// [`Trouble`]; whether it has that place is to be read then.
    pub async fn place(&self, attempt: &mut Attempt, message: &str) -> Result<(), Trouble> {
        self.enter(attempt, Phase::Trying);
        let (new, old) = both(attempt);
        let step = self.run.printer().step("beside the live version, without traffic");
        let tried = truth::deploy(&self.wrangler, &[(&new, 0), (&old, 100)], message).await;
        step.end(mark(&tried), "");
        tried
    }

    /// Looks at it there, by the override header: what its code shows without the Durable Objects, which run the
    /// version that has the traffic.
    ///
    /// # Errors
    /// What it fails that did not fail before.
    pub async fn look_beside(&self, attempt: &Attempt, what: &str) -> Result<Report, Failure> {
        let (new, _) = both(attempt);
        let claim = Claim {
            what: &format!("{what}, by the override header"),
            version: &new,
            beside: Some(&self.worker),
            depth: Depth::Normal,
            patience: self.patience(),
        };
        let report = proof::look(self.run, &self.target()?, self.environment, &claim).await?;
        judged(&report, attempt)?;
        Ok(report)
    }

    /// Gives it all the traffic.
    ///
    /// # Errors
    /// When somebody else deployed, or the API refuses.
    pub async fn take_over(&self, attempt: &mut Attempt, message: &str) -> Result<(), Failure> {
        let (new, old) = both(attempt);
        self.still_ours(&[(&new, 0), (&old, 100)]).await?;
        self.enter(attempt, Phase::Switching);
        let step = self.run.printer().step("all the traffic");
        let switched = truth::deploy(&self.wrangler, &[(&new, 100)], message).await;
        step.end(mark(&switched), "");
        switched.map_err(|trouble| trouble.failure())
    }

    /// It has all the traffic: every part of it is asked, and whether anybody interfered.
    ///
    /// # Errors
    /// What it fails that did not fail before.
    pub async fn prove(&self, attempt: &mut Attempt, what: &str, target: &Target) -> Result<Proven, Failure> {
        let new = attempt.new.clone().unwrap_or_default();
        let claim = Claim {
            what: &format!("{what}, with all the traffic"),
            version: &new,
            beside: None,
            depth: Depth::Normal,
            patience: self.patience(),
        };
        let report = proof::look(self.run, target, self.environment, &claim).await?;
        judged(&report, attempt)?;
        let p50_ms = report.latency.p50_ms;
        let last = last_good(self.run.journal().runs().iter(), self.environment.as_str(), &attempt.run);
        let mut warnings = Vec::from_iter(slower(p50_ms, last));
        self.enter(attempt, Phase::Verified);
        let layouts = report.version.as_ref().map(|version| &version.layouts);
        self.run.step(VERIFIED, json!({ "version": new, "p50_ms": p50_ms, "layouts": layouts }));
        let worth = report.checks.iter().filter(|check| check.status != Status::Pass);
        warnings.extend(worth.map(proof::line));
        warnings.extend(self.interference(attempt).await);
        Ok(Proven { report, warnings })
    }

    /// Nobody deployed since this run began.
    ///
    /// # Errors
    /// When somebody did, or it cannot be read.
    pub async fn unchanged(&self, attempt: &Attempt) -> Result<(), Failure> {
        let live = self.wrangler.live().await.map_err(|trouble| trouble.failure())?;
        match (&live, &attempt.before) {
            (Live::Absent, None) => Ok(()),
            (Live::Deployed(now), Some(before)) if now.id == before.id => Ok(()),
            (Live::Deployed(now), _) => Err(someone(now)),
            (Live::Absent, Some(_)) => Err(Failure::new("the worker is gone", "ask who deleted it")),
        }
    }

    /// What this run deployed is what is deployed.
    async fn still_ours(&self, shares: &[(&str, u8)]) -> Result<(), Failure> {
        let live = self.wrangler.live().await.map_err(|trouble| trouble.failure())?;
        match &live {
            live if truth::is_so(live, shares) => Ok(()),
            Live::Deployed(now) => Err(someone(now)),
            Live::Absent => Err(Failure::new("the worker is gone", "ask who deleted it")),
        }
    }

    /// Deployments of others since this run began: what they deployed is not live any more, or what this run did is not.
    async fn interference(&self, attempt: &Attempt) -> Vec<String> {
        let deployments = match self.wrangler.deployments().await {
            Ok(deployments) => deployments,
            Err(trouble) => {
                return vec![format!("whether somebody else deployed could not be read: {trouble}")];
            }
        };
        let mut warnings: Vec<String> = truth::foreign(&deployments, attempt.before.as_ref(), &attempt.run)
            .into_iter()
            .map(|other| {
                format!(
                    "{} deployed {} meanwhile, at {}",
                    other.author_email,
                    other.shares(),
                    other.created_on
                )
            })
            .collect();
        let new = attempt.new.as_deref().unwrap_or_default();
        if let Some(last) = deployments.last().filter(|last| last.sole() != Some(new)) {
            warnings.push(format!("now live is not this version but: {}", last.shares()));
        }
        warnings
    }
}

/// How a call went.
pub fn mark<T>(outcome: &Result<T, Trouble>) -> Mark {
    match outcome {
        Ok(_) => Mark::Good,
        Err(trouble) if trouble.kind == Kind::Timeout => Mark::Warning,
        Err(_) => Mark::Bad,
    }
}

fn both(attempt: &Attempt) -> (String, String) {
    (attempt.new.clone().unwrap_or_default(), attempt.old().unwrap_or_default().to_owned())
}

fn judged(report: &Report, attempt: &Attempt) -> Result<(), Failure> {
    let failures: Vec<String> =
        proof::failures(report, &attempt.failing).into_iter().map(proof::line).collect();
    if failures.is_empty() {
        return Ok(());
    }
    let version = report.version.as_ref().map_or("the worker", |version| version.id.as_str());
    let hint = match (attempt.way, &attempt.inherits) {
        (Way::Back, _) => {
            "choose another version (`ops rollback --list`), or deploy a repaired one".to_owned()
        }
        (_, Some(newest)) => format!(
            "the secrets of version {newest}, which is not live, came along: give the right ones (--secrets-file \
             FILE), or mend the code, and deploy again"
        ),
        (_, None) if attempt.secrets => {
            "mend it, or the values in the secrets file, and deploy again with that file".to_owned()
        }
        (_, None) => "mend it, and deploy again".to_owned(),
    };
    Err(Failure::new(format!("{version} fails: {}", failures.join("; ")), hint))
}

fn someone(now: &Deployment) -> Failure {
    let message = format!("somebody else deployed in between: {} by {}", now.shares(), now.author_email);
    Failure::new(message, "agree with them who deploys, then try again")
}
