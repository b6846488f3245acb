//! `ops ci` against a `gh` that keeps state.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;
#[path = "common/fake_gh.rs"]
mod fake_gh;

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    time::{Duration, SystemTime},
};

use fake_gh::FakeGh;
use serde_json::{Value, json};
use tempfile::TempDir;

const OLD: &str = "aaaaaaa1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// A checkout of `main` with one commit, which was pushed.
struct Checkout {
    folder: TempDir,
    commit: String,
}

impl Checkout {
    fn new() -> Checkout {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("wrangler.toml"), "name = 'w'").unwrap();
        let git = |arguments: &[&str]| {
            let mut git = Command::new("git");
            git.current_dir(folder.path()).args(["-c", "user.name=t", "-c", "user.email=t@example.com"]);
            let output = git.args(arguments).output().unwrap();
            assert!(output.status.success(), "{output:?}");
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        git(&["init", "--quiet", "--initial-branch", "main"]);
        git(&["add", "-A"]);
        git(&["commit", "--quiet", "-m", "A change"]);
        let commit = git(&["rev-parse", "HEAD"]);
        git(&["update-ref", "refs/remotes/origin/main", &commit]);
        Checkout { folder, commit }
    }

    /// A run of this commit.
    fn run(&self, id: u64, workflow: &str, more: Value) -> Value {
        run(id, workflow, &self.commit, more)
    }

    fn ops(&self, gh: &FakeGh, arguments: &[&str]) -> Told {
        self.ops_with(gh.path().as_ref(), arguments)
    }

    fn ops_with(&self, path: &Path, arguments: &[&str]) -> Told {
        let mut ops = Command::new(env!("CARGO_BIN_EXE_ops"));
        ops.current_dir(self.folder.path()).arg("ci").args(arguments).env("PATH", path);
        Told::of(
            ops.env("OPS_STATE_DIR", self.folder.path().join(".state"))
                .stdin(Stdio::null())
                .output()
                .unwrap(),
        )
    }

    fn watch(&self, gh: &FakeGh, arguments: &[&str]) -> Told {
        self.ops(gh, &[&["watch", "--interval", "10ms"], arguments].concat())
    }
}

#[derive(Debug)]
struct Told {
    exit: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Told {
    fn of(output: Output) -> Told {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Told { exit: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("no JSON: {self:#?}"))
    }
}

fn ago(hours: u64) -> String {
    let time = SystemTime::now() - Duration::from_secs(hours * 3_600 + 60);
    humantime::format_rfc3339_seconds(time).to_string()
}

/// A run that succeeded within three minutes, two hours ago, unless `more` says otherwise.
fn run(id: u64, workflow: &str, commit: &str, more: Value) -> Value {
    let mut run = json!({
        "databaseId": id, "workflowName": workflow, "headSha": commit, "headBranch": "main", "event": "push",
        "displayTitle": "A change", "status": "completed", "conclusion": "success",
        "createdAt": ago(2), "updatedAt": ago(2),
        "url": format!("https://github.com/o/r/actions/runs/{id}"), "jobs": [],
    });
    for (key, value) in more.as_object().unwrap() {
        run[key] = value.clone();
    }
    run
}

fn job(id: u64, name: &str, status: &str, conclusion: &str, steps: &[(&str, &str, &str)]) -> Value {
    let steps: Vec<Value> = steps
        .iter()
        .map(|(name, status, conclusion)| json!({ "name": name, "status": status, "conclusion": conclusion }))
        .collect();
    json!({
        "databaseId": id, "name": name, "status": status, "conclusion": conclusion, "steps": steps,
        "startedAt": "2026-01-01T10:00:00Z", "completedAt": "2026-01-01T10:03:12Z",
    })
}

/// From queued over running to this end, a tick each.
fn over_time(conclusion: &str, step: &str) -> Value {
    json!({ "timeline": [
        { "at": 0, "status": "queued", "conclusion": "" },
        { "at": 1, "status": "in_progress", "conclusion": "",
          "jobs": [job(1, "test", "in_progress", "", &[("Run scripts/test", "in_progress", "")])] },
        { "at": 2, "status": "completed", "conclusion": conclusion,
          "jobs": [job(1, "test", "completed", conclusion, &[("Run scripts/test", "completed", step)])] },
    ] })
}

#[test]
fn status_shows_the_newest_run_of_each_workflow_and_its_exit_status_says_how_they_stand() {
    let checkout = Checkout::new();
    let runs = json!([
        checkout.run(5, "Deploy", json!({ "status": "waiting", "conclusion": "" })),
        checkout.run(4, "CI", json!({ "conclusion": "failure", "displayTitle": "Break it" })),
        checkout.run(3, "Drift", json!({ "event": "schedule", "createdAt": ago(26) })),
        run(2, "CI", OLD, json!({})),
    ]);
    let gh = FakeGh::new(runs);
    let told = checkout.ops(&gh, &["status"]);
    assert_eq!((told.exit, told.stderr.as_str()), (Some(1), ""), "{told:#?}");
    insta::assert_snapshot!("ci_status", told.stdout.replace(&checkout.commit[..7], "[hash]"));
    let told = checkout.ops(&gh, &["status", "--json"]);
    let mut shown = told.json();
    for run in shown["runs"].as_array_mut().unwrap() {
        (run["created_at"], run["commit"]) = ("[time]".into(), "[hash]".into());
    }
    insta::assert_snapshot!("ci_status_json", serde_json::to_string_pretty(&shown).unwrap());

    for (workflow, exit) in [("CI", 1), ("Drift", 0), ("Deploy", 2)] {
        assert_eq!(checkout.ops(&gh, &["status", "--workflow", workflow]).exit, Some(exit), "{workflow}");
    }
    let told = checkout.ops(&gh, &["status", "--branch", "other"]);
    assert_eq!((told.exit, told.stdout.as_str()), (Some(2), "no workflow has run on other\n"));
}

#[test]
fn watch_tells_what_happens_and_ends_with_0_when_all_succeeded() {
    let checkout = Checkout::new();
    let gh = FakeGh::new(json!([
        checkout.run(9, "Drift", json!({ "event": "schedule", "status": "in_progress", "conclusion": "" })),
        checkout.run(7, "CI", over_time("success", "success")),
        checkout.run(6, "Deploy", json!({ "jobs": [job(2, "production", "completed", "skipped", &[])] })),
    ]));
    let told = checkout.watch(&gh, &[]);
    assert_eq!(told.exit, Some(0), "{told:#?}");
    insta::assert_snapshot!("ci_watch", told.stderr.replace(&checkout.commit[..7], "[hash]"));
    assert_eq!(told.stdout, "  ok CI: success in 0 s\n  ok Deploy: success in 0 s\n");
}

#[test]
fn watch_ends_with_1_for_a_failure_2_for_a_cancellation_and_124_when_time_is_up() {
    let checkout = Checkout::new();
    let one = |more| FakeGh::new(json!([checkout.run(7, "CI", more)]));
    let told = checkout.watch(&one(over_time("failure", "failure")), &["--json"]);
    let shown = told.json();
    assert_eq!((told.exit, &shown["outcome"], &shown["exit"]), (Some(1), &json!("failure"), &json!(1)));
    assert_eq!(shown["runs"][0]["jobs"][0]["failed_steps"], json!(["Run scripts/test"]), "{shown}");
    assert!(told.stderr.contains("  no CI / test (3 min 12 s)\n     at: Run scripts/test\n"), "{told:#?}");
    assert!(told.stderr.ends_with("hint: ops ci logs 7\n"), "{told:#?}");

    let told = checkout.watch(&one(over_time("cancelled", "cancelled")), &[]);
    assert_eq!((told.exit, told.stdout.as_str()), (Some(2), "  !! CI: cancelled in 0 s\n"), "{told:#?}");

    let endless = one(json!({ "status": "in_progress", "conclusion": "" }));
    let told = checkout.watch(&endless, &["--timeout", "1"]);
    assert_eq!((told.exit, told.stdout.as_str()), (Some(124), "  -- CI: running\n"), "{told:#?}");
    assert!(told.stderr.contains("error: not over within 1 s\nhint: ops ci watch again"), "{told:#?}");
}

#[test]
fn watch_after_a_push_waits_for_the_run_of_what_was_pushed() {
    let checkout = Checkout::new();
    let mut late = over_time("failure", "failure");
    for entry in late["timeline"].as_array_mut().unwrap() {
        entry["at"] = json!(entry["at"].as_u64().unwrap() + 3);
    }
    let gh = FakeGh::new(json!([checkout.run(8, "CI", late), run(7, "CI", OLD, json!({}))]));
    let told = checkout.watch(&gh, &[]);
    assert_eq!(told.exit, Some(1), "the run of the push before is not the one: {told:#?}");

    let told = checkout.watch(&gh, &["--commit", &OLD[..7]]);
    assert_eq!((told.exit, told.stdout.as_str()), (Some(0), "  ok CI: success in 0 s\n"), "{told:#?}");
    let note = format!("note: the newest run on main is of {}, not of aaaaaaa", &checkout.commit[..7]);
    assert!(told.stderr.contains(&note), "{told:#?}");
}

#[test]
fn watch_says_that_somebody_must_approve() {
    let checkout = Checkout::new();
    let gh = FakeGh::new(json!([checkout.run(
        7,
        "Deploy",
        json!({ "timeline": [
        { "at": 0, "status": "waiting", "conclusion": "" },
        { "at": 3, "status": "completed", "conclusion": "success" },
    ] })
    )]));
    let told = checkout.watch(&gh, &[]);
    assert_eq!(told.exit, Some(0), "{told:#?}");
    assert_eq!(told.stderr.matches("Deploy waits for somebody's approval").count(), 1, "{told:#?}");
}

#[test]
fn watch_outlives_a_github_that_fails_now_and_then_and_says_why_it_gives_up() {
    let checkout = Checkout::new();
    let one = || FakeGh::new(json!([checkout.run(7, "CI", over_time("success", "success"))]));
    let told = checkout.watch(&one().failing("run", 4, 1, "HTTP 502: Bad Gateway"), &[]);
    assert_eq!(told.exit, Some(0), "{told:#?}");
    let gh = one().failing("run view", 100, 1, "dial tcp: connect: network is unreachable");
    let told = checkout.watch(&gh, &[]);
    assert_eq!(told.exit, Some(1), "{told:#?}");
    let last = "  | dial tcp: connect: network is unreachable\nerror: gh run view 7: it failed\nhint: see whether the network";
    assert!(told.stderr.contains(last), "{told:#?}");
    assert_eq!(gh.calls().iter().filter(|call| call.starts_with("run view")).count(), 5);
}

#[test]
fn what_gh_lacks_is_said_with_what_to_type() {
    let checkout = Checkout::new();
    for (gh, error, hint) in [
        (FakeGh::new(json!([])).with("loggedIn", json!(false)), "nobody is logged in", "gh auth login"),
        (FakeGh::new(json!([])).with("remote", json!(false)), "no remote on GitHub", "git remote add origin"),
        (
            FakeGh::new(json!([])).failing(
                "run",
                9,
                1,
                "HTTP 403: Resource not accessible by personal access token",
            ),
            "GitHub refused it",
            "the token may read Actions",
        ),
    ] {
        for command in [&["status"][..], &["watch", "--interval", "10ms"], &["logs"]] {
            let told = checkout.ops(&gh, command);
            assert_eq!((told.exit, told.stdout.as_str()), (Some(1), ""), "{told:#?}");
            assert!(told.stderr.contains(error) && told.stderr.contains(hint), "{told:#?}");
        }
    }
    let nothing = tempfile::tempdir().unwrap();
    let told = checkout.ops_with(nothing.path(), &["status"]);
    assert!(
        told.exit == Some(1) && told.stderr.starts_with("error: gh is missing\nhint: install"),
        "{told:#?}"
    );
}

#[test]
fn logs_are_those_of_what_failed() {
    let checkout = Checkout::new();
    let gh = FakeGh::new(json!([
        checkout.run(8, "Deploy", json!({ "status": "in_progress", "conclusion": "" })),
        checkout.run(7, "CI", json!({})),
        checkout.run(6, "CI", json!({ "conclusion": "failure" })),
    ]));
    let gh = gh.with(
        "logs",
        json!({ "7": ["all of 7\n", ""], "6": ["all of 6\n", "test\tRun scripts/test\tboom\n"] }),
    );
    for (arguments, exit, stdout) in [
        (&["logs"][..], 0, "test\tRun scripts/test\tboom\n"),
        (&["logs", "--all"], 0, "all of 7\n"),
        (&["logs", "6", "--all"], 0, "all of 6\n"),
        (&["logs", "7"], 0, ""),
        (&["logs", "8"], 1, ""),
        (&["logs", "99"], 1, ""),
        (&["logs", "--branch", "other"], 0, ""),
    ] {
        let told = checkout.ops(&gh, arguments);
        assert_eq!((told.exit, told.stdout.as_str()), (Some(exit), stdout), "{arguments:?}: {told:#?}");
    }
}
