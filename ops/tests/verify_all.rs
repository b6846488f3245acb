//! `ops verify --all`: what stands around the worker. The app, Convex and the providers are a server on loopback that
//! answers as they do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;
#[path = "common/worker.rs"]
mod worker;

use std::{convert::Infallible, fs};

use base64::{Engine, engine::general_purpose};
use http_body_util::Full;
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use worker::{Setup, TOKENS, Worker, finish, out, talk};

/// What the providers know: GitHub's app, Google's app, and Google's only callback.
const GITHUB_ID: &str = "Iv1.0123456789abcdef";
const GOOGLE_ID: &str = "1234-abc.apps.googleusercontent.com";

async fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service_fn(|request| async move { Ok::<_, Infallible>(answer(&request)) });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    url
}

fn answer(request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let host = request.headers()["host"].to_str().unwrap();
    let asked = reqwest::Url::parse(&format!("http://{host}{}", request.uri())).unwrap();
    let value = |name: &str| {
        asked
            .query_pairs()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    let to = |location: String| {
        Response::builder().status(302).header("location", location).body(Full::default()).unwrap()
    };
    let status = |status: u16| Response::builder().status(status).body(Full::default()).unwrap();
    match asked.path() {
        "/app" => to("/app/sign-in".into()),
        "/convex/version" => status(200),
        // To its login page, which is to lead back here.
        "/github" if value("client_id") == GITHUB_ID => {
            let mut login = asked.join("/login").unwrap();
            let back = format!("/login/oauth/authorize?{}", asked.query().unwrap());
            login.query_pairs_mut().append_pair("client_id", GITHUB_ID).append_pair("return_to", &back);
            to(login.into())
        }
        "/google" => {
            let error = |code: &str| {
                let packed =
                    [b"\n\x15", code.as_bytes(), b"\x12\xb0\x01\nYou can't sign in to this app"].concat();
                to(format!(
                    "/signin/oauth/error?authError={}",
                    general_purpose::URL_SAFE_NO_PAD.encode(packed)
                ))
            };
            match (
                value("client_id") == GOOGLE_ID,
                value("redirect_uri").starts_with(&format!("http://{host}/convex")),
            ) {
                (false, _) => error("invalid_client"),
                (true, false) => error("redirect_uri_mismatch"),
                (true, true) => to(format!("/v3/signin/identifier?{}", asked.query().unwrap())),
            }
        }
        _ => status(404),
    }
}

/// A source whose production is as it should be.
fn source(server: &str, worker: &str) -> String {
    let rows = [
        ("NEXTJS", "NEXT_PUBLIC_APP_URL", "http://localhost:3000".to_owned(), format!("{server}/app")),
        ("NEXTJS", "NEXT_PUBLIC_CONVEX_URL", "https://dev-1.convex.cloud".into(), format!("{server}/convex")),
        ("NEXTJS", "NEXT_PUBLIC_LOG_WORKER_URL", "http://localhost:8787".into(), worker.to_owned()),
        ("CONVEX", "LOG_WORKER_URL", "http://localhost:8787".into(), format!("{worker}/")),
        ("CONVEX", "GITHUB_REDIRECT_URI", String::new(), format!("{server}/app/github")),
        ("CONVEX", "AUTH_GITHUB_ID", "Iv1.of-development".into(), GITHUB_ID.into()),
        ("CONVEX", "CONVEX_SITE_URL", String::new(), format!("{server}/convex-site")),
        ("CONVEX", "GOOGLE_REDIRECT_URI", String::new(), format!("{server}/convex/google")),
        ("CONVEX", "AUTH_GOOGLE_ID", "of-development".into(), GOOGLE_ID.into()),
        ("LOG_WORKER", "ALLOWED_ORIGINS", String::new(), server.to_owned()),
    ];
    let rows: String = rows
        .iter()
        .map(|(target, key, dev, prod)| format!("| {target} | g | {key} | {dev} | {prod} |\n"))
        .collect();
    format!("| TARGET | GROUP | KEY | DEV_VALUE | PROD_VALUE |\n|---|---|---|---|---|\n{rows}")
}

async fn all(worker: &Worker, server: &str, source: &str) -> (Option<i32>, Value, String) {
    let file = worker.state.path().join("source.env");
    fs::write(&file, source).unwrap();
    let mut command = worker.command(&["verify", "--env", "production", "--all", "--read-only", "--json"]);
    command
        .env("OPS_ADMIN_TOKEN", TOKENS[2].1)
        .env("OPS_CONFIG_SOURCE", &file)
        .env("OPS_GITHUB_AUTHORIZE_URL", format!("{server}/github"))
        .env("OPS_GOOGLE_AUTHORIZE_URL", format!("{server}/google"));
    let output = finish(command).await;
    let told: Value = serde_json::from_str(out(&output)).unwrap_or_else(|_| panic!("{}", talk(&output)));
    (output.status.code(), told, talk(&output).to_owned())
}

fn check<'a>(told: &'a Value, name: &str) -> &'a Value {
    let checks = told["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no {name}: {told}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_around_the_worker_is_looked_at_and_what_is_wrong_is_named() {
    let (worker, server) = (Setup::production().start().await, serve().await);
    let url = worker.workerd.url();
    let good = source(&server, &url);
    let (exit, told, talk) = all(&worker, &server, &good).await;
    assert_eq!((exit, told["exit"].as_u64()), (Some(0), Some(0)), "{told:#}\n{talk}");
    for name in ["source", "app", "convex", "addresses", "oauth-github", "oauth-google", "reachable", "redis"]
    {
        assert_eq!(check(&told, name)["status"], "pass", "{name}: {told:#}");
    }

    let elsewhere = format!("{server}/elsewhere");
    for (was, is, name, status, says) in [
        (format!("{server}/app |"), format!("{elsewhere} |"), "app", "fail", "answers 404"),
        (format!("{server}/app |"), " |".into(), "app", "skip", "does not say where the app answers"),
        (
            format!("{server}/convex |"),
            format!("{elsewhere} |"),
            "convex",
            "fail",
            "elsewhere/version answers 404",
        ),
        (
            format!("| {url}/ |"),
            "| http://localhost:8787 |".into(),
            "addresses",
            "fail",
            "LOG_WORKER_URL (line 6) is not",
        ),
        (
            format!("| {server} |"),
            "| https://other.example |".into(),
            "addresses",
            "fail",
            "ALLOWED_ORIGINS does not list",
        ),
        (
            format!("{GITHUB_ID} |"),
            " |".into(),
            "oauth-github",
            "fail",
            "AUTH_GITHUB_ID (line 8) has no value for production",
        ),
        (
            format!("{GITHUB_ID} |"),
            "Iv1.unknown |".into(),
            "oauth-github",
            "fail",
            "GitHub does not know AUTH_GITHUB_ID",
        ),
        (
            "Iv1.of-development".into(),
            GITHUB_ID.into(),
            "oauth-github",
            "warn",
            "the same in both environments",
        ),
        (format!("{GOOGLE_ID} |"), "other |".into(), "oauth-google", "fail", "invalid_client"),
        (
            format!("{server}/convex/google"),
            elsewhere.clone(),
            "oauth-google",
            "fail",
            "redirect_uri_mismatch",
        ),
        (
            "| CONVEX | g | AUTH_GITHUB_ID".into(),
            "| CONVEX | g AUTH_GITHUB_ID".into(),
            "source",
            "fail",
            "line 8",
        ),
    ] {
        assert!(good.contains(&was), "{was}\n{good}");
        let (exit, told, _) = all(&worker, &server, &good.replace(&was, &is)).await;
        let found = check(&told, name);
        assert_eq!(found["status"], status, "{was} -> {is}: {told:#}");
        assert!(found["detail"].as_str().unwrap().contains(says), "{says}: {found}");
        let wanted = if status == "fail" { 1 } else { 2 };
        assert_eq!((exit, told["exit"].as_i64()), (Some(wanted), Some(i64::from(wanted))), "{told:#}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_source_that_is_said_and_without_an_environment_nothing_is_asked() {
    let worker = Setup::default().start().await;
    let nowhere = worker.state.path().join("nowhere.env");
    let mut command = worker.command(&["verify", "--env", "development", "--all", "--read-only"]);
    command.env("OPS_CONFIG_SOURCE", &nowhere);
    let output = finish(command).await;
    assert_eq!(output.status.code(), Some(2), "{}", out(&output));
    assert!(
        out(&output).contains("  -- source ") && out(&output).contains("ops config init"),
        "{}",
        out(&output)
    );
    let output = worker.ops(&["verify", "--all"]).await;
    assert_eq!(output.status.code(), Some(64), "{}", talk(&output));
}
