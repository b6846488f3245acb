//! An object as a runtime prints it: a reference that says nothing, and brackets behind a type's name in which reading
//! goes on.

use super::charset;
use super::lists::{ends_as, is_one_of};
use super::scan::Scanner;
use super::value;
use super::words::mentions;

/// The longest name of a type, its package before it.
const TYPE_AT_MOST: usize = 96;

/// How far behind a record's beginning its level stands at most.
const LEVEL_WITHIN: usize = 96;

/// How the types end that hold a secret.
const HOLDERS: &str =
    "token tokens secret secrets password credential credentials cookie cookies key session";

/// Where an object was, and no more: `android.os.BinderProxy@2bd79ce`, `[C@1b6d3586` (Java's `Object.toString`). A name
/// without its package may be a password.
pub fn is_reference(value: &[u8]) -> bool {
    let value = value.get(..value.len().min(TYPE_AT_MOST)).unwrap_or_default();
    let Some(sign) = value.iter().position(|&b| b == b'@') else { return false };
    let (kind, place) = (value.get(..sign).unwrap_or_default(), value.get(sign + 1..).unwrap_or_default());
    let placed = (3..=8).contains(&place.len()) && place.iter().all(|&b| charset::HEX.has(b));
    let word =
        |part: &[u8]| !part.is_empty() && part.iter().all(|&b| charset::is_alnum(b) || b"_$".contains(&b));
    let class = kind.rsplit(|&b| b == b'.').next().unwrap_or_default();
    let packaged = class.len() < kind.len()
        && kind.first().is_some_and(u8::is_ascii_lowercase)
        && class.first().is_some_and(u8::is_ascii_uppercase)
        && kind.split(|&b| b == b'.').all(word);
    placed && (packaged || matches!(kind, [b'[', b'B' | b'C' | b'I' | b'J']))
}

/// Python's `'NoneType'`, `'str'`, before the word for its objects.
pub fn is_type_name(value: &[u8]) -> bool {
    (2..=TYPE_AT_MOST).contains(&value.len())
        && value.iter().all(|b| b.is_ascii_alphabetic() || b"._".contains(b))
}

/// Whether a string prints the object of the type it stands under: `"AuthToken":"AuthToken(user=\"ada\")"`.
pub fn prints_itself(name: &[u8], value: &[u8]) -> bool {
    let fields = value.strip_prefix(name).and_then(|rest| rest.strip_prefix(b"(")).unwrap_or_default();
    let field = fields.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    name.first().is_some_and(u8::is_ascii_uppercase)
        && name.iter().all(u8::is_ascii_alphabetic)
        && field > 1
        && fields.get(field) == Some(&b'=')
}

impl Scanner<'_> {
    /// Where the bracket stands of an object printed behind its type: `AppWindowToken{9f4ef63 token=…}`,
    /// `Password{value=…}`, Werkzeug's `ImmutableMultiDict([('session', '…')])`, Python's `<RequestsCookieJar[…`. What stands
    /// behind another name so is a password.
    pub fn printed_object(&self, at: usize) -> Option<usize> {
        let shown = self.byte(at) == b'<';
        let at = at + usize::from(shown);
        if !self.byte(at).is_ascii_uppercase() {
            return None;
        }
        let end = charset::ALNUM.run_within(self.text, at, 48);
        let kind = self.slice(at, end);
        if !kind.iter().all(u8::is_ascii_alphabetic) {
            return None;
        }
        let open = match self.byte(end) {
            b'[' if shown => ends_as!(kind, "jar"),
            b'{' => ends_as!(kind, HOLDERS) && self.begins_fields(end + 1),
            b'(' if self.is_at(end, b"([(") => return ends_as!(kind, "dict").then_some(end + 1),
            _ => false,
        };
        open.then_some(end)
    }

    /// `value=…`: an object's first field
    fn begins_fields(&self, at: usize) -> bool {
        let end = charset::ALNUM_UNDER.run_within(self.text, at, 32);
        let name = self.slice(at, end);
        let named = name.len() > 1 && name.iter().all(|b| b.is_ascii_alphabetic() || *b == b'_');
        named && matches!(self.byte(end), b'=' | b':')
    }

    /// Android's `Token{a64f992 ActivityRecord{…`: an object by its place, and another in it that it says nothing of.
    pub fn prints_place(&self, at: usize) -> bool {
        if !self.byte(at).is_ascii_uppercase() {
            return false;
        }
        let end = charset::ALNUM.run_within(self.text, at, 48);
        let place = charset::HEX.run_within(self.text, end + 1, 9);
        self.byte(end) == b'{'
            && ends_as!(self.slice(at, end), HOLDERS)
            && (5..=8).contains(&(place - end - 1))
            && matches!(self.byte(place), b' ' | b'}')
    }

    /// `DbSecret (DbSecret4F2A) CREATE_COMPLETE`: what became of the resource whose name CloudFormation puts in brackets
    #[inline(never)]
    pub fn tells_resource(&self, end: usize) -> bool {
        let said = self.slice(end, end + 12);
        said.starts_with(b") ")
            && said.contains(&b'_')
            && said.iter().skip(2).all(|b| b.is_ascii_uppercase() || *b == b'_')
    }

    /// Java's `[C@1b6d3586`: where the reference ends.
    pub fn array_reference(&self, at: usize) -> Option<usize> {
        if self.byte(at) != b'[' {
            return None;
        }
        let end = charset::HEX.run_within(self.text, at + 3, 9);
        is_reference(self.slice(at, end)).then_some(end)
    }

    /// `external-secrets: {"level":"info","ts":…}`: a line as a logger writes it, behind the program's name
    pub fn begins_record(&mut self, at: usize) -> bool {
        const LEVELS: [&[u8]; 3] = [b"level\"", b"severity\"", b"lvl\""];
        const OTHERS: [&[u8]; 5] = [b"ts\"", b"time\"", b"timestamp\"", b"msg\"", b"message\""];
        let Some((_, start)) = value::opening(self.text, at + 1) else { return false };
        let end = charset::TOKEN.run_within(self.text, start, 16);
        if self.byte(at) != b'{'
            || !is_one_of!(self.slice(start, end), "level severity lvl ts time timestamp")
        {
            return false;
        }
        self.looked(start, start + LEVEL_WITHIN);
        let rest = self.slice(start, start + LEVEL_WITHIN);
        mentions(rest, &LEVELS) && mentions(rest, &OTHERS)
    }

    /// `('session', '…')`: the first in brackets is the name of the second.
    pub fn names_second(&self, open: usize, content: &[u8], after: usize) -> bool {
        let plain = |b: &u8| b.is_ascii_alphabetic() || b"_-.".contains(b);
        self.before(open) == b'(' && self.byte(after) == b',' && content.iter().all(plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_told_from_a_password() {
        for reference in
            ["android.os.BinderProxy@2bd79ce", "javax.crypto.spec.SecretKeySpec@17f5a", "[C@1b6d3586"]
        {
            assert!(is_reference(reference.as_bytes()), "{reference}");
        }
        for other in
            ["Hunter@2024", "V10l3t@502", "ada.lovelace@2024", "a.B@cafe.example", "[x@12345", "@12345"]
        {
            assert!(!is_reference(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn an_object_prints_itself_under_its_type() {
        assert!(prints_itself(b"AuthToken", br#"AuthToken(user=\"ada\")"#));
        for value in ["AuthToken", "AuthToken(9fKx72)", "Token(user=1)", "AuthToken(=)"] {
            assert!(!prints_itself(b"AuthToken", value.as_bytes()), "{value}");
        }
    }
}
