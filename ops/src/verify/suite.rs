//! The order of the checks, and what one of them hands to the next.

use std::{
    pin::pin,
    time::{Duration, Instant},
};

use serde_json::Value;
use uuid::Uuid;

use super::{
    checks,
    client::Client,
    plan::{Depth, Plan},
    report::{Backlog, Check, Finding, Layouts, Report, Status, Version, millis},
};
use crate::exit::Failure;

/// What the suite is doing, for whoever watches.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A check begins.
    Begun(&'static str),
    /// A check is done.
    Done(&'a Check),
}

/// Makes every check of the plan.
///
/// The future may be dropped at any point; then the test logs stay for an hour. `until` ends the checks before their
/// time, and the test logs are removed all the same.
///
/// # Errors
/// Only when no request can be made at all. A worker that does not answer is a report with one failed check.
pub async fn verify(
    plan: &Plan,
    watch: &dyn Fn(Event<'_>),
    until: impl Future<Output = ()>,
) -> Result<Report, Failure> {
    let begun = Instant::now();
    let mut suite = Suite::new(plan, watch)?;
    {
        let mut until = pin!(until);
        tokio::select! {
            () = checks::all(&mut suite) => {}
            () = &mut until => {
                suite.push("interrupted", Duration::ZERO, Finding::fail("ended before its time", "run it again"));
            }
        }
    }
    checks::clean(&mut suite).await;
    Ok(suite.report(begun.elapsed()))
}

/// A verification under way.
pub(super) struct Suite<'a> {
    pub plan: &'a Plan,
    pub client: Client,
    watch: &'a dyn Fn(Event<'_>),
    checks: Vec<Check>,
    /// What tells this verification's logs from those of others of the same run.
    pub nonce: String,
    /// The last `/health` that was read.
    pub health: Value,
    /// Traces that hold logs of ours.
    pub traces: Vec<String>,
    /// Whether the worker asks nobody for a token.
    pub open: bool,
}

impl<'a> Suite<'a> {
    fn new(plan: &'a Plan, watch: &'a dyn Fn(Event<'_>)) -> Result<Suite<'a>, Failure> {
        Ok(Suite {
            plan,
            client: Client::new(plan)?,
            watch,
            checks: Vec::new(),
            nonce: Uuid::now_v7().simple().to_string(),
            health: Value::Null,
            traces: Vec::new(),
            open: false,
        })
    }

    /// The trace of the test logs.
    pub fn trace(&self) -> &str {
        self.plan.correlation_id.as_str()
    }

    /// Whether the plan goes so deep.
    pub fn goes(&self, depth: Depth) -> bool {
        self.plan.depth >= depth
    }

    /// Makes one check; whether the ones after it may go on.
    pub async fn check(
        &mut self,
        name: &'static str,
        check: impl AsyncFnOnce(&mut Suite<'a>) -> Result<Finding, Finding>,
    ) -> bool {
        (self.watch)(Event::Begun(name));
        let begun = Instant::now();
        let finding = check(self).await.unwrap_or_else(|finding| finding);
        let goes_on = finding.status != Status::Fail;
        self.push(name, begun.elapsed(), finding);
        goes_on
    }

    fn push(&mut self, name: &'static str, took: Duration, finding: Finding) {
        let Finding { status, detail, hint } = finding;
        let check = Check { name, status, ms: millis(took), detail, hint };
        (self.watch)(Event::Done(&check));
        self.checks.push(check);
    }

    fn report(self, took: Duration) -> Report {
        let outcome = self.checks.iter().map(|check| check.status).max().unwrap_or(Status::Fail);
        let text = |path: &str| self.health.pointer(path).and_then(Value::as_str).map(str::to_owned);
        let number = |name: &str| {
            let buffer = self.health.pointer("/components/buffer")?;
            buffer.get(name).and_then(Value::as_u64)
        };
        let backlog = number("waiting").map(|waiting| Backlog {
            waiting,
            waiting_bytes: number("waiting_bytes").unwrap_or(0),
            oldest_waiting_ms: number("oldest_waiting_ms").unwrap_or(0),
            set_aside: number("set_aside").unwrap_or(0),
        });
        let version = text("/version/id").map(|id| Version {
            id,
            tag: text("/version/tag").unwrap_or_default(),
            layouts: layouts(self.health.pointer("/version/layouts")),
        });
        Report {
            run: self.plan.correlation_id.to_string(),
            url: self.client.base().to_owned(),
            outcome,
            exit: super::report::exit_of(outcome) as u8,
            environment: text("/environment"),
            version,
            stored: stored(&self.health),
            backlog,
            latency: self.client.latency(),
            ms: millis(took),
            checks: self.checks,
        }
    }
}

/// What a version says that it reads.
fn layouts(told: Option<&Value>) -> Layouts {
    let each = told.and_then(Value::as_object).into_iter().flatten();
    each.filter_map(|(name, layout)| Some((name.clone(), layout.as_u64()?))).collect()
}

/// What the objects say that they stored; of several buffers the newest.
fn stored(health: &Value) -> Layouts {
    let shards = health.pointer("/components/buffer/shards").and_then(Value::as_array).into_iter().flatten();
    let buffer = shards.filter_map(|shard| shard.get("layout")?.as_u64()).max();
    let limiter = health.pointer("/components/rate_limiter/layout").and_then(Value::as_u64);
    // An object that does not say answers 0.
    [("buffer", buffer), ("rate_limiter", limiter)]
        .into_iter()
        .filter_map(|(name, layout)| Some((name.to_owned(), layout.filter(|layout| *layout > 0)?)))
        .collect()
}
