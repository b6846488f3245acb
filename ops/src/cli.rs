//! The command line.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use clap::{Args, Parser, Subcommand};

use crate::{
    dev,
    exit::{Exit, Failure},
    local_redis::{LocalStore, StoreArgs},
    redact,
    signals::Stop,
    upstash::{Options, Server},
};

/// Sets up, runs, deploys and verifies the log-ingestion worker.
#[derive(Debug, Parser)]
#[command(name = "ops", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the worker on this machine, with a local Redis: no account, nothing to sign up for.
    Dev(dev::DevArgs),
    /// Runs only the local server that speaks the Upstash Redis REST API.
    Upstash(UpstashArgs),
    /// Shows what would be redacted in the text on standard input, and by which rule.
    Redact(redact::RedactArgs),
}

#[derive(Args, Debug)]
struct UpstashArgs {
    /// The port on 127.0.0.1.
    #[arg(long, default_value_t = 8079)]
    port: u16,
    /// What clients must send as `Authorization: Bearer`.
    #[arg(long, env = "UPSTASH_REDIS_REST_TOKEN", hide_env_values = true, default_value = "local-token")]
    token: String,
    /// Keep the data in this folder; without it the data ends with the server.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    #[command(flatten)]
    store: StoreArgs,
}

/// Runs the program with the process's arguments.
pub async fn main() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(refusal) => {
            // Help and version come this way too; they are no errors.
            let exit = if refusal.use_stderr() { Exit::Usage } else { Exit::Done };
            let _ = refusal.print();
            return exit;
        }
    };
    let outcome = match &cli.command {
        Command::Dev(args) => dev::run(args).await,
        Command::Upstash(args) => upstash(args).await,
        Command::Redact(args) => redact::run(args),
    };
    match outcome {
        Ok(()) => Exit::Done,
        Err(failure) => {
            eprintln!("{failure}");
            Exit::Failed
        }
    }
}

async fn upstash(args: &UpstashArgs) -> Result<(), Failure> {
    let mut stop = Stop::watch()?;
    let store = LocalStore::open(&args.store, Path::new("."), args.data.as_deref()).await?;
    let options = Options {
        address: SocketAddr::from((Ipv4Addr::LOCALHOST, args.port)),
        token: args.token.clone(),
        store: store.store.clone(),
        ..Options::default()
    };
    let server = Server::start(options).await.map_err(|cause| {
        Failure::new(format!("port {} cannot be used: {cause}", args.port), "choose another: --port")
    })?;
    eprintln!("The store is {}. Ctrl-C ends it.", store.what);
    println!("UPSTASH_REDIS_REST_URL={}\nUPSTASH_REDIS_REST_TOKEN={}", server.url(), server.token());
    stop.wait().await;
    let saved = server.shutdown().await;
    store.close().await;
    saved.map_err(|cause| Failure::new(cause.to_string(), "make the --data folder writable"))
}
