//! What stands in a secret's place and hides it: `****1234`, `sk_live_...abcd`, `ghp_xxxxxxxxxxxx`.

use super::lists::is_one_of;

/// The longest value whose whole is judged: of a longer one no more than a beginning may be seen.
const WHOLE_AT_MOST: usize = 200;

/// How much of a secret a mask leaves to see: `hunter2***`, `****1234`, a card's first six digits and its last four.
const VISIBLE_AT_MOST: usize = 12;

/// How tokens begin, which tells their kind and nothing of them: `sk_live_...abcd`
const KINDS: [&str; 22] = [
    "sk_live_",
    "sk_test_",
    "sk-ant-",
    "sk-proj-",
    "sk-",
    "rk_live_",
    "whsec_",
    "ghp_",
    "gho_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "npm_",
    "hf_",
    "AKIA",
    "eyJ",
    "SG.",
    "Bearer ",
    "Basic ",
];

/// Whether a mask stands in a secret's place, or for most of it.
pub fn masked(value: &[u8]) -> bool {
    let head = value.get(..value.len().min(96)).unwrap_or(value);
    // Vault's audit log has the HMAC of a token in its place.
    value.starts_with(b"hmac-sha256:")
        || head.iter().any(|b| matches!(b, b'*' | b'.' | 0xe2)) && is_mask(value)
        || value.len() > 4
            && value.starts_with(b"**")
            && value.ends_with(b"**")
            && value.iter().all(|b| b.is_ascii_alphabetic() || b"* ".contains(b)) // `**redacted**`, `** redacted **`
        || matches!(value.last(), Some(b'x' | b'X')) && elided(value)
        || (2..WHOLE_AT_MOST).contains(&value.len()) && value.iter().all(|b| matches!(b, b'x' | b'X' | b'*' | b'-' | b'#'))
}

/// A token's prefix, and marks in place of the rest: `ghp_xxxxxxxxxxxxxxxx`
#[inline(never)]
fn elided(value: &[u8]) -> bool {
    let marks = value.iter().rev().take_while(|b| matches!(b, b'x' | b'X')).count();
    let prefix = value.get(..value.len() - marks).unwrap_or_default();
    // `sk_test_xxx`
    let kind = matches!(prefix.last(), Some(b'_' | b'-'))
        && prefix.iter().all(|b| b.is_ascii_lowercase() || b"_-".contains(b));
    let least = if kind { 3 } else { 8 };
    value.len() < WHOLE_AT_MOST && marks >= least && prefix.len() <= 16
}

/// Whether dots or stars stand for most of a value: `****1234`
fn is_mask(value: &[u8]) -> bool {
    shown(value).is_some_and(|count| count <= VISIBLE_AT_MOST)
}

/// How many characters dots or stars leave to see of a value, beside what tells its kind; `None` where there are none. Where they
/// trail off behind what is done, as in `Verifying...` and `...rest`, nothing of a value is seen.
pub fn shown(value: &[u8]) -> Option<usize> {
    // `***`, `...`, `•`, `…`, `●`, `█`
    let is_at = |rest: &[u8]| {
        matches!(
            rest,
            [b'*', b'*', b'*', ..]
                | [b'.', b'.', b'.', ..]
                | [0xe2, 0x80, 0xa2 | 0xa6, ..]
                | [0xe2, 0x97, 0x8f, ..]
                | [0xe2, 0x96, 0x88, ..]
        )
    };
    let value = value.get(..value.len().min(WHOLE_AT_MOST)).unwrap_or(value);
    let open = (0..value.len().min(96)).find(|&at| value.get(at..).is_some_and(is_at))?;
    let (before, mask) = value.split_at_checked(open).unwrap_or_default();
    let plain =
        |text: &[u8]| text.iter().all(|b| b.is_ascii_alphabetic() || b" ._'".contains(b) || *b >= 0x80);
    let trails = visible(mask) == 0 && plain(before) && (before.contains(&b' ') || before.ends_with(b"ing"));
    let spread = before.is_empty() && mask.starts_with(b"...") && plain(mask);
    if trails || spread {
        return Some(0);
    }
    let kind = KINDS.iter().find(|kind| before.starts_with(kind.as_bytes())).map_or(0, |kind| kind.len());
    let own = before.get(kind..).unwrap_or_default();
    // `a1b2… (64 characters)`
    let remark = mask.iter().position(|&b| b == b'(').unwrap_or(mask.len());
    Some(visible(own) + visible(mask.get(..remark).unwrap_or_default()))
}

/// How many letters, digits and marks a text shows beside its dots and stars.
fn visible(text: &[u8]) -> usize {
    const ROUND: [&[u8]; 4] = ["•".as_bytes(), "…".as_bytes(), "●".as_bytes(), "█".as_bytes()];
    let begins = |b: &&u8| !matches!(b, b'*' | b'.' | b' ' | b'-' | 0x80..=0xbf);
    let is_round = |part: &&[u8]| part.first() == Some(&0xe2) && ROUND.contains(part);
    let shown = text.iter().filter(begins).count();
    shown.saturating_sub(text.windows(3).filter(is_round).count())
}

/// `Authorization: (missing)`; a bracket that closes behind a bare value is none of it.
pub fn is_absent(value: &[u8]) -> bool {
    let word = value.strip_prefix(b"(").map(|word| word.strip_suffix(b")").unwrap_or(word));
    word.is_some_and(|word| is_one_of!(word, "missing none absent empty unset hidden removed redacted"))
}
