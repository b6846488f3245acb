//! The live worker, compared with wrangler.toml: vars, bindings, compatibility date, migrations, cron triggers, routes.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    time::Duration,
};

use log_ingestion_worker::config::Environment;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::Found;
use crate::{
    project::Project,
    run::Run,
    wrangler::{
        CALL_LIMIT, Wrangler,
        tools::Tools,
        types::{Binding, Live, Version},
    },
};

/// Where the API is, unless `CLOUDFLARE_API_BASE_URL` says otherwise; wrangler reads the same variable.
const API: &str = "https://api.cloudflare.com/client/v4";
/// Longest time the API may take to answer one question.
const LIMIT: Duration = Duration::from_secs(20);
const DEPLOY: &str = "ops deploy; or correct wrangler.toml";
/// wrangler replaces the cron triggers that stand there by those that wrangler.toml states, and leaves them alone where it
/// says nothing of them. `triggers.crons` of an empty list is a statement.
const CRONS: &str = "state it in wrangler.toml; or state none there (crons = [] under the environment's triggers), then: \
                     ops deploy; or remove it in Cloudflare's dashboard";
/// wrangler removes no route as long as wrangler.toml has none; an empty list is none.
const ROUTES: &str =
    "state it in wrangler.toml; or remove it in Cloudflare's dashboard: a deployment does not";

/// The live worker of one environment, as far as it can be read.
pub enum Looked {
    /// This version has the traffic.
    Version(Wrangler, Box<Version>),
    /// Why it cannot be read, and what to do.
    Unreadable(String, String),
}

/// Reads it.
pub async fn look(run: &Run, project: &Project, environment: Environment) -> Looked {
    let unreadable = |why: &str, hint: &str| Looked::Unreadable(why.to_owned(), hint.to_owned());
    let tools = match Tools::find(project.root()) {
        Ok(tools) => tools,
        Err(failure) => return unreadable(failure.message(), failure.hint()),
    };
    let limit = run.globals().timeout.unwrap_or(CALL_LIMIT);
    let wrangler = Wrangler::new(tools, project.root(), environment, limit);
    let version = match wrangler.live().await {
        Ok(Live::Absent) => return unreadable("nothing is deployed", DEPLOY),
        Ok(Live::Deployed(live)) => match live.sole() {
            Some(id) => wrangler.version(id).await,
            None => {
                let why = format!("a gradual deployment is under way: {}", live.shares());
                return unreadable(&why, "wait until it has ended");
            }
        },
        Err(trouble) => Err(trouble),
    };
    match version {
        Ok(version) => Looked::Version(wrangler, Box::new(version)),
        Err(trouble) => unreadable(&trouble.to_string(), trouble.failure().hint()),
    }
}

/// Compares one environment.
pub async fn compare(
    run: &Run,
    project: &Project,
    environment: Environment,
    looked: &Looked,
    found: &mut Found,
) {
    let worker = project.worker_name(environment);
    let place = format!("live worker {worker}");
    let at = (environment, place.as_str());
    match looked {
        Looked::Unreadable(why, hint) => found.unreadable(at, why.as_str(), hint),
        Looked::Version(wrangler, version) => {
            found.compared += 1;
            of_version(project, at, version, found);
            triggers(run, project, at, (wrangler, &worker), found).await;
        }
    }
}

fn of_version(project: &Project, at: (Environment, &str), version: &Version, found: &mut Found) {
    let environment = at.0;
    let bindings = &version.resources.bindings;
    let live: BTreeMap<&str, &str> = bindings
        .iter()
        .filter(|binding| binding.kind == "plain_text")
        .map(|binding| (binding.name.as_str(), binding.text.as_deref().unwrap_or_default()))
        .collect();
    let stated = project.vars(environment);
    for (name, value) in &stated {
        match live.get(name.as_str()) {
            None => found.drift(at, name, "var of wrangler.toml is not live", DEPLOY),
            Some(live) if live != value => {
                found.drift(at, name, format!("var is {live:?} there, {value:?} in wrangler.toml"), DEPLOY);
            }
            Some(_) => {}
        }
    }
    for name in live.keys().filter(|name| !stated.contains_key(**name)) {
        found.drift(at, name, "var is live, and not in wrangler.toml", DEPLOY);
    }
    let stated = stated_bindings(project, environment);
    let live: BTreeMap<String, String> = bindings
        .iter()
        .filter(|binding| !["plain_text", "secret_text", "json"].contains(&binding.kind.as_str()))
        .map(|binding| (binding.name.clone(), described(binding)))
        .collect();
    for (name, what) in &stated {
        match live.get(name) {
            None => found.drift(at, name, format!("binding ({what}) of wrangler.toml is not live"), DEPLOY),
            Some(live) if live != what => {
                found.drift(at, name, format!("binding is {live} there, {what} in wrangler.toml"), DEPLOY);
            }
            Some(_) => {}
        }
    }
    for (name, what) in live.iter().filter(|(name, _)| !stated.contains_key(*name)) {
        found.drift(at, name, format!("binding ({what}) is live, and not in wrangler.toml"), DEPLOY);
    }
    let stated = project.inherited(environment, "compatibility_date").and_then(Value::as_str);
    let live = version.resources.script_runtime.compatibility_date.as_deref();
    if stated != live {
        let said = |date: Option<&str>| date.unwrap_or("none").to_owned();
        let message = format!("is {} there, {} in wrangler.toml", said(live), said(stated));
        found.drift(at, "compatibility_date", message, DEPLOY);
    }
    let migrations = project.migrations(environment);
    if migrations.last().map(String::as_str) != version.migration_tag() {
        let said = |tag: Option<&str>| tag.unwrap_or("none").to_owned();
        let message = format!(
            "is {} there, {} in wrangler.toml",
            said(version.migration_tag()),
            said(migrations.last().map(String::as_str))
        );
        found.drift(at, "migration tag", message, DEPLOY);
    }
}

/// Lists of bindings in wrangler.toml: the path, what holds a binding's name, and what the API calls its kind.
const BINDINGS: [(&[&str], &str, &str); 11] = [
    (&["durable_objects", "bindings"], "name", "durable_object_namespace"),
    (&["ratelimits"], "name", "ratelimit"),
    (&["version_metadata"], "binding", "version_metadata"),
    (&["kv_namespaces"], "binding", "kv_namespace"),
    (&["r2_buckets"], "binding", "r2_bucket"),
    (&["d1_databases"], "binding", "d1"),
    (&["services"], "binding", "service"),
    (&["queues", "producers"], "binding", "queue"),
    (&["analytics_engine_datasets"], "binding", "analytics_engine"),
    (&["hyperdrive"], "binding", "hyperdrive"),
    (&["ai"], "binding", "ai"),
];

fn stated_bindings(project: &Project, environment: Environment) -> BTreeMap<String, String> {
    let mut stated = BTreeMap::new();
    for (path, name, kind) in BINDINGS {
        let Some((first, rest)) = path.split_first() else { continue };
        let found = project.own(environment, first);
        let found = rest.iter().try_fold(found, |value, step| Some(value?.get(step))).flatten();
        let several = found.and_then(Value::as_array).into_iter().flatten();
        for binding in found.filter(|value| value.is_object()).into_iter().chain(several) {
            let word = |key: &str| binding.get(key).and_then(Value::as_str);
            let Some(name) = word(name) else { continue };
            let class = word("class_name").map(|class| format!(" {class}")).unwrap_or_default();
            stated.insert(name.to_owned(), format!("{kind}{class}"));
        }
    }
    stated
}

fn described(binding: &Binding) -> String {
    let class = binding.class_name.as_ref().map(|class| format!(" {class}")).unwrap_or_default();
    format!("{}{class}", binding.kind)
}

/// Cron triggers and routes, which no version has and wrangler does not tell.
async fn triggers(
    run: &Run,
    project: &Project,
    at: (Environment, &str),
    (wrangler, worker): (&Wrangler, &str),
    found: &mut Found,
) {
    let environment = at.0;
    let api = match Api::open(run, project, wrangler).await {
        Ok(api) => api,
        Err(why) => {
            return found.unreadable(
                at,
                format!("cron triggers and routes: {why}"),
                "set CLOUDFLARE_API_TOKEN",
            );
        }
    };
    let crons = project.inherited(environment, "triggers").and_then(|triggers| triggers.get("crons"));
    let stated = crons.and_then(Value::as_array).into_iter().flatten();
    let stated = stated.filter_map(Value::as_str).map(str::to_owned).collect();
    match api.get::<Schedules>(&format!("workers/scripts/{worker}/schedules")).await {
        Ok(live) => {
            let live = live.schedules.into_iter().map(|schedule| schedule.cron).collect();
            let extra = if crons.is_some() { DEPLOY } else { CRONS };
            differ(at, ("cron trigger", extra), &stated, &live, found);
        }
        Err(why) => {
            found.unreadable(at, format!("cron triggers: {why}"), "may the token read Workers Scripts?")
        }
    }
    let path = format!("workers/services/{worker}/environments/production/routes?show_zonename=true");
    match api.get::<Vec<Route>>(&path).await {
        Ok(live) => {
            let live = live.into_iter().map(|route| route.pattern).collect();
            differ(at, ("route", ROUTES), &stated_routes(project, environment), &live, found);
        }
        Err(why) => found.unreadable(at, format!("routes: {why}"), "may the token read Workers Routes?"),
    }
}

#[derive(Deserialize)]
struct Schedules {
    #[serde(default)]
    schedules: Vec<Schedule>,
}

#[derive(Deserialize)]
struct Schedule {
    cron: String,
}

#[derive(Deserialize)]
struct Route {
    pattern: String,
}

/// Custom domains are no routes: they are told elsewhere, and not compared.
fn stated_routes(project: &Project, environment: Environment) -> BTreeSet<String> {
    let one = project.inherited(environment, "route");
    let many = project.inherited(environment, "routes").and_then(Value::as_array).into_iter().flatten();
    one.into_iter()
        .chain(many)
        .filter(|route| route.get("custom_domain").and_then(Value::as_bool) != Some(true))
        .filter_map(|route| route.as_str().or_else(|| route.get("pattern")?.as_str()))
        .map(str::to_owned)
        .collect()
}

fn differ(
    at: (Environment, &str),
    (what, extra): (&str, &str),
    stated: &BTreeSet<String>,
    live: &BTreeSet<String>,
    found: &mut Found,
) {
    for name in stated.difference(live) {
        found.drift(at, name, format!("{what} of wrangler.toml is not live"), DEPLOY);
    }
    for name in live.difference(stated) {
        found.drift(at, name, format!("{what} is live, and not in wrangler.toml"), extra);
    }
}

/// The API, for what wrangler does not tell.
struct Api {
    client: reqwest::Client,
    base: String,
    token: String,
}

impl Api {
    async fn open(run: &Run, project: &Project, wrangler: &Wrangler) -> Result<Api, String> {
        let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let token = set("CLOUDFLARE_API_TOKEN")
            .ok_or("they are read with a token alone, not with wrangler's login")?;
        run.mask().hide(&token);
        let stated = project.inherited(Environment::Development, "account_id").and_then(Value::as_str);
        let account = match set("CLOUDFLARE_ACCOUNT_ID").or_else(|| stated.map(str::to_owned)) {
            Some(account) => account,
            None => {
                let identity = wrangler.whoami().await.map_err(|trouble| trouble.to_string())?;
                match identity.accounts.as_slice() {
                    [one] => one.id.clone(),
                    _ => return Err("the token sees several accounts: set CLOUDFLARE_ACCOUNT_ID".into()),
                }
            }
        };
        let base = set("CLOUDFLARE_API_BASE_URL").unwrap_or_else(|| API.to_owned());
        let client = reqwest::Client::builder().timeout(LIMIT).build().map_err(|cause| cause.to_string())?;
        Ok(Api { client, base: format!("{}/accounts/{account}", base.trim_end_matches('/')), token })
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, String> {
        #[derive(Deserialize)]
        struct Answer<T> {
            result: Option<T>,
        }
        let request = self.client.get(format!("{}/{path}", self.base)).bearer_auth(&self.token);
        let answer = request.send().await.map_err(|cause| cause.without_url().to_string())?;
        let status = answer.status();
        if !status.is_success() {
            return Err(format!("the API answered {status}"));
        }
        let answer: Answer<T> = answer.json().await.map_err(|cause| cause.without_url().to_string())?;
        answer.result.ok_or_else(|| "the API answered without a result".to_owned())
    }
}
