//! `ops redact`: what redaction would take out of a text, for people who add a rule.

use std::io::{BufRead, Write};

use log_ingestion_worker::redaction::{Finding, MARK, find};
use serde_json::json;

use crate::exit::Failure;

/// Reads standard input and writes what would change to standard output, with `json` one object a finding: line,
/// column, rule, length. A secret itself is never written.
///
/// # Errors
/// When standard input cannot be read.
pub fn run(json: bool) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let (mut lines, mut changed) = (0, 0);
    for line in std::io::stdin().lock().split(b'\n') {
        let line = line.map_err(|cause| Failure::new(cause.to_string(), "give it a file: < file"))?;
        let line = String::from_utf8_lossy(&line);
        lines += 1;
        let found = find(&line);
        changed += usize::from(!found.is_empty());
        if report(&mut out, json, lines, &line, &found).is_err() {
            break; // the reader has seen enough
        }
    }
    eprintln!("{changed} of {lines} lines would change.");
    Ok(())
}

fn report(
    out: &mut impl Write,
    json: bool,
    number: usize,
    line: &str,
    found: &[Finding],
) -> std::io::Result<()> {
    let column = |at: usize| line.get(..at).map_or(0, |before| before.chars().count()) + 1;
    if json {
        for finding in found {
            let (at, length) = (column(finding.range.start), finding.range.len());
            let row = json!({ "line": number, "column": at, "rule": finding.rule, "length": length });
            writeln!(out, "{row}")?;
        }
        return Ok(());
    }
    if found.is_empty() {
        return Ok(());
    }
    let (mut shown, mut kept) = (String::new(), 0);
    for finding in found {
        shown += line.get(kept..finding.range.start).unwrap_or_default();
        shown += MARK;
        kept = finding.range.end;
    }
    shown += line.get(kept..).unwrap_or_default();
    // Escapes in a log are not for the terminal of the person who reads it.
    let shown: String =
        shown.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect();
    writeln!(out, "{number}: {shown}")?;
    for finding in found {
        writeln!(out, "    column {}: {}", column(finding.range.start), finding.rule)?;
    }
    Ok(())
}
