//! Which version to go back to.

use super::{
    RollbackArgs,
    history::{Candidate, History},
    list,
};
use crate::{exit::Failure, switch::Switch, wrangler::trouble::Kind};

/// Shortest beginning of an id that names a version.
const SHORTEST: usize = 4;

/// The version of `--to`, the one that is chosen at the terminal, or with `--yes` the one that goes without saying.
///
/// # Errors
/// When it cannot be gone back to; when none was chosen.
pub async fn choose(
    switch: &Switch<'_>,
    args: &RollbackArgs,
    mut history: History,
) -> Result<(History, Candidate), Failure> {
    let id = match &args.to {
        Some(given) => given.clone(),
        None => without_saying(switch, &history).await?,
    };
    let candidate = match named(&history, &id)? {
        Some(at) => history.candidates.swap_remove(at),
        None => history.unlisted(unlisted(switch, &id).await?),
    };
    match candidate.refused.clone() {
        Some(refused) => Err(refused),
        None => Ok((history, candidate)),
    }
}

async fn without_saying(switch: &Switch<'_>, history: &History) -> Result<String, Failure> {
    let run = switch.run;
    let previous = history.previous().map(|candidate| candidate.version.id.clone());
    if run.globals().yes {
        return previous.map_err(|why| {
            let hint = format!("name it: {} --to ID; `--list` shows them", switch.shown("rollback"));
            Failure::usage(format!("which version? {why}"), hint)
        });
    }
    if run.can_ask() && !run.printer().json() {
        list(switch, history);
        let question = match &previous {
            Ok(id) => format!("Back to which? A number, an id, or nothing for {id}:"),
            Err(_) => "Back to which? A number or an id:".to_owned(),
        };
        let answer = run.ask(&question).await.unwrap_or_default();
        let at = answer.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        let chosen = match (at.and_then(|at| history.candidates.get(at)), answer.is_empty()) {
            (Some(candidate), _) => Some(candidate.version.id.clone()),
            (None, true) => previous.ok(),
            (None, false) => Some(answer),
        };
        let none = || Failure::new("no version was chosen", "nothing was changed");
        let chosen = chosen.ok_or_else(none)?;
        run.confirm(&format!("{} goes back to version {chosen}", switch.worker)).await?;
        return Ok(chosen);
    }
    let hint = match &previous {
        Ok(id) => format!("{} --to {id}", switch.shown("rollback")),
        Err(_) => format!("{} --to ID; `--list` shows them", switch.shown("rollback")),
    };
    // As JSON there is one object on stdout, and it is the error.
    if !run.printer().json() {
        list(switch, history);
    }
    Err(Failure::usage("which version?", hint))
}

/// The place of the one candidate whose id begins so.
fn named(history: &History, id: &str) -> Result<Option<usize>, Failure> {
    let fits = |candidate: &Candidate| {
        candidate.version.id == id || (id.len() >= SHORTEST && candidate.version.id.starts_with(id))
    };
    let mut found = history.candidates.iter().enumerate().filter(|(_, candidate)| fits(candidate));
    match (found.next(), found.next()) {
        (Some((at, _)), None) => Ok(Some(at)),
        (Some(_), Some(_)) => {
            Err(Failure::usage(format!("more than one version begins with {id}"), "give more of it"))
        }
        (None, _) => Ok(None),
    }
}

/// The list has the newest ten; the API may still know an older one.
async fn unlisted(switch: &Switch<'_>, id: &str) -> Result<crate::wrangler::types::Version, Failure> {
    let unknown = || {
        let message = format!("{} has no version {id}, or one so old that the API forgot it", switch.worker);
        Failure::new(message, format!("{} shows those there are", switch.shown("rollback --list")))
    };
    // wrangler takes nothing but a whole id.
    if uuid::Uuid::parse_str(id).is_err() {
        return Err(unknown());
    }
    let found = switch.wrangler.version(id).await;
    let version = found.map_err(|trouble| match trouble.kind {
        Kind::Refused | Kind::NotFound | Kind::Other => unknown(),
        _ => trouble.failure(),
    })?;
    switch.run.printer().warn(&format!(
        "version {id} is older than the ones the API lists: whether a secret changed since is not known"
    ));
    Ok(version)
}
