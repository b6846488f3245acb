//! Lists in a context: of header's names and values, of a command's words, of Redis', of a key's lines.

use super::context::{Branch, is_name, secret_name, visit};
use super::keys::Level;
use super::leaves::{hide, hide_pem, leaf};
use super::lists::is_one_of;
use super::names::Rule;
use super::{Tally, benign, redact_text, value};
use crate::json::Json;
use std::borrow::Cow;

/// Redacts what is in a list, or keeps it for later.
pub fn visit_array<'t, 'a>(
    items: &'t mut [Json<'a>],
    level: Level,
    name: &'t str,
    tally: &mut Tally,
    branches: &mut Vec<Branch<'t, 'a>>,
) {
    let headers = level == Level::Harmless && is_header_list(items);
    // A Redis command: `["AUTH", "…"]`
    let auth = is_redis_auth(items);
    if let Some(Json::String(word)) = items.first()
        && level == Level::Harmless
        && super::command::takes_password(word)
    {
        let command = word.to_string();
        redact_command(&command, items.get_mut(1..).unwrap_or_default(), tally);
    }
    if level != Level::Always && is_one_of!(name.as_bytes(), "auth basicauth") {
        hide_second_of_two(items, tally);
    }
    hide_pem(items, tally);
    let mut secret_next = false;
    for item in items.iter_mut().skip(usize::from(auth)) {
        let flag = matches!(&*item, Json::String(text) if text.starts_with('-'));
        // What a tokenizer cut a text into
        let piece = level == Level::UnlessNumber
            && name == "tokens"
            && matches!(&*item, Json::String(text) if benign::is_piece(text.as_bytes()));
        let level = if piece { Level::Harmless } else { level };
        let own = if (secret_next && !flag) || auth { Level::Always } else { level };
        secret_next = false;
        if level == Level::Harmless
            && let Json::String(text) = &*item
        {
            let flag = text.starts_with("--") && !text.contains(['=', ' ']) && secret_name(text);
            secret_next = own == Level::Harmless && (flag || (headers && is_name(text) && secret_name(text)));
        }
        visit(item, own, name, tally, branches);
    }
}

/// `["mysql", "-p…"]`, `["curl", "-u", "ada:…"]`: each word is read behind the command and the flag before it. By itself it is
/// read afterwards, as in any list.
pub fn redact_command(command: &str, words: &mut [Json<'_>], tally: &mut Tally) {
    let mut flag = String::new();
    for item in words {
        let Json::String(text) = item else { continue };
        let before = format!("{command} {flag}");
        if let Cow::Owned(clean) = redact_text(&format!("{before}{text}"), &mut Tally::default())
            && let Some(clean) = clean.strip_prefix(&before)
            && clean != text
        {
            *text = Cow::Owned(clean.to_owned());
            tally.add(Rule::COMMAND_LINE);
        }
        flag = if text.starts_with('-') { format!("{text} ") } else { String::new() };
    }
}

/// `{file: "/usr/bin/redis-cli", args: ["-a", "…"]}`: the command of an object that starts a process, if it takes a password.
pub fn started<'a>(fields: &[(Cow<'a, str>, Json<'a>)]) -> Option<String> {
    fields.iter().find_map(|(key, value)| {
        let Json::String(path) = value else { return None };
        let word = path.rsplit('/').next().unwrap_or(path);
        let command = is_one_of!(key.as_bytes(), "file cmd command bin program executable");
        (command && super::command::takes_password(word)).then(|| word.to_owned())
    })
}

/// `{auth: ["ada", "…"]}`, as Python's requests has it: a user and a password.
fn hide_second_of_two(items: &mut [Json<'_>], tally: &mut Tally) {
    let [Json::String(_), password] = items else { return };
    let secret = matches!(&*password, Json::String(text) if value::is_told(text.as_bytes()));
    if secret {
        hide(password, Rule::CONTEXT_KEY, tally);
    }
}

/// `["AUTH", "ada", "…"]`: a command of Redis'. In small letters, and others behind it, it may be one of a list of words.
fn is_redis_auth(items: &[Json<'_>]) -> bool {
    let word = |item: &Json<'_>| leaf(item).iter().all(u8::is_ascii_lowercase);
    let named = matches!(items.first(), Some(Json::String(word)) if word.eq_ignore_ascii_case("auth"));
    named && !(items.len() > 2 && items.iter().all(word))
}

/// Whether an array lists headers: `["Authorization", "Bearer …"]`, or names and values in turn (Node's `rawHeaders`).
/// A list of field names (`["email", "password"]`) is none.
fn is_header_list(items: &[Json<'_>]) -> bool {
    items.len() >= 2
        && items.len().is_multiple_of(2)
        && items.chunks(2).all(|pair| matches!(pair, [Json::String(name), Json::String(_)] if is_name(name)))
        && items.chunks(2).any(|pair| match pair {
            [Json::String(name), Json::String(value)] => {
                secret_name(name)
                    && !(is_name(value) && secret_name(value))
                    && !value.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_')
            }
            _ => false,
        })
}
