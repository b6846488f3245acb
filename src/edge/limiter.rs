//! `RateLimiterDO`: the object named "global" that keeps the quota's ledger. A shell over [`Ledger`].
//!
//! Stores one value, under the key `ledger` ([`LedgerState`], version 1), written with each lease. On first use it
//! takes over what the earlier worker's class left under `rateLimitState`, and leaves that value where it is, for
//! the way back. It never grows beyond a number per shard, and needs no cleaning up.

use super::settings;
use crate::entry::System;
use crate::quota::{EarlierState, LeaseRequest, Ledger, LedgerState};
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

/// `POST` → [`LimiterStatus`], for `/health`.
pub const STATUS: &str = "/status";

/// How the keeper of the quotas stands. The version before answers without `version`.
#[derive(Debug, Serialize, Deserialize)]
pub struct LimiterStatus {
    /// The version of the code the object runs, as the platform names it.
    #[serde(default)]
    pub version: String,
    /// Its ledger.
    #[serde(flatten)]
    pub ledger: LedgerState,
}

const LEDGER_KEY: &str = "ledger";
const EARLIER_KEY: &str = "rateLimitState";

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
        match request.path().as_str() {
            LEASE => {}
            STATUS => {
                self.load().await?;
                let mut ledger = self.ledger.borrow_mut();
                let Some(ledger) = ledger.as_mut() else { return Response::error("not loaded", 500) };
                ledger.turn_window(super::now());
                let version = settings::version(&self.env).0;
                return Response::from_json(&LimiterStatus { version, ledger: ledger.state().clone() });
            }
            _ => return Response::error("not found", 404),
        }
        let lease: LeaseRequest = match serde_json::from_slice(&request.bytes().await?) {
            Ok(lease) => lease,
            Err(error) => return Response::error(error.to_string(), 400),
        };
        self.load().await?;
        let now = super::now();
        let granted = match self.ledger.borrow_mut().as_mut() {
            Some(ledger) => {
                let before = ledger.state().clone();
                let reply = ledger.lease(&lease, now);
                let changed = (*ledger.state() != before).then(|| serde_json::to_string(ledger.state()));
                Some((reply, changed))
            }
            None => None,
        };
        let Some((reply, changed)) = granted else { return Response::error("not loaded", 500) };
        if let Some(stored) = changed {
            // The platform holds the answer back until this is durable.
            self.state.storage().put_raw(LEDGER_KEY, stored?).await?;
        }
        Response::from_json(&reply)
    }
}

impl RateLimiterDO {
    async fn load(&self) -> Result<()> {
        if self.ledger.borrow().is_some() {
            return Ok(());
        }
        let Ok(config) = settings::config(&self.env) else {
            return Err("the configuration cannot be used".into());
        };
        let stored = self.stored(LEDGER_KEY).await?.as_string();
        let known = stored.and_then(|text| serde_json::from_str::<LedgerState>(&text).ok());
        let ledger = match known {
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
