//! `ops ci status`: the newest run of each workflow on a branch.

use serde_json::{Value, json};

use super::{
    Which,
    gh::Gh,
    runs::{State, WorkflowRun, newest_of_each},
};
use crate::{
    exit::{Exit, Failure},
    run::{Run, age::age},
};

pub async fn run(run: &Run, gh: &Gh, branch: &str, which: &Which) -> Result<Exit, Failure> {
    let printer = run.printer();
    let step = printer.quiet_step("asking GitHub");
    let listed = gh.list(branch, which).await.map_err(|trouble| trouble.failure())?;
    drop(step);
    let newest = newest_of_each(&listed);
    let worst = newest.iter().map(|run| run.state()).max();
    let exit = worst.map_or(Exit::Warnings, State::exit);
    if printer.json() {
        let runs: Vec<Value> = newest.iter().map(|run| told(run)).collect();
        printer.data(&json!({ "branch": branch, "exit": exit as u8, "runs": runs }).to_string());
        return Ok(exit);
    }
    if newest.is_empty() {
        printer.data(&format!("no workflow has run on {branch}"));
    }
    for run in newest {
        let state = run.state();
        let age = run.age().map_or_else(|| run.created_at.clone(), |time| age(time.as_secs()));
        let word = printer.for_stdout(state.mark().word(), state.mark());
        let line = format!(
            "  {word} {:<10} {:<9} {age:<11} {}  {}",
            run.workflow_name,
            state.word(),
            run.commit(),
            run.display_title
        );
        printer.data(&line);
        if state != State::Success {
            printer.data(&format!("     {}", run.url));
        }
        if state == State::Failure {
            printer.data(&format!("     hint: ops ci logs {}", run.database_id));
        }
    }
    Ok(exit)
}

/// For programs; the fields are stable.
pub fn told(run: &WorkflowRun) -> Value {
    json!({
        "id": run.database_id,
        "workflow": run.workflow_name,
        "state": run.state(),
        "conclusion": run.conclusion.as_deref().filter(|word| !word.is_empty()),
        "event": run.event,
        "commit": run.head_sha,
        "title": run.display_title,
        "created_at": run.created_at,
        "url": run.url,
    })
}
