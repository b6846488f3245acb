//! Deployments: which versions serve, at which percentages.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{
    Core,
    envelope::{Outcome, Refusal},
    script::{Deployment, Script, Version, existing, new_id, now, text},
    server::Call,
};

/// The API lists no more than this.
const LISTED: usize = 10;
/// Whoever else deploys to this account.
const SOMEONE: &str = "someone.else@example.com";
/// Longest deferral the API takes, in seconds.
const MAX_DELAY_S: u64 = 300;

/// `GET .../deployments`, newest first.
pub async fn list(core: &Core, name: &str) -> Outcome {
    let mut scripts = core.scripts.lock().await;
    let script = existing(&mut scripts, name)?;
    let deployments: Vec<Value> =
        script.deployments.iter().rev().take(LISTED).map(Deployment::json).collect();
    Ok(json!({ "deployments": deployments }))
}

/// `GET .../versions`, newest first.
pub async fn versions(core: &Core, name: &str) -> Outcome {
    let mut scripts = core.scripts.lock().await;
    let script = existing(&mut scripts, name)?;
    let items: Vec<Value> = script.versions.iter().rev().take(LISTED).map(|version| version.json()).collect();
    Ok(json!({ "items": items }))
}

/// `GET .../versions/ID`.
pub async fn version(core: &Core, name: &str, id: &str) -> Outcome {
    let mut scripts = core.scripts.lock().await;
    Ok(existing(&mut scripts, name)?.find(id)?.json())
}

/// `POST .../deployments`.
pub async fn create(core: &Arc<Core>, name: &str, call: &Call) -> Outcome {
    let body: Value =
        serde_json::from_slice(&call.body).map_err(|cause| Refusal::malformed(cause.to_string()))?;
    let mut scripts = core.scripts.lock().await;
    let script = existing(&mut scripts, name)?;
    let versions: Vec<(String, f64)> = body["versions"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|version| (text(&version["version_id"]), version["percentage"].as_f64().unwrap_or_default()))
        .collect();
    let total: f64 = versions.iter().map(|(_, share)| share).sum();
    if versions.is_empty() || versions.len() > 2 || (total - 100.0).abs() > 0.01 {
        return Err(Refusal::new(400, 10001, "The percentages of one or two versions must add up to 100"));
    }
    let force = call.query.split('&').any(|pair| pair == "force=true");
    for (id, _) in &versions {
        deployable(script, id, force)?;
    }
    let message = body["annotations"]["workers/message"].as_str().map(str::to_owned);
    let deployer = "deployer@example.com";
    deploy(core, script, versions, message, deployer, &body["code_update_strategy"]).await
}

/// Whether a version may (again) be deployed. One that is deployed now always may.
fn deployable(script: &Script, id: &str, force: bool) -> Result<(), Refusal> {
    let version = script.find(id)?;
    if script.live().is_some_and(|live| live.versions.iter().any(|(live, _)| live == id)) {
        return Ok(());
    }
    if version.migration_tag != script.migration_tag {
        let message = format!(
            "Version {id} cannot be deployed: a Durable Object migration was applied since it was uploaded"
        );
        return Err(Refusal::new(400, 100_140, message));
    }
    let Some(live) = script.live_version().filter(|live| live.number > version.number && !force) else {
        return Ok(());
    };
    let (then, now) = (version.secrets(), live.secrets());
    let changed: Vec<&str> = then
        .keys()
        .chain(now.keys())
        .filter(|name| then.get(*name) != now.get(*name))
        .map(String::as_str)
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    let message = format!("The following secrets have changed: {}", changed.join(", "));
    Err(Refusal::new(400, 10220, message))
}

/// Records the deployment, and brings it to the edge after the propagation delay.
pub async fn deploy(
    core: &Arc<Core>,
    script: &mut Script,
    versions: Vec<(String, f64)>,
    message: Option<String>,
    author: &'static str,
    strategy: &Value,
) -> Outcome {
    let mut annotations = BTreeMap::from([("workers/triggered_by".to_owned(), "deployment".to_owned())]);
    annotations.extend(message.map(|message| ("workers/message".to_owned(), message)));
    let deployment = Deployment { id: new_id(), created_on: now(), author, annotations, versions };
    script.deployments.push(deployment.clone());
    let objects = match strategy["mode"].as_str() {
        Some("immediate") => Duration::ZERO,
        _ => Duration::from_secs(strategy["max_delay"].as_u64().unwrap_or(MAX_DELAY_S)),
    };
    let delay = *core.propagation.lock().unwrap();
    if *core.frozen.lock().unwrap() {
        // It will never be seen anywhere but in the API.
    } else if delay.is_zero() {
        take_effect(core, script, &deployment.id, objects).await?;
    } else {
        later(core, script, deployment.id.clone(), delay, Effect::Traffic { objects });
    }
    Ok(deployment.json())
}

/// What a deployment changes some time after it was made.
enum Effect {
    Traffic { objects: Duration },
    Objects,
}

fn later(core: &Arc<Core>, script: &Script, deployment: String, delay: Duration, effect: Effect) {
    let (core, name) = (core.clone(), script.name.clone());
    tokio::spawn(async move {
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = core.end.cancelled() => return,
        }
        let mut scripts = core.scripts.lock().await;
        let Some(script) = scripts.get_mut(&name) else { return };
        // A newer deployment has its own way to the edge.
        if script.live().is_none_or(|live| live.id != deployment) {
            return;
        }
        let outcome = match effect {
            Effect::Traffic { objects } => Box::pin(take_effect(&core, script, &deployment, objects)).await,
            Effect::Objects => script.update_objects().await,
        };
        if let Err(refusal) = outcome {
            eprintln!("a deployment could not take effect: {}", refusal.message);
        }
    });
}

async fn take_effect(
    core: &Arc<Core>,
    script: &mut Script,
    deployment: &str,
    objects: Duration,
) -> Result<(), Refusal> {
    let Some(live) = script.live().filter(|live| live.id == deployment).cloned() else { return Ok(()) };
    let mut versions = Vec::new();
    for (id, share) in &live.versions {
        versions.push((script.find(id)?.clone(), *share));
    }
    script.runtime.serve(&versions).await?;
    if objects.is_zero() || !script.runtime.has_objects() {
        script.update_objects().await?;
    } else {
        later(core, script, deployment.to_owned(), objects, Effect::Objects);
    }
    Ok(())
}

/// See [`super::ControlPlane::someone_uploads`].
pub async fn someone_uploads(core: &Arc<Core>, name: &str) -> String {
    let mut scripts = core.scripts.lock().await;
    let script = existing(&mut scripts, name).unwrap();
    let version = script.live_version().unwrap().again(SOMEONE, "version_upload");
    script.add(version).await.unwrap().id
}

/// See [`super::ControlPlane::someone_deploys`].
pub async fn someone_deploys(core: &Arc<Core>, name: &str) -> String {
    let id = someone_uploads(core, name).await;
    let mut scripts = core.scripts.lock().await;
    let script = existing(&mut scripts, name).unwrap();
    let immediate = json!({ "mode": "immediate" });
    let versions = vec![(id.clone(), 100.0)];
    deploy(core, script, versions, Some("someone else's".into()), SOMEONE, &immediate).await.unwrap();
    id
}

/// See [`super::ControlPlane::someone_removes_secret`].
pub async fn someone_removes_secret(core: &Arc<Core>, name: &str, secret: &str) {
    someone_edits(core, name, |version| version.bindings.retain(|binding| binding["name"] != secret)).await;
}

/// See [`super::ControlPlane::someone_edits`].
pub async fn someone_edits(core: &Arc<Core>, name: &str, edit: impl FnOnce(&mut Version)) {
    let mut scripts = core.scripts.lock().await;
    let script = existing(&mut scripts, name).unwrap();
    let mut version = script.live_version().unwrap().again(SOMEONE, "secret");
    edit(&mut version);
    let id = script.add(version).await.unwrap().id;
    let immediate = json!({ "mode": "immediate" });
    deploy(core, script, vec![(id, 100.0)], None, SOMEONE, &immediate).await.unwrap();
}

/// See [`super::ControlPlane::someone_splits`].
pub async fn someone_splits(core: &Arc<Core>, name: &str, percentage: f64) -> String {
    let id = someone_uploads(core, name).await;
    let mut scripts = core.scripts.lock().await;
    let script = existing(&mut scripts, name).unwrap();
    let old = script.live_version().unwrap().id.clone();
    let versions = vec![(id.clone(), percentage), (old, 100.0 - percentage)];
    deploy(core, script, versions, None, SOMEONE, &Value::Null).await.unwrap();
    id
}
