//! `POST /log`: what a client sees of one log.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::json;
use support::{PATIENCE, Setup, fresh_trace, log, now_ms, shared, wait_until, with};

#[tokio::test]
async fn a_log_is_stored_with_every_field_it_came_with_and_read_back() {
    let worker = shared().await;
    let trace = fresh_trace();
    let context = json!({"timestamp": "2026-01-01T00:00:00Z", "url": "https://app.example/ü", "n": [1, 2.5, {"deep": null}]});
    let posted = json!({"trace_id": trace, "message": "grüße 🦀", "level": "error", "system": "browser",
        "user_id": "anonymous", "stack": "Error: x\n  at y", "context": context});
    let before = now_ms();
    let answer = worker.post(posted).await.expect_status(200);
    let left = answer.json["remaining_quota"].as_u64().unwrap();
    assert_eq!(answer.text, format!(r#"{{"success":true,"trace_id":"{trace}","remaining_quota":{left}}}"#));
    let entries = worker.entries(&trace).await;
    let entry = entries.first().unwrap();
    let (id, timestamp) = (entry["id"].as_str().unwrap(), entry["timestamp"].as_i64().unwrap());
    assert!(id.len() == 36 && timestamp >= before && timestamp <= now_ms(), "{entry}");
    let expected = json!({"id": id, "trace_id": trace, "user_id": "anonymous", "system": "browser", "level": "error",
        "message": "grüße 🦀", "stack": "Error: x\n  at y", "timestamp": timestamp, "context": context});
    assert_eq!(entries, [expected]);
}

#[tokio::test]
async fn absent_optionals_are_left_out_and_null_is_absent() {
    let worker = shared().await;
    let trace = fresh_trace();
    let nulls = json!({"user_id": null, "stack": null, "context": null, "system": null, "id": null, "timestamp": null});
    worker.post(with(&trace, nulls)).await.expect_status(200);
    worker.post(log(&trace, "hello")).await.expect_status(200);
    for entry in worker.entries(&trace).await {
        let fields: Vec<&str> = entry.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(fields, ["id", "level", "message", "system", "timestamp", "trace_id"]);
    }
}

#[tokio::test]
async fn a_log_that_is_not_well_formed_is_400_and_told_what_is_missing() {
    let worker = shared().await;
    let (levels, systems) = (
        "level must be one of: log, info, warn, error",
        "system must be one of: browser, convex, worker, manual",
    );
    let cases = [
        (json!({"message": "m", "level": "log"}), "trace_id is required"),
        (json!({"trace_id": "", "message": "m", "level": "log"}), "trace_id is required"),
        (json!({"trace_id": null, "message": "m", "level": "log"}), "trace_id is required"),
        (json!({"trace_id": "t", "level": "log"}), "message is required"),
        (json!({"trace_id": "t", "message": "", "level": "log"}), "message is required"),
        (json!({"trace_id": "t", "message": "m"}), levels),
        (json!({"trace_id": "t", "message": "m", "level": "fatal"}), levels),
        (json!({"trace_id": "t", "message": "m", "level": "LOG"}), levels),
        (json!({"trace_id": "t", "message": "m", "level": 1}), levels),
        (json!({"trace_id": "t", "message": "m", "level": "log", "system": "android"}), systems),
        (json!({"trace_id": "t", "message": "m", "level": "log", "system": ""}), systems),
        (json!({"trace_id": "t", "message": "m", "level": "log", "system": []}), systems),
    ];
    for (posted, error) in cases {
        let answer = worker.post(posted.clone()).await.expect_status(400);
        assert_eq!(answer.text, format!(r#"{{"success":false,"error":"{error}"}}"#), "{posted}");
    }
}

#[tokio::test]
async fn the_first_thing_that_is_wrong_is_named_in_the_contracts_order() {
    let worker = shared().await;
    let mut posted = json!({"message": 1, "level": "x", "system": "x", "stack": 1, "id": ""});
    let steps = [
        ("trace_id", json!("t"), "trace_id is required"),
        ("message", json!("m"), "message must be a string, found a number"),
        ("level", json!("log"), "level must be one of: log, info, warn, error"),
        ("system", json!("manual"), "system must be one of: browser, convex, worker, manual"),
        ("stack", json!("s"), "stack must be a string, found a number"),
        ("id", json!("i"), "id must have 1 to 128 bytes, found none"),
    ];
    for (name, mended, error) in steps {
        assert_eq!(worker.post(posted.clone()).await.expect_status(400).error(), error);
        posted[name] = mended;
    }
    // Noise is judged after what is malformed.
    let noise = json!({"trace_id": "t", "message": "[HMR] x", "level": "nope"});
    assert!(worker.post(noise).await.expect_status(400).error().starts_with("level must be"));
}

#[tokio::test]
async fn fields_of_the_wrong_type_are_named() {
    let worker = shared().await;
    for (field, value, error) in [
        ("trace_id", json!(7), "trace_id must be a string, found a number"),
        ("message", json!(["a"]), "message must be a string, found an array"),
        ("user_id", json!(7), "user_id must be a string, found a number"),
        ("stack", json!({}), "stack must be a string, found an object"),
        ("context", json!([1]), "context must be a JSON object, found an array"),
        ("id", json!("x".repeat(129)), "id has 129 bytes, at most 128 are taken"),
        ("user_id", json!("x".repeat(1_025)), "user_id has 1025 bytes, at most 1024 are taken"),
        ("trace_id", json!("x".repeat(4_097)), "trace_id has 4097 bytes, at most 4096 are taken"),
    ] {
        let answer = worker.post(with("t", json!({field: value}))).await.expect_status(400);
        assert_eq!(answer.error(), error);
    }
}

#[tokio::test]
async fn ids_at_their_longest_are_taken() {
    let worker = shared().await;
    let trace = format!("{}{}", fresh_trace(), "x".repeat(4_096)).split_at(4_096).0.to_owned();
    let longest = with(&trace, json!({"id": "i".repeat(128), "user_id": "u".repeat(1_024)}));
    worker.post(longest).await.expect_status(200);
    let entries = worker.entries(&trace).await;
    assert_eq!((entries.len(), entries[0]["id"].as_str().unwrap().len()), (1, 128));
}

#[tokio::test]
async fn debug_is_stored_as_log() {
    let worker = shared().await;
    let trace = fresh_trace();
    for level in ["debug", "log", "info", "warn", "error"] {
        worker.post(with(&trace, json!({"level": level}))).await.expect_status(200);
    }
    let entries = worker.entries(&trace).await;
    let levels: Vec<&str> = entries.iter().map(|entry| entry["level"].as_str().unwrap()).collect();
    assert_eq!(levels, ["log", "log", "info", "warn", "error"]);
}

#[tokio::test]
async fn a_log_with_an_id_of_its_own_can_be_sent_again_and_costs_nothing_then() {
    let Some(worker) = Setup::default().start().await else { return };
    let (trace, other) = (fresh_trace(), fresh_trace());
    let posted = with(&trace, json!({"id": "mine", "system": "worker"}));
    let first = worker.post(posted.clone()).await.expect_status(200);
    let again = worker.post(posted).await.expect_status(200);
    assert_eq!(first.text, again.text);
    // An id belongs to its trace.
    worker.post(with(&other, json!({"id": "mine"}))).await.expect_status(200);
    assert_eq!(worker.entries(&trace).await.len(), 1);
    assert_eq!(worker.entries(&other).await.len(), 1);
}

#[tokio::test]
async fn an_id_is_remembered_across_a_crash_of_the_worker() {
    let Some(mut stage) = Setup::generous().start().await else { return };
    let trace = fresh_trace();
    let posted = with(&trace, json!({"id": "mine"}));
    stage.post(posted.clone()).await.expect_status(200);
    for flushed_before in [false, true] {
        if flushed_before {
            stage.flushed(&trace, 1).await;
            stage.drained().await;
        }
        stage.workerd.kill9();
        stage.workerd.restart().await.unwrap();
        stage.post(posted.clone()).await.expect_status(200);
        assert_eq!(stage.entries(&trace).await.len(), 1);
    }
    stage.drained().await;
    assert_eq!(stage.list(&trace).await.len(), 1);
}

#[tokio::test]
async fn a_timestamp_of_the_last_hour_is_kept_and_any_other_replaced_never_refused() {
    let worker = shared().await;
    let trace = fresh_trace();
    let now = now_ms();
    let kept = [now - 3_500_000, now - 1, now + 280_000];
    for timestamp in kept {
        worker.post(with(&trace, json!({"timestamp": timestamp}))).await.expect_status(200);
    }
    let entries = worker.entries(&trace).await;
    let stamps: Vec<i64> = entries.iter().map(|entry| entry["timestamp"].as_i64().unwrap()).collect();
    assert_eq!(stamps, kept);
    let trace = fresh_trace();
    let replaced = [json!(now - 3_700_000), json!(now + 400_000), json!(0), json!(-1), json!("x"), json!({})];
    for timestamp in &replaced {
        worker.post(with(&trace, json!({"timestamp": timestamp}))).await.expect_status(200);
    }
    let entries = worker.entries(&trace).await;
    assert_eq!(entries.len(), replaced.len());
    for entry in entries {
        assert!((now..=now_ms()).contains(&entry["timestamp"].as_i64().unwrap()), "{entry}");
    }
}

#[tokio::test]
async fn the_system_is_detected_from_the_headers_and_the_first_match_wins() {
    let worker = shared().await;
    let cases: [(&[(&str, &str)], &str); 12] = [
        (&[("Origin", "http://localhost:3000"), ("User-Agent", "Cloudflare-Workers")], "browser"),
        (&[("Origin", "http://127.0.0.1:8080"), ("User-Agent", "convex")], "browser"),
        (&[("Referer", "http://localhost/page"), ("User-Agent", "my-worker/1")], "browser"),
        (&[("Referer", "http://127.0.0.1/"), ("User-Agent", "Mozilla/5.0")], "browser"),
        (&[("User-Agent", "My-WORKER/1.0")], "worker"),
        (&[("User-Agent", "CloudFlare thing"), ("Origin", "https://x.convex.site")], "worker"),
        (&[("User-Agent", "Convex-Internal-Logger/1.0")], "convex"),
        (&[("Origin", "https://happy-animal-123.convex.cloud"), ("User-Agent", "Mozilla/5.0")], "convex"),
        (&[("Origin", "https://app.example.com"), ("User-Agent", "Mozilla/5.0")], "browser"),
        (&[("Sec-Fetch-Site", "same-origin"), ("User-Agent", "Mozilla/5.0")], "browser"),
        (&[("User-Agent", "curl/8.5.0")], "manual"),
        (&[], "manual"),
    ];
    for (headers, system) in cases {
        let trace = fresh_trace();
        let body = log(&trace, "who am I").to_string();
        worker.post_as("application/json", headers, body).await.expect_status(200);
        assert_eq!(worker.entries(&trace).await[0]["system"], system, "{headers:?}");
    }
    // What the client says stands above what its headers tell.
    let trace = fresh_trace();
    let body = with(&trace, json!({"system": "convex"})).to_string();
    worker.post_as("application/json", &[("Origin", "http://localhost:3000")], body).await.expect_status(200);
    assert_eq!(worker.entries(&trace).await[0]["system"], "convex");
}

#[tokio::test]
async fn noise_is_answered_with_success_and_neither_stored_nor_counted() {
    let Some(stage) = Setup::default().start().await else { return };
    let trace = fresh_trace();
    let quota = || async {
        let answer = stage.post(with(&trace, json!({"system": "convex"}))).await.expect_status(200);
        answer.json["remaining_quota"].as_u64().unwrap()
    };
    let before = quota().await;
    for pattern in [
        "[HMR]",
        "unexpected require",
        "disposed module",
        "webpack-internal",
        "webpack-hot-middleware",
        "hot-update",
        "[Fast Refresh]",
        "React DevTools",
        "DevTools detected",
        "Received an error",
        "Non-Error promise rejection",
        "Script will terminate",
        "Worker script error",
    ] {
        for message in [format!("before {pattern} after"), pattern.to_uppercase(), pattern.to_lowercase()] {
            let answer = stage.post(with(&trace, json!({"message": message, "system": "convex"}))).await;
            let expected = format!(
                r#"{{"success":true,"trace_id":"{trace}","message":"Log suppressed (noise filtering)"}}"#
            );
            assert_eq!((answer.status, answer.text), (200, expected), "{message}");
        }
    }
    assert_eq!(before - quota().await, 1);
    assert_eq!(stage.messages(&trace).await, ["hello", "hello"]);
}

#[tokio::test]
async fn secrets_are_gone_from_message_stack_and_context_before_anything_is_stored() {
    let Some(stage) = Setup::generous().start().await else { return };
    let trace = fresh_trace();
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJzZWNyZXQifQ.c2lnbmF0dXJlLXZhbHVl";
    let keys = [
        "access_token",
        "client_secret",
        "refresh_token",
        "token",
        "password",
        "secret",
        "api_key",
        "api-key",
        "apikey",
    ];
    for key in keys {
        let text = format!(r#"before {{"{key}": "hunter2-{key}"}} after"#);
        let posted =
            with(&trace, json!({"message": text, "stack": text, "context": {"deep": [{"text": text}]}}));
        stage.post(posted).await.expect_status(200);
    }
    let bearer = format!("sent Authorization: Bearer {jwt} to the server");
    stage.post(with(&trace, json!({"message": bearer, "stack": bearer, "context": {"a": bearer}}))).await;
    let entries = stage.entries(&trace).await;
    assert_eq!(entries.len(), keys.len() + 1);
    for (entry, key) in entries.iter().zip(keys) {
        let expected = format!(r#"before {{"{key}": "[REDACTED]"}} after"#);
        for text in [&entry["message"], &entry["stack"], &entry["context"]["deep"][0]["text"]] {
            assert_eq!(text, &json!(expected));
        }
    }
    let last = &entries[keys.len()];
    for text in [&last["message"], &last["stack"], &last["context"]["a"]] {
        let text = text.as_str().unwrap();
        assert!(
            text.starts_with("sent ") && text.ends_with(" to the server") && text.contains("[REDACTED]"),
            "{text}"
        );
    }
    let stored = stage.flushed(&trace, keys.len() + 1).await.join("\n");
    assert!(!stored.contains("hunter2") && !stored.contains(jwt), "{stored}");
}

#[tokio::test]
async fn a_log_of_one_and_a_half_mebibytes_is_stored_and_a_larger_one_is_413() {
    let worker = shared().await;
    let trace = fresh_trace();
    let room = 1_572_864 - 400;
    worker.post(log(&trace, &"x".repeat(room))).await.expect_status(200);
    let answer = worker.post(log(&trace, &"x".repeat(1_572_864))).await.expect_status(413);
    assert!(answer.error().contains("at most 1572864 are taken"), "{}", answer.error());
    assert_eq!(worker.messages(&trace).await.iter().map(String::len).collect::<Vec<_>>(), [room]);
}

#[tokio::test]
async fn without_a_redis_configured_a_log_is_503_and_says_which_secrets_to_set() {
    for missing in ["UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"] {
        let Some(stage) = Setup::default().without(missing).start().await else { return };
        let answer = stage.post(log("t", "m")).await.expect_status(503);
        assert_eq!((&answer.json["success"], &answer.json["trace_id"]), (&json!(false), &json!("t")));
        assert!(answer.error().contains("UPSTASH_REDIS_REST_URL") && answer.error().contains("_TOKEN"));
        assert!(answer.header("Retry-After").is_some());
    }
}

#[tokio::test]
async fn a_buffer_that_is_full_answers_503_and_takes_logs_again_once_redis_is_back() {
    let setup = Setup::generous().var("BUFFER_MAX_BYTES", "1048576");
    let Some(stage) = setup.start().await else { return };
    stage.redis.stop_listening().await.unwrap();
    let trace = fresh_trace();
    let large = "x".repeat(300_000);
    let mut stored = 0;
    let full = loop {
        let answer = stage.post(log(&trace, &large)).await;
        if answer.status != 200 {
            break answer.expect_status(503);
        }
        stored += 1;
        assert!(stored < 5, "a buffer of 1 MiB holds {stored} logs of 300 KB");
    };
    assert_eq!((&full.json["success"], &full.json["trace_id"]), (&json!(false), &json!(trace)));
    assert!(full.error().contains("buffer is full") && full.header("Retry-After").is_some(), "{}", full.text);
    stage.redis.resume().await.unwrap();
    wait_until("a log is taken again", PATIENCE, || async {
        stage.post(log(&trace, "m")).await.status == 200
    })
    .await;
    stage.drained().await;
    assert!(stage.entries(&trace).await.len() > stored);
}
