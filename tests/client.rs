//! The log client at `/client.js`: its answers here, its behaviour by Node and Chromium (tests/js).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use reqwest::{Method, header::HeaderMap};
use support::{Setup, Stage, javascript};

async fn get(stage: &Stage, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, String) {
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let mut request = http.request(Method::GET, format!("{}{path}", stage.base()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.headers().clone(), answer.text().await.unwrap())
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn the_client_is_a_module_any_page_may_import_and_keep_by_its_hash() {
    let Some(stage) = Stage::start().await else { return };
    let (status, headers, text) = get(&stage, "/client.js", &[("Origin", "https://app.example.com")]).await;
    assert_eq!((status, header(&headers, "Content-Type")), (200, "text/javascript; charset=utf-8"));
    assert_eq!(header(&headers, "Access-Control-Allow-Origin"), "*");
    assert_eq!(header(&headers, "Cache-Control"), "public, max-age=300");
    assert!(text.contains("createLogger") && text.contains("captureConsole"));

    let hashed = header(&headers, "Content-Location");
    let (status, headers, same) = get(&stage, hashed, &[]).await;
    assert_eq!((status, header(&headers, "Cache-Control")), (200, "public, max-age=31536000, immutable"));
    assert_eq!(same, text);
    let known = header(&headers, "ETag").to_owned();
    let (status, _, body) = get(&stage, "/client.js", &[("If-None-Match", &known)]).await;
    assert_eq!((status, body.as_str()), (304, ""));

    let (status, headers, _) = get(&stage, "/client.0123456789abcdef.js", &[]).await;
    assert_eq!((status, header(&headers, "Location")), (302, "/client.js"));
    assert_eq!(header(&headers, "Cache-Control"), "no-store");
    assert_eq!(get(&stage, "/client.x.js", &[]).await.0, 404);
}

/// What JavaScript answers by itself names the same origins as what the compiled worker does (tests/routes.rs).
#[tokio::test]
async fn the_client_names_an_origin_below_a_listed_domain_and_no_other() {
    let listed = "https://app.example.com, https://*.preview.example.dev";
    let Some(stage) = Setup::generous().var("ALLOWED_ORIGINS", listed).start().await else { return };
    for (origin, named) in [
        ("https://APP.example.com", true),
        ("https://pr-7.preview.example.dev", true),
        ("https://a.b.Preview.example.dev", true),
        ("https://preview.example.dev", false),
        ("https://.preview.example.dev", false),
        ("https://apreview.example.dev", false),
        ("http://a.preview.example.dev", false),
        ("https://a.preview.example.dev:8443", false),
        ("https://evil.example/.preview.example.dev", false),
        ("https://*.preview.example.dev", false),
    ] {
        let (status, headers, _) = get(&stage, "/client.js", &[("Origin", origin)]).await;
        let allowed = header(&headers, "Access-Control-Allow-Origin");
        assert_eq!((status, allowed), (200, if named { origin } else { "" }), "{origin}");
    }
}

#[test]
fn the_client_does_what_its_types_say() {
    javascript(&["client.test.mjs"], &[]);
}

#[tokio::test]
async fn over_a_bad_network_every_log_is_stored_once_or_reported_as_dropped() {
    let Some(stage) = Stage::start().await else { return };
    let (base, redis, token) = (stage.base().to_owned(), stage.redis.url(), stage.redis.token().to_owned());
    let run = move || {
        let variables = [("BASE", base.as_str()), ("REDIS", redis.as_str()), ("REDIS_TOKEN", token.as_str())];
        javascript(&["client_faults.test.mjs"], &variables);
    };
    tokio::task::spawn_blocking(run).await.unwrap();
}
