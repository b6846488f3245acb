//! What the attacks share: a worker that is closed to all but its tokens, and requests no client would write.

use super::{Client, Setup, Stage, fresh_trace, log};

/// What servers post with.
pub const INGEST: &str = "ingest-token-0123456789";
/// What opens reads.
pub const READ: &str = "read-token-0123456789";
/// What opens everything.
pub const ADMIN: &str = "admin-token-0123456789";
/// The one listed origin.
pub const APP: &str = "https://app.example.com";

/// Fails unless the worker takes and returns a log as usual.
pub async fn assert_well(worker: &Client) {
    let trace = fresh_trace();
    worker.post(log(&trace, "still here")).await.expect_status(200);
    assert_eq!(worker.messages(&trace).await, ["still here"]);
}

/// Production with every token and one origin, where this log of one trace is stored.
pub async fn closed(trace_id: &str) -> Option<Stage> {
    let setup = Setup::generous().production().var("ALLOWED_ORIGINS", APP);
    let setup =
        setup.var("LOG_INGEST_TOKEN", INGEST).var("LOG_READ_TOKEN", READ).var("LOG_ADMIN_TOKEN", ADMIN);
    let stage = setup.start().await?;
    stage.with_token(INGEST).post(log(trace_id, "ours")).await.expect_status(200);
    Some(stage)
}

/// Fails unless servers may still post there, readers read, and the log of [`closed`] is still there.
pub async fn assert_closed_and_well(stage: &Stage, trace_id: &str) {
    stage.with_token(INGEST).post(log(&fresh_trace(), "m")).await.expect_status(200);
    assert_eq!(stage.with_token(READ).messages(trace_id).await, ["ours"]);
}

/// Sends a request no client would write, and returns the status and everything that came.
pub async fn raw(worker: &Client, method: &str, target: &str, headers: &str, body: &str) -> (u16, String) {
    let length = body.len();
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    );
    let answer = worker.raw(request.into_bytes()).await;
    (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
}

/// The headers of an answer, without its body.
pub fn head(answer: &str) -> String {
    answer.split("\r\n\r\n").next().unwrap().to_ascii_lowercase()
}
