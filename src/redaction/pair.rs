//! Names and values that stand apart: `<password>…</password>`, `{name, value}`, form fields.

use super::benign;
use super::charset;
use super::keys::Level;
use super::names::Rule;
use super::scan::Scanner;
use super::separator::Separator;
use super::value;

/// How much white space stands around an element's text on a line of its own, and how long such a text is.
const BLANK_AT_MOST: usize = 64;
const WORD_AT_MOST: usize = 128;

impl Scanner<'_> {
    /// `<password>value</password>`
    #[inline(never)]
    pub fn element(&mut self, start: usize, end: usize) -> bool {
        let before = self.before(start);
        let opens = matches!(before, b'<' | b':' | b'>' | b'.')
            || before == b';' && self.is_at(start.saturating_sub(4), b"&lt;");
        if !opens {
            return false;
        }
        let level = self.level_of(start, end, true);
        if !named_secret(level) && level != Level::Digits {
            return false;
        }
        // Python's `<RequestsCookieJar[<Cookie sid=… for example.com/>]>`
        if before == b'<' && self.byte(end) == b' ' && self.slice(start, end) == b"Cookie" {
            return self.cookies(end + 1);
        }
        if self.is_at(end, b"&gt;") {
            return self.element_text(end + 4);
        }
        // `<key>password</key><string>…</string>`, `<name>password</name><value>…</value>`
        if self.is_at(end, b"</key>") || self.is_at(end, b"</name>") {
            let from = end + self.slice(end, end + 8).iter().position(|&b| b == b'>').unwrap_or(0) + 1;
            let gap = self.slice(from, from + 48).iter().take_while(|b| b.is_ascii_whitespace()).count();
            let value = from + gap;
            // XML-RPC's `<value><string>…`
            let inner = value + 7;
            let gap = self.slice(inner, inner + 48).iter().take_while(|b| b.is_ascii_whitespace()).count();
            let within = self.is_at(value, b"<value>") && self.is_at(inner + gap, b"<string>");
            let typed = if within { inner + gap } else { value };
            return (self.is_at(typed, b"<string>") && self.element_text(typed + 8))
                || (self.is_at(value, b"<value>") && self.element_text(value + 7));
        }
        let mut from = end;
        while !matches!(self.byte(from), b'>' | b'<' | b'\n' | 0) && from < end + 200 {
            from += 1;
        }
        self.looked(end, from);
        if self.byte(from) != b'>' || self.before(from) == b'/' {
            return false;
        }
        if level == Level::Digits {
            let to = charset::DIGITS.run_within(self.text, from + 1, 9);
            let pin = (4..=8).contains(&(to - from - 1)) && self.is_at(to, b"</");
            if pin {
                self.take(from + 1, to, to, Rule::KEY_VALUE);
            }
            return pin;
        }
        // Windows' `<Password><Value>…</Value>`
        let value = if self.is_at(from, b"><Value>") { from + 7 } else { from };
        self.element_text(value + 1)
    }

    /// An element's text on a line of its own, a word alone.
    fn element_below(&mut self, from: usize) -> bool {
        let blank = |at: usize| {
            self.slice(at, at + BLANK_AT_MOST).iter().take_while(|b| b.is_ascii_whitespace()).count()
        };
        let start = from + blank(from);
        if self.is_at(start, b"<![CDATA[") {
            return self.element_text(start);
        }
        let rest = self.slice(start, start + WORD_AT_MOST);
        let to = start + rest.iter().take_while(|&&b| b > b' ' && b != b'<').count();
        let close = to + blank(to);
        let content = self.slice(start, to);
        let fits = to > start
            && self.is_at(close, b"</")
            && !content.starts_with(b"{")
            && !value::says_nothing(content);
        self.looked(from, close);
        if fits {
            self.take(start, to, to, Rule::KEY_VALUE);
        }
        fits
    }

    /// The text of an element up to its end tag.
    fn element_text(&mut self, from: usize) -> bool {
        if matches!(self.byte(from), b'\n' | b'\r') {
            return self.element_below(from);
        }
        let data = self.is_at(from, b"<![CDATA[");
        let from = if data { from + 9 } else { from };
        let known = self.elements.known(0, (), from).filter(|_| !data);
        let mut to = known.map_or(from, |(end, _)| end);
        while !(matches!(self.byte(to), b'\n' | 0)
            || self.byte(to) == b'<' && (!data || self.byte(to + 1) == b'!')
            || (data && self.is_at(to, b"]]>"))
            || self.byte(to) == b'&' && self.is_at(to, b"&lt;"))
        {
            to += 1;
        }
        if known.is_none() {
            self.looked(from, to);
        }
        if !data {
            self.elements.note(0, (), from, (to, to));
        }
        let closed = self.is_at(to, b"</") || self.is_at(to, b"&lt;/") || self.is_at(to, b"]]>");
        let content = self.judged(from, to);
        if !closed || value::says_nothing(content) || benign::is_label_text(content) {
            return false;
        }
        self.take(from, to, to, Rule::KEY_VALUE);
        true
    }

    /// `name: "authorization"`: what the name says of the value to come. `None` when it is no secret's. A form field's
    /// value may follow at once.
    #[inline(never)]
    pub fn pair_name(&mut self, sep: Separator) -> Option<Level> {
        let last = self.last_of_list(sep.value);
        let Some((quote, start)) = value::opening(self.text, last) else {
            return self.bare_pair_name(sep.value);
        };
        // Of a path (`/prod/db/password`) the end speaks.
        let (from, mut start, mut end) = (start, start, start);
        for _ in 0..8 {
            end = charset::TOKEN_DOT.run_within(self.text, start, 64);
            if !matches!(self.byte(end), b'/' | b':') {
                break;
            }
            start = end + 1;
        }
        let end = end.max(start); // of a path of more parts nothing is the last
        self.looked(from, end);
        let (closed, after) = value::closing(self.slice(0, (end + 72).min(self.text.len())), end, quote);
        let level = self.alone(start, end);
        let names = named_secret(level) || matches!(level, Level::IfGenerated | Level::Digits);
        if closed != end || after == end || !names {
            return None;
        }
        // `<setting name="Token" serializeAs="String"><value>…`
        let attributes = self.slice(after, after + 80);
        let close = attributes.iter().position(|b| matches!(b, b'>' | b'<' | b'{' | b'\n')).unwrap_or(0);
        let tag = attributes.first() == Some(&b' ')
            && attributes.get(close) == Some(&b'>')
            && self.before(after + close) != b'/';
        let after = after + if tag { close } else { 0 };
        let inner = if self.is_at(after, b"><value>") { after + 7 } else { after };
        if self.byte(after) == b'>' && self.is_text_resource(sep.value, inner + 1) {
            return None;
        }
        if self.byte(after) == b'>' && self.element_text(inner + 1) {
            return Some(level);
        }
        self.value_before(sep.value);
        if let Some(from) = self.part_body(after) {
            let rest = self.slice(from, from + 512);
            let ends = |b: &u8| matches!(b, b'\r' | b'\n' | b'\\' | b'"' | b'\'');
            let to = from + rest.iter().position(ends).unwrap_or(rest.len());
            self.looked(from, to);
            if to > from && !value::says_nothing(self.judged(from, to)) {
                self.at = from;
                self.take(from, to, to, Rule::KEY_VALUE);
            }
        }
        Some(level)
    }

    /// Android's `<string name="enter_password">Enter your password</string>`: words that a screen shows, the first with a
    /// capital.
    fn is_text_resource(&mut self, name: usize, text: usize) -> bool {
        let words = self.slice(text, text + WORD_AT_MOST);
        let length = words.iter().position(|&b| b == b'<').unwrap_or(0);
        let words = words.get(..length).unwrap_or_default();
        let plain = |b: &u8| b.is_ascii_alphabetic() || b" ,.?!'\\:-".contains(b) || *b >= 0x80;
        let fits = self.is_at(name.saturating_sub(13), b"<string name=")
            && words.contains(&b' ')
            && words.first().is_some_and(u8::is_ascii_uppercase)
            && words.iter().all(plain);
        self.looked(text, text + length);
        fits
    }

    /// `"loc":["body","password"]`: of a list of strings the last speaks. Where it starts.
    fn last_of_list(&mut self, at: usize) -> usize {
        if self.byte(at) != b'[' {
            return at;
        }
        let list = self.slice(at, at + 96);
        let Some(close) = list.iter().position(|&b| b == b']') else { return at };
        self.looked(at, at + close);
        list.get(..close)
            .and_then(|list| list.iter().rposition(|&b| b == b','))
            .map_or(at + 1, |comma| at + comma + 1 + value::run_of(self.text, at + comma + 1, b' '))
    }

    /// `<input value="…" name="token">`: the value that stands before its name.
    fn value_before(&mut self, name: usize) {
        let from = name.saturating_sub(240).max(self.done);
        let tag = self.slice(from, name);
        self.looked(from, name);
        let object = || tag.iter().rposition(|&b| b == b'{');
        let statement = || tag.windows(5).rposition(|part| part.eq_ignore_ascii_case(b" set "));
        let Some(open) = tag.iter().rposition(|&b| b == b'<').or_else(object).or_else(statement) else {
            return;
        };
        let tag = tag.get(open..).unwrap_or_default();
        let Some(at) = tag.windows(5).position(|part| part == b"value") else { return };
        let start = from + open + at + 5;
        let skip = |at: usize, what: &[u8]| {
            at + self.slice(at, at + 4).iter().take_while(|b| what.contains(b)).count()
        };
        let sign = skip(skip(start, b"\\\"'`"), b" ");
        if !matches!(self.byte(sign), b'=' | b':') {
            return;
        }
        let mark = skip(sign + 1, b" ");
        let Some((quote, start)) = value::opening(self.text, mark) else { return };
        let (end, after) = value::closing(self.slice(0, name), start, quote);
        if start < end && after > end && !value::says_nothing(self.judged(start, end)) {
            let resume = self.at;
            self.take(start, end, after, Rule::KEY_VALUE);
            self.at = self.at.max(resume);
        }
    }

    /// YAML's `name: DB_PASSWORD` with `value: …` to come.
    fn bare_pair_name(&mut self, start: usize) -> Option<Level> {
        let mut start = start;
        let mut end = charset::TOKEN_DOT.run_within(self.text, start, 64);
        // .NET's `Smtp:Password`
        if self.byte(end) == b':' && end > start {
            start = end + 1;
            end = charset::TOKEN_DOT.run_within(self.text, start, 64);
        }
        self.looked(start, end);
        let ends = matches!(self.byte(end), b'\n' | b'\r' | b',' | b';' | b' ')
            || self.is_at(end, b"\\n")
            || self.is_at(end, b"\\r");
        let level = self.alone(start, end);
        (end > start && ends && named_secret(level)).then_some(level)
    }
}

/// Whether a name alone makes what it names a secret.
fn named_secret(level: Level) -> bool {
    matches!(level, Level::Always | Level::UnlessNumber | Level::UnlessCount)
}
