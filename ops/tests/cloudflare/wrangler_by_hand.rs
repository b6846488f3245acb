//! The real wrangler against the local control plane: what an operator does by hand, and what the control plane is
//! trusted for by every other test.

use std::process::{Output, Stdio};

use ops::process::eventually;
use serde_json::Value;

use crate::{
    common,
    control_plane::{Access, Action, Fault, PRODUCTION, Site},
};

/// The checkout and what is deployed from it, by hand.
struct Hand {
    site: Site,
}

impl std::ops::Deref for Hand {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

impl Hand {
    /// Production is deployed. And its version.
    async fn deployed() -> Option<(Hand, String)> {
        let Some((site, live)) = Site::deployed().await else {
            common::skip("wrangler against the control plane", "run scripts/build");
            return None;
        };
        assert_eq!(site.serving().await, (live.clone(), live.clone()));
        Some((Hand { site }, live))
    }

    /// Runs `wrangler ARGUMENTS --env production` with this on its standard input.
    async fn wrangler(&self, arguments: &[&str], input: &str) -> (bool, String) {
        let mut command = tokio::process::Command::from(self.project.command("wrangler", &self.plane));
        command.args(arguments).args(["--env", "production"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stdin, input.as_bytes()).await.unwrap();
        drop(stdin);
        let Output { status, stdout, stderr } = child.wait_with_output().await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (status.success(), if status.success() { text(&stdout) } else { text(&stdout) + &text(&stderr) })
    }

    async fn ok(&self, arguments: &[&str]) -> String {
        let (success, output) = self.wrangler(arguments, "").await;
        assert!(success, "{arguments:?}: {output}\n{:#?}", self.plane.calls());
        output
    }

    async fn refused(&self, arguments: &[&str]) -> String {
        let (success, output) = self.wrangler(arguments, "").await;
        assert!(!success, "{arguments:?} succeeded: {output}");
        output
    }

    async fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.ok(arguments).await).unwrap()
    }

    /// The one version that `deployments status` says is live.
    async fn live(&self) -> String {
        let status = self.json(&["deployments", "status", "--json"]).await;
        assert_eq!(status["versions"].as_array().unwrap().len(), 1, "{status}");
        status["versions"][0]["version_id"].as_str().unwrap().to_owned()
    }

    /// Uploads without deploying. The version's id.
    async fn uploaded(&self, tag: &str) -> String {
        self.ok(&["versions", "upload", "--tag", tag, "--message", "by hand"]).await;
        self.plane.versions(PRODUCTION).await.pop().unwrap()
    }
}

const IMMEDIATE: [&str; 2] = ["--durable-objects-code-update-mode", "immediate"];

#[tokio::test]
async fn the_first_deploy_by_hand() {
    let Some(site) = Site::empty().await else { return };
    let hand = Hand { site };
    assert_eq!(reqwest::get(&hand.front).await.unwrap().status(), 404);
    hand.refused(&["deployments", "status", "--json"]).await;
    hand.ok(&["deploy"]).await;
    assert_eq!(hand.serving().await.0, hand.live().await);
    assert_eq!(hand.health().await["components"]["redis"]["url"], "missing");
    let (set, output) =
        hand.wrangler(&["secret", "bulk"], &serde_json::json!(hand.secrets()).to_string()).await;
    assert!(set, "{output}");
    let live = hand.live().await;
    assert_eq!(hand.serving().await, (live.clone(), live));
    assert_eq!(hand.health().await["status"], "healthy");
    assert_eq!(hand.plane.versions(PRODUCTION).await.len(), 2);
}

#[tokio::test]
async fn a_deploy_by_hand_serves_and_keeps_what_the_objects_hold() {
    let Some((site, first)) = Hand::deployed().await else { return };
    let log = serde_json::json!({ "trace_id": "kept", "message": "hello", "level": "info" });
    let posted = reqwest::Client::new().post(format!("{}/log", site.front)).json(&log).send().await.unwrap();
    assert_eq!(posted.status(), 200);

    site.ok(&["deploy", "--message", "second"]).await;
    let second = site.live().await;
    // Deferred: the object goes on with the code it runs.
    assert_eq!(site.serving().await, (second.clone(), first));
    assert!(site.plane.calls().iter().any(|call| call.ends_with(&format!("/{PRODUCTION}/versions 200"))));
    site.plane.evict_objects(PRODUCTION).await;
    assert_eq!(site.serving().await, (second.clone(), second));
    let totals = &site.health().await["components"]["rate_limiter"]["current_state"];
    assert_eq!(totals["global_current"], 1, "{totals}");
    assert_eq!(common::list(&site.redis, "logs:kept").await.len(), 1);
}

#[tokio::test]
async fn a_version_is_tried_beside_the_old_one_deployed_and_rolled_back() {
    let Some((site, old)) = Hand::deployed().await else { return };
    let new = site.uploaded("v-next").await;
    assert_eq!(site.serving().await.0, old);
    assert_eq!(site.overridden(&new).await["version"]["id"], old.as_str(), "it is not deployed yet");

    let (none, all) = (format!("{new}@0%"), format!("{old}@100%"));
    site.ok(&["versions", "deploy", &none, &all, "-y"]).await;
    assert_eq!(site.serving().await, (old.clone(), old.clone()));
    let tried = site.overridden(&new).await;
    assert_eq!((&tried["version"]["id"], &tried["version"]["tag"]), (&new.clone().into(), &"v-next".into()));
    assert_eq!(tried["components"]["buffer"]["shards"][0]["version"], old.as_str());

    site.ok(&["versions", "deploy", &format!("{new}@100%"), "-y", IMMEDIATE[0], IMMEDIATE[1]]).await;
    assert_eq!(site.serving().await, (new.clone(), new.clone()));
    let listed = site.json(&["deployments", "list", "--json"]).await;
    assert_eq!(listed.as_array().unwrap().last().unwrap()["versions"][0]["version_id"], new.as_str());
    let view = site.json(&["versions", "view", &new, "--json"]).await;
    assert_eq!(view["annotations"]["workers/message"], "by hand");
    assert_eq!(view["resources"]["script_runtime"]["migration_tag"], "v2");

    site.ok(&["rollback", &old, "--message", "back", IMMEDIATE[0], IMMEDIATE[1]]).await;
    assert_eq!(site.serving().await, (old.clone(), old.clone()));
    // The latest version is not the live one any more: secrets cannot be edited in place.
    let (edited, output) =
        site.wrangler(&["secret", "put", "LOG_READ_TOKEN"], "a-read-token-long-enough").await;
    assert!(!edited && output.contains("versions secret put"), "{output}");
    let (put, output) =
        site.wrangler(&["versions", "secret", "put", "LOG_READ_TOKEN"], "a-read-token-long-enough").await;
    assert!(put, "{output}");
    assert_eq!(site.plane.versions(PRODUCTION).await.len(), 3);
    assert_eq!(site.serving().await.0, old);
}

#[tokio::test]
async fn a_way_back_over_a_changed_secret_is_refused_unless_forced() {
    let Some((site, old)) = Hand::deployed().await else { return };
    let (put, output) =
        site.wrangler(&["secret", "put", "LOG_READ_TOKEN"], "a-read-token-long-enough\n").await;
    assert!(put, "{output}");
    let new = site.live().await;
    assert_ne!(new, old);
    let names: Vec<String> = site
        .json(&["secret", "list"])
        .await
        .as_array()
        .unwrap()
        .iter()
        .map(|secret| secret["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        names,
        ["LOG_ADMIN_TOKEN", "LOG_READ_TOKEN", "UPSTASH_REDIS_REST_TOKEN", "UPSTASH_REDIS_REST_URL"]
    );

    let refused = site.refused(&["versions", "deploy", &format!("{old}@100%"), "-y"]).await;
    assert!(refused.contains("LOG_READ_TOKEN") && refused.contains("10220"), "{refused}");
    assert_eq!(site.serving().await.0, new);
    // Off a terminal wrangler forces it by itself.
    site.ok(&["rollback", &old]).await;
    assert_eq!(site.serving().await.0, old);
    assert_eq!(site.plane.secrets(PRODUCTION).await.len(), 3);
}

#[tokio::test]
async fn a_migration_goes_one_way() {
    let Some((site, old)) = Hand::deployed().await else { return };
    site.project.code("export class Later extends worker.LogBuffer {}");
    site.project.configure(
        "# --- development: the top level",
        "[[migrations]]\ntag = \"v3\"\nnew_sqlite_classes = [\"Later\"]\n\n# ---",
    );
    let refused = site.refused(&["versions", "upload"]).await;
    assert!(refused.contains("migration"), "{refused}");
    assert_eq!(site.serving().await.0, old);

    site.ok(&["deploy"]).await;
    let new = site.live().await;
    assert_eq!(site.serving().await, (new.clone(), new.clone()));
    let refused = site.refused(&["rollback", &old]).await;
    assert!(refused.contains("100140"), "{refused}");
    assert_eq!(site.serving().await.0, new);
}

#[tokio::test]
async fn code_that_throws_at_its_start_and_a_missing_required_secret_are_refused() {
    let Some((site, old)) = Hand::deployed().await else { return };
    site.project.code("throw new Error(\"at the start\");");
    let refused = site.refused(&["versions", "upload"]).await;
    assert!(refused.contains("at the start") && refused.contains("10021"), "{refused}");

    site.project.code("");
    let required = "[env.production]\nsecrets = { required = [\"LOG_INGEST_TOKEN\"] }";
    site.project.configure("[env.production]", required);
    let refused = site.refused(&["deploy"]).await;
    assert!(refused.contains("LOG_INGEST_TOKEN"), "{refused}");
    assert_eq!(site.serving().await, (old.clone(), old));
    assert_eq!(site.plane.versions(PRODUCTION).await.len(), 1);
}

#[tokio::test]
async fn a_split_shares_out_the_requests() {
    let Some((site, old)) = Hand::deployed().await else { return };
    let new = site.plane.someone_splits(PRODUCTION, 25.0).await;
    let mut counts = std::collections::BTreeMap::<String, u32>::new();
    for _ in 0..100 {
        *counts.entry(site.serving().await.0).or_default() += 1;
    }
    assert_eq!((counts[&new], counts[&old]), (25, 75));
    assert_eq!(site.serving().await.1, old, "objects run the version with the larger share");
}

#[tokio::test]
async fn a_deployment_takes_the_time_it_is_told_to_and_a_frozen_one_never_arrives() {
    let Some((site, old)) = Hand::deployed().await else { return };
    let delay = std::time::Duration::from_secs(2);
    site.plane.set_propagation(delay);
    let started = std::time::Instant::now();
    let arrived = site.plane.someone_deploys(PRODUCTION).await;
    assert_eq!(site.serving().await.0, old);
    let serves = || async { site.serving().await == (arrived.clone(), arrived.clone()) };
    assert!(eventually(delay * 10, serves).await);
    assert!(started.elapsed() >= delay);

    site.plane.set_propagation(std::time::Duration::ZERO);
    site.plane.freeze();
    site.ok(&["deploy"]).await;
    assert_ne!(site.live().await, arrived);
    assert_eq!(site.serving().await.0, arrived);
}

#[tokio::test]
async fn tokens_open_what_they_may() {
    let Some((site, old)) = Hand::deployed().await else { return };
    site.plane.allow("reader", Access::Read);
    site.plane.allow("stranger", Access::Elsewhere);
    site.plane.allow("yesterday", Access::Expired);
    let status = ["deployments", "status", "--json"].as_slice();
    let cases = [
        ("reader", status, ""),
        ("reader", ["deploy"].as_slice(), "10000"),
        ("stranger", status, "10000"),
        ("yesterday", status, "9109"),
        ("nobody's", status, "9109"),
    ];
    for (token, arguments, code) in cases {
        let mut command = tokio::process::Command::from(site.project.command("wrangler", &site.plane));
        command.args(arguments).args(["--env", "production"]).env("CLOUDFLARE_API_TOKEN", token);
        let output = command.stdin(Stdio::null()).output().await.unwrap();
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.success(), code.is_empty(), "{token} {arguments:?}: {text}");
        assert!(text.contains(code), "{token} {arguments:?}: {text}");
    }
    assert_eq!(site.serving().await.0, old);
}

#[tokio::test]
async fn faults_strike_the_call_they_were_planted_at() {
    let Some((site, old)) = Hand::deployed().await else { return };
    let versions = format!("/workers/scripts/{PRODUCTION}/versions");
    let deployments = format!("/workers/scripts/{PRODUCTION}/deployments");
    let before = site.plane.versions(PRODUCTION).await.len();

    // wrangler sends an upload again when its answer was lost: two versions.
    site.plane.plant(Fault::at("POST", &versions, Action::LoseAnswer).nth(1));
    site.ok(&["versions", "upload"]).await;
    assert_eq!(site.plane.versions(PRODUCTION).await.len(), before + 2);

    // A deployment whose answer was lost is live, and wrangler says it failed.
    site.plane.plant(Fault::at("POST", &deployments, Action::LoseAnswer).nth(1));
    site.refused(&["deploy"]).await;
    let lost = site.live().await;
    assert!(lost != old && site.serving().await.0 == lost);

    let cases = [
        (Action::Refuse(500, 10013, "An unknown error has occurred"), "10013"),
        (Action::Busy(Some(7)), "10429"),
        (Action::Garbage, "malformed response"),
        (Action::Close, "fetch failed"),
        (Action::SomeoneDeploys(PRODUCTION.into()), ""),
    ];
    for (action, said) in cases {
        site.plane.plant(Fault::at("GET", &deployments, action).nth(1));
        let (success, output) = site.wrangler(&["deployments", "status", "--json"], "").await;
        assert!(success == said.is_empty() && output.contains(said), "{output}");
    }
    assert_ne!(site.live().await, lost, "someone else deployed before the last of these calls");
}
