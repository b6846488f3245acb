//! The parameters of an `Authorization` header: `username="…", response="…"` (RFC 7616; OAuth 1.0, RFC 5849; AWS
//! Signature 4). What is known to be none stays, every other value goes.

use super::charset::WORD;
use super::lists::is_one_of;
use super::names::Rule;
use super::scan::Scanner;
use super::value;

/// Schemes whose credentials are such a list.
const SCHEMES: &str = "digest oauth hawk signature aws4-hmac-sha256";

/// Parameters that say whose request it is, what for and how it was signed.
const TELLING: &str = "username realm uri qop nc algorithm charset userhash stale oauth_version oauth_signature_method \
    oauth_timestamp signedheaders headers ts created expires";

/// How much of a parameter that stays is looked at.
const TELLING_AT_MOST: usize = 128;

/// A name and its value.
struct Parameter {
    name: (usize, usize),
    value: (usize, usize),
    /// Where the value's own mark ends.
    next: usize,
}

/// Whether what stands under a telling name says no more than that: a query or what looks generated does.
fn tells(name: &[u8], value: &[u8]) -> bool {
    is_one_of!(name, TELLING)
        && value.len() <= TELLING_AT_MOST
        && !value.contains(&b'?')
        && (!value::looks_generated(value, 10) || value.iter().all(u8::is_ascii_hexdigit) && value.len() < 12)
}

impl Scanner<'_> {
    /// The parameter that starts here and ends by `limit`.
    fn parameter(&mut self, at: usize, limit: usize) -> Option<Parameter> {
        let name = WORD.run_within(self.text, at, 48);
        if name == at || self.byte(name) != b'=' || matches!(self.byte(name + 1), b'=' | b' ' | 0) {
            return None;
        }
        let (start, end, next) = match value::opening(self.text, name + 1) {
            Some((quote, start)) => {
                let (end, after) = self.closing(start, quote);
                (start, end, after)
            }
            None => {
                let mut to = name + 1;
                while !matches!(self.byte(to), 0..=b' ' | b',' | b'"' | b'\'' | b'\\' | b'}') {
                    to += 1;
                }
                (name + 1, to, to)
            }
        };
        self.looked(at, next);
        (next > name + 1 && next <= limit).then_some(Parameter {
            name: (at, name),
            value: (start, end),
            next,
        })
    }

    /// Where a list of parameters ends. `None` when none starts here.
    #[inline(never)]
    pub fn parameters(&mut self, from: usize) -> Option<usize> {
        let (mut at, mut end) = (from, None);
        while let Some(parameter) = self.parameter(at, self.text.len()) {
            end = Some(parameter.next);
            if self.byte(parameter.next) != b',' {
                break;
            }
            at = parameter.next + 1 + value::run_of(self.text, parameter.next + 1, b' ');
        }
        end
    }

    /// `Digest username="ada", nonce="…", response="…"`: takes the values one by one. In a string, given where it ends and
    /// where reading goes on, what is no parameter goes too. `false` when no list starts here.
    pub fn take_parameters(&mut self, scheme: &[u8], from: usize, string: Option<(usize, usize)>) -> bool {
        let (until, after) = string.unwrap_or((self.text.len(), 0));
        if !is_one_of!(scheme, SCHEMES) || self.parameter(from, until).is_none() {
            return false;
        }
        let (mut at, mut end) = (from, from);
        // A comma parts them; what stands behind anything else is no parameter.
        while let Some(parameter) = self.parameter(at, until) {
            let ((name, named), (start, stop)) = (parameter.name, parameter.value);
            let content = self.judged(start, stop);
            if !tells(self.slice(name, named), self.slice(start, stop)) && !value::says_nothing(content) {
                self.take(start, stop, parameter.next, Rule::AUTHORIZATION);
            }
            end = parameter.next;
            let comma = usize::from(self.byte(end) == b',');
            at = (end + comma + value::run_of(self.text, end + comma, b' ')).min(until);
            if comma == 0 {
                break;
            }
        }
        let rest = string.is_some() && at < until && !value::says_nothing(self.judged(at, until));
        if rest {
            self.take(at, until, after, Rule::AUTHORIZATION);
        } else {
            self.resume(end.max(after));
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::tells;

    #[test]
    fn only_what_a_telling_name_says_stays() {
        for (name, value, stays) in [
            ("username", "ada", true),
            ("realm", "files@example.com", true),
            ("nc", "00000001", true),
            ("SignedHeaders", "host;x-amz-date", true),
            ("uri", "/dav", true),
            ("uri", "/dav?token=x", false),
            ("username", "aB3kQ9zLm27TxWv", false),
            ("response", "ada", false),
        ] {
            assert_eq!(tells(name.as_bytes(), value.as_bytes()), stays, "{name}={value}");
        }
    }
}
