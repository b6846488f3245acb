//! What a value looks like: generated, chosen by a person, or something else that has letters and digits.

use super::charset::{self, Bytes, CREDENTIAL};
use super::lists::is_one_of;
use super::words::Heads;

/// Whether it is a file's path, none of whose parts looks generated. (`PWD=/app` is where a shell stands.)
pub fn is_path(value: &[u8]) -> bool {
    let rooted = [&b"/"[..], b"./", b"../", b"~/"].iter().any(|root| value.starts_with(root));
    rooted
        && value.len() <= 160
        && value.iter().all(|&b| charset::is_alnum(b) || b"/._-~@:".contains(&b))
        && (value.contains(&b'.') || !value.iter().any(u8::is_ascii_uppercase))
        && !value.split(|&b| b == b'/').any(|part| looks_generated(part, 16))
}

/// Whether it is an address: no secret by itself, and what is secret in it has its own rules.
pub fn is_address(value: &[u8]) -> bool {
    let scheme = value.iter().take(16).take_while(|b| charset::is_alnum(**b) || b"+.-".contains(b)).count();
    scheme > 1 && value.get(scheme..).is_some_and(|rest| rest.starts_with(b"://"))
}

/// Whether it is a password as people and generators make them: letters, digits, and capitals or marks among them.
pub fn looks_chosen(value: &[u8]) -> bool {
    if !(8..=64).contains(&value.len()) {
        return false;
    }
    let (mut digit, mut lower, mut upper, mut mark) = (false, false, false, false);
    for &b in value {
        match b {
            b'0'..=b'9' => digit = true,
            b'a'..=b'z' => lower = true,
            b'A'..=b'Z' => upper = true,
            _ if const { Bytes::of(b"/:@()<>{}[],") }.has(b) => return false,
            _ => mark |= const { Bytes::of(b"!#$%^&*+-_~?=") }.has(b),
        }
    }
    digit
        && lower
        && (upper || mark && looks_generated(value, 8))
        && !has_extension(value)
        && !is_uuid(value)
        && !is_date(value)
}

/// Whether letters alone stand behind its last full stop, as in a file's name or a host's.
fn has_extension(value: &[u8]) -> bool {
    let end = value.rsplit(|&b| b == b'.').next().unwrap_or_default();
    end.len() != value.len() && !end.iter().any(u8::is_ascii_digit)
}

/// Whether it may be a password where a sentence or a place says that one stands there: letters with a digit or a mark
/// among them, and no method's name, path, file, date, version or assignment.
pub fn is_told(value: &[u8]) -> bool {
    if !(6..=64).contains(&value.len()) {
        return false;
    }
    let (mut letter, mut other) = (false, false);
    for &b in value {
        if const { Bytes::of(b"/:()<>{}[],\"") }.has(b) {
            return false;
        }
        letter |= b.is_ascii_alphabetic() || b >= 0x80;
        other |= const { Bytes::of(b"0123456789!#$%^&*+?~") }.has(b);
    }
    letter
        && other
        && !has_extension(value)
        && !is_uuid(value)
        && !is_date(value)
        && !is_assignment(value)
        && !is_method(value)
}

/// `MasterDragon`: two capitalised words and more in one, as passwords are coined where a sentence or a place says that one
/// stands there. What types, errors and states are called is none.
pub fn is_coined(value: &[u8]) -> bool {
    const OTHERS: &str = "field type error exception input name key token id validator required length match invalid missing \
        expired sensitive only set unset mismatch encoded encrypted hash hashed empty null none valid short long weak changed \
        updated script object string value manager provider service info config handler class function mode policy protected \
        disabled enabled found allowed supported bytes hub model view form control component plugin module app user";
    if !value.first().is_some_and(u8::is_ascii_uppercase) {
        return false;
    }
    let parts = value.iter().filter(|b| b.is_ascii_uppercase()).count();
    let capital = |at: usize| value.get(at).is_some_and(u8::is_ascii_uppercase);
    let last = value.iter().rposition(u8::is_ascii_uppercase).unwrap_or(0);
    (8..=40).contains(&value.len())
        && value.iter().all(u8::is_ascii_alphabetic)
        && (2..=4).contains(&parts)
        && !(0..value.len()).any(|at| capital(at) && (capital(at + 1) || at + 3 > value.len()))
        && !is_one_of!(value.get(last..).unwrap_or_default(), OTHERS)
        && super::keys::level(value) == super::keys::Level::Harmless
}

/// `Turtle.Neck`: two capitalised words with a mark between them.
pub fn is_paired(value: &[u8]) -> bool {
    let word = |part: &[u8]| {
        (3..=12).contains(&part.len())
            && part.first().is_some_and(u8::is_ascii_uppercase)
            && part.iter().skip(1).all(u8::is_ascii_lowercase)
            && !super::says::is_known_word(part)
    };
    let mut parts = value.split(|b| b".*".contains(b));
    matches!((parts.next(), parts.next(), parts.next()), (Some(a), Some(b), None) if word(a) && word(b))
        && super::keys::level(value) == super::keys::Level::Harmless
}

/// `foxglove-Pin`: words joined by a dash that are not capitalised alike, none of which is about a secret.
pub fn is_dashed(value: &[u8]) -> bool {
    let word = |part: &[u8]| {
        (3..=12).contains(&part.len())
            && part.iter().all(u8::is_ascii_alphabetic)
            && part.iter().skip(1).all(u8::is_ascii_lowercase)
            && !super::says::is_known_word(part)
    };
    let capital = |part: &[u8]| part.first().is_some_and(u8::is_ascii_uppercase);
    let mut parts = value.split(|&b| b == b'-');
    matches!((parts.next(), parts.next(), parts.next()), (Some(a), Some(b), None)
        if word(a) && word(b) && capital(a) != capital(b))
        && super::keys::level(value) == super::keys::Level::Harmless
}

/// `tiger-lily`: plain words joined by dashes, none of which is about a secret.
pub fn is_joined(value: &[u8]) -> bool {
    let word = |part: &[u8]| (4..=12).contains(&part.len()) && part.iter().all(u8::is_ascii_lowercase);
    value.len() <= 64
        && value.contains(&b'-')
        && value.split(|&b| b == b'-').all(|part| word(part) && !super::says::is_known_word(part))
        && super::keys::level(value) == super::keys::Level::Harmless
}

/// What a secret is made or sent with, not the secret: `sha256`, `argon2id`, `oauth2`, `SHA256:…`.
pub fn is_method(value: &[u8]) -> bool {
    const METHODS: [&str; 40] = [
        "sha1", "sha2", "sha3", "sha5", "sha-1", "sha-2", "sha-3", "sha-5", "md5", "argon2", "pbkdf2",
        "hmac", "base64", "base32", "base58", "oauth", "scram", "utf8", "utf-8", "aes", "ed25519", "x509",
        "pkcs", "cram", "ipv4", "ipv6", "http", "saml2", "tls1", "rs256", "hs256", "es256", "bcrypt", "v1",
        "v2", "v3", "varchar", "char(", "int(", "sha_",
    ];
    const ENDS: &str = "id i d s url mb4 withrsa";
    let ends = |rest: &[u8]| {
        is_one_of!(rest, ENDS)
            || rest.first().is_none_or(|b| !b.is_ascii_alphabetic())
                && rest.iter().all(|&b| charset::is_alnum(b) || b"-_/:(.)=,".contains(&b))
    };
    static HEADS: Heads = Heads::of(&METHODS);
    value.len() <= 20
        && HEADS.may_begin(value)
        && METHODS.iter().map(|method| method.as_bytes()).any(|method| {
            let begins = value.first().map(u8::to_ascii_lowercase) == method.first().copied();
            begins
                && value
                    .split_at_checked(method.len())
                    .is_some_and(|(head, rest)| head.eq_ignore_ascii_case(method) && ends(rest))
        })
}

/// A header that carries a secret, where the secret itself may stand: `X-Api-Key`, `XSRF-TOKEN`.
pub fn names_header(value: &[u8]) -> bool {
    let part = |part: &[u8]| {
        part.first().is_some_and(u8::is_ascii_uppercase) && part.iter().all(u8::is_ascii_alphabetic)
    };
    value.len() <= 40
        && value.contains(&b'-')
        && value.split(|&b| b == b'-').all(part)
        && super::keys::level(value) != super::keys::Level::Harmless
}

/// Four and more plain words joined by dashes: a passphrase.
pub fn is_passphrase(value: &[u8]) -> bool {
    let word = |part: &[u8]| (3..=9).contains(&part.len()) && part.iter().all(u8::is_ascii_lowercase);
    value.len() <= 96 && value.split(|&b| b == b'-').count() >= 4 && value.split(|&b| b == b'-').all(word)
}

/// Whether it is no value but the next one's name and value: `PORT=3000`. Padding of base64 is none.
pub fn is_assignment(value: &[u8]) -> bool {
    let name = charset::ALNUM_UNDER.run_within(value, 0, 40);
    let named = value.get(..name).is_some_and(|name| !name.iter().any(u8::is_ascii_digit));
    name > 1 && value.get(name) == Some(&b'=') && value.get(name + 1).map_or(named, |&b| b != b'=')
}

/// `user_2NNEqL…`, `req_…`: an id says of what it is one.
pub fn names_kind(value: &[u8]) -> bool {
    let kind =
        value.iter().take(12).position(|b| *b == b'_').and_then(|at| value.get(..at)).unwrap_or_default();
    kind.len() >= 2 && kind.iter().all(u8::is_ascii_lowercase)
}

/// `orc_live_…`: a key says which of two worlds it opens. `pk_live_…` is made to be public.
fn names_stage(value: &[u8]) -> bool {
    let rest = value.iter().take(12).position(|b| *b == b'_').and_then(|at| value.get(at..));
    rest.is_some_and(|rest| rest.starts_with(b"_live_") || rest.starts_with(b"_test_"))
        && !value.starts_with(b"pk_")
        && !value.starts_with(b"pub_")
}

/// Whether a value is generated beyond doubt: nothing but the words beside it speak of a secret, so an id, a hash of
/// usual length under another name, a version or a slug must not do.
pub fn is_unmistakable(value: &[u8]) -> bool {
    if value.len() < 20 {
        return false;
    }
    let has = |test: fn(&u8) -> bool| value.iter().any(test);
    let (lower, upper, digit) =
        (has(u8::is_ascii_lowercase), has(u8::is_ascii_uppercase), has(u8::is_ascii_digit));
    let id = names_kind(value) && !names_stage(value);
    let hex = value.iter().all(u8::is_ascii_hexdigit);
    let mixed = lower && upper && digit || (lower || upper) && digit && value.len() >= 30;
    let fingerprint = hex && !lower; // as GPG and certificates write theirs
    mixed && !id && !fingerprint && !value.contains(&b'.') && looks_generated(value, 20)
}

/// What a byte of a generated value is: a mark (0), a digit (1), a small letter (2), a capital (3); and what none has (4).
static KIND: [u8; 256] = {
    let (mut kinds, mut b) = ([4; 256], 0);
    while b < 256 {
        kinds[b] = match b as u8 {
            b'0'..=b'9' => 1,
            b'a'..=b'z' => 2,
            b'A'..=b'Z' => 3,
            mark if CREDENTIAL.has(mark) || matches!(mark, b'!' | b'#' | b'$' | b'*' | b'^' | b'|') => 0,
            _ => 4,
        };
        b += 1;
    }
    kinds
};

/// Whether a value looks generated: letters and digits that change places often, of at least `min` bytes, and
/// neither a UUID, a date, an address nor a path.
#[inline(never)]
pub fn looks_generated(value: &[u8], min: usize) -> bool {
    let value = value.strip_prefix(b"v1,").unwrap_or(value); // a Standard Webhooks signature names its version
    let value = value.get(..value.len().min(256)).unwrap_or(value);
    if value.len() < min {
        return false;
    }
    let (mut digits, mut letters, mut capitals, mut changes, mut last) =
        (0usize, 0usize, 0usize, 0usize, 0u8);
    for &b in value {
        let kind = KIND[usize::from(b)];
        if kind > 3 {
            return false;
        }
        digits += usize::from(kind == 1);
        letters += usize::from(kind >= 2);
        capitals += usize::from(kind == 3);
        changes += usize::from(kind != last && kind != 0 && last != 0);
        last = kind;
    }
    // Base64 may be without a digit; its capitals stand closer than those of `camelCase`, or its padding shows.
    let bare = value.len() >= 20 && changes * 5 >= value.len() * 2 && capitals * 3 >= value.len()
        || value.ends_with(b"=") && value.len() >= 16 && value.len().is_multiple_of(4) && capitals > 2;
    (digits >= 1 || bare) && letters >= 2 && changes * 7 >= value.len().min(42) && !is_of_another_kind(value)
}

/// Whether it is the address of an account or a contract of Ethereum's: 20 bytes (EIP-55). A private key has 32.
pub fn is_account(value: &[u8]) -> bool {
    value.len() == 42
        && value.strip_prefix(b"0x").is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

/// Twilio's ids: two capitals that say of what, and 32 hexadecimal digits
/// (<https://www.twilio.com/docs/glossary/what-is-a-sid>).
fn is_twilio_id(value: &[u8]) -> bool {
    let (kind, digits) = value.split_at_checked(2).unwrap_or_default();
    digits.len() == 32
        && kind.iter().all(u8::is_ascii_uppercase)
        && digits.iter().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b))
}

/// A fingerprint, a UUID, the name of an algorithm, a date, an address, a path: what has letters and digits, and was not
/// generated to be kept secret.
#[inline(never)]
fn is_of_another_kind(value: &[u8]) -> bool {
    let algorithm =
        || value.len() < 40 && value.windows(4).any(|w| matches!(w, b"sha1" | b"sha2" | b"sha3" | b"sha5"));
    value.starts_with(b"SHA256:") // as OpenSSH writes it
        || is_account(value)
        || is_twilio_id(value)
        || value.starts_with(b"MD5:")
        || is_uuid(value)
        || algorithm()
        || is_date(value)
        || value.starts_with(b"/") && !value.split(|&b| b == b'/').any(|part| looks_generated(part, 12))
        || value.contains(&b':') && value.windows(3).any(|w| w == b"://")
}

/// How many digits a text starts with.
pub fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|b| b.is_ascii_digit()).count()
}

/// `2025-01-31T…`, `2025/01/31`
pub fn is_date(value: &[u8]) -> bool {
    let digits =
        |range: std::ops::Range<usize>| value.get(range).is_some_and(|d| d.iter().all(u8::is_ascii_digit));
    digits(0..4) && matches!(value.get(4), Some(b'-' | b'/')) && digits(5..7) && value.get(7) == value.get(4)
}

/// Whether it is a UUID.
pub fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => *b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}
