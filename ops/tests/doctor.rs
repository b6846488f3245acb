//! `ops doctor` on machines that have everything, and on one that has little.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

/// A project and a machine's programs, all of them stand-ins that say a version.
struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    fn new() -> Machine {
        let machine = Machine { folder: tempfile::tempdir().unwrap() };
        for (file, text) in [
            ("project/wrangler.toml", "name = 'w'"),
            ("project/Cargo.toml", "[workspace.package]\nrust-version = \"1.91\" # why\n"),
            ("project/package.json", r#"{"devDependencies":{"wrangler":"4.164.0"}}"#),
            ("project/node_modules/wrangler/package.json", r#"{"version":"4.164.0"}"#),
            ("project/node_modules/workerd/package.json", r#"{"version":"1.20261120.1"}"#),
            ("wasm/libstd-1.rlib", ""),
        ] {
            machine.write(file, text);
        }
        let wasm = machine.folder.path().join("wasm");
        machine.program(
            "bin/rustc",
            &format!("case $1 in --print) echo {};; *) echo rustc 1.95.0;; esac", wasm.display()),
        );
        for (name, says) in [
            ("cargo", "cargo 1.95.0"),
            ("cc", "cc 12.2"),
            ("git", "git version 2.39"),
            ("npm", "10.9.0"),
            ("npx", "10.9.0"),
        ] {
            machine.program(&format!("bin/{name}"), &format!("echo {says}"));
        }
        for name in ["node_modules/.bin/node", "node_modules/.bin/wrangler", "node_modules/.bin/workerd"] {
            machine.program(&format!("project/{name}"), "echo v24.21.0");
        }
        for name in ["worker-build", "wasm-bindgen"] {
            machine.program(&format!("project/.tools/bin/{name}"), &format!("echo {name} 0.2.1"));
        }
        machine
    }

    fn write(&self, file: &str, text: &str) {
        let file = self.folder.path().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    fn program(&self, file: &str, text: &str) {
        self.write(file, &format!("#!/bin/sh\n{text}\n"));
        fs::set_permissions(self.folder.path().join(file), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn remove(&self, file: &str) {
        fs::remove_file(self.folder.path().join(file)).unwrap();
    }

    fn doctor(&self, arguments: &[&str]) -> Output {
        let path = |name: &str| self.folder.path().join(name);
        let mut command = Command::new(env!("CARGO_BIN_EXE_ops"));
        command.arg("doctor").args(arguments).current_dir(path("project")).stdin(Stdio::null());
        command.env("PATH", path("bin")).env("HOME", path("home")).env("OPS_STATE_DIR", path("state"));
        command.env_remove("CLOUDFLARE_API_TOKEN").output().unwrap()
    }

    fn shown(&self, output: &Output) -> String {
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        let folder = self.folder.path().to_string_lossy().into_owned();
        String::from_utf8(output.stdout.clone()).unwrap().replace(&folder, "[machine]")
    }
}

#[test]
fn a_machine_with_everything_is_told_so() {
    let machine = Machine::new();
    machine.program("bin/redis-server", "echo Redis server v=7.0.15");
    machine.program("bin/gh", "echo gh version 2.90.0");
    machine.write("home/.config/.wrangler/config/default.toml", "");
    let output = machine.doctor(&[]);
    assert_eq!(output.status.code(), Some(0));
    insta::assert_snapshot!("everything", machine.shown(&output));
}

#[test]
fn what_is_missing_or_too_old_comes_with_what_to_type() {
    let machine = Machine::new();
    machine.program("bin/rustc", "echo rustc 1.80.0");
    machine.remove("project/node_modules/.bin/wrangler");
    machine.program("project/node_modules/.bin/node", "echo v20.11.1");
    machine.remove("project/.tools/bin/worker-build");
    machine.remove("bin/cc");
    machine.write("state", "no folder");
    let output = machine.doctor(&[]);
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!("little", machine.shown(&output));
    let told: Value = serde_json::from_slice(&machine.doctor(&["--json"]).stdout).unwrap();
    assert_eq!(told["ready"], false);
    let of = |name: &str| {
        told["tools"].as_array().unwrap().iter().find(|tool| tool["name"] == name).unwrap().clone()
    };
    assert_eq!((&of("rustc")["ok"], &of("cargo")["ok"]), (&Value::Bool(false), &Value::Bool(true)));
    assert_eq!(of("wrangler")["hint"], "run scripts/setup");
    assert!(Path::new(of("cargo")["path"].as_str().unwrap()).ends_with("bin/cargo"));
}
