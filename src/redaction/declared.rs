//! What a declaration says in a secret's place: a type, a path to one, what makes the value.

use super::bare::Bare;
use super::charset;
use super::lists::{ends_as, is_one_of};
use super::phrase::PASSWORDS;
use super::scan::Scanner;
use super::value;

/// The longest type's name or path.
const TYPE_AT_MOST: usize = 96;

impl Scanner<'_> {
    /// Whether source code stands in the value's place: its type, a path, a macro, a variable of its name.
    pub fn is_declared(&self, bare: &Bare<'_>) -> bool {
        self.is_type(bare)
            || self.is_shown_model(bare)
            || is_kernel_type(bare)
            || is_type_path(bare)
            || is_named_type(bare)
            || is_variable_of(bare)
            || self.is_macro(bare)
            || is_letter(bare)
            || self.is_field_set(bare)
    }

    /// Its type, or what takes one: `cookie: Record<string, string>`, `privateKey: CryptoKey;`, `useState<…`,
    /// `secret: Buffer | string`, `token: string?`
    fn is_type(&self, bare: &Bare<'_>) -> bool {
        const UNITED: &str = "string null none undefined number boolean buffer uint8array keyobject";
        let &Bare { sep, own, end, content, .. } = bare;
        let word = !content.is_empty() && content.iter().all(u8::is_ascii_alphabetic);
        let capital = content.first().is_some_and(u8::is_ascii_uppercase);
        let rest = self.slice(end, end + 64);
        let close =
            rest.iter().position(|&b| b == b'>').map(|close| rest.get(close + 1).copied().unwrap_or(b'\n'));
        let generic = word
            && rest.first() == Some(&b'<')
            && (content.starts_with(b"use") || sep.spaced_colon && capital)
            && close.is_some_and(|behind| b";,)(= \n>".contains(&behind));
        let declared = word && sep.spaced_colon && !sep.quoted;
        let humps = capital
            && content.iter().skip(1).any(u8::is_ascii_uppercase)
            && content.iter().any(u8::is_ascii_lowercase);
        let typed = declared
            && humps
            && (self.byte(end) == b';' || self.is_at(end, b" {"))
            && ends_as!(content, "key cookie cookies object token secret string buffer type options config");
        let united = || {
            let behind = charset::ALNUM.run_within(self.text, end + 3, 24);
            declared && self.is_at(end, b" | ") && is_one_of!(self.slice(end + 3, behind), UNITED)
        };
        let optional = content.strip_suffix(b"?").is_some_and(value::says_nothing);
        // `tokens: Token[]`
        let array = capital
            && sep.spaced_colon
            && !sep.quoted
            && !ends_as!(own, PASSWORDS)
            && self.byte(end) == b']'
            && content.strip_suffix(b"[").is_some_and(|name| name.iter().all(u8::is_ascii_alphabetic));
        generic || typed || optional || array || united()
    }

    /// `this.tokens = capacity;`: a field is given what a variable holds.
    fn is_field_set(&self, bare: &Bare<'_>) -> bool {
        let &Bare { sep, name, end, content, .. } = bare;
        !(sep.colon || sep.quoted || sep.unspaced || sep.arrow)
            && self.is_at(name.saturating_sub(5), b"this.")
            && self.byte(end - usize::from(content.ends_with(b";"))) == b';'
            && content.strip_suffix(b";").unwrap_or(content).iter().all(u8::is_ascii_alphabetic)
    }

    /// Rust's `quote! { … }`, `Token![const]`: a macro and its brackets. What stands in round ones may be a password.
    fn is_macro(&self, bare: &Bare<'_>) -> bool {
        let &Bare { end, content, .. } = bare;
        let name = content.iter().take_while(|b| b.is_ascii_alphabetic() || **b == b'_').count();
        let small = content.iter().take(name).all(|b| b.is_ascii_lowercase() || *b == b'_');
        let braced = small && (self.is_at(end, b" {") && !self.is_at(end, b" {\"") || self.byte(end) == b'{');
        name > 2
            && match content.get(name..) {
                Some(b"!") => braced,
                Some(rest) => rest.starts_with(b"![") && rest.len() > 2,
                None => false,
            }
    }

    /// Python's `<ApiKey: CI bot>`, as a model is shown. One that shows its key has it there.
    fn is_shown_model(&self, bare: &Bare<'_>) -> bool {
        let &Bare { sep, name, own, content, .. } = bare;
        self.before(name) == b'<'
            && sep.spaced_colon
            && !sep.quoted
            && own.first().is_some_and(u8::is_ascii_uppercase)
            && own.iter().all(u8::is_ascii_alphanumeric)
            && content.iter().all(|&b| charset::is_alnum(b) || b == b'-')
            && !value::is_told(content)
            && !value::looks_generated(content, 8)
    }
}

/// The kernel's `__u32`, `__le64`
fn is_kernel_type(bare: &Bare<'_>) -> bool {
    let kind = bare.content.strip_prefix(b"__").unwrap_or_default();
    let letters = kind.iter().take_while(|b| b.is_ascii_lowercase()).count();
    bare.sep.spaced_colon
        && (1..=3).contains(&letters)
        && matches!(kind.get(letters..), Some(b"8" | b"16" | b"32" | b"64" | b"128"))
}

/// Rust's `windows_sys::core::PWSTR`, `::std::string::String`: names joined by double colons, the last one a type's
fn is_type_path(bare: &Bare<'_>) -> bool {
    let &Bare { sep, content, .. } = bare;
    let path = content.strip_prefix(b"::").unwrap_or(content);
    let name = |part: &[u8]| {
        part.len() > 1
            && part.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_')
            && part.iter().all(|&b| charset::is_alnum(b) || b == b'_')
            && !value::looks_generated(part, 12)
    };
    let last = path.rsplit(|&b| b == b':').next().unwrap_or_default();
    let mut parts = path.split(|&b| b == b':').enumerate();
    sep.spaced_colon
        && path.len() <= TYPE_AT_MOST
        && last.len() < path.len()
        && last.first().is_some_and(u8::is_ascii_uppercase)
        && parts.all(|(nth, part)| if nth % 2 == 1 { part.is_empty() } else { name(part) })
}

/// `private_key: PrivateDecryptingKey`, `private_key: KeyFlexible`, `secret: Buffer`: a type whose name holds the last word of
/// its field's, or that holds bytes. A password may be such a word.
fn is_named_type(bare: &Bare<'_>) -> bool {
    const BYTES: [&[u8]; 5] = [b"Buffer", b"Uint8Array", b"ArrayBuffer", b"CryptoKey", b"KeyObject"];
    let &Bare { sep, own, content, .. } = bare;
    if !sep.spaced_colon || sep.quoted || content.len() > TYPE_AT_MOST || ends_as!(own, PASSWORDS) {
        return false;
    }
    if BYTES.contains(&content) {
        return true;
    }
    let word = own.rsplit(|b| matches!(b, b'_' | b'-')).next().unwrap_or_default();
    let humps = word.iter().rposition(u8::is_ascii_uppercase).unwrap_or(0);
    let word = word.get(humps..).unwrap_or_default();
    let digits = content.iter().filter(|b| b.is_ascii_digit()).count();
    let capitals = content.iter().filter(|b| b.is_ascii_uppercase()).count();
    let begins = |part: &[u8]| {
        part.len() == word.len()
            && part.first().is_some_and(u8::is_ascii_uppercase)
            && part.iter().skip(1).all(u8::is_ascii_lowercase)
            && part.eq_ignore_ascii_case(word)
    };
    word.len() > 2
        && content.first().is_some_and(u8::is_ascii_uppercase)
        && content.iter().all(u8::is_ascii_alphanumeric)
        && digits <= 2
        && capitals > 1
        && capitals * 5 <= 2 * content.len()
        && content.windows(word.len()).any(begins)
}

/// `cookies: resCookies`, `apiKey: myApiKey`: a variable that is called as its field is. A secret or a password may be
/// called so too.
fn is_variable_of(bare: &Bare<'_>) -> bool {
    let &Bare { sep, own, content, .. } = bare;
    let split = content.len().saturating_sub(own.len());
    let (lead, same) = content.split_at_checked(split).unwrap_or_default();
    sep.spaced_colon
        && !sep.quoted
        && ends_as!(own, "cookie cookies token tokens key authorization")
        && (2..=24).contains(&lead.len())
        && lead.iter().all(u8::is_ascii_lowercase)
        && same.first().is_some_and(u8::is_ascii_uppercase)
        && same.eq_ignore_ascii_case(own)
}

/// `const Token = z`, and below it `.object(…)`: one letter is a variable's name.
fn is_letter(bare: &Bare<'_>) -> bool {
    let sep = bare.sep;
    matches!(bare.content, [b] if b.is_ascii_lowercase())
        && !(sep.unspaced || sep.quoted || sep.colon)
        && !ends_as!(bare.own, PASSWORDS)
}
