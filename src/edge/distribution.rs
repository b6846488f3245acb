//! The logs of one request, on their way to their shards.

use crate::answers::Fate;
use crate::buffer::wire::{self, AppendBody};
use crate::intake::Judged;
use std::collections::BTreeMap;
use std::rc::Rc;

/// What one shard is asked to store.
pub struct Hop {
    /// The shard.
    pub shard: u32,
    /// The places of its entries in the request.
    pub indexes: Vec<usize>,
    /// The request's body.
    pub body: Vec<u8>,
}

/// The accepted entries of one shard.
struct Bound {
    shard: u32,
    indexes: Vec<usize>,
    body: AppendBody,
}

/// Takes judged logs in order and binds the accepted ones for their shards. Until a shard answers they count as lost.
pub struct Distribution {
    shards: u32,
    /// Whether there is a Redis that they could come to.
    has_store: bool,
    fates: Vec<Fate>,
    bound: Vec<Bound>,
    /// The trace of the log before: logs of one trace come together.
    trace_id: Rc<str>,
}

impl Distribution {
    /// Over so many shards.
    pub fn new(shards: u32, has_store: bool) -> Distribution {
        Distribution { shards, has_store, fates: Vec::new(), bound: Vec::new(), trace_id: Rc::default() }
    }

    /// Takes in the next log, and its JSON where it is accepted.
    pub fn add(&mut self, judged: Judged<'_>, json: &[u8]) {
        let index = self.fates.len();
        let fate = match judged {
            Judged::Refused { status, error } => Fate::Refused { status, error },
            Judged::Noise(trace_id) => Fate::Noise { trace_id: self.shared(&trace_id) },
            Judged::Accepted(meta) if !self.has_store => {
                Fate::NoStore { trace_id: self.shared(&meta.trace_id) }
            }
            Judged::Accepted(meta) => {
                let shard = wire::shard_of(&meta.trace_id, self.shards);
                let at = self.bound.iter().position(|bound| bound.shard == shard).unwrap_or_else(|| {
                    self.bound.push(Bound { shard, indexes: Vec::new(), body: AppendBody::default() });
                    self.bound.len() - 1
                });
                if let Some(bound) = self.bound.get_mut(at) {
                    bound.indexes.push(index);
                    bound.body.push(&meta, json);
                }
                Fate::Lost { trace_id: self.shared(&meta.trace_id), system: meta.system }
            }
        };
        self.fates.push(fate);
    }

    /// What became of each log so far, and what to ask the shards. The first shard counts the whole request's redactions.
    pub fn finish(self, mut redactions: BTreeMap<String, u64>) -> (Vec<Fate>, Vec<Hop>) {
        let hop = |Bound { shard, indexes, body }| {
            let body = body.finish(&std::mem::take(&mut redactions));
            Hop { shard, indexes, body }
        };
        (self.fates, self.bound.into_iter().map(hop).collect())
    }

    fn shared(&mut self, trace_id: &str) -> Rc<str> {
        if *self.trace_id != *trace_id {
            self.trace_id = Rc::from(trace_id);
        }
        self.trace_id.clone()
    }
}
