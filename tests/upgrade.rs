//! An upgrade in place: what the earlier worker left is taken over.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use ops::workerd::{Config, Workerd, find_workerd};
use serde_json::{Value, json};
use support::{PATIENCE, Setup, Stage, log, now_ms, project, skip, wait_until, with};

/// As [`upgraded_from`] the earlier worker, which leaves this state.
async fn upgraded(setup: Setup, state: Value) -> Option<(Stage, tempfile::TempDir)> {
    upgraded_from("earlier", setup, state).await
}

/// Runs the worker of a fixture once, so that it leaves what it is told to, and then ours over the same storage.
async fn upgraded_from(fixture: &str, setup: Setup, state: Value) -> Option<(Stage, tempfile::TempDir)> {
    if std::env::var_os("BASE_URL").is_some() {
        skip("it needs a worker of its own, and BASE_URL names a deployment");
        return None;
    }
    let disk = tempfile::tempdir().unwrap();
    let mut config = Config::from_wrangler(
        project().join("tests/fixtures").join(fixture),
        &project().join("wrangler.toml"),
        None,
    )
    .unwrap()
    .disk(disk.path());
    config.program = Some(find_workerd(&project()).unwrap());
    let mut earlier = Workerd::start(config).await.unwrap();
    let stored = reqwest::Client::new().post(earlier.url()).body(state.to_string()).send().await.unwrap();
    assert_eq!(stored.text().await.unwrap(), "stored", "{}", earlier.log());
    earlier.stop().await;
    Some((setup.disk(disk.path()).start().await?, disk))
}

fn state(window_start: i64) -> Value {
    json!({"global_current": 130, "system_current": {"browser": 100, "convex": 20, "worker": 10},
        "trace_counts": {"busy": 499, "quiet": 1}, "window_start": window_start})
}

#[tokio::test]
async fn the_hours_counts_go_on_where_the_earlier_worker_stopped() {
    for as_map in [false, true] {
        let mut earlier = state(now_ms() - 600_000);
        if as_map {
            earlier["as_map"] = json!(true);
        }
        let Some((mut stage, _disk)) = upgraded(Setup::default(), earlier).await else { return };
        for (system, left) in [("browser", 1_899), ("convex", 1_479), ("worker", 1_489), ("manual", 499)] {
            let answer = stage.post(with("new", json!({"system": system}))).await.expect_status(200);
            assert_eq!(answer.json["remaining_quota"], left, "{system}, as_map: {as_map}");
        }
        stage.post(log("busy", "the five hundredth")).await.expect_status(200);
        let over = stage.post(log("busy", "one more")).await.expect_status(429);
        assert_eq!(over.error(), "Per-trace rate limit exceeded for busy");
        // The window is the earlier worker's: fifty minutes of it are left.
        let retry: i64 = over.header("Retry-After").unwrap().parse().unwrap();
        assert!((2_900..=3_000).contains(&retry), "{retry}");

        // Taken over once, not with each start.
        stage.workerd.kill9();
        stage.workerd.restart().await.unwrap();
        let answer = stage.post(with("new", json!({"system": "browser"}))).await.expect_status(200);
        assert_eq!(answer.json["remaining_quota"], 1_898);
        stage.post(log("busy", "one more")).await.expect_status(429);
    }
}

#[tokio::test]
async fn the_global_count_goes_on_too() {
    let setup = Setup::default().var("RATE_LIMIT_GLOBAL", "132");
    let Some((stage, _disk)) = upgraded(setup, state(now_ms() - 600_000)).await else { return };
    for _ in 0..2 {
        stage.post(log("new", "m")).await.expect_status(200);
    }
    let over = stage.post(with("new", json!({"system": "browser"}))).await.expect_status(429);
    assert_eq!(over.error(), "Global rate limit exceeded");
}

#[tokio::test]
async fn health_shows_the_counts_of_the_whole_hour() {
    let Some((stage, _disk)) = upgraded(Setup::default(), state(now_ms() - 600_000)).await else { return };
    stage.post(with("quiet", json!({"system": "browser"}))).await.expect_status(200);
    let current = stage.health().await.json["components"]["rate_limiter"]["current_state"].clone();
    assert_eq!(current["global_current"], 131);
    assert_eq!(current["system_current"]["browser"], 101);
    assert_eq!(current["trace_counts"]["quiet"], 2);
}

#[tokio::test]
async fn counts_of_an_hour_that_has_passed_are_forgotten() {
    let Some((stage, _disk)) = upgraded(Setup::default(), state(now_ms() - 3_700_000)).await else { return };
    let answer = stage.post(with("busy", json!({"system": "browser"}))).await.expect_status(200);
    assert_eq!(answer.json["remaining_quota"], 1_999);
}

#[tokio::test]
async fn a_state_that_is_damaged_stops_nobody() {
    let odd = [
        json!({}),
        json!({"global_current": "many", "system_current": 7, "trace_counts": [], "window_start": null}),
        json!({"global_current": -5, "system_current": {"browser": -1, "mars": 3}, "trace_counts": {"t": -9}, "window_start": 1e300}),
    ];
    for state in odd {
        let Some((stage, _disk)) = upgraded(Setup::default(), state.clone()).await else { return };
        let answer = stage.post(with("t", json!({"system": "browser"}))).await.expect_status(200);
        assert_eq!(answer.json["remaining_quota"], 1_999, "{state}");
    }
}

#[tokio::test]
async fn summaries_of_the_first_layout_go_on() {
    let Some((mut stage, _disk)) = upgraded_from("first_layout", Setup::default(), json!({})).await else {
        return;
    };
    for n in 1..=3 {
        let entry = json!({"id": n.to_string(), "trace_id": "old", "system": "browser", "level": "log", "message": "m",
            "timestamp": now_ms() - 600_000 + n});
        stage.redis.run(&["LPUSH", "logs:old", &entry.to_string()]).await.unwrap();
    }
    let counted = async |stage: &Stage, count: u64| {
        let traces = stage.get("/traces/recent").await.expect_status(200).json["traces"].clone();
        assert_eq!((&traces[0]["id"], &traces[0]["logCount"]), (&json!("old"), &json!(count)), "{traces}");
        assert_eq!(traces[0]["hasErrors"], true);
    };
    counted(&stage, 3).await;
    stage.post(log("old", "the fourth")).await.expect_status(200);
    counted(&stage, 4).await;
    for _ in 0..2 {
        stage.workerd.kill9();
        stage.workerd.restart().await.unwrap();
        counted(&stage, 4).await;
    }
    let read = stage.get("/logs?trace_id=old").await.expect_status(200);
    assert_eq!(read.json["count"], 4, "{}", read.json);
}

#[tokio::test]
async fn what_the_earlier_worker_logged_counts_from_the_traces_next_log_on() {
    let Some(stage) = Stage::start().await else { return };
    for (n, level) in ["error", "log", "warn", "log"].into_iter().enumerate() {
        let entry = json!({"id": n.to_string(), "trace_id": "old", "system": "convex", "level": level, "message": "m",
            "timestamp": now_ms() - 600_000});
        stage.redis.run(&["LPUSH", "logs:old", &entry.to_string()]).await.unwrap();
    }
    for _ in 0..2 {
        stage.post(with("old", json!({"system": "browser"}))).await.expect_status(200);
    }
    let counted = || async {
        let traces = stage.get("/traces/recent").await.expect_status(200).json["traces"].clone();
        let told = (&traces[0]["logCount"], &traces[0]["hasErrors"], &traces[0]["systems"]);
        told == (&json!(6), &json!(true), &json!(["browser", "convex"]))
    };
    wait_until("they are counted", PATIENCE, counted).await;
    let answer = stage.clear().await.expect_status(200);
    assert_eq!((&answer.json["cleared_traces"], &answer.json["cleared_logs"]), (&json!(1), &json!(6)));
}
