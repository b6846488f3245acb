//! The clients in their own language: a page, a Convex action and the official Redis client, run by Node.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::process::Command;

use support::{Setup, Stage, missing, node, project};

async fn run_clients(stage: Stage) {
    if !project().join("node_modules/@upstash/redis").exists() {
        return missing("node_modules is missing: run scripts/setup");
    }
    let mut command = Command::new(node());
    command
        .arg(project().join("tests/fixtures/clients.mjs"))
        .args([stage.base(), &stage.redis.url(), stage.redis.token()])
        .env("UPSTASH_DISABLE_TELEMETRY", "1");
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(stdout, "agreed\n", "{stderr}");
}

fn setup() -> Setup {
    Setup::generous().var("RATE_LIMIT_WORKER", "3")
}

#[tokio::test]
async fn the_clients_in_the_wild_are_served_over_the_memory_store() {
    let Some(stage) = setup().start().await else { return };
    run_clients(stage).await;
}

#[tokio::test]
async fn the_clients_in_the_wild_are_served_over_a_real_redis() {
    let Some(stage) = setup().real_redis().start().await else { return };
    run_clients(stage).await;
}
