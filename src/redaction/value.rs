//! Where a value ends, and whether it says anything.

use super::MARK;
use super::charset::{self, CREDENTIAL};
use super::words::Words;

/// How a string was opened, and so what closes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quote {
    /// A quotation mark behind so many backslashes: `"`, `\"`, `\\\"` … (a string in a string in a string).
    Mark(u8, usize),
    /// A mark spelled out: `%22`, `&quot;`, `\u0022`.
    Spelled(&'static [u8]),
}

const SPELLED: [&[u8]; 9] =
    [b"%22", b"%27", b"&quot;", b"&#34;", b"&#39;", b"&apos;", b"&#x27;", b"\\u0022", b"\\u0027"];

/// The string that opens at `at`, and where its content starts.
#[inline(never)]
pub fn opening(text: &[u8], at: usize) -> Option<(Quote, usize)> {
    match text.get(at)? {
        b'%' | b'&' => spelled(text, at),
        b'\\' => {
            let slashes = run_of(text, at, b'\\');
            match text.get(at + slashes) {
                Some(&mark @ (b'"' | b'\'' | b'`')) => Some((Quote::Mark(mark, slashes), at + slashes + 1)),
                Some(b'u') => spelled(text, at + slashes - 1),
                _ => None,
            }
        }
        &mark @ (b'"' | b'\'' | b'`') => Some((Quote::Mark(mark, 0), at + 1)),
        _ => None,
    }
}

fn spelled(text: &[u8], at: usize) -> Option<(Quote, usize)> {
    let rest = text.get(at..)?;
    let mark = SPELLED.iter().find(|mark| rest.starts_with(mark))?;
    Some((Quote::Spelled(mark), at + mark.len()))
}

/// How many times `byte` stands at `at`.
#[inline(never)]
pub fn run_of(text: &[u8], at: usize, byte: u8) -> usize {
    text.get(at..).unwrap_or_default().iter().take_while(|&&b| b == byte).count()
}

/// Where the content that starts at `from` ends, and where reading goes on. An unclosed string ends with its line.
#[inline(never)]
pub fn closing(text: &[u8], from: usize, quote: Quote) -> (usize, usize) {
    let mut i = from;
    while let Some(&b) = text.get(i) {
        if b == b'\n' || b == b'\r' {
            return (i, i);
        }
        match quote {
            Quote::Spelled(mark) => {
                let closes = b == mark.first().copied().unwrap_or(0)
                    && text.get(i..).is_some_and(|rest| rest.starts_with(mark));
                if closes {
                    return (i, i + mark.len());
                }
                if matches!(b, b'"' | b' ') && mark.first() == Some(&b'%') {
                    return (i, i);
                }
                i += 1;
            }
            Quote::Mark(mark, own) => {
                let slashes = if b == b'\\' { run_of(text, i, b'\\') } else { 0 };
                if text.get(i + slashes) != Some(&mark) {
                    i += slashes.max(1);
                } else if slashes % (2 * (own + 1)) == own {
                    return (i + slashes - own, i + slashes + 1);
                } else if slashes < own {
                    // The string around this one ends: this one was cut off.
                    return (i, i);
                } else {
                    i += slashes + 1;
                }
            }
        }
    }
    (i, i)
}

/// Where an unquoted value ends. `encoded` is set inside a percent-encoded query.
#[inline(never)]
pub fn bare_end(text: &[u8], from: usize, encoded: bool) -> usize {
    if text.get(from..).is_some_and(|rest| rest.starts_with(MARK.as_bytes())) {
        return from + MARK.len();
    }
    let mut i = from;
    // `${TOKEN}` is one value, bracket and all.
    if text.get(from..from + 2) == Some(b"${")
        && let Some(close) = text.iter().skip(from).take(80).position(|&b| b == b'}')
    {
        i = from + close + 1;
    }
    let after = |i: usize| text.get(i + 1).copied().unwrap_or(b'\n');
    while let Some(&b) = text.get(i) {
        if b == b'[' && text.get(i..).is_some_and(|rest| rest.starts_with(MARK.as_bytes())) {
            i += MARK.len();
            continue;
        }
        let ends = match b {
            0..=b' ' | 0x7f | b';' | b'<' => true,
            b'"' | b'\'' | b'`' => !charset::is_alnum(after(i)) || i == from,
            b'\\' => {
                matches!(after(i), b'n' | b'r' | b't' | b'u' | b'x' | b'"' | b'\'' | b'\\' | b'0' | b'e')
            }
            b',' | b'&' | b'|' => starts_next(text, i + 1, b),
            b')' | b'}' | b']' | b'>' => !charset::is_alnum(after(i)) && after(i) != b'_',
            b'%' => {
                encoded
                    && matches!(text.get(i + 1..i + 3), Some(b"26" | b"22" | b"7D" | b"7d" | b"2C" | b"2c"))
            }
            _ => false,
        };
        if ends {
            break;
        }
        i += 1;
    }
    // The full stop or colon of the sentence around it.
    let stops = text.get(from..i).unwrap_or_default().iter().rev().take(3);
    i - stops.take_while(|b| matches!(b, b'.' | b':' | b',')).count()
}

/// Whether what follows a `,`, `&` or `|` is the next entry of a list and not the rest of the value.
fn starts_next(text: &[u8], at: usize, mark: u8) -> bool {
    match text.get(at) {
        None | Some(b' ' | b'\n' | b'\r' | b'\t' | b'"' | b'\'' | b'\\' | b'{' | b'[' | b'&' | b':') => true,
        Some(_) if mark == b'|' => false,
        Some(_) => {
            let end = charset::WORD.run_within(text, at, 48);
            // `v1,3q2+7w==`: base64's own end is no next entry.
            let padding = mark == b',' && end - at >= 20 && {
                let end = charset::BASE64.run_within(text, at, 512);
                text.get(end.saturating_sub(1)) == Some(&b'=')
                    && !text.get(end).is_some_and(|&b| charset::is_alnum(b))
            };
            end > at && matches!(text.get(end), Some(b'=' | b':' | b';')) && !padding
        }
    }
}

/// Skips a colour code at `at`, raw (`ESC [ 3 2 m`) or spelled (`\u001b[32m`, `\x1b[32m`).
#[inline(never)]
pub fn skip_colour(text: &[u8], at: usize) -> Option<usize> {
    let open = match text.get(at)? {
        0x1b => at + 1,
        b'\\' => {
            let name = at + run_of(text, at, b'\\');
            let rest = text.get(name..)?;
            let spelled = [&b"u001b"[..], b"u001B", b"x1b", b"x1B", b"033", b"e"];
            name + spelled.iter().find(|s| rest.starts_with(s))?.len()
        }
        _ => return None,
    };
    if text.get(open) != Some(&b'[') {
        return None;
    }
    let last =
        text.get(open + 1..)?.iter().take(24).take_while(|b| matches!(b, b'0'..=b'9' | b';' | b':')).count();
    text.get(open + 1 + last).filter(|b| b.is_ascii_alphabetic())?;
    Some(open + last + 2)
}

/// Whether a value is no secret whatever it stands under: nothing, a truth value, a placeholder, a mask, a
/// publishable key, or a word about the secret instead of the secret.
#[inline(never)]
pub fn says_nothing(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    if value.starts_with(MARK.as_bytes()) || !value.iter().any(|&b| charset::is_alnum(b) || b >= 0x80) {
        return true;
    }
    if masked(value) || placeholder(value) || publishable(value) {
        return true;
    }
    let word = value.trim_ascii_end();
    let word = word.strip_suffix(b".").or_else(|| word.strip_suffix(b"!")).unwrap_or(word);
    is_status_word(word)
}

fn masked(value: &[u8]) -> bool {
    let head = value.get(..value.len().min(96)).unwrap_or(value);
    head.windows(3).any(|w| w == b"***" || w == b"..." || w == "•".as_bytes() || w == "…".as_bytes())
        || value.iter().all(|b| matches!(b, b'x' | b'X' | b'*' | b'-' | b'#'))
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
    inside(b"<", b">")
        || inside(b"${", b"}")
        || inside(b"$(", b")")
        || inside(b"{{", b"}}")
        || inside(b"#{", b"}")
        || inside(b"%{", b"}")
        || inside(b"(", b")")
        || (inside(b"[", b"]") && value.iter().all(|b| b.is_ascii_alphabetic() || b"[] :_-*".contains(b)))
        || value.strip_prefix(b"$").is_some_and(variable)
        || value.strip_prefix(b"$env:").is_some_and(named)
        || value.strip_prefix(b"%").and_then(|v| v.strip_suffix(b"%")).is_some_and(named)
        || matches!(value, b"%s" | b"%v" | b"%d" | b"%q" | b"{}" | b"?")
}

/// Keys that are made to be public.
fn publishable(value: &[u8]) -> bool {
    const PUBLIC: [&[u8]; 8] = [
        b"pk_live_",
        b"pk_test_",
        b"sb_publishable_",
        b"phc_",
        b"pk.eyJ",
        b"ssh-rsa ",
        b"ssh-ed25519 ",
        b"-----BEGIN PUBLIC",
    ];
    PUBLIC.iter().any(|prefix| value.starts_with(prefix)) || value.starts_with(b"-----BEGIN CERT")
}

/// Words about a secret: `password: required`, `token: expired`, `password: string`.
#[rustfmt::skip]
static STATUS: Words<512> = Words::new(&[
    (1, "null nil none undefined true false nan yes no on off ok required invalid missing expired valid \
        string str text varchar number int integer bool boolean any unknown object optional hidden masked \
        redacted filtered removed empty unset set changed updated reset present absent not must is was are \
        should cannot can the a an of for and or to in found unexpected expected incorrect wrong include \
        same-origin omit n/a na tbd failed failure success error verified enabled disabled pending attempt \
        attempts retry too does do did has have this that your please enter new input request function await \
        async return array secretstr self this. bearer basic revoked rotated active inactive refreshed \
        passed accepted rejected unchanged created deleted generated provided configured it we you could \
        will only when if at with from as be been key token password secret void never lax strict ref weak \
        strong medium some default auto public all match mismatch ready sent received used unused cleared \
        ignored skipped loaded fetched denied unauthorized forbidden exists unavailable available defined \
        notset secretstring char uuid date float json file vault env session sessions cookie cookies email \
        user oauth oauth2 jwt saml hs256 rs256 es256 none. id there their its than because unexpected."),
]);

fn is_status_word(word: &[u8]) -> bool {
    let mut lower = [0u8; 16];
    let Some(lower) = lower.get_mut(..word.len()) else { return false };
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    // `not set`, `not found`
    STATUS.get(lower.strip_prefix(b"not ").unwrap_or(lower)).is_some()
}

/// Whether an unquoted value after `name: ` is the start of a sentence about it.
#[inline(never)]
pub fn is_prose(text: &[u8], from: usize, to: usize) -> bool {
    let Some(word) = text.get(from..to) else { return false };
    // YAML's tags: `!secret name`, `!vault |`
    if word.strip_prefix(b"!").is_some_and(|tag| tag.iter().all(u8::is_ascii_lowercase)) {
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
    let end = charset::WORD.run_within(text, to + 1, 32);
    end > to + 1 && !matches!(text.get(end), Some(b'=' | b':' | b'@'))
}

/// What a sentence about a secret says.
#[rustfmt::skip]
static TELLING: Words<64> = Words::new(&[
    (1, "must is are should cannot contain required required. invalid does not least characters characters. \
        be do too match match. incorrect incorrect. Invalid was has been expired expired. can't"),
]);

/// Whether a quoted value is a sentence about a secret (`"password":"must be at least 8 characters"`).
#[inline(never)]
pub fn is_sentence(value: &[u8]) -> bool {
    if value.len() > 240 {
        return false;
    }
    let (mut words, mut telling) = (0, 0);
    for word in value.split(|&b| b == b' ') {
        words += 1;
        let word = word.trim_ascii();
        telling += usize::from(TELLING.get(word).is_some());
    }
    words >= 3 && telling >= 1
}

/// Whether an unquoted value is code that fetches the secret (`process.env.TOKEN`, `req.body.password`).
#[inline(never)]
pub fn is_code(value: &[u8]) -> bool {
    const ROOTS: [&[u8]; 33] = [
        b"var.",
        b"local.",
        b"secrets.",
        b"process.",
        b"req.",
        b"request.",
        b"config.",
        b"this.",
        b"self.",
        b"env.",
        b"os.",
        b"import.",
        b"ctx.",
        b"options.",
        b"props.",
        b"user.",
        b"body.",
        b"params.",
        b"data.",
        b"args.",
        b"settings.",
        b"response.",
        b"result.",
        b"Deno.",
        b"DataTypes.",
        b"Sequelize.",
        b"Schema.",
        b"mongoose.",
        b"Joi.",
        b"yup.",
        b"t.",
        b"Type.",
        b"z.",
    ];
    ROOTS.iter().any(|root| value.starts_with(root))
        || value.iter().position(|&b| b == b'(').is_some_and(|open| {
            open > 0
                && value
                    .get(..open)
                    .is_some_and(|name| name.iter().all(|b| b.is_ascii_alphabetic() || b"._".contains(b)))
        })
}

/// Whether a value looks generated: letters and digits that change places often, of at least `min` bytes, and
/// neither a UUID, a date, an address nor a path.
#[inline(never)]
pub fn looks_generated(value: &[u8], min: usize) -> bool {
    let value = value.strip_prefix(b"v1,").unwrap_or(value); // a Standard Webhooks signature names its version
    let value = value.get(..value.len().min(256)).unwrap_or(value);
    if value.len() < min
        || !value.iter().all(|&b| CREDENTIAL.has(b) || matches!(b, b'!' | b'#' | b'$' | b'*' | b'^' | b'|'))
    {
        return false;
    }
    if is_uuid(value)
        || value.contains(&b'/') && (value.starts_with(b"/") || value.windows(3).any(|w| w == b"://"))
    {
        return false;
    }
    let (mut digits, mut letters, mut capitals, mut changes, mut last) =
        (0usize, 0usize, 0usize, 0usize, 0u8);
    for &b in value {
        let kind = match b {
            b'0'..=b'9' => 1,
            b'a'..=b'z' => 2,
            b'A'..=b'Z' => 3,
            _ => 0,
        };
        digits += usize::from(kind == 1);
        letters += usize::from(kind >= 2);
        capitals += usize::from(kind == 3);
        changes += usize::from(kind != last && kind != 0 && last != 0);
        last = kind;
    }
    // Base64 may be without a digit; its capitals stand closer than those of `camelCase`.
    let bare = value.len() >= 20 && changes * 5 >= value.len() * 2 && capitals * 3 >= value.len();
    (digits >= 1 || bare) && letters >= 2 && changes * 7 >= value.len().min(42)
}

fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => *b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}
