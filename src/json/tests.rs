//! What the parser accepts, refuses and mends.

use super::parse::*;
use super::*;
use proptest::prelude::*;

fn string(text: &str) -> Json<'_> {
    parse(text).unwrap()
}

#[test]
fn half_a_surrogate_pair_becomes_a_replacement_character() {
    assert_eq!(string(r#""a\ud83d""#), Json::String("a\u{fffd}".into()));
    assert_eq!(string(r#""\ude00b""#), Json::String("\u{fffd}b".into()));
    assert_eq!(string(r#""\ud83d\ud83d\ude00""#), Json::String("\u{fffd}😀".into()));
    assert_eq!(string(r#""\ud83d\n""#), Json::String("\u{fffd}\n".into()));
}

#[test]
fn the_last_of_duplicate_keys_wins_at_the_first_ones_place() {
    let wanted =
        Json::Object(vec![("a".into(), Json::Number("3".into())), ("b".into(), Json::Number("2".into()))]);
    assert_eq!(string(r#"{"a":1,"b":2,"a":3}"#), wanted);
    let many: String = (0..100).map(|n| format!("\"k{}\":{n},", n % 50)).collect();
    let many = format!("{{{many}\"z\":0}}");
    let Json::Object(members) = string(&many) else { panic!() };
    assert_eq!(members.len(), 51);
    assert_eq!(members[0].1, Json::Number("50".into()));
}

#[test]
fn numbers_keep_their_digits_and_what_no_double_holds_is_null() {
    assert_eq!(string("12345678901234567890.50"), Json::Number("12345678901234567890.50".into()));
    assert_eq!(string("-0"), Json::Number("-0".into()));
    assert_eq!(string("1e400"), Json::Null);
    for (long, held) in
        [("9".repeat(308), true), (format!("1{}", "0".repeat(308)), true), ("9".repeat(309), false)]
    {
        assert_eq!(string(&long) != Json::Null, held, "{long}");
        assert_eq!(string(&format!("-{long}")) != Json::Null, held, "{long}");
        assert_eq!(string(&format!("{long}.5")) != Json::Null, held, "{long}");
    }
    assert_eq!(string("1e-400"), Json::Number("1e-400".into()));
}

#[test]
fn a_hundred_thousand_levels_are_cut_not_overflowed() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let mut value = &string(&deep);
    let mut levels = 0;
    while let Json::Array(items) = value {
        levels += 1;
        value = &items[0];
    }
    assert_eq!((levels, value), (MAX_DEPTH, &Json::String(CUT_MARKER.into())));
    let open = "{\"a\":".repeat(100_000);
    assert!(parse(&open).is_err());
    let mixed = format!("{}[1,{{}},[],{{\"k\":[2]}}]{}", "[".repeat(1_500), "]".repeat(1_500));
    assert!(parse(&mixed).is_ok());
    assert!(parse(&mixed.replace("[2]", "[2}")).is_err());
}

#[test]
fn items_are_told_apart_without_a_tree() {
    assert_eq!(
        items(" [ {\"a\":[1,2]} , \"x,]\",3 ] ").unwrap(),
        Some(vec!["{\"a\":[1,2]}", "\"x,]\"", "3"])
    );
    assert_eq!((items("[]").unwrap(), items("{\"a\":1}").unwrap()), (Some(vec![]), None));
    assert_eq!(member("{\"a\":1,\"logs\":[1],\"logs\":[2, 3]}", "logs").unwrap(), Some("[2, 3]"));
    for broken in ["[1,]", "[1", "[1]x", "[{\"a\"}]", "{\"a\":1"] {
        assert!(items(broken).is_err(), "{broken}");
    }
}

#[test]
fn items_are_parsed_until_they_have_too_many_values_together() {
    let text = r#" [{"a":1,"context":{"b":[2,3]}} , [4,5], {"context":{},"context":6},"x",{"a":[7,8]}, 9] "#;
    let alone = items(text).unwrap().unwrap();
    // How many are parsed, and how many are left as text.
    let kept = |values, most| {
        let items = items_apart(text, "context", values, most).unwrap().unwrap();
        assert_eq!(items.count, alone.len());
        let mut counts = (0, 0);
        for (item, alone) in items.kept.into_iter().zip(&alone) {
            match item {
                Item::Parsed(tree, left) => {
                    assert_eq!((tree, left), parse_apart(alone, "context").unwrap());
                    counts.0 += 1;
                }
                Item::Text(text) => {
                    assert_eq!(text, *alone);
                    counts.1 += 1;
                }
            }
        }
        counts
    };
    // Of each the values are 3, 3, 3, 1, 4 and 1: a context counts as one.
    assert_eq!(
        [15, 14, 6, 5, 2, 0].map(|values| kept(values, 9)),
        [(6, 0), (5, 1), (2, 4), (1, 5), (0, 6), (0, 6)]
    );
    assert_eq!([0, 1, 6].map(|most| kept(15, most)), [(0, 0), (1, 0), (6, 0)]);
    assert_eq!(kept(6, 3), (2, 1));
    assert!(items_apart("{}", "context", 9, 9).unwrap().is_none());
    for broken in ["[1,]", "[1", "[1]x", "[{\"a\"}]", "[1,{\"context\":{\"a\"}}]", "{\"a\":1"] {
        for (values, most) in [(9, 9), (0, 9), (9, 0)] {
            assert!(items_apart(broken, "context", values, most).is_err(), "{broken}");
        }
    }
}

#[test]
fn a_text_of_too_many_values_is_refused_before_its_tree_is_built() {
    let text = format!("[{}0]", "0,".repeat(MAX_VALUES));
    let error = parse(&text).unwrap_err();
    assert!(error.too_large);
    assert_eq!(items(&text).unwrap().map(|items| items.len()), Some(MAX_VALUES + 1));
    assert!(!parse("[1,").unwrap_err().too_large);
}

#[test]
fn errors_name_the_place() {
    let error = parse("{\n  \"é\": tru\n}").unwrap_err();
    assert_eq!((error.line, error.column), (2, 8));
    assert_eq!(error.to_string(), "expected a value at line 2 column 8");
    for broken in [
        "",
        " ",
        "{",
        "[1,]",
        "{\"a\"}",
        "01",
        "1.",
        "1e",
        "\"\\x\"",
        "\"\n\"",
        "nul",
        "1 2",
        "{a:1}",
        "'a'",
        "\"\\u12\"",
    ] {
        assert!(parse(broken).is_err(), "{broken:?}");
    }
}

proptest! {
    #[test]
    fn agrees_with_serde_json_on_ordinary_values(value in super::write::tests::any_json()) {
        let text = value.to_string();
        let mut written = Vec::new();
        write_value(&mut written, &parse(&text).unwrap(), usize::MAX);
        prop_assert_eq!(serde_json::from_slice::<serde_json::Value>(&written).unwrap(), value);
    }

    #[test]
    fn no_text_makes_it_panic(text in "[\\[\\]{}\",:0-9eE+\\-\\\\utrfalsn ]{0,60}") {
        let ours = parse(&text).is_ok();
        // Whatever serde_json reads, we read; what only we read has a surrogate or a huge number in it.
        if serde_json::from_str::<serde_json::Value>(&text).is_ok() {
            prop_assert!(ours);
        } else if ours {
            prop_assert!(text.contains("\\u") || text.contains(['e', 'E']));
        }
    }
}

#[test]
fn plain_bytes_end_at_the_first_that_is_not() {
    let plain = "a\u{7f}é\u{80}~ !#[]^\u{2028}😀abcdefghijklmnop";
    for stop in ["\"", "\\", "\n", "\0", "\u{1f}", ""] {
        for length in plain.char_indices().map(|(at, _)| at) {
            let text = format!("{}{stop}{plain}\"", &plain[..length]);
            let wanted = if stop.is_empty() { text.len() - 1 } else { length };
            assert_eq!(super::token::plain_until(text.as_bytes(), 0), wanted, "{text:?}");
        }
    }
    assert_eq!(super::token::plain_until(b"abc", 9), 9);
}
