//! A Worker: its versions, its deployments, and what the API says of them.

use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::{envelope::Refusal, runtime::Runtime};

/// One Worker. It exists for the API from its first version on; its front exists from the first question.
pub struct Script {
    pub name: String,
    /// Oldest first.
    pub versions: Vec<Version>,
    /// Oldest first.
    pub deployments: Vec<Deployment>,
    /// The last migration that was applied.
    pub migration_tag: Option<String>,
    /// Durable Object classes that have been created.
    pub classes: Vec<String>,
    /// What is not versioned: tags, observability, logpush.
    pub settings: serde_json::Map<String, Value>,
    pub runtime: Runtime,
}

/// A version: code and bindings that never change again.
#[derive(Clone)]
pub struct Version {
    pub id: String,
    pub number: usize,
    pub created_on: String,
    pub author: &'static str,
    pub annotations: BTreeMap<String, String>,
    /// The uploaded modules.
    pub modules: Arc<TempDir>,
    pub main_module: String,
    /// As the API lists them, secrets with their values.
    pub bindings: Vec<Value>,
    pub compatibility_date: String,
    pub compatibility_flags: Vec<String>,
    pub migration_tag: Option<String>,
}

/// Which versions serve, from when on.
#[derive(Clone)]
pub struct Deployment {
    pub id: String,
    pub created_on: String,
    pub author: &'static str,
    pub annotations: BTreeMap<String, String>,
    /// Version ids and percentages.
    pub versions: Vec<(String, f64)>,
}

impl Deployment {
    pub fn json(&self) -> Value {
        let versions: Vec<Value> = self
            .versions
            .iter()
            .map(|(id, share)| json!({ "version_id": id, "percentage": share }))
            .collect();
        json!({
            "id": self.id,
            "source": "wrangler",
            "strategy": "percentage",
            "author_email": self.author,
            "created_on": self.created_on,
            "annotations": self.annotations,
            "versions": versions,
        })
    }

    /// The version Durable Objects run.
    pub fn largest(&self) -> &str {
        let largest = self.versions.iter().max_by(|one, other| one.1.total_cmp(&other.1));
        &largest.unwrap().0
    }
}

impl Version {
    /// The secrets and their values.
    pub fn secrets(&self) -> BTreeMap<String, String> {
        let secrets = self.bindings.iter().filter(|binding| binding["type"] == "secret_text");
        secrets.map(|binding| (text(&binding["name"]), text(&binding["text"]))).collect()
    }

    pub fn json(&self) -> Value {
        let hide = |binding: &Value| {
            let mut shown = binding.clone();
            if binding["type"] == "secret_text" {
                shown.as_object_mut().unwrap().remove("text");
            }
            shown
        };
        json!({
            "id": self.id,
            "number": self.number,
            "metadata": {
                "created_on": self.created_on, "modified_on": self.created_on, "source": "wrangler",
                "author_email": self.author, "author_id": "author", "has_preview": false, "hasPreview": false,
            },
            "annotations": self.annotations,
            "startup_time_ms": 10,
            "resources": {
                "script": { "etag": self.id.replace('-', ""), "handlers": ["fetch"], "last_deployed_from": "wrangler" },
                "script_runtime": {
                    "compatibility_date": self.compatibility_date,
                    "compatibility_flags": self.compatibility_flags,
                    "usage_model": "standard",
                    "migration_tag": self.migration_tag,
                },
                "bindings": self.bindings.iter().map(hide).collect::<Vec<_>>(),
            },
        })
    }

    /// The same code and bindings as a version of its own.
    pub fn again(&self, author: &'static str, triggered_by: &str) -> Version {
        let annotations = BTreeMap::from([("workers/triggered_by".to_owned(), triggered_by.to_owned())]);
        Version { id: new_id(), created_on: now(), author, annotations, ..self.clone() }
    }
}

impl Script {
    /// The current deployment.
    pub fn live(&self) -> Option<&Deployment> {
        self.deployments.last()
    }

    /// The version with the largest share of the current deployment.
    pub fn live_version(&self) -> Option<&Version> {
        self.find(self.live()?.largest()).ok()
    }

    pub fn find(&self, id: &str) -> Result<&Version, Refusal> {
        let found = self.versions.iter().find(|version| version.id == id);
        found.ok_or_else(|| Refusal::new(404, 10146, format!("Version {id} does not exist")))
    }

    pub fn secret_names(&self) -> Vec<String> {
        self.live_version().map(|version| version.secrets().into_keys().collect()).unwrap_or_default()
    }

    /// Starts the version, numbers it and keeps it.
    pub async fn add(&mut self, mut version: Version) -> Result<Version, Refusal> {
        version.number = self.versions.len() + 1;
        self.runtime.start(&version, &self.classes).await?;
        self.versions.push(version.clone());
        Ok(version)
    }

    /// Lets the Durable Objects run what is deployed.
    pub async fn update_objects(&mut self) -> Result<(), Refusal> {
        match self.live_version().cloned() {
            Some(version) => self.runtime.run_objects(&version).await,
            None => Ok(()),
        }
    }
}

/// The Worker of that name, with its front; it need not exist for the API.
pub async fn entry<'a>(
    scripts: &'a mut BTreeMap<String, Script>,
    name: &str,
    end: &CancellationToken,
) -> &'a mut Script {
    if !scripts.contains_key(name) {
        let script = Script {
            name: name.to_owned(),
            versions: Vec::new(),
            deployments: Vec::new(),
            migration_tag: None,
            classes: Vec::new(),
            settings: serde_json::Map::new(),
            runtime: Runtime::new(name, end).await,
        };
        scripts.insert(name.to_owned(), script);
    }
    scripts.get_mut(name).unwrap()
}

/// The Worker, when the API knows it.
pub fn existing<'a>(
    scripts: &'a mut BTreeMap<String, Script>,
    name: &str,
) -> Result<&'a mut Script, Refusal> {
    scripts.get_mut(name).filter(|script| !script.versions.is_empty()).ok_or_else(Refusal::no_worker)
}

/// A JSON string's text.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

pub fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// The time as the API writes it.
pub fn now() -> String {
    humantime::format_rfc3339_micros(SystemTime::now()).to_string()
}
