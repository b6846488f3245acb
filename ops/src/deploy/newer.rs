//! Versions that are newer than the live one. An upload takes the secrets of the newest version, live or not: what
//! somebody uploaded, or what this tool took back, would come with the next deployment unseen.

use std::collections::BTreeSet;

use crate::{exit::Failure, rollback::known::Known, wrangler::types::Version};

/// What every message of ours begins with.
pub const OURS: &str = "ops ";
/// What stands in the message of a version that was uploaded with secrets of its own: other machines have no journal of it.
pub const WITH_SECRETS: &str = "with secrets: ";

/// Lets a deployment pass that gets no secret which the live version has not, and none unasked. The id of the version
/// whose secrets come along all the same, when `is_allowed` says that they may.
///
/// # Errors
/// Whose version it is, which secrets it has, and the way on.
pub fn inherits(
    versions: &[Version],
    live: &Version,
    given: &BTreeSet<String>,
    known: &Known,
    is_allowed: bool,
) -> Result<Option<String>, Failure> {
    let newer = || versions.iter().filter(|version| version.number > live.number);
    let Some(newest) = newer().max_by_key(|version| version.number) else { return Ok(None) };
    let (id, who) = (&newest.id, &newest.metadata.author_email);
    let ours = newest.message().is_some_and(|message| message.starts_with(OURS));
    if !ours && !is_edit(newest) {
        if is_allowed {
            return Ok(Some(id.clone()));
        }
        return Err(Failure::new(
            format!(
                "version {id} by {who} is newer than the live one and not live: rolled back, or never deployed"
            ),
            "ask them; secrets it has would come with this deployment. To go on: --allow newer-version",
        ));
    }
    let with_secrets: Vec<&Version> = newer().filter(|version| has_own(version, known)).collect();
    let are_known = with_secrets.iter().all(|version| known.set.contains_key(&version.id));
    let names: BTreeSet<&String> =
        with_secrets.iter().filter_map(|version| known.set.get(&version.id)).flatten().collect();
    let left: Vec<&str> =
        names.into_iter().filter(|name| !given.contains(*name)).map(String::as_str).collect();
    if left.is_empty() && are_known {
        return Ok(None);
    }
    if is_allowed {
        return Ok(Some(id.clone()));
    }
    let which = if left.is_empty() { "which is not known here".to_owned() } else { left.join(", ") };
    let hint = if are_known {
        format!(
            "give what is right with it: --secrets-file FILE, with {which}. To go on with what that version has: \
             --allow newer-version"
        )
    } else {
        "give what is right with it, --secrets-file FILE, and let the rest come: --allow newer-version"
            .to_owned()
    };
    Err(Failure::new(
        format!(
            "version {id} by {who} is newer than the live one and not live, and its secrets would come with this \
             deployment: {which}"
        ),
        hint,
    ))
}

/// Whether an edit of a secret made it.
fn is_edit(version: &Version) -> bool {
    version.triggered_by().is_some_and(|by| by.contains("secret"))
}

/// Whether it has secrets that the version before it had not.
fn has_own(version: &Version, known: &Known) -> bool {
    let says_so = version.message().is_some_and(|said| said.starts_with(OURS) && said.contains(WITH_SECRETS));
    is_edit(version) || says_so || known.with_secrets.contains(&version.id)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn version(number: u64, message: &str, by: &str) -> Version {
        let annotations = json!({ "workers/message": message, "workers/triggered_by": by });
        let metadata = json!({ "author_email": "me@example.com" });
        let id = format!("v{number}");
        let version = json!({ "id": id, "number": number, "metadata": metadata, "annotations": annotations });
        serde_json::from_value(version).unwrap()
    }

    #[test]
    fn secrets_that_were_taken_back_do_not_come_unseen() {
        let live = version(1, "ops run-1 x", "version_upload");
        let code = version(2, "ops run-2 x", "version_upload");
        let brought = version(3, "ops run-3 with secrets: x", "version_upload");
        let edited = version(4, "", "secret");
        let theirs = version(5, "by hand", "upload");
        let mut known = Known::default();
        known.set.insert("v3".into(), BTreeSet::from(["LOG_READ_TOKEN".to_owned()]));
        let judge = |newer: &[&Version], given: &[&str], known: &Known| {
            let all: Vec<Version> = newer.iter().copied().chain([&live]).cloned().collect();
            let given = given.iter().map(|&name| name.to_owned()).collect();
            let allowed = inherits(&all, &live, &given, known, true).unwrap();
            let refused = inherits(&all, &live, &given, known, false);
            assert_eq!(allowed.is_some(), refused.is_err());
            refused.err().map(|failure| failure.to_string()).unwrap_or_default()
        };
        assert_eq!(judge(&[], &[], &known), "");
        assert_eq!(judge(&[&code], &[], &known), "");
        let said = judge(&[&code, &brought], &[], &known);
        assert!(said.contains("would come with this deployment: LOG_READ_TOKEN\nhint: give"), "{said}");
        assert_eq!(judge(&[&brought], &["LOG_READ_TOKEN", "LOG_ADMIN_TOKEN"], &known), "");
        // What a later version got, it got from there.
        assert!(judge(&[&brought, &version(6, "ops run-6 x", "version_upload")], &[], &known).contains("v6"));
        for of_another_machine in [&brought, &edited] {
            let said = judge(&[of_another_machine], &["LOG_READ_TOKEN"], &Known::default());
            assert!(said.contains("which is not known here") && !said.contains("never deployed"), "{said}");
        }
        assert!(judge(&[&theirs], &[], &known).contains("rolled back, or never deployed"));
    }
}
