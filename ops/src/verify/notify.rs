//! The alert: a short text to a webhook, when things are worse than the last time they were looked at.

use std::{collections::BTreeSet, time::Duration};

use reqwest::{StatusCode, Url};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::report::{Report, Status};
use crate::run::Run;

/// The state folder's folder of what was last seen.
const FOLDER: &str = "alerts";
/// Waits between attempts; one more than these is made.
const WAITS: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];
/// Longest time one attempt may take.
const LIMIT: Duration = Duration::from_secs(10);
/// Most characters of what one check saw.
const DETAIL_CHARS: usize = 200;

/// What was seen at a target, kept until the next look.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    warned: BTreeSet<String>,
    failed: BTreeSet<String>,
}

impl Seen {
    /// What fails, by names that stay the same while it does.
    pub fn failing(failed: BTreeSet<String>) -> Seen {
        Seen { failed, ..Seen::default() }
    }

    fn of(report: &Report) -> Seen {
        let names = |status: Status| {
            let checks = report.checks.iter().filter(|check| check.status == status);
            checks.map(|check| check.name.to_owned()).collect()
        };
        Seen { warned: names(Status::Warn), failed: names(Status::Fail) }
    }

    /// Whether something fails that did not, or something that was well is worth a look.
    fn is_worse_than(&self, before: &Seen) -> bool {
        !self.failed.is_subset(&before.failed)
            || self.warned.iter().any(|name| !before.warned.contains(name) && !before.failed.contains(name))
    }
}

/// Posts `{"text": …}` when the report is worse than the one before it on this machine.
pub async fn tell_if_worse(run: &Run, to: &Url, report: &Report) {
    tell(run, to, &report.url, &Seen::of(report), || text(report)).await;
}

/// Posts `{"text": …}` when what was seen is worse than the last time this command looked at the same thing. An alert
/// that could not be sent is a warning, and is tried again with the next look.
pub async fn tell(run: &Run, to: &Url, about: &str, now: &Seen, text: impl FnOnce() -> String) {
    // The path of a webhook is its secret.
    run.mask().hide(to.as_str());
    run.mask().hide(to.path().trim_start_matches('/'));
    let file = file_of(run, about);
    let before: Seen = run
        .folder()
        .read(FOLDER, &file)
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    if now.is_worse_than(&before)
        && let Err(why) = post(to, &run.mask().apply(&escaped(&text()))).await
    {
        let host = to.host_str().unwrap_or("the webhook");
        run.printer().warn(&format!("the alert could not be sent to {host}: {why}"));
        return;
    }
    let kept = serde_json::to_string(now).unwrap_or_default();
    if let Err(cause) = run.folder().write(FOLDER, &file, &kept) {
        run.printer().warn(&format!("the next alert may be one too many: {cause}"));
    }
}

/// Slack's own three, <https://api.slack.com/reference/surfaces/formatting#escaping>
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn text(report: &Report) -> String {
    let environment = report.environment.as_deref().unwrap_or("unknown environment");
    let mut what: Vec<String> = Vec::new();
    for check in report.checks.iter().filter(|check| matches!(check.status, Status::Fail | Status::Warn)) {
        let detail: String = check.detail.chars().take(DETAIL_CHARS).collect();
        what.push(format!("{}: {detail}", check.name));
    }
    let backlog = match &report.backlog {
        Some(backlog) => {
            format!("backlog {}, the oldest {} s", backlog.waiting, backlog.oldest_waiting_ms / 1_000)
        }
        None => "backlog unknown".into(),
    };
    let outcome = if report.outcome == Status::Fail { "is failing" } else { "needs a look" };
    let version =
        report.version.as_ref().map_or(String::new(), |version| format!(", version {}", version.id));
    format!(
        "Log worker {} ({environment}{version}) {outcome}: {}. {backlog}. Run {}",
        report.url,
        what.join("; "),
        report.run,
    )
}

async fn post(to: &Url, text: &str) -> Result<(), String> {
    let client = reqwest::Client::builder().timeout(LIMIT).build().map_err(|cause| plainly(&cause))?;
    let body = json!({ "text": text });
    let mut waits = WAITS.iter();
    loop {
        let (why, passing) = match client.post(to.clone()).json(&body).send().await {
            Ok(answer) if answer.status().is_success() => return Ok(()),
            Ok(answer) => {
                let status = answer.status();
                (status.to_string(), status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS)
            }
            Err(cause) => (plainly(&cause), true),
        };
        match waits.next().filter(|_| passing) {
            Some(wait) => tokio::time::sleep(*wait).await,
            None => return Err(why),
        }
    }
}

/// Without the address, which is a secret.
fn plainly(cause: &reqwest::Error) -> String {
    let kind = if cause.is_timeout() {
        "no answer in time"
    } else if cause.is_connect() {
        "no connection"
    } else {
        "the request failed"
    };
    kind.to_owned()
}

fn file_of(run: &Run, about: &str) -> String {
    let plain: String = about.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let environment = run.globals().env.map_or("any", |environment| environment.as_str());
    format!("{}-{plain}-{environment}.json", run.command())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(warned: &[&str], failed: &[&str]) -> Seen {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Seen { warned: set(warned), failed: set(failed) }
    }

    #[test]
    fn only_what_is_new_and_bad_is_worse() {
        let cases = [
            (seen(&[], &[]), seen(&[], &["redis"]), true),
            (seen(&[], &["redis"]), seen(&[], &["redis"]), false),
            (seen(&[], &["redis"]), seen(&[], &["redis", "buffer"]), true),
            (seen(&[], &["redis"]), seen(&["redis"], &[]), false),
            (seen(&["redis"], &[]), seen(&[], &["redis"]), true),
            (seen(&[], &[]), seen(&["buffer"], &[]), true),
            (seen(&["buffer"], &["redis"]), seen(&[], &[]), false),
        ];
        for (before, now, worse) in cases {
            assert_eq!(now.is_worse_than(&before), worse, "{before:?} -> {now:?}");
        }
    }
}
