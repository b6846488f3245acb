//! The typed driver against the real wrangler and the local control plane.

use std::{
    fs,
    os::unix::fs::symlink,
    time::{Duration, Instant},
};

use log_ingestion_worker::config::Environment;
use ops::wrangler::{
    Wrangler,
    tools::Tools,
    trouble::{Kind, code},
    types::Live,
};

use crate::{
    common,
    control_plane::{ACCOUNT, Access, Action, Fault, PRODUCTION, Site, TOKEN},
};

const LIMIT: Duration = Duration::from_secs(30);

async fn deployed() -> Option<(Site, String)> {
    let site = Site::deployed().await;
    if site.is_none() {
        common::skip("the wrangler driver", "run scripts/build");
    }
    site
}

fn driver(site: &Site) -> Wrangler {
    driver_with(site, TOKEN, LIMIT)
}

fn driver_with(site: &Site, token: &str, limit: Duration) -> Wrangler {
    let project = site.project.path();
    Wrangler::new(Tools::find(project).unwrap(), project, Environment::Production, limit)
        .variable("CLOUDFLARE_API_BASE_URL", site.plane.url())
        .variable("CLOUDFLARE_API_TOKEN", token)
        .variable("CLOUDFLARE_ACCOUNT_ID", ACCOUNT)
}

fn status_calls(site: &Site) -> usize {
    site.plane.calls().iter().filter(|call| call.starts_with("GET") && call.contains("/deployments")).count()
}

#[tokio::test]
async fn a_version_goes_from_upload_to_live_and_back() {
    let Some((site, old)) = deployed().await else { return };
    let wrangler = driver(&site);
    let Live::Deployed(live) = wrangler.live().await.unwrap() else { panic!("it is deployed") };
    assert_eq!(live.sole(), Some(old.as_str()));
    assert_eq!(wrangler.version(&old).await.unwrap().migration_tag(), Some("v2"));

    wrangler.build().await.unwrap();
    // As it is written, whatever stands in the environment and looks like a variable.
    let secrets = r#"{"LOG_READ_TOKEN":"a-$HOME-token-long-enough"}"#;
    let stale = driver(&site).variable("LOG_READ_TOKEN", "of-an-earlier-hour");
    let new = stale.upload("v-next", "run 1", Some(secrets)).await.unwrap().version_id;
    let secret = site.plane.secret(PRODUCTION, &new, "LOG_READ_TOKEN").await;
    assert_eq!(secret.as_deref(), Some("a-$HOME-token-long-enough"));
    let listed = wrangler.versions().await.unwrap();
    let uploaded = listed.iter().find(|version| version.id == new).unwrap();
    assert_eq!((uploaded.tag(), uploaded.message()), (Some("v-next"), Some("run 1")));

    wrangler.deploy_versions(&[(&new, 0), (&old, 100)], "try").await.unwrap();
    assert_eq!(site.serving().await, (old.clone(), old.clone()));
    wrangler.deploy_versions(&[(&new, 100)], "run 1").await.unwrap();
    assert_eq!(site.serving().await, (new.clone(), new.clone()));
    let names: Vec<String> =
        wrangler.secrets().await.unwrap().into_iter().map(|secret| secret.name).collect();
    assert!(names.contains(&"LOG_READ_TOKEN".to_owned()), "{names:?}");

    let refused = wrangler.deploy_versions(&[(&old, 100)], "back").await.unwrap_err();
    assert_eq!((refused.kind, refused.code), (Kind::Refused, Some(code::SECRETS_CHANGED)));
    wrangler.roll_back(&old, "back").await.unwrap();
    assert_eq!(site.serving().await, (old.clone(), old.clone()));
    assert_eq!(wrangler.deployments().await.unwrap().len(), 4);
}

#[tokio::test]
async fn a_first_deploy_and_secrets() {
    let Some(site) = Site::empty().await else { return };
    let wrangler = driver(&site);
    assert_eq!(wrangler.live().await.unwrap(), Live::Absent);
    let first = wrangler.deploy("v1", "run 1", None).await.unwrap();
    assert_eq!(site.serving().await.0, first.version_id);
    wrangler.put_secrets(&serde_json::json!(site.secrets()).to_string()).await.unwrap();
    wrangler.put_secret("LOG_READ_TOKEN", "a-read-token-long-enough").await.unwrap();
    assert_eq!(site.plane.secrets(PRODUCTION).await.len(), 4);
    assert_eq!(site.health().await["status"], "healthy");
    assert_eq!(wrangler.whoami().await.unwrap().accounts[0].id, ACCOUNT);
}

#[tokio::test]
async fn trouble_is_told_apart() {
    let Some((site, _)) = deployed().await else { return };
    site.plane.allow("reader", Access::Read);
    site.plane.allow("stranger", Access::Elsewhere);
    for (token, kind) in [("stranger", Kind::Denied), ("nobody's", Kind::BadToken), ("", Kind::NoToken)] {
        let trouble = driver_with(&site, token, LIMIT).live().await.unwrap_err();
        assert_eq!(trouble.kind, kind, "{token}: {}", trouble.failure());
        assert!(!trouble.failure().to_string().contains("stranger"));
    }
    let upload = driver_with(&site, "reader", LIMIT).upload("t", "m", None).await.unwrap_err();
    assert_eq!(upload.kind, Kind::Denied, "{}", upload.failure());

    site.project.code("throw new Error(\"at the start\");");
    let thrown = driver(&site).upload("t", "m", None).await.unwrap_err();
    assert_eq!(
        (thrown.kind, thrown.code),
        (Kind::Refused, Some(code::INVALID_SCRIPT)),
        "{}",
        thrown.failure()
    );
    assert!(thrown.failure().to_string().contains("at the start"), "{}", thrown.failure());

    site.project.program("scripts/build", "echo 'error[E0308]: mismatched types'; exit 1");
    let unbuilt = driver(&site).build().await.unwrap_err();
    assert_eq!(unbuilt.kind, Kind::Build, "{}", unbuilt.failure());
    assert!(unbuilt.failure().to_string().contains("E0308"), "{}", unbuilt.failure());
}

#[tokio::test]
async fn a_question_is_asked_again_and_not_for_ever() {
    let Some((site, _)) = deployed().await else { return };
    let deployments = format!("/workers/scripts/{PRODUCTION}/deployments");
    let passing = [
        Action::Refuse(500, 10013, "An unknown error has occurred"),
        Action::Busy(Some(1)),
        Action::Garbage,
        Action::Close,
    ];
    for action in passing {
        let before = status_calls(&site);
        site.plane.plant(Fault::at("GET", &deployments, action.clone()).nth(1));
        driver(&site).live().await.unwrap_or_else(|trouble| panic!("{action:?}: {}", trouble.failure()));
        assert_eq!(status_calls(&site), before + 2, "{action:?}");
    }
    site.plane.plant(Fault::at("GET", &deployments, Action::Refuse(500, 10013, "unknown")));
    let before = status_calls(&site);
    assert_eq!(driver(&site).live().await.unwrap_err().kind, Kind::Server);
    assert_eq!(status_calls(&site), before + 3);
}

#[tokio::test]
async fn a_call_that_hangs_ends_with_everything_it_started() {
    let Some((site, _)) = deployed().await else { return };
    site.plane.plant(Fault::at("POST", format!("/workers/scripts/{PRODUCTION}/versions"), Action::Hang));
    let begun = Instant::now();
    let limit = Duration::from_secs(4);
    let trouble = driver_with(&site, TOKEN, limit).upload("t", "m", None).await.unwrap_err();
    assert_eq!(trouble.kind, Kind::Timeout, "{}", trouble.failure());
    assert!(begun.elapsed() < limit * 5);
    let mine = site.project.path().to_string_lossy().into_owned();
    let left = common::processes(|process| process.contains(&mine));
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn tools_that_are_missing_or_too_old_are_named() {
    let project = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| {
        let file = project.path().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    };
    let refusal = || Tools::find(project.path()).unwrap_err().to_string();
    let setup = "hint: run scripts/setup (it runs npm ci)";
    assert_eq!(refusal(), format!("error: wrangler is missing: node_modules/.bin/wrangler\n{setup}"));
    write("package.json", r#"{"devDependencies":{"wrangler":"4.164.0"}}"#);
    write("node_modules/wrangler/package.json", r#"{"version":"3.99.0"}"#);
    write("node_modules/wrangler/bin.js", "");
    fs::create_dir_all(project.path().join("node_modules/.bin")).unwrap();
    symlink("../wrangler/bin.js", project.path().join("node_modules/.bin/wrangler")).unwrap();
    assert_eq!(refusal(), format!("error: wrangler 3.99.0 is too old: package.json pins 4.164.0\n{setup}"));
    write("node_modules/wrangler/package.json", r#"{"version":"4.164.0"}"#);
    write("node_modules/.bin/node", "#!/bin/sh\necho v20.1.0\n");
    assert!(refusal().starts_with("error: Node v20.1.0 is too old for wrangler"), "{}", refusal());
    write("node_modules/.bin/node", "#!/bin/sh\necho v22.12.0\n");
    assert_eq!(Tools::find(project.path()).unwrap().node_version, "v22.12.0");
}
