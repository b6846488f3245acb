//! `ops deploy` while the API, the network or the edge fails: one scenario for each call of the sequence.

use std::time::Duration;

use crate::{
    common,
    control_plane::{self, Action, Fault, PRODUCTION, Site, scenarios},
};

const ERROR: Action = Action::Refuse(500, 10013, "An unknown error has occurred");
const BUSY: Action = Action::Busy(Some(1));

/// The calls of a deployment that its outcome hangs on.
fn deployments(method: &'static str, action: Action) -> Fault {
    Fault::at(method, format!("/workers/scripts/{PRODUCTION}/deployments"), action)
}

fn versions(method: &'static str, action: Action) -> Fault {
    Fault::at(method, format!("/workers/scripts/{PRODUCTION}/versions"), action)
}

fn version(action: Action) -> Fault {
    Fault::at("GET", format!("/workers/scripts/{PRODUCTION}/versions/*"), action)
}

fn service(action: Action) -> Fault {
    Fault::at("GET", format!("/workers/services/{PRODUCTION}"), action)
}

fn of_script(method: &'static str, what: &str, action: Action) -> Fault {
    Fault::at(method, format!("/workers/scripts/{PRODUCTION}/{what}"), action)
}

/// A bug that shows only with all the traffic.
fn bug(site: &Site) {
    site.project
        .code("export class LogBuffer extends worker.LogBuffer { fetch() { throw new Error(\"broken\"); } }");
}

scenarios! {
    // What passes is tried again, or looked at: it was done, or is done.
    no_question_is_answered_at_first(site) {
        site.plane.plant(deployments("GET", ERROR).nth(1));
        site.plane.plant(version(BUSY).nth(1));
        site.plane.plant(versions("GET", Action::Garbage).nth(1));
        &[]
    } => 0, New;
    an_upload_fails_at_first(site) { site.plane.plant(versions("POST", ERROR).nth(1)); &[] } => 0, New;
    an_upload_s_answer_is_lost(site) { site.plane.plant(versions("POST", Action::LoseAnswer).nth(1)); &[] } => 0, New;
    the_try_beside_fails_at_first(site) { site.plane.plant(deployments("POST", ERROR).nth(1)); &[] } => 0, New;
    the_try_s_answer_is_lost(site) { site.plane.plant(deployments("POST", Action::LoseAnswer).nth(1)); &[] } => 0, New;
    the_switch_is_to_come_back_later(site) { site.plane.plant(deployments("POST", BUSY).nth(2)); &[] } => 0, New;
    the_switch_s_answer_is_lost(site) { site.plane.plant(deployments("POST", Action::LoseAnswer).nth(2)); &[] } => 0, New;
    the_switch_s_answer_is_garbage(site) { site.plane.plant(deployments("POST", Action::Garbage).nth(2)); &[] } => 0, New;

    the_settings_cannot_be_read_for_the_upload(site) {
        // wrangler does without.
        site.plane.plant(of_script("GET", "settings", ERROR));
        &[]
    } => 0, New;

    // What stays stops it, where the old version never lost the traffic.
    the_live_deployment_cannot_be_read(site) { site.plane.plant(deployments("GET", ERROR)); &[] } => 1, Old, says "hint: wait a minute";
    the_api_is_busy_for_good(site) { site.plane.plant(versions("POST", BUSY)); &[] } => 1, Old, says "serves, as before";
    the_upload_fails_for_good(site) { site.plane.plant(versions("POST", ERROR)); &[] } => 1, Old, says "serves, as before";
    the_live_version_cannot_be_read(site) { site.plane.plant(version(ERROR)); &[] } => 1, Old, says "hint: wait a minute";
    the_versions_cannot_be_listed(site) { site.plane.plant(versions("GET", BUSY)); &[] } => 1, Old, says "wrangler versions list";
    the_secrets_names_cannot_be_read_for_the_upload(site) {
        site.plane.plant(of_script("GET", "secrets", ERROR));
        &[]
    } => 1, Old, says "serves, as before";
    the_worker_s_record_cannot_be_read(site) { site.plane.plant(service(ERROR)); &[] } => 1, Old, says "serves, as before";
    the_try_fails_for_good(site) { site.plane.plant(deployments("POST", ERROR)); &[] } => 1, Old, says "serves, as before";
    the_api_hangs_at_the_first_question(site) {
        site.plane.plant(deployments("GET", Action::Hang));
        &["--wrangler-timeout", "5s"]
    } => 1, Old, says "not over after 5 s";
    the_api_hangs_at_the_upload(site) {
        site.plane.plant(versions("POST", Action::Hang));
        &["--wrangler-timeout", "5s"]
    } => 1, Old, says "not over after 15 s";
    the_api_hangs_at_the_try(site) {
        site.plane.plant(deployments("POST", Action::Hang).nth(1));
        &["--wrangler-timeout", "5s"]
    } => 1, Old, says "not over after 15 s";
    the_api_hangs_at_the_switch(site) {
        site.plane.plant(deployments("POST", Action::Hang).nth(2));
        &["--wrangler-timeout", "5s"]
    } => 1, Old, says "not over after 15 s";
    the_switch_hangs_and_is_done_all_the_same(site) {
        site.plane.plant(deployments("POST", Action::ExecuteAndHang).nth(2));
        &["--wrangler-timeout", "5s"]
    } => 0, New;

    // The switch fails for good, and so does taking the version from its place beside the old one.
    the_switch_fails_for_good(site) {
        site.plane.plant(deployments("POST", ERROR).from(2));
        &[]
    } => 1, OldBeside, says "may stand beside it without traffic", says "next: npx wrangler versions deploy";

    // What belongs to no version comes last, and cannot take the new version's proof away.
    settings_that_belong_to_no_version_are_refused(site) {
        site.plane.plant(of_script("PATCH", "script-settings", ERROR));
        &[]
    } => 0, New;
    the_workers_dev_name_cannot_be_set(site) {
        site.plane.plant(of_script("POST", "subdomain", ERROR));
        &[]
    } => 2, New, says "routes and schedules may be as before";

    // The edge.
    the_switch_is_accepted_and_never_takes_effect(site) {
        site.plane.plant(deployments("POST", Action::Freeze).nth(2));
        &[]
    } => 3, Old, says "does not serve after 6 s";
    no_deployment_takes_effect(site) { site.plane.freeze(); &[] } => 1, Old, says "does not serve after 6 s";
    propagation_takes_30_s(site) {
        site.plane.plant(deployments("POST", Action::Slow(Duration::from_secs(30))).nth(2));
        &["--timeout", "60s"]
    } => 0, New;

    // The API is gone when it is needed most.
    the_api_is_down_after_a_good_switch(site) {
        site.plane.plant(deployments("POST", Action::DownAfter).nth(2));
        &[]
    } => 2, New, says "the API does not say so";
    the_api_is_down_on_the_way_back(site) {
        bug(&site);
        site.plane.plant(deployments("POST", Action::DownAfter).nth(2));
        &[]
    } => 4, Bad, says "what is live cannot be read", says "next: npx wrangler versions deploy";
    the_way_back_fails(site) {
        bug(&site);
        site.plane.plant(deployments("POST", ERROR).from(3));
        &[]
    } => 4, Bad, says "the way back failed";
    the_way_back_s_answer_is_lost(site) {
        bug(&site);
        site.plane.plant(deployments("POST", Action::LoseAnswer).nth(3));
        &[]
    } => 3, Old, says "is back";
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_is_no_network() {
    let Some((site, old)) = Site::deployed().await else {
        return common::skip("ops deploy", "run scripts/build");
    };
    let mut command = site.ops(&["deploy", "--wrangler-timeout", "20s"]);
    let child = command.env("CLOUDFLARE_API_BASE_URL", "http://127.0.0.1:9/client/v4").spawn().unwrap();
    let told = control_plane::scenario::finish(child).await;
    assert_eq!(told.exit, Some(1), "{}", told.all());
    assert!(told.stderr.contains("hint: look at the network and at HTTPS_PROXY"), "{}", told.all());
    site.ends(&old, control_plane::Ends::Old, &told).await;
}
