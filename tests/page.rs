//! The trace page at `/`: its answer here, what it works out by Node, what people see of it by Chromium (tests/js).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use support::{Setup, Stage, javascript, project};

const TOKEN: &str = "read-token-0123456789";

#[tokio::test]
async fn a_browser_gets_the_page_under_a_policy_that_names_its_script_and_style() {
    let Some(stage) = Stage::start().await else { return };
    let ask = |known: &'static str| {
        let request = reqwest::Client::new().get(stage.base()).header("If-None-Match", known);
        request.header("Accept", "text/html,application/xhtml+xml,*/*;q=0.8").send()
    };
    let answer = ask("").await.unwrap();
    assert_eq!(answer.status(), 200);
    let header =
        |name: &str| answer.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    assert_eq!(header("Content-Type"), "text/html; charset=utf-8");
    assert_eq!((header("Vary").as_str(), header("Cache-Control").as_str()), ("Accept", "no-cache"));
    assert_eq!(
        (header("Referrer-Policy").as_str(), header("X-Content-Type-Options").as_str()),
        ("no-referrer", "nosniff")
    );
    let policy = header("Content-Security-Policy");
    for part in ["default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(policy.contains("script-src 'sha256-") && policy.contains("style-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    let etag = header("ETag");
    let page = answer.text().await.unwrap();
    assert!(page.starts_with("<!doctype html>"));
    for outside in ["http-equiv", "<link rel=\"stylesheet", " src=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}: the page is one file");
    }
    let known: &'static str = etag.leak();
    assert_eq!(ask(known).await.unwrap().status(), 304);
}

#[test]
fn the_page_works_out_what_a_trace_says() {
    javascript(&["page.test.mjs"], &[]);
}

#[tokio::test]
async fn people_see_follow_and_take_away_their_logs() {
    let Some(open) = Stage::start().await else { return };
    let closed = Setup::generous().production().var("LOG_READ_TOKEN", TOKEN);
    let Some(closed) = closed.start().await else { return };
    let (base, production) = (open.base().to_owned(), closed.base().to_owned());
    let run = move || {
        let shots = project().join("target/page");
        std::fs::create_dir_all(&shots).unwrap();
        let shots = shots.to_string_lossy();
        let variables =
            [("BASE", base.as_str()), ("PRODUCTION", &production), ("TOKEN", TOKEN), ("SHOTS", &shots)];
        javascript(&["page_use.test.mjs", "page_care.test.mjs"], &variables);
    };
    tokio::task::spawn_blocking(run).await.unwrap();
}
