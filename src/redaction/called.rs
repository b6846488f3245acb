//! What stands under a secret's name and says what something is called: the name it is kept under, the fingerprint of the
//! key that is meant, where a controller is.

use super::keys;
use super::lists::ends_as;

/// `TOKEN_KEY = 'auth_token'`, `secretKey: api-key`: under which name something is kept
pub fn is_name_of_key(name: &[u8], value: &[u8]) -> bool {
    let word = |b: &u8| b.is_ascii_lowercase() || b"_-.:".contains(b);
    let named = ends_as!(
        name,
        "token_key tokenkey storage_key storagekey cookie_key passwordkey password_key header cookie param field"
    );
    (named || name == b"secretKey" && ends_as!(value, "key token password"))
        && !ends_as!(value, "secret secret-key secret_key")
        && value.len() <= 32
        && value.iter().any(|b| b"_-.:".contains(b))
        && value.iter().all(word)
        && name != value
        && keys::level(value) == keys::Level::Always
}

/// Rails' `passwords: 'admin/passwords'`: where the controller of that name is
pub fn is_path_to(name: &[u8], value: &[u8]) -> bool {
    let path = value.len().checked_sub(name.len() + 1).and_then(|slash| value.split_at_checked(slash));
    path.is_some_and(|(folder, last)| {
        last.first() == Some(&b'/')
            && last.get(1..).is_some_and(|last| last.eq_ignore_ascii_case(name))
            && !folder.is_empty()
            && folder.iter().all(|&b| b.is_ascii_lowercase() || b"_/".contains(&b))
    })
}

/// `GPG_KEY=E3FF2839…`: an OpenPGP key's fingerprint, or the half of it by which it is called (RFC 9580, section 5.5.4)
pub fn is_fingerprint(name: &[u8], value: &[u8]) -> bool {
    ends_as!(name, "gpg_key gpgkey gpg-key pgp_key pgpkey gpg_keys gpg_signing_key")
        && matches!(value.len(), 16 | 40)
        && value.iter().all(u8::is_ascii_hexdigit)
}
