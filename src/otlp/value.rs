//! Values: `AnyValue` and `KeyValue` (common.proto) as plain JSON.

use crate::json::{Json, last_wins};
use std::borrow::Cow;

/// The value of an `AnyValue`: text, flag, number, list or object; what has none is null. A whole number comes as a
/// decimal string or a number, bytes in base64 (section "JSON Protobuf Encoding"); bytes stay as they are.
///
/// Recurses once a level of nesting, of which the parser makes no more than [`crate::json::MAX_DEPTH`].
pub fn plain(value: Json<'_>) -> Json<'_> {
    let Json::Object(members) = value else { return value };
    let kinds = |key: &str| {
        matches!(
            key,
            "stringValue"
                | "boolValue"
                | "intValue"
                | "doubleValue"
                | "bytesValue"
                | "arrayValue"
                | "kvlistValue"
        )
    };
    let Some((kind, value)) = members.into_iter().find(|(key, _)| kinds(key)) else { return Json::Null };
    match (&*kind, value) {
        ("intValue", Json::String(digits)) if is_whole(&digits) => Json::Number(digits),
        ("arrayValue", mut list @ Json::Object(_)) => match list.take("values") {
            Some(Json::Array(values)) => Json::Array(values.into_iter().map(plain).collect()),
            Some(cut @ Json::String(_)) => cut,
            _ => Json::Array(Vec::new()),
        },
        ("kvlistValue", mut list @ Json::Object(_)) => match list.take("values") {
            Some(cut @ Json::String(_)) => cut,
            values => Json::Object(attributes(values)),
        },
        (_, value) => value,
    }
}

/// A list of `KeyValue`s as the members of an object; of two of one key the last one counts.
pub fn attributes<'a>(list: Option<Json<'a>>) -> Vec<(Cow<'a, str>, Json<'a>)> {
    let Some(Json::Array(list)) = list else { return Vec::new() };
    let pair = |mut pair: Json<'a>| match pair.take("key") {
        Some(Json::String(key)) => Some((key, pair.take("value").map_or(Json::Null, plain))),
        _ => None,
    };
    last_wins(list.into_iter().filter_map(pair).collect())
}

/// The text under a key.
pub fn text<'m>(members: &'m [(Cow<'_, str>, Json<'_>)], key: &str) -> Option<&'m str> {
    members.iter().find(|(name, _)| name == key).and_then(|(_, value)| match value {
        Json::String(text) if !text.is_empty() => Some(&**text),
        _ => None,
    })
}

fn is_whole(digits: &str) -> bool {
    let number = digits.strip_prefix('-').unwrap_or(digits);
    let plain = number == "0" || !number.starts_with('0');
    // 64 bits have 20 digits at most.
    plain && (1..=20).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
}
