//! Which vars differ between two versions.

use std::collections::{BTreeMap, BTreeSet};

/// Each change in one line.
pub fn changes(then: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<String> {
    let names: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
    let shown = |value: Option<&String>| value.map_or("nothing".to_owned(), |value| format!("\"{value}\""));
    let differ = names.into_iter().filter(|name| then.get(*name) != now.get(*name));
    differ
        .map(|name| format!("{name} changes from {} to {}", shown(then.get(name)), shown(now.get(name))))
        .collect()
}
