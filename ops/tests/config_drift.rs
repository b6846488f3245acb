//! `ops config drift`: each kind of difference alone is found, named and counted; what cannot be read is said.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod config_world;

use std::{fs, os::unix::fs::PermissionsExt};

use config_world::{Told, World, source};
use serde_json::{Value, json};

/// A value of production that a test may write to a local file.
const PLANTED: &str = "live-mail-token-1";

/// The source with a row more, everything synced.
fn synced() -> World {
    let world = World::new(&with_planted());
    for mode in ["local", "deploy-dev", "deploy-prod"] {
        let production = mode == "deploy-prod";
        let mut arguments = vec!["sync", "--mode", mode];
        arguments.extend(["--yes", "--env", "production"].iter().filter(|_| production));
        let told = world.run(&arguments);
        assert_eq!(told.exit, Some(0), "{}", told.all());
    }
    world
}

fn with_planted() -> String {
    format!("{}\n| CONVEX | Mail | MAIL_TOKEN | dev-mail-token-1 | {PLANTED} |\n", source())
}

/// What drifted, as `ENVIRONMENT PLACE: NAME`, with the places by their first word.
fn drifted(told: &Told) -> Vec<String> {
    let json = told.json();
    let items = json["items"].as_array().unwrap().iter().filter(|item| item["state"] == "drift");
    items
        .map(|item| {
            let place = item["place"].as_str().unwrap();
            let file = if place.contains(" file ") { " file" } else { "" };
            let toml = if place.contains("wrangler.toml") { " toml" } else { "" };
            let place = place.split(' ').next().unwrap();
            let environment = item["environment"].as_str().unwrap();
            assert!(
                !item["hint"].as_str().unwrap().is_empty() && !item["message"].as_str().unwrap().is_empty()
            );
            format!("{environment} {place}{file}{toml}: {}", item["name"].as_str().unwrap_or("-"))
        })
        .collect()
}

type Change = fn(&World);

fn edit(world: &World, file: &str, old: &str, new: &str) {
    let text = world.read(file);
    assert!(text.contains(old), "{file} has no {old}");
    world.write(file, &text.replace(old, new));
}

const WEB: &str = "app/apps/web/.env.local";
const CONVEX: &str = "app/apps/convex/.env.local";
const TOML: &str = "app/apps/worker/wrangler.toml";
const SOURCE: &str = "home/.env-configs/w.env";

#[test]
fn each_difference_alone_is_found_and_named_and_nothing_else_is() {
    let cases: Vec<(&str, Change, &[&str])> = vec![
        ("nothing", |_| {}, &[]),
        (
            "a key that one environment lacks",
            |w| edit(w, SOURCE, "| a@example.org |", "| a@example.org | |"),
            &["production source: MAIL_FROM", "production CONVEX: MAIL_FROM"],
        ),
        (
            "a key that one environment lacks, and may",
            |w| {
                edit(w, SOURCE, "# for the tests", "# one side only: OTHER, MAIL_FROM");
                edit(w, SOURCE, "| a@example.org |", "| a@example.org | |");
            },
            &["production CONVEX: MAIL_FROM"],
        ),
        (
            "a local value",
            |w| edit(w, CONVEX, "a@example.org", "b@example.org"),
            &["development CONVEX file: MAIL_FROM"],
        ),
        (
            "a local key less",
            |w| edit(w, CONVEX, "MAIL_FROM=a@example.org\n", ""),
            &["development CONVEX file: MAIL_FROM"],
        ),
        (
            "a local key more",
            |w| edit(w, CONVEX, "# Mail\n", "# Mail\nOLD=1\n"),
            &["development CONVEX file: OLD"],
        ),
        (
            "a local file for everyone",
            |w| fs::set_permissions(w.path(WEB), fs::Permissions::from_mode(0o644)).unwrap(),
            &["development NEXTJS file: mode"],
        ),
        (
            "production in a local file",
            |w| edit(w, CONVEX, "kept as it is. ---\n", &format!("kept as it is. ---\nX={PLANTED}\n")),
            &["development CONVEX file: X"],
        ),
        ("a var", |w| edit(w, TOML, "\"700\"", "\"701\""), &["production LOG_WORKER toml: RATE_LIMIT_TRACE"]),
        (
            "a var less",
            |w| edit(w, TOML, "RATE_LIMIT_TRACE = \"500\"\n", ""),
            &["development LOG_WORKER toml: RATE_LIMIT_TRACE"],
        ),
        (
            "a Convex value",
            |w| w.set_remote("prod", "MAIL_FROM", "b@example.org"),
            &["production CONVEX: MAIL_FROM"],
        ),
        (
            "a Convex variable less",
            |w| fs::remove_file(w.path("remote/dev/MAIL_FROM")).unwrap(),
            &["development CONVEX: MAIL_FROM"],
        ),
        ("a Convex variable more", |w| w.set_remote("dev", "OLD", "1"), &["development CONVEX: OLD"]),
        (
            "a GitHub secret less",
            |w| fs::remove_file(w.path("remote/gh-production/CLOUDFLARE_API_TOKEN")).unwrap(),
            &["production GITHUB: CLOUDFLARE_API_TOKEN"],
        ),
        (
            "a GitHub secret more",
            |w| w.set_remote("gh-production", "OLD", "then\n1"),
            &["production GITHUB: OLD"],
        ),
        (
            "a GitHub secret that somebody set",
            |w| w.set_remote("gh-development", "CLOUDFLARE_API_TOKEN", "later\nx"),
            &["development GITHUB: CLOUDFLARE_API_TOKEN"],
        ),
        (
            "a value that nobody can read back, changed in the source",
            |w| edit(w, SOURCE, "dev-token-123", "dev-token-456"),
            &["development GITHUB: CLOUDFLARE_API_TOKEN"],
        ),
    ];
    let pristine = synced();
    for (what, change, expected) in cases {
        let world = pristine.copy();
        change(&world);
        let told = world.run(&["drift", "--json"]);
        assert_eq!(drifted(&told), expected, "{what}: {}", told.all());
        assert_eq!(told.exit, Some(if expected.is_empty() { 0 } else { 2 }), "{what}: {}", told.all());
        // The machine has no wrangler: said each time, never counted.
        let unreadable = told.json()["items"].to_string().matches("\"state\":\"unreadable\"").count();
        assert_eq!((unreadable, &told.json()["unreadable"]), (2, &json!(2)), "{what}: {}", told.all());
    }
}

#[test]
fn drift_is_told_to_people_and_what_cannot_be_read_does_not_count() {
    let world = synced();
    edit(&world, CONVEX, "a@example.org", "b@example.org");
    world.set_remote("dev", "OLD", "1");
    let told = world.run(&["drift"]);
    assert_eq!(told.exit, Some(2), "{}", told.all());
    insta::assert_snapshot!("drift", world.plain(&told.stdout));
    let told = world.run(&["drift", "--json"]);
    insta::assert_snapshot!("drift_json", world.plain(&serde_json::to_string_pretty(&told.json()).unwrap()));

    // Of production alone there is none; and then nobody says anything any more.
    world.faults("convex", "1 fail\n2 fail");
    fs::remove_file(world.path("bin/gh")).unwrap();
    let mut command = world.command(&["drift", "--env", "production", "--json"]);
    // Neither has the machine another.
    command.env("PATH", format!("{}:/usr/bin:/bin", world.path("bin").display()));
    let told = world.output(command);
    assert_eq!((told.exit, &told.json()["drift"]), (Some(0), &json!(0)), "{}", told.all());
    let items = told.json()["items"].clone();
    let places: Vec<&str> =
        items.as_array().unwrap().iter().map(|item: &Value| item["place"].as_str().unwrap()).collect();
    assert!(
        places.iter().any(|place| place.starts_with("CONVEX"))
            && places.iter().any(|place| place.starts_with("GITHUB")),
        "{places:?}"
    );

    let another = World::new(&with_planted());
    let told = another.run(&["drift", "--source", "nowhere.env"]);
    assert_eq!(told.exit, Some(1), "{}", told.all());
    // What was written from another machine cannot be compared here.
    let told = world.run(&["drift", "--env", "development", "--json"]);
    assert!(told.exit == Some(2), "{}", told.all());
    fs::remove_dir_all(world.path("state/config")).unwrap();
    fs::write(world.path("bin/gh"), include_str!("config_world/gh.sh")).unwrap();
    fs::set_permissions(world.path("bin/gh"), fs::Permissions::from_mode(0o755)).unwrap();
    let told = world.run(&["drift", "--env", "development", "--json"]);
    assert!(told.stdout.contains("was not written from this machine"), "{}", told.all());
    assert!(!drifted(&told).iter().any(|item| item.contains("GITHUB")), "{}", told.all());
}
