//! What became of a log, and what a client is told about it.

use crate::buffer::MAX_IDS;
use crate::buffer::wire::{Outcome, Room};
use crate::entry::System;
use crate::quota::Scope;
use std::rc::Rc;

/// What became of one log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Durable.
    Stored {
        /// Its trace.
        trace_id: Rc<str>,
        /// Its system.
        system: System,
        /// Logs its system may still store.
        left: u64,
        /// End of the quota window, Unix ms.
        until: i64,
    },
    /// Was durable already.
    Duplicate {
        /// Its trace.
        trace_id: Rc<str>,
        /// Its system.
        system: System,
        /// Logs its system may still store.
        left: u64,
        /// End of the quota window, Unix ms.
        until: i64,
    },
    /// Noise: answered with success, stored nowhere.
    Noise {
        /// Its trace.
        trace_id: Rc<str>,
    },
    /// The sender's fault.
    Refused {
        /// 400 or 413.
        status: u16,
        /// What is wrong.
        error: String,
    },
    /// Over a quota.
    Over {
        /// Its trace.
        trace_id: Rc<str>,
        /// Its system.
        system: System,
        /// Which quota.
        scope: Scope,
        /// End of the quota window, Unix ms.
        until: i64,
    },
    /// Its buffer holds as much as it may.
    Full {
        /// Its trace.
        trace_id: Rc<str>,
        /// What there is no more room for.
        of: Room,
    },
    /// The number of shards was changed and the buffers were not drained since.
    Undrained {
        /// Its trace.
        trace_id: Rc<str>,
        /// What the number was.
        from: u32,
        /// What it is.
        to: u32,
    },
    /// Its buffer gave no answer: it may be stored or not.
    Lost {
        /// Its trace.
        trace_id: Rc<str>,
        /// Its system.
        system: System,
    },
    /// No Redis is configured.
    NoStore {
        /// Its trace.
        trace_id: Rc<str>,
    },
}

impl Fate {
    /// What its shard made of a log.
    pub fn of(outcome: Outcome, trace_id: Rc<str>, system: System, window_end: i64) -> Fate {
        match outcome {
            Outcome::Stored { left } => Fate::Stored { trace_id, system, left, until: window_end },
            Outcome::Duplicate { left } => Fate::Duplicate { trace_id, system, left, until: window_end },
            Outcome::Over { scope, until } => Fate::Over { trace_id, system, scope, until },
            Outcome::Full { of } => Fate::Full { trace_id, of },
            Outcome::Undrained { from, to } => Fate::Undrained { trace_id, from, to },
        }
    }

    /// The status a log of this fate has, alone or in a batch.
    pub fn status(&self) -> u16 {
        match self {
            Fate::Stored { .. } | Fate::Duplicate { .. } | Fate::Noise { .. } => 200,
            Fate::Refused { status, .. } => *status,
            Fate::Over { .. } => 429,
            Fate::Full { .. } | Fate::Undrained { .. } | Fate::Lost { .. } | Fate::NoStore { .. } => 503,
        }
    }

    pub(super) fn trace_id(&self) -> Option<&str> {
        match self {
            Fate::Stored { trace_id, .. }
            | Fate::Duplicate { trace_id, .. }
            | Fate::Noise { trace_id }
            | Fate::Over { trace_id, .. }
            | Fate::Full { trace_id, .. }
            | Fate::Undrained { trace_id, .. }
            | Fate::Lost { trace_id, .. }
            | Fate::NoStore { trace_id } => Some(trace_id),
            Fate::Refused { .. } => None,
        }
    }

    /// What its sender is told went wrong; `None` when nothing did.
    pub fn error(&self) -> Option<String> {
        Some(match self {
            Fate::Stored { .. } | Fate::Duplicate { .. } | Fate::Noise { .. } => return None,
            Fate::Refused { error, .. } => error.clone(),
            Fate::Over { scope: Scope::Global, .. } => "Global rate limit exceeded".to_string(),
            Fate::Over { scope: Scope::System, system, .. } => {
                format!("{} system rate limit exceeded", system.as_str())
            }
            Fate::Over { scope: Scope::Trace, trace_id, .. } => {
                format!("Per-trace rate limit exceeded for {trace_id}")
            }
            Fate::Full { of: Room::Waiting, .. } => {
                "The log buffer is full: too much waits for Redis. Try again".to_string()
            }
            Fate::Full { of: Room::Ids, .. } => format!(
                "The log buffer is full: it took {MAX_IDS} logs within the hour. Raise LOG_BUFFER_SHARDS, or try again later"
            ),
            Fate::Full { of: Room::Traces, .. } => {
                "The log buffer is full: too many traces are alive. Raise LOG_BUFFER_SHARDS, or try again later".to_string()
            }
            Fate::Undrained { from, to, .. } => format!(
                "LOG_BUFFER_SHARDS was changed from {from} to {to}: drain the buffers (ops drain, or POST /buffer/drain), \
                 or set it back"
            ),
            Fate::Lost { .. } => {
                "The log buffer did not answer. Send the log again with the same id".to_string()
            }
            Fate::NoStore { .. } => "No Redis is configured: set the secrets UPSTASH_REDIS_REST_URL and \
                                     UPSTASH_REDIS_REST_TOKEN"
                .to_string(),
        })
    }
}
