//! The corpus: forms from `tests/corpus`, filled in from a seeded generator.

use log_ingestion_worker::json::Json;

pub struct Line {
    pub text: String,
    /// What must not be in the output.
    pub secrets: Vec<String>,
    /// The text with each secret replaced.
    pub expected: String,
    pub plain: bool,
}

/// xorshift64*: the same corpus at every run.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() >> 33) as usize % n
    }

    fn of(&mut self, set: &str, n: usize) -> String {
        (0..n).map(|_| set.as_bytes()[self.below(set.len())] as char).collect()
    }

    /// Of a set, with at least one digit, one lower- and one upper-case letter where the set has them.
    fn mixed(&mut self, set: &str, n: usize) -> String {
        loop {
            let text = self.of(set, n);
            let has = |test: fn(&char) -> bool| {
                !set.chars().any(|c| test(&c)) || n < 6 || text.chars().any(|c| test(&c))
            };
            if has(char::is_ascii_digit)
                && has(char::is_ascii_lowercase)
                && has(char::is_ascii_uppercase)
                && text.starts_with(char::is_alphanumeric)
                && text.ends_with(char::is_alphanumeric)
            {
                return text;
            }
        }
    }

    fn card(&mut self, prefix: &str, length: usize) -> String {
        let mut digits = prefix.to_owned() + &self.of(DIGITS, length - 1 - prefix.len());
        let sum: u32 = digits
            .bytes()
            .rev()
            .enumerate()
            .map(|(i, b)| {
                let d = u32::from(b - b'0') << (1 - i % 2);
                if d > 9 { d - 9 } else { d }
            })
            .sum();
        digits.push((b'0' + ((10 - sum % 10) % 10) as u8) as char);
        digits
    }

    fn grouped(&mut self, mark: &str) -> String {
        let card = self.card("4", 16);
        [&card[..4], &card[4..8], &card[8..12], &card[12..]].join(mark)
    }

    fn base64(bytes: &[u8]) -> String {
        let set = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut out = String::new();
        for chunk in bytes.chunks(3) {
            let bits =
                chunk.iter().fold(0u32, |bits, b| bits << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
            for i in 0..4 {
                out.push(if i <= chunk.len() {
                    set[(bits >> (18 - 6 * i) & 63) as usize] as char
                } else {
                    '='
                });
            }
        }
        out
    }

    /// `{A32}`: a letter for the set and how many, or a named form.
    fn fill(&mut self, form: &str) -> Option<String> {
        let part = |text: String| text.trim_end_matches('=').replace('+', "-").replace('/', "_");
        Some(match form {
            "PW" => {
                let mark = ["!", "#", "@", "$x", "*", "_", "^", "&x", "%y"][self.below(9)];
                format!("{}{mark}{}", self.mixed(ALNUM, 8), self.mixed(ALNUM, 4))
            }
            "PW0" => {
                let mark = ["!", "#", "*", "_", "^", "~", "."][self.below(7)];
                format!("{}{mark}{}", self.mixed(ALNUM, 8), self.mixed(ALNUM, 6))
            }
            "JWT" => format!(
                "{}.{}.{}",
                part(Self::base64(br#"{"alg":"HS256","typ":"JWT"}"#)),
                part(Self::base64(
                    format!(r#"{{"sub":"{}","iat":1700000000}}"#, self.of(ALNUM, 8)).as_bytes()
                )),
                self.mixed(TOKEN, 43)
            ),
            "UUID" => [8, 4, 4, 4, 12].map(|n| self.of(HEX, n)).join("-"),
            "CARD" => self.card("4", 16),
            "CARD4" => self.grouped(" "),
            "CARDDASH" => self.grouped("-"),
            "AMEX" => self.card("37", 15),
            "BASIC" => Self::base64(format!("ada:{}", self.mixed(ALNUM, 12)).as_bytes()),
            "PEM" => format!("\n{}\n{}\n{}\n", self.of(B64, 64), self.of(B64, 64), self.of(B64, 30)),
            _ => {
                let n = form.get(1..)?.parse().ok()?;
                match form.as_bytes()[0] {
                    b'A' => self.mixed(ALNUM, n),
                    b'a' => self.mixed("abcdefghijklmnopqrstuvwxyz0123456789", n),
                    b'H' => self.mixed(HEX, n),
                    b'U' => self.mixed("ABCDEFGHJKLMNPQRSTUVWXYZ234567", n),
                    b'T' => self.mixed(TOKEN, n),
                    b'B' => self.mixed(B64, n),
                    b'C' => self.mixed("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./", n),
                    b'D' => format!("{}{}", 1 + self.below(9), self.of(DIGITS, n - 1)),
                    _ => return None,
                }
            }
        })
    }
}

const DIGITS: &str = "0123456789";
const HEX: &str = "0123456789abcdef";
const ALNUM: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const TOKEN: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
const B64: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/";

/// Fills `{…}` in, undoes the file's escapes.
fn fill(template: &str, random: &mut Random) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        out += &rest[..open];
        let filled = rest[open..]
            .find('}')
            .and_then(|close| Some((close, random.fill(&rest[open + 1..open + close])?)));
        match filled {
            Some((close, text)) => {
                out += &text;
                rest = &rest[open + close + 1..];
            }
            None => {
                out.push('{');
                rest = &rest[open + 1..];
            }
        }
    }
    out + rest
}

fn unescape(text: &str) -> String {
    text.replace("\\e", "\x1b")
        .replace("\\n", "\n")
        .replace("\\r", "\r")
        .replace("\\t", "\t")
        .replace("\\b", "\\")
}

fn line(filled: &str, plain: bool) -> Line {
    let (mut text, mut expected, mut secrets) = (String::new(), String::new(), Vec::new());
    for (i, part) in filled.split('«').enumerate() {
        let (secret, rest) = if i == 0 { ("", part) } else { part.split_once('»').unwrap_or((part, "")) };
        if i > 0 {
            secrets.push(secret.to_owned());
            expected += "[REDACTED]";
        }
        text = text + secret + rest;
        expected += rest;
    }
    Line { text, secrets, expected, plain }
}

fn rows(file: &str) -> impl Iterator<Item = &str> {
    file.lines().filter(|line| !line.is_empty() && !line.starts_with("# "))
}

/// Lines of `class <TAB> text`, each filled in `times` times.
fn labelled(file: &str, seed: u64, times: usize) -> Vec<Line> {
    let mut random = Random::new(seed);
    rows(file)
        .flat_map(|row| std::iter::repeat_n(row, times))
        .map(|row| {
            let (class, text) = row.split_once('\t').unwrap_or(("plain", row));
            line(&fill(&unescape(text), &mut random), class == "plain")
        })
        .collect()
}

pub fn positives() -> Vec<Line> {
    let mut random = Random::new(7);
    let keys: Vec<(&str, &str)> =
        rows(include_str!("../corpus/keys.txt")).filter_map(|row| row.split_once('\t')).collect();
    let mut out = Vec::new();
    for (i, notation) in rows(include_str!("../corpus/notations.txt")).enumerate() {
        for j in 0..12 {
            let (key, form) = keys[(i * 7 + j * 5) % keys.len()];
            let filled = unescape(notation).replace("KEY", key).replace("VAL", &fill(form, &mut random));
            out.push(line(&filled, i < 24));
        }
    }
    out.extend(labelled(include_str!("../corpus/lines.txt"), 11, 3));
    out
}

pub fn second_batch() -> Vec<Line> {
    labelled(include_str!("../corpus/second_batch.txt"), 23, 3)
}

pub fn third_batch() -> Vec<Line> {
    labelled(include_str!("../corpus/third_batch.txt"), 29, 3)
}

pub fn fourth_batch() -> Vec<Line> {
    labelled(include_str!("../corpus/fourth_batch.txt"), 31, 2)
}

pub fn fifth_batch() -> Vec<Line> {
    labelled(include_str!("../corpus/fifth_batch.txt"), 43, 2)
}

pub fn harmless() -> Vec<String> {
    let first = include_str!("../corpus/harmless.txt");
    let second = include_str!("../corpus/second_harmless.txt");
    [unlabelled(first, 13), unlabelled(second, 14)].concat()
}

pub fn fourth_harmless() -> Vec<String> {
    unlabelled(include_str!("../corpus/fourth_harmless.txt"), 37)
}

pub fn fifth_harmless() -> Vec<String> {
    unlabelled(include_str!("../corpus/fifth_harmless.txt"), 47)
}

fn unlabelled(file: &str, seed: u64) -> Vec<String> {
    let mut random = Random::new(seed);
    rows(file)
        .flat_map(|row| {
            let times = if row.contains('{') { 2 } else { 1 };
            std::iter::repeat_n(row, times)
        })
        .map(|row| fill(&unescape(row), &mut random))
        .collect()
}

pub fn contexts() -> Vec<Line> {
    trees(include_str!("../corpus/contexts.txt"), 17)
}

pub fn fourth_contexts() -> Vec<Line> {
    trees(include_str!("../corpus/fourth_contexts.txt"), 41)
}

pub fn fifth_contexts() -> Vec<Line> {
    trees(include_str!("../corpus/fifth_contexts.txt"), 53)
}

fn trees(file: &str, seed: u64) -> Vec<Line> {
    let mut random = Random::new(seed);
    rows(file)
        .flat_map(|row| std::iter::repeat_n(row, 4))
        .map(|row| line(&fill(row, &mut random), true))
        .collect()
}

/// Pieces that a careless scanner reads again and again.
pub fn hostile() -> Vec<(&'static str, &'static str)> {
    vec![
        ("quotes", "\""),
        ("single quotes", "'"),
        ("backslashes", "\\"),
        ("escaped quotes", "\\\""),
        ("token=", "token="),
        ("token:\"", "token:\""),
        ("token: '\"", "token: '\""),
        ("password: x", "password: \\\\\\\"http://"),
        ("eyJ", "eyJ"),
        ("eyJ.", "eyJaaaaaaaaaaaa."),
        ("eyJ-", "eyJaaaaaaaaaaaa-"),
        ("BEGIN", "-----BEGIN"),
        ("BEGIN PRIVATE KEY", "-----BEGIN PRIVATE KEY-----"),
        ("BEGIN PRIVATE KEY and text", "-----BEGIN PRIVATE KEY-----'a"),
        ("openers", "{["),
        ("secrets: {", "secrets:{"),
        ("cookies: [\"", "cookies:[\""),
        ("digits", "4"),
        ("digit groups", "4111 "),
        ("@", "@"),
        ("@tcp(", "a:b@tcp("),
        ("://", "://"),
        ("a://b:c", "a://b:c"),
        ("sk-", "sk-"),
        ("SG.", "SG."),
        ("sl.", "sl."),
        ("sl.xoxb-", "sl.xoxb-"),
        ("s%3A", "s%3A"),
        ("percent", "%22"),
        ("entities", "&quot;"),
        ("name=\"", "name=\"aaaaaaaa"),
        ("Authorization: Digest", "Authorization: Digest a=b,"),
        ("Authorization:", "Authorization: "),
        ("Authorization: \"", "Authorization: \"'"),
        ("Cookie: a=", "Cookie: a=;"),
        ("Bearer ", "Bearer "),
        ("Bearer aaaa", "Bearer aaaaaaaaaaaaaaaa."),
        ("password is", "password is "),
        ("spaces", "token        "),
        ("block", "password: |\n  "),
        ("pipes", "a|aaaaaaaaaaaaaaaa"),
        ("tildes", "aaa8Q~"),
        ("escape", "\x1b["),
        ("colours", "token\x1b[0m"),
        ("angle", "<token>"),
        ("code is", "your code is 123456 "),
        ("commas", "token=,a,"),
        ("$2b$", "$2b$"),
        ("--password", "--password "),
        ("curl", "curl -u a:"),
        ("webhook", "hooks.slack.com/services/"),
        ("discord", "discord.com/api/webhooks/"),
        ("utf-8", "tokén=ü"),
        ("auth: generated", "auth=a1b2c3d4/"),
        ("signature quotes", "signature:`\"'"),
        ("mixed case word", "aA"),
        ("quote levels", "token:\\\"http://token:\\\\\\\"http://token:'http://"),
    ]
}

pub const FRAGMENTS: &[&str] = &[
    "password",
    "token",
    "secret",
    "api_key",
    "Authorization",
    "Cookie",
    "cookie",
    "code",
    "is",
    "otp",
    "name",
    "value",
    "key",
    "=",
    ":",
    ": ",
    "=>",
    " ",
    "\"",
    "'",
    "\\\"",
    "\\\\\\\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ";",
    "&",
    "?",
    "|",
    "\n",
    "\\n",
    "\r\n\r\n",
    "Bearer ",
    "Basic ",
    "Digest ",
    "a=\"b\"",
    "hunter2",
    "abc123DEF456ghi789",
    "eyJhbGciOiJIUzI1NiJ9",
    ".eyJzdWIiOiIxMjM0NTYifQ",
    ".c2lnbmF0dXJlMTIz",
    "https://",
    "u:p@h",
    "://",
    "@tcp(",
    "-----BEGIN PRIVATE KEY-----",
    "-----END PRIVATE KEY-----",
    "4111111111111111",
    "4111 1111 1111 1111",
    "123456",
    "AKIAABCDEFGHIJ234567",
    "[REDACTED]",
    "null",
    "true",
    "${X}",
    "***",
    "<",
    ">",
    "%22",
    "%3D",
    "&quot;",
    "\\u0022",
    "\\u0026",
    "\x1b[32m",
    "\\u001b[0m",
    "--",
    "-p ",
    "-u a:b",
    "curl ",
    "mysql ",
    "login ",
    "é",
    "日本",
    "🎉",
    "$2b$12$",
    "sk-",
    "xoxb-",
    "hooks.slack.com/services/",
    "kty",
    "d",
    "Set-Cookie",
    "Path=/",
    "; ",
    "expires",
    "code is ",
    "your ",
    "`",
    "Some(",
    ")",
    "b'",
    "by ",
    "identified ",
    "|\n  ",
];

/// A tree of these words, its shape drawn from the bits of a number.
pub fn random_tree(words: &[String], shape: u64, depth: u32) -> Json<'static> {
    fn build(words: &[String], random: &mut Random, depth: u32) -> Json<'static> {
        let word = |random: &mut Random| words[random.below(words.len())].clone();
        match random.below(if depth == 0 { 4 } else { 8 }) {
            0 => Json::Null,
            1 => Json::Bool(true),
            2 => Json::Number(random.of(DIGITS, 6).into()),
            3 => Json::String(word(random).into()),
            4 | 5 => Json::Array((0..random.below(5)).map(|_| build(words, random, depth - 1)).collect()),
            _ => {
                const KEYS: [&str; 9] =
                    ["password", "name", "value", "tokens", "a", "kty", "d", "pin", "signature"];
                Json::Object(
                    (0..random.below(5))
                        .map(|_| (KEYS[random.below(9)].into(), build(words, random, depth - 1)))
                        .collect(),
                )
            }
        }
    }
    build(words, &mut Random::new(shape), depth)
}
