//! What belongs to a Worker and to no version of it: service, settings, triggers.

use serde_json::{Value, json};

use super::{
    Core,
    envelope::{Outcome, Refusal},
    script::existing,
    server::Call,
};

/// Triggers are kept beside the settings, under names the API has not.
const ROUTES: &str = "triggers: routes";
/// See [`ROUTES`].
const SCHEDULES: &str = "triggers: schedules";

/// Someone else sets cron triggers and routes, past wrangler.
pub async fn someone_sets_triggers(core: &Core, name: &str, crons: &[&str], routes: &[&str]) {
    let mut scripts = core.scripts.lock().await;
    let settings = &mut existing(&mut scripts, name).unwrap().settings;
    settings.insert(SCHEDULES.into(), crons.iter().map(|cron| json!({ "cron": cron })).collect());
    settings.insert(ROUTES.into(), routes.iter().map(|pattern| json!({ "pattern": pattern })).collect());
}

/// `GET workers/services/NAME`.
pub async fn service(core: &Core, name: &str) -> Outcome {
    let mut scripts = core.scripts.lock().await;
    let script = existing(&mut scripts, name)
        .map_err(|_| Refusal::new(404, 10090, "This legacy environment does not exist on this Worker."))?;
    let tags = script.settings.get("tags").cloned().unwrap_or_else(|| json!([]));
    Ok(json!({
        "id": name,
        "default_environment": {
            "environment": "production",
            "script": {
                "id": name, "tag": "worker-tag", "tags": tags, "last_deployed_from": "wrangler",
                "migration_tag": script.migration_tag, "etag": "etag", "handlers": ["fetch"],
            },
        },
        "environments": [{ "environment": "production" }],
    }))
}

/// `GET workers/services/NAME/environments/production/routes`.
pub async fn routes(core: &Core, name: &str) -> Outcome {
    let mut scripts = core.scripts.lock().await;
    let routes = existing(&mut scripts, name)?.settings.get(ROUTES).cloned();
    Ok(routes.unwrap_or_else(|| json!([])))
}

/// `GET workers/workers/NAME`.
pub async fn worker(core: &Core, name: &str) -> Outcome {
    let mut scripts = core.scripts.lock().await;
    existing(&mut scripts, name)?;
    Ok(json!({
        "id": "worker", "name": name,
        "subdomain": { "enabled": true, "previews_enabled": false, "url": format!("https://{name}.test.workers.dev") },
    }))
}

/// Settings and triggers of an existing Worker: read back as they were written, and without effect.
pub async fn of_script(core: &Core, name: &str, method: &str, rest: &[&str], call: &Call) -> Outcome {
    let mut scripts = core.scripts.lock().await;
    let script = existing(&mut scripts, name)?;
    let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    match (method, rest) {
        ("GET", ["settings" | "script-settings"]) => {
            let mut settings = script.settings.clone();
            settings.retain(|name, _| ![ROUTES, SCHEDULES].contains(&name.as_str()));
            let live = script.live_version().map(super::script::Version::json).unwrap_or_default();
            settings.insert("bindings".into(), live["resources"]["bindings"].clone());
            settings.insert("migration_tag".into(), json!(script.migration_tag));
            Ok(Value::Object(settings))
        }
        ("PATCH", ["script-settings"]) => {
            script.settings.extend(body.as_object().cloned().unwrap_or_default());
            Ok(Value::Object(script.settings.clone()))
        }
        ("GET" | "POST", ["subdomain"]) => Ok(json!({ "enabled": true, "previews_enabled": false })),
        ("PUT", ["routes"]) => {
            script.settings.insert(ROUTES.into(), body.clone());
            Ok(body)
        }
        ("POST", ["domains", "changeset"]) => {
            Ok(json!({ "added": [], "removed": [], "updated": [], "conflicting": [] }))
        }
        ("PUT", ["domains", "records"]) => Ok(body),
        ("GET", ["schedules"]) => {
            Ok(json!({ "schedules": script.settings.get(SCHEDULES).cloned().unwrap_or_else(|| json!([])) }))
        }
        ("PUT", ["schedules"]) => {
            script.settings.insert(SCHEDULES.into(), body.clone());
            Ok(json!({ "schedules": body }))
        }
        _ => Err(Refusal::new(404, 7003, format!("Could not route to {method} {}", call.path))),
    }
}
