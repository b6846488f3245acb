//! One kind by number, at 20 KB, once.
#[path = "../tests/redaction_support/corpus.rs"]
#[allow(dead_code, unused_imports, clippy::all)]
mod corpus;
use log_ingestion_worker::redaction::{Tally, redact_text};
fn main() {
    let n: i64 = std::env::args().nth(1).unwrap().parse().unwrap();
    let kinds = corpus::hostile();
    let friendly = "2025-01-01T12:00:00Z INFO user 42 opened page /home in 12 ms, 3 items, {\"ok\":true,\"id\":\"a1\"} done. ";
    let piece = if n < 0 {
        friendly
    } else {
        match kinds.get(n as usize) {
            Some(k) => k.1,
            None => return,
        }
    };
    let mut warm = Tally::default();
    redact_text(friendly, &mut warm);
    let size: usize = std::env::args().nth(2).unwrap().parse().unwrap();
    let mut text = piece.repeat(size / piece.len() + 1);
    text.truncate(text.floor_char_boundary(size));
    if size > 0 {
        redact_text(&text, &mut warm);
    }
    println!("{}", if n < 0 { "friendly" } else { kinds[n as usize].0 });
}
