//! The REST API as its documentation has it: <https://upstash.com/docs/redis/features/restapi>.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::sync::Arc;

use common::{Client, answer};
use ops::upstash::{Options, Server};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const OK: StatusCode = StatusCode::OK;
const BAD: StatusCode = StatusCode::BAD_REQUEST;

async fn start() -> (Server, Client) {
    let server = Server::memory().await.unwrap();
    let client = Client::of(&server);
    (server, client)
}

#[tokio::test]
async fn a_command_is_a_json_array() {
    let (_server, client) = start().await;
    let cases = [
        (json!(["SET", "foo", "bär", "EX", 100]), OK, json!({"result": "OK"})),
        (json!(["GET", "foo"]), OK, json!({"result": "bär"})),
        (json!(["GET", "none"]), OK, json!({"result": null})),
        (json!(["TTL", "foo"]), OK, json!({"result": 100})),
        (json!(["SET", "flag", true]), OK, json!({"result": "OK"})),
        (json!(["GET", "flag"]), OK, json!({"result": "true"})),
        (json!(["RPUSH", "l", 1, 2.5, "x"]), OK, json!({"result": 3})),
        (json!(["LRANGE", "l", 0, -1]), OK, json!({"result": ["1", "2.5", "x"]})),
        (json!(["GET"]), BAD, json!({"error": "ERR wrong number of arguments for 'get' command"})),
        (json!(["INCR", "foo"]), BAD, json!({"error": "ERR value is not an integer or out of range"})),
        (json!(["SUBSCRIBE", "c"]), BAD, json!({"error": "ERR Command is not available: 'subscribe'"})),
        (json!([]), BAD, json!({"error": "ERR empty command"})),
    ];
    for (body, status, expected) in cases {
        assert_eq!(client.post("/", body.clone()).await, (status, expected), "{body}");
    }
    let (status, broken) = answer(client.request(Method::POST, "/").body("[\"GET\"")).await;
    assert_eq!(status, BAD);
    assert!(broken["error"].as_str().unwrap().starts_with("ERR failed to parse command"));
}

#[tokio::test]
async fn a_path_is_a_command_and_a_body_is_its_last_argument() {
    let (_server, client) = start().await;
    let text = json!({"result": "OK"});
    assert_eq!(client.get("/set/a%20key/b%2Fc/EX/100").await, (OK, text.clone()));
    assert_eq!(client.get("/get/a%20key").await.1, json!({"result": "b/c"}));
    let posted = client.request(Method::POST, "/set/doc?EX=100").body("{\"a\": 1}");
    assert_eq!(answer(posted).await, (OK, text.clone()));
    assert_eq!(client.get("/get/doc").await.1, json!({"result": "{\"a\": 1}"}));
    assert_eq!(client.get("/ttl/doc").await.1, json!({"result": 100}));
    assert_eq!(
        answer(client.request(Method::PUT, "/lpush/logs:t_1").body("x")).await.1,
        json!({"result": 1})
    );
    assert_eq!(client.get("/lrange/logs:t_1/0/-1").await.1, json!({"result": ["x"]}));
    let deleted = answer(client.request(Method::DELETE, "/get/doc")).await;
    assert_eq!(deleted.0, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn without_the_token_nothing_is_executed() {
    let (server, client) = start().await;
    let plain = reqwest::Client::new();
    let denied = json!({"error": "WRONGPASS invalid or missing auth token"});
    for token in [None, Some(""), Some("wrong"), Some("local-token2")] {
        let mut request = plain.post(server.url()).json(&json!(["SET", "k", "v"]));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        assert_eq!(answer(request).await, (StatusCode::UNAUTHORIZED, denied.clone()));
    }
    let query = plain.get(format!("{}/get/k?_token={}", server.url(), server.token()));
    assert_eq!(answer(query).await, (OK, json!({"result": null})));
    assert_eq!(server.stats().commands, 1);
    let local = answer(plain.get(format!("{}/_local/stats", server.url()))).await;
    assert_eq!(local.0, StatusCode::UNAUTHORIZED);
    drop(client);
}

#[tokio::test]
async fn a_pipeline_answers_item_by_item() {
    let (_server, client) = start().await;
    let body =
        json!([["SET", "k", "v"], ["INCR", "k"], ["BLPOP", "k", 0], ["NOPE"], ["LPUSH", "l", "a", "b"]]);
    let (status, results) = client.post("/pipeline", body).await;
    assert_eq!(status, OK);
    assert_eq!(
        results,
        json!([
            {"result": "OK"},
            {"error": "ERR value is not an integer or out of range"},
            {"error": "ERR Command is not available: 'blpop'"},
            {"error": "ERR unknown command 'NOPE', with args beginning with: "},
            {"result": 2}
        ])
    );
    assert_eq!(client.post("/pipeline", json!({})).await.0, BAD);
    assert_eq!(client.post("/pipeline", json!([])).await.0, BAD);
}

#[tokio::test]
async fn a_transaction_is_executed_as_a_whole_or_not_at_all() {
    let (server, client) = start().await;
    let body = json!([["SET", "k", "v"], ["INCR", "k"], ["LPUSH", "l", "a"], ["EXPIRE", "l", 3600]]);
    let (status, results) = client.post("/multi-exec", body).await;
    let error = json!({"error": "ERR value is not an integer or out of range"});
    assert_eq!((status, results), (OK, json!([{"result": "OK"}, error, {"result": 1}, {"result": 1}])));

    let (status, answer) = client.post("/multi-exec", json!([["SET", "k", "w"], ["NOPE"]])).await;
    assert_eq!(status, BAD);
    assert!(
        answer["error"]
            .as_str()
            .unwrap()
            .starts_with("EXECABORT Transaction discarded because of: ERR unknown")
    );
    assert_eq!(client.post("/multi-exec", json!([["SET", "k", "w"], ["WATCH", "k"]])).await.0, BAD);
    assert_eq!(server.run(&["GET", "k"]).await.unwrap().as_text().as_deref(), Some("v"));
}

#[tokio::test]
async fn strings_come_in_base64_when_asked_for() {
    let (server, client) = start().await;
    server.run(&[b"RPUSH".as_slice(), b"l", b"bar", b"\xff\x00"]).await.unwrap();
    let coded = |path: &str| client.request(Method::POST, path).header("Upstash-Encoding", "base64");
    let range = json!(["LRANGE", "l", 0, -1]);
    assert_eq!(answer(coded("/").json(&range)).await.1, json!({"result": ["YmFy", "/wA="]}));
    assert_eq!(answer(coded("/").json(&json!(["SET", "k", "v"]))).await.1, json!({"result": "OK"}));
    assert_eq!(
        answer(coded("/pipeline").json(&json!([["GET", "k"], ["GET"], ["PING"]]))).await.1,
        json!([{"result": "dg=="}, {"error": "ERR wrong number of arguments for 'get' command"}, {"result": "UE9ORw=="}])
    );
    assert_eq!(client.post("/", range).await.1, json!({"result": ["bar", "\u{fffd}\u{0}"]}));
}

#[tokio::test]
async fn answers_come_in_the_redis_protocol_when_asked_for() {
    let (_server, client) = start().await;
    let asked = |path: &str, body: Value| {
        client.request(Method::POST, path).header("Upstash-Response-Format", "resp2").json(&body)
    };
    let response =
        asked("/pipeline", json!([["SET", "foo", "bar"], ["GET", "foo"], ["GET", "x"], ["DBSIZE"], ["GET"]]));
    let response = response.send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/octet-stream");
    let expected = "+OK\r\n$3\r\nbar\r\n$-1\r\n:1\r\n-ERR wrong number of arguments for 'get' command\r\n";
    assert_eq!(response.text().await.unwrap(), expected);
    let both = asked("/", json!(["PING"])).header("Upstash-Encoding", "base64");
    assert_eq!(answer(both).await.0, BAD);
}

#[tokio::test]
async fn a_request_over_the_limit_is_refused_and_says_so() {
    let options = Options { max_request_bytes: 1000, ..Options::default() };
    let server = Server::start(options).await.unwrap();
    let client = Client::of(&server);
    let body = json!(["SET", "k", "x".repeat(2000)]);
    let actual = body.to_string().len();
    let text = format!("ERR max request size exceeded. Limit: 1000 bytes, Actual: {actual} bytes");
    assert_eq!(client.post("/", body).await, (BAD, json!({"error": text})));
    assert_eq!(client.post("/", json!(["GET", "k"])).await.1, json!({"result": null}));
}

#[tokio::test]
async fn one_commands_answer_over_the_limit_is_an_error_in_its_place() {
    let options = Options { max_request_bytes: 1000, ..Options::default() };
    let server = Server::start(options).await.unwrap();
    let client = Client::of(&server);
    for _ in 0..3 {
        client.post("/", json!(["LPUSH", "l", "x".repeat(400)])).await;
    }
    let error = json!({"error": "ERR max request size exceeded. Limit: 1000 bytes, Actual: 1200 bytes"});
    assert_eq!(client.post("/", json!(["LRANGE", "l", "0", "-1"])).await, (BAD, error.clone()));
    let two = json!({"result": ["x".repeat(400), "x".repeat(400)]});
    for path in ["/pipeline", "/multi-exec"] {
        let commands =
            json!([["LRANGE", "l", "0", "-1"], ["LRANGE", "l", "0", "1"], ["LRANGE", "l", "1", "2"]]);
        assert_eq!(client.post(path, commands).await, (OK, json!([error, two, two])), "{path}");
    }
}

#[tokio::test]
async fn ten_megabytes_pass() {
    let (server, client) = start().await;
    let value = "x".repeat(10 * 1024 * 1024 - 100);
    assert_eq!(client.post("/", json!(["LPUSH", "l", value])).await, (OK, json!({"result": 1})));
    assert_eq!(common::list(&server, "l").await[0].len(), value.len());
}

#[tokio::test]
async fn the_same_answers_come_from_a_real_redis() {
    let Some((redis, _data)) = common::redis_server().await else { return };
    let options = Options { store: Arc::new(redis.store()), ..Options::default() };
    let server = Server::start(options).await.unwrap();
    let client = Client::of(&server);
    let memory = Server::memory().await.unwrap();
    let twin = Client::of(&memory);
    let requests = [
        ("/", json!(["SET", "k", "v"])),
        ("/", json!(["INCR", "k"])),
        ("/", json!(["NOPE", "a"])),
        (
            "/pipeline",
            json!([
                ["LPUSH", "l", "a", 1],
                ["LRANGE", "l", 0, -1],
                ["LPUSH", "k", "a"],
                ["TYPE", "l"],
                ["PING"]
            ]),
        ),
        ("/multi-exec", json!([["LPUSH", "l", "b"], ["EXPIRE", "l", 60], ["GET", "l"]])),
        ("/multi-exec", json!([["SET", "k", "w"], ["GET"]])),
        ("/lrange/l/0/-1", json!([])),
    ];
    for (path, body) in requests {
        assert_eq!(
            client.post(path, body.clone()).await,
            twin.post(path, body.clone()).await,
            "{path} {body}"
        );
    }
    drop(redis);
    let (status, answer) = client.post("/", json!(["GET", "k"])).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(answer["error"].as_str().unwrap().contains("did not answer"), "{answer}");
}
