//! One exchange with Redis over HTTP, for programs on the host; the worker's is `edge::exchange`.

use std::time::Duration;

/// Posts JSON and returns the answer's status and body, both within `timeout`.
///
/// # Errors
/// What went wrong, without the URL, which names a deployment's database.
pub async fn post(
    url: &str,
    token: &str,
    body: Vec<u8>,
    timeout: Duration,
) -> Result<(u16, Vec<u8>), &'static str> {
    let said = |error: reqwest::Error| if error.is_timeout() { "timed out" } else { "connection failed" };
    let request = reqwest::Client::new()
        .post(url)
        .bearer_auth(token)
        .header("content-type", "application/json")
        .timeout(timeout)
        .body(body);
    let response = request.send().await.map_err(said)?;
    let status = response.status().as_u16();
    Ok((status, response.bytes().await.map_err(said)?.to_vec()))
}
