//! What redaction costs: `cargo run --release --example redaction_bench`.

use log_ingestion_worker::redaction::{Tally, redact_text, work};
use std::hint::black_box;
use std::time::Instant;

#[path = "../tests/redaction_support/corpus.rs"]
mod corpus;

const FRIENDLY: &str = "2025-01-01T12:00:00Z INFO user 42 opened page /home in 12 ms, 3 items, {\"ok\":true,\"id\":\"a1\"} done. ";

fn measure(name: &str, piece: &str, sizes: &[usize]) {
    print!("{name:28}");
    for &size in sizes {
        let text = piece.repeat(size / piece.len() + 1);
        let text = &text[..text.floor_char_boundary(size)];
        let rounds = (2_000_000 / size).clamp(1, 20_000);
        let mut tally = Tally::default();
        let start = Instant::now();
        for _ in 0..rounds {
            black_box(redact_text(black_box(text), &mut tally));
        }
        let each = start.elapsed().as_nanos() as f64 / rounds as f64;
        print!("{:>12.2} µs {:>6.2} ns/B", each / 1000.0, each / size as f64);
    }
    println!("   work {:.1}", work(&piece.repeat(20)) as f64 / (piece.len() * 20) as f64);
}

fn main() {
    let sizes = [100, 1024, 10 * 1024, 1 << 20];
    println!("{:28}{:>25}{:>25}{:>25}{:>25}", "", "100 B", "1 KB", "10 KB", "1 MB");
    measure("friendly", FRIENDLY, &sizes);
    measure("one secret a line", "user 42 signed in with token=abc123def456 from 10.0.0.1\n", &sizes);
    for (name, piece) in corpus::hostile() {
        measure(name, piece, &sizes[1..]);
    }
}
