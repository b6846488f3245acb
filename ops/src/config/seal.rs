//! A text under a passphrase: production's values leave memory in no other form.
//!
//! PBKDF2-HMAC-SHA-256 makes the key, AES-256-GCM seals; what stands in the clear beside it is sealed with it, so that it
//! cannot be changed.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    pbkdf2,
};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// OWASP's Password Storage Cheat Sheet (2023) for PBKDF2-HMAC-SHA-256.
const ITERATIONS: u32 = 600_000;
/// Most that are believed of a file: its maker could else keep us busy for hours.
const MOST_ITERATIONS: u32 = 10_000_000;
/// NIST SP 800-132, section 5.1: at least 128 bits.
const SALT_BYTES: usize = 16;
const KEY_BYTES: usize = 32;

/// A sealed text.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sealed {
    iterations: u32,
    salt: String,
    nonce: String,
    text: String,
}

/// Seals a text together with what stands beside it in the clear.
///
/// # Errors
/// When the system has no randomness.
pub fn seal(passphrase: &str, beside: &str, text: &str) -> Result<Sealed, String> {
    let mut salt = [0_u8; SALT_BYTES];
    getrandom::fill(&mut salt).map_err(|cause| cause.to_string())?;
    let key = key(passphrase, &salt, ITERATIONS).ok_or("no key could be made")?;
    let mut bytes = text.as_bytes().to_vec();
    let nonce = key
        .seal_in_place_append_tag(Aad::from(beside.as_bytes()), &mut bytes)
        .map_err(|_| "it could not be sealed")?;
    Ok(Sealed {
        iterations: ITERATIONS,
        salt: STANDARD_NO_PAD.encode(salt),
        nonce: STANDARD_NO_PAD.encode(nonce.as_ref()),
        text: STANDARD_NO_PAD.encode(bytes),
    })
}

/// The text; nothing when the passphrase is another, or anything was changed.
pub fn open(passphrase: &str, beside: &str, sealed: &Sealed) -> Option<String> {
    let bytes = |text: &str| STANDARD_NO_PAD.decode(text).ok();
    let iterations = Some(sealed.iterations).filter(|count| *count <= MOST_ITERATIONS)?;
    let key = key(passphrase, &bytes(&sealed.salt)?, iterations)?;
    let nonce: [u8; NONCE_LEN] = bytes(&sealed.nonce)?.try_into().ok()?;
    let mut text = bytes(&sealed.text)?;
    let nonce = Nonce::assume_unique_for_key(nonce);
    let opened = key.open_in_place(nonce, Aad::from(beside.as_bytes()), &mut text).ok()?;
    String::from_utf8(opened.to_vec()).ok()
}

fn key(passphrase: &str, salt: &[u8], iterations: u32) -> Option<RandomizedNonceKey> {
    let mut key = [0_u8; KEY_BYTES];
    let iterations = NonZeroU32::new(iterations)?;
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, salt, passphrase.as_bytes(), &mut key);
    RandomizedNonceKey::new(&AES_256_GCM, &key).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_passphrase_opens_it_and_only_as_it_was() {
        let sealed = seal("a long passphrase", "production", "geheim").unwrap();
        assert_eq!(open("a long passphrase", "production", &sealed).as_deref(), Some("geheim"));
        assert_eq!(open("another passphrase", "production", &sealed), None);
        assert_eq!(open("a long passphrase", "development", &sealed), None);
        assert!(!serde_json::to_string(&sealed).unwrap().contains("geheim"));
    }
}
