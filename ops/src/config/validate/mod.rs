//! What is wrong with the source of truth: each finding with its line, how bad it is, and what to do. None holds a value.

pub mod command;
mod hosts;
mod rules;

use log_ingestion_worker::config::Environment;
use serde::Serialize;

use super::table::{Row, Table};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth a look; nothing is refused for it.
    Warning,
    /// It must not be deployed so, and `ops config sync` refuses it.
    Error,
}

/// Something that was found. As JSON its fields are stable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Counted from 1; nothing for what concerns the whole file.
    pub line: Option<usize>,
    /// In characters, counted from 1.
    pub column: Option<usize>,
    /// How bad it is.
    pub severity: Severity,
    /// The rule's name.
    pub rule: &'static str,
    /// The key it is about.
    pub key: Option<String>,
    /// Whose value it is about; nothing for both.
    #[serde(serialize_with = "word")]
    pub environment: Option<Environment>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

#[allow(clippy::ref_option)] // the form serde asks for
fn word<S: serde::Serializer>(environment: &Option<Environment>, to: S) -> Result<S::Ok, S::Error> {
    environment.map(Environment::as_str).serialize(to)
}

impl Finding {
    /// About the file as a whole.
    pub fn of_file(severity: Severity, rule: &'static str, message: String) -> Finding {
        let (line, column, key, environment, hint) = (None, None, None, None, String::new());
        Finding { line, column, severity, rule, key, environment, message, hint }
    }

    fn of_row(severity: Severity, rule: &'static str, row: &Row, message: String, hint: &str) -> Finding {
        Finding {
            line: Some(row.line),
            column: Some(row.key_column()),
            key: Some(row.key.clone()),
            hint: hint.to_owned(),
            ..Finding::of_file(severity, rule, message)
        }
    }

    fn of_value(
        severity: Severity,
        rule: &'static str,
        (row, environment): (&Row, Environment),
        message: String,
        hint: &str,
    ) -> Finding {
        Finding {
            column: Some(row.column(environment)),
            environment: Some(environment),
            ..Finding::of_row(severity, rule, row, message, hint)
        }
    }
}

/// Both environments.
pub const BOTH: [Environment; 2] = [Environment::Development, Environment::Production];

/// Everything that is wrong, in the order of the lines; what concerns the file as a whole comes last.
pub fn findings(table: &Table, only: Option<Environment>) -> Vec<Finding> {
    let mut found: Vec<Finding> = table
        .problems()
        .iter()
        .map(|problem| Finding {
            line: Some(problem.line),
            column: Some(problem.column),
            hint: problem.hint.clone(),
            ..Finding::of_file(Severity::Error, "form", problem.message.clone())
        })
        .collect();
    found.extend(rules::all(table, only));
    found.retain(|finding| only.is_none() || finding.environment.is_none() || finding.environment == only);
    found.sort_by_key(|finding| (finding.line.unwrap_or(usize::MAX), finding.column));
    found
}

#[cfg(test)]
mod tests;
