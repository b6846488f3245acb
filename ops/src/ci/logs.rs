//! `ops ci logs`: what a run printed.

use super::{
    Which,
    gh::{Gh, Trouble},
    runs::{State, WorkflowRun},
};
use crate::{
    exit::{Exit, Failure},
    run::{Run, age::age},
};

/// The newest run that failed; with `all` the newest that is over.
pub async fn newest(run: &Run, gh: &Gh, branch: &str, which: &Which, all: bool) -> Result<Exit, Failure> {
    let listed = gh.list(branch, which).await.map_err(|trouble| trouble.failure())?;
    let wanted = |run: &&WorkflowRun| match all {
        true => run.state().is_over(),
        false => run.state() == State::Failure,
    };
    match listed.iter().find(wanted) {
        Some(found) => print(run, gh, found, all).await,
        None => {
            let what = if all { "is over" } else { "failed; --all prints the log of the newest" };
            run.printer().say(&format!("none of the newest {} runs on {branch} {what}", listed.len()));
            Ok(Exit::Done)
        }
    }
}

/// This run.
pub async fn of(run: &Run, gh: &Gh, id: u64, all: bool) -> Result<Exit, Failure> {
    let found = gh.view(id).await.map_err(|trouble| trouble.failure())?;
    print(run, gh, &found, all).await
}

async fn print(run: &Run, gh: &Gh, found: &WorkflowRun, all: bool) -> Result<Exit, Failure> {
    let printer = run.printer();
    let when = found.age().map_or_else(|| found.created_at.clone(), |time| age(time.as_secs()));
    let (state, commit) = (found.state(), found.commit());
    printer.say(&format!(
        "{} {commit}, {}, {when}: {}",
        found.workflow_name,
        state.word(),
        found.display_title
    ));
    printer.say(&found.url);
    if !state.is_over() {
        return Err(Failure::new("it goes on, and GitHub has no log of it yet", "ops ci watch waits for it"));
    }
    if !all && state != State::Failure {
        printer.say("nothing failed in it; --all prints the whole log");
        return Ok(Exit::Done);
    }
    let step = printer.quiet_step("fetching the log");
    let log = gh.log(found.database_id, all).await.map_err(|trouble: Trouble| trouble.failure())?;
    drop(step);
    printer.data(log.trim_end());
    Ok(Exit::Done)
}
