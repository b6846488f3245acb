//! Names that a product gives its secrets and that say little alone: what they hold is told by its form too.

use super::charset;
use super::lists::{ends_as, is_one_of};
use super::names::Rule;
use super::scan::Scanner;
use super::separator::Separator;
use super::value;
use super::words::mentions;

/// Azure's keys: 64 bytes in base64.
const AZURE: usize = 88;

/// Laravel's keys: what says so, and 32 bytes in base64.
const LARAVEL: usize = 51;

/// Inngest's event keys: 64 bytes and more in base64.
const INNGEST: std::ops::RangeInclusive<usize> = 80..=100;

/// A session's id that opens the session to whoever has it is as long as that; an analytics tool's is shorter, or a UUID.
const SESSION: std::ops::RangeInclusive<usize> = 32..=128;

/// So many dashes and such stand in random base64 at most; in a path or a slug there are more.
const MARKS_AT_MOST: usize = 8;

/// So many letters and digits stand in it at a stretch.
const STRETCH_AT_LEAST: usize = 20;

/// In a shorter one, of so many at least, the kinds of characters change as often as chance has it.
const SHORT_STRETCH: usize = 12;
const CHANGES_AT_LEAST: usize = 6;

/// WordPress' keys and salts: 64 characters of any kind. The text of who set none is shorter.
const WORDPRESS: usize = 64;

/// How far before a key's value Azure names it.
const NAMED_WITHIN: usize = 96;

/// How far behind `random_password` in Terraform's state its result stands at most.
const RESULT_WITHIN: usize = 1600;

/// `define( 'NONCE_SALT', '…' )`
fn is_wordpress(name: &[u8]) -> bool {
    const NAMES: &str = "auth_key secure_auth_key logged_in_key nonce_key auth_salt secure_auth_salt logged_in_salt nonce_salt";
    name.first().is_some_and(u8::is_ascii_uppercase) && is_one_of!(name, NAMES)
}

/// `AZURE_STORAGE_KEY: …`. The key under which a browser or S3 stores something has another form.
fn is_storage(name: &[u8]) -> bool {
    ends_as!(name, "storage_key storagekey storage_account_key storageaccountkey")
}

fn is_session(name: &[u8]) -> bool {
    ends_as!(name, "session_id session-id sessionid")
}

/// Whether a session's id is as random as a token: small letters, capitals and digits, most of them at a stretch. No UUID, no
/// hash, no document's id (Convex' are of small letters and digits), and none that says what it is an id of (`cs_test_…`).
fn opens_session(value: &[u8]) -> bool {
    let has = |test: fn(&u8) -> bool| value.iter().any(test);
    let stretch = value.split(|&b| !charset::is_alnum(b)).max_by_key(|part| part.len()).unwrap_or_default();
    let kind = |b: &u8| (b.is_ascii_digit(), b.is_ascii_uppercase());
    let changes = stretch.windows(2).filter(|two| matches!(two, [a, b] if kind(a) != kind(b))).count();
    let marks = value.iter().filter(|&&b| !charset::is_alnum(b)).count();
    let random = stretch.len() >= STRETCH_AT_LEAST
        || stretch.len() >= SHORT_STRETCH && changes >= CHANGES_AT_LEAST && marks <= 2;
    SESSION.contains(&value.len())
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_uppercase)
        && random
        && !matches!(value, [b'1' | b'2', b'_', ..]) // OpenTok's
        && !value::names_kind(value)
        && value::is_unmistakable(value)
}

/// Whether what stands under a product's name has the form of its secret.
pub fn is_of_product(name: &[u8], value: &[u8]) -> bool {
    let base64 = |text: &[u8]| text.iter().all(|&b| charset::BASE64.has(b));
    match value.len() {
        AZURE if value.ends_with(b"==") => is_storage(name) && base64(value),
        LARAVEL if name == b"key" => {
            value.ends_with(b"=") && value.strip_prefix(b"base64:").is_some_and(base64)
        }
        // Consul's and Nomad's gossip keys: 16 or 32 bytes
        24 | 44 if name == b"encrypt" => value.ends_with(b"=") && base64(value) && charset::is_mixed(value),
        length if INNGEST.contains(&length) && ends_as!(name, "event_key eventkey") => {
            let parts = value.iter().filter(|&b| b"-_".contains(b)).count();
            parts <= MARKS_AT_MOST && !value.contains(&b'/') && value::is_unmistakable(value)
        }
        // ActiveMerchant's check value of a card
        3 | 4 if ends_as!(name, "verification_value") => value.iter().all(u8::is_ascii_digit),
        // The cookies of ASP.NET and Django by their whole names
        24 if ends_as!(name, "net_sessionid") => {
            value.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        }
        32 if name == b"sessionid" => {
            value.iter().any(u8::is_ascii_lowercase)
                && !value.iter().all(u8::is_ascii_hexdigit)
                && value::is_unmistakable(value)
        }
        // An authenticator's secret in base32 (RFC 4648, section 6)
        16..WORDPRESS if name == b"seed" => {
            let base32 = |b: &u8| b.is_ascii_uppercase() || matches!(b, b'2'..=b'7');
            value.iter().all(base32)
                && value.iter().any(u8::is_ascii_digit)
                && value.iter().any(u8::is_ascii_uppercase)
        }
        length if SESSION.contains(&length) && is_session(name) => opens_session(value),
        WORDPRESS.. => {
            is_wordpress(name)
                && value.iter().take(WORDPRESS).any(u8::is_ascii_digit)
                && value.iter().take(WORDPRESS).any(u8::is_ascii_alphabetic)
        }
        _ => false,
    }
}

impl Scanner<'_> {
    /// Takes what a product's name holds: `define( 'NONCE_SALT', '…' )`, Laravel's `"key":"base64:…"`.
    pub fn product_value(&mut self, name: &[u8], sep: Separator) -> bool {
        let laravel = || name == b"key" && (0..=4).any(|mark| self.is_at(sep.value + mark, b"base64:"));
        let named = is_storage(name) || is_wordpress(name) || is_session(name);
        if !(named
            || ends_as!(name, "event_key eventkey verification_value")
            || matches!(name, b"seed" | b"encrypt")
            || laravel())
        {
            return false;
        }
        let (start, end, after) = self.argument_at(sep.value, 2 * WORDPRESS);
        let quoted = start > sep.value && after > end;
        let fits = is_of_product(name, self.slice(start, end)) && (quoted || !is_wordpress(name));
        if fits {
            self.take(start, end, after, Rule::KEY_VALUE);
        }
        fits
    }

    /// Hadoop's `fs.azure.account.key.{account}.dfs.core.windows.net=…`, its name read from its end
    pub fn account_key(&mut self, start: usize, sep: Separator) -> bool {
        let back = self.slice(start.saturating_sub(NAMED_WITHIN), start);
        if !back.ends_with(b".core.windows.") || !mentions(back, &[b"azure.account.key."]) {
            return false;
        }
        self.looked(start.saturating_sub(NAMED_WITHIN), start);
        let (from, to, after) = self.argument_at(sep.value, 2 * AZURE);
        let content = self.slice(from, to);
        let fits = content.len() == AZURE
            && content.ends_with(b"==")
            && content.iter().all(|&b| charset::BASE64.has(b));
        if fits {
            self.take(from, to, after, Rule::KEY_VALUE);
        }
        fits
    }

    /// Azure's list of an account's keys: `"keyName": "key1", … "value": "…"`
    pub fn listed_key(&mut self, start: usize, sep: Separator) -> bool {
        let from = sep.value + 1;
        let end = from + AZURE;
        let closed = matches!(self.byte(sep.value), b'"' | b'\'') && self.byte(end) == self.byte(sep.value);
        if !closed || !self.is_at(end - 2, b"==") {
            return false;
        }
        self.looked(start.saturating_sub(NAMED_WITHIN), end);
        let back = self.slice(start.saturating_sub(NAMED_WITHIN), start);
        let named = back.windows(7).any(|part| part == b"keyName");
        let fits = named && charset::BASE64.run_within(self.text, from, AZURE) == end;
        if fits {
            self.take(from, end, end + 1, Rule::KEY_VALUE);
        }
        fits
    }

    /// The `result` of Terraform's `"type":"random_password"`
    pub fn random_result(&mut self, start: usize, sep: Separator) -> bool {
        if self.random_at == 0 || start > self.random_at + RESULT_WITHIN {
            return false;
        }
        let Some((quote, from)) = value::opening(self.text, sep.value) else { return false };
        let (to, after) = self.closing(from, quote);
        let fits = to < after && !value::says_nothing(self.judged(from, to));
        if fits {
            self.take(from, to, after, Rule::KEY_VALUE);
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_tells_a_products_secret_from_what_else_is_called_so() {
        let (azure, laravel) = ("aB3/".repeat(21) + "aQ==", format!("base64:{}aB3=", "aB3/".repeat(10)));
        let salt = "J?G8 ^l,".repeat(8);
        for (name, value) in [("AZURE_STORAGE_KEY", &azure), ("key", &laravel), ("NONCE_SALT", &salt)] {
            assert!(is_of_product(name.as_bytes(), value.as_bytes()), "{name}");
            for other in ["", "user-settings-v2", "put your unique phrase here", "base64:abc"] {
                assert!(!is_of_product(name.as_bytes(), other.as_bytes()), "{name} {other}");
            }
            assert!(!is_of_product(b"cacheKey", value.as_bytes()), "{name}");
        }
        for opens in ["7mPte2mmUSvvnziyRfTh7ZDymuDRSsNp", "7mPte2mmUSvvnziyRfTh7ZDymuDRS-sNp_x9"] {
            assert!(is_of_product(b"sessionId", opens.as_bytes()), "{opens}");
        }
        for other in [
            "0b5f3c1e-7a94-4f8e-9a41-0f6f1c2d3e4f",
            "4bf92f3577b34da6a3ce929d0e0e4736",
            "cs_test_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6",
            "7mPte2mmUSvvnziyRfTh",
            "ab38a0f4c4ab38a0f4c4ab38a0f4c4ab38a0f4c4",
            "AWSCLI-Session-1717000000-i-0a1b2c3d4e5f",
            "GitHubActions-Deploy-Prod-9876543210-1",
            "k57bwz0tbg5ftm0kjwz9ex2q8x6z1q2w",
            "web-7d9f6c5b4d-x2x9k-1717000000-0f3a",
        ] {
            assert!(!is_of_product(b"session_id", other.as_bytes()), "{other}");
        }
    }
}
