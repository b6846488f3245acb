//! Which commands were executed when: how soon a log was in its list, and what was asked for in between.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use super::request::Command;

/// Commands that reached the store together: a pipeline, a transaction, or one alone.
#[derive(Clone, Debug)]
pub struct Executed {
    /// When the store had answered.
    pub at: Instant,
    /// In order; those a fault kept from the store are not among them.
    pub commands: Vec<Command>,
}

/// Off until it is started, because it keeps everything.
#[derive(Debug, Default)]
pub(super) struct Journal {
    entries: Mutex<Option<Vec<Executed>>>,
}

impl Journal {
    pub fn start(&self) {
        *self.entries() = Some(Vec::new());
    }

    pub fn take(&self) -> Vec<Executed> {
        self.entries().as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The commands to record once they are executed; nothing when nobody wants to know.
    pub fn copy(&self, commands: &[Command]) -> Option<Vec<Command>> {
        self.entries().is_some().then(|| commands.to_vec())
    }

    pub fn record(&self, commands: Option<Vec<Command>>) {
        if let (Some(entries), Some(commands)) = (self.entries().as_mut(), commands) {
            entries.push(Executed { at: Instant::now(), commands });
        }
    }

    fn entries(&self) -> MutexGuard<'_, Option<Vec<Executed>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
