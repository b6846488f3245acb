//! The headers with a grammar of their own: `Authorization` (RFC 9110, 7617, 6750, 7616; AWS Signature 4) and
//! `Cookie`/`Set-Cookie` (RFC 6265).

use super::charset::{self, CREDENTIAL, TOKEN, TOKEN_DOT, WORD};
use super::lists::{ends_as, is_one_of};
use super::masks;
use super::names::Rule;
use super::scan::Scanner;
use super::value;

/// The shortest value in a list of cookies that is told by its type's name alone.
const COOKIE_AT_LEAST: usize = 16;

/// What an `Authorization` value may start with.
const SCHEMES: &str = "bearer basic token digest negotiate ntlm apikey api-key key oauth hawk signature hmac jwt bot ssws \
    splunk geniekey sharedkey sso-key aws4-hmac-sha256 aws dpop zoho-oauthtoken";

/// How much white space a header's next line begins with at most.
const FOLD_AT_MOST: usize = 24;

/// What a cookie says about itself.
const ATTRIBUTES: &str = "path domain expires max-age httponly secure samesite partitioned priority";

impl Scanner<'_> {
    /// The value of an `Authorization` header: the scheme stays, the credentials go. `None` when a list stands there.
    pub fn authorization(&mut self, at: usize) -> Option<bool> {
        if matches!(self.byte(at), b'[' | b'{') && !self.is_at(at, super::MARK.as_bytes()) {
            return None;
        }
        // Python's `b'Bearer …'`, and `f"Bearer {token}"`, C#'s `$"Bearer {token}"`
        let prefix = self.slice(at, at + 2).iter().take_while(|b| b"bBfFrRuU$@".contains(b)).count();
        let prefix = if value::opening(self.text, at + prefix).is_some() { prefix } else { 0 };
        let formatted = self.slice(at, at + prefix).iter().any(|b| b"fF$".contains(b));
        let at = at + prefix;
        let opened = value::opening(self.text, at);
        let (start, limit, after) = match opened {
            Some((quote, start)) => {
                let (end, after) = self.closing(start, quote);
                (start, end, after)
            }
            None => (at, self.text.len(), 0),
        };
        let word = WORD.run_within(self.text, start, 24).min(limit);
        let gap = value::run_of(self.text, word, b' ');
        let gap = if gap == 0 && opened.is_none() { self.folded(start, word) } else { gap };
        let scheme = gap > 0
            && (is_one_of!(self.slice(start, word), SCHEMES) || self.own_scheme(start, word, word + gap));
        let from = if scheme { word + gap } else { start };
        // Rails' `Token token="…", email="…"`: what stands beside the token says whose it is.
        if scheme
            && self.is_at(from, b"token=")
            && matches!(self.byte(from + 6), b'"' | b'\'' | b'\\')
            && let Some((quote, inner)) = value::opening(self.text, from + 6)
        {
            return Some(self.token_parameter(inner, quote));
        }
        if scheme && self.take_parameters(self.slice(start, word), from, opened.map(|_| (limit, after))) {
            return Some(true);
        }
        let to = match opened {
            Some(_) => limit,
            None if scheme => self.parameters(from).unwrap_or_else(|| self.bare_end(from, false, false)),
            None => self.bare_end(from, false, false),
        };
        self.looked(from, to);
        let credentials = self.judged(from, to);
        let prose = opened.is_none() && !scheme && value::is_prose(self.text, from, to);
        if value::says_nothing(credentials)
            || prose
            || value::is_code(credentials)
            || value::is_sentence(credentials)
            || !scheme && value::is_address(credentials)
            || formatted && credentials.starts_with(b"{")
            || masks::is_absent(credentials)
        {
            if credentials.starts_with(super::MARK.as_bytes()) {
                self.resume(from + super::MARK.len());
                return Some(true);
            }
            return Some(false);
        }
        self.take(from, to, if opened.is_some() { after } else { to }, Rule::AUTHORIZATION);
        Some(true)
    }

    /// A header that goes on in its next line, which white space begins (RFC 9112's `obs-fold`): what stands between the scheme
    /// and its credentials. Those must look generated, for below may stand anything.
    fn folded(&mut self, scheme: usize, end: usize) -> usize {
        let line = end + usize::from(self.byte(end) == b'\r');
        let rest = self.slice(line + 1, line + FOLD_AT_MOST);
        let blank = rest.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        if self.byte(line) != b'\n' || blank == 0 || !is_one_of!(self.slice(scheme, end), SCHEMES) {
            return 0;
        }
        let from = line + 1 + blank;
        let to = CREDENTIAL.run_within(self.text, from, 512);
        self.looked(end, to);
        let marked = self.is_at(from, super::MARK.as_bytes());
        let fits = marked || value::looks_generated(self.slice(from, to), 16);
        if fits { from - end } else { 0 }
    }

    /// YAML's `auth: >-`, below it `Bearer` and below that the token: where the token stands.
    fn folded_below(&mut self, start: usize, end: usize) -> usize {
        let blank = |text: &[u8]| text.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        let back = self.slice(start.saturating_sub(FOLD_AT_MOST), start);
        let indent = back.iter().rev().take_while(|b| matches!(b, b' ' | b'\t')).count();
        let above = back.get(..back.len() - indent).unwrap_or_default();
        let folds = above.ends_with(b">-\n") || above.ends_with(b">\n");
        self.looked(start.saturating_sub(FOLD_AT_MOST), start);
        let below = blank(self.slice(end + 1, end + FOLD_AT_MOST));
        if folds && indent > 0 && below == indent { end + 1 + below } else { 0 }
    }

    /// Takes a string's content, and nothing behind it.
    fn token_parameter(&mut self, start: usize, quote: value::Quote) -> bool {
        let (end, after) = self.closing(start, quote);
        let content = self.judged(start, end);
        let marked = content.starts_with(super::MARK.as_bytes());
        if marked {
            self.resume(start + super::MARK.len());
        } else if !value::says_nothing(content) {
            self.take(start, end, after, Rule::AUTHORIZATION);
            return true;
        }
        marked
    }

    /// A scheme of somebody's own: a word, and what can be nothing but credentials.
    fn own_scheme(&mut self, start: usize, end: usize, from: usize) -> bool {
        if !self.slice(start, end).iter().all(|b| b.is_ascii_alphabetic() || *b == b'-') {
            return false;
        }
        let to = CREDENTIAL.run_within(self.text, from, 512);
        self.looked(from, to);
        self.is_at(from, super::MARK.as_bytes())
            || matches!(self.byte(to), 0..=b' ' | b'"' | b'\'')
                && value::looks_generated(self.slice(from, to), 20)
    }

    /// `Bearer …` and `Basic …` outside a header.
    pub fn scheme_phrase(&mut self, start: usize, end: usize) -> bool {
        let word = self.slice(start, end);
        let bearer = word.eq_ignore_ascii_case(b"bearer");
        if !bearer && !word.eq_ignore_ascii_case(b"basic") {
            return false;
        }
        let from = match self.byte(end) {
            b' ' => {
                let from = end + value::run_of(self.text, end, b' ');
                if bearer && self.is_at(from, b"was ") {
                    return self.protocol_bearer(from + 4);
                }
                value::skip_colour(self.text, from).unwrap_or(from)
            }
            b'%' if self.is_at(end, b"%20") => end + 3,
            b'+' => end + 1,
            b'\n' if bearer => match self.folded_below(start, end) {
                0 => return false,
                from => from,
            },
            b'.' if bearer && matches!(self.before(start), b' ' | b',' | b'"' | b'\'') => {
                return self.protocol_bearer(end + 1);
            }
            b',' if bearer && self.byte(end + 1) == b' ' => return self.protocol_bearer(end + 2),
            _ => return false,
        };
        if self.is_at(from, super::MARK.as_bytes()) {
            self.resume(from + super::MARK.len());
            return true;
        }
        let mut to = CREDENTIAL.run(self.text, from);
        self.looked(from, to);
        while to > from && matches!(self.before(to), b'.' | b':' | b'%' | b'/') {
            to -= 1;
        }
        let credentials = self.slice(from, to);
        let secret = if bearer {
            !self.next_field(start, from)
                && credentials.len() >= 6
                && !value::is_assignment(credentials)
                && !value::says_nothing(credentials)
                && charset::is_mixed(credentials)
                && credentials.iter().skip(1).any(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
        } else {
            is_user_and_password(credentials) || is_random(credentials)
        };
        if secret {
            self.take(from, to, to, Rule::AUTHORIZATION);
        }
        secret
    }

    /// A WebSocket's `Sec-WebSocket-Protocol: graphql-ws, bearer.…`, `Bearer, …`: what can be nothing but a token. A JWT is its
    /// own rule's.
    fn protocol_bearer(&mut self, from: usize) -> bool {
        let to = TOKEN.run_within(self.text, from, 512);
        self.looked(from, to);
        let secret = !self.is_at(from, b"eyJ") && value::is_unmistakable(self.slice(from, to));
        if secret {
            self.take(from, to, to, Rule::AUTHORIZATION);
        }
        secret
    }

    /// Go's `{TokenType:Bearer ExpiresIn:3600}`: behind the scheme as a field's whole value the next field.
    fn next_field(&self, scheme: usize, from: usize) -> bool {
        let name = charset::ALNUM_UNDER.run_within(self.text, from, 40);
        self.is_at(scheme.saturating_sub(5), b"type:")
            && name > from + 1
            && self.byte(name) == b':'
            && self.slice(from, name).iter().all(|b| b.is_ascii_alphabetic() || *b == b'_')
    }

    /// A list of `Set-Cookie` values: `[ 'a=…; Path=/', 'b=…' ]`.
    pub fn cookie_list(&mut self, at: usize) -> bool {
        let mut at = at + 1;
        if self.before(at) != b'[' || self.is_at(at - 1, super::MARK.as_bytes()) {
            return false;
        }
        let mut read = false;
        loop {
            at +=
                self.slice(at, at + 24).iter().take_while(|b| b.is_ascii_whitespace() || **b == b',').count();
            let Some((quote, start)) = value::opening(self.text, at) else { return read };
            if !self.cookies(at) {
                return read;
            }
            read = true;
            at = self.closing(start, quote).1;
            self.at = self.at.max(at);
        }
    }

    /// `.NET`'s `HttpCookieCollection: a=…; b=…`, `CookieContainer: …`: a list of cookies under its type's name.
    pub fn cookie_collection(&mut self, name: usize, end: usize, at: usize) -> bool {
        ends_as!(self.slice(name, end), "cookiecollection cookiecontainer cookiejar")
            && {
                let first = TOKEN_DOT.run_within(self.text, at, 96);
                let value = TOKEN_DOT.run_within(self.text, first + 1, 96);
                first > at
                    && self.byte(first) == b'='
                    && value::looks_generated(self.slice(first + 1, value), COOKIE_AT_LEAST)
            }
            && self.cookies(at)
    }

    /// Whether a pair's name, read before, is a cookie header's: `"name":"Set-Cookie"`.
    pub fn of_cookie_pair(&self) -> bool {
        let name = self.slice(self.pair_at, self.pair_at + 24);
        let at = name.iter().position(u8::is_ascii_alphabetic).unwrap_or(0);
        let end = TOKEN.run_within(name, at, 24);
        is_one_of!(name.get(at..end).unwrap_or_default(), "cookie set-cookie")
    }

    /// Whether a string that starts here begins with a cookie's name and value. Base64's padding has none.
    pub fn begins_cookie(&self, at: usize) -> bool {
        let Some((_, start)) = value::opening(self.text, at) else { return false };
        let name = TOKEN_DOT.run_within(self.text, start, 96);
        name > start
            && self.byte(name) == b'='
            && !matches!(self.byte(name + 1), b'=' | b'"' | b'\'' | b'\\' | b'\n' | 0)
    }

    /// The value of a `Cookie` or `Set-Cookie` header: names and attributes stay, values go. Declines what is no
    /// list of cookies.
    pub fn cookies(&mut self, at: usize) -> bool {
        let opened = value::opening(self.text, at);
        let (mut at, limit) = match opened {
            Some((quote, start)) => {
                let (end, _) = self.closing(start, quote);
                (start, end)
            }
            None => (at, self.text.len()),
        };
        let first = at;
        loop {
            let mut name = at;
            while name < limit && (TOKEN.has(self.byte(name)) || matches!(self.byte(name), b'.' | b'$')) {
                name += 1;
            }
            self.looked(at, name);
            let attribute = is_one_of!(self.slice(at, name), ATTRIBUTES)
                && (at != first || is_one_of!(self.slice(at, name), "samesite httponly max-age"));
            if name == at || (self.byte(name) != b'=' && !attribute) || name >= limit && !attribute {
                break;
            }
            let from = (name + usize::from(self.byte(name) == b'=')).min(limit);
            let from = if opened.is_none() { self.behind_colours(from) } else { from };
            // `sid="…"`, Python's `sid='…'`
            let quoted = opened.is_none() && matches!(self.byte(from), b'"' | b'\'') && !attribute;
            let from = from + usize::from(quoted);
            // the same in a string: `sid=\"…\"`
            let mark = if opened.is_none() && !attribute { value::opening(self.text, from) } else { None };
            let from = mark.filter(|_| self.byte(from) == b'\\').map_or(from, |(_, from)| from);
            let mut to = from;
            let marked = self.is_at(from, super::MARK.as_bytes());
            while to < limit && !marked {
                match self.byte(to) {
                    b';' | b'"' | b'\'' | b'\n' | b'\r' | b'\\' | 0x1b => break,
                    b' ' | b',' if !attribute && opened.is_none() && !quoted => break,
                    b',' if self.slice(to + 1, to + 2) == b" " && !attribute => break,
                    b'}' | b']' | b')' if opened.is_none() && !charset::is_alnum(self.byte(to + 1)) => break,
                    _ => to += 1,
                }
            }
            // An unquoted attribute ends with its word, but for a date's.
            if attribute && opened.is_none() && !self.is_at(at, b"expires") {
                to = self.slice(from, to).iter().position(|&b| b == b' ').map_or(to, |space| from + space);
            }
            self.looked(from, to);
            if marked {
                to = from + super::MARK.len();
                self.resume(to);
            } else if !attribute && from < to && !is_no_cookie(self.slice(from, to)) {
                self.take(from, to, to, Rule::COOKIE);
            }
            let to = to + usize::from(quoted && matches!(self.byte(to), b'"' | b'\''));
            let to = if opened.is_none() { self.behind_colours(to) } else { to };
            let gap = to + 1 + value::run_of(self.text, to + 1, b' ');
            self.at = to.max(self.at);
            if !matches!(self.byte(to), b';' | b',') || gap >= limit {
                break;
            }
            at = gap;
        }
        at != first || self.at > first
    }

    /// Behind what colours a terminal's text here, two at most: `ESC[1mESC[32m`.
    fn behind_colours(&self, at: usize) -> usize {
        let behind = |at: usize| value::skip_colour(self.text, at).unwrap_or(at);
        behind(behind(at))
    }
}

/// Whether a cookie's value is none: a mask, a template's name, what a deleted one has.
fn is_no_cookie(value: &[u8]) -> bool {
    value.starts_with(b"***")
        || value.starts_with(b"${")
        || value.starts_with(b"<") && value.ends_with(b">")
        || is_slot(value)
        || super::says::is_cookie_name(value)
        || matches!(value, b"deleted" | b"null" | b"undefined")
}

/// A name in braces, which is filled in later: `{sid}`, `{{sid}}`, `#{sid}`
fn is_slot(value: &[u8]) -> bool {
    let value = value.strip_prefix(b"#").unwrap_or(value);
    let open = value.iter().take_while(|b| **b == b'{').count();
    let name = value.get(open..value.len().saturating_sub(open)).unwrap_or_default();
    (1..=2).contains(&open)
        && name.len() <= 40
        && name.first().is_some_and(u8::is_ascii_alphabetic)
        && name.iter().all(|&b| b.is_ascii_alphabetic() || b"_. ".contains(&b))
        && value.iter().rev().take(open).all(|b| *b == b'}')
}

/// Whether a token is base64 of random bytes, as some send in place of `user:password`: no word of letters is so mixed.
fn is_random(token: &[u8]) -> bool {
    let kind = |b: &u8| (b.is_ascii_digit(), b.is_ascii_lowercase(), b.is_ascii_uppercase());
    let changes = token.windows(2).filter(|two| matches!(two, [a, b] if kind(a) != kind(b))).count();
    (20..=512).contains(&token.len())
        && token.len().is_multiple_of(4)
        && token.iter().all(|&b| charset::BASE64.has(b))
        && changes * 5 >= token.len() * 2
        && value::is_unmistakable(token)
}

/// Whether a token is base64 of `user:password`.
fn is_user_and_password(token: &[u8]) -> bool {
    let body: &[u8] = token.strip_suffix(b"==").or_else(|| token.strip_suffix(b"=")).unwrap_or(token);
    if body.len() < 6 || (body.len() % 4 == 1) {
        return false;
    }
    let (mut bits, mut have, mut colon) = (0u32, 0u32, false);
    for &b in body {
        let six = match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return false,
        };
        bits = bits << 6 | u32::from(six);
        have += 6;
        if have >= 8 {
            have -= 8;
            let byte = (bits >> have) as u8;
            if byte < b' ' || byte == 0x7f {
                return false;
            }
            colon |= byte == b':';
        }
    }
    colon
}
