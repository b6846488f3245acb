//! `GET /traces/recent`: which traces live, newest first, without asking Redis.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::{Value, json};
use support::{Client, Setup, Stage, fresh_trace, log, now_ms, shared, with};

/// One trace of an answer by its id.
fn of<'a>(answer: &'a Value, trace: &str) -> &'a Value {
    let traces = answer["traces"].as_array().unwrap();
    traces.iter().find(|one| one["id"] == trace).unwrap_or_else(|| panic!("{trace} is not among {answer}"))
}

async fn ids(client: &Client, limit: usize) -> Vec<String> {
    let answer = client.recent(limit).await.expect_status(200);
    let traces = answer.json["traces"].as_array().unwrap();
    traces.iter().map(|trace| trace["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_trace_is_shown_with_exact_counts_systems_and_errors() {
    let worker = shared().await;
    let trace = fresh_trace();
    let now = now_ms();
    for (level, system, ago) in [("log", "convex", 500), ("warn", "browser", 100), ("info", "convex", 300)] {
        let fields = json!({"level": level, "system": system, "timestamp": now - ago});
        worker.post(with(&trace, fields)).await.expect_status(200);
    }
    let answer = worker.recent(50).await.expect_status(200);
    assert_eq!(answer.json["count"], answer.json["traces"].as_array().unwrap().len());
    assert!((now_ms() - answer.json["retrieved_at"].as_i64().unwrap()).abs() < 60_000);
    let expected = json!({"id": trace, "trace_id": trace, "timestamp": now - 100, "logCount": 3,
        "systems": ["browser", "convex"], "hasErrors": false});
    assert_eq!(of(&answer.json, &trace), &expected);
    worker.post(with(&trace, json!({"level": "error", "system": "manual", "timestamp": now - 900}))).await;
    let answer = worker.recent(50).await;
    let expected = json!({"id": trace, "trace_id": trace, "timestamp": now - 100, "logCount": 4,
        "systems": ["browser", "convex", "manual"], "hasErrors": true});
    assert_eq!(of(&answer.json, &trace), &expected);
}

#[tokio::test]
async fn one_error_among_hundreds_of_logs_is_seen() {
    let worker = shared().await;
    let trace = fresh_trace();
    let logs: Vec<Value> = (0..400)
        .map(|n| with(&trace, json!({"level": if n == 7 { "error" } else { "log" }, "system": if n == 9 { "worker" } else { "browser" }})))
        .collect();
    worker.post(logs).await.expect_status(200);
    let answer = worker.recent(50).await;
    let shown = of(&answer.json, &trace);
    assert_eq!((&shown["logCount"], &shown["hasErrors"]), (&json!(400), &json!(true)));
    assert_eq!(shown["systems"], json!(["browser", "worker"]));
}

#[tokio::test]
async fn ten_are_shown_by_default_fifty_at_most_newest_first() {
    let Some(stage) = Setup::generous().start().await else { return };
    let now = now_ms();
    let traces: Vec<String> = (0..60).map(|n| format!("t{n}")).collect();
    // Posted in another order than their timestamps have.
    let logs: Vec<Value> = (0..60_usize)
        .map(|n| n * 7 % 60)
        .map(|n| with(&traces[n], json!({"timestamp": now - 60_000 + 1_000 * n as i64})))
        .collect();
    stage.post(logs).await.expect_status(200);
    let newest: Vec<String> = traces.iter().rev().cloned().collect();
    for (limit, shown) in [(1, 1), (5, 5), (10, 10), (50, 50), (51, 50), (10_000, 50)] {
        assert_eq!(ids(&stage, limit).await, newest[..shown], "limit {limit}");
    }
    let by_default = stage.get("/traces/recent").await.expect_status(200);
    assert_eq!((&by_default.json["count"], &by_default.json["traces"][0]["id"]), (&json!(10), &json!("t59")));
    // A page that defeats caches adds a parameter of its own.
    assert_eq!(stage.get("/traces/recent?limit=50&t=17500").await.expect_status(200).json["count"], 50);
    // A log moves its trace to the front.
    stage.post(log("t3", "m")).await.expect_status(200);
    assert_eq!(ids(&stage, 2).await, ["t3", "t59"]);
}

#[tokio::test]
async fn a_limit_that_is_no_positive_number_is_400() {
    let worker = shared().await;
    for limit in ["0", "-1", "ten", "0.0", "inf", "1e400", "%20"] {
        let answer = worker.get(&format!("/traces/recent?limit={limit}")).await.expect_status(400);
        assert_eq!(answer.error(), "limit must be a positive number", "{limit}");
    }
}

#[tokio::test]
async fn without_any_trace_the_list_is_empty() {
    let Some(stage) = Stage::start().await else { return };
    let answer = stage.recent(10).await.expect_status(200);
    assert_eq!((&answer.json["traces"], &answer.json["count"]), (&json!([]), &json!(0)));
}

#[tokio::test]
async fn no_redis_command_is_needed_however_many_traces_there_are() {
    let Some(stage) = Stage::start().await else { return };
    for batch in 0..5 {
        let logs: Vec<Value> = (0..1_000).map(|n| log(&format!("trace {batch} {n}"), "m")).collect();
        stage.post(logs).await.expect_status(200);
    }
    stage.drained().await;
    stage.redis.reset_stats();
    for _ in 0..20 {
        assert_eq!(stage.recent(50).await.expect_status(200).json["count"], 50);
    }
    assert_eq!(stage.redis.stats().commands, 0);
    // And so it is answered while Redis is away.
    stage.redis.stop_listening().await.unwrap();
    assert_eq!(stage.recent(50).await.expect_status(200).json["count"], 50);
}

#[tokio::test]
async fn summaries_are_the_same_after_a_crash() {
    let Some(mut stage) = Stage::start().await else { return };
    for (trace, level, system) in [
        ("a", "log", "browser"),
        ("b", "error", "convex"),
        ("a", "warn", "worker"),
        ("ü 🦀\0", "log", "manual"),
    ] {
        stage.post(with(trace, json!({"level": level, "system": system}))).await.expect_status(200);
    }
    stage.drained().await;
    stage.workerd.kill9();
    stage.workerd.restart().await.unwrap();
    assert_eq!(stage.recent(10).await.expect_status(200).json["count"], 3);
    stage.post(with("b", json!({"system": "manual"}))).await.expect_status(200);
    let before = stage.recent(10).await.json["traces"].clone();
    for _ in 0..2 {
        stage.workerd.kill9();
        stage.workerd.restart().await.unwrap();
        assert_eq!(stage.recent(10).await.expect_status(200).json["traces"], before);
    }
    assert_eq!(of(&json!({"traces": before}), "a")["logCount"], 2);
}

#[tokio::test]
async fn traces_of_an_earlier_worker_appear_with_their_next_log() {
    let Some(stage) = Stage::start().await else { return };
    let element = json!({"id": "e", "trace_id": "old", "system": "browser", "level": "log", "message": "m", "timestamp": now_ms() - 5_000});
    stage.redis.run(&["LPUSH", "logs:old", &element.to_string()]).await.unwrap();
    assert!(ids(&stage, 10).await.is_empty());
    stage.post(log("old", "m")).await.expect_status(200);
    assert_eq!(ids(&stage, 10).await, ["old"]);
    assert_eq!(stage.entries("old").await.len(), 2);
}
