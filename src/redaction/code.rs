//! Code in the place of a value: what fetches a secret, its type, a variable of its name.

use super::charset;
use super::keys::{self, Level};
use super::words::{Heads, is_one_of};

/// Whether a word before a string in brackets says no more than that it is one, or a secret: Rust's `Some("…")`, `String("…")`,
/// `md5("…")`. What else is called fetches the secret by the name it is given: `getSecret("stripe")`, `env('KEY')`.
pub fn is_wrapper(word: &[u8]) -> bool {
    const WRAPPERS: &str = "str string b u bytes text some ok just quote secret sensitive masked plain md5 sha1 sha256 sha512 hash \
        encrypt decrypt base64 btoa atob decode encode varchar password token";
    word.first().is_some_and(u8::is_ascii_uppercase) || is_one_of!(word, WRAPPERS)
}

/// The longest name of a type, of a thing or of what is called.
const NAME_AT_MOST: usize = 128;

/// A type's full name: `System.Threading.CancellationToken`, `org.acme.AuthToken`.
fn is_type(value: &[u8]) -> bool {
    let word = |part: &[u8]| part.len() > 1 && part.iter().all(u8::is_ascii_alphabetic);
    let last = value.rsplit(|&b| b == b'.').next().unwrap_or_default();
    value.contains(&b'.')
        && last.first().is_some_and(u8::is_ascii_uppercase)
        && last.iter().skip(1).any(u8::is_ascii_uppercase)
        && value.split(|&b| b == b'.').all(word)
}

/// JavaScript's `session?.user?.token`, Rust's `std::env::var(…`: names joined so.
fn is_chained(value: &[u8]) -> bool {
    let name = |name: &[u8]| {
        name.len() > 1
            && name.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_')
            && name.iter().all(|&b| charset::is_alnum(b) || matches!(b, b'_' | b'.'))
            && !super::value::looks_generated(name, 12)
    };
    let path = value.split(|&b| b == b'(').next().unwrap_or_default();
    let mark = |mark: &[u8]| path.windows(2).any(|part| part == mark);
    if !path.iter().any(|b| matches!(b, b'?' | b':')) {
        return false;
    }
    if mark(b"?.") {
        let part = |part: &[u8]| name(part) && !part.iter().any(u8::is_ascii_digit);
        return path.len() == value.len()
            && path.split(|&b| b == b'.').all(|name| part(name.strip_suffix(b"?").unwrap_or(name)));
    }
    path.len() < value.len() && mark(b"::") && {
        let mut parts = path.split(|&b| b == b':');
        parts.next().is_some_and(name)
            && parts
                .by_ref()
                .enumerate()
                .all(|(i, part)| if i % 2 == 0 { part.is_empty() } else { name(part) })
    }
}

/// Terraform's `random_password.db.result`: what kind of thing, which one, and its field
fn is_resource(value: &[u8]) -> bool {
    let name = |name: &[u8]| name.len() > 1 && name.iter().all(|b| b.is_ascii_lowercase() || *b == b'_');
    let kind = value.split(|&b| b == b'.').next().unwrap_or_default();
    kind.contains(&b'_') && value.split(|&b| b == b'.').count() > 2 && value.split(|&b| b == b'.').all(name)
}

/// `intent.client_secret`, `passwordField.value`: a thing's field that holds a secret, or says that it holds a value
fn is_field(value: &[u8]) -> bool {
    let name = |name: &[u8]| !name.is_empty() && name.iter().all(|b| b.is_ascii_alphabetic() || *b == b'_');
    let last = value.rsplit(|&b| b == b'.').next().unwrap_or_default();
    last.len() < value.len()
        && (is_one_of!(last, "value next current") || keys::level(last) == Level::Always)
        && value.split(|&b| b == b'.').all(name)
}

/// Whether what stands behind a name is a variable of that name, or a field of one: `_password`, `token.next`.
pub fn is_own(value: &[u8], name: &[u8]) -> bool {
    let rest = value.strip_prefix(b"_").unwrap_or(value).strip_prefix(name);
    let field = |rest: &[u8]| {
        rest.len() > 1 && rest.starts_with(b".") && rest.iter().skip(1).all(u8::is_ascii_alphabetic)
    };
    name.len() > 2 && rest.is_some_and(|rest| rest.is_empty() || field(rest))
}

/// Whether an unquoted value is code that fetches the secret (`process.env.TOKEN`, `req.body.password`).
#[inline(never)]
pub fn is_code(value: &[u8]) -> bool {
    const ROOTS: [&str; 45] = [
        "var.",
        "local.",
        "secrets.",
        "process.",
        "req.",
        "request.",
        "config.",
        "this.",
        "self.",
        "env.",
        "os.",
        "import.",
        "ctx.",
        "options.",
        "props.",
        "user.",
        "body.",
        "params.",
        "data.",
        "args.",
        "settings.",
        "Rails.application.",
        "response.",
        "result.",
        "Deno.",
        "DataTypes.",
        "Sequelize.",
        "Schema.",
        "mongoose.",
        "PropTypes.",
        "Joi.",
        "yup.",
        "t.",
        "Type.",
        "z.",
        "action.",
        "payload.",
        "event.",
        "row.",
        "res.",
        "input.",
        "values.",
        "form.",
        "state.",
        "account.",
    ];
    static HEADS: Heads = Heads::of(&ROOTS);
    // A value judged is a value's beginning: see `Scanner::judged`.
    HEADS.may_begin(value) && ROOTS.iter().any(|root| value.starts_with(root.as_bytes()))
        || matches!(value, b"string.Empty" | b"String.Empty")
        || value.len() <= NAME_AT_MOST
            && (is_type(value) || is_resource(value) || is_chained(value) || is_field(value))
        || value.iter().position(|&b| matches!(b, b'(' | b'[')).is_some_and(|open| {
            // `config["token"]`, `params[:token]`, `fetch(…)`
            let reads = value.get(open) == Some(&b'(')
                || value.get(open + 1).is_some_and(|b| b"'\":$`\\".contains(b))
                || value.get(..open).is_some_and(|name| name.contains(&b'.'))
                    && value.get(open + 1).is_some_and(u8::is_ascii_digit);
            reads
                && open > 0
                && value
                    .get(..open)
                    .is_some_and(|name| name.iter().all(|b| b.is_ascii_alphabetic() || b"._!?$".contains(b)))
        })
}
