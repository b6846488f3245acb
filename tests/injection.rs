//! Attacks by what is stored and answered: line breaks, escapes, keys, numbers and ids that mean something else on the
//! way. Each is answered clearly, and the next request as if nothing had been.
//!
//! `ops/runbooks/attacks.md` lists the attacks; malformed and oversized bodies are in `hostile.rs`, slow senders and
//! thousands of them in `crowds.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::json;
use support::attack::{assert_closed_and_well, assert_well, closed, head, raw};
use support::{Setup, Stage, fresh_trace, log, now_ms, shared, with};

#[tokio::test]
async fn line_breaks_in_what_is_answered_never_become_headers() {
    let Some(stage) = Setup::generous().var("RATE_LIMIT_TRACE", "1").start().await else { return };
    let split = "\r\nSet-Cookie: stolen=1\r\n\r\n<script>";
    for (number, id) in [split, "\n", "\r", "\u{85}", "\u{2028}"].into_iter().enumerate() {
        let trace = format!("{}{id}", fresh_trace());
        let log = with(&trace, json!({"id": format!("{number}{id}"), "user_id": id, "system": "manual"}));
        // The client fails on every header nobody listed.
        let answer = stage.post(log.clone()).await.expect_status(200);
        assert_eq!(answer.json["trace_id"], trace);
        let entry = stage.entries(&trace).await.remove(0);
        assert_eq!((&entry["id"], &entry["user_id"]), (&log["id"], &log["user_id"]));
        // The words of this refusal hold the id.
        let over = stage.post(with(&trace, json!({"system": "manual"}))).await.expect_status(429);
        assert_eq!(over.error(), format!("Per-trace rate limit exceeded for {trace}"));
    }
    let coded = [("Content-Encoding", "x\"y<script>")];
    let answer = stage.post_as("x/\"y<script>", &coded, "{}").await.expect_status(415);
    assert!(answer.error().contains("<script>"), "{}", answer.error());
    let named = stage.post(json!({"trace_id": "t", "message": "m", "level": split})).await.expect_status(400);
    assert_eq!(named.error(), "level must be one of: log, info, warn, error");
    assert_well(&stage).await;
}

#[tokio::test]
async fn line_breaks_in_an_origin_never_become_headers() {
    let Some(stage) = closed("ours").await else { return };
    for origin in [
        "https://app.example.com\r\n Set-Cookie: stolen=1",
        "https://app.example.com\nSet-Cookie: stolen=1",
        "https://app.example.com\rSet-Cookie: stolen=1",
        "https://app.example.com%0d%0aSet-Cookie: stolen=1",
        "https://app.example.com\0",
        "https://app.example.com\u{b}x",
    ] {
        let body = log("t", "m").to_string();
        let (status, answer) = raw(&stage, "POST", "/log", &format!("Origin: {origin}\r\n"), &body).await;
        let head = head(&answer);
        assert!(!head.contains("set-cookie"), "{origin:?}: {answer}");
        // A bare line feed ends a header for some parsers: then it is the listed origin, with a cookie-like header
        // of the request beside it, which is nobody's business. All else is refused.
        let listed = head.contains("access-control-allow-origin: https://app.example.com\r\n");
        assert!(matches!(status, 400 | 403) || (status == 200 && listed), "{origin:?}: {answer}");
    }
    assert_closed_and_well(&stage, "ours").await;
}

#[tokio::test]
async fn escapes_for_a_terminal_come_back_as_data() {
    let worker = shared().await;
    let nasty =
        "\u{1b}[2J\u{1b}[31mred\u{1b}]0;title\u{7}\u{1b}]8;;https://evil.example\u{1b}\\x\u{9b}1m\u{8}\r";
    let trace = format!("{}\u{1b}[2J", fresh_trace());
    let sent = with(
        &trace,
        json!({"message": nasty, "stack": nasty, "user_id": nasty, "id": "\u{1b}c", "context": {nasty: [nasty]}}),
    );
    worker.post(sent.clone()).await.expect_status(200);
    let answer = worker.logs(&trace).await;
    for field in ["trace_id", "message", "stack", "user_id", "id", "context"] {
        assert_eq!(answer.json["logs"][0][field], sent[field], "{field}");
    }
    let answers = [answer, worker.recent(50).await, worker.health().await];
    for answer in &answers {
        assert!(!answer.text.contains('\u{1b}') && !answer.text.contains('\r'), "{}", answer.text);
    }
    if let Some(stage) = worker.stage() {
        assert!(!stage.workerd.log().contains('\u{1b}'));
    }
    assert_well(&worker).await;
}

#[tokio::test]
async fn keys_named_as_javascript_names_its_own_are_keys() {
    let worker = shared().await;
    let trace = fresh_trace();
    let context = r#"{"__proto__":{"level":"error","isAdmin":true},"constructor":{"prototype":{"x":1}},"toString":"x","hasOwnProperty":null,"then":"x","toJSON":{},"":0,"length":-1}"#;
    let body = format!(
        r#"{{"trace_id":"{trace}","message":"m","level":"log","__proto__":{{"user_id":"root"}},"constructor":7,"then":1,"context":{context}}}"#
    );
    worker.post_as("application/json", &[], body).await.expect_status(200);
    let answer = worker.logs(&trace).await;
    assert!(answer.text.contains(&format!("\"context\":{context}")), "{}", answer.text);
    let entry = &answer.json["logs"][0];
    assert_eq!((entry.get("user_id"), &entry["level"]), (None, &json!("log")));
    worker.post(log(&trace, "the next")).await.expect_status(200);
    let next = worker.entries(&trace).await.remove(1);
    assert_eq!((next.get("context"), next.get("user_id")), (None, None));
    assert_well(&worker).await;
}

#[tokio::test]
async fn of_two_keys_of_one_name_the_one_that_is_judged_is_the_one_that_is_stored() {
    let worker = shared().await;
    let (victim, own) = (fresh_trace(), fresh_trace());
    worker.post(log(&victim, "of the victim")).await.expect_status(200);
    let cases = [
        (format!(r#""trace_id":"{victim}","trace_id":"{own}","message":"a","level":"log""#), 200),
        (format!(r#""trace_id":"{victim}","\u0074race_id":"{own}","message":"b","level":"log""#), 200),
        (format!(r#""trace_id":"{own}","trace_id":"","message":"c","level":"log""#), 400),
        (format!(r#""trace_id":"{own}","message":"d","level":"log","level":"fatal""#), 400),
        (format!(r#""trace_id":"{own}","message":"e","level":"log","system":"manual","system":"root""#), 400),
        (format!(r#""trace_id":"{own}","message":"[HMR] f","message":"g","level":"log""#), 200),
    ];
    for (members, status) in cases {
        let answer = worker.post_as("application/json", &[], format!("{{{members}}}")).await;
        assert_eq!(answer.status, status, "{members}: {}", answer.text);
    }
    assert_eq!(worker.messages(&own).await, ["a", "b", "g"]);
    assert_eq!(worker.messages(&victim).await, ["of the victim"]);
    // In a query the first counts, for who may read as for what is read.
    let answer = worker.get(&format!("/logs?trace_id={own}&trace_id={victim}")).await;
    assert_eq!((&answer.json["trace_id"], &answer.json["count"]), (&json!(own), &json!(3)));
    assert_well(&worker).await;
}

#[tokio::test]
async fn numbers_no_double_holds_are_taken_for_what_they_are() {
    let worker = shared().await;
    // Beyond a double, JavaScript has Infinity, and JSON has null for it.
    for (number, null) in [("1e400", true), ("-1e400", true), ("9007199254740993", false), ("0", false)] {
        for (field, required) in
            [("trace_id", true), ("message", true), ("user_id", false), ("stack", false), ("id", false)]
        {
            let log = with("t", json!({ "user_id": "u", "stack": "s", "id": "i" })).to_string();
            let log = format!("{},\"{field}\":{number}}}", log.trim_end_matches('}'));
            let answer = worker.post_as("application/json", &[], log).await;
            let said = match (null, required) {
                (true, false) => (200, String::new()),
                (true, true) => (400, format!("{field} is required")),
                (false, _) => (400, format!("{field} must be a string, found a number")),
            };
            assert_eq!((answer.status, answer.error()), (said.0, said.1.as_str()), "{field}: {number}");
        }
    }
    let trace = fresh_trace();
    let before = now_ms();
    for timestamp in ["9007199254740993", "1e400", "-1e400", "-0", "1e-400", "18446744073709551616"] {
        let body = format!(r#"{{"trace_id":"{trace}","message":"m","level":"log","timestamp":{timestamp}}}"#);
        worker.post_as("application/json", &[], body).await.expect_status(200);
    }
    for entry in worker.entries(&trace).await {
        let given = entry["timestamp"].as_i64().unwrap();
        assert!((given - before).abs() < 120_000, "{entry}");
    }
    for (query, status) in [
        ("limit=4294967297", 200),
        ("limit=99999999999999999999", 200),
        ("limit=1e400", 400),
        ("limit=-1", 400),
        ("limit=0x10", 400),
        ("since=9223372036854775807", 200),
        ("since=9223372036854775808", 400),
        ("until=1e400", 400),
        ("until=NaN", 400),
    ] {
        let answer = worker.get(&format!("/logs?trace_id={trace}&{query}")).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.text);
    }
    worker.get("/traces/recent?limit=4294967297").await.expect_status(200);
    assert_well(&worker).await;
}

/// Ids made to mean another key than their own, somewhere between the worker and Redis.
fn escaping_ids(victim: &str) -> Vec<String> {
    let mut ids: Vec<String> =
        ["\n", "\r\nDEL logs:", "\0", "\0\0", " ", "/0/-1", "/../", "\"]]", "\\", "?", "#", "%00", "+"]
            .iter()
            .map(|end| format!("{victim}{end}"))
            .collect();
    let mut percent = String::new();
    victim.bytes().for_each(|byte| percent.push_str(&format!("%{byte:02x}")));
    ids.extend([
        percent,
        format!(" {victim}"),
        format!("logs:{victim}"),
        format!("../logs:{victim}"),
        format!("%2e%2e%2flogs%3a{victim}"),
        format!("{{{victim}}}"),
        format!("{}*", &victim[..victim.len() - 1]),
        format!("[{victim}]"),
        format!("\\{victim}"),
        victim.to_ascii_uppercase(),
        format!("\u{feff}{victim}"),
        format!("{victim}\u{200b}"),
        format!("{victim}\u{301}"),
    ]);
    ids
}

#[tokio::test]
async fn a_trace_id_is_one_key_and_reaches_no_other() {
    let Some(stage) = Stage::start().await else { return };
    let victim = fresh_trace();
    stage.post(log(&victim, "of the victim")).await.expect_status(200);
    let mut ids = escaping_ids(&victim);
    ids.extend(["*", "?", "[a-z]*", "logs:*", "\0", "\n", "..", "%", "$", "'; FLUSHALL"].map(String::from));
    ids.extend(["x".repeat(4_096), "*".repeat(4_096), "\n".repeat(4_096), "ü".repeat(2_048)]);
    // Nobody has written them: nothing is there, and clearing them clears nothing.
    for id in &ids {
        assert_eq!(stage.messages(id).await, [""; 0], "{id:?}");
        assert_eq!(stage.clear_trace(id).await.expect_status(200).json["deleted"], 0, "{id:?}");
    }
    for id in &ids {
        let answer = stage.post(log(id, id)).await.expect_status(200);
        assert_eq!(answer.json["trace_id"], *id);
    }
    stage.post(log(&"x".repeat(4_097), "m")).await.expect_status(400);
    stage.drained().await;
    let keys = stage.redis.run(&["KEYS", "*"]).await.unwrap().texts();
    assert_eq!(keys.len(), ids.len() + 1, "{keys:?}");
    for id in &ids {
        assert_eq!(stage.messages(id).await, [id.as_str()]);
        assert_eq!(stage.list(id).await.len(), 1, "{id:?}");
    }
    // In reverse order, so that each is alone in what it could take with it.
    for (left, id) in ids.iter().enumerate().rev() {
        assert_eq!(stage.clear_trace(id).await.expect_status(200).json["cleared_logs"], 1, "{id:?}");
        let keys = stage.redis.run(&["KEYS", "*"]).await.unwrap().texts();
        assert_eq!(keys.len(), left + 1, "{id:?}: {keys:?}");
    }
    assert_eq!(stage.messages(&victim).await, ["of the victim"]);
    assert_well(&stage).await;
}
