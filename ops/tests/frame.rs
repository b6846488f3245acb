//! What every command has in common, by the real program: flags, exit statuses, the journal.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

use ops::{
    exit::Exit,
    run::{Effect, Run, folder::StateFolder, globals::Globals},
};
use serde_json::{Value, json};

fn ops(state: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ops"));
    command.args(arguments).env("OPS_STATE_DIR", state).stdin(Stdio::null()).output().unwrap()
}

fn out(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn talk(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

#[test]
fn a_flag_a_command_has_no_use_for_is_refused_not_ignored() {
    let state = tempfile::tempdir().unwrap();
    let output = ops(state.path(), &["dev", "--env", "production"]);
    assert_eq!(output.status.code(), Some(64));
    let hint = "hint: leave it out; `ops dev --help` says what it takes\n";
    assert_eq!(talk(&output), format!("error: ops dev has no use for --env\n{hint}"));
    for wrong in [&["--env", "staging", "history"][..], &["history", "--timeout", "soon"], &["nope"], &[]] {
        assert_eq!(ops(state.path(), wrong).status.code(), Some(64), "{wrong:?}");
    }
}

#[test]
fn who_asks_for_json_is_given_no_words() {
    let state = tempfile::tempdir().unwrap();
    for command in [
        &["deploy"][..],
        &["rollback"],
        &["secrets", "put", "LOG_READ_TOKEN"],
        &["secrets", "check"],
        &["verify"],
        &["status"],
        &["drain"],
    ] {
        let output = ops(state.path(), &[command, &["--env", "production", "--dry-run", "--json"]].concat());
        assert_eq!((output.status.code(), out(&output)), (Some(64), ""), "{command:?}");
        let hint = "told in words, not as JSON\nhint: leave out --json or --dry-run\n";
        assert!(talk(&output).ends_with(hint), "{}", talk(&output));
    }
}

#[test]
fn history_shows_what_ran_and_what_was_killed() {
    let state = tempfile::tempdir().unwrap();
    let begin = |command, id: &str| {
        let globals = Globals { correlation_id: Some(id.parse().unwrap()), ..Globals::default() };
        Run::begin_in(StateFolder::at(state.path()), command, Effect::Changes, globals)
    };
    assert_eq!(talk(&ops(state.path(), &["history"])), "No run has left a journal yet.\n");
    let done = begin("deploy", "one");
    done.step("upload", json!({ "version": "v7" }));
    done.close(Exit::Done, Value::Null);
    let _going_on = begin("rollback", "two");
    drop(begin("deploy", "three"));

    let output = ops(state.path(), &["history"]);
    assert_eq!((output.status.code(), talk(&output)), (Some(0), ""));
    let ends: Vec<_> = out(&output).lines().map(|line| line.split_once("Z  ").unwrap().1).collect();
    let expected = [
        "deploy    -            killed    three",
        "rollback  -            goes on   two",
        "deploy    -            done      one",
    ];
    assert_eq!(ends, expected);

    assert_eq!(
        talk(&ops(state.path(), &["history", "--env", "production"])),
        "No run of production has left a journal yet.\n"
    );
    let none = ops(state.path(), &["history", "--limit", "0"]);
    assert_eq!(none.status.code(), Some(64));
    assert!(talk(&none).contains("'0' for '--limit <LIMIT>'"), "{}", talk(&none));

    let output = ops(state.path(), &["history", "one", "--json"]);
    let told: Value = serde_json::from_str(out(&output)).unwrap();
    assert_eq!(
        (&told["run"], &told["exit"], &told["steps"][0]["version"]),
        (&json!("one"), &json!(0), &json!("v7"))
    );
    let output = ops(state.path(), &["history", "one"]);
    assert!(out(&output).contains(r#"upload       {"version":"v7"}"#), "{}", out(&output));

    let output = ops(state.path(), &["history", "nine", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let refusal = r#"{"error":"no run begins with nine","hint":"`ops history` lists them"}"#;
    assert_eq!(out(&output), format!("{refusal}\n"));
    assert_eq!(talk(&output), "error: no run begins with nine\nhint: `ops history` lists them\n");
}

#[test]
fn a_run_that_was_killed_is_named_without_the_names_of_our_steps() {
    let state = tempfile::tempdir().unwrap();
    let globals = Globals { correlation_id: Some("three".parse().unwrap()), ..Globals::default() };
    let killed = Run::begin_in(StateFolder::at(state.path()), "deploy", Effect::Changes, globals);
    killed.step("phase", json!({ "what": "upload" }));
    drop(killed);
    let output = ops(state.path(), &["health", "--url", "http://127.0.0.1:1", "--timeout", "1s"]);
    let said = talk(&output);
    assert!(said.contains("was killed before its end; how far it came: ops history three"), "{said}");
    assert!(!said.contains("phase"), "{said}");
}
