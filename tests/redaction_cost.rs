//! What redaction costs in wasm, by Node (V8, as in workerd): ns a byte, by size and by how hostile the text is, and how
//! many times what a friendly text costs.
//!
//! ```sh
//! (. scripts/common.sh && wasm_env && cargo test --release --target wasm32-unknown-unknown \
//!     --test redaction_cost -- --include-ignored --nocapture)
//! ```
//!
//! The same table for the host: `cargo run --release --example redaction_bench`. That the cost is linear is asserted
//! in `redaction.rs`, in counted steps; times are only shown.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "redaction_support/corpus.rs"]
mod corpus;

use log_ingestion_worker::redaction::{Tally, find, redact_text};
use std::hint::black_box;
use wasm_bindgen::JsCast;
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

const SIZES: [usize; 4] = [100, 1024, 10 * 1024, 1 << 20];
const FRIENDLY: &str = "2025-01-01T12:00:00Z INFO user 42 opened page /home in 12 ms, 3 items, {\"ok\":true,\"id\":\"a1\"} done. ";
const SECRETS: &str = "user 42 signed in with token=abc123def456 from 10.0.0.1\n";

/// What applications log and nothing is to be found in, line after line: names of secrets without any, ids, hashes, code.
const ORDINARY: &str = include_str!("corpus/nineteenth_harmless.txt");

/// [`ORDINARY`] without the lines in which something is found when they all stand in one text: one line says that a code
/// has expired, and a number of an error two lines on is taken for it. What is left is read once, as what stays is.
fn ordinary() -> String {
    let found = find(ORDINARY);
    let mut end = 0;
    let stays = ORDINARY.split_inclusive('\n').filter(|line| {
        let start = end;
        end += line.len();
        !found.iter().any(|found| (start..end).contains(&found.range.start))
    });
    stays.collect()
}

/// The clock of JavaScript, in ms.
fn now() -> f64 {
    let performance = js_sys::Reflect::get(&js_sys::global(), &"performance".into()).unwrap();
    let now: js_sys::Function =
        js_sys::Reflect::get(&performance, &"now".into()).unwrap().dyn_into().unwrap();
    now.call0(&performance).unwrap().as_f64().unwrap()
}

/// A text of about this size.
fn text(piece: &str, size: usize) -> String {
    let mut text = piece.repeat(size / piece.len() + 1);
    text.truncate(text.floor_char_boundary(size));
    text
}

/// µs that reading a text once takes.
fn once(text: &str) -> f64 {
    let rounds = (1_000_000 / text.len()).clamp(1, 5_000);
    let mut tally = Tally::default();
    let start = now();
    for _ in 0..rounds {
        black_box(redact_text(black_box(text), &mut tally));
    }
    (now() - start) * 1000.0 / rounds as f64
}

/// Measures one kind of text; times are the least of three runs. At the largest size a friendly text is read in turn with
/// it: a machine's speed changes within a minute, and the ratio of the two does not.
fn row(name: &str, piece: &str) {
    let mut cells = format!("{name:28}");
    let (mut least, mut friendly) = (f64::INFINITY, f64::INFINITY);
    for size in SIZES {
        let (text, beside) = (text(piece, size), text(FRIENDLY, size));
        (least, friendly) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..3 {
            least = least.min(once(&text));
            if size == SIZES[SIZES.len() - 1] {
                friendly = friendly.min(once(&beside));
            }
        }
        cells += &format!("{least:>12.1} µs {:>6.1} ns/B", least * 1000.0 / text.len() as f64);
    }
    console_log!("{cells} {:>6.1} x", least / friendly);
}

#[wasm_bindgen_test]
#[ignore = "a measurement, not a check"]
fn microseconds_a_message_by_size() {
    console_log!("{:28}{:>24}{:>24}{:>24}{:>24}", "", "100 B", "1 KB", "10 KB", "1 MB");
    let start = now();
    black_box(redact_text(FRIENDLY, &mut Tally::default()));
    console_log!("the first call, which lays the tables out: {:.0} µs", (now() - start) * 1000.0);
    row("friendly", FRIENDLY);
    let stays = ordinary();
    assert!(find(&text(&stays, SIZES[SIZES.len() - 1])).is_empty(), "something is found in what stays");
    row("lines that stay", &stays);
    row("and one that does not", ORDINARY);
    row("a secret a line", SECRETS);
    for (name, piece) in corpus::hostile() {
        row(name, piece);
    }
}
