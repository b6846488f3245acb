//! The source of truth as it exists in the wild: a table in a text file, read and written without loss.
//!
//! ```text
//! anything else is a comment
//! | TARGET     | GROUP | KEY            | DEV_VALUE             | PROD_VALUE              |
//! |------------|-------|----------------|-----------------------|-------------------------|
//! | LOG_WORKER | Redis | SOME_URL       | http://127.0.0.1:8079 | https://x.example.com   |
//! | NEXTJS     | Old   | OLDER_FORM     | one value for both    |
//! ```
//!
//! A row is a line whose first character beside blanks is `|`. Blanks around a value do not count, `\|` is a `|` in it,
//! and every other character stands for itself; an empty value means that the key is not set. Every line is kept as the
//! bytes it was, so that what is not changed is written as it was read.

mod cells;
mod selection;

use std::{fmt, ops::Range};

use log_ingestion_worker::config::Environment;

use super::keys::Target;
pub use selection::{Development, Entry, Production, PublicVar, Selection, Side, Value};

/// The names of the columns; a header is a row that begins with the first three.
const HEADER: [&str; 3] = ["TARGET", "GROUP", "KEY"];

/// Something that cannot be read, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    /// What is wrong. Holds no value.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

/// A table, with every line as it was read.
#[derive(Clone)]
pub struct Table {
    /// With their line ends.
    lines: Vec<String>,
    rows: Vec<Row>,
    problems: Vec<Problem>,
}

/// One key of the table.
#[derive(Clone)]
pub struct Row {
    /// Counted from 1.
    pub line: usize,
    /// Where it goes.
    pub targets: Vec<Target>,
    /// Its heading in generated files; may be empty.
    pub group: String,
    /// The variable's name.
    pub key: String,
    /// The cells' places in the line, without the blanks around them.
    spans: Vec<Range<usize>>,
    /// In characters, counted from 1.
    columns: Vec<usize>,
    development: String,
    /// Nothing in a row of the older form.
    production: Option<String>,
}

impl Row {
    /// The value in an environment; empty means not set.
    pub fn value(&self, environment: Environment) -> &str {
        match (environment, &self.production) {
            (Environment::Production, Some(value)) => value,
            _ => &self.development,
        }
    }

    /// Whether the row has one value for both environments, by its form.
    pub fn is_shared(&self) -> bool {
        self.production.is_none()
    }

    /// Where the value stands in its line, in characters counted from 1.
    pub fn column(&self, environment: Environment) -> usize {
        self.columns.get(self.cell(environment)).copied().unwrap_or(1)
    }

    /// Where the key stands in its line, in characters counted from 1.
    pub fn key_column(&self) -> usize {
        self.columns.get(2).copied().unwrap_or(1)
    }

    fn cell(&self, environment: Environment) -> usize {
        if environment == Environment::Production && !self.is_shared() { 4 } else { 3 }
    }
}

/// Without values.
impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {:?} {} {}", self.line, self.targets, self.group, self.key)
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.rows).finish()
    }
}

impl Table {
    /// Reads a table. Lines that cannot be read are among [`Table::problems`], and kept like the others.
    ///
    /// # Errors
    /// When it is no text in UTF-8.
    pub fn parse(bytes: &[u8]) -> Result<Table, Problem> {
        let text = std::str::from_utf8(bytes).map_err(|cause| {
            let before = bytes.get(..cause.valid_up_to()).unwrap_or_default();
            let begins = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
            let in_line = String::from_utf8_lossy(before.get(begins..).unwrap_or_default());
            Problem {
                line: before.iter().filter(|&&byte| byte == b'\n').count() + 1,
                column: in_line.chars().count() + 1,
                message: "this is no UTF-8".into(),
                hint: "save the file as UTF-8".into(),
            }
        })?;
        Ok(Table::of(text))
    }

    /// As [`Table::parse`], of what is known to be UTF-8.
    pub fn of(text: &str) -> Table {
        let mut table = Table { lines: Vec::new(), rows: Vec::new(), problems: Vec::new() };
        for (index, raw) in text.split_inclusive('\n').enumerate() {
            match read(raw, index + 1) {
                Ok(Some(row)) => table.rows.push(row),
                Ok(None) => {}
                Err(problems) => table.problems.extend(problems),
            }
            table.lines.push(raw.to_owned());
        }
        table
    }

    /// Every row that can be read, in order.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// What cannot be read.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The table as a text: what was read, and what was set since.
    pub fn text(&self) -> String {
        self.lines.concat()
    }

    /// Replaces a value. In a row of the older form it is the value of both environments.
    ///
    /// # Errors
    /// When there is no such row, or the value cannot stand in a cell.
    pub fn set(&mut self, index: usize, environment: Environment, value: &str) -> Result<(), String> {
        let cell = cells::written(value)?;
        let row = self.rows.get(index).ok_or("there is no such row")?;
        let (line, at) = (row.line, row.cell(environment));
        let span = row.spans.get(at).cloned().ok_or("there is no such cell")?;
        let raw = self.lines.get_mut(line - 1).ok_or("there is no such line")?;
        let touches = raw.get(span.end..).is_some_and(|text| text.starts_with('|'));
        let blank = if touches && cell.ends_with('\\') { " " } else { "" };
        raw.replace_range(span, &format!("{cell}{blank}"));
        let read = read(raw, line).map_err(|problems| {
            problems.first().map(|problem| problem.message.clone()).unwrap_or_default()
        })?;
        match (read, self.rows.get_mut(index)) {
            (Some(fresh), Some(row)) => *row = fresh,
            _ => return Err("the row cannot be read any more".into()),
        }
        Ok(())
    }

    /// The values of development. Those of production end here.
    pub fn into_development(self) -> Selection<Development> {
        Selection::of(self.rows)
    }

    /// The values of production.
    pub fn into_production(self) -> Selection<Production> {
        Selection::of(self.rows)
    }
}

/// One line; nothing when it is a comment, a header or the dashes below one.
fn read(raw: &str, line: usize) -> Result<Option<Row>, Vec<Problem>> {
    let content = raw.trim_end_matches(['\n', '\r']);
    // An editor's mark at the start of a file is no character of its first line.
    let content = if line == 1 { content.trim_start_matches('\u{feff}') } else { content };
    let skipped = raw.len() - raw.trim_end_matches(['\n', '\r']).len();
    let start = raw.len() - skipped - content.len();
    if !content.trim_start_matches([' ', '\t']).starts_with('|') {
        return Ok(None);
    }
    let column = |at: usize| raw.get(start..at).map_or(0, |before| before.chars().count()) + 1;
    let Some(spans) = cells::spans(content) else {
        return Err(vec![Problem {
            line,
            column: column(start + content.len()),
            message: "the row does not end with |".into(),
            hint: "end it with |; a remark stands on a line of its own".into(),
        }]);
    };
    let spans: Vec<Range<usize>> =
        spans.into_iter().map(|span| span.start + start..span.end + start).collect();
    let texts: Vec<String> =
        spans.iter().map(|span| cells::read(raw.get(span.clone()).unwrap_or_default())).collect();
    let is_header = texts.iter().zip(HEADER).filter(|(text, name)| text.eq_ignore_ascii_case(name)).count();
    if is_header == HEADER.len() || texts.iter().all(|text| cells::is_dashes(text)) {
        return Ok(None);
    }
    let columns: Vec<usize> = spans.iter().map(|span| column(span.start)).collect();
    let problem = |cell: usize, message: String, hint: &str| Problem {
        line,
        column: columns.get(cell).copied().unwrap_or_else(|| column(start + content.len())),
        message,
        hint: hint.to_owned(),
    };
    if !matches!(texts.len(), 4 | 5) {
        let message = format!("a row has 5 cells, or 4 in the older form; this one has {}", texts.len());
        let hint = r"a | within a value is written \|; | TARGET | GROUP | KEY | DEV_VALUE | PROD_VALUE |";
        return Err(vec![problem(5, message, hint)]);
    }
    let mut texts = texts.into_iter();
    let mut next = || texts.next().unwrap_or_default();
    let (targets, group, key, development) = (next(), next(), next(), next());
    let production = texts.next();
    let mut problems = Vec::new();
    let mut known = Vec::new();
    for word in targets.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        match Target::named(word) {
            Some(target) if !known.contains(&target) => known.push(target),
            Some(_) => {}
            None => problems.push(problem(
                0,
                format!("{word:?} is no target"),
                "they are NEXTJS, CONVEX, LOG_WORKER (or WORKER) and GITHUB",
            )),
        }
    }
    if known.is_empty() && problems.is_empty() {
        problems.push(problem(0, "the row names no target".into(), "name one, or more with commas between"));
    }
    if !is_key(&key) {
        let message = if key.is_empty() { "the row has no key".into() } else { format!("{key:?} is no key") };
        problems.push(problem(2, message, "a key is letters, digits and _, and begins with no digit"));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Some(Row { line, targets: known, group, key, spans, columns, development, production }))
}

/// What every target takes as a name.
fn is_key(key: &str) -> bool {
    let begins = key.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    begins && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests;
