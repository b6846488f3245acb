//! JSON as hostile clients send it: a tree that borrows from the body, an iterative parser, a bounded writer.
//!
//! `serde_json` refuses what the contract accepts (a lone surrogate, `1e400`, nesting beyond 128 levels) and
//! re-reads numbers through `f64`. This tree keeps a number's own digits, turns a lone surrogate into U+FFFD,
//! lets the last of duplicate keys win, and neither parser nor writer recurses deeper than [`MAX_DEPTH`].

mod exact;
mod parse;
mod spans;
#[cfg(test)]
mod tests;
mod token;
mod write;

pub use exact::Exact;
pub use parse::{Item, Items, MAX_VALUES, ParseError, items_apart, last_wins, parse, parse_apart};
pub use spans::{items, member};
#[cfg(test)]
pub(crate) use write::tests::any_json;
pub use write::{write_integer, write_list, write_string, write_value};

use std::borrow::Cow;

/// Levels of nesting the parser keeps, envelope included; containers further down become [`CUT_MARKER`].
/// A context may have [`MAX_CONTEXT_DEPTH`] levels; a batch puts up to three more around it.
pub const MAX_DEPTH: usize = MAX_CONTEXT_DEPTH + 3;

/// Levels of nesting kept of a context; what is deeper is replaced by [`CUT_MARKER`] (contract: Bounds).
pub const MAX_CONTEXT_DEPTH: usize = 1_000;

/// What stands in place of a container nested too deeply.
pub const CUT_MARKER: &str = "[cut: nested deeper than 1000 levels]";

/// A JSON value. Strings without escapes and numbers borrow from the text they were parsed from.
#[derive(Debug, Clone, PartialEq)]
pub enum Json<'a> {
    /// `null`, and a number no finite double can hold (JavaScript would print it as `null`).
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, in the digits it was sent with.
    Number(Cow<'a, str>),
    /// A string, unescaped.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Json<'a>>),
    /// An object in the order of its keys' first appearance; keys are unique.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

impl<'a> Json<'a> {
    /// The name of this value's type, as error messages give it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool(_) => "a boolean",
            Json::Number(_) => "a number",
            Json::String(_) => "a string",
            Json::Array(_) => "an array",
            Json::Object(_) => "an object",
        }
    }

    /// Removes and returns the value under `key`; `None` when this is no object or has no such key.
    pub fn take(&mut self, key: &str) -> Option<Json<'a>> {
        let Json::Object(members) = self else { return None };
        let at = members.iter().position(|(name, _)| name == key)?;
        Some(members.swap_remove(at).1)
    }
}
