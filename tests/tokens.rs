//! Attacks on tokens and origins: what is nearly the token, and what is nearly the origin.
//!
//! `ops/runbooks/attacks.md` lists the attacks; malformed and oversized bodies are in `hostile.rs`, slow senders and
//! thousands of them in `crowds.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use reqwest::Method;
use support::attack::{ADMIN, APP, INGEST, READ, assert_closed_and_well, closed, raw};
use support::log;

#[tokio::test]
async fn nothing_but_the_token_is_the_token() {
    let Some(stage) = closed("ours").await else { return };
    let mut wrong: Vec<String> = [
        "",
        "Bearer",
        "Bearer ",
        "Bearer \t",
        "Bearer undefined",
        "Bearer null",
        "Bearer true",
        "Bearer 0",
        "Bearer *",
        "Bearer []",
        "Bearer [object Object]",
        "Bearer %61dmin-token-0123456789",
        "Bearer 'admin-token-0123456789'",
        "Bearer \"admin-token-0123456789\"",
        "Bearer admin-token-0123456789,",
        "Bearer, admin-token-0123456789",
        "Bearer Bearer admin-token-0123456789",
        "Bearer x, Bearer admin-token-0123456789",
        "Bearer admin-token-0123456789 x",
        "Bearer=admin-token-0123456789",
        "Bearer:admin-token-0123456789",
        "Token admin-token-0123456789",
        "Basic admin-token-0123456789",
        "Basic YWRtaW46YWRtaW4=",
        "Digest username=\"admin\"",
        "admin-token-0123456789",
        "Bearer ADMIN-TOKEN-0123456789",
    ]
    .map(String::from)
    .to_vec();
    wrong.extend((1..ADMIN.len()).map(|length| format!("Bearer {}", &ADMIN[..length])));
    wrong.extend(
        [ADMIN.repeat(2), format!("{ADMIN}x"), format!("x{ADMIN}"), "x".repeat(8_000)]
            .map(|t| format!("Bearer {t}")),
    );
    wrong.push(format!("Bearer {}", "a".repeat(ADMIN.len())));
    for authorization in &wrong {
        for (method, path) in
            [(Method::DELETE, "/logs/clear"), (Method::GET, "/logs?trace_id=ours"), (Method::POST, "/log")]
        {
            let request = stage.request(method.clone(), path).header("Authorization", authorization);
            let answer = stage.send(request.body("{}")).await;
            assert_eq!(answer.status, 401, "{method} {path} {authorization}: {}", answer.text);
            assert_eq!(answer.header("WWW-Authenticate"), Some("Bearer"));
            assert!(!answer.text.contains("0123456789"), "{}", answer.text);
        }
    }
    // Two headers are one that is neither; and a token is looked for in one place only.
    let two = format!("Authorization: Bearer x\r\nAuthorization: Bearer {ADMIN}\r\n");
    assert_eq!(raw(&stage, "DELETE", "/logs/clear", &two, "").await.0, 401);
    for query in ["token", "access_token", "LOG_ADMIN_TOKEN", "authorization"] {
        let path = format!("/logs/clear?{query}={ADMIN}");
        stage.send(stage.request(Method::DELETE, &path)).await.expect_status(401);
    }
    assert!([INGEST, READ, ADMIN].iter().all(|secret| !stage.workerd.log().contains(secret)));
    assert_closed_and_well(&stage, "ours").await;
}

#[tokio::test]
async fn nothing_but_the_listed_origin_is_listed() {
    let Some(stage) = closed("ours").await else { return };
    for origin in [
        "https://app.example.com.evil.example",
        "https://app.example.com.evil",
        "https://app.example.comevil.example",
        "https://evil-app.example.com",
        "https://x.app.example.com",
        "https://example.com",
        "https://app-example.com",
        "https://appxexample.com",
        "http://app.example.com",
        "https://app.example.com/",
        "https://app.example.com/x",
        "https://app.example.com:443",
        "https://app.example.com:8443",
        "https://app.example.com.",
        "https://user@app.example.com",
        "https://app.example.com@evil.example",
        "https://evil.example/https://app.example.com",
        "https://evil.example#https://app.example.com",
        "https://evil.example, https://app.example.com",
        "https://app.example.com, https://evil.example",
        "https://app.example.com https://evil.example",
        "https://app.example.com%00",
        "app.example.com",
        "//app.example.com",
        "file://",
        "null",
        "*",
        "undefined",
        "http://localhost:3000",
        "http://127.0.0.1",
    ] {
        for token in [None, Some(INGEST), Some(ADMIN)] {
            let mut request = stage.request(Method::POST, "/log").header("Origin", origin);
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            // The client fails when the answer allows an origin that is not listed.
            let answer = stage.send(request.body(log("ours", "theirs").to_string())).await.expect_status(403);
            assert!(answer.error().contains("ALLOWED_ORIGINS"), "{}", answer.error());
        }
    }
    let empty = stage.send(stage.request(Method::POST, "/log").header("Origin", "").body("{}")).await;
    assert!(matches!(empty.status, 401 | 403), "{}", empty.text);
    // Schemes and hosts have no case: it is the same origin.
    let body = log("pages", "m").to_string();
    let (status, _) = raw(&stage, "POST", "/log", "Origin: HTTPS://App.Example.COM\r\n", &body).await;
    assert_eq!(status, 200);
    stage.post_as("application/json", &[("Origin", APP)], body).await.expect_status(200);
    assert_closed_and_well(&stage, "ours").await;
}
