//! What the server was asked to do: the numbers a bill would be made of.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};

use super::request::Command;

/// Counts since the start or the last reset. Requests under `/_local/` are not counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// HTTP requests, refused and faulty ones included.
    pub requests: u64,
    /// Redis commands handed to the store: each one of a pipeline or a transaction counts, `MULTI` and `EXEC` do not.
    pub commands: u64,
    /// The same by name, in upper case.
    pub by_command: BTreeMap<String, u64>,
    /// Bytes of request bodies.
    pub bytes_in: u64,
    /// Bytes of response bodies.
    pub bytes_out: u64,
    /// Requests that met a fault.
    pub faults: u64,
}

impl Stats {
    /// How often a command was handed to the store; the name in any case.
    pub fn count(&self, command: &str) -> u64 {
        self.by_command.get(&command.to_ascii_uppercase()).copied().unwrap_or(0)
    }
}

#[derive(Debug, Default)]
pub(super) struct Counter {
    stats: Mutex<Stats>,
}

impl Counter {
    pub fn request(&self, bytes: usize) {
        let mut stats = self.stats();
        stats.requests += 1;
        stats.bytes_in += bytes as u64;
    }

    pub fn response(&self, bytes: usize) {
        self.stats().bytes_out += bytes as u64;
    }

    pub fn fault(&self) {
        self.stats().faults += 1;
    }

    pub fn commands(&self, commands: &[Command]) {
        let mut stats = self.stats();
        for command in commands {
            let name = command.first().map(|name| String::from_utf8_lossy(name).to_ascii_uppercase());
            stats.commands += 1;
            *stats.by_command.entry(name.unwrap_or_default()).or_default() += 1;
        }
    }

    pub fn snapshot(&self) -> Stats {
        self.stats().clone()
    }

    pub fn reset(&self) {
        *self.stats() = Stats::default();
    }

    fn stats(&self) -> MutexGuard<'_, Stats> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
