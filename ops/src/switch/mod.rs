//! From one live version to another, ending in a known state: what `ops deploy` and `ops rollback` share.
//!
//! Whatever happens to the network, the API or the code: at the end the version that was wanted is proven to serve, or
//! the one from before is, or the exit status is 4 and one paragraph says what is live and what to type next. A version
//! that was not verified is never left with the traffic.
//!
//! ```text
//! 0 % beside the live one, verified by the override header ─► 100 % ─► verified
//!      │                                                        │         │
//!      └─── 1 (the live one never lost the traffic)             └─── 3 ───┘
//! ```
//!
//! | module | what it is |
//! | --- | --- |
//! | [`attempt`] | how far it has come, kept in the journal |
//! | [`steps`] | the way forward, from 0 % to the proof |
//! | [`truth`], [`proof`] | what the API says is live; what requests prove |
//! | [`resolve`] | from anywhere to a known state: after a failure, Ctrl-C, or a run that was killed |
//! | [`settle`] | runs that were killed, found by their journals |
//! | [`latency`] | slower than after the last time it went well? |
//! | [`vars`] | which vars differ |
//! | [`ending`] | how it ended, for people and programs |

pub mod attempt;
pub mod ending;
pub mod latency;
pub mod proof;
pub mod resolve;
pub mod settle;
pub mod steps;
pub mod truth;
pub mod vars;

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use log_ingestion_worker::config::Environment;

use crate::{
    exit::{Exit, Failure},
    project::Project,
    run::Run,
    signals::Stop,
    verify::{PATIENCE, Target},
    wrangler::{Wrangler, tools::Tools},
};
use attempt::{Attempt, Phase};
use ending::Ending;

/// What every step needs.
#[derive(Debug)]
pub struct Switch<'a> {
    /// The run it is part of.
    pub run: &'a Run,
    /// Where.
    pub environment: Environment,
    /// The checkout.
    pub project: Project,
    /// The worker's name.
    pub worker: String,
    /// The way to the API.
    pub wrangler: Wrangler,
    /// How far it has come. Steps that are dropped half-way leave it for whoever brings things to an end.
    attempt: Mutex<Option<Attempt>>,
}

impl<'a> Switch<'a> {
    /// For one environment; `limit` is how long wrangler may take to answer one question.
    ///
    /// # Errors
    /// When wrangler or its Node is missing, or too old.
    pub fn new(
        run: &'a Run,
        project: Project,
        environment: Environment,
        limit: Duration,
    ) -> Result<Switch<'a>, Failure> {
        let tools = Tools::find(project.root())?;
        let wrangler = Wrangler::new(tools, project.root(), environment, limit);
        let worker = project.worker_name(environment);
        Ok(Switch { run, environment, project, worker, wrangler, attempt: Mutex::new(None) })
    }

    /// Brings earlier runs to an end that were killed, goes forward, and ends in a known state, whatever becomes of
    /// `forward` and whoever presses Ctrl-C.
    ///
    /// # Errors
    /// What is in the way before anything was sent. Everything later is an exit status, said and journalled here.
    pub async fn conclude(
        &self,
        forward: impl Future<Output = Result<Ending, Failure>>,
    ) -> Result<Exit, Failure> {
        let mut stop = Stop::watch()?;
        let _lock = self.run.lock(&self.worker)?;
        tokio::select! {
            settled = settle::all(self) => settled?,
            () = stop.wait() => return Err(self.interrupted()),
        }
        let forward = tokio::select! {
            forward = forward => forward,
            () = stop.wait() => Err(self.interrupted()),
        };
        let ending = match (forward, self.attempt()) {
            (Ok(ending), _) => ending,
            // Nothing was sent.
            (Err(why), None) => return Err(why),
            (Err(why), Some(attempt)) => {
                self.run.printer().say(&why.to_string());
                tokio::select! {
                    ending = resolve::to_a_known_state(self, &attempt, &why) => ending,
                    () = stop.wait() => Ending::unknown(self, &attempt, "interrupted again, on the way back"),
                }
            }
        };
        Ok(ending.tell(self))
    }

    /// Where the worker answers.
    ///
    /// # Errors
    /// When nothing says so.
    pub fn target(&self) -> Result<Target, Failure> {
        let known = Target::deployed(self.run, Some(&self.project), self.environment);
        known.ok_or_else(|| {
            let name = self.environment.as_str();
            let hint = "give --url, or fill in its route in wrangler.toml; after the first deployment from this machine \
                        it is remembered";
            Failure::new(format!("nothing says where {name} answers"), hint)
        })
    }

    /// How long a version may take to serve.
    pub fn patience(&self) -> Duration {
        self.run.globals().timeout.unwrap_or(PATIENCE)
    }

    /// How far it has come; nothing before anything was sent.
    pub fn attempt(&self) -> Option<Attempt> {
        self.attempt.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Begins: from here on a failure is resolved, and a kill is settled by the next run.
    pub fn begin(&self, attempt: &Attempt) {
        attempt.begin(self.run);
        self.keep(attempt);
    }

    /// Goes on to a phase, before its first call.
    pub fn enter(&self, attempt: &mut Attempt, phase: Phase) {
        attempt.enter(self.run, phase);
        self.keep(attempt);
    }

    fn keep(&self, attempt: &Attempt) {
        *self.attempt.lock().unwrap_or_else(PoisonError::into_inner) = Some(attempt.clone());
    }

    fn interrupted(&self) -> Failure {
        let hint = match self.attempt() {
            None => "nothing was changed by this run",
            Some(_) => "what is live is found out now; a second Ctrl-C ends that as well",
        };
        Failure::new("interrupted", hint)
    }

    /// The other commands of ours that are worth typing, with the flags of this one.
    pub fn shown(&self, command: &str) -> String {
        let url = self.run.globals().url.as_ref().map(|url| format!(" --url {url}")).unwrap_or_default();
        format!("ops {command} --env {}{url}", self.environment.as_str())
    }
}
