//! A worker in production, as the tests find it: a checkout, the control plane, a Redis, and where the worker answers.

use std::{collections::BTreeMap, sync::Arc};

use ops::{upstash::Server, workerd::Config};
use serde_json::{Value, json};

use super::{
    ControlPlane, PRODUCTION, Project, deployments,
    script::{self, Version, new_id, now},
};

/// Opens reads and clear in the seeded production.
pub const ADMIN_TOKEN: &str = "admin-token-of-the-tests";

/// Everything one test needs.
pub struct Site {
    pub project: Project,
    pub plane: ControlPlane,
    pub redis: Server,
    /// Where production answers.
    pub front: String,
}

impl Site {
    /// Nothing is deployed; no value when the worker has not been built.
    pub async fn empty() -> Option<Site> {
        let project = Project::new()?;
        let plane = ControlPlane::start().await;
        let front = plane.front(PRODUCTION).await;
        Some(Site { project, plane, redis: Server::memory().await.unwrap(), front })
    }

    /// Production as it is before most things: deployed, with its secrets. And its version.
    pub async fn deployed() -> Option<(Site, String)> {
        let site = Site::empty().await?;
        let version = site.seed().await;
        Some((site, version))
    }

    /// The secrets production cannot do without, and the token that opens its reads.
    pub fn secrets(&self) -> BTreeMap<&'static str, String> {
        BTreeMap::from([
            ("UPSTASH_REDIS_REST_URL", self.redis.url()),
            ("UPSTASH_REDIS_REST_TOKEN", self.redis.token().to_owned()),
            ("LOG_ADMIN_TOKEN", ADMIN_TOKEN.to_owned()),
        ])
    }

    /// Deploys what is built past wrangler, which takes half a second. The version's id.
    async fn seed(&self) -> String {
        let built = self.project.bundle();
        let wrangler = self.project.path().join("wrangler.toml");
        let config = Config::from_wrangler(&built, &wrangler, Some("production")).unwrap();
        let text = |kind: &str, name: &str, text: &str| json!({ "name": name, "type": kind, "text": text });
        let mut bindings = vec![json!({ "name": "CF_VERSION_METADATA", "type": "version_metadata" })];
        bindings.extend(config.vars.iter().map(|(name, value)| text("plain_text", name, value)));
        bindings.extend(self.secrets().iter().map(|(name, value)| text("secret_text", name, value)));
        bindings.extend(config.objects.iter().map(|object| {
            json!({ "name": object.binding, "type": "durable_object_namespace", "class_name": object.class })
        }));
        let modules = tempfile::tempdir().unwrap();
        for file in ["entry.js", "index_bg.wasm"] {
            std::fs::copy(built.join(file), modules.path().join(file)).unwrap();
        }
        let core = &self.plane.core;
        let mut scripts = core.scripts.lock().await;
        let script = script::entry(&mut scripts, PRODUCTION, &core.end).await;
        script.migration_tag = Some("v2".to_owned());
        script.classes = config.objects.iter().map(|object| object.class.clone()).collect();
        let version = Version {
            id: new_id(),
            number: 0,
            created_on: now(),
            author: "deployer@example.com",
            annotations: BTreeMap::from([("workers/tag".to_owned(), "seeded".to_owned())]),
            modules: Arc::new(modules),
            main_module: "entry.js".to_owned(),
            bindings,
            compatibility_date: config.compatibility_date,
            compatibility_flags: config.compatibility_flags,
            migration_tag: script.migration_tag.clone(),
        };
        let id = script.add(version).await.unwrap().id;
        let immediate = json!({ "mode": "immediate" });
        let versions = vec![(id.clone(), 100.0)];
        deployments::deploy(core, script, versions, None, "deployer@example.com", &immediate).await.unwrap();
        id
    }

    pub async fn health(&self) -> Value {
        reqwest::get(format!("{}/health", self.front)).await.unwrap().json().await.unwrap()
    }

    /// The version that answers, and the version its buffer runs.
    pub async fn serving(&self) -> (String, String) {
        let health = self.health().await;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (text(&health["version"]["id"]), text(&health["components"]["buffer"]["shards"][0]["version"]))
    }

    /// The health of one deployed version, whatever its share.
    pub async fn overridden(&self, version: &str) -> Value {
        let request = reqwest::Client::new()
            .get(format!("{}/health", self.front))
            .header("Cloudflare-Workers-Version-Overrides", format!("{PRODUCTION}=\"{version}\""));
        request.send().await.unwrap().json().await.unwrap()
    }
}
