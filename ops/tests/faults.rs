//! What can be made to go wrong, and what is counted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use common::{Client, answer, list};
use ops::{
    process::eventually,
    upstash::{Fault, Server, Which},
};
use reqwest::{Method, StatusCode};
use serde_json::json;

const MS: fn(u64) -> Duration = Duration::from_millis;

async fn start() -> (Server, Client) {
    let server = Server::memory().await.unwrap();
    let client = Client::of(&server);
    (server, client)
}

/// Pushes one element; the status, or nothing when no answer came.
async fn push(client: &Client, element: &str) -> Option<u16> {
    let body = json!([["LPUSH", "l", element], ["EXPIRE", "l", 60]]);
    let sent = client.request(Method::POST, "/multi-exec").timeout(MS(1000)).json(&body).send().await;
    sent.ok().map(|response| response.status().as_u16())
}

#[tokio::test]
async fn each_fault_ends_a_request_its_way_and_executes_or_not() {
    // The fault, the status (none: no answer), and whether the push was executed.
    let cases = [
        (Fault::status(500), Some(500), false),
        (Fault::status(429), Some(429), false),
        (Fault::close(), None, false),
        (Fault::hang(MS(10)), None, false),
        (Fault::hang(MS(5000)), None, false),
        (Fault::garbage(), Some(200), false),
        (Fault::execute_then_status(500), Some(500), true),
        (Fault::execute_then_close(), None, true),
        (Fault::latency(MS(20)), Some(200), true),
    ];
    for (fault, status, executed) in cases {
        let (server, client) = start().await;
        assert_eq!(push(&client, "before").await, Some(200));
        server.faults().set(fault.clone().times(1));
        assert_eq!(push(&client, "x").await, status, "{fault:?}");
        assert_eq!(list(&server, "l").await.contains(&"x".to_owned()), executed, "{fault:?}");
        assert_eq!(push(&client, "after").await, Some(200), "{fault:?}");
        let commands = if executed { 6 } else { 4 };
        let stats = server.stats();
        assert_eq!((stats.requests, stats.faults, stats.commands), (3, 1, commands), "{fault:?}");
    }
}

#[tokio::test]
async fn garbage_is_no_json() {
    let (server, client) = start().await;
    server.faults().set(Fault::garbage());
    let response = client.request(Method::POST, "/").json(&json!(["PING"])).send().await.unwrap();
    assert!(response.json::<serde_json::Value>().await.is_err());
}

#[tokio::test]
async fn a_late_request_is_executed_after_its_client_has_gone() {
    let (server, client) = start().await;
    server.faults().set(Fault::execute_late(MS(1800)).times(1));
    assert_eq!(push(&client, "late").await, None);
    assert!(list(&server, "l").await.is_empty());
    assert_eq!(push(&client, "retried").await, Some(200));
    let both = || async { list(&server, "l").await == ["late", "retried"] };
    assert!(eventually(MS(5000), both).await);
}

#[tokio::test]
async fn one_command_of_a_pipeline_fails_and_the_others_do_not() {
    let (server, client) = start().await;
    server.faults().set(Fault::command_error(Which::KeyContains("bad".into()), "ERR no"));
    let body = json!([["LPUSH", "good", "1"], ["LPUSH", "bad", "2"], ["LPUSH", "better", "3"]]);
    let expected = json!([{"result": 1}, {"error": "ERR no"}, {"result": 1}]);
    for path in ["/pipeline", "/multi-exec"] {
        server.wipe().await.unwrap();
        assert_eq!(client.post(path, body.clone()).await, (StatusCode::OK, expected.clone()), "{path}");
        assert_eq!(list(&server, "bad").await.len() + list(&server, "better").await.len(), 1, "{path}");
    }
    assert_eq!(
        client.post("/", json!(["GET", "bad"])).await,
        (StatusCode::BAD_REQUEST, json!({"error": "ERR no"}))
    );
    assert_eq!(server.stats().count("lpush"), 4);
}

#[tokio::test]
async fn latency_is_added_to_every_request() {
    let (server, client) = start().await;
    server.faults().set(Fault::latency(MS(100)));
    let begin = Instant::now();
    client.post("/", json!(["PING"])).await;
    assert!(begin.elapsed() >= MS(100));
}

#[tokio::test]
async fn a_server_that_is_away_refuses_and_comes_back_with_its_data() {
    let (server, client) = start().await;
    for round in 1..=5 {
        assert_eq!(push(&client, "x").await, Some(200));
        server.stop_listening().await.unwrap();
        let refused = client.request(Method::POST, "/").json(&json!(["PING"])).send().await.unwrap_err();
        assert!(refused.is_connect(), "{refused:?}");
        assert_eq!(list(&server, "l").await.len(), round);
        server.resume().await.unwrap();
        server.resume().await.unwrap();
    }
    server.wipe().await.unwrap();
    assert_eq!(client.get("/llen/l").await.1, json!({"result": 0}));
    let port = server.port();
    server.shutdown().await.unwrap();
    let free = || async { tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() };
    assert!(eventually(MS(2000), free).await);
}

/// A program that is being started holds, for a moment, a copy of every open file of ours: a listener among them.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_goes_away_and_comes_back_while_programs_are_being_started() {
    let server = Server::memory().await.unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    std::process::Command::new("true").status().unwrap();
                }
            });
        }
        let rounds = async {
            for round in 0..200 {
                server.stop_listening().await.map_err(|cause| format!("away, {round}: {cause}"))?;
                server.resume().await.map_err(|cause| format!("back, {round}: {cause}"))?;
            }
            Ok::<(), String>(())
        };
        let ended = tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(rounds));
        done.store(true, Ordering::Relaxed);
        ended.unwrap();
    });
}

#[tokio::test]
async fn every_command_of_a_request_is_counted() {
    let (server, client) = start().await;
    client.post("/", json!(["lpush", "l", "a"])).await;
    client.post("/pipeline", json!([["LPUSH", "l", "b"], ["GET", "k"], ["SELECT", 1]])).await;
    client.post("/multi-exec", json!([["LPUSH", "l", "c"], ["EXPIRE", "l", 60]])).await;
    client.post("/multi-exec", json!([["MULTI"]])).await;
    let stats = server.stats();
    assert_eq!((stats.requests, stats.commands), (4, 5));
    assert_eq!((stats.count("LPUSH"), stats.count("get"), stats.count("EXPIRE")), (3, 1, 1));
    assert!(stats.bytes_in > 100 && stats.bytes_out > 50, "{stats:?}");
    server.reset_stats();
    assert_eq!(server.stats(), ops::upstash::Stats::default());
}

#[tokio::test]
async fn the_journal_says_what_was_executed_when() {
    let (server, client) = start().await;
    client.post("/", json!(["PING"])).await;
    server.start_journal();
    let begin = Instant::now();
    push(&client, "a").await;
    server.faults().set(Fault::execute_late(MS(400)).times(1));
    push(&client, "late").await;
    server.faults().set(Fault::status(500).times(1));
    push(&client, "never").await;
    let late = || async { list(&server, "l").await.len() == 2 };
    assert!(eventually(MS(5000), late).await);
    let journal = server.take_journal();
    let elements: Vec<_> =
        journal.iter().map(|entry| String::from_utf8_lossy(&entry.commands[0][2])).collect();
    assert_eq!(elements, ["a", "late"]);
    assert!(journal[1].at - begin >= MS(400) && journal[0].at - begin < MS(400), "{journal:?}");
    assert!(server.take_journal().is_empty());
}

#[tokio::test]
async fn faults_are_set_from_another_process_over_http() {
    let (server, client) = start().await;
    let ok = (StatusCode::OK, json!({"result": "OK"}));
    assert_eq!(
        client.post("/_local/faults", json!({"kind": "status", "status": 503, "only_writes": true})).await,
        ok
    );
    assert_eq!(push(&client, "x").await, Some(503));
    assert_eq!(client.get("/ping").await.0, StatusCode::OK);
    assert_eq!(client.get("/_local/faults").await.1[0]["status"], 503);
    let two = json!([{"kind": "latency", "ms": 1}, {"kind": "close", "times": 1}]);
    assert_eq!(client.post("/_local/faults", two).await, ok);
    assert_eq!(push(&client, "x").await, None);
    assert_eq!(push(&client, "y").await, Some(200));
    assert_eq!(answer(client.request(Method::DELETE, "/_local/faults")).await, ok);
    assert!(server.faults().list().is_empty());
    assert_eq!(client.post("/_local/faults", json!({"kind": "earthquake"})).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(client.get("/_local/stats").await.1["requests"], 4);
    assert_eq!(client.post("/_local/wipe", json!({})).await, ok);
    assert!(list(&server, "l").await.is_empty());
    assert_eq!(client.get("/_local/nothing").await.0, StatusCode::NOT_FOUND);

    assert_eq!(client.post("/_local/away", json!({"ms": 300})).await, ok);
    let gone = || async { push(&client, "z").await.is_none() };
    assert!(eventually(MS(2000), gone).await);
    let back = || async { push(&client, "z").await == Some(200) };
    assert!(eventually(MS(5000), back).await);
}
