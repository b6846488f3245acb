//! Where the commands go: one trait, two stores that agree.

mod launch;
mod memory;
mod redis;

use futures_util::future::BoxFuture;

pub use launch::{LaunchError, RedisServer, find_redis_server};
pub use memory::{MemoryStore, writes};
pub use redis::RedisStore;

use super::{reply::Reply, request::Command};

/// Keeps the data and executes commands.
pub trait Store: Send + Sync + 'static {
    /// Executes the commands in order; the answer holds one reply for each. Others' commands may come between.
    fn pipeline(&self, commands: Vec<Command>) -> BoxFuture<'_, Result<Vec<Reply>, StoreError>>;

    /// Executes the commands as one transaction, or none of them.
    fn transaction(&self, commands: Vec<Command>) -> BoxFuture<'_, Result<Transaction, StoreError>>;

    /// Writes to disk what is not there yet. A store without a disk does nothing.
    fn save(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }

    /// What a person calls it: `memory`, or the address of the Redis server.
    fn describe(&self) -> String;
}

/// How a transaction ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transaction {
    /// Everything was executed; a command that failed has an error in its place.
    Executed(Vec<Reply>),
    /// Nothing was executed, and why: a command that does not exist or has the wrong number of arguments.
    Discarded(String),
}

/// The store itself failed, not a command.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The Redis server did not take or answer a request; what was sent may have been executed.
    #[error("the Redis server at {address} did not answer: {cause}")]
    Connection {
        /// Where the server should be.
        address: String,
        /// What the connection said.
        cause: String,
    },
    /// The snapshot could not be read or written.
    #[error("the snapshot {path} could not be {action}: {cause}")]
    Snapshot {
        /// The snapshot file.
        path: String,
        /// `read` or `written`.
        action: &'static str,
        /// What the disk or the parser said.
        cause: String,
    },
}

/// Convenience over [`Store`] for tests and tools: one command from words.
pub async fn run<W: AsRef<[u8]>>(store: &dyn Store, words: &[W]) -> Result<Reply, StoreError> {
    let command = words.iter().map(|word| bytes::Bytes::copy_from_slice(word.as_ref())).collect();
    let replies = store.pipeline(vec![command]).await?;
    Ok(replies.into_iter().next().unwrap_or(Reply::Nil))
}
