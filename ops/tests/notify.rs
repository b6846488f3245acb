//! `--notify`: one alert when it gets worse, and not another while it stays so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;
#[path = "common/worker.rs"]
mod worker;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use http_body_util::{BodyExt, Empty};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use ops::process::eventually;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use worker::{Setup, finish, out, talk};

/// The part of a webhook's address that is its secret.
const SECRET: &str = "/services/T000/B000/geheimnis";

const PATIENCE: Duration = Duration::from_secs(30);

/// A webhook that keeps what it was told.
#[derive(Clone, Default)]
struct Webhook {
    told: Arc<Mutex<Vec<Value>>>,
    /// What it answers next; 200 when there is nothing left.
    answers: Arc<Mutex<Vec<u16>>>,
}

impl Webhook {
    async fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}{SECRET}", listener.local_addr().unwrap());
        let webhook = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let webhook = webhook.clone();
                let service = service_fn(move |request| webhook.clone().answer(request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        url
    }

    async fn answer(self, request: Request<Incoming>) -> hyper::Result<Response<Empty<Bytes>>> {
        let body = request.into_body().collect().await?.to_bytes();
        self.told.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
        let status = self.answers.lock().unwrap().pop().unwrap_or(200);
        Ok(Response::builder().status(status).body(Empty::new()).unwrap())
    }

    /// What it was told since the last time it was asked.
    fn take(&self) -> Vec<Value> {
        std::mem::take(&mut self.told.lock().unwrap())
    }
}

#[tokio::test]
async fn an_alert_is_sent_once_each_time_it_gets_worse() {
    let worker = Setup::default().start().await;
    let webhook = Webhook::default();
    let url = webhook.serve().await;
    let look = async || {
        let output = worker.ops(&["health", "--notify", &url, "--correlation-id", "a-run"]).await;
        assert!(
            !talk(&output).contains("geheimnis") && !out(&output).contains("geheimnis"),
            "{}",
            talk(&output)
        );
        (output.status.code().unwrap(), talk(&output).to_owned(), webhook.take())
    };
    assert_eq!(look().await, (0, String::new(), vec![]));

    worker.redis.stop_listening().await.unwrap();
    let log = json!({ "trace_id": "t", "message": "m", "level": "log" });
    reqwest::Client::new().post(format!("{}/log", worker.workerd.url())).json(&log).send().await.unwrap();
    let behind = || async { worker.health().await["components"]["buffer"]["status"] == "degraded" };
    assert!(eventually(PATIENCE, behind).await);
    webhook.answers.lock().unwrap().push(503);
    let (exit, said, told) = look().await;
    assert_eq!((exit, said.as_str(), told.len()), (1, "", 2), "a passing 503 is tried again");
    assert_eq!(told[0], told[1]);
    let text = told[0]["text"].as_str().unwrap();
    let start = format!("Log worker {} (development, version 0000", worker.workerd.url());
    assert!(text.starts_with(&start) && text.ends_with(" s. Run a-run"), "{text}");
    assert!(
        text.contains("is failing: redis: unhealthy") && text.contains("backlog 1, the oldest "),
        "{text}"
    );
    assert_eq!(told[0].as_object().unwrap().len(), 1, "Slack takes the text alone");

    assert_eq!(look().await.2, Vec::<Value>::new(), "it is no worse");
    worker.redis.resume().await.unwrap();
    let well = || async { worker.health().await["status"] == "healthy" };
    assert!(eventually(PATIENCE, well).await);
    assert_eq!(look().await, (0, String::new(), vec![]));
    worker.redis.stop_listening().await.unwrap();

    *webhook.answers.lock().unwrap() = vec![404];
    let (exit, said, told) = look().await;
    assert_eq!((exit, told.len()), (1, 1), "a 404 stays one");
    assert_eq!(said, "warning: the alert could not be sent to 127.0.0.1: 404 Not Found\n");
    assert_eq!(look().await.2.len(), 1, "what could not be sent is sent the next time");
}

#[tokio::test]
async fn a_worker_that_is_gone_is_an_alert_too() {
    let mut worker = Setup::default().start().await;
    worker.workerd.kill9();
    let webhook = Webhook::default();
    let mut command = worker.command(&["verify"]);
    command.env("OPS_NOTIFY_URL", webhook.serve().await);
    let output = finish(command).await;
    assert_eq!(output.status.code(), Some(1));
    let told = webhook.take();
    let text = told[0]["text"].as_str().unwrap();
    assert!(text.contains("is failing: reachable: connection refused. backlog unknown."), "{text}");
    let mut history = worker::ops(worker.state.path());
    history.args(["history", "--json"]);
    let history = finish(history).await;
    assert!(out(&history).contains("refused") && !out(&history).contains("geheimnis"), "{}", out(&history));
}
