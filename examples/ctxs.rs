//! .
use log_ingestion_worker::{
    json,
    redaction::{Tally, redact_context},
};
use std::io::BufRead;
fn main() {
    let mut tally = Tally::default();
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("line");
        let mut tree = json::parse(&line).expect("json");
        redact_context(&mut tree, &mut tally);
        let mut out = Vec::new();
        json::write_value(&mut out, &tree, 1000);
        println!("{}", String::from_utf8(out).expect("utf"));
    }
}
