//! The client: HTTP as the service's clients speak it, suspicious of every answer.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use log_ingestion_worker::origin::covers;
pub use ops::verify::contract::encoded;
use ops::verify::contract::{Readers, common_headers};
use reqwest::{Method, RequestBuilder, header::HeaderMap};
use serde_json::Value;

/// Longest time an answer may take: beyond it the worker hangs.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// Every header the worker may answer with. One that is not here fails the test that meets it.
const KNOWN_HEADERS: &[&str] = &[
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "cache-control",
    "content-length",
    "content-type",
    "ratelimit",
    "ratelimit-policy",
    "retry-after",
    "transfer-encoding",
    "vary",
    "www-authenticate",
];

/// What Cloudflare's edge adds to a deployment's answers.
const EDGE_HEADERS: &[&str] = &[
    "alt-svc",
    "cf-ray",
    "connection",
    "content-encoding",
    "date",
    "nel",
    "report-to",
    "server",
    "server-timing",
];

/// An answer. Its headers have been checked.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub headers: HeaderMap,
    /// The body as it came.
    pub text: String,
    /// The body as JSON; null when there is none.
    pub json: Value,
}

impl Response {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// `error` of the body, or nothing.
    pub fn error(&self) -> &str {
        self.json["error"].as_str().unwrap_or("")
    }

    /// Fails unless the status is this one; the answer itself otherwise.
    #[track_caller]
    pub fn expect_status(self, status: u16) -> Response {
        assert_eq!(self.status, status, "{}", self.text.chars().take(2_000).collect::<String>());
        self
    }
}

/// A client of one worker.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    /// `ALLOWED_ORIGINS` of the worker.
    origins: Vec<String>,
    token: Option<String>,
    deployed: bool,
}

impl Client {
    pub fn local(base: String, allowed_origins: &str) -> Client {
        let origins = allowed_origins.split(',').map(str::trim).filter(|origin| !origin.is_empty());
        let origins = origins.map(str::to_owned).collect();
        Client { http: connections(), base, origins, token: None, deployed: false }
    }

    /// A client of a deployment. `ALLOWED_ORIGINS` says what it is configured with, and `LOG_ADMIN_TOKEN` opens it
    /// when it is in production.
    pub fn deployed(base: &str) -> Client {
        let origins = std::env::var("ALLOWED_ORIGINS").unwrap_or_default();
        let token = std::env::var("LOG_ADMIN_TOKEN").ok();
        let local = Client::local(base.trim_end_matches('/').to_owned(), &origins);
        Client { token, deployed: true, ..local }
    }

    /// The same with connections of its own.
    pub fn again(&self) -> Client {
        Client { http: connections(), ..self.clone() }
    }

    /// The same with a token on every request.
    pub fn with_token(&self, token: &str) -> Client {
        Client { token: Some(token.to_owned()), ..self.clone() }
    }

    /// Where the worker answers.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A request to a path, which may have a query.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request and checks the headers every answer has.
    pub async fn send(&self, request: RequestBuilder) -> Response {
        self.try_send(request).await.unwrap_or_else(|cause| panic!("no answer: {cause:?}"))
    }

    /// As [`Client::send`], for a worker that may not be there.
    ///
    /// # Errors
    /// When no answer came, or only half of one.
    pub async fn try_send(&self, request: RequestBuilder) -> reqwest::Result<Response> {
        let request = request.build()?;
        let origin = request.headers().get("origin").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let what = format!("{} {}", request.method(), request.url());
        let answer = self.http.execute(request).await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await?;
        let json = match text.as_str() {
            "" => Value::Null,
            text => serde_json::from_str(text).unwrap_or_else(|cause| panic!("{what}: {cause}: {text}")),
        };
        self.check(&what, &headers, origin.as_deref());
        Ok(Response { status, headers, text, json })
    }

    fn check(&self, what: &str, headers: &HeaderMap, origin: Option<&str>) {
        for name in headers.keys().map(|name| name.as_str()) {
            let listed = KNOWN_HEADERS.contains(&name) || (self.deployed && EDGE_HEADERS.contains(&name));
            assert!(listed, "{what}: nobody listed the header {name}: {headers:?}");
        }
        let listed = |origin: &str| self.origins.iter().any(|entry| covers(entry, origin));
        let wanted = match origin {
            _ if self.origins.is_empty() => Readers::All,
            Some(origin) if listed(origin) => Readers::Asker,
            _ => Readers::Nobody,
        };
        assert_eq!(common_headers(headers, origin), Ok(wanted), "{what}");
        // The root alone depends on what its asker reads.
        let vary = headers.get("vary").map(|value| value.to_str().unwrap().trim_end_matches(", Accept"));
        let vary = vary.filter(|vary| *vary != "Accept");
        assert_eq!(vary, (!self.origins.is_empty()).then_some("Origin"), "{what}");
    }

    /// Posts one log, or a batch, as JSON.
    pub async fn post(&self, body: impl Into<Value>) -> Response {
        let body = body.into().to_string();
        self.post_as("application/json", &[], body).await
    }

    /// Posts any bytes, as any content type (none when empty), with any headers.
    pub async fn post_as(
        &self,
        content_type: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Response {
        let mut request = self.request(Method::POST, "/log").body(body);
        if !content_type.is_empty() {
            request = request.header("Content-Type", content_type);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request).await
    }

    pub async fn get(&self, path: &str) -> Response {
        self.send(self.request(Method::GET, path)).await
    }

    /// `GET /logs` of a trace.
    pub async fn logs(&self, trace_id: &str) -> Response {
        self.get(&format!("/logs?trace_id={}", encoded(trace_id))).await
    }

    /// A trace's entries, oldest first.
    pub async fn entries(&self, trace_id: &str) -> Vec<Value> {
        let mut answer = self.logs(trace_id).await.expect_status(200);
        match answer.json["logs"].take() {
            Value::Array(entries) => entries,
            other => panic!("logs is no list: {other}"),
        }
    }

    /// A trace's messages, oldest first.
    pub async fn messages(&self, trace_id: &str) -> Vec<String> {
        let entries = self.entries(trace_id).await;
        entries.iter().map(|entry| entry["message"].as_str().unwrap().to_owned()).collect()
    }

    pub async fn recent(&self, limit: usize) -> Response {
        self.get(&format!("/traces/recent?limit={limit}")).await
    }

    pub async fn health(&self) -> Response {
        self.get("/health").await
    }

    /// `DELETE /logs/clear`, of all traces.
    pub async fn clear(&self) -> Response {
        self.send(self.request(Method::DELETE, "/logs/clear")).await
    }

    /// `DELETE /logs/clear` of one trace.
    pub async fn clear_trace(&self, trace_id: &str) -> Response {
        let path = format!("/logs/clear?trace_id={}", encoded(trace_id));
        self.send(self.request(Method::DELETE, &path)).await
    }

    /// Sends bytes no HTTP client would, and returns all that is answered. The request must end the connection.
    pub async fn raw(&self, request: Vec<u8>) -> String {
        let address = self.base.trim_start_matches("http://").to_owned();
        let exchange = move || -> std::io::Result<Vec<u8>> {
            let mut stream = TcpStream::connect(address)?;
            stream.set_read_timeout(Some(ANSWER_LIMIT))?;
            stream.write_all(&request)?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer)?;
            Ok(answer)
        };
        let answer = tokio::task::spawn_blocking(exchange).await.unwrap().unwrap();
        String::from_utf8(answer).unwrap()
    }
}

fn connections() -> reqwest::Client {
    reqwest::Client::builder().timeout(ANSWER_LIMIT).build().unwrap()
}
