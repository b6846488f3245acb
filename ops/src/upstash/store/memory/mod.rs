//! A small Redis in memory: strings and lists, expiry, and Redis's own error texts.

mod commands;
mod database;
mod glob;
mod keys;
mod lists;
mod snapshot;
mod strings;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures_util::future::BoxFuture;

use super::{Store, StoreError, Transaction};
use crate::upstash::{reply::Reply, request::Command};
pub use commands::writes;
use database::Database;

/// How often expired keys are swept and a changed database is written to its snapshot.
const SWEEP_EVERY: Duration = Duration::from_secs(2);

/// Everything in one map behind one lock; a transaction holds the lock from its first command to its last.
pub struct MemoryStore {
    shared: Arc<Shared>,
}

struct Shared {
    database: Mutex<Database>,
    snapshot: Option<PathBuf>,
}

impl MemoryStore {
    /// An empty store that is gone with the process.
    pub fn new() -> MemoryStore {
        MemoryStore { shared: Arc::new(Shared { database: Mutex::default(), snapshot: None }) }
    }

    /// A store that starts from the snapshot, when there is one, and writes it again every 2 s (after a change) and
    /// at [`Store::save`]. The file is replaced as a whole: a crash leaves the old one or the new one.
    ///
    /// # Errors
    /// [`StoreError::Snapshot`] when the file is there and cannot be read.
    pub fn with_snapshot(path: impl Into<PathBuf>) -> Result<MemoryStore, StoreError> {
        let path = path.into();
        let database = snapshot::read(&path)?;
        Ok(MemoryStore { shared: Arc::new(Shared { database: Mutex::new(database), snapshot: Some(path) }) })
    }

    /// Sweeps and saves for as long as the store lives. Needs a tokio runtime.
    pub fn start_upkeep(&self) {
        let weak = Arc::downgrade(&self.shared);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(SWEEP_EVERY).await;
                let Some(shared) = weak.upgrade() else { return };
                shared.database().sweep(now_ms());
                if let Err(cause) = shared.save().await {
                    eprintln!("warning: {cause}");
                }
            }
        });
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        MemoryStore::new()
    }
}

impl Shared {
    fn database(&self) -> MutexGuard<'_, Database> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn save(&self) -> Result<(), StoreError> {
        let Some(path) = self.snapshot.clone() else { return Ok(()) };
        let Some(text) = snapshot::write_if_changed(&mut self.database()) else { return Ok(()) };
        let failed = |cause: String| StoreError::Snapshot {
            path: path.display().to_string(),
            action: "written",
            cause,
        };
        let target = path.clone();
        let written = tokio::task::spawn_blocking(move || snapshot::replace(&target, &text)).await;
        let outcome = match written {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(cause)) => cause.to_string(),
            Err(cause) => cause.to_string(),
        };
        self.database().touch();
        Err(failed(outcome))
    }
}

impl Store for MemoryStore {
    fn pipeline(&self, commands: Vec<Command>) -> BoxFuture<'_, Result<Vec<Reply>, StoreError>> {
        let mut database = self.shared.database();
        let replies =
            commands.iter().map(|command| commands::execute(&mut database, command, now_ms())).collect();
        Box::pin(std::future::ready(Ok(replies)))
    }

    fn transaction(&self, commands: Vec<Command>) -> BoxFuture<'_, Result<Transaction, StoreError>> {
        let outcome = match commands.iter().find_map(commands::refuse) {
            Some(cause) => Transaction::Discarded(cause),
            None => {
                let mut database = self.shared.database();
                let now = now_ms();
                let execute = |command: &Command| commands::execute(&mut database, command, now);
                Transaction::Executed(commands.iter().map(execute).collect())
            }
        };
        Box::pin(std::future::ready(Ok(outcome)))
    }

    fn save(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.shared.save())
    }

    fn describe(&self) -> String {
        "memory".into()
    }
}

fn now_ms() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}
