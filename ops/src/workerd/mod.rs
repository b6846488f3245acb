//! Runs a built worker under `workerd serve`, without wrangler and its proxy: for black-box tests, the benchmark, and
//! whatever wants to crash a worker and start it again over the same storage.
//!
//! ```no_run
//! # async fn example() -> Result<(), ops::workerd::WorkerdError> {
//! use ops::workerd::{Config, Workerd};
//! let config = Config::from_wrangler("build/bundle", "wrangler.toml".as_ref(), None)?;
//! let mut workerd = Workerd::start(config.var("UPSTASH_REDIS_REST_URL", "http://127.0.0.1:8079")).await?;
//! println!("{}", workerd.url());
//! workerd.kill9();
//! workerd.restart().await?;
//! # Ok(()) }
//! ```

mod bundle;
mod capnp;
mod config;
mod usage;

use std::{
    fs::{self, OpenOptions},
    io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;
use tokio::net::TcpSocket;

pub use config::{Config, DurableObject, Version};
pub use usage::Usage;

use crate::{
    port::reserve,
    process::{ProcessGroup, eventually, find_program, is_program},
};

/// Longest time from the start of the process to its first answer.
const START_LIMIT: Duration = Duration::from_secs(30);
/// Longest time it may take to end by itself.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// Why a worker does not run.
#[derive(Debug, thiserror::Error)]
pub enum WorkerdError {
    /// There is no workerd: `npm ci` brings it.
    #[error("workerd was not found (looked at $WORKERD_BIN and node_modules in {project})")]
    NotFound {
        /// The project's folder.
        project: String,
    },
    /// The bundle is not one: it has not been built, most likely.
    #[error("the bundle {folder} cannot be used: {cause}")]
    Bundle {
        /// The bundle's folder.
        folder: String,
        /// What is wrong with it.
        cause: String,
    },
    /// wrangler.toml cannot be used.
    #[error("{file} cannot be used: {cause}")]
    Wrangler {
        /// The file.
        file: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The system refused a port, a file or a process.
    #[error("workerd could not be started: {0}")]
    System(#[from] io::Error),
    /// It ended, or did not answer in time; the end of its log says why.
    #[error("workerd did not answer on port {port}: {log}")]
    Silent {
        /// The port it should answer on.
        port: u16,
        /// The end of its log.
        log: String,
    },
}

/// A worker under workerd. Dropping it kills the process group and removes what was temporary.
#[derive(Debug)]
pub struct Workerd {
    config: Config,
    modules: Vec<bundle::Module>,
    program: PathBuf,
    folder: TempDir,
    disk: PathBuf,
    ready_url: String,
    address: SocketAddr,
    group: Option<ProcessGroup>,
    /// Bound and never listening: while workerd is down nobody is given its port by chance.
    _reservation: Option<TcpSocket>,
}

impl Workerd {
    /// Copies the bundle, starts workerd and waits until the worker answers.
    ///
    /// # Errors
    /// See [`WorkerdError`]. Nothing is left running.
    pub async fn start(config: Config) -> Result<Workerd, WorkerdError> {
        let program = match &config.program {
            Some(program) => program.clone(),
            None => find_workerd(Path::new("."))?,
        };
        let folder = tempfile::Builder::new().prefix("ops-workerd-").tempdir()?;
        let modules = bundle::copy(&config.bundle, folder.path())?;
        let disk = match &config.disk {
            Some(disk) => std::path::absolute(disk)?,
            None => folder.path().join("disk"),
        };
        fs::create_dir_all(&disk)?;
        let (address, reservation) =
            reserve(SocketAddr::from((Ipv4Addr::LOCALHOST, config.port.unwrap_or(0))))?;
        let ready_url = format!("http://{address}{}", config.ready_path);
        let mut workerd = Workerd {
            config,
            modules,
            program,
            folder,
            disk,
            ready_url,
            address,
            group: None,
            _reservation: reservation,
        };
        workerd.restart().await?;
        Ok(workerd)
    }

    /// Sets a var from the next restart on: what a deployment that changes a setting does.
    pub fn set_var(&mut self, name: &str, value: impl Into<String>) {
        self.config.vars.insert(name.to_owned(), value.into());
    }

    /// Starts it again over the same disk and port, after stopping it when it runs.
    ///
    /// # Errors
    /// [`WorkerdError::System`] and [`WorkerdError::Silent`].
    pub async fn restart(&mut self) -> Result<(), WorkerdError> {
        self.stop().await;
        let text = capnp::render(&self.config, &self.modules, self.port(), &self.disk.to_string_lossy());
        fs::write(self.folder.path().join("config.capnp"), text)?;
        let log = OpenOptions::new().create(true).append(true).open(self.log_file())?;
        let mut command = Command::new(&self.program);
        command.args(["serve", "config.capnp"]).current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let mut group = ProcessGroup::spawn(&mut command)?;
        let client = reqwest::Client::builder().timeout(START_LIMIT).build().map_err(io::Error::other)?;
        let mut ended = false;
        let answered = eventually(START_LIMIT, || {
            ended = group.try_wait().is_some();
            let request = client.get(&self.ready_url);
            async move { ended || request.send().await.is_ok() }
        })
        .await;
        if ended || !answered {
            return Err(WorkerdError::Silent { port: self.port(), log: tail(&self.log(), 8) });
        }
        self.group = Some(group);
        Ok(())
    }

    /// Ends it as a crash would (`SIGKILL`).
    pub fn kill9(&mut self) {
        if let Some(mut group) = self.group.take() {
            group.kill9();
        }
    }

    /// Asks it to end, and kills it when it does not within 5 s.
    pub async fn stop(&mut self) {
        if let Some(mut group) = self.group.take() {
            group.stop(STOP_LIMIT).await;
        }
    }

    /// Whether the process is there.
    pub fn is_running(&mut self) -> bool {
        self.group.as_mut().is_some_and(|group| group.try_wait().is_none())
    }

    /// `http://127.0.0.1:port`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its port, the same after a restart.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.group.as_ref().map(ProcessGroup::pid)
    }

    /// CPU time and peak memory of the process since it was started; nothing where the system does not tell (only
    /// Linux does).
    pub fn usage(&self) -> Option<Usage> {
        Usage::of(self.pid()?)
    }

    /// The folder the Durable Objects store in.
    pub fn disk(&self) -> &Path {
        &self.disk
    }

    /// The file that has everything workerd and the worker printed, restarts included.
    pub fn log_file(&self) -> PathBuf {
        self.folder.path().join("workerd.log")
    }

    /// What that file holds.
    pub fn log(&self) -> String {
        fs::read(self.log_file()).map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default()
    }
}

/// The workerd program: `$WORKERD_BIN` when set (and nowhere else then), the npm package's under the project's
/// `node_modules`.
///
/// # Errors
/// [`WorkerdError::NotFound`].
pub fn find_workerd(project: &Path) -> Result<PathBuf, WorkerdError> {
    let found = match std::env::var_os("WORKERD_BIN") {
        Some(named) => Some(PathBuf::from(named)).filter(|file| is_program(file)),
        None => {
            let system = if cfg!(target_os = "macos") { "darwin" } else { "linux" };
            let machine = if cfg!(target_arch = "aarch64") { "arm64" } else { "64" };
            let package = format!("node_modules/@cloudflare/workerd-{system}-{machine}/bin");
            let folders: Vec<PathBuf> =
                std::path::absolute(project)?.ancestors().map(|folder| folder.join(&package)).collect();
            find_program("workerd", &folders)
        }
    };
    found.ok_or_else(|| WorkerdError::NotFound { project: project.display().to_string() })
}

fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    let end = all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n");
    if end.is_empty() { "it printed nothing".into() } else { end }
}
