//! `ops config validate`.

use serde_json::json;

use super::{Finding, Severity, findings};
use crate::{
    config::{
        keys::Target,
        source::{Source, SourceArgs},
    },
    exit::{Exit, Failure},
    run::{
        Run,
        printer::{Mark, Printer},
    },
};

/// Shows what is wrong. With `--env` only what concerns that environment.
///
/// # Errors
/// When there is no source.
pub fn run(run: &Run, source: &SourceArgs) -> Result<Exit, Failure> {
    let Source { path, table, findings: of_file } = source.read()?;
    let mut found = findings(&table, run.globals().env);
    found.extend(of_file);
    let count = |severity| found.iter().filter(|finding| finding.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let keys = |target: Target| table.rows().iter().filter(|row| row.targets.contains(&target)).count();
    let printer = run.printer();
    if printer.json() {
        let keys: serde_json::Map<_, _> =
            Target::ALL.iter().map(|&target| (target.name().to_owned(), json!(keys(target)))).collect();
        let told = json!({
            "source": path,
            "environment": run.globals().env.map(|environment| environment.as_str()),
            "keys": keys,
            "errors": errors,
            "warnings": warnings,
            "findings": found,
        });
        printer.data(&told.to_string());
    } else {
        found.iter().for_each(|finding| printer.data(&line(printer, finding)));
        let keys: Vec<String> =
            Target::ALL.iter().map(|&target| format!("{} {}", keys(target), target.name())).collect();
        let plural =
            |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
        let (errors, warnings) = (plural(errors, "error"), plural(warnings, "warning"));
        printer.data(&format!("{}: {}; {errors}, {warnings}", path.display(), keys.join(", ")));
    }
    Ok(match (errors, warnings) {
        (0, 0) => Exit::Done,
        (0, _) => Exit::Warnings,
        _ => Exit::Failed,
    })
}

/// One finding for people.
pub fn line(printer: &Printer, finding: &Finding) -> String {
    let mark = if finding.severity == Severity::Error { Mark::Bad } else { Mark::Warning };
    let mut line = format!("  {} ", printer.for_stdout(mark.word(), mark));
    if let (Some(at), Some(column)) = (finding.line, finding.column) {
        line += &format!("line {at}, column {column}: ");
    }
    if let Some(key) = &finding.key {
        line += key;
        line +=
            &finding.environment.map_or(": ".into(), |environment| format!(" ({}): ", environment.as_str()));
    }
    format!("{line}{}\n     hint: {}", finding.message, finding.hint)
}
