//! Where a value ends, and whether it says anything.

use super::MARK;
use super::charset::{self, CREDENTIAL};

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
pub fn run_of(text: &[u8], at: usize, byte: u8) -> usize {
    text.get(at..).unwrap_or_default().iter().take_while(|&&b| b == byte).count()
}

/// Where the content that starts at `from` ends, and where reading goes on. An unclosed string ends with its line.
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
pub fn bare_end(text: &[u8], from: usize, encoded: bool) -> usize {
    if text.get(from..).is_some_and(|rest| rest.starts_with(MARK.as_bytes())) {
        return from + MARK.len();
    }
    let mut i = from;
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
            end > at && matches!(text.get(end), Some(b'=' | b':' | b';'))
        }
    }
}

/// Skips a colour code at `at`, raw (`ESC [ 3 2 m`) or spelled (`\u001b[32m`, `\x1b[32m`).
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

/// A word about a secret: `password: required`, `token: expired`, `password: string`.
#[rustfmt::skip]
fn is_status_word(word: &[u8]) -> bool {
    let mut lower = [0u8; 16];
    let Some(lower) = lower.get_mut(..word.len()) else { return false };
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    matches!(&*lower,
        b"null" | b"nil" | b"none" | b"undefined" | b"true" | b"false" | b"nan" | b"yes" | b"no" | b"on" | b"off" | b"ok"
        | b"required" | b"invalid" | b"missing" | b"expired" | b"valid" | b"string" | b"str" | b"text" | b"varchar"
        | b"number" | b"int" | b"integer" | b"bool" | b"boolean" | b"any" | b"unknown" | b"object" | b"optional" | b"hidden"
        | b"masked" | b"redacted" | b"filtered" | b"removed" | b"empty" | b"unset" | b"set" | b"changed" | b"updated"
        | b"reset" | b"present" | b"absent" | b"not" | b"must" | b"is" | b"was" | b"are" | b"should" | b"cannot" | b"can"
        | b"the" | b"a" | b"an" | b"of" | b"for" | b"and" | b"or" | b"to" | b"in" | b"found" | b"unexpected" | b"expected"
        | b"incorrect" | b"wrong" | b"include" | b"same-origin" | b"omit" | b"n/a" | b"na" | b"tbd" | b"failed" | b"failure"
        | b"success" | b"error" | b"verified" | b"enabled" | b"disabled" | b"pending" | b"attempt" | b"attempts" | b"retry"
        | b"too" | b"does" | b"do" | b"did" | b"has" | b"have" | b"this" | b"that" | b"your" | b"please" | b"enter" | b"new"
        | b"input" | b"request" | b"function" | b"await" | b"async" | b"return" | b"array" | b"secretstr" | b"self" | b"this."
        | b"bearer" | b"basic" | b"revoked" | b"rotated" | b"active" | b"inactive" | b"refreshed" | b"passed" | b"accepted"
        | b"rejected" | b"unchanged" | b"created" | b"deleted" | b"generated" | b"provided" | b"configured" | b"it" | b"we"
        | b"you" | b"could" | b"will" | b"only" | b"when" | b"if" | b"at" | b"with" | b"from" | b"as" | b"be" | b"been"
        | b"key" | b"token" | b"password" | b"secret" | b"void" | b"never" | b"lax" | b"strict" | b"ref" | b"weak" | b"strong"
        | b"medium" | b"some" | b"default" | b"auto" | b"public" | b"all" | b"match" | b"mismatch" | b"ready" | b"sent"
        | b"received" | b"used" | b"unused" | b"cleared" | b"ignored" | b"skipped" | b"loaded" | b"fetched" | b"denied"
        | b"unauthorized" | b"forbidden" | b"exists" | b"unavailable" | b"available" | b"defined" | b"notset" | b"not set" | b"not found"
        | b"not provided" | b"not configured" | b"secretstring" | b"char" | b"uuid" | b"date" | b"float" | b"json" | b"file" | b"vault"
        | b"env" | b"session" | b"sessions" | b"cookie" | b"cookies" | b"email" | b"user" | b"oauth" | b"oauth2" | b"jwt" | b"saml"
        | b"hs256" | b"rs256" | b"es256" | b"none." | b"id" | b"there" | b"their" | b"its" | b"than" | b"because" | b"unexpected.")
}

/// Whether an unquoted value after `name: ` is the start of a sentence about it.
pub fn is_prose(text: &[u8], from: usize, to: usize) -> bool {
    let Some(word) = text.get(from..to) else { return false };
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

/// Whether a quoted value is a sentence about a secret (`"password":"must be at least 8 characters"`).
pub fn is_sentence(value: &[u8]) -> bool {
    if value.len() > 240 {
        return false;
    }
    let (mut words, mut telling) = (0, 0);
    for word in value.split(|&b| b == b' ') {
        words += 1;
        let word = word.trim_ascii();
        telling += usize::from(matches!(
            word,
            b"must"
                | b"is"
                | b"are"
                | b"should"
                | b"cannot"
                | b"contain"
                | b"required"
                | b"required."
                | b"invalid"
                | b"does"
                | b"not"
                | b"least"
                | b"characters"
                | b"characters."
                | b"be"
                | b"do"
                | b"too"
                | b"match"
                | b"match."
                | b"incorrect"
                | b"incorrect."
                | b"Invalid"
                | b"was"
                | b"has"
                | b"been"
                | b"expired"
                | b"expired."
                | b"can't"
        ));
    }
    words >= 3 && telling >= 1
}

/// Whether an unquoted value is code that fetches the secret (`process.env.TOKEN`, `req.body.password`).
pub fn is_code(value: &[u8]) -> bool {
    const ROOTS: [&[u8]; 30] = [
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
pub fn looks_generated(value: &[u8], min: usize) -> bool {
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
    let (mut digits, mut letters, mut changes, mut last) = (0usize, 0usize, 0usize, 0u8);
    for &b in value {
        let kind = match b {
            b'0'..=b'9' => 1,
            b'a'..=b'z' => 2,
            b'A'..=b'Z' => 3,
            _ => 0,
        };
        digits += usize::from(kind == 1);
        letters += usize::from(kind >= 2);
        changes += usize::from(kind != last && kind != 0 && last != 0);
        last = kind;
    }
    digits >= 1 && letters >= 2 && changes * 7 >= value.len().min(42)
}

fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => *b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}
