//! Are secrets taken out before anything is stored, and noise not stored at all?

use log_ingestion_worker::redaction::MARK;
use serde_json::{Value, json};

use super::{
    logs::{merge, post, read, test_log},
    unexpected,
};
use crate::verify::{report::Finding, suite::Suite};

/// A text beside the secrets that must survive.
const KEPT: &str = "text around it stays";

/// Secrets made up for this purpose, in message, stack and context, come back replaced.
pub async fn redaction(suite: &mut Suite<'_>) -> Result<Finding, Finding> {
    let password = format!("Pw-{}", suite.nonce.get(..12).unwrap_or(&suite.nonce));
    let jwt = format!("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJvcHMifQ.{}", suite.nonce);
    let key = format!("key-{}", suite.nonce.get(12..).unwrap_or(&suite.nonce));
    let mut log =
        test_log(suite, "redaction", &format!(r#"login with {{"password": "{password}"}}, {KEPT}"#));
    merge(
        &mut log,
        json!({
            "level": "warn",
            "stack": format!("Error: 401\n    Authorization: Bearer {jwt}"),
            "context": { "api_key": key, "note": KEPT },
        }),
    );
    post(suite, &log).await?;
    let entries = read(suite).await?;
    let Some(entry) = entries.iter().find(|entry| entry.get("id") == log.get("id")) else {
        return Err(Finding::fail("the log is missing", "compare with `read-back`"));
    };
    let hint = "secrets are being stored: roll back at once, `ops rollback`, and clear what came in since";
    let stored = entry.to_string();
    for (secret, place) in [(&password, "message"), (&jwt, "stack"), (&key, "context")] {
        if stored.contains(secret.as_str()) {
            return Err(Finding::fail(format!("the secret in the {place} was stored"), hint));
        }
    }
    let text = |path: &str| entry.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let whole = text("/message").contains(KEPT)
        && text("/context/note") == KEPT
        && [text("/message"), text("/stack"), text("/context/api_key")]
            .iter()
            .all(|part| part.contains(MARK));
    if !whole {
        let hint = "redaction takes more than it should; compare with `ops redact`";
        return Err(Finding::fail("the text around a secret did not survive", hint));
    }
    Ok(Finding::pass("3 planted secrets came back as [REDACTED]"))
}

/// Noise is answered with success and is not stored.
pub async fn noise(suite: &mut Suite<'_>) -> Result<Finding, Finding> {
    let log = test_log(suite, "noise", "[HMR] ops verify");
    let answer = post(suite, &log).await?;
    let said = answer.json.get("message").and_then(Value::as_str);
    if said != Some("Log suppressed (noise filtering)") {
        return Err(unexpected(&answer, "\"Log suppressed (noise filtering)\""));
    }
    if read(suite).await?.iter().any(|entry| entry.get("id") == log.get("id")) {
        return Err(Finding::fail("it was stored", "the build is wrong: roll back, `ops rollback`"));
    }
    Ok(Finding::pass("answered with success, stored nowhere"))
}
