//! What a command answers, and how the REST API writes it down.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use serde_json::{Value, json};

/// The answer to one Redis command. Strings are bytes: Redis keeps any, and so do we.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A short fixed answer, such as `OK` or `PONG`.
    Status(Bytes),
    /// A stored value.
    Bulk(Bytes),
    /// A 64-bit signed integer.
    Int(i64),
    /// Absent key or element.
    Nil,
    /// Several answers in order.
    Array(Vec<Reply>),
    /// Redis's own error text, with its code in front (`ERR …`, `WRONGTYPE …`).
    Error(String),
}

/// How strings are written in a JSON response: the request header `Upstash-Encoding`.
/// <https://upstash.com/docs/redis/features/restapi#base64-encoded-responses>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As text; a byte that is no UTF-8 becomes U+FFFD.
    Text,
    /// Every string in base64, the status `OK` excepted. Errors stay text.
    Base64,
}

impl Reply {
    /// The status `OK`.
    pub fn ok() -> Reply {
        Reply::Status(Bytes::from_static(b"OK"))
    }

    /// A stored value, copied from a slice.
    pub fn bulk(value: &[u8]) -> Reply {
        Reply::Bulk(Bytes::copy_from_slice(value))
    }

    /// An error with Redis's text.
    pub fn error(text: impl Into<String>) -> Reply {
        Reply::Error(text.into())
    }

    /// True for [`Reply::Error`].
    pub fn is_error(&self) -> bool {
        matches!(self, Reply::Error(_))
    }

    /// The integer, when it is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Reply::Int(n) => Some(*n),
            _ => None,
        }
    }

    /// The string, when it is a status or a value; bytes that are no UTF-8 become U+FFFD.
    pub fn as_text(&self) -> Option<String> {
        match self {
            Reply::Status(b) | Reply::Bulk(b) => Some(String::from_utf8_lossy(b).into_owned()),
            _ => None,
        }
    }

    /// The elements of an array as texts; empty for anything else. Elements that are no strings are left out.
    pub fn texts(&self) -> Vec<String> {
        match self {
            Reply::Array(items) => items.iter().filter_map(Reply::as_text).collect(),
            _ => Vec::new(),
        }
    }

    /// Bytes of its strings.
    pub fn payload_bytes(&self) -> usize {
        match self {
            Reply::Status(bytes) | Reply::Bulk(bytes) => bytes.len(),
            Reply::Array(items) => items.iter().map(Reply::payload_bytes).sum(),
            Reply::Int(_) | Reply::Nil | Reply::Error(_) => 0,
        }
    }

    /// `{"result": …}` or `{"error": …}`.
    pub fn to_json(&self, encoding: Encoding) -> Value {
        match self {
            Reply::Error(text) => json!({ "error": text }),
            other => json!({ "result": other.value(encoding) }),
        }
    }

    fn value(&self, encoding: Encoding) -> Value {
        match self {
            Reply::Nil => Value::Null,
            Reply::Int(n) => json!(n),
            Reply::Status(b) if b.as_ref() == b"OK" => json!("OK"),
            Reply::Status(b) | Reply::Bulk(b) => match encoding {
                Encoding::Text => json!(String::from_utf8_lossy(b)),
                Encoding::Base64 => json!(BASE64.encode(b)),
            },
            Reply::Array(items) => items.iter().map(|item| item.value(encoding)).collect(),
            Reply::Error(text) => json!(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_covers_every_string_but_the_ok_status() {
        let reply = Reply::Array(vec![
            Reply::ok(),
            Reply::bulk(b"OK"),
            Reply::bulk(b"bar"),
            Reply::Int(3),
            Reply::Nil,
        ]);
        assert_eq!(reply.to_json(Encoding::Base64), json!({"result": ["OK", "T0s=", "YmFy", 3, null]}));
        assert_eq!(Reply::error("ERR x").to_json(Encoding::Base64), json!({"error": "ERR x"}));
    }

    #[test]
    fn bytes_that_are_no_text_become_the_replacement_character() {
        assert_eq!(Reply::bulk(b"a\xff").to_json(Encoding::Text), json!({"result": "a\u{fffd}"}));
    }
}
