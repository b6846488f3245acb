//! What the fields of an object say of each other: `{name: "authorization", value: "…"}`, `{type: "totp", code: "123456"}`.

use super::arrays::{redact_command, started};
use super::assign::NUMBERED;
use super::beside::{TOKEN_AT_LEAST, is_integration_key, is_routing};
use super::bound::BOUND;
use super::context::{hides, is_name, secret_name};
use super::formed::{is_account_key, is_told_by_form};
use super::keys::{self, Half, Level};
use super::leaves::{hide_bound, hide_columns, leaf, sensitive_columns};
use super::lists::{ends_as, is_one_of};
use super::phrase::PASSWORDS;
use super::statement::owed;
use super::{Tally, benign};
use crate::json::Json;
use std::borrow::Cow;

/// Under what a database's statement stands.
const STATEMENTS: &str = "query sql statement text";

/// The shortest `state` beside an OAuth code that is random.
pub const STATE_AT_LEAST: usize = 16;

/// Whether there is such a field.
fn any(fields: &[(Cow<'_, str>, Json<'_>)], test: impl Fn(&str, &Json<'_>) -> bool) -> bool {
    fields.iter().any(|(key, value)| test(key, value))
}

/// What an object's fields say of each other.
pub struct Siblings {
    /// A JSON Web Key (RFC 7517)
    jwk: bool,
    /// `{name: "authorization", value: "…"}`, in any order
    names_secret: bool,
    /// `{label: "PIN", answer: "1234"}`
    names_pin: bool,
    /// `{type: "totp", code: "123456"}`
    one_time: bool,
    /// Convex Auth's `{flow: "email-verification", code: "123456"}`
    mailed: bool,
    /// `{access: "…", refresh: "…"}`
    pair: bool,
    /// `{query: "… WHERE api_token = $1", params: ["…"]}`
    owed: bool,
    /// In which places of what is bound a secret stands, one bit each
    places: u32,
    /// In which columns of rows
    columns: u32,
    /// `{file: "/usr/bin/redis-cli", args: ["-a", "…"]}`
    started: Option<String>,
    /// WebAuthn's `credential: {type: "public-key", …}`, which says how somebody signs in
    public: bool,
    /// What a model may have said next
    likely: bool,
    /// One of them is a secret.
    guarded: bool,
    /// `{password: "…", confirm: "…"}`
    confirmed: bool,
    /// An OAuth code
    granted: bool,
    /// `credentialsByType: {password: 812, passkey: 118}`: how many there are of each
    counts: bool,
}

impl Siblings {
    /// Of these fields, which stand under a name.
    pub fn of(fields: &[(Cow<'_, str>, Json<'_>)], above: &str) -> Self {
        let patch = any(fields, |key, _| key == "op");
        let has = |half: &str| fields.iter().any(|(key, _)| key.starts_with(half));
        let bound = any(fields, |key, _| is_one_of!(key.as_bytes(), BOUND));
        let statement = fields.iter().filter(|_| bound).find_map(|(key, value)| match value {
            Json::String(text) if is_one_of!(key.as_bytes(), STATEMENTS) => Some(owed(text)),
            _ => None,
        });
        let (owed, places) = statement.unwrap_or_default();
        Self {
            jwk: any(fields, |key, _| key == "kty"),
            names_secret: any(fields, |key, value| {
                key == "type" && leaf(value) == b"password"
                    || key == "label" && ends_as!(leaf(value), PASSWORDS)
                    || keys::pair_half(key.as_bytes()) == Some(Half::Name) && names_field(key, value, patch)
            }),
            names_pin: any(fields, |key, value| {
                is_one_of!(key.as_bytes(), "name label field question")
                    && keys::level(leaf(value)) == Level::Digits
            }),
            one_time: any(fields, |key, value| {
                is_one_of!(key.as_bytes(), "type kind method factor channel strategy")
                    && is_second_factor(leaf(value))
            }),
            mailed: any(fields, |key, value| {
                key == "flow" && matches!(leaf(value), b"email-verification" | b"reset-verification")
            }),
            pair: has("refresh") && has("access"),
            owed,
            places,
            columns: sensitive_columns(fields),
            started: started(fields),
            public: any(fields, |key, value| key == "type" && leaf(value) == b"public-key"),
            likely: any(fields, |key, _| key == "logprob"),
            guarded: any(fields, |key, _| keys::level(key.as_bytes()) == Level::Always),
            confirmed: any(fields, |key, value| {
                let password = ends_as!(key.as_bytes(), "password passwd pwd");
                matches!(value, Json::String(text) if password && hides(text, Level::Always, key))
            }),
            granted: any(
                fields,
                |key, value| matches!(value, Json::String(text) if key == "code" && hides(text, Level::Code, key)),
            ),
            counts: is_breakdown(above) && fields.iter().all(|(_, value)| matches!(value, Json::Number(_))),
        }
    }

    /// What the name of one of them says of its value, where the name above says so much.
    pub fn level(&self, level: Level, above: &str, key: &str, value: &Json<'_>) -> Level {
        let level = if self.public { Level::Harmless } else { level };
        let own = self.own_level(level, above, key, value);
        // A weak name says nothing about what is nested under it.
        match (own, value) {
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
        }
    }

    fn own_level(&self, level: Level, above: &str, key: &str, value: &Json<'_>) -> Level {
        let named = key.as_bytes();
        match level {
            _ if self.counts => Level::Harmless,
            // Under a sensitive name everything is, but for what says it is not (`cookies: {count: 3}`).
            Level::Always | Level::UnlessNumber if benign::is_label(named, leaf(value)) => Level::Harmless,
            // `totp: {secret, digits: 6, period: 30}`
            Level::Always if is_one_of!(named, "digits period length counter count") => {
                joined_level(above, key, value)
            }
            Level::Always | Level::UnlessNumber => level,
            _ if self.names_secret && keys::pair_half(named) == Some(Half::Value) => Level::Always,
            _ if self.likely && key == "token" => Level::Harmless,
            _ if self.names_pin && is_one_of!(named, "value answer") => Level::Digits,
            _ if matches!(value, Json::String(_)) && is_told_by_form(named, leaf(value)) => Level::Always,
            _ if self.jwk && matches!(key, "d" | "p" | "q" | "dp" | "dq" | "qi" | "k") => Level::Always,
            // `{type: "totp", attempt: "123456"}`
            _ if self.one_time && is_one_of!(named, "attempt value input entered") => Level::Digits,
            // `{password, code: "123456"}`
            _ if (self.guarded || self.one_time)
                && key == "code"
                && leaf(value).iter().all(u8::is_ascii_digit) =>
            {
                Level::Digits
            }
            _ if self.confirmed && key == "confirm" && matches!(value, Json::String(_)) => Level::Always,
            _ if self.mailed && key == "code" && matches!(leaf(value).len(), 6 | 8) => Level::Digits,
            // What comes back beside an OAuth code against forged requests (RFC 6749, section 10.12)
            _ if self.granted && key == "state" && leaf(value).len() >= STATE_AT_LEAST => Level::IfGenerated,
            _ if is_one_of!(named, NUMBERED) && is_account_key(leaf(value)) => Level::Always,
            _ if self.pair && is_one_of!(named, "access refresh") && leaf(value).len() >= TOKEN_AT_LEAST => {
                Level::IfGenerated
            }
            _ if self.owed && is_one_of!(named, BOUND) => Level::IfGenerated,
            _ if is_routing(named) && is_integration_key(leaf(value)) => Level::Always,
            // Vault's, beside a `role_id`, and Consul's
            _ if matches!(key, "secret_id" | "SecretID") && leaf(value).len() == 36 => Level::Always,
            _ => joined_level(above, key, value),
        }
    }

    /// Hides what a list holds by its place: a command's arguments, rows, what is bound to a statement.
    pub fn hide(&self, key: &str, value: &mut Json<'_>, tally: &mut Tally) {
        let Json::Array(items) = value else { return };
        let key = key.as_bytes();
        if let Some(command) = &self.started
            && is_one_of!(key, "args argv arguments")
        {
            redact_command(command, items, tally);
        }
        match key {
            _ if self.columns == 0 => {}
            b"rows" | b"values" | b"data" | b"results" => hide_columns(items, self.columns, tally),
            b"row" => hide_bound(items, self.columns, tally),
            _ => {}
        }
        if self.places != 0 && is_one_of!(key, BOUND) {
            hide_bound(items, self.places, tally);
        }
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

/// Whether a factor of a login is one whose codes are typed in.
fn is_second_factor(name: &[u8]) -> bool {
    is_one_of!(name, "totp hotp otp mfa 2fa email_otp sms_otp phone_otp backup_code recovery_code")
}

/// Whether a name says by what the things under it are counted: `tokensByModel`, `secrets_by_env`.
fn is_breakdown(name: &str) -> bool {
    const COUNTED: &str = "credentials tokens secrets cookies keys sessions";
    let by = |part: &[u8]| matches!(part, [b'B', b'y', b'A'..=b'Z'] | b"By_" | b"by_");
    let at = name.as_bytes().windows(3).position(by).unwrap_or(0);
    let counted = name.as_bytes().get(..at).unwrap_or_default();
    is_one_of!(counted.strip_suffix(b"_").unwrap_or(counted), COUNTED)
}
