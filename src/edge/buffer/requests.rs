//! Reads, status and clears.

use super::{Answered, Inner, Refusal};
use crate::buffer::Shard;
use crate::buffer::wire::{
    self, CheckQuery, ClearQuery, ClearReply, RecentQuery, RecentReply, SweepQuery, TraceQuery,
};
use crate::edge::{now, settings};
use crate::entry::System;
use crate::redis::{Commands, Item, list_key};
use std::rc::Rc;

/// Bytes of a page of wasm memory (WebAssembly core specification, section 4.2.8).
const WASM_PAGE_BYTES: usize = 65_536;

impl Inner {
    pub(super) fn read(self: &Rc<Self>, body: &[u8], all: bool) -> Answered {
        let TraceQuery { trace_id, short } = serde_json::from_slice(body)?;
        let now = now();
        let (head, mut entries, slots, waiting) = self.with(|shard| {
            let head = shard.read_head(&trace_id, now);
            let (entries, mut slots) = shard.waiting_entries(&trace_id);
            if short {
                shard.found_short(&trace_id, now);
            }
            if all {
                slots.extend(shard.slots_of(&trace_id));
                slots.sort_unstable();
                slots.dedup();
            }
            let waiting = (!all && !slots.is_empty()).then(|| shard.waiting_seqs(&trace_id));
            (head, entries, slots, waiting)
        })?;
        for row in self.storage.rows(&slots) {
            let row = row?;
            self.with(|shard| shard.pick(&row, &trace_id, waiting.as_ref(), &mut entries))?;
        }
        Ok(wire::encode_read(&head, entries.values().map(Vec::as_slice)))
    }

    pub(super) fn recent(&self, body: &[u8]) -> Answered {
        let query: RecentQuery = serde_json::from_slice(body)?;
        let traces = self.with(|shard| shard.recent(query.limit, now()))?;
        Ok(serde_json::to_vec(&RecentReply { v: wire::VERSION, traces })?)
    }

    /// Sends all that waits, as far as Redis takes it.
    pub(super) async fn drain(self: &Rc<Self>) -> Answered {
        self.run(true).await;
        self.status()
    }

    pub(super) fn status(&self) -> Answered {
        let mut status = self.with(|shard| shard.status(now()))?;
        status.version = settings::version(&self.env).0;
        status.storage_bytes = self.storage.size();
        status.viewers = self.state.get_websockets().len() as u64;
        status.counters.awake_ms = self.awake.ms();
        status.redactions = self.redactions.borrow().clone();
        status.memory_bytes = (core::arch::wasm32::memory_size::<0>() * WASM_PAGE_BYTES) as u64;
        Ok(serde_json::to_vec(&status)?)
    }

    /// How the next log of a trace would be judged. Asks for tokens as that log would, and spends none.
    pub(super) async fn check(self: &Rc<Self>, body: &[u8]) -> Answered {
        let query: CheckQuery = serde_json::from_slice(body)?;
        let wanted = System::ALL.map(|system| u64::from(system == query.system));
        self.lease_for(wanted).await?;
        Ok(serde_json::to_vec(&self.with(|shard| shard.foretell(&query))?)?)
    }

    pub(super) async fn clear(self: &Rc<Self>, body: &[u8]) -> Answered {
        let query: ClearQuery = serde_json::from_slice(body)?;
        let trace_id = query.trace_id.as_deref();
        let _redis = self.redis.lock().await;
        let (mark, requests) = self.with(|shard| (shard.mark(), shard.clear_requests(trace_id)))?;
        let mut first = None;
        for commands in requests {
            let items = self.delete(commands, trace_id.is_some()).await?;
            first.get_or_insert(items);
        }
        // From here on without a pause: all of it is one transaction.
        let now = now();
        let fenced = self.with(|shard| shard.slots_to_fence(mark))?;
        for head in self.storage.heads(&fenced)? {
            self.with(|shard| shard.fence(trace_id, mark, &head, now))?;
        }
        let slots = trace_id.map(|trace_id| self.with(|shard| shard.slots_of(trace_id))).transpose()?;
        let mut reply = self.with(|shard| shard.cleared(trace_id, mark, now))?;
        let rows = match (trace_id, slots) {
            (Some(trace_id), Some(slots)) => self.storage.clear_trace(&slots, trace_id, mark)?,
            _ => self.storage.clear_all(mark)?,
        };
        self.with(|shard| shard.counters().rows_written += rows as u64)?;
        for head in self.storage.heads_after(mark)? {
            self.with(|shard| shard.count_again(trace_id, &head))?;
        }
        self.checkpoint()?;
        if let (Some(_), Some(items)) = (trace_id, first) {
            Shard::cleared_elsewhere(&mut reply, &items);
        }
        Ok(serde_json::to_vec(&reply)?)
    }

    /// Deletes lists that no live trace of this shard owns.
    pub(super) async fn sweep(self: &Rc<Self>, body: &[u8]) -> Answered {
        let query: SweepQuery = serde_json::from_slice(body)?;
        let _redis = self.redis.lock().await;
        let mut commands = Commands::new();
        let mut count = 0;
        for trace_id in &query.traces {
            if !self.with(|shard| shard.owns(trace_id))? {
                let key = list_key(trace_id);
                commands.push("LLEN", [key.as_str()]).push("DEL", [key.as_str()]);
                count += 1;
            }
        }
        let mut reply = ClearReply { v: wire::VERSION, ..ClearReply::default() };
        if count > 0 {
            for pair in self.delete(commands, true).await?.chunks(2) {
                let mut one = ClearReply::default();
                Shard::cleared_elsewhere(&mut one, pair);
                reply.traces += one.traces;
                reply.logs += one.logs;
            }
        }
        Ok(serde_json::to_vec(&reply)?)
    }

    /// Deletes lists of a clear. All of them, or the clear has failed. As for `lengths`, see [`Shard::undeleted`].
    async fn delete(&self, commands: Commands, lengths: bool) -> std::result::Result<Vec<Item>, Refusal> {
        let answer = self.ask(commands).await.and_then(|items| match Shard::undeleted(&items, lengths) {
            None => Ok(items),
            Some(error) => Err(Refusal { status: 502, why: format!("Redis refused to delete: {error}") }),
        });
        if answer.is_err() {
            self.with(|shard| shard.clear_failed(now()))?;
        }
        answer
    }

    async fn ask(&self, commands: Commands) -> std::result::Result<Vec<Item>, Refusal> {
        let count = commands.len() as u64;
        self.with(|shard| {
            shard.counters().redis_requests += 1;
            shard.counters().redis_commands += count;
        })?;
        self.client()?
            .pipeline(commands)
            .await
            .map_err(|failure| Refusal { status: 502, why: failure.to_string() })
    }
}
