//! Redis fails in every way it can; what was acknowledged is in its list all the same, once, and without a nudge.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use ops::upstash::{Fault, Which};
use serde_json::json;
use std::time::Duration;
use support::{Setup, Stage, Traffic, listed, log, wait_until};

/// How long the worker waits for Redis here.
const TIMEOUT: Duration = Duration::from_millis(500);
/// Its longest pause between tries is 15 s.
const RECOVERY: Duration = Duration::from_secs(40);
const PAUSE: Duration = Duration::from_millis(60);

async fn stage() -> Option<Stage> {
    let timeout = TIMEOUT.as_millis().to_string();
    Setup::generous().var("REDIS_TIMEOUT_MS", timeout).var("FLUSH_DELAY_MS", "50").start().await
}

/// 200 logs before, 250 during and 200 after the fault.
async fn goes_through(fault: Fault) -> Option<(Stage, Traffic)> {
    let stage = stage().await?;
    let mut traffic = Traffic::over(5);
    assert_eq!(traffic.post(&stage, 20, Duration::ZERO).await, 20);
    traffic.arrives(&stage, RECOVERY).await;
    stage.redis.faults().set(fault);
    assert_eq!(traffic.post(&stage, 25, PAUSE).await, 25, "Redis is never waited for");
    tokio::time::sleep(Duration::from_secs(1)).await;
    stage.redis.faults().clear();
    assert_eq!(traffic.post(&stage, 20, Duration::ZERO).await, 20);
    traffic.arrives(&stage, RECOVERY).await;
    traffic.is_read_back(&stage).await;
    Some((stage, traffic))
}

async fn leaves_no_trace(fault: Fault) {
    let Some((stage, traffic)) = goes_through(fault).await else { return };
    assert_eq!(traffic.count(), 650);
    assert_eq!(traffic.found(&stage).await.doubles, 0, "doubles in Redis");
    stage.drained().await;
    let health = stage.health().await;
    assert_eq!(health.json["status"], "healthy", "{}", health.text);
    assert_eq!(health.json["components"]["buffer"]["late_doubles"], 0);
}

#[tokio::test]
async fn redis_answers_500() {
    leaves_no_trace(Fault::status(500)).await;
}

#[tokio::test]
async fn redis_answers_429() {
    leaves_no_trace(Fault::status(429)).await;
}

#[tokio::test]
async fn redis_hangs() {
    leaves_no_trace(Fault::hang(Duration::from_secs(30))).await;
}

#[tokio::test]
async fn redis_closes_the_connection() {
    leaves_no_trace(Fault::close()).await;
}

#[tokio::test]
async fn redis_answers_garbage() {
    leaves_no_trace(Fault::garbage()).await;
}

#[tokio::test]
async fn one_command_of_a_request_fails() {
    leaves_no_trace(Fault::command_error(Which::Index(0), "ERR not now")).await;
}

#[tokio::test]
async fn redis_executes_and_then_answers_500() {
    leaves_no_trace(Fault::execute_then_status(500)).await;
}

#[tokio::test]
async fn redis_executes_and_then_closes_the_connection() {
    leaves_no_trace(Fault::execute_then_close()).await;
}

/// What was written is looked for where it was written, and what a region for reads lacks yet is read from the buffer.
#[tokio::test]
async fn a_read_region_lags_behind_while_answers_to_writes_are_lost() {
    let Some(stage) = stage().await else { return };
    let mut traffic = Traffic::over(5);
    let lagging = Fault::lagging_reads();
    stage.redis.faults().set_all(vec![lagging.clone(), Fault::execute_then_status(500).only_writes()]);
    assert_eq!(traffic.post(&stage, 25, PAUSE).await, 25);
    stage.redis.faults().set(lagging);
    assert_eq!(traffic.post(&stage, 20, Duration::ZERO).await, 20);
    traffic.arrives(&stage, RECOVERY).await;
    traffic.is_read_back(&stage).await;
    stage.drained().await;
    assert_eq!((traffic.count(), traffic.found(&stage).await.doubles), (450, 0));
    let health = stage.health().await.json;
    assert_eq!(
        health["components"]["buffer"]["totals"]["lists_restored"], 0,
        "nothing was sent twice and mended"
    );
}

/// The one case in which an entry may stand twice in its list: it is counted.
#[tokio::test]
async fn redis_executes_long_after_the_worker_gave_up() {
    let late = Duration::from_secs(3);
    let Some((stage, traffic)) = goes_through(Fault::execute_late(late).only_writes()).await else { return };
    tokio::time::sleep(late).await;
    let doubles = traffic.found(&stage).await.doubles;
    let counted = || async {
        let health = stage.health().await;
        health.json["components"]["buffer"]["late_doubles"].as_u64().unwrap() >= doubles as u64
    };
    wait_until(&format!("health counts {doubles} doubles"), RECOVERY, counted).await;
    traffic.is_read_back(&stage).await;
}

#[tokio::test]
async fn redis_is_restarted_empty() {
    let Some(stage) = stage().await else { return };
    let mut traffic = Traffic::over(5);
    traffic.post(&stage, 20, Duration::ZERO).await;
    traffic.arrives(&stage, RECOVERY).await;
    stage.redis.stop_listening().await.unwrap();
    stage.redis.wipe().await.unwrap();
    traffic.post(&stage, 20, Duration::ZERO).await;
    stage.redis.resume().await.unwrap();
    traffic.arrives(&stage, RECOVERY).await;
    traffic.post(&stage, 20, Duration::ZERO).await;
    traffic.arrives(&stage, RECOVERY).await;
    traffic.is_read_back(&stage).await;
    assert_eq!((traffic.count(), traffic.found(&stage).await.doubles), (600, 0));
    for (trace, ids) in &traffic.acknowledged {
        assert_eq!(&listed(&stage, trace).await, ids, "in order of arrival");
    }
    // Emptied behind the worker's back: the next reader finds out, and sees all of it.
    stage.redis.wipe().await.unwrap();
    traffic.is_read_back(&stage).await;
    traffic.arrives(&stage, RECOVERY).await;
}

#[tokio::test]
async fn another_type_under_one_traces_key_holds_up_nobody_else() {
    let Some(stage) = stage().await else { return };
    let mut traffic = Traffic::over(5);
    traffic.post(&stage, 20, Duration::ZERO).await;
    traffic.arrives(&stage, RECOVERY).await;
    let key = format!("logs:{}", traffic.trace(0));
    stage.redis.run(&["SET", key.as_str(), "not a list"]).await.unwrap();
    traffic.post(&stage, 25, Duration::ZERO).await;
    let others = |trace: &String| *trace != traffic.trace(0);
    let flow = || async {
        let mut flows = true;
        for (trace, ids) in traffic.acknowledged.iter().filter(|(trace, _)| others(trace)) {
            flows &= listed(&stage, trace).await.len() == ids.len();
        }
        flows
    };
    wait_until("the other traces flow", Duration::from_secs(10), flow).await;
    let named = || async { stage.health().await.text.contains("WRONGTYPE") };
    wait_until("health says why", Duration::from_secs(10), named).await;
    traffic.is_read_back(&stage).await;
    stage.redis.run(&["DEL", key.as_str()]).await.unwrap();
    traffic.post(&stage, 20, Duration::ZERO).await;
    traffic.arrives(&stage, RECOVERY).await;
    traffic.is_read_back(&stage).await;
    assert_eq!((traffic.count(), traffic.found(&stage).await.doubles), (650, 0));
    for (trace, ids) in &traffic.acknowledged {
        assert_eq!(&listed(&stage, trace).await, ids, "in order of arrival");
    }
}

/// Long enough for the object to be evicted: only its alarm can bring the logs home. `FAULTS_AWAY_S=660` takes the
/// time in which a platform that gave up on a throwing alarm would have left them lying.
#[tokio::test]
async fn redis_is_away_for_long_and_nobody_comes_by() {
    let away = std::env::var("FAULTS_AWAY_S").ok().and_then(|s| s.parse().ok()).unwrap_or(30);
    let Some(stage) = stage().await else { return };
    let mut traffic = Traffic::over(5);
    traffic.post(&stage, 20, Duration::ZERO).await;
    traffic.arrives(&stage, RECOVERY).await;
    stage.redis.stop_listening().await.unwrap();
    traffic.post(&stage, 30, Duration::ZERO).await;
    tokio::time::sleep(Duration::from_secs(away)).await;
    stage.redis.resume().await.unwrap();
    traffic.arrives(&stage, RECOVERY).await;
    traffic.post(&stage, 20, Duration::ZERO).await;
    traffic.arrives(&stage, RECOVERY).await;
    traffic.is_read_back(&stage).await;
    assert_eq!((traffic.count(), traffic.found(&stage).await.doubles), (700, 0));
}

/// A clear meets flushes at every moment of theirs; what it cleared never comes back.
#[tokio::test]
async fn a_clear_amid_flushes_is_final() {
    let Some(stage) = stage().await else { return };
    stage.redis.faults().set(Fault::latency(Duration::from_millis(15)));
    let trace = support::fresh_trace();
    for round in 0..100_u64 {
        let logs: Vec<_> = (0..5).map(|n| log(&trace, &format!("{round}-{n}"))).collect();
        stage.post(json!(logs)).await.expect_status(200);
        tokio::time::sleep(Duration::from_millis(round)).await;
        stage.clear_trace(&trace).await.expect_status(200);
        assert!(stage.entries(&trace).await.is_empty(), "round {round}");
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(listed(&stage, &trace).await.is_empty() && stage.entries(&trace).await.is_empty());
}

/// A write that was given up brings nothing back either.
#[tokio::test]
async fn a_clear_outlives_a_write_that_comes_late() {
    let Some(stage) = stage().await else { return };
    let trace = support::fresh_trace();
    stage.redis.faults().set(Fault::execute_late(Duration::from_secs(4)).only_writes());
    stage.post(json!([log(&trace, "a"), log(&trace, "b")])).await.expect_status(200);
    tokio::time::sleep(Duration::from_secs(1)).await;
    stage.redis.faults().clear();
    let cleared = || async { stage.clear_trace(&trace).await.status == 200 };
    wait_until("it is cleared", RECOVERY, cleared).await;
    for _ in 0..60 {
        assert!(stage.entries(&trace).await.is_empty());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    wait_until("its list is empty", RECOVERY, || async { listed(&stage, &trace).await.is_empty() }).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(listed(&stage, &trace).await.is_empty() && stage.entries(&trace).await.is_empty());
}
