//! Is what stands under this name a secret? Names are read word by word: `dbPassword`, `DB_PASSWORD`, `db-password`
//! and `db password` are the same two words.

use super::charset;
use super::lists::{ends_as, is_one_of};
use super::looks::looks_generated;
use super::roles::*;
use super::words::Words;

/// How much a name says about its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Nothing, or that it is harmless (`tokenCount`, `hasPassword`, `passwordResetUrl`, `publicKey`).
    Harmless,
    /// In a URL's query it is a credential when it looks generated (`?code=…`, `?key=…`), elsewhere it is not.
    Query,
    /// The same, and elsewhere an OAuth code when it is long and looks generated (`code`).
    Code,
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

const LONGEST_WORD: usize = 24;
const MOST_WORDS: usize = 12;

/// Names that are one word however their letters are cased: `PassWord`, `dbToKen`.
const WHOLE: &str = "password passwd passphrase passcode secret token apikey";

/// The words of a name, lowercased, their trailing digits left out; each word's roles go to `each`.
fn for_each_word(name: &[u8], mut each: impl FnMut(u32)) {
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
    let (mut last, mut whole) = (0u8, 0);
    for (i, &b) in name.iter().enumerate() {
        if b.is_ascii_uppercase() {
            let mut boundary = i >= whole
                && (last.is_ascii_lowercase()
                    || last.is_ascii_digit()
                    || (last.is_ascii_uppercase() && name.get(i + 1).is_some_and(u8::is_ascii_lowercase)));
            if boundary && let Some(end) = whole_word(name, i.saturating_sub(len)) {
                (boundary, whole) = (false, end);
            }
            if boundary {
                flush(&word, len);
                len = 0;
            }
        } else if !(charset::is_alnum(b) || b >= 0x80) {
            flush(&word, len);
            (len, last) = (0, b);
            continue;
        }
        // Of a longer word the end is kept: it is the end that speaks.
        if len >= LONGEST_WORD {
            word.copy_within(1.., 0);
            len = LONGEST_WORD - 1;
        }
        if let Some(slot) = word.get_mut(len) {
            *slot = b.to_ascii_lowercase();
        }
        len += 1;
        last = b;
    }
    flush(&word, len);
}

/// Where the letters end that start here, if they are one word whatever their case says.
fn whole_word(name: &[u8], from: usize) -> Option<usize> {
    let rest = name.get(from..)?;
    let length = rest.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    is_one_of!(rest.get(..length)?, WHOLE).then_some(from + length)
}

/// What a name says about its value.
#[inline(never)]
pub fn level(name: &[u8]) -> Level {
    match super::extra::says(name) {
        Some(true) => return Always,
        Some(false) => return Harmless,
        None => {}
    }
    // A number names nothing.
    if name.iter().all(u8::is_ascii_digit) {
        return Harmless;
    }
    // Honeycomb's key, Azure Functions', Agora's secret, SAML's artifact, Cloudflare's cookie of who passed, WordPress' token against
    // forged requests, Magento's check value, a word in two, and what Bundler signs in with where Sidekiq's editions are kept
    if is_one_of!(
        name,
        "x-honeycomb-team x-functions-key samlart agora_app_certificate cf_clearance _wpnonce wpnonce cc_cid pass_word pass-word bundle_enterprise__contribsys__com bundle_gems__contribsys__com"
    ) {
        return Always;
    }
    // Web Push's public key, where systemd finds what it hands on, and what a page asks or a flow is called
    if is_one_of!(
        name,
        "applicationserverkey loadcredential loadcredentialencrypted forgotpassword forgot_password forgot-password"
    ) {
        return Harmless;
    }
    // Devise's, and fields of forms
    if is_one_of!(name, "otp_attempt otpattempt otpinput otp_input codeinput pininput") {
        return Digits;
    }
    // The end of a very long name speaks; what is before it is left out.
    let name = name.get(name.len().saturating_sub(128)..).unwrap_or(name);
    let mut words = [0u32; MOST_WORDS];
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

fn judge(words: &[u32]) -> Level {
    let any = |words: &[u32], role: u32| words.iter().any(|roles| roles & role != 0);
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
        return match () {
            () if last & TOKEN != 0 && nearest & PAGE != 0 => Harmless,
            () if last & TOKEN != 0 && nearest & LEXER != 0 => IfGenerated,
            () => Always,
        };
    }
    if last & PLURAL != 0 {
        return match () {
            () if nearest & COUNTED != 0 => Harmless,
            () if nearest & HARMLESS_END != 0 && last & MAKES_CODE == 0 => Harmless,
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
            () if nearest & STATE != 0 => Harmless,
            () if any(before, MAKES_CODE) => many,
            () if before.is_empty() && last & QUERY != 0 => Code,
            () if any(before, SECRET) && last & GENERATED != 0 => Always, // secretAnswer
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

/// What the halves of a pair are called: 1 for the name's, 2 for the value's.
#[rustfmt::skip]
static HALVES: Words<128> = Words::new(&[
    (1, "name k key header field headername param id attribute property path loc setting option propertypath instancepath datapath"),
    (2, "value v val current content headervalue default data old new before after from to result input input_value received text previous actual attempted entered given submitted"),
]);

/// Whether a name is one half of a `{name, value}` pair, and which.
pub fn pair_half(name: &[u8]) -> Option<Half> {
    match HALVES.any_case(name) {
        Some(1) => Some(Half::Name),
        Some(_) => Some(Half::Value),
        None => match name {
            [.., b'K', b'e', b'y'] | [.., b'N', b'a', b'm', b'e'] => Some(Half::Name),
            [.., b'V', b'a', b'l', b'u', b'e'] => Some(Half::Value),
            _ => None,
        },
    }
}

/// Whether a name says that its key is for everybody: `SUPABASE_ANON_KEY`.
pub fn is_anonymous(name: &[u8]) -> bool {
    ends_as!(name, "anon_key anonkey publishable_key")
}

/// `billing` of `billing_account`
fn first_word(name: &[u8]) -> &[u8] {
    name.split(|&b| matches!(b, b'_' | b'-')).next().unwrap_or_default()
}

/// Whether a name is an id's: a number under it is no card.
pub fn is_id(name: &[u8]) -> bool {
    matches!(name, [.., b'I', b'd' | b'D'] | [.., b'_' | b'-', b'i', b'd'])
        || is_one_of!(name, "id order invoice tracking reference timestamp")
        || ends_as!(name, "_workspace _project _order -workspace -project -order")
        || ends_as!(name, "_account -account")
            && !is_one_of!(first_word(name), "card primary payment credit debit cc")
}

/// Whether a name says something about a thing, its last word does.
pub fn is_about(name: &[u8]) -> bool {
    let mut last = 0;
    for_each_word(name, |roles| last = roles);
    last & HARMLESS_END != 0
}

/// Whether a name says what a thing is, or something about it: its value stays even under a sensitive name
/// (`cookies: [{name}]`, `credentials: {user, expiration}`). What looks generated is no such thing.
pub fn is_label(name: &[u8], value: &[u8]) -> bool {
    let about = || !value.is_empty() && is_about(name) && !looks_generated(value, 8);
    // `csrf: {header: "X-CSRF-Token"}`
    let names =
        || is_one_of!(name, "header param field") && !value.contains(&b'=') && level(value) != Harmless;
    is_one_of!(name, "name id type") || about() || names()
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
mod tests;
