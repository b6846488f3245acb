//! Is a log stored, and read back as it was?

use log_ingestion_worker::entry::{Level, System};
use serde_json::{Value, json};

use super::{shut, unexpected};
use crate::verify::{
    client::{Answer, Who},
    contract::encoded,
    report::{Finding, Status},
    suite::Suite,
};

/// Posts a log of every level and every system, and leaves them in `posted`.
pub async fn posted(suite: &mut Suite<'_>, posted: &mut Vec<Value>) -> Result<Finding, Finding> {
    for (number, (level, system)) in Level::ALL.into_iter().zip(System::ALL).enumerate() {
        let (level, system) = (level.as_str(), system.as_str());
        let mut log =
            test_log(suite, &format!("{level}-{system}"), &format!("ops verify: {level} of {system}"));
        let more = json!({
            "level": level,
            "system": system,
            "user_id": "ops",
            "context": { "number": number, "nested": { "list": [1, "zwei", null, true] }, "emoji": "\u{1f680}" },
        });
        merge(&mut log, more);
        if level == "error" {
            merge(&mut log, json!({ "stack": "Error: none\n    at ops verify" }));
        }
        let answer = post(suite, &log).await.map_err(|mut finding| {
            if finding.status == Status::Skip {
                finding.detail += ", and so do read-back, recent-trace, redaction, noise and quota";
            }
            finding
        })?;
        if answer.json.get("remaining_quota").and_then(Value::as_u64).is_none() {
            return Err(unexpected(&answer, "200 with remaining_quota"));
        }
        posted.push(log);
    }
    Ok(Finding::pass(format!("{} logs: every level, every system", posted.len())))
}

/// Reads the trace: what was posted is there, in its order, once.
pub async fn read_back(suite: &mut Suite<'_>, posted: &[Value]) -> Result<Finding, Finding> {
    let entries = read(suite).await?;
    let mut from = 0;
    for log in posted {
        let id = log.get("id");
        let found: Vec<usize> =
            (0..entries.len()).filter(|&at| entries.get(at).and_then(|e| e.get("id")) == id).collect();
        let name = log.get("message").and_then(Value::as_str).unwrap_or_default();
        let hint =
            "a log was acknowledged: this build breaks the service's promise; roll back: `ops rollback`";
        let entry = match *found {
            [at] if at >= from => {
                from = at;
                entries.get(at)
            }
            [_] => return Err(Finding::fail(format!("\"{name}\" is not in its place"), hint)),
            [] => return Err(Finding::fail(format!("\"{name}\" is missing"), hint)),
            _ => return Err(Finding::fail(format!("\"{name}\" is there {} times", found.len()), hint)),
        };
        for field in ["trace_id", "message", "level", "system", "user_id", "stack", "context"] {
            if entry.and_then(|entry| entry.get(field)) != log.get(field) {
                return Err(Finding::fail(format!("\"{name}\" came back with another {field}"), hint));
            }
        }
    }
    Ok(Finding::pass(format!("all {} as they were posted, in order", posted.len())))
}

/// `/traces/recent` answers those who may read.
pub async fn recent_answers(suite: &mut Suite<'_>) -> Result<Finding, Finding> {
    let answer = suite.client.get(Who::Reader, "/traces/recent?limit=1").await?;
    if let Some(finding) = shut(suite, Who::Reader, &answer) {
        return Err(finding);
    }
    match answer.json.get("traces").and_then(Value::as_array) {
        Some(_) if answer.status == 200 => Ok(Finding::pass("")),
        _ => Err(unexpected(&answer, "200 with traces")),
    }
}

/// The trace of the test logs is among the recent ones, with its count, its systems and its error.
pub async fn recent(suite: &mut Suite<'_>) -> Result<Finding, Finding> {
    let answer = suite.client.get(Who::Reader, "/traces/recent?limit=50").await?;
    if let Some(finding) = shut(suite, Who::Reader, &answer) {
        return Err(finding);
    }
    let Some(traces) = answer.json.get("traces").and_then(Value::as_array) else {
        return Err(unexpected(&answer, "200 with traces"));
    };
    let own =
        traces.iter().find(|trace| trace.get("trace_id").and_then(Value::as_str) == Some(suite.trace()));
    let Some(own) = own else {
        return Err(match traces.len() {
            50.. => Finding::warn(
                "50 newer traces were there before it could be seen",
                "run it at a quieter time",
            ),
            _ => {
                Finding::fail("the trace is not among them", "compare with `read-back`; see the worker's log")
            }
        });
    };
    let count = own.get("logCount").and_then(Value::as_u64).unwrap_or_default();
    let mut systems: Vec<&str> = own
        .get("systems")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    systems.sort_unstable();
    let mut all = System::ALL.map(System::as_str);
    all.sort_unstable();
    let right = own.get("id").and_then(Value::as_str) == Some(suite.trace())
        && count >= System::ALL.len() as u64
        && systems == all
        && own.get("hasErrors") == Some(&Value::Bool(true));
    if right {
        Ok(Finding::pass(format!("the trace is there with {count} logs")))
    } else {
        Err(Finding::fail(
            format!("it is told wrongly: {own}"),
            "its summary is wrong: roll back: `ops rollback`",
        ))
    }
}

/// A log of the test trace. Its id is unlike any other's: sent twice, it is stored once.
pub(super) fn test_log(suite: &Suite<'_>, name: &str, message: &str) -> Value {
    json!({
        "id": format!("{}-{name}", suite.nonce),
        "trace_id": suite.trace(),
        "message": message,
        "level": "info",
        "system": "worker",
    })
}

/// Adds fields to a log, or replaces them.
pub(super) fn merge(log: &mut Value, fields: Value) {
    if let (Value::Object(log), Value::Object(fields)) = (log, fields) {
        log.extend(fields);
    }
}

/// Posts a test log, which must be stored (or be noise).
pub(super) async fn post(suite: &mut Suite<'_>, log: &Value) -> Result<Answer, Finding> {
    let trace = log.get("trace_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let answer = suite.client.post(log).await;
    if let Ok(answer) = &answer
        && let Some(finding) = shut(suite, Who::Sender, answer)
    {
        return Err(finding);
    }
    // Without an answer it may be stored.
    if !suite.traces.contains(&trace) {
        suite.traces.push(trace.clone());
    }
    let answer = answer?;
    let own = answer.json.get("trace_id").and_then(Value::as_str) == Some(&trace);
    if answer.status != 200 || !own || answer.json.get("success") != Some(&Value::Bool(true)) {
        return Err(unexpected(&answer, "200 with success"));
    }
    Ok(answer)
}

/// The entries of the test trace, oldest first.
pub(super) async fn read(suite: &Suite<'_>) -> Result<Vec<Value>, Finding> {
    let answer = suite.client.get(Who::Reader, &format!("/logs?trace_id={}", encoded(suite.trace()))).await?;
    if let Some(finding) = shut(suite, Who::Reader, &answer) {
        return Err(finding);
    }
    match answer.json.get("logs").and_then(Value::as_array) {
        Some(entries) if answer.status == 200 => Ok(entries.clone()),
        _ => Err(unexpected(&answer, "200 with logs")),
    }
}
