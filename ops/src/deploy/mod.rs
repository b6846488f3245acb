//! `ops deploy`: a release that ends in a known state.
//!
//! Whatever happens to the network, the API, the build or the new code: at the end the new version is proven to serve,
//! or the one from before is, or the exit status is 4 and one paragraph says what is live and what to type next. A
//! version that was not verified is never left with the traffic.
//!
//! ```text
//! preflight ─► build ─► upload ─► 0 % beside the old one, verified by the override header ─► 100 % ─► verified
//!     │           │         │                 │                                               │         │
//!     └───────────┴─────────┴── 1 ────────────┴─ 1 (the old one never lost the traffic)       └─── 3 ───┘
//! ```
//!
//! There are no steps between 0 and 100 %: percentages would split Durable Objects, not risk. With a Durable Object
//! migration, and for the first deployment, wrangler deploys at once and there is no way back: then a failure is 4.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`options`] | the command's options |
//! | `preflight` | everything that can be known to go wrong before anything is sent |
//! | `release` | the way forward |
//! | `resolve` | from anywhere to a known state: after a failure, Ctrl-C, or a run that was killed |
//! | `settle` | runs that were killed, found by their journals |
//! | `attempt` | how far a deployment has come |
//! | `truth`, `proof` | what the API says is live; what requests prove |
//! | `ending` | how it ended, for people and programs |
//! | `dry` | `--dry-run` |
//! | `git` | what is deployed, as git names it |

mod attempt;
mod dry;
mod ending;
pub(crate) mod git;
pub mod options;
mod preflight;
mod proof;
mod release;
mod resolve;
mod settle;
mod truth;

use std::{
    io::IsTerminal,
    sync::{Mutex, PoisonError},
};

use log_ingestion_worker::config::Environment;

use crate::{
    exit::{Exit, Failure},
    project::Project,
    run::Run,
    signals::Stop,
    verify::{PATIENCE, Target, is_local},
    wrangler::{Wrangler, tools::Tools},
};
use attempt::Attempt;
use ending::Ending;
use options::DeployArgs;

/// What every step of a deployment needs.
struct Deploy<'a> {
    run: &'a Run,
    args: &'a DeployArgs,
    environment: Environment,
    project: Project,
    worker: String,
    wrangler: Wrangler,
    /// How far it has come. Steps that are dropped half-way leave it for whoever brings things to an end.
    attempt: Mutex<Option<Attempt>>,
}

/// Deploys, and ends in a known state.
///
/// # Errors
/// What is in the way before anything was sent. Everything later is an exit status, said and journalled here.
pub async fn run(run: &Run, args: &DeployArgs) -> Result<Exit, Failure> {
    let environment = run
        .globals()
        .env
        .ok_or_else(|| Failure::usage("which environment?", "give --env development or --env production"))?;
    let project = Project::find()?;
    let worker = project.worker_name(environment);
    if run.globals().dry_run {
        return dry::run(run, args, &project, environment);
    }
    let tools = Tools::find(project.root())?;
    let wrangler = Wrangler::new(tools, project.root(), environment, *args.wrangler_timeout);
    let deploy = Deploy { run, args, environment, project, worker, wrangler, attempt: Mutex::new(None) };
    let mut stop = Stop::watch()?;
    let _lock = run.lock(&deploy.worker)?;
    tokio::select! {
        settled = settle::all(&deploy) => settled?,
        () = stop.wait() => return Err(deploy.interrupted()),
    }
    let forward = tokio::select! {
        forward = release::forward(&deploy) => forward,
        () = stop.wait() => Err(deploy.interrupted()),
    };
    let ending = match (forward, deploy.attempt()) {
        (Ok(ending), _) => ending,
        // Nothing was sent.
        (Err(why), None) => return Err(why),
        (Err(why), Some(attempt)) => {
            deploy.run.printer().say(&why.to_string());
            tokio::select! {
                ending = resolve::to_a_known_state(&deploy, &attempt, &why) => ending,
                () = stop.wait() => Ending::unknown(&deploy, &attempt, "interrupted again, on the way back"),
            }
        }
    };
    Ok(ending.tell(&deploy))
}

impl Deploy<'_> {
    /// Where the worker answers.
    fn target(&self) -> Result<Target, Failure> {
        let target = Target::of(self.run)?;
        if is_local(&target.url) && self.run.globals().url.is_none() {
            let name = self.environment.as_str();
            return Err(Failure::new(
                format!("nothing says where {name} answers"),
                "give --url; it is remembered after the first deployment from this machine",
            ));
        }
        Ok(target)
    }

    /// How long a version may take to serve.
    fn patience(&self) -> std::time::Duration {
        self.run.globals().timeout.unwrap_or(PATIENCE)
    }

    fn attempt(&self) -> Option<Attempt> {
        self.attempt.lock().unwrap_or_else(PoisonError::into_inner).clone()
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

    /// Goes on only with a yes: `--yes`, or an answer at the terminal.
    async fn confirm(&self, what: &str) -> Result<(), Failure> {
        let printer = self.run.printer();
        printer.warn(what);
        if self.run.globals().yes {
            return Ok(());
        }
        let refused = |message: &str| Err(Failure::new(message, "nothing was changed; --yes answers yes"));
        if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
            return refused("it must be confirmed, and nobody can be asked");
        }
        printer.say("Go on? [y/N]");
        // A thread of its own, which nobody waits for: Ctrl-C must work at the question too.
        let (send, answer) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let read = std::io::stdin().read_line(&mut line);
            send.send(read.map(|_| line))
        });
        match answer.await {
            Ok(Ok(line)) if ["y", "yes"].contains(&line.trim().to_lowercase().as_str()) => Ok(()),
            _ => refused("it was not confirmed"),
        }
    }
}
