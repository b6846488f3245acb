//! `ops deploy` by those who may not, with tools that cannot, and beside others who deploy.

use std::os::unix::fs::symlink;

use crate::{
    common,
    control_plane::{Access, Action, Ends, Fault, PRODUCTION, Site, scenario, scenarios},
};

fn deployments(method: &'static str, action: Action) -> Fault {
    Fault::at(method, format!("/workers/scripts/{PRODUCTION}/deployments"), action)
}

fn they_deploy() -> Action {
    Action::SomeoneDeploys(PRODUCTION.into())
}

scenarios! {
    // The live deployment is read before anything is sent, before the try, before the switch, and at the end.
    someone_deploys_during_the_upload(site) {
        let upload = format!("/workers/scripts/{PRODUCTION}/versions");
        site.plane.plant(Fault::at("POST", upload, they_deploy()).nth(1));
        &[]
    } => 1, Theirs, says "somebody else deployed in between";
    someone_deploys_during_the_try(site) {
        // wrangler itself reads it once for the try.
        site.plane.plant(deployments("GET", they_deploy()).nth(4));
        &[]
    } => 1, Theirs, says "somebody else deployed in between";
    someone_deploys_in_the_moment_of_the_switch(site) {
        site.plane.plant(deployments("POST", they_deploy()).nth(2));
        &[]
    } => 2, New, says "someone.else@example.com deployed 100 %";

    a_version_somebody_uploaded_and_nobody_deployed(site) {
        site.plane.someone_uploads(PRODUCTION).await;
        &[]
    } => 1, Old, says "or never deployed", says "--allow newer-version";
    a_version_of_somebody_s_that_is_let_pass(site) {
        site.plane.someone_uploads(PRODUCTION).await;
        &["--allow", "newer-version"]
    } => 0, New;

    what_serves_is_not_well_already(site) {
        site.redis.faults().add(ops::upstash::Fault::close());
        &[]
    } => 1, Old, says "is not well already: redis", says "--allow unhealthy";
    what_serves_is_not_well_and_is_let_pass(site) {
        site.redis.faults().add(ops::upstash::Fault::close());
        &["--allow", "unhealthy"]
    } => 2, New, says "failed before this deployment";

    a_secrets_file_that_is_none(site) {
        site.project.write("build/secrets", "no secrets here");
        &["--secrets-file", "build/secrets"]
    } => 1, Old, says "build/secrets, line 1: it holds no secrets";
    a_secrets_file_with_a_name_nobody_reads(site) {
        site.project.write("build/secrets", "LOG_READ_TOKN=0123456789-abcdefgh");
        &["--secrets-file", "build/secrets"]
    } => 1, Old, says "build/secrets, line 1: LOG_READ_TOKN is no secret", says "is LOG_READ_TOKEN meant?";
    a_secrets_file_that_a_shell_reads_as_well(site) {
        site.project.write("build/secrets", "export LOG_READ_TOKEN='0123456789-abcdefgh'\n");
        &["--secrets-file", "build/secrets"]
    } => 0, New;
    a_var_that_nobody_reads(site) {
        site.project.configure("[env.production.vars]", "[env.production.vars]\nRATE_LIMIT_TRACES = \"7\"");
        &[]
    } => 2, New, says "is RATE_LIMIT_TRACE meant";
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_of_a_deployment_that_failed_do_not_come_with_the_next_unseen() {
    let Some((site, old)) = Site::deployed().await else {
        return common::skip("ops deploy", "run scripts/build");
    };
    site.project.write("build/secrets", "UPSTASH_REDIS_REST_TOKEN=not-the-token-of-redis");
    let told = site.deploy(&["--secrets-file", "build/secrets"]).await;
    assert_eq!(told.exit, Some(1), "{}", told.all());
    assert!(told.stderr.contains("or the values in the secrets file"), "{}", told.all());
    let told = site.deploy(&[]).await;
    assert_eq!(told.exit, Some(1), "{}", told.all());
    assert!(
        told.stderr
            .contains("its secrets would come with this deployment: UPSTASH_REDIS_REST_TOKEN\nhint: give")
            && told.stderr.contains("--secrets-file FILE, with UPSTASH_REDIS_REST_TOKEN"),
        "{}",
        told.all()
    );
    // Who lets them come is told what came.
    let told = site.deploy(&["--allow", "newer-version"]).await;
    assert_eq!(told.exit, Some(1), "{}", told.all());
    assert!(told.stderr.contains("which is not live, came along"), "{}", told.all());
    site.ends(&old, Ends::Old, &told).await;
    let right = format!("UPSTASH_REDIS_REST_TOKEN={}", site.redis.token());
    site.project.write("build/secrets", &right);
    let told = site.deploy(&["--secrets-file", "build/secrets"]).await;
    assert_eq!(told.exit, Some(0), "{}", told.all());
    site.ends(&old, Ends::New, &told).await;
    let told = site.deploy(&[]).await;
    assert_eq!(told.exit, Some(0), "{}", told.all());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_section_production_is_said_to_have_none() {
    let Some((site, old)) = Site::deployed().await else {
        return common::skip("ops deploy", "run scripts/build");
    };
    let file = site.project.path().join("wrangler.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    site.project.write("wrangler.toml", text.split("[env.production]").next().unwrap());
    let told = site.deploy(&[]).await;
    assert_eq!(told.exit, Some(1), "{}", told.all());
    assert!(told.stderr.contains("error: wrangler.toml has no section [env.production]"), "{}", told.all());
    site.ends(&old, Ends::Old, &told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_split_in_progress_is_left_alone() {
    let Some((site, old)) = Site::deployed().await else {
        return common::skip("ops deploy", "run scripts/build");
    };
    let theirs = site.plane.someone_splits(PRODUCTION, 10.0).await;
    let told = site.deploy(&[]).await;
    assert_eq!(told.exit, Some(1), "{}", told.all());
    assert!(told.stderr.contains("a gradual deployment is under way: 10 %"), "{}", told.all());
    assert_eq!(site.plane.deployed(PRODUCTION).await, [(theirs, 10.0), (old, 90.0)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_does_not_open() {
    let Some((site, old)) = Site::deployed().await else {
        return common::skip("ops deploy", "run scripts/build");
    };
    site.plane.allow("reader-token", Access::Read);
    site.plane.allow("stranger-token", Access::Elsewhere);
    site.plane.allow("yesterday-token", Access::Expired);
    let cases = [
        ("", "hint: set CLOUDFLARE_API_TOKEN"),
        ("nobodys-token", "hint: make a new token"),
        ("yesterday-token", "hint: make a new token"),
        ("stranger-token", "hint: give the token \"Workers Scripts: Edit\" of this account"),
        ("reader-token", "hint: give the token \"Workers Scripts: Edit\" of this account"),
    ];
    for (token, hint) in cases {
        let mut command = site.ops(&["deploy", "--timeout", "6s"]);
        let told = scenario::finish(command.env("CLOUDFLARE_API_TOKEN", token).spawn().unwrap()).await;
        assert_eq!(told.exit, Some(1), "{token}: {}", told.all());
        assert!(told.stderr.contains(hint), "{token}: {}", told.all());
        assert!(token.is_empty() || !told.all().contains(token), "{}", told.all());
        site.ends(&old, Ends::Old, &told).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tools_that_are_missing_or_too_old() {
    let Some((site, old)) = Site::deployed().await else {
        return common::skip("ops deploy", "run scripts/build");
    };
    let modules = site.project.path().join("node_modules");
    let real = std::fs::read_link(&modules).unwrap();
    std::fs::remove_file(&modules).unwrap();
    let refused = async |said: &str| {
        let told = site.deploy(&[]).await;
        assert_eq!(told.exit, Some(1), "{}", told.all());
        assert!(told.stderr.contains(said), "{said}: {}", told.all());
        site.ends(&old, Ends::Old, &told).await;
    };
    refused("wrangler is missing").await;
    std::fs::create_dir_all(modules.join(".bin")).unwrap();
    std::fs::create_dir_all(modules.join("wrangler")).unwrap();
    symlink(real.join(".bin/wrangler"), modules.join(".bin/wrangler")).unwrap();
    site.project.write("node_modules/wrangler/package.json", "{\"version\":\"3.114.0\"}");
    refused("wrangler 3.114.0 is too old").await;
    site.project.write("node_modules/wrangler/package.json", "{\"version\":\"4.164.0\"}");
    site.project.program("node_modules/.bin/node", "echo v20.11.0");
    refused("Node v20.11.0 is too old").await;
    assert_eq!(site.plane.calls(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_needs_no_account() {
    let Some((site, old)) = Site::deployed().await else {
        return common::skip("ops deploy", "run scripts/build");
    };
    let mut command = site.ops(&["deploy", "--dry-run"]);
    let told = scenario::finish(command.env_remove("CLOUDFLARE_API_TOKEN").spawn().unwrap()).await;
    assert_eq!(told.exit, Some(0), "{}", told.all());
    assert!(
        told.stdout.contains("npx wrangler versions deploy NEW@0% LIVE@100% -y --message"),
        "{}",
        told.all()
    );
    assert_eq!(site.plane.calls(), Vec::<String>::new());

    site.project.commit();
    site.project.write("src/worker.mjs", "// changed");
    let mut command = site.project.command(env!("CARGO_BIN_EXE_ops"), &site.plane);
    command.args(["deploy", "--env", "production", "--url", &site.front]);
    let output = command.env("OPS_STATE_DIR", site.project.path().join(".state")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("the working tree differs from commit") && said.contains("src/worker.mjs"),
        "{said}"
    );
    assert_eq!(site.plane.calls(), Vec::<String>::new());
    site.ends(&old, Ends::Old, &told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_place_for_its_journal_it_deploys_all_the_same() {
    let Some((site, old)) = Site::deployed().await else {
        return common::skip("ops deploy", "run scripts/build");
    };
    let mut command = site.ops(&["deploy", "--timeout", "6s"]);
    let told = scenario::finish(command.env("OPS_STATE_DIR", "/dev/full/state").spawn().unwrap()).await;
    assert!(told.stderr.contains("this run leaves no journal"), "{}", told.all());
    // That the address cannot be remembered is a warning as well.
    assert_eq!(told.exit, Some(2), "{}", told.all());
    site.ends(&old, Ends::New, &told).await;
}

/// `ops` where its state folder is a disk with no room left; nothing where this machine does not let one be made.
fn on_a_full_disk(site: &Site, arguments: &[&str]) -> Option<tokio::process::Command> {
    let apart = ["--mount", "--map-root-user"];
    let able = std::process::Command::new("unshare").args(apart).arg("true").output();
    if !able.is_ok_and(|output| output.status.success()) {
        common::skip("a full disk", "unshare makes no mount namespace here");
        return None;
    }
    let script = "mkdir -p \"$OPS_STATE_DIR\" && mount -t tmpfs -o size=4k full \"$OPS_STATE_DIR\" \
                  && head -c 4096 /dev/zero >\"$OPS_STATE_DIR/all-of-it\" && exec \"$0\" \"$@\"";
    let ops = site.ops(arguments);
    let ops = ops.as_std();
    let mut command = tokio::process::Command::new("unshare");
    command.args(apart).args(["sh", "-c", script]).arg(ops.get_program()).args(ops.get_args());
    command.current_dir(site.project.path()).kill_on_drop(true).stdin(std::process::Stdio::null());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    for (name, value) in ops.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    Some(command)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_full_disk_it_deploys_all_the_same() {
    let Some((site, old)) = Site::deployed().await else {
        return common::skip("ops deploy", "run scripts/build");
    };
    let Some(mut command) = on_a_full_disk(&site, &["deploy", "--timeout", "6s"]) else { return };
    let told = scenario::finish(command.spawn().unwrap()).await;
    assert!(told.stderr.contains("this run leaves no journal: No space left"), "{}", told.all());
    assert_eq!(told.exit, Some(2), "{}", told.all());
    site.ends(&old, Ends::New, &told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_deploys_of_one_machine_do_not_race() {
    let Some((site, old)) = Site::deployed().await else {
        return common::skip("ops deploy", "run scripts/build");
    };
    let first = site.ops(&["deploy", "--timeout", "6s"]).spawn().unwrap();
    site.called("GET", 1).await;
    let second = site.deploy(&[]).await;
    assert_eq!(second.exit, Some(1), "{}", second.all());
    assert!(second.stderr.contains("is being changed by ops deploy (run"), "{}", second.all());
    let first = scenario::finish(first).await;
    assert_eq!(first.exit, Some(0), "{}", first.all());
    site.ends(&old, Ends::New, &first).await;
}
