//! `ops config drift`: what is not as the source of truth, or wrangler.toml, says it is.
//!
//! Everything is looked at and nothing changed. What cannot be looked at is said and does not count: a machine without
//! the apps, without `gh`, or without a login finds drift in what it can see.
//!
//! | module | what is compared |
//! | --- | --- |
//! | `here` | the source's two sides, and the local files |
//! | `deployed` | Convex, the worker's secrets and vars, GitHub with the source |
//! | `live` | the live worker with wrangler.toml |

mod deployed;
mod here;
mod live;

use std::collections::BTreeSet;

use clap::Args;
use log_ingestion_worker::config::Environment;
use serde::Serialize;
use serde_json::json;

use super::{places::PlacesArgs, source::SourceArgs, sync::hide, table::Table, unread, validate::BOTH};
use crate::{
    exit::{Exit, Failure},
    project::Project,
    run::{
        Run,
        printer::{Mark, Printer},
    },
    verify::{
        command::AlertArgs,
        notify::{self, Seen},
    },
};

/// Most of what was found that stands in an alert.
const MOST_IN_ALERT: usize = 10;

/// The options of `ops config drift`.
#[derive(Args, Clone, Debug)]
pub struct DriftArgs {
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    places: PlacesArgs,
    #[command(flatten)]
    alert: AlertArgs,
}

/// Something that was found. As JSON its fields are stable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Item {
    /// Of which environment.
    pub environment: &'static str,
    /// What was looked at.
    pub place: String,
    /// The key, the binding, the setting; nothing for the place as a whole.
    pub name: Option<String>,
    /// How it stands.
    pub state: State,
    /// What is so, without a value that may be a secret.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

/// How something stands that is not as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It differs.
    Drift,
    /// It cannot be looked at, and does not count.
    Unreadable,
}

/// What was found so far, and how many places were looked at.
#[derive(Debug, Default)]
pub struct Found {
    /// What is not as it should be.
    pub items: Vec<Item>,
    /// Places that were compared.
    pub compared: usize,
}

impl Found {
    fn item(
        &mut self,
        (environment, place): (Environment, &str),
        state: State,
        name: Option<&str>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.items.push(Item {
            environment: environment.as_str(),
            place: place.to_owned(),
            name: name.map(str::to_owned),
            state,
            message: message.into(),
            hint: hint.into(),
        });
    }

    fn drift(&mut self, at: (Environment, &str), name: &str, message: impl Into<String>, hint: &str) {
        self.item(at, State::Drift, Some(name), message, hint);
    }

    fn unreadable(&mut self, at: (Environment, &str), why: impl Into<String>, hint: &str) {
        self.item(at, State::Unreadable, None, why, hint);
    }
}

/// Compares everything.
///
/// # Errors
/// When the source that was named cannot be read.
pub async fn run(run: &Run, args: &DriftArgs) -> Result<Exit, Failure> {
    let project = Project::find()?;
    // A machine without the source, a scheduled one most of all, can compare the live worker with wrangler.toml.
    let (source, missing) = match args.source.read() {
        Ok(source) => (Some(source), None),
        Err(failure) if args.source.is_named() => return Err(failure),
        Err(failure) => (None, Some(failure)),
    };
    let table = source.as_ref().map_or_else(|| Table::of(""), |source| source.table.clone());
    hide(run, &table);
    let environments = run.globals().env.map_or(BOTH.to_vec(), |environment| vec![environment]);
    let places = args.places.resolve(project.root());
    if run.globals().dry_run {
        for environment in environments {
            run.printer().data(&format!(
                "would compare {} with {}, Convex, the worker and GitHub ({})",
                args.source.path()?.display(),
                places.app_root.display(),
                environment.as_str()
            ));
        }
        return Ok(Exit::Done);
    }
    let step = run.printer().quiet_step("comparing");
    let mut found = Found::default();
    if let Some(missing) = missing {
        for &environment in &environments {
            found.unreadable((environment, "source"), missing.message(), missing.hint());
        }
    }
    here::sides(&table, &environments, &mut found);
    for problem in table.problems() {
        found.item(
            (environments.first().copied().unwrap_or(Environment::Development), "source"),
            State::Unreadable,
            None,
            problem.to_string(),
            "ops config validate",
        );
    }
    for environment in environments {
        if let (Environment::Development, Some(source)) = (environment, &source) {
            here::files(source, &places, &mut found);
        }
        for (name, said) in unread::vars(&project.vars(environment)) {
            found.drift((environment, "wrangler.toml"), name, said, "correct its name, or take it out");
        }
        let live = live::look(run, &project, environment).await;
        deployed::compare(run, &project, &places, &table, (environment, &live), &mut found).await;
        live::compare(run, &project, environment, &live, &mut found).await;
    }
    drop(step);
    let Found { items, compared } = found;
    let drifted: Vec<&Item> = items.iter().filter(|item| item.state == State::Drift).collect();
    let exit = if !drifted.is_empty() {
        Exit::Warnings
    } else if compared == 0 {
        Exit::Failed
    } else {
        Exit::Done
    };
    let told = json!({
        "source": source.as_ref().map(|source| &source.path),
        "compared": compared,
        "drift": drifted.len(),
        "unreadable": items.len() - drifted.len(),
        "items": items,
        "exit": exit as u8,
    });
    run.step("drift", told.clone());
    if let Some(to) = args.alert.webhook() {
        let names: BTreeSet<String> = drifted
            .iter()
            .map(|item| {
                format!("{} {} {}", item.environment, item.place, item.name.clone().unwrap_or_default())
            })
            .collect();
        let about = project.worker_name(Environment::Development);
        notify::tell(run, to, &about, &Seen::failing(names), || alert(run, &about, &drifted)).await;
    }
    if run.printer().json() {
        run.printer().data(&told.to_string());
    } else {
        items.iter().for_each(|item| run.printer().data(&line(run.printer(), item)));
        let unreadable = items.len() - drifted.len();
        run.printer().data(&format!(
            "{compared} places compared: {}, {unreadable} not to be read",
            match drifted.len() {
                0 => "no drift".to_owned(),
                1 => "1 difference".to_owned(),
                count => format!("{count} differences"),
            }
        ));
    }
    Ok(exit)
}

fn line(printer: &Printer, item: &Item) -> String {
    let mark = if item.state == State::Drift { Mark::Bad } else { Mark::Dim };
    let word = printer.for_stdout(mark.word(), mark);
    let name = item.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
    format!("  {word} {}, {}:{name} {}\n     hint: {}", item.environment, item.place, item.message, item.hint)
}

fn alert(run: &Run, about: &str, drifted: &[&Item]) -> String {
    let said = drifted.iter().take(MOST_IN_ALERT).map(|item| {
        let name = item.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
        format!("{}, {}:{name} {}", item.environment, item.place, item.message)
    });
    let more = match drifted.len().saturating_sub(MOST_IN_ALERT) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let said = said.collect::<Vec<_>>().join("; ");
    format!("Configuration around {about} is not as its source says: {said}{more}. Run {}", run.id())
}
