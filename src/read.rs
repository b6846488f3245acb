//! Reading a trace: what waits in the buffer and what is in Redis, as one list.

use crate::entry::{Level, System};
use crate::json::{self, Json};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};

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

    fn passes(&self, entry: &Seen) -> bool {
        let timestamp = entry.timestamp();
        self.level.is_none_or(|level| entry.level.as_deref() == Some(level.as_str()))
            && self.system.is_none_or(|system| entry.system.as_deref() == Some(system.as_str()))
            && self.user_id.as_ref().is_none_or(|user| entry.user_id.as_ref() == Some(user))
            && self.since.is_none_or(|since| timestamp >= since)
            && self.until.is_none_or(|until| timestamp <= until)
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

/// Bytes of entries one answer may have: some three times as much memory is taken while it is made, and an isolate has
/// 128 MB (Cloudflare, "Workers: limits").
pub const ANSWER_MAX_BYTES: usize = 24 * 1024 * 1024;

/// Entries kept at least before those are let go that a limit leaves out.
const KEPT_AT_LEAST: usize = 100;

/// A trace, put together from its parts. What is not asked for is noted and not kept.
#[derive(Debug, Default)]
pub struct Trace {
    filter: Filter,
    elements: Vec<Element>,
    /// Where the entries with an id stand. More than one have it where it was used again once it was forgotten.
    by_id: HashMap<String, Vec<usize>>,
    /// Ids of entries that are not to be seen.
    hidden: HashSet<String>,
    /// How many entries are kept, and their bytes.
    kept: usize,
    kept_bytes: usize,
    /// Whether more is asked for than [`ANSWER_MAX_BYTES`]: then none is kept.
    pub too_much: bool,
    /// Elements that are no entries, and were left out.
    pub unreadable: usize,
}

#[derive(Debug)]
struct Element {
    timestamp: i64,
    /// Of its JSON.
    hash: u64,
    /// Its JSON, if it is kept.
    json: Option<String>,
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

impl Seen {
    #[allow(clippy::cast_possible_truncation)]
    fn timestamp(&self) -> i64 {
        self.timestamp as i64
    }
}

impl Trace {
    /// What a filter asks for of a trace.
    pub fn of(filter: Filter) -> Trace {
        Trace { filter, ..Trace::default() }
    }

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
        let (timestamp, passes) = (seen.timestamp(), self.filter.passes(&seen));
        let id = seen.id.unwrap_or_else(|| json.clone());
        if self.hidden.contains(&id) {
            return;
        }
        let hash = hash(&json);
        let same_id = self.by_id.entry(id).or_default();
        if same_id.iter().any(|&at| self.elements.get(at).is_some_and(|element| element.hash == hash)) {
            return;
        }
        same_id.push(self.elements.len());
        let json = (passes && !self.too_much).then_some(json);
        if let Some(json) = &json {
            self.kept += 1;
            self.kept_bytes += json.len();
        }
        self.elements.push(Element { timestamp, hash, json });
        let too_many = self.filter.limit.is_some_and(|limit| self.kept / 2 > limit.max(KEPT_AT_LEAST));
        if too_many || self.kept_bytes > ANSWER_MAX_BYTES {
            self.keep_newest();
        }
        if self.kept_bytes > ANSWER_MAX_BYTES {
            self.too_much = true;
            self.let_go(0..self.elements.len());
        }
    }

    /// Lets go of those that are older than as many as are asked for.
    fn keep_newest(&mut self) {
        let Some(limit) = self.filter.limit else { return };
        let is_kept = |at: &usize| self.elements.get(*at).is_some_and(|element| element.json.is_some());
        let mut places: Vec<usize> = (0..self.elements.len()).filter(is_kept).collect();
        places.sort_by_key(|&at| self.elements.get(at).map(|element| element.timestamp));
        places.truncate(places.len().saturating_sub(limit));
        self.let_go(places.into_iter());
    }

    fn let_go(&mut self, places: impl Iterator<Item = usize>) {
        for at in places {
            if let Some(json) = self.elements.get_mut(at).and_then(|element| element.json.take()) {
                self.kept -= 1;
                self.kept_bytes -= json.len();
            }
        }
    }

    /// Has entries with these ids dropped.
    pub fn hide(&mut self, ids: impl IntoIterator<Item = String>) {
        self.hidden.extend(ids);
    }

    /// Forgets the entries after the first `len`.
    pub fn truncate(&mut self, len: usize) {
        self.let_go(len..self.elements.len());
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

    /// The entries that are asked for, sorted by timestamp, those of one timestamp in order of arrival.
    pub fn select(mut self) -> Vec<String> {
        self.keep_newest();
        self.elements.sort_by_key(|element| element.timestamp);
        let mut kept: Vec<String> = self.elements.into_iter().filter_map(|element| element.json).collect();
        if self.filter.newest_first {
            kept.reverse();
        }
        kept
    }
}

/// What tells two entries under one id apart. Who makes two of one hash hides an entry of its own.
fn hash(json: &str) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    json.hash(&mut hasher);
    hasher.finish()
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
        assert_eq!(ids(&trace.select()), ["b", "a", "c", "d"]);
    }

    #[test]
    fn an_id_that_was_used_again_hides_no_entry() {
        let mut trace = Trace::default();
        for (id, time) in [("a", 1), ("a", 2), ("a", 1), ("gone", 3)] {
            trace.hide(["gone".to_string()]);
            trace.push(entry(id, time, "log"));
        }
        assert_eq!((trace.len(), ids(&trace.select())), (2, vec!["a".into(), "a".into()]));
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
        assert_eq!(ids(&trace.select()), ["a", "b", "c"]);
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
        assert!(trace.select().iter().all(|json| json::parse(json).is_ok()));
    }

    #[test]
    fn filters_narrow_and_limit_keeps_the_newest() {
        let of = |pairs: &[(&'static str, &'static str)]| {
            let mut trace = Trace::of(Filter::parse(pairs.iter().copied()).unwrap());
            for (at, level) in ["log", "error", "log", "error"].into_iter().enumerate() {
                trace.push(entry(&at.to_string(), at as i64, level));
            }
            ids(&trace.select())
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
