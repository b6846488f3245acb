//! The test logs are removed.

use reqwest::Method;
use serde_json::Value;

use super::{shut, unexpected};
use crate::verify::{client::Who, contract::encoded, report::Finding, suite::Suite};

/// Removes every trace that may hold logs of ours. Without any there is no such check.
pub async fn clean(suite: &mut Suite<'_>) {
    if !suite.traces.is_empty() {
        suite.check("cleanup", removed).await;
    }
}

async fn removed(suite: &mut Suite<'_>) -> Result<Finding, Finding> {
    for trace in &suite.traces {
        let path = format!("/logs/clear?trace_id={}", encoded(trace));
        let answer = suite.client.send(suite.client.request(Who::Admin, Method::DELETE, &path)).await?;
        if let Some(mut finding) = shut(suite, Who::Admin, &answer) {
            finding.detail = format!("{}; trace {trace} stays for an hour", finding.detail);
            return Err(finding);
        }
        if answer.status != 200 || answer.json.get("success") != Some(&Value::Bool(true)) {
            return Err(unexpected(&answer, "200 with success"));
        }
    }
    if super::logs::read(suite).await.is_ok_and(|entries| !entries.is_empty()) {
        let hint = "cleared logs come back: roll back, `ops rollback`";
        return Err(Finding::fail(format!("trace {} is still there", suite.trace()), hint));
    }
    Ok(Finding::pass("the test logs are gone"))
}
