//! Names that say nothing alone, and what beside them says it: `access` and `refresh`, a routing key as PagerDuty's are,
//! the lines of PuTTY's key.

use super::charset;
use super::formed::{CHECK_VALUES, FACTORS, is_refresh_token};
use super::keys;
use super::lists::{ends_as, is_one_of};
use super::names::Rule;
use super::scan::Scanner;
use super::separator::Separator;
use super::value;
use super::words::mentions;
use super::written::Value;

/// How far from each other the two tokens of a pair may stand.
const PAIR_AT_MOST: usize = 4096;

/// How far behind a device's code its user's stands at most.
const DEVICE_AT_MOST: usize = 400;

/// The 32 bytes of a private key in base64, its padding left out.
const CURVE_KEY: usize = 43;

/// The longest value of a field that holds a key.
const FIELD_AT_MOST: usize = 128;

/// How far from its key the bucket of a stored object stands at most.
const BUCKET_WITHIN: usize = 64;

/// How far before a code that was compared it is said what it is.
const COMPARED_WITHIN: usize = 64;

/// The shortest token of such a pair.
pub const TOKEN_AT_LEAST: usize = 20;

impl Scanner<'_> {
    /// From where on a name's sign is looked for. None stands behind `word another`, as prose is written, but for a type:
    /// Go's `var apiKey string = "…"`.
    #[inline]
    pub fn sign_behind(&self, end: usize) -> Option<usize> {
        match self.byte(end + 1) {
            next if self.byte(end) != b' ' || !next.is_ascii_alphabetic() => Some(end),
            b's' if self.is_at(end, b" string = \"") => Some(end + 7),
            _ => None,
        }
    }

    /// Notes the halves of a pair of tokens, `access…` and `refresh…`, and a device's code.
    #[inline]
    pub fn note_half(&mut self, start: usize) {
        if self.is_at(start, b"access") {
            self.halves.0 = start + 1;
        } else if self.is_at(start, b"refresh") {
            self.halves.1 = start + 1;
        } else if self.is_at(start, b"device_code") || self.is_at(start, b"devicecode") {
            self.device_at = start + 1;
        }
    }

    /// What stands under a harmless name that is none here.
    #[inline(never)]
    pub fn beside(&mut self, start: usize, end: usize, sep: Separator) -> bool {
        let name = self.slice(start, end);
        match () {
            () if is_one_of!(name, "access refresh") => self.half(start, sep, name.len() == 6),
            () if is_one_of!(name, FACTORS) => self.six_digits(sep),
            () if is_one_of!(name, CHECK_VALUES) => self.check_digits(sep),
            () if is_one_of!(name, "pk") => self.curve_scalar(sep),
            () if is_one_of!(name, "user_code usercode") => self.user_code(start, sep),
            () if is_one_of!(name, "private") => self.private_bytes(sep),
            () if keys::is_anonymous(name) => self.public_jwt(sep),
            () if name == b"Parameter" => self.scheme_parameter(start, sep),
            () if is_one_of!(name, "entered expected attempt attempted submitted received actual given") => {
                self.compared_code(start, sep)
            }
            () if is_one_of!(name, "args") => self.redis_arguments(start, sep.value),
            () if is_routing(name) => self.routing_key(sep),
            () if name == b"result" => self.random_result(start, sep),
            () if name == b"value" => self.selected_value(start, sep) || self.listed_key(start, sep),
            () if is_one_of!(name, "private-lines") => self.putty_lines(sep.value),
            () if is_one_of!(name, "private-mac private-hash") => {
                self.generated_value(sep, 32, Rule::PRIVATE_KEY)
            }
            () if name == b"login" => {
                self.is_at(start.saturating_sub(6), b"sonar.")
                    && self.generated_value(sep, 20, Rule::KEY_VALUE)
            }
            () if is_one_of!(name, "sonar_login") => self.generated_value(sep, 20, Rule::KEY_VALUE),
            () if name == b"net" => self.account_key(start, sep),
            () => self.cookie_jar(sep) || self.named_cookie(start, sep),
        }
    }

    /// `{access: '…', refresh: '…'}`, `refresh` beside an `accessToken`, `token.access=…`.
    fn half(&mut self, name: usize, sep: Separator, access: bool) -> bool {
        let (start, end, after) = match self.value(sep) {
            Some(Value::Quoted(start, end, after)) => (start, end, after),
            Some(Value::Bare(start, end)) => (start, end, end),
            _ => return false,
        };
        let (other, seen): (&[&[u8]], _) =
            if access { (&[b"refresh"], self.halves.1) } else { (&[b"access"], self.halves.0) };
        self.looked(after, after + 40);
        let before = self.slice(name.saturating_sub(7), name);
        let near = seen > 0 && start - seen < PAIR_AT_MOST
            || before.ends_with(b"token.")
            || before.ends_with(b"tokens.")
            || mentions(self.slice(after, after + 40), other);
        let content = self.judged(start, end);
        let told = (near || !access && is_refresh_token(content))
            && content.len() >= TOKEN_AT_LEAST
            && !content.starts_with(b"eyJ") // a JWT, by its own rule
            && !content.contains(&b'/') // no more is judged than is looked at to tell that it is generated
            && value::looks_generated(content, TOKEN_AT_LEAST)
            && !value::says_nothing(content);
        if !told {
            return false;
        }
        self.take(start, end, after, Rule::KEY_VALUE);
        true
    }

    /// `"user_code":"WDJB-MJHT"` beside a `device_code` (RFC 8628): who enters it lets the device in.
    fn user_code(&mut self, name: usize, sep: Separator) -> bool {
        let (start, end, after) = self.argument_at(sep.value, 16);
        let code = self.slice(start, end);
        let letters = code.iter().filter(|b| b.is_ascii_uppercase() || b.is_ascii_digit()).count();
        self.looked(after, after + 40);
        let near = self.device_at > 0 && name - self.device_at < DEVICE_AT_MOST
            || mentions(self.slice(after, after + 40), &[b"device_code", b"deviceCode"]);
        let fits = near
            && !value::says_nothing(code)
            && (6..=9).contains(&letters)
            && code.len() - letters < 3
            && code.iter().all(|&b| charset::is_alnum(b) && !b.is_ascii_lowercase() || b == b'-');
        if fits {
            self.take(start, end, after, Rule::ONE_TIME_CODE);
        }
        fits
    }

    /// .NET's `AuthenticationHeaderValue { Scheme = Bearer, Parameter = … }`
    fn scheme_parameter(&mut self, start: usize, sep: Separator) -> bool {
        let before = self.slice(start.saturating_sub(17), start);
        self.looked(start.saturating_sub(17), start);
        (before == b"Scheme = Bearer, " || before.ends_with(b"Scheme = Basic, "))
            && self.generated_value(sep, 8, Rule::AUTHORIZATION)
    }

    /// `{"otp_attempt":{"entered":"123456","expected":"654321"}}`, `{"type":"totp","attempt":"123456"}`
    fn compared_code(&mut self, start: usize, sep: Separator) -> bool {
        let (from, to, after) = self.argument_at(sep.value, 12);
        let code = self.slice(from, to);
        if code.len() != 6 || !code.iter().all(u8::is_ascii_digit) {
            return false;
        }
        let back = start.saturating_sub(COMPARED_WITHIN);
        self.looked(back, start);
        let fits = mentions(self.slice(back, start), &[b"otp", b"OTP", b"2fa", b"mfa"]);
        if fits {
            self.take(from, to, after, Rule::ONE_TIME_CODE);
        }
        fits
    }

    /// `VAPID public: …, private: …`: the 32 bytes of a key on a curve, as 43 characters.
    fn private_bytes(&mut self, sep: Separator) -> bool {
        let (start, end, after) = self.argument_at(sep.value, 48);
        let content = self.slice(start, end);
        let has = |test: fn(&u8) -> bool| content.iter().any(test);
        let fits = content.len() == CURVE_KEY
            && content.iter().all(|&b| charset::TOKEN.has(b))
            && has(u8::is_ascii_lowercase)
            && has(u8::is_ascii_uppercase)
            && value::looks_generated(content, CURVE_KEY);
        if fits {
            self.take(start, end, after, Rule::PRIVATE_KEY);
        }
        fits
    }

    /// Go's `{Key:… Host:api.example.com}`, `{Key:"…", Secret:"…"}`: a field, and what nothing but a key looks like.
    /// What stands in a `Bucket` has a key too, and it is a name.
    pub fn field_key(&mut self, name: usize, sep: Separator) -> bool {
        let field = self.slice(name, sep.value) == b"Key:" && matches!(self.before(name), b'{' | b' ');
        if !field {
            return false;
        }
        let mark = usize::from(self.byte(sep.value) == b'"');
        let from = sep.value + mark;
        let end = charset::TOKEN.run_within(self.text, from, FIELD_AT_MOST);
        let content = self.slice(from, end);
        if mark > 0 && self.byte(end) != b'"' {
            return false;
        }
        let comma = if mark > 0 && self.byte(end + 1) == b',' { 2 } else { mark };
        let behind = self.slice(end + comma, end + BUCKET_WITHIN);
        let before = self.slice(name.saturating_sub(BUCKET_WITHIN), name);
        self.looked(name.saturating_sub(BUCKET_WITHIN), end + BUCKET_WITHIN);
        let next = behind.iter().skip(1).take_while(|b| b.is_ascii_alphanumeric()).count();
        let of_fields = behind.first() == Some(&b'}')
            || behind.first() == Some(&b' ')
                && behind.get(1).is_some_and(u8::is_ascii_uppercase)
                && behind.get(next + 1) == Some(&b':');
        let opened = before.iter().rev().find(|b| matches!(b, b'{' | b'}')) == Some(&b'{');
        let has = |test: fn(&u8) -> bool| content.iter().any(test);
        let mixed = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_digit);
        let stored = |text: &[u8]| mentions(text, &[b"Bucket:"]);
        let fits = of_fields
            && opened
            && mixed
            && value::looks_generated(content, TOKEN_AT_LEAST)
            && !stored(before)
            && !stored(behind);
        if fits {
            self.take(from, end, end, Rule::KEY_VALUE);
        }
        fits
    }

    /// Supabase's `ANON_KEY=eyJ…`: a JWT that is made to be public.
    fn public_jwt(&mut self, sep: Separator) -> bool {
        let (start, end, after) = self.argument_at(sep.value, usize::MAX);
        let public = self.is_at(start, b"eyJ");
        if public {
            self.looked(start, end);
            self.resume(after);
        }
        public
    }

    /// Node's Redis clients' `{ name: 'auth', args: [ 'default', '…' ] }`: the last one is a password.
    fn redis_arguments(&mut self, start: usize, list: usize) -> bool {
        let back = self.slice(start.saturating_sub(16), start);
        let auth = back.windows(6).any(|part| {
            matches!(part, [b'\'' | b'"', word @ .., b'\'' | b'"'] if word.eq_ignore_ascii_case(b"auth"))
        });
        if !auth || self.byte(list) != b'[' {
            return false;
        }
        let (mut at, mut last) = (list + 1, None);
        for _ in 0..2 {
            at +=
                self.slice(at, at + 24).iter().take_while(|b| b.is_ascii_whitespace() || **b == b',').count();
            let Some((quote, from)) = value::opening(self.text, at) else { break };
            let (to, after) = value::closing(self.slice(0, from + 512), from, quote);
            (at, last) = (after, Some((from, to, after)));
        }
        self.looked(list, at);
        let Some((from, to, after)) =
            last.filter(|&(from, to, _)| !value::says_nothing(self.judged(from, to)))
        else {
            return false;
        };
        self.take(from, to, after, Rule::COMMAND_LINE);
        true
    }

    /// PagerDuty's: 32 letters and digits. RabbitMQ's are words.
    fn routing_key(&mut self, sep: Separator) -> bool {
        let (start, end, _) = self.argument_at(sep.value, 40);
        let fits = is_integration_key(self.slice(start, end));
        if fits {
            self.take(start, end, end, Rule::KEY_VALUE);
        }
        fits
    }

    /// So many lines of base64, as a `.ppk` has them.
    fn putty_lines(&mut self, at: usize) -> bool {
        let number = charset::HEX.run_within(self.text, at, 4);
        let lines =
            self.slice(at, number).iter().fold(0, |sum, b| 10 * sum + usize::from(b.wrapping_sub(b'0')));
        let (mut from, mut next, mut end) = (0, number, number);
        for _ in 0..lines.min(200) {
            let gap = self.slice(next, next + 8);
            let blank = gap.iter().take_while(|b| b.is_ascii_whitespace()).count();
            let blank = if gap.starts_with(b"\\r\\n") {
                4
            } else if gap.starts_with(b"\\n") {
                2
            } else {
                blank
            };
            let to = charset::BASE64.run_within(self.text, next + blank, 80);
            if blank == 0 || to < next + blank + 4 || self.byte(to) == b':' {
                break;
            }
            from = if from == 0 { next + blank } else { from };
            (next, end) = (to, to);
        }
        self.looked(at, end);
        if from == 0 || end < from + 16 {
            return false;
        }
        self.take(from, end, end, Rule::PRIVATE_KEY);
        true
    }
}

/// Whether a name is a routing key's.
pub fn is_routing(name: &[u8]) -> bool {
    ends_as!(name, "routing_key routingkey routing-key")
}

/// Whether it looks as PagerDuty's keys do.
pub fn is_integration_key(value: &[u8]) -> bool {
    value.len() == 32
        && value.iter().all(|&b| charset::is_alnum(b))
        && charset::is_mixed(value)
        && value::looks_generated(value, 32)
}
