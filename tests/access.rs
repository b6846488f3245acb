//! Who may do what: the contract's table, in development and in production.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use reqwest::Method;
use support::{Response, Setup, Stage, fresh_trace, log};

const INGEST: &str = "ingest-token-0123456789";
const READ: &str = "read-token-0123456789";
const ADMIN: &str = "admin-token-0123456789";
const APP: &str = "https://app.example.com";

async fn ask(
    stage: &Stage,
    method: Method,
    path: &str,
    origin: Option<&str>,
    token: Option<&str>,
) -> Response {
    let body = match path {
        "/v1/logs" => r#"{"resourceLogs":[]}"#.into(),
        _ if method == Method::POST => log(&fresh_trace(), "m").to_string(),
        _ => String::new(),
    };
    let mut request = stage.request(method, path).header("Content-Type", "application/json").body(body);
    if let Some(origin) = origin {
        request = request.header("Origin", origin);
    }
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = stage.send(request).await;
    assert_eq!(answer.header("WWW-Authenticate"), (answer.status == 401).then_some("Bearer"));
    for secret in [INGEST, READ, ADMIN] {
        assert!(!answer.text.contains(secret), "{}", answer.text);
    }
    answer
}

fn production() -> Setup {
    Setup::generous().production()
}

fn with_tokens() -> Setup {
    production().var("LOG_INGEST_TOKEN", INGEST).var("LOG_READ_TOKEN", READ).var("LOG_ADMIN_TOKEN", ADMIN)
}

const READS: [&str; 2] = ["/logs?trace_id=t", "/traces/recent"];

#[tokio::test]
async fn development_is_open_to_anyone_even_with_tokens_set() {
    let setup = Setup::generous().var("LOG_INGEST_TOKEN", INGEST).var("LOG_ADMIN_TOKEN", ADMIN);
    let Some(stage) = setup.start().await else { return };
    for origin in [None, Some("https://any.example")] {
        ask(&stage, Method::POST, "/log", origin, None).await.expect_status(200);
        for path in READS {
            ask(&stage, Method::GET, path, origin, None).await.expect_status(200);
        }
        ask(&stage, Method::DELETE, "/logs/clear", origin, Some("wrong")).await.expect_status(200);
    }
}

#[tokio::test]
async fn production_without_secrets_takes_logs_from_anyone_and_is_closed_otherwise() {
    let Some(stage) = production().start().await else { return };
    for origin in [None, Some("https://any.example")] {
        ask(&stage, Method::POST, "/log", origin, None).await.expect_status(200);
        for path in READS {
            let answer = ask(&stage, Method::GET, path, origin, Some(READ)).await.expect_status(403);
            assert!(answer.error().contains("LOG_READ_TOKEN"), "{}", answer.error());
        }
        let answer = ask(&stage, Method::DELETE, "/logs/clear", origin, Some(ADMIN)).await.expect_status(403);
        assert!(answer.error().contains("LOG_ADMIN_TOKEN"), "{}", answer.error());
    }
    for path in ["/", "/health"] {
        ask(&stage, Method::GET, path, None, None).await.expect_status(200);
    }
}

#[tokio::test]
async fn production_with_tokens_lets_each_open_what_it_is_for() {
    let Some(stage) = with_tokens().start().await else { return };
    let cases = [
        (Method::POST, "/log", None, 401),
        (Method::POST, "/log", Some("wrong-token-0123456789"), 401),
        (Method::POST, "/log", Some(READ), 401),
        (Method::POST, "/log", Some(INGEST), 200),
        (Method::GET, "/logs?trace_id=t", None, 401),
        (Method::GET, "/logs?trace_id=t", Some(INGEST), 401),
        (Method::GET, "/logs?trace_id=t", Some(READ), 200),
        (Method::GET, "/logs?trace_id=t", Some(ADMIN), 200),
        (Method::GET, "/traces/recent", None, 401),
        (Method::GET, "/traces/recent", Some(READ), 200),
        (Method::GET, "/traces/recent", Some(ADMIN), 200),
        (Method::DELETE, "/logs/clear", None, 401),
        (Method::DELETE, "/logs/clear", Some(READ), 401),
        (Method::DELETE, "/logs/clear", Some(&ADMIN[..16]), 401),
        (Method::DELETE, "/logs/clear", Some(ADMIN), 200),
        (Method::GET, "/limiter/status", Some(READ), 401),
        (Method::GET, "/limiter/status", Some(ADMIN), 200),
        (Method::GET, "/limiter/check?trace_id=t&system=manual", Some(READ), 401),
        (Method::GET, "/limiter/check?trace_id=t&system=manual", Some(ADMIN), 200),
        (Method::POST, "/limiter/reset", Some(READ), 401),
        (Method::POST, "/limiter/reset", Some(ADMIN), 200),
        (Method::POST, "/buffer/drain", None, 401),
        (Method::POST, "/buffer/drain", Some(ADMIN), 200),
        (Method::DELETE, "/logs/clear?trace_id=t", Some(READ), 401),
        (Method::DELETE, "/logs/clear?trace_id=t", Some(ADMIN), 200),
    ];
    for (method, path, token, status) in cases {
        let answer = ask(&stage, method.clone(), path, None, token).await;
        assert_eq!(answer.status, status, "{method} {path} {token:?}: {}", answer.text);
    }
    // Another scheme is no token, and its case does not matter.
    for (authorization, status) in
        [(format!("Basic {READ}"), 401), (READ.to_owned(), 401), (format!("bearer {READ}"), 200)]
    {
        let request = stage.request(Method::GET, "/traces/recent").header("Authorization", &authorization);
        assert_eq!(stage.send(request).await.status, status, "{authorization}");
    }
    let log = stage.workerd.log();
    assert!([INGEST, READ, ADMIN].iter().all(|secret| !log.contains(secret)), "{log}");
}

#[tokio::test]
async fn an_admin_token_alone_opens_reads_and_clear() {
    let Some(stage) = production().var("LOG_ADMIN_TOKEN", ADMIN).start().await else { return };
    for (token, status) in [(None, 401), (Some(READ), 401), (Some(ADMIN), 200)] {
        for path in READS {
            assert_eq!(ask(&stage, Method::GET, path, None, token).await.status, status);
        }
        assert_eq!(ask(&stage, Method::DELETE, "/logs/clear", None, token).await.status, status);
    }
}

#[tokio::test]
async fn a_read_token_alone_leaves_clear_closed() {
    let Some(stage) = production().var("LOG_READ_TOKEN", READ).start().await else { return };
    ask(&stage, Method::GET, "/traces/recent", None, Some(READ)).await.expect_status(200);
    ask(&stage, Method::DELETE, "/logs/clear", None, Some(READ)).await.expect_status(403);
}

#[tokio::test]
async fn in_production_a_page_must_be_of_a_listed_origin_and_needs_no_token() {
    let Some(stage) = with_tokens().var("ALLOWED_ORIGINS", APP).start().await else { return };
    for path in ["/log", "/v1/logs"] {
        ask(&stage, Method::POST, path, Some(APP), None).await.expect_status(200);
        for token in [None, Some(INGEST), Some(ADMIN)] {
            for origin in ["https://evil.example", "null", "http://localhost:3000"] {
                let answer = ask(&stage, Method::POST, path, Some(origin), token).await.expect_status(403);
                assert!(answer.text.contains("ALLOWED_ORIGINS"), "{}", answer.text);
            }
        }
        for token in [None, Some(READ), Some(ADMIN)] {
            ask(&stage, Method::POST, path, None, token).await.expect_status(401);
        }
        ask(&stage, Method::POST, path, None, Some(INGEST)).await.expect_status(200);
    }
}

#[tokio::test]
async fn authorization_is_judged_before_anything_else_of_a_log() {
    let Some(stage) = with_tokens().start().await else { return };
    for body in ["{", "", "[]"] {
        stage.post_as("application/xml", &[], body).await.expect_status(401);
    }
    stage.post_as("application/json", &[], vec![b'x'; 9 << 20]).await.expect_status(401);
}

#[tokio::test]
async fn public_reads_open_reads_and_nothing_else() {
    let Some(stage) = production().var("LOG_PUBLIC_READS", "true").start().await else { return };
    for path in READS {
        ask(&stage, Method::GET, path, None, None).await.expect_status(200);
    }
    ask(&stage, Method::DELETE, "/logs/clear", None, None).await.expect_status(403);
}

#[tokio::test]
async fn in_production_health_names_traces_only_to_who_may_read_them() {
    let Some(stage) = with_tokens().start().await else { return };
    stage.with_token(INGEST).post(log("a-trace-of-ours", "m")).await.expect_status(200);
    for token in [None, Some(INGEST), Some("wrong")] {
        let answer = ask(&stage, Method::GET, "/health", None, token).await.expect_status(200);
        assert!(!answer.text.contains("a-trace-of-ours"), "{token:?}: {}", answer.text);
    }
    for token in [READ, ADMIN] {
        let answer = ask(&stage, Method::GET, "/health", None, Some(token)).await.expect_status(200);
        assert!(answer.text.contains(r#""trace_counts":{"a-trace-of-ours":1}"#), "{}", answer.text);
    }
    // The limits begin anew, and the buffer still has the window before.
    ask(&stage, Method::POST, "/limiter/reset", None, Some(ADMIN)).await.expect_status(200);
    let answer = ask(&stage, Method::GET, "/health", None, None).await.expect_status(200);
    assert!(!answer.text.contains("a-trace-of-ours"), "{}", answer.text);
}
