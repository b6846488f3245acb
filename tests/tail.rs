//! The live tail: what viewers see, and that none of them sees less or costs the senders anything.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use support::attack::{ADMIN, APP, INGEST, READ, closed};
use support::viewer::{Viewer, messages};
use support::{Client, PATIENCE, Setup, encoded, fresh_trace, log, shared, wait_until};

fn of_trace(trace: &str) -> String {
    format!("trace_id={}", encoded(trace))
}

#[tokio::test]
async fn a_viewer_is_told_each_log_as_get_logs_gives_it() {
    let worker = shared().await;
    let trace = format!("{} é+&%20", fresh_trace());
    let mut viewer = Viewer::open(&worker, &of_trace(&trace)).await;
    let logs = json!([
        { "trace_id": trace, "message": "password=hunter2 \u{1b}[31m", "level": "error", "context": { "a": [1, null] } },
        { "trace_id": fresh_trace(), "message": "of another trace", "level": "log" },
        { "trace_id": trace, "message": "[HMR] noise", "level": "log" },
        { "trace_id": trace, "message": "second", "level": "debug", "system": "convex", "user_id": "u" },
    ]);
    worker.post(logs).await.expect_status(200);
    let seen = viewer.logs(2).await;
    assert_eq!(seen, worker.entries(&trace).await);
    assert!(!seen[0]["message"].as_str().unwrap().contains("hunter2"));
}

#[tokio::test]
async fn a_viewer_who_comes_back_goes_on_where_it_was() {
    let worker = shared().await;
    let trace = fresh_trace();
    let mut viewer = Viewer::open(&worker, &of_trace(&trace)).await;
    worker.post(log(&trace, "first")).await.expect_status(200);
    viewer.logs(1).await;
    let cursor = viewer.cursor.clone();
    drop(viewer);
    for message in ["while away", "and again"] {
        worker.post(log(&trace, message)).await.expect_status(200);
    }
    let mut back = Viewer::open(&worker, &format!("{}&after={cursor}", of_trace(&trace))).await;
    assert_eq!(messages(&back.logs(2).await), ["while away", "and again"]);
    // With a cursor of nothing, all that is held; without one, what comes.
    let mut all = Viewer::open(&worker, &format!("{}&after=0", of_trace(&trace))).await;
    assert_eq!(messages(&all.logs(3).await), ["first", "while away", "and again"]);
    let mut new = Viewer::open(&worker, &of_trace(&trace)).await;
    worker.post(log(&trace, "last")).await.expect_status(200);
    for viewer in [&mut back, &mut all, &mut new] {
        assert_eq!(messages(&viewer.logs(1).await), ["last"]);
    }
}

#[tokio::test]
async fn a_viewer_of_a_shard_is_told_which_traces_changed() {
    let Some(stage) = Setup::generous().start().await else { return };
    let (one, other) = (fresh_trace(), fresh_trace());
    stage.post(log(&one, "before")).await.expect_status(200);
    let mut list = Viewer::open(&stage, "shard=0").await;
    assert_eq!(list.shards, 1);
    let shown = |frame: &Value| frame["traces"].clone();
    assert_eq!(shown(&list.next().await), stage.recent(50).await.json["traces"], "the list as it is");
    stage.post(json!({ "trace_id": other, "message": "m", "level": "error" })).await.expect_status(200);
    let frame = list.next().await;
    assert_eq!(frame["type"], "traces");
    assert_eq!(shown(&frame)[0]["trace_id"], other);
    assert_eq!((shown(&frame).as_array().unwrap().len(), &shown(&frame)[0]["hasErrors"]), (1, &json!(true)));
    let mut viewer = Viewer::open(&stage, &of_trace(&other)).await;
    stage.clear_trace(&other).await.expect_status(200);
    assert_eq!(viewer.next().await["type"], "cleared");
    assert_eq!(list.next().await["type"], "cleared");
    assert_eq!(shown(&list.next().await), stage.recent(50).await.json["traces"], "what is left");
    let health = stage.health().await;
    assert_eq!(health.json.pointer("/components/buffer/viewers"), Some(&json!(2)));
    drop((list, viewer));
    let none =
        || async { stage.health().await.json.pointer("/components/buffer/viewers") == Some(&json!(0)) };
    wait_until("viewers that left are not counted", PATIENCE, none).await;
}

#[tokio::test]
async fn a_ping_is_answered_and_anything_unexpected_ends_the_connection() {
    let worker = shared().await;
    let mut viewer = Viewer::open(&worker, &of_trace(&fresh_trace())).await;
    viewer.say("ping").await;
    assert_eq!(viewer.next().await, "pong");
    viewer.say("ack").await;
    viewer.say(r#"{"type":"logs"}"#).await;
    assert_eq!(viewer.try_next().await, Err(Some(1008)));
}

#[tokio::test]
async fn a_request_that_opens_nothing_is_told_why() {
    let worker = shared().await;
    for (query, status, error) in [
        ("", 400, "give either trace_id, or shard"),
        ("trace_id=", 400, "give either trace_id, or shard"),
        ("trace_id=t&shard=0", 400, "give either trace_id, or shard"),
        ("shard=99", 400, "shard must be a number from 0 to "),
        ("shard=-1", 400, "shard must be a number from 0 to "),
    ] {
        let (got, body) = Viewer::try_open(&worker, query, &[]).await.err().unwrap();
        assert_eq!(got, status, "{query}: {body}");
        assert!(body.contains(error), "{query}: {body}");
    }
    let plain = worker.get("/logs/tail?trace_id=t").await.expect_status(426);
    assert!(plain.error().contains("WebSocket"), "{}", plain.text);
}

#[tokio::test]
async fn in_production_a_ticket_opens_one_tail_once() {
    let Some(stage) = closed("ours").await else { return };
    let query = of_trace("ours");
    let open = async |query: &str, headers: &[(&'static str, &str)]| {
        Viewer::try_open(&stage, query, headers).await.map(|_| ()).map_err(|(status, _)| status)
    };
    assert_eq!(open(&query, &[]).await, Err(401));
    let ticket = async |token: &str| {
        let client = stage.with_token(token);
        client.send(client.request(Method::POST, "/logs/tail/ticket")).await
    };
    assert_eq!(ticket(INGEST).await.status, 401);
    let granted = ticket(READ).await.expect_status(200);
    assert_eq!(granted.json["expires_in"], 30);
    let granted = granted.json["ticket"].as_str().unwrap().to_owned();
    for wrong in ["", "x", &granted[1..], &granted.replace(|c: char| c.is_ascii_digit(), "0")] {
        assert_eq!(open(&format!("{query}&ticket={wrong}"), &[]).await, Err(401), "{wrong}");
    }
    let with_ticket = format!("{query}&ticket={granted}");
    assert_eq!(open(&with_ticket, &[]).await, Ok(()));
    assert_eq!(open(&with_ticket, &[]).await, Err(401), "it was used");
    for (token, wanted) in [(READ, Ok(())), (ADMIN, Ok(())), (INGEST, Err(401))] {
        assert_eq!(open(&query, &[("Authorization", &format!("Bearer {token}"))]).await, wanted);
    }
    // A page of another origin may not, even with a token it somehow has.
    let bearer = format!("Bearer {READ}");
    for (origin, wanted) in
        [(APP, Ok(())), (stage.base(), Ok(())), ("https://evil.example", Err(403)), ("null", Err(403))]
    {
        assert_eq!(open(&query, &[("Authorization", &bearer), ("Origin", origin)]).await, wanted, "{origin}");
    }
}

#[tokio::test]
async fn ten_thousand_logs_and_five_cuts_leave_no_hole() {
    const LOGS: usize = 10_000;
    const BATCH: usize = 10;
    let Some(stage) = Setup::generous().start().await else { return };
    let traces: Vec<String> = (0..4).map(|_| fresh_trace()).collect();
    let posted = {
        let (client, traces) = (stage.again(), traces.clone());
        tokio::spawn(async move { post_at(&client, &traces, LOGS, BATCH, Duration::from_millis(10)).await })
    };
    let query = "shard=0&logs=true";
    let mut viewer = Viewer::open(&stage, &format!("{query}&after=0")).await;
    let mut seen: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let (mut count, mut cuts) = (0, 0);
    while count < LOGS {
        let frame = viewer.next().await;
        match frame["type"].as_str().unwrap() {
            "logs" => {
                for log in frame["logs"].as_array().unwrap() {
                    count += 1;
                    let number = log["message"].as_str().unwrap().parse().unwrap();
                    seen.entry(log["trace_id"].as_str().unwrap().to_owned()).or_default().push(number);
                }
            }
            "missed" => count += usize::try_from(frame["count"].as_u64().unwrap()).unwrap(),
            other => panic!("{other}: {frame}"),
        }
        if cuts < 5 && count > (cuts + 1) * LOGS / 6 {
            // In the middle of it, without a word.
            cuts += 1;
            viewer = Viewer::open(&stage, &format!("{query}&after={}", viewer.cursor)).await;
        }
    }
    posted.await.unwrap();
    assert_eq!((count, cuts), (LOGS, 5));
    for (trace, numbers) in &seen {
        assert!(numbers.is_sorted_by(|one, next| one < next), "{trace}: out of order, or twice");
    }
    assert_eq!(seen.values().map(Vec::len).sum::<usize>(), LOGS, "within the hour none is missed");
}

/// Posts so many logs, each batch of one of these traces, one batch each period.
async fn post_at(client: &Client, traces: &[String], logs: usize, batch: usize, period: Duration) {
    let mut ticks = tokio::time::interval(period);
    for first in (0..logs).step_by(batch) {
        ticks.tick().await;
        let trace = &traces[(first / batch) % traces.len()];
        let body: Vec<Value> = (first..first + batch).map(|number| log(trace, &number.to_string())).collect();
        client.post(body).await.expect_status(200);
    }
}

#[tokio::test]
async fn a_worker_that_is_killed_under_its_viewers_lets_them_go_on() {
    let disk = tempfile::tempdir().unwrap();
    let Some(mut stage) = Setup::generous().disk(disk.path()).start().await else { return };
    let trace = fresh_trace();
    let mut viewer = Viewer::open(&stage, &of_trace(&trace)).await;
    for round in 0..2 {
        stage.post(log(&trace, &format!("seen {round}"))).await.expect_status(200);
        assert_eq!(messages(&viewer.logs(1).await), [format!("seen {round}")]);
        stage.post(log(&trace, &format!("not seen {round}"))).await.expect_status(200);
        let cursor = viewer.cursor.clone();
        stage.workerd.kill9();
        while viewer.try_next().await.is_ok() {}
        stage.workerd.restart().await.unwrap();
        stage.post(log(&trace, &format!("after {round}"))).await.expect_status(200);
        viewer = Viewer::open(&stage, &format!("{}&after={cursor}", of_trace(&trace))).await;
        assert_eq!(messages(&viewer.logs(2).await), [format!("not seen {round}"), format!("after {round}")]);
    }
}

#[tokio::test]
async fn a_shard_that_hibernated_goes_on_telling_its_viewers() {
    // Longer than workerd leaves an idle object in memory (10 s), or anything of this one stays to be done. Nobody can ask
    // whether it sleeps without waking it, so on a slow machine it is left alone for longer and longer.
    const IDLE_S: [u64; 3] = [25, 40, 60];
    let Some(stage) = Setup::generous().start().await else { return };
    let trace = fresh_trace();
    let mut viewer = Viewer::open(&stage, &of_trace(&trace)).await;
    stage.post(log(&trace, "before")).await.expect_status(200);
    viewer.logs(1).await;
    let mut slept = false;
    for idle in IDLE_S {
        tokio::time::sleep(Duration::from_secs(idle)).await;
        stage.post(log(&trace, "after")).await.expect_status(200);
        assert_eq!(messages(&viewer.logs(1).await), ["after"]);
        // What it counts begins anew when it wakes.
        let appended = stage.health().await.json.pointer("/components/buffer/totals/appended").cloned();
        slept = appended == Some(json!(1));
        if slept {
            break;
        }
    }
    assert!(slept, "it did not sleep");
}

#[tokio::test]
async fn two_hundred_viewers_all_see_everything() {
    const VIEWERS: usize = 200;
    const LOGS: usize = 300;
    let Some(stage) = Setup::generous().start().await else { return };
    let traces: Vec<String> = (0..10).map(|_| fresh_trace()).collect();
    let mut viewers = Vec::new();
    for number in 0..VIEWERS {
        viewers.push((number % 10, Viewer::open(&stage, &of_trace(&traces[number % 10])).await));
    }
    let told = stage.health().await.json.pointer("/components/buffer/viewers").cloned();
    assert_eq!(told, Some(json!(VIEWERS)));
    let watching: Vec<_> = viewers
        .into_iter()
        .map(|(of, mut viewer)| tokio::spawn(async move { (of, viewer.logs(LOGS / 10).await) }))
        .collect();
    post_at(&stage, &traces, LOGS, 1, Duration::from_millis(5)).await;
    for watched in watching {
        let (of, logs) = watched.await.unwrap();
        let wanted: Vec<String> = (0..LOGS).filter(|n| n % 10 == of).map(|n| n.to_string()).collect();
        assert_eq!(messages(&logs), wanted);
    }
}

#[tokio::test]
async fn a_viewer_that_does_not_read_is_closed_delays_nobody_and_misses_nothing() {
    const LOGS: usize = 400;
    let Some(stage) = Setup::generous().start().await else { return };
    let trace = fresh_trace();
    let mut slow = Viewer::open(&stage, &of_trace(&trace)).await;
    let mut quick = Viewer::open(&stage, &of_trace(&trace)).await;
    let quick = tokio::spawn(async move { quick.logs(LOGS).await.len() });
    let large = "x".repeat(16 * 1024);
    let began = Instant::now();
    for number in 0..LOGS {
        stage.post(log(&trace, &format!("{number} {large}"))).await.expect_status(200);
    }
    let took = began.elapsed();
    assert_eq!(quick.await.unwrap(), LOGS);
    // It reads now, but never says so: what was sent to it is bounded, and then it is closed.
    let mut bytes = 0;
    let mut cursor = slow.cursor.clone();
    let mut count = 0;
    let code = loop {
        match slow.message().await {
            Ok(text) => {
                bytes += text.len();
                let frame: Value = serde_json::from_str(&text).unwrap();
                if frame["type"] == "logs" {
                    count += frame["logs"].as_array().unwrap().len();
                    cursor = frame["cursor"].as_str().unwrap().to_owned();
                }
            }
            Err(code) => break code,
        }
    };
    assert_eq!(code, Some(4408), "after {bytes} bytes");
    assert!(bytes < 2 * 1024 * 1024, "{bytes} bytes were queued for it");
    let mut back = Viewer::open(&stage, &format!("{}&after={cursor}", of_trace(&trace))).await;
    let rest = back.logs(LOGS - count).await;
    assert!(messages(&rest)[0].starts_with(&format!("{count} ")), "no hole");
    assert!(took < PATIENCE, "senders waited: {took:?}");
}
