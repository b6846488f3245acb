//! Is production closed to those without a token?

use reqwest::Method;

use super::unexpected;
use crate::verify::{client::Who, contract::encoded, report::Finding, suite::Suite};

/// Reads ask for a token.
pub async fn reads(suite: &mut Suite<'_>) -> Result<Finding, Finding> {
    for path in [format!("/logs?trace_id={}", encoded(suite.trace())), "/traces/recent?limit=1".into()] {
        let answer = suite.client.get(Who::Anyone, &path).await?;
        match answer.status {
            401 | 403 => {}
            200 => {
                let hint = "that is LOG_PUBLIC_READS in wrangler.toml; take it out unless it is meant";
                return Ok(Finding::warn("anyone may read logs", hint));
            }
            _ => return Err(unexpected(&answer, "401 or 403")),
        }
    }
    Ok(Finding::pass("without a token they are refused"))
}

/// Clearing asks for a token. Asked for our own trace alone: were it open, nothing else would be lost.
pub async fn clear(suite: &mut Suite<'_>) -> Result<Finding, Finding> {
    let path = format!("/logs/clear?trace_id={}", encoded(&format!("{}-none", suite.nonce)));
    let answer = suite.client.send(suite.client.request(Who::Anyone, Method::DELETE, &path)).await?;
    match answer.status {
        401 | 403 => Ok(Finding::pass("without a token it is refused")),
        200 => Err(Finding::fail("anyone may clear every log", "roll back at once: `ops rollback`")),
        _ => Err(unexpected(&answer, "401 or 403")),
    }
}
