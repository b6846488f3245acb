//! Secrets: each edit is a new version of the latest code, deployed at once.

use std::{collections::BTreeMap, sync::Arc};

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::{
    Core, deployments,
    envelope::{Outcome, Refusal},
    script::{Script, Version, existing, text},
    server::Call,
};

const DEPLOYER: &str = "deployer@example.com";

/// New values by name; nothing is a deletion.
type Edits = BTreeMap<String, Option<String>>;

/// `GET .../secrets`: the names.
pub async fn list(core: &Core, name: &str) -> Outcome {
    let mut scripts = core.scripts.lock().await;
    let names = existing(&mut scripts, name)?.secret_names();
    Ok(names.into_iter().map(|name| json!({ "name": name, "type": "secret_text" })).collect())
}

/// `PUT .../secrets`.
pub async fn put(core: &Arc<Core>, name: &str, call: &Call) -> Outcome {
    let body = body(call)?;
    let key = text(&body["name"]);
    edit(core, name, Edits::from([(key.clone(), Some(text(&body["text"])))])).await?;
    Ok(json!({ "name": key, "type": "secret_text" }))
}

/// `PATCH .../secrets-bulk`.
pub async fn bulk(core: &Arc<Core>, name: &str, call: &Call) -> Outcome {
    edit(core, name, edits(&body(call)?["secrets"])).await?;
    Ok(json!({}))
}

/// `DELETE .../secrets/KEY`.
pub async fn delete(core: &Arc<Core>, name: &str, key: &str) -> Outcome {
    let key = percent_decode_str(key).decode_utf8_lossy().into_owned();
    edit(core, name, Edits::from([(key, None)])).await?;
    Ok(Value::Null)
}

/// `PATCH .../versions/latest`: a version of the latest code that is not deployed.
pub async fn patch_latest(core: &Arc<Core>, name: &str, call: &Call) -> Outcome {
    let body = body(call)?;
    let mut scripts = core.scripts.lock().await;
    let script = existing(&mut scripts, name)?;
    let mut version = edited(script, &edits(&body["env"]));
    for (key, value) in body["annotations"].as_object().into_iter().flatten() {
        version.annotations.insert(key.clone(), text(value));
    }
    Ok(script.add(version).await?.json())
}

fn body(call: &Call) -> Result<Value, Refusal> {
    serde_json::from_slice(&call.body).map_err(|cause| Refusal::malformed(cause.to_string()))
}

fn edits(secrets: &Value) -> Edits {
    let all = secrets.as_object().into_iter().flatten();
    all.map(|(name, value)| (name.clone(), value.get("text").map(text))).collect()
}

async fn edit(core: &Arc<Core>, name: &str, edits: Edits) -> Result<(), Refusal> {
    let mut scripts = core.scripts.lock().await;
    let script = existing(&mut scripts, name)?;
    let latest = script.versions.last().map(|version| version.id.clone()).unwrap_or_default();
    let live = script.live().map(|live| live.versions.clone()).unwrap_or_default();
    if live.len() != 1 || live[0].0 != latest {
        let message = "Secret edit failed. You attempted to modify a secret, but the latest version of your Worker isn't currently deployed.";
        return Err(Refusal::new(400, 10215, message));
    }
    let version = script.add(edited(script, &edits)).await?;
    // The objects hold the secrets as well: an edit resets them.
    let immediate = json!({ "mode": "immediate" });
    deployments::deploy(core, script, vec![(version.id, 100.0)], None, DEPLOYER, &immediate).await?;
    Ok(())
}

/// The latest version with other secrets: without its tag and message, as the platform does.
fn edited(script: &Script, edits: &Edits) -> Version {
    let latest = script.versions.last().unwrap();
    let mut version = latest.again(DEPLOYER, "secret");
    version.bindings.retain(|binding| !edits.contains_key(&text(&binding["name"])));
    let set = edits.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    version
        .bindings
        .extend(set.map(|(name, value)| json!({ "name": name, "type": "secret_text", "text": value })));
    version
}
