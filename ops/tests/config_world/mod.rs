//! A developer's machine for `ops config`: apps, a source of truth, and stand-ins for `convex` and `gh` that keep state.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use serde_json::{Value, json};

/// Stands in every value of production; a part of it would be enough.
pub const CANARY: &str = "kanarienvogel";

/// Secrets of development in [`source`]: in local files, and in no output and no journal.
pub const SECRETS: [&str; 3] = ["a$b#c 'd'", "dev | mail", "dev-token-123"];

/// The passphrase of production's backups, made of parts: it is no secret of anybody's.
pub fn passphrase() -> String {
    ["a passphrase", "of the tests"].join(" ")
}

const WRANGLER: &str = "# the worker\nname = \"w\"\n\n[vars]\nENVIRONMENT = \"development\" # stays\n\n\
    [env.production]\nname = \"w-production\"\n\n[env.production.vars]\nENVIRONMENT = \"production\"\n";

/// A machine in a folder of its own.
pub struct World {
    folder: tempfile::TempDir,
}

/// What `ops` said.
#[derive(Debug)]
pub struct Told {
    pub exit: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Told {
    pub fn all(&self) -> String {
        format!("exit {:?}\n{}\n{}", self.exit, self.stdout, self.stderr)
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(self.stdout.trim()).unwrap_or_else(|_| panic!("no JSON: {}", self.all()))
    }
}

impl World {
    /// With the apps `web` and `convex`, and the worker beside them, in one repository.
    pub fn new(source: &str) -> World {
        let world = World { folder: tempfile::tempdir().unwrap() };
        for folder in ["home", "tmp", "remote", "app/apps/web", "app/apps/convex", "app/apps/worker"] {
            fs::create_dir_all(world.path(folder)).unwrap();
        }
        world.write("app/apps/worker/wrangler.toml", WRANGLER);
        world.write("app/apps/worker/package.json", r#"{"name":"@company/w"}"#);
        world.write("app/.gitignore", ".env*.local\n.dev.vars*\n");
        world.program("bin/convex", include_str!("convex.sh"));
        world.program("bin/gh", include_str!("gh.sh"));
        let git = Command::new("git").current_dir(world.path("app")).args(["init", "--quiet"]).status();
        assert!(git.unwrap().success());
        world.source(source);
        world
    }

    /// The same once more, in another folder: with `cp`, which keeps modes.
    pub fn copy(&self) -> World {
        let world = World { folder: tempfile::tempdir().unwrap() };
        let from = format!("{}/.", self.folder.path().display());
        let copied = Command::new("cp").args(["-a", &from]).arg(world.folder.path()).status();
        assert!(copied.unwrap().success());
        // What generated files say of where their source is.
        let (old, new) = (self.folder.path().to_string_lossy(), world.folder.path().to_string_lossy());
        for file in world.files(&world.path("app/apps")) {
            if let Ok(text) = fs::read_to_string(&file).map(|text| text.replace(&*old, &new)) {
                fs::write(&file, text).unwrap();
            }
        }
        world
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    pub fn write(&self, file: &str, text: &str) {
        let file = self.path(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    pub fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap_or_default()
    }

    fn program(&self, file: &str, text: &str) {
        self.write(file, text);
        fs::set_permissions(self.path(file), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Puts a stand-in for wrangler beside the worker: it tells of the live version what `remote/version.json` says.
    pub fn wrangler(&self, bindings: &Value) {
        let bin = "app/apps/worker/node_modules";
        self.program(&format!("{bin}/.bin/wrangler"), include_str!("wrangler.sh"));
        self.write(&format!("{bin}/wrangler/package.json"), r#"{"version":"4.164.0"}"#);
        self.write(
            "app/apps/worker/package.json",
            r#"{"name":"w","devDependencies":{"wrangler":"4.164.0"}}"#,
        );
        self.program("bin/node", "#!/bin/sh\necho v24.21.0\n");
        self.write("app/.gitignore", ".env*.local\n.dev.vars*\nnode_modules\n");
        let runtime = json!({ "compatibility_date": "2026-11-01", "migration_tag": "v2" });
        let resources = json!({ "bindings": bindings, "script_runtime": runtime });
        let version = json!({ "id": "v", "number": 1, "metadata": {}, "resources": resources });
        self.write("remote/version.json", &version.to_string());
    }

    /// Changes what that stand-in tells.
    pub fn edit_version(&self, edit: impl FnOnce(&mut Value)) {
        let mut version = serde_json::from_str(&self.read("remote/version.json")).unwrap();
        edit(&mut version);
        self.write("remote/version.json", &version.to_string());
    }

    /// Replaces the source of truth.
    pub fn source(&self, text: &str) {
        self.write("home/.env-configs/w.env", text);
        let file = self.path("home/.env-configs/w.env");
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// What a deployment holds, by its name: `dev`, `prod`, `gh-development`, `gh-production`.
    pub fn remote(&self, name: &str) -> BTreeMap<String, String> {
        let entries = fs::read_dir(self.path("remote").join(name)).into_iter().flatten().flatten();
        let value = |text: String| match name.starts_with("gh-") {
            true => text.split_once('\n').unwrap().1.to_owned(),
            false => text,
        };
        let pair = |entry: fs::DirEntry| {
            (entry.file_name().into_string().unwrap(), value(fs::read_to_string(entry.path()).unwrap()))
        };
        entries.map(pair).collect()
    }

    /// Sets a variable past everything.
    pub fn set_remote(&self, name: &str, key: &str, value: &str) {
        self.write(&format!("remote/{name}/{key}"), value);
    }

    /// Lets calls of `convex` or `gh` go wrong from here on, as lines of `N WHAT`.
    pub fn faults(&self, program: &str, lines: &str) {
        let _ = fs::remove_file(self.path(&format!("remote/{program}.count")));
        self.write(&format!("remote/{program}.faults"), lines);
    }

    /// How often a program was called since its faults were set.
    pub fn calls(&self, program: &str) -> usize {
        self.read(&format!("remote/{program}.count")).trim().parse().unwrap_or(0)
    }

    /// `ops config ARGUMENTS`, in the worker's folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ops"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(self.path("bin")).chain(std::env::split_paths(&path));
        command
            .arg("config")
            .args(arguments)
            .current_dir(self.path("app/apps/worker"))
            .env("PATH", std::env::join_paths(path).unwrap())
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            .env("OPS_STATE_DIR", self.path("state"))
            .env("REMOTE", self.path("remote"))
            .env("OPS_BACKUP_KEY", passphrase())
            .env_remove("CONVEX_DEPLOY_KEY")
            .stdin(Stdio::null());
        command
    }

    /// Runs it. No process has a value among its arguments meanwhile, and none is told or kept.
    pub fn run(&self, arguments: &[&str]) -> Told {
        self.output(self.command(arguments))
    }

    /// As [`World::run`], of a command that was made ready.
    pub fn output(&self, mut command: Command) -> Told {
        let watch = Watch::start(Duration::from_millis(4));
        let output: Output = command.output().unwrap();
        let seen = watch.stop();
        assert_eq!(seen, Vec::<String>::new(), "a value among the arguments of a process");
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let told =
            Told { exit: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) };
        assert!(!told.all().contains(CANARY), "{}", told.all());
        self.nothing_of_production_is_here();
        let journals = self.files(&self.path("state/runs")).into_iter();
        let journals: String = journals.map(|file| fs::read_to_string(file).unwrap()).collect();
        for secret in SECRETS {
            assert!(!told.all().contains(secret), "{secret}: {}", told.all());
            assert!(!journals.contains(secret), "{secret}");
        }
        told
    }

    /// Every file but the source and what stands for the deployments, their names too, is without production's values.
    pub fn nothing_of_production_is_here(&self) {
        for file in self.files(self.folder.path()) {
            let inside = file.strip_prefix(self.folder.path()).unwrap();
            if inside.starts_with("remote") || inside.starts_with("home/.env-configs") {
                continue;
            }
            let bytes = fs::read(&file).unwrap_or_default();
            let found = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
            assert!(!found && !inside.to_string_lossy().contains(CANARY), "{}", inside.display());
        }
    }

    /// Files below a folder that git does not keep for itself.
    pub fn files(&self, folder: &Path) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type().unwrap().is_dir() {
                true => files.extend(self.files(&entry.path())),
                false => files.push(entry.path()),
            }
        }
        files.sort();
        files
    }

    /// An output without what differs from run to run.
    pub fn plain(&self, text: &str) -> String {
        let text = text.replace(&*self.folder.path().to_string_lossy(), "[world]");
        let mut plain = Vec::new();
        for line in text.lines() {
            // The names of backups have the time.
            match (line.find("convex-production-2"), line.find(".json")) {
                (Some(from), Some(to)) => {
                    plain.push(format!("{}convex-production-[time]{}", &line[..from], &line[to..]));
                }
                _ => plain.push(line.to_owned()),
            }
        }
        plain.join("\n")
    }
}

/// Looks at the arguments of every process on the machine (`/proc/*/cmdline`), over and over.
pub struct Watch {
    end: Arc<AtomicBool>,
    looks: JoinHandle<Vec<String>>,
}

impl Watch {
    /// A process that lives shorter than the pause may be missed.
    pub fn start(pause: Duration) -> Watch {
        let end = Arc::new(AtomicBool::new(false));
        let over = end.clone();
        let looks = std::thread::spawn(move || {
            let mut seen = Vec::new();
            while !over.load(Ordering::Relaxed) {
                for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
                    let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                    if line.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()) {
                        seen.push(String::from_utf8_lossy(&line).into_owned());
                    }
                }
                std::thread::sleep(pause);
            }
            seen
        });
        Watch { end, looks }
    }

    /// The arguments in which a value stood.
    pub fn stop(self) -> Vec<String> {
        self.end.store(true, Ordering::Relaxed);
        self.looks.join().unwrap()
    }
}

/// A source for the tests: every target, both forms, a canary in each value that production has alone.
pub fn source() -> String {
    let secret = |name: &str| format!("{CANARY}-{name}-0123456789");
    [
        "# for the tests".to_owned(),
        "| TARGET | GROUP | KEY | DEV_VALUE | PROD_VALUE |".into(),
        "|---|---|---|---|---|".into(),
        format!("| NEXTJS | App | NEXT_PUBLIC_CONVEX_URL | https://dev.example.org | https://{CANARY}.example.com |"),
        format!("| NEXTJS | App | NEXT_PUBLIC_LOG_WORKER_URL | http://localhost:8787 | https://{CANARY}.example.com |"),
        format!("| NEXTJS, CONVEX | Auth | AUTH_SECRET | a$b#c 'd' | {} |", secret("auth$x#y 'z'")),
        format!("| CONVEX | App | LOG_WORKER_URL | http://localhost:8787 | https://{CANARY}.example.com |"),
        format!("| CONVEX | Mail | MAIL_PASSWORD | dev \\| mail | {} |", secret("mail")),
        "| CONVEX | Mail | MAIL_FROM | a@example.org |".into(),
        "| LOG_WORKER | Limits | RATE_LIMIT_TRACE | 500 | 700 |".into(),
        format!("| GITHUB | Deploy | CLOUDFLARE_API_TOKEN | dev-token-123 | {} |", secret("cf")),
        format!("| GITHUB | Deploy | CLOUDFLARE_ACCOUNT_ID | dev-account | {} |", secret("account")),
    ]
    .join("\n")
}
