//! Reading a trace: what waits in the buffer and what is in Redis, as one list.

use crate::entry::{Level, System};
use crate::json::{self, Json};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// What a reader may ask of a trace (contract: `GET /logs`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only this level.
    pub level: Option<Level>,
    /// Only this system.
    pub system: Option<System>,
    /// Only this user.
    pub user_id: Option<String>,
    /// Only from this time on, Unix ms.
    pub since: Option<i64>,
    /// Only up to this time, Unix ms.
    pub until: Option<i64>,
    /// At most so many: the newest.
    pub limit: Option<usize>,
    /// Newest first instead of oldest first.
    pub newest_first: bool,
}

impl Filter {
    /// Reads a filter from query parameters.
    ///
    /// # Errors
    /// What is wrong with the first that cannot be used.
    pub fn parse<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Filter, String> {
        let mut filter = Filter::default();
        let mut seen: Vec<&str> = Vec::new();
        for (key, value) in pairs.filter(|(_, value)| !value.is_empty()) {
            // Of a name given twice the first counts, as for `URLSearchParams.get` and the other routes.
            if seen.contains(&key) {
                continue;
            }
            seen.push(key);
            let whole =
                || value.parse::<i64>().map_err(|_| format!("{key} must be a time in Unix milliseconds"));
            match key {
                "level" => {
                    filter.level =
                        Some(Level::parse(value).ok_or("level must be one of: log, info, warn, error")?);
                }
                "system" => {
                    let system = System::parse(value);
                    filter.system =
                        Some(system.ok_or("system must be one of: browser, convex, worker, manual")?);
                }
                "user_id" => filter.user_id = Some(value.to_string()),
                "since" => filter.since = Some(whole()?),
                "until" => filter.until = Some(whole()?),
                "limit" => filter.limit = Some(positive(value)?),
                "order" => {
                    filter.newest_first = match value {
                        "asc" => false,
                        "desc" => true,
                        _ => return Err("order must be asc (oldest first) or desc".to_string()),
                    }
                }
                _ => {}
            }
        }
        Ok(filter)
    }

    fn passes(&self, entry: &Element) -> bool {
        self.level.is_none_or(|level| entry.level.as_deref() == Some(level.as_str()))
            && self.system.is_none_or(|system| entry.system.as_deref() == Some(system.as_str()))
            && self.user_id.as_ref().is_none_or(|user| entry.user_id.as_ref() == Some(user))
            && self.since.is_none_or(|since| entry.timestamp >= since)
            && self.until.is_none_or(|until| entry.timestamp <= until)
    }
}

/// Reads a `limit`.
///
/// # Errors
/// When it is not a positive number. Of one that is not whole, the whole part counts, and at least one.
pub fn positive(value: &str) -> Result<usize, String> {
    // Not all that Rust takes for a number is one in JSON: `+1`, `inf`.
    let starts = value.bytes().next().is_some_and(|byte| byte.is_ascii_digit());
    match value.parse::<f64>() {
        // What `usize` has no room for, 32 bits in wasm, is as good as no limit.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Ok(number) if starts && number > 0.0 && number.is_finite() => Ok((number as usize).max(1)),
        _ => Err("limit must be a positive number".to_string()),
    }
}

/// A trace, put together from its parts.
#[derive(Debug, Default)]
pub struct Trace {
    elements: Vec<Element>,
    /// Where the entries with an id stand. More than one have it where it was used again once it was forgotten.
    by_id: HashMap<String, Vec<usize>>,
    /// Ids of entries that are not to be seen.
    hidden: HashSet<String>,
    /// Elements that are no entries, and were left out.
    pub unreadable: usize,
}

#[derive(Debug)]
struct Element {
    timestamp: i64,
    level: Option<String>,
    system: Option<String>,
    user_id: Option<String>,
    json: String,
}

/// The fields of an entry that reading looks at; the rest is passed on as it is.
#[derive(Deserialize)]
struct Seen {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    level: Option<String>,
    #[serde(default)]
    system: Option<String>,
    #[serde(default)]
    user_id: Option<String>,
    #[serde(default)]
    timestamp: f64,
}

impl Trace {
    /// Adds an entry, after those that arrived before it. One that is the same as an earlier one to the byte is a double
    /// and is dropped; what is no entry is counted and dropped.
    pub fn push<'a>(&mut self, element: impl Into<Cow<'a, str>>) {
        let element = element.into();
        match serde_json::from_str::<Seen>(&element) {
            // For this parser a list would do as well: its items in the order of the fields.
            Ok(seen) if element.trim_start().starts_with('{') => self.add(seen, element.into_owned()),
            // An element of an earlier worker may hold half a surrogate pair, which this parser mends.
            _ => match json::parse(&element) {
                Ok(mut value @ Json::Object(_)) => {
                    let mut text = Vec::with_capacity(element.len());
                    json::write_value(&mut text, &value, json::MAX_DEPTH);
                    let mut string = |key: &str| match value.take(key) {
                        Some(Json::String(text)) => Some(text.into_owned()),
                        _ => None,
                    };
                    let (id, level) = (string("id"), string("level"));
                    let (system, user_id) = (string("system"), string("user_id"));
                    let timestamp = match value.take("timestamp") {
                        Some(Json::Number(digits)) => digits.parse().unwrap_or(0.0),
                        _ => 0.0,
                    };
                    self.add(
                        Seen { id, level, system, user_id, timestamp },
                        String::from_utf8_lossy(&text).into_owned(),
                    );
                }
                _ => self.unreadable += 1,
            },
        }
    }

    fn add(&mut self, seen: Seen, json: String) {
        let id = seen.id.unwrap_or_else(|| json.clone());
        if self.hidden.contains(&id) {
            return;
        }
        let same_id = self.by_id.entry(id).or_default();
        let is = |at: &usize| self.elements.get(*at).is_some_and(|element| element.json == json);
        if same_id.iter().any(is) {
            return;
        }
        same_id.push(self.elements.len());
        #[allow(clippy::cast_possible_truncation)]
        self.elements.push(Element {
            timestamp: seen.timestamp as i64,
            level: seen.level,
            system: seen.system,
            user_id: seen.user_id,
            json,
        });
    }

    /// Has entries with these ids dropped.
    pub fn hide(&mut self, ids: impl IntoIterator<Item = String>) {
        self.hidden.extend(ids);
    }

    /// Forgets the entries after the first `len`.
    pub fn truncate(&mut self, len: usize) {
        self.elements.truncate(len);
        self.by_id.values_mut().for_each(|places| places.retain(|&at| at < len));
    }

    /// Different entries so far.
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// The entries that pass, sorted by timestamp, those of one timestamp in order of arrival.
    pub fn select(mut self, filter: &Filter) -> Vec<String> {
        self.elements.sort_by_key(|element| element.timestamp);
        let mut passing: Vec<String> = self
            .elements
            .into_iter()
            .filter(|element| filter.passes(element))
            .map(|element| element.json)
            .collect();
        if let Some(limit) = filter.limit {
            let surplus = passing.len().saturating_sub(limit);
            passing.drain(..surplus);
        }
        if filter.newest_first {
            passing.reverse();
        }
        passing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, timestamp: i64, level: &str) -> String {
        format!(
            r#"{{"id":"{id}","system":"convex","level":"{level}","timestamp":{timestamp},"message":"m"}}"#
        )
    }

    fn ids(entries: &[String]) -> Vec<String> {
        entries
            .iter()
            .map(|json| {
                serde_json::from_str::<serde_json::Value>(json).unwrap()["id"]
                    .as_str()
                    .unwrap_or("?")
                    .to_string()
            })
            .collect()
    }

    #[test]
    fn entries_are_sorted_by_time_with_ties_in_order_of_arrival_and_doubles_dropped() {
        let mut trace = Trace::default();
        for (id, time) in [("a", 5), ("b", 3), ("c", 5), ("a", 5), ("d", 5)] {
            trace.push(entry(id, time, "log"));
        }
        assert_eq!(ids(&trace.select(&Filter::default())), ["b", "a", "c", "d"]);
    }

    #[test]
    fn an_id_that_was_used_again_hides_no_entry() {
        let mut trace = Trace::default();
        for (id, time) in [("a", 1), ("a", 2), ("a", 1), ("gone", 3)] {
            trace.hide(["gone".to_string()]);
            trace.push(entry(id, time, "log"));
        }
        assert_eq!((trace.len(), ids(&trace.select(&Filter::default()))), (2, vec!["a".into(), "a".into()]));
    }

    #[test]
    fn what_was_forgotten_can_be_added_again_in_its_place() {
        let mut trace = Trace::default();
        for (id, time) in [("a", 5), ("c", 5)] {
            trace.push(entry(id, time, "log"));
        }
        trace.truncate(1);
        for id in ["a", "b", "c"] {
            trace.push(entry(id, 5, "log"));
        }
        assert_eq!(ids(&trace.select(&Filter::default())), ["a", "b", "c"]);
    }

    #[test]
    fn an_unreadable_element_never_hides_the_others() {
        let mut trace = Trace::default();
        for element in [
            "not json",
            "7",
            "",
            "[]",
            r#"["id"]"#,
            r#"{"id":"\ud83d","timestamp":1}"#,
            r#"{"timestamp":2}"#,
            "{\"id\":1}",
        ] {
            trace.push(element);
        }
        assert_eq!((trace.unreadable, trace.len()), (5, 3));
        assert!(trace.select(&Filter::default()).iter().all(|json| json::parse(json).is_ok()));
    }

    #[test]
    fn filters_narrow_and_limit_keeps_the_newest() {
        let of = |pairs: &[(&'static str, &'static str)]| {
            let mut trace = Trace::default();
            for (at, level) in ["log", "error", "log", "error"].into_iter().enumerate() {
                trace.push(entry(&at.to_string(), at as i64, level));
            }
            ids(&trace.select(&Filter::parse(pairs.iter().copied()).unwrap()))
        };
        assert_eq!(of(&[("level", "error")]), ["1", "3"]);
        assert_eq!(of(&[("since", "1"), ("until", "2")]), ["1", "2"]);
        assert_eq!(of(&[("limit", "2"), ("order", "desc")]), ["3", "2"]);
        assert_eq!(of(&[("user_id", "u")]), [""; 0]);
        assert_eq!(of(&[("system", "convex"), ("level", "")]).len(), 4);
        assert_eq!(of(&[("limit", "99999999999999999999")]).len(), 4);
        for (limit, count) in [("2.5", 2), ("0.5", 1), ("1e-9", 1), ("3e0", 3)] {
            assert_eq!(of(&[("limit", limit)]).len(), count, "{limit}");
        }
        assert_eq!(of(&[("limit", ""), ("limit", "1"), ("limit", "3")]).len(), 1);
        for bad in [
            ("limit", "0"),
            ("limit", "-1"),
            ("limit", "+1"),
            ("limit", "1.0.0"),
            ("limit", "0.0"),
            ("limit", "."),
            ("limit", "1e400"),
            ("limit", "inf"),
            ("order", "up"),
            ("level", "fatal"),
            ("since", "now"),
        ] {
            assert!(Filter::parse([bad].into_iter()).is_err(), "{bad:?}");
        }
    }
}
