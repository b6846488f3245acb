//! Where the CPU of a log goes, by perf: `scripts/bench --only profile`, which needs `perf` and the right to use it, and so
//! is no part of a run without `--only`.

use std::{collections::BTreeMap, path::Path, process::Command, time::Duration};

use crate::{
    cases::{self, Loop},
    report,
    turns::{CONNECTIONS, WARM_UP},
    world::{Subject, World},
};

/// Samples a second.
const RATE: &str = "999";
/// Symbols shown.
const SHOWN: usize = 12;

/// Profiles what the ratios out of reach are about.
pub async fn run(seconds: f64) {
    let hot = cases::hot(20, 44);
    of(Loop::new("20 hot traces", Subject::Ours(1), CONNECTIONS, 1, &hot), seconds).await;
    of(Loop::new("20 hot traces", Subject::Reference, CONNECTIONS, 1, &hot), seconds).await;
    of(Loop::new("batches of 50", Subject::Ours(1), CONNECTIONS, 50, &cases::batches(50)), seconds).await;
}

async fn of(mut looped: Loop, seconds: f64) {
    let world = World::with(looped.subject, Duration::ZERO, &[], &["--perf-basic-prof"]).await;
    let pid = world.worker.pid().expect("it runs");
    looped.warm_up(&world, WARM_UP).await;
    let samples = tempfile::NamedTempFile::new().expect("a file for the samples");
    let mut recorder = Command::new("perf")
        .args(["record", "--quiet", "--event=cpu-clock", "-F", RATE, "-o"])
        .arg(samples.path())
        .args(["-p", &pid.to_string(), "--", "sleep", &seconds.to_string()])
        .spawn()
        .expect("perf, of the package linux-perf, is needed");
    let measured = Duration::from_secs_f64(seconds);
    looped.slice(&world, measured, 1).await;
    let recorded = recorder.wait().is_ok_and(|status| status.success());
    assert!(recorded, "perf could not record: see kernel.perf_event_paranoid");
    print(&format!("{}, {}", looped.subject.name(), looped.case), &shares(samples.path()));
}

/// Shares of all samples, in percent, by symbol.
fn shares(samples: &Path) -> Vec<(f64, &'static str, String)> {
    let fields = ["report", "--stdio", "--no-children", "-F", "overhead,dso,sym", "-t", "\t", "-i"];
    let output = Command::new("perf").args(fields).arg(samples).output().expect("perf reports");
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .filter_map(|line| {
            let mut cells = line.split('\t').map(str::trim);
            let share = cells.next()?.strip_suffix('%')?.parse().ok()?;
            let (object, symbol) = (cells.next()?, cells.next()?);
            let symbol = symbol.trim_start_matches(|c: char| "[.k] ".contains(c));
            Some((share, part(object, symbol), symbol.chars().take(100).collect()))
        })
        .collect()
}

/// Parts of the names of what collects garbage, in V8 and in its heap for C++.
const GARBAGE: [&str; 5] = ["cppgc", "Scaveng", "Sweep", "Mark", "v8::internal::Heap"];

/// Whose CPU that is.
fn part(object: &str, symbol: &str) -> &'static str {
    let says = |words: &[&str]| words.iter().any(|word| symbol.contains(word));
    match object {
        "[kernel.kallsyms]" | "[kernel]" => "kernel",
        _ if object.contains("JIT") || object.contains("perf-") => match symbol {
            _ if says(&["wasm"]) => "wasm",
            _ if says(&["JS:", "Function:", "~", "*"]) => "JavaScript",
            _ => "V8's builtins",
        },
        _ if object.starts_with("workerd") && says(&GARBAGE) => "garbage",
        _ if object.starts_with("workerd") && says(&["v8::"]) => "V8",
        _ if object.starts_with("workerd") && says(&["sqlite3", "Sqlite", "SQLite"]) => "SQLite",
        _ if object.starts_with("workerd") => "workerd",
        _ => "libc",
    }
}

fn print(title: &str, shares: &[(f64, &'static str, String)]) {
    let mut parts: BTreeMap<&str, f64> = BTreeMap::new();
    for (share, part, _) in shares {
        *parts.entry(part).or_default() += share;
    }
    let mut parts: Vec<_> = parts.into_iter().collect();
    parts.sort_by(|a, b| b.1.total_cmp(&a.1));
    report::line(format!("\n{title}"));
    for (part, share) in parts {
        report::line(format!("{share:6.1} %  {part}"));
    }
    for (share, part, symbol) in shares.iter().take(SHOWN) {
        report::line(format!("    {share:5.1} %  {part}: {symbol}"));
    }
}
