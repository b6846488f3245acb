//! Takes credentials out of logs before anything is stored, buffered or logged.
//!
//! # Policy
//!
//! **Goes**, replaced by `[REDACTED]`: passwords, passphrases and PINs; tokens; API, signing and encryption keys;
//! cookies' values; CSRF tokens; OAuth codes; JWTs and JWEs; private keys; passwords in URLs and connection strings;
//! the secret part of webhook URLs; payment card numbers and their check values; password hashes; one-time codes.
//!
//! **Stays**: e-mail addresses, names, IP addresses, UUIDs, commit and content hashes, public keys and certificates,
//! ids (trace ids and sessions' too, but for an opaque one of 32 characters and more, which opens the session), counts,
//! publishable keys (`pk_live_…`, `NEXT_PUBLIC_…`), addresses, names *about*
//! secrets (`tokenCount`, `total_tokens`, `hasPassword`, `passwordResetUrl`, `token_type`), prose ("password is
//! required", "invalid token"), and under a sensitive name null, booleans, empty strings, placeholders (`${TOKEN}`,
//! `<token>`, `***`) and what is already redacted.
//!
//! Only the value goes: names, quotation marks, a scheme's word (`Bearer`), a cookie's name and attributes, and all
//! text around it stay byte for byte. Redaction is idempotent, and linear in the text's length whatever the text is
//! (see [`work`]). A context is walked as a tree and keeps its shape and its keys ([`redact_context`]).
//!
//! A deployment adds names and prefixes of its own, and says what stays after all ([`Extra`]).
//!
//! # Measured
//!
//! - `cargo test --test redaction -- --nocapture`: recall and precision on the corpus in `tests/corpus`.
//! - `cargo run --release --example redaction_corpus -- FILE`: the same on lines of your own.
//! - `cargo run --release --example redaction_growth`: looks for texts whose cost grows faster than they do.
//! - `cargo run --release --example redaction_bench`: ns a byte on the host; `tests/redaction_cost.rs`: the same in wasm.
//!   The first call takes some 3 to 8 ms there, in which the tables are laid out, and a message then (hours differ by half and
//!   more: the ratios are what counts)
//!
//!   | µs in wasm | 100 B | 1 KB | 10 KB | 1 MB |
//!   | --- | --- | --- | --- | --- |
//!   | a friendly one | 3.1 | 26 | 251 | 25,900 |
//!   | lines of applications that name secrets and have none | 2.7 | 26 | 590 | 66,000 |
//!   | the same, and a number among them that is taken for a code | 2.7 | 27 | 590 | 129,600 |
//!   | a secret in each line | 6.1 | 59 | 569 | 56,800 |
//!   | the dearest of 247 hostile ones, `tokens: ['a', 'b', ` over and over | 11.1 | 118 | 1,170 | 120,700 |
//!
//!   So the cost is linear. Tests assert that in counted steps; what rules look at and do not count, and what only two
//!   pieces together do, `redaction_growth` looks for. A hostile byte costs
//!   1.3 friendly ones in the median kind, 2.8 in nine of ten, 4.8 in the dearest; an application's 2.4, and 3.5 to 4.8 when one
//!   thing in its lines is found. Each word that may name a secret, or begin one, is looked at; and a text in which
//!   something was found is read twice, as most of the dearest are. What stands under a name is judged by its first 256 bytes.
//! - What it adds to the bundle: 162 KB gzip of 590, against a build whose [`redact_text`] and [`redact_context`] do nothing.
//! - What a batch's contexts repeat (a page's address, its browser) is read once a request.
//!
//! # Where the facts come from
//!
//! Token formats: the table in [`rules`] names a source for every row — gitleaks (MIT), secretlint (MIT), kingfisher
//! and datadog-agent (Apache-2.0), betterleaks, as sources of facts, and the issuers' documentation; `Scanners` marks
//! formats that no issuer states and public scanners agree on. Names of fields: datadog-agent's scrubber, gitleaks'
//! generic rule and its exceptions ([`keys`]). Headers and URLs: RFC 9110, 7617, 6750, 7616, 6265,
//! 3986. Keys and tokens: RFC 7468 (PEM), 7515-7519 (JWT family). Cards: ISO/IEC 7812. Hashes: crypt(3) and the PHC
//! string format.

mod argument;
mod arrays;
mod assign;
mod at;
mod bare;
mod below;
mod benign;
mod beside;
mod block;
mod bound;
mod call;
mod called;
mod card;
pub mod charset;
mod code;
mod codes;
mod command;
mod context;
mod declared;
mod dumped;
mod echoed;
mod emphasis;
mod encoded;
mod extra;
mod faulted;
mod foreign;
mod formed;
mod grouped;
mod header;
mod inside;
mod instead;
mod items;
mod jar;
pub mod keys;
mod kind;
mod leaves;
mod level;
mod line;
mod listed;
mod lists;
mod looks;
mod mail;
mod masks;
mod multipart;
mod names;
mod near;
mod object;
mod one_time;
mod operands;
mod owned;
mod pair;
mod parameters;
mod parts;
mod pem;
mod pgpass;
mod phrase;
mod piped;
mod places;
mod predicate;
mod printed;
mod product;
mod purpose;
mod quoted;
mod record;
mod redis;
mod roles;
pub mod rules;
mod runs;
mod says;
mod scan;
mod seen;
mod separator;
mod shapes;
mod siblings;
mod source;
mod spread;
mod statement;
mod table;
mod tally;
mod token;
mod told;
mod typed;
mod validated;
mod value;
mod words;
mod written;

use std::borrow::Cow;
use std::ops::Range;

pub use context::redact_context;
pub use extra::{Extra, extend};
pub use names::PATTERN_COUNT;
pub use tally::Tally;

/// What stands where a secret stood.
pub const MARK: &str = "[REDACTED]";

/// A secret in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Bytes that go
    pub range: Range<usize>,
    /// The rule that says so
    pub rule: &'static str,
}

/// Passes over a text at most. The second finds nothing in all but contrived texts, where what the first took out
/// changes what stands beside it (`4111…:B@tcp(`); it is what makes redaction idempotent there too.
const MOST_PASSES: usize = 4;

/// Replaces the secrets in a text. `Cow::Borrowed` when there are none.
pub fn redact_text<'a>(text: &'a str, tally: &mut Tally) -> Cow<'a, str> {
    let Some(mut clean) = pass(text, tally) else { return Cow::Borrowed(text) };
    for _ in 1..MOST_PASSES {
        match pass(&clean, tally) {
            Some(cleaner) => clean = cleaner,
            None => break,
        }
    }
    Cow::Owned(clean)
}

/// One pass. `None` when there is nothing to take out.
fn pass(text: &str, tally: &mut Tally) -> Option<String> {
    let mut scanner = scan::Scanner::new(text);
    scanner.run();
    if scanner.found.is_empty() {
        return None;
    }
    let gone: usize = scanner.found.iter().map(|span| span.end - span.start).sum();
    let mut out = String::with_capacity(text.len().saturating_sub(gone) + scanner.found.len() * MARK.len());
    let mut kept = 0;
    for span in &scanner.found {
        // Every span starts and ends at an ASCII byte's border; were one not to, it would be left out, not panic.
        let (Some(before), Some(_)) = (text.get(kept..span.start), text.get(span.start..span.end)) else {
            continue;
        };
        out.push_str(before);
        out.push_str(MARK);
        kept = span.end;
        tally.add(span.rule);
    }
    out.push_str(text.get(kept..).unwrap_or_default());
    Some(out)
}

/// The secrets in a text, in order, each with its rule's name.
pub fn find(text: &str) -> Vec<Finding> {
    let mut scanner = scan::Scanner::new(text);
    scanner.run();
    scanner.found.iter().map(|span| Finding { range: span.start..span.end, rule: span.rule.name() }).collect()
}

/// Whether what stands under this name is a secret by the name alone.
pub fn is_sensitive_key(key: &str) -> bool {
    use keys::Level::*;
    matches!(keys::level(key.as_bytes()), Always | UnlessNumber | UnlessCount)
}

/// Every rule's name, as a [`Tally`] counts them.
pub fn rule_names() -> impl Iterator<Item = &'static str> {
    names::NAMES.iter().copied()
}

/// How many rules there are.
pub fn pattern_count() -> usize {
    PATTERN_COUNT
}

/// How many bytes one pass over this text looks at, again or for the first time: what linear time is measured by.
pub fn work(text: &str) -> u64 {
    let mut scanner = scan::Scanner::new(text);
    scanner.run();
    scanner.runs.looked
}
