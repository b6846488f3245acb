//! What the API says is live, and how a deployment is made when an answer may be lost.

use std::time::Duration;

use crate::wrangler::{
    Wrangler,
    trouble::{Kind, Trouble, code},
    types::{Deployment, Live},
};

/// How often a deployment is tried in all.
const TRIES: u32 = 3;
/// How long a call that was cut off may still be executed by the other side before what is live is read.
const LATE: Duration = Duration::from_secs(1);

/// Deploys versions at these percentages, and looks what became of it whenever wrangler says that it failed: what is
/// live counts. What may pass is tried again.
///
/// # Errors
/// The last trouble, with the versions not live as wanted.
pub async fn deploy(wrangler: &Wrangler, shares: &[(&str, u8)], message: &str) -> Result<(), Trouble> {
    let mut tried = 1;
    loop {
        let Err(trouble) = wrangler.deploy_versions(shares, message).await else { return Ok(()) };
        tokio::time::sleep(LATE).await;
        // When that cannot be read either, the trouble that counts is the first one.
        if wrangler.live().await.is_ok_and(|live| is_so(&live, shares)) {
            return Ok(());
        }
        if !trouble.may_pass() || trouble.kind == Kind::Timeout || tried >= TRIES {
            return Err(trouble);
        }
        tokio::time::sleep(
            trouble.retry_after.unwrap_or(Duration::from_secs(1)).min(Duration::from_secs(20)),
        )
        .await;
        tried += 1;
    }
}

/// Deploys an old version again, alone. Where secrets changed since, they go back with it when `force` says that they
/// were changed by the deployment that is undone.
///
/// # Errors
/// As [`deploy`].
pub async fn bring_back(
    wrangler: &Wrangler,
    version: &str,
    message: &str,
    force: bool,
) -> Result<(), Trouble> {
    match deploy(wrangler, &[(version, 100)], message).await {
        Err(trouble) if force && trouble.code == Some(code::SECRETS_CHANGED) => {
            with_its_secrets(wrangler, version, message).await
        }
        outcome => outcome,
    }
}

/// Deploys an old version again, alone, with the secrets it had, whatever became of them since.
///
/// # Errors
/// As [`deploy`].
pub async fn with_its_secrets(wrangler: &Wrangler, version: &str, message: &str) -> Result<(), Trouble> {
    let Err(trouble) = wrangler.roll_back(version, message).await else { return Ok(()) };
    tokio::time::sleep(LATE).await;
    let live = wrangler.live().await;
    if live.is_ok_and(|live| is_so(&live, &[(version, 100)])) { Ok(()) } else { Err(trouble) }
}

/// What is live, once a call that was cut off has had the time to take effect.
///
/// # Errors
/// When the API does not say.
pub async fn after_cut(wrangler: &Wrangler) -> Result<Live, Trouble> {
    tokio::time::sleep(LATE).await;
    wrangler.live().await
}

/// Whether exactly these versions are deployed, at these percentages.
pub fn is_so(live: &Live, shares: &[(&str, u8)]) -> bool {
    let Live::Deployed(deployment) = live else { return false };
    deployment.versions.len() == shares.len()
        && shares.iter().all(|&(id, share)| {
            deployment.names(id) && (deployment.share(id) - f64::from(share)).abs() < f64::EPSILON
        })
}

/// Deployments made by others after `before`, the oldest first: their messages do not name the run.
pub fn foreign<'a>(
    deployments: &'a [Deployment],
    before: Option<&Deployment>,
    run: &str,
) -> Vec<&'a Deployment> {
    let mark = before.and_then(|before| deployments.iter().position(|deployment| deployment.id == before.id));
    let since = deployments.iter().skip(mark.map_or(0, |at| at + 1));
    // Beyond the ten that are listed nothing can be said.
    let since = since.filter(|_| before.is_none() || mark.is_some());
    since.filter(|deployment| !deployment.message().is_some_and(|message| message.contains(run))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wrangler::types::Share;

    fn deployment(id: &str, message: &str, shares: &[(&str, f64)]) -> Deployment {
        let versions =
            shares.iter().map(|&(id, percentage)| Share { version_id: id.into(), percentage }).collect();
        let annotations = [("workers/message".to_owned(), message.to_owned())].into();
        let (created_on, author_email) = (String::new(), String::new());
        Deployment { id: id.into(), created_on, author_email, annotations, versions }
    }

    #[test]
    fn shares_are_compared_exactly() {
        let live = Live::Deployed(deployment("d", "", &[("new", 0.0), ("old", 100.0)]));
        assert!(is_so(&live, &[("new", 0), ("old", 100)]) && is_so(&live, &[("old", 100), ("new", 0)]));
        assert!(!is_so(&live, &[("old", 100)]) && !is_so(&live, &[("new", 100), ("old", 0)]));
        assert!(!is_so(&Live::Absent, &[("old", 100)]));
    }

    #[test]
    fn what_others_deployed_in_between_is_found() {
        let all = ["d1", "d2", "d3", "d4"];
        let messages = ["", "ops run-1 x", "by hand", "ops run-1 x"];
        let all: Vec<_> = all.iter().zip(messages).map(|(id, said)| deployment(id, said, &[])).collect();
        let found: Vec<&str> = foreign(&all, Some(&all[0]), "run-1").iter().map(|d| d.id.as_str()).collect();
        assert_eq!(found, ["d3"]);
        assert!(foreign(&all, Some(&deployment("gone", "", &[])), "run-1").is_empty());
    }
}
