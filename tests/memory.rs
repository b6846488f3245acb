//! Memory: an isolate has 128 MiB, and whoever posts cannot take them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::time::Duration;

use serde_json::json;
use support::{Stage, fresh_trace, log};

const MIB: usize = 1 << 20;
/// What the worker's wasm memory may grow to.
const LIMIT_MIB: u64 = 96;

/// Bodies of 8 MiB, and what each should be answered when it is alone.
fn large_bodies() -> Vec<(&'static str, String, u16)> {
    let entry = log("t", &"x".repeat(MIB + MIB / 2 - 10_000));
    let pad = |mut text: String, end: &str| {
        text.push_str(&" ".repeat(8 * MIB - text.len() - end.len()));
        text + end
    };
    let wide = |element: &str| {
        let text = format!(r#"{{"trace_id":"t","level":"log","message":"m","context":{{"a":[{element}"#);
        let more = format!(",{element}").repeat((8 * MIB - text.len() - 3) / (element.len() + 1));
        format!("{text}{more}]}}}}")
    };
    vec![
        (
            "five large logs",
            pad(json!([entry, entry, entry, entry, entry]).to_string().trim_end_matches(']').to_owned(), "]"),
            200,
        ),
        ("four million numbers", wide("1"), 413),
        ("a million empty objects", wide("{\"\":[]}"), 413),
        (
            "escapes",
            format!(r#"{{"trace_id":"t","level":"log","message":"{}"}}"#, "\\u0001".repeat(8 * MIB / 6 - 20)),
            413,
        ),
    ]
}

/// The worker's wasm memory, which never shrinks.
async fn wasm_mib(stage: &Stage) -> u64 {
    let health = stage.health().await.expect_status(200);
    health.json["components"]["buffer"]["memory_bytes"].as_u64().unwrap() >> 20
}

#[tokio::test]
async fn sixteen_posts_of_eight_mebibytes_at_once_are_all_answered_within_the_workers_memory() {
    for (name, body, alone) in large_bodies() {
        let Some(stage) = Stage::start().await else { return };
        let before = wasm_mib(&stage).await;
        assert!(body.len() <= 8 * MIB);
        let posts: Vec<_> = (0..16)
            .map(|_| {
                let (client, body) = (stage.again(), body.clone());
                tokio::spawn(async move { client.post_as("application/json", &[], body).await })
            })
            .collect();
        let mut answered = Vec::new();
        for post in posts {
            let answer = tokio::time::timeout(Duration::from_secs(50), post).await.unwrap().unwrap();
            assert!(
                answer.status == alone || answer.status == 503,
                "{name}: {} {}",
                answer.status,
                answer.text
            );
            if answer.status == 503 {
                assert!(answer.header("Retry-After").is_some() && answer.json["success"] == false);
            }
            answered.push(answer.status);
        }
        answered.sort_unstable();
        let after = wasm_mib(&stage).await;
        println!("{name}: wasm memory {before} MiB, after {after} MiB; {answered:?}");
        assert!(after < LIMIT_MIB, "{name}: the wasm memory grew to {after} MiB");
        stage.post_as("application/json", &[], body).await.expect_status(alone);
        let trace = fresh_trace();
        stage.post(log(&trace, "still here")).await.expect_status(200);
        assert_eq!(stage.messages(&trace).await, ["still here"]);
    }
}
