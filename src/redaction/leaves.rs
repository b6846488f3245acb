//! A context's leaves: what they say, and how they and rows of them are hidden.

use super::bound::{MOST, may_be_secret};
use super::keys::{self, Level};
use super::lists::{ends_as, is_one_of};
use super::names::Rule;
use super::{MARK, Tally, charset};
use crate::json::Json;
use std::borrow::Cow;

/// The text of a leaf.
pub fn leaf<'a>(value: &'a Json<'_>) -> &'a [u8] {
    match value {
        Json::String(text) | Json::Number(text) => text.as_bytes(),
        _ => b"",
    }
}

/// Puts the marker in a leaf's place.
pub fn hide(leaf: &mut Json<'_>, rule: Rule, tally: &mut Tally) {
    tally.add(rule);
    *leaf = Json::String(Cow::Borrowed(MARK));
}

/// Hides what stands for a statement's placeholders: `{query: "… SET pin = $1", params: ["1234"]}`.
pub fn hide_bound(items: &mut [Json<'_>], places: u32, tally: &mut Tally) {
    for (nth, item) in (0..MOST).zip(items) {
        let text = matches!(item, Json::String(text) if may_be_secret(text.as_bytes()));
        if places >> nth & 1 == 1 && text {
            hide(item, Rule::CONTEXT_KEY, tally);
        }
    }
}

/// Which columns of a database's answer hold a secret, one bit each: `{columns: ["id", "password"], rows: [[7, "…"]]}`. A word
/// alone may be a tokenizer's, a test's or a board's (`token`, `pass`, `pin`).
pub fn sensitive_columns(fields: &[(Cow<'_, str>, Json<'_>)]) -> u32 {
    let columns = fields.iter().find_map(|(key, value)| match value {
        Json::Array(columns) if is_one_of!(key.as_bytes(), "columns cols") => Some(columns),
        _ => None,
    });
    let columns = || (0..MOST).zip(columns.into_iter().flatten());
    let users = columns().any(|(_, column)| is_one_of!(leaf(column), "user username login email"));
    columns().fold(0, |bits, (nth, column)| {
        let name = leaf(column);
        let password = ends_as!(name, "password passwd pwd passphrase") || users && name == b"pass";
        let joined = name.contains(&b'_') || name.iter().skip(1).any(u8::is_ascii_uppercase);
        bits | u32::from(password || joined && keys::level(name) == Level::Always) << nth
    })
}

/// Hides what stands in such columns of each row, but for what says how it is stored.
pub fn hide_columns(rows: &mut [Json<'_>], places: u32, tally: &mut Tally) {
    for row in rows {
        if let Json::Array(row) = row
            && !row.iter().any(|cell| super::value::is_method(leaf(cell)))
        {
            hide_bound(row, places, tally);
        }
    }
}

/// Whether a line may be one of a key's in base64 (RFC 7468), or says how it is encrypted (RFC 1421).
fn is_pem_line(text: &str) -> bool {
    let headed = text.starts_with("Proc-Type: ") || text.starts_with("DEK-Info: ");
    headed || text.len() > 3 && text.bytes().all(|b| charset::BASE64.has(b))
}

/// `["-----BEGIN PRIVATE KEY-----", "MII…", "-----END PRIVATE KEY-----"]`: hides what stands between the two.
pub fn hide_pem(items: &mut [Json<'_>], tally: &mut Tally) {
    let mut within = false;
    for item in items {
        let Json::String(text) = &*item else { continue };
        match () {
            () if text.starts_with("-----BEGIN ") => {
                within = text.contains("PRIVATE KEY") && !text.contains("-----END ");
            }
            () if text.starts_with("-----END ") => within = false,
            () if within && is_pem_line(text) => hide(item, Rule::PRIVATE_KEY, tally),
            () => within = within && text.as_ref() == MARK,
        }
    }
}
