//! HTTP to the worker: every request with the run's correlation id, every answer checked for what all answers have.

use std::{
    env,
    error::Error,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use log_ingestion_worker::access::Secret;
use reqwest::{
    ClientBuilder, Method, NoProxy, Proxy, RequestBuilder, Url, header::HeaderMap, redirect::Policy,
};
use serde_json::Value;

use super::{
    contract::{self, Readers},
    plan::Plan,
    report::{Finding, Latency},
};
use crate::exit::Failure;

/// Longest time one answer may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// How often a request is sent again when its connection failed. A log's id makes that safe.
const RETRIES: u32 = 2;
const RETRY_WAIT: Duration = Duration::from_millis(300);
/// How much of an answer that is no JSON is quoted.
const QUOTED_CHARS: usize = 120;

/// Who a request is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Anyone.
    Anyone,
    /// Somebody who may post.
    Sender,
    /// Somebody who may read.
    Reader,
    /// Somebody who may clear.
    Admin,
}

impl Who {
    /// The variable that holds the token.
    pub fn variable(self) -> &'static str {
        match self {
            Who::Anyone => "",
            Who::Sender => "OPS_INGEST_TOKEN",
            Who::Reader => "OPS_READ_TOKEN",
            Who::Admin => "OPS_ADMIN_TOKEN",
        }
    }
}

/// A client of the worker that is verified.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    /// A new connection for each request, so that not one machine answers for all.
    fresh: reqwest::Client,
    plan: Plan,
    base: String,
    times: Mutex<Vec<Duration>>,
}

/// An answer of the worker. Its headers have been checked.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body as it came.
    pub text: String,
    /// The body as JSON; null when there is none.
    pub json: Value,
    /// Whom it lets read it.
    pub readers: Readers,
}

impl Answer {
    /// `error` of the body, or nothing.
    pub fn error(&self) -> &str {
        self.json.get("error").and_then(Value::as_str).unwrap_or_default()
    }

    /// The status and, when it has one, the error it speaks of.
    pub fn said(&self) -> String {
        match self.error() {
            "" => format!("{}", self.status),
            error => format!("{}: {error}", self.status),
        }
    }
}

impl Client {
    /// A client for this plan.
    ///
    /// # Errors
    /// When TLS cannot be set up, for want of certificates.
    pub fn new(plan: &Plan) -> Result<Client, Failure> {
        let build = |idle: usize| {
            let builder = reqwest::Client::builder()
                .timeout(ANSWER_LIMIT)
                .redirect(Policy::none())
                .pool_max_idle_per_host(idle)
                .user_agent(concat!("ops/", env!("CARGO_PKG_VERSION")));
            let builder = proxies().into_iter().fold(builder, ClientBuilder::proxy);
            builder.build().map_err(|cause| {
                let hint = "install the system's certificates (ca-certificates), or set SSL_CERT_FILE";
                Failure::new(format!("HTTPS cannot be used: {}", root_cause(&cause)), hint)
            })
        };
        let base = plan.url.as_str().trim_end_matches('/').to_owned();
        Ok(Client { http: build(4)?, fresh: build(0)?, plan: plan.clone(), base, times: Mutex::default() })
    }

    /// Where the worker answers.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A request to a path, which may have a query. The token goes with it where nobody can read it on the way.
    pub fn request(&self, who: Who, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        let request = request.header("X-Correlation-Id", self.plan.correlation_id.as_str());
        let request = match &self.plan.override_version {
            Some((name, id)) => {
                request.header("Cloudflare-Workers-Version-Overrides", format!("{name}=\"{id}\""))
            }
            None => request,
        };
        match self.token(who).filter(|_| self.may_send_tokens()) {
            Some(token) => request.bearer_auth(token.reveal()),
            None => request,
        }
    }

    /// A `GET` over a connection of its own.
    pub async fn get_anew(&self, path: &str) -> Result<Answer, Finding> {
        self.send_by(&self.fresh, self.request(Who::Reader, Method::GET, path)).await
    }

    /// A `GET`.
    pub async fn get(&self, who: Who, path: &str) -> Result<Answer, Finding> {
        self.send(self.request(who, Method::GET, path)).await
    }

    /// The status of the answer to a `GET`, whatever else it is; nothing without an answer.
    pub async fn status(&self, path: &str) -> Option<u16> {
        let request = self.request(Who::Anyone, Method::GET, path).build().ok()?;
        self.once(&self.fresh, request).await.ok().map(|(status, _, _)| status)
    }

    /// `POST /log` of a JSON value.
    pub async fn post(&self, body: &Value) -> Result<Answer, Finding> {
        self.send(self.request(Who::Sender, Method::POST, "/log").json(body)).await
    }

    /// Whether there is a token for this, which may be sent.
    pub fn has_token(&self, who: Who) -> bool {
        self.token(who).is_some() && self.may_send_tokens()
    }

    /// The variable whose token such a request sends; without one, the variable to set for it.
    pub fn variable(&self, who: Who) -> &'static str {
        let tokens = &self.plan.tokens;
        let by_admin = who == Who::Reader && tokens.read.is_none() && tokens.admin.is_some();
        if by_admin { Who::Admin.variable() } else { who.variable() }
    }

    /// How long the answers took so far, over connections that were kept.
    pub fn latency(&self) -> Latency {
        Latency::of(self.times.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Sends a request and checks the answer's headers.
    ///
    /// # Errors
    /// No answer, one that is no JSON, or headers that are not the contract's: as a failed check.
    pub async fn send(&self, request: RequestBuilder) -> Result<Answer, Finding> {
        self.send_by(&self.http, request).await
    }

    /// Sends a request after which the connection speaks another protocol, and returns the answer as it is, unchecked.
    ///
    /// # Errors
    /// No answer.
    pub async fn upgrade(&self, request: RequestBuilder) -> Result<reqwest::Response, Finding> {
        request.send().await.map_err(|cause| self.no_answer(&cause))
    }

    async fn send_by(&self, http: &reqwest::Client, request: RequestBuilder) -> Result<Answer, Finding> {
        let request = request.build().map_err(|cause| self.no_answer(&cause))?;
        let origin = request.headers().get("origin").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let exchanged = self.exchange(http, request).await;
        let (status, headers, text) = exchanged.map_err(|cause| self.no_answer(&cause))?;
        if (300..400).contains(&status) {
            let to = headers.get("location").and_then(|value| value.to_str().ok()).unwrap_or("elsewhere");
            return Err(Finding::fail(format!("{status}: sent on to {to}"), "give that address as --url"));
        }
        let json = match text.as_str() {
            "" => Value::Null,
            text => serde_json::from_str(text).map_err(|_| stranger(status, text))?,
        };
        let readers = contract::common_headers(&headers, origin.as_deref()).map_err(|why| {
            let hint = "something between here and the worker changes headers, or another worker answers";
            Finding::fail(format!("{status} with a wrong header: {why}"), hint)
        })?;
        Ok(Answer { status, text, json, readers })
    }

    async fn exchange(
        &self,
        http: &reqwest::Client,
        request: reqwest::Request,
    ) -> reqwest::Result<(u16, HeaderMap, String)> {
        for attempt in 1..=RETRIES {
            // Every body stands in memory and can be sent again.
            let Some(copy) = request.try_clone() else { break };
            match self.once(http, copy).await {
                Err(cause) if !cause.is_timeout() && !is_refused(&cause) => {
                    tokio::time::sleep(RETRY_WAIT * attempt).await;
                }
                outcome => return outcome,
            }
        }
        self.once(http, request).await
    }

    async fn once(
        &self,
        http: &reqwest::Client,
        request: reqwest::Request,
    ) -> reqwest::Result<(u16, HeaderMap, String)> {
        let begun = Instant::now();
        let answer = http.execute(request).await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await?;
        // A new connection takes its own time, and there are as many as a version takes to spread.
        if std::ptr::eq(http, &self.http) {
            self.times.lock().unwrap_or_else(PoisonError::into_inner).push(begun.elapsed());
        }
        Ok((status, headers, text))
    }

    fn token(&self, who: Who) -> Option<&Secret> {
        let tokens = &self.plan.tokens;
        match who {
            Who::Anyone => None,
            Who::Sender => tokens.ingest.as_ref(),
            Who::Reader => tokens.read.as_ref().or(tokens.admin.as_ref()),
            Who::Admin => tokens.admin.as_ref(),
        }
    }

    fn may_send_tokens(&self) -> bool {
        self.plan.url.scheme() == "https" || is_local(&self.plan.url)
    }

    fn no_answer(&self, cause: &reqwest::Error) -> Finding {
        let host = self.plan.url.host_str().unwrap_or_default();
        let said = root_cause(cause);
        let (detail, hint) = if cause.is_timeout() {
            let detail = format!("no answer within {} s", ANSWER_LIMIT.as_secs());
            (detail, "look at the worker's own log: npx wrangler tail".to_owned())
        } else if is_refused(cause) {
            let hint = if is_local(&self.plan.url) {
                "start it in another terminal: cargo run -p ops -- dev".into()
            } else {
                "see whether --url is right".into()
            };
            ("connection refused".into(), hint)
        } else if said.contains("certificate") {
            (said, format!("{host} must have a certificate this machine trusts; see whether --url is right"))
        } else if chain(cause).any(|cause| cause.to_string().contains("dns error")) {
            (
                format!("the name {host} is not known"),
                "see whether --url is right, and the network is up".into(),
            )
        } else {
            (said, "see whether --url is right, and the network is up".into())
        };
        Finding::fail(detail, hint)
    }
}

/// An answer that the worker never gives, most often Cloudflare's own page.
fn stranger(status: u16, text: &str) -> Finding {
    let start: String =
        text.chars().take(QUOTED_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let hint = match status {
        500..=599 => "the worker threw or is not there; look at its log: npx wrangler tail",
        _ => "another program answers there; see whether --url is right",
    };
    Finding::fail(format!("{status} and no JSON: {start}"), hint)
}

/// The proxies that the environment names, as wrangler obeys them. What is on this machine is asked directly by
/// `NO_PROXY`, which is not always set: it is added.
pub(super) fn proxies() -> Vec<Proxy> {
    let named = |upper: &str| env::var(upper).or_else(|_| env::var(upper.to_lowercase())).ok();
    let direct = format!("localhost,127.0.0.0/8,::1,{}", named("NO_PROXY").unwrap_or_default());
    let https = named("HTTPS_PROXY").and_then(|proxy| Proxy::https(proxy).ok());
    let http = named("HTTP_PROXY").and_then(|proxy| Proxy::http(proxy).ok());
    https.into_iter().chain(http).map(|proxy| proxy.no_proxy(NoProxy::from_string(&direct))).collect()
}

/// Whether requests stay on this machine.
pub fn is_local(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let bare = host.trim_matches(['[', ']']);
        host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    })
}

fn chain<'a>(cause: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(cause), |cause: &&'a (dyn Error + 'static)| (*cause).source())
}

/// The innermost cause: reqwest wraps what the system said three times.
pub(super) fn root_cause(cause: &reqwest::Error) -> String {
    chain(cause).last().map_or_else(|| cause.to_string(), ToString::to_string)
}

fn is_refused(cause: &reqwest::Error) -> bool {
    let mut systems = chain(cause).filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    systems.any(|cause| cause.kind() == std::io::ErrorKind::ConnectionRefused)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(url: &str, who: Who) -> reqwest::Request {
        let mut plan = Plan::new(url.parse().unwrap(), "a-run".parse().unwrap());
        plan.tokens.read = Secret::new("a-read-token".into());
        plan.tokens.admin = Secret::new("an-admin-token".into());
        plan.override_version = Some(("w".into(), "v2".into()));
        Client::new(&plan).unwrap().request(who, Method::GET, "/logs").build().unwrap()
    }

    #[test]
    fn a_token_goes_where_nobody_can_read_it_on_the_way() {
        for (url, goes) in [
            ("https://logs.example.com", true),
            ("http://127.0.0.1:8787", true),
            ("http://[::1]:8787", true),
            ("http://localhost:8787", true),
            ("http://logs.example.com", false),
            ("http://localhost.example.com", false),
        ] {
            let bearer = sent(url, Who::Reader).headers().get("authorization").cloned();
            assert_eq!(bearer, goes.then(|| "Bearer a-read-token".parse().unwrap()), "{url}");
            assert_eq!(sent(url, Who::Anyone).headers().get("authorization"), None);
        }
    }

    #[test]
    fn the_variable_that_is_named_is_the_one_whose_token_was_sent() {
        let variable = |read: &str, admin: &str| {
            let mut plan = Plan::new("https://logs.example.com".parse().unwrap(), "a-run".parse().unwrap());
            plan.tokens.read = Secret::new(read.into());
            plan.tokens.admin = Secret::new(admin.into());
            Client::new(&plan).unwrap().variable(Who::Reader)
        };
        assert_eq!(variable("", "an-admin-token"), "OPS_ADMIN_TOKEN");
        assert_eq!(variable("a-read-token", "an-admin-token"), "OPS_READ_TOKEN");
        assert_eq!(variable("", ""), "OPS_READ_TOKEN");
    }

    #[test]
    fn a_request_names_the_run_and_the_version_it_wants() {
        let request = sent("https://logs.example.com/in/", Who::Admin);
        assert_eq!(request.url().as_str(), "https://logs.example.com/in/logs");
        let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("x-correlation-id"), "a-run");
        assert_eq!(header("cloudflare-workers-version-overrides"), "w=\"v2\"");
    }
}
