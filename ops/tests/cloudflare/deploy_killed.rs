//! `ops deploy` interrupted, and killed, in each of its phases; and its wrangler killed.

use std::time::Duration;

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    common,
    control_plane::{Action, Ends, Fault, PRODUCTION, Site, Told, scenario},
};

/// Longer than any of this takes.
const LONG: Action = Action::Delay(Duration::from_secs(120));

const BUG: &str =
    "export class LogBuffer extends worker.LogBuffer { fetch() { throw new Error(\"broken\"); } }";

/// A call in which a deployment is caught: method, end of the path, the how-manieth.
type Call = (&'static str, &'static str, usize);

const READ: Call = ("GET", "deployments", 1);
const UPLOAD: Call = ("POST", "versions", 1);
const TRY: Call = ("POST", "deployments", 1);
const SWITCH: Call = ("POST", "deployments", 2);
const TRIGGERS: Call = ("PUT", "schedules", 1);
const RETURN: Call = ("POST", "deployments", 3);

/// A deployment that has come to a call, and is held there.
async fn held(site: &Site, (method, path, nth): Call, action: Action) -> tokio::process::Child {
    let path = format!("/workers/scripts/{PRODUCTION}/{path}");
    site.plane.plant(Fault::at(method, path.as_str(), action).nth(nth));
    let child = site.ops(&["deploy", "--timeout", "6s"]).spawn().unwrap();
    site.called(&format!("{method} {path} "), nth).await;
    child
}

fn signal(child: &tokio::process::Child, signal: Signal) {
    kill(Pid::from_raw(child.id().unwrap().try_into().unwrap()), signal).unwrap();
}

/// Ends wrangler's wrapper, as an impatient person or an out-of-memory killer would.
fn end_wrangler(site: &Site, by: Signal) {
    let mine = site.project.path().to_string_lossy().into_owned();
    let running = common::processes(|line| line.contains(&mine) && line.contains("bin/wrangler"));
    let pids = running.iter().map(|line| line.split(' ').next().unwrap().parse::<i32>().unwrap());
    kill(Pid::from_raw(pids.min().unwrap()), by).unwrap();
}

async fn interrupted(call: Call, action: Action, by: Signal, code: &str, exit: i32) {
    let Some((site, old)) = Site::deployed().await else {
        return common::skip("ops deploy", "run scripts/build");
    };
    site.project.code(code);
    let child = held(&site, call, action).await;
    signal(&child, by);
    let told = scenario::finish(child).await;
    assert_eq!(told.exit, Some(exit), "{}", told.all());
    assert!(told.stderr.contains("error: interrupted"), "{}", told.all());
    site.ends(&old, Ends::Old, &told).await;
}

macro_rules! interrupted {
    ($($name:ident: $call:expr, $action:expr, $by:ident, $code:expr => $exit:literal;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            interrupted($call, $action, Signal::$by, $code, $exit).await;
        }
    )*};
}

interrupted! {
    ctrl_c_while_it_looks_what_is_live: READ, LONG, SIGINT, "" => 1;
    ctrl_c_during_the_upload: UPLOAD, LONG, SIGINT, "" => 1;
    ctrl_c_during_the_try: TRY, LONG, SIGINT, "" => 1;
    ctrl_c_after_the_try: TRY, Action::ExecuteAndHang, SIGINT, "" => 1;
    ctrl_c_during_the_switch: SWITCH, LONG, SIGINT, "" => 1;
    ctrl_c_after_the_switch: SWITCH, Action::ExecuteAndHang, SIGINT, BUG => 3;
    the_terminal_closes_after_the_switch: SWITCH, Action::ExecuteAndHang, SIGHUP, BUG => 3;
    ctrl_c_while_the_switch_is_waited_for: SWITCH, Action::Freeze, SIGTERM, "" => 3;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_ctrl_c_ends_the_way_back_too_and_says_what_to_type() {
    let Some((site, old)) = Site::deployed().await else {
        return common::skip("ops deploy", "run scripts/build");
    };
    let returning = format!("/workers/scripts/{PRODUCTION}/deployments");
    site.plane.plant(Fault::at(RETURN.0, returning.as_str(), LONG).nth(RETURN.2));
    let child = held(&site, SWITCH, Action::ExecuteAndHang).await;
    signal(&child, Signal::SIGINT);
    site.called(&format!("POST {returning} "), RETURN.2).await;
    signal(&child, Signal::SIGINT);
    let told = scenario::finish(child).await;
    assert_eq!(told.exit, Some(4), "{}", told.all());
    let back = format!(
        "next: npx wrangler versions deploy {old}@100% -y --durable-objects-code-update-mode immediate"
    );
    assert!(told.stderr.contains(&back), "{}", told.all());
    site.ends(&old, Ends::New, &told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_before_the_routes_says_what_is_left_to_do() {
    let Some((site, old)) = Site::deployed().await else {
        return common::skip("ops deploy", "run scripts/build");
    };
    let cron = "[env.production.triggers]\ncrons = [\"*/5 * * * *\"]\n\n[env.production.vars]";
    site.project.configure("[env.production.vars]", cron);
    let child = held(&site, TRIGGERS, LONG).await;
    signal(&child, Signal::SIGINT);
    let told = scenario::finish(child).await;
    assert_eq!(told.exit, Some(2), "{}", told.all());
    assert!(told.stderr.contains("next: npx wrangler triggers deploy --env production"), "{}", told.all());
    site.ends(&old, Ends::New, &told).await;
}

/// Kills `ops` at a call, and lets the next deployment, whose build fails, settle what it finds.
async fn killed(call: Call, action: Action, code: &str, ends: Ends, said: &str) {
    let Some((site, old)) = Site::deployed().await else {
        return common::skip("ops deploy", "run scripts/build");
    };
    site.project.code(code);
    let mut child = held(&site, call, action).await;
    signal(&child, Signal::SIGKILL);
    child.wait().await.unwrap();
    let nothing = Told { exit: None, stdout: String::new(), stderr: String::new() };
    let settled = call != READ;
    site.left_nothing_running(&nothing).await;

    site.project.code("");
    site.project.program("scripts/build", "exit 1");
    let told = site.deploy(&[]).await;
    assert_eq!(told.exit, Some(1), "{}", told.all());
    assert!(told.stderr.contains("was killed"), "{}", told.all());
    assert!(!settled || told.stderr.contains(said), "{said}: {}", told.all());
    site.ends(&old, ends, &told).await;

    // It is settled once.
    let again = site.deploy(&[]).await;
    assert!(again.exit == Some(1) && !again.stderr.contains("was killed"), "{}", again.all());
}

macro_rules! killed {
    ($($name:ident: $call:expr, $action:expr, $code:expr => $ends:ident, $said:literal;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            killed($call, $action, $code, Ends::$ends, $said).await;
        }
    )*};
}

killed! {
    killed_while_it_looks_what_is_live: READ, LONG, "" => Old, "";
    killed_during_the_upload: UPLOAD, LONG, "" => Old, "serves, as before";
    killed_after_the_try: TRY, Action::ExecuteAndHang, "" => Old, "serves, as before";
    killed_during_the_switch: SWITCH, LONG, "" => Old, "serves, as before";
    killed_after_the_switch_to_good_code: SWITCH, Action::ExecuteAndHang, "" => New, "which is well";
    killed_after_the_switch_to_bad_code: SWITCH, Action::ExecuteAndHang, BUG => Old, "is back";
    killed_on_the_way_back: RETURN, LONG, BUG => Old, "is back";
}

/// Ends wrangler at a call.
async fn without_wrangler(call: Call, action: Action, by: Signal, exit: i32, ends: Ends) {
    let Some((site, old)) = Site::deployed().await else {
        return common::skip("ops deploy", "run scripts/build");
    };
    let child = held(&site, call, action).await;
    end_wrangler(&site, by);
    let told = scenario::finish(child).await;
    assert_eq!(told.exit, Some(exit), "{}", told.all());
    site.ends(&old, ends, &told).await;
}

macro_rules! without_wrangler {
    ($($name:ident: $call:expr, $action:expr, $by:ident => $exit:literal, $ends:ident;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            without_wrangler($call, $action, Signal::$by, $exit, Ends::$ends).await;
        }
    )*};
}

without_wrangler! {
    wrangler_is_killed_during_the_upload: UPLOAD, LONG, SIGKILL => 1, Old;
    wrangler_is_killed_during_the_try: TRY, LONG, SIGKILL => 1, Old;
    wrangler_is_killed_during_the_switch: SWITCH, LONG, SIGKILL => 1, Old;
    wrangler_is_interrupted_during_the_switch: SWITCH, LONG, SIGINT => 1, Old;
    wrangler_is_killed_after_the_switch: SWITCH, Action::ExecuteAndHang, SIGKILL => 0, New;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_during_the_build() {
    let Some((site, old)) = Site::deployed().await else { return };
    site.project.program("scripts/build", "mkdir -p .state && touch .state/building && sleep 120");
    let child = site.ops(&["deploy", "--timeout", "6s"]).spawn().unwrap();
    let building = site.project.path().join(".state/building");
    let begun = || async { building.exists() };
    assert!(ops::process::eventually(Duration::from_secs(100), begun).await, "no build");
    signal(&child, Signal::SIGINT);
    let told = scenario::finish(child).await;
    assert_eq!(told.exit, Some(1), "{}", told.all());
    site.ends(&old, Ends::Old, &told).await;
}
