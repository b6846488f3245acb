//! Where the worker answers that is meant.

use log_ingestion_worker::config::Environment;
use reqwest::Url;
use serde_json::{Value, json};

use crate::{
    exit::Failure,
    project::Project,
    run::{Run, folder::StateFolder},
};

/// Where `ops dev` serves.
const LOCAL: &str = "http://127.0.0.1:8787";
/// The state folder's folder of addresses.
const FOLDER: &str = "targets";

/// The worker that is meant.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where it answers.
    pub url: Url,
    /// A page that wrangler.toml lets read answers.
    pub origin: Option<String>,
}

impl Target {
    /// [`Target::deployed`]; else, for development, the address of `ops dev`. Without `--env`: `ops dev`.
    ///
    /// # Errors
    /// When nothing says where production answers.
    pub fn of(run: &Run) -> Result<Target, Failure> {
        let globals = run.globals();
        let project = Project::find().ok();
        if let Some(target) = globals.env.and_then(|env| Target::deployed(run, project.as_ref(), env)) {
            return Ok(target);
        }
        let url = match (&globals.url, globals.env) {
            (Some(url), _) => url.clone(),
            (None, Some(Environment::Production)) => {
                return Err(Failure::new(
                    "nothing says where production answers",
                    "give --url, or fill in its route in wrangler.toml",
                ));
            }
            (None, _) => {
                Url::parse(LOCAL).map_err(|cause| Failure::new(format!("{LOCAL}: {cause}"), "give --url"))?
            }
        };
        let origin = globals.env.and_then(|env| origin(project.as_ref()?, env));
        Ok(Target { url, origin })
    }

    /// Where an environment answers: `--url`, else its route in wrangler.toml, else where the last deployment from this
    /// machine said that it answers. Nothing when nobody knows.
    pub fn deployed(run: &Run, project: Option<&Project>, environment: Environment) -> Option<Target> {
        let known = || {
            let project = project?;
            let kept = || remembered(run.folder(), &project.worker_name(environment));
            project.route_url(environment).or_else(kept)
        };
        let url = run.globals().url.clone().or_else(known)?;
        Some(Target { url, origin: project.and_then(|project| origin(project, environment)) })
    }
}

/// The first page that may read answers; of those below a domain one that is called `app`.
fn origin(project: &Project, environment: Environment) -> Option<String> {
    let listed = project.var(environment, "ALLOWED_ORIGINS")?;
    listed
        .split(',')
        .map(str::trim)
        .find(|origin| !origin.is_empty())
        .map(|origin| origin.replace("*.", "app."))
}

/// Keeps where a worker answers, for the next command.
///
/// # Errors
/// What the system says.
pub fn remember(folder: &StateFolder, worker: &str, url: &Url) -> std::io::Result<()> {
    folder.write(FOLDER, &format!("{worker}.json"), &json!({ "url": url.as_str() }).to_string())
}

fn remembered(folder: &StateFolder, worker: &str) -> Option<Url> {
    let kept: Value = serde_json::from_str(&folder.read(FOLDER, &format!("{worker}.json"))?).ok()?;
    Url::parse(kept.get("url")?.as_str()?).ok()
}
