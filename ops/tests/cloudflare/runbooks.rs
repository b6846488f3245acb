//! The runbooks: their commands are run as they stand, against the local control plane; their links lead somewhere.

use std::{collections::BTreeSet, fs};

use serde_json::json;

use crate::{
    common::{self, project},
    control_plane::{PRODUCTION, Site},
    fake_gh::FakeGh,
    runbook::{Desk, fences},
    shell,
};

/// Whose commands which test runs.
const LOOKING: [&str; 4] = ["verify.md", "incidents.md", "quotas.md", "ci.md"];
const SECRETS: [&str; 2] = ["secrets.md", "redis.md"];
const DEPLOYING: [&str; 2] = ["deployment.md", "drift.md"];
const CONFIGURING: [&str; 1] = ["configuration.md"];
const GOING_BACK: [&str; 2] = ["deploy.md", "rollback.md"];
/// These have a test file of their own.
const ELSEWHERE: [&str; 1] = ["upgrade.md"];

/// Names and texts of the runbooks.
fn runbooks() -> Vec<(String, String)> {
    let files = fs::read_dir(project().join("ops/runbooks")).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|file| {
            (file.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(file).unwrap())
        })
        .collect()
}

#[test]
fn every_link_between_the_runbooks_leads_to_a_file_and_a_section() {
    let books = runbooks();
    let mut all = books.clone();
    all.push(("../../README.md".to_owned(), fs::read_to_string(project().join("README.md")).unwrap()));
    let mut linked = BTreeSet::new();
    for (file, text) in &all {
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            if link.contains("://") {
                continue;
            }
            let link = link.strip_prefix("ops/runbooks/").unwrap_or(link);
            let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if target.is_empty() { file } else { target };
            let Some((name, text)) = books.iter().find(|(name, _)| name == target) else {
                let exists =
                    project().join("ops/runbooks").join(target).exists() || project().join(target).exists();
                assert!(exists, "{file}: there is no {target}");
                continue;
            };
            linked.insert(name.clone());
            let sections: Vec<String> =
                text.lines().filter(|line| line.starts_with('#')).map(anchor_of).collect();
            assert!(
                anchor.is_empty() || sections.iter().any(|section| section == anchor),
                "{file}: {link}: {sections:?}"
            );
        }
    }
    let names: BTreeSet<String> = books.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(names.difference(&linked).collect::<Vec<_>>(), Vec::<&String>::new(), "nothing leads there");
}

/// The anchor GitHub makes of a heading.
fn anchor_of(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn every_command_in_a_sentence_or_a_table_is_one_that_exists() {
    let (mut checked, mut wrong) = (0, Vec::new());
    // A mention need not be complete.
    let is_part =
        |why: &str| why.contains("required arguments were not provided") || why.contains("\nCommands:\n");
    for (file, text) in runbooks() {
        let prose: String = text.split("```").step_by(2).collect();
        for span in prose.split('`').skip(1).step_by(2) {
            let starts = ["ops ", "cargo run ", "npm run ", "npx wrangler ", "scripts/"];
            if !starts.iter().any(|start| span.starts_with(start))
                || span == "ops …"
                || span == "cargo run -p ops -- …"
            {
                continue;
            }
            checked += 1;
            // Whatever stands there; behind `--url` an address.
            let span = span.replace("--url …", "--url https://l.example").replace('…', "production");
            if let Err(why) = shell::check(&span)
                && !is_part(&why)
            {
                wrong.push(format!("{file}: `{span}`: {why}"));
            }
        }
    }
    assert!(checked > 60 && wrong.is_empty(), "{checked} looked at\n{}", wrong.join("\n"));
}

#[test]
fn every_block_of_commands_is_run_by_a_test_or_says_what_it_needs_and_is_understood() {
    let run: Vec<&str> = [&LOOKING[..], &SECRETS, &DEPLOYING, &CONFIGURING, &GOING_BACK, &ELSEWHERE].concat();
    for (file, _) in runbooks() {
        for fence in fences(&file) {
            shell::check(&fence.text).unwrap_or_else(|why| panic!("{file}:{}: {why}", fence.line));
            assert!(
                fence.needs.is_some() || run.contains(&file.as_str()),
                "{file}:{} is run by no test",
                fence.line
            );
        }
    }
}

async fn every_block(desk: &Desk, files: &[&str]) {
    for file in files {
        for fence in fences(file) {
            desk.run(file, &fence).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_that_look_end_as_they_say() {
    let Some((site, _)) = Site::deployed().await else {
        return common::skip("runbooks", "run scripts/build");
    };
    let branch = "main";
    site.project.git(&["symbolic-ref", "HEAD", "refs/heads/main"]);
    let run = json!({
        "databaseId": 1, "workflowName": "CI", "headSha": "0123456789012345678901234567890123456789", "headBranch": branch,
        "event": "push", "displayTitle": "A change", "status": "completed", "conclusion": "success",
        "createdAt": "2026-01-01T10:00:00Z", "updatedAt": "2026-01-01T10:10:00Z", "url": "https://github.com/o/r/actions/runs/1",
        "jobs": [],
    });
    let gh = FakeGh::new(json!([run]));
    let desk = Desk::new(site).await.program_from(gh.folder());
    every_block(&desk, &LOOKING).await;
    assert!(gh.calls().len() >= 5, "{:?}", gh.calls());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_about_secrets_and_redis_end_as_they_say() {
    let Some((site, first)) = Site::deployed().await else {
        return common::skip("runbooks", "run scripts/build");
    };
    let desk = Desk::new(site).await;
    desk.home_file("redis-url", &desk.site.redis.url());
    desk.home_file("redis-token", desk.site.redis.token());
    every_block(&desk, &SECRETS).await;
    let token = fs::read_to_string(desk.home().join("read-token")).unwrap();
    assert!(token.trim().len() >= 32, "the new token is in the file");
    assert_ne!(desk.site.serving().await.0, first, "each change is a version");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_step_by_step_ends_with_both_environments_serving() {
    let Some((site, first)) = Site::deployed().await else {
        return common::skip("runbooks", "run scripts/build");
    };
    // Nobody listens there, which is said and changes nothing.
    let desk = Desk::new(site).await.with("OPS_NOTIFY_URL", "http://127.0.0.1:9/hook");
    let redis = [
        ("UPSTASH_REDIS_REST_URL", desk.site.redis.url()),
        ("UPSTASH_REDIS_REST_TOKEN", desk.site.redis.token().to_owned()),
    ];
    let lines: String = redis.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    desk.home_file("development.env", &lines);
    every_block(&desk, &DEPLOYING).await;
    assert_ne!(desk.site.serving().await.0, first);
    let health: serde_json::Value =
        reqwest::get(format!("{}/health", desk.development)).await.unwrap().json().await.unwrap();
    assert_eq!(health["environment"], "development");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_is_configured_from_one_source() {
    let Some((site, _)) = Site::deployed().await else {
        return common::skip("runbooks", "run scripts/build");
    };
    let desk = Desk::new(site).await;
    for app in ["web", "convex"] {
        fs::create_dir_all(desk.home().join("code/apps").join(app)).unwrap();
    }
    let token = |end: &str| ["redis", "token", end].join("-");
    let rows = [
        (
            "NEXTJS",
            "NEXT_PUBLIC_CONVEX_URL",
            "https://dev-1.convex.cloud".to_owned(),
            "https://prod-1.convex.cloud".to_owned(),
        ),
        (
            "NEXTJS",
            "NEXT_PUBLIC_LOG_WORKER_URL",
            "http://127.0.0.1:8787".into(),
            "https://logs.example.com".into(),
        ),
        ("CONVEX", "LOG_WORKER_URL", "http://127.0.0.1:8787".into(), "https://logs.example.com".into()),
        (
            "LOG_WORKER",
            "UPSTASH_REDIS_REST_URL",
            "http://127.0.0.1:8079".into(),
            "https://x.upstash.io".into(),
        ),
        ("LOG_WORKER", "UPSTASH_REDIS_REST_TOKEN", token("of-development"), token("of-production")),
        ("LOG_WORKER", "LOG_ADMIN_TOKEN", String::new(), token("that-opens-production")),
    ];
    let rows: String =
        rows.iter().map(|(to, key, dev, prod)| format!("| {to} | g | {key} | {dev} | {prod} |\n")).collect();
    desk.home_file(
        "filled-in.env",
        &format!("| TARGET | GROUP | KEY | DEV_VALUE | PROD_VALUE |\n|-|-|-|-|-|\n{rows}"),
    );
    let (source, apps) = (desk.home().join("source.env"), desk.home().join("code"));
    let desk =
        desk.with("OPS_CONFIG_SOURCE", source.to_str().unwrap()).with("OPS_APP_ROOT", apps.to_str().unwrap());
    every_block(&desk, &CONFIGURING).await;
    let web = fs::read_to_string(apps.join("apps/web/.env.local")).unwrap();
    assert!(web.contains("dev-1.convex.cloud") && !web.contains("prod-1"), "{web}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deploying_and_going_back_end_as_they_say() {
    let Some((site, _)) = Site::deployed().await else {
        return common::skip("runbooks", "run scripts/build");
    };
    let desk = Desk::new(site).await;
    let lines: String = desk.site.secrets().iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    desk.home_file("production.env", &lines);
    for fence in fences("deploy.md") {
        desk.run("deploy.md", &fence).await;
    }
    let live = desk.site.serving().await.0;
    let desk = desk.placeholder("ID", &live);
    for fence in fences("rollback.md") {
        desk.run("rollback.md", &fence).await;
    }
    assert_eq!(
        desk.site.plane.versions(PRODUCTION).await.len(),
        3,
        "two were deployed, and none made to go back"
    );
    assert_eq!(desk.site.serving().await.0, live, "back, and by its id to where it was");
}
