//! A checkout as an operator has it, in a folder of its own: the real wrangler.toml, the real worker (built before),
//! the real wrangler, and a build that takes no time.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use super::{ACCOUNT, ControlPlane, TOKEN};

/// The worker of `--env production`.
pub const PRODUCTION: &str = "supportsignal-log-ingestion-worker-production";

/// The folder. It goes with the value.
pub struct Project {
    folder: TempDir,
}

impl Project {
    /// A checkout of the repository the tests are run in; nothing when that has no worker built or no wrangler.
    pub fn new() -> Option<Project> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let bundle = bundle();
        let build = bundle.parent().unwrap();
        if !build.join("index.js").exists() || !root.join("node_modules/.bin/wrangler").exists() {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        for made in ["src", "build", "scripts"] {
            fs::create_dir(here.join(made)).unwrap();
        }
        for file in ["wrangler.toml", "package.json"] {
            fs::copy(root.join(file), here.join(file)).unwrap();
        }
        for file in ["index.js", "index_bg.wasm", "static.js"] {
            fs::copy(build.join(file), here.join("build").join(file)).unwrap();
        }
        for file in fs::read_dir(root.join("src")).unwrap().map(|entry| entry.unwrap().path()) {
            if file.extension().is_some_and(|extension| extension == "mjs") {
                fs::copy(&file, here.join("src").join(file.file_name().unwrap())).unwrap();
            }
        }
        fs::rename(here.join("src/entry.mjs"), here.join("src/worker.mjs")).unwrap();
        symlink(root.join("node_modules"), here.join("node_modules")).unwrap();
        let project = Project { folder };
        project.program("scripts/build", "exit 0");
        project.code("");
        project.write(".gitignore", "node_modules\nbuild\n.wrangler*\n.state\n");
        let git = Command::new("git").current_dir(project.path()).args(["init", "--quiet"]).status();
        assert!(git.unwrap().success());
        Some(project)
    }

    /// The bundle of what is built: one ES module and its wasm.
    pub fn bundle(&self) -> PathBuf {
        bundle()
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Changes the worker's code: JavaScript that replaces exports of the module, which is `worker` there.
    pub fn code(&self, change: &str) {
        let default = if change.contains("export default") { "" } else { "export default worker.default;\n" };
        let text = format!(
            "import * as worker from \"./worker.mjs\";\nexport * from \"./worker.mjs\";\n{default}{change}\n"
        );
        self.write("src/entry.mjs", &text);
    }

    pub fn write(&self, file: &str, text: &str) {
        fs::write(self.path().join(file), text).unwrap();
    }

    /// Replaces a text of wrangler.toml.
    pub fn configure(&self, old: &str, new: &str) {
        let file = self.path().join("wrangler.toml");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(old), "wrangler.toml has no {old}");
        fs::write(file, text.replace(old, new)).unwrap();
    }

    /// Writes a shell script that can be run.
    pub fn program(&self, file: &str, text: &str) {
        self.write(file, &format!("#!/bin/sh\n{text}\n"));
        fs::set_permissions(self.path().join(file), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A command in this project whose wrangler reaches the control plane.
    pub fn command(&self, program: &str, plane: &ControlPlane) -> Command {
        let tools = self.path().join("node_modules/.bin");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(tools).chain(std::env::split_paths(&path))).unwrap();
        let mut command = Command::new(program);
        command
            .current_dir(self.path())
            .env("PATH", path)
            .env("CLOUDFLARE_API_BASE_URL", plane.url())
            .env("CLOUDFLARE_API_TOKEN", TOKEN)
            .env("CLOUDFLARE_ACCOUNT_ID", ACCOUNT)
            .env("WRANGLER_SEND_METRICS", "false")
            .env("WRANGLER_HIDE_BANNER", "true")
            .env("WRANGLER_LOG_PATH", self.path().join(".wrangler-logs"))
            // Node keeps what it compiled of wrangler: a fifth less for each call.
            .env("NODE_COMPILE_CACHE", env!("CARGO_TARGET_TMPDIR"))
            .env("CI", "true");
        command
    }
}

fn bundle() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    std::env::var_os("LOG_WORKER_BUNDLE").map_or(root.join("build/bundle"), PathBuf::from)
}
