//! What this machine knows alone: the source's two sides, and the local files.

use std::collections::BTreeSet;

use log_ingestion_worker::config::Environment;

use super::Found;
use crate::config::{
    file,
    keys::{self, Target},
    outcome::Kind,
    places::Places,
    source::Source,
    table::Table,
    targets::local,
};

/// A remark that names keys which one environment has alone, with commas between.
const ONE_SIDED: &str = "one side only:";
/// A value shorter than this is found everywhere.
const MIN_VALUE: usize = 8;

/// Keys that one environment has and the other has not. What a target can do without (by its declaration) is not meant,
/// and neither is what a remark names: `# one side only: SENTRY_DSN, …`. Only the environments asked for are told.
pub fn sides(table: &Table, environments: &[Environment], found: &mut Found) {
    let text = table.text();
    let excused: BTreeSet<&str> = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('|'))
        .filter_map(|line| line.split_once(ONE_SIDED))
        .flat_map(|(_, names)| names.split([',', ' ']).map(str::trim))
        .collect();
    for row in table.rows() {
        let known: Vec<_> = row.targets.iter().filter_map(|&target| keys::find(target, &row.key)).collect();
        let optional = !known.is_empty() && known.iter().all(|known| !known.required);
        let lacks = match (row.value(Environment::Development), row.value(Environment::Production)) {
            ("", "") => continue,
            ("", _) => Environment::Development,
            (_, "") => Environment::Production,
            _ => continue,
        };
        if environments.contains(&lacks) && !optional && !excused.contains(row.key.as_str()) {
            let message = format!("has no value, and the other environment has one (line {})", row.line);
            let hint = format!("give it one, or say that it needs none: # {ONE_SIDED} {}", row.key);
            found.item((lacks, "source"), super::State::Drift, Some(&row.key), message, hint);
        }
    }
}

/// The local files: as the source says, for their owner alone, and without a value of production.
pub fn files(source: &Source, places: &Places, found: &mut Found) {
    let production = production_values(&source.table);
    let selection = source.table.clone().into_development();
    for place in places.files.iter().filter(|place| selection.names(place.target)) {
        let shown = format!("{} file {}", place.target.name(), place.path.display());
        let at = (Environment::Development, shown.as_str());
        let hint = "ops config sync --mode local";
        let values = match local::values(place) {
            Ok(values) => values,
            Err(cause) => {
                found.unreadable(at, cause.to_string(), hint);
                continue;
            }
        };
        found.compared += 1;
        let outcome = local::plan(place, &source.path, &selection).outcome();
        for change in &outcome.changes {
            let message = match change.change {
                Kind::Add => "is missing",
                Kind::Remove => "is not in the source any more",
                _ => "differs from the source",
            };
            found.drift(at, &change.key, message, hint);
        }
        for (key, why) in &outcome.not_applied {
            found.drift(at, key, why.clone(), "change the value in the source");
        }
        if !file::is_private(&file::resolved(&place.path)) {
            found.drift(at, "mode", "others on this machine can read it", hint);
        }
        for (key, value) in &values {
            if production.contains(value.as_str()) {
                let hint = "make that secret new, then: ops config sync --mode local";
                found.drift(at, key, "has a value of production", hint);
            }
        }
    }
}

/// Values that production has alone.
fn production_values(table: &Table) -> BTreeSet<&str> {
    let of = |environment| table.rows().iter().map(move |row| row.value(environment));
    let development: BTreeSet<&str> = of(Environment::Development).collect();
    let secret = |value: &&str| {
        let rows = || table.rows().iter().filter(move |row| row.value(Environment::Production) == *value);
        value.len() >= MIN_VALUE
            && !rows().any(|row| row.targets == [Target::GitHub] && !keys::sounds_secret(&row.key))
    };
    of(Environment::Production).filter(|value| !development.contains(value)).filter(secret).collect()
}
