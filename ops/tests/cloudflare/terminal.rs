//! `ops` on a terminal: the guided `ops deploy`, and the version that `ops rollback` asks for.

use std::{
    fs::File,
    io::{Read, Write},
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};

use log_ingestion_worker::config::Environment;
use nix::pty::openpty;
use ops::{project::Project, run::folder::StateFolder, verify::remember};

use crate::{
    common,
    control_plane::{ADMIN_TOKEN, Ends, PRODUCTION, Site, Told, rollback::Two},
};

/// Longest time between two questions, on a slow machine too.
const PATIENCE: Duration = Duration::from_secs(120);

/// A program at a terminal, and the person there.
struct Terminal {
    keyboard: File,
    screen: Arc<Mutex<String>>,
    child: tokio::process::Child,
    /// What was read of the screen so far.
    read: usize,
}

impl Terminal {
    fn run(mut command: std::process::Command) -> Terminal {
        let pty = openpty(None, None).unwrap();
        let side = || Stdio::from(pty.slave.try_clone().unwrap());
        command.stdin(side()).stdout(side()).stderr(side()).env("TERM", "dumb");
        let mut command = tokio::process::Command::from(command);
        let child = command.kill_on_drop(true).spawn().unwrap();
        // With the command its own copies of the terminal's side go: then the end of the program is the end of reading.
        drop((command, pty.slave));
        let screen = Arc::new(Mutex::new(String::new()));
        let (mut from, shown) = (File::from(pty.master.try_clone().unwrap()), screen.clone());
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = from.read(&mut bytes) {
                shown.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        });
        Terminal { keyboard: File::from(pty.master), screen, child, read: 0 }
    }

    fn shown(&self) -> String {
        self.screen.lock().unwrap().clone()
    }

    /// Waits for a text after the last one, and types a line in answer.
    async fn answer(&mut self, question: &str, line: &str) {
        self.see(question).await;
        writeln!(self.keyboard, "{line}").unwrap();
    }

    async fn see(&mut self, text: &str) {
        let read = self.read;
        let seen = || async { self.shown()[read..].contains(text) };
        assert!(ops::process::eventually(PATIENCE, seen).await, "{text} is not in {}", self.shown());
        self.read += self.shown()[self.read..].find(text).unwrap() + text.len();
    }

    async fn end(&mut self) -> Told {
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let status = status.unwrap_or_else(|_| panic!("it goes on: {}", self.shown())).unwrap();
        Told { exit: status.code(), stdout: self.shown(), stderr: String::new() }
    }
}

/// `ops` in the checkout, at a terminal.
fn at_terminal(site: &Site, arguments: &[&str]) -> Terminal {
    let mut command = site.project.command(env!("CARGO_BIN_EXE_ops"), &site.plane);
    command.args(arguments).env("OPS_STATE_DIR", site.project.path().join(".state"));
    command.env("OPS_ADMIN_TOKEN", ADMIN_TOKEN).env_remove("CI");
    Terminal::run(command)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_nothing_to_production_one_question_at_a_time() {
    let Some((site, old)) = Site::deployed().await else {
        return common::skip("ops deploy", "run scripts/build");
    };
    let development = Project::open(site.project.path()).unwrap().worker_name(Environment::Development);
    let front = site.plane.front(&development).await;
    let state = StateFolder::at(&site.project.path().join(".state"));
    for (worker, url) in [(development.as_str(), &front), (PRODUCTION, &site.front)] {
        remember(&state, worker, &url.parse().unwrap()).unwrap();
    }
    site.project.program("scripts/setup", "exit 0");
    site.project.commit();
    let mut terminal = at_terminal(&site, &["deploy"]);
    terminal.see("deployer@example.com, account Test account").await;
    terminal.answer("Deploy to development? [y/N]", "y").await;
    terminal.see("this is its first deployment").await;
    terminal.answer("The value of UPSTASH_REDIS_REST_URL", &site.redis.url()).await;
    terminal.answer("The value of UPSTASH_REDIS_REST_TOKEN", site.redis.token()).await;
    terminal.see("there is nothing to go back to").await;
    terminal.answer("Go on? [y/N]", "y").await;
    terminal.see(&format!("{development} serves version")).await;
    terminal.answer("Deploy to production? [y/N]", "yes").await;
    terminal.see(&format!("{PRODUCTION} serves version")).await;
    terminal.see("Put these into Next.js and Convex:").await;
    terminal.see(&format!("NEXT_PUBLIC_LOG_WORKER_URL={front}")).await;
    terminal.see(&format!("npx convex env set --prod LOG_WORKER_URL {}", site.front)).await;
    let told = terminal.end().await;
    assert_eq!(told.exit, Some(0), "{}", told.all());
    assert!(!told.all().contains(site.redis.token()), "{}", told.all());
    site.ends(&old, Ends::New, &told).await;
    let live = &site.plane.deployed(&development).await[0].0;
    let health: serde_json::Value =
        reqwest::get(format!("{front}/health")).await.unwrap().json().await.unwrap();
    assert_eq!(health["version"]["id"], live.as_str(), "{health}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_logged_in_is_asked_whether_to_log_in() {
    let Some((site, old)) = Site::deployed().await else { return };
    site.project.program("scripts/setup", "exit 0");
    site.project.commit();
    let home = site.project.path().join(".state");
    let mut command = site.project.command(env!("CARGO_BIN_EXE_ops"), &site.plane);
    command.arg("deploy").env("OPS_STATE_DIR", &home).env("HOME", &home).env("XDG_CONFIG_HOME", &home);
    command.env_remove("CLOUDFLARE_API_TOKEN").env_remove("CI");
    let mut terminal = Terminal::run(command);
    terminal.answer("Nobody is logged in. Log in with a browser now? [y/N]", "n").await;
    terminal.see("hint: set CLOUDFLARE_API_TOKEN").await;
    let told = terminal.end().await;
    assert_eq!(told.exit, Some(1), "{}", told.all());
    site.ends(&old, Ends::Old, &told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_says_no_has_deployed_nothing() {
    let Some((site, old)) = Site::deployed().await else { return };
    site.project.program("scripts/setup", "exit 0");
    site.project.commit();
    let mut terminal = at_terminal(&site, &["deploy"]);
    terminal.answer("Deploy to development? [y/N]", "").await;
    terminal.see("Nothing was deployed to development.").await;
    let told = terminal.end().await;
    assert_eq!(told.exit, Some(0), "{}", told.all());
    site.ends(&old, Ends::Old, &told).await;

    site.project.write("src/more.mjs", "// not committed");
    let mut terminal = at_terminal(&site, &["deploy"]);
    terminal.answer("Nobody could say later what exactly was deployed. Go on? [y/N]", "n").await;
    let told = terminal.end().await;
    assert_eq!(told.exit, Some(1), "{}", told.all());
    site.ends(&old, Ends::Old, &told).await;

    // Where nobody can be asked, an environment must be named.
    let mut command = site.project.command(env!("CARGO_BIN_EXE_ops"), &site.plane);
    command.arg("deploy").env("OPS_STATE_DIR", site.project.path().join(".state")).stdin(Stdio::null());
    let output = tokio::process::Command::from(command).output().await.unwrap();
    assert_eq!(output.status.code(), Some(64), "{output:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollback_asks_which_version_and_whether_it_is_meant() {
    let Some(two) = Two::seeded().await else { return };
    let site = &two.site;
    let rollback = ["rollback", "--env", "production", "--url", &site.front, "--timeout", "6s"];
    let question = "Back to which? A number or an id:";
    let mut terminal = at_terminal(site, &rollback);
    terminal.see(&two.first).await;
    terminal.answer(question, "").await;
    terminal.see("no version was chosen").await;
    let told = terminal.end().await;
    assert_eq!(told.exit, Some(1), "{}", told.all());
    site.ends(&two.second, Ends::Old, &told).await;

    let mut terminal = at_terminal(site, &rollback);
    terminal.answer(question, "2").await;
    terminal.see(&format!("goes back to version {}", two.first)).await;
    terminal.answer("Go on? [y/N]", "y").await;
    let told = terminal.end().await;
    assert_eq!(told.exit, Some(0), "{}", told.all());
    site.ends(&two.first, Ends::Old, &told).await;
}
