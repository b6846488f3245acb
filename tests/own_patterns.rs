//! What a deployment adds to redaction by its vars: `REDACT_KEYS`, `REDACT_PREFIXES`, `REDACT_ALLOW`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::json;
use support::{Setup, fresh_trace, log, with};

#[tokio::test]
async fn names_and_prefixes_of_a_deployment_go_and_what_it_allows_stays() {
    let setup = Setup::generous().var("REDACT_KEYS", "badgeNo, locker").var("REDACT_PREFIXES", "acme_live_");
    let Some(stage) = setup.var("REDACT_ALLOW", "csrfToken").start().await else { return };
    let trace = fresh_trace();
    let message = "badge_no=4711 sent acme_live_9f8e7d6c5b";
    let context = json!({"locker": {"n": "17b"}, "csrf_token": "a1b2", "token": "a1b2"});
    stage.post(with(&trace, json!({"message": message, "context": context}))).await.expect_status(200);
    let entry = &stage.entries(&trace).await[0];
    assert_eq!(entry["message"], "badge_no=[REDACTED] sent [REDACTED]");
    let wanted = json!({"locker": {"n": "[REDACTED]"}, "csrf_token": "a1b2", "token": "[REDACTED]"});
    assert_eq!(entry["context"], wanted);
}

#[tokio::test]
async fn a_prefix_that_would_take_half_the_words_is_named_and_stops_ingestion() {
    let Some(stage) = Setup::generous().var("REDACT_PREFIXES", "ab").start().await else { return };
    let health = stage.get("/health").await;
    assert_eq!(health.status, 503);
    assert!(health.text.contains("REDACT_PREFIXES must list words of 3 to 64"), "{}", health.text);
    stage.post(log("t", "m")).await.expect_status(503);
}
