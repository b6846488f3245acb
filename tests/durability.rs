//! The worker, its machine or its memory goes away; what was acknowledged stays.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use reqwest::Method;
use serde_json::json;
use std::time::Duration;
use support::{PATIENCE, Setup, Traffic, fresh_trace, wait_until};

const RECOVERY: Duration = Duration::from_secs(40);

#[tokio::test]
async fn a_kill_under_load_loses_nothing_that_was_acknowledged() {
    let disk = tempfile::tempdir().unwrap();
    let Some(mut stage) = Setup::generous().disk(disk.path()).start().await else { return };
    let mut traffic = Traffic::over(5);
    for round in 0..3_u64 {
        let client = stage.again();
        let load = tokio::spawn(async move {
            traffic.post(&client, 60, Duration::from_millis(10)).await;
            traffic
        });
        tokio::time::sleep(Duration::from_millis(300 + 250 * round)).await;
        stage.workerd.kill9();
        tokio::time::sleep(Duration::from_millis(200)).await;
        stage.workerd.restart().await.unwrap();
        traffic = load.await.unwrap();
        traffic.is_read_back(&stage).await;
    }
    assert!(traffic.count() >= 300, "{} acknowledged", traffic.count());
    traffic.arrives(&stage, RECOVERY).await;
    traffic.is_read_back(&stage).await;
    assert_eq!(traffic.found(&stage).await.doubles, 0);
}

#[tokio::test]
async fn a_trap_leaves_no_post_unanswered_and_loses_nothing() {
    let Some(stage) = Setup::generous().var("HOP_TIMEOUT_MS", "1000").faulty().start().await else { return };
    let mut before = Traffic::over(3);
    before.post(&stage, 20, Duration::ZERO).await;
    for _ in 0..3 {
        let posts: Vec<_> = (0..64)
            .map(|_| {
                let client = stage.again();
                tokio::spawn(async move {
                    let mut traffic = Traffic::over(1);
                    // The worker answers in seconds; the client itself would give up later.
                    let post = traffic.post(&client, 1, Duration::ZERO);
                    tokio::time::timeout(PATIENCE / 2, post).await.expect("every post is answered");
                    traffic
                })
            })
            .collect();
        // It may be answered or not: it is what breaks.
        let _ = stage.request(Method::POST, "/fault/trap").send().await;
        for post in posts {
            let traffic = post.await.unwrap();
            traffic.is_read_back(&stage).await;
            before.acknowledged.extend(traffic.acknowledged);
        }
    }
    assert_eq!(before.post(&stage, 20, Duration::ZERO).await, 20);
    before.arrives(&stage, RECOVERY).await;
    before.is_read_back(&stage).await;
}

#[tokio::test]
async fn an_evicted_object_comes_back_as_it_was() {
    let Some(stage) = Setup::generous().var("RATE_LIMIT_TRACE", "300").start().await else { return };
    let mut traffic = Traffic::over(2);
    assert_eq!(traffic.post(&stage, 40, Duration::ZERO).await, 40);
    let trace = fresh_trace();
    let error =
        json!({"trace_id": trace, "message": "e", "level": "error", "system": "convex", "id": "once"});
    stage.post(error.clone()).await.expect_status(200);
    stage.drained().await;
    let recent = stage.recent(50).await.json["traces"].clone();
    let quotas = |health: &serde_json::Value| health["components"]["rate_limiter"]["current_state"].clone();
    let before = quotas(&stage.health().await.json);
    let evicted = || async {
        // Asking keeps it alive: seldom, then.
        tokio::time::sleep(Duration::from_secs(24)).await;
        stage.health().await.json["components"]["buffer"]["totals"]["appended"] == 0
    };
    wait_until("the object is evicted", Duration::from_secs(80), evicted).await;
    assert_eq!(stage.recent(50).await.json["traces"], recent);
    assert_eq!(quotas(&stage.health().await.json), before);
    traffic.is_read_back(&stage).await;
    stage.post(error).await.expect_status(200);
    assert_eq!(stage.entries(&trace).await.len(), 1, "the id is still known");
    // 200 of each trace's 300 are spent.
    assert_eq!(traffic.post(&stage, 20, Duration::ZERO).await, 20);
    assert_eq!(traffic.post(&stage, 2, Duration::ZERO).await, 0);
    traffic.arrives(&stage, RECOVERY).await;
    assert_eq!(traffic.found(&stage).await.doubles, 0);
}
