//! `ops deploy` of good code and of bad code.

use crate::{
    common::answering,
    control_plane::{Ends, PRODUCTION, Site, scenarios},
};

/// JavaScript: a class of objects that fail at every request.
fn broken(class: &str) -> String {
    format!("export class {class} extends worker.{class} {{ fetch() {{ throw new Error(\"broken\"); }} }}")
}

const LATER: &str = "export class Later extends worker.LogBuffer {}";

/// Adds a Durable Object migration, which the code of [`LATER`] goes with.
fn migrate(site: &Site) {
    let heading = "# --- development: the top level";
    let migration = "[[migrations]]\ntag = \"v3\"\nnew_sqlite_classes = [\"Later\"]\n\n# ---";
    site.project.configure(heading, migration);
}

scenarios! {
    a_good_deploy(site) { &[] } => 0, New, says "serves version";

    a_build_that_fails(site) {
        site.project.program("scripts/build", "echo 'error[E0308]: mismatched types'; exit 1");
        &[]
    } => 1, Old, says "E0308";

    code_that_throws_at_its_start(site) {
        site.project.code("throw new Error(\"at the start\");");
        &[]
    } => 1, Old, says "wrangler versions upload: Uncaught Error: at the start";

    a_class_that_is_not_exported_any_more(site) {
        let text = "import * as worker from \"./worker.mjs\";\nexport default worker.default;\nexport const LogBuffer = worker.LogBuffer;\n";
        site.project.write("src/entry.mjs", text);
        &[]
    } => 1, Old, says "RateLimiterDO";

    code_that_answers_500_to_logs(site) {
        site.project.code(&answering("/log", "", 500));
        &[]
    } => 1, Old, says "log: ", says "500";

    code_that_answers_old_data(site) {
        site.project.code(&answering("/logs", "body.logs = []; body.count = 0;", 200));
        &[]
    } => 1, Old, says "read-back";

    code_that_claims_to_be_the_old_version(site) {
        let old = site.serving().await.0;
        site.project.code(&answering("/health", &format!("body.version.id = \"{old}\";"), 200));
        &[]
    } => 1, Old, says "does not serve";

    code_that_is_slower_than_the_last_that_was_good(site) {
        site.proven_before(1);
        let slow = "export default { async fetch(request, env, ctx) {
            await new Promise(function (done) { setTimeout(done, 120); });
            return worker.default.fetch(request, env, ctx);
        } }";
        site.project.code(slow);
        &[]
    } => 2, New, says "ms (p50), after the last run that ended well it was 1 ms";

    code_whose_health_is_degraded(site) {
        let degraded = "body.status = \"degraded\"; body.components.redis.status = \"unhealthy\";";
        site.project.code(&answering("/health", degraded, 503));
        &[]
    } => 1, Old, says "fails: redis";

    a_bug_only_in_the_buffer_object(site) {
        site.project.code(&broken("LogBuffer"));
        &[]
    } => 3, Old, says "is back";

    a_bug_only_in_the_quota_s_object(site) {
        site.project.code(&broken("RateLimiterDO"));
        &[]
    } => 3, Old, says "is back";

    a_bug_in_an_object_with_secrets_that_moved(site) {
        site.project.code(&broken("LogBuffer"));
        site.project.write("build/secrets.json", "{\"LOG_READ_TOKEN\":\"a-read-token-long-enough\"}");
        &["--secrets-file", "build/secrets.json"]
    } => 3, Old, says "is back";

    a_migration_that_nobody_confirmed(site) {
        site.project.code(LATER);
        migrate(&site);
        &[]
    } => 1, Old, says "no way back";

    a_migration(site) {
        site.project.code(LATER);
        migrate(&site);
        &["--yes"]
    } => 0, New, says "no way back";

    a_migration_with_a_bug(site) {
        site.project.code(&format!("{LATER}\n{}", broken("LogBuffer")));
        migrate(&site);
        &["--yes"]
    } => 4, Bad, says "there is no way back: a Durable Object migration";

    a_checkout_from_before_the_live_migration(site) {
        let v2 = "[[migrations]]\ntag = \"v2\"\nnew_sqlite_classes = [\"LogBuffer\"]\n";
        site.project.configure(v2, "");
        &[]
    } => 1, Old, says "migration v2, which this wrangler.toml lacks";

    a_configuration_the_worker_would_refuse(site) {
        site.project.configure("RATE_LIMIT_TRACE = \"500\"", "RATE_LIMIT_TRACE = \"many\"");
        &[]
    } => 1, Old, says "RATE_LIMIT_TRACE must be a whole number";

    another_number_of_buffers(site) {
        site.project.configure("LOG_BUFFER_SHARDS = \"1\"", "LOG_BUFFER_SHARDS = \"4\"");
        &[]
    } => 1, Old, says "LOG_BUFFER_SHARDS goes from 1 to 4", says "ops drain --env production";

    a_required_secret_that_is_missing(site) {
        site.plane.someone_removes_secret(PRODUCTION, "UPSTASH_REDIS_REST_TOKEN").await;
        &[]
    } => 1, Theirs, says "has no secret UPSTASH_REDIS_REST_TOKEN";
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_deploy_and_one_that_cannot_be() {
    let Some(site) = Site::empty().await else { return };
    let refused = site.deploy(&["--yes"]).await;
    assert_eq!(refused.exit, Some(1), "{}", refused.all());
    assert!(
        refused.stderr.contains("has no secret UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN"),
        "{}",
        refused.all()
    );
    site.ends("", Ends::Nothing, &refused).await;

    let secrets = serde_json::json!(site.secrets()).to_string();
    site.project.write("build/secrets.json", &secrets);
    let unconfirmed = site.deploy(&["--secrets-file", "build/secrets.json"]).await;
    assert_eq!(unconfirmed.exit, Some(1), "{}", unconfirmed.all());
    site.ends("", Ends::Nothing, &unconfirmed).await;

    let told = site.deploy(&["--yes", "--secrets-file", "build/secrets.json", "--json"]).await;
    assert_eq!(told.exit, Some(0), "{}", told.all());
    assert!(told.stderr.contains("there is nothing to go back to"), "{}", told.all());
    site.ends("", Ends::New, &told).await;
    assert_eq!(told.json()["live"], site.serving().await.0.as_str());
    for secret in site.secrets().values() {
        assert!(!told.all().contains(secret.as_str()), "{}", told.all());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_deploy_with_a_bug() {
    let Some(site) = Site::empty().await else { return };
    site.project.write("build/secrets.json", &serde_json::json!(site.secrets()).to_string());
    site.project.code(&broken("LogBuffer"));
    let told = site.deploy(&["--yes", "--secrets-file", "build/secrets.json"]).await;
    assert_eq!(told.exit, Some(4), "{}", told.all());
    assert!(told.all().contains("there is no way back: there is no version before it"), "{}", told.all());
    assert!(told.all().contains("next: ops verify --env production"), "{}", told.all());
    site.ends("", Ends::Bad, &told).await;
}
