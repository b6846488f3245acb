//! `ops redact` as a person runs it.
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn redact(flags: &[&str], input: &[u8]) -> Output {
    redact_in(Path::new("."), flags, input)
}

fn redact_in(folder: &Path, flags: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ops"))
        .arg("redact")
        .args(flags)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

const INPUT: &[u8] = b"all is well\nna\xc3\xafve password=hunter2 \x1b[31m\xe2\x80\xaeok\n\xff\n";

#[test]
fn lines_that_change_are_shown_redacted_with_their_rules() {
    let out = redact(&[], INPUT);
    assert!(out.status.success());
    let text = String::from_utf8(out.stdout).unwrap();
    assert_eq!(text, "2: naïve password=[REDACTED] \u{fffd}[31m\u{fffd}ok\n    column 16: key-value\n");
    assert_eq!(String::from_utf8(out.stderr).unwrap(), "1 of 3 lines would change.\n");
}

#[test]
fn as_json_there_is_one_object_a_finding() {
    let out = redact(&["--json"], INPUT);
    assert!(out.status.success());
    let text = String::from_utf8(out.stdout).unwrap();
    assert_eq!(text, "{\"column\":16,\"length\":7,\"line\":2,\"rule\":\"key-value\"}\n");
}

#[test]
fn column_and_length_count_characters() {
    let out = redact(&["--json"], "naïve password=zażółć-9 ok, token=日本Xk29 ok\n".as_bytes());
    let text = String::from_utf8(out.stdout).unwrap();
    let rows = text.lines().map(|row| serde_json::from_str::<serde_json::Value>(row).unwrap());
    let places: Vec<_> = rows.map(|row| (row["column"].as_u64(), row["length"].as_u64())).collect();
    assert_eq!(places, [(Some(16), Some(8)), (Some(35), Some(6))]);
}

#[test]
fn a_key_over_several_lines_is_one_message_when_asked_for() {
    let key = ["-----BEGIN PRIVATE", " KEY-----\nMIIabc123\n-----END PRIVATE", " KEY-----"].concat();
    let out = redact(&["--whole"], format!("loaded\n{key}\nok\n").as_bytes());
    assert!(out.status.success());
    let text = String::from_utf8(out.stdout).unwrap();
    assert_eq!(text, "1: loaded\n[REDACTED]\nok\n    line 2, column 1: private-key\n");
    assert_eq!(String::from_utf8(out.stderr).unwrap(), "1 of 1 messages would change.\n");
}

#[test]
fn of_an_environment_its_own_patterns_count() {
    let folder = tempfile::tempdir().unwrap();
    let vars =
        |keys: &str| format!("name = \"w\"\n[env.production.vars]\nENVIRONMENT = \"production\"\n{keys}\n");
    let write = |keys: &str| std::fs::write(folder.path().join("wrangler.toml"), vars(keys)).unwrap();
    let input = b"badge_no=4711 acme_0123456789ab\n";
    write("REDACT_KEYS = \"badge_no\"\nREDACT_PREFIXES = \"acme_\"");
    let without = redact_in(folder.path(), &[], input);
    assert_eq!(String::from_utf8(without.stdout).unwrap(), "");
    let with = redact_in(folder.path(), &["--env", "production"], input);
    let text = String::from_utf8(with.stdout).unwrap();
    assert!(text.starts_with("1: badge_no=[REDACTED] [REDACTED]\n"), "{text}");
    write("REDACT_KEYS = [\"badge_no\"]");
    let refused = redact_in(folder.path(), &["--env", "production"], input);
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && error.contains("REDACT_KEYS must be a text, not a list"), "{error}");
}
