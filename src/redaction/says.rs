//! Whether a value says anything: nothing, a placeholder, a mask, a word or a sentence about the secret is none.

use super::MARK;
use super::charset;
use super::lists::is_one_of;
use super::masks::masked;
use super::words::{Heads, Words};

/// The longest value whose whole is judged: of a longer one no more than a beginning may be seen.
const WHOLE_AT_MOST: usize = 200;

/// Whether a value is no secret whatever it stands under: nothing, a truth value, a placeholder, a mask, a
/// publishable key, or a word about the secret instead of the secret.
#[inline(never)]
pub fn says_nothing(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    // A word in small letters is none of what comes before the words about secrets; a mask may be one of `x` alone.
    if let [b'a'..=b'z', .., b'a'..=b'w' | b'y' | b'z'] = value
        && value.iter().all(u8::is_ascii_lowercase)
    {
        return STATUS.get(value).is_some();
    }
    if value.starts_with(MARK.as_bytes()) || !value.iter().any(|&b| charset::is_alnum(b) || b >= 0x80) {
        return true;
    }
    // `\n\n`: a line's end, as it is escaped
    let escapes = value.first() == Some(&b'\\')
        && value.len() <= 16
        && value.chunks(2).all(|pair| matches!(pair, b"\\n" | b"\\r" | b"\\t"));
    if escapes {
        return true;
    }
    if masked(value) || template(value) || placeholder(value) || publishable(value) || version(value) {
        return true;
    }
    if says_why(value)
        || is_cookie_name(value)
        || remarked(value)
        || says_of_it(value)
        || super::value::is_account(value)
    {
        return true;
    }
    is_status_word(unstopped(value))
}

/// What a template has filled in: `{{ .Data.password }}{{ end }}`; `{{ env ` of `"{{ env "KEY" }}"`, up to its first mark
fn is_template(value: &[u8]) -> bool {
    let plain = |text: &[u8]| text.iter().all(|b| b.is_ascii_alphabetic() || b" ._".contains(b));
    let mut rest = value;
    while let Some(body) = rest.strip_prefix(b"{{") {
        let Some(close) = body.iter().take(WHOLE_AT_MOST).position(|&b| b == b'}') else {
            const CALLED: &str = "env getenv lookup secret key include required with vault";
            return body.is_empty() && rest.len() < value.len() || is_one_of!(body.trim_ascii(), CALLED);
        };
        let (inner, behind) = body.split_at_checked(close).unwrap_or_default();
        match behind.strip_prefix(b"}}") {
            Some(next) if plain(inner) => rest = next,
            _ => return false,
        }
    }
    rest.is_empty()
}

/// A cookie's name: `__Host-sid` (RFC 6265bis, section 4.1.3)
pub fn is_cookie_name(value: &[u8]) -> bool {
    let name = value.strip_prefix(b"__Host-").or_else(|| value.strip_prefix(b"__Secure-"));
    name.is_some_and(|name| {
        name.len() <= 40 && name.iter().all(|b| b.is_ascii_alphabetic() || b"-_.".contains(b))
    })
}

/// A word and a remark: `Password (optional)`
fn remarked(value: &[u8]) -> bool {
    let Some(rest) = value.strip_suffix(b")") else { return false };
    let open = rest.iter().take(WHOLE_AT_MOST).position(|&b| b == b'(').unwrap_or(0);
    let (word, remark) = rest.split_at_checked(open).unwrap_or_default();
    let status = |word: &[u8]| STATUS.any_case(word) == Some(1) || is_one_of!(word, "password token secret");
    word.strip_suffix(b" ").is_some_and(status)
        && is_one_of!(remark.get(1..).unwrap_or_default(), "optional required")
}

/// A word without its sentence's end.
fn unstopped(word: &[u8]) -> &[u8] {
    word.strip_suffix(b".").or_else(|| word.strip_suffix(b"!")).unwrap_or(word)
}

/// A text with nothing but words around the names that are put into it: `session:${id}`
fn template(value: &[u8]) -> bool {
    if !value.contains(&b'$') {
        return false;
    }
    let plain = |text: &[u8]| text.iter().all(|b| b.is_ascii_alphabetic() || b" :/.,_-=|".contains(b));
    let name = |text: &[u8]| text.iter().all(|&b| charset::is_alnum(b) || b"_.?()[]".contains(&b));
    let (mut rest, mut names) = (value, 0);
    while let Some(open) = rest.windows(2).position(|part| part == b"${") {
        let (around, body) = rest.split_at_checked(open).unwrap_or_default();
        let Some(close) = body.iter().position(|&b| b == b'}') else { return false };
        if !plain(around) || !body.get(2..close).is_some_and(name) {
            return false;
        }
        (rest, names) = (body.get(close + 1..).unwrap_or_default(), names + 1);
    }
    names > 0 && plain(rest) && value.len() < WHOLE_AT_MOST
}

/// The start of a sentence about the secret, and no more than letters: `too short`, `is required`
fn says_why(value: &[u8]) -> bool {
    opens_sentence(value)
        && value.len() < WHOLE_AT_MOST
        && value.iter().all(|b| b.is_ascii_alphanumeric() || b" .,'!-".contains(b))
        && !holds_told(value)
}

/// `cookie missing`: what a secret is called, and what became of it
fn says_of_it(value: &[u8]) -> bool {
    if value.len() > WHOLE_AT_MOST || !value.iter().all(|b| b.is_ascii_lowercase() || *b == b' ') {
        return false;
    }
    let mut words = value.split(|&b| b == b' ');
    let (Some(name), Some(status), None) = (words.next(), words.next(), words.next()) else { return false };
    STATUS.get(status) == Some(1) && is_one_of!(name, "cookie token password secret key session csrf header")
}

/// Whether its first word is one of those that begin what is said about a secret.
fn opens_sentence(value: &[u8]) -> bool {
    const OPENERS: &str = "too needs is not must cannot should does was has no minimum at please can't";
    // No further than the longest of them: values stand within values, and each asks this.
    let Some(space) = value.iter().take(10).position(|&b| b == b' ') else { return false };
    let first = value.get(..space).unwrap_or_default();
    is_one_of!(first, OPENERS)
}

/// Whether a word among others has letters and digits, as what is kept secret does: `was hunter2`
fn holds_told(value: &[u8]) -> bool {
    value.split(|&b| b == b' ').any(|word| {
        let end = word.iter().rposition(|&b| charset::is_alnum(b)).map_or(0, |last| last + 1);
        let word = word.get(..end).unwrap_or_default();
        word.iter().any(u8::is_ascii_digit) && super::value::is_told(word)
    })
}

/// A package's version: `^9.0.2`, `~1.2`
fn version(value: &[u8]) -> bool {
    matches!(value, [b'^' | b'~' | b'>', rest @ ..] if rest.iter().all(|b| b.is_ascii_digit() || b".=-".contains(b)))
}

/// A variable's name in place of its value: `config("DB_PASSWORD")`.
fn variable_name(value: &[u8]) -> bool {
    value.first().is_some_and(u8::is_ascii_uppercase)
        && value.iter().all(|b| b.is_ascii_uppercase() || *b == b'_')
        && value.contains(&b'_')
}

fn placeholder(value: &[u8]) -> bool {
    let inside =
        |open: &[u8], close: &[u8]| value.len() <= 80 && value.starts_with(open) && value.ends_with(close);
    let variable = |v: &[u8]| {
        let letters = v.iter().all(|b| b.is_ascii_alphabetic() || *b == b'_' || *b == b'.');
        !v.is_empty() && (letters || v.iter().all(u8::is_ascii_digit))
    };
    let named =
        |v: &[u8]| !v.is_empty() && v.iter().all(|b| b.is_ascii_uppercase() || *b == b'_' || *b == b'.');
    let marked = match value.first() {
        Some(b'<') => inside(b"<", b">") && !(value.starts_with(b"<Buffer ") && value.len() > 9), // its bytes
        Some(b'$') => {
            inside(b"${", b"}")
                || value.starts_with(b"$ENV{") // Perl's; its bracket was taken for the value's end
                || value.starts_with(b"${") && value.ends_with(b"(") // `"${file("key.txt")}"`, up to its first mark
                || inside(b"$(", b")")
                || value.strip_prefix(b"$(").is_some_and(named) // its bracket was taken for the value's end
                || value.strip_prefix(b"$").is_some_and(variable)
                || value.strip_prefix(b"$env:").is_some_and(named)
        }
        Some(b'{') => {
            let path = |v: &[u8]| {
                v.first().is_some_and(u8::is_ascii_alphabetic)
                    && v.iter().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(b))
                    && !super::value::looks_generated(v, 8)
            };
            inside(b"{{", b"}}")
                || is_template(value)
                || super::statement::is_owed(value)
                || inside(b"{", b"}") && value.get(1..value.len() - 1).is_some_and(path) // `{color.blue.500}`
        }
        Some(b'#') => inside(b"#{", b"}") || inside(b"#{", b"}#"), // Azure DevOps'
        Some(b'%') => {
            inside(b"%5B", b"%5D")
                || inside(b"%3C", b"%3E")
                || inside(b"%{", b"}")
                || inside(b"%(", b")s")
                || inside(b"%env(", b")%")
                || value.strip_prefix(b"%").and_then(|v| v.strip_suffix(b"%")).is_some_and(named)
                || matches!(value, b"%s" | b"%v" | b"%d" | b"%q" | [b'%', b'0'..=b'9'])
        }
        Some(b'(') => inside(b"(", b")"),
        Some(b'[') => {
            const MASKS: &str = "redacted hidden filtered masked removed";
            is_one_of!(value.get(1..).unwrap_or_default(), MASKS) // its closing bracket was taken for the value's end
                || inside(b"[", b"]") && value.iter().all(|b| b.is_ascii_alphabetic() || b"[] :_-*".contains(b))
        }
        Some(b'?') => value.len() == 1,
        // `process.env.API_KEY`, as a text tells of a program
        Some(b'p' | b'i') => {
            let rest = value.strip_prefix(b"process.env.").or(value.strip_prefix(b"import.meta.env."));
            rest.is_some_and(named)
        }
        Some(b'y' | b'Y') => {
            let head = value.get(..5).unwrap_or_default();
            (head.eq_ignore_ascii_case(b"your-") || head.eq_ignore_ascii_case(b"your_"))
                && value.iter().all(|b| b.is_ascii_alphabetic() || matches!(b, b'-' | b'_'))
        }
        _ => false,
    };
    marked || reference(value) || variable_name(value)
}

/// Where the secret is kept, not the secret: `op://vault/item`, `ENC[handle]`, `@Microsoft.KeyVault(…)`.
fn reference(value: &[u8]) -> bool {
    const KEEPERS: [&str; 18] = [
        "ENC[",
        "@Microsoft.KeyVault(",
        "op://",
        "vault://",
        "ssm://",
        "sm://",
        "awssm://",
        "gcpsm://",
        "keyvault://",
        "secretsmanager://",
        "secretref:",
        "secretref://",
        "ref+vault:",
        "ref+aws",
        "vault:secret/",
        "arn:aws:",
        "projects/",
        "{{resolve:",
    ];
    static HEADS: Heads = Heads::of(&KEEPERS);
    HEADS.may_begin(value)
        && KEEPERS
            .iter()
            .map(|keeper| keeper.as_bytes())
            .any(|keeper| value.first() == keeper.first() && value.starts_with(keeper))
}

/// Keys that are made to be public.
fn publishable(value: &[u8]) -> bool {
    const PUBLIC: [&str; 9] = [
        "pk_live_",
        "pk_test_",
        "sb_publishable_",
        "phc_",
        "pk.eyJ",
        "ssh-rsa ",
        "ssh-ed25519 ",
        "-----BEGIN PUBLIC",
        "-----BEGIN CERT",
    ];
    static HEADS: Heads = Heads::of(&PUBLIC);
    HEADS.may_begin(value) && PUBLIC.iter().any(|prefix| value.starts_with(prefix.as_bytes()))
}

/// Words about a secret (`password: required`, `token: expired`, `password: string`): that there is none, what is wrong with
/// it or became of it, of which type it is or where it is kept (1), and words that may begin a sentence about it, or be it (2).
#[rustfmt::skip]
static STATUS: Words<512> = Words::new(&[
    (1, "null nil none undefined true false nan yes no on off ok required invalid missing expired valid string \
        str text varchar number int integer bool boolean any unknown object optional hidden masked redacted \
        filtered removed empty unset set changed updated reset present absent not found unexpected expected \
        incorrect wrong same-origin omit n/a na tbd failed failure success error verified enabled disabled \
        pending attempt attempts retry unexpected. request function await async return array secretstr bearer basic revoked \
        rotated active inactive refreshed passed accepted rejected unchanged created deleted generated provided \
        configured done void never lax strict ref weak match mismatch sent received used unused cleared typeof keyof \
        http keyword identifier punctuation literal eof get post put patch delete head options ignored skipped \
        loaded fetched denied unauthorized forbidden exists unavailable available defined notset secretstring \
        char uuid date float json file vault env oauth2 jwt saml hs256 rs256 es256 none. inherit bytea \
        optional.empty bytes bytearray flag flags option argument prompt stdin keychain keyring agent"),
    (2, "must is was are should cannot can the a an of for and or to in include via using instead too does do did \
        has have this that your please enter new input self this. it we you could will only when if at with from \
        as be been key token password secret strong medium some default auto public all ready auth always hash \
        otp code secrets session sessions cookie cookies email user oauth id there their its than because \
        value promise see check contact read write admin-only ask seconds minutes hours days"),
]);

/// Whether a word that elsewhere begins a sentence is a plain one: under a name that has a value it is the value.
pub fn is_plain_word(value: &[u8]) -> bool {
    STATUS.any_case(unstopped(value.trim_ascii())) == Some(2)
}

/// Whether it is one of the words about a secret.
pub fn is_known_word(word: &[u8]) -> bool {
    STATUS.any_case(word).is_some()
}

fn is_status_word(word: &[u8]) -> bool {
    // `not set`, `not found`
    STATUS.any_case(word.strip_prefix(b"not ").unwrap_or(word)).is_some()
}

/// Whether an unquoted value after `name: ` is the start of a sentence about it.
#[inline(never)]
pub fn is_prose(text: &[u8], from: usize, to: usize) -> bool {
    let Some(word) = text.get(from..to) else { return false };
    // YAML's tags: `!secret name`, `!vault |`
    if word.strip_prefix(b"!").is_some_and(|tag| {
        let letters = |test: fn(&u8) -> bool| tag.iter().all(|b| test(b) || b"-_!".contains(b));
        letters(u8::is_ascii_lowercase) || text.get(to) == Some(&b' ') && letters(u8::is_ascii_alphabetic)
    }) {
        return true;
    }
    let plain = word.len() <= 16 && word.iter().all(|b| b.is_ascii_alphabetic() || matches!(b, b'\'' | b'-'));
    if !plain || word.iter().skip(1).any(u8::is_ascii_uppercase) {
        return false;
    }
    if word.len() > 4 && (word.ends_with(b"ed") || word.ends_with(b"ing")) {
        return true;
    }
    let Some(b" ") = text.get(to..to + 1) else { return false };
    let next = to + 1 + usize::from(matches!(text.get(to + 1), Some(b'.' | b'(' | b'`')));
    let end = charset::WORD.run_within(text, next, 32);
    end > next && !matches!(text.get(end), Some(b'=' | b':' | b'@'))
}

/// What a sentence about a secret says.
#[rustfmt::skip]
static TELLING: Words<64> = Words::new(&[
    (1, "must is are should cannot contain required required. invalid does not least characters characters. \
        be do too match match. incorrect incorrect. Invalid was has been needs contains least expired expired. can't received"),
]);

/// Whether a quoted value is a sentence about a secret (`"password":"must be at least 8 characters"`).
#[inline(never)]
pub fn is_sentence(value: &[u8]) -> bool {
    if value.len() > 240 || !value.contains(&b' ') || opens_sentence(value) && holds_told(value) {
        return false;
    }
    let (mut words, mut telling) = (0, 0);
    for word in value.split(|&b| b == b' ') {
        words += 1;
        let word = word.trim_ascii();
        if words == 1 && word.len() > 5 && super::value::is_told(word) {
            return false; // `autumn23 is here`
        }
        telling += usize::from(TELLING.get(word).is_some());
    }
    words >= 3 && telling >= 1
}
