//! Looks a text's bytes up in the table of tokens.

use super::charset;
use super::rules::{RULES, Rule, Source::Scanners, Span::Rest};
use super::runs::Runs;
use std::sync::LazyLock;

/// One prefix of the table.
struct Entry {
    row: usize,
    prefix: &'static [u8],
    /// The prefix's first four bytes, and which of them it has: one comparison turns nearly every text away.
    head: u32,
    mask: u32,
}

/// The table as it is looked up, laid out at the first look.
struct Index {
    /// All prefixes ordered by [`pair`], the table's order kept within one.
    entries: Vec<Entry>,
    /// Where the prefixes of a pair start; the next one's start is their end. Nearly every ordinary word is turned away
    /// here.
    starts: Vec<u16>,
}

/// How many pairs there are.
const PAIRS: usize = 128 * 32;

/// The place of a token's first two bytes in the index: the first one whole, the second one's lower five bits. None for
/// a byte that is not ASCII: no token starts so.
fn pair(first: u8, second: u8) -> Option<usize> {
    first.is_ascii().then_some(usize::from(first) << 5 | usize::from(second & 31))
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut entries = Vec::new();
    for (row, rule) in RULES.iter().enumerate() {
        for prefix in rule.prefixes.split(' ').map(str::as_bytes) {
            let (mut head, mut mask) = ([0u8; 4], [0u8; 4]);
            for ((byte, head), mask) in prefix.iter().zip(&mut head).zip(&mut mask) {
                (*head, *mask) = (*byte, 0xff);
            }
            entries.push(Entry {
                row,
                prefix,
                head: u32::from_le_bytes(head),
                mask: u32::from_le_bytes(mask),
            });
        }
    }
    let place = |entry: &Entry| match *entry.prefix {
        [first, second, ..] => pair(first, second).unwrap_or(0),
        _ => 0,
    };
    entries.sort_by_key(place); // stable
    let mut starts = vec![0u16; PAIRS + 1];
    for entry in &entries {
        if let Some(next) = starts.get_mut(place(entry) + 1) {
            *next += 1;
        }
    }
    let mut sum = 0;
    for start in &mut starts {
        sum += *start;
        *start = sum;
    }
    Index { entries, starts }
});

/// A token found.
pub struct Token {
    /// The row
    pub row: usize,
    /// First byte that goes
    pub start: usize,
    /// First byte after it
    pub end: usize,
}

/// Whether a token of the table starts at `at`.
#[inline]
pub fn token_at(text: &[u8], at: usize, runs: &mut Runs) -> Option<Token> {
    let (&first, &second) = (text.get(at)?, text.get(at + 1)?);
    let index = &*INDEX;
    let pair = pair(first, second)?;
    let range = usize::from(*index.starts.get(pair)?)..usize::from(*index.starts.get(pair + 1)?);
    if range.is_empty() { None } else { token_of(text, at, index.entries.get(range)?, runs) }
}

/// How far the secret part of an address with escaped slashes is followed.
const ESCAPED_AT_MOST: usize = 256;

/// How much of a token is looked at to tell whether it is a name.
const NAME_AT_MOST: usize = 64;

/// Whether it is no token but a name that starts as one (`test_user_can_order_2_items`), or, under a prefix that its
/// issuer does not state, a hash (`rnd_9f2c…`).
fn names_thing(rule: &Rule, body: &[u8]) -> bool {
    let type_id = body.len() == 26 && matches!(body.first(), Some(b'0'..=b'7')); // TypeID, of a UUID v7
    let body = body.get(..NAME_AT_MOST).unwrap_or(body);
    if body.iter().any(u8::is_ascii_uppercase) {
        return false;
    }
    let hash = rule.source == Scanners && rule.body.has(b'z') && matches!(body.len(), 32 | 40 | 64);
    let word = |part: &&[u8]| {
        part.len() > 2 && part.iter().all(u8::is_ascii_lowercase) && !part.iter().all(u8::is_ascii_hexdigit)
    };
    hash && body.iter().all(u8::is_ascii_hexdigit)
        || rule.source == Scanners && type_id
        || body.split(|b| matches!(b, b'_' | b'-')).filter(word).nth(1).is_some()
}

/// Whether a prefix of marks (`$2b$`, `s%3A`) stands in what would be the token: then none begins before it.
fn is_within(prefix: &[u8], body: &[u8]) -> bool {
    prefix.iter().any(|b| b"$%".contains(b)) && body.windows(prefix.len()).any(|part| part == prefix)
}

/// `https:\/\/hooks.slack.com\/services\/…`, as PHP escapes slashes in JSON.
#[inline(never)]
fn escaped_hook(text: &[u8], at: usize, entry: &Entry) -> Option<Token> {
    let rule = RULES.get(entry.row)?;
    let slash = |at: usize| super::value::slash(text, at);
    let start = entry.prefix.iter().try_fold(at, |at, &b| {
        let at = if b == b'/' { slash(at) } else { at };
        (text.get(at) == Some(&b)).then_some(at + 1)
    })?;
    let mut end = start;
    while end < start + ESCAPED_AT_MOST && text.get(slash(end)).is_some_and(|&b| rule.body.has(b)) {
        end = slash(end) + 1;
    }
    let content = text.get(start..end)?;
    let fits = content.len() >= usize::from(rule.min) && charset::is_mixed(content);
    fits.then_some(Token { row: entry.row, start, end })
}

#[inline(never)]
fn token_of(text: &[u8], at: usize, entries: &[Entry], runs: &mut Runs) -> Option<Token> {
    let rest = text.get(at..)?;
    let head = match rest {
        [a, b, c, d, ..] => u32::from_le_bytes([*a, *b, *c, *d]),
        _ => return None, // shorter than any token
    };
    entries.iter().find_map(|entry| {
        if head & entry.mask != entry.head {
            return None;
        }
        let (rule, prefix) = (RULES.get(entry.row)?, entry.prefix);
        if !rest.starts_with(prefix) {
            return if rule.span == Rest { escaped_hook(text, at, entry) } else { None };
        }
        let body = at + prefix.len();
        let (mut end, slot) = runs.end(rule.body, text, body);
        // A sentence's full stop or a URL's slash is not the token's.
        let tail = text.get(body..end)?.iter().rev().take(4);
        end -= tail.take_while(|b| matches!(b, b'.' | b',' | b':' | b'/')).count();
        let fits = (rule.min as usize..=rule.max as usize).contains(&(end - body));
        let ends = text.get(end).is_none_or(|&b| !charset::is_alnum(b) && b != b'_');
        let content = text.get(body..end)?;
        if !fits
            || !ends
            || !runs.mixed(slot, content)
            || names_thing(rule, content)
            || is_within(prefix, content)
        {
            return None;
        }
        // `hooks/catch/1019542/m7gzc7m/`: the account's number stays.
        let account = content.iter().take_while(|b| b.is_ascii_digit()).count();
        let named = account > 4 && content.get(account) == Some(&b'/') && content.len() > account + 4;
        let account = if named { account + 1 } else { 0 };
        let start = if rule.span == Rest { body + account } else { at };
        Some(Token { row: entry.row, start, end })
    })
}
