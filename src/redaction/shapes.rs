//! Secrets told by their shape: JWTs, passwords in URLs, and tokens that no prefix gives away.

use super::benign;
use super::charset::{self, ALNUM, ANY_BASE64, TOKEN, TOKEN_DOT};
use super::lists::{ends_as, list};
use super::names::Rule;
use super::places::DATABASES;
use super::scan::Scanner;
use super::value;

/// The length of a Sentry DSN's public key.
const DSN_KEY: usize = 32;

/// The shortest macaroon: a location, an identifier and a signature of 32 bytes.
const MACAROON_AT_LEAST: usize = 60;

impl Scanner<'_> {
    /// `eyJ….eyJ….…` (RFC 7519), and JWE's five parts: where it ends.
    pub fn jwt(&mut self, at: usize) -> Option<usize> {
        if self.byte(at) != b'e' || self.byte(at + 1) != b'y' || !self.byte(at + 2).is_ascii_alphanumeric() {
            return None;
        }
        let first = TOKEN.run(self.text, at);
        self.looked(at, first);
        if first - at < 12 || self.byte(first) != b'.' {
            return None;
        }
        let second = TOKEN.run(self.text, first + 1);
        self.looked(first, second);
        let signed = self.byte(second) == b'.' && (second > first + 8 || self.byte(first + 1) == b'.');
        let cut_off = second > first + 12 && self.is_at(first + 1, b"eyJ");
        if !signed && !cut_off {
            return None;
        }
        let mut end = TOKEN_DOT.run(self.text, second);
        self.looked(second, end);
        if self.byte(end) == b'=' {
            end += value::run_of(self.text, end, b'=').min(2);
        }
        while end > second && self.before(end) == b'.' {
            end -= 1;
        }
        // An ellipsis cut it off, or the sentence ended.
        Some(end)
    }

    /// Words whose own form gives them away.
    pub fn shaped(&mut self, start: usize, end: usize) -> bool {
        let first = self.byte(start);
        let taken = match first {
            // New Relic's license key
            b'0'..=b'9' | b'a'..=b'f' if end - start == 40 && self.is_at(end - 4, b"NRAL") => (charset::HEX
                .run_within(self.text, start, 36)
                == start + 36)
                .then_some((start, end, Rule::KEY_VALUE)),
            b'0'..=b'9' if !self.names_id(start) => self.card(start).map(|end| (start, end, Rule::CARD)),
            b'c' | b'C' | b'p' | b'P' if end - start >= 6 => {
                self.named_card(start, end).map(|(from, to)| (from, to, Rule::CARD))
            }
            b'M' if self.is_at(start, b"MDA") => {
                self.macaroon(start).map(|end| (start, end, Rule::KEY_VALUE))
            }
            b'M' | b'N' | b'O' if (23..=28).contains(&(end - start)) && self.byte(end) == b'.' => {
                self.discord_bot(start, end).map(|end| (start, end, Rule::DISCORD))
            }
            // Twilio's account and its token
            b'A' if end - start == 34 && self.is_at(start, b"AC") && self.byte(end) == b':' => {
                let to = charset::HEX.run_within(self.text, end + 1, 33);
                (to == end + 33).then_some((end + 1, to, Rule::KEY_VALUE))
            }
            b'a' if self.before(start) == b'.' && start >= 15 && self.is_at(start, b"atlasv1.") => {
                let to = ANY_BASE64.run(self.text, end + 1);
                self.looked(end, to);
                let from = start - 15;
                let fits = ALNUM.run(self.slice(from, start - 1), 0) == 14 && to - end > 40;
                fits.then_some((from, to, Rule::TERRAFORM))
            }
            b'A' | b'G' | b'r' if matches!(end - start, 15 | 23 | 61) => self.secret_of_id(start, end),
            b'U' if end - start == 12 => self.asked_password(start, end),
            // A magnetic stripe's first track without its `%`
            b'B' if self.byte(end) == b'^' && self.byte(start + 1).is_ascii_digit() => {
                let to = self.card_at(start + 1).filter(|&to| to == end);
                to.map(|to| (start + 1, to, Rule::CARD))
            }
            b'd' if matches!(end - start, 7 | 10) && self.is_at(start, b"discord") => {
                let escaped = self.is_at(end, b".com\\/api\\/"); // PHP escapes slashes in JSON
                let api = escaped || self.is_at(end, b".com/api/");
                if api { self.discord_webhook(end + if escaped { 11 } else { 9 }) } else { None }
            }
            b'T' | b'F' if self.before(start) == b'\t' && self.byte(end) == b'\t' => {
                self.jar_cookie(start, end)
            }
            b'x' => {
                self.line.desktop |= self.is_at(start, b"xfreerdp");
                None
            }
            _ => None,
        };
        let marked = matches!(self.before(start), b'/' | b'*') || first == b'm' && end - start == 35;
        let taken = taken.or_else(|| if marked { self.by_place(start, end) } else { None });
        // What is left is long, or has a sign at one of its ends: nearly every word is turned away here.
        let parted = matches!(self.byte(end), b':' | b'!') || self.before(start) == b':' || end - start >= 36;
        let taken = taken.or_else(|| if parted { self.parted(start, end) } else { None });
        if let Some((from, to, rule)) = taken {
            self.line.card_to = if rule == Rule::CARD { to } else { self.line.card_to };
            self.take(from, to, to, rule);
        }
        taken.is_some()
    }

    /// A macaroon: base64 of packets, each led by its length in four hexadecimal digits, the first one a location. Where
    /// its name stands, what follows need not be one.
    #[inline(never)]
    fn macaroon(&mut self, start: usize) -> Option<usize> {
        let located = self.slice(start + 6, start + 16) == b"xvY2F0aW9u";
        if !located && !self.words_mention(list!("macaroon macaroons")) {
            return None;
        }
        let end = ANY_BASE64.run(self.text, start);
        self.looked(start, end);
        (end >= start + MACAROON_AT_LEAST && charset::is_mixed(self.slice(start, end))).then_some(end)
    }

    /// `webhooks/{id}/{token}`, an API version in between or not.
    fn discord_webhook(&mut self, at: usize) -> Option<(usize, usize, Rule)> {
        let version =
            at + self.slice(at, at + 5).iter().position(|&b| b == b'/').map_or(0, |slash| slash + 1);
        // PHP escapes slashes in JSON; so does who escapes that again.
        let slash = |at: usize| value::slash(self.text, at);
        let at = [at, version].into_iter().find(|&at| self.is_at(at, b"webhooks"))? + 8;
        let at = Some(slash(at)).filter(|&at| self.byte(at) == b'/')? + 1;
        let id = charset::HEX.run_within(self.text, at, 24);
        let behind = slash(id);
        let token = TOKEN.run(self.text, behind + 1);
        let fits = id > at && self.byte(behind) == b'/' && token - behind > 24;
        self.looked(at, token);
        fits.then_some((behind + 1, token, Rule::DISCORD))
    }

    /// Base64 of the id, a timestamp, a signature.
    fn discord_bot(&mut self, start: usize, end: usize) -> Option<usize> {
        let middle = TOKEN.run_within(self.text, end + 1, 8);
        let last = TOKEN.run(self.text, middle + 1);
        self.looked(end, last);
        let fits = matches!(middle - end, 7 | 8) && self.byte(middle) == b'.' && last - middle > 27;
        (fits && charset::is_mixed(self.slice(start, end))).then_some(last)
    }

    /// `://user:password@host`
    pub fn colon(&mut self) {
        let at = self.at;
        self.at += 1;
        if self.is_at(at.saturating_sub(5), b":thin:") {
            self.oracle(at + 1);
        }
        // PHP's `:\/\/`, and that escaped once more
        let marks = value::run_of(self.text, at + 1, b'\\');
        let slash = at + 1 + marks;
        let behind = slash + 1 + marks;
        let escaped = self.byte(slash) == b'/'
            && self.byte(behind) == b'/'
            && value::run_of(self.text, slash + 1, b'\\') == marks;
        if !escaped || !charset::is_alnum(self.before(at)) {
            return;
        }
        let start = behind + 1;
        if let Some((from, to)) = self.userinfo(at, start) {
            let content = self.slice(from, to);
            if content.starts_with(super::MARK.as_bytes()) {
                self.resume(from + super::MARK.len());
            } else if !value::says_nothing(content) {
                self.take(from, to, to, Rule::URL_PASSWORD);
            }
        }
    }

    /// The secret part of the userinfo that starts at `start`, behind a scheme that ends at `scheme`.
    #[inline(never)]
    fn userinfo(&mut self, scheme: usize, start: usize) -> Option<(usize, usize)> {
        const FURTHEST: usize = 320;
        let limit = self.text.len().min(start + FURTHEST);
        let (mut colon, mut sign, mut path, mut at) = (None, None, None, start);
        while at < limit {
            match self.byte(at) {
                0..=b' ' | b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\' | 0x7f => break,
                b',' if self.byte(at + 1) == b' ' => break,
                b':' if self.is_at(at, b"://") && at > start => break,
                b':' if colon.is_none() && path.is_none() => colon = Some(at),
                b'@' => sign = Some(at),
                b'/' | b'?' | b'#' if path.is_none() => {
                    // A port and then a path: no userinfo. Something else before the slash may be a raw password.
                    let raw = colon.is_some_and(|colon| {
                        let part = self.slice(colon + 1, at);
                        !part.iter().all(u8::is_ascii_digit) || part.is_empty() && self.byte(at) == b'/'
                    });
                    if sign.is_some() || !raw {
                        break;
                    }
                    path = Some(at);
                }
                b'/' | b'?' if sign.is_some() => break,
                _ => {}
            }
            at += 1;
        }
        self.looked(start, at);
        let sign = sign?;
        if let Some(colon) = colon.filter(|&colon| colon < sign) {
            let (user, password) = (self.slice(start, colon), self.slice(colon + 1, sign));
            // `https://<token>:x-oauth-basic@…`, `https://<key>:@…`: the secret stands first.
            if (password.is_empty() || password == b"x-oauth-basic" || password == b"x") && user.len() >= 16 {
                return Some((start, colon));
            }
            // Symfony's `mailgun+api://key:domain@default`
            let scheme = self.slice(scheme.saturating_sub(13), scheme);
            if ends_as!(scheme, "mailgun mailgun+api mailgun+https") {
                return (user.len() >= 16).then_some((start, colon));
            }
            // `ssh://host:/path@x` has no password; a database's address has no such path.
            let path = password.first() == Some(&b'/') && !value::looks_generated(password, 8);
            if path && !ends_as!(scheme, DATABASES) {
                return None;
            }
            return (!password.is_empty()).then_some((colon + 1, sign));
        }
        // `nats://<token>@…`
        let token = self.slice(start, sign);
        (!self.is_dsn_key(token, sign) && value::looks_generated(token, 20)).then_some((start, sign))
    }

    /// Whether it is the key of a Sentry DSN, which is made to be public: hexadecimal, and behind the host a project's number
    /// (<https://develop.sentry.dev/sdk/foundations/transport/authentication/>).
    fn is_dsn_key(&mut self, token: &[u8], sign: usize) -> bool {
        if token.len() != DSN_KEY || !token.iter().all(u8::is_ascii_hexdigit) {
            return false;
        }
        let host = TOKEN_DOT.run_within(self.text, sign + 1, 80);
        let rest = self.slice(host, host + 48);
        let blank =
            rest.iter().position(|&b| !(charset::is_alnum(b) || b"/:._-".contains(&b))).unwrap_or(rest.len());
        self.looked(sign, host + blank);
        let path = rest.get(..blank).unwrap_or_default();
        let ended = path.iter().rev().take_while(|b| matches!(b, b'.' | b':')).count();
        let path = path.get(..path.len() - ended).unwrap_or_default();
        let project = path.rsplit(|&b| b == b'/').next().unwrap_or_default();
        let named = self.slice(sign + 1, host).windows(6).any(|part| part == b"sentry");
        let numbered = path.contains(&b'/') && !project.is_empty() && project.iter().all(u8::is_ascii_digit);
        named || numbered
    }

    /// `jdbc:oracle:thin:user/password@host`
    fn oracle(&mut self, start: usize) {
        let slash = TOKEN_DOT.run_within(self.text, start, 64);
        let sign = (slash..slash + 64).find(|&i| matches!(self.byte(i), 0..=b' ' | b'@' | b'"' | b'\''));
        let Some(sign) = sign.filter(|&sign| self.byte(sign) == b'@' && self.byte(slash) == b'/') else {
            return;
        };
        self.looked(start, sign);
        if !value::says_nothing(self.slice(slash + 1, sign)) {
            self.take(slash + 1, sign, sign, Rule::URL_PASSWORD);
        }
    }

    /// Go's `user:password@tcp(host)`.
    pub fn at_sign(&mut self) {
        let at = self.at;
        self.at += 1;
        if self.bound_code(at) || self.address_user(at) {
            return;
        }
        // Oracle's `user/password@//host`, `user/password@(DESCRIPTION=…)`
        let oracle = self.is_at(at + 1, b"//") || self.is_at(at + 1, b"(DESCRIPTION");
        if oracle && self.before(at) == b':' {
            return; // `jdbc:oracle:thin:@(DESCRIPTION=…)`: nobody's
        }
        let go = oracle || self.is_at(at + 1, b"tcp(") || self.is_at(at + 1, b"unix(");
        // mysqld_exporter's `user:password@(host:3306)/`
        let bracket = usize::from(self.byte(at + 1) == b'(');
        if !go && !self.is_host(at + 1 + bracket) {
            return;
        }
        let reach = at.saturating_sub(96).max(self.done);
        let before = self.slice(reach, at);
        let start = before
            .iter()
            .rposition(|b| matches!(b, b' ' | b'"' | b'\'' | b'=' | b'/' | b'\n' | b'`' | b'(' | b',' | b'>'))
            .map_or(0, |i| i + 1);
        let slash = start > 0 && oracle && before.get(start - 1) == Some(&b'/');
        let start = if slash { start - 1 } else { start };
        let colon =
            before.get(start..).and_then(|part| part.iter().position(|&b| b == b':' || slash && b == b'/'));
        self.looked(reach, at);
        if let Some(colon) = colon {
            let from = reach + start + colon + 1;
            let content = self.slice(from, at);
            if (go
                || value::looks_generated(content, 8)
                || self.byte(at + 1 + bracket).is_ascii_alphabetic() && value::is_told(content))
                && !value::says_nothing(content)
            {
                self.take(from, at, at, Rule::URL_PASSWORD);
            }
        }
    }

    /// `basic auth: ada@example.com:…`, the sign at `at`
    fn address_user(&mut self, at: usize) -> bool {
        let reach = at.saturating_sub(64).max(self.done);
        let user = self.slice(reach, at).iter().rev().take_while(|&&b| TOKEN_DOT.has(b) || b == b'+').count();
        self.looked(at - user, at);
        let start = at - user;
        if user == 0 || start < 6 || !self.is_at(start - 6, b"auth: ") {
            return false;
        }
        let colon = TOKEN_DOT.run_within(self.text, at + 1, 80);
        let rest = self.slice(colon + 1, colon + 129);
        let ends = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b',' | b';' | b')' | b'\\');
        let end = colon + 1 + rest.iter().position(ends).unwrap_or(rest.len());
        self.looked(at, end);
        let content = self.slice(colon + 1, end);
        let fits = self.byte(colon) == b':' && value::looks_generated(content, 8);
        if fits && !value::says_nothing(content) {
            self.take(colon + 1, end, end, Rule::AUTHORIZATION);
        }
        fits
    }

    /// Whether a host and its port or path stand here: what makes `user:password@host:5432` more than an address.
    fn is_host(&mut self, at: usize) -> bool {
        let end = TOKEN_DOT.run_within(self.text, at, 80);
        let port = charset::HEX.run_within(self.text, end + 1, 6);
        self.looked(at, port);
        let digits = self.slice(end + 1, port);
        end > at
            && match self.byte(end) {
                b'/' => true,
                b':' => (2..=5).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit),
                // A number alone is a line's: `[SendWorker:188978561024:Listener@679]`.
                _ => {
                    let host = self.slice(at, end);
                    host.contains(&b'.') && host.iter().all(|b| b.is_ascii_digit() || *b == b'.')
                }
            }
    }

    /// `abc8Q~…`: 3 characters, a digit, `Q~`, 31 to 34 more.
    pub fn tilde(&mut self) {
        let at = self.at;
        self.at += 1;
        if at < 5 || self.before(at) != b'Q' || !self.byte(at - 2).is_ascii_digit() || at - 5 < self.done {
            return;
        }
        let mut end = TOKEN_DOT.run_within(self.text, at + 1, 48);
        while end > at && self.before(end) == b'.' {
            end -= 1;
        }
        self.looked(at, end);
        if (30..=42).contains(&(end - at - 1)) && ALNUM.run(self.slice(at - 5, at), 0) >= 3 {
            self.take(at - 5, end, end, Rule::AZURE_CLIENT_SECRET);
        }
    }

    /// `prod:name|secret` and `app id|secret`: the name stays.
    pub fn pipe(&mut self) {
        let at = self.at;
        self.at += 1;
        if !charset::is_alnum(self.before(at)) || self.before(at) >= 0x80 {
            return;
        }
        let end = ANY_BASE64.run(self.text, at + 1);
        self.looked(at, end);
        let secret = self.slice(at + 1, end);
        // `INFO|token=…|user=ada`: the next name and its value
        if secret.len() >= 27 && value::is_unmistakable(secret) && benign::inner_value(secret).is_none() {
            self.take(at + 1, end, end, Rule::PIPE_TOKEN);
        }
    }
}
