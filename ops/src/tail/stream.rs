//! One connection to the live tail (its protocol: `log_ingestion_worker::tail`), kept up.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use reqwest::{Method, StatusCode, Upgraded, header};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc::Sender;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        handshake::{client::generate_key, derive_accept_key},
        protocol::Role,
    },
};

use crate::{
    exit::Failure,
    verify::{Client, Who},
};

/// How often a heartbeat goes out.
const HEARTBEAT: Duration = Duration::from_secs(20);
/// Without a word for so long a connection is dead: a heartbeat is answered at once.
const SILENCE: Duration = Duration::from_secs(45);
/// Between two attempts, the first and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

/// What a stream is of.
#[derive(Clone, Debug)]
pub enum Subject {
    /// One trace.
    Trace(String),
    /// All logs of a shard.
    Shard(u32),
}

/// What happens on a stream.
#[derive(Debug)]
pub enum Event {
    /// It is open, of a worker with so many shards.
    Opened { shards: u32 },
    /// A log, as JSON.
    Log(String),
    /// So many logs are no longer held.
    Missed(u64),
    /// What was shown is gone.
    Cleared,
    /// The connection broke, and is being made again.
    Broken(String),
    /// It is there again.
    Back,
}

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    cursor: Option<String>,
    shards: Option<u32>,
    count: Option<u64>,
    #[serde(borrow, default)]
    logs: Vec<&'a RawValue>,
}

/// Why there is no connection.
enum Closed {
    /// It may be there later.
    Broken(String),
    /// It will not.
    Refused(Failure),
}

/// Follows a subject until nobody takes its events any more.
///
/// # Errors
/// When the worker refuses, or nothing answers at first.
pub async fn follow(
    client: Client,
    subject: Subject,
    after: String,
    events: Sender<Event>,
) -> Result<(), Failure> {
    let mut stream = Stream { client, subject, after, events, was_open: false, broken: false };
    let mut pause = PAUSES.0;
    loop {
        match stream.run().await {
            Ok(()) => return Ok(()),
            Err(Closed::Refused(failure)) => return Err(failure),
            Err(Closed::Broken(why)) if !stream.was_open => {
                let hint =
                    "start the worker, or see whether --url is right; `ops doctor` shows what is missing";
                return Err(Failure::new(format!("no tail: {why}"), hint));
            }
            Err(Closed::Broken(why)) => {
                if !std::mem::replace(&mut stream.broken, true) {
                    pause = PAUSES.0;
                    if stream.events.send(Event::Broken(why)).await.is_err() {
                        return Ok(());
                    }
                }
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

struct Stream {
    client: Client,
    subject: Subject,
    after: String,
    events: Sender<Event>,
    was_open: bool,
    broken: bool,
}

impl Stream {
    /// One connection, from its opening to its end. Ends well when nobody takes its events.
    async fn run(&mut self) -> Result<(), Closed> {
        let mut socket = self.open().await?;
        let broken = |what: &str| Closed::Broken(format!("the connection broke: {what}"));
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        loop {
            let message = tokio::select! {
                message = tokio::time::timeout(SILENCE, socket.next()) => message.map_err(|_| broken("it is silent"))?,
                _ = heartbeat.tick() => {
                    socket.send(Message::text("ping")).await.map_err(|cause| broken(&cause.to_string()))?;
                    continue;
                }
            };
            let text = match message {
                Some(Ok(Message::Text(text))) => text,
                Some(Ok(Message::Close(Some(frame)))) => return Err(broken(&frame.reason)),
                Some(Ok(Message::Close(None))) | None => return Err(broken("the worker ended it")),
                Some(Ok(_)) => continue,
                Some(Err(cause)) => return Err(broken(&cause.to_string())),
            };
            if text.as_str() == "pong" {
                continue;
            }
            let frame: Frame<'_> = serde_json::from_str(&text).map_err(|cause| {
                Closed::Refused(Failure::new(format!("no frame of a tail: {cause}"), UPDATE))
            })?;
            if frame.kind == "ack" {
                socket.send(Message::text("ack")).await.map_err(|cause| broken(&cause.to_string()))?;
            } else if !self.tell(frame).await {
                return Ok(());
            }
        }
    }

    /// Passes on what a frame says. Returns whether anybody takes it.
    async fn tell(&mut self, frame: Frame<'_>) -> bool {
        let mut told = Vec::new();
        match frame.kind {
            "hello" => {
                self.was_open = true;
                told.extend(std::mem::take(&mut self.broken).then_some(Event::Back));
                told.extend(frame.shards.map(|shards| Event::Opened { shards }));
            }
            "logs" => told.extend(frame.logs.iter().map(|log| Event::Log(log.get().to_owned()))),
            "missed" => told.extend(frame.count.map(Event::Missed)),
            "cleared" => told.push(Event::Cleared),
            // A later worker may say more.
            _ => {}
        }
        for event in told {
            if self.events.send(event).await.is_err() {
                return false;
            }
        }
        self.after = frame.cursor.unwrap_or(std::mem::take(&mut self.after));
        true
    }

    async fn open(&self) -> Result<WebSocketStream<Upgraded>, Closed> {
        let subject = match &self.subject {
            Subject::Trace(trace) => format!("trace_id={}", crate::verify::contract::encoded(trace)),
            Subject::Shard(shard) => format!("shard={shard}&logs=true"),
        };
        let key = generate_key();
        let path = format!("/logs/tail?{subject}&after={}", self.after);
        let request = self.client.request(Who::Reader, Method::GET, &path);
        let request = request.header(header::CONNECTION, "Upgrade").header(header::UPGRADE, "websocket");
        let request =
            request.header(header::SEC_WEBSOCKET_VERSION, "13").header(header::SEC_WEBSOCKET_KEY, &key);
        let answer = self.client.upgrade(request).await.map_err(|finding| Closed::Broken(finding.detail))?;
        let accepted =
            answer.headers().get(header::SEC_WEBSOCKET_ACCEPT).map(|value| value.as_bytes().to_vec());
        match answer.status() {
            StatusCode::SWITCHING_PROTOCOLS
                if accepted == Some(derive_accept_key(key.as_bytes()).into_bytes()) =>
            {
                let upgraded = answer.upgrade().await;
                let upgraded = upgraded.map_err(|cause| Closed::Broken(cause.to_string()))?;
                Ok(WebSocketStream::from_raw_socket(upgraded, Role::Client, None).await)
            }
            status => Err(refused(status, &answer.text().await.unwrap_or_default())),
        }
    }
}

const UPDATE: &str = "another version than this checkout's answers there: deploy it, or run its own ops";

fn refused(status: StatusCode, body: &str) -> Closed {
    let said: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let error = said.get("error").and_then(serde_json::Value::as_str).unwrap_or("no reason given");
    let error = super::plain::line(error);
    let hint = match status.as_u16() {
        401 | 403 => "set OPS_READ_TOKEN in the environment of this command to the worker's LOG_READ_TOKEN",
        404 => UPDATE,
        429 | 500.. => return Closed::Broken(format!("{}: {error}", status.as_u16())),
        _ => "see what the worker says; ops/runbooks/verify.md",
    };
    Closed::Refused(Failure::new(format!("the worker refuses: {}: {error}", status.as_u16()), hint))
}
