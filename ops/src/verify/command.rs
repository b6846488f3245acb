//! `ops verify` and `ops health`: from arguments to what a person or a program reads.

use std::{cell::RefCell, time::Instant};

use clap::Args;
use reqwest::Url;

use super::{
    around::{self, AroundArgs},
    checks, notify,
    plan::{Depth, PATIENCE, Plan},
    report::{Check, Report, Status, millis},
    suite::{self, Event},
    target::Target,
};
use crate::{
    exit::{Exit, Failure},
    run::{
        Run,
        printer::{Mark, Printer, Step},
    },
    signals::Stop,
};

/// The options of `ops verify`.
#[derive(Args, Clone, Debug)]
pub struct VerifyArgs {
    /// The version that must serve; waited for, up to --timeout.
    #[arg(long, value_name = "ID")]
    version: Option<String>,
    /// Use up one trace's quota as well, on a trace of its own. In production it needs --yes.
    #[arg(long, conflicts_with = "read_only")]
    deep: bool,
    /// Post and clear nothing.
    #[arg(long)]
    read_only: bool,
    /// Also what stands around the worker, as the source of truth has it: the app, Convex, addresses, signing in.
    #[arg(long)]
    all: bool,
    /// Where it stands.
    #[command(flatten)]
    around: AroundArgs,
    /// A page that must be able to read answers; else the first of ALLOWED_ORIGINS in wrangler.toml.
    #[arg(long, value_name = "ORIGIN")]
    origin: Option<String>,
    #[command(flatten)]
    alert: AlertArgs,
}

/// The options of `ops health`.
#[derive(Args, Clone, Debug)]
pub struct HealthArgs {
    #[command(flatten)]
    alert: AlertArgs,
}

/// Whom to tell.
#[derive(Args, Clone, Debug)]
pub struct AlertArgs {
    /// Post a short alert there (Slack-compatible) when it is worse than the last time this was run.
    #[arg(long, env = "OPS_NOTIFY_URL", hide_env_values = true, value_name = "URL", value_parser = webhook)]
    notify: Option<Webhook>,
}

/// Where alerts go; an empty text is none: a workflow sets its variable whether or not it has such a secret.
#[derive(Clone, Debug)]
struct Webhook(Option<Url>);

fn webhook(text: &str) -> Result<Webhook, String> {
    let url = Some(text).filter(|text| !text.is_empty()).map(Url::parse).transpose();
    url.map(Webhook).map_err(|cause| cause.to_string())
}

impl AlertArgs {
    /// Where the alert goes; nothing when nobody is to be told.
    pub fn webhook(&self) -> Option<&Url> {
        self.notify.as_ref()?.0.as_ref()
    }
}

/// Runs the suite and shows what it found.
///
/// # Errors
/// When there is nothing to ask, or nothing answers.
pub async fn verify(run: &Run, args: &VerifyArgs) -> Result<Exit, Failure> {
    let target = Target::of(run)?;
    let depth = match (args.read_only, args.deep) {
        (true, _) => Depth::ReadOnly,
        (false, true) => Depth::Deep,
        (false, false) => Depth::Normal,
    };
    let plan = Plan {
        version: args.version.clone(),
        depth,
        origin: args.origin.clone().or(target.origin.clone()),
        ..plan(run, target)
    };
    if args.all && plan.environment.is_none() {
        return Err(Failure::usage(
            "all of which environment?",
            "give --env development or --env production",
        ));
    }
    execute(run, &plan, args.all.then_some(&args.around), args.alert.webhook()).await
}

/// Shows what the worker says of itself.
///
/// # Errors
/// When there is nothing to ask, or nothing answers.
pub async fn health(run: &Run, args: &HealthArgs) -> Result<Exit, Failure> {
    let plan = Plan { depth: Depth::Health, ..plan(run, Target::of(run)?) };
    execute(run, &plan, None, args.alert.webhook()).await
}

fn plan(run: &Run, target: Target) -> Plan {
    Plan {
        environment: run.globals().env,
        may_spend: run.globals().yes,
        patience: run.globals().timeout.unwrap_or(PATIENCE),
        ..Plan::new(target.url, run.id().clone())
    }
}

async fn execute(
    run: &Run,
    plan: &Plan,
    around: Option<&AroundArgs>,
    alert: Option<&Url>,
) -> Result<Exit, Failure> {
    let printer = run.printer();
    if run.globals().dry_run {
        printer.data(&format!("would ask {}: {}", plan.url, checks::names(plan.depth).join(", ")));
        return Ok(Exit::Done);
    }
    let mut stop = Stop::watch()?;
    let step: RefCell<Option<Step<'_>>> = RefCell::new(None);
    let watch = |event: Event<'_>| match event {
        Event::Begun(name) => *step.borrow_mut() = Some(printer.quiet_step(name)),
        Event::Done(check) => {
            step.borrow_mut().take();
            if !printer.json() && (around.is_some() || !is_silence(check)) {
                printer.data(&lines(printer, check));
            }
        }
    };
    let mut report = suite::verify(plan, &watch, stop.wait()).await?;
    if let (Some(args), Some(environment)) = (around, plan.environment) {
        let begun = Instant::now();
        let _step = printer.quiet_step("what stands around it");
        let seen = |check: &Check| watch(Event::Done(check));
        let checks = around::look(run, args, environment, &plan.url, &seen).await?;
        report.add(checks, millis(begun.elapsed()));
    }
    let told = serde_json::to_value(&report).unwrap_or_default();
    run.step("verify", told.clone());
    if let Some(url) = alert {
        notify::tell_if_worse(run, url, &report).await;
    }
    let silence = report.checks.first().filter(|check| around.is_none() && is_silence(check));
    if printer.json() {
        printer.data(&told.to_string());
    }
    match silence {
        Some(check) => {
            let url = report.url.as_str();
            let failure =
                Failure::new(format!("{url} does not answer: {}", check.detail), check.hint.as_str());
            // As JSON it has been told.
            if printer.json() {
                printer.say(&failure.to_string());
                return Ok(Exit::Failed);
            }
            Err(failure)
        }
        None => {
            if !printer.json() {
                printer.data(&summary(&report));
            }
            Ok(report.status())
        }
    }
}

/// Nothing answers: that is said in one line, not in a list of one check.
fn is_silence(check: &Check) -> bool {
    check.name == "reachable" && check.status == Status::Fail
}

fn lines(printer: &Printer, check: &Check) -> String {
    let mark = match check.status {
        Status::Pass => Mark::Good,
        Status::Skip => Mark::Dim,
        Status::Warn => Mark::Warning,
        Status::Fail => Mark::Bad,
    };
    let word = printer.for_stdout(mark.word(), mark);
    let mut line = format!("  {word} {:<15}{:>6} ms  {}", check.name, check.ms, check.detail);
    line.truncate(line.trim_end().len());
    if !check.hint.is_empty() {
        line += &format!("\n     hint: {}", check.hint);
    }
    line
}

fn summary(report: &Report) -> String {
    let environment = report.environment.as_deref().unwrap_or("of no environment");
    let mut counts = vec![format!("{} passed", report.count(Status::Pass))];
    for (status, word) in [(Status::Skip, "skipped"), (Status::Warn, "to look at"), (Status::Fail, "failed")]
    {
        let count = report.count(status);
        if count > 0 {
            counts.push(format!("{count} {word}"));
        }
    }
    #[allow(clippy::cast_precision_loss)]
    let seconds = report.ms as f64 / 1_000.0;
    format!("{} ({environment}): {} in {seconds:.1} s", report.url, counts.join(", "))
}
