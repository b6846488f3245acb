//! `ops tail` before the real worker: what a person and a program read, and what becomes of a worker that goes away.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;
#[path = "common/worker.rs"]
mod worker;

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use serde_json::{Value, json};
use worker::{Setup, TOKENS, Worker, finish, out, talk};

/// Longer than anything takes that is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

async fn post(worker: &Worker, logs: Value) {
    let request =
        reqwest::Client::new().post(format!("{}/log", worker.workerd.url())).bearer_auth(TOKENS[0].1);
    assert_eq!(request.json(&logs).send().await.unwrap().status(), 200);
}

fn log(trace: &str, level: &str, system: &str, message: &str) -> Value {
    json!({ "trace_id": trace, "level": level, "system": system, "message": message })
}

/// A running `ops tail`, line by line.
struct Tail {
    child: Child,
    out: Receiver<String>,
    talk: Receiver<String>,
}

impl Tail {
    fn start(mut command: Command) -> Tail {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let out = lines(child.stdout.take().unwrap());
        let talk = lines(child.stderr.take().unwrap());
        Tail { child, out, talk }
    }

    /// The next line of data.
    fn line(&self) -> String {
        self.out
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|_| panic!("no line: {:?}", self.talk.try_iter().collect::<Vec<_>>()))
    }

    fn says(&self, what: &str) {
        while !self
            .talk
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|_| panic!("it never says {what:?}"))
            .contains(what)
        {}
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(from: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// A line without its time.
fn untimed(line: &str) -> &str {
    line.split_once(' ').map_or("", |(_, rest)| rest)
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_of_every_shard_appear_in_columns_harmless_and_filtered() {
    let worker = Setup::default().var("LOG_BUFFER_SHARDS", "3").start().await;
    post(&worker, log("earlier", "error", "convex", "before it began")).await;
    let all = Tail::start(worker.command(&["tail", "--since", "10m"]));
    let grave = Tail::start(
        worker.command(&["tail", "--since", "10m", "--level", "warn", "--system", "convex", "--json"]),
    );
    assert_eq!(untimed(&all.line()), "error convex  earlier  before it began");
    let first: Value = serde_json::from_str(&grave.line()).unwrap();
    assert_eq!(first["message"], "before it began");
    // Traces of three shards; what is on one of them comes in order.
    for trace in ["a", "b", "c", "d", "e", "f"] {
        post(&worker, log(trace, "info", "browser", "hello")).await;
    }
    let mut seen: Vec<String> = (0..6).map(|_| untimed(&all.line()).to_owned()).collect();
    seen.sort();
    let wanted = ["a", "b", "c", "d", "e", "f"].map(|trace| format!("info  browser {trace:8} hello"));
    assert_eq!(seen, wanted);
    post(&worker, log("a", "warn", "convex", "\u{1b}]0;title\u{7} user\u{202e}nimda\nsecond line")).await;
    assert_eq!(untimed(&all.line()), r"warn  convex  a        \u{1b}]0;title\u{7} user\u{202e}nimda");
    assert_eq!(all.line().trim_start(), "second line");
    let raw = grave.line();
    assert!(!raw.contains('\u{202e}'), "{raw}");
    let entry: Value = serde_json::from_str(&raw).unwrap();
    assert_eq!(entry["message"], "\u{1b}]0;title\u{7} user\u{202e}nimda\nsecond line");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_goes_away_and_comes_back_loses_no_line() {
    let disk = tempfile::tempdir().unwrap();
    let mut worker = Setup::default().disk(disk.path()).start().await;
    let tail = Tail::start(worker.command(&["tail", "--trace", "t"]));
    // It is open once a log comes through; until then each is posted anew.
    post(&worker, log("t", "log", "manual", "first")).await;
    let seen = loop {
        match tail.out.recv_timeout(Duration::from_millis(500)) {
            Ok(line) => break line,
            Err(_) => post(&worker, log("t", "log", "manual", "first")).await,
        }
    };
    assert_eq!(untimed(&seen), "log   manual  first");
    worker.workerd.kill9();
    tail.says("it goes on where it was");
    worker.workerd.restart().await.unwrap();
    for message in ["second", "third"] {
        post(&worker, log("t", "log", "manual", message)).await;
    }
    let mut next = tail.line();
    while untimed(&next) == "log   manual  first" {
        next = tail.line();
    }
    assert_eq!(untimed(&next), "log   manual  second");
    assert_eq!(untimed(&tail.line()), "log   manual  third");
    tail.says("the worker is back");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_when_it_should_and_says_what_is_missing() {
    let worker = Setup::production().start().await;
    let refused = worker.ops(&["tail", "--trace", "t"]).await;
    assert_eq!(refused.status.code(), Some(1), "{}", talk(&refused));
    assert!(talk(&refused).contains("hint: set OPS_READ_TOKEN in the environment"), "{}", talk(&refused));
    post(&worker, log("t", "log", "manual", "m")).await;
    let mut command = worker.command(&["tail", "--since", "1h", "--timeout", "2s"]);
    command.env("OPS_READ_TOKEN", TOKENS[1].1);
    let ended = finish(command).await;
    assert_eq!(ended.status.code(), Some(0), "{}", talk(&ended));
    assert_eq!(untimed(out(&ended).trim_end()), "log   manual  t        m");
    assert!(!out(&ended).contains('\u{1b}'), "no colour where there is no terminal");

    let url = worker.workerd.url();
    drop(worker);
    let state = tempfile::tempdir().unwrap();
    let mut command = worker::ops(state.path());
    command.args(["tail", "--url", &url]);
    let nobody = finish(command).await;
    assert_eq!(nobody.status.code(), Some(1));
    assert!(talk(&nobody).contains("error: no tail: connection refused"), "{}", talk(&nobody));
}
