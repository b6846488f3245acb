//! What a shard tells a viewer next: worked out from what it holds and how far the viewer has seen, so that nothing is
//! kept about a viewer and a slow one holds nothing up.

use super::shard::Shard;
use super::traces::Trace;
use super::wire::Summary;
use crate::tail::{Cursor, FRAME_ENTRIES, FRAME_TRACES, Subject};
use std::rc::Rc;

/// What a viewer is told next.
#[derive(Debug)]
pub enum Told {
    /// What it saw so far is gone; it is as far as this then.
    Cleared(Cursor),
    /// So many logs came that are no longer held; it is as far as this then.
    Missed(u64, Cursor),
    /// These traces changed; it is as far as this then.
    Traces(Vec<Summary>, Cursor),
    /// These entries came, never none. It is as far as this before the first; [`Cursor::past`] each takes it on.
    Logs(Vec<Wanted>, Cursor),
}

/// An entry to tell of.
#[derive(Debug)]
pub struct Wanted {
    /// Its number.
    pub seq: u64,
    /// The slot of its row.
    pub slot: i64,
    /// Its JSON, where that is in memory. Otherwise its row has it, or nothing, if it was cleared.
    pub body: Option<Rc<[u8]>>,
}

impl Shard {
    /// How far a viewer has seen that comes with `after`: as far as that says; to the present if that is empty; and
    /// nothing of what is held if it is no cursor of this shard.
    pub fn cursor(&self, subject: &Subject, after: &str) -> Cursor {
        let newest = self.next_seq - 1;
        let fresh = Cursor { born: self.born, cleared: self.told_clears(subject), ..Cursor::default() };
        if after.is_empty() {
            return match subject {
                Subject::Trace(trace_id) => {
                    let trace = self.traces.get(trace_id);
                    let (count, first) = trace.map_or((0, 0), |trace| (trace.count, trace.first));
                    Cursor { seq: newest, count, first, ..fresh }
                }
                // The list as it is comes first.
                Subject::Traces => fresh,
                Subject::Logs => Cursor { seq: newest, ..fresh },
            };
        }
        let known = Cursor::parse(after).filter(|cursor| cursor.born == self.born && cursor.seq <= newest);
        known.unwrap_or(match subject {
            Subject::Logs => Cursor { seq: self.cleared, ..fresh },
            _ => fresh,
        })
    }

    /// What a viewer as far as `cursor` is told next; `None` when it has seen everything.
    pub fn told(&self, subject: &Subject, cursor: Cursor, now: i64) -> Option<Told> {
        let clears = self.told_clears(subject);
        match subject {
            Subject::Trace(_) if clears > cursor.cleared => {
                let seq = cursor.seq.max(clears);
                Some(Told::Cleared(Cursor { seq, count: 0, first: 0, cleared: clears, ..cursor }))
            }
            Subject::Trace(trace_id) => self.told_of(self.traces.get(trace_id)?, cursor),
            Subject::Traces if clears != cursor.cleared => {
                Some(Told::Cleared(Cursor { seq: 0, cleared: clears, ..cursor }))
            }
            Subject::Traces => {
                let changed = self.traces.recent_after(cursor.seq, FRAME_TRACES, now);
                let seen = Cursor { seq: self.next_seq - 1, ..cursor };
                (!changed.is_empty()).then_some(Told::Traces(changed, seen))
            }
            Subject::Logs if clears != cursor.cleared => {
                let seq = cursor.seq.max(self.cleared);
                Some(Told::Cleared(Cursor { seq, cleared: clears, ..cursor }))
            }
            Subject::Logs => self.told_of_all(cursor),
        }
    }

    /// What a cursor says of the clears of its subject.
    fn told_clears(&self, subject: &Subject) -> u64 {
        match subject {
            Subject::Trace(trace_id) => {
                self.traces.get(trace_id).map_or(0, |trace| trace.cleared).max(self.cleared)
            }
            Subject::Traces | Subject::Logs => self.clears,
        }
    }

    fn told_of(&self, trace: &Trace, cursor: Cursor) -> Option<Told> {
        if trace.count == 0 {
            return None;
        }
        if cursor.count > 0 && cursor.first != trace.first {
            // Its list expired, and began anew: nobody can read what stood in it.
            return Some(Told::Cleared(Cursor { count: 0, first: 0, ..cursor }));
        }
        let from = trace.kept.partition_point(|&seq| seq <= cursor.seq);
        // Only what is older than the oldest row of the last hour may have lost its own.
        let oldest = self.ring.oldest().unwrap_or(self.next_seq);
        let old = trace.kept.range(from..).take_while(|&&seq| seq < oldest);
        let lost = old.filter(|&&seq| self.ring.of(seq).is_none()).count();
        let held = (trace.kept.len() - from - lost) as u64;
        let unseen = trace.count.saturating_sub(cursor.count);
        if unseen > held {
            let missed = unseen - held;
            // Past them: after a start a row may be found that was given up, and is not to be told of twice.
            let next = trace.kept.range(from..).find(|&&seq| self.ring.of(seq).is_some());
            let seq = next.map_or(self.next_seq, |&seq| seq) - 1;
            let cursor = Cursor { seq, count: cursor.count + missed, first: trace.first, ..cursor };
            return Some(Told::Missed(missed, cursor));
        }
        // Fewer count as unseen than are held where Redis lost some of the list, which took them off the trace's count.
        let cursor = Cursor { count: trace.count.saturating_sub(held), first: trace.first, ..cursor };
        let entries = trace.kept.range(from..).filter_map(|&seq| self.wanted_entry(seq)).take(FRAME_ENTRIES);
        let entries: Vec<Wanted> = entries.collect();
        (!entries.is_empty()).then_some(Told::Logs(entries, cursor))
    }

    fn told_of_all(&self, cursor: Cursor) -> Option<Told> {
        let newest = self.next_seq - 1;
        if cursor.seq >= newest {
            return None;
        }
        let first_held = self.ring.after(cursor.seq).unwrap_or(self.next_seq);
        if first_held > cursor.seq + 1 {
            let seq = first_held - 1;
            return Some(Told::Missed(seq - cursor.seq, Cursor { seq, ..cursor }));
        }
        let entries = (first_held..=newest).map_while(|seq| self.wanted_entry(seq)).take(FRAME_ENTRIES);
        Some(Told::Logs(entries.collect(), cursor))
    }

    fn wanted_entry(&self, seq: u64) -> Option<Wanted> {
        let slot = self.ring.of(seq)?.slot;
        let at = self.waiting.partition_point(|entry| entry.seq < seq);
        let waiting = self.waiting.get(at).filter(|entry| entry.seq == seq);
        Some(Wanted { seq, slot, body: waiting.and_then(|entry| entry.body.clone()) })
    }
}
