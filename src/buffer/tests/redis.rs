//! A Redis that executes the bodies the worker would send.

use crate::redis::{Item, Reply};
use std::collections::{BTreeMap, BTreeSet};

/// Lists with a time to live.
#[derive(Debug, Default)]
pub struct Redis {
    /// Newest first, and when it expires, Unix ms.
    lists: BTreeMap<String, (Vec<String>, Option<i64>)>,
    /// Keys under which something else stands.
    pub wrong: BTreeSet<String>,
    /// Whether it deletes nothing.
    pub keeps: bool,
    /// Bytes of what one command answers at most: any, or one that asks for a part of a list.
    pub answers_at_most: Option<usize>,
    pub answers_in_part_at_most: Option<usize>,
}

impl Redis {
    /// A list as it is, oldest first.
    pub fn list(&self, trace: &str, now: i64) -> Vec<String> {
        let list = self.lists.get(&crate::redis::list_key(trace));
        let live = list.filter(|(_, expires)| expires.is_none_or(|at| at > now));
        live.map(|(elements, _)| elements.iter().rev().cloned().collect()).unwrap_or_default()
    }

    /// How long a list lives yet, ms; `None` for ever.
    pub fn ttl(&self, trace: &str, now: i64) -> Option<i64> {
        self.lists.get(&crate::redis::list_key(trace)).and_then(|(_, expires)| expires.map(|at| at - now))
    }

    /// Deletes the lists that nobody owns.
    pub fn sweep(&mut self, owned: impl Fn(&str) -> bool) {
        self.lists.retain(|key, _| key.strip_prefix(crate::redis::KEY_PREFIX).is_some_and(&owned));
    }

    /// Forgets everything.
    pub fn wipe(&mut self) {
        self.lists.clear();
        self.wrong.clear();
    }

    /// Executes a body; the command at `failing` is answered with an error and not executed.
    pub fn execute(&mut self, body: &[u8], failing: Option<usize>, now: i64) -> Vec<Item> {
        let commands: Vec<Vec<String>> = serde_json::from_slice(body).unwrap();
        assert!(!commands.is_empty(), "an empty request is an error at Upstash");
        self.lists.retain(|_, (list, expires)| expires.is_none_or(|at| at > now) && !list.is_empty());
        let answer = |(at, command): (usize, Vec<String>)| {
            // Nothing makes these fail beside a push that does not.
            let fails = failing == Some(at) && !matches!(command[0].as_str(), "EXPIRE" | "DEL");
            if fails { Err("ERR try again later".to_string()) } else { self.command(&command, now) }
        };
        commands.into_iter().enumerate().map(answer).collect()
    }

    fn command(&mut self, command: &[String], now: i64) -> Item {
        let key = command[1].clone();
        let arguments = &command[2..];
        if self.wrong.contains(&key) && !matches!(command[0].as_str(), "DEL" | "EXPIRE") {
            return Err("WRONGTYPE Operation against a key holding the wrong kind of value".to_string());
        }
        if self.keeps && command[0] == "DEL" {
            return Err("NOPERM this user has no permissions to run the 'del' command".to_string());
        }
        let integer = |number: usize| Ok(Reply::Integer(i64::try_from(number).unwrap()));
        match command[0].as_str() {
            "LPUSH" => {
                assert!(!arguments.is_empty() && arguments.iter().all(|element| !element.is_empty()));
                let (list, _) = self.lists.entry(key).or_default();
                for element in arguments {
                    list.insert(0, element.clone());
                }
                integer(list.len())
            }
            "EXPIRE" => {
                let Some((_, expires)) = self.lists.get_mut(&key) else { return integer(0) };
                *expires = Some(now + 1_000 * arguments[0].parse::<i64>().unwrap());
                integer(1)
            }
            "LTRIM" => {
                assert_eq!(arguments, ["0", "-1"], "it is to change nothing");
                Ok(Reply::Text("OK".to_string()))
            }
            "LLEN" => integer(self.lists.get(&key).map_or(0, |(list, _)| list.len())),
            "LRANGE" => {
                let [first, last] = [0, 1].map(|at| arguments[at].parse::<i64>().unwrap());
                assert!(first >= 0 && last >= -1);
                let first = usize::try_from(first).unwrap();
                let through = usize::try_from(last).map_or(usize::MAX, |last| last + 1);
                let list = self.lists.get(&key).map(|(list, _)| list.as_slice()).unwrap_or_default();
                let range: Vec<String> = list.iter().take(through).skip(first).cloned().collect();
                let actual: usize = range.iter().map(String::len).sum();
                let in_part = self.answers_in_part_at_most.filter(|_| last >= 0);
                match self.answers_at_most.or(in_part) {
                    Some(limit) if actual > limit => Err(format!(
                        "ERR max request size exceeded. Limit: {limit} bytes, Actual: {actual} bytes"
                    )),
                    _ => Ok(Reply::List(range.into_iter().map(Reply::Text).collect())),
                }
            }
            "LREM" => {
                let Some((list, _)) = self.lists.get_mut(&key) else { return integer(0) };
                let before = list.len();
                list.retain(|element| *element != arguments[1]);
                integer(before - list.len())
            }
            "DEL" => {
                let gone = command[1..]
                    .iter()
                    .filter(|key| self.lists.remove(*key).is_some() | self.wrong.remove(*key))
                    .count();
                integer(gone)
            }
            other => panic!("unknown command {other}"),
        }
    }
}
