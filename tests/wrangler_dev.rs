//! The worker as `wrangler dev` serves it: the way a newcomer first meets it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{
    fs::File,
    process::{Command, Stdio},
    time::Duration,
};

use ops::{process::ProcessGroup, upstash::Server};
use support::{Client, PATIENCE, fresh_trace, log, missing, project, skip, wait_until};

/// wrangler builds (which does nothing when the bundle is current), bundles and starts workerd.
const START_LIMIT: Duration = Duration::from_secs(120);

#[tokio::test]
async fn wrangler_dev_serves_the_worker() {
    let tools = project().join("node_modules/.bin");
    if std::env::var_os("BASE_URL").is_some() {
        return skip("it runs a worker of its own, and BASE_URL names a deployment");
    }
    if !tools.join("wrangler").exists() {
        return missing("node_modules is missing: run scripts/setup");
    }
    let redis = Server::memory().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("output");
    let file = File::create(&output).unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(tools.clone()).chain(std::env::split_paths(&path)));
    let mut command = Command::new(tools.join("wrangler"));
    command
        .current_dir(project())
        .args(["dev", "--ip", "127.0.0.1", "--port", "0", "--inspector-port", "0", "--persist-to"])
        .arg(folder.path().join("state"))
        .args(["--var", &format!("UPSTASH_REDIS_REST_URL:{}", redis.url())])
        .args(["--var", &format!("UPSTASH_REDIS_REST_TOKEN:{}", redis.token())])
        .arg("--show-interactive-dev-session=false")
        .env("PATH", path.unwrap())
        .env("WRANGLER_SEND_METRICS", "false")
        .env("WRANGLER_LOG_PATH", folder.path())
        .env("WRANGLER_REGISTRY_PATH", folder.path().join("registry"))
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stdout(file.try_clone().unwrap())
        .stderr(file);
    let _wrangler = ProcessGroup::spawn(&mut command).unwrap();
    let said = || std::fs::read_to_string(&output).unwrap();
    let ready = || async { said().contains("Ready on http://") || said().contains("[ERROR]") };
    wait_until("wrangler is ready", START_LIMIT, ready).await;
    let said = said();
    let (_, rest) = said.split_once("Ready on ").unwrap_or_else(|| panic!("{said}"));
    let worker = Client::local(rest.split_whitespace().next().unwrap().to_owned(), "");

    assert_eq!(worker.health().await.expect_status(200).json["status"], "healthy");
    let trace = fresh_trace();
    worker.post(log(&trace, "grüße 🦀")).await.expect_status(200);
    assert_eq!(worker.messages(&trace).await, ["grüße 🦀"]);
    assert_eq!(worker.recent(10).await.expect_status(200).json["traces"][0]["id"], trace);
    let key = format!("logs:{trace}");
    let flushed = || async { redis.run(&["LLEN", key.as_str()]).await.unwrap().as_int() == Some(1) };
    wait_until("the log is in Redis", PATIENCE, flushed).await;
    assert_eq!(worker.clear().await.expect_status(200).json["deleted"], 1);
}
