//! What a worker needs around it: bindings, compatibility, storage.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::WorkerdError;

/// How to run a bundle. The fields may be changed until it is started.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder of the built worker: its main module is `entry.js` or `index.js`, or the only script.
    pub bundle: PathBuf,
    /// The workerd program; absent: see [`super::find_workerd`].
    pub program: Option<PathBuf>,
    /// Vars and secrets: to the worker they are the same.
    pub vars: BTreeMap<String, String>,
    /// Bindings that are JSON: the version metadata, and vars that are no strings in wrangler.toml.
    pub json: BTreeMap<String, Value>,
    /// The Durable Object classes. All of them store in SQLite.
    pub objects: Vec<DurableObject>,
    /// `compatibility_date` of wrangler.toml.
    pub compatibility_date: String,
    /// `compatibility_flags` of wrangler.toml.
    pub compatibility_flags: Vec<String>,
    /// Flags for V8, such as those of its profilers.
    pub v8_flags: Vec<String>,
    /// Where the Durable Objects store; absent: a folder that goes with the runner.
    pub disk: Option<PathBuf>,
    /// The port on 127.0.0.1; absent: a free one.
    pub port: Option<u16>,
    /// Requested until anything answers, which is when the worker counts as started.
    pub ready_path: String,
}

/// A Durable Object binding.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct DurableObject {
    /// The name in the worker's environment.
    #[serde(rename = "name")]
    pub binding: String,
    /// The exported class, which also names its folder on the disk.
    #[serde(rename = "class_name")]
    pub class: String,
}

/// What the version metadata binding tells a worker of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Version {
    /// A UUID on the platform.
    pub id: String,
    /// What the deployer called it.
    pub tag: String,
    /// When it was created, RFC 3339.
    pub timestamp: String,
}

impl Version {
    /// What stands in for a version where nothing was deployed.
    pub fn local() -> Version {
        Version {
            id: "00000000-0000-4000-8000-000000000000".into(),
            tag: "local".into(),
            timestamp: "2026-01-01T00:00:00.000Z".into(),
        }
    }
}

impl Config {
    /// A bundle without any binding.
    pub fn new(bundle: impl Into<PathBuf>, compatibility_date: &str) -> Config {
        Config {
            bundle: bundle.into(),
            program: None,
            vars: BTreeMap::new(),
            objects: Vec::new(),
            json: BTreeMap::new(),
            compatibility_date: compatibility_date.to_owned(),
            compatibility_flags: Vec::new(),
            v8_flags: Vec::new(),
            disk: None,
            port: None,
            ready_path: "/".into(),
        }
    }

    /// A bundle with what a wrangler.toml states: vars, Durable Objects, version metadata, compatibility. With an
    /// environment its vars and bindings are taken and not the top level's, as wrangler does.
    ///
    /// # Errors
    /// [`WorkerdError::Wrangler`] when the file cannot be read or the environment is not in it.
    pub fn from_wrangler(
        bundle: impl Into<PathBuf>,
        wrangler_toml: &Path,
        environment: Option<&str>,
    ) -> Result<Config, WorkerdError> {
        let failed =
            |cause: String| WorkerdError::Wrangler { file: wrangler_toml.display().to_string(), cause };
        let text = std::fs::read_to_string(wrangler_toml).map_err(|cause| failed(cause.to_string()))?;
        let mut file: WranglerToml = toml::from_str(&text).map_err(|cause| failed(cause.to_string()))?;
        let mut config = Config::new(bundle, "");
        let settings = match environment {
            None => file.top.clone(),
            Some(name) => file.env.remove(name).ok_or_else(|| failed(format!("it has no [env.{name}]")))?,
        };
        let date = settings.compatibility_date.or(file.top.compatibility_date);
        config.compatibility_date = date.ok_or_else(|| failed("it has no compatibility_date".into()))?;
        config.compatibility_flags =
            settings.compatibility_flags.or(file.top.compatibility_flags).unwrap_or_default();
        config.objects = settings.durable_objects.bindings;
        for (name, value) in settings.vars {
            match value {
                Value::String(text) => config.vars.insert(name, text).map(drop),
                other => config.json.insert(name, other).map(drop),
            };
        }
        Ok(match settings.version_metadata {
            Some(metadata) => config.version(&metadata.binding, Version::local()),
            None => config,
        })
    }

    /// Sets one var or secret.
    pub fn var(mut self, name: &str, value: impl Into<String>) -> Config {
        self.vars.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a Durable Object class.
    pub fn object(mut self, binding: &str, class: &str) -> Config {
        self.objects.push(DurableObject { binding: binding.to_owned(), class: class.to_owned() });
        self
    }

    /// Sets the version metadata.
    pub fn version(mut self, binding: &str, version: Version) -> Config {
        self.json.insert(binding.to_owned(), json!(version));
        self
    }

    /// Stores in this folder, which outlives the runner.
    pub fn disk(mut self, folder: impl Into<PathBuf>) -> Config {
        self.disk = Some(folder.into());
        self
    }
}

#[derive(Deserialize)]
struct WranglerToml {
    #[serde(flatten)]
    top: Settings,
    #[serde(default)]
    env: BTreeMap<String, Settings>,
}

#[derive(Clone, Default, Deserialize)]
struct Settings {
    compatibility_date: Option<String>,
    compatibility_flags: Option<Vec<String>>,
    #[serde(default)]
    vars: BTreeMap<String, Value>,
    #[serde(default)]
    durable_objects: DurableObjects,
    version_metadata: Option<VersionMetadata>,
}

#[derive(Clone, Default, Deserialize)]
struct DurableObjects {
    #[serde(default)]
    bindings: Vec<DurableObject>,
}

#[derive(Clone, Deserialize)]
struct VersionMetadata {
    binding: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOML: &str = r#"
        name = "w"
        main = "build/index.js"
        compatibility_date = "2026-11-01"
        [vars]
        ENVIRONMENT = "development"
        RATE_LIMIT_GLOBAL = 5000
        [[durable_objects.bindings]]
        name = "LOG_BUFFER"
        class_name = "LogBuffer"
        [version_metadata]
        binding = "CF_VERSION_METADATA"
        [env.production]
        workers_dev = false
        [env.production.vars]
        ENVIRONMENT = "production"
    "#;

    #[test]
    fn an_environment_has_its_own_vars_and_bindings() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("wrangler.toml");
        std::fs::write(&file, TOML).unwrap();
        let top = Config::from_wrangler("b", &file, None).unwrap();
        assert_eq!(top.vars["ENVIRONMENT"], "development");
        assert_eq!(top.json["RATE_LIMIT_GLOBAL"], 5000);
        assert_eq!(top.objects, [DurableObject { binding: "LOG_BUFFER".into(), class: "LogBuffer".into() }]);
        assert_eq!(top.json["CF_VERSION_METADATA"]["tag"], "local");
        let production = Config::from_wrangler("b", &file, Some("production")).unwrap();
        assert_eq!(production.vars.len(), 1);
        assert_eq!((production.compatibility_date.as_str(), production.objects.len()), ("2026-11-01", 0));
        assert!(Config::from_wrangler("b", &file, Some("none")).is_err());
    }
}
