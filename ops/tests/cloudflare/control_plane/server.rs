//! The listener, and which handler a call belongs to.

use std::{
    net::Ipv4Addr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;

use super::{
    Core,
    account::{self, ACCOUNT},
    deployments,
    envelope::{Answer, Outcome, Refusal, answer},
    faults::Action,
    secrets, settings, upload,
};

/// A call as handlers see it.
pub struct Call {
    pub method: String,
    /// After `/accounts/ID`, without the query.
    pub path: String,
    pub query: String,
    pub content_type: String,
    pub body: Bytes,
}

/// The connection closes without an answer.
#[derive(Debug)]
struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("closed on purpose")
    }
}

impl std::error::Error for Closed {}

/// Listens on a free loopback port; the base URL.
pub async fn start(core: Arc<Core>) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}/client/v4", listener.local_addr().unwrap());
    tokio::spawn(accept(listener, core));
    url
}

async fn accept(listener: TcpListener, core: Arc<Core>) {
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted.unwrap().0,
            () = core.end.cancelled() => return,
        };
        let core = core.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| serve(core.clone(), request));
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::select! {
                _ = connection => {}
                () = core.end.cancelled() => {}
            }
        });
    }
}

async fn serve(core: Arc<Core>, request: Request<Incoming>) -> Result<Answer, Closed> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else { return Err(Closed) };
    let header =
        |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let full = head.uri.path().strip_prefix("/client/v4").unwrap_or(head.uri.path()).to_owned();
    let account = format!("/accounts/{ACCOUNT}");
    let call = Call {
        method: head.method.to_string(),
        path: full.strip_prefix(&account).unwrap_or(&full).to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        content_type: header("content-type").to_owned(),
        body: body.to_bytes(),
    };
    let token = header("authorization").strip_prefix("Bearer ");
    let name = format!("{} {}", call.method, call.path);
    // Whatever becomes of it is recorded: a hanging call is dropped with its connection.
    let index = {
        let mut calls = core.calls.lock().unwrap();
        calls.push(format!("{name} -"));
        calls.len() - 1
    };
    let outcome = execute(&core, token, &full, call).await;
    if let Ok(answer) = &outcome {
        core.calls.lock().unwrap()[index] = format!("{name} {}", answer.status().as_u16());
    }
    outcome
}

async fn execute(core: &Arc<Core>, token: Option<&str>, full: &str, call: Call) -> Result<Answer, Closed> {
    if let Err(refusal) = account::authorize(core, token, &call.method, full) {
        return Ok(answer(Err(refusal)));
    }
    if core.down.load(Ordering::Relaxed) {
        return Ok(unknown_error());
    }
    match core.faults.strike(&call.method, &call.path) {
        None => {}
        Some(Action::Refuse(status, code, message)) => {
            return Ok(answer(Err(Refusal::new(status, code, message))));
        }
        Some(Action::Busy(wait)) => return Ok(busy(wait)),
        Some(Action::Garbage) => {
            let mut response = Response::new(Full::new(Bytes::from("<html>502 Bad Gateway</html>")));
            *response.status_mut() = hyper::StatusCode::BAD_GATEWAY;
            return Ok(response);
        }
        Some(Action::Hang) => {
            core.end.cancelled().await;
            return Err(Closed);
        }
        Some(Action::Close) => return Err(Closed),
        Some(Action::LoseAnswer) => {
            let _ = carry_out(core, token, full, call).await;
            return Err(Closed);
        }
        Some(Action::Delay(wait)) => tokio::time::sleep(wait.min(Duration::from_secs(300))).await,
        Some(Action::Freeze) => *core.frozen.lock().unwrap() = true,
        Some(Action::Slow(delay)) => *core.propagation.lock().unwrap() = delay,
        Some(Action::DownAfter) => {
            let outcome = carry_out(core, token, full, call).await;
            core.down.store(true, Ordering::Relaxed);
            return Ok(answer(outcome));
        }
        Some(Action::ExecuteAndHang) => {
            let _ = carry_out(core, token, full, call).await;
            core.end.cancelled().await;
            return Err(Closed);
        }
        Some(Action::SomeoneDeploys(script)) => {
            deployments::someone_deploys(core, &script).await;
        }
    }
    Ok(answer(carry_out(core, token, full, call).await))
}

fn unknown_error() -> Answer {
    answer(Err(Refusal::new(500, 10013, "An unknown error has occurred")))
}

fn busy(wait: Option<u32>) -> Answer {
    let mut response = answer(Err(Refusal::new(429, 10429, "You are being rate limited")));
    if let Some(seconds) = wait {
        response.headers_mut().insert("retry-after", seconds.into());
    }
    response
}

/// Executes a call to its end, whether the client is still there or not.
async fn carry_out(core: &Arc<Core>, token: Option<&str>, full: &str, call: Call) -> Outcome {
    let (core, token, full) = (core.clone(), token.map(str::to_owned), full.to_owned());
    tokio::spawn(async move { route(&core, token.as_deref(), &full, call).await }).await.unwrap()
}

async fn route(core: &Arc<Core>, token: Option<&str>, full: &str, call: Call) -> Outcome {
    if let Some(outcome) = account::get(core, token, full) {
        return outcome;
    }
    let segments: Vec<&str> = call.path.split('/').skip(1).collect();
    let method = call.method.as_str();
    match (method, segments.as_slice()) {
        ("GET", ["workers", "services", name]) => settings::service(core, name).await,
        ("GET", ["workers", "services", name, "environments", "production", "routes"]) => {
            settings::routes(core, name).await
        }
        ("GET", ["workers", "subdomain"]) => Ok(json!({ "subdomain": "test" })),
        ("GET", ["workers", "workers", name]) => settings::worker(core, name).await,
        ("PATCH", ["workers", "workers", name, "versions", "latest"]) => {
            secrets::patch_latest(core, name, &call).await
        }
        ("PUT", ["workers", "scripts", name]) => upload::put_script(core, name, &call).await,
        (_, ["workers", "scripts", name, rest @ ..]) => match (method, rest) {
            ("POST", ["versions"]) => upload::post_version(core, name, &call).await,
            ("GET", ["versions"]) => deployments::versions(core, name).await,
            ("GET", ["versions", id]) => deployments::version(core, name, id).await,
            ("GET", ["deployments"]) => deployments::list(core, name).await,
            ("POST", ["deployments"]) => deployments::create(core, name, &call).await,
            ("GET", ["secrets"]) => secrets::list(core, name).await,
            ("PUT", ["secrets"]) => secrets::put(core, name, &call).await,
            ("PATCH", ["secrets-bulk"]) => secrets::bulk(core, name, &call).await,
            ("DELETE", ["secrets", key]) => secrets::delete(core, name, key).await,
            (_, rest) => settings::of_script(core, name, method, rest, &call).await,
        },
        _ => Err(Refusal::new(404, 7003, format!("Could not route to {method} {}", call.path))),
    }
}
