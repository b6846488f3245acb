//! A log as a line for a person: time, level, system, trace and message in columns; what has more lines is indented.

use std::io::{self, Write};

use console::{Alignment, pad_str};
use log_ingestion_worker::entry::{Level, System};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::plain;
use crate::run::printer::{Mark, Printer};

/// Columns a trace id takes at least, and at most: a longer one pushes its own line alone.
const TRACE_COLUMNS: std::ops::RangeInclusive<usize> = 8..=36;
/// What lines beneath the first are indented by: the width of the time.
const INDENT: &str = "             ";
/// Lines of one message or stack that are shown; `--json` has all.
const LINES_MAX: usize = 60;

/// What a line is made of.
#[derive(Debug, Deserialize)]
pub struct Entry {
    trace_id: String,
    pub level: Level,
    pub system: System,
    message: String,
    stack: Option<String>,
    /// Unix ms.
    pub timestamp: i64,
    context: Option<Box<RawValue>>,
}

/// Where lines go.
#[derive(Debug)]
pub struct Lines {
    with_trace: bool,
    /// The width of the trace column so far.
    trace_columns: usize,
}

impl Lines {
    /// With a column for the trace, or all of one trace.
    pub fn new(with_trace: bool) -> Lines {
        Lines { with_trace, trace_columns: *TRACE_COLUMNS.start() }
    }

    /// Writes to stdout. Returns whether somebody reads it.
    pub fn write(&self, text: &str) -> bool {
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{text}").and_then(|()| stdout.flush()).is_ok()
    }

    /// A log as text; with its context when that is asked for.
    pub fn of(&mut self, entry: &Entry, printer: &Printer, with_context: bool) -> String {
        let mark = match entry.level {
            Level::Error => Mark::Bad,
            Level::Warn => Mark::Warning,
            Level::Info => Mark::Good,
            Level::Log => Mark::Dim,
        };
        let time = clock(entry.timestamp);
        let level = format!("{:5}", entry.level.as_str());
        let mut text = format!(
            "{} {} {:7}",
            printer.for_stdout(&time, Mark::Dim),
            printer.for_stdout(&level, mark),
            entry.system.as_str()
        );
        if self.with_trace {
            let trace = plain::line(&entry.trace_id);
            let width = console::measure_text_width(&trace);
            self.trace_columns = self.trace_columns.max(width.min(*TRACE_COLUMNS.end()));
            text.push(' ');
            text.push_str(&pad_str(&trace, self.trace_columns, Alignment::Left, None));
        }
        let mut lines = entry.message.lines();
        text.push(' ');
        text.push_str(&plain::line(lines.next().unwrap_or_default()));
        below(&mut text, lines, |line| line);
        let dim = |line: String| printer.for_stdout(&line, Mark::Dim).to_string();
        if let Some(stack) = &entry.stack {
            below(&mut text, stack.lines(), dim);
        }
        if let Some(context) = entry.context.as_ref().filter(|_| with_context) {
            below(&mut text, std::iter::once(context.get()), dim);
        }
        text
    }
}

/// Lines beneath the first, each made harmless and then styled.
fn below<'t>(text: &mut String, lines: impl Iterator<Item = &'t str>, style: impl Fn(String) -> String) {
    let mut lines = lines.filter(|line| !line.trim().is_empty());
    for line in lines.by_ref().take(LINES_MAX) {
        text.push('\n');
        text.push_str(INDENT);
        text.push_str(&style(plain::line(line)));
    }
    let left = lines.count();
    if left > 0 {
        text.push_str(&format!("\n{INDENT}{}", style(format!("… {left} lines more"))));
    }
}

/// The time of day in UTC, to the ms.
fn clock(unix_ms: i64) -> String {
    let ms = unix_ms.rem_euclid(86_400_000);
    let (s, ms) = (ms / 1_000, ms % 1_000);
    format!("{:02}:{:02}:{:02}.{ms:03}", s / 3_600, s / 60 % 60, s % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::mask::Mask;

    fn shown(lines: &mut Lines, json: serde_json::Value, with_context: bool) -> String {
        let printer = Printer::new(false, Mask::default());
        lines.of(&serde_json::from_value(json).unwrap(), &printer, with_context)
    }

    #[test]
    fn columns_are_aligned_and_more_lines_indented() {
        let mut lines = Lines::new(true);
        let log = |trace: &str, level: &str, system: &str, message: &str| {
            serde_json::json!({ "trace_id": trace, "level": level, "system": system, "message": message,
                "timestamp": 1_750_000_000_007_i64, "id": "x", "context": { "a": "\u{1b}[2J" } })
        };
        assert_eq!(shown(&mut lines, log("t1", "info", "browser", "hello"), false), {
            "15:06:40.007 info  browser t1       hello"
        });
        assert_eq!(
            shown(
                &mut lines,
                log("trace_1750000000000_abc", "error", "convex", "one\ntwo\u{1b}[1A\n\nthree"),
                false
            ),
            {
                "15:06:40.007 error convex  trace_1750000000000_abc one\n             two\\u{1b}[1A\n             three"
            }
        );
        assert_eq!(shown(&mut lines, log("日本", "warn", "worker", "m"), true), {
            "15:06:40.007 warn  worker  日本                    m\n             {\"a\":\"\\u001b[2J\"}"
        });
        let mut one = Lines::new(false);
        assert_eq!(shown(&mut one, log("t1", "log", "manual", "m"), false), "15:06:40.007 log   manual  m");
        let long = "x\n".repeat(100);
        assert!(shown(&mut one, log("t1", "log", "manual", &long), false).ends_with("… 39 lines more"));
    }
}
