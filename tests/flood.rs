//! The flood guard: one address that sends without end is turned away before anything is done for it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use reqwest::Method;
use support::{Response, Setup, Stage, log};

/// What the stand-in for Cloudflare's counter allows each address.
const ALLOWED: usize = 3;

async fn stage(guard: &str) -> Option<Stage> {
    Setup::generous().front("flood/entry.js").var("FLOOD_GUARD", guard).start().await
}

async fn post_from(stage: &Stage, address: &str) -> Response {
    let request = stage.request(Method::POST, "/log").header("CF-Connecting-IP", address);
    stage.send(request.json(&log("t", address))).await
}

#[tokio::test]
async fn an_address_beyond_its_limit_is_told_to_wait_and_the_others_are_not() {
    let Some(stage) = stage("true").await else { return };
    for _ in 0..ALLOWED {
        post_from(&stage, "192.0.2.1").await.expect_status(200);
    }
    for _ in 0..2 {
        let refused = post_from(&stage, "192.0.2.1").await;
        assert_eq!(refused.status, 429, "{}", refused.text);
        assert_eq!(refused.json["success"], false);
        assert!(refused.header("Retry-After").is_some());
        assert_eq!(refused.header("Access-Control-Allow-Origin"), Some("*"));
    }
    // Another path is no way around, nor is a header that a client can set.
    for (method, path) in
        [(Method::GET, "/health"), (Method::GET, "/logs?trace_id=t"), (Method::DELETE, "/logs/clear")]
    {
        let request = stage.request(method, path).header("X-Forwarded-For", "192.0.2.7");
        let refused = stage.send(request.header("CF-Connecting-IP", "192.0.2.1")).await;
        assert_eq!(refused.status, 429, "{path}: {}", refused.text);
    }
    // A page's preflight is no request for anything.
    for path in ["/log", "/logs", "/logs/clear"] {
        let preflight = stage.request(Method::OPTIONS, path).header("CF-Connecting-IP", "192.0.2.1");
        stage.send(preflight).await.expect_status(200);
    }
    // What costs nothing is answered.
    for path in ["/", "/openapi.json"] {
        let request = stage.request(Method::GET, path).header("CF-Connecting-IP", "192.0.2.1");
        stage.send(request).await.expect_status(200);
    }
    post_from(&stage, "192.0.2.2").await.expect_status(200);
    assert_eq!(stage.entries("t").await.len(), ALLOWED + 1, "what was refused is nowhere");
}

#[tokio::test]
async fn the_addresses_of_one_ipv6_network_are_one_client() {
    let Some(stage) = stage("true").await else { return };
    for host in 0..ALLOWED {
        post_from(&stage, &format!("2001:db8::{host:x}")).await.expect_status(200);
    }
    post_from(&stage, "2001:db8::ffff:1").await.expect_status(429);
    post_from(&stage, "2001:db8:0:1::1").await.expect_status(200);
}

#[tokio::test]
async fn a_broken_counter_or_none_turns_nobody_away() {
    let Some(stage) = stage("true").await else { return };
    for _ in 0..=ALLOWED {
        post_from(&stage, "192.0.2.99").await.expect_status(200);
        stage.post(log("t", "without an address")).await.expect_status(200);
    }
    let Some(bare) = Setup::generous().start().await else { return };
    for _ in 0..=ALLOWED {
        post_from(&bare, "192.0.2.1").await.expect_status(200);
    }
}

#[tokio::test]
async fn the_guard_can_be_switched_off() {
    let Some(stage) = stage("false").await else { return };
    for _ in 0..=ALLOWED {
        post_from(&stage, "192.0.2.1").await.expect_status(200);
    }
}

#[tokio::test]
async fn a_strangers_worker_uses_up_nobody_elses_requests() {
    let Some(stage) = stage("true").await else { return };
    let post = async |zone: &str, address: &str| {
        let request = stage.request(Method::POST, "/log").header("CF-Connecting-IP", address);
        stage.send(request.header("CF-Worker", zone).json(&log("t", zone))).await
    };
    const WORKERS: &str = "2a06:98c0:3600::103";
    for _ in 0..ALLOWED {
        post("stranger.example", WORKERS).await.expect_status(200);
    }
    post("stranger.example", WORKERS).await.expect_status(429);
    post("ours.example", WORKERS).await.expect_status(200);
    let request = stage.request(Method::GET, "/health").header("CF-Connecting-IP", WORKERS);
    stage.send(request.header("CF-Worker", "stranger.example")).await.expect_status(429);
    // Another client is no other one because it says so.
    for zone in ["a.example", "b.example", "c.example"] {
        post(zone, "192.0.2.1").await.expect_status(200);
    }
    post("d.example", "192.0.2.1").await.expect_status(429);
}
