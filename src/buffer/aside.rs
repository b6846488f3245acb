//! Traces that are set aside: Redis refuses them for good, and the others flow.

use super::batch::{Batch, Part, Pending};
use super::shard::Shard;
use super::step::FLUSH_MAX_BYTES;
use std::collections::VecDeque;
use std::rc::Rc;

/// First pause before a trace that was set aside is tried again, ms; it doubles up to [`ASIDE_MAX_MS`].
const ASIDE_MS: i64 = 5_000;
/// Longest pause before a trace that was set aside is tried again, ms.
const ASIDE_MAX_MS: i64 = 30_000;
/// Longest error text kept, in characters.
const ERROR_MAX_CHARS: usize = 200;

/// A trace that Redis refuses for good, and what waits for it.
#[derive(Debug, Clone)]
pub struct Aside {
    /// Every entry of the trace from this number on is not known to be in Redis.
    pub since: u64,
    /// What Redis said.
    pub error: String,
    /// When to try again, Unix ms.
    pub retry_at: i64,
    /// How often it was tried.
    pub tries: u32,
    /// Whether a write of its first entries may have been executed.
    pub uncertain: bool,
    /// The entries, in order.
    pub entries: VecDeque<Pending>,
}

impl Shard {
    pub(super) fn asides(&self) -> impl Iterator<Item = (&Rc<str>, &Aside)> {
        self.traces.asides()
    }

    /// The entries of one trace that was set aside and may be tried again.
    pub(super) fn aside_batch(&mut self, now: i64) -> Option<Batch> {
        let key = self.asides().find(|(_, aside)| aside.retry_at <= now).map(|(key, _)| key.clone())?;
        let uncertain_through = self.uncertain_through;
        let (entries, uncertain) = self.traces.update(&key, |trace| {
            let aside = trace.aside.as_mut()?;
            let mut entries = Vec::new();
            let mut bytes = 0;
            while let Some(entry) = aside.entries.front() {
                bytes += entry.request_bytes();
                if bytes > FLUSH_MAX_BYTES && !entries.is_empty() {
                    break;
                }
                entries.extend(aside.entries.pop_front());
            }
            let uncertain = std::mem::take(&mut aside.uncertain);
            let earlier = entries.first().is_some_and(|entry: &Pending| entry.seq <= uncertain_through);
            Some((entries, uncertain || earlier))
        })??;
        let batch = Batch { aside: Some(key), uncertain, ..Batch::of(entries) };
        if batch.parts.is_empty() {
            // Nothing of it is left, as after a clear.
            self.end_aside(&batch);
            return None;
        }
        Some(batch)
    }

    /// Notes that a batch of a trace that was set aside is done with. The trace flows again once none of it is
    /// left; else what is left is what a start must look for.
    pub(super) fn end_aside(&mut self, batch: &Batch) {
        let Some(key) = &batch.aside else { return };
        let moved = self.traces.update(key, |trace| {
            let Some(aside) = &mut trace.aside else { return false };
            let since = aside.entries.front().map(|first| first.seq);
            if since == Some(aside.since) {
                return false;
            }
            match since {
                Some(since) => aside.since = since,
                None => trace.aside = None,
            }
            trace.changed = true;
            true
        });
        if moved == Some(true) {
            // What stood under its key instead may have taken the place of its list.
            self.mending.add(key.clone());
            self.saved.due = true;
        }
    }

    /// Puts a part's entries where they wait without holding up the others.
    pub(super) fn set_aside(&mut self, part: Part, uncertain: bool, error: &str, now: i64) {
        let Part { key, entries, .. } = part;
        let Some(since) = entries.first().map(|entry| entry.seq) else {
            // Only its time to live was left to renew, which a repair does as well.
            self.mending.add(key);
            return;
        };
        self.list_changed(&key);
        let mut entries = VecDeque::from(entries);
        if self.traces.get(&key).is_some_and(|trace| trace.aside.is_none()) {
            // Entries of this trace that wait in line follow them, so that its order holds.
            let (same, others): (Vec<_>, Vec<_>) =
                self.waiting.take().into_iter().partition(|entry| entry.key == key);
            self.waiting = others.into_iter().collect();
            entries.extend(same);
        }
        let moved = self.traces.update(&key, |trace| {
            // What a start must look for is stored; that it was tried again is not.
            let moved = trace.aside.as_ref().is_none_or(|aside| aside.since > since);
            trace.changed |= moved;
            let aside = trace.aside.get_or_insert_with(|| Aside {
                since,
                error: String::new(),
                retry_at: 0,
                tries: 0,
                uncertain: false,
                entries: VecDeque::new(),
            });
            aside.since = aside.since.min(since);
            aside.uncertain |= uncertain;
            entries.append(&mut aside.entries);
            aside.entries = std::mem::take(&mut entries);
            let pause = ASIDE_MS.saturating_mul(1 << aside.tries.min(4)).min(ASIDE_MAX_MS);
            aside.retry_at = now.saturating_add(pause);
            aside.tries = aside.tries.saturating_add(1);
            aside.error = shortened(error);
            moved
        });
        self.saved.due |= moved == Some(true);
    }
}

/// An error's text as it is kept.
pub(super) fn shortened(error: &str) -> String {
    error.chars().filter(|c| !c.is_control()).take(ERROR_MAX_CHARS).collect()
}
