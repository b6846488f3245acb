//! The benchmark: the real bundle under workerd, beside a reference and a hello-world in the same run.
//!
//! `scripts/bench` builds what is measured and starts this. Only ratios within one run mean anything: two runs, or two
//! machines, are not comparable.
//!
//! # What stays out of reach, and why
//!
//! - **20 hot traces** (wanted: 1.8 times the reference's requests a second and 0.7 of its CPU a log; found: 1.0 to 1.5, and
//!   0.72 to 1.0, the worse the more others do on the machine). The reference is fast: 0.19 to 0.40 of the hello-world's requests a
//!   second, where 0.11 was asked of it. Of a log's CPU 11 % is this worker's own, in wasm and JavaScript; the rest is workerd's,
//!   around five entries into the isolate: request, body, call of the object, timer, the call's answer. The carrier (`--only
//!   bounds`), a worker in JavaScript that takes those ways with our headers and reads nothing of what it carries, reaches 1.8 to
//!   2.3 times, and 0.42 to 0.55 of the CPU.
//!   One thing would save some 15 %: that requests which are with the same isolate at once share one call of the object. It is not
//!   done. All but one then wait for a promise that another request fulfils, and where V8 has optimized `new Promise`, what comes
//!   after it goes on as the other request: clients got 500 after thirty thousand logs ("Cannot perform I/O on behalf of a
//!   different request", workerd 1.20261117.1). `Promise.withResolvers` goes well for as long as V8 does not optimize that too.
//! - **Batches of 50** (wanted: 30 times its single posts; found: 25 to 27, on one thread). The carrier reaches 54 to 91; this
//!   worker takes 2.8 to 4.0 times its CPU, where 1.8 to 3 would do. Of that 33 to 40 % is wasm, spread over redaction (14) and
//!   forty functions that read, write and store JSON, none of which takes 4; a third is what the carrier takes as well; the rest
//!   is workerd's, V8's and the kernel's, for what is copied from one to the next. Compiled for wasm's SIMD, inlined more or less
//!   by wasm-opt, or with one promise for all deadlines of a request it took as much. What is stored and sent of a log is longer
//!   than what came of it: an id, and what a shard knows of it beside it.
//!   At this rate more waits than a shard keeps in memory, so that part of it is read back from its rows.
//! - **Batches of 500** (wanted: less than 0.10 dollars a million logs; found: 0.13 to 0.15, of which Redis 0.118): such a batch of
//!   twenty people's logs is for 24 traces, and a list takes an LPUSH, which is 0.096 dollars before all else; the rest of
//!   Redis's part is an EXPIRE a trace every 50 s. A script that writes all lists would not be cheaper: Upstash counts the
//!   commands in it (<https://upstash.com/docs/redis/sdks/ratelimit-ts/costs>).
//!
//! Whose CPU that is: `scripts/bench --only profile` (perf, cpu-clock, 16 connections), in percent:
//!
//! | | workerd | V8 | its garbage | wasm | JavaScript | kernel, libc | SQLite |
//! | --- | --- | --- | --- | --- | --- | --- | --- |
//! | a log of 20 hot traces | 58 | 17 | 4 | 10 | 1 | 10 | 1 |
//! | the same, reference | 65 | 18 | 3 | - | 0 | 15 | 2 |
//! | batches of 50 | 34 | 12 | 2 | 42 | 1 | 13 | 1 |
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

mod cases;
mod cost;
mod load;
mod profile;
mod replay;
mod report;
mod suite;
mod turns;
mod viewers;
mod world;

use clap::Parser;

/// Measures the worker, beside a reference and a hello-world.
#[derive(Parser)]
pub struct Arguments {
    /// Only these groups, separated by commas: singles, group, batches, bounds, reads, shards, viewers, cost, cold, quota, and
    /// profile, which needs perf
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Seconds each closed loop is measured.
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,
    /// Seconds each replay of people takes.
    #[arg(long, default_value_t = 60.0)]
    replay: f64,
    /// Rows and ratios as JSON on standard output, and the table on standard error.
    #[arg(long)]
    json: bool,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments = Arguments::parse();
    if arguments.json {
        report::leave_stdout();
    }
    let (rows, ratios) = suite::run(&arguments).await;
    report::prices();
    report::ratios(&ratios);
    if arguments.json {
        println!(
            "{}",
            serde_json::to_string_pretty(&serde_json::json!({ "rows": rows, "ratios": ratios })).unwrap()
        );
    }
}
