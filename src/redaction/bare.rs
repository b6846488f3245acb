//! A bare value behind a secret's name: the secret, or one of the many things that may stand there instead.

use super::benign;
use super::charset;
use super::keys::Level;
use super::names::Rule;
use super::scan::Scanner;
use super::separator::Separator;
use super::statement;
use super::value;
use super::words::{ends_as, is_one_of};

impl Scanner<'_> {
    /// Takes the bare value of a name that starts at `name`, or leaves it.
    #[inline(never)]
    pub fn bare_value(
        &mut self,
        sep: Separator,
        level: Level,
        name: usize,
        start: usize,
        end: usize,
    ) -> bool {
        if let Some(end) = self.phrase_value(sep, name, start, end) {
            self.take(start, end, end, Rule::KEY_VALUE);
            return true;
        }
        let content = self.judged(start, end);
        let number = content.iter().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-'));
        // `{ token: 1 }` of an index, a field's number in a proto file
        let place = number && content.len() <= 2;
        let size = number && self.is_at(end, b" bytes");
        // `cannot fetch token: 400 Bad Request`
        let status = number
            && content.len() == 3
            && sep.spaced_colon
            && !sep.quoted
            && self.byte(end) == b' '
            && self.byte(end + 1).is_ascii_uppercase();
        // `password: 3 attempts left`, `ENCRYPTION_KEY: base64 encoded string`
        let status = status
            || sep.spaced_colon
                && !sep.quoted
                && self.byte(end) == b' '
                && self.byte(end + 1).is_ascii_lowercase()
                && (number && content.len() < 3 || is_algorithm(content));
        let next_name = sep.spaced_colon
            && (!sep.quoted && names_next(content)
                || self.byte(end) == b':'
                    && content.iter().all(|b| b.is_ascii_alphabetic() || b"_-.".contains(b))
                || self.byte(name).is_ascii_uppercase() && is_field(content));
        // `get-session-token: SecretAccessKey …`
        let next_name = next_name
            || sep.spaced_colon
                && !sep.quoted
                && self.byte(end) == b' '
                && content.iter().all(u8::is_ascii_alphabetic)
                && super::keys::level(content) == Level::Always;
        let own = charset::TOKEN_DOT.run_within(self.text, name, 64);
        let amount = ends_as!(self.slice(name, own), "tokens") && benign::is_amount(content);
        let short_number =
            (number || amount) && level != Level::Always || number && self.inside > 0 && content.len() < 6;
        let generated = value::looks_generated(content, 8);
        if !generated && sep.arrow && !sep.quoted && self.before(name) != b':' {
            return false;
        }
        if level == Level::Always
            && let Some(end) = statement::mnemonic(self.text, start)
        {
            self.looked(start, end);
            self.take(start, end, end, Rule::KEY_VALUE);
            return true;
        }
        self.line.owed |= statement::is_owed(content);
        let flag = self.before(name) == b'-';
        // `--- PASS: TestCookieJar (0.02s)`, `WIP on auth-token: 932e088 …`
        let result = sep.spaced_colon
            && self.slice(name, name + 5) == b"PASS:"
            && (self.before(name.saturating_sub(1)) == b'-'
                || self.is_at(start, b"test")
                || self.is_at(end, b" ("));
        let (from, to) = self.words[0];
        let commit = sep.spaced_colon
            && (7..=12).contains(&content.len())
            && content.iter().all(u8::is_ascii_hexdigit)
            && is_one_of!(self.slice(from, to), "on branch");
        // Go's `{password:letmein ok:true}`
        let field =
            ends_as!(self.slice(name, sep.value - 1), "password passwd pwd pass secret passphrase apikey")
                && (matches!(self.byte(end), b'}' | b']') || is_field_name(self.slice(end, end + 32)));
        // gcloud's `--secret=db`
        let kept = flag && is_one_of!(self.slice(name, sep.value), "secret=");
        let kept = kept && content.iter().all(|b| b.is_ascii_lowercase() || *b == b'-');
        let word = sep.unspaced
            && !sep.quoted
            && !field
            && (sep.colon
                && !is_one_of!(self.nth_word(0), "pass passin passout")
                && content.first().is_some_and(u8::is_ascii_lowercase)
                && content.iter().all(u8::is_ascii_alphabetic)
                || self.is_at(name, b"token=")
                    && content.len() <= 10
                    && content.iter().all(u8::is_ascii_uppercase));
        // `api_key = api_key`, `tokens: Tokens`
        let again = own - name == content.len()
            && self.slice(name + 1, own) == content.get(1..).unwrap_or_default()
            && self.byte(name).eq_ignore_ascii_case(&self.byte(start));
        if value::says_nothing(content)
            || again
            || benign::is_measure(content)
            || flag
                && benign::is_styling(content)
                && self.slice(name, own).windows(5).any(|part| part.eq_ignore_ascii_case(b"color"))
            || benign::is_field_of(content, self.slice(name, own))
            || benign::is_name_of_key(self.slice(name, own), content)
            || value::is_own(content, self.slice(name, own))
            || self.stands_for_it(sep, name, start, end)
            || sep.spaced_colon && is_algorithm(content)
            || sep.spaced_colon && self.empty_in_map(name, start, end)
            || self.is_source(sep, self.slice(name, own), start, end)
            || self.is_elided(start, end)
            || self.is_note(sep, start, end)
            || short_number
            || place
            || size
            || status
            || result
            || commit
            || next_name
            || value::is_path(content)
            || value::names_header(content)
            || word
            || kept
            || content.strip_prefix(b"(").is_some_and(|rest| {
                let digits = rest.iter().filter(|b| b.is_ascii_digit()).count();
                digits == 0 || digits == rest.len() // `(not set)`, `(24 characters)`
            })
            || sep.spaced_colon
                && content
                    .strip_prefix(b"&")
                    .is_some_and(|rest| rest.iter().all(|b| b.is_ascii_alphabetic() || b"_-".contains(b)))
            || value::is_address(content)
            || value::is_code(content)
            || content.starts_with(b"-----BEGIN")
            || (sep.spaced_colon
                && (!sep.quoted
                    || self.before(name) == b'\''
                    || is_one_of!(self.nth_word(0), "for header field parameter param property"))
                && value::is_prose(self.text, start, end))
            || (content.starts_with(b"$") && !flag && is_variable(content))
        {
            return self.redis_value(sep, content, end)
                || self.fallback(content, end)
                || self.pass(start, content);
        }
        // `credentials: ada / hunter2`: the user's name stays.
        let both = self.is_at(end, b" / ");
        let user = both && !value::is_told(content) && is_one_of!(self.slice(name, own), "credentials creds");
        if user && self.is_at(end + 3, super::MARK.as_bytes()) {
            return self.pass(end + 3, super::MARK.as_bytes());
        }
        if user && self.chosen(end + 3) {
            return true;
        }
        self.take_named(start, end, end, Rule::KEY_VALUE);
        let _ = both && self.chosen(end + 3);
        self.list_goes_on(end, end - start);
        true
    }

    /// Code: `'X-API-Key': apiKey }`, `$_POST['password']`, `token = :token`, `api_key = @ApiKey`
    fn is_source(&self, sep: Separator, name: &[u8], start: usize, end: usize) -> bool {
        let content = self.judged(start, end);
        let (first, rest) = content.split_first().map_or((0, content), |(first, rest)| (*first, rest));
        let letters = |text: &[u8]| {
            !text.is_empty() && text.len() <= 40 && text.iter().all(|b| b.is_ascii_alphabetic() || *b == b'_')
        };
        let names = |text: &[u8]| letters(text) && super::keys::level(text) != Level::Harmless;
        let closes = self.byte(end + usize::from(self.byte(end) == b' '));
        let variable = sep.quoted
            && sep.spaced_colon
            && first.is_ascii_lowercase()
            && rest.iter().any(u8::is_ascii_uppercase)
            && matches!((closes, self.byte(end)), (b'}', _) | (b',', b','))
            && !content.contains(&b'_')
            && names(content);
        let parameter = !(sep.colon || sep.arrow || sep.unspaced || sep.listed || sep.quoted)
            && self.before(sep.value) == b' '
            && (first == b':' && letters(rest)
                || first == b'@' && letters(rest) && benign::is_same_but(b"_", rest, name));
        let open = rest.iter().take(40).position(|&b| b == b'[').unwrap_or(0);
        let (array, key) = rest.split_at_checked(open).unwrap_or_default();
        let mark = self.byte(end);
        let entry = first == b'$'
            && letters(array)
            && matches!(mark, b'"' | b'\'')
            && self.byte(end + 1) == b']'
            && key.get(1) == Some(&mark)
            && key.get(2..).is_some_and(letters);
        variable || parameter || entry
    }

    /// `sk-...`: a token's beginning, the rest left out
    fn is_elided(&self, start: usize, end: usize) -> bool {
        const PREFIXES: &str = "sk- sk_live_ sk_test_ sk-ant- sk-proj- rk_live_ rk_test_ ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ \
            glpat- xoxb- xoxp- xapp- whsec_ hf_ npm_ pypi- gsk_ shpat_ akia aiza eyj";
        end - start <= 12
            && self.is_at(end, b"...")
            && matches!(self.byte(end + 3), 0..=b' ' | b'"' | b'\'' | b'`' | b',' | b';' | b')' | b'}')
            && is_one_of!(self.slice(start, end), PREFIXES)
    }

    /// `'token' => 3`, `signing key: old kid=2024-12`, `secret: Buffer | string`: how many there are, which one it is, its type
    fn is_note(&self, sep: Separator, start: usize, end: usize) -> bool {
        let content = self.judged(start, end);
        let count = sep.arrow && content.len() <= 2 && content.iter().all(u8::is_ascii_digit);
        let name = charset::ALNUM_UNDER.run_within(self.text, end + 1, 24);
        let behind = charset::ALNUM.run_within(self.text, end + 3, 24);
        let union = sep.spaced_colon
            && !sep.quoted
            && self.is_at(end, b" | ")
            && content.iter().all(u8::is_ascii_alphabetic)
            && is_one_of!(
                self.slice(end + 3, behind),
                "string null undefined number boolean buffer uint8array keyobject"
            );
        count
            || union
            || self.is_redis_key(sep, content)
            || sep.spaced_colon
                && is_one_of!(content, "old new")
                && self.byte(end) == b' '
                && name > end + 1
                && self.byte(name) == b'='
    }

    /// `DEL token:user:11683`, `TTL otp:16063`: a key that a command of Redis is about
    fn is_redis_key(&self, sep: Separator, content: &[u8]) -> bool {
        const COMMANDS: &str = "get set del ttl pttl exists expire incr decr hget hset hgetall hdel sadd srem smembers lpush rpush \
            lrange unlink persist setex setnx getdel type scan keys zadd zrange mget";
        let command = self.nth_word(0);
        let number = || {
            let mut parts = content.rsplit(|&b| b == b':');
            let last = parts.next().unwrap_or_default();
            let id = last == b"*" || (1..=20).contains(&last.len()) && last.iter().all(u8::is_ascii_digit);
            let alone = last.len() == content.len();
            id && (!alone || last.len() <= 5) && parts.all(|part| !value::looks_generated(part, 8))
        };
        sep.colon
            && sep.unspaced
            && !sep.quoted
            && command.iter().all(u8::is_ascii_uppercase)
            && is_one_of!(command, COMMANDS)
            && number()
    }

    /// `SET otp:16063 482913`, `SETEX otp:16063 300 482913`: what is kept under a key of Redis
    fn redis_value(&mut self, sep: Separator, key: &[u8], end: usize) -> bool {
        const SETS: &str = "set setex psetex setnx getset";
        if !is_one_of!(self.nth_word(0), SETS) || !self.is_redis_key(sep, key) || self.byte(end) != b' ' {
            return false;
        }
        let timed = is_one_of!(self.nth_word(0), "setex psetex");
        let seconds = charset::DIGITS.run_within(self.text, end + 1, 12);
        let at = if timed && self.byte(seconds) == b' ' { seconds + 1 } else { end + 1 };
        let (from, to, after) = self.argument_at(at, 512);
        if from == to || value::says_nothing(self.judged(from, to)) {
            return false;
        }
        self.take(from, to, after, Rule::KEY_VALUE);
        true
    }

    /// `process.env.DB_PASSWORD || '…'`: what stands for a secret that is not set
    fn fallback(&mut self, code: &[u8], end: usize) -> bool {
        let sign = [" || ", " ?? ", " or "].iter().find(|sign| self.is_at(end, sign.as_bytes()));
        let Some(at) = sign.map(|sign| end + sign.len()).filter(|_| value::is_code(code)) else {
            return false;
        };
        matches!(self.byte(at), b'"' | b'\'') && self.quoted_argument(at)
    }

    /// What stands there in a secret's place: a type, or what takes one (`cookie: Record<string, string>`, `privateKey: CryptoKey;`,
    /// `useState<…`), a step (`password → done`), a cookie's name (`cleared cookies: next-auth.session-token`), what was done
    /// with it (`redacted=true`).
    fn stands_for_it(&self, sep: Separator, name: usize, start: usize, end: usize) -> bool {
        let content = self.judged(start, end);
        let word = !content.is_empty() && content.iter().all(u8::is_ascii_alphabetic);
        let rest = self.slice(end, end + 64);
        let close =
            rest.iter().position(|&b| b == b'>').map(|close| rest.get(close + 1).copied().unwrap_or(b'\n'));
        let generic = word
            && rest.first() == Some(&b'<')
            && (content.starts_with(b"use")
                || sep.spaced_colon && content.first().is_some_and(u8::is_ascii_uppercase))
            && close.is_some_and(|behind| b";,)(= \n>".contains(&behind));
        let humps = content.first().is_some_and(u8::is_ascii_uppercase)
            && content.iter().skip(1).any(u8::is_ascii_uppercase)
            && content.iter().any(u8::is_ascii_lowercase);
        let typed = word && humps && sep.spaced_colon && !sep.quoted;
        let typed = typed
            && (self.byte(end) == b';' || self.is_at(end, b" {"))
            && ends_as!(content, "key cookie cookies object token secret string buffer type options config");
        let optional = content.strip_suffix(b"?").is_some_and(value::says_nothing);
        let step = word && self.slice(start.saturating_sub(4), start) == "→ ".as_bytes();
        let named = charset::WORD.run_within(self.text, name, 48);
        let plain =
            content.strip_prefix(b"__Host-").or(content.strip_prefix(b"__Secure-")).unwrap_or(content);
        let cookie = is_one_of!(self.slice(name, named), "cookie cookies")
            && sep.spaced_colon
            && plain.len() <= 40
            && (plain.len() < content.len() || plain.iter().any(|b| b"-.".contains(b)))
            && plain.iter().all(|&b| b.is_ascii_lowercase() || b"-_.".contains(&b));
        let sign = content.iter().position(|&b| b == b'=').unwrap_or(0);
        let (word, rest) = content.split_at_checked(sign).unwrap_or_default();
        let said = word.len() > 4
            && value::says_nothing(word)
            && rest.get(1..).is_some_and(|rest| !rest.is_empty() && value::says_nothing(rest));
        generic || typed || optional || step || cookie || said && sep.spaced_colon
    }
}

/// What a key is for, not the key: `Signing key: Ed25519`
fn is_algorithm(value: &[u8]) -> bool {
    is_one_of!(
        value,
        "ed25519 x25519 rsa-2048 rsa2048 rsa-4096 rsa4096 es256 es384 rs256 rs384 rs512 ps256 hs256 hs384 hs512 eddsa ecdsa secp256k1 \
         sha256 sha512 sha-256 sha1 md5 base64 base32 hex utf8 utf-8 argon2 pbkdf2 oauth2 aes256 aes-256 aes-256-gcm bcrypt argon2id"
    )
}

/// Go's `Name:value`, the field behind an empty one.
fn is_field(value: &[u8]) -> bool {
    let name = charset::ALNUM.run_within(value, 0, 32);
    value.first().is_some_and(u8::is_ascii_uppercase) && value.get(name) == Some(&b':')
}

/// `SAML: NotOnOrAfter=…`: the next name and its value.
fn names_next(value: &[u8]) -> bool {
    let name = value.iter().take_while(|b| b.is_ascii_alphabetic() || **b == b'_').count();
    let word = value.get(..name).unwrap_or_default();
    let plain = !word.iter().any(u8::is_ascii_uppercase);
    let humps = name > 5 && word.iter().skip(1).any(u8::is_ascii_uppercase);
    name > 1
        && (plain || humps)
        && value.get(name) == Some(&b'=')
        && value.get(name + 1).is_some_and(|&b| b != b'=')
}

/// ` ok:` and `,user:` behind a value: the next field.
fn is_field_name(value: &[u8]) -> bool {
    let name = charset::ALNUM.run_within(value, 1, 32);
    name > 1 && matches!(value.first(), Some(b' ' | b',')) && value.get(name) == Some(&b':')
}

/// `$DB_PASSWORD`, `${DB_PASSWORD}`, `$(cat file)`, PHP's `$request->input(…)`
fn is_variable(value: &[u8]) -> bool {
    let name = charset::ALNUM_UNDER.run_within(value, 1, 40);
    let to = charset::ALNUM_UNDER.run_within(value, name + 2, 40);
    let called = value
        .get(name + 2..to)
        .is_some_and(|name| !name.is_empty() && name.iter().all(|b| b.is_ascii_alphabetic() || *b == b'_'));
    let method = value.get(name..name + 2) == Some(b"->")
        && called
        && matches!(value.get(to), None | Some(b'('))
        && value.get(1..name).is_some_and(|name| name.iter().all(|b| b.is_ascii_alphabetic() || *b == b'_'));
    value.starts_with(b"${") || value.starts_with(b"$(") || method
}
