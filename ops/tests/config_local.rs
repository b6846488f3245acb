//! `ops config sync --mode local`, by the real program: local files of development alone, whole wherever it is killed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod config_world;

use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
};

use config_world::{CANARY, World, source};
use proptest::prelude::*;
use serde_json::json;

const FILES: [&str; 3] =
    ["app/apps/web/.env.local", "app/apps/convex/.env.local", "app/apps/worker/.dev.vars"];

fn backup_of(file: &str) -> String {
    match file.strip_suffix(".local") {
        Some(name) => format!("{name}.backup.local"),
        None => format!("{file}.backup"),
    }
}

#[test]
fn local_files_are_generated_from_developments_values() {
    let world = World::new(&source());
    world.write(FILES[1], "# by hand\nCONVEX_DEPLOYMENT=dev:quick-fox-1 # team\nMAIL_FROM=old@example.org\n");
    let dry = world.run(&["sync", "--mode", "local", "--dry-run"]);
    assert_eq!((dry.exit, world.path(FILES[0]).exists()), (Some(0), false), "{}", dry.all());
    insta::assert_snapshot!("local_dry_run", world.plain(&dry.stdout));

    let told = world.run(&["sync", "--mode", "local"]);
    assert_eq!(told.exit, Some(0), "{}", told.all());
    insta::assert_snapshot!("local", world.plain(&told.stdout));
    let files: Vec<String> =
        FILES.iter().map(|file| format!("== {file}\n{}", world.plain(&world.read(file)))).collect();
    insta::assert_snapshot!("local_files", files.join("\n"));
    for file in FILES {
        assert_eq!(fs::metadata(world.path(file)).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
    }
    assert!(world.read("app/apps/convex/.env.backup.local").starts_with("# by hand\n"));

    // The Convex CLI writes at the end; the source loses a key. Nothing else changes, and then nothing at all.
    let file = world.read(FILES[1]);
    world.write(FILES[1], &format!("{file}\n# by convex\nCONVEX_URL=https://x.example.org\n"));
    world.source(&source().replace("| CONVEX | Mail | MAIL_FROM", "| NEXTJS | Mail | MAIL_FROM"));
    let told = world.run(&["sync", "--mode", "local", "--json"]);
    assert_eq!((told.exit, &told.json()["complete"]), (Some(0), &json!(true)), "{}", told.all());
    let file = world.read(FILES[1]);
    assert!(
        !file.contains("MAIL_FROM")
            && file.contains("\n# by convex\nCONVEX_URL=")
            && file.contains("dev:quick-fox")
    );
    let before = fs::metadata(world.path(FILES[1])).unwrap().modified().unwrap();
    let again = world.run(&["sync", "--mode", "local", "--json"]);
    let targets = again.json()["targets"].clone();
    assert!(targets.as_array().unwrap().iter().all(|target| target["changes"] == json!([])), "{targets}");
    assert_eq!(fs::metadata(world.path(FILES[1])).unwrap().modified().unwrap(), before);
}

#[test]
fn what_git_would_see_and_what_has_no_folder_is_not_written() {
    let world = World::new(&source());
    world.write("app/.gitignore", ".env*.local\n");
    fs::remove_dir(world.path("app/apps/web")).unwrap();
    let told = world.run(&["sync", "--mode", "local"]);
    assert_eq!(told.exit, Some(4), "{}", told.all());
    insta::assert_snapshot!("local_refused", world.plain(&told.stdout));
    assert!(!world.path(FILES[2]).exists() && world.path(FILES[1]).exists());
}

#[test]
fn what_is_no_assignment_is_kept_byte_for_byte() {
    let world = World::new(&source());
    let file = FILES[1];
    let before = "\n# by hand\r\nnot an assignment\n\n  indented: yes\nMAIL_FROM=old@example.org\nOTHER='two\nlines'\n<<<<<<< HEAD\nlast, without an end";
    let after = before.replace("MAIL_FROM=old@example.org\n", "");
    world.write(file, before);
    for run in 1..=3 {
        let told = world.run(&["sync", "--mode", "local"]);
        assert_eq!(told.exit, Some(0), "{}", told.all());
        let text = world.read(file);
        assert!(text.ends_with(&format!("this part is kept as it is. ---\n{after}")), "run {run}: {text:?}");
        // Another value, so that the file is written again.
        world.source(&source().replace("a@example.org", &format!("{run}@example.org")));
    }
}

#[test]
fn where_running_it_again_does_not_help_a_hint_says_what_does() {
    let again = "unning it again applies the rest";
    let fails = |world: &World, exit: i32, hint: &str| {
        let told = world.run(&["sync", "--mode", "local", "--target", "convex"]);
        assert_eq!(told.exit, Some(exit), "{}", told.all());
        assert!(told.stdout.contains(&format!("     hint: {hint}")), "{hint}: {}", told.all());
        assert!(!told.stderr.contains(again), "{}", told.all());
        let json = world.run(&["sync", "--mode", "local", "--target", "convex", "--json"]).json();
        assert!(json["targets"][0]["hints"][0].as_str().unwrap().starts_with(hint), "{json}");
    };
    let world = World::new(&source());
    fs::create_dir_all(world.path("app/apps/convex")).unwrap();
    fs::write(world.path(FILES[1]), b"A=\xff\n").unwrap();
    fails(&world, 1, "save it as UTF-8, or move it away");
    fs::remove_file(world.path(FILES[1])).unwrap();
    fs::create_dir(world.path(FILES[1])).unwrap();
    fails(&world, 1, "a folder has its name: move that away");
    fs::remove_dir(world.path(FILES[1])).unwrap();
    fs::create_dir(world.path(&backup_of(FILES[1]))).unwrap();
    world.write(FILES[1], "A=1\n");
    fails(&world, 1, "let its owner write it, its backup and its folder");
    world.write("app/.gitignore", "");
    fails(&world, 1, "add .env*.local and .dev.vars* to .gitignore");

    let world = World::new(&source().replace("a@example.org", "it's `a` \"value\""));
    let dry = world.run(&["sync", "--mode", "local", "--dry-run"]);
    assert!(
        dry.stdout.contains("MAIL_FROM: cannot be applied: no line of such a file can say it"),
        "{}",
        dry.all()
    );
    fails(&world, 4, "change the value of MAIL_FROM in the source");
}

#[test]
fn the_token_that_ops_dev_takes_is_told_where_the_source_has_another() {
    let row = |token: &str| {
        format!(
            "{}\n| CONVEX | Redis | UPSTASH_REDIS_REST_URL | http://127.0.0.1:8079 | |\n\
             | CONVEX | Redis | UPSTASH_REDIS_REST_TOKEN | {token} | |",
            source()
        )
    };
    let world = World::new(&row("local-token"));
    let note = "the Redis of `ops dev` answers WRONGPASS";
    let sync = ["sync", "--mode", "local", "--target", "convex"];
    assert!(!world.run(&sync).all().contains(note), "nobody made a token yet");
    fs::create_dir_all(world.path("app/apps/worker/.wrangler/ops-dev")).unwrap();
    world.write("app/apps/worker/.wrangler/ops-dev/token", "the-token-of-this-checkout");
    let told = world.run(&sync);
    assert!(told.stdout.contains(note) && told.stdout.contains(".wrangler/ops-dev/token"), "{}", told.all());
    assert!(!told.all().contains("the-token-of-this-checkout"), "{}", told.all());
    world.source(&row("the-token-of-this-checkout"));
    assert!(!world.run(&sync).all().contains(note));
}

#[test]
fn a_source_with_faults_goes_nowhere() {
    let world =
        World::new(&format!("{}\n| NEXTJS | g | API_SECRET | same-secret-1 | same-secret-1 |", source()));
    let told = world.run(&["sync", "--mode", "local"]);
    assert_eq!(told.exit, Some(1), "{}", told.all());
    assert!(told.stderr.contains("line 13, column 29: API_SECRET (development): "), "{}", told.all());
    assert!(!world.path(FILES[0]).exists());
    let told = world.run(&["sync", "--mode", "local", "--env", "production"]);
    assert_eq!(told.exit, Some(64), "{}", told.all());
}

#[test]
fn local_files_are_old_or_new_wherever_the_run_is_killed_and_the_next_one_completes() {
    let world = World::new(&source());
    let whole = |file: &str, old: &[&str]| {
        let text = world.read(file);
        old.contains(&text.as_str()) || text.ends_with("this part is kept as it is. ---\n")
    };
    let mut step = 0;
    loop {
        step += 1;
        for file in FILES {
            world.write(file, "OLD=old\n");
            let _ = fs::remove_file(world.path(&backup_of(file)));
        }
        let mut command = world.command(&["sync", "--mode", "local"]);
        command.env("OPS_TEST_KILL_AT", step.to_string());
        let output = command.output().unwrap();
        world.nothing_of_production_is_here();
        for file in FILES {
            // What stood there is kept at the end of the new one.
            let text = world.read(file);
            assert!(
                whole(file, &["OLD=old\n"]) || text.ends_with("---\nOLD=old\n"),
                "step {step}: {file}: {text}"
            );
            let backup = world.read(&backup_of(file));
            assert!(backup.is_empty() || backup == "OLD=old\n", "step {step}: {file}: {backup}");
        }
        let status = output.status;
        let told = world.run(&["sync", "--mode", "local"]);
        assert_eq!(told.exit, Some(0), "after step {step}: {}", told.all());
        for file in FILES {
            assert!(world.read(file).ends_with("---\nOLD=old\n"), "after step {step}");
        }
        let left: Vec<_> = world
            .files(&world.path("app"))
            .into_iter()
            .filter(|file| file.to_string_lossy().contains("making"))
            .collect();
        assert_eq!(left, Vec::<std::path::PathBuf>::new(), "after step {step}");
        if status.code() == Some(0) {
            break;
        }
        assert_eq!(status.signal(), Some(9), "step {step}");
    }
    assert!(step > 20, "the run has {step} steps");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn no_value_of_production_alone_is_in_a_local_file(
        rows in proptest::collection::vec(("[A-Z]{1,8}", "[ -~]{0,12}", 0..3_usize, any::<bool>()), 1..8)
    ) {
        let mut text = String::new();
        for (index, (key, development, target, shared)) in rows.iter().enumerate() {
            let target = ["NEXTJS", "CONVEX", "NEXTJS, CONVEX"][*target];
            let development = development.trim().replace('|', r"\|");
            // Whoever has both values in one cell has no value of production alone.
            let production = if *shared { String::new() } else { format!(" {CANARY}-{index} |") };
            text += &format!("| {target} | g | X{key}{index} | {development} |{production}\n");
        }
        let world = World::new(&text);
        world.run(&["sync", "--mode", "local"]);
        world.run(&["sync", "--mode", "deploy-dev"]);
        prop_assert!(world.remote("dev").values().all(|value| !value.contains(CANARY)));
    }
}
