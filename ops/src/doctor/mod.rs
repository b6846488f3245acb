//! `ops doctor`: what a machine needs to build, run and deploy the worker; what it has; what to type for the rest.
//!
//! It looks and changes nothing. `scripts/setup` brings most of it.

mod tool;

use std::{env, fs, path::Path};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    exit::{Exit, Failure},
    project::find_project,
    run::{
        Run,
        printer::{Mark, Printer},
    },
};
use tool::{Found, Tool, Version};

const SETUP: &str = "run scripts/setup";

/// Shows every tool, and what to do about each that is missing.
///
/// # Errors
/// When there is no project around the current folder.
pub async fn run(run: &Run) -> Result<Exit, Failure> {
    let project = find_project()?;
    let tools = tools(&project);
    let mut found: Vec<Found> = join_all(tools.iter().map(|tool| tool.look(&project))).await;
    found.push(tool::wasm_target(&project).await);
    found.push(login());
    found.push(state(run));
    let ready = found.iter().all(|found| !found.needed || found.problem.is_none());
    let printer = run.printer();
    if printer.json() {
        let all: Vec<Value> = found.iter().map(Found::json).collect();
        printer.data(&json!({ "ready": ready, "tools": all }).to_string());
    } else {
        for found in &found {
            printer.data(&line(printer, found));
        }
        printer.data(if ready {
            "Everything that is needed is here."
        } else {
            "Something that is needed is missing."
        });
    }
    Ok(if ready { Exit::Done } else { Exit::Failed })
}

fn tools(project: &Path) -> Vec<Tool> {
    let rust = field(&project.join("Cargo.toml"), "rust-version");
    let wrangler = pinned(project, "wrangler");
    let own = project.join("node_modules/.bin");
    let brought = project.join(".tools/bin");
    let machine = |name, hint| Tool::new(name, hint);
    vec![
        machine("rustc", "install Rust from https://rustup.rs, or `rustup update stable`").at_least(rust),
        machine("cargo", "install Rust from https://rustup.rs"),
        machine(
            "cc",
            "Debian: apt-get install gcc libc6-dev; Fedora: dnf install gcc; macOS: xcode-select --install",
        ),
        machine("git", "install git from your package manager"),
        machine("npm", "install Node.js from https://nodejs.org or your package manager"),
        machine("npx", "install Node.js from https://nodejs.org or your package manager"),
        machine("node", SETUP).first_in(&own).at_least(Some("22.12".into())),
        machine("wrangler", SETUP).only_in(&own).version(Version::Package("wrangler")).at_least(wrangler),
        machine("workerd", SETUP).only_in(&own).version(Version::Package("workerd")),
        machine("worker-build", SETUP).only_in(&brought),
        machine("wasm-bindgen", SETUP).only_in(&brought),
        machine("redis-server", "optional: without it local data stands in memory")
            .first_in(&brought)
            .optional(),
        machine("gh", "optional: for releases on GitHub, https://cli.github.com").optional(),
    ]
}

/// Whether wrangler will have a token: from the environment, or because somebody logged in.
fn login() -> Found {
    let given = env::var_os("CLOUDFLARE_API_TOKEN").is_some_and(|token| !token.is_empty());
    let home = env::var_os("HOME").map(std::path::PathBuf::from).unwrap_or_default();
    let files = [".config/.wrangler/config/default.toml", ".wrangler/config/default.toml"];
    let logged_in = files.iter().any(|file| home.join(file).is_file());
    let (version, problem) = match (given, logged_in) {
        (true, _) => ("CLOUDFLARE_API_TOKEN is set", None),
        (false, true) => ("wrangler is logged in", None),
        (false, false) => ("", Some("nobody is logged in".to_owned())),
    };
    let hint = "to deploy: `npx wrangler login`, or set CLOUDFLARE_API_TOKEN".to_owned();
    Found { name: "cloudflare", needed: false, version: version.into(), path: None, problem, hint }
}

/// Whether runs can leave a journal and keep a lock.
fn state(run: &Run) -> Found {
    let made = run.folder().make("runs");
    let probe = made.and_then(|folder| tempfile::NamedTempFile::new_in(&folder).map(|_| folder));
    let hint = "make it writable, or set OPS_STATE_DIR to a folder".to_owned();
    let (path, problem) = match probe {
        Ok(folder) => (folder.parent().map(Path::to_owned), None),
        Err(cause) => (None, Some(cause.to_string())),
    };
    let version = path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
    Found { name: "state folder", needed: false, version, path, problem, hint }
}

fn line(printer: &Printer, found: &Found) -> String {
    let (mark, said) = match &found.problem {
        None => (Mark::Good, &found.version),
        Some(problem) if found.needed => (Mark::Bad, problem),
        Some(problem) => (Mark::Dim, problem),
    };
    let mut line = format!("  {} {:<14} {said}", printer.for_stdout(mark.word(), mark), found.name);
    if found.problem.is_some() {
        line += &format!("\n     hint: {}", found.hint);
    }
    line
}

/// `name = "value"` in a TOML file, wherever it stands.
fn field(file: &Path, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix('='))?;
    value.split('"').nth(1).map(str::to_owned)
}

/// The version of a package that package.json pins.
fn pinned(project: &Path, package: &str) -> Option<String> {
    let text = fs::read_to_string(project.join("package.json")).ok()?;
    let file: Value = serde_json::from_str(&text).ok()?;
    file.get("devDependencies")?.get(package)?.as_str().map(str::to_owned)
}
