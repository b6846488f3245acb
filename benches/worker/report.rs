//! What a person reads: the table, and the ratios that were promised.

use std::{
    fmt::Display,
    sync::atomic::{AtomicBool, Ordering},
};

use serde::Serialize;

use crate::{cases::Row, cost::PRICES};

static ON_STDERR: AtomicBool = AtomicBool::new(false);

/// From now on everything here goes to standard error.
pub fn leave_stdout() {
    ON_STDERR.store(true, Ordering::Relaxed);
}

/// One line for a person.
pub fn line(line: impl Display) {
    if ON_STDERR.load(Ordering::Relaxed) {
        eprintln!("{line}");
    } else {
        println!("{line}");
    }
}

/// A ratio that was promised, and what it came to.
#[derive(Serialize)]
pub struct Promise {
    pub what: String,
    pub value: f64,
    pub bound: Bound,
}

/// How a value is bounded.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Promise {
    /// Whether it was kept.
    pub fn kept(&self) -> bool {
        match self.bound {
            Bound::AtLeast(bound) => self.value >= bound,
            Bound::AtMost(bound) => self.value <= bound,
        }
    }
}

/// The table's head.
pub fn head() {
    line(format_args!(
        "{:<44} {:<18} {:>9} {:>9} {:>8} {:>8} {:>8} {:>7} {:>9} {:>9} {:>8} {:>8} {:>8} {:>8}",
        "case",
        "of",
        "req/s",
        "logs/s",
        "p50 ms",
        "p99 ms",
        "CPU µs",
        "peak MB",
        "Redis req",
        "commands",
        "DO req",
        "rows",
        "$/M logs",
        "refused"
    ));
}

/// One line of it. Uses are per log.
pub fn row(row: &Row) {
    let per_log =
        |used: f64| if row.used.logs > 0.0 { format!("{:.3}", used / row.used.logs) } else { "-".into() };
    line(format_args!(
        "{:<44} {:<18} {:>9.0} {:>9.0} {:>8.2} {:>8.2} {:>8.0} {:>7.0} {:>9} {:>9} {:>8} {:>8} {:>8} {:>8}{}",
        row.case,
        row.subject,
        row.requests_s,
        row.logs_s,
        row.p50_ms,
        row.p99_ms,
        row.cpu_us,
        row.peak_mb,
        per_log(row.used.redis_requests),
        per_log(row.used.redis_commands),
        per_log(row.used.object_requests),
        per_log(row.used.rows),
        row.dollars.map_or("-".into(), |dollars| format!("{dollars:.2}")),
        row.refused,
        row.visible_p99_ms.map_or(String::new(), |ms| format!("  visible p99 {ms:.0} ms")),
    ));
}

/// The prices the dollars come from.
pub fn prices() {
    line(format_args!(
        "\nPrices, dollars a million (objects are billed 128 MB while they have something in hand):"
    ));
    for (what, price, source) in PRICES {
        line(format_args!("  {what:<26} {price:>6.2}  {source}"));
    }
}

/// What was promised and what it came to.
pub fn ratios(promises: &[Promise]) {
    line(format_args!("\n{:<78} {:>9}  bound", "ratio", "value"));
    for promise in promises {
        let (sign, bound) = match promise.bound {
            Bound::AtLeast(bound) => ("≥", bound),
            Bound::AtMost(bound) => ("≤", bound),
        };
        let kept = if promise.kept() { "" } else { "   MISSED" };
        line(format_args!("{:<78} {:>9.3}  {sign} {bound}{kept}", promise.what, promise.value));
    }
}
