//! `ops ci watch`: waits until every run of a commit is over, and says what happens meanwhile.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    Which,
    gh::{Gh, Trouble},
    runs::{Job, State, WorkflowRun, newest_of_each, spoken},
    status,
};
use crate::{
    exit::{Exit, Failure},
    run::{Run, printer::Step},
};

/// How long the runs may take, unless told otherwise: the whole test suite, and a queue before it.
const PATIENCE: Duration = Duration::from_secs(60 * 60);
/// How long GitHub may take to make a run of what was just pushed.
const APPEARS_WITHIN: Duration = Duration::from_secs(60);
/// How often GitHub may fail to answer, one time after the other.
const TROUBLES: u32 = 5;

pub struct Watch<'a> {
    pub run: &'a Run,
    pub gh: &'a Gh,
    pub which: &'a Which,
    pub branch: String,
    pub interval: Duration,
}

/// What was said already: each thing is said once.
#[derive(Default)]
struct Said {
    runs: BTreeSet<u64>,
    jobs: BTreeSet<u64>,
    approvals: BTreeSet<u64>,
    newer: bool,
}

impl Watch<'_> {
    /// # Errors
    /// When GitHub cannot be asked, or no run of the commit appears.
    pub async fn until_done(&self, commit: Option<String>) -> Result<Exit, Failure> {
        let printer = self.run.printer();
        let (begun, patience) = (Instant::now(), self.run.globals().timeout.unwrap_or(PATIENCE));
        let (mut said, mut troubles) = (Said::default(), 0);
        let step = printer.quiet_step(&format!("watching {}", self.branch));
        let mut runs: Vec<WorkflowRun> = Vec::new();
        loop {
            match self.look(commit.as_deref(), &runs, &mut said).await {
                Ok(seen) => (runs, troubles) = (seen, 0),
                Err(trouble) if trouble.passing && troubles + 1 < TROUBLES => troubles += 1,
                Err(trouble) => return Err(trouble.failure()),
            }
            for run in &runs {
                self.tell(run, &step, &mut said);
            }
            if !runs.is_empty() && troubles == 0 && runs.iter().all(|run| run.state().is_over()) {
                drop(step);
                return Ok(self.end(&runs, None));
            }
            if begun.elapsed() >= patience {
                drop(step);
                return Ok(self.end(&runs, Some(patience)));
            }
            if runs.is_empty() && begun.elapsed() >= APPEARS_WITHIN {
                let of = commit.as_deref().map_or_else(String::new, |hash| format!(" of {}", short(hash)));
                return Err(Failure::new(
                    format!("no run{of} on {} within {} s", self.branch, APPEARS_WITHIN.as_secs()),
                    "was it pushed, and does a workflow run for it? gh workflow list; --commit watches another",
                ));
            }
            tokio::time::sleep(self.interval.min(patience.saturating_sub(begun.elapsed()))).await;
        }
    }

    /// The newest run of each workflow of the commit, with its jobs. Without a commit: of the newest run's.
    /// What was over `before` is not asked about again.
    async fn look(
        &self,
        commit: Option<&str>,
        before: &[WorkflowRun],
        said: &mut Said,
    ) -> Result<Vec<WorkflowRun>, Trouble> {
        let mut listed = self.gh.list(&self.branch, self.which).await?;
        listed.retain(|run| !run.is_scheduled());
        let newest = listed.first().map(|run| run.head_sha.clone()).unwrap_or_default();
        let commit = commit.unwrap_or(&newest);
        if !newest.starts_with(commit) && !std::mem::replace(&mut said.newer, true) {
            let (newest, commit) = (short(&newest), short(commit));
            self.run.printer().say(&format!(
                "note: the newest run on {} is of {newest}, not of {commit}; --commit {newest} watches it",
                self.branch
            ));
        }
        listed.retain(|run| run.head_sha.starts_with(commit));
        let known: BTreeMap<u64, &WorkflowRun> =
            before.iter().filter(|run| run.state().is_over()).map(|run| (run.database_id, run)).collect();
        let runs = newest_of_each(&listed).into_iter().map(|run| async {
            match known.get(&run.database_id) {
                // Unless somebody had it run again.
                Some(&known) if run.state().is_over() => Ok(known.clone()),
                _ => self.gh.view(run.database_id).await,
            }
        });
        futures_util::future::try_join_all(runs).await
    }

    /// Says what is new.
    fn tell(&self, run: &WorkflowRun, step: &Step<'_>, said: &mut Said) {
        let printer = self.run.printer();
        if said.runs.insert(run.database_id) {
            printer.say(&format!(
                "{} of {} ({}): {}",
                run.workflow_name,
                run.commit(),
                run.event,
                run.display_title
            ));
            printer.say(&format!("  {}", run.url));
        }
        if run.state() == State::Waiting && said.approvals.insert(run.database_id) {
            printer
                .warn(&format!("{} waits for somebody's approval, at the address above", run.workflow_name));
        }
        for job in &run.jobs {
            if job.state().is_over() && said.jobs.insert(job.database_id) {
                printer.say(&self.line(run, job));
            } else if let Some(at) = job.step() {
                step.now(&format!("{} / {}: {}", run.workflow_name, job.name, at.name));
            }
        }
    }

    fn line(&self, run: &WorkflowRun, job: &Job) -> String {
        let (state, took) = (job.state(), spoken(job.took()));
        let skipped = job.conclusion.as_deref() == Some("skipped");
        let word = self.run.printer().for_stderr(state.mark().word(), state.mark()).to_string();
        let mut line = format!("  {word} {} / {}", run.workflow_name, job.name);
        match (skipped, took.is_empty()) {
            (true, _) => line += ": skipped",
            (false, true) => {}
            (false, false) => line += &format!(" ({took})"),
        }
        for failed in job.failed_steps() {
            line += &format!("\n     at: {failed}");
        }
        line
    }

    /// Says how it ended. `after`: it did not end, and that long it was waited for.
    fn end(&self, runs: &[WorkflowRun], after: Option<Duration>) -> Exit {
        let printer = self.run.printer();
        let worst = runs.iter().map(WorkflowRun::state).max().unwrap_or(State::Queued);
        let (exit, outcome) = match after {
            Some(_) => (Exit::TimedOut, "timeout"),
            None => (worst.exit(), worst.word()),
        };
        if printer.json() {
            let runs: Vec<Value> = runs.iter().map(told).collect();
            let told = json!({ "branch": self.branch, "outcome": outcome, "exit": exit as u8, "runs": runs });
            printer.data(&told.to_string());
        } else {
            for run in runs {
                let (state, took) = (run.state(), spoken(run.took()));
                let word = printer.for_stdout(state.mark().word(), state.mark());
                let took =
                    if state.is_over() && !took.is_empty() { format!(" in {took}") } else { String::new() };
                printer.data(&format!("  {word} {}: {}{took}", run.workflow_name, state.word()));
            }
        }
        for run in runs.iter().filter(|run| run.state() == State::Failure) {
            printer.say(&format!("hint: ops ci logs {}", run.database_id));
        }
        if let Some(patience) = after {
            let message = format!("not over within {} s", patience.as_secs());
            let hint = "ops ci watch again, with a longer --timeout";
            printer.say(&Failure::new(message, hint).to_string());
        }
        exit
    }
}

/// For programs; the fields are stable.
fn told(run: &WorkflowRun) -> Value {
    let job = |job: &Job| json!({ "id": job.database_id, "name": job.name, "state": job.state(), "failed_steps": job.failed_steps() });
    let jobs = run.jobs.iter().map(job).collect();
    let mut told = status::told(run);
    if let Some(fields) = told.as_object_mut() {
        fields.insert("jobs".to_owned(), Value::Array(jobs));
    }
    told
}

fn short(hash: &str) -> &str {
    hash.get(..7).unwrap_or(hash)
}
