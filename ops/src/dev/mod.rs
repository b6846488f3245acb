//! `ops dev`: everything a newcomer needs on one machine, from one command to a worker that answers.
//!
//! In this order: no other has this checkout's state, the ports are free, `scripts/setup`, `scripts/build`, the local Upstash server, `wrangler dev`, the
//! first answer of `/health`, the lines to paste. Ctrl-C ends all of it; what was stored is there the next time.

mod guide;
mod state;
mod vars;
mod wrangler;

use std::{
    io::ErrorKind,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use clap::Args;

use crate::{
    exit::Failure,
    local_redis::{LocalStore, StoreArgs},
    process::ProcessGroup,
    project::find_project,
    run::lock::Lock,
    signals::Stop,
    upstash::{Options, Server},
};
use state::State;
pub use state::kept_token;
use wrangler::Wrangler;

/// Longest time from the start of wrangler to the worker's first answer; it has been built by then.
const READY_LIMIT: Duration = Duration::from_secs(120);

/// The options of `ops dev`.
#[derive(Args, Clone, Debug)]
pub struct DevArgs {
    /// The worker's port on 127.0.0.1.
    #[arg(long, default_value_t = 8787, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: u16,
    /// The local Upstash server's port on 127.0.0.1.
    #[arg(long, default_value_t = 8079, value_parser = clap::value_parser!(u16).range(1..))]
    pub redis_port: u16,
    /// The store behind the local Upstash server.
    #[command(flatten)]
    pub store: StoreArgs,
    /// Drop what earlier runs stored: the Durable Objects' storage and our own Redis data.
    #[arg(long)]
    pub fresh: bool,
}

/// The token of the Redis that `ops dev` serves in this checkout; it is made when there is none yet.
///
/// # Errors
/// When it cannot be kept.
pub fn redis_token(project: &Path) -> Result<String, Failure> {
    State::open(project)?.token()
}

/// Runs until Ctrl-C. What it started is gone when it returns. With `verbose` everything wrangler prints is shown,
/// not only its errors.
///
/// # Errors
/// Another `ops dev` of this checkout, a taken port, a missing tool, a failed set-up or build, a worker or a local Redis
/// that does not answer or ends.
pub async fn run(args: &DevArgs, verbose: bool) -> Result<(), Failure> {
    let mut stop = Stop::watch()?;
    let mut session = Session::default();
    let outcome = tokio::select! {
        outcome = session.run(args, verbose) => outcome,
        () = stop.wait() => {
            eprintln!("Stopping.");
            Ok(())
        }
    };
    session.end().await;
    outcome
}

/// What is running, in the order it was started.
#[derive(Default)]
struct Session {
    lock: Option<Lock>,
    store: Option<LocalStore>,
    server: Option<Server>,
    wrangler: Option<Wrangler>,
}

impl Session {
    async fn run(&mut self, args: &DevArgs, verbose: bool) -> Result<(), Failure> {
        if args.port == args.redis_port {
            let hint = format!("choose another for one of them: --redis-port {}", another(args.redis_port));
            return Err(Failure::usage(format!("--port and --redis-port are both {}", args.port), hint));
        }
        let project = find_project()?;
        let state = State::open(&project)?;
        self.lock = state.lock(args.port, args.redis_port)?;
        check_port(args.port, "--port")?;
        check_port(args.redis_port, "--redis-port")?;
        if args.fresh {
            state.drop_data()?;
            eprintln!("Dropped what earlier runs stored.");
        }
        script(&project, "setup").await?;
        eprintln!("Building the worker; the first time takes some minutes.");
        script(&project, "build").await?;

        let store = self.store.insert(LocalStore::open(&args.store, &project, Some(state.folder())).await?);
        let options = Options {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, args.redis_port)),
            token: state.token()?,
            store: store.store.clone(),
            ..Options::default()
        };
        let server =
            Server::start(options).await.map_err(|cause| taken(args.redis_port, "--redis-port", &cause))?;
        let server = self.server.insert(server);
        eprintln!("Redis: {} ({}).", server.url(), store.what);

        let wrangler = self.wrangler.insert(Wrangler::start(&project, args.port, server, &state, verbose)?);
        let serving = async {
            wrangler.ready(READY_LIMIT).await?;
            eprintln!("The worker answers on {}. Ctrl-C ends it. Paste these:\n", wrangler.url());
            print!("{}", guide::text(wrangler.url(), &server.url(), server.token()));
            Err(wrangler.ended().await)
        };
        tokio::select! {
            outcome = serving => outcome,
            // The worker would go on taking logs that never get anywhere, and nobody would know why.
            failure = store.ended() => Err(failure),
        }
    }

    /// From the last to the first: nobody loses what it stands on.
    async fn end(self) {
        if let Some(wrangler) = self.wrangler {
            wrangler.stop().await;
        }
        if let Some(server) = self.server
            && let Err(cause) = server.shutdown().await
        {
            eprintln!("warning: {cause}");
        }
        if let Some(store) = self.store {
            store.close().await;
        }
        drop(self.lock);
    }
}

/// Found out before a build that takes minutes, not after it.
fn check_port(port: u16, option: &str) -> Result<(), Failure> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map(drop).map_err(|cause| taken(port, option, &cause))
}

fn another(port: u16) -> u16 {
    port.checked_add(1).unwrap_or(port - 1)
}

fn taken(port: u16, option: &str, cause: &std::io::Error) -> Failure {
    let another = another(port);
    match cause.kind() {
        ErrorKind::AddrInUse => Failure::new(
            format!("port {port} is taken on 127.0.0.1"),
            format!("end what uses it (another `ops dev`?), or choose one: {option} {another}"),
        ),
        _ => Failure::new(
            format!("port {port} cannot be used: {cause}"),
            format!("choose another: {option} {another}"),
        ),
    }
}

/// Runs one of the project's scripts. What it prints goes to stderr: it says each step, and it is quick when there is
/// nothing to do.
pub(crate) async fn script(project: &Path, name: &str) -> Result<(), Failure> {
    let hint = format!("read what it printed above, and run scripts/{name} until it succeeds");
    let failed = |why: String| Failure::new(format!("scripts/{name} {why}"), hint.clone());
    let mut command = Command::new(project.join("scripts").join(name));
    command.current_dir(project).stdin(Stdio::null()).stdout(std::io::stderr());
    let mut group =
        ProcessGroup::spawn(&mut command).map_err(|cause| failed(format!("could not be run: {cause}")))?;
    let status = group.wait().await;
    if status.success() { Ok(()) } else { Err(failed(format!("failed ({status})"))) }
}
