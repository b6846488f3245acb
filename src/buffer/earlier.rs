//! What an earlier worker left in a trace's list: it is counted in the trace's summary.

use super::batch::at_primary;
use super::shard::Shard;
use super::step::{Asked, Mode, Step};
use crate::entry::{Level, System};
use crate::redis::{Commands, Item, Reply, list_key};
use serde::Deserialize;
use std::collections::HashSet;
use std::rc::Rc;

/// Elements of a list that is read for it at most: the earlier worker let a trace have 500 logs an hour.
pub(super) const SURVEYED_AT_MOST: u64 = 2_000;
/// How often that is tried: it is a summary's exactness, and other work must not wait for it for ever.
const TRIES: u32 = 3;
/// How far ahead of the clock a timestamp is believed, in ms, as a client's is.
const AHEAD_MS: i64 = 5 * 60_000;

/// What a summary tells of an entry.
#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    system: String,
    #[serde(default)]
    level: String,
    #[serde(default)]
    timestamp: f64,
}

impl Shard {
    /// Whether a list can be read for it: not while a write that was given up may bring entries of this shard's.
    pub(super) fn may_survey(&self) -> bool {
        !self.to_survey.is_empty() && self.late.given_up.is_none()
    }

    /// Reads a list that was there before this shard wrote to it.
    pub(super) fn survey_step(&mut self) -> Option<Step> {
        if !self.may_survey() {
            return None;
        }
        let (key, tries) = self.to_survey.pop_front()?;
        let list = list_key(&key);
        let mut commands = Commands::new();
        at_primary(&mut commands, &list);
        commands.push("LRANGE", [list.as_str(), "0", "-1"]);
        Some(self.ask(commands, Mode::Transaction, Asked::Survey(key, tries)))
    }

    /// Has a list read again that was not, unless that was tried often enough.
    pub(super) fn survey_again(&mut self, key: Rc<str>, tries: u32) {
        if tries + 1 < TRIES {
            self.to_survey.push_back((key, tries + 1));
        }
    }

    /// Counts what stands in the list beside this shard's own. One that cannot be read is counted by nobody.
    pub(super) fn surveyed(&mut self, key: &Rc<str>, items: Vec<Item>, now: i64) {
        let list = items.into_iter().nth(1).and_then(Result::ok).and_then(Reply::into_strings);
        let different: HashSet<String> = list.into_iter().flatten().collect();
        // For this parser a list would do as well.
        let objects = different.iter().filter(|json| json.trim_start().starts_with('{'));
        let told: Vec<Told> = objects.filter_map(|json| serde_json::from_str(json).ok()).collect();
        let errors = told.iter().any(|entry| Level::parse(&entry.level) == Some(Level::Error));
        let systems = told.iter().filter_map(|entry| System::parse(&entry.system));
        let systems = systems.fold(0, |systems, system| systems | 1 << system.index());
        #[allow(clippy::cast_possible_truncation)]
        let times = told.iter().map(|entry| entry.timestamp as i64);
        let newest = times.filter(|&time| time <= now.saturating_add(AHEAD_MS)).max().unwrap_or(0);
        let changed = self.traces.update(key, |trace| {
            let earlier = (told.len() as u64).saturating_sub(trace.flushed());
            // Of one that is set aside some may stand there that are not known to.
            if trace.count == 0 || earlier == 0 || trace.aside.is_some() {
                return false;
            }
            trace.earlier = earlier;
            trace.systems |= systems;
            trace.errors |= errors;
            trace.newest = trace.newest.max(newest);
            trace.changed = true;
            true
        });
        self.saved.due |= changed == Some(true);
    }
}
