//! Do the quotas hold?

use log_ingestion_worker::entry::System;
use serde_json::{Value, json};

use super::{
    logs::{post, test_log},
    shut, unexpected,
};
use crate::verify::{client::Who, report::Finding, suite::Suite};

/// How many pairs of logs are tried: beside others' logs, the number may rise between two of ours, when a new hour
/// begins or a buffer is granted more.
const PAIRS: usize = 3;
/// A trace's quota beyond this is not tried out.
const MAX_TRIED: u64 = 2_000;
/// Logs a batch may hold (contract).
const BATCH: usize = 1_000;

/// Each log leaves less of its system's quota.
pub async fn quota_falls(suite: &mut Suite<'_>) -> Result<Finding, Finding> {
    let mut seen = Vec::new();
    for pair in 0..PAIRS {
        let mut left = [0, 0];
        for (at, left) in left.iter_mut().enumerate() {
            let log = test_log(suite, &format!("quota-{pair}-{at}"), "ops verify: quota");
            let answer = post(suite, &log).await?;
            let told = answer.json.get("remaining_quota").and_then(Value::as_u64);
            *left = told.ok_or_else(|| unexpected(&answer, "200 with remaining_quota"))?;
        }
        let [first, second] = left;
        if second < first {
            return Ok(Finding::pass(format!("{first}, then {second}")));
        }
        seen.push(format!("{first}, then {second}"));
    }
    let hint = "logs are not counted: roll back, `ops rollback`, or others' logs come in faster than ours";
    Err(Finding::fail(format!("it does not fall: {}", seen.join("; ")), hint))
}

/// A trace of its own is let in up to its quota and no further.
pub async fn of_a_trace(suite: &mut Suite<'_>) -> Result<Finding, Finding> {
    if !suite.open && !suite.plan.may_spend {
        return Ok(Finding::skip("it spends the hour's quota of production", "say --yes if that is meant"));
    }
    let limiter = suite.client.get(Who::Reader, "/health").await?.json;
    let number = |path: String| limiter.pointer(&path).and_then(Value::as_u64);
    let base = "/components/rate_limiter";
    let limit = number(format!("{base}/config/per_trace_limit")).unwrap_or_default();
    if limit == 0 || limit > MAX_TRIED {
        let hint = "it is tried up to 2,000; the black-box tests try the rest";
        return Ok(Finding::skip(format!("{limit} logs a trace are too many to try"), hint));
    }
    // From the system with the most left.
    let left = |system: System| {
        let name = system.as_str();
        let quota = number(format!("{base}/config/system_limits/{name}")).unwrap_or_default();
        quota
            .saturating_sub(number(format!("{base}/current_state/system_current/{name}")).unwrap_or_default())
    };
    let systems = System::ALL.map(|system| (left(system), system.as_str()));
    let (left, system) = systems.into_iter().max().unwrap_or_default();
    let wanted = limit + 1;
    if left <= wanted {
        let hint = "run it in a fresh hour";
        return Ok(Finding::skip(format!("no system has {wanted} logs left in this hour"), hint));
    }
    let trace = format!("{}-limit", suite.trace());
    suite.traces.push(trace.clone());
    let logs: Vec<Value> = (0..wanted)
        .map(|number| {
            json!({
                "id": format!("{}-limit-{number}", suite.nonce),
                "trace_id": trace,
                "message": "ops verify: limit",
                "level": "log",
                "system": system,
            })
        })
        .collect();
    let (mut accepted, mut refused) = (0, Vec::new());
    for batch in logs.chunks(BATCH) {
        let answer = suite.client.post(&json!(batch)).await?;
        if let Some(finding) = shut(suite, Who::Sender, &answer) {
            return Err(finding);
        }
        let Some(stored) = answer.json.get("accepted").and_then(Value::as_u64) else {
            return Err(unexpected(&answer, "a batch's answer"));
        };
        accepted += stored;
        refused.extend(answer.json.get("rejected").and_then(Value::as_array).into_iter().flatten().cloned());
    }
    let words = format!("Per-trace rate limit exceeded for {trace}");
    let by_trace = |one: &&Value| {
        one.get("status").and_then(Value::as_u64) == Some(429)
            && one.get("error").and_then(Value::as_str) == Some(&words)
    };
    if accepted == limit && refused.len() == 1 && refused.iter().all(|one| by_trace(&one)) {
        return Ok(Finding::pass(format!("{limit} of {wanted} logs were stored, the last was refused")));
    }
    let hint =
        "with others' logs in between a system's quota may have ended first; else roll back, `ops rollback`";
    Err(Finding::fail(format!("{accepted} of {wanted} logs were stored, the limit is {limit}"), hint))
}
