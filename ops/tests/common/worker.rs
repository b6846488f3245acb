//! The real worker in workerd before a local Upstash server, and the real `ops` against it.
#![allow(dead_code)]

use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

use ops::{
    upstash::{Options, Server},
    workerd::{Config, Version, Workerd, find_workerd},
};
use tempfile::TempDir;

use crate::common::project;

/// The tokens of a worker in production.
pub const TOKENS: [(&str, &str); 3] = [
    ("LOG_INGEST_TOKEN", "ingest-token-0123456789"),
    ("LOG_READ_TOKEN", "read-token-0123456789"),
    ("LOG_ADMIN_TOKEN", "admin-token-0123456789"),
];

/// What the worker is started with beyond wrangler.toml.
#[derive(Clone, Default)]
pub struct Setup {
    environment: Option<&'static str>,
    vars: Vec<(String, String)>,
    version: Option<String>,
    port: Option<u16>,
    disk: Option<std::path::PathBuf>,
}

impl Setup {
    /// `[env.production]`, with every token set.
    pub fn production() -> Setup {
        let setup = Setup { environment: Some("production"), ..Setup::default() };
        TOKENS.into_iter().fold(setup, |setup, (name, value)| setup.var(name, value))
    }

    pub fn var(mut self, name: &str, value: &str) -> Setup {
        self.vars.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The version it says it is.
    pub fn version(mut self, id: &str) -> Setup {
        self.version = Some(id.to_owned());
        self
    }

    pub fn port(mut self, port: u16) -> Setup {
        self.port = Some(port);
        self
    }

    /// Keeps the Durable Objects' storage in this folder.
    pub fn disk(mut self, folder: &Path) -> Setup {
        self.disk = Some(folder.to_owned());
        self
    }

    pub async fn start(self) -> Worker {
        let bundle = std::env::var_os("LOG_WORKER_BUNDLE")
            .map_or_else(|| project().join("build/bundle"), std::path::PathBuf::from);
        let redis = Server::start(Options::default()).await.unwrap();
        let mut config = Config::from_wrangler(bundle, &project().join("wrangler.toml"), self.environment)
            .unwrap()
            .var("UPSTASH_REDIS_REST_URL", redis.url())
            .var("UPSTASH_REDIS_REST_TOKEN", redis.token());
        config.program = Some(find_workerd(&project()).unwrap());
        config.port = self.port;
        config.disk = self.disk;
        for (name, value) in self.vars {
            config = config.var(&name, value);
        }
        if let Some(id) = self.version {
            config = config.version("CF_VERSION_METADATA", Version { id, ..Version::local() });
        }
        let workerd = Workerd::start(config).await.unwrap_or_else(|cause| {
            panic!("{cause}\nhint: scripts/build makes the bundle, scripts/test runs everything in order")
        });
        Worker { workerd, redis, state: tempfile::tempdir().unwrap() }
    }
}

/// A running worker, and a state folder for the `ops` that is run against it.
pub struct Worker {
    pub workerd: Workerd,
    pub redis: Server,
    pub state: TempDir,
}

impl Worker {
    /// `ops` with these arguments and `--url` of this worker.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = ops(self.state.path());
        command.args(arguments).args(["--url", &self.workerd.url()]);
        command
    }

    pub async fn ops(&self, arguments: &[&str]) -> Output {
        finish(self.command(arguments)).await
    }

    /// `/health` as it is.
    pub async fn health(&self) -> serde_json::Value {
        let health = format!("{}/health", self.workerd.url());
        let token = TOKENS[1].1;
        reqwest::Client::new().get(health).bearer_auth(token).send().await.unwrap().json().await.unwrap()
    }
}

/// The program, in an empty project folder, with nothing of the machine's state or secrets.
pub fn ops(state: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ops"));
    command.current_dir(state).env("OPS_STATE_DIR", state.join("state")).stdin(Stdio::null());
    for name in ["OPS_READ_TOKEN", "OPS_ADMIN_TOKEN", "OPS_INGEST_TOKEN", "OPS_NOTIFY_URL"] {
        command.env_remove(name);
    }
    command
}

/// Runs it to its end; servers of the test go on meanwhile.
pub async fn finish(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

pub fn out(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

pub fn talk(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}
