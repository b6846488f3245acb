//! Replies, as `/pipeline` and `/multi-exec` give them: one item a command, each a result or an error.

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use std::fmt;

/// A command's result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// An integer.
    Integer(i64),
    /// A string or a status.
    Text(String),
    /// An array.
    List(Vec<Reply>),
    /// Nothing.
    Nil,
}

/// One command's outcome; the error is Redis's own text (`WRONGTYPE …`), and says it was not executed.
pub type Item = Result<Reply, String>;

impl<'de> Deserialize<'de> for Reply {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Reply, D::Error> {
        struct ReplyVisitor;
        impl<'de> Visitor<'de> for ReplyVisitor {
            type Value = Reply;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a Redis reply")
            }

            fn visit_unit<E>(self) -> Result<Reply, E> {
                Ok(Reply::Nil)
            }

            fn visit_i64<E>(self, number: i64) -> Result<Reply, E> {
                Ok(Reply::Integer(number))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Reply, E> {
                i64::try_from(number).map(Reply::Integer).map_err(|_| E::custom("an integer out of range"))
            }

            fn visit_str<E>(self, text: &str) -> Result<Reply, E> {
                Ok(Reply::Text(text.to_string()))
            }

            fn visit_string<E>(self, text: String) -> Result<Reply, E> {
                Ok(Reply::Text(text))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Reply, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(Reply::List(list))
            }
        }
        deserializer.deserialize_any(ReplyVisitor)
    }
}

/// One item of an answer. A `result` of null is a result; one that is not there is not.
#[derive(serde::Deserialize)]
struct RawItem {
    #[serde(default, deserialize_with = "present")]
    result: Option<Reply>,
    #[serde(default)]
    error: Option<String>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Reply>, D::Error> {
    Reply::deserialize(deserializer).map(Some)
}

impl Reply {
    /// The integer, if it is one.
    pub fn integer(&self) -> Option<i64> {
        match self {
            Reply::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// The strings of a list, if it is one; what is no string is left out.
    pub fn into_strings(self) -> Option<Vec<String>> {
        match self {
            Reply::List(items) => Some(
                items
                    .into_iter()
                    .filter_map(|item| match item {
                        Reply::Text(text) => Some(text),
                        _ => None,
                    })
                    .collect(),
            ),
            _ => None,
        }
    }
}

/// Reads the answer to `count` commands.
///
/// # Errors
/// What is wrong with it, when it is not exactly `count` results and errors: then nothing is known of what was
/// executed.
pub fn parse_items(body: &[u8], count: usize) -> Result<Vec<Item>, String> {
    // serde's own words quote what is there, and there may be anything.
    let items: Vec<RawItem> = serde_json::from_slice(body).map_err(|error| {
        format!("answer is not a list of results: see its line {} column {}", error.line(), error.column())
    })?;
    if items.len() != count {
        return Err(format!("answer has {} items for {count} commands", items.len()));
    }
    items
        .into_iter()
        .map(|item| match item {
            RawItem { error: Some(error), .. } => Ok(Err(error)),
            RawItem { result: Some(result), error: None } => Ok(Ok(result)),
            _ => Err("an item of the answer has neither result nor error".to_string()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_garbage_quotes_nothing_of_it() {
        for body in [r#""Bearer tok-1""#, r#"["tok-1"]"#, r#"[{"result":1,"tok-1":"#] {
            let said = parse_items(body.as_bytes(), 1).unwrap_err();
            assert!(said.starts_with("answer is not a list of results") && !said.contains("tok"), "{said}");
        }
    }

    #[test]
    fn items_are_results_or_errors_and_anything_else_is_garbage() {
        let items = parse_items(
            br#"[{"result":3},{"error":"WRONGTYPE x"},{"result":["a",null]},{"result":null}]"#,
            4,
        );
        assert_eq!(
            items.unwrap(),
            [
                Ok(Reply::Integer(3)),
                Err("WRONGTYPE x".to_string()),
                Ok(Reply::List(vec![Reply::Text("a".into()), Reply::Nil])),
                Ok(Reply::Nil)
            ]
        );
        for garbage in
            [&b"<html>"[..], b"{}", b"[]", b"[{}]", b"[1]", b"[{\"result\":1},{\"result\":2}]", b"\xff"]
        {
            assert!(parse_items(garbage, 1).is_err(), "{garbage:?}");
        }
    }
}
