//! The logs of one request, on their way to their shards.

use super::Judged;
use crate::answers::Fate;
use crate::buffer::wire::{self, AppendBody};
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
    /// Bytes that one shard's part is expected to have.
    expected: usize,
}

impl Distribution {
    /// Of a body of so many bytes, over so many shards.
    pub fn new(shards: u32, has_store: bool, body_bytes: usize) -> Distribution {
        // What is stored of a log is about as long as it was; an id and a time may come on top.
        let share = body_bytes / shards.max(1) as usize;
        let expected = share + share / 8 + 256;
        let (fates, bound, trace_id) = (Vec::new(), Vec::new(), Rc::default());
        Distribution { shards, has_store, fates, bound, trace_id, expected }
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
                    self.bound.push(Bound {
                        shard,
                        indexes: Vec::new(),
                        body: AppendBody::new(self.expected),
                    });
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{Meta, System};

    fn accepted(trace_id: &'static str, id: &'static str) -> Judged<'static> {
        let (id, trace_id) = (id.into(), trace_id.into());
        Judged::Accepted(Meta { id, trace_id, system: System::Worker, error: false, timestamp: 1, len: 2 })
    }

    #[test]
    fn each_log_goes_to_its_shard_in_order_and_redactions_to_the_first() {
        let mut distribution = Distribution::new(16, true, 100);
        // Their shards are 1 and 0: see `wire`.
        distribution.add(accepted("", "1"), b"{}");
        distribution.add(Judged::Refused { status: 400, error: "why".into() }, b"");
        distribution.add(accepted("a", "2"), b"[]");
        distribution.add(Judged::Noise("a".into()), b"");
        distribution.add(accepted("", "3"), b"()");
        let (fates, hops) = distribution.finish(BTreeMap::from([("jwt".to_string(), 2)]));
        let lost = |trace: &str| Fate::Lost { trace_id: trace.into(), system: System::Worker };
        let refused = Fate::Refused { status: 400, error: "why".into() };
        assert_eq!(fates, [lost(""), refused, lost("a"), Fate::Noise { trace_id: "a".into() }, lost("")]);
        let told: Vec<_> = hops
            .iter()
            .map(|hop| {
                let (entries, redactions) = wire::decode_append(&hop.body).unwrap();
                let entries: Vec<_> = entries.iter().map(|(meta, json)| (&*meta.id, *json)).collect();
                (hop.shard, hop.indexes.clone(), format!("{entries:?}"), redactions.len())
            })
            .collect();
        let entries = |entries: &[(&str, &[u8])]| format!("{entries:?}");
        assert_eq!(
            told,
            [
                (1, vec![0, 4], entries(&[("1", b"{}"), ("3", b"()")]), 1),
                (0, vec![2], entries(&[("2", b"[]")]), 0)
            ]
        );
    }

    #[test]
    fn without_a_store_nothing_is_sent() {
        let mut distribution = Distribution::new(1, false, 100);
        distribution.add(accepted("t", "1"), b"{}");
        let (fates, hops) = distribution.finish(BTreeMap::new());
        assert_eq!((fates, hops.len()), (vec![Fate::NoStore { trace_id: "t".into() }], 0));
    }
}
