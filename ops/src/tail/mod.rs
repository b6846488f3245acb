//! `ops tail`: a worker's logs in the terminal as they arrive, from each of its shards. A connection that breaks is made
//! again and goes on where it was.

mod line;
pub mod plain;
mod stream;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum};
use log_ingestion_worker::entry::{Level, System};
use tokio::{sync::mpsc, task::JoinSet};

use crate::{
    exit::{Exit, Failure},
    run::Run,
    signals::Stop,
    verify::{Client, Plan, Target},
};
use line::{Entry, Lines};
use stream::{Event, Subject};

/// Events that wait to be printed at most: a terminal that is slow makes the streams wait, and they the worker's shards.
const QUEUE: usize = 64;

/// As far back as a worker holds logs for a tail.
const HELD: Duration = Duration::from_secs(3_600);

/// The options of `ops tail`.
#[derive(Args, Clone, Debug)]
pub struct TailArgs {
    /// Only this trace; without it, every log.
    #[arg(long, value_name = "ID")]
    trace: Option<String>,
    /// Only logs of this level or a graver one.
    #[arg(long, value_enum)]
    level: Option<LevelArg>,
    /// Only logs of this system.
    #[arg(long, value_enum)]
    system: Option<SystemArg>,
    /// First what came since so long ago, as 10m or 1h; a worker holds an hour.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    since: Option<Duration>,
}

/// A level as it is typed, the least grave first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum LevelArg {
    Log,
    Info,
    Warn,
    Error,
}

/// A system as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SystemArg {
    Browser,
    Convex,
    Worker,
    Manual,
}

impl From<Level> for LevelArg {
    fn from(level: Level) -> LevelArg {
        match level {
            Level::Log => LevelArg::Log,
            Level::Info => LevelArg::Info,
            Level::Warn => LevelArg::Warn,
            Level::Error => LevelArg::Error,
        }
    }
}

impl From<System> for SystemArg {
    fn from(system: System) -> SystemArg {
        match system {
            System::Browser => SystemArg::Browser,
            System::Convex => SystemArg::Convex,
            System::Worker => SystemArg::Worker,
            System::Manual => SystemArg::Manual,
        }
    }
}

impl TailArgs {
    fn shows(&self, entry: &Entry, since: Option<i64>) -> bool {
        self.level.is_none_or(|least| LevelArg::from(entry.level) >= least)
            && self.system.is_none_or(|system| SystemArg::from(entry.system) == system)
            && since.is_none_or(|since| entry.timestamp >= since)
    }
}

/// Shows logs until it is ended, by a signal, by `--timeout`, or by a reader who has seen enough.
///
/// # Errors
/// When nothing answers at first, or the worker refuses.
pub async fn run(run: &Run, args: &TailArgs) -> Result<Exit, Failure> {
    let mut stop = Stop::watch()?;
    let over = run.globals().timeout;
    let over = async {
        match over {
            Some(over) => tokio::time::sleep(over).await,
            None => std::future::pending().await,
        }
    };
    let mut view =
        View { run, args, since: since(run, args), lines: Lines::new(args.trace.is_none()), missed: 0 };
    tokio::select! {
        outcome = view.follow() => outcome?,
        () = stop.wait() => {}
        () = over => {}
    }
    Ok(if view.missed > 0 { Exit::Warnings } else { Exit::Done })
}

/// The oldest timestamp to show, Unix ms.
fn since(run: &Run, args: &TailArgs) -> Option<i64> {
    let since = args.since?;
    if since > HELD {
        run.printer().warn("a worker holds the logs of an hour: GET /logs shows a whole trace");
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.saturating_sub(since).as_millis()).ok()
}

struct View<'r> {
    run: &'r Run,
    args: &'r TailArgs,
    since: Option<i64>,
    lines: Lines,
    missed: u64,
}

impl View<'_> {
    /// Follows every stream. Returns when nobody reads any more.
    async fn follow(&mut self) -> Result<(), Failure> {
        let target = Target::of(self.run)?;
        let plan = Plan::new(target.url, self.run.id().clone());
        let (sender, mut events) = mpsc::channel(QUEUE);
        let mut streams = JoinSet::new();
        let after = if self.args.since.is_some() { "0" } else { "" };
        let start = |streams: &mut JoinSet<Result<(), Failure>>, subject: Subject| -> Result<(), Failure> {
            let client = Client::new(&plan)?;
            streams.spawn(stream::follow(client, subject, after.to_owned(), sender.clone()));
            Ok(())
        };
        match &self.args.trace {
            Some(trace) => start(&mut streams, Subject::Trace(trace.clone()))?,
            None => start(&mut streams, Subject::Shard(0))?,
        }
        let mut shards = 1;
        loop {
            let event = tokio::select! {
                Some(event) = events.recv() => event,
                // A stream ends by itself only when it was refused.
                Some(ended) = streams.join_next() => match ended {
                    Ok(outcome) => return outcome,
                    Err(cause) => return Err(Failure::new(format!("a stream broke: {cause}"), "run it again")),
                },
                else => return Ok(()),
            };
            if let (Event::Opened { shards: now }, None) = (&event, &self.args.trace) {
                for shard in shards..*now {
                    start(&mut streams, Subject::Shard(shard))?;
                }
                shards = shards.max(*now);
            }
            if !self.show(event) {
                return Ok(());
            }
        }
    }

    /// Returns whether there is still somebody who reads.
    fn show(&mut self, event: Event) -> bool {
        let printer = self.run.printer();
        match event {
            Event::Opened { .. } => {}
            Event::Log(json) => match serde_json::from_str::<Entry>(&json) {
                Ok(entry) if !self.args.shows(&entry, self.since) => {}
                Ok(_) if printer.json() => {
                    return self.lines.write(&self.run.mask().apply(&plain::json(&json)));
                }
                Ok(entry) => {
                    let shown = self.lines.of(&entry, printer, self.run.globals().verbose);
                    return self.lines.write(&self.run.mask().apply(&shown));
                }
                Err(cause) => printer.warn(&format!("a log cannot be read: {cause}")),
            },
            Event::Missed(count) => {
                self.missed += count;
                printer
                    .warn(&format!("{count} logs were missed: the worker no longer holds them for a tail"));
            }
            Event::Cleared => printer.say("-- cleared: what was shown so far is gone --"),
            Event::Broken(why) => {
                printer.warn(&format!("{why}; it goes on where it was when the worker is back"))
            }
            Event::Back => printer.say("-- the worker is back --"),
        }
        true
    }
}
