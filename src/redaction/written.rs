//! A value as it is written behind a name: in quotation marks or a wrapper, bare, or a list that opens.

use super::charset;
use super::keys::Level;
use super::lists::{ends_as, is_one_of};
use super::names::Rule;
use super::scan::Scanner;
use super::separator::Separator;
use super::statement;
use super::value::{self, Quote};

/// The longest passphrase of plain words.
const PHRASE_AT_MOST: usize = 96;

/// A value as it is written.
pub enum Value {
    /// In quotation marks: content, and where reading goes on
    Quoted(usize, usize, usize),
    /// Bare
    Bare(usize, usize),
    /// A list or an object opens here
    Opens(usize),
}

impl Scanner<'_> {
    /// The value behind a separator. `None` when nothing stands there.
    #[inline(never)]
    pub fn value(&mut self, sep: Separator) -> Option<Value> {
        let mut at = self.behind_tags(sep);
        if let Some((from, to)) = self.doubled_marks(at) {
            return Some(Value::Quoted(from, to, to + 2));
        }
        if let Some((from, to)) = self.emphasised(sep, at) {
            return Some(Value::Bare(from, to));
        }
        if matches!(self.byte(at), b'"' | b'\'') {
            return self.string_or_bare(sep, at); // no wrapper begins so
        }
        if self.byte(at) == b'{' && statement::is_owed(self.slice(at, at + 3)) {
            return Some(Value::Bare(at, at + 3));
        }
        if let Some((from, to)) = self.relay_password(at, true) {
            return Some(Value::Bare(from, to));
        }
        if let Some(end) = self.bytes_value(at).or_else(|| self.array_reference(at)) {
            return Some(Value::Bare(at, end));
        }
        if let Some(open) = self.printed_object(at) {
            return Some(Value::Opens(open));
        }
        at = self.behind_type(at).unwrap_or(at);
        if self.is_at(at, super::MARK.as_bytes()) {
            return Some(Value::Bare(at, at + super::MARK.len()));
        }
        if matches!(self.byte(at), b'{' | b'[') && !self.is_at(at, b"{{") {
            if let Some((start, end)) = self.braced(sep, at).or_else(|| self.schemed(at)) {
                return Some(Value::Bare(start, end));
            }
            // Java's and Go's `name=[value]`
            let end = charset::CREDENTIAL.run_within(self.text, at + 1, 256);
            self.looked(at, end);
            let content = self.slice(at + 1, end);
            let single = self.byte(at) == b'[' && self.byte(end) == b']' && end > at + 1;
            let opens = content.iter().all(u8::is_ascii_alphabetic)
                || matches!(content.first(), Some(b'"' | b'\'' | b'`' | b'{' | b'[' | b'\\' | b'('))
                    && !content.starts_with(super::MARK.as_bytes());
            return Some(if single && !opens { Value::Bare(at + 1, end) } else { Value::Opens(at) });
        }
        // `b'…'`, `Some("…")`, `String("…")`, `Secret("…")`
        let word = charset::ALNUM_UNDER.run_within(self.text, at, 24);
        let open = word + usize::from(self.byte(word) == b'(');
        if self.is_at(at, b"<<\"") {
            at += 2; // Erlang's binaries
        } else if self.is_at(word, b"::from(\"") || self.is_at(word, b"::new(\"") {
            at = word + self.slice(word, word + 8).iter().position(|&b| b == b'(').map_or(0, |open| open + 1);
        } else if self.byte(word) == b'[' && self.is_at(at, b"Optional[") {
            let end = charset::CREDENTIAL.run_within(self.text, word + 1, 256);
            self.looked(word, end);
            return (self.byte(end) == b']' && end > word + 1).then_some(Value::Bare(word + 1, end));
        } else if self.is_at(at, b"string(") {
            // PHP's `string(20) "…"`
            let close = charset::HEX.run_within(self.text, open, 8);
            at = if self.is_at(close, b") ") { close + 2 } else { at };
        } else if word > at
            && open > word
            && !value::is_getter(self.slice(at, word))
            && value::opening(self.text, open).is_some()
        {
            at = open;
        } else if is_one_of!(self.slice(at, word), "b r u f n l rb br u8 r8")
            && matches!(self.byte(word), b'"' | b'\'')
            && !matches!(self.byte(word + 1), 0..=b' ' | b',' | b';' | b')' | b'}')
        {
            at = word;
        }
        self.string_or_bare(sep, at)
    }

    /// The string or the bare value that starts at `at`, no wrapper around it.
    fn string_or_bare(&mut self, sep: Separator, at: usize) -> Option<Value> {
        // Python's and TOML's `"""…"""`
        if let mark @ (b'"' | b'\'') = self.byte(at)
            && self.slice(at, at + 3) == [mark; 3]
        {
            // The string may stand on a line of its own between them.
            let rest = self.slice(at + 3, at + 515);
            let blank = rest.iter().take(24).take_while(|b| b.is_ascii_whitespace()).count();
            let start = at + 3 + if rest.first() == Some(&b'\n') { blank } else { 0 };
            let rest = self.slice(start, at + 515);
            let length = rest.iter().position(|b| *b == mark || *b == b'\n').unwrap_or(rest.len());
            let below = rest.iter().skip(length).take(24).take_while(|b| b.is_ascii_whitespace()).count();
            let close = start + length + below;
            self.looked(at, close);
            if self.slice(close, close + 3) == [mark; 3] && length > 0 {
                return Some(Value::Quoted(start, start + length, close + 3));
            }
        }
        if let Some((quote, start)) = value::opening(self.text, at) {
            let (mut end, mut after) = self.closing(start, quote);
            if end == after
                && sep.quoted
                && sep.colon
                && quote == Quote::Mark(b'"', 0)
                && !self.is_at(start, b"-----BEGIN ") // its own end says where it ends
                && let Some(below) = self.closing_below(end)
            {
                self.looked(end, below.1);
                (end, after) = below;
            }
            // A quote that opens and closes a bare word was the end of the string around it: `"…token="`.
            let cut_off = matches!(quote, Quote::Mark(..)) && end == after && start == end;
            return (!cut_off).then_some(Value::Quoted(start, end, after));
        }
        let end = self.bare_end(at, sep.encoded, sep.listed);
        if !sep.unspaced && !sep.colon && !sep.arrow && value::is_assignment(self.slice(at, end)) {
            return None; // `API_KEY= PORT=3000`: an empty value, and the next name
        }
        (end > at).then_some(Value::Bare(at, end))
    }

    /// Where the content of a string ends that starts here, and where reading goes on.
    pub fn closing(&mut self, start: usize, quote: Quote) -> (usize, usize) {
        let place = match quote {
            Quote::Mark(mark, own) => usize::from(mark) + own,
            Quote::Spelled(mark) => mark.len(),
        };
        if let Some(known) = self.strings.known(place, quote, start) {
            return known;
        }
        let found = value::closing(self.text, start, quote);
        self.looked(start, found.1);
        self.strings.note(place, quote, start, found);
        found
    }

    /// Where the bare value ends that starts here, percent-encoded or not; one that is `listed` is a table's cell, and ends
    /// with it.
    pub fn bare_end(&mut self, start: usize, encoded: bool, listed: bool) -> usize {
        let (kind, place) = ((encoded, listed), usize::from(encoded) + 2 * usize::from(listed));
        if let Some((end, _)) = self.bares.known(place, kind, start) {
            return end;
        }
        let rest = self.text.get(start..).unwrap_or_default();
        let cell = if listed { rest.iter().position(|b| matches!(b, b'|' | 0..=b' ')) } else { None };
        let limit = cell.map_or(self.text.len(), |cell| start + cell);
        let end = value::bare_end(self.slice(0, limit), start, encoded);
        self.looked(start, cell.map_or(end, |_| limit));
        self.bares.note(place, kind, start, (end, end));
        end
    }

    /// The string or the bare word that starts here, looked at for no more than `most` bytes: where its content starts
    /// and ends, and where reading goes on.
    #[inline(never)]
    pub fn argument_at(&mut self, at: usize, most: usize) -> (usize, usize, usize) {
        let text = self.slice(0, at.saturating_add(most));
        let (start, (end, after)) = match value::opening(text, at) {
            Some((quote, start)) if text.len() == self.text.len() => (start, self.closing(start, quote)),
            Some((quote, start)) => (start, value::closing(text, start, quote)),
            None if text.len() == self.text.len() => {
                let end = self.bare_end(at, false, false);
                (at, (end, end))
            }
            None => {
                let end = value::bare_end(text, at, false);
                (at, (end, end))
            }
        };
        self.looked(at, after);
        (start, end, after)
    }

    /// A passphrase of plain words, unquoted, to the end of its line: `SESSION_SECRET=keyboard cat`. Behind a colon only
    /// a variable's, and no word of it may speak about a secret.
    pub fn phrase_value(&mut self, sep: Separator, name: usize, start: usize, end: usize) -> Option<usize> {
        let word = |word: &[u8]| {
            (1..=16).contains(&word.len())
                && word
                    .iter()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-'".contains(b) || *b >= 0x80)
        };
        if let Some(end) = self.spaced_value(sep, name, start, end) {
            return Some(end);
        }
        let first = self.slice(start, end);
        if sep.quoted
            || self.byte(end) != b' '
            || !word(first)
            || first.iter().any(u8::is_ascii_digit)
            || value::says_nothing(first) && first != b"my"
        {
            return None;
        }
        let variable = self.slice(name, sep.value);
        let capitals = variable.iter().all(|b| !b.is_ascii_lowercase()) && variable.contains(&b'_');
        let before = self.slice(name.saturating_sub(7), name);
        // `spring.mail.password = …`
        let path = self.slice(name.saturating_sub(64), name);
        let dotted = path.iter().rev().take_while(|&&b| charset::TOKEN_DOT.has(b)).count();
        let line = if self.before(name) == b'.' { name - dotted } else { name };
        let leads =
            matches!(self.before(line), 0 | b'\n') || before.ends_with(b"export ") || before.ends_with(b"  ");
        if !leads || !capitals && (sep.arrow || sep.colon && !self.of_yaml(name)) {
            return None;
        }
        let line = self.slice(start, start + PHRASE_AT_MOST);
        let length = line.iter().position(|b| matches!(b, b'\n' | b'\r')).unwrap_or(line.len());
        self.looked(start, start + length);
        let line = line.get(..length).filter(|_| length < PHRASE_AT_MOST)?;
        let line = line.trim_ascii_end();
        if sep.colon && value::is_sentence(line) {
            return None;
        }
        let words = line.split(|&b| b == b' ');
        let speaks =
            |part: &[u8]| value::says_nothing(part) || part.ends_with(b"ed") || part.ends_with(b"ing");
        // `MYSQL_PWD=root mysqldump shop`
        const RUNNERS: &str = "npm npx node yarn pnpm bun deno python ruby php java go make cargo docker bash sh exec env sudo psql pg_dump";
        let runs = words.clone().nth(1).is_some_and(|second| {
            is_one_of!(second, RUNNERS)
                || std::str::from_utf8(second).is_ok_and(super::command::takes_password)
        });
        let fits = !runs && words.clone().all(word) && words.clone().count() <= 8;
        (fits && !(sep.colon && words.clone().any(speaks))).then_some(start + line.len())
    }

    /// `passphrase: crane velvet mosaic bottle`: four words and more that say nothing about it, to the end of the line.
    /// Where they end.
    #[inline(never)]
    pub fn words_of_phrase(&mut self, sep: Separator, name: usize, start: usize) -> Option<usize> {
        let named = charset::WORD.run_within(self.text, name, 64);
        if !sep.spaced_colon || !ends_as!(self.slice(name, named), "passphrase") {
            return None;
        }
        let line: &[u8] = self.slice(start, start + PHRASE_AT_MOST);
        let length = line.iter().position(|b| b"\r\n\"\\".contains(b)).unwrap_or(line.len());
        self.looked(start, start + length);
        let line = line.get(..length).filter(|_| length < PHRASE_AT_MOST)?;
        let word = |word: &[u8]| {
            (3..=10).contains(&word.len())
                && word.iter().all(u8::is_ascii_lowercase)
                && !value::says_nothing(word)
                && !word.ends_with(b"ed")
                && !word.ends_with(b"ing")
        };
        let words = line.split(|&b| b == b' ');
        (words.clone().all(word) && (4..=10).contains(&words.count())).then_some(start + length)
    }

    /// Whether the line above is YAML's too: `user: ada`, indented alike, or `db:`.
    fn of_yaml(&self, name: usize) -> bool {
        let back = self.slice(name.saturating_sub(120), name);
        let mut lines = back.rsplit(|&b| b == b'\n');
        let indent = lines.next().unwrap_or_default();
        let above = lines.next().unwrap_or_default();
        let blank = above.iter().take_while(|b| **b == b' ').count();
        let from = blank + if above.get(blank..blank + 2) == Some(b"- ") { 2 } else { 0 };
        let end = charset::TOKEN_DOT.run_within(above, from, 40);
        let opens = end + 1 == above.len() && blank < indent.len();
        indent.len() > 1
            && indent.iter().all(|b| *b == b' ')
            && end > from
            && above.get(end) == Some(&b':')
            && (opens || from == indent.len() && above.get(end + 1) == Some(&b' '))
    }

    /// A value with spaces where something else than a space ends it: `;Pwd=a b;` of a connection string, a line of
    /// PHP's `[password] => a b`.
    fn spaced_value(&mut self, sep: Separator, name: usize, start: usize, end: usize) -> Option<usize> {
        let printed = sep.arrow && self.before(name) == b'[';
        let connection = !sep.colon && !sep.arrow && sep.unspaced && self.before(name) == b';';
        // `-var 'db_password=a b'`
        let mark = self.before(name);
        let flag = matches!(mark, b'"' | b'\'') && sep.unspaced && !sep.quoted && !sep.colon && {
            let back = self.slice(name.saturating_sub(18), name - 1);
            let word = back.iter().rev().skip(1).take_while(|&&b| b != b' ').count();
            back.last() == Some(&b' ') && word > 1 && back.iter().rev().nth(word) == Some(&b'-')
        };
        if self.byte(end) != b' ' || !(printed || connection || flag) {
            return None;
        }
        let rest = self.slice(start, start + PHRASE_AT_MOST);
        let ends = |at: usize| match rest.get(at) {
            Some(b';') => connection,
            Some(&b) if flag => b == mark || b == b'\n',
            Some(b'\n') => printed,
            Some(b' ') => printed && matches!(rest.get(at + 1..at + 2), Some(b"[" | b")")),
            _ => false,
        };
        let length = (0..rest.len())
            .find(|&at| ends(at))
            .or((printed && rest.len() < PHRASE_AT_MOST).then_some(rest.len()))?;
        self.looked(start, start + length);
        let content = rest.get(..length)?.trim_ascii_end();
        let other = content.iter().any(|b| b"=\"\n".contains(b)) || value::is_sentence(content);
        (!other && !value::says_nothing(content)).then_some(start + content.len())
    }

    /// Bytes as Node prints them: `<Buffer 61 7d …>`, `Uint8Array(32) [ 12, 33, … ]`. Where they end.
    fn bytes_value(&mut self, at: usize) -> Option<usize> {
        let (open, close) = match self.byte(at) {
            b'<' if self.is_at(at, b"<Buffer ") => (at + 8, b'>'),
            b'U' if self.is_at(at, b"Uint8Array(") => (at + 11, b']'),
            _ => return None,
        };
        let length = self.slice(open, open + 1024).iter().position(|&b| b == close)?;
        self.looked(at, open + length);
        Some(open + length + 1)
    }

    /// YAML's `secrets:` with a list on the lines below, or `secret:` with its `value:` there.
    pub fn items_below(&mut self, at: usize) -> bool {
        let (mut at, mut taken) = (at, false);
        let mut first: &[u8] = b"";
        while self.byte(at) == b'\n' {
            let from = at + 1 + value::run_of(self.text, at + 1, b' ').min(64);
            let named = from + usize::from(self.byte(from) == b'"');
            if !taken && from > at + 1 && self.is_at(named, b"value") {
                (self.pair, self.pair_at, self.pair_depth) = (Level::Always, at, 0);
            }
            if !self.is_at(from, b"- ") {
                break;
            }
            let end = value::bare_end(self.slice(0, from + 512), from + 2, false);
            self.looked(at, end);
            let content = self.slice(from + 2, end);
            // A recovery code may have no digit: `qf8eg-br9az`, and below it `lmcij-drsji`.
            let dash = |text: &[u8]| text.iter().position(|&b| b == b'-');
            let alike = first.len() == content.len() && dash(first).is_some() && dash(first) == dash(content);
            if !(alike || value::looks_generated(content, 10) || value::is_told(content)) {
                break;
            }
            self.take(from + 2, end, end, Rule::KEY_VALUE);
            (at, taken, first) = (end, true, content);
        }
        taken
    }

    /// LDAP's `{SSHA}…`, Spring's `{bcrypt}$2a$…`.
    fn schemed(&mut self, at: usize) -> Option<(usize, usize)> {
        let close = charset::TOKEN.run_within(self.text, at + 1, 16);
        if self.byte(at) != b'{' || self.byte(close) != b'}' || close < at + 3 {
            return None;
        }
        let end = value::bare_end(self.slice(0, close + 256), close + 1, false);
        (end > close + 4).then_some((at, end))
    }

    /// ODBC's `Pwd={a;b}`, Java's `password=[a#b]`.
    fn braced(&self, sep: Separator, at: usize) -> Option<(usize, usize)> {
        let close = self.byte(at) + 2; // of `{` and of `[`
        let content = self.slice(at + 1, at + 128);
        let end = content.iter().position(|&b| b == close || b"\n\":, ".contains(&b))?;
        let told = content.get(..end)?.iter().any(|b| b.is_ascii_digit() || b"!#$%^&*;".contains(b));
        let braced = self.byte(at + 1 + end) == close && !sep.colon && sep.unspaced;
        (braced && told).then_some((at + 1, at + 1 + end))
    }
}
