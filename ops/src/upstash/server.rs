//! The server's life: it listens, can go away and come back on the same port, and ends.

use std::{
    io,
    net::{Ipv4Addr, Shutdown, SocketAddr},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::Mutex,
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::{
    faults::Faults,
    journal::{Executed, Journal},
    reply::Reply,
    service,
    stats::{Counter, Stats},
    store::{self, MemoryStore, Store, StoreError},
};
use crate::port::{bind, listen};

/// Connections the kernel may hold before they are accepted.
const BACKLOG: u32 = 1024;

/// How to start a [`Server`].
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// The token clients must show.
    pub token: String,
    /// Where commands go.
    pub store: Arc<dyn Store>,
    /// Bytes of a request at most, and of what one command answers. Upstash takes 10 MB on its pay-as-you-go plan:
    /// <https://upstash.com/docs/redis/troubleshooting/max_request_size_exceeded>
    pub max_request_bytes: usize,
}

impl Default for Options {
    /// A free loopback port, the token `local-token`, an empty memory store, 10 MB.
    fn default() -> Self {
        Options {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            token: "local-token".into(),
            store: Arc::new(MemoryStore::new()),
            max_request_bytes: 10 * 1024 * 1024,
        }
    }
}

/// A running server. Dropping it closes its port and its connections.
pub struct Server {
    core: Arc<Core>,
}

/// What every connection shares.
pub(super) struct Core {
    pub token: String,
    pub max_request_bytes: usize,
    pub store: Arc<dyn Store>,
    pub faults: Faults,
    pub counter: Counter,
    pub journal: Journal,
    address: SocketAddr,
    _reservation: Option<TcpSocket>,
    presence: Mutex<Presence>,
    end: CancellationToken,
}

enum Presence {
    /// The task ends, and gives the port free, when the token is cancelled.
    Listening(CancellationToken, JoinHandle<()>),
    /// Bound and not listening: clients are refused, and nobody is given the port by chance.
    Away(TcpSocket),
    /// Between the two, or after a failure to bind.
    Nowhere,
}

impl Server {
    /// Listens. Runs on the current tokio runtime.
    ///
    /// # Errors
    /// When the address cannot be had, for example because the port is taken.
    pub async fn start(options: Options) -> io::Result<Server> {
        let (listener, reservation) = listen(options.address, BACKLOG)?;
        let address = listener.local_addr()?;
        let core = Arc::new(Core {
            token: options.token,
            max_request_bytes: options.max_request_bytes,
            store: options.store,
            faults: Faults::default(),
            counter: Counter::default(),
            journal: Journal::default(),
            address,
            _reservation: reservation,
            presence: Mutex::new(Presence::Nowhere),
            end: CancellationToken::new(),
        });
        *core.presence.lock().await = core.listen(listener);
        Ok(Server { core })
    }

    /// A server over an empty memory store on a free loopback port.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub async fn memory() -> io::Result<Server> {
        Server::start(Options::default()).await
    }

    /// Its address, as `UPSTASH_REDIS_REST_URL` has it.
    pub fn url(&self) -> String {
        format!("http://{}", self.core.address)
    }

    /// Its token, as `UPSTASH_REDIS_REST_TOKEN` has it.
    pub fn token(&self) -> &str {
        &self.core.token
    }

    /// The port it listens on, or comes back to.
    pub fn port(&self) -> u16 {
        self.core.address.port()
    }

    /// What goes wrong from now on.
    pub fn faults(&self) -> &Faults {
        &self.core.faults
    }

    /// The counts so far.
    pub fn stats(&self) -> Stats {
        self.core.counter.snapshot()
    }

    /// Starts counting anew.
    pub fn reset_stats(&self) {
        self.core.counter.reset();
    }

    /// Records from now on which commands are executed when, until the server ends.
    pub fn start_journal(&self) {
        self.core.journal.start();
    }

    /// What was recorded since the start of the journal or the last call, in order of execution.
    pub fn take_journal(&self) -> Vec<Executed> {
        self.core.journal.take()
    }

    /// The store itself: no faults, no counting.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.core.store
    }

    /// One command, past faults and counters: `server.run(&["LRANGE", "logs:t", "0", "-1"])`.
    ///
    /// # Errors
    /// When the store itself fails; a command's failure is a [`Reply::Error`].
    pub async fn run<W: AsRef<[u8]>>(&self, words: &[W]) -> Result<Reply, StoreError> {
        store::run(self.core.store.as_ref(), words).await
    }

    /// Forgets all data, as a Redis that was restarted empty.
    ///
    /// # Errors
    /// When the store itself fails.
    pub async fn wipe(&self) -> Result<(), StoreError> {
        self.core.wipe().await
    }

    /// Goes away: every connection is closed and new ones are refused. The data and the port stay ours.
    ///
    /// # Errors
    /// When the port could not be kept; [`Server::resume`] tries again.
    pub async fn stop_listening(&self) -> io::Result<()> {
        self.core.stop_listening().await
    }

    /// Comes back on the same port. Does nothing when it is there.
    ///
    /// # Errors
    /// When the port cannot be had.
    pub async fn resume(&self) -> io::Result<()> {
        self.core.resume().await
    }

    /// Closes the port and saves the data.
    ///
    /// # Errors
    /// When the data could not be saved.
    pub async fn shutdown(self) -> Result<(), StoreError> {
        self.core.end.cancel();
        self.core.store.save().await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.core.end.cancel();
    }
}

impl Core {
    pub async fn wipe(&self) -> Result<(), StoreError> {
        store::run(self.store.as_ref(), &["FLUSHDB"]).await.map(drop)
    }

    pub async fn stop_listening(&self) -> io::Result<()> {
        let mut presence = self.presence.lock().await;
        match std::mem::replace(&mut *presence, Presence::Nowhere) {
            Presence::Listening(token, task) => {
                token.cancel();
                // The listener is gone once its task is.
                let _ = task.await;
                *presence = Presence::Away(bind(self.address)?);
            }
            other => *presence = other,
        }
        Ok(())
    }

    pub async fn resume(self: &Arc<Self>) -> io::Result<()> {
        let mut presence = self.presence.lock().await;
        let socket = match std::mem::replace(&mut *presence, Presence::Nowhere) {
            Presence::Away(socket) => socket,
            Presence::Nowhere => bind(self.address)?,
            listening => {
                *presence = listening;
                return Ok(());
            }
        };
        *presence = self.listen(socket.listen(BACKLOG)?);
        Ok(())
    }

    /// Goes away after a moment (for the answer to be read) and comes back by itself.
    pub fn away_for(self: &Arc<Self>, time: Duration) {
        let core = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let gone = core.stop_listening().await;
            tokio::time::sleep(time).await;
            if let Err(cause) = gone.and(core.resume().await) {
                eprintln!("warning: the local Redis could not come back: {cause}");
            }
        });
    }

    fn listen(self: &Arc<Self>, listener: TcpListener) -> Presence {
        let token = self.end.child_token();
        let task = tokio::spawn(accept(self.clone(), listener, token.clone()));
        Presence::Listening(token, task)
    }
}

async fn accept(core: Arc<Core>, listener: TcpListener, token: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = token.cancelled() => {
                // Closing is not enough: a program that is being started holds a copy until it runs, and while that
                // listens nobody can bind the port. Where a listener cannot be shut down, closing it has to do.
                let _ = socket2::SockRef::from(&listener).shutdown(Shutdown::Both);
                return;
            }
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let connection = serve(core.clone(), stream);
                let token = token.clone();
                tokio::spawn(async move {
                    tokio::select! {
                        () = token.cancelled() => {}
                        () = connection => {}
                    }
                });
            }
            // Too many open files, most likely: others must end first.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

async fn serve(core: Arc<Core>, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let reset = Arc::new(AtomicBool::new(false));
    let io = TokioIo::new(Resettable { stream, reset: reset.clone() });
    let service = service_fn(move |request| service::serve(core.clone(), reset.clone(), request));
    // What fails here is the client's or on purpose.
    let _ = http1::Builder::new().serve_connection(io, service).await;
}

/// A connection that ends with a TCP reset when told to, as one to a machine that crashed.
struct Resettable {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Drop for Resettable {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Relaxed) {
            let _ = socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        }
    }
}

impl AsyncRead for Resettable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Resettable {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
