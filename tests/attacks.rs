//! Attacks by the request itself: its path, its method, its headers. Each is answered clearly, and the next request as
//! if nothing had been.
//!
//! `ops/runbooks/attacks.md` lists the attacks; malformed and oversized bodies are in `hostile.rs`, slow senders and
//! thousands of them in `crowds.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use reqwest::Method;
use support::attack::{ADMIN, APP, INGEST, READ, assert_closed_and_well, assert_well, closed, raw};
use support::{fresh_trace, log, shared};

#[tokio::test]
async fn a_path_is_a_route_only_as_it_is_written() {
    let worker = shared().await;
    if worker.stage().is_none() {
        return;
    }
    let trace = fresh_trace();
    let body = log(&trace, "m").to_string();
    let same = ["/log", "/log?", "/log?/x", "/log?_method=DELETE"];
    // Where Cloudflare takes dots out of a path, it does so before any code of ours sees it.
    let other = [
        "/./log",
        "/x/../log",
        "/../../log",
        "/%2e/log",
        "//log",
        "///log",
        "/log/",
        "/LOG",
        "/Log",
        "/log%00",
        "/log%20",
        "/log%0a",
        "/%6cog",
        "/log%2f",
        "/log;x=1",
        "/log.json",
        "/%2flog",
        "/x/%2e%2e%2flog",
        "/..%5clog",
        "/\\log",
        "/log\\",
        "/log/..",
        "/log//",
        "/ log",
    ];
    for target in same {
        let (status, answer) = raw(&worker, "POST", target, "", &body).await;
        assert_eq!(status, 200, "{target}: {answer}");
    }
    for target in other {
        let (status, answer) = raw(&worker, "POST", target, "", &body).await;
        assert!(matches!(status, 400 | 404), "{target}: {answer}");
    }
    assert_eq!(worker.messages(&trace).await.len(), same.len());
    assert_well(&worker).await;
}

#[tokio::test]
async fn dots_in_a_path_lead_around_no_token() {
    let Some(stage) = closed("ours").await else { return };
    let ways =
        ["/logs/clear", "/./logs/clear", "/log/../logs/clear", "/%2e%2e/logs/clear", "/health/../logs/clear"];
    for target in ways {
        for headers in ["", "Authorization: Bearer wrong-token-0123456789\r\n"] {
            let (status, answer) = raw(&stage, "DELETE", target, headers, "").await;
            assert!(matches!(status, 401 | 404), "{target}: {answer}");
        }
    }
    for target in ["//logs/clear", "/logs//clear", "/logs/clear/", "/LOGS/CLEAR", "/logs%2fclear"] {
        let (status, answer) = raw(&stage, "DELETE", target, "", "").await;
        assert_eq!(status, 404, "{target}: {answer}");
    }
    assert_closed_and_well(&stage, "ours").await;
}

#[tokio::test]
async fn headers_that_name_another_method_change_nothing() {
    let worker = shared().await;
    let trace = fresh_trace();
    worker.post(log(&trace, "stays")).await.expect_status(200);
    for name in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-Method"] {
        for method in [Method::POST, Method::GET] {
            for path in ["/logs/clear", &format!("/logs/clear?trace_id={trace}&_method=DELETE")] {
                let request =
                    worker.request(method.clone(), path).header(name, "DELETE").body("_method=DELETE");
                worker.send(request).await.expect_status(404);
            }
        }
        let headers = [(name, "DELETE")];
        worker.post_as("application/json", &headers, log(&trace, name).to_string()).await.expect_status(200);
        let request =
            worker.request(Method::DELETE, "/log").header(name, "POST").body(log(&trace, "no").to_string());
        worker.send(request).await.expect_status(404);
    }
    assert_eq!(worker.messages(&trace).await.len(), 5);
    assert_well(&worker).await;
}

#[tokio::test]
async fn headers_of_a_proxy_are_not_believed() {
    let Some(stage) = closed("ours").await else { return };
    let claims = [
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-Forwarded-Host", "localhost"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Port", "443"),
        ("X-Forwarded-Prefix", "/health"),
        ("X-Forwarded-User", "admin"),
        ("Forwarded", "for=127.0.0.1;host=localhost;proto=https"),
        ("X-Real-IP", "127.0.0.1"),
        ("True-Client-IP", "127.0.0.1"),
        ("X-Original-URL", "/health"),
        ("X-Rewrite-URL", "/health"),
        ("X-Origin", APP),
        ("X-Original-Origin", APP),
        ("X-Authorization", ADMIN),
        ("X-Api-Key", ADMIN),
        ("Proxy-Authorization", "Bearer admin-token-0123456789"),
        ("Cookie", "Authorization=Bearer admin-token-0123456789"),
        ("CF-Worker", "example.com"),
        ("Referer", APP),
        ("Host", "localhost"),
    ];
    for (name, value) in claims {
        let ask = |method: Method, path: &str| stage.request(method, path).header(name, value);
        stage.send(ask(Method::GET, "/logs?trace_id=ours")).await.expect_status(401);
        stage.send(ask(Method::GET, "/traces/recent")).await.expect_status(401);
        stage.send(ask(Method::DELETE, "/logs/clear")).await.expect_status(401);
        let post = || ask(Method::POST, "/log").body(log("ours", "theirs").to_string());
        stage.send(post()).await.expect_status(401);
        stage.send(post().header("Origin", "https://evil.example")).await.expect_status(403);
        let health = stage.send(ask(Method::GET, "/health")).await.expect_status(200);
        assert!(health.text.contains(r#""trace_counts":{}"#), "{}", health.text);
    }
    // Nor do they make a log another system's.
    let trusted = stage.with_token(INGEST);
    let forwarded =
        [("X-Forwarded-Host", "localhost"), ("X-Forwarded-For", "127.0.0.1"), ("User-Agent", "curl/8")];
    trusted.post_as("application/json", &forwarded, log("system", "m").to_string()).await.expect_status(200);
    assert_eq!(stage.with_token(READ).entries("system").await[0]["system"], "manual");
    assert_closed_and_well(&stage, "ours").await;
}

#[tokio::test]
async fn a_body_compressed_otherwise_than_by_gzip_is_415_and_never_unpacked() {
    let worker = shared().await;
    let trace = fresh_trace();
    let gzip: &[u8] =
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\x05\x00\x43\xbf\xa6\xa3\x02\x00\x00\x00";
    for encoding in ["deflate", "br", "zstd", "gzip, gzip", "identity, gzip", "nonsense"] {
        for content_type in ["application/json", "application/x-ndjson", "text/plain", ""] {
            let answer = worker.post_as(content_type, &[("Content-Encoding", encoding)], gzip).await;
            let answer = answer.expect_status(415);
            assert!(answer.error().contains(&format!("{encoding:?}")), "{}", answer.error());
            assert_eq!(answer.json["success"], false);
        }
    }
    let plain = [("Content-Encoding", "identity")];
    worker.post_as("application/json", &plain, log(&trace, "m").to_string()).await.expect_status(200);
    // Unsaid, it is no text.
    let unsaid = worker.post_as("application/json", &[], gzip).await.expect_status(400);
    assert!(unsaid.error().contains("not JSON"), "{}", unsaid.error());
    assert_eq!(worker.messages(&trace).await, ["m"]);
    assert_well(&worker).await;
}
