//! .
use log_ingestion_worker::redaction::{Tally, redact_text};
use std::io::BufRead;
fn main() {
    let mut tally = Tally::default();
    for line in std::io::stdin().lock().lines() {
        println!("{}", redact_text(&line.expect("a line"), &mut tally));
    }
    println!("{tally:?}");
}
