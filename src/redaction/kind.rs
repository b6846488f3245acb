//! What stands at a byte, and so which rule looks at it: a table, for nearly every byte of a text asks it.

/// What a byte may begin.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Plain,
    Word,
    Line,
    Backslash,
    Escape,
    Percent,
    Colon,
    Dash,
    Dollar,
    Open,
    Close,
    Quote,
    At,
    Tilde,
    Pipe,
}

/// Of every byte.
pub static KIND: [Kind; 256] = {
    let mut out = [Kind::Plain; 256];
    let mut b = 0usize;
    while b < 256 {
        out[b] = match b as u8 {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'_' => Kind::Word,
            b'\n' => Kind::Line,
            b'\\' => Kind::Backslash,
            0x1b => Kind::Escape,
            b'%' => Kind::Percent,
            b':' => Kind::Colon,
            b'-' => Kind::Dash,
            b'$' => Kind::Dollar,
            b'[' | b'{' => Kind::Open,
            b']' | b'}' => Kind::Close,
            b'"' | b'\'' | b'`' => Kind::Quote,
            b'@' => Kind::At,
            b'~' => Kind::Tilde,
            b'|' => Kind::Pipe,
            _ => Kind::Plain,
        };
        b += 1;
    }
    out
};
