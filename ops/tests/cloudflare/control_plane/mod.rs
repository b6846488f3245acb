//! A local stand-in for Cloudflare's Workers API and for the edge behind it, which the real wrangler talks to through
//! `CLOUDFLARE_API_BASE_URL`.
//!
//! | module | what it models |
//! | --- | --- |
//! | `server` | the listener at `/client/v4`: token, faults, journal, and which handler a call belongs to |
//! | `envelope` | the answer's envelope and the API's error codes |
//! | `account` | tokens and what they may do, the account behind them |
//! | `upload`, `migrations` | multipart uploads, inherited bindings, Durable Object migrations |
//! | `script` | a Worker: its versions, deployments and settings, and what the API says of them |
//! | `deployments`, `secrets`, `settings` | the calls on it |
//! | `faults` | what goes wrong, at which call |
//! | `runtime` | the uploaded bundles, running in workerd |
//! | `front` | where the deployed Worker answers: one port for ever |
//! | `project`, `site` | a checkout of this repository for wrangler to work in; production as tests find it |
//! | `rollback` | production with a version before the live one |
//! | `scenario` | one `ops deploy`, and how it must end |
//!
//! # The model of the edge
//!
//! **Versions.** Each uploaded version runs in a workerd of its own, from the upload on (which is where a module that
//! throws is found out: 10021) for as long as it is deployed. The front gives each request to one of the deployed
//! versions, by percentage or by the `Cloudflare-Workers-Version-Overrides` header.
//!
//! **Durable Objects** live elsewhere, as on the platform: one further workerd per Worker, whose disk outlives every
//! version, so state survives a deploy. It runs one version at a time, the one with the largest share (the platform
//! assigns a version to each object; with 0 and 100 % that is the same). The classes a version's own workerd sees are
//! stand-ins that send each request on. A deployment whose `code_update_strategy` is `immediate` restarts this
//! workerd with the new code; `deferred` (wrangler's default) leaves the old code running until `max_delay` is over or
//! [`ControlPlane::evict_objects`]. A migration restarts it at once. Of an object's interface `fetch` and methods
//! that take and return JSON and bytes are modelled; streams, stubs and WebSockets are not.
//!
//! **Propagation.** A deployment is the truth in the API at once, and takes effect at the front after
//! [`ControlPlane::set_propagation`]; after [`ControlPlane::freeze`] it never does.

mod account;
mod deployments;
mod envelope;
mod faults;
mod front;
mod migrations;
mod project;
pub mod rollback;
mod runtime;
pub mod scenario;
mod script;
mod secrets;
mod server;
mod settings;
mod site;
mod upload;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex as SyncMutex, atomic::AtomicBool},
    time::Duration,
};

use tokio::sync::Mutex;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use account::{ACCOUNT, Access, TOKEN};
pub use faults::{Action, Fault};
pub use project::{PRODUCTION, Project};
pub(crate) use scenario::scenarios;
pub use scenario::{Ends, Told};
pub use script::Version;
pub use site::{ADMIN_TOKEN, Site};

use faults::Faults;
use script::Script;

/// A running control plane. Dropping it ends the server and every workerd.
pub struct ControlPlane {
    core: Arc<Core>,
    url: String,
    _end: DropGuard,
}

/// What every request shares.
struct Core {
    tokens: SyncMutex<BTreeMap<String, Access>>,
    faults: Faults,
    calls: SyncMutex<Vec<String>>,
    propagation: SyncMutex<Duration>,
    frozen: SyncMutex<bool>,
    down: AtomicBool,
    scripts: Mutex<BTreeMap<String, Script>>,
    end: CancellationToken,
}

impl ControlPlane {
    /// Starts listening on a free loopback port; [`TOKEN`] may do everything.
    pub async fn start() -> ControlPlane {
        let end = CancellationToken::new();
        let core = Arc::new(Core {
            tokens: SyncMutex::new(BTreeMap::from([(TOKEN.to_owned(), Access::Full)])),
            faults: Faults::default(),
            calls: SyncMutex::default(),
            propagation: SyncMutex::new(Duration::ZERO),
            frozen: SyncMutex::new(false),
            down: AtomicBool::new(false),
            scripts: Mutex::default(),
            end: end.clone(),
        });
        let url = server::start(core.clone()).await;
        ControlPlane { core, url, _end: end.drop_guard() }
    }

    /// For `CLOUDFLARE_API_BASE_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Lets another token in.
    pub fn allow(&self, token: &str, access: Access) {
        self.core.tokens.lock().unwrap().insert(token.to_owned(), access);
    }

    /// Plants a fault. Those planted first are asked first.
    pub fn plant(&self, fault: Fault) {
        self.core.faults.plant(fault);
    }

    /// How long a deployment takes to reach the front from now on.
    pub fn set_propagation(&self, delay: Duration) {
        *self.core.propagation.lock().unwrap() = delay;
    }

    /// From now on deployments are accepted and never take effect.
    pub fn freeze(&self) {
        *self.core.frozen.lock().unwrap() = true;
    }

    /// Every call so far as `METHOD path status`, without `/client/v4/accounts/ID` (`-` for one that got no answer).
    pub fn calls(&self) -> Vec<String> {
        self.core.calls.lock().unwrap().clone()
    }

    /// Where a Worker of this name answers, now or later.
    pub async fn front(&self, script: &str) -> String {
        let mut scripts = self.core.scripts.lock().await;
        script::entry(&mut scripts, script, &self.core.end).await.runtime.front.url()
    }

    /// What the API says is deployed: version ids and percentages; empty for a Worker that is absent.
    pub async fn deployed(&self, script: &str) -> Vec<(String, f64)> {
        let scripts = self.core.scripts.lock().await;
        scripts.get(script).and_then(Script::live).map(|live| live.versions.clone()).unwrap_or_default()
    }

    /// The ids of every version, oldest first.
    pub async fn versions(&self, script: &str) -> Vec<String> {
        let scripts = self.core.scripts.lock().await;
        let versions = scripts.get(script).map(|script| &script.versions);
        versions.into_iter().flatten().map(|version| version.id.clone()).collect()
    }

    /// The names of the live version's secrets.
    pub async fn secrets(&self, script: &str) -> Vec<String> {
        let scripts = self.core.scripts.lock().await;
        scripts.get(script).map(Script::secret_names).unwrap_or_default()
    }

    /// A version's secret.
    pub async fn secret(&self, script: &str, version: &str, secret: &str) -> Option<String> {
        let scripts = self.core.scripts.lock().await;
        scripts.get(script)?.find(version).ok()?.secrets().remove(secret)
    }

    /// Who uploaded a version.
    pub async fn author(&self, script: &str, version: &str) -> String {
        let scripts = self.core.scripts.lock().await;
        scripts
            .get(script)
            .and_then(|script| script.find(version).ok())
            .map(|found| found.author.to_owned())
            .unwrap()
    }

    /// Someone else deploys a version of their own: the live code again. Its id.
    pub async fn someone_deploys(&self, script: &str) -> String {
        deployments::someone_deploys(&self.core, script).await
    }

    /// Someone else splits the traffic between the live version and a new one. The new one's id.
    pub async fn someone_splits(&self, script: &str, percentage: f64) -> String {
        deployments::someone_splits(&self.core, script, percentage).await
    }

    /// Someone else removes a secret.
    pub async fn someone_removes_secret(&self, script: &str, secret: &str) {
        deployments::someone_removes_secret(&self.core, script, secret).await;
    }

    /// Someone else deploys the live version with another binding, date or tag.
    pub async fn someone_edits(&self, script: &str, edit: impl FnOnce(&mut Version)) {
        deployments::someone_edits(&self.core, script, edit).await;
    }

    /// Shows the live version.
    pub async fn look(&self, script: &str, look: impl FnOnce(&Version)) {
        let scripts = self.core.scripts.lock().await;
        look(scripts.get(script).and_then(Script::live_version).unwrap());
    }

    /// Someone else sets the cron triggers and the routes.
    pub async fn someone_sets_triggers(&self, script: &str, crons: &[&str], routes: &[&str]) {
        settings::someone_sets_triggers(&self.core, script, crons, routes).await;
    }

    /// Someone else uploads a version of the live code without deploying it. Its id.
    pub async fn someone_uploads(&self, script: &str) -> String {
        deployments::someone_uploads(&self.core, script).await
    }

    /// Idle objects are thrown out: their next request runs the deployed code.
    pub async fn evict_objects(&self, script: &str) {
        let mut scripts = self.core.scripts.lock().await;
        if let Some(script) = scripts.get_mut(script) {
            script.update_objects().await.unwrap();
        }
    }
}
