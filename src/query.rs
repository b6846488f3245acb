//! The query of a URL.

use std::borrow::Cow;

/// What stands between the first `?` of a URL and its `#`, as a form's fields
/// (<https://url.spec.whatwg.org/#application/x-www-form-urlencoded>).
#[derive(Debug, Clone, Copy)]
pub struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    /// The query of this URL, which is empty when it has none.
    pub fn of(url: &'a str) -> Query<'a> {
        let before_fragment = url.split('#').next().unwrap_or_default();
        Query(before_fragment.split_once('?').map_or("", |(_, query)| query))
    }

    /// Its names and values in order: a plus is a space, and what is no UTF-8 becomes U+FFFD.
    pub fn pairs(self) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> {
        form_urlencoded::parse(self.0.as_bytes())
    }

    /// The first value of this name.
    pub fn get(self, name: &str) -> Option<String> {
        self.pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// The first value of this name if a plus is a plus, for a client that puts a value into its URL as it is; `None`
    /// when there is no plus.
    pub fn get_literal(self, name: &str) -> Option<String> {
        let literal = self.0.contains('+').then(|| self.0.replace('+', "%2B"))?;
        Query(&literal).get(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_and_decoded() {
        let query =
            Query::of("https://x.example/logs?a=1&trace_id=t+%2b%20%C3%BC%ff&trace_id=other&b#trace_id=no?x");
        assert_eq!(query.get("trace_id").as_deref(), Some("t + ü\u{fffd}"));
        assert_eq!((query.get("b").as_deref(), query.get("c")), (Some(""), None));
        assert_eq!(query.get_literal("trace_id").as_deref(), Some("t++ ü\u{fffd}"));
        assert_eq!(query.pairs().count(), 4);
    }

    #[test]
    fn without_a_query_there_is_nothing() {
        for url in ["", "https://x.example", "https://x.example/logs?", "https://x.example/logs#?a=1"] {
            assert_eq!((Query::of(url).pairs().count(), Query::of(url).get_literal("a")), (0, None), "{url}");
        }
        assert_eq!(Query::of("https://x.example/logs?a=1").get_literal("a"), None);
    }
}
