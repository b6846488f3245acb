//! `ops secrets` against the real wrangler and the local control plane.

use std::{fs, os::unix::fs::PermissionsExt, process::Stdio};

use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::{
    common,
    control_plane::{ADMIN_TOKEN, Action, Ends, Fault, PRODUCTION, Site, Told},
};

const VALUE: &str = "a-new-token-0123456789";

async fn deployed() -> Option<(Site, String)> {
    let site = Site::deployed().await;
    if site.is_none() {
        common::skip("ops secrets", "run scripts/build");
    }
    site
}

/// `ops secrets ARGUMENTS` in the checkout as it is, with this on its standard input. Whatever it says or writes, the
/// value is not in it.
async fn secrets(site: &Site, arguments: &[&str], input: &str) -> Told {
    secrets_at(site, Some(&site.front), arguments, input).await
}

async fn secrets_at(site: &Site, url: Option<&str>, arguments: &[&str], input: &str) -> Told {
    let state = site.project.path().join(".state");
    let mut command = site.project.command(env!("CARGO_BIN_EXE_ops"), &site.plane);
    command.arg("secrets").args(arguments).args(["--env", "production"]);
    command.args(url.iter().flat_map(|url| ["--url", url]));
    command.env("OPS_STATE_DIR", &state).env("OPS_ADMIN_TOKEN", ADMIN_TOKEN);
    let told = with_input(command, input).await;
    let value = input.trim();
    assert!(value.is_empty() || !told.all().contains(value), "{}", told.all());
    for file in fs::read_dir(state.join("runs")).into_iter().flatten().flatten() {
        let journal = fs::read_to_string(file.path()).unwrap();
        assert!(value.is_empty() || !journal.contains(value), "{journal}");
    }
    told
}

async fn with_input(command: std::process::Command, input: &str) -> Told {
    let mut command = tokio::process::Command::from(command);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    // Who refuses the command line does not read it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes()).await;
    let output = child.wait_with_output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Told { exit: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_names_what_is_set_missing_and_unread() {
    let Some((site, _)) = deployed().await else { return };
    let told = secrets(&site, &["check"], "").await;
    assert_eq!(told.exit, Some(0), "{}", told.all());
    insta::assert_snapshot!("secrets_check", told.stdout);
    let mut wrangler = site.project.command("wrangler", &site.plane);
    wrangler.args(["secret", "bulk", "--env", "production"]);
    let edits = json!({ "UPSTASH_REDIS_REST_TOKEN": null, "UPSTASH_TOKEN": VALUE });
    let edited = with_input(wrangler, &edits.to_string()).await;
    assert_eq!(edited.exit, Some(0), "{}", edited.all());
    let told = secrets(&site, &["check", "--json"], "").await;
    let environment = &told.json()["environments"][0];
    assert_eq!(environment["missing"], json!(["UPSTASH_REDIS_REST_TOKEN"]));
    assert_eq!((told.exit, &environment["unread"]), (Some(1), &json!(["UPSTASH_TOKEN"])));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_tells_of_both_environments_though_one_has_no_worker_yet() {
    let Some((site, _)) = deployed().await else { return };
    let mut command = site.project.command(env!("CARGO_BIN_EXE_ops"), &site.plane);
    command.args(["secrets", "check"]).env("OPS_STATE_DIR", site.project.path().join(".state"));
    let told = with_input(command, "").await;
    assert_eq!(told.exit, Some(2), "{}", told.all());
    assert!(told.stdout.contains("-- nothing is deployed"), "{}", told.all());
    assert!(told.stdout.contains("ok UPSTASH_REDIS_REST_TOKEN  is set"), "{}", told.all());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_it_set_and_proved_can_be_gone_back_to_without_saying_which() {
    let Some((site, _)) = deployed().await else { return };
    let told = secrets(&site, &["put", "LOG_READ_TOKEN"], VALUE).await;
    assert_eq!(told.exit, Some(0), "{}", told.all());
    let put = site.serving().await.0;
    let told = site.deploy(&[]).await;
    assert_eq!(told.exit, Some(0), "{}", told.all());
    let told = site.run(&["rollback", "--yes", "--timeout", "6s"]).await;
    assert_eq!(told.exit, Some(0), "{}", told.all());
    assert_eq!(site.serving().await.0, put);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn put_sets_it_and_proves_that_the_worker_is_well() {
    let Some((site, old)) = deployed().await else { return };
    let told = secrets(&site, &["put", "LOG_READ_TOKEN", "--json"], &format!("{VALUE}\n")).await;
    assert_eq!(told.exit, Some(0), "{}", told.all());
    assert!(site.plane.secrets(PRODUCTION).await.contains(&"LOG_READ_TOKEN".to_owned()));
    site.ends(&old, Ends::New, &told).await;
    assert_eq!(told.json()["live"], site.serving().await.0.as_str());
    let read = reqwest::Client::new().get(format!("{}/traces/recent", site.front)).bearer_auth(VALUE);
    assert_eq!(read.send().await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_breaks_the_worker_is_taken_back() {
    let Some((site, old)) = deployed().await else { return };
    let told = secrets(&site, &["put", "UPSTASH_REDIS_REST_TOKEN"], "not-the-token-of-redis").await;
    assert_eq!(told.exit, Some(3), "{}", told.all());
    assert!(
        told.stderr.contains("UPSTASH_REDIS_REST_TOKEN is what it was: with the new value"),
        "{}",
        told.all()
    );
    site.ends(&old, Ends::Old, &told).await;
    assert_eq!(site.health().await["components"]["redis"]["status"], "healthy");

    // The newest version has the wrong value now, and a deployment would get it.
    let told = site.deploy(&[]).await;
    assert_eq!(told.exit, Some(1), "{}", told.all());
    assert!(
        told.stderr.contains(
            "newer than the live one and not live, and its secrets would come with this deployment"
        ) && told.stderr.contains("--secrets-file FILE, with UPSTASH_REDIS_REST_TOKEN"),
        "{}",
        told.all()
    );
    // And an edit of another secret would deploy it.
    let told = secrets(&site, &["put", "LOG_READ_TOKEN"], VALUE).await;
    assert_eq!(told.exit, Some(1), "{}", told.all());
    assert!(told.stderr.contains("setting LOG_READ_TOKEN now would deploy it"), "{}", told.all());
    site.ends(&old, Ends::Old, &told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_that_the_right_value_is_deployed_with_the_code_that_is_live() {
    let Some((site, old)) = deployed().await else { return };
    let told = site.deploy(&[]).await;
    assert_eq!(told.exit, Some(0), "{}", told.all());
    let told = secrets(&site, &["put", "UPSTASH_REDIS_REST_TOKEN"], "not-the-token-of-redis").await;
    assert_eq!(told.exit, Some(3), "{}", told.all());
    let token = site.redis.token().to_owned();
    let told = secrets(&site, &["put", "UPSTASH_REDIS_REST_TOKEN"], &token).await;
    assert_eq!(told.exit, Some(0), "{}", told.all());
    assert!(told.stderr.contains("the live code is deployed again, with the secret"), "{}", told.all());
    site.ends(&old, Ends::New, &told).await;
    assert_eq!(site.health().await["components"]["redis"]["status"], "healthy");
    // The newest version is live again: the short way is open.
    let told = secrets(&site, &["put", "LOG_READ_TOKEN"], VALUE).await;
    assert_eq!(told.exit, Some(0), "{}", told.all());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_meant_is_refused_before_anything_is_sent() {
    let Some((site, old)) = deployed().await else { return };
    for (arguments, input, exit, said) in [
        (&["put", "LOG_READ_TOKN"][..], VALUE, 64, "LOG_READ_TOKN is no secret of this worker"),
        (&["put", "LOG_READ_TOKEN"], " \n", 1, "no value was given for LOG_READ_TOKEN"),
        (&["put", "LOG_READ_TOKEN"], "sh0rt", 1, "LOG_READ_TOKEN must be at least 16"),
        (&["put", "UPSTASH_REDIS_REST_URL"], "redis.example.com", 1, "must be a URL"),
        (
            &["rotate", "UPSTASH_REDIS_REST_TOKEN", "--to", "x"],
            "",
            64,
            "UPSTASH_REDIS_REST_TOKEN is not made here",
        ),
        (
            &["rotate", "LOG_READ_TOKEN", "--to", "wrangler.toml"],
            "",
            1,
            "wrangler.toml cannot be made: File exists",
        ),
    ] {
        let told = secrets(&site, arguments, input).await;
        assert_eq!(told.exit, Some(exit), "{}", told.all());
        assert!(told.stderr.contains(said), "{said}: {}", told.all());
    }
    let told = secrets(&site, &["put", "LOG_READ_TOKEN", "--dry-run"], VALUE).await;
    assert!(
        told.stdout.starts_with("would run npx wrangler secret put LOG_READ_TOKEN --env production"),
        "{}",
        told.all()
    );
    assert_eq!(site.plane.calls(), Vec::<String>::new());
    let told = secrets(&site, &["check"], "").await;
    site.ends(&old, Ends::Old, &told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_does_not_exist_is_not_made() {
    let Some(site) = Site::empty().await else { return };
    let told = secrets(&site, &["put", "LOG_READ_TOKEN"], VALUE).await;
    assert_eq!(told.exit, Some(1), "{}", told.all());
    assert!(
        told.stderr.contains(&format!("error: there is no worker {PRODUCTION}\nhint: ")),
        "{}",
        told.all()
    );
    site.ends("", Ends::Nothing, &told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_proven_is_said_and_another_worker_is_not_taken_for_ours() {
    let Some((site, old)) = deployed().await else { return };
    let nobody = "http://127.0.0.1:1";
    let told = secrets_at(&site, Some(nobody), &["put", "LOG_READ_TOKEN"], VALUE).await;
    assert_eq!(told.exit, Some(1), "{}", told.all());
    assert!(
        told.stderr.contains(&format!("error: {nobody}/ is not the live version {old}: reachable")),
        "{}",
        told.all()
    );
    site.ends(&old, Ends::Old, &told).await;
    let told = secrets_at(&site, None, &["put", "LOG_READ_TOKEN"], VALUE).await;
    assert_eq!(told.exit, Some(2), "{}", told.all());
    assert!(
        told.stderr.contains("it was not verified\nhint: nothing says where the worker answers"),
        "{}",
        told.all()
    );
    site.ends(&old, Ends::New, &told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_lost_is_looked_after() {
    let Some((site, old)) = deployed().await else { return };
    let secrets_of = format!("/workers/scripts/{PRODUCTION}/secrets");
    site.plane.plant(Fault::at("PUT", secrets_of.clone(), Action::LoseAnswer).nth(1));
    let told = secrets(&site, &["put", "LOG_READ_TOKEN"], VALUE).await;
    assert_eq!(told.exit, Some(0), "{}", told.all());
    site.ends(&old, Ends::New, &told).await;
    let live = site.serving().await.0;
    site.plane.plant(Fault::at("PUT", secrets_of, Action::Refuse(500, 10013, "An unknown error")));
    let told = secrets(&site, &["put", "LOG_READ_TOKEN"], VALUE).await;
    assert_eq!(told.exit, Some(1), "{}", told.all());
    assert_eq!(site.serving().await.0, live);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rotate_makes_a_token_that_only_its_file_holds() {
    let Some((site, old)) = deployed().await else { return };
    let file = site.project.path().join(".state/token");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let told = secrets(&site, &["rotate", "LOG_READ_TOKEN", "--to", file.to_str().unwrap()], "").await;
    assert_eq!(told.exit, Some(0), "{}", told.all());
    site.ends(&old, Ends::New, &told).await;
    let token = fs::read_to_string(&file).unwrap().trim().to_owned();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(token.len() >= 40 && !told.all().contains(&token), "{}", told.all());
    let read = reqwest::Client::new().get(format!("{}/traces/recent", site.front)).bearer_auth(&token);
    assert_eq!(read.send().await.unwrap().status(), 200);
}
