//! Looks for texts whose cost grows faster than they do: `cargo run --release --example redaction_growth [SECONDS [SEED]]`.
//!
//! Two to five random pieces, hostile ones and fragments of logs, are repeated to 24 KB, and the dear ones to 192 KB. What
//! then costs more a byte is shown, the dearest first; of a linear reader both columns say about the same. The tests
//! count what rules say they looked at; this sees what they do not say.

use log_ingestion_worker::redaction::{Tally, redact_text};
use std::hint::black_box;
use std::time::{Duration, Instant};

#[path = "../tests/redaction_support/corpus.rs"]
mod corpus;

use corpus::random::Random;

/// Bytes of the two texts.
const SMALL: usize = 24 * 1024;
const LARGE: usize = 192 * 1024;

/// Nanoseconds a byte above which a small text is worth a large one: a friendly one takes some 25.
const DEAR: f64 = 300.0;

/// The lesser of two runs, in ns a byte.
fn cost(piece: &str, size: usize) -> f64 {
    let mut text = piece.repeat(size / piece.len() + 1);
    text.truncate(text.floor_char_boundary(size));
    let once = || {
        let start = Instant::now();
        black_box(redact_text(black_box(&text), &mut Tally::default()));
        start.elapsed().as_secs_f64() * 1e9 / text.len() as f64
    };
    once().min(once())
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = |otherwise| arguments.next().map_or(Ok(otherwise), |given| given.parse::<u64>());
    let (Ok(seconds), Ok(seed)) = (number(60), number(1)) else {
        eprintln!("seconds and seed must be numbers: redaction_growth [SECONDS [SEED]]");
        std::process::exit(2);
    };
    let hostile = corpus::hostile();
    let pieces: Vec<&str> =
        hostile.iter().map(|(_, piece)| *piece).chain(corpus::FRAGMENTS.iter().copied()).collect();
    let mut random = Random::new(seed);
    let until = Instant::now() + Duration::from_secs(seconds);
    let (mut tried, mut grown) = (0, Vec::new());
    while Instant::now() < until {
        let piece: String = (0..2 + random.below(4)).map(|_| pieces[random.below(pieces.len())]).collect();
        let small = cost(&piece, SMALL);
        tried += 1;
        if small > DEAR {
            grown.push((cost(&piece, LARGE) / small, small, piece));
        }
    }
    grown.sort_by(|a, b| b.0.total_cmp(&a.0));
    println!("{tried} texts; ns a byte at 24 KB, and how many times that at 192 KB:");
    for (growth, small, piece) in grown.iter().take(12) {
        println!("{small:>8.0} {growth:>6.1} x  {piece:?}");
    }
}
