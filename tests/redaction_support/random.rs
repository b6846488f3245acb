//! Values that look like secrets, drawn from a seed: `{A32}`, `{JWT}`, `{CARD}`.

/// xorshift64*: the same corpus at every run.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() >> 33) as usize % n
    }

    pub fn of(&mut self, set: &str, n: usize) -> String {
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
    pub fn fill(&mut self, form: &str) -> Option<String> {
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

pub const DIGITS: &str = "0123456789";
const HEX: &str = "0123456789abcdef";
const ALNUM: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const TOKEN: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
const B64: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/";
