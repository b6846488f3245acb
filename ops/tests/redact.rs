//! `ops redact` as a person runs it.
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::process::{Command, Output, Stdio};

fn redact(flags: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ops"))
        .arg("redact")
        .args(flags)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

const INPUT: &[u8] = b"all is well\nna\xc3\xafve password=hunter2 \x1b[31mok\n\xff\n";

#[test]
fn lines_that_change_are_shown_redacted_with_their_rules() {
    let out = redact(&[], INPUT);
    assert!(out.status.success());
    let text = String::from_utf8(out.stdout).unwrap();
    assert_eq!(text, "2: naïve password=[REDACTED] \u{fffd}[31mok\n    column 16: key-value\n");
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
