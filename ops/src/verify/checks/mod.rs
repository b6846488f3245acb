//! The checks, one file a group.

mod access;
mod cleanup;
mod components;
mod cors;
mod limit;
mod logs;
mod malformed;
mod privacy;
mod reach;
mod version;

use super::{
    client::{Answer, Who},
    plan::Depth,
    report::Finding,
    suite::Suite,
};

pub(super) use cleanup::clean;

/// The names of the checks of this depth, in order. Two are of production alone: `closed-reads`, `closed-clear`.
pub fn names(depth: Depth) -> Vec<&'static str> {
    let health = [
        "reachable",
        "identity",
        "version",
        "environment",
        "objects",
        "configuration",
        "redis",
        "rate-limiter",
        "log-processor",
        "buffer",
    ];
    let read_only = ["cors-preflight", "cors-errors", "closed-reads", "recent"];
    let normal = [
        "malformed",
        "log",
        "read-back",
        "recent-trace",
        "redaction",
        "noise",
        "quota",
        "closed-clear",
        "cleanup",
    ];
    let mut names = health.to_vec();
    if depth >= Depth::ReadOnly {
        names.extend(read_only);
    }
    if depth >= Depth::Normal {
        names.extend(normal);
    }
    if depth >= Depth::Deep {
        names.insert(names.len() - 1, "trace-limit");
    }
    names
}

/// Every check of the plan, in order. The first that says that this is not what was asked for is the last.
pub(super) async fn all(suite: &mut Suite<'_>) {
    if !suite.check("reachable", reach::reachable).await || !suite.check("identity", reach::identity).await {
        return;
    }
    let version = suite.check("version", version::serves).await;
    let environment = suite.check("environment", version::environment).await;
    if suite.plan.override_version.is_none() {
        suite.check("objects", version::objects).await;
    }
    if !suite.check("configuration", components::configuration).await {
        return;
    }
    suite.check("redis", components::redis).await;
    suite.check("rate-limiter", components::rate_limiter).await;
    suite.check("log-processor", components::log_processor).await;
    suite.check("buffer", components::buffer).await;
    if !suite.goes(Depth::ReadOnly) || !version || !environment {
        return;
    }
    suite.check("cors-preflight", cors::preflight).await;
    suite.check("cors-errors", cors::errors).await;
    if !suite.open {
        suite.check("closed-reads", access::reads).await;
    }
    suite.check("recent", logs::recent_answers).await;
    if suite.goes(Depth::Normal) {
        writing(suite).await;
    }
}

async fn writing(suite: &mut Suite<'_>) {
    suite.check("malformed", malformed::refused).await;
    let mut posted = Vec::new();
    suite.check("log", async |suite| logs::posted(suite, &mut posted).await).await;
    if posted.is_empty() {
        return;
    }
    suite.check("read-back", async |suite| logs::read_back(suite, &posted).await).await;
    suite.check("recent-trace", logs::recent).await;
    suite.check("redaction", privacy::redaction).await;
    suite.check("noise", privacy::noise).await;
    suite.check("quota", limit::quota_falls).await;
    if !suite.open {
        suite.check("closed-clear", access::clear).await;
    }
    if suite.goes(Depth::Deep) {
        suite.check("trace-limit", limit::of_a_trace).await;
    }
}

/// What it means when a request was not let in: a token is missing, or the one there is wrong.
fn shut(suite: &Suite<'_>, who: Who, answer: &Answer) -> Option<Finding> {
    if !matches!(answer.status, 401 | 403) {
        return None;
    }
    let variable = suite.client.variable(who);
    Some(if suite.client.has_token(who) {
        let hint = format!("{variable} is not this deployment's; see `ops secrets`");
        Finding::fail(format!("the token was refused, {}", answer.said()), hint)
    } else if suite.plan.url.scheme() == "http" && !super::is_local(&suite.plan.url) {
        Finding::skip("a token is never sent over http", "give an https:// address as --url")
    } else {
        Finding::skip("it needs a token", format!("set {variable} in the environment of this command"))
    })
}

/// A failed check for an answer nobody expects here.
fn unexpected(answer: &Answer, wanted: &str) -> Finding {
    let hint = match answer.status {
        429 => "the hour's quota is used up; /health says which, components.rate_limiter",
        500..=599 => "look at the other checks, and at the worker's log: npx wrangler tail",
        _ => "compare with /openapi.json; is this the version you mean?",
    };
    let detail = format!("{wanted} was expected, the answer is {}", answer.said());
    if answer.status == 429 { Finding::warn(detail, hint) } else { Finding::fail(detail, hint) }
}
