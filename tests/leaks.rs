//! Secrets planted everywhere a deployment and its clients have any, and everything broken that can break: nothing that
//! comes out, in an answer, in the worker's log or in Redis, holds one of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::time::Duration;

use ops::upstash::Fault;
use reqwest::{Method, header::HeaderMap};
use serde_json::json;
use support::attack::{ADMIN, APP, INGEST, READ};
use support::{PATIENCE, Setup, Stage, fresh_trace, wait_until, with};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What logs carry by accident.
const LOGGED: &str = "planted-Hunter2-in-a-log";
/// What callers send where no secret belongs.
const SENT: &str = "planted-Hunter2-in-a-request";
const REDIS: &str = "redis-token-planted-Hunter2";

/// Everything that came out so far.
#[derive(Default)]
struct Seen(String);

impl Seen {
    fn answer(&mut self, headers: &HeaderMap, text: &str) {
        self.0 += &format!("{headers:?}\n{text}\n");
    }

    #[track_caller]
    fn assert_clean(&self, secrets: &[&str]) {
        for secret in secrets {
            let line = self.0.lines().find(|line| line.contains(secret));
            assert!(line.is_none(), "{secret} came out: {}", line.unwrap_or_default());
        }
    }
}

fn closed() -> Setup {
    let setup = Setup::generous().faulty().production().var("ALLOWED_ORIGINS", APP);
    setup.var("LOG_INGEST_TOKEN", INGEST).var("LOG_READ_TOKEN", READ).var("LOG_ADMIN_TOKEN", ADMIN)
}

/// Requests that are refused, each with a secret in it; and such as break the worker.
async fn provoke(stage: &Stage, seen: &mut Seen) {
    let trace = fresh_trace();
    let password = format!("password={SENT}");
    let bodies = [
        format!("{{\"trace_id\":\"t\",\"{password}"),
        format!("[{{\"password\":\"{SENT}\"}}, {password}]"),
        format!("{{\"trace_id\":\"{trace}\",\"message\":7,\"level\":\"{SENT}\",\"context\":\"{SENT}\"}}"),
        format!("{{\"trace_id\":\"{trace}\",\"message\":\"m\",\"level\":\"log\",\"system\":\"{SENT}\"}}"),
        "trap".into(),
        SENT.repeat(100_000),
    ];
    for token in [INGEST, READ, ADMIN, SENT] {
        for body in &bodies {
            let request = stage.request(Method::POST, "/log").header("Content-Type", "application/json");
            let request = request.header("Authorization", format!("Bearer {token}"));
            let request = request.header("Cookie", format!("session={SENT}")).header("Origin", APP);
            let answer = stage.send(request.body(body.clone())).await;
            seen.answer(&answer.headers, &answer.text);
        }
        let paths = ["/logs", "/traces/recent", "/health", "/limiter/status", "/logs/tail", "/", "/nowhere"];
        for path in paths.iter().map(|path| format!("{path}?token={SENT}&trace_id=t&limit={SENT}")) {
            let request = stage.request(Method::GET, &path);
            let answer = stage.send(request.header("Authorization", format!("Bearer {token}"))).await;
            seen.answer(&answer.headers, &answer.text);
        }
        let request = stage.request(Method::POST, &format!("/fault/trap?token={SENT}"));
        let answer = stage.send(request.header("Authorization", format!("Bearer {token}"))).await;
        seen.answer(&answer.headers, &answer.text);
    }
}

#[tokio::test]
async fn no_secret_comes_out_of_a_worker_that_is_attacked_and_breaks() {
    let Some(stage) = closed().start().await else { return };
    let mut seen = Seen::default();
    provoke(&stage, &mut seen).await;
    let trace = fresh_trace();
    let fields = json!({
        "message": format!("login failed, password={LOGGED}"), "level": "error",
        "stack": format!("Error: Authorization: Bearer {LOGGED}\n    at login (app.js:1:1)"),
        "context": {"password": LOGGED, "headers": {"cookie": format!("session={LOGGED}")}, "argv": ["--token", LOGGED]},
    });
    let answer = stage.with_token(INGEST).post(with(&trace, fields)).await.expect_status(200);
    seen.answer(&answer.headers, &answer.text);
    let readers = stage.with_token(ADMIN);
    let answer = readers.logs(&trace).await.expect_status(200);
    assert!(answer.text.contains("[REDACTED]"), "{}", answer.text);
    seen.answer(&answer.headers, &answer.text);
    seen.0 += &stage.flushed(&trace, 1).await.join("\n");
    for fault in [Fault::status(500), Fault::garbage(), Fault::close(), Fault::hang(PATIENCE)] {
        stage.redis.faults().set(fault);
        for path in ["/health", "/traces/recent", &format!("/logs?trace_id={trace}")] {
            let answer = readers.get(path).await;
            seen.answer(&answer.headers, &answer.text);
        }
    }
    let log = stage.workerd.log();
    assert!(log.contains("the worker broke"), "nothing was broken: {log}");
    seen.0 += &log;
    seen.assert_clean(&[INGEST, READ, ADMIN, LOGGED, SENT, stage.redis.token()]);
}

/// Answers a request with 400, and all it was sent in the answer's body.
async fn echo(mut stream: TcpStream) {
    let (mut request, mut chunk) = (Vec::new(), [0; 4096]);
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return,
            Ok(count) => request.extend_from_slice(&chunk[..count]),
        }
    }
    let head = format!("HTTP/1.1 400 x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", request.len());
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(&request).await;
}

#[tokio::test]
async fn a_redis_that_repeats_what_it_was_sent_is_quoted_without_its_token_and_host() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let url = format!("http://{host}");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(echo(stream));
        }
    });
    let setup = Setup::generous().var("UPSTASH_REDIS_REST_URL", url).var("UPSTASH_REDIS_REST_TOKEN", REDIS);
    let Some(stage) = setup.start().await else { return };
    let trace = fresh_trace();
    stage.post(with(&trace, json!({"message": format!("password={LOGGED}")}))).await.expect_status(200);
    let said = || async { stage.health().await.text.contains("Redis refused with 400") };
    wait_until("Redis was asked and refused", Duration::from_secs(20), said).await;
    let mut seen = Seen::default();
    for path in ["/health", &format!("/logs?trace_id={trace}"), "/traces/recent"] {
        let answer = stage.get(path).await;
        seen.answer(&answer.headers, &answer.text);
    }
    seen.0 += &stage.workerd.log();
    seen.assert_clean(&[REDIS, LOGGED, &host]);
}

#[tokio::test]
async fn a_setting_that_cannot_be_used_is_named_without_its_value() {
    let settings =
        [("RATE_LIMIT_GLOBAL", SENT), ("UPSTASH_REDIS_REST_URL", SENT), ("LOG_ADMIN_TOKEN", "Hunter2")];
    for (name, value) in settings {
        let Some(stage) = Setup::generous().var(name, value).start().await else { return };
        let mut seen = Seen::default();
        for answer in
            [stage.health().await, stage.post(support::log("t", "m")).await, stage.get("/logs").await]
        {
            seen.answer(&answer.headers, &answer.text);
        }
        assert!(seen.0.contains(name), "{}", seen.0);
        seen.0 += &stage.workerd.log();
        seen.assert_clean(&[value]);
    }
}
