//! OpenTelemetry: its own SDK posts, and what it sent is read back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use std::process::Command;
use support::{Client, Response, Setup, missing, node, now_ms, project, shared};

/// Runs the SDK; returns what it logged of itself, or nothing where it is not installed.
async fn export(worker: &Client, trace: &str, compression: &str, large: &str) -> Option<Vec<Value>> {
    if !project().join("node_modules/@opentelemetry/exporter-logs-otlp-http").exists() {
        missing("node_modules is missing: run scripts/setup");
        return None;
    }
    let mut command = Command::new(node());
    command.arg(project().join("tests/fixtures/otlp.mjs")).args([worker.base(), trace, compression, large]);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let said = serde_json::from_slice(&output.stdout);
    Some(said.unwrap_or_else(|cause| panic!("{cause}: {}", String::from_utf8_lossy(&output.stderr))))
}

/// A trace id nobody has used, of OpenTelemetry's form.
fn fresh_otlp_trace() -> String {
    support::fresh_trace().bytes().rev().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// A request of these records.
fn request(records: &[Value]) -> String {
    json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": records }] }] }).to_string()
}

fn record(trace: &str, message: &str) -> Value {
    json!({
        "traceId": trace, "severityNumber": 9, "body": { "stringValue": message },
        "timeUnixNano": (now_ms() * 1_000_000).to_string(),
    })
}

async fn post(worker: &Client, content_type: &str, body: impl Into<reqwest::Body>) -> Response {
    let request = worker.request(Method::POST, "/v1/logs").header("Content-Type", content_type);
    worker.send(request.body(body)).await
}

#[tokio::test]
async fn what_the_sdk_sends_is_read_back_whole() {
    let worker = shared().await;
    for compression in ["none", "gzip"] {
        let trace = fresh_otlp_trace();
        let Some(said) = export(&worker, &trace, compression, "").await else { return };
        assert_eq!(said, Vec::<Value>::new(), "the SDK complains");
        let entries = worker.entries(&trace).await;
        let field = |name: &str| entries.iter().map(|entry| entry[name].clone()).collect::<Vec<_>>();
        let body = r#"{"order":7,"price":0.5,"paid":false,"items":["a",{"b":null}],"raw":"AQID"}"#;
        assert_eq!(field("message"), [json!("grüße 🦀"), json!(body), json!("cart.emptied")]);
        assert_eq!(field("level"), ["log", "error", "warn"]);
        assert_eq!(field("user_id"), [Value::Null, json!("u1"), Value::Null]);
        assert_eq!(entries[1]["stack"], "Error\n  at x");
        let context = &entries[1]["context"];
        assert_eq!(context["body"]["items"], json!(["a", { "b": null }]));
        assert_eq!(context["attributes"]["list"], json!([1, 2]));
        assert_eq!(context["attributes"]["password"], "[REDACTED]");
        assert_eq!((&context["span_id"], &context["flags"]), (&json!("eee19b7ec3c1b174"), &json!(1)));
        assert_eq!(context["scope"], json!({ "name": "checkout", "version": "1.2.3" }));
        let resource = &context["resource"]["attributes"];
        assert_eq!((&resource["service.name"], &resource["process.pid"]), (&json!("shop"), &json!(42)));
        assert_eq!(entries[0]["context"]["severity_text"], "DEBUG");
        assert!(entries.iter().all(|entry| (now_ms() - entry["timestamp"].as_i64().unwrap()).abs() < 60_000));
        let outside = worker.messages("service:shop").await;
        assert!(outside.contains(&"outside any trace".to_owned()), "{outside:?}");
    }
}

#[tokio::test]
async fn partial_success_is_what_the_sdk_logs() {
    let worker = shared().await;
    let trace = fresh_otlp_trace();
    let Some(said) = export(&worker, &trace, "none", "1600000").await else { return };
    let [warning] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!(
        (&warning["level"], &warning["words"][0]),
        (&json!("warn"), &json!("Received Partial Success response:"))
    );
    let told: Value = serde_json::from_str(warning["words"][1].as_str().unwrap()).unwrap();
    assert_eq!(told["rejectedLogRecords"], "1");
    assert!(told["errorMessage"].as_str().unwrap().starts_with("record 4: log is 16"), "{told}");
    assert_eq!(worker.entries(&trace).await.len(), 3, "the others are there");
}

#[tokio::test]
async fn a_request_that_is_sent_again_stores_nothing_twice() {
    let worker = shared().await;
    let trace = fresh_otlp_trace();
    let alike = record(&trace, "tick");
    let body = request(&[alike.clone(), alike, record(&trace, "tock"), record(&trace, "[HMR] noise")]);
    for _ in 0..3 {
        let answer = post(&worker, "application/json", body.clone()).await.expect_status(200);
        assert_eq!(answer.text, "{}");
    }
    assert_eq!(worker.messages(&trace).await, ["tick", "tick", "tock"]);
}

#[tokio::test]
async fn what_may_be_taken_later_is_refused_as_a_whole_and_may_be_sent_again() {
    let Some(stage) = Setup::generous().var("RATE_LIMIT_TRACE", "2").start().await else { return };
    let trace = fresh_otlp_trace();
    let records: Vec<Value> = (0..3).map(|n| record(&trace, &n.to_string())).collect();
    for _ in 0..2 {
        let answer = post(&stage, "application/json", request(&records)).await.expect_status(429);
        assert_eq!(answer.json, json!({ "message": format!("Per-trace rate limit exceeded for {trace}") }));
        assert!(answer.header("Retry-After").is_some_and(|wait| wait.parse::<u32>().unwrap() > 0));
    }
    assert_eq!(stage.messages(&trace).await, ["0", "1"]);
    let answer = post(&stage, "application/json", request(&records[..2])).await.expect_status(200);
    assert_eq!(answer.text, "{}");

    let Some(nowhere) = Setup::generous().without("UPSTASH_REDIS_REST_TOKEN").start().await else { return };
    let answer = post(&nowhere, "application/json", request(&records)).await.expect_status(503);
    assert!(answer.json["message"].as_str().unwrap().contains("UPSTASH_REDIS_REST_URL"), "{}", answer.text);
    assert_eq!(answer.header("Retry-After"), Some("5"));
}

#[tokio::test]
async fn what_is_no_export_is_refused_in_opentelemetrys_form() {
    let worker = shared().await;
    for (content_type, body, status, message) in [
        ("application/x-protobuf", "\n\0", 415, "OTEL_EXPORTER_OTLP_PROTOCOL=http/json"),
        ("text/plain", "{}", 415, "text/plain"),
        ("application/json", "", 400, "ExportLogsServiceRequest"),
        ("application/json", r#"{"resourceLogs":7}"#, 400, "resourceLogs must be an array"),
        ("application/json", "[]", 400, "ExportLogsServiceRequest"),
    ] {
        let answer = post(&worker, content_type, body).await.expect_status(status);
        let said = answer.json["message"].as_str().unwrap_or_default();
        assert!(said.contains(message), "{content_type} {body}: {}", answer.text);
        assert_eq!(answer.json.as_object().unwrap().len(), 1, "{}", answer.text);
    }
    let many = vec![json!({}); 1_001];
    post(&worker, "application/json", request(&many)).await.expect_status(413);
    for empty in ["{}", r#"{"resourceLogs":[]}"#] {
        assert_eq!(post(&worker, "application/json", empty).await.expect_status(200).text, "{}");
    }
}
