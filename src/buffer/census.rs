//! The census: counting all lists once Redis may have lost some.

use super::shard::Shard;
use super::step::{Asked, Mode, Step};
use crate::redis::{Commands, Item, list_key};
use std::rc::Rc;

/// Lists counted in one request.
const CENSUS_KEYS: usize = 500;
/// Bytes of a request beyond which it takes no further list.
const CENSUS_BYTES: usize = 1024 * 1024;
/// From the beginning of one census to that of the next, in ms: what it costs grows with the traces, so that what it finds
/// out about one must not bring the next of all.
const CENSUS_EVERY_MS: i64 = 60_000;

/// When lists are counted, and which.
#[derive(Debug)]
pub(super) struct Census {
    /// Set when Redis may have lost lists: all are to be counted, not before this time, Unix ms.
    at: Option<i64>,
    /// Those yet to be counted.
    left: Vec<Rc<str>>,
    /// When the last one began, Unix ms.
    began_at: i64,
}

impl Default for Census {
    fn default() -> Census {
        Census { at: None, left: Vec::new(), began_at: i64::MIN }
    }
}

impl Census {
    /// Asks for one, now or when one is asked for already.
    pub(super) fn ask(&mut self, now: i64) {
        self.at.get_or_insert(now);
    }

    /// Asks for one now, whatever was asked for before: what Redis had may be gone since.
    pub(super) fn ask_anew(&mut self, now: i64) {
        self.at = Some(now);
    }

    /// Lists that could not be counted are counted later.
    pub(super) fn again(&mut self, keys: Vec<Rc<str>>) {
        self.left.extend(keys);
    }

    /// Whether one is under way.
    pub(super) fn is_under_way(&self) -> bool {
        !self.left.is_empty()
    }

    /// When the next one begins, Unix ms: one at a time, and not one right after the other.
    pub(super) fn due(&self) -> Option<i64> {
        let at = self.at.filter(|_| self.left.is_empty())?;
        Some(at.max(self.began_at.saturating_add(CENSUS_EVERY_MS)))
    }
}

impl Shard {
    /// Counts the next lists, if any are to be counted.
    pub(super) fn census_step(&mut self, now: i64) -> Option<Step> {
        if self.census.due().is_some_and(|at| at <= now) {
            let live = self.traces.iter().filter(|(_, trace)| trace.flushed() > 0 && !trace.expired(now));
            let left = live.map(|(key, _)| key.clone()).filter(|key| self.is_ours(key)).collect();
            self.census = Census { at: None, left, began_at: now };
        }
        let mut keys = Vec::new();
        let mut commands = Commands::new();
        while commands.len() < CENSUS_KEYS
            && commands.bytes() < CENSUS_BYTES
            && let Some(key) = self.census.left.pop()
        {
            commands.push("LLEN", [list_key(&key).as_str()]);
            keys.push(key);
        }
        if keys.is_empty() {
            return None;
        }
        Some(self.ask(commands, Mode::Pipeline, Asked::Census(keys)))
    }

    /// Has those lists written again that are shorter than they should be.
    pub(super) fn counted(&mut self, keys: &[Rc<str>], items: &[Item], now: i64) {
        for (key, item) in keys.iter().zip(items) {
            let Ok(Some(len)) =
                item.as_ref().map(|reply| reply.integer().and_then(|len| u64::try_from(len).ok()))
            else {
                continue;
            };
            let short = self.traces.get(key).is_some_and(|trace| {
                let gone = len == 0 && trace.may_have_expired(now);
                !trace.too_large
                    && !gone
                    && !trace.expired(now)
                    && len < trace.list_len.unwrap_or(0).max(trace.flushed())
            });
            if short {
                self.mending.add(key.clone());
            }
        }
    }
}
