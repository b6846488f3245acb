//! `--secrets-file`: the secrets that move with a version, read and checked before anything is built.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use log_ingestion_worker::access::Secret;
use serde_json::{Map, Value};

use crate::{
    exit::Failure,
    run::Run,
    secrets::{known, value},
};

/// What such a file must be.
const FORM: &str = "give a file with a JSON object of names and texts, or with lines of NAME=value";

/// The secrets that move with a version.
#[derive(Debug, Default)]
pub struct Brought {
    /// Their names.
    pub names: BTreeSet<String>,
    /// All of them, as a JSON object.
    pub json: Option<Secret>,
}

/// A secret as the file has it, in its line (counted from 1; nothing where it is not known).
struct Given {
    line: Option<usize>,
    name: String,
    value: String,
}

/// Reads the file, if there is one. Its values are hidden from here on, and are what `ops secrets put` would take.
///
/// # Errors
/// Which line and which name cannot be used, and why; never a value.
pub fn read(run: &Run, file: Option<&Path>) -> Result<Brought, Failure> {
    let Some(file) = file else { return Ok(Brought::default()) };
    let shown = file.display();
    let text = fs::read_to_string(file)
        .map_err(|cause| Failure::new(format!("{shown} cannot be read: {cause}"), FORM))?;
    let all = checked(&text, &shown.to_string())?;
    for value in all.values() {
        run.mask().hide(value);
    }
    let names = all.keys().cloned().collect();
    let json = Map::from_iter(all.into_iter().map(|(name, value)| (name, Value::String(value))));
    Ok(Brought { names, json: Secret::new(Value::Object(json).to_string()) })
}

/// The secrets of a text by their names, each checked as `ops secrets put` checks it.
fn checked(text: &str, file: &str) -> Result<BTreeMap<String, String>, Failure> {
    let text = text.trim_start_matches('\u{feff}');
    let all = if text.trim_start().starts_with('{') { of_json(text, file) } else { of_lines(text, file) }?;
    let mut found = BTreeMap::new();
    for Given { line, name, value } in all {
        let at = |failure: &Failure| {
            Failure::new(format!("{}: {}", place(file, line), failure.message()), failure.hint())
        };
        // What is no name may be a value: it is not shown.
        if !is_name(&name) {
            return Err(at(&Failure::new("it does not begin with the name of a secret", FORM)));
        }
        let setting = known(&name).map_err(|failure| at(&failure))?;
        let value = value::checked(setting, &value, "give it one, or take the line out")
            .map_err(|failure| at(&failure))?;
        if found.insert(name.clone(), value).is_some() {
            return Err(at(&Failure::new(format!("{name} is given a second time"), "take one of them out")));
        }
    }
    if found.is_empty() {
        return Err(Failure::new(format!("{file} holds no secrets"), FORM));
    }
    Ok(found)
}

fn of_json(text: &str, file: &str) -> Result<Vec<Given>, Failure> {
    // What the parser says may quote the text.
    let object: Map<String, Value> = serde_json::from_str(text).map_err(|cause| {
        let message =
            format!("{}: it is no JSON (column {})", place(file, Some(cause.line())), cause.column());
        Failure::new(message, FORM)
    })?;
    let given = |(name, value): (String, Value)| {
        let line = text.lines().position(|line| line.contains(&format!("\"{name}\""))).map(|at| at + 1);
        match value {
            Value::String(value) => Ok(Given { line, name, value }),
            _ => {
                let name = if is_name(&name) { &name } else { "a secret" };
                Err(Failure::new(format!("{}: the value of {name} is no text", place(file, line)), FORM))
            }
        }
    };
    object.into_iter().map(given).collect()
}

fn of_lines(text: &str, file: &str) -> Result<Vec<Given>, Failure> {
    let lines = (1..).zip(text.lines().map(str::trim));
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|(number, line)| {
            let line = line.strip_prefix("export ").map_or(line, str::trim_start);
            let at = place(file, Some(number));
            let (name, value) = line
                .split_once('=')
                .ok_or_else(|| Failure::new(format!("{at}: it holds no secrets, no NAME=value"), FORM))?;
            let (name, value) = (name.trim_end(), value.trim());
            let unquoted = unquoted(value);
            if unquoted.is_none() && value.contains([' ', '\t']) && is_name(name) {
                let message =
                    format!("{at}: the value of {name} has white space in it, and no quotes around it");
                return Err(Failure::new(message, "put it in quotes, and a remark on a line of its own"));
            }
            let value = unquoted.unwrap_or(value).to_owned();
            Ok(Given { line: Some(number), name: name.to_owned(), value })
        })
        .collect()
}

/// What stands within a pair of quotes.
fn unquoted(value: &str) -> Option<&str> {
    let inner = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    ['\'', '"'].into_iter().find_map(inner)
}

/// Whether it looks like the name of a variable, and not like a token that ends in `=`.
fn is_name(name: &str) -> bool {
    let letter = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    name.len() <= 64 && name.starts_with(|c: char| c.is_ascii_uppercase()) && name.chars().all(letter)
}

fn place(file: &str, line: Option<usize>) -> String {
    line.map_or_else(|| file.to_owned(), |line| format!("{file}, line {line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "Geheim-0123456789-abc";

    fn read(text: &str) -> Result<BTreeMap<String, String>, Failure> {
        checked(&text.replace("TOKEN_VALUE", TOKEN), "FILE")
    }

    #[test]
    fn the_forms_that_people_have_are_read() {
        for text in [
            "LOG_READ_TOKEN=TOKEN_VALUE",
            "# remark\r\n\r\nexport LOG_READ_TOKEN=TOKEN_VALUE\r\n",
            "  export  LOG_READ_TOKEN = \"TOKEN_VALUE\" ",
            "LOG_READ_TOKEN='TOKEN_VALUE'",
            "\u{feff}{ \"LOG_READ_TOKEN\": \"TOKEN_VALUE\" }",
        ] {
            let found = read(text).unwrap();
            assert_eq!(found, BTreeMap::from([("LOG_READ_TOKEN".to_owned(), TOKEN.to_owned())]), "{text}");
        }
        // A quote that has no other belongs to the value.
        assert_eq!(read("LOG_READ_TOKEN=TOKEN_VALUE\"").unwrap()["LOG_READ_TOKEN"], format!("{TOKEN}\""));
    }

    #[test]
    fn what_would_break_a_worker_is_refused_by_line_and_name_and_never_shown() {
        for (text, said) in [
            ("", "FILE holds no secrets"),
            ("# nothing\n", "FILE holds no secrets"),
            ("{}", "FILE holds no secrets"),
            ("\nLOG_RAED_TOKEN=TOKEN_VALUE", "FILE, line 2: LOG_RAED_TOKEN is no secret of this worker"),
            ("RATE_LIMIT_TRACE=5", "FILE, line 1: RATE_LIMIT_TRACE is no secret"),
            ("LOG_READ_TOKEN=Geheim-0", "FILE, line 1: LOG_READ_TOKEN must be at least 16"),
            ("LOG_READ_TOKEN=", "FILE, line 1: no value was given for LOG_READ_TOKEN"),
            ("LOG_READ_TOKEN=TOKEN_VALUE # new", "FILE, line 1: the value of LOG_READ_TOKEN has white space"),
            (
                "LOG_READ_TOKEN=TOKEN_VALUE\nLOG_READ_TOKEN=TOKEN_VALUE",
                "line 2: LOG_READ_TOKEN is given a second",
            ),
            ("UPSTASH_REDIS_REST_URL=redis.Geheim", "line 1: UPSTASH_REDIS_REST_URL must be a URL"),
            ("Geheim0123456789==", "FILE, line 1: it does not begin with the name of a secret"),
            ("TOKEN_VALUE", "FILE, line 1: it holds no secrets, no NAME=value"),
            ("{\n\"LOG_READ_TOKEN\": 5 }", "FILE, line 2: the value of LOG_READ_TOKEN is no text"),
            ("{\"LOG_READ_TOKEN\": null }", "FILE, line 1: the value of LOG_READ_TOKEN is no text"),
            ("{\"LOG_READ_TOKEN\": \"TOKEN_VALUE\",\n}", "FILE, line 2: it is no JSON"),
        ] {
            let refused = read(text).unwrap_err().to_string();
            assert!(refused.contains(said), "{text}: {refused}");
            assert!(!refused.contains("Geheim"), "{refused}");
        }
        let refused = read("LOG_RAED_TOKEN=TOKEN_VALUE").unwrap_err();
        assert!(refused.hint().starts_with("is LOG_READ_TOKEN meant?"), "{refused}");
    }
}
