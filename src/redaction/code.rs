//! Code in the place of a value: what fetches a secret, its type, a variable of its name.

use super::charset;
use super::keys::{self, Level};
use super::lists::is_one_of;
use super::words::Heads;

/// Whether a function's name says that it fetches something by the name it is given: `getSecret("stripe")`, `env('KEY')`. What
/// else is called is given the secret: `Some("…")`, `md5("…")`, `unhex('…')`.
pub fn is_getter(name: &[u8]) -> bool {
    const VERBS: &str = "get getenv env read load fetch find config lookup param require resolve t gettext serialize prompt import";
    let verb = name.iter().take_while(|b| b.is_ascii_lowercase()).count();
    is_one_of!(name.get(..verb).unwrap_or_default(), VERBS)
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
            && name.iter().all(|&b| charset::is_alnum(b) || b == b'_')
            && !super::value::looks_generated(name, 12)
    };
    let length = value.iter().position(|&b| b == b'(').unwrap_or(value.len());
    let path = value.get(..length).unwrap_or_default();
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
            && parts.by_ref().enumerate().all(|(i, part)| {
                if i % 2 == 0 { part.is_empty() } else { part.split(|&b| b == b'.').all(name) }
            })
    }
}

/// Rust's `1.to_string()`: a number's method
fn is_number_called(value: &[u8]) -> bool {
    let digits = value.iter().take_while(|b| b.is_ascii_digit()).count();
    let method = value.get(digits..).and_then(|rest| rest.strip_prefix(b".")).unwrap_or_default();
    let name = method.iter().take_while(|b| b.is_ascii_lowercase() || **b == b'_').count();
    (1..=4).contains(&digits) && name > 3 && method.get(name) == Some(&b'(')
}

/// Terraform's `random_password.db.result`: what kind of thing, which one, and its field
fn is_resource(value: &[u8]) -> bool {
    let name = |name: &[u8]| name.len() > 1 && name.iter().all(|b| b.is_ascii_lowercase() || *b == b'_');
    let kind = value.split(|&b| b == b'.').next().unwrap_or_default();
    let last = value.rsplit(|&b| b == b'.').next().unwrap_or_default();
    kind.contains(&b'_')
        && is_one_of!(last, "result id arn value name secret_string password")
        && value.split(|&b| b == b'.').count() > 2
        && value.split(|&b| b == b'.').all(name)
}

/// `intent.client_secret`, `passwordField.value`: a thing's field that holds a secret, or says that it holds a value
fn is_secret_field(value: &[u8]) -> bool {
    let name = |name: &[u8]| !name.is_empty() && name.iter().all(|b| b.is_ascii_alphabetic() || *b == b'_');
    let last = value.rsplit(|&b| b == b'.').next().unwrap_or_default();
    last.len() < value.len()
        && (is_one_of!(last, "value text next current")
            || last.iter().skip(1).any(|b| b.is_ascii_uppercase() || *b == b'_')
                && keys::level(last) == Level::Always)
        && value.split(|&b| b == b'.').all(name)
}

/// Whether what stands behind a name is a variable of that name, or a field of one: `_password`, `token.next`.
pub fn is_own(value: &[u8], name: &[u8]) -> bool {
    let rest = value.strip_prefix(b"_").unwrap_or(value).strip_prefix(name);
    let field =
        |rest: &[u8]| rest.strip_prefix(b".").is_some_and(|field| is_one_of!(field, "next value current"));
    name.len() > 2 && rest.is_some_and(|rest| rest.is_empty() || field(rest))
}

/// Whether what stands behind a bracket reads as arguments: nothing that is left of them, a name, a number, a string.
fn reads_as_arguments(text: &[u8]) -> bool {
    let named = |b: &u8| b.is_ascii_alphanumeric() || b"_.$".contains(b);
    let name = text.iter().take_while(|b| named(b)).count();
    let word = text.get(..name).unwrap_or_default();
    let fits = super::statement::is_owed(word)
        || !word.iter().any(u8::is_ascii_digit)
        || word.iter().all(u8::is_ascii_digit)
        || word.contains(&b'.');
    match text.get(name) {
        None | Some(b',') => fits,
        Some(b')') => {
            fits && matches!(text.get(name + 1), None | Some(b'.' | b')' | b';' | b',' | b'[' | b'?' | b'}'))
        }
        Some(b'(' | b'[' | b':' | b'<' | b'!') if name > 0 => fits,
        // Python's `CharField(write_only=True)`
        Some(b'=') => name > 2 && word.iter().all(|b| b.is_ascii_lowercase() || *b == b'_'),
        // `b"…"`
        Some(b'"' | b'\'') => name <= 2,
        Some(b'`' | b'\\' | b'&' | b'|' | b'{' | b'[' | b'(' | b':') => name == 0,
        _ => false,
    }
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
    let field = |rest: &[u8]| {
        rest.first().is_some_and(|b| b.is_ascii_alphabetic() || b"_$[".contains(b))
            && !rest.split(|&b| b == b'.').any(|part| super::value::looks_generated(part, 8))
    };
    let dotted = value.contains(&b'.');
    dotted
        && HEADS.may_begin(value)
        && ROOTS.iter().any(|root| value.strip_prefix(root.as_bytes()).is_some_and(field))
        || matches!(value, b"string.Empty" | b"String.Empty")
        || value.len() <= NAME_AT_MOST
            && (dotted && (is_type(value) || is_resource(value) || is_secret_field(value))
                || is_chained(value))
        || dotted && is_number_called(value)
        || value.iter().position(|&b| matches!(b, b'(' | b'[')).is_some_and(|open| {
            let (name, rest) = value.split_at_checked(open).unwrap_or_default();
            // `config["token"]`, `params[:token]`, `gray[700]`, `fetch(…)`
            let index = rest.iter().skip(1).take_while(|b| b.is_ascii_digit()).count();
            let reads = rest.first() == Some(&b'(') && reads_as_arguments(rest.get(1..).unwrap_or_default())
                || rest.first() == Some(&b'[') && rest.get(1).is_some_and(|b| b"'\":$`\\".contains(b))
                || name.contains(&b'.') && index > 0 && matches!(rest.get(index + 1..), Some(b"" | b"]"));
            // Rust's `format!(`, Elixir's `System.fetch_env!(`, Svelte's `$bindable(`
            let bang = name.strip_suffix(b"!").filter(|name| {
                name.contains(&b'.') || name.iter().all(|b| b.is_ascii_lowercase() || *b == b'_')
            });
            let name = bang.unwrap_or(name);
            let name = name.strip_prefix(b"$").unwrap_or(name);
            let letters = |b: &u8| b.is_ascii_alphabetic() || b"._".contains(b);
            // `sha2(`, `utf8(`
            let digits = name.iter().rev().take_while(|b| b.is_ascii_digit()).count();
            let (word, digits) = name.split_at_checked(name.len() - digits).unwrap_or_default();
            let numbered = digits.is_empty()
                || word.len() > 1 && word.iter().all(|b| b.is_ascii_lowercase() || *b == b'_');
            reads
                && numbered
                && word.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_')
                && word.iter().all(letters)
        })
}
