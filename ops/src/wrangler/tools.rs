//! wrangler and the Node it runs on: found, and new enough.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{
    exit::Failure,
    process::{find_program, is_program},
};

/// What wrangler 4 asks for.
const NODE: (u32, u32) = (22, 12);

/// Programs that were found and are new enough.
#[derive(Clone, Debug)]
pub struct Tools {
    /// The program.
    pub wrangler: PathBuf,
    /// Its version.
    pub wrangler_version: String,
    /// Node's version.
    pub node_version: String,
    /// `PATH` with the project's own tools first.
    pub path: OsString,
}

impl Tools {
    /// Finds the project's wrangler, of the version package.json pins or newer, and a Node it can run on.
    ///
    /// # Errors
    /// What is missing or too old, and how to get it.
    pub fn find(project: &Path) -> Result<Tools, Failure> {
        let folder = project.join("node_modules/.bin");
        let wrangler = folder.join("wrangler");
        let setup = "run scripts/setup (it runs npm ci)";
        if !is_program(&wrangler) {
            return Err(Failure::new("wrangler is missing: node_modules/.bin/wrangler", setup));
        }
        let wanted = read(&project.join("package.json"), &["devDependencies", "wrangler"]);
        let version = read(&project.join("node_modules/wrangler/package.json"), &["version"]);
        let (Some(wanted), Some(version)) = (wanted, version) else {
            let message = "wrangler's version is unknown: package.json pins none, or node_modules is damaged";
            return Err(Failure::new(message, setup));
        };
        if numbers(&version) < numbers(&wanted) {
            return Err(Failure::new(
                format!("wrangler {version} is too old: package.json pins {wanted}"),
                setup,
            ));
        }
        let search = std::env::var_os("PATH").unwrap_or_default();
        let path =
            std::env::join_paths(std::iter::once(folder.clone()).chain(std::env::split_paths(&search)));
        let path =
            path.map_err(|cause| Failure::new(format!("PATH cannot be extended: {cause}"), "mend PATH"))?;
        let node_version = node(&folder)?;
        Ok(Tools { wrangler, wrangler_version: version, node_version, path })
    }
}

fn node(folder: &Path) -> Result<String, Failure> {
    let (major, minor) = NODE;
    let hint = format!("run scripts/setup (it brings Node 24), or install Node {major}.{minor} or newer");
    let program = find_program("node", &[folder.to_owned()]);
    let program = program.ok_or_else(|| Failure::new("Node is missing", hint.clone()))?;
    let output = Command::new(&program).arg("--version").stdin(Stdio::null()).output();
    let version = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let version = version.ok().filter(|version| !version.is_empty());
    let Some(version) = version else {
        return Err(Failure::new(format!("{} does not say its version", program.display()), hint));
    };
    if numbers(&version) < vec![major, minor] {
        let message = format!("Node {version} is too old for wrangler: {}", program.display());
        return Err(Failure::new(message, hint));
    }
    Ok(version)
}

/// A text in a JSON file.
fn read(file: &Path, keys: &[&str]) -> Option<String> {
    let value: Value = serde_json::from_str(&std::fs::read_to_string(file).ok()?).ok()?;
    keys.iter().try_fold(&value, |value, key| value.get(key))?.as_str().map(str::to_owned)
}

/// The numbers of a version, in order.
fn numbers(version: &str) -> Vec<u32> {
    let parts = version.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
    parts.map_while(|part| part.parse().ok()).take(3).collect()
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn versions_compare_by_number() {
        assert!(numbers("v22.9.0") < numbers("22.12"));
        assert!(numbers("v24.21.0") > numbers("22.12"));
        assert!(numbers("4.164.0") >= numbers("^4.164.0"));
    }
}
