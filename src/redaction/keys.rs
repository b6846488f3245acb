//! Is what stands under this name a secret? Names are read word by word: `dbPassword`, `DB_PASSWORD`, `db-password`
//! and `db password` are the same two words.

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

#[rustfmt::skip]
fn roles(word: &[u8]) -> u16 {
    match word {
        b"password" | b"passwd" | b"passwort" | b"kennwort" | b"senha" | b"contrasena" | b"motdepasse" | b"mdp" | b"pwd"
        | b"pswd" | b"passphrase" | b"passcode" | b"jws" | b"jwe" | b"bearer" | b"totp" | b"hotp" | b"cvv" | b"cvc"
        | b"csrf" | b"xsrf" | b"mnemonic" | b"verifier" | b"samlresponse" | b"samlrequest" | b"authkey" | b"privkey"
        | b"signingkey" | b"encryptionkey" | b"masterkey" | b"sharedkey" | b"servicekey" | b"credential" | b"sessid"
        | b"phpsessid" | b"jsessionid" | b"aspsessionid" | b"cardnumber" | b"ccnumber" | b"ssws" | b"appkey" | b"sshpass" => SECRET,
        b"secret" | b"token" | b"jwt" | b"authorization" | b"cookie" => SECRET | MAKES_KEY,
        b"otp" => SECRET | MAKES_CODE,
        b"secrets" | b"passwords" | b"credentials" | b"creds" | b"passwds" => PLURAL | MANY,
        b"tokens" | b"cookies" | b"pw" => PLURAL,
        b"pass" => PLURAL | MAKES_CODE,
        b"key" => KEY | QUERY,
        b"keys" => KEY | MANY,
        b"private" | b"priv" | b"signing" | b"encryption" | b"encrypt" | b"decryption" | b"decrypt" | b"master" | b"service"
        | b"deploy" | b"deployment" | b"admin" | b"shared" | b"webhook" | b"ssh" | b"aes" | b"rsa" | b"role" | b"crypto"
        | b"cipher" | b"pgp" | b"gpg" | b"wallet" | b"ingest" | b"ingestion" | b"integration" | b"preshared" | b"root"
        | b"symmetric" | b"license" | b"licence" | b"hashing" | b"internal" => MAKES_KEY,
        b"sign" => MAKES_KEY | MAKES_CODE,
        b"api" => MAKES_KEY,
        b"encrypted" => MAKES_KEY | NEUTRAL,
        b"access" => MAKES_KEY | MAKES_CODE,
        b"auth" | b"authentication" => MAKES_KEY | MAKES_CODE | GENERATED,
        b"session" | b"sess" => MAKES_KEY | GENERATED,
        b"hmac" => MAKES_KEY | GENERATED,
        b"signature" | b"sig" => GENERATED | MAKES_KEY | QUERY,
        b"assertion" | b"psk" | b"ticket" => GENERATED,
        b"sid" => GENERATED | COUNTED,
        b"saml" => SECRET,
        b"pin" => PIN | MAKES_CODE,
        b"code" => CODE | QUERY,
        b"codes" => CODE | MANY,
        b"number" | b"phrase" => CODE,
        b"verification" | b"sms" | b"mfa" | b"fa" | b"2fa" | b"tfa" | b"login" | b"signin" | b"security" 
        | b"activation" | b"recovery" | b"backup" | b"onetime" | b"pairing" | b"device" | b"magic" | b"card" | b"cc"
        | b"factor" | b"authenticator" | b"seed" => MAKES_CODE,
        b"time" | b"reset" => MAKES_CODE | HARMLESS_END,
        b"verify" => MAKES_CODE,
        b"confirmation" => MAKES_CODE | NEUTRAL,
        b"credit" => MAKES_CODE,
        b"primary" => HARMLESS_KEY | NEUTRAL,
        b"foreign" | b"cache" | b"sort" | b"partition" | b"idempotency" | b"object" | b"unique" | b"lookup" | b"map" | b"json"
        | b"query" | b"group" | b"routing" | b"trace" | b"span" | b"translation" | b"event" | b"metric" | b"feature"
        | b"column" | b"registry" | b"press" | b"hot" | b"shift" | b"arrow" | b"meta" | b"ctrl" | b"react" | b"list" | b"item"
        | b"node" | b"known" | b"dedup" | b"dedupe" | b"rate" | b"lock" | b"site" | b"redis" | b"row" | b"first" | b"flag"
        | b"record" | b"image" | b"asset" | b"blob" | b"upload" | b"video" | b"document" | b"project" | b"tenant"
        | b"order" | b"product" | b"customer" | b"issue" | b"jira" => HARMLESS_KEY,
        b"storage" | b"state" => HARMLESS_KEY | HARMLESS_END | QUERY,
        b"public" | b"publishable" | b"anon" | b"vapid" => PUBLIC,
        b"new" | b"old" | b"confirm" | b"confirmed" | b"repeat" | b"again" | b"hash" | b"hashed" | b"value" | b"values" | b"val"
        | b"raw" | b"base" | b"encoded" | b"plain" | b"plaintext" | b"text" | b"str" | b"string" | b"prod" | b"production"
        | b"dev" | b"development" | b"test" | b"testing" | b"staging" | b"stage" | b"live" | b"sandbox" | b"v" | b"header"
        | b"param" | b"data" | b"main" | b"secondary" | b"env" | b"default" | b"temp" | b"tmp" | b"local" | b"override"
        | b"alt" | b"bytes" | b"pem" | b"b" | b"a" | b"hex" | b"content" | b"body" | b"digest" | b"request" | b"response" => NEUTRAL,
        b"current" | b"previous" | b"prev" | b"next" => NEUTRAL | HARMLESS_KEY,
        b"count" | b"counts" | b"min" | b"max" | b"total" => HARMLESS_END | HARMLESS_START,
        b"length" | b"len" | b"url" | b"uri" | b"urls" | b"link" | b"href" | b"type" | b"types" | b"id" | b"ids" | b"name"
        | b"names" | b"expires" | b"expiry" | b"expiration" | b"exp" | b"in" | b"at" | b"on" | b"by" | b"ttl" | b"hint"
        | b"policy" | b"strength" | b"field" | b"fields" | b"label" | b"placeholder" | b"file" | b"files" | b"path" | b"paths"
        | b"endpoint" | b"limit" | b"limits" | b"usage" | b"size" | b"version" | b"age" | b"issued" | b"created" | b"updated"
        | b"changed" | b"date" | b"timestamp" | b"status" | b"error" | b"errors" | b"message" | b"messages" | b"format"
        | b"algorithm" | b"alg" | b"method" | b"provider" | b"source" | b"scheme" | b"schema" | b"rotation" | b"attempts"
        | b"attempt" | b"manager" | b"index" | b"position" | b"pos" | b"kind" | b"description" | b"title" | b"rule" | b"rules"
        | b"regex" | b"pattern" | b"forgot" | b"change" | b"page" | b"screen" | b"form" | b"component" | b"store" | b"bucket"
        | b"budget" | b"cost" | b"price" | b"per" | b"second" | b"domain" | b"host" | b"issuer" | b"audience" | b"aud" | b"iss"
        | b"scope" | b"scopes" | b"subject" | b"owner" | b"user" | b"username" | b"email" | b"consent" | b"banner" | b"settings"
        | b"options" | b"config" | b"configured" | b"present" | b"exists" | b"match" | b"matches" | b"matched" | b"complexity"
        | b"score" | b"validation" | b"validator" | b"verified" | b"requirements" | b"set" | b"seconds" | b"ms" | b"minutes"
        | b"hours" | b"days" | b"duration" | b"timeout" | b"refresh" | b"lifetime" | b"validity" | b"revoked" | b"rotated"
        | b"active" | b"fingerprint" | b"thumbprint" | b"arn" | b"region" | b"ref" | b"reference" | b"class" | b"handler"
        | b"middleware" | b"estimate" | b"details" | b"symbol" | b"address" | b"contract" | b"decimals" | b"chain" | b"pair"
        | b"standard" | b"family" | b"same" | b"samesite" | b"secure" | b"prefix" | b"suffix" | b"reason" | b"required"
        | b"valid" | b"enabled" | b"disabled" | b"used" | b"remaining" => HARMLESS_END,
        b"has" | b"is" | b"are" | b"was" | b"were" | b"needs" | b"need" | b"requires" | b"require" | b"show" | b"hide" | b"should"
        | b"can" | b"could" | b"use" | b"uses" | b"with" | b"without" | b"enable" | b"disable" | b"allow" | b"allows"
        | b"missing" | b"no" | b"not" | b"did" | b"does" | b"will" | b"would" | b"must" | b"num" | b"avg" | b"expected"
        | b"unexpected" | b"supports" | b"skip" | b"estimated" | b"zero" => HARMLESS_START,
        b"expired" | b"invalid" => HARMLESS_END | HARMLESS_START,
        b"prompt" | b"completion" | b"input" | b"output" | b"cached" | b"reasoning" | b"thinking" | b"generated" | b"audio"
        | b"accepted" | b"rejected" | b"creation" | b"read" | b"write" => COUNTED,
        _ => compound(word),
    }
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
    let is = |word: &str| name.eq_ignore_ascii_case(word.as_bytes());
    if is("name") || is("key") || is("header") || is("field") || is("headerName") || is("param") {
        Some(Half::Name)
    } else if is("value") || is("val") || is("content") || is("headerValue") {
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
