//! Replies, as `/pipeline` and `/multi-exec` give them: one item a command, each a result or an error.

use serde_json::Value;

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

impl Reply {
    fn from_json(value: Value) -> Reply {
        match value {
            Value::Null => Reply::Nil,
            Value::String(text) => Reply::Text(text),
            Value::Array(items) => Reply::List(items.into_iter().map(Reply::from_json).collect()),
            Value::Number(number) => {
                number.as_i64().map_or_else(|| Reply::Text(number.to_string()), Reply::Integer)
            }
            other => Reply::Text(other.to_string()),
        }
    }

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
    let value: Value =
        serde_json::from_slice(body).map_err(|error| format!("answer is not JSON: {error}"))?;
    let Value::Array(items) = value else {
        return Err("answer is not an array".to_string());
    };
    if items.len() != count {
        return Err(format!("answer has {} items for {count} commands", items.len()));
    }
    items.into_iter().map(parse_item).collect()
}

fn parse_item(item: Value) -> Result<Item, String> {
    let Value::Object(mut members) = item else {
        return Err("an item of the answer is not an object".to_string());
    };
    if let Some(error) = members.remove("error").filter(|error| !error.is_null()) {
        return Ok(Err(error.as_str().map_or_else(|| error.to_string(), str::to_string)));
    }
    match members.remove("result") {
        Some(result) => Ok(Ok(Reply::from_json(result))),
        None => Err("an item of the answer has neither result nor error".to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
