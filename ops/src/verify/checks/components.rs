//! What the worker says of each of its components, in `/health`.

use std::fmt::Write;

use serde_json::Value;

use crate::verify::{report::Finding, suite::Suite};

/// A log is in Redis after half a second; one that waits so long is behind, whatever the buffer says.
const BEHIND_MS: u64 = 30_000;

/// Every setting can be used.
pub async fn configuration(suite: &mut Suite<'_>) -> Result<Finding, Finding> {
    let problems = suite.health.get("configuration").and_then(Value::as_array);
    let Some(problems) = problems else { return Ok(Finding::pass("")) };
    let named: Vec<&str> = problems.iter().filter_map(Value::as_str).collect();
    let hint =
        "mend the var in wrangler.toml or put the secret again, and deploy; until then logs are refused";
    Err(Finding::fail(named.join("; "), hint))
}

/// Redis answers the worker.
pub async fn redis(suite: &mut Suite<'_>) -> Result<Finding, Finding> {
    let redis = component(suite, "redis")?;
    let hint = match text(redis, "url") {
        "missing" => "put the secrets UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN: `ops secrets put`",
        _ => "logs wait in the buffers and are not lost; see ops/runbooks/redis.md",
    };
    well(redis, hint)
}

/// The quotas are kept.
pub async fn rate_limiter(suite: &mut Suite<'_>) -> Result<Finding, Finding> {
    let limiter = component(suite, "rate_limiter")?;
    well(limiter, "logs are let through up to an allowance; it mends itself once the object answers again")?;
    match limiter.get("overdrawn").and_then(Value::as_u64) {
        Some(beyond @ 1..) => {
            let hint = "the quotas' keeper was away for a while in this hour; nothing to do when it is back";
            Ok(Finding::warn(format!("{beyond} logs were let through beyond the quota"), hint))
        }
        _ => Ok(Finding::pass(used(limiter))),
    }
}

/// Redaction and noise filtering are there.
pub async fn log_processor(suite: &mut Suite<'_>) -> Result<Finding, Finding> {
    let processor = component(suite, "log_processor")?;
    well(processor, "deploy a good build: this is the code itself")?;
    let patterns = processor.get("redaction_patterns").and_then(Value::as_u64).unwrap_or_default();
    if patterns == 0 {
        return Err(Finding::fail("it redacts nothing", "deploy a good build: secrets would be stored"));
    }
    Ok(Finding::pass(format!("{patterns} redaction patterns")))
}

/// What waits for Redis gets there.
pub async fn buffer(suite: &mut Suite<'_>) -> Result<Finding, Finding> {
    let buffer = component(suite, "buffer")?;
    let number = |name: &str| buffer.get(name).and_then(Value::as_u64).unwrap_or_default();
    let (waiting, oldest, aside) = (number("waiting"), number("oldest_waiting_ms"), number("set_aside"));
    let mut detail = match waiting {
        0 => "nothing waits".to_owned(),
        _ => format!("{waiting} waiting for Redis, the oldest for {} s", oldest / 1_000),
    };
    if aside > 0 {
        let _ = write!(detail, ", {aside} of them set aside");
    }
    let shards = buffer.get("shards").and_then(Value::as_array).into_iter().flatten();
    for shard in shards.filter(|shard| text(shard, "status") != "healthy") {
        let number = shard.get("shard").and_then(Value::as_u64).unwrap_or_default();
        let why = [text(shard, "error"), text(shard, "last_error")].into_iter().find(|why| !why.is_empty());
        let _ = write!(
            detail,
            "; shard {number} is {}: {}",
            text(shard, "status"),
            why.unwrap_or("it does not say why")
        );
    }
    let hint = "the backlog drains by itself once Redis answers; see ops/runbooks/redis.md";
    match text(buffer, "status") {
        "healthy" if oldest > BEHIND_MS => Ok(Finding::warn(detail, hint)),
        "healthy" => Ok(Finding::pass(detail)),
        _ => Err(Finding::fail(detail, hint)),
    }
}

fn component<'a>(suite: &'a Suite<'_>, name: &str) -> Result<&'a Value, Finding> {
    suite.health.get("components").and_then(|all| all.get(name)).ok_or_else(|| {
        Finding::fail("/health does not speak of it", "an earlier worker answers there; deploy this one")
    })
}

fn well(component: &Value, hint: &str) -> Result<Finding, Finding> {
    let (status, error) = (text(component, "status"), text(component, "error"));
    if status == "healthy" {
        return Ok(Finding::pass(""));
    }
    let status = if status.is_empty() { "without a status" } else { status };
    let colon = if error.is_empty() { "" } else { ": " };
    Err(Finding::fail(format!("{status}{colon}{error}"), hint))
}

/// How much of the hour's quota is used.
fn used(limiter: &Value) -> String {
    let number = |path: &str| limiter.pointer(path).and_then(Value::as_u64).unwrap_or_default();
    format!(
        "{} of {} logs of this hour",
        number("/current_state/global_current"),
        number("/config/global_limit")
    )
}

fn text<'a>(of: &'a Value, name: &str) -> &'a str {
    of.get(name).and_then(Value::as_str).unwrap_or_default()
}
