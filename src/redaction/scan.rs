//! The one pass over a text: what stands at each byte, and which rule looks at it.
//!
//! Reading only goes forward. Whatever a rule takes is behind the reader afterwards, and a rule that declines has
//! looked at a bounded stretch or at one the memory of runs ([`Runs`]) will not have measured again; so the
//! work is linear in the text's length, whatever it holds. A marker (`[REDACTED]`) is read as the secret it stands
//! for: reading goes on behind it in the same state, which is what makes redaction idempotent.

use super::charset::{self, WORD};
use super::kind::{KIND, Kind};
use super::line::Line;
use super::lists::is_one_of;
use super::names::Rule;
use super::runs::{Far, Runs, Vain};
use super::table::Table;
use super::{MARK, extra, keys, token, value};
use std::cell::Cell;

/// How much of a value is looked at to tell what it says: values stand within values, and each is asked.
const JUDGED_AT_MOST: usize = 256;

/// What stands before a password on the line below the one that says it was reset, in Elasticsearch's tool.
pub const NEW_VALUE: &[u8] = b"New value: ";

/// A stretch that goes.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub start: usize,
    pub end: usize,
    pub rule: Rule,
}

/// The reader.
pub struct Scanner<'t> {
    pub text: &'t [u8],
    pub at: usize,
    /// Everything before this is settled.
    pub done: usize,
    pub found: Vec<Span>,
    pub runs: Runs,
    /// Where nothing speaks of signing in.
    pub signing_in: Vain,
    /// Where nothing says that a code expires.
    pub expiry: Vain,
    /// Where no digit stands.
    pub digits: Vain,
    /// The words before this one, nearest first.
    pub words: [(usize, usize); 3],
    pub line: Line,
    /// `name: "authorization"` was read, its value is to come: how much the name says.
    pub pair: keys::Level,
    /// Where it stood.
    pub pair_at: usize,
    /// How many objects are open behind it: ajv's `{"instancePath":"/password","params":{"limit":8},"data":"…"}`.
    pub pair_depth: i32,
    /// A row of values is being read.
    pub in_row: bool,
    /// Depth of brackets inside a list or object that stands under a sensitive name; 0 outside.
    pub inside: u32,
    /// That list's name is `tokens`, which may be a tokenizer's.
    pub pieces: bool,
    /// Where that list or object opened.
    pub inside_from: usize,
    /// Where a label's string closes: its mark opens none.
    pub label_end: usize,
    /// Where bare values end: percent-encoded ones or not, in a table or not.
    pub bares: Far<(bool, bool), 4>,
    /// Where strings end, by what opened them.
    pub strings: Far<value::Quote, 8>,
    /// Where elements' texts end.
    pub elements: Far<(), 1>,
    /// Where YAML's blocks end, by their indentation.
    pub blocks: Far<usize, 4>,
    /// Up to where a statement was looked for behind its parameters.
    pub bound_to: usize,
    /// Where the arguments of the call looked at last end.
    pub arguments_to: usize,
    /// Behind where `access…` and `refresh…` stood last, 0 for nowhere.
    pub halves: (usize, usize),
    /// Behind where a device's code stood last, 0 for nowhere.
    pub device_at: usize,
    /// Behind where Terraform's `random_password` stood last, 0 for nowhere.
    pub random_at: usize,
    /// A JSON Web Key was seen (`"kty"`).
    pub jwk: bool,
    /// Names judged, each where it stood last, and how.
    pub levels: [Cell<(usize, usize, keys::Level)>; 32],
    /// A `.netrc` is being read.
    pub netrc: bool,
    /// The table whose rows come.
    pub table: Option<Table>,
}

impl<'t> Scanner<'t> {
    pub fn new(text: &'t str) -> Self {
        Self {
            text: text.as_bytes(),
            at: 0,
            done: 0,
            found: Vec::new(),
            runs: Runs::default(),
            signing_in: Vain::default(),
            expiry: Vain::default(),
            digits: Vain::default(),
            words: [(0, 0); 3],
            line: Line { prompt: text.starts_with("# "), ..Line::default() },
            pair: keys::Level::Harmless,
            pair_at: 0,
            pair_depth: 0,
            in_row: false,
            inside: 0,
            pieces: false,
            inside_from: 0,
            label_end: 0,
            bares: Far::default(),
            strings: Far::default(),
            elements: Far::default(),
            blocks: Far::default(),
            bound_to: 0,
            arguments_to: 0,
            halves: (0, 0),
            device_at: 0,
            random_at: 0,
            jwk: false,
            levels: [const { Cell::new((0, 0, keys::Level::Harmless)) }; 32],
            netrc: false,
            table: None,
        }
    }

    /// Reads the text to its end.
    pub fn run(&mut self) {
        self.read(self.text.len());
        self.runs.looked += self.text.len() as u64;
    }

    /// Reads on to here, from within a rule.
    pub fn read_until(&mut self, end: usize) {
        self.in_row = true;
        self.read(end.min(self.text.len()));
        self.in_row = false;
    }

    fn read(&mut self, end: usize) {
        while self.at < end {
            let b = self.byte(self.at);
            match KIND[b as usize] {
                Kind::Plain if b >= 0xc3 => self.foreign(),
                Kind::Plain => self.at += 1,
                Kind::Word => self.word(),
                Kind::Line => self.next_line(),
                Kind::Backslash => self.backslash(),
                Kind::Escape => {
                    self.at = value::skip_colour(self.text, self.at).unwrap_or(self.at + 1);
                    self.done = self.done.max(self.at); // the `m` of `ESC[33m` is no part of the word behind it
                }
                Kind::Percent => self.at += self.percent(),
                Kind::Colon
                    if matches!(self.byte(self.at + 1), b'/' | b'\\') || self.before(self.at) == b'n' =>
                {
                    self.colon()
                }
                Kind::Dash if self.byte(self.at + 1) == b'-' => self.dash(),
                Kind::Quote if self.inside > 0 || self.line.owed => self.quote(),
                Kind::Colon | Kind::Dash | Kind::Quote => self.at += 1,
                Kind::Dollar => self.token_or_step(),
                Kind::Open => self.open(b),
                Kind::Close => self.close(b),
                Kind::At => self.at_sign(),
                Kind::Tilde => self.tilde(),
                Kind::Pipe => self.pipe(),
            }
        }
    }

    /// Forgets the line, but for what it said of the next one.
    fn next_line(&mut self) {
        use keys::Level::{Code, Harmless, Query};
        let (from, to) = self.words[0];
        let named = to > 0 && to + 1 == self.at && self.before(self.at) == b':';
        let speaks = named
            && (!matches!(self.level_of(from, to, true), Harmless | Query | Code)
                || is_one_of!(self.slice(from, to), "key") && is_one_of!(self.nth_word(1), "certificate")); // kubeadm's
        // Pydantic's report: a field's name alone on a line, below it `[…, input_value='…']`
        if to > 0
            && to == self.at
            && matches!(self.before(from), b'\n' | b'.')
            && self.is_at(self.at + 1, b"  ")
        {
            (self.pair, self.pair_at) = (self.level_of(from, to, true), to);
        }
        let one_time = self.line.one_time && self.line.secret;
        let (password, secret) = (self.line.password || one_time, self.line.secret || speaks);
        let announced = (password || secret)
            && (matches!(self.before(self.at), b':' | b'\n' | b'*') || self.line.prompt)
            || password && self.is_at(self.at + 1, NEW_VALUE);
        if self.line.one_time && self.code_below(self.at) {
            return;
        }
        self.at += 1;
        let places = self.places_below();
        self.line =
            Line { places, password: announced && password, secret: announced && secret, ..Line::default() };
        self.line.prompt = self.is_at(self.at, b"# ");
        // YAML's `api:` with its `key: …` on the next line
        self.words = [if named { (from, to) } else { (0, 0) }, (0, 0), (0, 0)];
        if let Some(table) = self.table.filter(|_| !self.in_row) {
            self.table_row(table);
        } else if announced {
            self.announced();
        }
    }

    /// The byte at an index, 0 past the end.
    #[inline]
    pub fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or(0)
    }

    /// The byte before an index, 0 at the start.
    #[inline]
    pub fn before(&self, at: usize) -> u8 {
        self.byte(at.wrapping_sub(1))
    }

    /// A stretch of the text.
    #[inline(never)]
    pub fn slice(&self, start: usize, end: usize) -> &'t [u8] {
        self.text.get(start..end.min(self.text.len())).unwrap_or_default()
    }

    /// As much of a value as tells what it says.
    pub fn judged(&self, start: usize, end: usize) -> &'t [u8] {
        self.slice(start, end.min(start + JUDGED_AT_MOST))
    }

    /// Takes a stretch out; reading goes on at `resume`.
    #[inline(never)]
    pub fn take(&mut self, start: usize, end: usize, resume: usize, rule: Rule) {
        let content = self.slice(start, end);
        if start < end && start >= self.done && content != MARK.as_bytes() && !extra::allows(content) {
            self.found.push(Span { start, end, rule });
        }
        self.resume(resume.max(end));
    }

    /// Goes on behind a secret or its marker.
    #[inline(never)]
    pub fn resume(&mut self, at: usize) {
        self.at = at.max(self.at + 1).min(self.text.len());
        self.done = self.at;
        self.words = [(0, 0); 3];
    }

    /// Notes bytes a rule looked at beyond the pass itself.
    pub fn looked(&mut self, from: usize, to: usize) {
        self.runs.looked += to.saturating_sub(from) as u64;
    }

    fn word(&mut self) {
        let start = self.at;
        let text = self.text;
        let mut end = start;
        // A token may start at the word's start and behind each dash in it.
        let mut fresh = start == self.done || !charset::is_alnum(self.before(start));
        loop {
            if fresh && self.token(start, end) {
                return;
            }
            while let Some(&byte) = text.get(end)
                && WORD.has(byte)
            {
                end += 1;
                if byte == b'-' {
                    break;
                }
            }
            fresh = self.before(end) == b'-' && WORD.has(self.byte(end));
            if !fresh {
                break;
            }
        }
        // Dashes at the end are the sentence's.
        while end > start + 1 && self.before(end) == b'-' {
            end -= 1;
        }
        self.at = end;
        if self.shaped(start, end)
            || self.validated(start, end)
            || self.record(start, end)
            || self.assignment(start, end)
            || self.phrase(start, end)
            || self.near(start, end)
        {
            return;
        }
        self.at = end;
        self.words = [(start, end), self.words[0], self.words[1]];
    }

    /// A token of the table, or one that starts as a JWT does. `word` is where the word it is in starts.
    fn token(&mut self, word: usize, at: usize) -> bool {
        if at == word
            && let Some(end) = self.jwt(at)
        {
            self.take(at, end, end, Rule::JWT);
            return true;
        }
        let Some(token) = token::token_at(self.text, at, &mut self.runs) else { return self.own_token(at) };
        // `my-app-key-0123…` is a slug, `bot-xoxb-…` is a token: only long prefixes count inside a word.
        if at != word
            && token.start == at
            && self.slice(at, at + 5).iter().filter(|b| b"-_.".contains(b)).count() == 0
        {
            return false;
        }
        self.take(token.start, token.end, token.end, Rule::of_row(token.row));
        self.line.spoken = token.end; // `AKIA…/secret`
        // The secret of 40 characters may hold slashes.
        let secret = charset::BASE64.run_within(self.text, token.end + 1, 41);
        if matches!(self.byte(token.end), b'/' | b':')
            && secret == token.end + 41
            && token.end - token.start == 20
            && charset::is_mixed(self.slice(token.end + 1, secret))
        {
            self.take(token.end + 1, secret, secret, Rule::KEY_VALUE);
        }
        true
    }

    /// A token of the deployment's own.
    fn own_token(&mut self, at: usize) -> bool {
        let Some(end) = extra::token(self.text, at) else { return false };
        self.looked(at, end);
        self.take(at, end, end, Rule::DEPLOYMENT);
        true
    }

    pub fn token_or_step(&mut self) {
        let prompt = self.is_at(self.at, b"$ ") && matches!(self.before(self.at), b'\n' | 0);
        self.line.prompt |= prompt;
        if !self.token(self.at, self.at) {
            self.at += 1;
        }
    }

    /// `\n`, `\"`, `\u0026`, `\u001b[32m`: what is written so is no part of the word behind it.
    #[inline(never)]
    fn backslash(&mut self) {
        if let Some(end) = value::skip_colour(self.text, self.at) {
            (self.at, self.done) = (end, self.done.max(end));
            return;
        }
        if (self.inside > 0 || self.line.owed) && value::opening(self.text, self.at).is_some() {
            self.quote();
            return;
        }
        let end = self.at + value::run_of(self.text, self.at, b'\\');
        self.at = match self.byte(end) {
            b'n' | b'r' => {
                if self.line.one_time && self.code_below(self.at) {
                    return;
                }
                self.line = Line::default();
                self.words = [(0, 0); 3];
                end + 1
            }
            b't' => end + 1,
            b'u' if self.slice(end + 1, end + 5).iter().filter(|b| b.is_ascii_hexdigit()).count() == 4 => {
                end + 5
            }
            b'x' if self.slice(end + 1, end + 3).iter().filter(|b| b.is_ascii_hexdigit()).count() == 2 => {
                end + 3
            }
            _ => end,
        };
        self.done = self.done.max(self.at);
    }

    /// `%20`: as many bytes as are no part of the word behind.
    fn percent(&mut self) -> usize {
        // A magnetic stripe's first track: `%B{number}^{name}^…?`
        if self.byte(self.at + 1) == b'B'
            && self.byte(self.at + 2).is_ascii_digit()
            && let Some(end) = self.card_at(self.at + 2)
            && self.byte(end) == b'^'
        {
            self.take(self.at + 2, end, end, Rule::CARD);
            return 0;
        }
        if self.encoded_address(self.at) {
            return 0;
        }
        let escaped =
            self.byte(self.at + 1).is_ascii_hexdigit() && self.byte(self.at + 2).is_ascii_hexdigit();
        if escaped {
            self.done = self.done.max(self.at + 3);
        }
        if escaped { 3 } else { 1 }
    }
}
