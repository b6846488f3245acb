//! The parser: one pass, an explicit stack, no recursion.

use super::{CUT_MARKER, Json, MAX_DEPTH};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// Objects of at most this many members are searched for duplicate keys by comparing pairs.
const SMALL_OBJECT: usize = 16;

/// Why a text is not JSON (RFC 8259), and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// What the parser wanted or could not accept.
    pub what: &'static str,
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
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut parser =
        Parser { text, bytes: text.as_bytes(), at: start, stack: Vec::new(), skipped: Vec::new() };
    parser.document().map_err(|Refusal { what, offset }| locate(text, what, offset))
}

fn locate(text: &str, what: &'static str, offset: usize) -> ParseError {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    ParseError {
        what,
        offset,
        line: before.matches('\n').count() + 1,
        column: before.get(line_start..).unwrap_or("").chars().count() + 1,
    }
}

struct Refusal {
    what: &'static str,
    offset: usize,
}

type Parsed<T> = Result<T, Refusal>;

enum Frame<'a> {
    Array(Vec<Json<'a>>),
    Object(Vec<(Cow<'a, str>, Json<'a>)>, Cow<'a, str>),
}

enum Next<'a> {
    Value(Json<'a>),
    Opened,
}

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    stack: Vec<Frame<'a>>,
    /// Closing brackets owed by containers below [`MAX_DEPTH`], which are checked but not kept.
    skipped: Vec<u8>,
}

impl<'a> Parser<'a> {
    fn document(&mut self) -> Parsed<Json<'a>> {
        let mut next = self.value()?;
        loop {
            let value = match next {
                Next::Opened => {
                    next = self.value()?;
                    continue;
                }
                Next::Value(value) => value,
            };
            let Some(frame) = self.stack.pop() else {
                self.space();
                return match self.peek() {
                    None => Ok(value),
                    Some(_) => self.refuse("expected the end of the text"),
                };
            };
            next = match frame {
                Frame::Array(mut items) => {
                    items.push(value);
                    self.space();
                    match self.peek() {
                        Some(b',') => {
                            self.at += 1;
                            self.stack.push(Frame::Array(items));
                            Next::Opened
                        }
                        Some(b']') => {
                            self.at += 1;
                            Next::Value(Json::Array(items))
                        }
                        _ => return self.refuse("expected ',' or ']'"),
                    }
                }
                Frame::Object(mut members, key) => {
                    members.push((key, value));
                    self.space();
                    match self.peek() {
                        Some(b',') => {
                            self.at += 1;
                            let key = self.key()?;
                            self.stack.push(Frame::Object(members, key));
                            Next::Opened
                        }
                        Some(b'}') => {
                            self.at += 1;
                            Next::Value(Json::Object(last_wins(members)))
                        }
                        _ => return self.refuse("expected ',' or '}'"),
                    }
                }
            };
        }
    }

    /// A scalar or an empty container as a value; any other container is opened onto the stack.
    fn value(&mut self) -> Parsed<Next<'a>> {
        self.space();
        match self.peek() {
            Some(b'{' | b'[') if self.stack.len() >= MAX_DEPTH => {
                self.skip_container()?;
                Ok(Next::Value(Json::String(Cow::Borrowed(CUT_MARKER))))
            }
            Some(b'{') => {
                self.at += 1;
                self.space();
                if self.peek() == Some(b'}') {
                    self.at += 1;
                    return Ok(Next::Value(Json::Object(Vec::new())));
                }
                let key = self.key()?;
                self.stack.push(Frame::Object(Vec::new(), key));
                Ok(Next::Opened)
            }
            Some(b'[') => {
                self.at += 1;
                self.space();
                if self.peek() == Some(b']') {
                    self.at += 1;
                    return Ok(Next::Value(Json::Array(Vec::new())));
                }
                self.stack.push(Frame::Array(Vec::new()));
                Ok(Next::Opened)
            }
            _ => self.scalar().map(Next::Value),
        }
    }

    fn scalar(&mut self) -> Parsed<Json<'a>> {
        match self.peek() {
            Some(b'"') => self.string().map(Json::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            Some(_) => self.refuse("expected a value"),
            None => self.refuse("expected a value, found the end of the text"),
        }
    }

    fn word(&mut self, word: &'static str, value: Json<'a>) -> Parsed<Json<'a>> {
        if self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes())) {
            self.at += word.len();
            Ok(value)
        } else {
            self.refuse("expected a value")
        }
    }

    fn key(&mut self) -> Parsed<Cow<'a, str>> {
        self.space();
        if self.peek() != Some(b'"') {
            return self.refuse("expected a key in double quotes");
        }
        let key = self.string()?;
        self.space();
        if self.peek() != Some(b':') {
            return self.refuse("expected ':'");
        }
        self.at += 1;
        Ok(key)
    }

    /// Checks a container that lies too deep, without keeping it and without recursion.
    fn skip_container(&mut self) -> Parsed<()> {
        loop {
            // A value is due here.
            self.space();
            let opened = match self.peek() {
                Some(b'{') => Some((b'}', true)),
                Some(b'[') => Some((b']', false)),
                _ => None,
            };
            match opened {
                Some((close, keyed)) => {
                    self.at += 1;
                    self.space();
                    if self.peek() == Some(close) {
                        self.at += 1;
                    } else {
                        if keyed {
                            self.key()?;
                        }
                        self.skipped.push(close);
                        continue;
                    }
                }
                None => {
                    self.scalar()?;
                }
            }
            // A value has ended: close what it completes.
            loop {
                let Some(&close) = self.skipped.last() else { return Ok(()) };
                self.space();
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        if close == b'}' {
                            self.key()?;
                        }
                        break;
                    }
                    Some(byte) if byte == close => {
                        self.at += 1;
                        self.skipped.pop();
                    }
                    _ => return self.refuse("expected ',' or the end of an array or object"),
                }
            }
        }
    }

    fn number(&mut self) -> Parsed<Json<'a>> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return self.refuse("expected a digit"),
        }
        if matches!(self.peek(), Some(b'0'..=b'9')) {
            return self.refuse("a number must not start with 0");
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits()?;
        }
        let digits = self.text.get(start..self.at).unwrap_or("0");
        match digits.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Json::Number(Cow::Borrowed(digits))),
            _ => Ok(Json::Null),
        }
    }

    fn some_digits(&mut self) -> Parsed<()> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return self.refuse("expected a digit");
        }
        self.digits();
        Ok(())
    }

    fn digits(&mut self) {
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
    }

    fn string(&mut self) -> Parsed<Cow<'a, str>> {
        self.at += 1;
        let mut owned: Option<String> = None;
        let mut run = self.at;
        loop {
            match self.peek() {
                None => return self.refuse("expected '\"', found the end of the text"),
                Some(b'"') => {
                    let tail = self.text.get(run..self.at).unwrap_or("");
                    self.at += 1;
                    return Ok(match owned {
                        None => Cow::Borrowed(tail),
                        Some(mut text) => {
                            text.push_str(tail);
                            Cow::Owned(text)
                        }
                    });
                }
                Some(b'\\') => {
                    let text = owned.get_or_insert_with(String::new);
                    text.push_str(self.text.get(run..self.at).unwrap_or(""));
                    self.at += 1;
                    let unescaped = self.escape()?;
                    owned.get_or_insert_with(String::new).push(unescaped);
                    run = self.at;
                }
                Some(0..=0x1f) => return self.refuse("a control character in a string must be escaped"),
                Some(_) => self.at += 1,
            }
        }
    }

    /// The character of the escape whose backslash was just passed; half a surrogate pair is U+FFFD.
    fn escape(&mut self) -> Parsed<char> {
        let Some(byte) = self.peek() else {
            return self.refuse("expected an escape, found the end of the text");
        };
        self.at += 1;
        Ok(match byte {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.hex4()?;
                match unit {
                    0xd800..=0xdbff => self.low_surrogate(unit)?,
                    _ => char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER),
                }
            }
            _ => {
                self.at -= 1;
                return self.refuse("unknown escape in a string");
            }
        })
    }

    fn low_surrogate(&mut self, high: u32) -> Parsed<char> {
        if !self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(b"\\u")) {
            return Ok(char::REPLACEMENT_CHARACTER);
        }
        let before = self.at;
        self.at += 2;
        let low = self.hex4()?;
        if (0xdc00..=0xdfff).contains(&low) {
            let scalar = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
            return Ok(char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        // Not this pair's second half: the high one stands alone, and the next escape is read for itself.
        self.at = before;
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn hex4(&mut self) -> Parsed<u32> {
        let mut unit = 0;
        for _ in 0..4 {
            let Some(digit) = self.peek().and_then(|byte| char::from(byte).to_digit(16)) else {
                return self.refuse("expected four hexadecimal digits");
            };
            unit = unit * 16 + digit;
            self.at += 1;
        }
        Ok(unit)
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn refuse<T>(&self, what: &'static str) -> Parsed<T> {
        Err(Refusal { what, offset: self.at })
    }
}

/// Keeps each key once: at its first place, with its last value, as `JSON.parse` does.
fn last_wins<'a>(members: Vec<(Cow<'a, str>, Json<'a>)>) -> Vec<(Cow<'a, str>, Json<'a>)> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn string(text: &str) -> Json<'_> {
        parse(text).unwrap()
    }

    #[test]
    fn half_a_surrogate_pair_becomes_a_replacement_character() {
        assert_eq!(string(r#""a\ud83d""#), Json::String("a\u{fffd}".into()));
        assert_eq!(string(r#""\ude00b""#), Json::String("\u{fffd}b".into()));
        assert_eq!(string(r#""\ud83d\ud83d\ude00""#), Json::String("\u{fffd}😀".into()));
        assert_eq!(string(r#""\ud83d\n""#), Json::String("\u{fffd}\n".into()));
    }

    #[test]
    fn the_last_of_duplicate_keys_wins_at_the_first_ones_place() {
        let wanted = Json::Object(vec![
            ("a".into(), Json::Number("3".into())),
            ("b".into(), Json::Number("2".into())),
        ]);
        assert_eq!(string(r#"{"a":1,"b":2,"a":3}"#), wanted);
        let many: String = (0..100).map(|n| format!("\"k{}\":{n},", n % 50)).collect();
        let many = format!("{{{many}\"z\":0}}");
        let Json::Object(members) = string(&many) else { panic!() };
        assert_eq!(members.len(), 51);
        assert_eq!(members[0].1, Json::Number("50".into()));
    }

    #[test]
    fn numbers_keep_their_digits_and_what_no_double_holds_is_null() {
        assert_eq!(string("12345678901234567890.50"), Json::Number("12345678901234567890.50".into()));
        assert_eq!(string("-0"), Json::Number("-0".into()));
        assert_eq!(string("1e400"), Json::Null);
        assert_eq!(string("1e-400"), Json::Number("1e-400".into()));
    }

    #[test]
    fn a_hundred_thousand_levels_are_cut_not_overflowed() {
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        let mut value = &string(&deep);
        let mut levels = 0;
        while let Json::Array(items) = value {
            levels += 1;
            value = &items[0];
        }
        assert_eq!((levels, value), (MAX_DEPTH, &Json::String(CUT_MARKER.into())));
        let open = "{\"a\":".repeat(100_000);
        assert!(parse(&open).is_err());
        let mixed = format!("{}[1,{{}},[],{{\"k\":[2]}}]{}", "[".repeat(1_500), "]".repeat(1_500));
        assert!(parse(&mixed).is_ok());
        assert!(parse(&mixed.replace("[2]", "[2}")).is_err());
    }

    #[test]
    fn errors_name_the_place() {
        let error = parse("{\n  \"é\": tru\n}").unwrap_err();
        assert_eq!((error.line, error.column), (2, 8));
        assert_eq!(error.to_string(), "expected a value at line 2 column 8");
        for broken in [
            "",
            " ",
            "{",
            "[1,]",
            "{\"a\"}",
            "01",
            "1.",
            "1e",
            "\"\\x\"",
            "\"\n\"",
            "nul",
            "1 2",
            "{a:1}",
            "'a'",
            "\"\\u12\"",
        ] {
            assert!(parse(broken).is_err(), "{broken:?}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_serde_json_on_ordinary_values(value in crate::json::write::tests::any_json()) {
            let text = value.to_string();
            let mut written = Vec::new();
            crate::json::write_value(&mut written, &parse(&text).unwrap(), usize::MAX);
            prop_assert_eq!(serde_json::from_slice::<serde_json::Value>(&written).unwrap(), value);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[\\[\\]{}\",:0-9eE+\\-\\\\utrfalsn ]{0,60}") {
            let ours = parse(&text).is_ok();
            // Whatever serde_json reads, we read; what only we read has a surrogate or a huge number in it.
            if serde_json::from_str::<serde_json::Value>(&text).is_ok() {
                prop_assert!(ours);
            } else if ours {
                prop_assert!(text.contains("\\u") || text.contains(['e', 'E']));
            }
        }
    }
}
