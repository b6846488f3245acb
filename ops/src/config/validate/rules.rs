//! The rules, one function each.

use std::collections::{BTreeMap, BTreeSet};

use log_ingestion_worker::{
    config::{self, Environment, Setting},
    redaction,
};

use super::{BOTH, Finding, Severity, hosts};
use crate::config::{
    keys::{self, Target},
    table::{Row, Table},
};

/// A text shorter than this is no secret worth comparing: `true` is in both environments as well.
const MIN_SECRET: usize = 8;

/// What stands in a template until somebody fills it in.
const PLACEHOLDERS: [&str; 6] = ["changeme", "change-me", "replace-me", "todo", "your-", "xxxx"];

/// Every rule. Those that compare the two environments do so whichever was asked for.
pub fn all(table: &Table, only: Option<Environment>) -> Vec<Finding> {
    let mut found = duplicates(table);
    let environments = BOTH.into_iter().filter(|&environment| only.is_none_or(|only| only == environment));
    for environment in environments {
        found.extend(missing(table, environment));
        found.extend(reads_closed(table, environment));
        for row in table.rows().iter().filter(|row| !row.value(environment).is_empty()) {
            // A row of the older form has one value: it is judged once, unless the environments ask for different things.
            let again = only.is_none() && row.is_shared() && environment == Environment::Production;
            if !again {
                found.extend(kind(row, environment));
                found.extend(placeholder(row, environment));
                found.extend(public_secret(table, row, environment));
            }
            found.extend(environment_word(row, environment));
            if environment == Environment::Production {
                found.extend(local_in_production(row));
                found.extend(plain_http(row));
            }
        }
    }
    found.extend(unread(table));
    found.extend(same_secret(table));
    found.extend(production_host(table));
    found
}

fn duplicates(table: &Table) -> Vec<Finding> {
    let mut first: BTreeMap<(Target, &str), usize> = BTreeMap::new();
    let mut found = Vec::new();
    for row in table.rows() {
        for &target in &row.targets {
            match first.get(&(target, row.key.as_str())) {
                None => {
                    first.insert((target, &row.key), row.line);
                }
                Some(line) => found.push(Finding::of_row(
                    Severity::Error,
                    "duplicate",
                    row,
                    format!("{} has this key already, in line {line}", target.name()),
                    "remove one of the two",
                )),
            }
        }
    }
    found
}

/// Only of a target that the table has anything for.
fn missing(table: &Table, environment: Environment) -> Vec<Finding> {
    let mut found = Vec::new();
    for target in Target::ALL {
        let rows: Vec<&Row> = table.rows().iter().filter(|row| row.targets.contains(&target)).collect();
        for known in keys::of_target(target).into_iter().filter(|known| known.required && !rows.is_empty()) {
            let row = rows.iter().find(|row| row.key == known.key);
            if row.is_some_and(|row| !row.value(environment).is_empty()) {
                continue;
            }
            let message = format!("{} needs it: {}", target.name(), known.doc);
            let hint = format!("give {} a value for {}", known.key, environment.as_str());
            found.push(match row {
                Some(row) => {
                    Finding::of_value(Severity::Error, "missing", (row, environment), message, &hint)
                }
                None => Finding {
                    key: Some(known.key.to_owned()),
                    environment: Some(environment),
                    hint,
                    ..Finding::of_file(Severity::Error, "missing", message)
                },
            });
        }
    }
    found
}

/// Production without a token opens its reads to nobody.
fn reads_closed(table: &Table, environment: Environment) -> Option<Finding> {
    let worker = || table.rows().iter().filter(|row| row.targets.contains(&Target::Worker));
    let value = |key: &str| worker().find(|row| row.key == key).map_or("", |row| row.value(environment));
    let opened = ["LOG_READ_TOKEN", "LOG_ADMIN_TOKEN"].iter().any(|key| !value(key).is_empty());
    if environment == Environment::Development
        || worker().next().is_none()
        || opened
        || value("LOG_PUBLIC_READS") == "true"
    {
        return None;
    }
    Some(Finding {
        key: Some("LOG_READ_TOKEN".into()),
        environment: Some(environment),
        hint: "give LOG_READ_TOKEN or LOG_ADMIN_TOKEN a value, or set LOG_PUBLIC_READS to true".into(),
        ..Finding::of_file(
            Severity::Warning,
            "reads-closed",
            "without it nobody can read logs in production".into(),
        )
    })
}

fn kind(row: &Row, environment: Environment) -> Option<Finding> {
    let value = row.value(environment);
    let declared = row.targets.iter().find_map(|&target| keys::find(target, &row.key));
    let (kind, key) = match declared {
        Some(known) => (known.kind, known.key),
        None => (keys::kind_by_name(&row.key)?, ""),
    };
    let secret = keys::is_secret(&row.targets, &row.key, value);
    let setting = Setting { key, kind, default: None, secret, required: false, doc: "" };
    let problem = config::check(&setting, value)?;
    // A list's bad entry is named, which must not be a secret.
    let wanted = if secret {
        problem.wanted.split(", which").next().unwrap_or_default().to_owned()
    } else {
        problem.wanted
    };
    let severity = if declared.is_some() { Severity::Error } else { Severity::Warning };
    let hint = "correct the value; the source of the bounds is src/config/settings.rs";
    let hint = if declared.is_some() { hint } else { "correct the value, or give the key another name" };
    Some(Finding::of_value(severity, "type", (row, environment), format!("its value {wanted}"), hint))
}

fn placeholder(row: &Row, environment: Environment) -> Option<Finding> {
    let value = row.value(environment).to_ascii_lowercase();
    let bracketed = value.starts_with('<') && value.ends_with('>');
    let found = bracketed || PLACEHOLDERS.iter().any(|word| value.starts_with(word));
    let message = "its value looks like one that is still to be filled in".to_owned();
    found.then(|| {
        let hint = "fill it in, or leave it empty: then it is not set";
        Finding::of_value(Severity::Error, "placeholder", (row, environment), message, hint)
    })
}

fn public_secret(table: &Table, row: &Row, environment: Environment) -> Option<Finding> {
    if !keys::is_public(&row.key) {
        return None;
    }
    let value = row.value(environment);
    let upper = row.key.to_ascii_uppercase();
    let by_name = ["SECRET", "PASSWORD", "PRIVATE"].iter().any(|word| upper.contains(word));
    let other = table.rows().iter().find(|other| {
        value.len() >= MIN_SECRET
            && !keys::is_public(&other.key)
            && BOTH
                .iter()
                .any(|&side| other.value(side) == value && keys::is_secret(&other.targets, &other.key, value))
    });
    let why = match (other, redaction::find(value).first()) {
        (Some(other), _) => format!("it has the value of the secret {} in line {}", other.key, other.line),
        (None, Some(finding)) => format!("its value looks like a secret ({})", finding.rule),
        (None, None) if by_name => "its name says that it is a secret".to_owned(),
        (None, None) => return None,
    };
    let message = format!("every browser gets to see it, and {why}");
    let hint = "take NEXT_PUBLIC_ from the name of what only the server needs; a secret that was public is to be made new";
    Some(Finding::of_value(Severity::Error, "public-secret", (row, environment), message, hint))
}

/// The worker would judge requests by the other environment's rules.
fn environment_word(row: &Row, environment: Environment) -> Option<Finding> {
    let is_it = row.key == "ENVIRONMENT" && row.targets.contains(&Target::Worker);
    if !is_it || row.value(environment) == environment.as_str() {
        return None;
    }
    let message = format!("it must be {} there", environment.as_str());
    let hint = "wrangler.toml states it already: remove the row, or correct the value";
    Some(Finding::of_value(Severity::Error, "environment", (row, environment), message, hint))
}

fn local_in_production(row: &Row) -> Option<Finding> {
    let production = Environment::Production;
    hosts::is_local(row.value(production)).then(|| {
        let message = "production would look for this machine".to_owned();
        let hint = "name the host that answers in production";
        Finding::of_value(Severity::Error, "localhost-in-production", (row, production), message, hint)
    })
}

fn plain_http(row: &Row) -> Option<Finding> {
    let production = Environment::Production;
    let named = hosts::named(row.value(production));
    named.iter().any(|named| named.is_plain && !hosts::is_local_host(&named.host)).then(|| {
        let message = "in production it goes over plain http".to_owned();
        Finding::of_value(Severity::Error, "plain-http", (row, production), message, "use https://")
    })
}

/// Names the worker does not read: mistyped, or of an earlier worker.
fn unread(table: &Table) -> Vec<Finding> {
    let worker = table.rows().iter().filter(|row| row.targets.contains(&Target::Worker));
    let unknown = worker.filter(|row| keys::find(Target::Worker, &row.key).is_none());
    let finding = |row: &Row| {
        let message = "the worker does not read it, and it is not sent there".to_owned();
        let hint = "see src/config/settings.rs for the names; or take LOG_WORKER from the row";
        Finding::of_row(Severity::Warning, "unread", row, message, hint)
    };
    unknown.map(finding).collect()
}

fn same_secret(table: &Table) -> Vec<Finding> {
    let (development, production) = (Environment::Development, Environment::Production);
    let mut found = Vec::new();
    for row in table.rows() {
        let value = row.value(development);
        if value.len() < MIN_SECRET {
            continue;
        }
        let theirs = table.rows().iter().find(|other| {
            other.value(production) == value && keys::is_secret(&other.targets, &other.key, value)
        });
        let Some(theirs) = theirs else { continue };
        // In the older form somebody meant it, and GitHub's secrets are on no developer's disk.
        let meant = row.is_shared() || row.targets == [Target::GitHub];
        let severity = if meant { Severity::Warning } else { Severity::Error };
        let message = match theirs.line == row.line {
            true => "development and production have the same secret".to_owned(),
            false => format!("development has the secret that production has in line {}", theirs.line),
        };
        let hint = if row.is_shared() {
            "make one for development, and give the row its fifth cell"
        } else {
            "make one for development"
        };
        found.push(Finding::of_value(severity, "same-secret", (row, development), message, hint));
    }
    found
}

/// Hosts that are production's: a row names them there, and others for development.
fn production_host(table: &Table) -> Vec<Finding> {
    let (development, production) = (Environment::Development, Environment::Production);
    let of = |row: &Row, environment| -> BTreeSet<String> {
        hosts::named(row.value(environment)).into_iter().map(|named| named.host).collect()
    };
    let mut owned: BTreeMap<String, usize> = BTreeMap::new();
    for row in table.rows() {
        let here = of(row, development);
        for host in of(row, production).difference(&here).filter(|_| !here.is_empty()) {
            owned.entry(host.clone()).or_insert(row.line);
        }
    }
    let mut found = Vec::new();
    for row in table.rows().iter().filter(|row| !row.is_shared()) {
        let named = of(row, development);
        if let Some((host, line)) = named.iter().find_map(|host| Some((host, owned.get(host)?))) {
            let message = format!("development would talk to {host}, which is production's by line {line}");
            let hint = "name the host of development";
            found.push(Finding::of_value(
                Severity::Error,
                "production-host",
                (row, development),
                message,
                hint,
            ));
        }
    }
    found
}
