//! What an earlier worker left in a trace's list: it is counted in the trace's summary.

use super::batch::at_primary;
use super::shard::Shard;
use super::step::{Asked, Mode, Step};
use crate::entry::{Level, System};
use crate::redis::{Commands, Item, Reply, list_key};
use serde::Deserialize;
use std::collections::HashSet;
use std::rc::Rc;

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
    /// Reads a list that was there before this shard wrote to it.
    pub(super) fn survey_step(&mut self) -> Option<Step> {
        let key = self.to_survey.pop_front()?;
        let list = list_key(&key);
        let mut commands = Commands::new();
        at_primary(&mut commands, &list);
        commands.push("LRANGE", [list.as_str(), "0", "-1"]);
        Some(self.ask(commands, Mode::Transaction, Asked::Survey(key)))
    }

    /// Counts what stands in the list beside this shard's own. One that cannot be read is counted by nobody.
    pub(super) fn surveyed(&mut self, key: &Rc<str>, items: Vec<Item>) {
        let list = items.into_iter().nth(1).and_then(Result::ok).and_then(Reply::into_strings);
        let different: HashSet<String> = list.into_iter().flatten().collect();
        let told: Vec<Told> = different.iter().filter_map(|json| serde_json::from_str(json).ok()).collect();
        let level = |entry: &Told| Level::parse(&entry.level);
        let errors = told.iter().any(|entry| level(entry) == Some(Level::Error));
        let systems = told.iter().filter_map(|entry| System::parse(&entry.system));
        let systems = systems.fold(0, |systems, system| systems | 1 << system.index());
        #[allow(clippy::cast_possible_truncation)]
        let newest = told.iter().map(|entry| entry.timestamp as i64).max().unwrap_or(0);
        let changed = self.traces.update(key, |trace| {
            let earlier = (told.len() as u64).saturating_sub(trace.flushed());
            if trace.count == 0 || earlier == 0 {
                return false;
            }
            trace.earlier = earlier;
            trace.systems |= systems;
            trace.errors |= errors;
            trace.newest = trace.newest.max(newest);
            trace.changed = true;
            true
        });
        self.checkpoint_due |= changed == Some(true);
    }
}
