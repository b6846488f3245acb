//! The corpus: forms from `tests/corpus`, filled in from a seeded generator.
//!
//! `*_batch.txt`: what must go, `class <TAB> text` a line, the secrets in «»; `*_harmless.txt`: what must stay;
//! `*_contexts.txt`: a JSON object a line; `notations.txt` and `keys.txt`: a grid. A file that is put there is measured.
//! `known.txt`: the lines of the first two that are known to come out otherwise than they should.
#![allow(dead_code, unused_imports)] // each suite uses a part
#![allow(clippy::unwrap_used)] // of tests alone

mod fragments;
mod hostile;
pub mod random;
mod trees;

pub use fragments::FRAGMENTS;
pub use hostile::hostile;
use random::Random;
use std::collections::BTreeSet;
pub use trees::{leaves, random_tree, same_shape, tree};

pub struct Line {
    /// The form it was filled in from.
    pub row: String,
    pub text: String,
    /// What must not be in the output.
    pub secrets: Vec<String>,
    /// The text with each secret replaced.
    pub expected: String,
    pub plain: bool,
}

/// Fills `{…}` in, undoes the file's escapes.
fn fill(template: &str, random: &mut Random) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        out += &rest[..open];
        let filled = rest[open..]
            .find('}')
            .and_then(|close| Some((close, random.fill(&rest[open + 1..open + close])?)));
        match filled {
            Some((close, text)) => {
                out += &text;
                rest = &rest[open + close + 1..];
            }
            None => {
                out.push('{');
                rest = &rest[open + 1..];
            }
        }
    }
    out + rest
}

fn unescape(text: &str) -> String {
    text.replace("\\e", "\x1b")
        .replace("\\n", "\n")
        .replace("\\r", "\r")
        .replace("\\t", "\t")
        .replace("\\b", "\\")
}

fn line(row: &str, filled: &str, plain: bool) -> Line {
    let (mut text, mut expected, mut secrets) = (String::new(), String::new(), Vec::new());
    for (i, part) in filled.split('«').enumerate() {
        let (secret, rest) = if i == 0 { ("", part) } else { part.split_once('»').unwrap_or((part, "")) };
        if i > 0 {
            secrets.push(secret.to_owned());
            expected += "[REDACTED]";
        }
        text = text + secret + rest;
        expected += rest;
    }
    Line { row: row.to_owned(), text, secrets, expected, plain }
}

fn rows(file: &str) -> impl Iterator<Item = &str> {
    file.lines().filter(|line| !line.is_empty() && !line.starts_with("# "))
}

/// Files of the corpus whose names end so, by name, filled in: the same values in a file at every run, and others in
/// every file.
fn filled_in<T>(ending: &str, fill: impl Fn(&str, &mut Random) -> T) -> Vec<(String, T)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|file| {
            let path = file.unwrap().path();
            let name = path.file_name()?.to_str()?.strip_suffix(ending)?.to_owned();
            Some((name, std::fs::read_to_string(&path).unwrap()))
        })
        .collect();
    assert!(!files.is_empty(), "no {ending} in {folder}");
    files.sort();
    let seed = |name: &str| {
        name.bytes().fold(7, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)))
    };
    files
        .into_iter()
        .map(|(name, file)| {
            let filled = fill(&file, &mut Random::new(seed(&name)));
            (name, filled)
        })
        .collect()
}

/// The names of secrets in every notation.
pub fn grid() -> Vec<Line> {
    let mut random = Random::new(7);
    let keys: Vec<(&str, &str)> =
        rows(include_str!("../corpus/keys.txt")).filter_map(|row| row.split_once('\t')).collect();
    let mut out = Vec::new();
    for (i, notation) in rows(include_str!("../corpus/notations.txt")).enumerate() {
        for j in 0..12 {
            let (key, form) = keys[(i * 7 + j * 5) % keys.len()];
            let filled = unescape(notation).replace("KEY", key).replace("VAL", &fill(form, &mut random));
            out.push(line(notation, &filled, i < 24));
        }
    }
    out
}

/// Lines with secrets, batch by batch, each form filled in three times.
pub fn batches() -> Vec<(String, Vec<Line>)> {
    let filled = |file: &str, random: &mut Random| {
        rows(file)
            .flat_map(|row| std::iter::repeat_n(row, 3))
            .map(|row| {
                let (class, text) = row.split_once('\t').unwrap_or(("plain", row));
                line(row, &fill(&unescape(text), random), class == "plain")
            })
            .collect()
    };
    filled_in("_batch.txt", filled)
}

/// Lines without, batch by batch.
pub fn harmless() -> Vec<(String, Vec<Line>)> {
    let filled = |file: &str, random: &mut Random| {
        rows(file)
            .flat_map(|row| std::iter::repeat_n(row, if row.contains('{') { 2 } else { 1 }))
            .map(|row| line(row, &fill(&unescape(row), random), true))
            .collect()
    };
    filled_in("_harmless.txt", filled)
}

/// The forms that are known to come out otherwise than they should.
pub fn known() -> BTreeSet<&'static str> {
    rows(include_str!("../corpus/known.txt")).collect()
}

/// Contexts with and without, as JSON.
pub fn contexts() -> Vec<(String, Vec<Line>)> {
    let filled = |file: &str, random: &mut Random| {
        rows(file)
            .flat_map(|row| std::iter::repeat_n(row, 4))
            .map(|row| line(row, &fill(row, random), true))
            .collect()
    };
    filled_in("_contexts.txt", filled)
}
