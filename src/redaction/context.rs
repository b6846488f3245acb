//! A context is redacted as a tree: its shape and its keys stay, only leaves change.

use super::arrays::{redact_command, started, visit_array};
use super::assign::NUMBERED;
use super::benign;
use super::beside::{TOKEN_AT_LEAST, is_integration_key, is_routing};
use super::bound::BOUND;
use super::formed::{is_account_key, is_told_by_form};
use super::keys::{self, Half, Level};
use super::leaves::{hide, hide_bound, hide_columns, leaf, sensitive_columns};
use super::lists::{ends_as, is_one_of};
use super::names::Rule;
use super::object;
use super::owned::is_value_under;
use super::phrase::PASSWORDS;
use super::product::is_of_product;
use super::statement::{mnemonic, owed};
use super::{MARK, Tally, redact_text, value};
use crate::json::Json;
use std::borrow::Cow;

/// The shortest `state` beside an OAuth code that is random.
pub const STATE_AT_LEAST: usize = 16;

/// Under what a database's statement stands.
const STATEMENTS: &str = "query sql statement text";

/// Redacts every string of a tree, and what stands under sensitive names, in place. Null, booleans, empty strings and
/// what says nothing stay. Without recursion: a tree is up to 1,000 levels deep, and the stack of an isolate small.
pub fn redact_context(tree: &mut Json<'_>, tally: &mut Tally) {
    let mut branches = Vec::new();
    visit(tree, Level::Harmless, "", tally, &mut branches);
    while let Some(Branch { tree, level, name }) = branches.pop() {
        match tree {
            Json::Array(items) => visit_array(items, below(level), name, tally, &mut branches),
            Json::Object(fields) => visit_object(fields, below(level), name, tally, &mut branches),
            _ => {}
        }
    }
}

/// A list or an object that was not entered yet.
pub struct Branch<'t, 'a> {
    pub tree: &'t mut Json<'a>,
    /// What the name above says.
    pub level: Level,
    /// The name itself.
    pub name: &'t str,
}

/// Redacts a leaf, or keeps a branch for later.
pub fn visit<'t, 'a>(
    tree: &'t mut Json<'a>,
    level: Level,
    name: &'t str,
    tally: &mut Tally,
    branches: &mut Vec<Branch<'t, 'a>>,
) {
    match tree {
        Json::Null | Json::Bool(_) => {}
        Json::Number(number) => {
            let digits = number.bytes().all(|b| b.is_ascii_digit()) && (4..=8).contains(&number.len());
            let card = is_one_of!(name.as_bytes(), "pan card number") && number.len() > 12;
            let card = card && matches!(redact_text(number, &mut Tally::default()), Cow::Owned(_));
            let size = ends_as!(name.as_bytes(), "bytes");
            if card || level == Level::Always && !size || (level == Level::Digits && digits) {
                hide(tree, Rule::CONTEXT_KEY, tally);
            }
        }
        Json::String(text) => {
            if level == Level::Harmless
                && keys::is_id(name.as_bytes())
                && text.bytes().all(|b| b.is_ascii_digit())
            {
                return; // an order's number is no card's
            }
            if keys::is_anonymous(name.as_bytes()) && text.starts_with("eyJ") {
                return; // a JWT that is made to be public
            }
            let own = benign::repeats(name.as_bytes(), text.as_bytes())
                || benign::is_label_text(text.as_bytes())
                || benign::is_foreign_text(name.as_bytes(), text.as_bytes())
                || name.contains('-') && benign::is_version(text.as_bytes())
                || object::is_reference(text.as_bytes())
                || level == Level::UnlessNumber && benign::is_styling(text.as_bytes());
            if !own && (hides(text, level, name) || holds_product(name, text) || is_seed(text, level, name)) {
                hide(tree, Rule::CONTEXT_KEY, tally);
            } else if !tally.harmless.has(text) {
                match redact_text(text, tally) {
                    Cow::Owned(clean) => *text = Cow::Owned(clean),
                    Cow::Borrowed(text) => tally.harmless.remember(text),
                }
            }
        }
        Json::Array(_) | Json::Object(_) => branches.push(Branch { tree, level, name }),
    }
}

/// What a name says of what is in the list or object under it.
fn below(level: Level) -> Level {
    if level == Level::UnlessCount { Level::Always } else { level }
}

/// Whether it is what a product keeps under that name.
fn holds_product(name: &str, text: &str) -> bool {
    is_of_product(name.as_bytes(), text.as_bytes()) && !super::extra::allows(text.as_bytes())
}

/// Whether it is a wallet's seed: as many words as one has, under a name that may be one's.
fn is_seed(text: &str, level: Level, name: &str) -> bool {
    let named = level == Level::Always
        || is_one_of!(name.as_bytes(), "seed mnemonic seed_words seedwords recovery_words recoverywords");
    named && mnemonic(text.as_bytes(), 0) == Some(text.len())
}

/// Whether the name above is enough to hide a string.
fn hides(text: &str, level: Level, name: &str) -> bool {
    let bytes = text.as_bytes();
    let secret = match level {
        Level::Always | Level::UnlessNumber | Level::UnlessCount => {
            !value::is_address(bytes) && !value::is_path(bytes) && !value::is_sentence(bytes)
        }
        Level::IfGenerated => value::looks_generated(bytes, 10),
        Level::Digits => (4..=8).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_digit),
        Level::Code => bytes.iter().any(u8::is_ascii_lowercase) && value::looks_generated(bytes, 20),
        Level::Query | Level::Harmless => false,
    };
    let says =
        || !value::says_nothing(bytes) && !text.contains(MARK) || is_value_under(name.as_bytes(), bytes);
    secret && says() && !super::extra::allows(bytes)
}

fn visit_object<'t, 'a>(
    fields: &'t mut [(Cow<'a, str>, Json<'a>)],
    level: Level,
    name: &str,
    tally: &mut Tally,
    branches: &mut Vec<Branch<'t, 'a>>,
) {
    let jwk = fields.iter().any(|(key, _)| key == "kty");
    // `{name: "authorization", value: "…"}`, in any order
    let patch = fields.iter().any(|(key, _)| key == "op");
    let names_secret = fields.iter().any(|(key, value)| {
        key == "type" && leaf(value) == b"password"
            || key == "label" && ends_as!(leaf(value), PASSWORDS)
            || keys::pair_half(key.as_bytes()) == Some(Half::Name) && names_field(key, value, patch)
    });
    // `{type: "totp", code: "123456"}`
    let one_time = fields.iter().any(|(key, value)| {
        is_one_of!(key.as_bytes(), "type kind method factor channel strategy")
            && is_second_factor(leaf(value))
    });
    let has = |half: &str| fields.iter().any(|(key, _)| key.starts_with(half));
    let pair = has("refresh") && has("access");
    let bound = fields.iter().any(|(key, _)| is_one_of!(key.as_bytes(), BOUND));
    let statement = fields.iter().filter(|_| bound).find_map(|(key, value)| match value {
        Json::String(text) if is_one_of!(key.as_bytes(), STATEMENTS) => Some(owed(text)),
        _ => None,
    });
    let (owed, places) = statement.unwrap_or_default();
    let columns = sensitive_columns(fields);
    let started = started(fields);
    // WebAuthn's `credential: {type: "public-key", …}` says how somebody signs in.
    let public = fields.iter().any(|(key, value)| key == "type" && leaf(value) == b"public-key");
    let level = if public { Level::Harmless } else { level };
    // What a model may have said next
    let likely = fields.iter().any(|(key, _)| key == "logprob");
    // `{label: "PIN", answer: "1234"}`
    let names_pin = fields.iter().any(|(key, value)| {
        is_one_of!(key.as_bytes(), "name label field question") && keys::level(leaf(value)) == Level::Digits
    });
    let guarded = fields.iter().any(|(key, _)| keys::level(key.as_bytes()) == Level::Always);
    // `credentialsByType: {password: 812, passkey: 118}`: how many there are of each
    let counts = is_breakdown(name) && fields.iter().all(|(_, value)| matches!(value, Json::Number(_)));
    let confirmed = fields.iter().any(|(key, value)| match value {
        Json::String(text) => {
            ends_as!(key.as_bytes(), "password passwd pwd") && hides(text, Level::Always, key)
        }
        _ => false,
    });
    let granted = fields.iter().any(|(key, value)| match value {
        Json::String(text) => key == "code" && hides(text, Level::Code, key),
        _ => false,
    });
    // Convex Auth's
    let mailed = fields.iter().any(|(key, value)| {
        key == "flow" && matches!(leaf(value), b"email-verification" | b"reset-verification")
    });
    for (key, value) in fields {
        let own = match level {
            _ if counts => Level::Harmless,
            // Under a sensitive name everything is, but for what says it is not (`cookies: {count: 3}`).
            Level::Always | Level::UnlessNumber if benign::is_label(key.as_bytes(), leaf(value)) => {
                Level::Harmless
            }
            // `totp: {secret, digits: 6, period: 30}`
            Level::Always if is_one_of!(key.as_bytes(), "digits period length counter count") => {
                joined_level(name, key, value)
            }
            Level::Always | Level::UnlessNumber => level,
            _ if names_secret && keys::pair_half(key.as_bytes()) == Some(Half::Value) => Level::Always,
            _ if likely && key == "token" => Level::Harmless,
            _ if names_pin && is_one_of!(key.as_bytes(), "value answer") => Level::Digits,
            _ if matches!(value, Json::String(_)) && is_told_by_form(key.as_bytes(), leaf(value)) => {
                Level::Always
            }
            _ if jwk && matches!(&**key, "d" | "p" | "q" | "dp" | "dq" | "qi" | "k") => Level::Always,
            // `{type: "totp", attempt: "123456"}`
            _ if one_time && is_one_of!(key.as_bytes(), "attempt value input entered") => Level::Digits,
            // `{password, code: "123456"}`
            _ if (guarded || one_time) && key == "code" && leaf(value).iter().all(u8::is_ascii_digit) => {
                Level::Digits
            }
            // `{password, confirm: "…"}`
            _ if confirmed && key == "confirm" && matches!(value, Json::String(_)) => Level::Always,
            // `{flow: "email-verification", code: "123456"}`
            _ if mailed && key == "code" && matches!(leaf(value).len(), 6 | 8) => Level::Digits,
            // What comes back beside an OAuth code against forged requests (RFC 6749, section 10.12)
            _ if granted && key == "state" && leaf(value).len() >= STATE_AT_LEAST => Level::IfGenerated,
            // `{access: "…", refresh: "…"}`
            _ if is_one_of!(key.as_bytes(), NUMBERED) && is_account_key(leaf(value)) => Level::Always,
            _ if pair
                && is_one_of!(key.as_bytes(), "access refresh")
                && leaf(value).len() >= TOKEN_AT_LEAST =>
            {
                Level::IfGenerated
            }
            // `{query: "… WHERE api_token = $1", params: ["…"]}`
            _ if owed && is_one_of!(key.as_bytes(), BOUND) => Level::IfGenerated,
            _ if is_routing(key.as_bytes()) && is_integration_key(leaf(value)) => Level::Always,
            // Vault's, beside a `role_id`, and Consul's
            _ if matches!(&**key, "secret_id" | "SecretID") && leaf(value).len() == 36 => Level::Always,
            _ => joined_level(name, key, value),
        };
        // A weak name says nothing about what is nested under it.
        let own = match (own, &*value) {
            // `changes: {pin: ["1234", "5678"]}`
            (Level::Digits, Json::Array(items))
                if items.iter().all(|item| matches!(item, Json::String(_))) =>
            {
                own
            }
            (Level::IfGenerated, Json::Array(items))
                if !items.iter().any(|item| matches!(item, Json::Array(_) | Json::Object(_))) =>
            {
                own
            }
            (
                Level::IfGenerated | Level::Digits | Level::Query | Level::Code,
                Json::Array(_) | Json::Object(_),
            ) => Level::Harmless,
            _ => own,
        };
        if let Some(command) = &started
            && is_one_of!(key.as_bytes(), "args argv arguments")
            && let Json::Array(words) = &mut *value
        {
            redact_command(command, words, tally);
        }
        if columns != 0
            && let Json::Array(rows) = &mut *value
        {
            match &**key {
                "rows" | "values" | "data" | "results" => hide_columns(rows, columns, tally),
                "row" => hide_bound(rows, columns, tally),
                _ => {}
            }
        }
        if places != 0
            && is_one_of!(key.as_bytes(), BOUND)
            && let Json::Array(items) = &mut *value
        {
            hide_bound(items, places, tally);
        }
        visit(value, own, key, tally, branches);
    }
}

/// What a name says, together with the one above where it alone says too little (`mfa: {code}`, `api: {key}`).
fn joined_level(above: &str, key: &str, value: &Json<'_>) -> Level {
    let own = keys::level(key.as_bytes());
    let digits = match value {
        Json::String(text) => text.bytes().all(|b| b.is_ascii_digit()),
        Json::Number(_) => true,
        Json::Array(_) if key == "keys" => false,
        _ => return own,
    };
    // `keys: {private, public}`
    if is_one_of!(key.as_bytes(), "private priv")
        && keys::level(format!("{key}_{above}").as_bytes()) != Level::Harmless
    {
        return Level::IfGenerated;
    }
    let weak = matches!(own, Level::Query | Level::Code | Level::Harmless)
        && is_one_of!(key.as_bytes(), "key keys code number phrase");
    if !weak
        || above.is_empty()
        || !matches!(keys::level(format!("{above}_{key}").as_bytes()), Level::Always | Level::UnlessNumber)
    {
        return own;
    }
    if digits { Level::Digits } else { Level::IfGenerated }
}

/// Whether the first half of a pair names a secret. What a validator complains about is a name or the way to it: `password`,
/// `user.password`, `["body", "password"]`. With slashes it is one of a patch or of ajv, and else an address.
fn names_field(key: &str, value: &Json<'_>, patch: bool) -> bool {
    match value {
        Json::String(name) => {
            let address = key == "path" && !patch && name.contains('/');
            !address && is_name(name) && secret_name(name)
        }
        Json::Array(way) if is_one_of!(key.as_bytes(), "path loc") => {
            matches!(way.last(), Some(Json::String(name)) if is_name(name) && secret_name(name))
        }
        _ => false,
    }
}

/// Whether a name says by what the things under it are counted: `tokensByModel`, `secrets_by_env`.
fn is_breakdown(name: &str) -> bool {
    const COUNTED: &str = "credentials tokens secrets cookies keys sessions";
    let by = |part: &[u8]| matches!(part, [b'B', b'y', b'A'..=b'Z'] | b"By_" | b"by_");
    let at = name.as_bytes().windows(3).position(by).unwrap_or(0);
    let counted = name.as_bytes().get(..at).unwrap_or_default();
    is_one_of!(counted.strip_suffix(b"_").unwrap_or(counted), COUNTED)
}

/// Whether a factor of a login is one whose codes are typed in.
fn is_second_factor(name: &[u8]) -> bool {
    is_one_of!(name, "totp hotp otp mfa 2fa email_otp sms_otp phone_otp backup_code recovery_code")
}

pub fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 96
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:/".contains(&b))
}

/// Of a path (`/prod/db/password`) the end speaks. Behind `--password-stdin` comes none.
pub fn secret_name(name: &str) -> bool {
    if name.ends_with("-stdin") {
        return false;
    }
    let name = name.rsplit('/').next().unwrap_or(name);
    matches!(keys::level(name.as_bytes()), Level::Always)
}
