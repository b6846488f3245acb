//! The command line.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use clap::{Args, Parser, Subcommand};
use serde_json::{Value, json};

use crate::{
    ci::{self, CiCommand},
    config, deploy, dev, doctor, drain,
    exit::{Exit, Failure},
    history,
    local_redis::{LocalStore, StoreArgs},
    redact, rollback,
    run::{Effect, Run, globals::Globals},
    secrets,
    signals::Stop,
    status, tail,
    upstash::{Options, Server},
    verify,
};

/// Sets up, runs, deploys and verifies the log-ingestion worker.
#[derive(Debug, Parser)]
#[command(name = "ops", version, about)]
pub struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the worker on this machine, with a local Redis: no account, nothing to sign up for.
    Dev(dev::DevArgs),
    /// Deploys the project, verified, with the way back taken by itself when something fails.
    Deploy(deploy::options::DeployArgs),
    /// Goes back to a version that was live before, verified; or lists what can be gone back to.
    Rollback(rollback::RollbackArgs),
    /// Checks that a worker is ours, is well, and keeps its promises; without options the one of `ops dev`.
    Verify(verify::command::VerifyArgs),
    /// Shows what a worker says of itself: its version, its components, what waits for Redis.
    Health(verify::command::HealthArgs),
    /// Shows what is live in each environment: since when, by whom, how well, and how far from this checkout.
    Status,
    /// Shows which secrets are set, and sets them.
    #[command(subcommand)]
    Secrets(secrets::SecretsCommand),
    /// Keeps the configuration of the app, Convex, the worker and GitHub as one source of truth says.
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Shows logs as they arrive, until Ctrl-C or --timeout.
    Tail(tail::TailArgs),
    /// Sends everything that waits in the buffers to Redis, and is done when nothing waits.
    Drain(drain::DrainArgs),
    /// Shows and watches the workflow runs on GitHub.
    #[command(subcommand)]
    Ci(CiCommand),
    /// Shows what this machine needs to build, run and deploy the worker, and what to type for what is missing.
    Doctor,
    /// Shows what earlier runs on this machine did.
    History(history::HistoryArgs),
    /// Runs only the local server that speaks the Upstash Redis REST API.
    Upstash(UpstashArgs),
    /// Shows what would be redacted in the text on standard input, and by which rule.
    Redact(redact::RedactArgs),
}

/// What the frame knows of a command.
struct Kind {
    name: &'static str,
    effect: Effect,
    /// The global flags it has a use for, beside `--verbose` and `--correlation-id`.
    flags: &'static [&'static str],
}

/// The flags of a command that asks a deployment.
const ASKING: &[&str] = &["--env", "--url", "--json", "--dry-run", "--yes", "--timeout"];

impl Command {
    fn kind(&self) -> Kind {
        let kind = |name, effect, flags| Kind { name, effect, flags };
        match self {
            Command::Dev(_) => kind("dev", Effect::None, &[]),
            Command::Deploy(_) => kind("deploy", Effect::Changes, ASKING),
            Command::Rollback(args) => kind("rollback", args.effect(), ASKING),
            Command::Verify(_) => kind("verify", Effect::Checks, ASKING),
            Command::Health(_) => kind("health", Effect::Checks, ASKING),
            Command::Status => kind("status", Effect::None, ASKING),
            Command::Secrets(command) => kind("secrets", command.effect(), ASKING),
            Command::Config(command) => kind("config", command.effect(), command.flags()),
            Command::Tail(_) => kind("tail", Effect::None, &["--env", "--url", "--json", "--timeout"]),
            Command::Drain(_) => kind("drain", Effect::Checks, ASKING),
            Command::Ci(command) => kind("ci", Effect::None, command.flags()),
            Command::Doctor => kind("doctor", Effect::None, &["--json"]),
            Command::History(_) => kind("history", Effect::None, &["--json", "--env"]),
            Command::Upstash(_) => kind("upstash", Effect::None, &[]),
            Command::Redact(_) => kind("redact", Effect::None, &["--json", "--env"]),
        }
    }
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

impl Cli {
    /// A global flag that the command has no use for is a mistake of whoever typed it.
    fn refuse_useless_flags(&self) -> Result<(), Failure> {
        let kind = self.command.kind();
        let useless =
            |flag: &&str| !kind.flags.contains(flag) && !["--verbose", "--correlation-id"].contains(flag);
        // What would be done is told in words and commands, which are no JSON.
        let in_words = matches!(
            self.command,
            Command::Deploy(_)
                | Command::Rollback(_)
                | Command::Secrets(_)
                | Command::Verify(_)
                | Command::Health(_)
                | Command::Status
                | Command::Drain(_)
        );
        if in_words && self.globals.json && self.globals.dry_run {
            return Err(Failure::usage(
                format!("ops {} --dry-run is told in words, not as JSON", kind.name),
                "leave out --json or --dry-run",
            ));
        }
        match self.globals.given().into_iter().find(useless) {
            None => Ok(()),
            Some(flag) => Err(Failure::usage(
                format!("ops {} has no use for {flag}", kind.name),
                format!("leave it out; `ops {} --help` says what it takes", kind.name),
            )),
        }
    }
}

/// Whether these arguments (without the program's name) are a command, with options it takes. Nothing is run: the
/// tests of documents ask this.
///
/// # Errors
/// What is wrong with them.
pub fn understands<Word: AsRef<str>>(arguments: &[Word]) -> Result<(), String> {
    let words = std::iter::once("ops").chain(arguments.iter().map(AsRef::as_ref));
    match Cli::try_parse_from(words) {
        Ok(cli) => cli.refuse_useless_flags().map_err(|refusal| refusal.message().to_owned()),
        Err(refusal) if refusal.use_stderr() => Err(refusal.to_string()),
        Err(_) => Ok(()),
    }
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
    if let Err(refusal) = cli.refuse_useless_flags() {
        eprintln!("{refusal}");
        return Exit::Usage;
    }
    let kind = cli.command.kind();
    // What begins other commands, one for each environment, leaves no journal of its own.
    let guided = matches!(&cli.command, Command::Deploy(_)) && cli.globals.env.is_none();
    let effect = if guided { Effect::None } else { kind.effect };
    let run = Run::begin(kind.name, effect, cli.globals);
    if kind.effect != Effect::None {
        history::tell_interrupted(&run);
    }
    let outcome = match &cli.command {
        Command::Dev(args) => done(dev::run(args, run.globals().verbose).await),
        Command::Deploy(args) => deploy::run(&run, args).await,
        Command::Rollback(args) => rollback::run(&run, args).await,
        Command::Verify(args) => verify::command::verify(&run, args).await,
        Command::Health(args) => verify::command::health(&run, args).await,
        Command::Status => status::run(&run).await,
        Command::Secrets(command) => secrets::run(&run, command).await,
        Command::Config(command) => config::run(&run, command).await,
        Command::Tail(args) => tail::run(&run, args).await,
        Command::Drain(args) => drain::run(&run, args).await,
        Command::Ci(command) => ci::run(&run, command).await,
        Command::Doctor => doctor::run(&run).await,
        Command::History(args) => history::run(&run, args),
        Command::Upstash(args) => done(upstash(args).await),
        Command::Redact(args) => done(redact::run(args, &run)),
    };
    match outcome {
        Ok(exit) => {
            run.close(exit, Value::Null);
            exit
        }
        Err(failure) => {
            run.printer().say(&failure.to_string());
            let told = json!({ "error": failure.message(), "hint": failure.hint() });
            if run.printer().json() {
                run.printer().data(&told.to_string());
            }
            run.close(failure.status(), told);
            failure.status()
        }
    }
}

fn done(outcome: Result<(), Failure>) -> Result<Exit, Failure> {
    outcome.map(|()| Exit::Done)
}

async fn upstash(args: &UpstashArgs) -> Result<(), Failure> {
    let mut stop = Stop::watch()?;
    let mut store = LocalStore::open(&args.store, Path::new("."), args.data.as_deref()).await?;
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
    let ended = tokio::select! {
        () = stop.wait() => None,
        failure = store.ended() => Some(failure),
    };
    let saved = server.shutdown().await;
    store.close().await;
    if let Some(failure) = ended {
        return Err(failure);
    }
    saved.map_err(|cause| Failure::new(cause.to_string(), "make the --data folder writable"))
}
