//! `ops history`: what earlier runs on this machine did.

use clap::Args;
use serde_json::{Map, Value, json};

use crate::{
    exit::{Exit, Failure},
    run::{
        Run,
        journal::PastRun,
        printer::{Mark, Printer},
    },
};

/// The options of `ops history`.
#[derive(Args, Clone, Debug)]
pub struct HistoryArgs {
    /// One run, by its id or the beginning of it, with all its steps.
    run: Option<String>,
    /// How many runs, the newest first.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

/// Shows runs, the newest first; with `--json` one object a line.
///
/// # Errors
/// When no run has the id that was asked for.
pub fn run(run: &Run, args: &HistoryArgs) -> Result<Exit, Failure> {
    let environment = run.globals().env.map(|environment| environment.as_str());
    let wanted = |past: &PastRun| {
        args.run.as_deref().is_none_or(|id| past.run.starts_with(id))
            && environment.is_none_or(|name| past.environment.as_deref() == Some(name))
    };
    let mut runs: Vec<PastRun> = run.journal().runs().into_iter().filter(wanted).collect();
    runs.reverse();
    runs.truncate(args.limit.try_into().unwrap_or(usize::MAX));
    if runs.is_empty() {
        if let Some(id) = &args.run {
            return Err(Failure::new(format!("no run begins with {id}"), "`ops history` lists them"));
        }
        run.printer().say(&match environment {
            Some(name) => format!("No run of {name} has left a journal yet."),
            None => "No run has left a journal yet.".into(),
        });
    }
    for past in &runs {
        if run.printer().json() {
            run.printer().data(&as_json(past).to_string());
            continue;
        }
        run.printer().data(&line(run.printer(), past));
        for step in past.steps.iter().chain(&past.closing).filter(|_| args.run.is_some()) {
            run.printer().data(&step_line(step));
        }
    }
    Ok(Exit::Done)
}

/// Says which runs were killed while they changed a deployment.
pub fn tell_interrupted(run: &Run) {
    for past in run.journal().interrupted() {
        run.printer().warn(&format!(
            "ops {} of {} was killed before its end; how far it came: ops history {}. The next change of that \
             environment settles it",
            past.command, past.at, past.run,
        ));
    }
}

fn line(printer: &Printer, past: &PastRun) -> String {
    let (word, mark) = match past.exit() {
        Some(0) => ("done".to_owned(), Mark::Good),
        Some(2) => ("warnings".to_owned(), Mark::Warning),
        Some(exit) => (format!("exit {exit}"), Mark::Bad),
        None if past.goes_on() => ("goes on".to_owned(), Mark::Dim),
        None => ("killed".to_owned(), Mark::Bad),
    };
    let outcome = format!("{word:<8}");
    let environment = past.environment.as_deref().unwrap_or("-");
    let outcome = printer.for_stdout(&outcome, mark);
    format!("{}  {:<9} {environment:<11}  {outcome}  {}", past.at, past.command, past.run)
}

fn step_line(step: &Map<String, Value>) -> String {
    let word = |name: &str| step.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut rest = step.clone();
    rest.retain(|name, _| !["at", "run", "event", "step"].contains(&name.as_str()));
    let name = if word("step").is_empty() { word("event") } else { word("step") };
    format!("    {}  {name:<12} {}", word("at"), Value::Object(rest))
}

fn as_json(past: &PastRun) -> Value {
    json!({
        "run": past.run,
        "command": past.command,
        "environment": past.environment,
        "changes": past.changes,
        "at": past.at,
        "exit": past.exit(),
        "goes_on": past.goes_on(),
        "steps": past.steps,
        "closing": past.closing,
    })
}
