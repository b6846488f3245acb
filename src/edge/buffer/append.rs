//! Appends: requests that arrive together are judged together and stored in one transaction.

use super::Inner;
use crate::buffer::wire::{self, AppendReply};
use crate::edge::{hop, limiter, now};
use crate::entry::Meta;
use crate::quota::{LeaseReply, LeaseRequest, PerSystem};
use std::collections::BTreeMap;
use std::rc::Rc;
use worker::console_error;

/// Leases asked for before one group is judged at most: two for each system. More would keep it waiting.
const LEASES_MAX: usize = 8;

impl Inner {
    /// Begins a group: the object has something in hand from now on. Returns how long others may join it, in ms.
    pub(super) fn gather(&self) -> u32 {
        *self.gathering.borrow_mut() = Some(self.awake.hold());
        self.config().map_or(0, |config| config.group_commit_ms.try_into().unwrap_or(0))
    }

    /// Stores appends that arrived together, and returns each one's reply, or in words why it has none. Nothing of it may be
    /// answered otherwise than by this object: the platform holds every answer back until the writes before it are durable
    /// (Cloudflare, "Durable Objects: output gates").
    pub(super) async fn commit(self: &Rc<Self>, group: Vec<Vec<u8>>) -> Vec<Result<Vec<u8>, String>> {
        let _commit = self.commit.lock().await;
        let mut entries = Vec::new();
        let mut decoded = Vec::with_capacity(group.len());
        for body in &group {
            decoded.push(wire::decode_append(body).map(|(of_body, redactions)| {
                let count = of_body.len();
                entries.extend(of_body);
                (count, redactions)
            }));
        }
        let (mut outcomes, window_end, failed) = match self.store(entries, group.len() as u64).await {
            Ok((outcomes, window_end)) => (outcomes.into_iter(), window_end, None),
            Err(error) => {
                // What memory holds may not be what storage holds.
                self.shard.take();
                (Vec::new().into_iter(), 0, Some(error.to_string()))
            }
        };
        let mut reply = |(count, redactions): (usize, BTreeMap<String, u64>)| {
            if let Some(error) = &failed {
                return Err(error.clone());
            }
            let outcomes: Vec<_> = outcomes.by_ref().take(count).collect();
            // What comes once more was counted when it came first.
            if outcomes.iter().any(|outcome| matches!(outcome, wire::Outcome::Stored { .. })) {
                for (rule, count) in redactions {
                    *self.redactions.borrow_mut().entry(rule).or_default() += count;
                }
            }
            let reply = AppendReply { v: wire::VERSION, outcomes, window_end };
            serde_json::to_vec(&reply).map_err(|error| error.to_string())
        };
        let replies = decoded.into_iter().map(|decoded| decoded.and_then(&mut reply)).collect();
        self.schedule();
        replies
    }

    pub(super) async fn store(
        self: &Rc<Self>,
        entries: Vec<(Meta<'_>, &[u8])>,
        requests: u64,
    ) -> worker::Result<(Vec<wire::Outcome>, i64)> {
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
    pub(super) async fn lease_for(&self, wanted: PerSystem) -> worker::Result<()> {
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
