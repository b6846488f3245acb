//! `key: value` in every notation: JSON, escaped JSON, object prints, YAML, logfmt, query strings, env dumps, XML.

use super::benign;
use super::charset;
use super::formed::is_account_key;
use super::keys::{self, Half, Level};
use super::lists::{ends_as, is_one_of};
use super::names::Rule;
use super::scan::Scanner;
use super::separator::Separator;
use super::siblings::STATE_AT_LEAST;
use super::statement;
use super::value;
use super::words::mentions;
use super::written::Value;

/// What the two keys of an account are called of which one is in use while the other changes, as Azure's are.
pub const NUMBERED: &str = "key1 key2 key_v1 key_v2";

/// Those of them that are a key's versions.
const VERSIONS: &str = "key_v1 key_v2";

/// How far behind its name the value of a pair stands at most.
const PAIR_AT_MOST: usize = 400;

/// How far behind a password the name of its confirmation starts at most.
const CONFIRMED_WITHIN: usize = 8;

/// How far behind a card's number the name of its check value starts at most.
const BESIDE_CARD: usize = 8;

/// How far behind an OAuth code its `state` is named at most.
const BESIDE_CODE: usize = 8;

/// The shortest API key of Elasticsearch's with its id before it, in base64.
const ENCODED_AT_LEAST: usize = 40;

/// How much of a label's value, or of a list's first string, is looked at.
pub const HEAD_AT_MOST: usize = 64;

impl Scanner<'_> {
    /// Reads `name <separator> value` if that is what stands here, and takes the value if it is a secret.
    #[inline(never)]
    pub fn assignment(&mut self, start: usize, end: usize) -> bool {
        if matches!(self.byte(end), b'>' | b' ' | b'&' | b'<') && self.element(start, end) {
            return true;
        }
        let Some(sign) = self.sign_behind(end) else { return false };
        let Some(sep) = self.separator(sign) else {
            self.opens_block(start, end);
            return self.string_behind(start, end) || self.changed_entry(start, end);
        };
        self.looked(end, sep.value);
        if self.ends_query(start, sep) || self.is_of_markup(start, end) || self.names_cipher(start, end, sep)
        {
            return false;
        }
        // A flag of Java's or CMake's: `-DdbPassword=…`
        let start = start + usize::from(self.before(start) == b'-' && self.byte(start) == b'D');
        // A chunk's number: `session-token.0=…`
        let (from, to) = self.words[0];
        let chunk = self.before(start) == b'.' && to > from && to + 1 == start;
        let chunk = chunk && self.slice(start, end).iter().all(u8::is_ascii_digit);
        let start = if chunk { from } else { start };
        let name = self.slice(start, end);
        // `https://x-access-token:***@…`: a URL's user; what stands behind it was looked at there.
        if sep.unspaced && self.byte(end) == b':' && self.slice(start.saturating_sub(2), start) == b"//" {
            return false;
        }
        // `hmac-sha256:9f2c…` says of a hash how it was made.
        if name.iter().all(u8::is_ascii_digit) || sep.unspaced && name == b"hmac-sha256" {
            return false;
        }
        self.note_half(start);
        let half = keys::pair_half(name);
        if is_one_of!(name, "kty crv") {
            self.jwk = true;
        }
        // An item of a list ends the pair before it.
        let of_pair = self.pair != Level::Harmless
            && start < self.pair_at + PAIR_AT_MOST
            && !(self.before(start) == b' ' && self.before(start - 1) == b'-');
        let pair = std::mem::replace(&mut self.pair, Level::Harmless);
        // What is nested between the two is none of the pair's.
        let nested = self.pair_depth > 0;
        // A change names both its ends.
        if of_pair && nested {
            self.pair = pair;
        }
        let of_pair = of_pair && !nested;
        if of_pair && (half != Some(Half::Value) || is_one_of!(name, "old before from previous")) {
            self.pair = pair;
        }
        let typed = name == b"type"
            && (self.is_at(sep.value + 1, b"password\"") || self.is_at(sep.value + 1, b"password'"));
        if name == b"type" && self.is_at(sep.value + 1, b"random_password\"") {
            self.random_at = end;
        }
        if (half == Some(Half::Name) || typed)
            && let Some(level) = self.pair_name(sep)
            // JSON Patch's `{"op":"add","path":"/password","value":…}`: a path alone is where a request went.
            && (name != b"path" || self.byte(sep.value) == b'[' || self.is_field_path(start, sep.value))
        {
            (self.pair, self.pair_at, self.pair_depth) = (level, end, 0);
            if self.done > end {
                return true; // a form field: its value stood below
            }
        }
        let label = self.inside > 0 && benign::may_be_label(name) && benign::is_label(name, self.head(sep));
        if label && let Some((quote, content)) = value::opening(self.text, sep.value) {
            self.at = content; // the label's own string stays
            self.label_end = value::closing(self.slice(0, content + HEAD_AT_MOST), content, quote).0;
            return true;
        }
        let mut level = self.level_of(start, end, sep.quoted);
        if of_pair && half == Some(Half::Value) {
            level = if name == b"text" { Level::IfGenerated } else { pair };
        } else if self.inside > 0 && !label && !self.byte(start).is_ascii_digit() {
            level = Level::Always;
        }
        if is_one_of!(name, "confirm") && self.confirms_password(start) {
            level = Level::Always;
        }
        if self.jwk && matches!(name, b"d" | b"p" | b"q" | b"dp" | b"dq" | b"qi" | b"k") {
            level = Level::IfGenerated;
        }
        // Vault's `secret_id`, beside a `role_id`, is a UUID; so is Consul's.
        if matches!(name, b"secret_id" | b"SecretID" | b"VAULT_SECRET_ID")
            && charset::HEX_DASH.run_within(
                self.text,
                sep.value + usize::from(matches!(self.byte(sep.value), b'"' | b'\'')),
                36,
            ) >= sep.value + 36
        {
            level = Level::Always;
        }
        // `Stripe-Signature: t=…,v1=…`
        if matches!(name, b"v0" | b"v1")
            && charset::HEX.run_within(self.text, sep.value, 64) == sep.value + 64
        {
            level = Level::IfGenerated;
        }
        if level == Level::UnlessNumber && ends_as!(name, "codes") {
            self.line.one_time = true;
            if self.listed_behind(end) {
                return true;
            }
        }
        // Elasticsearch's `"api_key":"…","encoded":"…"`: the id and the key, as a header carries them
        if name == b"encoded"
            && self.found.last().is_some_and(|span| span.end + BESIDE_CODE > start)
            && self.generated_value(sep, ENCODED_AT_LEAST, Rule::KEY_VALUE)
        {
            return true;
        }
        if self.product_value(name, sep) || self.bound_values(name, sep) {
            return true;
        }
        // American Express' check value beside the number: `"pan":"…","cid":"…"`
        if is_one_of!(name, "cid csc") && self.line.card_to > 0 && self.line.card_to + BESIDE_CARD > start {
            return self.digits_value(sep);
        }
        if ends_as!(name, "cvc cvv") && self.card_before(sep.value) {
            return true;
        }
        // Confluent's `basic.auth.user.info=user:secret`
        if name == b"info" && self.is_at(start.saturating_sub(10), b"auth.user.") && self.user_of_pair(sep) {
            return true;
        }
        match level {
            // A wallet's seed
            Level::Harmless if ends_as!(name, "seed words") => self.mnemonic_value(sep),
            Level::Harmless => self.beside(start, end, sep),
            // `rawHeaders: ['Cookie', 'session=…']`
            Level::Always
                if sep.listed
                    && ends_as!(name, "cookie")
                    && self.begins_cookie(sep.value)
                    && self.cookies(sep.value) =>
            {
                true
            }
            Level::Always | Level::UnlessNumber | Level::UnlessCount if sep.listed => {
                self.generated_value(sep, 10, Rule::KEY_VALUE) || self.second_of_two(sep, start)
            }
            _ if sep.listed => false,
            Level::Code if !self.in_query(start) => {
                self.oauth_code(sep)
                    || (self.of_signing_in(start) || self.expires_behind(sep)) && self.digits_value(sep)
            }
            // Beside an OAuth code: `"code":"…","state":"…"`
            Level::Query
                if name == b"state"
                    && self.found.last().is_some_and(|span| {
                        span.rule == Rule::URL_QUERY && span.end + BESIDE_CODE > start
                    })
                    && self.generated_value(sep, STATE_AT_LEAST, Rule::URL_QUERY) =>
            {
                true
            }
            Level::Query if !self.in_query(start) => {
                self.line.owed |=
                    self.line.secret && statement::is_owed(self.slice(sep.value, sep.value + 2));
                self.long_key(sep, name) || self.field_key(start, sep)
            }
            Level::Code if self.in_query(start) && self.uuid_code(sep) => true,
            Level::Query | Level::Code => {
                let min = if name.len() < 3 { 20 } else { 8 };
                self.in_query(start) && self.generated_value(sep, min, Rule::URL_QUERY)
            }
            Level::Digits if self.owes_digits(sep) => false,
            Level::Digits => self.digits_value(sep) || ends_as!(name, "code") && self.oauth_code(sep),
            Level::IfGenerated if ends_as!(name, "auth") && self.user_and_password(sep) => true,
            // `GET session:9f2c…`: a session's id
            Level::IfGenerated if sep.unspaced && sep.colon && !sep.quoted && name == b"session" => false,
            Level::IfGenerated if self.cookie_collection(start, end, sep.value) => true,
            Level::IfGenerated => self.generated_value(sep, 10, Rule::KEY_VALUE),
            // `verification code: 12 34 56`
            Level::Always if ends_as!(name, "code") && self.digits_in_pairs(sep.value) => {
                self.take(sep.value, sep.value + 8, sep.value + 8, Rule::ONE_TIME_CODE);
                true
            }
            Level::UnlessNumber | Level::UnlessCount | Level::Always => {
                let ends = |word: &[u8]| {
                    name.len()
                        .checked_sub(word.len())
                        .and_then(|from| name.get(from..))
                        .is_some_and(|tail| tail.eq_ignore_ascii_case(word))
                };
                if ends(b"authorization")
                    && let Some(taken) = self.authorization(sep.value)
                {
                    return taken;
                }
                let of_cookie = of_pair && self.of_cookie_pair() && self.begins_cookie(sep.value);
                if (ends(b"cookie") || ends(b"cookies") || of_cookie)
                    && !self.prints_kind(sep.value)
                    && (self.cookies(sep.value)
                        || self.cookie_list(sep.value)
                        || self.byte(sep.value) == b'['
                            && value::opening(self.text, sep.value + 1).is_none() // `cookie_list` has asked its first string
                            && self.cookies(sep.value + 1))
                {
                    return true;
                }
                let shown = sep.spaced_colon && self.grouped(name, sep.value);
                shown || self.secret_value(sep, level, start)
            }
        }
    }

    /// `{"password":"…","confirm":"…"}`: what stands just behind a password that was taken.
    fn confirms_password(&mut self, start: usize) -> bool {
        let Some(before) = self.found.last().filter(|span| span.end + CONFIRMED_WITHIN > start) else {
            return false;
        };
        mentions(self.slice(before.start.saturating_sub(2 * CONFIRMED_WITHIN), before.start), &[b"assword"])
    }

    /// The start of a plain value.
    fn head(&mut self, sep: Separator) -> &[u8] {
        let (start, end, _) = self.argument_at(sep.value, HEAD_AT_MOST);
        let head = self.slice(start, end);
        if head.starts_with(b"{") || head.starts_with(b"[") { b"" } else { head }
    }

    #[inline(never)]
    fn secret_value(&mut self, sep: Separator, level: Level, name: usize) -> bool {
        let chained = sep.colon && !sep.quoted && sep.unspaced && self.before(name) == b':';
        // `expect "password:"; …`: the mark closes the string the name is in.
        let closes = sep.unspaced && !sep.quoted && matches!(self.byte(sep.value), b'"' | b'\'');
        if chained || closes && self.before(name) == self.byte(sep.value) || self.closes_prompt(sep, name) {
            return false; // arn:…:secret:name, user:token:42
        }
        let block = self.behind_tags(sep);
        if matches!(self.byte(block), b'|' | b'>') {
            let line = block + 1 + usize::from(matches!(self.byte(block + 1), b'-' | b'+'));
            if self.byte(line) == b'\n' {
                return self.block_value(line + 1);
            }
        }
        // Puppet's `password_hash: defined as '…'`
        if self.is_at(sep.value, b"defined as ") {
            return self.quoted_argument(sep.value + 10);
        }
        if self.prints_kind(sep.value) || self.prints_place(sep.value) {
            return self.pass(sep.value, b"");
        }
        match self.value(sep) {
            None => self.items_below(sep.value),
            Some(Value::Opens(at)) => self.opened(sep, name, at),
            Some(Value::Quoted(start, end, after)) => self.quoted_value(sep, name, start, end, after),
            Some(Value::Bare(start, end)) => self.bare_value(sep, level, name, start, end),
        }
    }

    /// Leaves a value: reading goes on in it, or behind it when it is a marker.
    pub fn pass(&mut self, start: usize, content: &[u8]) -> bool {
        if content.starts_with(super::MARK.as_bytes()) {
            self.resume(start + super::MARK.len());
        } else {
            self.at = start.max(self.at);
            self.words = [(0, 0); 3];
        }
        true
    }

    /// Takes a value, counted under the kind its own form gives away where it does.
    pub fn take_named(&mut self, start: usize, end: usize, after: usize, rule: Rule) {
        let row = super::token::token_at(self.text, start, &mut self.runs)
            .filter(|token| token.start == start && token.end == end)
            .map(|token| Rule::of_row(token.row));
        self.take(start, end, after, row.unwrap_or(rule));
    }

    /// Takes the value if it looks generated.
    pub fn generated_value(&mut self, sep: Separator, min: usize, rule: Rule) -> bool {
        let (start, end, after) = match self.value(sep) {
            Some(Value::Quoted(start, end, after)) => (start, end, after),
            Some(Value::Bare(start, end)) => (start, end, end),
            _ => return false,
        };
        let content = self.judged(start, end);
        if value::says_nothing(content) || !value::looks_generated(content, min) {
            return false;
        }
        self.take_named(start, end, after, rule);
        true
    }

    /// Takes the value if it is twelve words and more.
    fn mnemonic_value(&mut self, sep: Separator) -> bool {
        let start = value::opening(self.text, sep.value).map_or(sep.value, |(_, start)| start);
        let Some(end) = statement::mnemonic(self.text, start) else { return false };
        self.looked(start, end);
        self.take(start, end, end, Rule::KEY_VALUE);
        true
    }

    /// `key=…` outside of a URL: only what nothing else is as long and as mixed as.
    fn long_key(&mut self, sep: Separator, name: &[u8]) -> bool {
        let head = self.slice(sep.value, sep.value + 32);
        let mixed = head.iter().any(u8::is_ascii_lowercase) && head.iter().any(u8::is_ascii_uppercase);
        if is_one_of!(name, NUMBERED) {
            let (from, to, after) = self.argument_at(sep.value, 96);
            let content = self.slice(from, to);
            let version = is_one_of!(name, VERSIONS) && value::looks_generated(content, 32);
            let fits = version || is_account_key(content);
            if fits {
                self.take(from, to, after, Rule::KEY_VALUE);
            }
            return fits;
        }
        name.eq_ignore_ascii_case(b"key")
            && !sep.colon
            && (mixed && head.iter().all(u8::is_ascii_alphanumeric) || self.of_cipher(sep.value))
            && self.generated_value(sep, 32, Rule::KEY_VALUE)
    }

    /// `key=9f2c… iv=…`: what stands beside a cipher's other part is its key.
    fn of_cipher(&self, value: usize) -> bool {
        let end = charset::HEX.run_within(self.text, value, 65);
        (end == value + 32 || end == value + 64)
            && [" iv=", " nonce=", " salt=", ", iv="].iter().any(|part| self.is_at(end, part.as_bytes()))
    }

    /// HCL's `variable "db_password" {`: its default is to come.
    fn opens_block(&mut self, start: usize, end: usize) {
        // `resource "random_password" "db" {`
        let labels = || {
            let rest = self.slice(end, end + 64);
            rest.starts_with(b"\" \"")
                && rest
                    .iter()
                    .skip(3)
                    .position(|&b| b == b'"')
                    .is_some_and(|to| rest.get(to + 4..to + 6) == Some(b" {"))
        };
        let block = self.is_at(end, b"\" {") || self.is_at(end, b" {") || labels();
        // `Token { type: 'name' }`, a node of a tree
        let node = self.is_at(end, b" { type");
        if block && !node && self.alone(start, end) == Level::Always {
            (self.pair, self.pair_at, self.pair_depth) = (Level::Always, end, -1); // the value stands in the block
        }
    }
}
