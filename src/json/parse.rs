//! The tree: one pass, an explicit stack, no recursion.

use super::token::{Parsed, Parser, Refusal};
use super::{CUT_MARKER, Json, MAX_DEPTH};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// Values one text may hold: as many as the largest stored entry has room for. What has more could only be refused
/// later, and its tree would be many times the size of its text.
pub const MAX_VALUES: usize = 800_000;

/// Objects of at most this many members are searched for duplicate keys by comparing pairs.
const SMALL_OBJECT: usize = 16;

/// Why a text is not JSON (RFC 8259), and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// What the parser wanted or could not accept.
    pub what: &'static str,
    /// Whether it is JSON as far as was read, but has more than [`MAX_VALUES`] values.
    pub too_large: bool,
    /// Byte offset into the text.
    pub offset: usize,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at line {} column {}", self.what, self.line, self.column)
    }
}

/// Parses one JSON text with nothing but white space (and one leading byte order mark) around it.
///
/// # Errors
/// [`ParseError`] for anything RFC 8259 does not allow, with its place.
pub fn parse(text: &str) -> Result<Json<'_>, ParseError> {
    Builder::new(text, "").document().map_err(|refusal| locate(text, &refusal))
}

/// [`parse`] of an object, with the object under `apart` only checked: an empty one stands in its place, and its text is
/// returned beside. The values in it do not count.
///
/// # Errors
/// [`ParseError`] as for [`parse`].
pub fn parse_apart<'a>(
    text: &'a str,
    apart: &'static str,
) -> Result<(Json<'a>, Option<&'a str>), ParseError> {
    let mut builder = Builder::new(text, apart);
    let tree = builder.document().map_err(|refusal| locate(text, &refusal))?;
    Ok((tree, builder.left))
}

/// An array's items as [`parse_apart`] has them, or as text.
pub struct Items<'a> {
    /// As many as were to be kept.
    pub kept: Vec<Item<'a>>,
    /// How many there are.
    pub count: usize,
}

/// One of them.
#[derive(Debug)]
pub enum Item<'a> {
    /// Its tree, and the text of what was left out of it.
    Parsed(Json<'a>, Option<&'a str>),
    /// Checked.
    Text(&'a str),
}

/// The items of an array, parsed like [`parse_apart`] as long as they have no more than `values` values together. From then on
/// they are checked and left as text: a tree is many times the size of what it is made of. Of more than `most` items the others
/// are checked and counted. `None` when `text` is JSON but no array.
///
/// # Errors
/// [`ParseError`] as for [`parse`], but for the number of values.
pub fn items_apart<'a>(
    text: &'a str,
    apart: &'static str,
    values: usize,
    most: usize,
) -> Result<Option<Items<'a>>, ParseError> {
    let mut builder = Builder { most: values.min(MAX_VALUES), ..Builder::new(text, apart) };
    let mut kept = Vec::new();
    let counted = Parser::new(text).each_item(|parser| {
        if kept.len() >= most {
            return parser.skip_value();
        }
        if builder.most > 0 {
            (builder.parser.at, builder.values, builder.left) = (parser.at, 0, None);
            match builder.tree() {
                Ok(tree) => {
                    builder.most -= builder.values;
                    parser.at = builder.parser.at;
                    kept.push(Item::Parsed(tree, builder.left));
                    return Ok(());
                }
                Err(refusal) if refusal.what == TOO_MANY_VALUES => builder.most = 0,
                Err(refusal) => return Err(refusal),
            }
        }
        kept.push(Item::Text(parser.span()?));
        Ok(())
    });
    let counted = counted.map_err(|refusal| locate(text, &refusal))?;
    Ok(counted.map(|count| Items { kept, count }))
}

pub(super) fn locate(text: &str, refusal: &Refusal) -> ParseError {
    let &Refusal { what, offset } = refusal;
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    ParseError {
        what,
        too_large: what == TOO_MANY_VALUES,
        offset,
        line: before.matches('\n').count() + 1,
        column: before.get(line_start..).unwrap_or("").chars().count() + 1,
    }
}

const TOO_MANY_VALUES: &str = "expected fewer values";

enum Frame<'a> {
    Array(Vec<Json<'a>>),
    Object(Vec<(Cow<'a, str>, Json<'a>)>, Cow<'a, str>),
}

enum Next<'a> {
    Value(Json<'a>),
    Opened,
}

struct Builder<'a> {
    parser: Parser<'a>,
    stack: Vec<Frame<'a>>,
    values: usize,
    /// How many there may be.
    most: usize,
    /// The root's member whose object is left as text; empty for none.
    apart: &'static str,
    /// That text.
    left: Option<&'a str>,
}

impl<'a> Builder<'a> {
    fn new(text: &'a str, apart: &'static str) -> Self {
        Builder {
            parser: Parser::new(text),
            stack: Vec::new(),
            values: 0,
            most: MAX_VALUES,
            apart,
            left: None,
        }
    }

    /// Whether the value that comes is the one to be left as text.
    fn is_apart(&self) -> bool {
        matches!(self.stack.as_slice(), [Frame::Object(_, key)] if key == self.apart)
            && !self.apart.is_empty()
    }

    fn document(&mut self) -> Parsed<Json<'a>> {
        let tree = self.tree()?;
        self.parser.end().map(|()| tree)
    }

    fn tree(&mut self) -> Parsed<Json<'a>> {
        let mut next = self.value()?;
        loop {
            let value = match next {
                Next::Opened => {
                    next = self.value()?;
                    continue;
                }
                Next::Value(value) => value,
            };
            let Some(frame) = self.stack.pop() else { return Ok(value) };
            next = match frame {
                Frame::Array(mut items) => {
                    items.push(value);
                    self.parser.space();
                    match self.parser.peek() {
                        Some(b',') => {
                            self.parser.at += 1;
                            self.stack.push(Frame::Array(items));
                            Next::Opened
                        }
                        Some(b']') => {
                            self.parser.at += 1;
                            Next::Value(Json::Array(items))
                        }
                        _ => return self.parser.refuse("expected ',' or ']'"),
                    }
                }
                Frame::Object(mut members, key) => {
                    members.push((key, value));
                    self.parser.space();
                    match self.parser.peek() {
                        Some(b',') => {
                            self.parser.at += 1;
                            let key = self.parser.key()?;
                            self.stack.push(Frame::Object(members, key));
                            Next::Opened
                        }
                        Some(b'}') => {
                            self.parser.at += 1;
                            Next::Value(Json::Object(last_wins(members)))
                        }
                        _ => return self.parser.refuse("expected ',' or '}'"),
                    }
                }
            };
        }
    }

    /// A scalar or an empty container as a value; any other container is opened onto the stack.
    fn value(&mut self) -> Parsed<Next<'a>> {
        self.parser.space();
        self.values += 1;
        if self.values > self.most {
            return self.parser.refuse(TOO_MANY_VALUES);
        }
        match self.parser.peek() {
            Some(b'{' | b'[') if self.stack.len() >= MAX_DEPTH => {
                self.parser.skip_value()?;
                Ok(Next::Value(Json::String(Cow::Borrowed(CUT_MARKER))))
            }
            Some(b'{') if self.is_apart() => {
                self.left = Some(self.parser.span()?);
                Ok(Next::Value(Json::Object(Vec::new())))
            }
            Some(b'{') => {
                self.parser.at += 1;
                self.parser.space();
                if self.parser.peek() == Some(b'}') {
                    self.parser.at += 1;
                    return Ok(Next::Value(Json::Object(Vec::new())));
                }
                let key = self.parser.key()?;
                // A log has about so many members.
                let members = Vec::with_capacity(if self.stack.is_empty() { 8 } else { 0 });
                self.stack.push(Frame::Object(members, key));
                Ok(Next::Opened)
            }
            Some(b'[') => {
                self.parser.at += 1;
                self.parser.space();
                if self.parser.peek() == Some(b']') {
                    self.parser.at += 1;
                    return Ok(Next::Value(Json::Array(Vec::new())));
                }
                self.stack.push(Frame::Array(Vec::new()));
                Ok(Next::Opened)
            }
            _ => self.parser.scalar().map(Next::Value),
        }
    }
}

/// Keeps each key once: at its first place, with its last value, as `JSON.parse` does.
pub fn last_wins<'a>(members: Vec<(Cow<'a, str>, Json<'a>)>) -> Vec<(Cow<'a, str>, Json<'a>)> {
    if members.len() <= SMALL_OBJECT {
        let unique =
            members.iter().enumerate().all(|(at, (key, _))| !members.iter().take(at).any(|(k, _)| k == key));
        if unique {
            return members;
        }
    }
    let mut places: BTreeMap<Cow<'a, str>, usize> = BTreeMap::new();
    let mut kept: Vec<(Cow<'a, str>, Json<'a>)> = Vec::with_capacity(members.len());
    for (key, value) in members {
        match places.get(&key).and_then(|&at| kept.get_mut(at)) {
            Some(member) => member.1 = value,
            None => {
                places.insert(key.clone(), kept.len());
                kept.push((key, value));
            }
        }
    }
    kept
}
