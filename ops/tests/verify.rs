//! `ops verify` and `ops health` as a person meets them: the real program against the real worker.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;
#[path = "common/liar.rs"]
mod liar;
#[path = "common/worker.rs"]
mod worker;

use std::{
    process::{Output, Stdio},
    time::Duration,
};

use liar::Passing;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use ops::process::eventually;
use serde_json::{Value, json};
use worker::{Setup, TOKENS, Worker, finish, out, talk};

const PATIENCE: Duration = Duration::from_secs(30);

/// Where the time stands in a line of a report.
const TIME: std::ops::Range<usize> = 20..29;

/// A report as a person reads it, without what differs from run to run.
fn shown(worker: &Worker, output: &Output) -> String {
    let mut shown = String::new();
    for line in out(output).replace(&worker.workerd.url(), "[url]").lines() {
        let mut line = line.to_owned();
        if line.get(TIME).is_some_and(|time| time.ends_with(" ms")) {
            line.replace_range(TIME, "   [time]");
        } else if line.starts_with("[url]") {
            line.truncate(line.rfind(" in ").unwrap());
        }
        // Their number grows.
        if let Some(end) = line.find(" redaction patterns") {
            line.replace_range(TIME.end..end, "  [many]");
        }
        shown += &format!("{line}\n");
    }
    shown
}

fn report(output: &Output) -> Value {
    serde_json::from_str(out(output))
        .unwrap_or_else(|cause| panic!("{cause}: {}{}", out(output), talk(output)))
}

fn status_of<'a>(report: &'a Value, name: &str) -> &'a str {
    let checks = report["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == name);
    check.map_or("not made", |check| check["status"].as_str().unwrap())
}

fn names(report: &Value, status: &str) -> Vec<String> {
    let checks = report["checks"].as_array().unwrap().iter().filter(|check| check["status"] == status);
    checks.map(|check| check["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_good_worker_passes_and_keeps_nothing_of_the_test() {
    let worker = Setup::default().start().await;
    let output = worker.ops(&["verify"]).await;
    assert_eq!((output.status.code(), talk(&output)), (Some(0), ""), "{}", out(&output));
    insta::assert_snapshot!("verify", shown(&worker, &output));
    let output = worker.ops(&["verify", "--json", "--correlation-id", "a-run"]).await;
    let told = report(&output);
    assert!(told["ms"].as_u64().unwrap() < 5_000, "{told}");
    let planned = worker.ops(&["verify", "--dry-run"]).await;
    let planned = out(&planned)
        .trim_end()
        .split_once(": ")
        .unwrap()
        .1
        .replace("closed-reads, ", "")
        .replace("closed-clear, ", "");
    assert_eq!(planned, names(&told, "pass").join(", "));
    let traces = reqwest::get(format!("{}/traces/recent", worker.workerd.url())).await.unwrap();
    assert_eq!(traces.json::<Value>().await.unwrap()["count"], 0);
    assert_eq!(worker.health().await["components"]["buffer"]["totals"]["appended"], 14);
}

#[tokio::test]
async fn as_json_the_report_has_the_same_fields_always() {
    let worker = Setup::default().start().await;
    let output = worker.ops(&["health", "--json", "--correlation-id", "a-run"]).await;
    let mut told = report(&output);
    told["url"] = json!("[url]");
    for path in ["/ms", "/latency/p50_ms", "/latency/max_ms"] {
        *told.pointer_mut(path).unwrap() = json!("[time]");
    }
    for check in told["checks"].as_array_mut().unwrap() {
        check["ms"] = json!("[time]");
        if check["name"] == "log-processor" {
            check["detail"] = json!("[many] redaction patterns");
        }
    }
    insta::assert_snapshot!("health_json", serde_json::to_string_pretty(&told).unwrap());
}

#[tokio::test]
async fn a_stopped_server_is_one_line_and_a_hint() {
    let mut worker = Setup::default().start().await;
    worker.workerd.kill9();
    let url = worker.workerd.url();
    let said = format!(
        "error: {url} does not answer: connection refused\nhint: start it in another terminal: cargo run -p ops -- dev\n"
    );
    for command in ["verify", "health"] {
        let output = worker.ops(&[command]).await;
        assert_eq!((output.status.code(), out(&output), talk(&output)), (Some(1), "", said.as_str()));
    }
    let output = worker.ops(&["verify", "--json"]).await;
    assert_eq!((output.status.code(), talk(&output)), (Some(1), said.as_str()));
    assert_eq!(names(&report(&output), "fail"), ["reachable"]);
}

#[tokio::test]
async fn production_says_what_it_could_not_look_at_without_tokens() {
    let worker = Setup::production().start().await;
    let output = worker.ops(&["verify", "--env", "production"]).await;
    assert_eq!((output.status.code(), talk(&output)), (Some(2), ""));
    insta::assert_snapshot!("production_without_tokens", shown(&worker, &output));

    let mut command = worker.command(&["verify", "--env", "production", "--deep", "--verbose"]);
    for (name, (_, token)) in ["OPS_INGEST_TOKEN", "OPS_READ_TOKEN", "OPS_ADMIN_TOKEN"].iter().zip(TOKENS) {
        command.env(name, token);
    }
    let output = finish(command).await;
    assert_eq!(output.status.code(), Some(2), "{}", out(&output));
    insta::assert_snapshot!("production_with_tokens", shown(&worker, &output));
    for (_, token) in TOKENS {
        assert!(!out(&output).contains(token) && !talk(&output).contains(token));
    }
}

#[tokio::test]
async fn in_production_a_wrong_token_fails_and_a_deep_look_needs_a_yes() {
    let worker = Setup::production().start().await;
    let run = async |arguments: &[&str], read: &str| {
        let mut command = worker.command(arguments);
        command.args(["--json", "--env", "production"]);
        command
            .env("OPS_INGEST_TOKEN", TOKENS[0].1)
            .env("OPS_READ_TOKEN", read)
            .env("OPS_ADMIN_TOKEN", TOKENS[2].1);
        finish(command).await
    };
    let wrong = run(&["verify"], "another-token-0123456789").await;
    assert_eq!(wrong.status.code(), Some(1));
    assert!(names(&report(&wrong), "fail").contains(&"read-back".to_owned()), "{}", out(&wrong));
    assert!(!out(&wrong).contains("another-token"));
    let deep = run(&["verify", "--deep", "--yes"], TOKENS[1].1).await;
    assert_eq!(
        (deep.status.code(), status_of(&report(&deep), "trace-limit")),
        (Some(0), "pass"),
        "{}",
        out(&deep)
    );
}

#[tokio::test]
async fn nothing_is_written_to_a_worker_that_was_not_asked_for() {
    let worker = Setup::default().start().await;
    for arguments in
        [&["--env", "production"][..], &["--version", "another", "--timeout", "1s"], &["--read-only"]]
    {
        let mut all = vec!["verify", "--json"];
        all.extend(arguments);
        let told = report(&worker.ops(&all).await);
        assert_eq!(status_of(&told, "log"), "not made", "{arguments:?}: {told}");
        let wrong = names(&told, "fail");
        match arguments[0] {
            "--env" => assert_eq!(wrong, ["environment"]),
            "--version" => assert_eq!(wrong, ["version", "objects"]),
            _ => assert_eq!((wrong.len(), status_of(&told, "cors-errors")), (0, "pass")),
        }
    }
    assert_eq!(worker.health().await["components"]["buffer"]["totals"]["appended"], 0);
}

#[tokio::test]
async fn a_version_is_waited_for_until_it_serves_everywhere() {
    let before = Setup::default().version("before").start().await;
    let port = before.workerd.url().rsplit(':').next().unwrap().parse().unwrap();
    let mut waiting = before.command(&["verify", "--version", "after", "--json", "--timeout", "60s"]);
    let waiting = waiting.stdout(Stdio::piped()).spawn().unwrap();
    let asked = || async { before.redis.stats().commands > 2 };
    assert!(eventually(PATIENCE, asked).await, "it asks the worker, which asks Redis for its health");
    drop(before);
    let _after = Setup::default().version("after").port(port).start().await;
    let output = tokio::task::spawn_blocking(|| waiting.wait_with_output().unwrap()).await.unwrap();
    let told = report(&output);
    assert_eq!((output.status.code(), status_of(&told, "objects")), (Some(0), "pass"), "{told}");
    assert_eq!(told["version"]["id"], "after");
}

#[tokio::test]
async fn an_interrupted_look_removes_its_logs() {
    let worker = Setup::default().start().await;
    let (held, holds) = std::sync::mpsc::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let ends = std::sync::Mutex::new(released);
    // The answer about the trace, which comes after four logs were posted, is held back.
    let liar = liar::serve(worker.workerd.url(), move |passing| {
        if passing.is("GET /traces/recent") && passing.query.contains("50") {
            held.send(()).unwrap();
            let _ = ends.lock().unwrap().recv_timeout(PATIENCE);
        }
    })
    .await;
    let state = tempfile::tempdir().unwrap();
    let mut command = worker::ops(state.path());
    let running = command.args(["verify", "--json", "--url", &liar]).stdout(Stdio::piped()).spawn().unwrap();
    tokio::task::spawn_blocking(move || holds.recv_timeout(PATIENCE).unwrap()).await.unwrap();
    kill(Pid::from_raw(running.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    let output = tokio::task::spawn_blocking(|| running.wait_with_output().unwrap()).await.unwrap();
    drop(release);
    let told = report(&output);
    assert_eq!((output.status.code(), status_of(&told, "cleanup")), (Some(1), "pass"), "{told}");
    assert_eq!(names(&told, "fail"), ["interrupted"]);
    let traces = reqwest::get(format!("{}/traces/recent", worker.workerd.url())).await.unwrap();
    assert_eq!(traces.json::<Value>().await.unwrap()["count"], 0);
}

/// Changes the JSON of answers to this route.
fn change(
    route: &'static str,
    change: impl Fn(&mut Value) + Send + Sync + 'static,
) -> impl Fn(&mut Passing) + Send + Sync {
    move |passing| {
        if passing.is(route) {
            let mut body = passing.json();
            change(&mut body);
            passing.body = body.to_string();
        }
    }
}

fn without(passing: &mut Passing, header: &str) {
    passing.headers.retain(|(name, _)| name != header);
}

/// Each broken promise is found by the check that is named after it.
#[tokio::test]
async fn every_broken_promise_has_a_check_that_finds_it() {
    type Lie = Box<dyn Fn(&mut Passing) + Send + Sync>;
    let lies: Vec<(&str, Lie)> = vec![
        ("identity", Box::new(change("GET /", |home| home["service"] = json!("another")))),
        (
            "identity",
            Box::new(|passing| {
                if passing.is("GET /health") {
                    passing.body = "<html>".into();
                }
            }),
        ),
        (
            "environment",
            Box::new(change("GET /health", |health| health["environment"] = json!("production"))),
        ),
        (
            "objects",
            Box::new(change("GET /health", |health| {
                health["components"]["buffer"]["shards"][0]["version"] = json!("old");
            })),
        ),
        (
            "objects",
            Box::new(change("GET /health", |health| {
                health["components"]["rate_limiter"]["version"] = json!("old");
            })),
        ),
        (
            "configuration",
            Box::new(change("GET /health", |health| health["configuration"] = json!(["X must be y"]))),
        ),
        (
            "redis",
            Box::new(change("GET /health", |health| {
                health["components"]["redis"]["status"] = json!("unhealthy")
            })),
        ),
        (
            "rate-limiter",
            Box::new(change("GET /health", |health| {
                health["components"]["rate_limiter"]["status"] = json!("degraded");
            })),
        ),
        (
            "log-processor",
            Box::new(change("GET /health", |health| {
                health["components"]["log_processor"]["redaction_patterns"] = json!(0);
            })),
        ),
        (
            "buffer",
            Box::new(change("GET /health", |health| {
                health["components"]["buffer"] =
                    json!({"status": "healthy", "waiting": 5, "oldest_waiting_ms": 90_000});
            })),
        ),
        (
            "cors-preflight",
            Box::new(|passing| {
                if passing.route.starts_with("OPTIONS") {
                    without(passing, "access-control-allow-origin");
                }
            }),
        ),
        (
            "cors-errors",
            Box::new(|passing| {
                if passing.status == 404 {
                    without(passing, "access-control-allow-origin");
                }
            }),
        ),
        (
            "malformed",
            Box::new(|passing| passing.status = if passing.status == 400 { 500 } else { passing.status }),
        ),
        ("malformed", Box::new(|passing| passing.body = passing.body.replace("level must be one of", "bad"))),
        (
            "log",
            Box::new(|passing| {
                if passing.is("POST /log") && passing.request.contains("convex") {
                    passing.status = 500;
                }
            }),
        ),
        (
            "read-back",
            Box::new(change("GET /logs", |answer| drop(answer["logs"].as_array_mut().unwrap().pop()))),
        ),
        (
            "read-back",
            Box::new(change("GET /logs", |answer| answer["logs"].as_array_mut().unwrap().reverse())),
        ),
        (
            "read-back",
            Box::new(change("GET /logs", |answer| {
                let first = answer["logs"][0].clone();
                answer["logs"].as_array_mut().unwrap().push(first);
            })),
        ),
        ("read-back", Box::new(|passing| passing.body = passing.body.replace("zwei", "drei"))),
        (
            "recent-trace",
            Box::new(change("GET /traces/recent", |answer| answer["traces"][0]["hasErrors"] = json!(false))),
        ),
        ("recent-trace", Box::new(change("GET /traces/recent", |answer| answer["traces"] = json!([])))),
        (
            "redaction",
            Box::new(|passing| {
                if passing.is("GET /logs") {
                    passing.body = passing.body.replace("[REDACTED]", "");
                }
            }),
        ),
        ("noise", Box::new(|passing| passing.body = passing.body.replace("suppressed", "kept"))),
        (
            "quota",
            Box::new(change("POST /log", |answer| {
                if answer["remaining_quota"].is_u64() {
                    answer["remaining_quota"] = json!(7);
                }
            })),
        ),
        (
            "trace-limit",
            Box::new(change("GET /health", |health| {
                health["components"]["rate_limiter"]["config"]["per_trace_limit"] = json!(50);
            })),
        ),
        (
            "cleanup",
            Box::new(|passing| {
                passing.status = if passing.is("DELETE /logs/clear") { 500 } else { passing.status }
            }),
        ),
    ];
    let generous = [
        "RATE_LIMIT_GLOBAL",
        "RATE_LIMIT_BROWSER",
        "RATE_LIMIT_CONVEX",
        "RATE_LIMIT_WORKER",
        "RATE_LIMIT_MANUAL",
    ];
    let setup = generous.iter().fold(Setup::default(), |setup, quota| setup.var(quota, "100000"));
    let worker = setup.var("RATE_LIMIT_TRACE", "60").start().await;
    for (number, (check, lie)) in lies.into_iter().enumerate() {
        let liar = liar::serve(worker.workerd.url(), lie).await;
        let state = tempfile::tempdir().unwrap();
        let mut command = worker::ops(state.path());
        command.args(["verify", "--deep", "--json", "--env", "development", "--url", &liar]);
        let output = finish(command).await;
        let told = report(&output);
        assert!(["fail", "warn"].contains(&status_of(&told, check)), "lie {number}, {check}: {told}");
        assert_ne!(output.status.code(), Some(0), "lie {number}, {check}");
        let hint =
            told["checks"].as_array().unwrap().iter().find(|c| c["name"] == check).unwrap()["hint"].as_str();
        assert!(hint.is_some_and(|hint| hint.len() > 10), "lie {number}, {check}: {told}");
    }
}

/// Promises of production alone.
#[tokio::test]
async fn a_production_that_is_open_is_found() {
    let worker = Setup::production().start().await;
    let open = |route: &'static str| {
        move |passing: &mut Passing| {
            if passing.is(route) && !passing.authorized {
                passing.status = 200;
            }
        }
    };
    for (route, check, status) in [
        ("GET /logs", "closed-reads", "warn"),
        ("GET /traces/recent", "closed-reads", "warn"),
        ("DELETE /logs/clear", "closed-clear", "fail"),
    ] {
        let liar = liar::serve(worker.workerd.url(), open(route)).await;
        let state = tempfile::tempdir().unwrap();
        let mut command = worker::ops(state.path());
        command.args(["verify", "--json", "--url", &liar]);
        command.env("OPS_INGEST_TOKEN", TOKENS[0].1).env("OPS_ADMIN_TOKEN", TOKENS[2].1);
        let told = report(&finish(command).await);
        assert_eq!(status_of(&told, check), status, "{route}: {told}");
    }
}
