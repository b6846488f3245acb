//! Hostile bytes at every parser, on the stable toolchain: seeds that mean something, mutated by a seeded generator.
//! A bounded run here; a longer one, of other inputs each time, by `scripts/fuzz`. A failure prints the input that caused it:
//! then that becomes a seed below.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "redaction_support/corpus.rs"]
mod corpus;

use log_ingestion_worker::config::{Config, SETTINGS};
use log_ingestion_worker::intake::body::text;
use log_ingestion_worker::intake::{Item, Judge, Judged, Posted, Sender, split};
use log_ingestion_worker::json;
use log_ingestion_worker::otlp;
use log_ingestion_worker::redaction::{Tally, redact_text};
use log_ingestion_worker::redis::parse_items;

/// The server's time, Unix ms.
const NOW: i64 = 1_700_000_000_000;

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % n.max(1)
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(otherwise)
}

const BODIES: &[&str] = &[
    r#"{"trace_id":"t-1","message":"hello","level":"info","context":{"a":[1,2.5e3,null,true,"x\u00e9"]}}"#,
    r#"[{"trace_id":"t","message":"password=hunter2"},{"message":1},null,"x"]"#,
    r#"{"logs":[{"trace_id":"t","message":"m","stack":"Error\n at x","timestamp":"2025-01-01T00:00:00Z"}]}"#,
    r#"{"trace_id":"\ud83d\ude00\ud83d","message":"","message":"twice","__proto__":{"a":1e400}}"#,
    r#"[{"trace_id":"t","message":"m","level":"log","context":{"a":"b","c":[1]},"context":{"a":"\u0062"}},{"level":"log","message":"m","trace_id":"u","context":{"a":"b","c":[1]}}]"#,
    "{\"trace_id\":\"t\",\"message\":\"m\",\"level\":\"log\"}\n\n{\"trace_id\":\"t\",\"message\":1}\r\n[1]\nnull",
    "[[[[[[{}]]]]]]",
    "\u{feff}{}",
];
const EXPORTS: &[&str] = &[
    r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"s"}}]},"scopeLogs":[{"scope":{"name":"l"},"logRecords":[{"timeUnixNano":"1750000000000000000","severityNumber":9,"body":{"stringValue":"m"},"traceId":"5B8EFFF798038103D269B633813FC60C"}]}]}]}"#,
    r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"kvlistValue":{"values":[{"key":"a","value":{"arrayValue":{"values":[{"intValue":"7"},{"bytesValue":"AA=="}]}}}]}},"attributes":[{"key":"k","value":{"doubleValue":"NaN"}}]},{}]}]}]}"#,
];
const REPLIES: &[&str] = &[
    r#"[{"result":"OK"},{"result":12},{"result":["a","b"]},{"error":"ERR x"}]"#,
    r#"[{"result":null},{"result":[null,[1]]}]"#,
    r#"{"error":"WRONGPASS"}"#,
];
const VARS: &[&str] = &[
    "production",
    "true",
    "-1",
    "18446744073709551616",
    "https://*.example.com",
    "\u{0}",
    "",
    " 7 ",
    "12",
    "a_key, b_key",
    "[\"x\"]",
];
const LINES: &[&str] = &[
    "Authorization: Bearer abc.def password=\"x\\\"y\" token => {a: 'b'} -----BEGIN PRIVATE KEY-----",
    "INSERT INTO u (email, password) VALUES ('a', 'b1c2d3e4'), ('c', 'd') postgres://u:p@h/db?x=${Y}",
    "\u{1b}[32mtoken\u{1b}[0m: 'é日本' cookie: a=b; c=d <password>x</password> code is 123456 4111 1111 1111 1111",
];
const PIECES: &[&str] = &[
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\\u0000",
    "\\ud800",
    "1e999",
    "null",
    "\u{0}",
    "é",
    "password=",
];

fn mutated(seeds: &[&str], random: &mut Random) -> Vec<u8> {
    let mut bytes = seeds[random.below(seeds.len())].as_bytes().to_vec();
    for _ in 0..random.below(8) {
        let at = random.below(bytes.len() + 1);
        match random.below(5) {
            0 if at < bytes.len() => bytes[at] = random.below(256) as u8,
            1 => bytes.truncate(at),
            2 => drop(bytes.splice(at..at, PIECES[random.below(PIECES.len())].bytes())),
            3 => {
                let end = (at + random.below(24)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, copy));
            }
            _ => {
                let end = (at + random.below(6)).min(bytes.len());
                drop(bytes.drain(at..end));
            }
        }
    }
    bytes
}

fn fuzz(name: &str, seeds: &[&str], check: impl Fn(&[u8]) + std::panic::RefUnwindSafe) {
    let mut random = Random(number("FUZZ_SEED", 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    for case in 0..number("FUZZ_CASES", 3_000) {
        let input = mutated(seeds, &mut random);
        if let Err(panic) = std::panic::catch_unwind(|| check(&input)) {
            eprintln!("{name}, case {case}: {:?}", String::from_utf8_lossy(&input));
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn any_body_is_split_and_judged_or_refused() {
    fuzz("body", BODIES, |bytes| {
        let (sender, mut new_id) = (Sender::default(), || "id".into());
        let mut judge = Judge::new(&sender, NOW, &mut new_id);
        let mut each = |item| judged(&mut judge, item);
        // Lines are split otherwise than JSON's arrays.
        let form = ["application/json", "application/x-ndjson", "text/plain"][bytes.len() % 3];
        match split(&text(bytes), Some(form)) {
            Ok(Posted::Single(log)) => drop(each(Item::Parsed(log.into()))),
            // A log is stored alike whatever was judged before it, also when that is the very same.
            Ok(Posted::Batch(items)) => {
                let first: Vec<_> = items.iter().cloned().map(&mut each).collect();
                let again: Vec<_> = items.into_iter().map(&mut each).collect();
                assert_eq!(first, again);
            }
            Err(error) => assert!((400..500).contains(&error.status())),
        }
    });
}

/// What is stored of a log, if anything is.
fn judged<'b>(judge: &mut Judge<'_, 'b>, item: Item<'b>) -> Option<Vec<u8>> {
    let mut json = Vec::new();
    match judge.judge(item.parse().ok()?, &mut json) {
        Judged::Accepted(_) => Some(json),
        Judged::Noise(_) | Judged::Refused { .. } => None,
    }
}

#[test]
fn any_export_is_split_and_judged_or_refused() {
    fuzz("export", EXPORTS, |bytes| match otlp::records(&text(bytes)) {
        Ok(records) => {
            let (sender, mut new_id) = (Sender::default(), || panic!("a record brings its id"));
            let mut judge = Judge::new(&sender, NOW, &mut new_id);
            for log in records.into_iter().filter_map(|record| record.log().ok()) {
                judge.judge(log, &mut Vec::new());
            }
        }
        Err(error) => assert!((400..500).contains(&error.status())),
    });
}

#[test]
fn any_json_is_parsed_and_written_to_the_same_tree_or_refused() {
    fuzz("json", BODIES, |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let Ok(tree) = json::parse(text) else { return };
        let mut out = Vec::new();
        json::write_value(&mut out, &tree, json::MAX_DEPTH);
        let out = std::str::from_utf8(&out).unwrap();
        assert_eq!(json::parse(out).unwrap(), tree, "{out}");
    });
}

#[test]
fn any_text_is_redacted_and_redacted_once_for_all() {
    let batches = corpus::batches().into_iter().flat_map(|(_, lines)| lines).map(|line| line.text);
    let kept: Vec<String> = LINES.iter().map(ToString::to_string).chain(batches).collect();
    let seeds: Vec<&str> = kept.iter().map(String::as_str).collect();
    fuzz("redaction", &seeds, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let once = redact_text(&text, &mut Tally::default());
        assert_eq!(redact_text(&once, &mut Tally::default()), once);
    });
}

#[test]
fn any_redis_reply_is_as_many_items_as_asked_or_an_error() {
    fuzz("redis", REPLIES, |bytes| {
        for count in [0, 1, 2, 4] {
            if let Ok(items) = parse_items(bytes, count) {
                assert_eq!(items.len(), count);
            }
        }
    });
}

#[test]
fn any_configuration_is_loaded_or_its_problems_are_named() {
    fuzz("configuration", VARS, |bytes| {
        let value = String::from_utf8_lossy(bytes).into_owned();
        let _ = Config::load(|_| Some(value.clone()));
        // One setting alone: it is named, or the configuration stands, and can be used.
        for setting in SETTINGS.iter().filter(|setting| setting.key != "ENVIRONMENT") {
            let given = |key: &str| match key {
                "ENVIRONMENT" => Some("production".to_string()),
                _ => (key == setting.key).then(|| value.clone()),
            };
            match Config::load(given) {
                Ok(config) => {
                    assert!(config.shards > 0 && config.body_max_bytes > 0, "{}", setting.key);
                    assert!(!config.allowed_origins.iter().any(|origin| origin.ends_with(['*', '/'])));
                }
                Err(problems) => {
                    assert!(problems.iter().all(|problem| problem.to_string().starts_with(setting.key)));
                }
            }
        }
    });
}
