//! Uploads: one part of metadata, one per module.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    Core, deployments,
    envelope::{Outcome, Refusal},
    migrations,
    script::{self, Script, Version, existing, new_id, now, text},
    server::Call,
};

/// What was uploaded.
struct Upload {
    metadata: Value,
    modules: TempDir,
}

/// `POST .../versions`: a version that is not deployed.
pub async fn post_version(core: &Arc<Core>, name: &str, call: &Call) -> Outcome {
    let upload = read(call).await?;
    let mut scripts = core.scripts.lock().await;
    let script = existing(&mut scripts, name)?;
    if upload.metadata.get("migrations").is_some() {
        let message = "Version upload failed. You attempted to upload a version of your Worker that includes a Durable Object migration";
        return Err(Refusal::new(400, 10211, message));
    }
    let version = version_of(script, upload, "version_upload")?;
    let version = script.add(version).await?;
    Ok(version.json())
}

/// `PUT .../scripts/NAME`: a version and its deployment in one step.
pub async fn put_script(core: &Arc<Core>, name: &str, call: &Call) -> Outcome {
    let upload = read(call).await?;
    let mut scripts = core.scripts.lock().await;
    let script = script::entry(&mut scripts, name, &core.end).await;
    let (tag, classes) = (script.migration_tag.clone(), script.classes.clone());
    let metadata = upload.metadata.clone();
    let migrating = metadata.get("migrations").is_some_and(|migrations| !migrations.is_null());
    let added: Result<Version, Refusal> = async {
        if migrating {
            migrations::apply(script, &metadata["migrations"])?;
        }
        let version = version_of(script, upload, "upload")?;
        script.add(version).await
    }
    .await;
    let version = added.inspect_err(|_| {
        script.migration_tag = tag;
        script.classes = classes;
    })?;
    let message = version.annotations.get("workers/message").cloned();
    let strategy =
        if migrating { json!({ "mode": "immediate" }) } else { metadata["code_update_strategy"].clone() };
    let versions = vec![(version.id.clone(), 100.0)];
    deployments::deploy(core, script, versions, message, version.author, &strategy).await?;
    Ok(json!({
        "id": name,
        "etag": version.id.replace('-', ""),
        "deployment_id": version.id.replace('-', ""),
        "startup_time_ms": 10,
        "entry_point": version.main_module,
    }))
}

/// Reads the multipart body; the modules are written to a folder.
async fn read(call: &Call) -> Result<Upload, Refusal> {
    let failed = |cause: multer::Error| Refusal::malformed(cause.to_string());
    let boundary = multer::parse_boundary(&call.content_type).map_err(failed)?;
    let body = futures_util::stream::iter([Ok::<_, std::io::Error>(call.body.clone())]);
    let mut parts = multer::Multipart::new(body, boundary);
    let folder = tempfile::tempdir().unwrap();
    let mut metadata = Value::Null;
    while let Some(part) = parts.next_field().await.map_err(failed)? {
        let name = part.name().unwrap_or_default().to_owned();
        let kind = part.content_type().map(ToString::to_string).unwrap_or_default();
        let bytes = part.bytes().await.map_err(failed)?;
        if name == "metadata" {
            metadata =
                serde_json::from_slice(&bytes).map_err(|cause| Refusal::malformed(cause.to_string()))?;
        } else if kind == "application/source-map" {
            continue;
        } else if kind == "application/javascript+module" || kind == "application/wasm" {
            let file = folder.path().join(name.trim_start_matches("./"));
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, bytes).unwrap();
        } else {
            return Err(Refusal::malformed(format!("module {name}: {kind} is not modelled")));
        }
    }
    if metadata.is_null() {
        return Err(Refusal::malformed("there is no metadata part"));
    }
    Ok(Upload { metadata, modules: folder })
}

fn version_of(script: &Script, upload: Upload, triggered_by: &str) -> Result<Version, Refusal> {
    let metadata = &upload.metadata;
    let mut annotations: BTreeMap<String, String> = metadata["annotations"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.clone(), text(value)))
        .collect();
    annotations.insert("workers/triggered_by".into(), triggered_by.into());
    if annotations.get("workers/message").is_some_and(|message| message.len() > 100) {
        return Err(Refusal::new(400, 10054, "Annotation workers/message is longer than 100 bytes"));
    }
    let version = Version {
        id: new_id(),
        number: 0,
        created_on: now(),
        author: "deployer@example.com",
        annotations,
        main_module: text(&metadata["main_module"]),
        bindings: bindings(script, metadata)?,
        compatibility_date: text(&metadata["compatibility_date"]),
        compatibility_flags: metadata["compatibility_flags"]
            .as_array()
            .into_iter()
            .flatten()
            .map(text)
            .collect(),
        migration_tag: script.migration_tag.clone(),
        modules: Arc::new(upload.modules),
    };
    for binding in version.bindings.iter().filter(|binding| binding["type"] == "durable_object_namespace") {
        let class = text(&binding["class_name"]);
        if !script.classes.contains(&class) {
            let message =
                format!("Cannot create binding for class '{class}' that is not exported or has no migration");
            return Err(Refusal::new(400, 10061, message));
        }
    }
    Ok(version)
}

/// The uploaded bindings; what they inherit, and the kinds that are kept, come from the latest version.
fn bindings(script: &Script, metadata: &Value) -> Result<Vec<Value>, Refusal> {
    let latest = script.versions.last().map(|version| version.bindings.as_slice()).unwrap_or_default();
    let mut bindings = Vec::new();
    for binding in metadata["bindings"].as_array().into_iter().flatten() {
        if binding["type"] == "inherit" {
            let inherited = latest.iter().find(|earlier| earlier["name"] == binding["name"]);
            let missing = || {
                let message = format!("Binding {} cannot be inherited: it does not exist", binding["name"]);
                Refusal::new(400, 10057, message)
            };
            bindings.push(inherited.ok_or_else(missing)?.clone());
        } else {
            bindings.push(binding.clone());
        }
    }
    let kept: Vec<String> = metadata["keep_bindings"].as_array().into_iter().flatten().map(text).collect();
    for earlier in latest.iter().filter(|earlier| kept.contains(&text(&earlier["type"]))) {
        if !bindings.iter().any(|binding| binding["name"] == earlier["name"]) {
            bindings.push(earlier.clone());
        }
    }
    Ok(bindings)
}
