//! The guard around the wasm: when the worker breaks on a request, an answer comes all the same and reads like any other.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::time::{Duration, Instant};

use ops::upstash::Fault;
use reqwest::Method;
use support::{PATIENCE, Setup, log};

const APP: &str = "https://app.example.com";

#[tokio::test]
async fn a_request_the_worker_breaks_on_is_answered_with_the_headers_of_any_answer() {
    let Some(stage) = Setup::generous().faulty().var("ALLOWED_ORIGINS", APP).start().await else { return };
    for origin in [Some(APP), Some("https://evil.example"), None] {
        let mut request = stage.request(Method::POST, "/fault/trap");
        if let Some(origin) = origin {
            request = request.header("Origin", origin);
        }
        // The client compares the headers with the list.
        let answer = stage.send(request).await;
        assert!(matches!(answer.status, 500 | 503), "{}", answer.text);
        stage.post(log("t", "still here")).await.expect_status(200);
    }
    assert_eq!(stage.entries("t").await.len(), 3);
}

#[tokio::test]
async fn a_log_the_worker_breaks_on_is_refused_and_the_next_is_stored() {
    let Some(stage) = Setup::generous().faulty().start().await else { return };
    for n in 1..=3 {
        let request = stage.request(Method::POST, "/log").header("Content-Type", "application/json");
        let answer = stage.send(request.body("trap")).await.expect_status(503);
        assert_eq!(answer.json["success"], false);
        assert!(answer.header("Retry-After").is_some());
        stage.post(log("t", "still here")).await.expect_status(200);
        assert_eq!(stage.entries("t").await.len(), n);
    }
}

#[tokio::test]
async fn a_clear_that_redis_does_not_answer_fails_in_time_and_logs_are_taken_meanwhile() {
    let setup = Setup::generous().var("HOP_TIMEOUT_MS", "300").var("REDIS_TIMEOUT_MS", "60000");
    let Some(stage) = setup.start().await else { return };
    stage.post(log("t", "m")).await.expect_status(200);
    stage.flushed("t", 1).await;
    stage.redis.faults().set(Fault::hang(PATIENCE));
    let begin = Instant::now();
    let answer = stage.clear().await;
    assert!(matches!(answer.status, 500 | 503), "{}", answer.text);
    assert_eq!(answer.json["success"], false);
    assert!(answer.header("Retry-After").is_some());
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    stage.post(log("t", "m")).await.expect_status(200);
}
