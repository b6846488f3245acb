//! What several test files need.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};

use ops::upstash::{
    Reply, Server,
    store::{RedisServer, find_redis_server},
};
use reqwest::{Method, StatusCode};
use serde_json::Value;

/// The project's root folder.
pub fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Says loudly that something was not tested; where nothing may be left out (`CI=true`) that is a failure.
pub fn skip(what: &str, why: &str) {
    eprintln!("SKIPPED: {what}: {why}");
    assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{what} was not tested: {why}");
}

/// A Redis server for one test with the folder it uses, or nothing (said loudly) when the machine has none.
pub async fn redis_server() -> Option<(RedisServer, tempfile::TempDir)> {
    let Some(program) = find_redis_server(&project()) else {
        eprintln!("SKIPPED: the part of this test that needs a redis-server: none was found");
        let named = std::env::var("REDIS_SERVER_BIN").unwrap_or_default();
        assert!(named.is_empty(), "REDIS_SERVER_BIN names no program: {named}");
        return None;
    };
    let data = tempfile::tempdir().unwrap();
    let server = RedisServer::start(&program, data.path(), false).await.unwrap();
    Some((server, data))
}

/// A client of one local Upstash server.
pub struct Client {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Client {
    pub fn of(server: &Server) -> Client {
        Client { http: reqwest::Client::new(), url: server.url(), token: server.token().to_owned() }
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token)
    }

    /// `POST` with a JSON body: the status and the answer.
    pub async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        answer(self.request(Method::POST, path).json(&body)).await
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        answer(self.request(Method::GET, path)).await
    }
}

pub async fn answer(request: reqwest::RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/json");
    (response.status(), response.json().await.unwrap())
}

/// The elements of a list, past all faults.
pub async fn list(server: &Server, key: &str) -> Vec<String> {
    server.run(&["LRANGE", key, "0", "-1"]).await.unwrap().texts()
}

pub fn int(reply: Reply) -> i64 {
    reply.as_int().unwrap_or_else(|| panic!("not an integer: {reply:?}"))
}

/// Processes whose working directory and command line fit, as `PID DIRECTORY COMMAND`; Linux tells.
pub fn processes(fits: impl Fn(&str) -> bool) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let lines = entries.filter_map(|entry| {
        let command = std::fs::read(entry.path().join("cmdline")).ok()?;
        let folder = std::fs::read_link(entry.path().join("cwd")).ok()?;
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        Some(format!("{} {} {command}", entry.file_name().to_string_lossy(), folder.display()))
    });
    lines.filter(|line| fits(line)).collect()
}

/// JavaScript: the worker, with the body and the status of some answers changed; `body` is what it would have been.
pub fn answering(path: &str, change: &str, status: u16) -> String {
    format!(
        "export default {{
  async fetch(request, env, ctx) {{
    const answer = await worker.default.fetch(request.clone(), env, ctx);
    if (new URL(request.url).pathname !== \"{path}\" || request.method === \"OPTIONS\") return answer;
    const body = await answer.json();
    {change}
    return new Response(JSON.stringify(body), {{ status: {status}, headers: answer.headers }});
  }}
}}"
    )
}

/// A line without what differs from run to run: times, durations, ids, commits.
pub fn steady(line: &str) -> String {
    let is_time = |word: &str| word.len() > 15 && word.as_bytes()[10] == b'T' && word.ends_with('Z');
    let is_commit = |word: &str| word.len() == 10 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut words = line.split(' ').peekable();
    let mut kept = Vec::new();
    while let Some(word) = words.next() {
        let bare = word.trim_matches(['(', ')', ',', ';', ':', '"']);
        let unit = |next: &&str| ["s", "ms", "min"].contains(&next.trim_end_matches([')', ',', ';']));
        if let (Ok(_), Some(unit)) = (bare.parse::<f64>(), words.next_if(unit)) {
            kept.push(word.replace(bare, "[time]") + unit.trim_start_matches(char::is_alphabetic));
        } else if is_time(bare) {
            kept.push(word.replace(bare, "[time]"));
        } else if uuid::Uuid::parse_str(bare).is_ok() {
            kept.push(word.replace(bare, "[id]"));
        } else if is_commit(bare) {
            kept.push(word.replace(bare, "[commit]"));
        } else {
            kept.push(word.to_owned());
        }
    }
    kept.join(" ")
}
