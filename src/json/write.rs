//! The writer: compact JSON, no deeper than it is told.

use super::token::{is_plain, plain_of_eight};
use super::{CUT_MARKER, Json};
use serde::Serialize;

/// Appends `value` as compact JSON. Containers more than `depth` levels down are written as [`CUT_MARKER`].
///
/// Recurses once a level, so callers give a bound the stack can hold (the parser never makes more than
/// [`super::MAX_DEPTH`]).
pub fn write_value(out: &mut Vec<u8>, value: &Json<'_>, depth: usize) {
    match value {
        Json::Null => out.extend_from_slice(b"null"),
        Json::Bool(true) => out.extend_from_slice(b"true"),
        Json::Bool(false) => out.extend_from_slice(b"false"),
        Json::Number(digits) => out.extend_from_slice(digits.as_bytes()),
        Json::String(text) => write_string(out, text),
        Json::Array(_) | Json::Object(_) if depth == 0 => write_string(out, CUT_MARKER),
        Json::Array(items) => write_list(out, items, |out, item| write_value(out, item, depth - 1)),
        Json::Object(members) => {
            out.push(b'{');
            for (at, (key, item)) in members.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write_string(out, key);
                out.push(b':');
                write_value(out, item, depth - 1);
            }
            out.push(b'}');
        }
    }
}

/// Appends `text` as a JSON string: quotes, backslashes and control characters escaped, all else as it is.
///
/// Eight bytes are copied at once, and taken back from the first one on that has to be escaped: a text that is JSON itself has
/// a quote every few bytes, and a call to copy what stands between two of them would cost more than the copy.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let (bytes, mut at) = (text.as_bytes(), 0);
    while let Some(eight) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        out.extend_from_slice(eight);
        let plain = plain_of_eight(*eight);
        at += plain;
        if let Some(&byte) = eight.get(plain) {
            out.truncate(out.len() - (8 - plain));
            write_escape(out, byte);
            at += 1;
        }
    }
    for &byte in bytes.get(at..).unwrap_or_default() {
        if is_plain(byte) { out.push(byte) } else { write_escape(out, byte) }
    }
    out.push(b'"');
}

/// Appends the escape of a byte that does not stand for itself in a string.
fn write_escape(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' => b'"',
        b'\\' => b'\\',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            const HEX: [u8; 16] = *b"0123456789abcdef";
            let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or(b'0');
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 0xf)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Appends an integer.
pub fn write_integer(out: &mut Vec<u8>, number: impl Serialize) {
    // An integer is always JSON, and a vector takes every byte.
    let _ = serde_json::to_writer(out, &number);
}

/// Appends an array, each item as `write` does.
pub fn write_list<T>(out: &mut Vec<u8>, items: &[T], mut write: impl FnMut(&mut Vec<u8>, &T)) {
    out.push(b'[');
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            ".{0,12}".prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::btree_map(".{0,6}", inner, 0..6)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    #[test]
    fn control_characters_are_escaped_and_all_else_is_byte_true() {
        let mut out = Vec::new();
        write_string(&mut out, "a\"\\\n\u{0}\u{1f}é😀\u{2028}</script>");
        assert_eq!(String::from_utf8(out).unwrap(), "\"a\\\"\\\\\\n\\u0000\\u001fé😀\u{2028}</script>\"");
    }

    proptest! {
        #[test]
        fn a_string_is_written_as_serde_writes_it(text in "([a-z\\u{e9}\\u{1f600}]{0,9}[\"\\\\\n\u{0}-\u{1f}\u{7f}]{0,2}){0,6}") {
            let mut out = Vec::new();
            write_string(&mut out, &text);
            prop_assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&text).unwrap());
        }
    }

    #[test]
    fn what_is_too_deep_is_marked() {
        let value = crate::json::parse(r#"{"a":[{"b":1}],"c":2}"#).unwrap();
        let mut out = Vec::new();
        write_value(&mut out, &value, 2);
        assert_eq!(String::from_utf8(out).unwrap(), format!(r#"{{"a":["{CUT_MARKER}"],"c":2}}"#));
    }
}
