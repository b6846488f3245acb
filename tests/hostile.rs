//! Input nobody should send: each is answered clearly, and the next request as if nothing had been.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::{Value, json};
use support::{Client, Stage, fresh_trace, log, shared, with};

const MIB: usize = 1 << 20;

/// Fails unless the worker takes and returns a log as usual.
async fn assert_well(worker: &Client) {
    let trace = fresh_trace();
    worker.post(log(&trace, "still here")).await.expect_status(200);
    assert_eq!(worker.messages(&trace).await, ["still here"]);
}

#[tokio::test]
async fn a_body_that_is_no_json_is_400_and_says_where() {
    let worker = shared().await;
    let cases: [(&[u8], &str); 16] = [
        (b"", "body is empty"),
        (b" \r\n\t", "body is empty"),
        (b"{", "line 1 column 2"),
        (b"{\"trace_id\":\"t\",\n \"message\":}", "line 2 column 12"),
        (b"{\"trace_id\":\"t\"}}", "not JSON"),
        (b"{'trace_id':'t'}", "not JSON"),
        (b"{\"a\":01}", "not JSON"),
        (b"{\"a\":\"\\x\"}", "not JSON"),
        (b"{\"a\":\"\n\"}", "not JSON"),
        (b"[1,]", "not JSON"),
        (b"nul", "not JSON"),
        (b"hello", "not JSON"),
        (b"\"a text\"", "found a string"),
        (b"42", "found a number"),
        (b"null", "found null"),
        (b"{\"trace_id\":\"t\",\xff}", "line 1 column 17"),
    ];
    for (body, said) in cases {
        let answer = worker.post_as("application/json", &[], body).await.expect_status(400);
        assert_eq!(answer.json["success"], false);
        assert!(answer.error().contains(said), "{}: {}", String::from_utf8_lossy(body), answer.error());
    }
    assert_well(&worker).await;
}

#[tokio::test]
async fn invalid_utf_8_is_mended_as_a_lone_surrogate_is_and_refuses_no_log() {
    let worker = shared().await;
    for bytes in
        [&b"caf\xe9"[..], b"\x80", b"\xc3\x28", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\xf0\x9f\x98"]
    {
        for content_type in ["application/json", "application/x-ndjson", "text/plain"] {
            let trace = fresh_trace();
            let head = format!(r#"{{"trace_id":"{trace}","level":"log","message":""#);
            let body = [head.as_bytes(), bytes, b"\"}\n"].concat();
            worker.post_as(content_type, &[], body).await.expect_status(200);
            assert_eq!(worker.messages(&trace).await, [String::from_utf8_lossy(bytes)]);
        }
    }
    let trace = fresh_trace();
    let lines = [log(&trace, "good").to_string().as_bytes(), b"\n{\"message\":\xff}"].concat();
    let answer = worker.post_as("application/x-ndjson", &[], lines).await.expect_status(200);
    assert_eq!((&answer.json["accepted"], &answer.json["rejected"][0]["index"]), (&json!(1), &json!(1)));
    assert_eq!(worker.messages(&trace).await, ["good"]);
    assert_well(&worker).await;
}

#[tokio::test]
async fn a_log_is_taken_whatever_its_content_type() {
    let worker = shared().await;
    let trace = fresh_trace();
    for content_type in ["application/xml", "multipart/form-data; boundary=x", "text/html"] {
        let answer = worker.post_as(content_type, &[], "<x/>").await.expect_status(400);
        assert!(answer.error().contains("not JSON"), "{}", answer.error());
        assert_eq!(answer.json["success"], false);
    }
    let taken = [
        "application/json",
        "APPLICATION/JSON; charset=UTF-8",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/vnd.x+json",
        "application/octet-stream",
    ];
    for content_type in taken {
        worker.post_as(content_type, &[], log(&trace, content_type).to_string()).await.expect_status(200);
    }
    worker.post_as("", &[], log(&fresh_trace(), "m").to_string()).await.expect_status(200);
    assert_eq!(worker.messages(&trace).await, taken);
}

#[tokio::test]
async fn ten_megabytes_are_413_with_the_limit_whether_announced_or_not() {
    let worker = shared().await;
    let body = log("t", &"x".repeat(10 * MIB)).to_string();
    let announced = worker.post_as("application/json", &[], body.clone()).await.expect_status(413);
    assert!(announced.error().contains("8388608"), "{}", announced.error());
    if worker.stage().is_some() {
        let head = "POST /log HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
        let mut request = head.as_bytes().to_vec();
        for chunk in body.as_bytes().chunks(100_000) {
            request.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            request.extend_from_slice(chunk);
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"0\r\n\r\n");
        let answer = worker.raw(request).await;
        assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("8388608"), "{answer}");
    }
    assert_well(&worker).await;
}

#[tokio::test]
async fn ten_thousand_logs_are_413_and_a_trace_id_of_ten_kilobytes_is_400() {
    let worker = shared().await;
    let answer = worker.post(vec![log("t", "m"); 10_000]).await.expect_status(413);
    assert!(answer.error().contains("10000") && answer.error().contains("1000"), "{}", answer.error());
    let answer = worker.post(log(&"x".repeat(10_240), "m")).await.expect_status(400);
    assert!(answer.error().contains("4096"), "{}", answer.error());
    assert_well(&worker).await;
}

#[tokio::test]
async fn context_of_a_hundred_thousand_levels_is_cut_with_a_marker() {
    let worker = shared().await;
    let trace = fresh_trace();
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(100_000), close.repeat(100_000));
    for (context, message) in [
        (format!(r#"{{"a":{}}}"#, deep("[", "]")), "arrays"),
        (format!(r#"{}1{}"#, r#"{"a":"#.repeat(100_000), "}".repeat(100_000)), "objects"),
    ] {
        let body =
            format!(r#"{{"trace_id":"{trace}","level":"log","message":"{message}","context":{context}}}"#);
        worker.post_as("application/json", &[], body).await.expect_status(200);
    }
    let text = text_of(&worker, &format!("/logs?trace_id={trace}")).await;
    assert_eq!(text.matches("cut: nested deeper than 1000 levels").count(), 2, "{} bytes", text.len());
    assert_eq!(text.matches(r#"{"a":"#).count(), 1 + 1_000);
    // Outside of context as well, where nothing of it is kept.
    let body = format!(r#"{{"trace_id":"{trace}","level":"log","message":"m","other":{}}}"#, deep("[", "]"));
    worker.post_as("application/json", &[], body).await.expect_status(200);
    let answer = worker.post_as("application/json", &[], "[".repeat(100_000)).await.expect_status(400);
    assert!(answer.error().contains("not JSON"), "{}", answer.error());
    assert_well(&worker).await;
}

/// An answer too deep for a JSON parser.
async fn text_of(worker: &Client, path: &str) -> String {
    reqwest::get(format!("{}{path}", worker.base())).await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn numbers_beyond_javascript_and_duplicate_keys_are_kept_as_javascript_reads_them() {
    let worker = shared().await;
    let trace = fresh_trace();
    let body = format!(
        r#"{{"trace_id":"x","level":"nope","message":"1","trace_id":"{trace}","message":"2","level":"log",
        "context":{{"a":1,"big":1e400,"neg":-1e400,"tiny":1e-400,"b":2,"a":{{"c":1,"c":2}},"n":123456789012345678901234567890}}}}"#
    );
    worker.post_as("application/json", &[], body).await.expect_status(200);
    let entry = worker.entries(&trace).await.remove(0);
    assert_eq!(entry["message"], "2");
    let context = &entry["context"];
    assert_eq!((&context["a"], &context["b"]), (&json!({"c": 2}), &json!(2)));
    assert!(context["big"].is_null() && context["neg"].is_null(), "{context}");
    assert_eq!(
        (context["tiny"].as_f64(), context["n"].as_f64()),
        (Some(0.0), Some(1.234_567_890_123_456_8e29))
    );
    let extreme = format!(r#"{{"trace_id":"{trace}","level":"log","message":"3","timestamp":1e400}}"#);
    worker.post_as("application/json", &[], extreme).await.expect_status(200);
    assert_eq!(worker.messages(&trace).await, ["2", "3"]);
}

#[tokio::test]
async fn nul_proto_and_a_message_of_a_megabyte_are_kept() {
    let worker = shared().await;
    for trace in ["__proto__", "constructor", "toString", "\0", "\u{feff}"] {
        let trace = format!("{trace}{}", fresh_trace());
        worker
            .post(with(&trace, json!({"message": "\0\u{1}", "user_id": "__proto__", "stack": ""})))
            .await
            .expect_status(200);
        assert_eq!(worker.messages(&trace).await, ["\0\u{1}"]);
    }
    let proto = worker.post(json!({"__proto__": {"trace_id": "t"}, "message": "m", "level": "log"})).await;
    assert_eq!(proto.expect_status(400).error(), "trace_id is required");
    let (trace, message) = (fresh_trace(), "ü".repeat(MIB / 2));
    worker.post(log(&trace, &message)).await.expect_status(200);
    assert_eq!(worker.messages(&trace).await, [message]);
    assert_well(&worker).await;
}

#[tokio::test]
async fn strange_urls_and_headers_are_answered() {
    let worker = shared().await;
    if worker.stage().is_none() {
        return;
    }
    for target in [
        "/logs?trace_id=%FF%FE",
        "/logs?trace_id=%",
        "/logs?trace_id=%zz",
        "/logs?trace_id=a\u{fc}b",
        "/logs?%00=%00&trace_id=x",
        "/traces/recent?limit=99999999999999999999",
        "/log%20",
        "/?",
        "/logs?trace_id=x&since=-9223372036854775808",
        "/../log",
    ] {
        let answer = worker
            .raw(format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").into_bytes())
            .await;
        let status: u16 = answer.split(' ').nth(1).unwrap().parse().unwrap();
        assert!(status == 200 || (400..500).contains(&status), "{target}: {answer}");
    }
    for (name, value) in [
        ("Origin", "\u{fc}"),
        ("Origin", ""),
        ("Authorization", "Bearer"),
        ("Authorization", "\t"),
        ("User-Agent", ""),
    ] {
        let trace = fresh_trace();
        worker
            .post_as("application/json", &[(name, value)], log(&trace, "m").to_string())
            .await
            .expect_status(200);
    }
    let long = "x".repeat(5_000);
    worker.get(&format!("/logs?trace_id={long}")).await;
    assert_well(&worker).await;
}

#[tokio::test]
async fn a_sender_that_goes_away_in_the_middle_disturbs_nobody() {
    let Some(stage) = Stage::start().await else { return };
    let address = stage.base().trim_start_matches("http://").to_owned();
    let half = b"POST /log HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5000000\r\n\r\n{\"trace_id\":";
    for _ in 0..20 {
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        std::io::Write::write_all(&mut stream, half).unwrap();
    }
    // What they had reserved has been given back: all of it would be more than the worker holds at once.
    let body = json!([log("t", &"x".repeat(MIB)), log("t", &"x".repeat(MIB))]);
    let taken = || async { stage.post(body.clone()).await.status == 200 };
    support::wait_until("large posts are taken", support::PATIENCE, taken).await;
    assert_well(&stage).await;
}

#[tokio::test]
async fn a_storm_of_bad_and_good_requests_loses_no_good_one() {
    let worker = shared().await;
    let trace = fresh_trace();
    let logs: Vec<Value> =
        (0..100).map(|n| with(&trace, json!({"message": n.to_string(), "id": format!("i{n}")}))).collect();
    let tasks: Vec<_> = logs
        .into_iter()
        .enumerate()
        .map(|(n, log)| {
            let client = worker.again();
            tokio::spawn(async move {
                let bad = ["{", "[[[[", "\u{0}", "{\"trace_id\":\"\\ud800"][n % 4];
                client.post_as("text/plain", &[], bad).await.expect_status(400);
                client.post(log).await.expect_status(200);
                client.get("/logs").await.expect_status(400);
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(worker.entries(&trace).await.len(), 100);
}
