//! A viewer of the live tail: a WebSocket client that answers as the protocol asks, and remembers its cursor.

use super::{Client, PATIENCE};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message, client::IntoClientRequest, http::HeaderValue};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// One viewer.
pub struct Viewer {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// The cursor of the last frame, `hello` included.
    pub cursor: String,
    /// How many shards the worker says there are.
    pub shards: u64,
}

impl Viewer {
    /// Opens a tail with this query and these headers, and takes `hello` in.
    ///
    /// # Errors
    /// The status and body of an answer that is no WebSocket.
    pub async fn try_open(
        client: &Client,
        query: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Viewer, (u16, String)> {
        let url = format!("{}/logs/tail?{query}", client.base().replacen("http", "ws", 1));
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
        }
        let socket = match connect_async(request).await {
            Ok((socket, _)) => socket,
            Err(Error::Http(answer)) => {
                let body = answer.body().clone().unwrap_or_default();
                return Err((answer.status().as_u16(), String::from_utf8(body).unwrap()));
            }
            // Nobody answers: the worker is not there.
            Err(error) => return Err((0, error.to_string())),
        };
        let mut viewer = Viewer { socket, cursor: String::new(), shards: 0 };
        let hello = viewer.next().await;
        assert_eq!(hello["type"], "hello", "{hello}");
        viewer.shards = hello["shards"].as_u64().unwrap();
        Ok(viewer)
    }

    /// As [`Viewer::try_open`], where it must open.
    pub async fn open(client: &Client, query: &str) -> Viewer {
        Viewer::try_open(client, query, &[]).await.unwrap()
    }

    /// The next frame; fails when the connection ends instead.
    pub async fn next(&mut self) -> Value {
        self.try_next().await.unwrap_or_else(|code| panic!("the connection ended with {code:?}"))
    }

    /// The next frame, or the code the connection ended with. Acknowledges what it is asked to.
    pub async fn try_next(&mut self) -> Result<Value, Option<u16>> {
        loop {
            match self.message().await? {
                text if text == "pong" => return Ok(Value::String(text)),
                text => {
                    let frame: Value = serde_json::from_str(&text).unwrap();
                    if frame["type"] == "ack" {
                        self.say("ack").await;
                        continue;
                    }
                    self.cursor = frame["cursor"].as_str().unwrap().to_owned();
                    return Ok(frame);
                }
            }
        }
    }

    /// The next text as it came, without an answer to it.
    pub async fn message(&mut self) -> Result<String, Option<u16>> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("a frame in time");
            match message {
                Some(Ok(Message::Text(text))) => return Ok(text.to_string()),
                Some(Ok(Message::Close(frame))) => return Err(frame.map(|frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }

    /// The next so many logs, whatever the frames they come in; every frame must be of logs.
    pub async fn logs(&mut self, count: usize) -> Vec<Value> {
        let mut logs = Vec::new();
        while logs.len() < count {
            let mut frame = self.next().await;
            assert_eq!(frame["type"], "logs", "{frame}");
            match frame["logs"].take() {
                Value::Array(entries) => logs.extend(entries),
                other => panic!("logs is no list: {other}"),
            }
        }
        assert_eq!(logs.len(), count);
        logs
    }

    /// Sends a text. That the connection ended shows when it is read.
    pub async fn say(&mut self, text: &str) {
        let _ = self.socket.send(Message::text(text)).await;
    }
}

/// The messages of entries.
pub fn messages(logs: &[Value]) -> Vec<&str> {
    logs.iter().map(|log| log["message"].as_str().unwrap()).collect()
}
