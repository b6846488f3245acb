//! `ops status` against the real wrangler and the local control plane.

use std::process::Stdio;

use ops::run::{Effect, Run, folder::StateFolder, globals::Globals};
use serde_json::{Value, json};

use crate::{
    common,
    control_plane::{PRODUCTION, Site, Told},
};

/// `ops status ARGUMENTS` in the checkout as it is.
async fn status(site: &Site, arguments: &[&str]) -> Told {
    let mut command = site.project.command(env!("CARGO_BIN_EXE_ops"), &site.plane);
    command.arg("status").args(arguments).env("OPS_STATE_DIR", site.project.path().join(".state"));
    let mut command = tokio::process::Command::from(command);
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Told { exit: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

async fn production(site: &Site) -> (Option<i32>, Value) {
    let told = status(site, &["--env", "production", "--url", &site.front, "--json"]).await;
    (told.exit, told.json()["environments"][0].clone())
}

fn warned(standing: &Value, what: &str) -> bool {
    standing["warnings"].as_array().unwrap().iter().any(|warning| warning.as_str().unwrap().contains(what))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_live_is_told_with_its_health_and_its_distance_from_the_checkout() {
    let Some((site, seeded)) = Site::deployed().await else {
        return common::skip("ops status", "run scripts/build");
    };
    site.project.commit();
    let told = status(&site, &["--env", "production", "--url", &site.front]).await;
    assert_eq!((told.exit, told.stderr.as_str()), (Some(2), ""), "{}", told.all());
    let shown = told.stdout.replace(&seeded, "[version]").replace(&site.front, "[url]");
    let shown: Vec<String> = shown
        .lines()
        .map(|line| match line.split_once(" ago") {
            Some((_, rest)) => format!("  ok since    [age]{rest}"),
            None => line.to_owned(),
        })
        .collect();
    insta::assert_snapshot!("status", shown.join("\n"));

    let told = site.deploy(&[]).await;
    assert_eq!(told.exit, Some(0), "{}", told.all());
    let (exit, standing) = production(&site).await;
    assert_eq!((exit, &standing["warnings"]), (Some(0), &json!([])), "{standing}");
    assert_eq!(standing["live"]["versions"][0]["id"], site.serving().await.0.as_str());
    assert_eq!(
        (&standing["health"]["status"], &standing["health"]["outcome"]),
        (&json!("asked"), &json!("pass"))
    );
    // It is remembered where production answers.
    let told = status(&site, &["--env", "production"]).await;
    assert!(told.stdout.contains(&format!("{} is well, 0 waiting for Redis", site.front)), "{}", told.all());

    site.project.write("src/more.mjs", "// more");
    assert!(warned(&production(&site).await.1, "files here differ from the live"));
    site.project.commit();
    assert!(warned(&production(&site).await.1, "this checkout is ahead of the live"));
    let theirs = site.plane.someone_uploads(PRODUCTION).await;
    assert!(warned(&production(&site).await.1, &format!("version {theirs}")));
    site.plane.someone_splits(PRODUCTION, 10.0).await;
    let (exit, standing) = production(&site).await;
    assert!(exit == Some(2) && warned(&standing, "a gradual deployment is under way: 10 %"), "{standing}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_deployed_is_said_and_a_killed_edit_is_settled() {
    let Some(site) = Site::empty().await else { return common::skip("ops status", "run scripts/build") };
    let folder = StateFolder::at(&site.project.path().join(".state"));
    let environment = Some(log_ingestion_worker::config::Environment::Production);
    let globals = Globals { env: environment, ..Globals::default() };
    drop(Run::begin_in(folder.clone(), "secrets", Effect::Changes, globals));
    let told = status(&site, &[]).await;
    assert_eq!(told.exit, Some(0), "{}", told.all());
    assert_eq!(told.stdout.matches("  -- live     nothing is deployed").count(), 2, "{}", told.all());
    assert!(told.stderr.contains("was killed while it set a secret; nothing is live now"), "{}", told.all());
    assert_eq!(ops::run::journal::Journal::of(&folder).interrupted().len(), 0);

    let mut denied = site.project.command(env!("CARGO_BIN_EXE_ops"), &site.plane);
    denied
        .arg("status")
        .env("CLOUDFLARE_API_TOKEN", "nobody's")
        .env("OPS_STATE_DIR", site.project.path().join(".state"));
    let output = tokio::process::Command::from(denied).stdin(Stdio::null()).output().await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{said}");
    assert!(said.contains("hint: ") && !said.contains("nobody's"), "{said}");
}
