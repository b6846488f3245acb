//! `LogBuffer`: the object of one shard. A shell over [`Shard`]: it gathers requests into one transaction, carries
//! out the steps towards Redis, and sees to it that there is always a next wake-up while something waits.
//!
//! What it stores, and when it cleans up: [`crate::buffer::row`].

mod append;
mod awake;
mod requests;
mod viewers;
mod wake;

use super::settings;
use super::storage::Storage;
use crate::buffer::wire;
use crate::buffer::{Shard, ShardSettings};
use crate::config::Config;
use crate::redis::Client;
use awake::{Awake, Held};
use futures_util::future::LocalBoxFuture;
use futures_util::lock::Mutex;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{
    DurableObject, Env, Request, Response, ResponseBuilder, Result, State, console_error, durable_object,
};

/// One shard of the buffer.
#[durable_object(alarm)]
pub struct LogBuffer {
    inner: Rc<Inner>,
}

impl DurableObject for LogBuffer {
    fn new(state: State, env: Env) -> Self {
        LogBuffer { inner: Rc::new(Inner::new(state, env)) }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let _awake = self.inner.awake.hold();
        let path = request.path();
        let body = request.bytes().await?;
        let answer = self.inner.answer(&path, body).await;
        match answer {
            Ok(body) => Ok(ResponseBuilder::new().fixed(body)),
            Err(Refusal { status, why }) => {
                console_error!("buffer {path}: {status} {why}");
                Ok(Response::ok(why)?.with_status(status))
            }
        }
    }

    async fn alarm(&self) -> Result<Response> {
        // Never fails: the platform stops repeating an alarm that throws (Cloudflare, "Alarms").
        self.inner.alarm().await;
        Response::ok("")
    }
}

#[wasm_bindgen]
impl LogBuffer {
    /// Begins a group of appends; src/group.mjs gathers it. Returns how long others may join, in ms.
    pub fn gather(&self) -> u32 {
        self.inner.gather()
    }

    /// Stores a group: what each body holds (an append, see [`wire`]). Returns for each its reply as bytes, once it is durable, or
    /// why it has none as a string.
    pub fn commit(&self, bodies: Vec<js_sys::Uint8Array>) -> js_sys::Promise {
        let inner = self.inner.clone();
        let group = bodies.iter().map(js_sys::Uint8Array::to_vec).collect();
        let awake = inner.gathering.take();
        wasm_bindgen_futures::future_to_promise(async move {
            let _awake = awake;
            let replies = inner.commit(group).await;
            let told = replies.into_iter().map(|reply| match reply {
                Ok(reply) => JsValue::from(js_sys::Uint8Array::from(reply.as_slice())),
                Err(why) => JsValue::from(why),
            });
            Ok(told.collect::<js_sys::Array>().into())
        })
    }
}

/// Why a request to the shard has no answer; for the worker's log, not for clients.
struct Refusal {
    status: u16,
    why: String,
}

impl<E: std::fmt::Display> From<E> for Refusal {
    fn from(error: E) -> Refusal {
        Refusal { status: 500, why: error.to_string() }
    }
}

type Answered = std::result::Result<Vec<u8>, Refusal>;

struct Inner {
    state: State,
    env: Env,
    storage: Storage,
    /// `None` before the first use, and after storage failed: then it is loaded anew.
    shard: RefCell<Option<Shard>>,
    /// Held from the first append of a group on.
    gathering: RefCell<Option<Held>>,
    /// Held by the one that commits a group.
    commit: Mutex<()>,
    /// Held by the one that talks to Redis for this shard.
    redis: Mutex<()>,
    running: Cell<bool>,
    /// When the timer that is set goes off, Unix ms.
    timer_at: Cell<Option<i64>>,
    /// Tells the newest timer from those it replaced.
    timer: Cell<u64>,
    /// When the alarm that is set goes off, Unix ms.
    alarm_at: Cell<Option<i64>>,
    last_append: Cell<i64>,
    awake: Rc<Awake>,
    /// What was redacted from logs posted here, by rule.
    redactions: RefCell<BTreeMap<String, u64>>,
}

impl Inner {
    fn new(state: State, env: Env) -> Inner {
        let storage = Storage::new(state.storage().sql());
        Inner {
            state,
            env,
            storage,
            shard: RefCell::new(None),
            gathering: RefCell::new(None),
            commit: Mutex::new(()),
            redis: Mutex::new(()),
            running: Cell::new(false),
            timer_at: Cell::new(None),
            timer: Cell::new(0),
            alarm_at: Cell::new(None),
            last_append: Cell::new(0),
            awake: Rc::default(),
            redactions: RefCell::new(BTreeMap::new()),
        }
    }

    async fn answer(self: &Rc<Self>, path: &str, body: Vec<u8>) -> Answered {
        self.with(|shard| shard.counters().requests += 1)?;
        let answer = self.answer_other(path, body).await;
        // Whatever woke an object with entries waiting sees to it that they get on their way.
        if let Err(error) = self.wake().await {
            console_error!("what was done stands, and no alarm is set: {error}");
        }
        self.schedule();
        answer
    }

    /// What waits is boxed, as the routes are (see `edge`).
    async fn answer_other(self: &Rc<Self>, path: &str, body: Vec<u8>) -> Answered {
        let work: LocalBoxFuture<'_, Answered> = match path {
            wire::READ => return self.read(&body, false),
            wire::RETAINED => return self.read(&body, true),
            wire::RECENT => return self.recent(&body),
            wire::STATUS => return self.status(),
            wire::RECALL => return Ok(serde_json::to_vec(&self.with(Shard::give_back)?)?),
            wire::CLEAR => Box::pin(self.clear(&body)),
            wire::SWEEP => Box::pin(self.sweep(&body)),
            wire::CHECK => Box::pin(self.check(&body)),
            wire::DRAIN => Box::pin(self.drain()),
            #[cfg(feature = "fault-injection")]
            "/fault/trap" => std::process::abort(),
            _ => return Err(Refusal { status: 404, why: "not found".to_string() }),
        };
        work.await
    }

    /// Works on the shard, after loading it if need be.
    fn with<T>(&self, work: impl FnOnce(&mut Shard) -> T) -> Result<T> {
        let mut shard = self.shard.borrow_mut();
        if shard.is_none() {
            *shard = Some(self.storage.load(self.settings()?, super::now())?);
        }
        match shard.as_mut() {
            Some(shard) => Ok(work(shard)),
            None => Err("the shard is not loaded".into()),
        }
    }

    fn config(&self) -> Result<Rc<Config>> {
        settings::config(&self.env).map_err(|problems| {
            let named: Vec<String> = problems.iter().map(ToString::to_string).collect();
            named.join("; ").into()
        })
    }

    fn settings(&self) -> Result<ShardSettings> {
        let config = self.config()?;
        let name = self.state.id().name().unwrap_or_default();
        let shard = name.strip_prefix("shard-").and_then(|number| number.parse().ok());
        // An object that an alarm woke may not know its name: then its number is found among all names.
        let by_id = || (0..config.shards).find(|&shard| self.is_shard(shard).unwrap_or(false));
        Ok(ShardSettings {
            shard: shard.or_else(by_id).unwrap_or(0),
            shards: config.shards,
            limits: config.limits,
            buffer_max_bytes: config.buffer_max_bytes,
            flush_delay_ms: config.flush_delay_ms,
            seed: seed(),
        })
    }

    fn is_shard(&self, shard: u32) -> Result<bool> {
        let named = self.env.durable_object(wire::BINDING)?;
        Ok(named.id_from_name(&wire::shard_name(shard))?.to_string() == self.state.id().to_string())
    }

    fn client(&self) -> Result<Client> {
        let config = self.config()?;
        let access = config.redis.clone().ok_or("no Redis is configured")?;
        Ok(Client::new(access, config.redis_timeout_ms))
    }

    fn checkpoint(&self) -> Result<()> {
        let stored = self.with(|shard| self.storage.checkpoint(shard, super::now()))?;
        // What memory holds is not what storage holds then: it is loaded anew.
        stored.inspect_err(|_| drop(self.shard.take()))
    }
}

fn seed() -> u64 {
    let mut bytes = [0; 8];
    // Without randomness hashing still works; it is only no secret how.
    let _ = getrandom::fill(&mut bytes);
    u64::from_le_bytes(bytes)
}
