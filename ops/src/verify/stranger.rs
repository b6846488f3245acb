//! Before anything is changed: is it the worker that is meant?

use super::{
    plan::{Depth, Plan},
    report::{Report, Status},
    suite,
    target::Target,
};
use crate::{exit::Failure, run::Run};

/// Looks at the worker's health, and passes when it answers, is this service, and is the environment that was asked
/// for, however well it is. For commands that write to it.
///
/// # Errors
/// Why it is not to be written to.
pub async fn known(run: &Run, target: &Target) -> Result<Report, Failure> {
    let plan = Plan {
        environment: run.globals().env,
        depth: Depth::Health,
        ..Plan::new(target.url.clone(), run.id().clone())
    };
    let report = suite::verify(&plan, &|_| {}, std::future::pending()).await?;
    for name in ["reachable", "identity", "environment"] {
        if let Some(check) = report.check(name).filter(|check| check.status == Status::Fail) {
            let does =
                if name == "reachable" { "does not answer" } else { "is not the worker that is meant" };
            return Err(Failure::new(
                format!("{} {does}: {}", report.url, check.detail),
                check.hint.as_str(),
            ));
        }
    }
    Ok(report)
}
