//! The runner of the real bundle, shown with a small worker of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::{path::PathBuf, time::Duration};

use ops::{
    process::eventually,
    upstash::Server,
    workerd::{Config, Version, Workerd, WorkerdError, find_workerd},
};
use serde_json::{Value, json};

fn fixture() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/counter")
}

/// The fixture's configuration, or nothing (said loudly) when there is no workerd.
fn config() -> Option<Config> {
    let program = match find_workerd(&common::project()) {
        Ok(program) => program,
        Err(cause) => {
            common::skip("the runner of workerd", &cause.to_string());
            return None;
        }
    };
    let version = Version { id: "v-1".into(), tag: "t".into(), timestamp: "2026-01-01T00:00:00Z".into() };
    let config = Config::new(fixture(), "2026-11-01")
        .object("LOG_BUFFER", "LogBuffer")
        .object("RATE_LIMIT_STATE", "RateLimiterDO")
        .version("CF_VERSION_METADATA", version)
        .var("TEXT", "quoted \"text\"\nß\\");
    Some(Config { program: Some(program), ..config })
}

async fn post(workerd: &Workerd, path: &str) {
    let response = reqwest::Client::new().post(format!("{}{path}", workerd.url())).send().await.unwrap();
    assert_eq!(response.status(), 200, "{}", workerd.log());
}

async fn get(workerd: &Workerd, path: &str) -> Value {
    reqwest::get(format!("{}{path}", workerd.url())).await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn a_worker_has_its_modules_vars_version_and_the_way_out_to_loopback() {
    let Some(config) = config() else { return };
    let workerd = Workerd::start(config).await.unwrap();
    let environment = get(&workerd, "/env").await;
    assert_eq!(environment["text"], "quoted \"text\"\nß\\");
    assert_eq!(environment["version"], json!({"id": "v-1", "tag": "t", "timestamp": "2026-01-01T00:00:00Z"}));
    assert_eq!((&environment["wasm"], &environment["greeting"]), (&json!(42), &json!("hello")));
    let redis = Server::memory().await.unwrap();
    let path = format!("/fetch?url={}/ping&token={}", redis.url(), redis.token());
    assert_eq!(get(&workerd, &path).await, json!({"result": "PONG"}));
    if cfg!(target_os = "linux") {
        let usage = workerd.usage().unwrap();
        assert!(usage.cpu > Duration::ZERO && usage.peak_rss_bytes > 10 << 20, "{usage:?}");
    }
}

#[tokio::test]
async fn what_was_stored_survives_a_crash_on_the_same_disk_and_port() {
    let Some(config) = config() else { return };
    let mut workerd = Workerd::start(config).await.unwrap();
    let (url, pid) = (workerd.url(), workerd.pid());
    post(&workerd, "/a").await;
    post(&workerd, "/b").await;
    workerd.kill9();
    assert!(!workerd.is_running());
    assert!(reqwest::get(&url).await.unwrap_err().is_connect());
    workerd.restart().await.unwrap();
    assert_eq!(workerd.url(), url);
    assert_ne!(workerd.pid(), pid);
    assert_eq!(get(&workerd, "/rows").await, json!(["/a", "/b"]));
    workerd.restart().await.unwrap();
    assert_eq!(get(&workerd, "/rows").await, json!(["/a", "/b"]));
}

#[tokio::test]
async fn an_alarm_fires_and_one_that_was_set_before_a_crash_fires_after_it() {
    let Some(config) = config() else { return };
    let mut workerd = Workerd::start(config).await.unwrap();
    post(&workerd, "/alarm?ms=50").await;
    let fired = |times: usize, workerd: &Workerd| {
        let rows = reqwest::get(format!("{}/rows", workerd.url()));
        async move { rows.await.unwrap().json::<Vec<String>>().await.unwrap().len() == times }
    };
    assert!(eventually(Duration::from_secs(5), || fired(1, &workerd)).await, "{}", workerd.log());
    post(&workerd, "/alarm?ms=1500").await;
    workerd.kill9();
    workerd.restart().await.unwrap();
    assert!(eventually(Duration::from_secs(10), || fired(2, &workerd)).await, "{}", workerd.log());
}

#[tokio::test]
async fn a_named_disk_outlives_the_runner() {
    let Some(config) = config() else { return };
    let disk = tempfile::tempdir().unwrap();
    let first = Workerd::start(config.clone().disk(disk.path())).await.unwrap();
    post(&first, "/a").await;
    drop(first);
    let second = Workerd::start(config.disk(disk.path())).await.unwrap();
    assert_eq!(get(&second, "/rows").await, json!(["/a"]));
}

#[tokio::test]
async fn a_worker_that_cannot_start_is_an_error_with_the_reason() {
    let Some(config) = config() else { return };
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("entry.js"), "import './missing.js'").unwrap();
    let broken = Config { bundle: folder.path().to_owned(), ..config.clone() };
    let cause = Workerd::start(broken).await.unwrap_err();
    assert!(matches!(&cause, WorkerdError::Silent { log, .. } if log.contains("missing.js")), "{cause}");
    let empty = Config { bundle: folder.path().join("none"), ..config };
    assert!(matches!(Workerd::start(empty).await.unwrap_err(), WorkerdError::Bundle { .. }));
}
