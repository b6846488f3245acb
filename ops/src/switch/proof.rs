//! Proof by requests: which version serves, and whether it does what it should.

use std::{cell::RefCell, future::pending, time::Duration};

use log_ingestion_worker::config::Environment;

use crate::{
    exit::Failure,
    run::{Run, printer::Mark, printer::Step},
    verify::{Check, Depth, Event, Plan, Report, Status, Target, verify},
};

/// How long a version that is said to serve already may take to be seen.
pub const SOON: Duration = Duration::from_secs(20);

/// What is to be proven.
#[derive(Clone, Debug)]
pub struct Claim<'a> {
    /// For people: what is being looked at.
    pub what: &'a str,
    /// The version that must serve.
    pub version: &'a str,
    /// Requests ask for that version, whatever its share of the traffic: the worker's name.
    pub beside: Option<&'a str>,
    /// How much is looked at.
    pub depth: Depth,
    /// How long the version may take to serve.
    pub patience: Duration,
}

/// Makes the checks of a claim.
///
/// # Errors
/// When requests cannot be made at all.
pub async fn look(
    run: &Run,
    target: &Target,
    environment: Environment,
    claim: &Claim<'_>,
) -> Result<Report, Failure> {
    let printer = run.printer();
    let plan = Plan {
        environment: Some(environment),
        version: Some(claim.version.to_owned()),
        override_version: claim.beside.map(|worker| (worker.to_owned(), claim.version.to_owned())),
        depth: claim.depth,
        patience: claim.patience,
        origin: target.origin.clone(),
        ..Plan::new(target.url.clone(), run.id().clone())
    };
    let step: RefCell<Option<Step<'_>>> = RefCell::new(Some(printer.step(claim.what)));
    let watch = |event: Event<'_>| {
        if let (Event::Begun(name), Some(step)) = (event, step.borrow().as_ref()) {
            step.now(name);
        }
    };
    let report = verify(&plan, &watch, pending()).await?;
    let mark = match report.outcome {
        Status::Pass => Mark::Good,
        Status::Skip | Status::Warn => Mark::Warning,
        Status::Fail => Mark::Bad,
    };
    let seen: Vec<String> =
        report.checks.iter().filter(|check| check.status != Status::Pass).map(line).collect();
    if let Some(step) = step.take() {
        step.end(mark, &seen.join("; "));
    }
    run.step("verify", serde_json::json!({ "what": claim.what, "report": report }));
    Ok(report)
}

/// The failed checks that count: those that did not fail before as well. What the version is always counts.
pub fn failures<'a>(report: &'a Report, tolerated: &[String]) -> Vec<&'a Check> {
    const ALWAYS: [&str; 5] = ["reachable", "identity", "version", "environment", "objects"];
    let counts =
        |check: &&Check| ALWAYS.contains(&check.name) || !tolerated.iter().any(|name| name == check.name);
    report.failed().filter(counts).collect()
}

/// A check in one line.
pub fn line(check: &Check) -> String {
    format!("{}: {}", check.name, check.detail)
}
