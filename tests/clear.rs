//! `DELETE /logs/clear`: what is cleared is gone for good, and nothing else is touched.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use ops::upstash::{Fault, Which};
use serde_json::{Value, json};
use support::{PATIENCE, Setup, Stage, fresh_trace, log, now_ms, shared, wait_until, with};

async fn keys(stage: &Stage) -> Vec<String> {
    stage.redis.run(&["KEYS", "*"]).await.unwrap().texts()
}

async fn post(stage: &Stage, trace: &str, count: usize) {
    let logs: Vec<Value> = (0..count).map(|n| log(trace, &n.to_string())).collect();
    stage.post(logs).await.expect_status(200);
}

/// `deleted`, `cleared_traces` and `cleared_logs` of an answer in the contract's shape.
fn counts(answer: &Value) -> (u64, u64, u64) {
    assert_eq!(answer["success"], true);
    assert!(answer["message"].is_string());
    assert!((now_ms() - answer["cleared_at"].as_i64().unwrap()).abs() < 60_000);
    let count = |name: &str| answer[name].as_u64().unwrap();
    (count("deleted"), count("cleared_traces"), count("cleared_logs"))
}

#[tokio::test]
async fn everything_is_cleared_and_counted_flushed_or_not() {
    let Some(stage) = Stage::start().await else { return };
    post(&stage, "flushed", 3).await;
    post(&stage, "both", 2).await;
    stage.drained().await;
    post(&stage, "both", 4).await;
    post(&stage, "waiting", 1).await;
    let answer = stage.clear().await.expect_status(200);
    assert_eq!(counts(&answer.json), (3, 3, 10));
    for trace in ["flushed", "both", "waiting"] {
        assert!(stage.entries(trace).await.is_empty(), "{trace}");
    }
    assert_eq!(stage.recent(10).await.json["count"], 0);
    stage.drained().await;
    assert!(keys(&stage).await.is_empty());
    assert_eq!(counts(&stage.clear().await.expect_status(200).json), (0, 0, 0));
}

#[tokio::test]
async fn the_rows_that_a_clear_writes_are_in_the_ledger() {
    let Some(stage) = Stage::start().await else { return };
    const ROWS: u64 = 20; // one a request, as none waits for another
    for trace in ["one", "other"] {
        for _ in 0..ROWS {
            post(&stage, trace, 1).await;
        }
    }
    stage.drained().await;
    let written = async || {
        let health = stage.health().await.json;
        health["components"]["buffer"]["totals"]["rows_written"].as_u64().unwrap()
    };
    let before = written().await;
    stage.clear_trace("one").await.expect_status(200);
    let between = written().await;
    stage.clear().await.expect_status(200);
    let after = written().await;
    assert!(between - before >= ROWS && after - between >= ROWS, "{before}, {between}, {after}");
}

#[tokio::test]
async fn what_redis_does_not_delete_is_not_called_cleared() {
    let Some(stage) = Stage::start().await else { return };
    post(&stage, "kept", 3).await;
    stage.drained().await;
    stage.redis.faults().set(Fault::command_error(Which::Command("DEL".into()), "NOPERM no permission"));
    for answer in [stage.clear_trace("kept").await, stage.clear().await] {
        let answer = answer.expect_status(500);
        assert_eq!(answer.json["success"], false);
        assert!(answer.json["details"].as_str().unwrap().contains("NOPERM"), "{}", answer.text);
    }
    assert_eq!(stage.entries("kept").await.len(), 3);
    stage.redis.faults().clear();
    assert_eq!(counts(&stage.clear().await.expect_status(200).json), (1, 1, 3));
    assert!(stage.entries("kept").await.is_empty());
}

#[tokio::test]
async fn one_trace_is_cleared_and_the_others_stay() {
    let worker = shared().await;
    let (one, other) = (format!("ü [a-z]* & + {}", fresh_trace()), fresh_trace());
    for trace in [&one, &other, &one] {
        worker.post(log(trace, "m")).await.expect_status(200);
    }
    let answer = worker.clear_trace(&one).await.expect_status(200);
    assert_eq!(counts(&answer.json), (1, 1, 2));
    assert!(worker.entries(&one).await.is_empty());
    assert_eq!(worker.entries(&other).await.len(), 1);
    assert_eq!(counts(&worker.clear_trace(&one).await.expect_status(200).json), (0, 0, 0));
    let recent = worker.recent(50).await.text;
    assert!(!recent.contains(&one) && recent.contains(&other));
    // It can be written to again, and its count begins anew.
    worker.post(log(&one, "again")).await.expect_status(200);
    assert_eq!(worker.messages(&one).await, ["again"]);
}

#[tokio::test]
async fn an_empty_trace_id_is_400_and_clears_nothing() {
    let Some(stage) = Stage::start().await else { return };
    post(&stage, "t", 1).await;
    for path in ["/logs/clear?trace_id=", "/logs/clear?trace_id"] {
        stage.send(stage.request(reqwest::Method::DELETE, path)).await.expect_status(400);
    }
    assert_eq!(stage.entries("t").await.len(), 1);
}

#[tokio::test]
async fn one_trace_of_an_earlier_worker_is_cleared_by_its_id() {
    let Some(stage) = Stage::start().await else { return };
    for element in ["a", "b"] {
        stage.redis.run(&["LPUSH", "logs:old", element]).await.unwrap();
    }
    assert_eq!(counts(&stage.clear_trace("old").await.expect_status(200).json), (1, 1, 2));
    assert!(keys(&stage).await.is_empty());
}

#[tokio::test]
async fn what_an_earlier_worker_left_is_found_and_cleared_and_other_keys_are_not() {
    let Some(stage) = Stage::start().await else { return };
    for n in 0..2_500 {
        stage.redis.run(&["LPUSH", &format!("logs:old {n}"), "x", "y"]).await.unwrap();
    }
    for key in ["other", "logs", "xlogs:t", "LOGS:t"] {
        stage.redis.run(&["LPUSH", key, "x"]).await.unwrap();
    }
    post(&stage, "ours", 1).await;
    let answer = stage.clear().await.expect_status(200);
    assert_eq!(counts(&answer.json), (2_501, 2_501, 5_001));
    let mut left = keys(&stage).await;
    left.sort_unstable();
    assert_eq!(left, ["LOGS:t", "logs", "other", "xlogs:t"]);
}

#[tokio::test]
async fn an_earlier_workers_list_is_found_among_very_many_keys() {
    let Some(stage) = Stage::start().await else { return };
    for part in 0..50 {
        let set = |n: u32| ["SET".to_string(), format!("a{part}:{n}"), "x".to_string()];
        let command = |n: u32| set(n).into_iter().map(Into::into).collect();
        stage.redis.store().pipeline((0..10_000).map(command).collect()).await.unwrap();
    }
    for n in 0..20 {
        stage.redis.run(&["LPUSH".to_string(), format!("logs:old {n}"), "x".to_string()]).await.unwrap();
    }
    assert_eq!(counts(&stage.clear().await.expect_status(200).json), (20, 20, 20));
    assert_eq!(stage.redis.run(&["DBSIZE"]).await.unwrap().as_int(), Some(500_000));
}

#[tokio::test]
async fn quotas_and_the_counts_of_traces_are_left_alone() {
    let Some(stage) = Setup::default().var("RATE_LIMIT_TRACE", "3").start().await else { return };
    for _ in 0..3 {
        stage.post(with("t", json!({"system": "convex"}))).await.expect_status(200);
    }
    for clear in ["all", "one"] {
        let answer = if clear == "all" { stage.clear().await } else { stage.clear_trace("t").await };
        answer.expect_status(200);
        let over = stage.post(with("t", json!({"system": "convex"}))).await.expect_status(429);
        assert_eq!(over.error(), "Per-trace rate limit exceeded for t", "after {clear}");
        let state = stage.health().await.json["components"]["rate_limiter"]["current_state"].clone();
        assert_eq!(state["system_current"]["convex"], 3, "after {clear}");
    }
    let next = stage.post(with("u", json!({"system": "convex"}))).await.expect_status(200);
    assert_eq!(next.json["remaining_quota"], 1_496);
}

#[tokio::test]
async fn an_id_that_was_cleared_is_still_remembered() {
    let Some(stage) = Stage::start().await else { return };
    let posted = with("t", json!({"id": "mine"}));
    stage.post(posted.clone()).await.expect_status(200);
    stage.clear().await.expect_status(200);
    stage.post(posted).await.expect_status(200);
    assert!(stage.entries("t").await.is_empty(), "a retry brought a cleared log back");
}

#[tokio::test]
async fn while_redis_is_away_a_clear_is_500_and_has_cleared_nothing() {
    let Some(stage) = Setup::generous().var("REDIS_TIMEOUT_MS", "1000").start().await else { return };
    post(&stage, "t", 2).await;
    stage.drained().await;
    stage.redis.stop_listening().await.unwrap();
    for answer in [stage.clear().await, stage.clear_trace("t").await] {
        let answer = answer.expect_status(500);
        assert_eq!((&answer.json["success"], answer.error()), (&json!(false), "Failed to clear logs"));
        assert!(answer.json.get("deleted").is_none());
    }
    stage.redis.resume().await.unwrap();
    assert_eq!(stage.entries("t").await.len(), 2);
    wait_until("a clear succeeds again", PATIENCE, || async { stage.clear().await.status == 200 }).await;
    assert!(stage.entries("t").await.is_empty());
}

#[tokio::test]
async fn what_was_cleared_stays_gone_after_a_crash() {
    let Some(mut stage) = Stage::start().await else { return };
    post(&stage, "flushed", 2).await;
    stage.drained().await;
    post(&stage, "waiting", 2).await;
    stage.clear().await.expect_status(200);
    post(&stage, "after", 1).await;
    stage.workerd.kill9();
    stage.workerd.restart().await.unwrap();
    post(&stage, "after", 1).await;
    stage.drained().await;
    assert_eq!(keys(&stage).await, ["logs:after"]);
    for (trace, count) in [("flushed", 0), ("waiting", 0), ("after", 2)] {
        assert_eq!(stage.entries(trace).await.len(), count, "{trace}");
    }
    assert_eq!(stage.recent(10).await.json["count"], 1);
}

#[tokio::test]
async fn a_hundred_thousand_traces_are_cleared_at_once_ours_and_an_earlier_workers() {
    const TRACES: usize = 100_000;
    let Some(stage) = Stage::start().await else { return };
    for batch in 0..TRACES / 2_000 {
        let logs: Vec<Value> = (0..1_000).map(|n| log(&format!("ours {batch} {n}"), "m")).collect();
        stage.post(logs).await.expect_status(200);
    }
    for n in 0..TRACES / 2 {
        stage.redis.run(&["LPUSH", &format!("logs:old {n}"), "x"]).await.unwrap();
    }
    stage.drained().await;
    let answer = stage.clear().await.expect_status(200);
    assert_eq!(counts(&answer.json).0, TRACES as u64);
    assert!(keys(&stage).await.is_empty());
    assert_eq!(stage.recent(10).await.json["count"], 0);
    stage.post(log("after", "m")).await.expect_status(200);
}
