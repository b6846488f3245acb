//! One tool: found, asked for its version, and compared.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::{Value, json};
use tokio::process::Command;

use crate::process::{find_program, is_program};

/// Longest time a tool may take to say its version.
const LIMIT: Duration = Duration::from_secs(20);
const WASM: &str = "wasm32-unknown-unknown";

/// A program that is looked for.
pub struct Tool {
    name: &'static str,
    hint: &'static str,
    needed: bool,
    /// Looked at before `PATH`, or instead of it.
    folder: Option<PathBuf>,
    only_there: bool,
    version: Version,
    least: Option<String>,
}

/// How a tool tells its version.
pub enum Version {
    /// `--version`
    Asked,
    /// The package.json of this package in node_modules: starting it takes a second.
    Package(&'static str),
}

/// What was found of a tool.
pub struct Found {
    pub name: &'static str,
    pub needed: bool,
    /// Its version, or what else there is to say when all is well.
    pub version: String,
    pub path: Option<PathBuf>,
    /// What is wrong with it.
    pub problem: Option<String>,
    /// What to do then.
    pub hint: String,
}

impl Found {
    /// For programs; the fields are stable.
    pub fn json(&self) -> Value {
        json!({
            "name": self.name,
            "needed": self.needed,
            "ok": self.problem.is_none(),
            "version": self.version,
            "path": self.path,
            "problem": self.problem,
            "hint": self.problem.as_ref().map(|_| &self.hint),
        })
    }
}

impl Tool {
    /// A program on `PATH` that is needed; `hint` says how to get it.
    pub fn new(name: &'static str, hint: &'static str) -> Tool {
        Tool {
            name,
            hint,
            needed: true,
            folder: None,
            only_there: false,
            version: Version::Asked,
            least: None,
        }
    }

    pub fn optional(self) -> Tool {
        Tool { needed: false, ..self }
    }

    /// Looked for in this folder, then on `PATH`.
    pub fn first_in(self, folder: &Path) -> Tool {
        Tool { folder: Some(folder.to_owned()), ..self }
    }

    /// Looked for in this folder alone.
    pub fn only_in(self, folder: &Path) -> Tool {
        Tool { folder: Some(folder.to_owned()), only_there: true, ..self }
    }

    pub fn version(self, version: Version) -> Tool {
        Tool { version, ..self }
    }

    /// An older one does not count; nothing: any.
    pub fn at_least(self, version: Option<String>) -> Tool {
        Tool { least: version, ..self }
    }

    /// Looks for it.
    pub async fn look(&self, project: &Path) -> Found {
        let path = match (&self.folder, self.only_there) {
            (Some(folder), true) => Some(folder.join(self.name)).filter(|file| is_program(file)),
            (folder, _) => find_program(self.name, folder.as_slice()),
        };
        let version = match (&path, &self.version) {
            (None, _) => String::new(),
            (Some(path), Version::Asked) => asked(path, &["--version"]).await,
            (Some(_), Version::Package(package)) => packaged(project, package),
        };
        let problem = match (&path, &self.least) {
            (None, _) if self.only_there => Some("missing from this project".to_owned()),
            (None, _) => Some("missing".to_owned()),
            (Some(_), Some(least)) if numbers(&version) < numbers(least) => {
                let is = if version.is_empty() { "it does not say its version" } else { &version };
                Some(format!("{is}; {least} or newer is needed"))
            }
            _ => None,
        };
        Found { name: self.name, needed: self.needed, version, path, problem, hint: self.hint.to_owned() }
    }
}

/// Rust's standard library for wasm: of the machine's own compiler, or of the one that `scripts/setup` brought.
pub async fn wasm_target(project: &Path) -> Found {
    let mut found = None;
    for compiler in [PathBuf::from("rustc"), project.join(".tools/rust/bin/rustc")] {
        let folder = PathBuf::from(asked(&compiler, &["--print", "target-libdir", "--target", WASM]).await);
        let files = fs::read_dir(&folder).into_iter().flatten().flatten();
        if files.map(|file| file.file_name()).any(|name| name.to_string_lossy().starts_with("libstd-")) {
            found = Some(folder);
            break;
        }
    }
    Found {
        name: "wasm target",
        needed: true,
        version: found.as_ref().map(|_| WASM.to_owned()).unwrap_or_default(),
        problem: found.is_none().then(|| "missing".to_owned()),
        path: found,
        hint: format!("run scripts/setup, or `rustup target add {WASM}`"),
    }
}

/// The first line it prints, without its own name; nothing when it cannot be run.
async fn asked(program: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    let Ok(Ok(output)) = tokio::time::timeout(LIMIT, command.output()).await else { return String::new() };
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().next().unwrap_or_default().trim();
    let name = program.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    line.strip_prefix(&format!("{name} ")).unwrap_or(line).to_owned()
}

fn packaged(project: &Path, package: &str) -> String {
    let text = fs::read_to_string(project.join("node_modules").join(package).join("package.json"));
    let file: Value = text.ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    file.get("version").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The first three numbers of a version.
fn numbers(version: &str) -> Vec<u32> {
    let parts = version.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
    parts.map_while(|part| part.parse().ok()).take(3).collect()
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn versions_compare_by_number() {
        assert!(
            numbers("v22.9.0") < numbers("22.12") && numbers("1.95.0 (59807616e 2026)") > numbers("1.91")
        );
    }
}
