//! `ops config drift`: each kind of difference alone is found, named and counted; what cannot be read is said.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod config_world;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    sync::mpsc,
};

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

/// The binding of that name in what the stand-in for wrangler tells.
fn binding<'a>(version: &'a mut Value, name: &str) -> &'a mut Value {
    let all = version["resources"]["bindings"].as_array_mut().unwrap();
    all.iter_mut().find(|binding| binding["name"] == name).unwrap()
}

fn push(version: &mut Value, binding: Value) {
    version["resources"]["bindings"].as_array_mut().unwrap().push(binding);
}

fn remove(version: &mut Value, name: &str) {
    version["resources"]["bindings"].as_array_mut().unwrap().retain(|binding| binding["name"] != name);
}

/// What is changed, and how the difference is called.
type Edit = (fn(&mut Value), &'static str);

#[test]
fn each_difference_of_the_live_worker_alone_is_found_and_named() {
    let pristine = World::new(
        "| LOG_WORKER | Redis | UPSTASH_REDIS_REST_URL | http://127.0.0.1:1 | https://x.upstash.io |\n\
         | LOG_WORKER | Redis | UPSTASH_REDIS_REST_TOKEN | local-token | another-token |\n",
    );
    let toml = "name = \"w\"\ncompatibility_date = \"2026-11-01\"\n\
        migrations = [{ tag = \"v1\" }, { tag = \"v2\" }]\n\
        [env.production]\nvars = { ENVIRONMENT = \"production\", RATE_LIMIT_TRACE = 5 }\n\
        version_metadata = { binding = \"META\" }\n\
        durable_objects = { bindings = [{ name = \"BUFFER\", class_name = \"LogBuffer\" }] }\n";
    pristine.write(TOML, toml);
    pristine.wrangler(&json!([
        { "name": "ENVIRONMENT", "type": "plain_text", "text": "production" },
        { "name": "RATE_LIMIT_TRACE", "type": "plain_text", "text": "5" },
        { "name": "META", "type": "version_metadata" },
        { "name": "BUFFER", "type": "durable_object_namespace", "class_name": "LogBuffer" },
        { "name": "UPSTASH_REDIS_REST_URL", "type": "secret_text" },
        { "name": "UPSTASH_REDIS_REST_TOKEN", "type": "secret_text" },
    ]));
    let cases: [Edit; 13] = [
        (|_| {}, ""),
        (|v| binding(v, "RATE_LIMIT_TRACE")["text"] = json!("6"), "live: RATE_LIMIT_TRACE"),
        (|v| remove(v, "RATE_LIMIT_TRACE"), "live: RATE_LIMIT_TRACE"),
        (|v| push(v, json!({ "name": "BY_HAND", "type": "plain_text", "text": "1" })), "live: BY_HAND"),
        (|v| remove(v, "META"), "live: META"),
        (|v| binding(v, "META")["type"] = json!("kv_namespace"), "live: META"),
        (|v| binding(v, "BUFFER")["class_name"] = json!("Another"), "live: BUFFER"),
        (|v| push(v, json!({ "name": "CACHE", "type": "kv_namespace" })), "live: CACHE"),
        (
            |v| v["resources"]["script_runtime"]["compatibility_date"] = json!("2026-10-01"),
            "live: compatibility_date",
        ),
        (|v| v["resources"]["script_runtime"]["migration_tag"] = json!("v1"), "live: migration tag"),
        (|v| v["resources"]["script_runtime"]["migration_tag"] = json!(null), "live: migration tag"),
        (|v| remove(v, "UPSTASH_REDIS_REST_TOKEN"), "LOG_WORKER: UPSTASH_REDIS_REST_TOKEN"),
        (|v| push(v, json!({ "name": "OLD_TOKEN", "type": "secret_text" })), "LOG_WORKER: OLD_TOKEN"),
    ];
    for (edit, name) in cases {
        let world = pristine.copy();
        world.edit_version(edit);
        let told = world.run(&["drift", "--json"]);
        let expected = Some(name).filter(|name| !name.is_empty()).map(|name| format!("production {name}"));
        assert_eq!(drifted(&told), Vec::from_iter(expected.clone()), "{}", told.all());
        assert_eq!(told.exit, Some(if expected.is_none() { 0 } else { 2 }), "{}", told.all());
        assert!(told.stdout.contains("nothing is deployed"), "of development: {}", told.all());
    }
    let world = pristine.copy();
    world.write(TOML, &toml.replace("RATE_LIMIT_TRACE = 5", "RATE_LIMIT_TRACE = 5, RATE_LIMIT_TRACES = 7"));
    let told = world.run(&["drift"]);
    assert_eq!(told.exit, Some(2), "{}", told.all());
    let said = "wrangler.toml: RATE_LIMIT_TRACES is a var of wrangler.toml that the worker does not read";
    assert!(told.stdout.contains(&format!("{said}: is RATE_LIMIT_TRACE meant?")), "{}", told.all());
}

/// A webhook that answers with these statuses, one after the other, and hands on what it was told.
fn webhook(statuses: &'static [u16]) -> (String, mpsc::Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/services/a-secret-path", listener.local_addr().unwrap());
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for status in statuses {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                let lower = line.to_ascii_lowercase();
                if let Some(value) = lower.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if line == "\r\n" {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let _ = tell.send(serde_json::from_slice(&body).unwrap());
            write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
        }
    });
    (url, told)
}

#[test]
fn an_alert_is_sent_once_for_each_drift_that_is_new() {
    let world = synced();
    let (url, told_to_it) = webhook(&[503, 200, 200]);
    let look = || {
        let told = world.run(&["drift", "--notify", &url]);
        assert!(!told.all().contains("a-secret-path"), "{}", told.all());
        told.exit
    };
    assert_eq!(look(), Some(0));
    edit(&world, CONVEX, "a@example.org", "b@example.org");
    assert_eq!((look(), look()), (Some(2), Some(2)));
    world.set_remote("dev", "OLD", "1");
    assert_eq!(look(), Some(2));
    let all: Vec<Value> = told_to_it.iter().collect();
    assert_eq!((all.len(), &all[0]), (3, &all[1]), "refused once, sent again; then only what is new");
    let text = all[0]["text"].as_str().unwrap();
    let begins = "Configuration around w is not as its source says: development, CONVEX file ";
    assert!(text.starts_with(begins) && text.contains(": MAIL_FROM differs from the source. Run "), "{text}");
    assert!(all[2]["text"].as_str().unwrap().contains("OLD is set there"), "{}", all[2]);
    assert_eq!(all[0].as_object().unwrap().len(), 1, "Slack takes the text alone");
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
    fs::remove_file(another.path(SOURCE)).unwrap();
    let told = another.run(&["drift"]);
    assert_eq!(told.exit, Some(1), "nothing can be compared: {}", told.all());
    for (environment, other) in [("production", "development"), ("development", "production")] {
        let told = another.run(&["drift", "--env", environment]);
        let line = |name: &str| told.stdout.contains(&format!("-- {name}, source: "));
        assert!(line(environment) && !line(other), "{}", told.all());
    }
    another.wrangler(&json!([{ "name": "ENVIRONMENT", "type": "plain_text", "text": "production" }]));
    let told = another.run(&["drift", "--json"]);
    assert_eq!((told.exit, &told.json()["compared"]), (Some(2), &json!(1)), "{}", told.all());
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

#[test]
fn of_the_sources_two_sides_the_one_that_was_asked_for_is_told() {
    let world = World::new(&source().replace("| a@example.org |", "| a@example.org | |"));
    let sides = |environment: &str| {
        world.run(&["drift", "--env", environment]).stdout.contains(", source: MAIL_FROM")
    };
    assert!(sides("production") && !sides("development"));
}
