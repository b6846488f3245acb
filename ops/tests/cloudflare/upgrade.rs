//! `runbooks/upgrade.md`, command by command: from a stand-in of the earlier worker to this one, back, and forward again.

use std::{fs, path::Path, process::Output};

use serde_json::{Value, json};

use crate::{
    common,
    control_plane::{PRODUCTION, Site},
    runbook::{Desk, fences},
};

const FILE: &str = "upgrade.md";

/// The checkout of the earlier worker, and wrangler in it.
struct Earlier {
    folder: tempfile::TempDir,
}

impl Earlier {
    fn new() -> Earlier {
        let folder = tempfile::tempdir().unwrap();
        let from = common::project().join("ops/tests/fixtures/earlier");
        fs::create_dir(folder.path().join("src")).unwrap();
        for file in ["wrangler.toml", "src/index.ts"] {
            fs::copy(from.join(file), folder.path().join(file)).unwrap();
        }
        std::os::unix::fs::symlink(
            common::project().join("node_modules"),
            folder.path().join("node_modules"),
        )
        .unwrap();
        Earlier { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    async fn deploy(&self, site: &Site, arguments: &[&str]) -> Output {
        let mut wrangler = site.project.command("npx", &site.plane);
        wrangler.current_dir(self.path()).args(["wrangler", "deploy", "--env", "production"]).args(arguments);
        tokio::process::Command::from(wrangler).kill_on_drop(true).output().await.unwrap()
    }
}

async fn post(site: &Site, trace: &str, message: &str) -> Value {
    let log = json!({ "trace_id": trace, "message": message, "level": "log", "system": "browser" });
    let answer = reqwest::Client::new().post(format!("{}/log", site.front)).json(&log).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{message}");
    answer.json().await.unwrap()
}

/// The messages of a trace.
async fn trace(site: &Site, token: &str, trace: &str) -> Vec<String> {
    let read = reqwest::Client::new().get(format!("{}/logs?trace_id={trace}", site.front));
    let answer: Value = read.bearer_auth(token).send().await.unwrap().json().await.unwrap();
    let logs = answer["logs"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let mut messages: Vec<String> =
        logs.iter().map(|log| log["message"].as_str().unwrap().to_owned()).collect();
    messages.sort();
    messages
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_earlier_worker_is_upgraded_in_place_and_there_is_a_way_back_and_forward_again() {
    let Some(site) = Site::empty().await else { return common::skip("the upgrade", "run scripts/build") };
    let earlier = Earlier::new();
    let mut secrets = site.secrets();
    secrets.remove("LOG_ADMIN_TOKEN");
    site.project.write("build/secrets.json", &json!(secrets).to_string());
    let file = site.project.path().join("build/secrets.json");
    let begun = earlier.deploy(&site, &["--secrets-file", file.to_str().unwrap()]).await;
    assert!(begun.status.success(), "{}", String::from_utf8_lossy(&begun.stderr));
    assert_eq!(post(&site, "old", "of the earlier worker").await["counted"], 1);

    let [upgrade, back, forward] = &fences(FILE)[..] else {
        panic!("{FILE} has other blocks than this test knows")
    };
    let mut desk = Desk::new(site).await.with("EARLIER", earlier.path().to_str().unwrap());
    desk.run(FILE, upgrade).await;
    let kept = fs::read_to_string(desk.home().join("log-admin.env")).unwrap();
    let token = kept.trim().strip_prefix("LOG_ADMIN_TOKEN=").unwrap().to_owned();
    assert_eq!(token.len(), 64, "{kept}");
    desk = desk.with("OPS_ADMIN_TOKEN", &token);
    let site = &desk.site;
    // Of browser's 2,000 an hour one was spent before, and four by the verifications.
    let left = post(site, "new", "of this worker").await["remaining_quota"].as_i64().unwrap();
    assert!(
        (1_980..1_999).contains(&left),
        "{left}: the earlier worker's count was forgotten, or more than that"
    );
    assert_eq!(trace(site, &token, "old").await, ["of the earlier worker"]);

    // Without what the runbook adds, Cloudflare refuses the earlier code and nothing changes.
    let live = site.plane.deployed(PRODUCTION).await;
    let migration = "\n[[migrations]]\ntag = \"v2\"\nnew_sqlite_classes = [\"LogBuffer\"]\n";
    let toml = fs::read_to_string(earlier.path().join("wrangler.toml")).unwrap();
    for (config, code) in [(toml.clone(), "10074"), (format!("{toml}{migration}"), "10064")] {
        fs::write(earlier.path().join("wrangler.toml"), config).unwrap();
        let refused = earlier.deploy(site, &[]).await;
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && said.contains(code), "{code}: {said}");
        assert_eq!(site.plane.deployed(PRODUCTION).await, live);
    }
    fs::write(earlier.path().join("wrangler.toml"), toml).unwrap();

    desk.run(FILE, back).await;
    assert_eq!(trace(site, &token, "new").await, ["of this worker"], "a drained log is in its list");
    assert_eq!(
        post(site, "old", "of the earlier worker, again").await["counted"],
        2,
        "its count was left alone"
    );

    desk.run(FILE, forward).await;
    assert_eq!(trace(site, &token, "old").await, ["of the earlier worker", "of the earlier worker, again"]);
    post(site, "new", "of this worker, again").await;
    assert_eq!(trace(site, &token, "new").await, ["of this worker", "of this worker, again"]);
}
