//! A log's context: redacted as a tree, and once for all the logs of a request that say the same. The logs of a batch mostly
//! come from a few pages, and each says of its page what the one before did.

use crate::json::{self, Json, ParseError};
use crate::redaction::{self, Tally};
use std::rc::Rc;

/// Contexts of one request that are kept: more than people are at a time in a batch that a server collects.
const KEPT_AT_MOST: usize = 32;
/// Bytes of a context that is kept: it is held twice until the request ends.
const BYTES_AT_MOST: usize = 4 * 1024;

/// A context as it was sent.
pub enum Sent<'b> {
    /// Its text: an object, checked.
    Text(&'b str),
    /// Its tree.
    Tree(Json<'b>),
}

/// A context as it is to be stored.
#[derive(Debug, Clone, PartialEq)]
pub enum Context<'b> {
    /// Redacted.
    Tree(Json<'b>),
    /// Redacted, and written as JSON.
    Written(Rc<[u8]>),
}

impl Context<'_> {
    /// Appends it as JSON.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Context::Tree(tree) => json::write_value(out, tree, json::MAX_CONTEXT_DEPTH),
            Context::Written(written) => out.extend_from_slice(written),
        }
    }
}

/// The contexts a request has had so far that nothing was taken out of: as they were sent, and as they are stored.
#[derive(Default)]
pub struct Contexts<'b>(Vec<(&'b str, Rc<[u8]>)>);

impl<'b> Contexts<'b> {
    /// Redacts a context. What is taken out of one is counted each time, so only those are kept that lost nothing.
    ///
    /// # Errors
    /// [`ParseError`] when it has more values than can be stored.
    pub fn redact(&mut self, sent: Sent<'b>, tally: &mut Tally) -> Result<Context<'b>, ParseError> {
        let (text, mut tree) = match sent {
            Sent::Tree(tree) => ("", tree),
            Sent::Text(text) => match self.0.iter().find(|(known, _)| *known == text) {
                Some((_, written)) => return Ok(Context::Written(written.clone())),
                None => (text, json::parse(text)?),
            },
        };
        let before = tally.total();
        redaction::redact_context(&mut tree, tally);
        let context = Context::Tree(tree);
        let keep = tally.total() == before
            && !text.is_empty()
            && text.len() <= BYTES_AT_MOST
            && self.0.len() < KEPT_AT_MOST;
        if !keep {
            return Ok(context);
        }
        let mut written = Vec::with_capacity(text.len());
        context.write(&mut written);
        let written: Rc<[u8]> = written.into();
        self.0.push((text, written.clone()));
        Ok(Context::Written(written))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted<'b>(contexts: &mut Contexts<'b>, text: &'b str, tally: &mut Tally) -> String {
        let mut out = Vec::new();
        contexts.redact(Sent::Text(text), tally).unwrap().write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_context_that_comes_again_is_stored_as_the_first_time() {
        let (mut contexts, mut tally) = (Contexts::default(), Tally::default());
        for _ in 0..3 {
            assert_eq!(redacted(&mut contexts, r#"{ "a" : "\u0041", "a": 1 }"#, &mut tally), r#"{"a":1}"#);
            assert_eq!(redacted(&mut contexts, r#"{"a":2}"#, &mut tally), r#"{"a":2}"#);
            assert_eq!(redacted(&mut contexts, r#"{"a":3}"#, &mut tally), r#"{"a":3}"#);
        }
        assert_eq!((contexts.0.len(), tally.total()), (3, 0));
    }

    #[test]
    fn what_is_taken_out_is_counted_each_time() {
        let (mut contexts, mut tally) = (Contexts::default(), Tally::default());
        for _ in 0..3 {
            let text = r#"{"password":"hunter2"}"#;
            assert_eq!(redacted(&mut contexts, text, &mut tally), r#"{"password":"[REDACTED]"}"#);
        }
        assert_eq!((contexts.0.len(), tally.total()), (0, 3));
    }

    #[test]
    fn no_more_and_no_larger_contexts_are_kept_than_there_is_room_for() {
        let texts: Vec<String> = (0..100).map(|n| format!(r#"{{"n":{n}}}"#)).collect();
        let large = format!(r#"{{"a":"{}"}}"#, "a ".repeat(BYTES_AT_MOST / 2));
        let (mut contexts, mut tally) = (Contexts::default(), Tally::default());
        assert_eq!(redacted(&mut contexts, &large, &mut tally), large);
        assert_eq!(contexts.0.len(), 0);
        for text in &texts {
            assert_eq!(redacted(&mut contexts, text, &mut tally), *text);
        }
        assert_eq!(contexts.0.len(), KEPT_AT_MOST);
    }
}
