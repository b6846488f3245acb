//! What is live, and what can be gone back to: the API's versions and deployments beside this machine's journal.

use std::{cmp::Reverse, collections::BTreeMap};

use futures_util::{StreamExt, TryStreamExt, stream};
use log_ingestion_worker::config;
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::known::{Known, Proof};
use crate::{
    exit::Failure,
    run::printer::Mark,
    switch::{
        Switch,
        vars::{SHARDS, shards_change},
    },
    verify::Layouts,
    wrangler::{
        trouble::{Kind, Trouble},
        types::{Deployment, Version},
    },
};

/// How many calls of wrangler run beside each other: each is a Node of its own.
const BESIDE: usize = 4;
/// How many versions the platform deploys again, the newest first (Cloudflare, "Rollbacks": limits).
const DEPLOYABLE: u64 = 100;
/// What is live and what was.
#[derive(Debug)]
pub struct History {
    /// What serves.
    pub deployment: Deployment,
    /// The version that has the traffic, or the largest share of it.
    pub live: Version,
    /// The versions that were looked at, the newest first; the live one is among them.
    pub candidates: Vec<Candidate>,
    /// The versions that had all the traffic, in order, each by the deployment that gave it.
    served: Vec<String>,
    known: Known,
}

/// A version, and what stands between it and the live one.
#[derive(Debug)]
pub struct Candidate {
    /// The version.
    pub version: Version,
    /// Whether it is the live one.
    pub live: bool,
    /// When it last got all the traffic, as far as the API lists deployments.
    pub served: Option<String>,
    /// Whether this machine has proven it.
    pub proven: Option<Proof>,
    /// Secrets that changed between it and the live one. Nothing means that no sign of it was seen.
    pub secrets: Vec<SecretChange>,
    /// Whether a Durable Object migration lies between.
    pub migration: bool,
    /// Why it cannot be gone back to, and what to do instead.
    pub refused: Option<Failure>,
}

/// A secret that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SecretChange {
    /// Its name, where the journal knows it.
    pub name: Option<String>,
    /// The version that it made, or that brought it.
    pub version: String,
    /// When, RFC 3339.
    pub at: String,
    /// Who.
    pub author: String,
}

impl Serialize for Candidate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.version.id)?;
        map.serialize_entry("number", &self.version.number)?;
        map.serialize_entry("created_on", &self.version.metadata.created_on)?;
        map.serialize_entry("author", &self.version.metadata.author_email)?;
        map.serialize_entry("tag", &self.version.tag())?;
        map.serialize_entry("message", &self.version.message())?;
        map.serialize_entry("live", &self.live)?;
        map.serialize_entry("served", &self.served)?;
        map.serialize_entry("proven", &self.proven)?;
        map.serialize_entry("secrets_changed", &self.secrets)?;
        map.serialize_entry("migration_between", &self.migration)?;
        map.serialize_entry("possible", &self.refused.is_none())?;
        map.serialize_entry("why_not", &self.refused.as_ref().map(Failure::message))?;
        map.end()
    }
}

impl History {
    /// Reads it; of the versions besides the live one only those whose ids begin with `to`, when that is given.
    ///
    /// # Errors
    /// When nothing is deployed, or the API does not say.
    pub async fn read(switch: &Switch<'_>, to: Option<&str>) -> Result<History, Failure> {
        let step = switch.run.printer().step("what is live, and what was");
        let read = match History::of(switch, to).await {
            Err(trouble) if trouble.kind == Kind::NotFound => None,
            read => read.map_err(|trouble| trouble.failure())?,
        };
        let Some(read) = read else {
            step.end(Mark::Bad, "nothing");
            let message = format!("there is no worker {}: nothing to roll back", switch.worker);
            return Err(Failure::new(message, format!("deploy it: {}", switch.shown("deploy"))));
        };
        step.end(Mark::Good, &read.deployment.shares());
        Ok(read)
    }

    async fn of(switch: &Switch<'_>, to: Option<&str>) -> Result<Option<History>, Trouble> {
        let wrangler = &switch.wrangler;
        let (deployments, listed) = tokio::try_join!(wrangler.deployments(), wrangler.versions())?;
        let Some(deployment) = deployments.last().cloned() else { return Ok(None) };
        let largest =
            deployment.versions.iter().max_by(|one, other| one.percentage.total_cmp(&other.percentage));
        let live = largest.map(|share| share.version_id.clone()).unwrap_or_default();
        // The list leaves out what a version was uploaded with.
        let others = listed.iter().map(|version| version.id.as_str()).filter(|id| *id != live);
        let others = others.filter(|id| to.is_none_or(|to| id.starts_with(to)));
        let others = stream::iter(others).map(|id| wrangler.version(id)).buffer_unordered(BESIDE);
        let (live, others) = tokio::try_join!(wrangler.version(&live), others.try_collect())?;
        let known = Known::of(&switch.run.journal().runs(), switch.environment.as_str());
        Ok(Some(History::assemble(deployment, live, &deployments, &listed, others, known)))
    }

    fn assemble(
        deployment: Deployment,
        live: Version,
        deployments: &[Deployment],
        listed: &[Version],
        others: Vec<Version>,
        known: Known,
    ) -> History {
        let mut versions = others;
        versions.push(live.clone());
        versions.sort_by_key(|version| Reverse(version.number));
        let sole = |deployment: &Deployment| deployment.sole().map(str::to_owned);
        let when: BTreeMap<String, String> = deployments
            .iter()
            .filter_map(|deployment| Some((sole(deployment)?, deployment.created_on.clone())))
            .collect();
        let candidates = versions.iter().map(|version| {
            let refused = refusal(version, &live, &deployment);
            Candidate {
                live: version.id == live.id,
                served: when.get(&version.id).cloned(),
                proven: known.proven.get(&version.id).cloned(),
                secrets: secret_changes(listed, version, &live, &known),
                migration: version.migration_tag() != live.migration_tag(),
                refused,
                version: version.clone(),
            }
        });
        let candidates = candidates.collect();
        History { candidates, live, deployment, served: deployments.iter().filter_map(sole).collect(), known }
    }

    /// A version that the API does not list any more.
    pub fn unlisted(&self, version: Version) -> Candidate {
        Candidate {
            live: false,
            served: None,
            proven: self.known.proven.get(&version.id).cloned(),
            secrets: Vec::new(),
            migration: version.migration_tag() != self.live.migration_tag(),
            refused: refusal(&version, &self.live, &self.deployment),
            version,
        }
    }

    /// The layouts that the live version was seen to read, which are those of what it stored.
    pub fn stored(&self) -> Layouts {
        self.known.proven.get(&self.live.id).map(|proof| proof.layouts.clone()).unwrap_or_default()
    }

    /// The version that was live before this one: the newest that had all the traffic and was not itself left for an
    /// earlier one. It must have been proven by this machine, and possible.
    ///
    /// # Errors
    /// Why there is none that goes without saying.
    pub fn previous(&self) -> Result<&Candidate, String> {
        let number = |id: &str| {
            self.candidates.iter().find(|candidate| candidate.version.id == id).map(|c| c.version.number)
        };
        let left = |at: usize, id: &str| {
            let next = self.served.iter().skip(at + 1).find(|next| *next != id);
            next.is_some_and(|next| number(next) < number(id))
        };
        let mut earlier = self.served.iter().enumerate().rev().filter(|(_, id)| **id != self.live.id);
        let previous = earlier.find(|(at, id)| !left(*at, id)).map(|(_, id)| id);
        let previous = previous.ok_or("no version is known that was live before this one")?;
        let candidate = self.candidates.iter().find(|candidate| candidate.version.id == *previous);
        let candidate = candidate.ok_or_else(|| format!("{previous} is not listed any more"))?;
        if let Some(refused) = &candidate.refused {
            return Err(refused.message().to_owned());
        }
        if candidate.proven.is_none() {
            return Err(format!("{previous} was live before, and this machine never saw it proven"));
        }
        Ok(candidate)
    }
}

/// Why a version cannot take the place of the live one.
fn refusal(version: &Version, live: &Version, deployment: &Deployment) -> Option<Failure> {
    let id = &version.id;
    let forward = "go forward instead: deploy a repaired build";
    if deployment.sole().is_none() {
        let hint = "let it end, or end it: npx wrangler versions deploy VERSION@100%";
        let message = format!("a gradual deployment is under way: {}", deployment.shares());
        return Some(Failure::new(message, hint));
    }
    if *id == live.id {
        return Some(Failure::new(
            format!("{id} is the live version"),
            "choose another: ops rollback --list",
        ));
    }
    if version.migration_tag() != live.migration_tag() {
        let tag = |version: &Version| version.migration_tag().unwrap_or("none").to_owned();
        let message = format!(
            "a Durable Object migration lies between: {id} has {}, the live version {}",
            tag(version),
            tag(live)
        );
        return Some(Failure::new(message, forward));
    }
    if live.number.saturating_sub(version.number) >= DEPLOYABLE {
        let message =
            format!("{id} is older than the {DEPLOYABLE} newest versions, which the platform keeps");
        return Some(Failure::new(message, "check its commit out and deploy it: ops deploy"));
    }
    let secrets = version.secrets();
    if let Some(name) = config::missing_secrets(|name| secrets.contains(name)).next() {
        let message = format!("{id} has no secret {name}, and a rollback brings none");
        return Some(Failure::new(message, "check its commit out and deploy it with --secrets-file"));
    }
    if let Some((then, now)) = shards_change(&version.vars(), &live.vars()) {
        let message = format!(
            "{id} has {SHARDS} = {then}, the live version {now}: it would take no log until the buffers were drained"
        );
        let hint = "check its commit out and deploy it with the number there is now";
        return Some(Failure::new(message, hint));
    }
    None
}

/// Edits of secrets, and versions that came with secrets, after one of the two versions and up to the other.
fn secret_changes(listed: &[Version], one: &Version, other: &Version, known: &Known) -> Vec<SecretChange> {
    let (from, to) = (one.number.min(other.number), one.number.max(other.number));
    let changed = listed.iter().filter(|version| {
        let edited = version.triggered_by().is_some_and(|by| by.contains("secret"));
        version.number > from && version.number <= to && (edited || known.with_secrets.contains(&version.id))
    });
    let change = |version: &Version, name: Option<String>| SecretChange {
        name,
        version: version.id.clone(),
        at: version.metadata.created_on.clone(),
        author: version.metadata.author_email.clone(),
    };
    changed
        .flat_map(|version| match known.set.get(&version.id) {
            Some(names) => names.iter().map(|name| change(version, Some(name.clone()))).collect(),
            None => vec![change(version, None)],
        })
        .collect()
}

#[cfg(test)]
mod tests;
