//! Which vars differ between two versions.

use std::collections::{BTreeMap, BTreeSet};

/// The var that says over how many buffers the traces are spread. With another number the worker takes no log until what
/// waits was drained with the new version: such a version cannot be proven before it serves.
pub const SHARDS: &str = "LOG_BUFFER_SHARDS";

/// The two numbers of buffers, where both are stated and differ.
pub fn shards_change<'a>(
    then: &'a BTreeMap<String, String>,
    now: &'a BTreeMap<String, String>,
) -> Option<(&'a str, &'a str)> {
    let (then, now) = (then.get(SHARDS)?, now.get(SHARDS)?);
    (then != now).then_some((then, now))
}

/// Each change in one line.
pub fn changes(then: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<String> {
    let names: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
    let shown = |value: Option<&String>| value.map_or("nothing".to_owned(), |value| format!("\"{value}\""));
    let differ = names.into_iter().filter(|name| then.get(*name) != now.get(*name));
    differ
        .map(|name| format!("{name} changes from {} to {}", shown(then.get(name)), shown(now.get(name))))
        .collect()
}
