//! `ops config` and the deployed worker, through the real wrangler and the local control plane.

use std::{fs, os::unix::fs::PermissionsExt, process::Stdio, time::Duration};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};

use crate::{
    common,
    config_world::{CANARY, Watch},
    control_plane::{Action, Fault, PRODUCTION, Site, Told, Version},
};

const BULK: &str = "/workers/scripts/supportsignal-log-ingestion-worker-production/secrets-bulk";
const SYNC: [&str; 6] = ["sync", "--mode", "deploy-prod", "--yes", "--env", "production"];

/// A deployed production, and a source beside its checkout.
struct Place {
    site: Site,
    source: tempfile::TempDir,
}

impl Place {
    async fn new() -> Option<Place> {
        let Some((site, _)) = Site::deployed().await else {
            common::skip("ops config and the worker", "run scripts/build");
            return None;
        };
        site.project.write(".gitignore", "node_modules\nbuild\n.wrangler*\n.state\n.dev.vars*\n");
        // With every binding that wrangler.toml has.
        let limiter = json!({
            "name": "FLOOD_LIMITER", "type": "ratelimit", "namespace_id": "4602", "simple": { "limit": 600, "period": 10 }
        });
        site.plane.someone_edits(PRODUCTION, |version| put(version, limiter)).await;
        let place = Place { site, source: tempfile::tempdir().unwrap() };
        place.source(&format!("{CANARY}-redis-0123456789"), &format!("{CANARY}-admin-0123456789"));
        Some(place)
    }

    fn source(&self, redis: &str, admin: &str) {
        let url = format!("https://{CANARY}.upstash.io");
        let text = format!(
            "| TARGET | GROUP | KEY | DEV_VALUE | PROD_VALUE |\n|---|---|---|---|---|\n\
             | LOG_WORKER | Redis | UPSTASH_REDIS_REST_URL | http://127.0.0.1:8079 | {url} |\n\
             | LOG_WORKER | Redis | UPSTASH_REDIS_REST_TOKEN | local-token | {redis} |\n\
             | LOG_WORKER | Tokens | LOG_ADMIN_TOKEN | | {admin} |\n\
             | LOG_WORKER | Limits | RATE_LIMIT_TRACE | 500 | 500 |\n"
        );
        let file = self.source.path().join("source.env");
        fs::write(&file, text).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> tokio::process::Command {
        let mut command = self.site.project.command(env!("CARGO_BIN_EXE_ops"), &self.site.plane);
        command
            .arg("config")
            .args(arguments)
            .arg("--source")
            .arg(self.source.path().join("source.env"))
            .env("OPS_STATE_DIR", self.site.project.path().join(".state"))
            .env("TMPDIR", self.source.path())
            .env_remove("OPS_NOTIFY_URL")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut command = tokio::process::Command::from(command);
        command.kill_on_drop(true);
        command
    }

    /// Runs it; nothing of production is in what it said, in a process's arguments, or in the checkout.
    async fn run(&self, arguments: &[&str]) -> Told {
        // wrangler lives for a second at least.
        let watch = Watch::start(Duration::from_millis(50));
        let output = self.command(arguments).output().await.unwrap();
        assert_eq!(watch.stop(), Vec::<String>::new());
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let told =
            Told { exit: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) };
        assert!(!told.all().contains(CANARY), "{}", told.all());
        self.nothing_of_production_is_here();
        told
    }

    fn nothing_of_production_is_here(&self) {
        let mut folders = vec![self.site.project.path().to_owned(), self.source.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().flatten() {
                let kind = entry.file_type().unwrap();
                if kind.is_dir() {
                    folders.push(entry.path());
                } else if kind.is_file() && entry.file_name() != "source.env" {
                    let bytes = fs::read(entry.path()).unwrap_or_default();
                    let found = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
                    assert!(!found, "{}", entry.path().display());
                }
            }
        }
    }

    async fn secret(&self, name: &str) -> String {
        let mut value = String::new();
        let read = |version: &Version| version.secrets().get(name).cloned().unwrap_or_default();
        self.site.plane.look(PRODUCTION, |version| value = read(version)).await;
        value
    }
}

fn target<'a>(told: &'a Value, place: &str) -> &'a Value {
    let mut targets = told["targets"].as_array().unwrap().iter();
    targets.find(|target| target["place"].as_str().unwrap().starts_with(place)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_go_to_the_worker_in_one_edit_and_only_when_they_differ() {
    let Some(place) = Place::new().await else { return };
    let versions = async || place.site.plane.versions(PRODUCTION).await.len();
    let before = versions().await;
    let dry = place.run(&["sync", "--mode", "deploy-prod", "--dry-run"]).await;
    assert_eq!((dry.exit, versions().await), (Some(0), before), "{}", dry.all());
    insta::assert_snapshot!(
        "worker_dry_run",
        dry.stdout.replace(&*place.site.project.path().to_string_lossy(), "[project]")
    );

    // Nobody knows whether those that are there are the same: all are written, once.
    // Nothing says where it answers: they are set, and that is not the end of it.
    let told = place.run(&[&SYNC[..], &["--json"]].concat()).await;
    assert_eq!((told.exit, versions().await), (Some(2), before + 1), "{}", told.all());
    assert_eq!(target(&told.json(), "secrets")["proof"], "unproven", "{}", told.all());
    assert_eq!(place.secret("LOG_ADMIN_TOKEN").await, format!("{CANARY}-admin-0123456789"));
    let told = place.run(&[&SYNC[..], &["--json"]].concat()).await;
    let json = told.json();
    assert_eq!((&target(&json, "secrets")["unchanged"], versions().await), (&json!(3), before + 1), "{json}");

    // An answer that is lost is looked after.
    place.source(&format!("{CANARY}-redis-0123456789"), &format!("{CANARY}-another-0123456789"));
    place.site.plane.plant(Fault::at("PATCH", BULK, Action::LoseAnswer).nth(1));
    let told = place.run(&SYNC).await;
    assert_eq!(told.exit, Some(2), "{}", told.all());
    assert_eq!(place.secret("LOG_ADMIN_TOKEN").await, format!("{CANARY}-another-0123456789"));
    // Killed while the API carries it out: nobody knows, and the next run writes it again.
    place.source(&format!("{CANARY}-redis-9876543210"), &format!("{CANARY}-another-0123456789"));
    place.site.plane.plant(Fault::at("PATCH", BULK, Action::ExecuteAndHang).nth(1));
    let calls =
        || place.site.plane.calls().iter().filter(|call| call.starts_with(&format!("PATCH {BULK}"))).count();
    let seen = calls();
    let mut child = place.command(&SYNC).spawn().unwrap();
    let held = || async { calls() > seen };
    assert!(ops::process::eventually(Duration::from_secs(60), held).await);
    kill(Pid::from_raw(child.id().unwrap().try_into().unwrap()), Signal::SIGKILL).unwrap();
    child.wait().await.unwrap();
    place.nothing_of_production_is_here();
    let told = place.run(&SYNC).await;
    assert_eq!(told.exit, Some(2), "{}", told.all());
    assert!(told.stderr.contains("was killed; this one completed it"), "{}", told.all());
    assert_eq!(place.secret("UPSTASH_REDIS_REST_TOKEN").await, format!("{CANARY}-redis-9876543210"));

    // What another command sets is known here: now it is the source that has another value.
    let file = place.source.path().join("token");
    fs::write(&file, "put-by-hand-0123456789").unwrap();
    let mut put = place.site.project.command(env!("CARGO_BIN_EXE_ops"), &place.site.plane);
    put.args(["secrets", "put", "LOG_ADMIN_TOKEN", "--env", "production", "--file"]).arg(&file);
    put.env("OPS_STATE_DIR", place.site.project.path().join(".state")).stdin(Stdio::null());
    let output = tokio::process::Command::from(put).output().await.unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    let told = place.run(&["drift", "--env", "production", "--json"]).await;
    let items = told.json()["items"].to_string();
    assert!(items.contains("differs from the source") && items.contains("LOG_ADMIN_TOKEN"), "{}", told.all());

    // An edit would bring up a version that nobody deployed.
    place.source(&format!("{CANARY}-redis-0123456789"), &format!("{CANARY}-another-0123456789"));
    let theirs = place.site.plane.someone_uploads(PRODUCTION).await;
    let told = place.run(&SYNC).await;
    assert_eq!(told.exit, Some(1), "{}", told.all());
    assert!(told.stdout.contains(&format!("version {theirs} is newer than the live one")), "{}", told.all());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_worker_is_asked_afterwards_and_wrong_values_are_taken_back() {
    let Some(place) = Place::new().await else { return };
    // The address of the tests' Redis is none that a source may have for production: it stays as it is there.
    let source = |redis: &str| {
        place.source(redis, "admin-of-the-source-0123456789");
        let file = place.source.path().join("source.env");
        let text = fs::read_to_string(&file).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| !line.contains("UPSTASH_REDIS_REST_URL")).collect();
        fs::write(&file, lines.join("\n")).unwrap();
    };
    let token = place.site.redis.token();
    let sync = [&SYNC[..], &["--url", &place.site.front, "--json"]].concat();
    source(token);
    let told = place.run(&sync).await;
    assert_eq!(told.exit, Some(0), "{}", told.all());
    assert_eq!(target(&told.json(), "secrets")["proof"], "proven", "{}", told.all());
    let old = place.site.serving().await.0;

    source("not-the-token-of-redis");
    // Another worker's address proves nothing, and nothing is changed.
    let elsewhere = [&SYNC[..], &["--url", "http://127.0.0.1:1"]].concat();
    let told = place.run(&elsewhere).await;
    assert_eq!(told.exit, Some(1), "{}", told.all());
    assert!(
        told.stdout.contains("is not the live version") && told.stdout.contains("reachable"),
        "{}",
        told.all()
    );

    let told = place.run(&sync).await;
    let json = told.json();
    let secrets = target(&json, "secrets");
    assert_eq!((told.exit, &secrets["proof"]), (Some(3), &json!("taken-back")), "{}", told.all());
    assert_eq!(secrets["not_applied"][0]["key"], "UPSTASH_REDIS_REST_TOKEN", "{json}");
    assert!(secrets["not_applied"][0]["why"].as_str().unwrap().contains("(redis"), "{json}");
    assert!(!told.all().contains("not-the-token-of-redis"), "{}", told.all());
    assert_eq!(place.secret("UPSTASH_REDIS_REST_TOKEN").await, token);
    assert_eq!(place.site.serving().await.0, old);
    assert_eq!(place.site.health().await["components"]["redis"]["status"], "healthy");

    // What is there is known to be what it was.
    source(token);
    let told = place.run(&sync).await;
    assert_eq!(
        (told.exit, target(&told.json(), "secrets")["changes"] == json!([])),
        (Some(0), true),
        "{}",
        told.all()
    );
}

fn put(version: &mut Version, binding: Value) {
    version.bindings.retain(|known| known["name"] != binding["name"]);
    version.bindings.push(binding);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_difference_of_the_live_worker_is_found_and_named() {
    let Some(place) = Place::new().await else { return };
    let plane = &place.site.plane;
    let drift = async || {
        let told = place.run(&["drift", "--env", "production", "--json"]).await;
        let json = told.json();
        let of = |state: &str| -> Vec<String> {
            let items = json["items"].as_array().unwrap().iter().filter(|item| item["state"] == state);
            items.map(|item| item["name"].as_str().unwrap_or_default().to_owned()).collect()
        };
        (told.exit, of("drift"), of("unreadable"), told)
    };
    // Secrets that nobody wrote from here cannot be compared, and do not count.
    let (exit, drifted, unreadable, told) = drift().await;
    assert_eq!((exit, drifted.len(), unreadable.len()), (Some(0), 0, 3), "{}", told.all());
    let told = place.run(&SYNC).await;
    assert_eq!(told.exit, Some(2), "{}", told.all());
    let (exit, drifted, unreadable, told) = drift().await;
    assert_eq!((exit, drifted.len(), unreadable.len()), (Some(0), 0, 0), "{}", told.all());

    let mut original = None;
    plane.look(PRODUCTION, |version| original = Some(version.clone())).await;
    let original = original.unwrap();

    // One at a time they are in config_drift.rs; here all of them come out of the real wrangler.
    plane
        .someone_edits(PRODUCTION, |version| {
            put(version, json!({ "name": "RATE_LIMIT_GLOBAL", "type": "plain_text", "text": "9" }));
            put(version, json!({ "name": "BY_HAND", "type": "plain_text", "text": "9" }));
            put(version, json!({ "name": "LOG_READ_TOKEN", "type": "secret_text", "text": "x" }));
            put(version, json!({ "name": "ANOTHER", "type": "version_metadata" }));
            for name in ["RATE_LIMIT_MANUAL", "LOG_ADMIN_TOKEN", "FLOOD_LIMITER"] {
                version.bindings.retain(|known| known["name"] != name);
            }
            version.compatibility_date = "2026-10-01".into();
            version.migration_tag = Some("v1".into());
        })
        .await;
    let (exit, mut drifted, _, told) = drift().await;
    drifted.sort();
    let expected = [
        "ANOTHER",
        "BY_HAND",
        "FLOOD_LIMITER",
        "LOG_ADMIN_TOKEN",
        "LOG_READ_TOKEN",
        "RATE_LIMIT_GLOBAL",
        "RATE_LIMIT_MANUAL",
        "compatibility_date",
        "migration tag",
    ];
    assert_eq!((exit, drifted), (Some(2), expected.map(str::to_owned).to_vec()), "{}", told.all());

    // Cron triggers and routes, which no version has.
    plane
        .someone_edits(PRODUCTION, |version| {
            version.bindings = original.bindings;
            version.compatibility_date = original.compatibility_date;
            version.migration_tag = original.migration_tag;
        })
        .await;
    plane.someone_sets_triggers(PRODUCTION, &["*/5 * * * *"], &[]).await;
    let (exit, drifted, _, told) = drift().await;
    assert_eq!((exit, drifted), (Some(2), vec!["*/5 * * * *".to_owned()]), "{}", told.all());
    assert!(told.stdout.contains("crons = []"), "a deployment alone does not remove it: {}", told.all());
    plane.someone_sets_triggers(PRODUCTION, &[], &["logs.example.com/*"]).await;
    let (exit, drifted, _, told) = drift().await;
    assert_eq!((exit, drifted), (Some(2), vec!["logs.example.com/*".to_owned()]), "{}", told.all());
    assert!(told.stdout.contains("dashboard: a deployment does not"), "{}", told.all());
    place.site.project.configure(
        "# routes = [{ pattern = \"logs.example.com/*\", zone_name = \"example.com\" }]",
        "routes = [{ pattern = \"logs.example.com/*\", zone_name = \"example.com\" }]",
    );
    let refused = Action::Refuse(403, 10000, "Authentication error");
    plane.plant(Fault::at("GET", format!("/workers/scripts/{PRODUCTION}/schedules"), refused));
    let (exit, drifted, unreadable, told) = drift().await;
    assert_eq!((exit, drifted.len(), unreadable.len()), (Some(0), 0, 1), "{}", told.all());
    assert!(told.stdout.contains("cron triggers: the API answered 403"), "{}", told.all());
}
