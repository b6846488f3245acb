//! A real Redis server behind the REST API: RESP2 over TCP or a unix socket.

use std::{future::Future, time::Duration};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt, future::BoxFuture};
use redis_protocol::{codec::Resp2, resp2::types::BytesFrame};
use reqwest::Url;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    sync::Mutex,
};
use tokio_util::codec::Framed;

use super::{Store, StoreError, Transaction};
use crate::upstash::{reply::Reply, request::Command, resp};

/// Longest time one request may wait for the Redis server.
const DEADLINE: Duration = Duration::from_secs(30);
/// Reading in large pieces keeps the decoder from starting over on a long list more than a few times.
const READ_BUFFER_BYTES: usize = 1 << 20;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}
type Connection = Framed<Box<dyn Stream>, Resp2>;

/// Commands go over one connection, one request at a time; it is opened again after a failure.
pub struct RedisStore {
    address: Address,
    connection: Mutex<Option<Connection>>,
}

#[derive(Clone, Debug)]
enum Address {
    Tcp { host: String, port: u16, login: Vec<Bytes>, database: Option<String> },
    Unix(std::path::PathBuf),
}

/// The address is not one of a Redis server.
#[derive(Debug, thiserror::Error)]
#[error("{0} is not the address of a Redis server: expected redis://[user:password@]host[:port][/database]")]
pub struct BadAddress(String);

impl RedisStore {
    /// A store at `redis://[user:password@]host[:port][/database]`. Connects at the first command.
    ///
    /// # Errors
    /// When the address has another form (TLS, `rediss://`, is not spoken here).
    pub fn new(url: &str) -> Result<RedisStore, BadAddress> {
        let bad = || BadAddress(hide_password(url));
        let parsed = Url::parse(url).map_err(|_| bad())?;
        let host = parsed.host_str().filter(|_| parsed.scheme() == "redis").ok_or_else(bad)?;
        let decode =
            |text: &str| Bytes::from(percent_encoding::percent_decode_str(text).collect::<Vec<u8>>());
        let mut login = Vec::new();
        if let Some(password) = parsed.password() {
            login.push(Bytes::from_static(b"AUTH"));
            if !parsed.username().is_empty() {
                login.push(decode(parsed.username()));
            }
            login.push(decode(password));
        }
        let database = Some(parsed.path().trim_matches('/').to_owned()).filter(|name| !name.is_empty());
        let host = host.trim_matches(['[', ']']).to_owned();
        Ok(RedisStore::at(Address::Tcp { host, port: parsed.port().unwrap_or(6379), login, database }))
    }

    /// A store behind a unix socket.
    pub fn unix(path: impl Into<std::path::PathBuf>) -> RedisStore {
        RedisStore::at(Address::Unix(path.into()))
    }

    fn at(address: Address) -> RedisStore {
        RedisStore { address, connection: Mutex::new(None) }
    }

    /// Sends all frames at once and reads as many answers. A failure closes the connection: an answer that comes
    /// late must never be taken for the next request's.
    async fn exchange(&self, commands: Vec<Command>) -> Result<Vec<Reply>, StoreError> {
        let mut slot = self.connection.lock().await;
        let mut connection = match slot.take() {
            Some(open) => open,
            None => self.within(self.connect()).await?,
        };
        let replies = self.within(round_trip(&mut connection, commands)).await?;
        *slot = Some(connection);
        Ok(replies)
    }

    async fn connect(&self) -> Result<Connection, String> {
        let stream: Box<dyn Stream> = match &self.address {
            Address::Tcp { host, port, .. } => {
                let stream = TcpStream::connect((host.as_str(), *port)).await.map_err(|e| e.to_string())?;
                stream.set_nodelay(true).map_err(|e| e.to_string())?;
                Box::new(stream)
            }
            Address::Unix(path) => Box::new(UnixStream::connect(path).await.map_err(|e| e.to_string())?),
        };
        let mut connection = Framed::with_capacity(stream, Resp2::default(), READ_BUFFER_BYTES);
        if let Address::Tcp { login, database, .. } = &self.address {
            let mut greeting: Vec<Command> = Vec::new();
            if !login.is_empty() {
                greeting.push(login.clone());
            }
            if let Some(database) = database {
                greeting.push(vec![Bytes::from_static(b"SELECT"), Bytes::from(database.clone())]);
            }
            for reply in round_trip(&mut connection, greeting).await? {
                if let Reply::Error(text) = reply {
                    return Err(text);
                }
            }
        }
        Ok(connection)
    }

    async fn within<T>(&self, work: impl Future<Output = Result<T, String>>) -> Result<T, StoreError> {
        let outcome = tokio::time::timeout(DEADLINE, work).await;
        outcome
            .unwrap_or_else(|_| Err(format!("no answer within {} s", DEADLINE.as_secs())))
            .map_err(|cause| StoreError::Connection { address: self.describe(), cause })
    }
}

impl Store for RedisStore {
    fn pipeline(&self, commands: Vec<Command>) -> BoxFuture<'_, Result<Vec<Reply>, StoreError>> {
        Box::pin(self.exchange(commands))
    }

    fn transaction(&self, commands: Vec<Command>) -> BoxFuture<'_, Result<Transaction, StoreError>> {
        Box::pin(async move {
            let mut framed = vec![vec![Bytes::from_static(b"MULTI")]];
            framed.extend(commands);
            framed.push(vec![Bytes::from_static(b"EXEC")]);
            let mut replies = self.exchange(framed).await?;
            let outcome = replies.pop();
            let refused = replies.into_iter().find_map(|reply| match reply {
                Reply::Error(text) => Some(text),
                _ => None,
            });
            Ok(match (outcome, refused) {
                (_, Some(cause)) => Transaction::Discarded(cause),
                (Some(Reply::Array(results)), None) => Transaction::Executed(results),
                (Some(Reply::Error(text)), None) => Transaction::Discarded(text),
                (other, None) => Transaction::Discarded(format!("ERR unexpected answer to EXEC: {other:?}")),
            })
        })
    }

    fn describe(&self) -> String {
        match &self.address {
            Address::Tcp { host, port, .. } => format!("redis://{host}:{port}"),
            Address::Unix(path) => path.display().to_string(),
        }
    }
}

async fn round_trip(connection: &mut Connection, commands: Vec<Command>) -> Result<Vec<Reply>, String> {
    let expected = commands.len();
    for command in commands {
        let words = command.into_iter().map(BytesFrame::BulkString).collect();
        connection.feed(BytesFrame::Array(words)).await.map_err(|e| e.to_string())?;
    }
    SinkExt::<BytesFrame>::flush(connection).await.map_err(|e| e.to_string())?;
    let mut replies = Vec::with_capacity(expected);
    for _ in 0..expected {
        match connection.next().await {
            Some(Ok(frame)) => replies.push(resp::reply_of(frame)),
            Some(Err(cause)) => return Err(cause.to_string()),
            None => return Err("it closed the connection".into()),
        }
    }
    Ok(replies)
}

fn hide_password(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => {
            let (head, tail) = (url.get(..scheme + 3).unwrap_or(""), url.get(at..).unwrap_or(""));
            format!("{head}…{tail}")
        }
        _ => url.to_owned(),
    }
}
