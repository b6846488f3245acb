//! After the worker's secrets were set: does it still do what it did? What fails that did not fail before takes them back,
//! as `ops secrets put` does: the version from before has the secrets from before.

use std::{collections::BTreeSet, time::Duration};

use log_ingestion_worker::{access::Secret, config::Environment};
use serde_json::json;

use crate::{
    exit::Failure,
    project::Project,
    run::Run,
    verify::{
        PATIENCE, Target, Tokens,
        live::{self, OBJECTS},
    },
    wrangler::{Wrangler, types::Live},
};

/// How the worker's new secrets stand.
#[derive(Debug)]
pub enum Verdict {
    /// Nothing fails that did not fail before.
    Proven,
    /// They are set; why nobody knows yet whether they are right.
    Unproven(String),
    /// The worker failed with them, and has the old ones again.
    TakenBack(String),
    /// The worker failed with them, and nobody knows what it has now.
    Unknown(String),
}

/// What answers requests, and what fails there before anything is changed.
pub struct Proof<'a> {
    run: &'a Run,
    environment: Environment,
    wrangler: &'a Wrangler,
    before: &'a str,
    /// Nothing when nobody knows where the worker answers.
    target: Option<(Target, BTreeSet<String>)>,
}

impl<'a> Proof<'a> {
    /// Looks at the worker as it is.
    ///
    /// # Errors
    /// When what answers is not the live version: it could prove nothing afterwards.
    pub async fn begin(
        run: &'a Run,
        project: &Project,
        environment: Environment,
        wrangler: &'a Wrangler,
        before: &'a str,
    ) -> Result<Proof<'a>, Failure> {
        let mut proof = Proof { run, environment, wrangler, before, target: None };
        if let Some(target) = Target::deployed(run, Some(project), environment) {
            let failed = live::before(run, environment, &target, before).await?;
            proof.target = Some((target, failed));
        }
        Ok(proof)
    }

    /// Looks again, now that the secrets are set, and takes them back when the worker is worse off. `value` is what a
    /// secret was set to.
    pub async fn end(self, value: impl Fn(&str) -> Option<String>) -> Verdict {
        let Some((target, failed_before)) = &self.target else {
            let say = "nothing says where the worker answers: ops verify --url, and --url here the next time";
            return Verdict::Unproven(say.into());
        };
        let environment = self.environment.as_str();
        let new = match self.live().await {
            Some(live) if live != self.before => live,
            _ => {
                return Verdict::Unproven(format!(
                    "which version is live is not known: ops status --env {environment}"
                ));
            }
        };
        let patience = self.run.globals().timeout.unwrap_or(PATIENCE);
        let failed = self.failing(target, &new, patience, tokens(value)).await;
        let mut failed = match failed {
            Ok(failed) => failed,
            Err(failure) => return Verdict::Unproven(said(failure)),
        };
        let late = failed.remove(OBJECTS);
        let worse: Vec<&str> = failed.difference(failed_before).map(String::as_str).collect();
        match (worse.as_slice(), late) {
            // It was not well before, and a wrong value would look the same.
            ([], _) if !failed.is_empty() => {
                let still = failed.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
                Verdict::Unproven(format!(
                    "what failed before fails still ({still}): ops verify --env {environment} says why"
                ))
            }
            ([], false) => Verdict::Proven,
            ([], true) => Verdict::Unproven(format!(
                "an object goes on with the old values, for 5 minutes at most: ops verify --env {environment} then"
            )),
            _ => self.take_back(target, failed_before, &worse.join(", ")).await,
        }
    }

    async fn take_back(&self, target: &Target, failed_before: &BTreeSet<String>, why: &str) -> Verdict {
        let (run, before) = (self.run, self.before);
        run.printer()
            .warn(&format!("with these secrets the worker fails: {why}; going back to version {before}"));
        run.step("bring back", json!({ "version": before, "why": why }));
        let back = self.wrangler.roll_back(before, &format!("ops {} secrets taken back", run.id())).await;
        let patience = run.globals().timeout.unwrap_or(PATIENCE);
        let proven = self.live().await.as_deref() == Some(before)
            && self
                .failing(target, before, patience, Tokens::from_environment())
                .await
                .is_ok_and(|now| now.is_subset(failed_before));
        let environment = self.environment.as_str();
        if proven {
            return Verdict::TakenBack(format!(
                "with the new values the worker fails ({why}); version {before} is back, with the old ones. Correct the \
                 source, then: ops deploy --env {environment} --secrets-file FILE"
            ));
        }
        let trouble = back.err().map(|trouble| format!(" ({trouble})")).unwrap_or_default();
        Verdict::Unknown(format!(
            "with the new values the worker fails ({why}), and the way back failed{trouble}: ops status --env {environment}"
        ))
    }

    async fn live(&self) -> Option<String> {
        match self.wrangler.live().await {
            Ok(Live::Deployed(live)) => live.sole().map(str::to_owned),
            _ => None,
        }
    }

    /// The checks that fail, once this version serves.
    async fn failing(
        &self,
        target: &Target,
        version: &str,
        patience: Duration,
        tokens: Tokens,
    ) -> Result<BTreeSet<String>, Failure> {
        Ok(live::look(self.run, self.environment, target, version, patience, tokens).await?.failed)
    }
}

/// What opens the worker now: the tokens it was just given, else those of the process's environment.
fn tokens(value: impl Fn(&str) -> Option<String>) -> Tokens {
    let mut tokens = Tokens::from_environment();
    if let Some(token) = value("LOG_ADMIN_TOKEN").and_then(Secret::new) {
        (tokens.read, tokens.admin) = (None, Some(token));
    }
    if let Some(token) = value("LOG_READ_TOKEN").and_then(Secret::new) {
        tokens.read = Some(token);
    }
    tokens
}

fn said(failure: Failure) -> String {
    format!("{}; {}", failure.message(), failure.hint())
}
