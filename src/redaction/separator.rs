//! What stands between a name and its value, in every notation.

use super::lists::{ends_as, is_one_of};
use super::scan::Scanner;
use super::value;
use super::words::Beginnings;

/// How what a call returned is written behind it.
static GIVEN: Beginnings =
    Beginnings::of(&[") -> \"", ") => \"", ") -> '", ") => '", ") = \"", ") = '", ") == \"", ") == '"]);

/// What stands between a name and its value.
#[derive(Clone, Copy)]
pub struct Separator {
    /// Where the value starts.
    pub value: usize,
    /// The name was quoted or in brackets.
    pub quoted: bool,
    /// `=>`
    pub arrow: bool,
    /// `:`
    pub colon: bool,
    /// No space behind it
    pub unspaced: bool,
    /// `: ` as in a sentence
    pub spaced_colon: bool,
    /// `%3D`
    pub encoded: bool,
    /// Only side by side: the value must look generated
    pub listed: bool,
}

impl Scanner<'_> {
    /// Finds the separator behind a name that ends at `end`.
    pub fn separator(&self, end: usize) -> Option<Separator> {
        let (mut at, mut quoted, mut closers, mut listed) = (end, false, 0, false);
        loop {
            match self.byte(at) {
                b' ' | b'\t' => at += 1,
                0xc2.. if self.wide_space(at) > 0 => at += self.wide_space(at),
                b'"' | b'\'' if self.coloured(end, at) || self.is_quoted_sign(at) => break,
                b']' | b'"' | b'\'' | b'`' if closers < 6 => {
                    (quoted, closers, at) = (true, closers + 1, at + 1)
                }
                // `[Symbol(token)]: '…'`
                b')' if closers < 6 && self.is_at(at, b")]: ") && self.opener(end) == b'(' => {
                    (quoted, closers, at) = (true, closers + 1, at + 1);
                }
                // `cookies.get("session") -> "…"`
                b')' if quoted && self.one_at(at, &GIVEN).is_some() => {
                    at += 1;
                }
                // Markdown's `**password**: …`
                b'*' if closers < 6 => (closers, at) = (closers + 1, at + 1),
                b'?' if self.byte(at + 1) == b':' => at += 1,
                b':' if closers < 6 && (quoted || self.opener(end) == b'[') => {
                    let Some(close) = self.behind_visibility(at) else { break };
                    (closers, at) = (closers + 1, close);
                }
                // `password[0]=…`, `['password']['app'] = …`, `password (generated) = …`, `Unseal Key 1: …`
                b'[' | b'(' | b'1'..=b'9' if closers < 6 => {
                    if let Some(next) = self.qualifier(end, at) {
                        listed |= !self.is_at(at, b"(changed)"); // its old value, and its new one
                        (closers, at) = (closers + 1, next);
                    } else if self.byte(at) == b'['
                        && let Some(next) = self.lost_colour(at)
                    {
                        (closers, at) = (closers + 1, next);
                    } else {
                        break;
                    }
                }
                b'%' if closers < 6
                    && matches!(self.slice(at + 1, at + 3), b"22" | b"27" | b"5D" | b"5d") =>
                {
                    (quoted, closers, at) = (true, closers + 1, at + 3);
                }
                b'&' if closers < 6 => {
                    at = value::opening(self.text, at)?.1;
                    (quoted, closers) = (true, closers + 1);
                }
                b'\\' | 0x1b if closers < 6 => {
                    closers += 1;
                    if let Some(next) = value::skip_colour(self.text, at) {
                        at = next;
                    } else if let Some((_, next)) = value::opening(self.text, at) {
                        (quoted, at) = (true, next);
                    } else {
                        break;
                    }
                }
                b'\n' | b'\r' if quoted => match self.string_spread(end) {
                    Some(value) => return Some(Separator::of_json(value)),
                    None => break,
                },
                _ => break,
            }
        }
        let (mut arrow, mut encoded, mut colon) = (false, false, false);
        at = match (self.byte(at), self.byte(at + 1)) {
            (b'=', b'=') if self.byte(at + 2) == b'>' => {
                arrow = true;
                at + 3
            }
            // `password == "…"`
            (b'=', b'=') if self.is_at(at, b"== \"") || self.is_at(at, b"== '") => {
                listed = true;
                at + 3
            }
            // A password that begins so: `DB_PASSWORD==U5AZz…`
            (b'=', b'=') if at == end && self.begins_told(end) => at + 1,
            (b':', b':') | (b'=', b'=' | b'~') => return None,
            (b':', b'/') if self.byte(at + 2) == b'/' => return None,
            (b':', b'=') => at + 2,
            // `password......... value`
            (b'.', b'.') if self.byte(at + 2) == b'.' => {
                let dots = at + value::run_of(self.text, at, b'.').min(120);
                dots + usize::from(self.byte(dots) == b':')
            }
            (0xe2, 0x86) if matches!(self.byte(at + 2), 0x90 | 0x92) => at + 3, // ← →
            (0xe2, 0x87) if self.byte(at + 2) == 0x92 => at + 3,                // ⇒
            (b'~', b'>') => at + 2,
            // R's `password <- "…"`
            (b'<', b'-') => {
                listed = !matches!(self.byte(at + 3), b'"' | b'\'');
                at + 2
            }
            // Erlang's `{password,<<"…">>}`
            (b',', b'<') if self.is_at(at, b",<<\"") => at + 3,
            (0xef, 0xbc) if self.byte(at + 2) == 0x9a => at + 3, // ：
            // A table as `console.table` draws it
            (0xe2, 0x94) if quoted && self.byte(at + 2) == 0x82 => {
                listed = true;
                at + 3
            }
            // the same of one object: `│ password │ '…' │`
            (0xe2, 0x94) if !quoted && self.is_at(at + 2, b"\x82 '") => at + 4,
            // `"password","…"` and `(password . "…")`
            (b',', b'"') if !quoted && at == end && self.opener(end) == b'{' => at + 1,
            (b',', b'"' | b'\'') if quoted => {
                listed = true;
                at + 1
            }
            (b',', b' ' | b'\n' | b'\r') if quoted => {
                let gap = self.slice(at + 1, at + 24);
                let next = at + 1 + gap.iter().take_while(|b| b.is_ascii_whitespace()).count();
                // Python's `(b'x-api-key', b'…')`
                let bytes = self.byte(next) == b'b' && matches!(self.byte(next + 1), b'"' | b'\'');
                let next = next + usize::from(bytes);
                if !matches!(self.byte(next), b'"' | b'\'') {
                    return None;
                }
                listed = true;
                next
            }
            // YAML's `? password`, and on the next line `: …`
            (b'\n', b':' | b' ') if self.explicit_value(end, at) > 0 => {
                colon = true;
                self.explicit_value(end, at)
            }
            // irb's `ENV["TOKEN"]`, and on the next line `=> "…"`
            (b'\n', b'=') if quoted && self.is_at(at, b"\n=> \"") => at + 4,
            // A list of redis-cli's: `1) "password"`, and on the next line `2) "…"`
            (b'\n', b'1'..=b'9') if quoted && self.is_at(at + 2, b") \"") => {
                listed = true;
                at + 4
            }
            // PHP's `s:8:"password";s:16:"…"`
            (b';', b's') if quoted && self.byte(at + 2) == b':' => {
                let digits = super::charset::HEX.run_within(self.text, at + 3, 6);
                at = digits + usize::from(self.byte(digits) == b':');
                at
            }
            // A table's `password | …`, and `pwd|…|user|ada`
            (b'|', _) => {
                listed = true;
                at + 1
            }
            // `Symbol(secret): '…'`
            (b')', b':') if matches!(self.byte(at + 3), b'"' | b'\'') => {
                colon = true;
                at + 2
            }
            // PostgreSQL's `Key (token)=(…)`
            (b')', b'=') if self.byte(at + 2) == b'(' => at + 3,
            (b'.', b' ') if at > end && self.byte(at + 2) == b'"' => {
                listed = self.opener(end) != b'('; // Lisp's `(password . "…")`
                at + 2
            }
            // Windows' registry
            (b'R', b'E') if self.is_at(at, b"REG_SZ ") => at + 7,
            (b'/', b't') if self.is_at(at, b"/t REG_SZ /d ") => at + 13,
            (b'/', b'd') if self.is_at(at, b"/d ") => at + 3,
            (b'-', b'>') => {
                colon = true;
                at + 2
            }
            (b'=', b'>') => {
                arrow = true;
                at + 2
            }
            // psql's `PASSWORD :'variable'`
            (b':', b'\'') if self.before(at) == b' ' && !quoted && self.before(end).is_ascii_uppercase() => {
                return None;
            }
            // Clojure's `:password "…" :port`, Vue's `v-model="password" :type=`
            (b':', next)
                if quoted
                    && self.before(at) == b' '
                    && next.is_ascii_alphabetic()
                    && (self.byte(end) == b' ' || self.is_attribute(at + 1)) =>
            {
                return None;
            }
            (b':', _) => {
                colon = true;
                at + 1
            }
            (b'=', _) => at + 1,
            (b'%', b'3') if self.is_at(at, b"%3D") || self.is_at(at, b"%3A") => {
                encoded = true;
                at + 3
            }
            (b'%', b'2') if self.is_at(at, b"%253D") => {
                encoded = true;
                at + 5
            }
            (b'\\', b'u') if self.is_at(at, b"\\u003d") || self.is_at(at, b"\\u003a") => at + 6,
            // A table's `API_KEY<TAB>…`
            _ if self.tabbed(end, at) || self.coloured(end, at) => at,
            _ if self.leads_cells(end, at) => {
                listed = true;
                at
            }
            _ => return None,
        };
        let after = at;
        // `password: string = "…"`, `password: &str = "…"`
        if colon {
            let start = at + value::run_of(self.text, at, b' ').min(2);
            let start = start + usize::from(self.byte(start) == b'&');
            let end = super::charset::ALNUM.run_within(self.text, start, 16);
            at = match () {
                () if end > start && self.is_at(end, b" = ") => end + 3,
                // R's `$ password: chr "…"`
                () if self.is_at(end, b" \"")
                    && is_one_of!(self.slice(start, end), "chr str string char") =>
                {
                    end + 1
                }
                () => at,
            };
        }
        loop {
            match self.byte(at) {
                b' ' | b'\t' => at += 1,
                0xc2.. if self.wide_space(at) > 0 => at += self.wide_space(at),
                b'\\' | 0x1b => match value::skip_colour(self.text, at) {
                    Some(next) => at = next,
                    None => break,
                },
                b'[' => match self.lost_colour(at) {
                    Some(next) => at = next,
                    None => break,
                },
                // PHP's dump puts the value on the next line.
                b'\n' if arrow && quoted && !self.entry_below(at) => at += 1,
                // A long string of JSON may stand on the next line.
                b'\n' | b'\r' if colon && quoted => match self.string_spread(end) {
                    Some(value) => at = value,
                    None if self.byte(at) == b'\n' && self.string_below(at) => at += 1,
                    None => break,
                },
                _ => break,
            }
        }
        // Go's `"X-Api-Key":[]string{"…"}`
        at += if self.is_at(at, b"[]string{\"") { 9 } else { 0 };
        Some(Separator {
            value: at,
            quoted,
            arrow,
            colon,
            unspaced: at == after,
            spaced_colon: colon && at > after,
            encoded,
            listed,
        })
    }

    /// What may stand between a name and its sign: an index, a number, a remark in brackets. Where it ends.
    fn qualifier(&self, end: usize, at: usize) -> Option<usize> {
        let rest = self.slice(at, at + 40);
        let length = match self.byte(at) {
            b'[' if self.before(at) != b' ' && !rest.starts_with(super::MARK.as_bytes()) => {
                let close = rest.iter().position(|&b| b == b']')?;
                rest.get(1..close)?
                    .iter()
                    .all(|&b| super::charset::is_alnum(b) || b"'\"_-".contains(&b))
                    .then_some(close + 1)?
            }
            b'(' => {
                let stop = rest.iter().position(|b| matches!(b, b')' | b'\n' | b'"'));
                let close = stop.filter(|&to| rest.get(to) == Some(&b')'))?;
                // `applicationServerKey (VAPID public key) = …`
                if says_public(rest.get(1..close)?) {
                    return None;
                }
                close + 1
            }
            b'1'..=b'9' if at == end + 1 => value::digits(rest),
            _ => return None,
        };
        let next = at + length + value::run_of(self.text, at + length, b' ').min(2);
        let sign = matches!(self.byte(next), b':' | b'=' | b'[')
            && !(self.byte(next) == b'=' && self.byte(next + 1) == b'(');
        (length > 0 && sign).then_some(at + length)
    }

    /// Whether the sign behind a variable's or a password's name belongs to what is compared with nothing: a password.
    fn begins_told(&self, end: usize) -> bool {
        let back = self.slice(end.saturating_sub(40), end);
        let name = back.iter().rev().take_while(|&&b| super::charset::WORD.has(b)).count();
        let name = self.slice(end - name, end);
        let loud = name.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_');
        let to = value::bare_end(self.slice(0, end + 66), end + 2, false);
        (loud || ends_as!(name, super::phrase::PASSWORDS)) && value::is_told(self.slice(end + 2, to))
    }

    /// `type="…"`: whether an attribute of a tag stands there.
    fn is_attribute(&self, at: usize) -> bool {
        let end = super::charset::WORD.run_within(self.text, at, 48);
        self.byte(end) == b'=' && matches!(self.byte(end + 1), b'"' | b'\'')
    }

    /// What stands right before the name that ends here.
    pub fn opener(&self, end: usize) -> u8 {
        let back = self.slice(end.saturating_sub(40), end);
        let name = back.iter().rev().take_while(|&&b| super::charset::WORD.has(b)).count();
        self.before(end - name)
    }

    /// Behind the colon of a key of YAML's that says so, `? password`, and on the next line `: …`; 0 where there is none.
    fn explicit_value(&self, end: usize, line: usize) -> usize {
        let colon = line + 1 + value::run_of(self.text, line + 1, b' ').min(16);
        let back = self.slice(end.saturating_sub(64), end);
        let name = back.iter().rev().take_while(|&&b| super::charset::WORD.has(b)).count();
        let before = back.get(..back.len() - name).unwrap_or_default();
        let indent = before.iter().rev().skip(2).take_while(|b| **b == b' ').count();
        let first = before.iter().rev().nth(indent + 2).is_none_or(|b| *b == b'\n');
        let fits = before.ends_with(b"? ") && first && self.is_at(colon, b": ");
        if fits { colon + 1 } else { 0 }
    }

    /// `unexpected token "=>", expecting "]"`: whether a sign stands in quotation marks of its own.
    fn is_quoted_sign(&self, at: usize) -> bool {
        self.before(at) == b' '
            && self
                .one_at(at, const { &Beginnings::of(&["\"=>\"", "\"=\"", "\":\"", "'=>'", "'='", "':'"]) })
                .is_some()
    }

    /// `password<TAB>…`: whether the name that ends here starts its line.
    fn leads_cells(&self, end: usize, at: usize) -> bool {
        at == end + 1 && self.byte(end) == b'\t' && matches!(self.opener(end), 0 | b'\n')
    }

    /// `APP_SECRET ESC[32m"…"`: a name in capitals, a colour, a string.
    fn coloured(&self, end: usize, at: usize) -> bool {
        at > end + 3
            && self.before(end).is_ascii_uppercase()
            && matches!(self.byte(at), b'"' | b'\'')
            && self.before(at) == b'm'
            && self.slice(end, at).contains(&b' ')
    }

    /// Whether a name in capitals is parted from what stands at `at` by a tab alone.
    fn tabbed(&self, end: usize, at: usize) -> bool {
        let before = self.before(end);
        at == end + 1 && self.byte(end) == b'\t' && (before.is_ascii_uppercase() || before.is_ascii_digit())
    }

    /// `[39m` without its escape: where it ends.
    fn lost_colour(&self, at: usize) -> Option<usize> {
        let end = super::charset::HEX.run_within(self.text, at + 1, 3);
        let digits = self.slice(at + 1, end);
        (!digits.is_empty() && digits.iter().all(u8::is_ascii_digit) && self.byte(end) == b'm')
            .then_some(end + 1)
    }
}

/// `public key`, `VAPID public key`: a remark that says so, and of whose kind at most.
fn says_public(remark: &[u8]) -> bool {
    let kind = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b"- ".contains(b);
    remark.strip_suffix(b"public key").is_some_and(|said| said.iter().all(kind))
}
