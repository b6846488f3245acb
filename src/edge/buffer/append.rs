//! Appends: requests that arrive together are judged together and stored in one transaction.

use super::Inner;
use crate::buffer::wire::{self, AppendReply};
use crate::edge::{hop, limiter, now};
use crate::entry::Meta;
use crate::quota::{LeaseReply, LeaseRequest, PerSystem};
use js_sys::{Function, Promise, Uint8Array};
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use worker::{Delay, Result, console_error};

/// Leases asked for before one group is judged at most: two for each system. More would keep it waiting.
const LEASES_MAX: usize = 8;

/// An append that waits for its group.
pub(super) struct Waiter {
    body: Vec<u8>,
    resolve: Function,
    reject: Function,
}

impl Waiter {
    /// A sender that is gone has timed out and will ask again.
    fn answer(self, reply: std::result::Result<Vec<u8>, String>) {
        let _ = match reply {
            Ok(reply) => self.resolve.call1(&JsValue::NULL, &Uint8Array::from(reply.as_slice())),
            Err(why) => self.reject.call1(&JsValue::NULL, &js_sys::Error::new(&why)),
        };
    }
}

impl Inner {
    /// Waits for its group, and answers once the group's rows are durable: the platform holds every answer back
    /// until the writes before it are (Cloudflare, "Durable Objects: output gates").
    pub(super) fn append(self: &Rc<Self>, body: Vec<u8>) -> Promise {
        let mut body = Some(body);
        let answer = Promise::new(&mut |resolve, reject| {
            let body = body.take().unwrap_or_default();
            self.group.borrow_mut().push(Waiter { body, resolve, reject });
        });
        if self.group.borrow().len() == 1 {
            let inner = self.clone();
            let awake = self.awake.hold();
            spawn_local(async move {
                let _awake = awake;
                let wait = inner.config().map_or(0, |config| config.group_commit_ms);
                Delay::from(Duration::from_millis(wait)).await;
                let _commit = inner.commit.lock().await;
                let group = inner.group.take();
                inner.commit(group).await;
            });
        }
        answer
    }

    pub(super) async fn commit(self: &Rc<Self>, group: Vec<Waiter>) {
        let mut entries = Vec::new();
        let mut waiters = Vec::new();
        for Waiter { body, .. } in &group {
            match wire::decode_append(body) {
                Ok((decoded, redactions)) => {
                    waiters.push(Ok((decoded.len(), redactions)));
                    entries.extend(decoded);
                }
                Err(why) => waiters.push(Err(why)),
            }
        }
        let requests = group.len() as u64;
        let stored = self.store(entries, requests).await;
        let (mut outcomes, window_end, failed) = match stored {
            Ok((outcomes, window_end)) => (outcomes.into_iter(), window_end, None),
            Err(error) => {
                // What memory holds may not be what storage holds.
                self.shard.take();
                (Vec::new().into_iter(), 0, Some(error.to_string()))
            }
        };
        for (waiter, decoded) in group.into_iter().zip(waiters) {
            let reply = match (decoded, &failed) {
                (Err(why), _) => Err(why),
                (Ok(_), Some(error)) => Err(error.clone()),
                (Ok((count, redactions)), None) => {
                    let outcomes: Vec<_> = outcomes.by_ref().take(count).collect();
                    // What comes once more was counted when it came first.
                    if outcomes.iter().any(|outcome| matches!(outcome, wire::Outcome::Stored { .. })) {
                        for (rule, count) in redactions {
                            *self.redactions.borrow_mut().entry(rule).or_default() += count;
                        }
                    }
                    let reply = AppendReply { v: wire::VERSION, outcomes, window_end };
                    serde_json::to_vec(&reply).map_err(|error| error.to_string())
                }
            };
            waiter.answer(reply);
        }
        self.schedule();
    }

    pub(super) async fn store(
        self: &Rc<Self>,
        entries: Vec<(Meta<'_>, &[u8])>,
        requests: u64,
    ) -> Result<(Vec<wire::Outcome>, i64)> {
        let wanted = self.with(|shard| {
            shard.counters().requests += requests;
            shard.wanted(entries.iter().map(|(meta, _)| meta), now())
        })?;
        self.arm_soon(now()).await?;
        self.lease_for(wanted).await?;
        // From here to the rows nothing is awaited: a recall would take back the tokens just granted.
        let now = now();
        let appended = self.with(|shard| shard.append(entries, now))?;
        self.storage.store(appended.rows)?;
        if self.with(|shard| shard.wants_checkpoint(false))? {
            self.checkpoint()?;
        }
        self.last_append.set(now);
        Ok((appended.outcomes, self.with(|shard| shard.window_end())?))
    }

    /// Asks for tokens until these logs can be judged, or asking is of no use now.
    pub(super) async fn lease_for(&self, wanted: PerSystem) -> Result<()> {
        for _ in 0..LEASES_MAX {
            let Some(request) = self.with(|shard| shard.lease_request(wanted, now()))? else { break };
            let reply = self.lease(&request).await;
            self.with(|shard| shard.lease_answer(&request, reply.as_ref(), now()))?;
        }
        if self.with(|shard| shard.is_ready())? {
            Ok(())
        } else {
            Err("the quota's keeper does not answer, and never has".into())
        }
    }

    pub(super) async fn lease(&self, request: &LeaseRequest) -> Option<LeaseReply> {
        let timeout = self.config().map_or(1_000, |config| config.hop_timeout_ms / 2);
        let body = serde_json::to_vec(request).ok()?;
        let stub = hop::object(&self.env, limiter::BINDING, limiter::NAME).ok()?;
        let payload = js_sys::Uint8Array::from(body.as_slice()).into();
        let asked = now();
        let answer = hop::send(&stub, limiter::LEASE, &payload, timeout).await;
        let waited = u64::try_from(now() - asked).unwrap_or(0);
        // A shard that cannot be loaded is found out where its answer is taken.
        let _ = self.with(|shard| shard.counters().lease_ms += waited);
        match answer {
            Ok(body) => serde_json::from_slice(&body).ok(),
            Err(lost) => {
                console_error!("no lease: {lost}");
                None
            }
        }
    }
}
