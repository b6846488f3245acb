//! What a name says where it stands: with the word before it, where the name alone says too little or too much; and where
//! it is no secret's name, or nothing stands behind it.

use super::keys;
use super::lists::{ends_as, is_one_of};
use super::scan::Scanner;
use super::separator::Separator;
use super::words::hash;

/// Segments of a path whose next one names no secret: what it names has a hash there, or is a package.
const LEADS: &str = "checksum hash sha256 digest node_modules";

/// What stands before `token` where it is a tokenizer's.
const LEXERS: &str = "eot eom eog fim eos bos pad unk cls sep mask stop special";

impl Scanner<'_> {
    /// What the name that stands there says by itself. Several rules ask of the same one, and a text has the same names over
    /// and over, so some are remembered: by where they stood last, and told by what stands there.
    #[inline(never)]
    pub fn alone(&self, start: usize, end: usize) -> keys::Level {
        let name = self.slice(start, end);
        let place = &self.levels[hash(name) % self.levels.len()];
        match place.get() {
            (from, to, level)
                if from == start && to == end
                    || from < to && to - from == name.len() && self.slice(from, to) == name =>
            {
                level
            }
            _ => {
                let level = keys::level(name);
                place.set((start, end, level));
                level
            }
        }
    }

    /// What a name says, together with the word before it where the name alone says too little.
    #[inline(never)]
    pub fn level_of(&self, start: usize, end: usize, quoted: bool) -> keys::Level {
        use keys::Level::*;
        let level = self.alone(start, end);
        let (from, to) = self.words[0];
        // `checksum/secret: …`, `"node_modules/csrf": {…}`
        if to > from && self.byte(to) == b'/' && to + 1 == start && is_one_of!(self.slice(from, to), LEADS) {
            return Harmless;
        }
        if to > from
            && matches!(level, Harmless | Query | Code)
            && is_one_of!(self.slice(start, end), "key keys code codes number phrase")
            && self.nested(to, start)
        {
            // `"mfa":{"code":"123456"}`, `api:` and below it `key: …`
            return match self.alone(from, end) {
                Always | UnlessNumber if is_one_of!(self.slice(start, end), "code codes") => Digits,
                Always | UnlessNumber => IfGenerated,
                _ => level,
            };
        }
        let dotted = self.byte(to) == b'.';
        let joined = to > from && to + 1 == start && (dotted || self.byte(to) == b' ' && !quoted);
        if !joined {
            return level;
        }
        let name = self.slice(start, end);
        match level {
            // `ENCRYPTION.KEY.PRIMARY`, `.AspNetCore.Antiforgery.x1`: the last word says nothing.
            Harmless if dotted => {
                let (further, ends) = self.words[1];
                let from =
                    if ends > 0 && ends + 1 == from && self.byte(ends) == b'.' { further } else { from };
                match self.alone(from, end) {
                    Always => IfGenerated,
                    IfGenerated if name.len() < 4 && self.before(end).is_ascii_digit() => IfGenerated,
                    _ => level,
                }
            }
            Harmless | Query | Code if is_one_of!(name, "key keys code codes number phrase") => {
                match self.alone(from, end) {
                    joined @ (Always | UnlessNumber) => joined,
                    _ => level,
                }
            }
            Always | UnlessNumber | UnlessCount if !dotted && self.is_of_kind(from, to, name) => Harmless,
            // `EOS token = 128009`
            Always if !dotted && is_one_of!(name, "token") && is_one_of!(self.slice(from, to), LEXERS) => {
                IfGenerated
            }
            Always | UnlessNumber | UnlessCount if !dotted && self.speaks_of_parsing(from, to, name) => {
                IfGenerated
            }
            _ => level,
        }
    }

    /// Whether a name ends and the list of what is under it starts in between: `":{"`, `: { `, `:\n  `.
    fn nested(&self, to: usize, start: usize) -> bool {
        let gap = self.slice(to, start);
        gap.len() <= 24
            && gap.contains(&b':')
            && gap.iter().any(|b| matches!(b, b'{' | b'\n'))
            && gap.iter().all(|b| b"\\\"': {\n\r\t".contains(b))
    }

    /// `sync token …`, a place in a list, as `syncToken` is; `design tokens: …`, a style's values; `Mountable secrets: …`, as
    /// kubectl names them
    fn is_of_kind(&self, from: usize, to: usize, name: &[u8]) -> bool {
        let before = self.slice(from, to);
        is_one_of!(before, "sync continuation") && is_one_of!(name, "token")
            || is_one_of!(before, "design color colors colour colours css theme")
                && is_one_of!(name, "tokens")
            || is_one_of!(before, "mountable") && is_one_of!(name, "secrets")
    }

    /// `Unexpected token: }`, `invalid token: …`, `missing secret: …`. Behind `invalid password: …` it is what was typed.
    fn speaks_of_parsing(&self, from: usize, to: usize, name: &[u8]) -> bool {
        const WORDS: &str = "unexpected missing expired unknown next parse no unrecognized page sync continuation design lexer";
        let before = self.slice(from, to);
        is_one_of!(before, WORDS)
            || is_one_of!(before, "invalid illegal bad expected") && ends_as!(name, "token tokens key keys")
    }

    /// Whether a name stands in a URL's query or fragment.
    pub fn in_query(&self, start: usize) -> bool {
        let before = self.slice(start.saturating_sub(6), start);
        matches!(self.before(start), b'?' | b'&' | b'#')
            || before.ends_with(b"u0026")
            || before.ends_with(b"&amp;")
            || before.ends_with(b"%26")
            || before.ends_with(b"%3F")
    }

    /// `<saml:AuthnContext>`, `</saml:…`: a prefix of XML; `${TOKEN:?must be set}`: a shell's message
    pub fn is_of_markup(&self, start: usize, end: usize) -> bool {
        if self.byte(end) != b':' || !matches!(self.before(start), b'<' | b'/' | b'{') {
            return false;
        }
        let back = self.slice(start.saturating_sub(2), start);
        let local = super::charset::ALNUM.run_within(self.text, end + 1, 64);
        let word = self.slice(end + 1, local);
        let element = word.first().is_some_and(u8::is_ascii_uppercase)
            && word.iter().all(u8::is_ascii_alphabetic)
            && matches!(self.byte(local), b' ' | b'>' | b'/' | b'&');
        let prefix = element && (back.ends_with(b"<") || back == b"</");
        let message = back == b"${" && matches!(self.byte(end + 1), b'?' | b'+');
        prefix || message
    }

    /// `…:RSA-PSK-AES128-CBC-SHA:…`: one of a list of ciphers, and the next
    #[inline(never)]
    pub fn names_cipher(&self, start: usize, end: usize, sep: Separator) -> bool {
        if self.before(start) != b':' || !sep.colon || !sep.unspaced {
            return false;
        }
        let name = self.slice(start, end);
        name.contains(&b'-')
            && name.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'-')
    }

    /// `tokens: [ { type: 'paragraph', … } ]`: whether a list of a text's parts opens here, as a lexer makes it.
    pub fn lists_nodes(&self, at: usize) -> bool {
        const NODES: &str = "paragraph heading text identifier punctuation keyword comment space list blockquote hr html em strong operator";
        let rest = self.slice(at + 1, at + 64);
        let mark = |b: &&u8| b.is_ascii_whitespace() || b"{:'\"\\".contains(b);
        let open = rest.iter().take_while(mark).count();
        let opens = rest.get(..open).is_some_and(|marks| marks.contains(&b'{'));
        let Some(kind) = rest.get(open..).and_then(|rest| rest.strip_prefix(b"type")) else { return false };
        let gap = kind.iter().take_while(mark).count();
        let kind = kind.get(gap..).unwrap_or_default();
        let word = kind.iter().take_while(|b| b.is_ascii_alphabetic()).count();
        self.byte(at) == b'[' && opens && gap > 0 && is_one_of!(kind.get(..word).unwrap_or_default(), NODES)
    }

    /// `?cursor=&token= 200`: nothing stands behind the last name, an address ends where a space is.
    pub fn ends_query(&self, start: usize, sep: Separator) -> bool {
        let sign = sep.colon || sep.arrow || sep.listed;
        matches!(self.before(start), b'?' | b'&')
            && self.before(start - 1) > b' '
            && !sign
            && !sep.unspaced
            && !sep.quoted
    }
}
