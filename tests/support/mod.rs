//! What the black-box tests share: a stage (the real worker in workerd, before a local Upstash server) and a client.
//!
//! A test that only speaks HTTP asks for [`shared`]: all such tests of a file use one stage, and with `BASE_URL` set
//! they verify that deployment instead. A test that needs its own vars, or breaks something, asks for a [`Setup`];
//! with `BASE_URL` set it says loudly that it is skipped. A deployment to verify needs quotas that some thousand logs
//! do not exhaust.
#![allow(dead_code, unused_imports, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod attack;
mod client;
mod javascript;
mod traffic;
pub mod viewer;

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    ops::Deref,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Weak},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ops::{
    process::eventually,
    upstash::{
        Options, Server,
        store::{RedisServer, find_redis_server},
    },
    workerd::{Config, Workerd, find_workerd},
};
use serde_json::{Value, json};
use tokio::{runtime::Runtime, sync::Mutex};

pub use client::{Client, Response, encoded};
pub use javascript::javascript;
pub use traffic::{Traffic, listed};

/// Longer than anything that is waited for takes on a busy machine; a test that passes never waits so long.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Quotas no test reaches by accident.
const GENEROUS: &str = "1000000";

/// The worker's vars that are quotas.
pub const QUOTAS: [&str; 6] = [
    "RATE_LIMIT_GLOBAL",
    "RATE_LIMIT_BROWSER",
    "RATE_LIMIT_CONVEX",
    "RATE_LIMIT_WORKER",
    "RATE_LIMIT_MANUAL",
    "RATE_LIMIT_TRACE",
];

/// The servers of a stage outlive the test that starts it, and so does what they run on.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
});

static SHARED: LazyLock<Mutex<Weak<Stage>>> = LazyLock::new(|| Mutex::new(Weak::new()));

/// How the stage is set: what the worker gets beyond wrangler.toml.
#[derive(Clone, Default)]
pub struct Setup {
    environment: Option<&'static str>,
    vars: Vec<(String, Option<String>)>,
    faulty: bool,
    front: Option<&'static str>,
    real_redis: bool,
    disk: Option<PathBuf>,
}

impl Setup {
    /// With quotas that no test reaches by accident.
    pub fn generous() -> Setup {
        QUOTAS.into_iter().fold(Setup::default(), |setup, quota| setup.var(quota, GENEROUS))
    }

    /// Sets a var or a secret.
    pub fn var(mut self, name: &str, value: impl Into<String>) -> Setup {
        self.vars.push((name.to_owned(), Some(value.into())));
        self
    }

    /// Takes a var or a secret away.
    pub fn without(mut self, name: &str) -> Setup {
        self.vars.push((name.to_owned(), None));
        self
    }

    /// Takes `[env.production]` of wrangler.toml.
    pub fn production(mut self) -> Setup {
        self.environment = Some("production");
        self
    }

    /// Runs the bundle with faults that tests can trigger.
    pub fn faulty(mut self) -> Setup {
        self.faulty = true;
        self
    }

    /// Puts this module of `tests/fixtures` in front of the bundle, which it finds as `./worker.js`.
    pub fn front(mut self, module: &'static str) -> Setup {
        self.front = Some(module);
        self
    }

    /// Puts a real Redis behind the Upstash server instead of the memory store.
    pub fn real_redis(mut self) -> Setup {
        self.real_redis = true;
        self
    }

    /// Keeps the Durable Objects' storage in this folder.
    pub fn disk(mut self, folder: &Path) -> Setup {
        self.disk = Some(folder.to_owned());
        self
    }

    /// Starts everything, and is done when the worker answers. Nothing when a deployment is tested, or when there is
    /// no real Redis and one was asked for; that is said loudly.
    pub async fn start(self) -> Option<Stage> {
        if std::env::var_os("BASE_URL").is_some() {
            skip("it needs a worker of its own, and BASE_URL names a deployment");
            return None;
        }
        RUNTIME.spawn(self.begin()).await.unwrap()
    }

    async fn begin(self) -> Option<Stage> {
        let mut behind = None;
        let mut options = Options::default();
        if self.real_redis {
            let Some(program) = find_redis_server(&project()) else {
                missing("there is no redis-server on this machine");
                return None;
            };
            let data = tempfile::tempdir().unwrap();
            let server = RedisServer::start(&program, data.path(), false).await.unwrap();
            options.store = Arc::new(server.store());
            behind = Some((server, data));
        }
        let redis = Server::start(options).await.unwrap();
        let mut bundle = bundle(self.faulty);
        let fronted = tempfile::tempdir().unwrap(); // workerd runs a copy of its own
        if let Some(module) = self.front {
            std::fs::copy(bundle.join("entry.js"), fronted.path().join("worker.js")).unwrap();
            std::fs::copy(bundle.join("index_bg.wasm"), fronted.path().join("index_bg.wasm")).unwrap();
            std::fs::copy(project().join("tests/fixtures").join(module), fronted.path().join("entry.js"))
                .unwrap();
            bundle = fronted.path().to_owned();
        }
        let mut config = Config::from_wrangler(bundle, &project().join("wrangler.toml"), self.environment)
            .unwrap()
            .var("UPSTASH_REDIS_REST_URL", redis.url())
            .var("UPSTASH_REDIS_REST_TOKEN", redis.token());
        config.program = Some(find_workerd(&project()).unwrap());
        config.disk = self.disk;
        for (name, value) in self.vars {
            match value {
                Some(value) => config.vars.insert(name, value),
                None => config.vars.remove(&name),
            };
        }
        let origins = config.vars.get("ALLOWED_ORIGINS").cloned().unwrap_or_default();
        let workerd = Workerd::start(config).await.unwrap_or_else(|cause| {
            panic!("{cause}\nhint: scripts/build makes the bundle, scripts/test runs everything in order")
        });
        let client = Client::local(workerd.url(), &origins);
        Some(Stage { client, workerd, redis, _behind: behind })
    }
}

/// A worker of our own and its Redis. Gone when dropped, with everything it stored.
pub struct Stage {
    client: Client,
    /// The worker: crash it, restart it, read its log.
    pub workerd: Workerd,
    /// Its Redis: break it, count its commands, look past the worker.
    pub redis: Server,
    _behind: Option<(RedisServer, tempfile::TempDir)>,
}

impl Stage {
    /// A stage with generous quotas; see [`Setup::start`].
    pub async fn start() -> Option<Stage> {
        Setup::generous().start().await
    }

    /// A trace's LIST in Redis, newest first, past the worker and all faults.
    pub async fn list(&self, trace_id: &str) -> Vec<String> {
        let key = format!("logs:{trace_id}");
        self.redis.run(&["LRANGE", key.as_str(), "0", "-1"]).await.unwrap().texts()
    }

    /// Waits until a trace's LIST has this many elements, and returns them, newest first.
    pub async fn flushed(&self, trace_id: &str, count: usize) -> Vec<String> {
        let what = format!("{trace_id} has {count} elements in Redis");
        wait_until(&what, PATIENCE, || async { self.list(trace_id).await.len() >= count }).await;
        self.list(trace_id).await
    }

    /// Waits until the worker says that nothing waits for Redis.
    pub async fn drained(&self) {
        let waiting = || async {
            let health = self.health().await;
            health.json.pointer("/components/buffer/waiting") == Some(&json!(0))
        };
        wait_until("nothing waits for Redis", PATIENCE, waiting).await;
    }
}

impl Deref for Stage {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// A client of the stage that this file's tests share, or of the deployment at `BASE_URL`.
pub struct Shared {
    client: Client,
    stage: Option<Arc<Stage>>,
}

impl Shared {
    /// The stage behind it, for a look past the worker; nothing (said loudly) when it is a deployment.
    pub fn stage(&self) -> Option<&Stage> {
        if self.stage.is_none() {
            skip("the part of this test that looks past the worker: BASE_URL names a deployment");
        }
        self.stage.as_deref()
    }
}

impl Deref for Shared {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// The worker to talk to: one with generous quotas that this file's tests share and that ends with the last of them,
/// or the deployment at `BASE_URL`.
pub async fn shared() -> Shared {
    if let Ok(base) = std::env::var("BASE_URL") {
        return Shared { client: Client::deployed(&base), stage: None };
    }
    let mut shared = SHARED.lock().await;
    let stage = match shared.upgrade() {
        Some(stage) => stage,
        None => Arc::new(Stage::start().await.unwrap()),
    };
    *shared = Arc::downgrade(&stage);
    // Connections belong to the runtime of one test.
    Shared { client: stage.client.again(), stage: Some(stage) }
}

/// A log as a client posts it.
pub fn log(trace_id: &str, message: &str) -> Value {
    json!({ "trace_id": trace_id, "message": message, "level": "log" })
}

/// A log of a trace with these fields beside trace_id, message and level, or instead of them.
pub fn with(trace_id: &str, fields: Value) -> Value {
    let mut log = log(trace_id, "hello");
    let (Value::Object(log_fields), Value::Object(fields)) = (&mut log, fields) else { panic!("no object") };
    log_fields.extend(fields);
    log
}

/// A trace id nobody has used, of the form a browser makes them.
pub fn fresh_trace() -> String {
    let mut number = RandomState::new().build_hasher().finish();
    let mut digits = String::new();
    for _ in 0..9 {
        digits.extend(char::from_digit((number % 36) as u32, 36));
        number /= 36;
    }
    format!("trace_{}_{digits}", now_ms())
}

/// Unix time in ms.
pub fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap()
}

/// Waits until the condition holds; fails, saying what was waited for, when it does not within the limit.
pub async fn wait_until<F: Future<Output = bool>>(what: &str, limit: Duration, condition: impl FnMut() -> F) {
    assert!(eventually(limit, condition).await, "not within {limit:?}: {what}");
}

/// The project's folder.
pub fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The project's own Node, or the machine's.
pub fn node() -> PathBuf {
    let own = project().join("node_modules/.bin/node");
    if own.exists() { own } else { PathBuf::from("node") }
}

/// Says loudly that something was not tested.
pub fn skip(why: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    eprintln!("SKIPPED: {test}: {why}");
}

/// Says loudly that something was not tested for want of a tool; where nothing may be left out (`CI=true`) it fails.
pub fn missing(why: &str) {
    skip(why);
    assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{why}");
}

fn bundle(faulty: bool) -> PathBuf {
    let (variable, folder) = if faulty {
        ("LOG_WORKER_FAULT_BUNDLE", "build-faults/bundle")
    } else {
        ("LOG_WORKER_BUNDLE", "build/bundle")
    };
    std::env::var_os(variable).map_or_else(|| project().join(folder), PathBuf::from)
}
