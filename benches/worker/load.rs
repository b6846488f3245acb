//! Load over loopback: closed loops for what a worker can do at most, an open loop for how long its clients wait.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http_body_util::{BodyExt, Full};
use hyper::{Request, body::Bytes, client::conn::http1::SendRequest};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinSet, time::Instant};

/// What to send: its number → method, path and body.
pub type Script = Arc<dyn Fn(u64) -> (&'static str, String, String) + Send + Sync>;

/// What came of it.
#[derive(Default)]
pub struct Load {
    /// Requests answered with 200.
    pub answered: u64,
    /// Requests answered otherwise, or not at all.
    pub refused: u64,
    /// How long it took in all.
    pub time: Duration,
    /// How long each request took, sorted.
    latencies: Vec<Duration>,
}

impl Load {
    /// Answers a second.
    pub fn per_second(&self) -> f64 {
        self.answered as f64 / self.time.as_secs_f64()
    }

    /// The time within which this share of the requests was answered, in ms.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        let at = ((self.latencies.len() as f64 * share) as usize).min(self.latencies.len().saturating_sub(1));
        self.latencies.get(at).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1_000.0)
    }

    /// Adds what came after it.
    pub fn add(&mut self, next: Load) {
        self.time += next.time;
        self.take(next);
        self.latencies.sort_unstable();
    }

    fn take(&mut self, other: Load) {
        self.answered += other.answered;
        self.refused += other.refused;
        self.latencies.extend(other.latencies);
    }
}

/// How long, and at most how many requests.
#[derive(Clone, Copy)]
pub struct Stretch {
    pub time: Duration,
    pub requests: u64,
}

/// Each connection sends as soon as it has its answer.
pub async fn closed(port: u16, connections: usize, of: Stretch, first: u64, script: &Script) -> Load {
    let end = Instant::now() + of.time;
    let due = move |number| (number < of.requests && Instant::now() < end).then(Instant::now);
    run(port, connections, first, script, due).await
}

/// So many requests in all, by connections that send as soon as they can.
pub async fn exactly(port: u16, connections: usize, requests: u64, first: u64, script: &Script) -> Load {
    run(port, connections, first, script, move |number| (number < requests).then(Instant::now)).await
}

/// Requests start at a fixed rate whatever became of those before, and each one's time counts from when it was to
/// start: a server that stalls is not spared the requests it kept from being sent (coordinated omission).
pub async fn open(
    port: u16,
    connections: usize,
    rate: f64,
    time: Duration,
    first: u64,
    script: &Script,
) -> Load {
    let begin = Instant::now();
    run(port, connections, first, script, move |number| {
        let due = Duration::from_secs_f64(number as f64 / rate);
        (due < time).then(|| begin + due)
    })
    .await
}

/// `due` tells of a request's number when it starts; `None` ends the run.
async fn run(
    port: u16,
    connections: usize,
    first: u64,
    script: &Script,
    due: impl Fn(u64) -> Option<Instant> + Send + Sync + 'static,
) -> Load {
    let (next, due) = (Arc::new(AtomicU64::new(0)), Arc::new(due));
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let (next, due, script) = (next.clone(), due.clone(), script.clone());
        tasks.spawn(async move {
            let mut load = Load::default();
            let mut connection = None;
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(start) = due(number) else { return load };
                tokio::time::sleep_until(start).await;
                match send(&mut connection, port, script(first + number)).await {
                    Some(200) => load.answered += 1,
                    status => {
                        load.refused += 1;
                        if status.is_none() {
                            connection = None;
                        }
                    }
                }
                load.latencies.push(start.elapsed());
            }
        });
    }
    let mut all = Load::default();
    while let Some(done) = tasks.join_next().await {
        all.take(done.unwrap_or_default());
    }
    all.time = begin.elapsed();
    all.latencies.sort_unstable();
    all
}

type Connection = Option<SendRequest<Full<Bytes>>>;

/// The status of the answer, after all of it has come; `None` without one.
pub async fn send(connection: &mut Connection, port: u16, request: (&str, String, String)) -> Option<u16> {
    fetch(connection, port, request).await.map(|(status, _)| status)
}

/// Status and body of the answer.
pub async fn fetch(
    connection: &mut Connection,
    port: u16,
    (method, path, body): (&str, String, String),
) -> Option<(u16, Bytes)> {
    if connection.as_ref().is_none_or(SendRequest::is_closed) {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
        stream.set_nodelay(true).ok()?;
        let (sender, driver) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
        tokio::spawn(driver);
        *connection = Some(sender);
    }
    let sender = connection.as_mut()?;
    sender.ready().await.ok()?;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("Host", format!("127.0.0.1:{port}"))
        .header("Content-Type", "application/json")
        .body(Full::new(Bytes::from(body)))
        .ok()?;
    let answer = sender.send_request(request).await.ok()?;
    let status = answer.status().as_u16();
    Some((status, answer.into_body().collect().await.ok()?.to_bytes()))
}
