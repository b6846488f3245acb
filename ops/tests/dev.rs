//! `ops dev` as a person meets it: the real program in a folder of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use ops::process::{ProcessGroup, eventually};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A project that `ops dev` takes for one: the fixture with the real wrangler or a stand-in.
struct Project {
    folder: TempDir,
    ports: [String; 2],
}

/// A port that is free, below those the system gives out by itself, and given to one test alone: between this and the
/// moment it is used, no other test can come upon it.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let offset =
            (std::process::id() as u16).wrapping_mul(64).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = 20_000 + offset % 10_000;
        // Bound and never listening: a copy in a program that another test is starting would be in nobody's way.
        if ops::port::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).is_ok() {
            return port;
        }
    }
}

impl Project {
    fn new() -> Project {
        let folder = tempfile::tempdir().unwrap();
        let fixture = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/dev");
        fs::create_dir(folder.path().join("scripts")).unwrap();
        for file in ["worker.js", "wrangler.toml", "scripts/setup", "scripts/build"] {
            fs::copy(fixture.join(file), folder.path().join(file)).unwrap();
        }
        let ports = [free_port(), free_port()].map(|port| port.to_string());
        Project { folder, ports }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Uses the repository's wrangler; false (said loudly) when it is not installed.
    fn with_wrangler(&self) -> bool {
        let modules = common::project().join("node_modules");
        if !modules.join(".bin/wrangler").exists() {
            common::skip("ops dev with a real wrangler", "node_modules is missing, run scripts/setup");
            return false;
        }
        symlink(modules, self.path().join("node_modules")).unwrap();
        true
    }

    fn write_program(&self, name: &str, text: &str) {
        let file = self.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn command(&self, options: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ops"));
        command.current_dir(self.path()).args([
            "dev",
            "--port",
            &self.ports[0],
            "--redis-port",
            &self.ports[1],
        ]);
        command.args(options).stdin(Stdio::null());
        command
    }

    fn fails(&self, options: &[&str]) -> String {
        let output = self.command(options).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        assert!(output.stdout.is_empty(), "{}", text(&output));
        String::from_utf8(output.stderr).unwrap()
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.ports[0])
    }
}

fn text(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A running `ops dev` that has said what to paste.
struct Running {
    group: ProcessGroup,
    guide: String,
}

impl Running {
    fn start(project: &Project, options: &[&str]) -> Running {
        let mut command = project.command(options);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut group = ProcessGroup::spawn(&mut command).unwrap();
        let mut guide = String::new();
        let mut reader = BufReader::new(group.child_mut().stdout.take().unwrap());
        while !guide.contains("/logs/clear") {
            if reader.read_line(&mut guide).unwrap() == 0 {
                let mut talk = String::new();
                group.child_mut().stderr.take().unwrap().read_to_string(&mut talk).unwrap();
                panic!("ops dev ended: {talk}");
            }
        }
        Running { group, guide }
    }

    /// Ends it by a signal; its exit status and what it said.
    async fn end(mut self, signal: Signal) -> (Option<i32>, String) {
        kill(Pid::from_raw(self.group.pid().try_into().unwrap()), signal).unwrap();
        let status = self.group.wait().await;
        let mut talk = String::new();
        self.group.child_mut().stderr.take().unwrap().read_to_string(&mut talk).unwrap();
        (status.code(), talk)
    }
}

async fn counts(project: &Project) -> Value {
    reqwest::get(project.url("/count")).await.unwrap().json().await.unwrap()
}

/// The arguments of every process; Linux tells.
fn arguments_of_all() -> String {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let lines = processes.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).into_owned()).collect()
}

/// Processes of this project; Linux tells.
fn left_over(project: &Path) -> Vec<String> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let lines = processes.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    let project = project.to_string_lossy().into_owned();
    lines
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(&project))
        .collect()
}

#[tokio::test]
async fn it_runs_until_ctrl_c_and_goes_on_where_it_was() {
    let project = Project::new();
    if !project.with_wrangler() {
        return;
    }
    let secrets = "UPSTASH_REDIS_REST_URL=https://elsewhere.example\nOTHER='$HOME is kept'\n";
    fs::write(project.path().join(".dev.vars"), secrets).unwrap();
    for redis in ["memory", "auto"] {
        let options = ["--redis", redis, "--fresh"];
        let running = Running::start(&project, &options);
        assert!(running.guide.contains(&format!("curl -s {}", project.url("/log"))), "{}", running.guide);
        assert_eq!(counts(&project).await, json!({"object": 1, "redis": 1, "other": "$HOME is kept"}));
        assert_eq!(counts(&project).await["redis"], 2);
        let token = fs::read_to_string(project.path().join(".wrangler/ops-dev/token")).unwrap();
        assert!(!arguments_of_all().contains(&token), "the token is among the arguments of a process");
        let (status, talk) = running.end(Signal::SIGINT).await;
        assert_eq!(status, Some(0), "{talk}");
        assert!(reqwest::get(project.url("/count")).await.is_err());
        let gone = || async { left_over(project.path()).is_empty() };
        assert!(eventually(Duration::from_secs(5), gone).await, "{:?}", left_over(project.path()));

        let running = Running::start(&project, &["--redis", redis]);
        assert_eq!(
            counts(&project).await,
            json!({"object": 3, "redis": 3, "other": "$HOME is kept"}),
            "{redis}"
        );
        assert_eq!(running.end(Signal::SIGTERM).await.0, Some(0));
    }
    assert_eq!(fs::read_to_string(project.path().join(".dev.vars")).unwrap(), secrets);
}

#[tokio::test]
async fn the_pasted_lines_reach_the_local_redis() {
    let project = Project::new();
    if !project.with_wrangler() {
        return;
    }
    let running = Running::start(&project, &["--redis", "memory"]);
    let paste = |what: &str| {
        let line = running.guide.lines().skip_while(|line| !line.contains(what)).nth(1).unwrap().to_owned();
        let output = Command::new("sh").args(["-c", &line]).output().unwrap();
        assert!(output.status.success(), "{line}");
        serde_json::from_slice::<Value>(&output.stdout)
            .unwrap_or_else(|_| panic!("{line}: {}", text(&output)))
    };
    assert_eq!(paste("How often Redis was asked")["requests"], 0);
    assert_eq!(paste("Let Redis answer 500"), json!({"result": "OK"}));
    assert_eq!(counts(&project).await["redis"], Value::Null);
    assert_eq!(running.end(Signal::SIGINT).await.0, Some(0));
}

#[tokio::test]
async fn nothing_is_left_when_it_is_killed() {
    let project = Project::new();
    project.write_program("node_modules/.bin/wrangler", "sleep 1000 & wait");
    let mut running =
        ProcessGroup::spawn(project.command(&["--redis", "auto"]).stderr(Stdio::null())).unwrap();
    let started = || async { left_over(project.path()).iter().any(|line| line.contains("bin/wrangler")) };
    assert!(!cfg!(target_os = "linux") || eventually(Duration::from_secs(20), started).await);
    kill(Pid::from_raw(running.pid().try_into().unwrap()), Signal::SIGKILL).unwrap();
    running.wait().await;
    let gone = || async { left_over(project.path()).is_empty() };
    assert!(eventually(Duration::from_secs(5), gone).await, "{:?}", left_over(project.path()));
}

#[test]
fn a_taken_port_is_one_line_and_a_hint() {
    let project = Project::new();
    for (port, option) in project.ports.iter().zip(["--port", "--redis-port"]) {
        let _taken = TcpListener::bind(format!("127.0.0.1:{port}")).unwrap();
        let next = port.parse::<u16>().unwrap() + 1;
        let hint = format!("end what uses it (another `ops dev`?), or choose one: {option} {next}");
        assert_eq!(project.fails(&[]), format!("error: port {port} is taken on 127.0.0.1\nhint: {hint}\n"));
    }
}

#[test]
fn ports_that_cannot_be_meant_are_refused_before_anything_is_done() {
    let project = Project::new();
    project.write_program("scripts/setup", "touch was-run");
    let [port, redis_port] = &project.ports;
    let wrong = [
        (["--port", "0", "--redis-port", redis_port], "'0' for '--port <PORT>'".to_owned()),
        (["--port", port, "--redis-port", "0"], "'0' for '--redis-port <REDIS_PORT>'".to_owned()),
        (["--port", port, "--redis-port", port], format!("--port and --redis-port are both {port}\nhint: ")),
    ];
    for (options, said) in wrong {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ops"));
        let output = command.current_dir(project.path()).arg("dev").args(options).output().unwrap();
        assert_eq!(output.status.code(), Some(64), "{}", text(&output));
        assert!(text(&output).contains(&said), "{}", text(&output));
    }
    assert!(!project.path().join("was-run").exists());
}

#[tokio::test]
async fn a_second_one_in_the_same_checkout_is_refused_and_one_after_kill_9_is_not() {
    let project = Project::new();
    project.write_program("node_modules/.bin/wrangler", "sleep 1000 & wait");
    let mut first =
        ProcessGroup::spawn(project.command(&["--redis", "memory"]).stderr(Stdio::null())).unwrap();
    let log = project.path().join(".wrangler/ops-dev/wrangler.log");
    let started = || async { log.exists() };
    assert!(eventually(Duration::from_secs(20), started).await);
    let kept = project.path().join(".wrangler/state/kept");
    fs::create_dir_all(&kept).unwrap();

    project.write_program("scripts/setup", "echo set up again");
    let mut second = Command::new(env!("CARGO_BIN_EXE_ops"));
    let ports = [free_port(), free_port()].map(|port| port.to_string());
    second.current_dir(project.path()).args(["dev", "--fresh", "--redis", "memory"]);
    second.args(["--port", &ports[0], "--redis-port", &ports[1]]);
    let output = second.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let who = format!(
        "error: `ops dev` runs in this checkout already: process {}, the worker on port {}, Redis on port {}\nhint: ",
        first.pid(),
        project.ports[0],
        project.ports[1]
    );
    assert!(output.status.code() == Some(1) && said.starts_with(&who), "{said}");
    assert!(kept.exists(), "--fresh dropped what the first one uses");

    kill(Pid::from_raw(first.pid().try_into().unwrap()), Signal::SIGKILL).unwrap();
    first.wait().await;
    project.write_program("scripts/build", "exit 7");
    let after = second.output().unwrap();
    assert!(text(&after).contains("scripts/build failed"), "{}", text(&after));
}

#[tokio::test]
async fn it_ends_and_says_so_when_redis_dies() {
    let project = Project::new();
    project.write_program("node_modules/.bin/wrangler", "sleep 1000 & wait");
    if ops::upstash::store::find_redis_server(&common::project()).is_none() {
        common::skip("ops dev without its redis-server", "run scripts/setup");
        return;
    }
    let server = ops::upstash::store::find_redis_server(&common::project()).unwrap();
    let mut command = project.command(&["--redis", "auto"]);
    command.env("REDIS_SERVER_BIN", server).stderr(Stdio::piped());
    let mut running = ProcessGroup::spawn(&mut command).unwrap();
    let log = project.path().join(".wrangler/ops-dev/wrangler.log");
    assert!(eventually(Duration::from_secs(20), || async { log.exists() }).await);
    kill(Pid::from_raw(redis_of(project.path()).unwrap()), Signal::SIGKILL).unwrap();
    let ended = || {
        let over = running.try_wait().is_some();
        async move { over }
    };
    assert!(eventually(Duration::from_secs(20), ended).await, "it goes on without Redis");
    let mut said = String::new();
    running.child_mut().stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains("error: redis-server ended by itself (signal: 9"), "{said}");
    assert!(said.contains("hint: start again") && said.contains("redis.log"), "{said}");
}

/// The redis-server over this project's data; Linux tells.
fn redis_of(project: &Path) -> Option<i32> {
    fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).into_owned();
        let is_redis = line.contains("redis-server") && line.contains(&*project.to_string_lossy());
        is_redis.then(|| entry.file_name().to_str()?.parse().ok()).flatten()
    })
}

#[test]
fn a_failed_step_is_one_line_and_a_hint_after_what_it_printed() {
    let project = Project::new();
    let ends_with = |talk: &str, lines: &[&str]| {
        let last: Vec<&str> = talk.lines().collect();
        assert_eq!(last[last.len() - lines.len()..], *lines, "{talk}");
    };
    let missing = "error: wrangler is missing: node_modules/.bin/wrangler";
    ends_with(&project.fails(&["--redis", "memory"]), &[missing, "hint: run scripts/setup (it runs npm ci)"]);

    project.write_program(
        "node_modules/.bin/wrangler",
        "printf '\\033[31m✘ [ERROR] no such thing\\n'; sleep 100",
    );
    let talk = project.fails(&["--redis", "memory"]);
    assert!(
        talk.contains("  | ✘ [ERROR] no such thing\nerror: wrangler dev did not start (it reports an error)"),
        "{talk}"
    );
    assert!(talk.contains("--verbose"), "{talk}");

    project.write_program("node_modules/.bin/wrangler", "echo gone; exit 3");
    assert!(
        project
            .fails(&["--redis", "memory"])
            .contains("  | gone\nerror: wrangler dev did not start (exit status: 3)")
    );

    project.write_program("scripts/build", "echo 'error[E0308]: mismatched types'; exit 2");
    let talk = project.fails(&[]);
    assert!(talk.contains("error[E0308]: mismatched types\n"), "{talk}");
    ends_with(
        &talk,
        &[
            "error: scripts/build failed (exit status: 2)",
            "hint: read what it printed above, and run scripts/build until it succeeds",
        ],
    );

    fs::remove_file(project.path().join("scripts/setup")).unwrap();
    assert!(project.fails(&[]).contains("error: scripts/setup could not be run: No such file"));
    fs::remove_file(project.path().join("wrangler.toml")).unwrap();
    assert!(project.fails(&[]).contains("hint: run this inside the project's folder"));
}

#[test]
fn a_wrong_command_line_is_status_64() {
    let project = Project::new();
    for options in [&["--redis", "disk"][..], &["--nope"], &["--redis", "auto", "--redis-url", "redis://h"]] {
        let output = project.command(options).output().unwrap();
        assert_eq!(output.status.code(), Some(64), "{}", text(&output));
    }
    let help = project.command(&["--help"]).output().unwrap();
    assert_eq!(help.status.code(), Some(0));
    let unreachable = project.fails(&["--redis-url", "redis://user:geheim@127.0.0.1:1/0"]);
    assert!(
        unreachable.contains("error: the Redis server at redis://127.0.0.1:1 did not answer"),
        "{unreachable}"
    );
    assert!(!unreachable.contains("geheim"));
}
