//! `ops config init` and `validate`, by the real program.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod config_world;

use std::{fs, os::unix::fs::PermissionsExt};

use config_world::{World, source};

const SOURCE: &str = "home/.env-configs/w.env";

#[test]
fn a_first_source_is_made_for_its_owner_alone_and_never_over_another() {
    let world = World::new("");
    fs::remove_dir_all(world.path("home/.env-configs")).unwrap();
    let told = world.run(&["init"]);
    assert_eq!(told.exit, Some(0), "{}", told.all());
    insta::assert_snapshot!("init", world.plain(&format!("{}== stderr\n{}", told.stdout, told.stderr)));
    let mode = |file: &str| fs::metadata(world.path(file)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(SOURCE), mode("home/.env-configs")), (0o600, 0o700));
    let made = world.read(SOURCE);
    // Development's Redis is the one that `ops dev` serves in this checkout.
    let token = world.read("app/apps/worker/.wrangler/ops-dev/token");
    let row = made.lines().find(|line| line.contains("| UPSTASH_REDIS_REST_TOKEN "));
    assert!(token.len() >= 32 && row.unwrap().contains(&format!("| {token} |")), "{row:?}");
    assert!(!told.all().contains(&token), "{}", told.all());
    let again = world.run(&["init", "--json"]);
    assert_eq!((again.exit, world.read(SOURCE)), (Some(1), made), "{}", again.all());
    assert!(again.json()["error"].as_str().unwrap().ends_with("is there already"), "{}", again.all());
    let told = world.run(&["init", "--json", "--source", "../../../tmp/another.env"]);
    insta::assert_snapshot!("init_json", told.stdout);

    // What it lacks are values of production.
    let told = world.run(&["validate", "--env", "development"]);
    assert_eq!(told.exit, Some(1), "{}", told.all());
    insta::assert_snapshot!("validate_first", world.plain(&told.stdout));
}

#[test]
fn faults_are_told_with_their_lines_and_hints() {
    let world = World::new(&format!(
        "{}\n| LOG_WORKER | Limits | RATE_LIMIT_GLOBAL | many | 5 |\n| MARS | g | KEY | a | b |\n",
        source()
    ));
    let told = world.run(&["validate"]);
    assert_eq!(told.exit, Some(1), "{}", told.all());
    insta::assert_snapshot!("validate", world.plain(&told.stdout));
    let told = world.run(&["validate", "--json", "--env", "production"]);
    assert_eq!(told.exit, Some(1), "{}", told.all());
    let shown = world.plain(&serde_json::to_string_pretty(&told.json()).unwrap());
    insta::assert_snapshot!("validate_json", shown);
}

#[test]
fn a_source_that_others_can_read_or_git_can_see_is_a_finding() {
    let world = World::new("");
    let file = world.path(SOURCE);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let told = world.run(&["validate"]);
    assert_eq!(told.exit, Some(2), "{}", told.all());
    assert!(
        told.stdout.contains("others on this machine can read it: mode 644\n     hint: chmod 600"),
        "{}",
        told.all()
    );
    world.write("app/apps/source.env", "");
    let told = world.run(&["validate", "--source", "../source.env"]);
    assert!(told.exit == Some(1) && told.stdout.contains("it is inside the repository"), "{}", told.all());
    let told = world.run(&["validate", "--source", "nowhere.env"]);
    assert_eq!(told.exit, Some(1), "{}", told.all());
    assert!(
        told.stderr.contains("nowhere.env cannot be read: ") && told.stderr.contains("hint: make one with"),
        "{}",
        told.all()
    );
}
