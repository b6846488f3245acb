//! Quotas: what is left, what is refused, and in which words.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::time::Duration;

use log_ingestion_worker::{buffer::wire::shard_of, entry::System, quota::FAIL_OPEN_ALLOWANCE};
use ops::upstash::Fault;
use reqwest::Method;
use serde_json::json;
use support::{Response, Setup, Stage, log, wait_until, with};

#[tokio::test]
async fn remaining_quota_falls_by_exactly_one_for_each_log_of_its_system() {
    let Some(stage) = Setup::default().start().await else { return };
    for (system, quota) in [("browser", 2_000), ("convex", 1_500), ("worker", 1_500), ("manual", 500)] {
        for n in 1..=20 {
            let answer = stage
                .post(with(&format!("{system}-{n}"), json!({"system": system})))
                .await
                .expect_status(200);
            assert_eq!(answer.json["remaining_quota"], json!(quota - n), "{system}");
            let policy = format!(r#""{system}";q={quota};w=3600"#);
            assert_eq!(answer.header("RateLimit-Policy"), Some(policy.as_str()));
            let state = answer.header("RateLimit").unwrap();
            assert!(state.starts_with(&format!(r#""{system}";r={};t="#, quota - n)), "{state}");
        }
    }
}

/// Fails unless the answer is a 429 of exactly these words, with the fields that say when to come back.
fn assert_over(answer: &Response, trace: &str, error: &str) {
    let expected =
        format!(r#"{{"success":false,"trace_id":"{trace}","error":"{error}","remaining_quota":0}}"#);
    assert_eq!((answer.status, &answer.text), (429, &expected));
    let retry: u64 = answer.header("Retry-After").unwrap().parse().unwrap();
    assert!((1..=3_600).contains(&retry), "{retry}");
    assert!(answer.header("RateLimit").unwrap().contains(";r=0;t="));
    assert!(answer.header("RateLimit-Policy").is_some());
}

#[tokio::test]
async fn a_log_over_its_systems_quota_is_429_and_other_systems_go_on() {
    let Some(stage) = Setup::default().var("RATE_LIMIT_CONVEX", "3").start().await else { return };
    for left in [2, 1, 0] {
        let answer = stage.post(with("t", json!({"system": "convex"}))).await.expect_status(200);
        assert_eq!(answer.json["remaining_quota"], left);
    }
    let over = stage.post(with("t", json!({"system": "convex"}))).await;
    assert_over(&over, "t", "convex system rate limit exceeded");
    stage.post(with("t", json!({"system": "browser"}))).await.expect_status(200);
    assert_eq!(stage.entries("t").await.len(), 4);
}

#[tokio::test]
async fn a_log_over_the_global_quota_is_429_whatever_its_system() {
    let Some(stage) = Setup::default().var("RATE_LIMIT_GLOBAL", "4").start().await else { return };
    for system in ["browser", "convex", "worker", "manual"] {
        stage.post(with("t", json!({"system": system}))).await.expect_status(200);
    }
    for system in ["browser", "manual"] {
        let over = stage.post(with("t", json!({"system": system}))).await;
        assert_over(&over, "t", "Global rate limit exceeded");
    }
}

#[tokio::test]
async fn a_log_over_its_traces_quota_is_429_names_the_trace_and_costs_its_system_nothing() {
    let Some(stage) = Setup::default().var("RATE_LIMIT_TRACE", "2").start().await else { return };
    for _ in 0..2 {
        stage.post(log("busy", "m")).await.expect_status(200);
    }
    for _ in 0..3 {
        let over = stage.post(log("busy", "m")).await;
        assert_over(&over, "busy", "Per-trace rate limit exceeded for busy");
    }
    assert_eq!(stage.post(log("quiet", "m")).await.expect_status(200).json["remaining_quota"], 497);
}

#[tokio::test]
async fn counts_survive_a_crash_of_the_worker() {
    let setup = Setup::default().var("RATE_LIMIT_WORKER", "5").var("RATE_LIMIT_TRACE", "3");
    let Some(mut stage) = setup.start().await else { return };
    for _ in 0..3 {
        stage.post(with("t", json!({"system": "worker"}))).await.expect_status(200);
    }
    stage.workerd.kill9();
    stage.workerd.restart().await.unwrap();
    let over = stage.post(with("t", json!({"system": "worker"}))).await;
    assert_over(&over, "t", "Per-trace rate limit exceeded for t");
    for left in [1, 0] {
        let answer = stage.post(with("u", json!({"system": "worker"}))).await.expect_status(200);
        assert_eq!(answer.json["remaining_quota"], left);
    }
    assert_over(
        &stage.post(with("u", json!({"system": "worker"}))).await,
        "u",
        "worker system rate limit exceeded",
    );
}

#[tokio::test]
async fn a_system_without_quota_is_refused_from_the_start() {
    let Some(stage) = Setup::default().var("RATE_LIMIT_MANUAL", "0").start().await else { return };
    assert_over(&stage.post(log("t", "m")).await, "t", "manual system rate limit exceeded");
}

#[tokio::test]
async fn quota_vars_are_the_contracts_by_default() {
    let Some(stage) = Setup::default().start().await else { return };
    let config = stage.health().await.json["components"]["rate_limiter"]["config"].clone();
    assert_eq!(config["global_limit"], 5_000);
    assert_eq!(
        config["system_limits"],
        json!({"browser": 2_000, "convex": 1_500, "worker": 1_500, "manual": 500})
    );
    assert_eq!(config["per_trace_limit"], 500);
}

async fn ask(stage: &Stage, method: Method, path: &str) -> Response {
    stage.send(stage.request(method, path)).await
}

#[tokio::test]
async fn a_reset_opens_a_used_up_quota_at_once() {
    let Some(stage) = Setup::default().var("RATE_LIMIT_MANUAL", "3").start().await else { return };
    for _ in 0..3 {
        stage.post(log("t", "m")).await.expect_status(200);
    }
    assert_over(&stage.post(log("t", "m")).await, "t", "manual system rate limit exceeded");
    let status = ask(&stage, Method::GET, "/limiter/status").await.expect_status(200).json;
    assert_eq!((&status["left"][3], &status["limits"]["systems"][3]), (&json!(0), &json!(3)));
    ask(&stage, Method::POST, "/limiter/reset").await.expect_status(200);
    assert_eq!(stage.post(log("t", "m")).await.expect_status(200).json["remaining_quota"], 2);
}

#[tokio::test]
async fn a_check_says_how_the_next_log_would_be_judged_and_spends_nothing() {
    let setup = Setup::default().var("RATE_LIMIT_MANUAL", "4").var("RATE_LIMIT_TRACE", "3");
    let Some(stage) = setup.start().await else { return };
    let check = async |trace: &str| {
        let path = format!("/limiter/check?trace_id={trace}&system=manual");
        let told = ask(&stage, Method::GET, &path).await.expect_status(200).json;
        (
            told["allowed"] == true,
            told["remaining_quota"].as_u64().unwrap(),
            told["error"].as_str().map(String::from),
        )
    };
    for _ in 0..10 {
        assert_eq!(check("t").await, (true, 3, None), "the trace's quota is the scarcer");
    }
    for left in [3, 2, 1] {
        assert_eq!(stage.post(log("t", "m")).await.expect_status(200).json["remaining_quota"], left);
    }
    assert_eq!(check("t").await, (false, 0, Some("Per-trace rate limit exceeded for t".into())));
    assert_eq!(check("u").await, (true, 1, None));
    stage.post(log("u", "m")).await.expect_status(200);
    assert_eq!(check("u").await, (false, 0, Some("manual system rate limit exceeded".into())));
    for (path, error) in [
        ("/limiter/check?system=manual", "trace_id parameter is required"),
        ("/limiter/check?trace_id=t", "system must be one of: browser, convex, worker, manual"),
    ] {
        assert_eq!(ask(&stage, Method::GET, path).await.expect_status(400).json["error"], error);
    }
}

#[tokio::test]
async fn tokens_that_lie_idle_in_one_shard_serve_another() {
    let setup = Setup::default().var("LOG_BUFFER_SHARDS", "2").var("RATE_LIMIT_MANUAL", "40");
    let of = |shard: u32| {
        let trace = |n: u32| format!("trace {n}");
        (0..).map(trace).filter(move |trace| shard_of(trace, 2) == shard)
    };
    // One shard takes a slice of ten for its one log, and is quiet from then on: as long as its object is in memory, and when
    // it is not any more.
    for evicted in [false, true] {
        let Some(mut stage) = setup.clone().start().await else { return };
        stage.post(log(&of(0).next().unwrap(), "m")).await.expect_status(200);
        if evicted {
            stage.workerd.kill9();
            stage.workerd.restart().await.unwrap();
        }
        let mut stored = 1;
        for trace in of(1).take(60) {
            stored += usize::from(stage.post(log(&trace, "m")).await.status == 200);
        }
        assert_eq!(stored, 40, "evicted: {evicted}");
    }
}

#[tokio::test]
async fn a_quota_that_is_lowered_holds_for_what_was_granted_before() {
    let Some(mut stage) = Setup::default().start().await else { return };
    stage.post(log("t", "m")).await.expect_status(200);
    stage.workerd.kill9();
    stage.workerd.set_var("RATE_LIMIT_MANUAL", "5");
    stage.workerd.restart().await.unwrap();
    let mut stored = 1;
    for n in 0..20 {
        stored += usize::from(stage.post(log(&format!("t{n}"), "m")).await.status == 200);
    }
    assert_eq!(stored, 5);
}

#[tokio::test]
async fn while_the_quotas_keeper_is_away_a_declared_number_of_logs_passes_and_it_is_counted_later() {
    let setup = Setup::default().var("LOG_BUFFER_SHARDS", "4").var("RATE_LIMIT_TRACE", "10000");
    let Some(stage) = setup.faulty().start().await else { return };
    let browser = |n: usize| with("t", json!({"system": "browser", "message": n.to_string()}));
    stage.post(browser(0)).await.expect_status(200);
    let of_shard = async |name: &str| {
        let status = ask(&stage, Method::GET, "/limiter/status").await.expect_status(200).json;
        status["ledger"]["shards"][shard_of("t", 4) as usize][name].clone()
    };
    let granted = of_shard("granted").await[System::Browser.index()].as_u64().unwrap();
    assert!(granted < 800, "a shard is granted a slice of 2,000, and not {granted}");

    ask(&stage, Method::POST, "/fault/keeper-away").await.expect_status(200);
    let answer = stage.post((1..=1_000).map(browser).collect::<Vec<_>>()).await.expect_status(200);
    assert_eq!(answer.json["accepted"], granted - 1 + FAIL_OPEN_ALLOWANCE);
    let over = stage.post(browser(1_001)).await;
    assert_over(&over, "t", "Global rate limit exceeded");
    assert_eq!(over.header("Retry-After"), Some("1"), "nobody knows what is left: it may be all of it");
    let limiter = stage.health().await.json["components"]["rate_limiter"].clone();
    assert_eq!(limiter["status"], "degraded");
    assert_eq!(limiter["unreachable_from"], json!([shard_of("t", 4)]));
    assert_eq!(limiter["overdrawn"], limiter["config"]["fail_open_allowance"]);

    ask(&stage, Method::POST, "/fault/keeper-back").await.expect_status(200);
    wait_until("logs are taken again", Duration::from_secs(10), || async {
        stage.post(browser(1_002)).await.status == 200
    })
    .await;
    assert_eq!(of_shard("overdrawn").await, FAIL_OPEN_ALLOWANCE);
    assert_eq!(stage.health().await.json["components"]["rate_limiter"]["status"], "healthy");
    assert_eq!(stage.entries("t").await.len() as u64, granted + FAIL_OPEN_ALLOWANCE + 1);
}

#[tokio::test]
async fn another_number_of_shards_is_refused_until_the_buffers_are_drained() {
    let Some(mut stage) = Setup::generous().start().await else { return };
    // Redis is away, so that something waits.
    stage.redis.faults().set(Fault::close());
    stage.post(log("t", "before")).await.expect_status(200);
    stage.workerd.kill9();
    stage.workerd.set_var("LOG_BUFFER_SHARDS", "4");
    stage.workerd.restart().await.unwrap();
    let refused = stage.post(log("other", "m")).await.expect_status(503);
    let error = refused.json["error"].as_str().unwrap();
    assert!(error.contains("LOG_BUFFER_SHARDS") && error.contains("from 1 to 4"), "{error}");
    assert!(error.contains("drain"), "it says what to do: {error}");
    let waits = ask(&stage, Method::POST, "/buffer/drain").await.expect_status(503);
    assert_eq!(waits.json["waiting"], 1, "{}", waits.text);
    stage.redis.faults().clear();
    wait_until("the buffers are drained", Duration::from_secs(60), || async {
        ask(&stage, Method::POST, "/buffer/drain").await.status == 200
    })
    .await;
    for n in 0..8 {
        let trace = format!("trace {n}");
        wait_until("logs are taken again", Duration::from_secs(10), || async {
            stage.post(log(&trace, "m")).await.status == 200
        })
        .await;
    }
    assert_eq!(stage.entries("t").await.len(), 1);
}
