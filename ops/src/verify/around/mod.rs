//! `ops verify --all`: what stands around the worker, as the source of truth describes it for one environment. The app
//! and Convex answer, every place names the same addresses, and signing in leads back to the right one. Nothing is
//! written, and nobody logs in.

mod ask;
mod oauth;
mod urls;

use std::time::Instant;

use clap::Args;
use log_ingestion_worker::config::Environment;
use reqwest::Url;

use super::report::{Check, Finding, millis};
use crate::{
    config::{
        keys::Target,
        source::{Source, SourceArgs},
        sync::hide,
        table::{Row, Table},
    },
    exit::Failure,
    project::Project,
    run::Run,
};
use ask::Web;

/// The options of `ops verify --all`.
#[derive(Args, Clone, Debug)]
pub struct AroundArgs {
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    providers: oauth::Endpoints,
}

/// What one environment's side of the source says.
struct Side<'a> {
    table: &'a Table,
    environment: Environment,
    /// Where the worker was found to answer.
    worker: &'a Url,
    /// What wrangler.toml says, where there is one.
    project: Option<&'a Project>,
}

/// A key with its value, and where it stands.
#[derive(Clone, Debug)]
struct Set {
    key: String,
    value: String,
    line: usize,
}

/// Makes every check. `watch` sees each as it is done.
///
/// # Errors
/// When TLS cannot be set up.
pub async fn look(
    run: &Run,
    args: &AroundArgs,
    environment: Environment,
    worker: &Url,
    watch: &dyn Fn(&Check),
) -> Result<Vec<Check>, Failure> {
    let mut checks = Vec::new();
    let mut push = |name: &'static str, begun: Instant, finding: Finding| {
        let Finding { status, detail, hint } = finding;
        let check = Check { name, status, ms: millis(begun.elapsed()), detail, hint };
        watch(&check);
        checks.push(check);
    };
    let begun = Instant::now();
    let source: Source = match args.source.read() {
        Ok(source) => source,
        Err(failure) => {
            push("source", begun, Finding::skip(failure.message(), failure.hint()));
            return Ok(checks);
        }
    };
    hide(run, &source.table);
    push("source", begun, well_formed(&source));
    let project = Project::find().ok();
    let side = Side { table: &source.table, environment, worker, project: project.as_ref() };
    let web = Web::new()?;

    let begun = Instant::now();
    push("app", begun, urls::app(&side, &web).await);
    let begun = Instant::now();
    push("convex", begun, urls::convex(&side, &web).await);
    let begun = Instant::now();
    push("addresses", begun, urls::agree(&side));
    for (name, provider) in oauth::PROVIDERS {
        let begun = Instant::now();
        if let Some(finding) = oauth::check(&side, provider, &args.providers, &web).await {
            push(name, begun, finding);
        }
    }
    Ok(checks)
}

fn well_formed(source: &Source) -> Finding {
    let shown = source.path.display();
    match source.table.problems() {
        [] => Finding::pass(format!("{shown}: {} keys", source.table.rows().len())),
        [first, ..] => Finding::fail(format!("{shown}: {first}"), "ops config validate names every line"),
    }
}

impl Side<'_> {
    /// The first of these keys that is set.
    fn first(&self, keys: &[&str]) -> Option<Set> {
        keys.iter().find_map(|key| self.all(&[*key]).into_iter().next())
    }

    /// Each of these keys that is set, in the order of the source.
    fn all(&self, keys: &[&str]) -> Vec<Set> {
        let rows = self.table.rows().iter().filter(|row| keys.contains(&row.key.as_str()));
        rows.filter_map(|row| self.set(row)).collect()
    }

    fn set(&self, row: &Row) -> Option<Set> {
        let value = row.value(self.environment).to_owned();
        Some(Set { key: row.key.clone(), value, line: row.line }).filter(|set| !set.value.is_empty())
    }

    /// A var of the worker: what the source says, else what wrangler.toml says.
    fn var(&self, key: &str) -> Option<String> {
        let rows = self.table.rows().iter();
        let row = rows.filter(|row| row.targets.contains(&Target::Worker)).find(|row| row.key == key);
        let own = row.and_then(|row| self.set(row)).map(|set| set.value);
        own.or_else(|| self.project?.var(self.environment, key))
    }
}

impl Set {
    fn url(&self) -> Option<Url> {
        Url::parse(&self.value).ok().filter(|url| url.has_host())
    }
}
