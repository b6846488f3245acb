//! Is it the version and the environment that were asked for, down to each Durable Object?

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::verify::{report::Finding, suite::Suite};

/// How often in a row the expected version must answer, each time over a new connection.
const IN_A_ROW: u32 = 5;
/// How often is asked.
const POLL: Duration = Duration::from_millis(250);

/// The version that was asked for answers, several times in a row; without one, which version it is.
pub async fn serves(suite: &mut Suite<'_>) -> Result<Finding, Finding> {
    let Some(wanted) = suite.plan.version.clone() else {
        return match version_of(&suite.health) {
            "" => {
                Ok(Finding::warn("it does not name its version", "bind CF_VERSION_METADATA in wrangler.toml"))
            }
            id => Ok(Finding::pass(id)),
        };
    };
    let deadline = Instant::now() + suite.plan.patience;
    let (mut in_a_row, mut last) = (0, String::new());
    loop {
        match suite.client.get_anew("/health").await {
            Ok(answer) if version_of(&answer.json) == wanted => {
                in_a_row += 1;
                suite.health = answer.json;
            }
            Ok(answer) => {
                in_a_row = 0;
                last = format!("version {}", version_of(&answer.json));
                suite.health = answer.json;
            }
            Err(finding) => {
                in_a_row = 0;
                last = finding.detail;
            }
        }
        if in_a_row >= IN_A_ROW {
            return Ok(Finding::pass(format!("{wanted}, {IN_A_ROW} times in a row")));
        }
        if Instant::now() > deadline {
            let seen = if last.is_empty() { "too few answers".into() } else { format!("last seen: {last}") };
            let waited = suite.plan.patience.as_secs();
            let hint = "`npx wrangler deployments status` says which version has the traffic; --timeout waits longer";
            return Err(Finding::fail(format!("{wanted} does not serve after {waited} s, {seen}"), hint));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// The worker says that it is the environment that was asked for.
pub async fn environment(suite: &mut Suite<'_>) -> Result<Finding, Finding> {
    let named = suite.health.get("environment").and_then(Value::as_str).unwrap_or_default().to_owned();
    match suite.plan.environment {
        Some(wanted) if wanted.as_str() != named => {
            let named = if named.is_empty() { "nothing" } else { &named };
            let hint = "see whether --env and --url belong together, and ENVIRONMENT in wrangler.toml";
            Err(Finding::fail(format!("it says {named}, not {}", wanted.as_str()), hint))
        }
        _ if named.is_empty() => Ok(Finding::warn("it does not name its environment", "see `configuration`")),
        _ => Ok(Finding::pass(named)),
    }
}

/// Every Durable Object runs the same version as the rest. After a deployment an object may run the code from before
/// for as long as the platform lets it (Cloudflare, "Gradual deployments": Durable Objects).
pub async fn objects(suite: &mut Suite<'_>) -> Result<Finding, Finding> {
    let deadline = Instant::now() + suite.plan.patience;
    loop {
        let wanted = suite.plan.version.clone().unwrap_or_else(|| version_of(&suite.health).to_owned());
        let objects = objects_of(&suite.health);
        let others: BTreeSet<String> = objects
            .iter()
            .filter(|(_, version)| *version != wanted)
            .map(|(name, version)| format!("{name} runs {}", if version.is_empty() { "?" } else { version }))
            .collect();
        if !objects.is_empty() && others.is_empty() {
            return Ok(Finding::pass(format!("{} run it", objects.len())));
        }
        if suite.plan.version.is_none() || Instant::now() > deadline {
            let others = Vec::from_iter(others).join(", ");
            let hint = "an object takes over new code within 5 minutes; at once: `wrangler versions deploy` with \
                        --durable-objects-code-update-mode immediate";
            return Err(match (objects.is_empty(), suite.plan.version.is_some()) {
                (true, false) => Finding::skip("no object says what it runs", "see the checks below"),
                (true, true) => Finding::fail("no object says what it runs", "see the checks below"),
                (false, true) => Finding::fail(format!("not {wanted}: {others}"), hint),
                (false, false) => Finding::warn(format!("not {wanted}: {others}"), hint),
            });
        }
        tokio::time::sleep(POLL).await;
        if let Ok(answer) = suite.client.get_anew("/health").await {
            suite.health = answer.json;
        }
    }
}

fn version_of(health: &Value) -> &str {
    health.pointer("/version/id").and_then(Value::as_str).unwrap_or_default()
}

/// Every object and the version inside it.
fn objects_of(health: &Value) -> Vec<(String, &str)> {
    let shards = health.pointer("/components/buffer/shards").and_then(Value::as_array).into_iter().flatten();
    let mut objects: Vec<(String, &str)> = shards
        .map(|shard| {
            let number = shard.get("shard").and_then(Value::as_u64).unwrap_or_default();
            (format!("buffer {number}"), shard.get("version").and_then(Value::as_str).unwrap_or_default())
        })
        .collect();
    if let Some(limiter) = health.pointer("/components/rate_limiter") {
        let version = limiter.get("version").and_then(Value::as_str).unwrap_or_default();
        objects.push(("rate limiter".into(), version));
    }
    objects
}
