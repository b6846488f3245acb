//! `ops drain`: everything that waits in the buffers goes to Redis. Before the number of buffers changes, and before the
//! way back to a worker that has none.

use std::time::{Duration, Instant};

use clap::Args;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    exit::{Exit, Failure},
    run::{Run, printer::Mark},
    signals::Stop,
    verify::{Answer, Client, Plan, Target, Who, known},
};

/// How long it may take, unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(300);
/// The worker itself tries for a moment; between two requests.
const PAUSE: Duration = Duration::from_secs(1);

/// The options of `ops drain`.
#[derive(Args, Clone, Debug)]
pub struct DrainArgs {
    /// Afterwards forget what was counted in this hour: every quota begins anew.
    #[arg(long)]
    reset_limiter: bool,
}

/// Drains, and is done when nothing waits.
///
/// # Errors
/// When something still waits after the time it may take, with how much; or nobody may ask for it.
pub async fn run(run: &Run, args: &DrainArgs) -> Result<Exit, Failure> {
    let target = Target::of(run)?;
    if run.globals().dry_run {
        let url = target.url.as_str().trim_end_matches('/');
        run.printer().data(&format!("would POST {url}/buffer/drain until nothing waits"));
        if args.reset_limiter {
            run.printer().data(&format!("would POST {url}/limiter/reset"));
        }
        return Ok(Exit::Done);
    }
    if args.reset_limiter {
        run.confirm("every quota of this hour will begin anew").await?;
    }
    let mut stop = Stop::watch()?;
    tokio::select! {
        outcome = drain(run, args, &target) => outcome,
        () = stop.wait() => Err(Failure::new("ended before nothing waited", "what waits goes to Redis by itself, in its time")),
    }
}

async fn drain(run: &Run, args: &DrainArgs, target: &Target) -> Result<Exit, Failure> {
    let before = known(run, target).await?;
    let client = Client::new(&Plan::new(target.url.clone(), run.id().clone()))?;
    let (patience, begun) = (run.globals().timeout.unwrap_or(PATIENCE), Instant::now());
    let step = run.printer().step("draining the buffers");
    let drained = loop {
        let state = match client.send(client.request(Who::Admin, Method::POST, "/buffer/drain")).await {
            Ok(answer) => judge(&answer)?,
            Err(finding) => State::Unheard(finding.detail, finding.hint),
        };
        if let State::Empty(answer) = state {
            break answer;
        }
        if begun.elapsed() > patience {
            let failure = state.failure(patience);
            step.end(Mark::Bad, failure.message());
            return Err(failure);
        }
        step.now(&state.to_string());
        tokio::time::sleep(PAUSE).await;
    };
    step.end(Mark::Good, "nothing waits");
    if args.reset_limiter {
        reset(&client).await?;
        run.printer().say("Every quota begins anew.");
    }
    let told = json!({
        "run": run.id().as_str(),
        "url": client.base(),
        "waiting": 0,
        "waited_before": before.backlog.map(|backlog| backlog.waiting),
        "limiter_reset": args.reset_limiter,
        "shards": drained.get("shards").cloned().unwrap_or(Value::Null),
    });
    run.step("drain", told.clone());
    if run.printer().json() {
        run.printer().data(&told.to_string());
    }
    Ok(Exit::Done)
}

/// Starts the hour's quotas anew.
///
/// # Errors
/// When the worker does not do it.
pub async fn reset(client: &Client) -> Result<(), Failure> {
    let answer = client.send(client.request(Who::Admin, Method::POST, "/limiter/reset")).await;
    let answer = answer.map_err(|finding| Failure::new(finding.detail, finding.hint))?;
    match answer.status {
        200 => Ok(()),
        _ => Err(refused(&answer, "the quotas were not reset")),
    }
}

/// How a drain stands.
enum State {
    Empty(Value),
    Waiting(u64),
    /// No answer, or not from the worker.
    Unheard(String, String),
}

impl State {
    fn failure(&self, patience: Duration) -> Failure {
        let waited = patience.as_secs();
        match self {
            State::Unheard(detail, hint) => {
                Failure::new(format!("the worker could not do it within {waited} s: {detail}"), hint.clone())
            }
            other => Failure::new(
                format!("{other} after {waited} s"),
                "see whether Redis is well (`ops health`); ops/runbooks/redis.md; --timeout waits longer",
            ),
        }
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            State::Empty(_) => f.write_str("nothing waits"),
            State::Waiting(count) => write!(f, "{count} still waiting for Redis"),
            State::Unheard(detail, _) => f.write_str(detail),
        }
    }
}

fn judge(answer: &Answer) -> Result<State, Failure> {
    let waiting = answer.json.get("waiting").and_then(Value::as_u64);
    let success = answer.json.get("success") == Some(&Value::Bool(true));
    match (answer.status, waiting) {
        (200, Some(0)) if success => Ok(State::Empty(answer.json.clone())),
        (503, Some(count @ 1..)) => Ok(State::Waiting(count)),
        // A buffer, or the keeper of the quotas, gave the worker no answer.
        (500..=599, _) => Ok(State::Unheard(
            why(&answer.json).map_or_else(|| answer.said(), str::to_owned),
            "look at the worker's log: npx wrangler tail".into(),
        )),
        _ => Err(refused(answer, "the buffers were not drained")),
    }
}

/// What the first buffer that failed says.
fn why(answer: &Value) -> Option<&str> {
    let shards = answer.get("shards").and_then(Value::as_array).into_iter().flatten();
    shards.chain([answer]).find_map(|part| part.get("error")?.as_str())
}

fn refused(answer: &Answer, what: &str) -> Failure {
    let hint = match answer.status {
        401 | 403 => "set OPS_ADMIN_TOKEN in the environment of this command to the worker's LOG_ADMIN_TOKEN",
        404 => "an earlier version answers there, which has no such route: deploy this one first",
        _ => "look at the worker's log: npx wrangler tail",
    };
    Failure::new(format!("{what}: {}", answer.said()), hint)
}
