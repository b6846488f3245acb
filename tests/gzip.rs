//! Packed bodies: taken like others, and no way to make the worker unpack more than it would take unpacked.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use flate2::{Compression, write::GzEncoder};
use serde_json::json;
use std::io::Write;
use support::attack::assert_well;
use support::{Client, Response, fresh_trace, log, shared};

const MIB: usize = 1 << 20;

fn packed(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

async fn post(worker: &Client, content_type: &str, body: Vec<u8>) -> Response {
    worker.post_as(content_type, &[("Content-Encoding", "gzip")], body).await
}

/// A batch of one trace, of logs that look alike as logs do.
fn batch(trace: &str, logs: usize) -> String {
    let line = |n: usize| json!({ "trace_id": trace, "id": format!("{n}"), "message": format!("GET /orders/{n} 200 in {} ms", n * 7 % 90), "level": "info" });
    let lines: Vec<String> = (0..logs).map(|n| line(n).to_string()).collect();
    lines.join("\n")
}

/// Text that does not pack well.
fn noise(bytes: usize) -> String {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(
            b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"[(state >> 58) as usize],
        )
    };
    (0..bytes).map(|_| next()).collect()
}

#[tokio::test]
async fn a_packed_body_is_taken_like_any_other() {
    let worker = shared().await;
    let trace = fresh_trace();
    let one = log(&trace, "packed").to_string();
    for content_type in ["application/json", "text/plain", ""] {
        post(&worker, content_type, packed(one.as_bytes())).await.expect_status(200);
    }
    for encoding in ["GZIP", "x-gzip"] {
        let body = packed(one.as_bytes());
        worker.post_as("application/json", &[("Content-Encoding", encoding)], body).await.expect_status(200);
    }
    assert_eq!(worker.messages(&trace).await.len(), 5);
    let many = batch(&trace, 1_000);
    let small = packed(many.as_bytes());
    assert!(small.len() * 10 < many.len(), "{} of {}", small.len(), many.len());
    let answer = post(&worker, "application/x-ndjson", small).await.expect_status(200);
    assert_eq!(answer.json["accepted"], 1_000);
    let large = json!({ "trace_id": trace, "message": noise(MIB), "level": "log" }).to_string();
    post(&worker, "application/json", packed(large.as_bytes())).await.expect_status(200);
    assert_eq!(worker.messages(&trace).await.len(), 1_006);
}

/// An error in a loop: hundreds of logs that are alike, stack and all.
#[tokio::test]
async fn logs_that_are_all_alike_are_taken_however_tightly_they_are_packed() {
    let worker = shared().await;
    let trace = fresh_trace();
    let frame = "    at renderWithHooks (webpack://app/./node_modules/react-dom/cjs/react-dom.development.js:14985:18)\n";
    let one = json!({ "trace_id": trace, "message": "Cannot read properties of undefined", "stack": frame.repeat(40), "level": "error" });
    let logs = json!(vec![one; 400]).to_string();
    let body = packed(logs.as_bytes());
    assert!(body.len() * 100 < logs.len(), "{} of {}", body.len(), logs.len());
    let answer = post(&worker, "application/json", body).await.expect_status(200);
    assert_eq!(answer.json["accepted"], 400);
    assert_eq!(worker.messages(&trace).await.len(), 400);
}

#[tokio::test]
async fn a_body_that_unpacks_to_too_much_is_413() {
    let worker = shared().await;
    let zeros = packed(&vec![b'0'; 64 * MIB]);
    let large = packed(noise(9 * MIB).as_bytes());
    for body in [&zeros, &large] {
        let answer = post(&worker, "application/json", body.clone()).await.expect_status(413);
        assert!(answer.error().contains("larger than 8388608 bytes"), "{}", answer.error());
    }
    let bombs: Vec<_> = (0..24)
        .map(|_| {
            let (client, body) = (worker.again(), zeros.clone());
            tokio::spawn(async move { post(&client, "application/json", body).await.status })
        })
        .collect();
    assert_well(&worker).await;
    for bomb in bombs {
        // Too large, or too much at once: they share the room there is for bodies.
        assert!(matches!(bomb.await.unwrap(), 413 | 503));
    }
    assert_well(&worker).await;
}

#[tokio::test]
async fn what_is_no_gzip_is_400() {
    let worker = shared().await;
    let trace = fresh_trace();
    let whole = packed(batch(&trace, 100).as_bytes());
    let mut corrupt = whole.clone();
    let middle = corrupt.len() / 2;
    corrupt[middle] ^= 0xff;
    let cases = [
        log(&trace, "plain").to_string().into_bytes(),
        whole[..whole.len() - 1].to_vec(),
        whole[..middle].to_vec(),
        corrupt,
        [&whole[..], b"more"].concat(),
        b"\x1f\x8b".to_vec(),
    ];
    for body in cases {
        let answer = post(&worker, "application/x-ndjson", body).await.expect_status(400);
        assert_eq!(answer.error(), "body is not gzip, as its Content-Encoding says");
    }
    let empty = post(&worker, "application/json", Vec::new()).await.expect_status(400);
    assert!(!empty.error().is_empty());
    let twice = post(&worker, "application/json", packed(&whole)).await.expect_status(400);
    assert!(twice.error().contains("not JSON"), "{}", twice.error());
    assert_eq!(worker.messages(&trace).await, Vec::<String>::new());
}
