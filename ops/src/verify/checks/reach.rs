//! Does it answer, and is it our worker?

use std::time::{Duration, Instant};

use log_ingestion_worker::answers::SERVICE;
use serde_json::Value;

use crate::verify::{client::Who, report::Finding, suite::Suite};

/// How often a worker that was just deployed is asked whether it is there.
const POLL: Duration = Duration::from_millis(500);

/// `GET /` is answered. A version that was just deployed may take its time: the first one waits for its name and its
/// certificate.
pub async fn reachable(suite: &mut Suite<'_>) -> Result<Finding, Finding> {
    let deadline = Instant::now() + suite.plan.patience;
    loop {
        match suite.client.get(Who::Anyone, "/").await {
            Ok(_) => break,
            Err(finding) if suite.plan.version.is_none() || Instant::now() > deadline => return Err(finding),
            Err(_) => tokio::time::sleep(POLL).await,
        }
    }
    let tls = suite.plan.url.scheme() == "https";
    Ok(Finding::pass(if tls { "over TLS, with a certificate this machine trusts" } else { "" }))
}

/// `/` and `/health` name the service.
pub async fn identity(suite: &mut Suite<'_>) -> Result<Finding, Finding> {
    let home = suite.client.get(Who::Anyone, "/").await?;
    let health = suite.client.get(Who::Reader, "/health").await?;
    for (path, answer) in [("/", &home), ("/health", &health)] {
        let named = answer.json.get("service").and_then(Value::as_str);
        if named != Some(SERVICE) {
            let named = named.unwrap_or("no service");
            let hint = "another program answers there; see whether --url is right";
            return Err(Finding::fail(format!("{path} names {named}, not {SERVICE}"), hint));
        }
    }
    suite.health = health.json;
    suite.open = suite.health.get("environment").and_then(Value::as_str) == Some("development");
    Ok(Finding::pass(SERVICE))
}
