//! What `ops config` asks at a terminal.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod config_world;

use std::{
    fs::File,
    io::{Read, Write},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use config_world::{CANARY, World, source};
use nix::pty::openpty;

/// Longest time a question may take to come.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs it at a terminal: waits for each text, then types its answer. The exit status, and what stood on the terminal.
fn converse(mut command: Command, answers: &[(&str, &str)]) -> (Option<i32>, String) {
    let terminal = openpty(None, None).unwrap();
    let slave = || Stdio::from(terminal.slave.try_clone().unwrap());
    let mut child = command.stdin(slave()).stderr(slave()).stdout(Stdio::null()).spawn().unwrap();
    drop(command);
    let mut keyboard = File::from(terminal.master.try_clone().unwrap());
    let mut eyes = File::from(terminal.master);
    drop(terminal.slave);
    let screen = Arc::new(Mutex::new(String::new()));
    let seen = screen.clone();
    let reader = std::thread::spawn(move || {
        let mut bytes = [0; 1024];
        // The other end closes with an error.
        while let Ok(count) = eyes.read(&mut bytes) {
            seen.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    });
    let mut read = 0;
    for (question, answer) in answers {
        let begun = Instant::now();
        loop {
            let now = screen.lock().unwrap().clone();
            if let Some(at) = now[read..].find(question) {
                read += at + question.len();
                break;
            }
            assert!(begun.elapsed() < LIMIT, "{question} is not asked: {now}");
            std::thread::sleep(Duration::from_millis(5));
        }
        writeln!(keyboard, "{answer}").unwrap();
    }
    let status = child.wait().unwrap();
    reader.join().unwrap();
    let screen = screen.lock().unwrap().clone();
    (status.code(), screen)
}

#[test]
fn production_is_changed_once_its_name_is_typed() {
    let world = World::new(&source());
    let command = || world.command(&["sync", "--mode", "deploy-prod"]);
    let asked = "Type the environment's name to go on:";
    let (exit, screen) = converse(command(), &[(asked, "yes")]);
    assert_eq!(exit, Some(1), "{screen}");
    assert!(screen.contains("error: another name was typed"), "{screen}");
    assert!(world.remote("prod").is_empty() && world.remote("gh-production").is_empty());
    let (exit, screen) = converse(command(), &[(asked, "production")]);
    assert_eq!((exit, world.remote("prod").len()), (Some(0), 4), "{screen}");
    assert!(!screen.contains(CANARY), "{screen}");
    // Nothing differs any more: nothing is asked.
    let (exit, screen) = converse(command(), &[]);
    assert!(exit == Some(0) && !screen.contains(asked), "{screen}");
}

#[test]
fn the_passphrase_of_a_backup_is_asked_for_and_not_shown() {
    let world = World::new(&source());
    world.set_remote("prod", "MAIL_FROM", "before");
    let mut command = world.command(&["backup", "--env", "production"]);
    command.env_remove("OPS_BACKUP_KEY");
    let phrase = config_world::passphrase();
    let (exit, screen) = converse(command, &[("(it is not shown): ", &phrase)]);
    assert!(exit == Some(0) && !screen.contains(&phrase), "{screen}");
    let backup = world.files(&world.path("state/backups")).remove(0);
    let told = world.run(&["restore", backup.to_str().unwrap(), "--env", "production", "--yes"]);
    assert_eq!(told.exit, Some(0), "{}", told.all());
}

#[test]
fn a_first_source_takes_the_values_that_are_typed() {
    let world = World::new("");
    std::fs::remove_file(world.path("home/.env-configs/w.env")).unwrap();
    let skip = |question| (question, "");
    let (exit, screen) = converse(
        world.command(&["init"]),
        &[
            ("NEXT_PUBLIC_CONVEX_URL (development): ", "no url"),
            ("NEXT_PUBLIC_CONVEX_URL must be a URL", ""),
            ("NEXT_PUBLIC_CONVEX_URL (production): ", "https://prod.convex.cloud"),
            skip("NEXT_PUBLIC_LOG_WORKER_URL (production): "),
            skip("LOG_WORKER_URL (production): "),
            skip("UPSTASH_REDIS_REST_URL (production): "),
            ("UPSTASH_REDIS_REST_TOKEN (production): ", "typed-and-not-shown"),
            skip("LOG_INGEST_TOKEN (development): "),
            skip("LOG_INGEST_TOKEN (production): "),
            skip("LOG_READ_TOKEN (development): "),
            ("LOG_READ_TOKEN (production): ", "new"),
            skip("LOG_ADMIN_TOKEN (development): "),
            skip("LOG_ADMIN_TOKEN (production): "),
            skip("ALLOWED_ORIGINS (development): "),
            skip("ALLOWED_ORIGINS (production): "),
            skip("CLOUDFLARE_API_TOKEN (development): "),
            skip("CLOUDFLARE_API_TOKEN (production): "),
            skip("CLOUDFLARE_ACCOUNT_ID (development): "),
            skip("CLOUDFLARE_ACCOUNT_ID (production): "),
            skip("CONVEX_DEPLOY_KEY (development): "),
            skip("CONVEX_DEPLOY_KEY (production): "),
        ],
    );
    assert_eq!(exit, Some(0), "{screen}");
    let made = world.read("home/.env-configs/w.env");
    let row = |key: &str| made.lines().find(|line| line.contains(&format!("| {key} "))).unwrap().to_owned();
    assert!(row("NEXT_PUBLIC_CONVEX_URL").contains("| https://prod.convex.cloud"), "{made}");
    assert!(row("UPSTASH_REDIS_REST_TOKEN").contains("| typed-and-not-shown"), "{made}");
    let token = row("LOG_READ_TOKEN").split('|').nth(5).unwrap().trim().to_owned();
    assert!(
        token.len() >= 40 && !screen.contains(&token) && !screen.contains("typed-and-not-shown"),
        "{screen}"
    );
}
