//! GitHub's CLI as a stand-in that keeps state: `fixtures/gh.cjs`, first on `PATH`.
#![allow(dead_code)]

use std::{
    ffi::OsString,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::project;

/// The program in a folder of its own, with what GitHub knows.
pub struct FakeGh {
    folder: TempDir,
}

impl FakeGh {
    /// Logged in, in a repository whose runs are these, the newest first.
    pub fn new(runs: Value) -> FakeGh {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("gh");
        let text = fs::read_to_string(project().join("ops/tests/fixtures/gh.cjs")).unwrap();
        let node = project().join("node_modules/.bin/node");
        let node = if node.exists() { node.display().to_string() } else { "/usr/bin/env node".into() };
        fs::write(&program, format!("#!{node}\n{text}")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let gh = FakeGh { folder };
        gh.keep(&json!({ "loggedIn": true, "remote": true, "tick": 0, "runs": runs }));
        gh
    }

    /// What GitHub knows now.
    pub fn state(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.file("state.json")).unwrap()).unwrap()
    }

    /// Changes what GitHub knows.
    pub fn with(self, key: &str, value: Value) -> FakeGh {
        let mut state = self.state();
        state[key] = value;
        self.keep(&state);
        self
    }

    /// The next `times` calls that begin so end with this status, saying this.
    pub fn failing(self, call: &str, times: u32, exit: u8, stderr: &str) -> FakeGh {
        self.with("faults", json!([{ "call": call, "times": times, "exit": exit, "stderr": stderr }]))
    }

    /// Every call so far, in words.
    pub fn calls(&self) -> Vec<String> {
        let text = fs::read_to_string(self.file("calls")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// `PATH` with it first.
    pub fn path(&self) -> OsString {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(self.folder.path().to_owned()).chain(std::env::split_paths(&path));
        std::env::join_paths(folders).unwrap()
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn keep(&self, state: &Value) {
        fs::write(self.file("state.json"), state.to_string()).unwrap();
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
