//! Contexts as trees, before redaction and after.

use super::random::{DIGITS, Random};
use log_ingestion_worker::json::Json;

pub fn tree(value: &serde_json::Value) -> Json<'static> {
    match value {
        serde_json::Value::Null => Json::Null,
        serde_json::Value::Bool(b) => Json::Bool(*b),
        serde_json::Value::Number(n) => Json::Number(n.to_string().into()),
        serde_json::Value::String(s) => Json::String(s.clone().into()),
        serde_json::Value::Array(items) => Json::Array(items.iter().map(tree).collect()),
        serde_json::Value::Object(fields) => {
            Json::Object(fields.iter().map(|(k, v)| (k.clone().into(), tree(v))).collect())
        }
    }
}

/// The same keys, the same lengths; a leaf is itself or a string that holds the marker.
pub fn same_shape(before: &Json<'_>, after: &Json<'_>) -> bool {
    match (before, after) {
        (Json::Array(a), Json::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_shape(a, b))
        }
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((k, a), (l, b))| k == l && same_shape(a, b))
        }
        (Json::String(_) | Json::Number(_), Json::String(text)) => {
            before == after || text.contains("[REDACTED]")
        }
        _ => before == after,
    }
}

pub fn leaves(tree: &Json<'_>, out: &mut Vec<String>) {
    match tree {
        Json::String(s) | Json::Number(s) => out.push(s.to_string()),
        Json::Array(items) => items.iter().for_each(|item| leaves(item, out)),
        Json::Object(fields) => fields.iter().for_each(|(_, value)| leaves(value, out)),
        _ => {}
    }
}

/// A tree of these words, its shape drawn from the bits of a number.
pub fn random_tree(words: &[String], shape: u64, depth: u32) -> Json<'static> {
    fn build(words: &[String], random: &mut Random, depth: u32) -> Json<'static> {
        let word = |random: &mut Random| words[random.below(words.len())].clone();
        match random.below(if depth == 0 { 4 } else { 8 }) {
            0 => Json::Null,
            1 => Json::Bool(true),
            2 => Json::Number(random.of(DIGITS, 6).into()),
            3 => Json::String(word(random).into()),
            4 | 5 => Json::Array((0..random.below(5)).map(|_| build(words, random, depth - 1)).collect()),
            _ => {
                const KEYS: [&str; 9] =
                    ["password", "name", "value", "tokens", "a", "kty", "d", "pin", "signature"];
                Json::Object(
                    (0..random.below(5))
                        .map(|_| (KEYS[random.below(9)].into(), build(words, random, depth - 1)))
                        .collect(),
                )
            }
        }
    }
    build(words, &mut Random::new(shape), depth)
}
