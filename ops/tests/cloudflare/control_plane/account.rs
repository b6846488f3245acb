//! The account, and what a token may do in it.

use serde_json::{Value, json};

use super::{
    Core,
    envelope::{Outcome, Refusal},
};

/// The one account there is.
pub const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";
/// A token that may do everything from the start.
pub const TOKEN: &str = "control-plane-token";

/// What a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everything.
    Full,
    /// Everything that changes nothing.
    Read,
    /// It was valid once.
    Expired,
    /// It is a good token of another account.
    Elsewhere,
}

/// Whether the token may make this call; the path is without `/client/v4`.
pub fn authorize(core: &Core, token: Option<&str>, method: &str, path: &str) -> Result<(), Refusal> {
    let access = token.and_then(|token| core.tokens.lock().unwrap().get(token).copied());
    let in_account = path.starts_with("/accounts/");
    let allowed = match access {
        None | Some(Access::Expired) => return Err(unknown(path)),
        Some(Access::Full) => !in_account || path.starts_with(&format!("/accounts/{ACCOUNT}")),
        Some(Access::Read) => {
            method == "GET" && (!in_account || path.starts_with(&format!("/accounts/{ACCOUNT}")))
        }
        Some(Access::Elsewhere) => !in_account,
    };
    if allowed { Ok(()) } else { Err(Refusal::authentication()) }
}

/// A token nobody knows: each service has its own words for it.
fn unknown(path: &str) -> Refusal {
    match path {
        "/user/tokens/verify" => Refusal::new(401, 1000, "Invalid API Token"),
        "/user" | "/accounts" | "/memberships" => Refusal::new(403, 9109, "Invalid access token"),
        _ => Refusal::authentication(),
    }
}

/// The calls of `wrangler whoami`.
pub fn get(core: &Core, token: Option<&str>, path: &str) -> Option<Outcome> {
    let elsewhere =
        token.and_then(|token| core.tokens.lock().unwrap().get(token).copied()) == Some(Access::Elsewhere);
    let account: Value = if elsewhere {
        json!({ "id": "ffffffffffffffffffffffffffffffff", "name": "Elsewhere" })
    } else {
        json!({ "id": ACCOUNT, "name": "Test account" })
    };
    let result = match path {
        "/user/tokens/verify" => json!({ "id": "token", "status": "active" }),
        "/user" => json!({ "id": "user", "email": "deployer@example.com" }),
        "/accounts" => json!([account]),
        "/memberships" => json!([{ "id": "membership", "account": account, "roles": ["Administrator"] }]),
        _ => return None,
    };
    Some(Ok(result))
}
