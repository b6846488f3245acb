//! Is what stands under this name a secret? Names are read word by word: `dbPassword`, `DB_PASSWORD`, `db-password`
//! and `db password` are the same two words.

use super::words::{Words, one_of};

/// How much a name says about its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Nothing, or that it is harmless (`tokenCount`, `hasPassword`, `passwordResetUrl`, `publicKey`).
    Harmless,
    /// In a URL's query it is a credential when it looks generated (`?code=…`, `?key=…`), elsewhere it is not.
    Query,
    /// A PIN when it is 4 to 8 digits.
    Digits,
    /// A secret when it looks generated (`signature`, `stripe_key`, `PASSWORD_ADMIN`).
    IfGenerated,
    /// A secret, unless it is a number: a count (`tokens: 512`, `tokens: {input: 3}`, `pass: 12`).
    UnlessNumber,
    /// Secrets, unless a number stands right under it: a count (`secrets: 3`).
    UnlessCount,
    /// A secret.
    Always,
}
use Level::*;

// What a word does in a name.
const SECRET: u16 = 1; // …Password, …Token: what ends so is a secret
const PLURAL: u16 = 1 << 1; // …Tokens: so too, but a number is a count
const KEY: u16 = 1 << 2; // …Key: depends on what stands before
const MAKES_KEY: u16 = 1 << 3; // apiKey, signingKey
const HARMLESS_KEY: u16 = 1 << 4; // primaryKey, cacheKey
const CODE: u16 = 1 << 5; // …Code, …Number: depends on what stands before
const MAKES_CODE: u16 = 1 << 6; // verificationCode, cardNumber
const GENERATED: u16 = 1 << 7; // signature: when it looks so
const NEUTRAL: u16 = 1 << 8; // passwordConfirmation, API_KEY_PROD: read what stands before
const HARMLESS_END: u16 = 1 << 9; // tokenType, passwordLength
const HARMLESS_START: u16 = 1 << 10; // hasPassword, maxTokens
const COUNTED: u16 = 1 << 11; // promptTokens
const PUBLIC: u16 = 1 << 12; // publicKey, NEXT_PUBLIC_…
const QUERY: u16 = 1 << 13; // code, key, state in a query
const PIN: u16 = 1 << 14;
const MANY: u16 = 1 << 15; // apiKeys, secrets: a number is a count

const LONGEST_WORD: usize = 24;
const MOST_WORDS: usize = 12;

/// What each word does in a name: to teach it a word, add the word to a row.
#[rustfmt::skip]
static ROLES: Words<1024> = Words::new(&[
    (SECRET, "password passwd passwort kennwort senha contrasena motdepasse mdp pwd pswd passphrase \
        passcode jws jwe bearer totp hotp cvv cvc csrf xsrf mnemonic verifier samlresponse \
        samlrequest authkey privkey signingkey encryptionkey masterkey sharedkey servicekey \
        credential sessid phpsessid jsessionid aspsessionid cardnumber ccnumber ssws appkey sshpass"),
    (SECRET | MAKES_KEY, "secret token jwt authorization cookie"),
    (SECRET | MAKES_CODE, "otp"),
    (PLURAL | MANY, "secrets passwords credentials creds passwds"),
    (PLURAL, "tokens cookies pw"),
    (PLURAL | MAKES_CODE, "pass"),
    (KEY | QUERY, "key"),
    (KEY | MANY, "keys"),
    (MAKES_KEY, "private priv signing encryption encrypt decryption decrypt master service deploy deployment \
        admin shared webhook ssh aes rsa role crypto cipher pgp gpg wallet ingest ingestion \
        integration preshared root symmetric license licence hashing internal"),
    (MAKES_KEY | MAKES_CODE, "sign"),
    (MAKES_KEY, "api"),
    (MAKES_KEY | NEUTRAL, "encrypted"),
    (MAKES_KEY | MAKES_CODE, "access"),
    (MAKES_KEY | MAKES_CODE | GENERATED, "auth authentication"),
    (MAKES_KEY | GENERATED, "session sess"),
    (MAKES_KEY | GENERATED, "hmac"),
    (GENERATED | MAKES_KEY | QUERY, "signature sig"),
    (GENERATED, "assertion psk ticket"),
    (GENERATED | COUNTED, "sid"),
    (SECRET, "saml"),
    (PIN | MAKES_CODE, "pin"),
    (CODE | QUERY, "code"),
    (CODE | MANY, "codes"),
    (CODE, "number phrase"),
    (MAKES_CODE, "verification sms mfa fa 2fa tfa login signin security activation recovery backup onetime \
        pairing device magic card cc factor authenticator seed"),
    (MAKES_CODE | HARMLESS_END, "time reset"),
    (MAKES_CODE, "verify"),
    (MAKES_CODE | NEUTRAL, "confirmation"),
    (MAKES_CODE, "credit"),
    (HARMLESS_KEY | NEUTRAL, "primary"),
    (HARMLESS_KEY, "foreign cache sort partition idempotency object unique lookup map json query group routing \
        trace span translation event metric feature column registry press hot shift arrow meta ctrl \
        react list item node known dedup dedupe rate lock site redis row first flag record image \
        asset blob upload video document project tenant order product customer issue jira"),
    (HARMLESS_KEY | HARMLESS_END | QUERY, "storage state"),
    (PUBLIC, "public publishable anon vapid"),
    (NEUTRAL, "new old confirm confirmed repeat again hash hashed value values val raw base encoded plain \
        plaintext text str string prod production dev development test testing staging stage live \
        sandbox v header param data main secondary env default temp tmp local override alt bytes pem \
        b a hex content body digest request response"),
    (NEUTRAL | HARMLESS_KEY, "current previous prev next"),
    (HARMLESS_END | HARMLESS_START, "count counts min max total"),
    (HARMLESS_END, "length len url uri urls link href type types id ids name names expires expiry expiration exp \
        in at on by ttl hint policy strength field fields label placeholder file files path paths \
        endpoint limit limits usage size version age issued created updated changed date timestamp \
        status error errors message messages format algorithm alg method provider source scheme \
        schema rotation attempts attempt manager index position pos kind description title rule \
        rules regex pattern forgot change page screen form component store bucket budget cost price \
        per second domain host issuer audience aud iss scope scopes subject owner user username \
        email consent banner settings options config configured present exists match matches matched \
        complexity score validation validator verified requirements set seconds ms minutes hours \
        days duration timeout refresh lifetime validity revoked rotated active fingerprint \
        thumbprint arn region ref reference class handler middleware estimate details symbol address \
        contract decimals chain pair standard family same samesite secure prefix suffix reason \
        required valid enabled disabled used remaining"),
    (HARMLESS_START, "has is are was were needs need requires require show hide should can could use uses with \
        without enable disable allow allows missing no not did does will would must num avg expected \
        unexpected supports skip estimated zero"),
    (HARMLESS_END | HARMLESS_START, "expired invalid"),
    (COUNTED, "prompt completion input output cached reasoning thinking generated audio accepted rejected \
        creation read write"),
]);

fn roles(word: &[u8]) -> u16 {
    ROLES.get(word).unwrap_or_else(|| compound(word))
}

/// Words written together: `pgpassword`, `csrfmiddlewaretoken`, `clientsecret`, `apikey`.
fn compound(word: &[u8]) -> u16 {
    const ENDS: [&[u8]; 12] = [
        b"password",
        b"passwd",
        b"passphrase",
        b"secret",
        b"token",
        b"apikey",
        b"secretkey",
        b"accesskey",
        b"privatekey",
        b"credentials",
        b"sessid",
        b"sessionid",
    ];
    match word {
        b"sessionid" => 0,
        _ if ENDS.iter().any(|end| word.ends_with(end)) => SECRET,
        _ if word.ends_with(b"tokens") || word.ends_with(b"secrets") => PLURAL,
        _ => 0,
    }
}

/// The words of a name, lowercased, their trailing digits left out; each word's roles go to `each`.
fn for_each_word(name: &[u8], mut each: impl FnMut(u16)) {
    let mut word = [0u8; LONGEST_WORD];
    let mut len = 0usize;
    let mut flush = |word: &[u8; LONGEST_WORD], len: usize| {
        let kept = word.get(..len.min(LONGEST_WORD)).unwrap_or_default();
        let digits = kept.iter().rev().take_while(|b| b.is_ascii_digit()).count();
        let kept = kept.get(..kept.len() - digits).unwrap_or_default();
        if !kept.is_empty() {
            each(roles(kept));
        }
    };
    let mut last = 0u8;
    for (i, &b) in name.iter().enumerate() {
        let boundary = b.is_ascii_uppercase()
            && (last.is_ascii_lowercase()
                || last.is_ascii_digit()
                || (last.is_ascii_uppercase() && name.get(i + 1).is_some_and(u8::is_ascii_lowercase)));
        if boundary || !(b.is_ascii_alphanumeric() || b >= 0x80) {
            flush(&word, len);
            len = 0;
        }
        if b.is_ascii_alphanumeric() || b >= 0x80 {
            // Of a longer word the end is kept: it is the end that speaks.
            if len >= LONGEST_WORD {
                word.copy_within(1.., 0);
                len = LONGEST_WORD - 1;
            }
            if let Some(slot) = word.get_mut(len) {
                *slot = b.to_ascii_lowercase();
            }
            len += 1;
        }
        last = b;
    }
    flush(&word, len);
}

/// What a name says about its value.
#[inline(never)]
pub fn level(name: &[u8]) -> Level {
    // The end of a very long name speaks; what is before it is left out.
    let name = name.get(name.len().saturating_sub(128)..).unwrap_or(name);
    let mut words = [0u16; MOST_WORDS];
    let mut count = 0usize;
    for_each_word(name, |roles| {
        if count == MOST_WORDS {
            words.copy_within(1.., 0);
            count -= 1;
        }
        if let Some(slot) = words.get_mut(count) {
            *slot = roles;
        }
        count += 1;
    });
    judge(words.get(..count).unwrap_or_default())
}

fn judge(words: &[u16]) -> Level {
    let any = |words: &[u16], role: u16| words.iter().any(|roles| roles & role != 0);
    let mut words = words;
    if !any(words, SECRET | PLURAL | KEY | CODE | GENERATED | PIN) {
        return if words.len() == 1 && any(words, QUERY) { Query } else { Harmless };
    }
    if any(words, PUBLIC) || (words.len() > 1 && words.first().is_some_and(|r| r & HARMLESS_START != 0)) {
        return Harmless;
    }
    while let [before @ .., last] = words
        && !before.is_empty()
        && last & NEUTRAL != 0
    {
        words = before;
    }
    let Some((&last, before)) = words.split_last() else { return Harmless };
    let nearest = before.last().copied().unwrap_or(0);
    if last & SECRET != 0 {
        return Always;
    }
    if last & PLURAL != 0 {
        return match () {
            () if nearest & (COUNTED | HARMLESS_END) != 0 => Harmless,
            () if last & MANY != 0 => UnlessCount,
            () => UnlessNumber,
        };
    }
    let many = if last & MANY != 0 { UnlessNumber } else { Always };
    if last & KEY != 0 {
        return match () {
            () if before.is_empty() => Query,
            () if nearest & HARMLESS_KEY != 0 => Harmless,
            () if any(before, MAKES_KEY) => many,
            () if any(before, HARMLESS_KEY) => Harmless,
            () => IfGenerated,
        };
    }
    if last & CODE != 0 {
        return match () {
            () if any(before, MAKES_CODE) => many,
            () if before.is_empty() && last & QUERY != 0 => Query,
            () => Harmless,
        };
    }
    if last & PIN != 0 {
        return Digits;
    }
    if last & HARMLESS_END != 0 {
        return if before.is_empty() && last & QUERY != 0 { Query } else { Harmless };
    }
    if last & GENERATED != 0 && last & COUNTED != 0 && !before.is_empty() {
        return Harmless; // an account's id
    }
    if last & GENERATED != 0 || any(before, SECRET | PLURAL) || (any(before, KEY) && any(before, MAKES_KEY)) {
        return IfGenerated;
    }
    Harmless
}

/// Whether a name is one half of a `{name, value}` pair, and which.
pub fn pair_half(name: &[u8]) -> Option<Half> {
    if one_of(name, &["name", "key", "header", "field", "headerName", "param"]) {
        Some(Half::Name)
    } else if one_of(name, &["value", "val", "content", "headerValue"]) {
        Some(Half::Value)
    } else {
        None
    }
}

/// One half of a `{name, value}` pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// It holds the name.
    Name,
    /// It holds the value.
    Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_by_its_words_in_any_notation() {
        for name in [
            "password",
            "dbPassword",
            "DB_PASSWORD",
            "db-password",
            "user password",
            "Password2",
            "PGPASSWORD",
            "access_token",
            "accessToken",
            "idToken",
            "X-Auth-Token",
            "csrfmiddlewaretoken",
            "X-CSRF-Token",
            "_csrf",
            "client_secret",
            "clientSecret",
            "CLIENTSECRET",
            "api_key",
            "api-key",
            "apikey",
            "apiKey",
            "X-API-Key",
            "APIKey",
            "OPENAI_API_KEY",
            "SECRET_KEY_BASE",
            "secretAccessKey",
            "aws_secret_access_key",
            "private_key",
            "privateKeyPem",
            "encryptionKey",
            "signing_key",
            "Authorization",
            "proxy-authorization",
            "Cookie",
            "set-cookie",
            "otp",
            "verificationCode",
            "one_time_code",
            "backup_code",
            "cardNumber",
            "cvv",
            "passwordHash",
            "password_confirmation",
            "API_KEY_PROD",
            "webhookSecret",
            "CONVEX_DEPLOY_KEY",
            "UPSTASH_REDIS_REST_TOKEN",
            "SecretString",
            "SAMLResponse",
            "code_verifier",
            "seed_phrase",
            "NPM_TOKEN",
            "__RequestVerificationToken",
            "PHPSESSID",
            "serviceRoleKey",
        ] {
            assert_eq!(level(name.as_bytes()), Always, "{name}");
        }
    }

    #[test]
    fn names_that_only_speak_of_secrets_are_harmless() {
        for name in [
            "tokenCount",
            "total_tokens",
            "max_tokens",
            "maxTokens",
            "promptTokens",
            "completion_tokens",
            "cached_tokens",
            "hasPassword",
            "passwordResetUrl",
            "token_type",
            "tokenType",
            "isTokenValid",
            "password_length",
            "tokenExpiresAt",
            "token_expires_in",
            "secretName",
            "secret_arn",
            "keyId",
            "access_key_id",
            "publicKey",
            "NEXT_PUBLIC_API_KEY",
            "STRIPE_PUBLISHABLE_KEY",
            "primary_key",
            "cacheKey",
            "key",
            "keyboard",
            "tokenizer",
            "author",
            "statusCode",
            "errorCode",
            "zip_code",
            "countryCode",
            "cookieConsent",
            "passwordPolicy",
            "csrf_enabled",
            "sessionId",
            "code",
            "requirePassword",
            "forgot_password_url",
            "id",
            "hash",
            "commitHash",
            "username",
            "compass",
            "secretary",
            "partition_key",
            "idempotency_key",
            "passwordChangedAt",
            "token_endpoint",
            "input_tokens",
            "monkey",
        ] {
            assert!(
                matches!(level(name.as_bytes()), Harmless | Query),
                "{name}: {:?}",
                level(name.as_bytes())
            );
        }
    }
}
