//! The project on the disk: its folder, and what wrangler.toml says of each environment.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use log_ingestion_worker::config::Environment;
use reqwest::Url;
use serde_json::Value;

use crate::exit::Failure;

/// A project's folder and its wrangler.toml.
#[derive(Clone, Debug)]
pub struct Project {
    root: PathBuf,
    file: Value,
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

impl Project {
    /// The project the current folder is in.
    ///
    /// # Errors
    /// When there is none, or its wrangler.toml cannot be read.
    pub fn find() -> Result<Project, Failure> {
        Project::open(&find_project()?)
    }

    /// The project in this folder.
    ///
    /// # Errors
    /// When its wrangler.toml cannot be read.
    pub fn open(root: &Path) -> Result<Project, Failure> {
        let path = root.join("wrangler.toml");
        let unusable = |cause: String| {
            Failure::new(format!("{} cannot be used: {cause}", path.display()), "mend the file")
        };
        let text = fs::read_to_string(&path).map_err(|cause| unusable(cause.to_string()))?;
        let file = toml::from_str(&text).map_err(|cause| unusable(cause.to_string()))?;
        Ok(Project { root: root.to_owned(), file })
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether it says anything of the environment. Development may be the file's top level.
    pub fn has(&self, environment: Environment) -> bool {
        !self.section(environment).is_null()
    }

    /// The worker's name in an environment: the one it states, else the one wrangler makes up.
    pub fn worker_name(&self, environment: Environment) -> String {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        text(self.section(environment).get("name")).unwrap_or_else(|| {
            let base = text(self.file.get("name")).unwrap_or_default();
            format!("{base}-{}", environment.as_str())
        })
    }

    /// Where a route of the environment leads to the worker; nothing without a route for one host.
    pub fn route_url(&self, environment: Environment) -> Option<Url> {
        let section = self.section(environment);
        let many = section.get("routes").and_then(Value::as_array).into_iter().flatten();
        section.get("route").into_iter().chain(many).find_map(|route| {
            let pattern = route.as_str().or_else(|| route.get("pattern")?.as_str())?;
            let (host, path) = pattern.split_once('/').unwrap_or((pattern, ""));
            let path = path.trim_end_matches('*').trim_end_matches('/');
            if host.contains('*') || path.contains('*') {
                return None;
            }
            Url::parse(&format!("https://{host}/{path}")).ok()
        })
    }

    /// Whether the worker also answers at its workers.dev name, which wrangler tells once it is deployed.
    pub fn has_workers_dev(&self, environment: Environment) -> bool {
        let own = self.section(environment).get("workers_dev");
        own.or(self.file.get("workers_dev")).and_then(Value::as_bool).unwrap_or(true)
    }

    /// A var of the environment, as text.
    pub fn var(&self, environment: Environment, name: &str) -> Option<String> {
        match self.section(environment).get("vars")?.get(name)? {
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }

    /// Every var of the environment, as texts, in the order of their names.
    pub fn vars(&self, environment: Environment) -> BTreeMap<String, String> {
        let vars = self.section(environment).get("vars").and_then(Value::as_object).into_iter().flatten();
        vars.filter_map(|(name, _)| Some((name.clone(), self.var(environment, name)?))).collect()
    }

    /// The tags of the Durable Object migrations, the oldest first. An environment inherits those of the top level.
    pub fn migrations(&self, environment: Environment) -> Vec<String> {
        let own = self.section(environment).get("migrations");
        let all = own.or(self.file.get("migrations")).and_then(Value::as_array).into_iter().flatten();
        all.filter_map(|migration| migration.get("tag")?.as_str()).map(str::to_owned).collect()
    }

    /// A setting that an environment inherits from the top level when it does not state it: routes, triggers, dates.
    pub fn inherited(&self, environment: Environment, name: &str) -> Option<&Value> {
        self.section(environment).get(name).or_else(|| self.file.get(name))
    }

    /// A setting that an environment states for itself alone: bindings.
    pub fn own(&self, environment: Environment, name: &str) -> Option<&Value> {
        self.section(environment).get(name)
    }

    fn section(&self, environment: Environment) -> &Value {
        let named = self.file.get("env").and_then(|all| all.get(environment.as_str()));
        named.unwrap_or(match environment {
            Environment::Development => &self.file,
            Environment::Production => &Value::Null,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_environment_has_a_name_vars_and_maybe_a_route() {
        let folder = tempfile::tempdir().unwrap();
        let text = r#"
            name = "w"
            migrations = [{ tag = "v1" }, { tag = "v2" }]
            [vars]
            ENVIRONMENT = "development"
            LIMIT = 5
            [env.production]
            routes = ["*.example.com/*", { pattern = "logs.example.com/in/*", zone_name = "example.com" }]
        "#;
        fs::write(folder.path().join("wrangler.toml"), text).unwrap();
        let project = Project::open(folder.path()).unwrap();
        let (development, production) = (Environment::Development, Environment::Production);
        assert_eq!(
            (project.worker_name(development), project.worker_name(production)),
            ("w".into(), "w-production".into())
        );
        assert_eq!(project.var(development, "LIMIT").as_deref(), Some("5"));
        assert_eq!(project.var(production, "LIMIT"), None);
        assert_eq!(project.vars(development).len(), 2);
        assert_eq!(project.migrations(production), ["v1", "v2"]);
        assert_eq!(project.route_url(production).unwrap().as_str(), "https://logs.example.com/in");
        assert_eq!(project.route_url(development), None);
        fs::write(folder.path().join("wrangler.toml"), "name =").unwrap();
        assert!(Project::open(folder.path()).unwrap_err().message().contains("cannot be used"));
    }
}
