//! The official npm client, `@upstash/redis`, can talk to the local server, over either store.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::{path::PathBuf, sync::Arc};

use ops::upstash::{Options, Server};

async fn run_client(server: &Server) {
    let project = common::project();
    if !project.join("node_modules/@upstash/redis").exists() {
        common::skip("the official @upstash/redis client", "node_modules is missing, run scripts/setup");
        return;
    }
    let own = project.join("node_modules/.bin/node");
    let node = if own.exists() { own } else { PathBuf::from("node") };
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/upstash_client.mjs");
    let output = tokio::process::Command::new(node)
        .arg(script)
        .args([&server.url(), server.token()])
        .env("UPSTASH_DISABLE_TELEMETRY", "1")
        .output()
        .await
        .unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(stdout, "agreed\n", "{stderr}");
}

#[tokio::test]
async fn the_official_client_agrees_with_the_memory_store() {
    run_client(&Server::memory().await.unwrap()).await;
}

#[tokio::test]
async fn the_official_client_agrees_with_a_real_redis() {
    let Some((redis, _data)) = common::redis_server().await else { return };
    let options = Options { store: Arc::new(redis.store()), ..Options::default() };
    run_client(&Server::start(options).await.unwrap()).await;
}
