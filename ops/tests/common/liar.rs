//! A proxy before the real worker that changes answers: a worker that breaks one promise.
#![allow(dead_code)]

use std::sync::Arc;

use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// An answer on its way.
pub struct Passing {
    /// `GET /logs`
    pub route: String,
    pub query: String,
    pub request: String,
    pub authorized: bool,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Passing {
    pub fn is(&self, route: &str) -> bool {
        self.route == route
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

type Lie = Arc<dyn Fn(&mut Passing) + Send + Sync>;

/// Serves on loopback until the runtime ends; where.
pub async fn serve(worker: String, lie: impl Fn(&mut Passing) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (lie, http): (Lie, _) = (Arc::new(lie), reqwest::Client::new());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (lie, http, worker) = (lie.clone(), http.clone(), worker.clone());
            let service = service_fn(move |request| pass(request, lie.clone(), http.clone(), worker.clone()));
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    url
}

async fn pass(
    request: Request<Incoming>,
    lie: Lie,
    http: reqwest::Client,
    worker: String,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let mut forwarded =
        http.request(parts.method.clone(), format!("{worker}{}", parts.uri)).body(body.clone());
    for (name, value) in parts.headers.iter().filter(|(name, _)| *name != "host" && *name != "content-length")
    {
        forwarded = forwarded.header(name, value);
    }
    let answer = forwarded.send().await.unwrap();
    let headers =
        answer.headers().iter().filter(|(name, _)| *name != "content-length" && *name != "transfer-encoding");
    let headers =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    let mut passing = Passing {
        route: format!("{} {}", parts.method, parts.uri.path()),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        request: String::from_utf8_lossy(&body).into_owned(),
        authorized: parts.headers.contains_key("authorization"),
        status: answer.status().as_u16(),
        headers,
        body: answer.text().await.unwrap(),
    };
    // A lie may be to hold the answer back.
    let passing = tokio::task::spawn_blocking(move || {
        lie(&mut passing);
        passing
    });
    let passing = passing.await.unwrap();
    let mut response = Response::builder().status(passing.status);
    for (name, value) in passing.headers {
        response = response.header(name, value);
    }
    Ok(response.body(Full::from(passing.body)).unwrap())
}
