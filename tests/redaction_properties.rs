//! What holds for any text and any tree: redaction never panics, twice is once, keys and shapes stay.

#[path = "redaction_support/corpus.rs"]
mod corpus;

use corpus::same_shape;
use log_ingestion_worker::redaction::{Tally, find, redact_context, redact_text};

fn redact(text: &str) -> String {
    redact_text(text, &mut Tally::default()).into_owned()
}

use proptest::prelude::*;

fn fragments() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(corpus::FRAGMENTS).prop_map(str::to_owned),
        "[ -~]{0,6}",
        "\\PC{0,4}",
    ];
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

/// 4,096, or as many as `PROPTEST_CASES` says: how to look longer.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(4096)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_redacted_without_panic_and_twice_is_once(text in prop_oneof![fragments(), ".*"]) {
        let mut tally = Tally::default();
        let once = redact_text(&text, &mut tally).into_owned();
        prop_assert_eq!(tally.total() == 0, once == text);
        prop_assert_eq!(redact(&once), once);
    }

    #[test]
    fn findings_are_in_order_apart_and_on_character_borders(text in fragments()) {
        let mut last = 0;
        for finding in find(&text) {
            prop_assert!(finding.range.start >= last && finding.range.end > finding.range.start);
            prop_assert!(text.get(finding.range.clone()).is_some());
            last = finding.range.end;
        }
    }

    #[test]
    fn any_tree_keeps_its_shape(words in prop::collection::vec(fragments(), 1..12), shape in any::<u64>()) {
        let before = corpus::random_tree(&words, shape, 5);
        let mut after = before.clone();
        redact_context(&mut after, &mut Tally::default());
        prop_assert!(same_shape(&before, &after));
        let mut twice = after.clone();
        redact_context(&mut twice, &mut Tally::default());
        prop_assert_eq!(after, twice);
    }

    #[test]
    fn a_batch_is_redacted_as_its_logs_one_by_one(
        words in prop::collection::vec(fragments(), 1..8),
        shapes in prop::collection::vec(any::<u64>(), 2..6),
    ) {
        let (mut together, mut apart) = (Tally::default(), Tally::default());
        for shape in shapes {
            let mut of_batch = corpus::random_tree(&words, shape, 3);
            let mut alone = of_batch.clone();
            let mut own = Tally::default();
            redact_context(&mut of_batch, &mut together);
            redact_context(&mut alone, &mut own);
            apart.merge(&own);
            prop_assert_eq!(of_batch, alone);
        }
        prop_assert!(together.iter().eq(apart.iter()));
    }
}
