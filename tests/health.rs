//! `GET /health`: one look says what is well and what is not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use ops::upstash::{Fault, Which};
use serde_json::json;
use support::{PATIENCE, Setup, Stage, log, now_ms, shared, wait_until, with};

/// The places of these texts, which must all be there, in this order.
#[track_caller]
fn assert_in_order(text: &str, parts: &[&str]) {
    let mut from = 0;
    for part in parts {
        match text[from..].find(part) {
            Some(at) => from += at + part.len(),
            None => panic!("{part} does not come next in {text}"),
        }
    }
}

#[tokio::test]
async fn a_healthy_worker_answers_200_with_every_field_its_readers_use() {
    let Some(stage) = Setup::default().start().await else { return };
    let answer = stage.health().await.expect_status(200);
    let health = &answer.json;
    assert_eq!(health["status"], "healthy");
    assert_eq!(health["service"], "supportsignal-log-ingestion-worker");
    assert_eq!(health["environment"], "development");
    assert!((now_ms() - health["timestamp"].as_i64().unwrap()).abs() < 60_000);
    assert!(health["version"]["id"].is_string() && health["version"]["tag"].is_string());
    let version = &health["version"]["id"];
    assert_eq!(
        &health["components"]["buffer"]["shards"][0]["version"], version,
        "every object names its code"
    );
    assert_eq!(&health["components"]["rate_limiter"]["version"], version);
    let layouts = &health["version"]["layouts"];
    assert_eq!(layouts["buffer"], health["components"]["buffer"]["shards"][0]["layout"]);
    assert_eq!(layouts["rate_limiter"], health["components"]["rate_limiter"]["layout"]);
    assert!(layouts["buffer"].is_u64() && layouts["rate_limiter"].is_u64(), "{layouts}");
    let redis = &health["components"]["redis"];
    assert_eq!((&redis["status"], &redis["url"]), (&json!("healthy"), &json!("configured")));
    let limiter = &health["components"]["rate_limiter"];
    assert_eq!(limiter["status"], "healthy");
    assert_eq!(
        limiter["current_state"]["system_current"],
        json!({"browser": 0, "convex": 0, "worker": 0, "manual": 0})
    );
    for field in ["global_current", "trace_counts", "window_start"] {
        assert!(limiter["current_state"].get(field).is_some(), "{field}");
    }
    assert!(limiter["config"].is_object());
    let left = limiter["window_remaining_ms"].as_i64().unwrap();
    assert!((0..=3_600_000).contains(&left), "{left}");
    let processor = &health["components"]["log_processor"];
    assert_eq!(processor["supported_levels"], json!(["log", "info", "warn", "error"]));
    assert_eq!(processor["supported_systems"], json!(["browser", "convex", "worker", "manual"]));
    assert!(processor["redaction_patterns"].as_u64().unwrap() >= 8, "{processor}");
    assert!(processor["suppression_patterns"].as_u64().unwrap() >= 13, "{processor}");
    assert!(processor["processor_status"].is_string() && processor["timestamp"].is_i64());
    assert_eq!(health["components"]["buffer"]["waiting"], 0);
    assert!(health["endpoints"].is_object() && health["cost_model"].is_object());
}

#[tokio::test]
async fn a_shell_script_finds_each_status_with_grep() {
    let worker = shared().await;
    let text = worker.health().await.text;
    assert!(
        text.starts_with(r#"{"status":"healthy","service":"supportsignal-log-ingestion-worker","#),
        "{text}"
    );
    assert_in_order(
        &text,
        &[
            r#""components":{"redis":{"status":"healthy","url":"configured""#,
            r#""rate_limiter":{"status":"healthy","config":{"#,
            r#""current_state":{"global_current":"#,
            r#""system_current":{"#,
            r#""trace_counts":{"#,
            r#""window_start":"#,
            r#""window_remaining_ms":"#,
            r#""log_processor":{"status":"healthy","processor_status":"#,
            r#""redaction_patterns":"#,
            r#""suppression_patterns":"#,
            r#""supported_levels":["#,
            r#""supported_systems":["#,
            r#""timestamp":"#,
            r#""buffer":{"status":"healthy","#,
            r#""endpoints":{"#,
            r#""cost_model":{"#,
        ],
    );
}

#[tokio::test]
async fn counts_are_those_of_the_window() {
    let Some(stage) = Setup::default().start().await else { return };
    for (trace, system) in [("a", "browser"), ("a", "browser"), ("b", "convex"), ("a", "manual")] {
        stage.post(with(trace, json!({"system": system}))).await.expect_status(200);
    }
    stage.post(log("a", "[HMR] noise")).await.expect_status(200);
    let before = now_ms();
    let limiter = stage.health().await.json["components"]["rate_limiter"].clone();
    let state = &limiter["current_state"];
    assert_eq!((&state["global_current"], &state["trace_counts"]), (&json!(4), &json!({"a": 3, "b": 1})));
    assert_eq!(state["system_current"], json!({"browser": 2, "convex": 1, "worker": 0, "manual": 1}));
    let start = state["window_start"].as_i64().unwrap();
    let left = limiter["window_remaining_ms"].as_i64().unwrap();
    assert!(start <= before && (start + 3_600_000 - now_ms() - left).abs() < 10_000, "{limiter}");
}

#[tokio::test]
async fn an_unreachable_redis_is_503_degraded_and_well_again_when_it_is_back() {
    let Some(stage) = Stage::start().await else { return };
    for fault in [
        None,
        Some(Fault::status(500)),
        Some(Fault::close()),
        Some(Fault::garbage()),
        Some(Fault::command_error(Which::Command("PING".into()), "NOPERM no")),
    ] {
        match fault.clone() {
            None => stage.redis.stop_listening().await.unwrap(),
            Some(fault) => stage.redis.faults().set(fault),
        }
        let answer = stage.health().await.expect_status(503);
        assert_eq!(answer.json["status"], "degraded", "{fault:?}");
        let redis = &answer.json["components"]["redis"];
        assert_eq!(
            (&redis["status"], &redis["url"]),
            (&json!("unhealthy"), &json!("configured")),
            "{fault:?}"
        );
        assert!(answer.text.starts_with(r#"{"status":"degraded","#));
        stage.redis.faults().clear();
        stage.redis.resume().await.unwrap();
        stage.health().await.expect_status(200);
    }
}

#[tokio::test]
async fn a_redis_that_hangs_does_not_make_health_hang() {
    let Some(stage) = Setup::generous().start().await else { return };
    stage.redis.faults().set(Fault::hang(PATIENCE));
    let begin = std::time::Instant::now();
    stage.health().await.expect_status(503);
    assert!(begin.elapsed().as_secs() < 8, "its readers wait 10 s: {:?}", begin.elapsed());
}

#[tokio::test]
async fn a_wrong_token_is_degraded_and_shown_to_nobody() {
    let Some(stage) = Setup::generous().var("UPSTASH_REDIS_REST_TOKEN", "wrong-secret-token").start().await
    else {
        return;
    };
    let answer = stage.health().await.expect_status(503);
    assert_eq!(answer.json["components"]["redis"]["status"], "unhealthy");
    assert!(
        !answer.text.contains("wrong-secret-token") && !answer.text.contains(&stage.redis.url()),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn a_missing_redis_is_503_and_its_url_missing() {
    for missing in ["UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"] {
        let Some(stage) = Setup::default().without(missing).start().await else { return };
        let answer = stage.health().await.expect_status(503);
        assert_eq!(answer.json["status"], "degraded");
        let redis = &answer.json["components"]["redis"];
        assert_eq!((&redis["status"], &redis["url"]), (&json!("unhealthy"), &json!("missing")));
        // Reads have no store to read from, and a clear clears nothing.
        stage.logs("t").await.expect_status(500);
        stage.clear().await.expect_status(500);
    }
}

#[tokio::test]
async fn a_var_that_cannot_be_used_is_named_and_its_value_is_not() {
    for (name, value) in [
        ("RATE_LIMIT_TRACE", "s3cret-many"),
        ("ENVIRONMENT", "s3cret-stage"),
        ("UPSTASH_REDIS_REST_URL", "s3cret-host"),
        ("LOG_READ_TOKEN", "s3cret"),
        ("LOG_BUFFER_SHARDS", "-5"),
    ] {
        let Some(stage) = Setup::default().var(name, value).start().await else { return };
        let answer = stage.health().await.expect_status(503);
        assert_eq!(answer.json["status"], "degraded", "{name}");
        assert!(answer.text.contains(name) && !answer.text.contains(value), "{name}: {}", answer.text);
        let refused = stage.post(log("t", "m")).await.expect_status(503);
        assert_eq!(refused.json["success"], false);
        assert!(refused.error().contains(name) && !refused.error().contains(value), "{}", refused.error());
        stage.get("/").await.expect_status(200);
        stage.get("/nothing").await.expect_status(404);
    }
}

#[tokio::test]
async fn what_waits_for_redis_is_counted_and_told() {
    let Some(stage) = Stage::start().await else { return };
    stage.redis.stop_listening().await.unwrap();
    for n in 0..7 {
        stage.post(log("t", &n.to_string())).await.expect_status(200);
    }
    let told = || async {
        let buffer = stage.health().await.json["components"]["buffer"].clone();
        buffer["waiting"] == 7
            && buffer["status"] == "degraded"
            && buffer["oldest_waiting_ms"].as_i64().unwrap() > 0
    };
    wait_until("the buffer says it is behind", PATIENCE, told).await;
    stage.redis.resume().await.unwrap();
    stage.drained().await;
    let well = || async { stage.health().await.status == 200 };
    wait_until("all is well", PATIENCE, well).await;
}

#[tokio::test]
async fn redactions_are_counted_by_rule_and_those_of_a_repeated_log_once() {
    let Some(stage) = Stage::start().await else { return };
    let counted = async || stage.health().await.json["components"]["log_processor"]["redactions"].clone();
    assert_eq!(counted().await, json!({}));
    for _ in 0..3 {
        let log = with("t", json!({ "id": "1", "message": "password=hunter2hunter2 for ada" }));
        stage.post(log).await.expect_status(200);
    }
    assert_eq!(counted().await, json!({ "key-value": 1 }));
}
