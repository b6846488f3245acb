//! JSON as a tree.
use std::borrow::Cow;

/// One JSON value, borrowing from its source where no escape had to be undone.
#[derive(Debug, Clone, PartialEq)]
pub enum Json<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as the text it came in.
    Number(Cow<'a, str>),
    /// A string, escapes undone.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Json<'a>>),
    /// An object, keys in order of arrival.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}
