//! `ops redact`: what redaction would take out of a text, for people who add a rule.

use std::io::{BufRead, Read, Write};

use log_ingestion_worker::{
    config::{Config, Environment},
    redaction::{Finding, MARK, Tally, extend, find, redact_text},
};
use serde_json::json;

use crate::{exit::Failure, project::Project, run::Run, tail::plain};

/// What is read as one message.
#[derive(Debug, clap::Args)]
pub struct RedactArgs {
    /// Reads all of the input as one message, not every line: a stack, a key over several lines
    #[arg(long)]
    whole: bool,
}

/// Reads standard input and writes what would change to standard output, with `json` one object a finding: line,
/// rule, column and length, these two in characters. A secret itself is never written. With an environment its own patterns
/// count as well (`REDACT_KEYS`, `REDACT_PREFIXES`, `REDACT_ALLOW` in wrangler.toml).
///
/// # Errors
/// When standard input cannot be read, or the environment's vars cannot be used.
pub fn run(args: &RedactArgs, run: &Run) -> Result<(), Failure> {
    if let Some(environment) = run.globals().env {
        extend_as(environment)?;
    }
    let json = run.globals().json;
    let unread = |cause: std::io::Error| Failure::new(cause.to_string(), "give it a file: < file");
    let (mut out, mut input) = (std::io::stdout().lock(), std::io::stdin().lock());
    let (mut messages, mut changed) = (0, 0);
    let mut each = |message: &[u8]| {
        let message = String::from_utf8_lossy(message);
        messages += 1;
        let found = find(&message);
        changed += usize::from(!found.is_empty());
        report(&mut out, json, messages, &message, &found).is_ok() // if not, the reader has seen enough
    };
    if args.whole {
        let mut message = Vec::new();
        input.read_to_end(&mut message).map_err(unread)?;
        each(&message);
    } else {
        for line in input.split(b'\n') {
            if !each(&line.map_err(unread)?) {
                break;
            }
        }
    }
    let what = if args.whole { "messages" } else { "lines" };
    eprintln!("{changed} of {messages} {what} would change.");
    Ok(())
}

/// Takes over what a deployment adds to the rules.
fn extend_as(environment: Environment) -> Result<(), Failure> {
    let vars = Project::find()?.vars(environment);
    let config = Config::load(|key| vars.get(key).cloned()).map_err(|problems| {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let hint = format!("mend the vars of {} in wrangler.toml", environment.as_str());
        Failure::new(problems.join("; "), hint)
    })?;
    extend(config.redaction);
    Ok(())
}

/// `first` is the number of the message's first line.
fn report(
    out: &mut impl Write,
    json: bool,
    first: usize,
    message: &str,
    found: &[Finding],
) -> std::io::Result<()> {
    if json {
        for (finding, (line, column)) in found.iter().zip(places(first, message, found)) {
            let length = message.get(finding.range.clone()).unwrap_or_default().chars().count();
            let row = json!({ "line": line, "column": column, "rule": finding.rule, "length": length });
            writeln!(out, "{row}")?;
        }
        return Ok(());
    }
    if found.is_empty() {
        return Ok(());
    }
    let (mut shown, mut kept) = (String::new(), 0);
    for finding in found {
        shown += message.get(kept..finding.range.start).unwrap_or_default();
        shown += MARK;
        kept = finding.range.end;
    }
    shown += message.get(kept..).unwrap_or_default();
    // What the findings leave may hold another in contrived texts: as the worker does, until nothing is found.
    let shown = redact_text(&shown, &mut Tally::default());
    // Escapes in a log are not for the terminal of the person who reads it.
    let unprintable = |c: char| plain::is_active(c) && c != '\t' && c != '\n';
    let shown: String =
        shown.trim_end().chars().map(|c| if unprintable(c) { '\u{fffd}' } else { c }).collect();
    writeln!(out, "{first}: {shown}")?;
    let many = message.contains('\n');
    for (finding, (line, column)) in found.iter().zip(places(first, message, found)) {
        let line = if many { format!("line {line}, ") } else { String::new() };
        writeln!(out, "    {line}column {column}: {}", finding.rule)?;
    }
    Ok(())
}

/// Line and column of each finding, counted from 1, in characters.
fn places(first: usize, message: &str, found: &[Finding]) -> impl Iterator<Item = (usize, usize)> {
    let (mut line, mut start, mut at) = (first, 0, 0);
    found.iter().map(move |finding| {
        let between = message.get(at..finding.range.start).unwrap_or_default();
        line += between.matches('\n').count();
        start = between.rfind('\n').map_or(start, |end| at + end + 1);
        at = finding.range.start;
        (line, message.get(start..at).unwrap_or_default().chars().count() + 1)
    })
}
