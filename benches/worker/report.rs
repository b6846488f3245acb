//! What a person reads: the table, and the ratios that were promised.

use crate::{cases::Row, cost::PRICES};

/// A ratio that was promised, and what it came to.
pub struct Promise {
    pub what: String,
    pub value: f64,
    pub bound: Bound,
}

/// How a value is bounded.
#[derive(Clone, Copy)]
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
    println!(
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
    );
}

/// One line of it. Uses are per log.
pub fn row(row: &Row) {
    let per_log =
        |used: f64| if row.used.logs > 0.0 { format!("{:.3}", used / row.used.logs) } else { "-".into() };
    println!(
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
    );
}

/// The prices the dollars come from.
pub fn prices() {
    println!("\nPrices, dollars a million (objects are billed 128 MB while they have something in hand):");
    for (what, price, source) in PRICES {
        println!("  {what:<26} {price:>6.2}  {source}");
    }
}

/// What was promised and what it came to.
pub fn promises(promises: &[Promise]) {
    println!("\n{:<78} {:>9}  bound", "ratio", "value");
    for promise in promises {
        let (sign, bound) = match promise.bound {
            Bound::AtLeast(bound) => ("≥", bound),
            Bound::AtMost(bound) => ("≤", bound),
        };
        let kept = if promise.kept() { "" } else { "   MISSED" };
        println!("{:<78} {:>9.3}  {sign} {bound}{kept}", promise.what, promise.value);
    }
}
