//! Clearing: what is removed from Redis first, and then from the shard.
//!
//! The owner holds off every other request to Redis meanwhile, so that no flush can slip in between. Entries
//! that arrive during it are younger than its mark and stay.

use super::batch::{Batch, Pending};
use super::row::RowHead;
use super::shard::Shard;
use super::traces::Trace;
use super::wire::ClearReply;
use crate::redis::{Commands, Item, list_key};
use std::collections::HashMap;
use std::rc::Rc;

/// Keys of one `DEL`.
const KEYS_PER_DEL: usize = 500;
/// Bytes of the keys of one `DEL` after which another is begun.
const DEL_BYTES: usize = 512 * 1024;
/// Bytes of commands after which another request is begun.
const REQUEST_BYTES: usize = 1024 * 1024;

impl Shard {
    /// The number of the newest entry: a clear that begins now removes the entries up to it.
    pub fn mark(&self) -> u64 {
        self.next_seq - 1
    }

    /// The requests that delete the lists: of one trace, or of all this shard owns. With one trace, the first
    /// item is the length its list had.
    pub fn clear_requests(&self, trace_id: Option<&str>) -> Vec<Commands> {
        if let Some(trace_id) = trace_id {
            let key = list_key(trace_id);
            let mut commands = Commands::new();
            commands.push("LLEN", [key.as_str()]).push("DEL", [key.as_str()]);
            return vec![commands];
        }
        let mut requests = Vec::new();
        let mut commands = Commands::new();
        let mut keys: Vec<String> = Vec::new();
        let mut traces = self.traces.iter().map(|(key, _)| list_key(key)).peekable();
        let mut bytes = 0;
        while let Some(key) = traces.next() {
            bytes += key.len();
            keys.push(key);
            if keys.len() == KEYS_PER_DEL || bytes > DEL_BYTES || traces.peek().is_none() {
                commands.push("DEL", keys.iter().map(String::as_str));
                (keys, bytes) = (Vec::new(), 0);
                if commands.bytes() > REQUEST_BYTES {
                    requests.push(std::mem::take(&mut commands));
                }
            }
        }
        if !commands.is_empty() {
            requests.push(commands);
        }
        requests
    }

    /// The error with which Redis refused to delete a list, if it did: a pipeline is answered item by item. With `lengths`,
    /// each list's length was asked for before it; what is no list has none, and is deleted all the same.
    pub fn undeleted(items: &[Item], lengths: bool) -> Option<&str> {
        let deletes = items.iter().skip(usize::from(lengths)).step_by(1 + usize::from(lengths));
        deletes.filter_map(|item| item.as_ref().err()).map(String::as_str).next()
    }

    /// Whether a trace has live entries here, so that its list is not to be swept.
    pub fn owns(&self, trace_id: &str) -> bool {
        self.traces.get(trace_id).is_some_and(|trace| trace.count > 0)
    }

    /// Forgets the entries up to `mark`, now that Redis has deleted their lists. Their ids and what they cost of
    /// the quotas are remembered. The caller empties the stored rows in the same transaction, stores a checkpoint,
    /// and calls [`Shard::count_again`] for each row after `mark`; before, it called [`Shard::fence`] for each row of
    /// [`Shard::slots_to_fence`].
    pub fn cleared(&mut self, trace_id: Option<&str>, mark: u64, now: i64) -> ClearReply {
        let covered =
            |entry: &Pending| entry.seq <= mark && trace_id.is_none_or(|trace| trace == &*entry.key);
        let covers = |key: &str| trace_id.is_none_or(|trace_id| trace_id == key);
        let gone = self.drop_pending(&covered, &covers);
        for entry in &gone {
            // Its row is kept as long as a write that was given up may bring it back.
            self.settle_entry(entry, now);
        }
        let keys = match trace_id {
            Some(trace_id) => vec![self.traces.key(trace_id)],
            None => self.traces.keys(),
        };
        let mut reply = ClearReply { v: super::wire::VERSION, traces: 0, logs: 0 };
        let fresh = self.waiting_by_trace();
        for key in keys {
            let fresh = fresh.get(&key).copied().unwrap_or(0);
            self.traces.update(&key, |trace| {
                let logs = (trace.count + trace.earlier).saturating_sub(fresh);
                reply.traces += u64::from(logs > 0);
                reply.logs += logs;
                trace.cleared = mark;
                // A clear of all is one number in storage: a summary stored before it is known to be void.
                let changed = trace.changed || trace_id.is_some() || trace.aside.is_some();
                let aside = trace.aside.take().filter(|aside| !aside.entries.is_empty());
                trace.reset();
                trace.waiting = fresh;
                trace.aside = aside;
                trace.changed = changed;
            });
        }
        self.mending.forget(covers);
        if trace_id.is_none() {
            self.cleared = mark;
        }
        self.clears += 1;
        self.saved.due = true;
        reply
    }

    /// Notes that a clear was given up half-way: what it deleted, or deletes yet, is written again.
    pub fn clear_failed(&mut self, now: i64) {
        self.census.ask(now);
        self.give_up(std::iter::empty(), now);
        self.saved.due = true;
    }

    /// Counts the entries of a row that is younger than a clear.
    pub fn count_again(&mut self, trace_id: Option<&str>, head: &RowHead<'_>) {
        for (meta, seq) in head.entries.iter().zip(head.seq..) {
            if meta.len == 0 || trace_id.is_some_and(|trace| trace != meta.trace_id) {
                continue;
            }
            let key = self.traces.key(&meta.trace_id);
            self.traces.update(&key, |trace| {
                let in_window = (trace.window, trace.in_window);
                trace.add(meta, seq, head.at, head.window);
                (trace.window, trace.in_window) = in_window;
            });
        }
    }

    /// Reads how many logs a list of an earlier worker had, from the answer to a clear of one trace.
    pub fn cleared_elsewhere(reply: &mut ClearReply, items: &[Item]) {
        let number = |at: usize| {
            let item = items.get(at).and_then(|item| item.as_ref().ok());
            item.and_then(crate::redis::Reply::integer).and_then(|n| u64::try_from(n).ok()).unwrap_or(0)
        };
        reply.logs = reply.logs.max(number(0));
        reply.traces = reply.traces.max(number(1).min(1));
    }

    /// How many entries wait, per trace.
    fn waiting_by_trace(&self) -> HashMap<Rc<str>, u64> {
        let mut counts = HashMap::new();
        let of_batch = self.batch.iter().flat_map(Batch::entries);
        let of_asides = self.asides().flat_map(|(_, aside)| &aside.entries);
        for entry in of_batch.chain(of_asides).chain(self.waiting.iter()) {
            *counts.entry(entry.key.clone()).or_default() += 1;
        }
        counts
    }

    /// Drops the pending entries that are covered, and what was to be done for lists that are.
    fn drop_pending(
        &mut self,
        covered: &impl Fn(&Pending) -> bool,
        covers: &impl Fn(&str) -> bool,
    ) -> Vec<Pending> {
        let mut gone = Vec::new();
        let mut sift = |entries: &mut Vec<Pending>| {
            let (dropped, kept): (Vec<_>, Vec<_>) = entries.drain(..).partition(|entry| covered(entry));
            gone.extend(dropped);
            *entries = kept;
        };
        let mut waiting: Vec<Pending> = self.waiting.take().into();
        sift(&mut waiting);
        self.waiting = waiting.into_iter().collect();
        if let Some(batch) = &mut self.batch {
            for part in &mut batch.parts {
                sift(&mut part.entries);
            }
            // Without entries, another's part may renew its list's time to live.
            batch.parts.retain(|part| !part.entries.is_empty() || !covers(&part.key));
        }
        for key in self.asides().map(|(key, _)| key.clone()).collect::<Vec<_>>() {
            self.traces.update(&key, |trace: &mut Trace| {
                if let Some(aside) = &mut trace.aside {
                    let mut entries: Vec<Pending> = std::mem::take(&mut aside.entries).into();
                    sift(&mut entries);
                    aside.entries = entries.into();
                }
            });
        }
        if let Some(batch) = self.batch.take_if(|batch| batch.parts.is_empty()) {
            self.end_aside(&batch);
        }
        gone
    }
}
