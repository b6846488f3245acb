//! Where the local files are.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{dotenv::Reader, keys::Target};

/// Where the apps and their files are.
#[derive(Args, Clone, Debug)]
pub struct PlacesArgs {
    /// The folder around the apps; without it the nearest one above the worker that has a folder `apps`.
    #[arg(long, env = "OPS_APP_ROOT", value_name = "FOLDER")]
    app_root: Option<PathBuf>,
    /// The web app's local file, from the app root.
    #[arg(long, value_name = "FILE", default_value = "apps/web/.env.local")]
    web_env: PathBuf,
    /// The Convex functions' local file, from the app root. The Convex CLI is run in its folder.
    #[arg(long, value_name = "FILE", default_value = "apps/convex/.env.local")]
    convex_env: PathBuf,
    /// The worker's local file, from the app root; without it .dev.vars beside wrangler.toml.
    #[arg(long, value_name = "FILE")]
    dev_vars: Option<PathBuf>,
}

/// A local file of one target.
#[derive(Clone, Debug)]
pub struct Place {
    /// Whose it is.
    pub target: Target,
    /// Where it is.
    pub path: PathBuf,
    /// Who reads it.
    pub reader: Reader,
}

/// Where everything is, for one project.
#[derive(Clone, Debug)]
pub struct Places {
    /// The folder around the apps.
    pub app_root: PathBuf,
    /// Where the Convex CLI is run.
    pub convex: PathBuf,
    /// The local files.
    pub files: [Place; 3],
}

impl PlacesArgs {
    /// The places around this project.
    pub fn resolve(&self, project: &Path) -> Places {
        let app_root = self.app_root.clone().unwrap_or_else(|| {
            let around = project.ancestors().find(|folder| folder.join("apps").is_dir());
            around.unwrap_or(project).to_owned()
        });
        let dev_vars = match &self.dev_vars {
            Some(path) => app_root.join(path),
            None => project.join(".dev.vars"),
        };
        let place = |target, path: PathBuf, reader| Place { target, path, reader };
        let convex_env = app_root.join(&self.convex_env);
        Places {
            convex: convex_env.parent().unwrap_or(&app_root).to_owned(),
            files: [
                place(Target::NextJs, app_root.join(&self.web_env), Reader::Next),
                place(Target::Convex, convex_env, Reader::Plain),
                place(Target::Worker, dev_vars, Reader::Plain),
            ],
            app_root,
        }
    }
}
