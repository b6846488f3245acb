//! `POST /log` with many logs at once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::{Value, json};
use support::{Setup, fresh_trace, log, shared, with};

/// Logs of a trace whose messages are their numbers.
fn numbered(trace: &str, count: usize) -> Vec<Value> {
    (0..count).map(|n| log(trace, &n.to_string())).collect()
}

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|n| n.to_string()).collect()
}

#[tokio::test]
async fn an_array_an_object_with_logs_and_lines_are_batches_and_keep_their_order() {
    let worker = shared().await;
    let lines = |logs: &[Value]| logs.iter().map(|log| format!("{log}\n")).collect::<String>();
    for form in ["array", "object", "lines", "lines with gaps"] {
        let trace = fresh_trace();
        let logs = numbered(&trace, 5);
        let (content_type, body) = match form {
            "array" => ("application/json", json!(logs).to_string()),
            "object" => ("application/json; charset=utf-8", json!({"logs": logs}).to_string()),
            "lines" => ("application/x-ndjson", lines(&logs)),
            _ => ("application/x-ndjson", format!("\r\n{}\n  \n", lines(&logs).replace('\n', "\r\n\n"))),
        };
        let answer = worker.post_as(content_type, &[], body).await.expect_status(200);
        let left = answer.json["remaining_quota"].as_u64().unwrap();
        let expected = format!(
            r#"{{"success":true,"accepted":5,"duplicates":0,"suppressed":0,"rejected":[],"remaining_quota":{left}}}"#
        );
        assert_eq!(answer.text, expected, "{form}");
        assert_eq!(worker.messages(&trace).await, numbers(5), "{form}");
    }
}

#[tokio::test]
async fn text_plain_holds_the_same_as_send_beacon_sends_it() {
    let worker = shared().await;
    let trace = fresh_trace();
    let from_a_page = [
        ("Origin", "https://app.example.com"),
        ("Sec-Fetch-Mode", "no-cors"),
        ("Sec-Fetch-Site", "cross-site"),
    ];
    for body in [log(&trace, "0").to_string(), json!([log(&trace, "1")]).to_string()] {
        worker.post_as("text/plain;charset=UTF-8", &from_a_page, body).await.expect_status(200);
    }
    assert_eq!(worker.messages(&trace).await, ["0", "1"]);
    assert_eq!(worker.entries(&trace).await[0]["system"], "browser");
}

#[tokio::test]
async fn every_log_of_a_batch_is_judged_by_itself_and_named_by_its_place() {
    let worker = shared().await;
    let trace = fresh_trace();
    let batch = json!([
        log(&trace, "first"),
        {"message": "m", "level": "log"},
        with(&trace, json!({"message": "twice", "id": "same"})),
        log(&trace, "[HMR] connected"),
        with(&trace, json!({"message": "twice", "id": "same"})),
        with(&trace, json!({"level": "loud"})),
        7,
        log(&trace, &"x".repeat(1_600_000)),
        log(&trace, "last"),
    ]);
    let answer = worker.post(batch).await.expect_status(200);
    let said = &answer.json;
    assert_eq!(
        (&said["success"], &said["accepted"], &said["duplicates"], &said["suppressed"]),
        (&json!(false), &json!(3), &json!(1), &json!(1))
    );
    let rejected: Vec<(u64, u64)> = said["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["index"].as_u64().unwrap(), one["status"].as_u64().unwrap()))
        .collect();
    assert_eq!(rejected, [(1, 400), (5, 400), (6, 400), (7, 413)]);
    assert_eq!(said["rejected"][0], json!({"index": 1, "status": 400, "error": "trace_id is required"}));
    assert_eq!(said["rejected"][2]["error"], "a log must be a JSON object, found a number");
    assert_eq!(worker.messages(&trace).await, ["first", "twice", "last"]);
}

#[tokio::test]
async fn a_line_that_is_not_json_is_rejected_with_its_line_and_the_others_are_stored() {
    let worker = shared().await;
    let trace = fresh_trace();
    let body = format!("{}\n{{\"trace_id\":\n\n{}\n", log(&trace, "a"), log(&trace, "b"));
    let answer = worker.post_as("application/x-ndjson", &[], body).await.expect_status(200);
    let rejected = &answer.json["rejected"];
    assert_eq!((&rejected[0]["index"], &rejected[0]["status"]), (&json!(1), &json!(400)));
    assert!(rejected[0]["error"].as_str().unwrap().starts_with("line 2 is not JSON"), "{rejected}");
    assert_eq!(worker.messages(&trace).await, ["a", "b"]);
}

#[tokio::test]
async fn a_batch_spreads_over_traces_and_systems() {
    let worker = shared().await;
    let traces: Vec<String> = (0..30).map(|_| fresh_trace()).collect();
    let logs: Vec<Value> = (0..90).map(|n| log(&traces[n % 30], &n.to_string())).collect();
    assert_eq!(worker.post(logs).await.expect_status(200).json["accepted"], 90);
    for (n, trace) in traces.iter().enumerate() {
        assert_eq!(worker.messages(trace).await, [n, n + 30, n + 60].map(|n| n.to_string()));
    }
}

#[tokio::test]
async fn a_thousand_logs_are_a_batch_and_one_more_is_413() {
    let worker = shared().await;
    let trace = fresh_trace();
    let answer = worker.post(numbered(&trace, 1_000)).await.expect_status(200);
    assert_eq!(answer.json["accepted"], 1_000);
    assert_eq!(worker.messages(&trace).await, numbers(1_000));
    let trace = fresh_trace();
    let too_many = numbered(&trace, 1_001);
    let lines: String = too_many.iter().map(|log| format!("{log}\n")).collect();
    for (content_type, body) in [
        ("application/json", json!(too_many).to_string()),
        ("application/json", json!({"logs": too_many}).to_string()),
        ("application/x-ndjson", lines),
    ] {
        let answer = worker.post_as(content_type, &[], body).await.expect_status(413);
        assert!(answer.error().contains("1001") && answer.error().contains("1000"), "{}", answer.error());
        assert_eq!(answer.json["success"], false);
    }
    assert!(worker.entries(&trace).await.is_empty());
}

#[tokio::test]
async fn lines_sent_as_plain_text_are_a_batch() {
    let worker = shared().await;
    let trace = fresh_trace();
    let lines = format!("{}\n{}\nnonsense\n", log(&trace, "one"), log(&trace, "two"));
    // What `navigator.sendBeacon` says of a text.
    let answer = worker.post_as("text/plain;charset=UTF-8", &[], lines).await.expect_status(200);
    assert_eq!((&answer.json["accepted"], &answer.json["rejected"][0]["status"]), (&json!(2), &json!(400)));
    assert_eq!(worker.messages(&trace).await, ["one", "two"]);
}

#[tokio::test]
async fn a_batch_without_logs_is_answered_as_one_and_one_without_a_list_is_400() {
    let worker = shared().await;
    for body in ["[]", r#"{"logs":[]}"#] {
        let answer = worker.post_as("", &[], body).await.expect_status(200);
        assert_eq!((&answer.json["success"], &answer.json["accepted"]), (&json!(true), &json!(0)));
    }
    for (body, error) in [
        (r#"{"logs":{}}"#, "logs must be an array, found an object"),
        (r#"{"logs":null}"#, "logs must be an array, found null"),
    ] {
        assert_eq!(worker.post_as("", &[], body).await.expect_status(400).error(), error);
    }
}

#[tokio::test]
async fn an_object_with_logs_and_a_log_s_own_fields_is_one_log() {
    let worker = shared().await;
    let trace = fresh_trace();
    worker.post(with(&trace, json!({"logs": [1, 2]}))).await.expect_status(200);
    assert_eq!(worker.messages(&trace).await, ["hello"]);
}

#[tokio::test]
async fn a_batch_sent_again_with_its_ids_stores_nothing_twice() {
    let worker = shared().await;
    let trace = fresh_trace();
    let logs: Vec<Value> = (0..50).map(|n| with(&trace, json!({"id": format!("i{n}")}))).collect();
    let first = worker.post(logs.clone()).await.expect_status(200);
    let again = worker.post(logs).await.expect_status(200);
    assert_eq!((&first.json["accepted"], &again.json["accepted"]), (&json!(50), &json!(0)));
    assert_eq!((&again.json["duplicates"], &again.json["success"]), (&json!(50), &json!(true)));
    assert_eq!(worker.entries(&trace).await.len(), 50);
}

#[tokio::test]
async fn what_exceeds_a_quota_is_rejected_and_only_when_all_of_it_does_is_the_answer_429() {
    let setup = Setup::default().var("RATE_LIMIT_CONVEX", "3").var("RATE_LIMIT_TRACE", "5");
    let Some(stage) = setup.start().await else { return };
    let convex = |trace: &str| with(trace, json!({"system": "convex"}));
    let some = stage.post(vec![convex("a"); 5]).await.expect_status(200);
    assert_eq!((&some.json["success"], &some.json["accepted"]), (&json!(false), &json!(3)));
    let over =
        |index: usize| json!({"index": index, "status": 429, "error": "convex system rate limit exceeded"});
    assert_eq!(some.json["rejected"], json!([over(3), over(4)]));
    assert_eq!(some.json["remaining_quota"], 0);
    assert!(some.header("Retry-After").is_none());

    let all = stage.post(vec![convex("a"); 2]).await.expect_status(429);
    assert_eq!((&all.json["accepted"], &all.json["rejected"]), (&json!(0), &json!([over(0), over(1)])));
    let retry: u64 = all.header("Retry-After").unwrap().parse().unwrap();
    assert!((1..=3_600).contains(&retry));
    assert!(all.header("RateLimit").is_some() && all.header("RateLimit-Policy").is_some());

    // Another reason among them, or noise: some of it was dealt with.
    let mixed = stage.post(json!([convex("a"), {"message": "m"}])).await.expect_status(200);
    assert_eq!(mixed.json["rejected"].as_array().unwrap().len(), 2);
    stage.post(json!([convex("a"), log("a", "[HMR]")])).await.expect_status(200);
    // One log in a batch is still a batch.
    let one = stage.post(json!([log("b", "m")])).await.expect_status(200);
    assert_eq!(one.json["accepted"], 1);
}

#[tokio::test]
async fn the_header_fields_name_every_system_a_batch_touched() {
    let Some(stage) = Setup::default().start().await else { return };
    let batch = json!([
        with("t", json!({"system": "worker"})),
        with("t", json!({"system": "browser"})),
        with("t", json!({"system": "browser"}))
    ]);
    let answer = stage.post(batch).await.expect_status(200);
    let policy = r#""browser";q=2000;w=3600, "worker";q=1500;w=3600"#;
    assert_eq!(answer.header("RateLimit-Policy"), Some(policy));
    let state = answer.header("RateLimit").unwrap();
    assert!(
        state.starts_with(r#""browser";r=1998;t="#) && state.contains(r#", "worker";r=1499;t="#),
        "{state}"
    );
    assert_eq!(answer.json["remaining_quota"], 1_499);
}

#[tokio::test]
async fn a_batch_is_503_as_a_whole_when_no_log_of_it_could_be_stored() {
    let Some(stage) = Setup::default().without("UPSTASH_REDIS_REST_TOKEN").start().await else { return };
    let all = stage.post(numbered("t", 2)).await.expect_status(503);
    assert_eq!((&all.json["success"], &all.json["accepted"]), (&json!(false), &json!(0)));
    assert_eq!(all.json["rejected"][1]["status"], 503);
    assert!(all.header("Retry-After").is_some());
    let mixed = stage.post(json!([log("t", "m"), {"message": "m"}])).await.expect_status(200);
    assert_eq!(mixed.json["rejected"][0]["status"], 503);
}
