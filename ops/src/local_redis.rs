//! Which store stands behind the local Upstash server, as `ops dev` and `ops upstash` let one choose.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use clap::Args;
use tempfile::TempDir;

use crate::{
    exit::Failure,
    upstash::store::{MemoryStore, RedisServer, RedisStore, Store, find_redis_server},
};

/// The options both commands share.
#[derive(Args, Clone, Debug)]
pub struct StoreArgs {
    /// Where the data lives: `memory`, or `auto` (a redis-server found on this machine, else memory).
    #[arg(long, default_value = "auto", value_name = "memory|auto")]
    pub redis: Kind,
    /// Use this Redis instead: `redis://[user:password@]host[:port][/database]`.
    #[arg(long, value_name = "URL", conflicts_with = "redis")]
    pub redis_url: Option<String>,
}

/// A store of our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// In this process.
    Memory,
    /// A `redis-server` when there is one, else in this process.
    Auto,
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Kind, String> {
        match text {
            "memory" => Ok(Kind::Memory),
            "auto" => Ok(Kind::Auto),
            _ => Err("expected memory or auto".into()),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Memory => "memory",
            Kind::Auto => "auto",
        })
    }
}

/// An open store, and the process behind it when we started one.
pub struct LocalStore {
    /// Where commands go.
    pub store: Arc<dyn Store>,
    /// What it is, for a person.
    pub what: String,
    server: Option<RedisServer>,
    _scratch: Option<TempDir>,
}

impl LocalStore {
    /// Opens the chosen store. With a folder the data is kept there and found again; without, it ends with us.
    ///
    /// # Errors
    /// When the given Redis does not answer or the kept data cannot be read.
    pub async fn open(
        choice: &StoreArgs,
        project: &Path,
        keep: Option<&Path>,
    ) -> Result<LocalStore, Failure> {
        if let Some(url) = &choice.redis_url {
            return LocalStore::given(url).await;
        }
        if choice.redis == Kind::Auto
            && let Some(program) = find_redis_server(project)
        {
            let scratch = match keep {
                Some(_) => None,
                None => Some(tempfile::tempdir().map_err(|cause| no_folder(&cause))?),
            };
            let data = match (keep, &scratch) {
                (None, Some(folder)) => folder.path().to_owned(),
                (folder, _) => redis_folder(folder.unwrap_or(Path::new("."))),
            };
            match RedisServer::start(&program, &data, keep.is_some()).await {
                Ok(server) => {
                    let what = format!("{} of our own", program.display());
                    return Ok(LocalStore {
                        store: Arc::new(server.store()),
                        what,
                        server: Some(server),
                        _scratch: scratch,
                    });
                }
                Err(cause) => eprintln!("warning: {cause}; the data stays in memory instead"),
            }
        }
        let memory = match keep {
            None => MemoryStore::new(),
            Some(folder) => MemoryStore::with_snapshot(snapshot_file(folder)).map_err(|cause| {
                Failure::new(cause.to_string(), "start with --fresh to drop what was kept")
            })?,
        };
        memory.start_upkeep();
        let what = if keep.is_some() { "in memory, kept in a file" } else { "in memory" };
        Ok(LocalStore { store: Arc::new(memory), what: what.into(), server: None, _scratch: None })
    }

    async fn given(url: &str) -> Result<LocalStore, Failure> {
        let store = RedisStore::new(url)
            .map_err(|cause| Failure::new(cause.to_string(), "give --redis-url another"))?;
        let hint = "start that Redis, or leave --redis-url away to use a local store";
        let pong = crate::upstash::store::run(&store, &["PING"]).await;
        match pong {
            Err(cause) => return Err(Failure::new(cause.to_string(), hint)),
            Ok(crate::upstash::Reply::Error(text)) => {
                return Err(Failure::new(format!("Redis says: {text}"), hint));
            }
            Ok(_) => {}
        }
        Ok(LocalStore { what: store.describe(), store: Arc::new(store), server: None, _scratch: None })
    }

    /// Waits until the process behind the store ends by itself, which it should not; for ever when there is none of ours.
    pub async fn ended(&mut self) -> Failure {
        let Some(server) = &mut self.server else { return std::future::pending().await };
        let (how, log) = server.ended().await;
        Failure::new(
            format!("redis-server ended by itself ({how})"),
            format!("start again: what it had written is kept; {} may say why it ended", log.display()),
        )
    }

    /// Ends the process behind the store, when it is ours, after it has written its data.
    pub async fn close(self) {
        if let Some(server) = self.server {
            server.stop().await;
        }
    }
}

/// Removes what [`LocalStore::open`] kept in a folder.
///
/// # Errors
/// What the disk says; nothing there is no error.
pub fn forget(folder: &Path) -> std::io::Result<()> {
    remove(std::fs::remove_dir_all(redis_folder(folder)))?;
    remove(std::fs::remove_file(snapshot_file(folder)))
}

/// The outcome of a removal, where nothing to remove is no error.
pub fn remove(outcome: std::io::Result<()>) -> std::io::Result<()> {
    match outcome {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn redis_folder(folder: &Path) -> PathBuf {
    folder.join("redis")
}

fn snapshot_file(folder: &Path) -> PathBuf {
    folder.join("redis.json")
}

fn no_folder(cause: &std::io::Error) -> Failure {
    Failure::new(
        format!("no temporary folder could be made: {cause}"),
        "set TMPDIR to a folder that can be written",
    )
}
