//! Which bytes a token of a rule may hold: one table look-up a byte.

/// A set of ASCII bytes, as a mask over the groups below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charset(u16);

const DIGIT: u16 = 1;
const LOWER_HEX: u16 = 1 << 1;
const LOWER_REST: u16 = 1 << 2;
const UPPER_HEX: u16 = 1 << 3;
const UPPER_REST: u16 = 1 << 4;
const UNDERSCORE: u16 = 1 << 5;
const DASH: u16 = 1 << 6;
const DOT: u16 = 1 << 7;
const PLUS_SLASH: u16 = 1 << 8;
const EQUALS: u16 = 1 << 9;
const DOLLAR_COMMA: u16 = 1 << 10;
const PERCENT: u16 = 1 << 11;
const TILDE: u16 = 1 << 12;
const COLON: u16 = 1 << 13;
const AT: u16 = 1 << 14;
const STAR: u16 = 1 << 15;

const LOWER: u16 = LOWER_HEX | LOWER_REST;
const UPPER: u16 = UPPER_HEX | UPPER_REST;

/// `0-9`
pub const DIGITS: Charset = Charset(DIGIT);
/// `0-9a-f`
pub const HEX: Charset = Charset(DIGIT | LOWER_HEX);
/// `0-9a-fA-F`
pub const ANY_HEX: Charset = Charset(DIGIT | LOWER_HEX | UPPER_HEX);
/// `0-9a-f-`
pub const HEX_DASH: Charset = Charset(DIGIT | LOWER_HEX | UPPER_HEX | DASH);
/// `0-9a-f_`
pub const HEX_UNDER: Charset = Charset(DIGIT | LOWER_HEX | UPPER_HEX | UNDERSCORE);
/// `0-9a-f:/`, and `+`
pub const DIGITS_PATH: Charset = Charset(DIGIT | LOWER_HEX | COLON | PLUS_SLASH);
/// `A-Z0-9`
pub const UPPER_NUM: Charset = Charset(DIGIT | UPPER);
/// `A-Z0-9-`
pub const UPPER_NUM_DASH: Charset = Charset(DIGIT | UPPER | DASH);
/// `A-Za-z0-9`
pub const ALNUM: Charset = Charset(DIGIT | LOWER | UPPER);
/// `A-Za-z0-9_`
pub const ALNUM_UNDER: Charset = Charset(DIGIT | LOWER | UPPER | UNDERSCORE);
/// `A-Za-z0-9.`
pub const ALNUM_DOT: Charset = Charset(DIGIT | LOWER | UPPER | DOT);
/// `A-Za-z0-9_-`: base64url, and what most issuers use
pub const TOKEN: Charset = Charset(DIGIT | LOWER | UPPER | UNDERSCORE | DASH);
/// `A-Za-z0-9_-=`
pub const TOKEN_EQ: Charset = Charset(DIGIT | LOWER | UPPER | UNDERSCORE | DASH | EQUALS);
/// `A-Za-z0-9_-.`
pub const TOKEN_DOT: Charset = Charset(DIGIT | LOWER | UPPER | UNDERSCORE | DASH | DOT);
/// `A-Za-z0-9_-.%`: a token that may be percent-encoded
pub const TOKEN_PERCENT: Charset = Charset(DIGIT | LOWER | UPPER | UNDERSCORE | DASH | DOT | PERCENT);
/// `A-Za-z0-9+/=`
pub const BASE64: Charset = Charset(DIGIT | LOWER | UPPER | PLUS_SLASH | EQUALS);
/// Base64 of either alphabet
pub const ANY_BASE64: Charset = Charset(DIGIT | LOWER | UPPER | PLUS_SLASH | EQUALS | UNDERSCORE | DASH);
/// What crypt(3) and PHC strings hold: `A-Za-z0-9./+=$,_-`
pub const CRYPT: Charset =
    Charset(DIGIT | LOWER | UPPER | DOT | PLUS_SLASH | EQUALS | DOLLAR_COMMA | UNDERSCORE | DASH);
/// [`CRYPT`] and `:`
pub const CRYPT_COLON: Charset = Charset(CRYPT.0 | COLON);
/// [`CRYPT_COLON`] and what names a Kerberos service: `*` and `@`
pub const KERBEROS: Charset = Charset(CRYPT_COLON.0 | STAR | AT);
/// What an iron seal holds: `A-Za-z0-9_-*~`
pub const IRON: Charset = Charset(TOKEN.0 | STAR | TILDE);
/// The rest of a URL path: `A-Za-z0-9_-./@`
pub const PATH: Charset = Charset(DIGIT | LOWER | UPPER | UNDERSCORE | DASH | PLUS_SLASH | AT);
/// RFC 6750 `b64token`: `A-Za-z0-9-._~+/=`, and `%` and `:` seen in practice
pub const CREDENTIAL: Charset =
    Charset(DIGIT | LOWER | UPPER | UNDERSCORE | DASH | DOT | PLUS_SLASH | EQUALS | PERCENT | TILDE | COLON);
/// A key or an ordinary word: `A-Za-z0-9_-`
pub const WORD: Charset = TOKEN;

const GROUP: [u16; 256] = {
    let mut table = [0u16; 256];
    let mut b = 0usize;
    while b < 256 {
        table[b] = match b as u8 {
            b'0'..=b'9' => DIGIT,
            b'a'..=b'f' => LOWER_HEX,
            b'g'..=b'z' => LOWER_REST,
            b'A'..=b'F' => UPPER_HEX,
            b'G'..=b'Z' => UPPER_REST,
            b'_' => UNDERSCORE,
            b'-' => DASH,
            b'.' => DOT,
            b'+' | b'/' => PLUS_SLASH,
            b'=' => EQUALS,
            b'$' | b',' => DOLLAR_COMMA,
            b'%' => PERCENT,
            b'~' => TILDE,
            b':' => COLON,
            b'@' => AT,
            b'*' => STAR,
            _ => 0,
        };
        b += 1;
    }
    table
};

impl Charset {
    /// Whether the byte is in the set.
    #[inline(always)]
    pub const fn has(self, byte: u8) -> bool {
        GROUP[byte as usize] & self.0 != 0
    }

    /// Where the run of bytes of this set that starts at `from` ends.
    #[inline(never)]
    pub fn run(self, text: &[u8], from: usize) -> usize {
        let mut end = from;
        while text.get(end).is_some_and(|&b| self.has(b)) {
            end += 1;
        }
        end
    }

    /// As [`run`](Self::run), looking at no more than `most` bytes.
    #[inline(never)]
    pub fn run_within(self, text: &[u8], from: usize, most: usize) -> usize {
        let limit = text.len().min(from.saturating_add(most));
        text.get(..limit).map_or(from, |text| self.run(text, from))
    }
}

/// A set of ASCII bytes that is written where it is asked for: `const { Bytes::of(b"!#$") }`. One step a byte, where looking
/// through a text takes as many as it is long.
pub struct Bytes([u64; 2]);

impl Bytes {
    /// Of these bytes, all of them ASCII.
    pub const fn of(bytes: &[u8]) -> Self {
        let (mut set, mut at) = ([0; 2], 0);
        while at < bytes.len() {
            set[(bytes[at] >> 6) as usize] |= 1 << (bytes[at] & 63);
            at += 1;
        }
        Bytes(set)
    }

    /// Whether the byte is in the set.
    #[inline(always)]
    pub const fn has(&self, byte: u8) -> bool {
        let half = if byte < 64 { self.0[0] } else { self.0[1] };
        byte < 128 && half >> (byte & 63) & 1 != 0
    }
}

/// A letter or a digit.
#[inline(always)]
pub fn is_alnum(byte: u8) -> bool {
    GROUP[byte as usize] & (DIGIT | LOWER | UPPER) != 0
}

/// How many bytes it takes to see that a token holds a digit and a letter, or both cases of letters: what a
/// generated one does and a word does not. `None` when it does not.
pub fn mixed_within(token: &[u8]) -> Option<usize> {
    let mut seen = 0u16;
    token
        .iter()
        .position(|&b| {
            seen |= GROUP[b as usize];
            let (digit, lower, upper) = (seen & DIGIT != 0, seen & LOWER != 0, seen & UPPER != 0);
            (digit && (lower || upper)) || (lower && upper)
        })
        .map(|at| at + 1)
}

/// Whether a token is mixed, see [`mixed_within`].
pub fn is_mixed(token: &[u8]) -> bool {
    mixed_within(token).is_some()
}
