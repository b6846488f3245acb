//! Spans: the texts of values inside a text, checked but not kept.

use super::ParseError;
use super::parse::locate;
use super::token::{Parsed, Parser};

/// The texts of an array's items, each checked and none kept: what they cost is paid one at a time. `None` when
/// `text` is JSON but no array.
///
/// # Errors
/// [`ParseError`] as for [`parse`](super::parse()), but for the number of values.
pub fn items(text: &str) -> Result<Option<Vec<&str>>, ParseError> {
    let mut items = Vec::new();
    let counted = Parser::new(text).each_item(|parser| {
        items.push(parser.span()?);
        Ok(())
    });
    counted.map(|count| count.map(|_| items)).map_err(|refusal| locate(text, &refusal))
}

/// The text of an object's member `key`, the last if there are several. `None` when there is none.
///
/// # Errors
/// [`ParseError`] as for [`items`], and when `text` is no object.
pub fn member<'a>(text: &'a str, key: &str) -> Result<Option<&'a str>, ParseError> {
    Parser::new(text).member(key).map_err(|refusal| locate(text, &refusal))
}

impl<'a> Parser<'a> {
    /// Has each item of an array read, which begins where the parser stands then, and returns how many there are. `None`
    /// when the text is JSON but no array.
    pub(super) fn each_item(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Parsed<()>,
    ) -> Parsed<Option<usize>> {
        self.space();
        if self.peek() != Some(b'[') {
            self.skip_value()?;
            return self.end().map(|()| None);
        }
        self.at += 1;
        let mut count = 0;
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return self.end().map(|()| Some(count));
        }
        loop {
            self.space();
            read(self)?;
            count += 1;
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return self.end().map(|()| Some(count));
                }
                _ => return self.refuse("expected ',' or ']'"),
            }
        }
    }

    fn member(&mut self, wanted: &str) -> Parsed<Option<&'a str>> {
        self.space();
        if self.peek() != Some(b'{') {
            return self.refuse("expected '{'");
        }
        self.at += 1;
        let mut found = None;
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return self.end().map(|()| None);
        }
        loop {
            let key = self.key()?;
            let value = self.span()?;
            if key == wanted {
                found = Some(value);
            }
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return self.end().map(|()| found);
                }
                _ => return self.refuse("expected ',' or '}'"),
            }
        }
    }

    /// The text of the next value.
    pub(super) fn span(&mut self) -> Parsed<&'a str> {
        self.space();
        let start = self.at;
        self.skip_value()?;
        Ok(self.text.get(start..self.at).unwrap_or(""))
    }

    /// Checks a value without keeping it and without recursion.
    pub(super) fn skip_value(&mut self) -> Parsed<()> {
        // Closing brackets owed.
        let mut skipped: Vec<u8> = Vec::new();
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
                        skipped.push(close);
                        continue;
                    }
                }
                None => {
                    self.scalar()?;
                }
            }
            // A value has ended: close what it completes.
            loop {
                let Some(&close) = skipped.last() else { return Ok(()) };
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
                        skipped.pop();
                    }
                    _ => return self.refuse("expected ',' or the end of an array or object"),
                }
            }
        }
    }
}
