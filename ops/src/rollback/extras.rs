//! What may be asked for beside the way back, and is never done unasked: the hour's quotas anew, every log deleted.

use reqwest::Method;
use serde_json::Value;

use super::RollbackArgs;
use crate::{
    drain,
    exit::Failure,
    switch::Switch,
    verify::{Client, Plan, Target, Who, known},
};

/// Whether what was asked for can be done, and is meant.
///
/// # Errors
/// When a token is missing, or it was not confirmed.
pub async fn agreed(switch: &Switch<'_>, args: &RollbackArgs, target: &Target) -> Result<(), Failure> {
    if !args.reset_limiter && !args.clear_logs {
        return Ok(());
    }
    let client = Client::new(&Plan::new(target.url.clone(), switch.run.id().clone()))?;
    let open = switch.environment == log_ingestion_worker::config::Environment::Development;
    if !open && !client.has_token(Who::Admin) {
        let flag = if args.clear_logs { "--clear-logs" } else { "--reset-limiter" };
        let variable = Who::Admin.variable();
        return Err(Failure::new(
            format!("{flag} needs the token of {variable}"),
            format!("set {variable} to the LOG_ADMIN_TOKEN of the version that is gone back to"),
        ));
    }
    if args.reset_limiter {
        switch.run.confirm("every quota of this hour will begin anew").await?;
    }
    if args.clear_logs {
        switch.run.confirm("every log will be deleted, in the buffers and in Redis").await?;
    }
    Ok(())
}

/// Does it. What fails is a warning: the way back is done, and proven.
pub async fn done(switch: &Switch<'_>, args: &RollbackArgs, target: &Target) -> Vec<String> {
    let mut warnings = Vec::new();
    if args.reset_limiter {
        match reset(switch, target).await {
            Ok(()) => switch.run.printer().say("Every quota begins anew."),
            Err(failure) => warnings.push(format!("{}: {}", failure.message(), failure.hint())),
        }
    }
    if args.clear_logs {
        match clear(switch, target).await {
            Ok(cleared) => switch.run.printer().say(&format!("{cleared} logs were deleted.")),
            Err(failure) => warnings.push(format!("{}: {}", failure.message(), failure.hint())),
        }
    }
    warnings
}

async fn client(switch: &Switch<'_>, target: &Target) -> Result<Client, Failure> {
    // Whoever answers there now: what deletes goes to nobody else.
    known(switch.run, target).await?;
    Client::new(&Plan::new(target.url.clone(), switch.run.id().clone()))
}

async fn reset(switch: &Switch<'_>, target: &Target) -> Result<(), Failure> {
    drain::reset(&client(switch, target).await?).await?;
    switch.run.step("reset limiter", Value::Null);
    Ok(())
}

async fn clear(switch: &Switch<'_>, target: &Target) -> Result<u64, Failure> {
    let client = client(switch, target).await?;
    let answer = client.send(client.request(Who::Admin, Method::DELETE, "/logs/clear")).await;
    let answer = answer.map_err(|finding| Failure::new(finding.detail, finding.hint))?;
    if answer.status != 200 {
        let hint = "again by hand: curl -X DELETE URL/logs/clear, with the LOG_ADMIN_TOKEN of that version";
        return Err(Failure::new(format!("the logs were not deleted, {}", answer.said()), hint));
    }
    let cleared = answer.json.get("cleared_logs").and_then(Value::as_u64).unwrap_or_default();
    switch.run.step("clear logs", serde_json::json!({ "cleared": cleared }));
    Ok(cleared)
}
