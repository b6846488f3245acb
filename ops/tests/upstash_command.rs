//! `ops upstash` as a program of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use ops::process::ProcessGroup;
use serde_json::json;

/// Starts it on a free port; the process and the two variables it prints.
fn start(data: &Path, redis: &str) -> (ProcessGroup, String, String) {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ops"));
    command.args(["upstash", "--port", &port, "--token", "geheim", "--redis", redis, "--data"]).arg(data);
    command.current_dir(data).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut group = ProcessGroup::spawn(&mut command).unwrap();
    let mut lines = BufReader::new(group.child_mut().stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut value = |name: &str| lines.next().unwrap().strip_prefix(name).unwrap().to_owned();
    let (url, token) = (value("UPSTASH_REDIS_REST_URL="), value("UPSTASH_REDIS_REST_TOKEN="));
    (group, url, token)
}

#[tokio::test]
async fn what_it_was_given_is_there_the_next_time() {
    for redis in ["memory", "auto"] {
        let data = tempfile::tempdir().unwrap();
        for n in 1..=2 {
            let (mut group, url, token) = start(data.path(), redis);
            let request = reqwest::Client::new().post(format!("{url}/lpush/list/x")).bearer_auth(token);
            assert_eq!(common::answer(request).await.1, json!({"result": n}), "{redis}");
            group.stop(Duration::from_secs(10)).await;
            assert_eq!(group.wait().await.code(), Some(0), "{redis}");
        }
    }
}
