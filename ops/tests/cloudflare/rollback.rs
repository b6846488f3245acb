//! `ops rollback` against the real wrangler and the local control plane.

use serde_json::{Value, json};

use crate::{
    common,
    control_plane::{ADMIN_TOKEN, Action, Ends, Fault, PRODUCTION, Site, Told, rollback::Two, scenario},
};

/// Fails only where all the traffic is.
const BROKEN_BUFFER: &str =
    "export class LogBuffer extends worker.LogBuffer { fetch() { throw new Error(\"broken\"); } }";

async fn built(two: impl Future<Output = Option<Two>>) -> Option<Two> {
    let two = two.await;
    if two.is_none() {
        common::skip("ops rollback", "run scripts/build");
    }
    two
}

fn deployments(method: &'static str, action: Action) -> Fault {
    Fault::at(method, format!("/workers/scripts/{PRODUCTION}/deployments"), action)
}

/// What differs from run to run, taken out.
fn steady(two: &Two, text: &str) -> String {
    let mut text = text.to_owned();
    for (id, name) in [(&two.first, "[first]"), (&two.second, "[second]"), (&two.site.front, "[url]")] {
        text = text.replace(id.as_str(), name);
    }
    text.lines().map(common::steady).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_says_of_each_version_what_going_back_would_meet() {
    let Some(two) = built(Two::deployed()).await else { return };
    let told = two.run(&["rollback", "--list"]).await;
    assert_eq!(told.exit, Some(0), "{}", told.all());
    insta::assert_snapshot!("rollback_list", steady(&two, &told.stdout));

    let told = two.run(&["rollback", "--list", "--json"]).await;
    let json = told.json();
    assert_eq!((told.exit, json["previous"].as_str()), (Some(0), None), "{json}");
    let (live, earlier) = (&json["candidates"][0], &json["candidates"][1]);
    assert_eq!(
        (&live["id"], &live["live"], &live["possible"]),
        (&json!(two.second), &json!(true), &json!(false))
    );
    assert_eq!(
        (&earlier["id"], &earlier["possible"], &earlier["secrets_changed"], &earlier["migration_between"]),
        (&json!(two.first), &json!(true), &json!([]), &json!(false))
    );
    assert!(live["proven"]["run"].is_string() && earlier["proven"].is_null(), "{json}");
    assert_eq!(live["proven"]["layouts"], json!({ "buffer": 2, "rate_limiter": 1 }));

    // Whoever names none is shown them, and told what to type.
    let told = two.run(&["rollback"]).await;
    assert_eq!(told.exit, Some(64), "{}", told.all());
    assert!(told.stdout.contains(&two.first), "{}", told.all());
    assert!(
        told.stderr.contains("error: which version?\nhint: ops rollback --env production"),
        "{}",
        told.all()
    );
    // The first version was never proven by this machine: that it is meant does not go without saying.
    let told = two.run(&["rollback", "--yes"]).await;
    assert_eq!(told.exit, Some(64), "{}", told.all());
    assert!(told.stderr.contains("this machine never saw it proven"), "{}", told.all());
    two.site.ends(&two.second, Ends::Old, &told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn back_to_a_version_and_with_yes_from_a_proven_one_to_the_proven_one_before() {
    let Some(two) = built(Two::deployed()).await else { return };
    let told = two.run(&["rollback", "--to", &two.first]).await;
    assert_eq!(told.exit, Some(0), "{}", told.all());
    assert!(
        told.stdout.contains("serves version") && told.stdout.contains("(seeded) again"),
        "{}",
        told.all()
    );
    insta::assert_snapshot!("rollback", steady(&two, &told.stderr));
    two.site.ends(&two.first, Ends::Old, &told).await;
    assert!(two.site.plane.calls().iter().all(|call| !call.contains("force")), "{}", told.all());

    // Bad code was left: once more with --yes must not bring it back.
    let told = two.run(&["rollback", "--yes"]).await;
    assert_eq!(told.exit, Some(64), "{}", told.all());
    assert!(told.stderr.contains("no version is known that was live before"), "{}", told.all());
    two.site.ends(&two.first, Ends::Old, &told).await;

    // A third one goes live; the first is proven by now.
    let told = two.site.deploy(&[]).await;
    assert_eq!(told.exit, Some(0), "{}", told.all());
    let told = two.run(&["rollback", "--yes", "--json"]).await;
    assert_eq!(told.exit, Some(0), "{}", told.all());
    let mut json = told.json();
    assert_eq!(json["live"], two.first.as_str(), "{json}");
    assert_eq!(json["effects"]["state"]["reads"], json!({ "buffer": 2, "rate_limiter": 1 }), "{json}");
    for field in ["/run", "/before", "/latency/p50_ms", "/latency/before_p50_ms"] {
        *json.pointer_mut(field).unwrap() = json!("[other each time]");
    }
    json["effects"]["to"] = json!("[a candidate]");
    let shown = serde_json::to_string_pretty(&json).unwrap();
    insta::assert_snapshot!("rollback_json", steady(&two, &shown));
    two.site.ends(&two.first, Ends::Old, &told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_gone_back_to_is_refused_before_anything_is_changed() {
    let Some(two) = built(Two::seeded()).await else { return };
    let site = &two.site;
    let nobody = "00000000-0000-4000-8000-000000000000";
    let refused = async |arguments: &[&str], exit: i32, said: &str| {
        let told = two.run(&[&["rollback"], arguments].concat()).await;
        assert_eq!(told.exit, Some(exit), "{}", told.all());
        assert!(told.stderr.contains(said) && told.stderr.contains("hint: "), "{said}: {}", told.all());
        told
    };
    refused(&["--to", &two.second], 1, "is the live version").await;
    refused(&["--to", nobody], 1, "has no version 00000000").await;
    refused(&["--to", "not-a-version"], 1, "has no version not-a-version").await;
    refused(&["--to", &two.first, "--url", "http://127.0.0.1:1"], 1, "is not the live version").await;
    let told = refused(&["--to", &two.first, "--clear-logs"], 1, "it must be confirmed").await;
    let posts = site.plane.calls().iter().filter(|call| call.starts_with("POST")).count();
    assert_eq!(posts, two.posts, "{:#?}", site.plane.calls());
    site.ends(&two.second, Ends::Old, &told).await;

    let theirs = site.plane.someone_splits(PRODUCTION, 10.0).await;
    refused(&["--to", &two.first], 1, "a gradual deployment is under way: 10 %").await;
    assert_eq!(site.plane.deployed(PRODUCTION).await, [(theirs, 10.0), (two.second.clone(), 90.0)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn across_a_migration_there_is_no_way_back() {
    let Some((site, old)) = Site::deployed().await else {
        return common::skip("ops rollback", "run scripts/build");
    };
    site.project.code("export class Later extends worker.LogBuffer {}");
    let migration = "[[migrations]]\ntag = \"v3\"\nnew_sqlite_classes = [\"Later\"]\n\n# ---";
    site.project.configure("# --- development: the top level", migration);
    let told = site.deploy(&["--yes"]).await;
    assert_eq!(told.exit, Some(0), "{}", told.all());
    let told = site.run(&["rollback", "--to", &old]).await;
    assert_eq!(told.exit, Some(1), "{}", told.all());
    assert!(
        told.stderr.contains("a Durable Object migration lies between")
            && told.stderr.contains("go forward instead"),
        "{}",
        told.all()
    );
    site.ends(&old, Ends::New, &told).await;
    let told = site.run(&["rollback", "--list", "--json"]).await;
    assert_eq!(told.json()["candidates"][1]["migration_between"], true, "{}", told.all());

    let nothing = Site::empty().await.unwrap();
    let told = nothing.run(&["rollback", "--to", &old]).await;
    assert_eq!(told.exit, Some(1), "{}", told.all());
    assert!(told.stderr.contains("there is no worker"), "{}", told.all());
    nothing.ends("", Ends::Nothing, &told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_go_back_too_which_is_asked_for_and_taken_back_with_it() {
    let Some(two) = built(Two::seeded()).await else { return };
    let site = &two.site;
    let value = ["another", "admin", "token"].join("-");
    site.project.write("build/value", &value);
    let put = ["secrets", "put", "LOG_READ_TOKEN", "--file", "build/value"];
    let told = two.run(&put).await;
    assert_eq!(told.exit, Some(0), "{}", told.all());
    let live = site.serving().await.0;

    let told = two.run(&["rollback", "--list", "--json"]).await;
    let candidates = told.json()["candidates"].as_array().unwrap().clone();
    let earlier = candidates.iter().find(|candidate| candidate["id"] == two.second.as_str()).unwrap();
    assert_eq!(earlier["secrets_changed"][0]["name"], "LOG_READ_TOKEN", "{earlier}");

    let told = two.run(&["rollback", "--to", &two.second]).await;
    assert_eq!(told.exit, Some(1), "{}", told.all());
    assert!(told.stderr.contains("secrets  LOG_READ_TOKEN is gone: that version has none"), "{}", told.all());
    assert!(!told.stderr.contains("gets the value from before"), "{}", told.all());
    assert!(told.stderr.contains("it must be confirmed"), "{}", told.all());
    site.ends(&live, Ends::Old, &told).await;

    let told = two.run(&["rollback", "--to", &two.second, "--yes"]).await;
    assert_eq!(told.exit, Some(0), "{}", told.all());
    assert!(!told.all().contains(&value), "{}", told.all());
    site.ends(&two.second, Ends::Old, &told).await;
    assert!(!site.plane.secrets(PRODUCTION).await.contains(&"LOG_READ_TOKEN".to_owned()));
    assert!(site.plane.calls().iter().any(|call| call.starts_with("POST") && call.contains("400")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_asked_for_beside_it_is_done_after_the_proof() {
    let Some(two) = built(Two::seeded()).await else { return };
    let post = json!({ "trace_id": "t-1", "level": "info", "message": "here", "system": "convex" });
    let client = reqwest::Client::new();
    let answer = client.post(format!("{}/log", two.site.front)).json(&post).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let told = two.run(&["rollback", "--to", &two.first, "--reset-limiter", "--clear-logs", "--yes"]).await;
    assert_eq!(told.exit, Some(0), "{}", told.all());
    assert!(
        told.stderr.contains("Every quota begins anew.") && told.stderr.contains("logs were deleted."),
        "{}",
        told.all()
    );
    two.site.ends(&two.first, Ends::Old, &told).await;
    let read = client.get(format!("{}/logs?trace_id=t-1", two.site.front)).bearer_auth(ADMIN_TOKEN);
    assert_eq!(read.send().await.unwrap().json::<Value>().await.unwrap()["count"], 0);
    let health = two.site.health().await;
    assert_eq!(health["components"]["rate_limiter"]["current_state"]["global_current"], 0, "{health}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn away_from_a_version_that_breaks_at_every_request() {
    let code = "export default { fetch() { throw new Error(\"at every request\"); } }";
    let Some(two) = built(Two::by_hand(code)).await else { return };
    // Killed on the way: what is live is as broken as before, and that does not stop the next one.
    let seen = two.posts_of_deployments();
    two.site.plane.plant(deployments("POST", Action::ExecuteAndHang).nth(1));
    let mut child = two.command(&["rollback", "--to", &two.first]).spawn().unwrap();
    two.site.called(&format!("POST /workers/scripts/{PRODUCTION}/deployments "), seen + 1).await;
    child.kill().await.unwrap();
    let told = two.run(&["rollback", "--to", &two.first]).await;
    assert_eq!(told.exit, Some(0), "{}", told.all());
    assert!(told.stderr.contains("was killed: how"), "{}", told.all());
    assert!(told.stderr.contains("the live version could not be seen"), "{}", told.all());
    two.site.ends(&two.first, Ends::Old, &told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn to_a_version_that_does_worse_nothing_changes_or_what_was_live_comes_back() {
    // The live version is good; the way goes to one whose buffer is broken, which shows only with all the traffic.
    let Some(two) = built(Two::by_hand(BROKEN_BUFFER)).await else { return };
    let told = two.run(&["rollback", "--to", &two.first]).await;
    assert_eq!(told.exit, Some(0), "{}", told.all());
    let told = two.run(&["rollback", "--to", &two.second]).await;
    assert_eq!(told.exit, Some(3), "{}", told.all());
    assert!(told.stdout.contains("is back: version"), "{}", told.all());
    two.site.ends(&two.first, Ends::Old, &told).await;

    // One that shows it beside the live version never gets the traffic.
    let Some(two) = built(Two::by_hand(&common::answering("/log", "", 500))).await else { return };
    let told = two.run(&["rollback", "--to", &two.first]).await;
    assert_eq!(told.exit, Some(0), "{}", told.all());
    let told = two.run(&["rollback", "--to", &two.second]).await;
    assert_eq!(told.exit, Some(1), "{}", told.all());
    assert!(told.stdout.contains("was not rolled back: version"), "{}", told.all());
    two.site.ends(&two.first, Ends::Old, &told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn to_code_that_cannot_read_what_is_stored_nothing_changes() {
    // An earlier version says that it reads less than what the live one has stored.
    let older = common::answering("/health", "body.version.layouts.buffer = 0;", 200);
    let Some(two) = built(Two::by_hand(&older)).await else { return };
    let told = two.run(&["rollback", "--to", &two.first]).await;
    assert_eq!(told.exit, Some(0), "{}", told.all());
    let told = two.run(&["rollback", "--to", &two.second]).await;
    assert_eq!(told.exit, Some(1), "{}", told.all());
    assert!(
        told.stderr
            .contains("cannot read what is stored: buffer has stored layout 2, and its code reads up to 0"),
        "{}",
        told.all()
    );
    two.site.ends(&two.first, Ends::Old, &told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_are_lost_and_a_way_back_that_fails() {
    let Some(two) = built(Two::seeded()).await else { return };
    two.site.plane.plant(deployments("POST", Action::LoseAnswer).nth(1));
    two.site.plane.plant(deployments("POST", Action::LoseAnswer).nth(2));
    let told = two.run(&["rollback", "--to", &two.first]).await;
    assert_eq!(told.exit, Some(0), "{}", told.all());
    two.site.ends(&two.first, Ends::Old, &told).await;
    // From here on the API takes no deployment.
    two.site.plane.plant(deployments("POST", Action::Refuse(500, 10013, "An unknown error has occurred")));
    let told = two.run(&["rollback", "--to", &two.second]).await;
    assert_eq!(told.exit, Some(1), "{}", told.all());
    assert!(told.stdout.contains("serves, as before"), "{}", told.all());
    two.site.ends(&two.first, Ends::Old, &told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_way_back_that_cannot_be_undone_says_what_to_type() {
    let Some(two) = built(Two::by_hand(BROKEN_BUFFER)).await else { return };
    let told = two.run(&["rollback", "--to", &two.first]).await;
    assert_eq!(told.exit, Some(0), "{}", told.all());
    two.site.plane.plant(deployments("POST", Action::Refuse(500, 10013, "An unknown error")).from(3));
    let told = two.run(&["rollback", "--to", &two.second]).await;
    assert_eq!(told.exit, Some(4), "{}", told.all());
    let back = format!(
        "next: npx wrangler versions deploy {}@100% -y --durable-objects-code-update-mode immediate",
        two.first
    );
    assert!(
        told.stderr.contains("next: ops verify --env production") && told.stderr.contains(&back),
        "{}",
        told.all()
    );
    two.site.ends(&two.first, Ends::Bad, &told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_and_a_kill_on_the_way_end_in_a_known_state() {
    use nix::{
        sys::signal::{Signal, kill},
        unistd::Pid,
    };
    let Some(two) = built(Two::seeded()).await else { return };
    let site = &two.site;
    let path = format!("/workers/scripts/{PRODUCTION}/deployments");
    let held = async |nth: usize| {
        site.plane.plant(deployments("POST", Action::ExecuteAndHang).nth(nth));
        let seen = two.posts_of_deployments();
        let child = two.command(&["rollback", "--to", &two.first]).spawn().unwrap();
        site.called(&format!("POST {path} "), seen + nth).await;
        child
    };
    let pid = |child: &tokio::process::Child| Pid::from_raw(child.id().unwrap().try_into().unwrap());

    // It has all the traffic and was not verified: what was live comes back.
    let child = held(2).await;
    kill(pid(&child), Signal::SIGINT).unwrap();
    let told = scenario::finish(child).await;
    assert_eq!(told.exit, Some(3), "{}", told.all());
    site.ends(&two.second, Ends::Old, &told).await;

    // Killed at the same place: the next change settles it first. What it left is well, and stays.
    let mut child = held(2).await;
    kill(pid(&child), Signal::SIGKILL).unwrap();
    child.wait().await.unwrap();
    let nothing = Told { exit: None, stdout: String::new(), stderr: String::new() };
    site.left_nothing_running(&nothing).await;
    site.project.program("scripts/build", "exit 1");
    let told = site.deploy(&[]).await;
    assert_eq!(told.exit, Some(1), "{}", told.all());
    assert!(
        told.stderr.contains("ops rollback of") && told.stderr.contains("which is well"),
        "{}",
        told.all()
    );
    site.ends(&two.first, Ends::Old, &told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_needs_no_account() {
    let Some(site) = Site::empty().await else { return };
    let mut command = site.ops(&["rollback", "--to", "some-id", "--dry-run", "--clear-logs"]);
    let told = scenario::finish(command.env_remove("CLOUDFLARE_API_TOKEN").spawn().unwrap()).await;
    assert_eq!((told.exit, told.stderr.as_str()), (Some(0), ""), "{}", told.all());
    insta::assert_snapshot!("rollback_dry", told.stdout);
    assert_eq!(site.plane.calls(), Vec::<String>::new());
}
