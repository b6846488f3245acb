//! The benchmark: the real bundle under workerd, beside a reference and a hello-world in the same run.
//!
//! `scripts/bench` builds what is measured and starts this. Only ratios within one run mean anything: two runs, or two
//! machines, are not comparable.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

mod cases;
mod cost;
mod load;
mod replay;
mod report;
mod suite;
mod viewers;
mod world;

use clap::Parser;

/// Measures the worker, beside a reference and a hello-world.
#[derive(Parser)]
pub struct Arguments {
    /// Only these groups, separated by commas: singles, group, batches, reads, shards, viewers, cost, cold, quota
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Seconds each closed loop is measured.
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,
    /// Seconds each replay of people takes.
    #[arg(long, default_value_t = 60.0)]
    replay: f64,
    /// The rows as JSON on standard output, and the table on standard error.
    #[arg(long)]
    json: bool,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments = Arguments::parse();
    let (rows, promises) = suite::run(&arguments).await;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&rows).unwrap());
        return;
    }
    report::prices();
    report::promises(&promises);
}
