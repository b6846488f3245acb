//! Tests written in JavaScript (tests/js), for what only Node and a browser can show.

use std::{path::PathBuf, process::Command};

use ops::process::{find_program, is_program};

use super::{missing, node, project};

/// The Chromium that drives the tests: `$CHROMIUM_BIN`, the one scripts/setup brought, or the machine's.
pub fn chromium() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM_BIN") {
        return Some(PathBuf::from(named)).filter(|file| is_program(file));
    }
    let own = [project().join(".tools/bin")];
    ["chromium-headless-shell", "chromium", "google-chrome"].iter().find_map(|name| find_program(name, &own))
}

/// Runs files of tests/js, one after the other, by Node's test runner, with these variables. What needs a browser is left out, loudly, where
/// there is none.
pub fn javascript(files: &[&str], variables: &[(&str, &str)]) {
    if !project().join("node_modules/playwright-core").exists() {
        return missing("node_modules is missing or old: run scripts/setup");
    }
    let mut command = Command::new(node());
    command.args([
        "--test",
        "--test-concurrency=1",
        "--test-timeout=120000",
        "--test-force-exit",
        "--test-reporter=spec",
    ]);
    command.args(files.iter().map(|file| project().join("tests/js").join(file)));
    command.envs(variables.iter().copied()).env_remove("CHROMIUM_BIN");
    match chromium() {
        Some(program) => _ = command.env("CHROMIUM_BIN", program),
        None => missing(
            "there is no Chromium: scripts/setup brings one where there is apt, CHROMIUM_BIN names one",
        ),
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    eprintln!("{said}");
}
