//! What wrangler.toml says of one environment: the worker's name, its migrations, where it answers.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use log_ingestion_worker::config::Environment;
use serde::Deserialize;
use serde_json::Value;

use crate::exit::Failure;

/// One environment of wrangler.toml.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    /// The worker's name.
    pub worker: String,
    /// The tags of its Durable Object migrations, the oldest first.
    pub migrations: Vec<String>,
    /// Its vars, as texts.
    pub vars: BTreeMap<String, String>,
    /// Whether it answers on workers.dev.
    pub workers_dev: bool,
    /// Its routes' patterns, as `logs.example.com/*`.
    pub routes: Vec<String>,
    environment: Option<&'static str>,
}

impl WorkerConfig {
    /// Reads the project's wrangler.toml. Development is its top level, production `[env.production]`.
    ///
    /// # Errors
    /// When it cannot be read, or says nothing of the environment.
    pub fn read(project: &Path, environment: Environment) -> Result<WorkerConfig, Failure> {
        let file = project.join("wrangler.toml");
        let failed = |cause: String| {
            Failure::new(
                format!("{} cannot be used: {cause}", file.display()),
                "mend it, or restore it from git",
            )
        };
        let text = std::fs::read_to_string(&file).map_err(|cause| failed(cause.to_string()))?;
        let mut toml: File = toml::from_str(&text).map_err(|cause| failed(cause.to_string()))?;
        let environment = match environment {
            Environment::Development => None,
            Environment::Production => Some(environment.as_str()),
        };
        let (section, inherited) = match environment {
            None => (toml.top.clone(), Section::default()),
            Some(name) => {
                let section =
                    toml.env.remove(name).ok_or_else(|| failed(format!("it has no [env.{name}]")))?;
                (section, toml.top)
            }
        };
        let default_name = || Some(format!("{}-{}", inherited.name.clone()?, environment?));
        let worker =
            section.name.clone().or_else(default_name).ok_or_else(|| failed("it names no worker".into()))?;
        let migrations = section.migrations.or(inherited.migrations).unwrap_or_default();
        let routes = section.routes.or(inherited.routes).unwrap_or_default().into_iter();
        let routes: Vec<String> =
            routes.chain(section.route.or(inherited.route)).map(Route::pattern).collect();
        Ok(WorkerConfig {
            worker,
            migrations: migrations.into_iter().map(|migration| migration.tag).collect(),
            vars: section.vars.into_iter().map(|(name, value)| (name, as_text(value))).collect(),
            workers_dev: section.workers_dev.or(inherited.workers_dev).unwrap_or(routes.is_empty()),
            routes,
            environment,
        })
    }

    /// What stands after `--env`; nothing for the top level.
    pub fn environment(&self) -> Option<&'static str> {
        self.environment
    }

    /// The address of the first route without a wildcard before its path: where requests of our own can go.
    pub fn route_url(&self) -> Option<String> {
        let plain = self.routes.iter().map(|route| route.trim_end_matches('*').trim_end_matches('/'));
        plain
            .filter(|route| !route.contains('*') && !route.is_empty())
            .map(|route| format!("https://{route}"))
            .next()
    }
}

/// The nearest folder upwards that has a wrangler.toml.
///
/// # Errors
/// When there is none.
pub fn find_project() -> Result<PathBuf, Failure> {
    let hint = "run this inside the project's folder";
    let here =
        std::env::current_dir().map_err(|cause| Failure::new(format!("no current folder: {cause}"), hint))?;
    let found = here.ancestors().find(|folder| folder.join("wrangler.toml").is_file());
    let missing =
        || Failure::new(format!("there is no wrangler.toml in {} or above it", here.display()), hint);
    found.map(Path::to_owned).ok_or_else(missing)
}

fn as_text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

#[derive(Deserialize)]
struct File {
    #[serde(flatten)]
    top: Section,
    #[serde(default)]
    env: BTreeMap<String, Section>,
}

#[derive(Clone, Default, Deserialize)]
struct Section {
    name: Option<String>,
    migrations: Option<Vec<Migration>>,
    #[serde(default)]
    vars: BTreeMap<String, Value>,
    workers_dev: Option<bool>,
    routes: Option<Vec<Route>>,
    route: Option<Route>,
}

#[derive(Clone, Deserialize)]
struct Migration {
    tag: String,
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Route {
    Pattern(String),
    Table { pattern: String },
}

impl Route {
    fn pattern(self) -> String {
        let (Route::Pattern(pattern) | Route::Table { pattern }) = self;
        pattern
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOML: &str = r#"
        name = "w"
        [[migrations]]
        tag = "v1"
        [[migrations]]
        tag = "v2"
        [vars]
        ENVIRONMENT = "development"
        RATE_LIMIT_GLOBAL = 5000
        [env.production]
        workers_dev = false
        routes = ["*.example.com/*", { pattern = "logs.example.com/*", zone_name = "example.com" }]
        [env.production.vars]
        ENVIRONMENT = "production"
    "#;

    #[test]
    fn an_environment_inherits_migrations_and_not_vars() {
        let project = tempfile::tempdir().unwrap();
        std::fs::write(project.path().join("wrangler.toml"), TOML).unwrap();
        let top = WorkerConfig::read(project.path(), Environment::Development).unwrap();
        assert_eq!((top.worker.as_str(), top.environment(), top.workers_dev), ("w", None, true));
        assert_eq!(top.vars["RATE_LIMIT_GLOBAL"], "5000");
        let production = WorkerConfig::read(project.path(), Environment::Production).unwrap();
        assert_eq!(
            (production.worker.as_str(), production.environment()),
            ("w-production", Some("production"))
        );
        assert_eq!(production.migrations, ["v1", "v2"]);
        assert_eq!((production.vars.len(), production.workers_dev), (1, false));
        assert_eq!(production.route_url().as_deref(), Some("https://logs.example.com"));
    }

    #[test]
    fn what_is_missing_is_named() {
        let project = tempfile::tempdir().unwrap();
        let missing = WorkerConfig::read(project.path(), Environment::Production).unwrap_err();
        assert!(missing.message().contains("wrangler.toml cannot be used"), "{missing}");
        std::fs::write(project.path().join("wrangler.toml"), "name = 'w'").unwrap();
        let missing = WorkerConfig::read(project.path(), Environment::Production).unwrap_err();
        assert!(missing.message().ends_with("it has no [env.production]"), "{missing}");
    }
}
