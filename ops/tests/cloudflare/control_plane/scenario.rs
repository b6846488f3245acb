//! One `ops deploy` and how it must end: the exit status, and the live version proven by requests to the worker.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use log_ingestion_worker::config::Environment;
use ops::{
    exit::Exit,
    run::{Effect, Run, folder::StateFolder, globals::Globals},
};
use serde_json::{Value, json};

use super::{PRODUCTION, Project, Site, site::ADMIN_TOKEN};

/// Longest time any of them may take, on a slow machine too.
const LIMIT: Duration = Duration::from_secs(300);

/// What must be live at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// The version from before, and every object runs it.
    Old,
    /// The version from before, with a version beside it that has no traffic.
    OldBeside,
    /// The version of this deployment, and every object runs it.
    New,
    /// A version of somebody else's.
    Theirs,
    /// The version of this deployment has the traffic, and nothing is asked of it.
    Bad,
    /// Nothing.
    Nothing,
}

/// What `ops` said.
#[derive(Debug)]
pub struct Told {
    pub exit: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Told {
    /// Everything, for the message of a failed assertion.
    pub fn all(&self) -> String {
        format!("exit {:?}\n{}\n{}", self.exit, self.stdout, self.stderr)
    }

    /// The object on stdout.
    pub fn json(&self) -> Value {
        serde_json::from_str(self.stdout.trim()).unwrap_or_else(|_| panic!("no JSON: {}", self.all()))
    }
}

impl Site {
    /// The command `ops ARGUMENTS` in the checkout, for production, with everything committed.
    pub fn ops(&self, arguments: &[&str]) -> tokio::process::Command {
        self.project.commit();
        let mut command = self.project.command(env!("CARGO_BIN_EXE_ops"), &self.plane);
        command
            .args(arguments)
            .args(["--env", "production"])
            .args(["--url", &self.front].iter().filter(|_| !arguments.contains(&"--url")))
            .env("OPS_STATE_DIR", self.project.path().join(".state"))
            .env("OPS_ADMIN_TOKEN", ADMIN_TOKEN)
            .env_remove("WRANGLER_LOG_PATH")
            .env_remove("CI")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut command = tokio::process::Command::from(command);
        command.kill_on_drop(true);
        command
    }

    /// Runs it to its end.
    pub async fn run(&self, arguments: &[&str]) -> Told {
        finish(self.ops(arguments).spawn().unwrap()).await
    }

    /// `ops deploy`, told to wait no longer than a test can.
    pub async fn deploy(&self, arguments: &[&str]) -> Told {
        let given = |option| arguments.contains(&option);
        let mut all = vec!["deploy"];
        all.extend(["--timeout", "6s"].iter().filter(|_| !given("--timeout")));
        all.extend(["--wrangler-timeout", "20s"].iter().filter(|_| !given("--wrangler-timeout")));
        self.run(&[&all, arguments].concat()).await
    }

    /// The journal of a deployment to production that went well, and after which half of the answers took so long.
    pub fn proven_before(&self, p50_ms: u64) {
        let folder = StateFolder::at(&self.project.path().join(".state"));
        let globals = Globals { env: Some(Environment::Production), ..Globals::default() };
        let run = Run::begin_in(folder, "deploy", Effect::Changes, globals);
        run.step("verified", json!({ "version": "an earlier one", "p50_ms": p50_ms }));
        run.close(Exit::Done, Value::Null);
    }

    /// Waits until the control plane has had this call that often.
    pub async fn called(&self, call: &str, times: usize) {
        let seen =
            || async { self.plane.calls().iter().filter(|line| line.starts_with(call)).count() >= times };
        assert!(ops::process::eventually(LIMIT, seen).await, "{call}: {:#?}", self.plane.calls());
    }

    /// Nothing works in the checkout any more, soon after the end of what did.
    pub async fn left_nothing_running(&self, told: &Told) {
        let mine = self.project.path().to_string_lossy().into_owned();
        let gone = || async { left(&mine).is_empty() };
        let gone = ops::process::eventually(Duration::from_secs(5), gone).await;
        assert!(gone, "left: {:?}\n{}", left(&mine), told.all());
    }

    /// Proves by requests what is live, and that nothing is left running.
    pub async fn ends(&self, old: &str, ends: Ends, told: &Told) {
        let about = || format!("{}\n{:#?}", told.all(), self.plane.calls());
        self.left_nothing_running(told).await;
        let deployed = self.plane.deployed(PRODUCTION).await;
        if ends == Ends::Nothing {
            assert!(deployed.is_empty(), "{deployed:?}\n{}", about());
            assert_eq!(reqwest::get(&self.front).await.unwrap().status(), 404, "{}", about());
            return;
        }
        let (serving, idle): (Vec<_>, Vec<_>) = deployed.into_iter().partition(|(_, share)| *share > 0.0);
        assert_eq!((serving.len(), idle.len()), (1, usize::from(ends == Ends::OldBeside)), "{}", about());
        let live = serving[0].0.clone();
        let author = self.plane.author(PRODUCTION, &live).await;
        let is = match ends {
            Ends::Old | Ends::OldBeside => live == old,
            Ends::Theirs => author.starts_with("someone"),
            _ => live != old && !author.starts_with("someone"),
        };
        assert!(is, "{live} is not {ends:?}\n{}", about());
        let seen =
            if ends == Ends::Bad { (self.serving().await.0, live.clone()) } else { self.serving().await };
        assert_eq!(seen, (live.clone(), live), "{}", about());
    }
}

/// Waits for its end.
pub async fn finish(child: tokio::process::Child) -> Told {
    let begun = Instant::now();
    let output = tokio::time::timeout(LIMIT, child.wait_with_output()).await;
    let output = output.unwrap_or_else(|_| panic!("it did not end within {:?}", begun.elapsed())).unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Told { exit: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Processes that work in this folder.
fn left(folder: &str) -> Vec<String> {
    crate::common::processes(|process| process.contains(folder))
}

impl Project {
    /// git in this checkout.
    pub fn git(&self, arguments: &[&str]) {
        let git = std::process::Command::new("git").current_dir(self.path()).args(arguments).status();
        assert!(git.unwrap().success(), "git {arguments:?}");
    }

    /// Commits everything, as `ops deploy` wants it.
    pub fn commit(&self) {
        for arguments in [&["add", "-A"][..], &["commit", "--quiet", "--allow-empty", "-m", "A change"]] {
            let mut git = std::process::Command::new("git");
            git.current_dir(self.path()).args(["-c", "user.name=t", "-c", "user.email=t@example.com"]);
            assert!(git.args(arguments).status().unwrap().success());
        }
    }
}

/// Tests that each prepare a production, run `ops deploy` in it, and say how that must end.
macro_rules! scenarios {
    ($($(#[$about:meta])* $name:ident($site:ident) $prepare:block => $exit:literal, $ends:ident $(, says $said:literal)*;)*) => {$(
        $(#[$about])*
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let Some(($site, old)) = $crate::control_plane::Site::deployed().await else {
                return $crate::common::skip("ops deploy", "run scripts/build");
            };
            let arguments: &[&str] = $prepare;
            let told = $site.deploy(arguments).await;
            println!("{}", told.all());
            assert_eq!(told.exit, Some($exit), "{}\n{:#?}", told.all(), $site.plane.calls());
            $(assert!(told.all().contains($said), "{:?} is not in {}", $said, told.all());)*
            $site.ends(&old, $crate::control_plane::Ends::$ends, &told).await;
        }
    )*};
}

pub(crate) use scenarios;
