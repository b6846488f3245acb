//! Looking at what is live before and after its secrets change: which checks fail, under which names.

use std::{collections::BTreeSet, time::Duration};

use log_ingestion_worker::config::Environment;
use serde_json::json;

use super::{Depth, Layouts, Plan, Status, Target, Tokens, verify};
use crate::{
    exit::Failure,
    run::{Run, printer::Mark},
};

/// How long what is live already may take to be seen.
pub const SOON: Duration = Duration::from_secs(20);
/// The check that says which version the Durable Objects run; an edit of secrets does not say when they take it.
pub const OBJECTS: &str = "objects";
/// The checks that say which worker and which version answers.
const WHICH: [&str; 4] = ["reachable", "identity", "version", "environment"];

/// What was seen of a version.
pub struct Seen {
    /// The checks that fail, by name: the same one may fail in other words the next time.
    pub failed: BTreeSet<String>,
    /// The newest layouts of stored state that its code reads.
    pub layouts: Layouts,
}

/// Looks at a version once it serves, without writing anything.
///
/// # Errors
/// When the suite cannot be run.
pub async fn look(
    run: &Run,
    environment: Environment,
    target: &Target,
    version: &str,
    patience: Duration,
    tokens: Tokens,
) -> Result<Seen, Failure> {
    let plan = Plan {
        environment: Some(environment),
        version: Some(version.to_owned()),
        depth: Depth::ReadOnly,
        origin: target.origin.clone(),
        tokens,
        patience,
        ..Plan::new(target.url.clone(), run.id().clone())
    };
    let step = run.printer().step(&format!("version {version}"));
    let report = verify(&plan, &|_| {}, std::future::pending()).await?;
    let told: BTreeSet<String> =
        report.failed().map(|check| format!("{}: {}", check.name, check.detail)).collect();
    let mark = if report.outcome == Status::Fail { Mark::Bad } else { Mark::Good };
    step.end(mark, &told.into_iter().collect::<Vec<_>>().join("; "));
    run.step("verify", json!({ "report": report }));
    let failed = report.failed().map(|check| check.name.to_owned()).collect();
    Ok(Seen { failed, layouts: report.version.map(|version| version.layouts).unwrap_or_default() })
}

/// Looks at what is live, before anything is changed.
///
/// # Errors
/// When what answers is not that version: it could prove nothing afterwards.
pub async fn before(
    run: &Run,
    environment: Environment,
    target: &Target,
    version: &str,
) -> Result<BTreeSet<String>, Failure> {
    let failed = look(run, environment, target, version, SOON, Tokens::from_environment()).await?.failed;
    match WHICH.iter().find(|check| failed.contains(**check)) {
        None => Ok(failed),
        Some(check) => Err(Failure::new(
            format!("{} is not the live version {version}: {check}", target.url),
            "see whether --url is this environment's; or wait, when something was deployed a moment ago",
        )),
    }
}
