//! Where a value ends. What it says, and what it looks like: [`super::says`], [`super::looks`].

use super::MARK;
use super::charset;

pub use super::code::*;
pub use super::looks::*;
pub use super::says::*;

/// How a string was opened, and so what closes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quote {
    /// A quotation mark behind so many backslashes: `"`, `\"`, `\\\"` … (a string in a string in a string).
    Mark(u8, usize),
    /// A mark spelled out: `%22`, `&quot;`, `\u0022`, `\x22`.
    Spelled(&'static [u8]),
}

const SPELLED: [&[u8]; 11] = [
    b"%22", b"%27", b"&quot;", b"&#34;", b"&#39;", b"&apos;", b"&#x27;", b"\\u0022", b"\\u0027", b"\\x22",
    b"\\x27", // as nginx escapes what it logs
];

/// How far a typographic mark's pair is looked for: it is not the same mark, so what opens need not close what is open.
const TYPOGRAPHIC_AT_MOST: usize = 128;

/// Typographic marks, in pairs.
const TYPOGRAPHIC: [(&str, &str); 4] = [("“", "”"), ("„", "“"), ("«", "»"), ("‘", "’")];

/// The string that opens at `at`, and where its content starts.
#[inline(never)]
pub fn opening(text: &[u8], at: usize) -> Option<(Quote, usize)> {
    match text.get(at)? {
        b'%' | b'&' => spelled(text, at),
        0xe2 | 0xc2 => TYPOGRAPHIC.iter().find_map(|(open, close)| {
            let fits = text.get(at..)?.starts_with(open.as_bytes());
            fits.then_some((Quote::Spelled(close.as_bytes()), at + open.len()))
        }),
        b'\\' => {
            let slashes = run_of(text, at, b'\\');
            match text.get(at + slashes) {
                Some(&mark @ (b'"' | b'\'' | b'`')) => Some((Quote::Mark(mark, slashes), at + slashes + 1)),
                Some(b'u' | b'x') => spelled(text, at + slashes - 1),
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

/// Where the slash stands that begins at `at`, behind the backslashes that escape it (`\\/`); `at` when there is none.
pub fn slash(text: &[u8], at: usize) -> usize {
    let behind = at + run_of(text, at, b'\\');
    if text.get(behind) == Some(&b'/') { behind } else { at }
}

/// Where the content that starts at `from` ends, and where reading goes on. An unclosed string ends with its line.
#[inline(never)]
pub fn closing(text: &[u8], from: usize, quote: Quote) -> (usize, usize) {
    let (mark, own) = match quote {
        Quote::Spelled(mark) => return closing_spelled(text, from, mark),
        Quote::Mark(mark, own) => (mark, own),
    };
    let mut i = from;
    while let Some(&b) = text.get(i) {
        if b == b'\n' || b == b'\r' {
            return (i, i);
        }
        if b != mark && b != b'\\' {
            i += 1;
            continue;
        }
        let slashes = if b == b'\\' { run_of(text, i, b'\\') } else { 0 };
        if text.get(i + slashes) != Some(&mark) {
            i += slashes.max(1);
        } else if own == 0 && i > from && doubled(text, i, mark) {
            i += 2;
        } else if slashes % (2 * (own + 1)) == own {
            return (i + slashes - own, i + slashes + 1);
        } else if slashes < own {
            // The string around this one ends: this one was cut off.
            return (i, i);
        } else {
            i += slashes + 1;
        }
    }
    (i, i)
}

/// [`closing`] of a quotation mark of several bytes.
fn closing_spelled(text: &[u8], from: usize, mark: &[u8]) -> (usize, usize) {
    let (Some(rest), Some(&first)) = (text.get(from..), mark.first()) else { return (from, from) };
    let typographic = first >= 0x80;
    let most = if typographic { TYPOGRAPHIC_AT_MOST + 1 + mark.len() } else { usize::MAX };
    let window = rest.get(..most).unwrap_or(rest);
    let encoded = first == b'%';
    // A mark's last byte is looked for: in it alone those that open and close differ.
    let (back, last) = (mark.len() - 1, mark.last().copied().unwrap_or(first));
    let tells = |&b: &u8| b == last || b == b'\n' || b == b'\r' || encoded && (b == b'"' || b == b' ');
    let mut at = 0;
    while let Some(next) = window.get(at..).and_then(|rest| rest.iter().position(tells)) {
        at += next;
        if window.get(at) != Some(&last) {
            return (from + at, from + at);
        }
        // nginx's `\x5C\x22`: a mark within the string
        let within =
            || mark == b"\\x22" && window.get(..at - back).is_some_and(|own| own.ends_with(b"\\x5C"));
        if at >= back && window.get(at - back..=at) == Some(mark) && !within() {
            return (from + at - back, from + at + 1);
        }
        at += 1;
    }
    // One that is cut off by the text's end holds no other that is: with each that goes the next would be the last.
    let opens = |mark: &str| window.windows(mark.len()).any(|part| part == mark.as_bytes());
    let unclosed = typographic && (rest.len() >= most || TYPOGRAPHIC.iter().any(|(open, _)| opens(open)));
    if unclosed { (from, from) } else { (text.len(), text.len()) }
}

/// A mark within a string that is written twice: YAML's and SQL's `'it''s'`, CSV's `"say ""hi"""`.
fn doubled(text: &[u8], at: usize, mark: u8) -> bool {
    let separator = |b: &u8| matches!(b, 0..=b' ' | b',' | b';' | b':' | b')' | b']' | b'}' | b'>' | b'\\');
    text.get(at) == Some(&mark)
        && text.get(at + 1) == Some(&mark)
        && text.get(at + 2).is_some_and(|b| !separator(b))
        && !opens_name(text, at + 2, mark)
}

/// `…""secret":…`: whether the second of two marks opens the next name, whose comma is missing.
fn opens_name(text: &[u8], at: usize, mark: u8) -> bool {
    let end = charset::WORD.run_within(text, at, 64);
    let colon = end + 1 + run_of(text, end + 1, b' ').min(2);
    mark == b'"' && end > at && text.get(end) == Some(&mark) && text.get(colon) == Some(&b':')
}

/// Where an unquoted value ends. `encoded` is set inside a percent-encoded query.
#[inline(never)]
pub fn bare_end(text: &[u8], from: usize, encoded: bool) -> usize {
    if text.get(from..).is_some_and(|rest| rest.starts_with(MARK.as_bytes())) {
        return from + MARK.len();
    }
    let mut i = from;
    // `${TOKEN}` and `{{token}}` are one value, brackets and all.
    let brackets = match text.get(from..from + 2) {
        Some(b"${") => 1,
        Some(b"{{") => 2,
        _ => 0,
    };
    if brackets > 0
        && let Some(close) = text.iter().skip(from).take(80).position(|&b| b == b'}')
    {
        let closes = run_of(text, from + close, b'}').min(brackets);
        i = from + close + closes;
    }
    let after = |i: usize| text.get(i + 1).copied().unwrap_or(b'\n');
    while let Some(&b) = text.get(i) {
        if charset::is_alnum(b) {
            i += 1; // it ends none
            continue;
        }
        if b == b'[' && text.get(i..).is_some_and(|rest| rest.starts_with(MARK.as_bytes())) {
            i += MARK.len();
            continue;
        }
        let ends = match b {
            b';' if text.get(from..i).is_some_and(|value| value.ends_with(b"&amp")) => false,
            0..=b' ' | 0x7f | b';' => true,
            b'<' => starts_tag(text, i + 1),
            b',' if text.get(from..from + 7) == Some(b"$argon2") => !charset::is_alnum(after(i)),
            b'"' | b'\'' | b'`' => !charset::is_alnum(after(i)) || i == from,
            b'[' => after(i) == b'\\', // Apache's wire log: `…[\r][\n]`
            b'\\' => {
                matches!(after(i), b'n' | b'r' | b't' | b'u' | b'x' | b'"' | b'\'' | b'\\' | b'0' | b'e')
            }
            b'|' if is_piped(text, from, i + 1) => true,
            b',' | b'&' | b'|' => starts_next(text, i + 1, b),
            b')' | b'}' | b']' | b'>' if i == from && after(i) == b'=' => false,
            b')' | b'}' | b']' | b'>' => !charset::is_alnum(after(i)) && !b"_^$#@!%*+~".contains(&after(i)),
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

/// Whether a tag starts behind a `<`, and not the rest of the value: `</b>`, `<br`, or no letter.
fn starts_tag(text: &[u8], at: usize) -> bool {
    let end = charset::TOKEN_DOT.run_within(text, at, 32);
    end == at || matches!(text.get(end), Some(b'>' | b'/' | b' ' | b',' | b':' | b'<' | b'='))
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
            // `&user[name]=…`, `&user%5Bname%5D=…`
            let nested = mark == b'&'
                && end > at
                && (text.get(end) == Some(&b'[')
                    || text.get(end..end + 3).is_some_and(|b| b == b"%5B" || b == b"%5b"));
            // `Pwd=a&3;`, `Password=Net&amp;Core6`: neither a name nor the end
            if mark == b'&' && text.get(end) == Some(&b';') {
                let name = text.get(at..end).unwrap_or_default();
                let next = charset::WORD.run_within(text, end + 1, 48);
                return match name {
                    b"amp" => next > end + 1 && matches!(text.get(next), Some(b'=' | b'[')),
                    _ => matches!(name, b"quot" | b"lt" | b"gt" | b"apos" | b"nbsp"),
                };
            }
            nested || end > at && matches!(text.get(end), Some(b'=' | b':' | b';')) && !padding
        }
    }
}

/// `user=ada|pwd=…|db=1`: whether a name and its value stand at `at`, on a line of such that the one at `from` is of; and
/// `api.key:…|api.host:…`, whose names have parts.
fn is_piped(text: &[u8], from: usize, at: usize) -> bool {
    if text.get(from.wrapping_sub(1)) == Some(&b':') {
        let end = charset::TOKEN_DOT.run_within(text, at, 32);
        let name = text.get(at..end).unwrap_or_default();
        let plain = |b: &u8| b.is_ascii_lowercase() || b"._".contains(b);
        return name.contains(&b'.')
            && name.iter().all(plain)
            && text.get(end) == Some(&b':')
            && text.get(end + 1).is_some_and(|&b| charset::is_alnum(b));
    }
    let end = charset::ALNUM_UNDER.run_within(text, at, 24);
    let plain = |b: &u8| b.is_ascii_lowercase() || *b == b'_';
    let named = end > at && text.get(at..end).is_some_and(|name| name.iter().all(plain));
    let value = text.get(end) == Some(&b'=') && text.get(end + 1).is_some_and(|&b| charset::is_alnum(b));
    named && value && {
        let back = text.get(from.saturating_sub(40)..from).unwrap_or_default();
        let name = back.iter().rev().skip(1).take_while(|&&b| charset::WORD.has(b)).count();
        back.last() == Some(&b'=') && back.iter().rev().nth(name + 1) == Some(&b'|')
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
