//! A port that stays, in front of workerds that come and go.

use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, sync::watch};
use tokio_util::sync::CancellationToken;

/// Names a version for one request: `WORKER="VERSION"`.
const OVERRIDES: &str = "cloudflare-workers-version-overrides";
/// Headers that belong to one connection.
const HOP_BY_HOP: [&str; 4] = ["host", "connection", "content-length", "transfer-encoding"];
/// How long a request waits for objects that are being restarted.
const HELD: Duration = Duration::from_secs(20);

/// One deployed version.
#[derive(Clone, Debug)]
pub struct Route {
    pub version: String,
    pub share: f64,
    /// Where its workerd answers.
    pub url: String,
}

/// The port and what is behind it now.
pub struct Front {
    url: String,
    routes: watch::Sender<Vec<Route>>,
}

struct Inside {
    script: String,
    /// Whether requests wait while nothing is behind the port; else they are told that there is no Worker.
    hold: bool,
    routes: watch::Receiver<Vec<Route>>,
    client: reqwest::Client,
    requests: AtomicU64,
}

impl Front {
    /// Listens on a free loopback port.
    pub async fn start(script: &str, hold: bool, end: &CancellationToken) -> Front {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, routes) = watch::channel(Vec::new());
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let script = script.to_owned();
        let inside = Arc::new(Inside { script, hold, routes, client, requests: AtomicU64::new(0) });
        tokio::spawn(accept(listener, inside, end.clone()));
        Front { url, routes: sender }
    }

    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// From now on requests go there.
    pub fn set(&self, routes: Vec<Route>) {
        self.routes.send_replace(routes);
    }
}

async fn accept(listener: TcpListener, inside: Arc<Inside>, end: CancellationToken) {
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted.unwrap().0,
            () = end.cancelled() => return,
        };
        let (inside, end) = (inside.clone(), end.clone());
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let inside = inside.clone();
                async move { Ok::<_, hyper::Error>(inside.serve(request).await) }
            });
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::select! {
                _ = connection => {}
                () = end.cancelled() => {}
            }
        });
    }
}

impl Inside {
    async fn serve(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let mut routes = self.routes.clone();
        if self.hold {
            let _ = tokio::time::timeout(HELD, routes.wait_for(|routes| !routes.is_empty())).await;
        }
        let routes = routes.borrow().clone();
        let Some(route) = self.choose(&routes, request.headers()) else {
            return plain(404, "There is nothing here yet");
        };
        match self.forward(&route.url, request).await {
            Ok(response) => response,
            Err(cause) => plain(502, &cause),
        }
    }

    fn choose<'a>(&self, routes: &'a [Route], headers: &HeaderMap) -> Option<&'a Route> {
        let wanted = headers.get(OVERRIDES).and_then(|value| value.to_str().ok()).and_then(|value| {
            value.split(',').find_map(|pair| {
                let (script, version) = pair.trim().split_once('=')?;
                (script == self.script).then(|| version.trim_matches('"').to_owned())
            })
        });
        if let Some(named) = routes.iter().find(|route| Some(&route.version) == wanted.as_ref()) {
            return Some(named);
        }
        // 61 has no divisor in common with 100: every hundred requests are shared out exactly, and well mixed.
        let request = self.requests.fetch_add(1, Ordering::Relaxed);
        let mut point = f64::from(u32::try_from(request.wrapping_mul(61) % 100).unwrap());
        routes.iter().find(|route| {
            point -= route.share;
            point < 0.0
        })
    }

    async fn forward(&self, to: &str, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, String> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(|cause| cause.to_string())?.to_bytes();
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut onward = self.client.request(head.method, format!("{to}{path}"));
        for (name, value) in head.headers.iter().filter(|(name, _)| !HOP_BY_HOP.contains(&name.as_str())) {
            onward = onward.header(name, value);
        }
        let answer = onward.body(body).send().await.map_err(|cause| cause.to_string())?;
        let mut response = Response::new(Full::default());
        *response.status_mut() = answer.status();
        for (name, value) in answer.headers().iter().filter(|(name, _)| !HOP_BY_HOP.contains(&name.as_str()))
        {
            response.headers_mut().append(name, value.clone());
        }
        *response.body_mut() = Full::new(answer.bytes().await.map_err(|cause| cause.to_string())?);
        Ok(response)
    }
}

fn plain(status: u16, text: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text.to_owned())));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap();
    response
}
