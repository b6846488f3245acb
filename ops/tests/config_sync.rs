//! `ops config sync` to deployments, by the real program, through stand-ins that fail, hang and are killed at every step;
//! their backups. Local files: `config_local.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod config_world;

use std::{
    collections::BTreeMap,
    fs,
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
};

use config_world::{CANARY, World, source};
use serde_json::{Value, json};

/// Production, named as a program names it.
const PRODUCTION: [&str; 5] = ["sync", "--mode", "deploy-prod", "--yes", "--env=production"];

fn with<'a>(arguments: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [arguments, more].concat()
}

/// What Convex is to hold in production.
fn convex_in_production() -> BTreeMap<String, String> {
    BTreeMap::from([
        ("AUTH_SECRET".into(), format!("{CANARY}-auth$x#y 'z'-0123456789")),
        ("LOG_WORKER_URL".into(), format!("https://{CANARY}.example.com")),
        ("MAIL_PASSWORD".into(), format!("{CANARY}-mail-0123456789")),
        ("MAIL_FROM".into(), "a@example.org".into()),
    ])
}

/// A source with one key of each kind that is deployed, for what is tried at every step.
fn small() -> String {
    let keep = ["TARGET", "LOG_WORKER_URL", "MAIL_PASSWORD", "RATE_LIMIT_TRACE", "CLOUDFLARE_API_TOKEN"];
    source()
        .lines()
        .filter(|line| keep.iter().any(|key| line.contains(&format!(" {key} |"))))
        .collect::<Vec<_>>()
        .join("\n")
}

fn small_in_production() -> BTreeMap<String, String> {
    let mut all = convex_in_production();
    all.retain(|key, _| ["LOG_WORKER_URL", "MAIL_PASSWORD"].contains(&key.as_str()));
    all
}

#[test]
fn production_is_told_what_differs_and_only_when_it_is_named() {
    let world = World::new(&source());
    world.set_remote("prod", "MAIL_PASSWORD", &format!("{CANARY}-before"));
    world.set_remote("prod", "SOMEBODYS", &format!("{CANARY}-theirs"));
    let unnamed: [&[&str]; 3] = [
        &["--mode", "deploy-prod"],
        &["--mode", "deploy-prod", "--yes"],
        &["--mode", "deploy-prod", "--env", "production"],
    ];
    for arguments in unnamed {
        let told = world.run(&with(&["sync"], arguments));
        assert_eq!(told.exit, Some(1), "{}", told.all());
        assert!(
            told.stderr.contains("error: production must be named, and nobody can be asked"),
            "{}",
            told.all()
        );
    }
    let dry = world.run(&["sync", "--mode", "deploy-prod", "--dry-run"]);
    assert_eq!((dry.exit, world.remote("prod").len()), (Some(0), 2), "{}", dry.all());
    insta::assert_snapshot!("production_dry_run", world.plain(&dry.stdout));

    let told = world.run(&PRODUCTION);
    assert_eq!(told.exit, Some(0), "{}", told.all());
    insta::assert_snapshot!(
        "production",
        world.plain(&format!("{}\n== stderr\n{}", told.stdout, told.stderr))
    );
    let mut expected = convex_in_production();
    expected.insert("SOMEBODYS".into(), format!("{CANARY}-theirs"));
    assert_eq!(world.remote("prod"), expected);
    assert_eq!(world.remote("gh-production").len(), 2);
    assert!(world.remote("dev").is_empty() && world.remote("gh-development").is_empty());
    let toml = world.read("app/apps/worker/wrangler.toml");
    assert!(
        toml.contains("ENVIRONMENT = \"production\"\nRATE_LIMIT_TRACE = \"700\"\n")
            && toml.contains("# stays")
    );

    // Again: nothing is left to do, by what is there and by fingerprints.
    let again = world.run(&with(&PRODUCTION, &["--json"]));
    let told = again.json();
    assert_eq!((again.exit, &told["complete"]), (Some(0), &json!(true)), "{}", again.all());
    let changes: Vec<&Value> =
        told["targets"].as_array().unwrap().iter().map(|target| &target["changes"]).collect();
    assert_eq!(changes, [&json!([]), &json!([]), &json!([])], "{told}");
    insta::assert_snapshot!("production_json", world.plain(&serde_json::to_string_pretty(&told).unwrap()));
}

#[test]
fn what_is_empty_in_the_source_is_removed_on_request() {
    let world = World::new(&source());
    assert_eq!(world.run(&PRODUCTION).exit, Some(0));
    let cleared = source()
        .lines()
        .map(|line| match line.contains("MAIL_PASSWORD") {
            true => "| CONVEX | Mail | MAIL_PASSWORD | x | |".to_owned(),
            false => line.to_owned(),
        })
        .collect::<Vec<_>>()
        .join("\n");
    world.source(&cleared);
    let told = world.run(&PRODUCTION);
    assert!(told.exit == Some(0) && world.remote("prod").contains_key("MAIL_PASSWORD"), "{}", told.all());
    assert!(told.stdout.contains("--prune removes it"), "{}", told.all());
    let told = world.run(&with(&PRODUCTION, &["--prune"]));
    assert!(told.exit == Some(0) && !world.remote("prod").contains_key("MAIL_PASSWORD"), "{}", told.all());
}

#[test]
fn whatever_call_fails_the_rest_is_listed_and_the_next_run_completes() {
    for program in ["convex", "gh"] {
        for fault in ["fail", "lose"] {
            let mut call = 0;
            loop {
                call += 1;
                let world = World::new(&small());
                world.set_remote("prod", "MAIL_PASSWORD", &format!("{CANARY}-before"));
                world.faults(program, &format!("{call} {fault}"));
                let told = world.run(&with(&PRODUCTION, &["--json"]));
                if world.calls(program) < call {
                    assert!(call > 2, "{program} was called {call} times");
                    break;
                }
                let json = told.json();
                // An answer that was lost is looked after, where that can be read.
                let complete = json["complete"] == true;
                assert_eq!(complete, told.exit == Some(0), "{program} {call} {fault}: {}", told.all());
                let keys: Vec<String> = json["targets"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .flat_map(|target| {
                        let of = |list: &str| target[list].as_array().unwrap().clone();
                        let (changes, applied, not) = (of("changes"), of("applied"), of("not_applied"));
                        assert_eq!(changes.len(), applied.len() + not.len(), "{target}");
                        not.into_iter().map(|entry| entry["key"].as_str().unwrap().to_owned())
                    })
                    .collect();
                assert!(
                    complete || !keys.is_empty() || json["targets"].to_string().contains("unreadable\":\""),
                    "{json}"
                );
                let again = world.run(&PRODUCTION);
                assert_eq!(again.exit, Some(0), "{program} {call} {fault}: {}", again.all());
                assert_eq!(world.remote("prod"), small_in_production(), "{program} {call} {fault}");
                assert_eq!(world.remote("gh-production").len(), 1, "{program} {call} {fault}");
            }
        }
    }
}

#[test]
fn a_call_that_hangs_is_ended_and_nothing_goes_on_behind() {
    let world = World::new(&source());
    world.faults("convex", "3 hang-after");
    let told = world.run(&with(&PRODUCTION, &["--timeout", "8s", "--json"]));
    assert_eq!(told.exit, Some(4), "{}", told.all());
    let convex = &told.json()["targets"][0];
    // It was done all the same, which the deployment tells.
    assert_eq!(convex["applied"].as_array().unwrap().len(), 2, "{convex}");
    assert!(
        convex["not_applied"][0]["why"].as_str().unwrap().contains("the one before it failed"),
        "{convex}"
    );
    let folder = world.path("app").to_string_lossy().into_owned();
    let left = fs::read_dir("/proc").unwrap().flatten().filter(|entry| {
        fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd.to_string_lossy().starts_with(&folder))
    });
    assert_eq!(left.count(), 0);
    assert_eq!(world.run(&PRODUCTION).exit, Some(0));
    assert_eq!(world.remote("prod"), convex_in_production());
}

#[test]
fn a_sync_of_production_that_is_killed_at_any_step_is_completed_by_the_next() {
    let mut step = 0;
    loop {
        step += 1;
        let world = World::new(&small());
        world.set_remote("prod", "MAIL_PASSWORD", &format!("{CANARY}-before"));
        let mut command = world.command(&PRODUCTION);
        command.env("OPS_TEST_KILL_AT", step.to_string());
        let status = command.output().unwrap().status;
        world.nothing_of_production_is_here();
        let toml = world.read("app/apps/worker/wrangler.toml");
        assert!(
            toml.ends_with("ENVIRONMENT = \"production\"\n")
                || toml.ends_with("RATE_LIMIT_TRACE = \"700\"\n"),
            "{toml}"
        );
        let told = world.run(&PRODUCTION);
        assert_eq!(told.exit, Some(0), "after step {step}: {}", told.all());
        assert_eq!(world.remote("prod"), small_in_production(), "after step {step}");
        assert_eq!(world.remote("gh-production").len(), 1, "after step {step}");
        if status.code() == Some(0) {
            break;
        }
        assert_eq!(status.signal(), Some(9), "step {step}");
        // Killed runs are told of until one completes them.
        assert!(
            told.stderr.contains("was killed; this one completed it"),
            "after step {step}: {}",
            told.all()
        );
    }
    assert!(step > 15, "the run has {step} steps");
}

#[test]
fn in_no_mode_and_with_no_flag_does_a_value_of_production_reach_this_disk() {
    let world = World::new(&source());
    world.set_remote("prod", "MAIL_PASSWORD", &format!("{CANARY}-before"));
    let modes: [&[&str]; 3] = [
        &["sync", "--mode", "local"],
        &["sync", "--mode", "deploy-dev"],
        &["sync", "--mode", "deploy-prod", "--yes", "--env", "production"],
    ];
    let flags: [&[&str]; 5] = [&["--dry-run"], &["--prune"], &["--no-backup"], &["--json"], &["--verbose"]];
    for mode in modes {
        for flags in flags {
            // Each run is looked at by `run`: the tree, what was said, the arguments of processes.
            let told = world.run(&with(mode, flags));
            assert_eq!(told.exit, Some(0), "{mode:?} {flags:?}: {}", told.all());
        }
    }
    for command in [&["validate"][..], &["validate", "--json"], &["drift"], &["drift", "--json"]] {
        world.run(command);
    }
    let told = world.run(&["backup", "--env", "production"]);
    assert_eq!(told.exit, Some(0), "{}", told.all());
    insta::assert_snapshot!("backup", world.plain(&told.stdout));
    let told = world.run(&["backup", "--env", "production", "--json"]);
    insta::assert_snapshot!("backup_json", world.plain(&told.stdout));
    assert_eq!(world.remote("prod"), convex_in_production());
    assert!(world.remote("dev").values().all(|value| !value.contains(CANARY)));
}

#[test]
fn production_is_not_changed_without_its_backup() {
    let world = World::new(&source());
    world.set_remote("prod", "MAIL_PASSWORD", &format!("{CANARY}-before"));
    let without_key = |arguments: &[&str]| {
        let mut command = world.command(arguments);
        command.env_remove("OPS_BACKUP_KEY");
        world.output(command)
    };
    let told = without_key(&PRODUCTION);
    assert_eq!(told.exit, Some(1), "{}", told.all());
    assert!(
        told.stderr.contains("there is no passphrase for it\nhint: set OPS_BACKUP_KEY"),
        "{}",
        told.all()
    );
    assert_eq!((world.remote("prod").len(), world.remote("gh-production").len()), (1, 0));
    let told = world.run(&PRODUCTION);
    assert_eq!(told.exit, Some(0), "{}", told.all());
    let backups = world.files(&world.path("state/backups"));
    assert_eq!(fs::metadata(&backups[0]).unwrap().permissions().mode() & 0o777, 0o600);

    let file = backups[0].to_str().unwrap();
    let told = world.run(&["restore", file, "--env", "development"]);
    assert_eq!(told.exit, Some(64), "{}", told.all());
    let told = without_key(&["restore", file, "--env", "production", "--yes"]);
    assert_eq!(told.exit, Some(1), "{}", told.all());
    let told = world.run(&["restore", file, "--env", "production", "--yes", "--prune"]);
    assert_eq!(told.exit, Some(0), "{}", told.all());
    insta::assert_snapshot!("restore", world.plain(&told.stdout));
    assert_eq!(world.remote("prod"), BTreeMap::from([("MAIL_PASSWORD".into(), format!("{CANARY}-before"))]));
}

#[test]
fn development_is_kept_and_put_back_too() {
    let world = World::new(&source());
    world.set_remote("dev", "MAIL_FROM", "before@example.org");
    let told = world.run(&["sync", "--mode", "deploy-dev", "--json"]);
    assert_eq!(told.exit, Some(0), "{}", told.all());
    let backup = told.json()["backup"].as_str().unwrap().to_owned();
    assert_eq!(world.remote("dev")["AUTH_SECRET"], "a$b#c 'd'");
    assert_eq!(world.remote("dev")["MAIL_PASSWORD"], "dev | mail");
    let told = world.run(&["restore", &backup, "--env", "development", "--json"]);
    assert_eq!(told.exit, Some(0), "{}", told.all());
    insta::assert_snapshot!("restore_json", serde_json::to_string_pretty(&told.json()).unwrap());
    assert_eq!(
        (world.remote("dev")["MAIL_FROM"].as_str(), world.remote("dev").len()),
        ("before@example.org", 4)
    );
    let told = world.run(&["backup", "--env", "development", "--to", &backup]);
    assert_eq!(told.exit, Some(1), "no file is overwritten: {}", told.all());
}

#[test]
fn the_key_of_the_other_deployment_is_refused() {
    let world = World::new(&source());
    let mut command = world.command(&["sync", "--mode", "deploy-dev", "--target", "convex"]);
    command.env("CONVEX_DEPLOY_KEY", ["prod:quick-fox-1", "abc"].join("|"));
    let told = world.output(command);
    assert_eq!(told.exit, Some(1), "{}", told.all());
    assert!(
        told.stdout.contains("CONVEX_DEPLOY_KEY is the key of production's deployment"),
        "{}",
        told.all()
    );
    assert_eq!(world.calls("convex"), 0);
}
