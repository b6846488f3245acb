//! `RateLimiterDO`: the object named "global" that keeps the quota's ledger, a shell over [`Ledger`], and the tickets
//! that open a tail.
//!
//! Stores two values: under the key `ledger` its [`LedgerState`], version 1, written with each lease, and under `tickets`
//! what [`Tickets`] writes, whenever one is issued or used. On first use it takes over what the earlier worker's class
//! left under `rateLimitState`, and leaves that value where it is, for the way back. It never grows beyond a number per
//! shard and some hundred tickets, and needs no cleaning up.

use super::{hop, settings};
use crate::buffer::wire;
use crate::entry::System;
use crate::quota::{EarlierState, LEDGER_LAYOUT, LeaseRequest, Ledger, LedgerState, Limits, PerSystem};
use crate::tail::Tickets;
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

/// The binding of the object.
pub const BINDING: &str = "RATE_LIMIT_STATE";
/// The name of the one object.
pub const NAME: &str = "global";
/// `POST` [`LeaseRequest`] → [`crate::quota::LeaseReply`].
pub const LEASE: &str = "/lease";

/// `POST` → [`LimiterStatus`].
pub const STATUS: &str = "/status";
/// `POST` → [`LimiterStatus`], in a new window.
pub const RESET: &str = "/reset";
/// `POST` → [`LimiterStatus`], with the number of shards of the configuration. Only once every buffer is drained.
pub const RESHARD: &str = "/reshard";
/// `POST` → a new ticket, as text.
pub const TICKET: &str = "/ticket";
/// `POST` a ticket → `1` if it was one, which is used up by that; else `0`.
pub const REDEEM: &str = "/redeem";
/// How long a shard may take to give back what it holds, in ms: another waits meanwhile, for half of `HOP_TIMEOUT_MS`, and
/// takes the keeper for unreachable after that.
const RECALL_TIMEOUT_MS: u32 = 1_000;

/// How the keeper of the quotas stands. The version before answers without `version`.
#[derive(Debug, Serialize, Deserialize)]
pub struct LimiterStatus {
    /// The version of the code the object runs, as the platform names it.
    #[serde(default)]
    pub version: String,
    /// The quotas in force.
    #[serde(default)]
    pub limits: Limits,
    /// Tokens no shard holds, of all logs.
    #[serde(default)]
    pub left_global: u64,
    /// As `left_global`, per system.
    #[serde(default)]
    pub left: PerSystem,
    /// Its ledger.
    pub ledger: LedgerState,
}

const LEDGER_KEY: &str = "ledger";
const TICKETS_KEY: &str = "tickets";
const EARLIER_KEY: &str = "rateLimitState";

/// Whether the keeper fails whatever it is asked: what tests make of it being unreachable.
#[cfg(feature = "fault-injection")]
pub static AWAY: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// Keeper of the hour's quotas.
#[durable_object(fetch)]
pub struct RateLimiterDO {
    state: State,
    env: Env,
    ledger: RefCell<Option<Ledger>>,
}

impl DurableObject for RateLimiterDO {
    fn new(state: State, env: Env) -> Self {
        RateLimiterDO { state, env, ledger: RefCell::new(None) }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let path = request.path();
        #[cfg(feature = "fault-injection")]
        if AWAY.load(std::sync::atomic::Ordering::Relaxed) {
            return Response::error("away", 500);
        }
        if matches!(path.as_str(), TICKET | REDEEM) {
            let given = request.text().await?;
            return Response::ok(self.ticket((path == REDEEM).then_some(given.as_str())).await?);
        }
        self.load().await?;
        let now = super::now();
        match path.as_str() {
            LEASE => {
                let lease: LeaseRequest = match serde_json::from_slice(&request.bytes().await?) {
                    Ok(lease) => lease,
                    Err(error) => return Response::error(error.to_string(), 400),
                };
                self.recall(&lease).await;
                Response::from_json(&self.change(|ledger| ledger.lease(&lease, now)).await?)
            }
            STATUS => self.status(),
            RESET => {
                self.change(|ledger| ledger.reset(now)).await?;
                self.status()
            }
            RESHARD => {
                let shards = self.config()?.shards;
                self.change(|ledger| ledger.reshard(shards, now)).await?;
                self.status()
            }
            _ => Response::error("not found", 404),
        }
    }
}

impl RateLimiterDO {
    /// Changes the ledger, and stores it if that made a difference.
    async fn change<T>(&self, change: impl FnOnce(&mut Ledger) -> T) -> Result<T> {
        let (changed, stored) = match self.ledger.borrow_mut().as_mut() {
            Some(ledger) => {
                let before = ledger.state().clone();
                let changed = change(ledger);
                let differs = *ledger.state() != before;
                (changed, differs.then(|| serde_json::to_string(ledger.state())))
            }
            None => return Err("the ledger is not loaded".into()),
        };
        if let Some(stored) = stored {
            // The platform holds the answer back until this is durable.
            self.state.storage().put_raw(LEDGER_KEY, stored?).await?;
        }
        Ok(changed)
    }

    /// Takes back what other shards hold and do not need, when too little is left for this request.
    async fn recall(&self, lease: &LeaseRequest) {
        let shards = match self.ledger.borrow_mut().as_mut() {
            Some(ledger) => ledger.recalls(lease, super::now()),
            None => return,
        };
        let timeout = self.config().map_or(RECALL_TIMEOUT_MS, |config| config.hop_timeout_ms / 4);
        let timeout = timeout.min(RECALL_TIMEOUT_MS);
        let given_back = join_all(shards.into_iter().map(|shard| async move {
            let reply = hop::call(&self.env, shard, wire::RECALL, Vec::new(), timeout).await;
            // A shard that does not answer keeps what it holds.
            reply.and_then(|body| hop::read::<Option<LeaseRequest>>(&body)).ok().flatten()
        }));
        for request in given_back.await.into_iter().flatten() {
            if let Err(error) = self.change(|ledger| ledger.take_back(&request, super::now())).await {
                worker::console_error!("recall: {error}");
            }
        }
    }

    /// Issues a ticket, or uses up the one that is given.
    async fn ticket(&self, given: Option<&str>) -> Result<String> {
        // Between this and the write no other request gets in: the platform holds them back while storage is asked.
        let stored = self.stored(TICKETS_KEY).await?.as_string();
        let mut tickets = Tickets::read(&stored.unwrap_or_default());
        let now = super::now();
        let answer = match given {
            Some(given) => u8::from(tickets.redeem(given, now)).to_string(),
            None => {
                let mut random = [0; 24];
                getrandom::fill(&mut random).map_err(|error| error.to_string())?;
                tickets.issue(&random, now)
            }
        };
        if answer != "0" {
            self.state.storage().put_raw(TICKETS_KEY, tickets.write()).await?;
        }
        Ok(answer)
    }

    fn status(&self) -> Result<Response> {
        let mut ledger = self.ledger.borrow_mut();
        let ledger = ledger.as_mut().ok_or("the ledger is not loaded")?;
        ledger.turn_window(super::now());
        let (left_global, left) = ledger.left();
        Response::from_json(&LimiterStatus {
            version: settings::version(&self.env).0,
            limits: *ledger.limits(),
            left_global,
            left,
            ledger: ledger.state().clone(),
        })
    }

    fn config(&self) -> Result<std::rc::Rc<crate::config::Config>> {
        settings::config(&self.env).map_err(|_| "the configuration cannot be used".into())
    }

    async fn load(&self) -> Result<()> {
        if self.ledger.borrow().is_some() {
            return Ok(());
        }
        let config = self.config()?;
        let stored = self.stored(LEDGER_KEY).await?.as_string();
        let known = stored.and_then(|text| serde_json::from_str::<LedgerState>(&text).ok());
        let ledger = match known {
            // A later version's: to begin anew would grant the hour's quota twice.
            Some(state) if state.v > LEDGER_LAYOUT => {
                return Err(
                    format!("storage has layout {}, this code knows {}", state.v, LEDGER_LAYOUT).into()
                );
            }
            Some(state) => Ledger::restore(config.limits, state),
            None => {
                let earlier = self.stored(EARLIER_KEY).await?;
                let now = super::now();
                if earlier.is_object() {
                    Ledger::from_earlier(config.limits, &earlier_state(&earlier), now)
                } else {
                    Ledger::new(config.limits, now)
                }
            }
        };
        self.ledger.borrow_mut().get_or_insert(ledger);
        Ok(())
    }

    /// What is stored under `key`, as JavaScript has it; undefined when nothing is.
    async fn stored(&self, key: &str) -> Result<JsValue> {
        Ok(JsFuture::from(self.state.storage().as_raw().get(key)?).await?)
    }
}

/// Reads what the earlier worker stored. Read by hand: it may hold plain objects or Maps, and what is damaged counts as 0.
fn earlier_state(stored: &JsValue) -> EarlierState {
    let number = |name: &str| member(stored, name).as_f64().unwrap_or(0.0);
    let systems = member(stored, "system_current");
    EarlierState {
        global: number("global_current"),
        systems: System::ALL.map(|system| member(&systems, system.as_str()).as_f64().unwrap_or(0.0)),
        traces: entries(&member(stored, "trace_counts")),
        window_start: number("window_start"),
    }
}

fn member(of: &JsValue, name: &str) -> JsValue {
    match of.dyn_ref::<js_sys::Map>() {
        Some(map) => map.get(&name.into()),
        None => js_sys::Reflect::get(of, &name.into()).unwrap_or(JsValue::UNDEFINED),
    }
}

fn entries(of: &JsValue) -> Vec<(String, f64)> {
    let pairs = match (of.dyn_ref::<js_sys::Map>(), of.dyn_ref::<js_sys::Object>()) {
        (Some(map), _) => js_sys::Array::from(map),
        (None, Some(object)) => js_sys::Object::entries(object),
        (None, None) => return Vec::new(),
    };
    pairs
        .iter()
        .filter_map(|pair| {
            let pair = js_sys::Array::from(&pair);
            Some((pair.get(0).as_string()?, pair.get(1).as_f64()?))
        })
        .collect()
}
