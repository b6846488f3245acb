//! A context is redacted as a tree: its shape and its keys stay, only leaves change.

use super::arrays::visit_array;
use super::benign;
use super::keys::{self, Level};
use super::leaves::hide;
use super::lists::{ends_as, is_one_of};
use super::names::Rule;
use super::object;
use super::owned::is_value_under;
use super::product::is_of_product;
use super::siblings::Siblings;
use super::statement::mnemonic;
use super::{MARK, Tally, redact_text, value};
use crate::json::Json;
use std::borrow::Cow;

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

/// Redacts what is in an object, or keeps it for later.
fn visit_object<'t, 'a>(
    fields: &'t mut [(Cow<'a, str>, Json<'a>)],
    level: Level,
    above: &str,
    tally: &mut Tally,
    branches: &mut Vec<Branch<'t, 'a>>,
) {
    let siblings = Siblings::of(fields, above);
    for (key, value) in fields {
        let own = siblings.level(level, above, key, value);
        siblings.hide(key, value, tally);
        visit(value, own, key, tally, branches);
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
pub fn hides(text: &str, level: Level, name: &str) -> bool {
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
    // `Authorization: "Bearer <token>"`
    let scheme = ["Bearer ", "Basic ", "Token "].iter().find_map(|scheme| text.strip_prefix(scheme));
    let says = || {
        !value::says_nothing(scheme.unwrap_or(text).as_bytes()) && !text.contains(MARK)
            || is_value_under(name.as_bytes(), bytes)
    };
    secret && says() && !super::extra::allows(bytes)
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
