use log_ingestion_worker::redaction::{Tally, redact_text};
use std::hint::black_box;
fn main() {
    let mut args = std::env::args().skip(1);
    let piece = args.next().unwrap();
    let n: usize = args.next().and_then(|n| n.parse().ok()).unwrap_or(10);
    let size: usize = args.next().and_then(|n| n.parse().ok()).unwrap_or(1 << 18);
    let text = piece.repeat(size / piece.len() + 1);
    let mut tally = Tally::default();
    let start = std::time::Instant::now();
    for _ in 0..n {
        black_box(redact_text(black_box(&text), &mut tally));
    }
    println!("{:.1} ns/B {piece:?}", start.elapsed().as_secs_f64() * 1e9 / (n * text.len()) as f64);
}
