//! The routes themselves: what is there, what is not, and the headers every answer has.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use reqwest::Method;
use serde_json::json;
use support::{Setup, fresh_trace, log, shared};

#[tokio::test]
async fn the_root_says_what_runs_here() {
    let worker = shared().await;
    let answer = worker.get("/").await.expect_status(200);
    assert_eq!(answer.json["service"], "supportsignal-log-ingestion-worker");
    assert_eq!(answer.json["status"], "running");
    assert!(answer.json["endpoints"].is_object() && answer.json["usage"].is_object());
    assert!(
        answer.text.starts_with(
            r#"{"service":"supportsignal-log-ingestion-worker","status":"running","endpoints":{"#
        )
    );
}

#[tokio::test]
async fn options_is_200_without_a_body_on_any_path() {
    let worker = shared().await;
    for path in [
        "/",
        "/log",
        "/logs",
        "/logs?trace_id=x",
        "/logs/clear",
        "/traces/recent",
        "/health",
        "/no/such/path",
    ] {
        let preflight = worker
            .request(Method::OPTIONS, path)
            .header("Origin", "https://app.example.com")
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "content-type");
        let answer = worker.send(preflight).await.expect_status(200);
        assert_eq!(answer.text, "", "{path}");
    }
}

#[tokio::test]
async fn an_unknown_path_and_another_method_are_404() {
    let worker = shared().await;
    let cases = [
        (Method::GET, "/nothing"),
        (Method::GET, "/log"),
        (Method::PUT, "/log"),
        (Method::DELETE, "/log"),
        (Method::PATCH, "/log"),
        (Method::POST, "/"),
        (Method::POST, "/logs"),
        (Method::DELETE, "/logs"),
        (Method::POST, "/health"),
        (Method::GET, "/logs/clear"),
        (Method::POST, "/logs/clear"),
        (Method::POST, "/traces/recent"),
        (Method::GET, "/traces"),
        (Method::GET, "/log/"),
        (Method::GET, "/LOGS"),
        (Method::GET, "//"),
        (Method::POST, "/log/x"),
        (Method::POST, "/fault/trap"),
        (Method::POST, "/fault/keeper-away"),
        (Method::GET, "/%00"),
    ];
    for (method, path) in cases {
        let answer = worker.send(worker.request(method.clone(), path)).await;
        assert_eq!(
            (answer.status, answer.text.as_str()),
            (404, r#"{"error":"Not found"}"#),
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn a_head_request_is_answered() {
    let worker = shared().await;
    let answer = worker.send(worker.request(Method::HEAD, "/")).await;
    assert!(matches!(answer.status, 200 | 404), "{}", answer.status);
}

#[tokio::test]
async fn without_allowed_origins_any_page_may_read_every_answer() {
    let worker = shared().await;
    let headers = [("Origin", "https://anything.example")];
    // What the client checks: `*`, whatever the status.
    worker
        .post_as("application/json", &headers, log(&fresh_trace(), "m").to_string())
        .await
        .expect_status(200);
    worker.post_as("application/json", &headers, "{").await.expect_status(400);
    worker.post_as("application/xml", &headers, "<x/>").await.expect_status(400);
    worker.send(worker.request(Method::GET, "/nothing").header("Origin", "null")).await.expect_status(404);
}

#[tokio::test]
async fn with_allowed_origins_each_answer_names_the_origin_when_it_is_listed_and_none_otherwise() {
    let listed = "https://app.example.com, https://admin.example.com:8443, https://*.preview.example.dev";
    let Some(stage) = Setup::generous().var("ALLOWED_ORIGINS", listed).start().await else { return };
    let origins = [
        Some("https://app.example.com"),
        Some("https://admin.example.com:8443"),
        Some("https://pr-7.preview.example.dev"),
        Some("https://a.b.Preview.example.dev"),
        Some("https://preview.example.dev"),
        Some("https://apreview.example.dev"),
        Some("http://a.preview.example.dev"),
        Some("https://a.preview.example.dev:8443"),
        Some("https://evil.example/.preview.example.dev"),
        Some("https://*.preview.example.dev"),
        Some("https://evil.example"),
        Some("https://app.example.com.evil.example"),
        Some("http://app.example.com"),
        Some("null"),
        None,
    ];
    for origin in origins {
        for (method, path) in
            [(Method::OPTIONS, "/log"), (Method::GET, "/"), (Method::GET, "/nothing"), (Method::POST, "/log")]
        {
            let mut request = stage.request(method, path).body("{}");
            if let Some(origin) = origin {
                request = request.header("Origin", origin);
            }
            // The client compares Access-Control-Allow-Origin and Vary with the list.
            stage.send(request).await;
        }
    }
    let answer = stage.get("/").await;
    let vary = answer.header("Vary");
    assert_eq!((answer.header("Access-Control-Allow-Origin"), vary), (None, Some("Origin, Accept")));
}

#[tokio::test]
async fn a_page_may_read_when_to_come_back() {
    let Some(stage) = Setup::default().var("RATE_LIMIT_BROWSER", "0").start().await else { return };
    let headers = [("Origin", "http://localhost:3000")];
    let answer =
        stage.post_as("application/json", &headers, log("t", "m").to_string()).await.expect_status(429);
    let exposed = answer.header("Access-Control-Expose-Headers").unwrap();
    for name in ["Retry-After", "RateLimit", "RateLimit-Policy"] {
        assert!(exposed.split(", ").any(|one| one == name), "{exposed}");
        assert!(answer.header(name).is_some(), "{name}");
    }
    assert_eq!(answer.json["remaining_quota"], json!(0));
    // Whether it may ask is no log.
    stage
        .send(stage.request(Method::OPTIONS, "/log").header(headers[0].0, headers[0].1))
        .await
        .expect_status(200);
}

#[tokio::test]
async fn no_answer_is_kept_by_a_cache() {
    let worker = shared().await;
    for path in ["/", "/health", "/logs?trace_id=x", "/traces/recent", "/nothing"] {
        assert_eq!(worker.get(path).await.header("Cache-Control"), Some("no-store"), "{path}");
    }
}
