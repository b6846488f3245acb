//! The frame of every command: one run of `ops`, with its id, what it says, what it keeps, and what it locks.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`age`] | how long ago something was |
//! | [`globals`] | the flags every command shares |
//! | [`ask`] | questions at the terminal |
//! | [`printer`] | stdout for data, stderr for people: colour, spinners, elapsed time |
//! | [`mask`] | secrets that are taken out of everything written |
//! | [`folder`] | where the machine keeps what outlives a run |
//! | [`journal`] | what each run did, step by step; how a run that was killed is found |
//! | [`lock`] | one deployment, one `ops dev` of a checkout at a time |

pub mod age;
pub mod ask;
pub mod folder;
pub mod globals;
pub mod journal;
pub mod lock;
pub mod mask;
pub mod printer;

use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::exit::{Exit, Failure};
use folder::StateFolder;
use globals::{CorrelationId, Globals};
use journal::{Journal, Opening, Record};
use lock::Lock;
use mask::Mask;
use printer::Printer;

/// What a command does to the world beyond this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It looks only at this machine or at what is public; no journal.
    None,
    /// It asks a deployment, and may leave a test log; the journal keeps its result.
    Checks,
    /// It changes a deployment: when it is killed, the next run must find out how things stand.
    Changes,
}

/// One run of a command.
#[derive(Debug)]
pub struct Run {
    command: &'static str,
    globals: Globals,
    id: CorrelationId,
    printer: Printer,
    mask: Mask,
    folder: StateFolder,
    record: Mutex<Option<Record>>,
}

impl Run {
    /// Begins a run. With an [`Effect`] its journal is open from here on; a dry run changes nothing and leaves none.
    pub fn begin(command: &'static str, effect: Effect, globals: Globals) -> Run {
        Run::begin_in(StateFolder::of_machine(), command, effect, globals)
    }

    /// As [`Run::begin`], with this state folder instead of the machine's.
    pub fn begin_in(folder: StateFolder, command: &'static str, effect: Effect, globals: Globals) -> Run {
        let mask = Mask::from_environment();
        let printer = Printer::new(globals.json, mask.clone());
        let id = globals.correlation_id.clone().unwrap_or_else(CorrelationId::fresh);
        let run = Run { command, globals, id, printer, mask, folder, record: Mutex::new(None) };
        if effect != Effect::None && !run.globals.dry_run {
            let opening = Opening {
                run: run.id.as_str(),
                command,
                changes: effect == Effect::Changes,
                environment: run.globals.env.map(|environment| environment.as_str()),
            };
            match run.journal().open(&opening, run.mask.clone()) {
                Ok(record) => *run.record() = Some(record),
                Err(cause) => run.printer.warn(&format!("this run leaves no journal: {cause}")),
            }
        }
        run
    }

    /// The command's name.
    pub fn command(&self) -> &'static str {
        self.command
    }

    /// The flags every command shares.
    pub fn globals(&self) -> &Globals {
        &self.globals
    }

    /// What ties everything this run does together: `X-Correlation-Id`, the version's message, the test logs' trace.
    pub fn id(&self) -> &CorrelationId {
        &self.id
    }

    /// Where the run speaks.
    pub fn printer(&self) -> &Printer {
        &self.printer
    }

    /// What is taken out of everything the run writes.
    pub fn mask(&self) -> &Mask {
        &self.mask
    }

    /// Where the machine keeps what outlives a run.
    pub fn folder(&self) -> &StateFolder {
        &self.folder
    }

    /// Every run's journal.
    pub fn journal(&self) -> Journal {
        Journal::of(&self.folder)
    }

    /// Writes a step to the journal, with what is known of it (an object). A journal that cannot be written is a
    /// warning, once, and stops nothing.
    pub fn step(&self, name: &str, fields: Value) {
        self.write(|record| record.step(name, fields));
    }

    /// Ends the journal; the first call counts. A run that never gets here is found by [`Journal::interrupted`].
    pub fn close(&self, exit: Exit, fields: Value) {
        self.write(|record| record.close(exit, fields));
        *self.record() = None;
    }

    /// Makes this run the only one on the machine that changes `what` (a worker's name).
    ///
    /// # Errors
    /// When another run has it. A lock that cannot be kept at all (no folder, a full disk) is a warning.
    pub fn lock(&self, what: &str) -> Result<Lock, Failure> {
        lock::take(self, what)
    }

    fn write(&self, write: impl FnOnce(&mut Record) -> std::io::Result<()>) {
        let mut record = self.record();
        if let Some(open) = record.as_mut()
            && let Err(cause) = write(open)
        {
            *record = None;
            self.printer.warn(&format!("the journal of this run is cut short: {cause}"));
        }
    }

    fn record(&self) -> std::sync::MutexGuard<'_, Option<Record>> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
