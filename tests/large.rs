//! Traces longer than Redis answers in one piece, which at Upstash is 10 MB, and than an isolate has room for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use ops::upstash::{Fault, Which};
use serde_json::json;
use support::{Setup, Stage, fresh_trace, now_ms, with};

const MIB: usize = 1 << 20;
/// What the worker's wasm memory may grow to: an isolate has 128 MiB for all.
const LIMIT_MIB: u64 = 96;

/// Posts so many logs of a MiB, a second of timestamps between any two, of which the third is a warning, and
/// waits until all are in Redis. Returns the first one's timestamp.
async fn fill(stage: &Stage, trace: &str, count: usize) -> i64 {
    let first = now_ms() - 600_000;
    for n in 0..count {
        let level = if n == 2 { "warn" } else { "log" };
        let timestamp = first + 1_000 * i64::try_from(n).unwrap();
        let message = format!("{n} {}", "m ".repeat(MIB / 2));
        let log = with(trace, json!({"message": message, "level": level, "timestamp": timestamp}));
        stage.post(log).await.expect_status(200);
    }
    stage.flushed(trace, count).await;
    stage.drained().await;
    first
}

/// The numbers the messages of an answer begin with.
async fn numbers(stage: &Stage, path: &str) -> Vec<usize> {
    let answer = stage.get(path).await.expect_status(200);
    let entries = answer.json["logs"].as_array().unwrap();
    assert_eq!(answer.json["count"], entries.len());
    let number = |entry: &serde_json::Value| {
        let message = entry["message"].as_str().unwrap();
        assert!(message.len() > MIB);
        message.split(' ').next().unwrap().parse().unwrap()
    };
    entries.iter().map(number).collect()
}

#[tokio::test]
async fn a_trace_longer_than_one_answer_of_redis_is_read_whole() {
    let Some(stage) = Setup::generous().start().await else { return };
    let trace = fresh_trace();
    let key = format!("logs:{trace}");
    // Of an earlier worker, so that the buffer has not all of it.
    for n in 0..11 {
        let entry = json!({
            "id": format!("earlier-{n}"), "trace_id": trace, "system": "manual", "level": "log",
            "message": format!("{n} {}", "m ".repeat(MIB / 2)), "timestamp": now_ms() - 3_000_000 + n,
        });
        stage.redis.run(&["LPUSH", key.as_str(), entry.to_string().as_str()]).await.unwrap();
    }
    let path = format!("/logs?trace_id={trace}");
    assert_eq!(numbers(&stage, &path).await, (0..11).collect::<Vec<_>>());
    let large = |n: usize| with(&trace, json!({"message": format!("{n} {}", "m ".repeat(MIB / 2))}));
    for n in 11..20 {
        stage.post(large(n)).await.expect_status(200);
    }
    stage.flushed(&trace, 20).await;
    stage.drained().await;
    stage.post(large(20)).await.expect_status(200);
    assert_eq!(numbers(&stage, &path).await, (0..21).collect::<Vec<_>>());
    // A Redis that fails between two pieces leaves nothing that looks like a whole trace.
    stage.redis.faults().set(Fault::command_error(Which::Command("LLEN".into()), "ERR try again"));
    let answer = stage.get(&path).await.expect_status(500);
    assert_eq!((&answer.json["partial"], &answer.json["count"]), (&json!(true), &json!(10)));
}

#[tokio::test]
async fn of_a_trace_longer_than_any_answer_a_part_can_be_asked_for() {
    let Some(stage) = Setup::generous().start().await else { return };
    let trace = fresh_trace();
    let first = fill(&stage, &trace, 60).await;
    let path = format!("/logs?trace_id={trace}");
    let whole = stage.get(&path).await.expect_status(413);
    assert!(whole.error().contains("24 MiB") && whole.error().contains("limit"), "{}", whole.error());
    assert_eq!(numbers(&stage, &format!("{path}&limit=5")).await, (55..60).collect::<Vec<_>>());
    assert_eq!(numbers(&stage, &format!("{path}&limit=2&order=desc")).await, [59, 58]);
    assert_eq!(numbers(&stage, &format!("{path}&level=warn")).await, [2]);
    assert_eq!(numbers(&stage, &format!("{path}&until={}", first + 5_000)).await, [0, 1, 2, 3, 4, 5]);
    let health = stage.health().await.expect_status(200);
    let memory = health.json["components"]["buffer"]["memory_bytes"].as_u64().unwrap() >> 20;
    println!("wasm memory: {memory} MiB");
    assert!(memory < LIMIT_MIB, "the wasm memory grew to {memory} MiB");
}
