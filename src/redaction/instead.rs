//! What stands bare in a secret's place and is none: a word about it, a count, the next name, code that fetches it, a note.

use super::bare::Bare;
use super::benign;
use super::bound::is_parameter;
use super::called;
use super::charset;
use super::keys::{self, Level};
use super::lists::{ends_as, is_one_of, list};
use super::object;
use super::scan::Scanner;
use super::value;
use super::words::{Beginnings, mentions};

impl Scanner<'_> {
    /// Whether something else stands in the secret's place.
    pub fn stands_instead(&mut self, bare: &Bare<'_>) -> bool {
        is_none_itself(bare)
            || is_of_its_name(bare)
            || self.is_count(bare)
            || self.is_name(bare)
            || self.is_word(bare)
            || self.is_source(bare)
            || self.is_declared(bare)
            || self.is_note(bare)
            || self.is_checksum(bare)
            || self.is_setting_name(bare)
            || bare.sep.spaced_colon && mentions(bare.content, &[b":error:"]) // OpenSSL's `… Private Key: 140:error:…`
            || self.is_outcome(bare)
            || self.is_elided(bare)
            || self.is_subject(bare)
            || self.is_redis_key(bare)
            || self.says_about_it(bare)
            || bare.sep.spaced_colon && self.empty_in_map(bare.name, bare.start, bare.end)
    }

    /// A number that counts or measures: `{ token: 1 }` of an index or a proto file, `passwords: 3`, `token: 512 bytes`.
    fn is_count(&self, bare: &Bare<'_>) -> bool {
        let &Bare { sep, level, content, number, .. } = bare;
        let always = level == Level::Always;
        // `'token' => 3`
        let listed = sep.arrow && content.len() <= 2 && content.iter().all(u8::is_ascii_digit);
        let amount = || ends_as!(bare.own, "tokens") && benign::is_amount(content);
        listed
            || number
                && (content.len() <= 2
                || content.len() == 3 && ends_as!(bare.own, "code") // `POST /login code: 401`
                    || ends_as!(bare.own, "bytes")
                    || !always
                    || self.inside > 0 && content.len() < 6
                    || self.is_at(bare.end, b" bytes"))
            || !always && amount()
    }

    /// What stands behind is a name itself, and the value is empty: `get-session-token: SecretAccessKey …`.
    fn is_name(&self, bare: &Bare<'_>) -> bool {
        let &Bare { sep, name, end, content, .. } = bare;
        let plain = |b: &u8| b.is_ascii_alphabetic() || b"_-.".contains(b);
        let sensitive =
            || content.iter().all(u8::is_ascii_alphabetic) && keys::level(content) == Level::Always;
        // kubectl's `secret: NAME  TYPE  DATA  AGE`
        sep.spaced_colon && content == b"NAME" && self.byte(end) == b' '
            || sep.spaced_colon
                && (!sep.quoted && (names_next(content) || self.names_string(end, content))
                    || self.byte(end) == b':' && content.iter().all(plain)
                    || self.byte(name).is_ascii_uppercase() && is_field(content)
                    || !sep.quoted && self.byte(end) == b' ' && sensitive())
    }

    /// `special tokens: bos_token="<s>"`: the next name, and its string behind its sign
    fn names_string(&self, end: usize, content: &[u8]) -> bool {
        let name = content.strip_suffix(b"=").unwrap_or_default();
        let opens = matches!(self.byte(end), b'"' | b'\'')
            && !matches!(self.byte(end + 1), 0..=b' ' | b',' | b';' | b')' | b']' | b'}' | b'"' | b'\'');
        opens && name.len() > 1 && name.iter().all(|b| b.is_ascii_lowercase() || *b == b'_')
    }

    /// `token:expired`, `token=IDENTIFIER`, gcloud's `--secret=db`: a word, and no password is called so.
    fn is_word(&self, bare: &Bare<'_>) -> bool {
        let &Bare { sep, name, end, content, .. } = bare;
        let kept = bare.flag
            && is_one_of!(self.slice(name, sep.value), "secret=")
            && content.iter().all(|b| b.is_ascii_lowercase() || *b == b'-');
        let after_colon = || {
            sep.colon
                && !is_one_of!(self.nth_word(0), "pass passin passout")
                && content.first().is_some_and(u8::is_ascii_lowercase)
                && content.iter().all(u8::is_ascii_alphabetic)
        };
        let kind = || {
            self.is_at(name, b"token=") && content.len() <= 10 && content.iter().all(u8::is_ascii_uppercase)
        };
        // Go's `{password:letmein ok:true}`
        let field = || {
            ends_as!(self.slice(name, sep.value - 1), "password passwd pwd pass secret passphrase apikey")
                && (matches!(self.byte(end), b'}' | b']') || is_field_name(self.slice(end, end + 32)))
        };
        kept || sep.unspaced && !sep.quoted && (after_colon() || kind()) && !field()
    }

    /// Code that fetches it: `'X-API-Key': apiKey }`, `$_POST['password']`, `token = :token`, `api_key = @ApiKey`,
    /// `$DB_PASSWORD`, YAML's `&anchor` and `*alias`
    fn is_source(&self, bare: &Bare<'_>) -> bool {
        let &Bare { sep, own, end, content, .. } = bare;
        let (first, rest) = content.split_first().map_or((0, content), |(first, rest)| (*first, rest));
        let letters = |text: &[u8]| {
            !text.is_empty() && text.len() <= 40 && text.iter().all(|b| b.is_ascii_alphabetic() || *b == b'_')
        };
        let names = |text: &[u8]| letters(text) && keys::level(text) != Level::Harmless;
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
                || first == b'@' && letters(rest) && benign::is_same_but(b"_", rest, own));
        let open = rest.iter().take(40).position(|&b| b == b'[').unwrap_or(0);
        let (array, key) = rest.split_at_checked(open).unwrap_or_default();
        let mark = self.byte(end);
        let entry = first == b'$'
            && letters(array)
            && matches!(mark, b'"' | b'\'')
            && self.byte(end + 1) == b']'
            && key.get(1) == Some(&mark)
            && key.get(2..).is_some_and(letters);
        let anchor = sep.spaced_colon
            && matches!(first, b'&' | b'*')
            && !rest.is_empty()
            && rest.iter().all(|b| b.is_ascii_alphabetic() || b"_-".contains(b));
        variable || parameter || entry || anchor || first == b'$' && !bare.flag && is_variable(content)
    }

    /// `SAML: InResponseTo is not valid`: what has a name of its own, and what is said of it. A password may be such a word.
    fn is_subject(&self, bare: &Bare<'_>) -> bool {
        static SAID: Beginnings = Beginnings::of(&[
            " is not ",
            " is missing",
            " is required",
            " must ",
            " does not ",
            " was not ",
            " attribute ",
        ]);
        let &Bare { sep, own, end, content, .. } = bare;
        sep.spaced_colon
            && !ends_as!(own, super::phrase::PASSWORDS)
            && (6..=40).contains(&content.len())
            && content.iter().all(u8::is_ascii_alphabetic)
            && content.iter().skip(1).any(u8::is_ascii_uppercase)
            && self.one_at(end, &SAID).is_some()
    }

    /// What it is for, which one it is, what was done with it: `Signing key: Ed25519`, `signing key: old kid=2024-12`,
    /// `password → done`, `cleared cookies: next-auth.session-token`, `2 cookies: sid, csrftoken`, `token: redacted=true`
    fn is_note(&self, bare: &Bare<'_>) -> bool {
        let &Bare { sep, own, start, end, content, .. } = bare;
        let word = !content.is_empty() && content.iter().all(u8::is_ascii_alphabetic);
        let before = self.slice(start.saturating_sub(4), start);
        let step = word && before == "→ ".as_bytes();
        // Go's `volume "signing-key" : references non-existent …`
        let wrapped = before == b"\" : "
            && is_one_of!(content, "references is not must cannot failed")
            && !ends_as!(own, super::phrase::PASSWORDS);
        if step || wrapped || !sep.spaced_colon {
            return step || wrapped;
        }
        let name = charset::ALNUM_UNDER.run_within(self.text, end + 1, 24);
        let which = is_one_of!(content, "old new")
            && self.byte(end) == b' '
            && name > end + 1
            && self.byte(name) == b'=';
        let cookie = is_one_of!(own, "cookie cookies")
            && content.len() <= 40
            && content.iter().any(|b| b"-.".contains(b))
            && content.iter().all(|&b| b.is_ascii_lowercase() || b"-_.".contains(&b));
        let second = charset::ALNUM_UNDER.run_within(self.text, end + 2, 24);
        let names = own == b"cookies"
            && content.len() <= 24
            && self.is_at(end, b", ")
            && second > end + 2
            && content
                .iter()
                .chain(self.slice(end + 2, second))
                .all(|b| b.is_ascii_lowercase() || matches!(b, b'-' | b'_'))
            && matches!(self.byte(second), b',' | b'\n' | 0);
        let sign = content.iter().position(|&b| b == b'=').unwrap_or(0);
        let (about, rest) = content.split_at_checked(sign).unwrap_or_default();
        let said = about.len() > 4
            && value::says_nothing(about)
            && rest.get(1..).is_some_and(|rest| !rest.is_empty() && value::says_nothing(rest));
        which || cookie || names || said || is_algorithm(content)
    }

    /// What a program prints of how it went: `cannot fetch token: 400 Bad Request`, `password: 3 attempts left`,
    /// `--- PASS: TestCookieJar (0.02s)`, `WIP on auth-token: 932e088 …`
    fn is_outcome(&self, bare: &Bare<'_>) -> bool {
        let &Bare { sep, name, start, end, content, number, .. } = bare;
        if !sep.spaced_colon {
            return false;
        }
        let next = if self.byte(end) == b' ' { self.byte(end + 1) } else { 0 };
        let status = number && content.len() == 3 && next.is_ascii_uppercase();
        let described = number && content.len() < 3 && next.is_ascii_lowercase();
        let passed = self.slice(name, name + 5) == b"PASS:"
            && (self.before(name.saturating_sub(1)) == b'-'
                || self.is_at(start, b"test")
                || self.is_at(end, b" ("));
        let (from, to) = self.words[0];
        let commit = (7..=12).contains(&content.len())
            && content.iter().all(u8::is_ascii_hexdigit)
            && is_one_of!(self.slice(from, to), "on branch");
        !sep.quoted && (status || described) || passed || commit
    }

    /// `checksum of migration add_api_tokens: 0c76…`: the hash of what has that name
    fn is_checksum(&self, bare: &Bare<'_>) -> bool {
        let content = bare.content;
        bare.sep.spaced_colon
            && matches!(content.len(), 32 | 40 | 64)
            && content.iter().all(u8::is_ascii_hexdigit)
            && self.words_mention(list!("checksum digest etag"))
            && self.words_mention(list!("of"))
    }

    /// .NET's `cfg["Jwt:SigningKey"]`: a setting's name
    fn is_setting_name(&self, bare: &Bare<'_>) -> bool {
        self.is_at(bare.name.saturating_sub(2), b"[\"")
            && self.is_at(bare.end, b"\"]")
            && bare.content.iter().all(u8::is_ascii_alphabetic)
    }

    /// `password: is required`, where a sentence may stand.
    fn says_about_it(&self, bare: &Bare<'_>) -> bool {
        const NAMED: &str = "for header field parameter param property";
        bare.sep.spaced_colon
            && (!bare.sep.quoted || self.before(bare.name) == b'\'' || is_one_of!(self.nth_word(0), NAMED))
            && value::is_prose(self.text, bare.start, bare.end)
    }

    /// `sk-...`: a token's beginning, the rest left out
    fn is_elided(&self, bare: &Bare<'_>) -> bool {
        const PREFIXES: &str = "sk- sk_live_ sk_test_ sk-ant- sk-proj- rk_live_ rk_test_ ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ \
            glpat- xoxb- xoxp- xapp- whsec_ hf_ npm_ pypi- gsk_ shpat_ akia aiza eyj";
        let &Bare { start, end, .. } = bare;
        end - start <= 12
            && self.is_at(end, b"...")
            && matches!(self.byte(end + 3), 0..=b' ' | b'"' | b'\'' | b'`' | b',' | b';' | b')' | b'}')
            && is_one_of!(self.slice(start, end), PREFIXES)
    }

    /// `DEL token:user:11683`, `TTL otp:16063`: a key that a command of Redis is about
    pub fn is_redis_key(&self, bare: &Bare<'_>) -> bool {
        const COMMANDS: &str = "get set del ttl pttl exists expire incr decr hget hset hgetall hdel sadd srem smembers lpush rpush \
            lrange unlink persist setex setnx getdel type scan keys zadd zrange mget";
        let (sep, content, command) = (bare.sep, bare.content, self.nth_word(0));
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
}

/// What is no secret under any name: nothing, a mask, a path, an address, code, `(not set)`, `(24 characters)`.
fn is_none_itself(bare: &Bare<'_>) -> bool {
    let content = bare.content;
    let bracketed = |rest: &[u8]| {
        let digits = rest.iter().filter(|b| b.is_ascii_digit()).count();
        digits == 0 || digits == rest.len()
    };
    value::says_nothing(content)
        || is_parameter(content)
        || benign::is_measure(content)
        || value::is_path(content)
        || value::names_header(content)
        || value::is_address(content)
        || value::is_code(content)
        || object::is_reference(content)
        || content.starts_with(b"-----BEGIN")
        || content.strip_prefix(b"(").is_some_and(bracketed)
}

/// What says the name again, or where it is kept: `api_key = api_key`, `tokens: Tokens`, `--color-token=#1f6feb`.
fn is_of_its_name(bare: &Bare<'_>) -> bool {
    let &Bare { own, content, .. } = bare;
    let same = own.len() == content.len()
        && own.get(1..) == content.get(1..)
        && own.first().map(u8::to_ascii_lowercase) == content.first().map(u8::to_ascii_lowercase);
    let coloured = || own.windows(5).any(|part| part.eq_ignore_ascii_case(b"color"));
    same || bare.flag && benign::is_styling(content) && coloured()
        || benign::is_field_of(content, own)
        || called::is_name_of_key(own, content)
        || called::is_fingerprint(own, content)
        || value::is_own(content, own)
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
