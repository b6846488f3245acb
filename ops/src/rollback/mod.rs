//! `ops rollback`: back to a version that was live before, and proven to serve; or nothing has changed.
//!
//! ```text
//! what is live, and what can be gone back to ─► what it will do ─► beside the live version, and in its place
//! ```
//!
//! The way is `ops deploy`'s without a build ([`crate::switch`]): the version is named by its id (wrangler's bare
//! `rollback` may go back to the bad one), stands beside the live one first, gets all the traffic at once with Durable
//! Objects updated immediately, and is verified by the same suite. When it does worse than what it replaced, that comes
//! back. Only where secrets changed since does the API take nothing but `wrangler rollback`, which switches at once.
//!
//! | module | what it is |
//! | --- | --- |
//! | `history` | what is live, and what can be gone back to |
//! | `known` | what this machine's journal knows of versions |
//! | `choice` | which of them |
//! | `effects` | what it will do to vars, secrets, stored state and Redis |
//! | `back` | the way |
//! | `extras` | `--reset-limiter`, `--clear-logs` |
//! | `shown` | all of it, for people |
//! | `dry` | `--dry-run` |

mod back;
mod choice;
mod dry;
mod effects;
mod extras;
mod history;
pub(crate) mod known;
mod shown;

use clap::Args;
use serde_json::json;

use crate::{
    deploy::options::limit,
    exit::{Exit, Failure},
    project::Project,
    run::{Effect, Run},
    signals::Stop,
    switch::Switch,
    wrangler::CALL_LIMIT,
};
use history::History;

/// The options of `ops rollback`.
#[derive(Args, Clone, Debug)]
pub struct RollbackArgs {
    /// The version to go back to, by its id or the beginning of it. Without it a terminal is asked, and --yes takes the
    /// version that was live before and that this machine has proven.
    #[arg(long, value_name = "ID")]
    to: Option<String>,
    /// Show what can be gone back to, and change nothing.
    #[arg(long, conflicts_with_all = ["to", "reset_limiter", "clear_logs"])]
    list: bool,
    /// Go on though the live version cannot be seen where it should answer.
    #[arg(long)]
    allow_unseen: bool,
    /// Afterwards forget what was counted in this hour: every quota begins anew.
    #[arg(long)]
    reset_limiter: bool,
    /// Afterwards delete every log, in the buffers and in Redis.
    #[arg(long)]
    clear_logs: bool,
    /// How long wrangler may take to answer one question; three times that to change something.
    #[arg(long, value_name = "DURATION", default_value_t = CALL_LIMIT.into(), value_parser = limit)]
    wrangler_timeout: humantime::Duration,
}

impl RollbackArgs {
    /// What it does to the world.
    pub fn effect(&self) -> Effect {
        if self.list { Effect::None } else { Effect::Changes }
    }
}

/// Goes back, and ends in a known state.
///
/// # Errors
/// What is in the way before anything was changed. Everything later is an exit status, said and journalled.
pub async fn run(run: &Run, args: &RollbackArgs) -> Result<Exit, Failure> {
    let environment = run
        .globals()
        .env
        .ok_or_else(|| Failure::usage("which environment?", "give --env development or --env production"))?;
    let switch = Switch::new(run, Project::find()?, environment, *args.wrangler_timeout)?;
    if run.globals().dry_run {
        return Ok(dry::run(&switch, args));
    }
    if args.list {
        let mut stop = Stop::watch()?;
        let history = tokio::select! {
            history = History::read(&switch, None) => history?,
            () = stop.wait() => return Err(Failure::new("interrupted", "nothing was changed")),
        };
        list(&switch, &history);
        return Ok(Exit::Done);
    }
    switch.conclude(back::forward(&switch, args)).await
}

/// What can be gone back to, on stdout.
fn list(switch: &Switch<'_>, history: &History) {
    let printer = switch.run.printer();
    if printer.json() {
        let told = json!({
            "run": switch.run.id().as_str(),
            "environment": switch.environment.as_str(),
            "worker": switch.worker,
            "live": history.deployment,
            "previous": history.previous().ok().map(|candidate| candidate.version.id.as_str()),
            "candidates": history.candidates,
        });
        printer.data(&told.to_string());
    } else {
        shown::list(switch, history);
    }
}
