//! What a deployment adds to the rules: names that are sensitive, prefixes of tokens, and what stays after all.
//!
//! Set once, when the configuration is read ([`extend`]), and constant from then on like the tables; every thread has
//! its own, and an isolate has one.

use super::charset::{self, TOKEN_DOT};
use std::cell::RefCell;

/// Fewest bytes behind a prefix of a deployment.
const SHORTEST: usize = 8;

/// A deployment's own patterns; see `REDACT_KEYS`, `REDACT_PREFIXES` and `REDACT_ALLOW` in [`crate::config`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extra {
    /// Names under which everything goes, in any notation (`badgeNo` is `BADGE_NO`).
    pub keys: Vec<String>,
    /// What tokens start with; at least 8 more bytes of `A-Za-z0-9_-.` follow.
    pub prefixes: Vec<String>,
    /// Names that are harmless, in any notation, and values that stay, to the letter.
    pub allow: Vec<String>,
}

thread_local! {
    static EXTRA: RefCell<Extra> = const { RefCell::new(Extra { keys: vec![], prefixes: vec![], allow: vec![] }) };
}

/// Puts a deployment's patterns in place of those before.
pub fn extend(extra: Extra) {
    EXTRA.with_borrow_mut(|current| *current = extra);
}

/// Whether the deployment says that what stands under a name goes (`true`), or stays (`false`).
pub(super) fn says(name: &[u8]) -> Option<bool> {
    EXTRA.with_borrow(|extra| {
        let names = |list: &[String]| list.iter().any(|known| same_name(known.as_bytes(), name));
        match () {
            () if extra.allow.is_empty() && extra.keys.is_empty() => None,
            () if names(&extra.allow) => Some(false),
            () => names(&extra.keys).then_some(true),
        }
    })
}

/// Whether the deployment says that a value stays.
pub(super) fn allows(value: &[u8]) -> bool {
    EXTRA.with_borrow(|extra| extra.allow.iter().any(|known| known.as_bytes() == value))
}

/// Where a token ends that starts at `at` with a prefix of the deployment.
pub(super) fn token(text: &[u8], at: usize) -> Option<usize> {
    EXTRA.with_borrow(|extra| {
        let rest = text.get(at..)?;
        let prefix = extra.prefixes.iter().find(|prefix| rest.starts_with(prefix.as_bytes()))?;
        let body = at + prefix.len();
        let mut end = TOKEN_DOT.run_within(text, body, 512);
        end -= text.get(body..end)?.iter().rev().take(4).take_while(|b| **b == b'.').count();
        (end - body >= SHORTEST && charset::is_mixed(text.get(at..end)?)).then_some(end)
    })
}

/// Whether two names have the same letters and digits: `badgeNo`, `BADGE_NO`, `badge-no`.
fn same_name(a: &[u8], b: &[u8]) -> bool {
    let letters = |name: &[u8]| -> Vec<u8> {
        name.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase).collect()
    };
    letters(a) == letters(b)
}
