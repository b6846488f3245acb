//! The source of truth on the disk: where it is, and who may read it.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::Value;

use super::{
    table::Table,
    validate::{Finding, Severity},
};
use crate::{exit::Failure, project::find_project};

/// The folder of such files in a person's home.
const FOLDER: &str = ".env-configs";

/// Which file it is.
#[derive(Args, Clone, Debug)]
pub struct SourceArgs {
    /// The source of truth; without it ~/.env-configs/PROJECT.env, with the name in package.json.
    #[arg(long, env = "OPS_CONFIG_SOURCE", value_name = "FILE")]
    source: Option<PathBuf>,
}

/// The source as it was read.
pub struct Source {
    /// Where it is.
    pub path: PathBuf,
    /// What it says.
    pub table: Table,
    /// What is wrong with the file itself.
    pub findings: Vec<Finding>,
}

impl SourceArgs {
    /// Where it is, or would be.
    ///
    /// # Errors
    /// When nothing says so.
    pub fn path(&self) -> Result<PathBuf, Failure> {
        if let Some(path) = &self.source {
            return Ok(path.clone());
        }
        let home = env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
        let home = home.ok_or_else(|| Failure::new("HOME is not set", "name the source: --source FILE"))?;
        Ok(home.join(FOLDER).join(format!("{}.env", project_name(&find_project()?))))
    }

    /// Whether it was named.
    pub fn is_named(&self) -> bool {
        self.source.is_some()
    }

    /// Reads it.
    ///
    /// # Errors
    /// When there is none, or it is no text.
    pub fn read(&self) -> Result<Source, Failure> {
        let path = self.path()?;
        let bytes = fs::read(&path).map_err(|cause| {
            let hint = "make one with `ops config init`, or name it: --source FILE";
            Failure::new(format!("{} cannot be read: {cause}", path.display()), hint)
        })?;
        let table = Table::parse(&bytes)
            .map_err(|problem| Failure::new(format!("{}: {problem}", path.display()), problem.hint))?;
        let findings = of_file(&path);
        Ok(Source { path, table, findings })
    }
}

fn project_name(project: &Path) -> String {
    let named = fs::read_to_string(project.join("package.json")).ok();
    let named = named.and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let named = named.and_then(|file| file.get("name")?.as_str().map(str::to_owned));
    // The scope of a name (`@company/app`) is no folder.
    let named = named.map(|name| name.rsplit('/').next().unwrap_or_default().to_owned());
    let folder = || project.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    named.filter(|name| !name.is_empty()).unwrap_or_else(folder)
}

/// What is wrong with the file, whatever it says.
fn of_file(path: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mode = fs::metadata(path).map(|meta| meta.permissions().mode() & 0o777).unwrap_or(0o600);
    if mode & 0o077 != 0 {
        findings.push(Finding {
            hint: format!("chmod 600 '{}'", path.display()),
            ..Finding::of_file(
                Severity::Warning,
                "mode",
                format!("others on this machine can read it: mode {mode:o}"),
            )
        });
    }
    if let Some(repository) = repository_of(path) {
        findings.push(Finding {
            hint: "move it out, to ~/.env-configs for example: it holds production's values".into(),
            ..Finding::of_file(
                Severity::Error,
                "in-repository",
                format!("it is inside the repository {}", repository.display()),
            )
        });
    }
    findings
}

/// The git repository around the file; a home that is one itself is not meant.
fn repository_of(path: &Path) -> Option<PathBuf> {
    let path = fs::canonicalize(path).ok()?;
    let home = env::var_os("HOME").and_then(|home| fs::canonicalize(home).ok());
    let around = path.ancestors().skip(1).find(|folder| folder.join(".git").exists())?;
    (home.as_deref() != Some(around)).then(|| around.to_owned())
}
