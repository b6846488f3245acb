//! A `redis-server` of our own: found on the machine, started on a unix socket, gone with us.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::Duration,
};

use tempfile::TempDir;

use super::{RedisStore, run};
use crate::process::{ProcessGroup, eventually, find_program, is_program};

/// Longest time a server may take to load its data and answer.
const START_LIMIT: Duration = Duration::from_secs(20);
/// Longest time it may take to write its data and end.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// Why no Redis server of our own runs.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// Nothing to start.
    #[error("no redis-server was found (looked at $REDIS_SERVER_BIN, .tools and $PATH)")]
    NotFound,
    /// The program or its data folder could not be used.
    #[error("{program} could not be started: {cause}")]
    Spawn {
        /// The program.
        program: String,
        /// What the system said.
        cause: io::Error,
    },
    /// It ran and did not answer in time; the end of its log says why.
    #[error("{program} did not answer: {log}")]
    Silent {
        /// The program.
        program: String,
        /// The end of its log.
        log: String,
    },
}

/// The longest path a unix socket may have on every system, in bytes.
const SOCKET_PATH_LIMIT: usize = 100;

/// A running `redis-server` on a unix socket and no port. Dropping it kills it.
#[derive(Debug)]
pub struct RedisServer {
    group: ProcessGroup,
    log: PathBuf,
    socket: PathBuf,
    _folder: Option<TempDir>,
}

/// Where a `redis-server` is: `$REDIS_SERVER_BIN` when set (and nowhere else then), `.tools` or `.tools/bin` of the
/// project, `PATH`.
pub fn find_redis_server(project: &Path) -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("REDIS_SERVER_BIN").filter(|named| !named.is_empty()) {
        return Some(PathBuf::from(named)).filter(|file| is_program(file));
    }
    let tools = project.join(".tools");
    find_program("redis-server", &[tools.join("bin"), tools])
}

impl RedisServer {
    /// Starts the program over a data folder, which is created when absent. With `durable` every write is appended to
    /// a file there before a restart can lose it; without, nothing is kept.
    ///
    /// # Errors
    /// See [`LaunchError`]. Nothing is left running.
    pub async fn start(program: &Path, data: &Path, durable: bool) -> Result<RedisServer, LaunchError> {
        let name = program.display().to_string();
        let spawn = |cause| LaunchError::Spawn { program: name.clone(), cause };
        fs::create_dir_all(data).map_err(spawn)?;
        let (socket, folder) = place_for_socket(data).map_err(spawn)?;
        let log_file = data.join("redis.log");
        let log = File::create(&log_file).map_err(spawn)?;
        let mut command = Command::new(program);
        command
            .args(["--port", "0", "--daemonize", "no", "--save", "", "--appendfsync", "everysec"])
            .args(["--appendonly", if durable { "yes" } else { "no" }])
            .arg("--dir")
            .arg(data)
            .arg("--unixsocket")
            .arg(&socket)
            .stdin(Stdio::null())
            .stderr(log.try_clone().map_err(spawn)?)
            .stdout(log);
        let mut group = ProcessGroup::spawn(&mut command).map_err(spawn)?;
        let store = RedisStore::unix(&socket);
        let mut ended = false;
        let answered = eventually(START_LIMIT, || {
            ended = group.try_wait().is_some();
            let store = &store;
            async move { ended || run(store, &["PING"]).await.is_ok_and(|reply| !reply.is_error()) }
        })
        .await;
        if ended || !answered {
            let log = fs::read_to_string(&log_file).unwrap_or_default();
            let tail = log
                .lines()
                .rev()
                .take(3)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .collect::<Vec<_>>()
                .join(" | ");
            return Err(LaunchError::Silent { program: name, log: tail });
        }
        Ok(RedisServer { group, log: log_file, socket, _folder: folder })
    }

    /// A store that talks to it.
    pub fn store(&self) -> RedisStore {
        RedisStore::unix(&self.socket)
    }

    /// Waits until it ends by itself: how it ended, and where it wrote what it had to say.
    pub async fn ended(&mut self) -> (ExitStatus, &Path) {
        (self.group.wait().await, &self.log)
    }

    /// Lets it write its data and ends it.
    pub async fn stop(mut self) {
        self.group.stop(STOP_LIMIT).await;
    }
}

/// Beside the data, or in a temporary folder when that path is too long.
fn place_for_socket(data: &Path) -> io::Result<(PathBuf, Option<TempDir>)> {
    let beside = std::path::absolute(data)?.join("redis.sock");
    if beside.as_os_str().len() <= SOCKET_PATH_LIMIT {
        return Ok((beside, None));
    }
    let folder = tempfile::Builder::new().prefix("ops-redis-").tempdir()?;
    Ok((folder.path().join("redis.sock"), Some(folder)))
}
