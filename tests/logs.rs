//! `GET /logs`: what was posted is read back, all of it, once, in order and byte for byte.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::{Value, json, value::RawValue};
use support::{Setup, encoded, fresh_trace, log, now_ms, shared, with};

/// Ids no sensible client makes, and some that sensible clients do.
const ODD_IDS: [&str; 22] = [
    "trace_1750000000000_abc123def",
    "with space",
    " leading and trailing ",
    "plus+plus",
    "per%cent%20",
    "amp&ersand=1",
    "hash#tag",
    "question?mark",
    "slash/back\\slash",
    "quote\"and'quote",
    "glob*?[a-z]",
    "__proto__",
    "constructor",
    "ünïcödé-日本語-🦀",
    "nul\0inside",
    "tab\tand\nline",
    "logs:logs:x",
    "{hash}tag",
    "\u{202e}rtl",
    "0",
    "null",
    "e\u{301} is not \u{e9}",
];

/// The entries of an answer, each as the bytes it came in.
fn raw_entries(text: &str) -> Vec<String> {
    #[derive(serde::Deserialize)]
    struct Answer<'a> {
        #[serde(borrow)]
        logs: Vec<&'a RawValue>,
    }
    let answer: Answer<'_> = serde_json::from_str(text).unwrap();
    answer.logs.into_iter().map(|entry| entry.get().to_owned()).collect()
}

#[tokio::test]
async fn the_answer_has_the_contracts_shape() {
    let worker = shared().await;
    let trace = fresh_trace();
    worker.post(log(&trace, "m")).await.expect_status(200);
    let answer = worker.logs(&trace).await.expect_status(200);
    let mut fields: Vec<&str> = answer.json.as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["count", "logs", "retrieved_at", "trace_id"]);
    assert_eq!((&answer.json["trace_id"], &answer.json["count"]), (&json!(trace), &json!(1)));
    assert!((now_ms() - answer.json["retrieved_at"].as_i64().unwrap()).abs() < 60_000);
}

#[tokio::test]
async fn an_unknown_trace_is_an_empty_list_and_no_trace_id_is_400() {
    let worker = shared().await;
    let unknown = worker.logs("nobody-has-posted-this").await.expect_status(200);
    assert_eq!((&unknown.json["logs"], &unknown.json["count"]), (&json!([]), &json!(0)));
    for path in ["/logs", "/logs?", "/logs?trace_id=", "/logs?trace_id", "/logs?traceid=x"] {
        let answer = worker.get(path).await.expect_status(400);
        assert_eq!(answer.text, r#"{"error":"trace_id parameter is required"}"#, "{path}");
    }
}

#[tokio::test]
async fn entries_come_oldest_first_and_those_of_one_moment_in_order_of_arrival() {
    let worker = shared().await;
    let trace = fresh_trace();
    let now = now_ms();
    for (message, ago) in [("c", 1_000), ("a", 3_000), ("d", 1_000), ("b", 2_000), ("e", 1_000)] {
        worker
            .post(with(&trace, json!({"message": message, "timestamp": now - ago})))
            .await
            .expect_status(200);
    }
    assert_eq!(worker.messages(&trace).await, ["a", "b", "c", "d", "e"]);
    if let Some(stage) = worker.stage() {
        // The LIST is in order of arrival, and reading it makes no difference.
        let list = stage.flushed(&trace, 5).await;
        let arrived: Vec<Value> = list.iter().rev().map(|json| serde_json::from_str(json).unwrap()).collect();
        let messages: Vec<&str> = arrived.iter().map(|entry| entry["message"].as_str().unwrap()).collect();
        assert_eq!(messages, ["c", "a", "d", "b", "e"]);
        assert_eq!(worker.messages(&trace).await, ["a", "b", "c", "d", "e"]);
    }
}

#[tokio::test]
async fn a_log_is_in_the_next_read_after_its_answer_whether_flushed_or_not() {
    let worker = shared().await;
    let trace = fresh_trace();
    let mut expected = Vec::new();
    for n in 0..60 {
        worker.post(log(&trace, &n.to_string())).await.expect_status(200);
        expected.push(n.to_string());
        assert_eq!(worker.messages(&trace).await, expected);
    }
}

#[tokio::test]
async fn redis_holds_what_a_read_returns_byte_for_byte_newest_first_for_an_hour() {
    let Some(stage) = Setup::generous().start().await else { return };
    let trace = fresh_trace();
    for n in 0..25 {
        let context = json!({"n": n, "text": "\u{0}\u{7f}\"\\/ü🦀\u{2028}", "big": 9007199254740993_u64});
        let fields = json!({"message": format!("m{n} \u{1}\t\"quoted\" </script>"), "context": context, "level": "warn"});
        stage.post(with(&trace, fields)).await.expect_status(200);
    }
    let waiting = raw_entries(&stage.logs(&trace).await.text);
    let mut list = stage.flushed(&trace, 25).await;
    let key = format!("logs:{trace}");
    let ttl = stage.redis.run(&["TTL", key.as_str()]).await.unwrap().as_int().unwrap();
    assert!((3_600..=3_660).contains(&ttl), "{ttl}");
    list.reverse();
    assert_eq!(list, waiting);
    assert_eq!(list, raw_entries(&stage.logs(&trace).await.text));
    for json in &list {
        let order: Vec<usize> = [
            "\"id\":",
            "\"trace_id\":",
            "\"system\":",
            "\"level\":",
            "\"message\":",
            "\"timestamp\":",
            "\"context\":",
        ]
        .iter()
        .map(|name| json.find(name).unwrap())
        .collect();
        assert!(order.is_sorted() && json.contains("9007199254740993"), "{json}");
    }
    assert_eq!(stage.redis.run(&["TYPE", key.as_str()]).await.unwrap().as_text().unwrap(), "list");
}

#[tokio::test]
async fn every_write_renews_the_lists_hour() {
    let Some(stage) = Setup::generous().start().await else { return };
    let trace = fresh_trace();
    let key = format!("logs:{trace}");
    let mut low = i64::MAX;
    for n in 1..=4 {
        stage.post(log(&trace, "m")).await.expect_status(200);
        stage.flushed(&trace, n).await;
        let left = stage.redis.run(&["PTTL", key.as_str()]).await.unwrap().as_int().unwrap();
        low = low.min(left);
        assert!((3_600_000 - 5_000..=3_660_000).contains(&left), "{left} ms after write {n}");
    }
    assert!(low >= 3_600_000, "{low} ms after a write");
}

#[tokio::test]
async fn odd_trace_ids_are_ids_like_any_other() {
    let worker = shared().await;
    let unique = fresh_trace();
    for id in ODD_IDS {
        let trace = format!("{id}{unique}");
        worker.post(log(&trace, id)).await.expect_status(200);
        let answer = worker.logs(&trace).await.expect_status(200);
        assert_eq!((&answer.json["trace_id"], &answer.json["count"]), (&json!(trace), &json!(1)), "{id:?}");
    }
    let Some(stage) = worker.stage() else { return };
    for id in ODD_IDS {
        let trace = format!("{id}{unique}");
        stage.flushed(&trace, 1).await;
        assert_eq!(worker.messages(&trace).await, [id]);
    }
}

#[tokio::test]
async fn an_id_that_is_put_into_the_url_as_it_is_is_found() {
    let worker = shared().await;
    let unique = fresh_trace();
    // What survives in a URL unescaped: `fetch` escapes spaces, quotes and whatever is not ASCII by itself.
    for id in [
        "plain",
        "with space",
        "plus+plus",
        "ünï-日本-🦀",
        "quote\"s'",
        "glob*[a]{b}",
        "a/b?c",
        "<tag>",
        "__proto__",
    ] {
        let trace = format!("{id}{unique}");
        worker.post(log(&trace, id)).await.expect_status(200);
        let answer = worker.get(&format!("/logs?trace_id={trace}")).await.expect_status(200);
        assert_eq!((&answer.json["trace_id"], &answer.json["count"]), (&json!(trace), &json!(1)), "{id:?}");
    }
    // A space written as plus, as forms do, is a space.
    let trace = format!("with space{unique}");
    let answer = worker.get(&format!("/logs?trace_id={}", trace.replace(' ', "+"))).await.expect_status(200);
    assert_eq!(answer.json["count"], 1);
    // Parameters in any order, and the first of two.
    let query = format!("/logs?t=1&trace_id={}&trace_id=other", encoded(&trace));
    assert_eq!(worker.get(&query).await.expect_status(200).json["count"], 1);
}

#[tokio::test]
async fn lone_surrogates_become_replacement_characters_and_the_rest_stays() {
    let worker = shared().await;
    let trace = fresh_trace();
    let body = format!(
        r#"{{"trace_id":"{trace}","level":"log","message":"cut \ud83d","stack":"\udc00","context":{{"\ud83d":"\ud83e\udd80 \ud83d\ud83d"}}}}"#
    );
    worker.post_as("application/json", &[], body).await.expect_status(200);
    let entries = worker.entries(&trace).await;
    assert_eq!(entries[0]["message"], "cut \u{fffd}");
    assert_eq!(entries[0]["stack"], "\u{fffd}");
    assert_eq!(entries[0]["context"], json!({"\u{fffd}": "🦀 \u{fffd}\u{fffd}"}));
    // In an id as well: both ways of writing it name one trace.
    let odd = format!(r#"{{"trace_id":"{trace}\ud83d","level":"log","message":"m"}}"#);
    worker.post_as("application/json", &[], odd).await.expect_status(200);
    assert_eq!(worker.messages(&format!("{trace}\u{fffd}")).await, ["m"]);
}

#[tokio::test]
async fn context_keeps_its_shape_whatever_its_keys() {
    let worker = shared().await;
    let trace = fresh_trace();
    let context = r#"{"__proto__":{"polluted":true},"constructor":1,"":"empty","a":{"a":{"a":[[],{},[null,true,-0.5,1e2]]}},"ü\u0000":"\u0000","12":12}"#;
    let body = format!(r#"{{"trace_id":"{trace}","level":"log","message":"m","context":{context}}}"#);
    worker.post_as("application/json", &[], body).await.expect_status(200);
    let expected: Value = serde_json::from_str(context).unwrap();
    assert_eq!(worker.entries(&trace).await[0]["context"], expected);
}

#[tokio::test]
async fn filters_narrow_a_read() {
    let worker = shared().await;
    let trace = fresh_trace();
    let start = now_ms() - 10_000;
    let fields = [
        ("log", "browser", "ann"),
        ("error", "convex", "bob"),
        ("error", "browser", "ann"),
        ("info", "worker", "cy"),
    ];
    for (n, (level, system, user)) in fields.into_iter().enumerate() {
        let fields = json!({"message": n.to_string(), "level": level, "system": system, "user_id": user, "timestamp": start + 1_000 * n as i64});
        worker.post(with(&trace, fields)).await.expect_status(200);
    }
    let cases = [
        (String::new(), "0123"),
        ("level=error".into(), "12"),
        ("level=debug".into(), "0"),
        ("system=browser".into(), "02"),
        ("user_id=ann".into(), "02"),
        (format!("since={}", start + 1_000), "123"),
        (format!("until={}", start + 1_000), "01"),
        (format!("since={}&until={}", start + 1, start + 2_000), "12"),
        ("limit=2".into(), "23"),
        ("limit=99".into(), "0123"),
        ("order=asc".into(), "0123"),
        ("order=desc".into(), "3210"),
        ("order=desc&limit=1&level=error".into(), "2"),
        ("level=warn".into(), ""),
        ("level=&system=&limit=&order=".into(), "0123"),
    ];
    for (query, expected) in cases {
        let answer = worker.get(&format!("/logs?trace_id={trace}&{query}")).await.expect_status(200);
        let messages: String = answer.json["logs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["message"].as_str().unwrap())
            .collect();
        assert_eq!(
            (messages.as_str(), answer.json["count"].as_u64().unwrap()),
            (expected, expected.len() as u64),
            "{query}"
        );
    }
    for bad in [
        "level=loud",
        "system=x",
        "since=yesterday",
        "until=1.5",
        "limit=0",
        "limit=-1",
        "limit=x",
        "order=up",
    ] {
        worker.get(&format!("/logs?trace_id={trace}&{bad}")).await.expect_status(400);
    }
}

#[tokio::test]
async fn what_an_earlier_worker_wrote_is_read_and_an_unreadable_element_hides_nothing() {
    let Some(stage) = Setup::generous().start().await else { return };
    let trace = fresh_trace();
    let key = format!("logs:{trace}");
    let now = now_ms();
    let earlier = |n: i64| {
        json!({"id": format!("e{n}"), "trace_id": trace, "system": "browser", "level": "log", "message": format!("earlier {n}"),
            "timestamp": now - 60_000 + n}).to_string()
    };
    for element in
        [earlier(1).as_str(), "not json", "", "[1]", "null", "{\"half\":", "\u{0}", earlier(2).as_str()]
    {
        stage.redis.run(&["LPUSH", key.as_str(), element]).await.unwrap();
    }
    stage.redis.run(&["EXPIRE", key.as_str(), "3600"]).await.unwrap();
    assert_eq!(stage.messages(&trace).await, ["earlier 1", "earlier 2"]);
    stage.post(log(&trace, "ours")).await.expect_status(200);
    assert_eq!(stage.messages(&trace).await, ["earlier 1", "earlier 2", "ours"]);
    stage.flushed(&trace, 9).await;
    assert_eq!(stage.messages(&trace).await, ["earlier 1", "earlier 2", "ours"]);
    stage.drained().await;
    assert_eq!(stage.list(&trace).await.len(), 9, "nothing of the earlier worker's was touched");
}

#[tokio::test]
async fn while_redis_is_away_a_read_claims_only_what_it_can_prove() {
    let Some(stage) = Setup::generous().start().await else { return };
    let (earlier, ours) = (fresh_trace(), fresh_trace());
    stage.post(log(&ours, "flushed")).await.expect_status(200);
    stage.flushed(&ours, 1).await;
    stage.drained().await;
    stage.redis.stop_listening().await.unwrap();
    for trace in [&earlier, &ours] {
        stage.post(log(trace, "waiting")).await.expect_status(200);
    }
    // This trace may have entries of an earlier worker in Redis.
    let partial = stage.logs(&earlier).await.expect_status(500);
    assert_eq!((partial.error(), &partial.json["partial"]), ("Failed to retrieve logs", &json!(true)));
    assert_eq!(partial.json["logs"][0]["message"], "waiting");
    // Of this one the buffer holds all there is.
    assert_eq!(stage.messages(&ours).await, ["flushed", "waiting"]);
    stage.redis.resume().await.unwrap();
    stage.flushed(&earlier, 1).await;
    stage.flushed(&ours, 2).await;
    assert_eq!(stage.messages(&earlier).await, ["waiting"]);
}

#[tokio::test]
async fn the_real_redis_holds_the_same() {
    let Some(stage) = Setup::generous().real_redis().start().await else { return };
    let trace = format!("rédis \0 {}", fresh_trace());
    for n in 0..10 {
        stage
            .post(with(&trace, json!({"message": format!("{n} 🦀\0"), "context": {"n": n}})))
            .await
            .expect_status(200);
    }
    let mut list = stage.flushed(&trace, 10).await;
    list.reverse();
    assert_eq!(list, raw_entries(&stage.logs(&trace).await.text));
    let ttl = stage.redis.run(&["TTL", &format!("logs:{trace}")]).await.unwrap().as_int().unwrap();
    assert!((3_600..=3_660).contains(&ttl), "{ttl}");
    assert_eq!(stage.clear().await.expect_status(200).json["deleted"], 1);
    assert!(stage.list(&trace).await.is_empty());
}
