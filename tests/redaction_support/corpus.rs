//! The corpus: forms from `tests/corpus`, filled in from a seeded generator.
#![allow(dead_code, unused_imports)] // each suite uses a part

mod hostile;
mod random;
mod trees;

pub use hostile::{FRAGMENTS, hostile, random_tree};
use random::Random;
pub use trees::{leaves, same_shape, tree};

pub struct Line {
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

fn line(filled: &str, plain: bool) -> Line {
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
    Line { text, secrets, expected, plain }
}

fn rows(file: &str) -> impl Iterator<Item = &str> {
    file.lines().filter(|line| !line.is_empty() && !line.starts_with("# "))
}

/// Lines of `class <TAB> text`, each filled in `times` times.
fn labelled(file: &str, seed: u64, times: usize) -> Vec<Line> {
    let mut random = Random::new(seed);
    rows(file)
        .flat_map(|row| std::iter::repeat_n(row, times))
        .map(|row| {
            let (class, text) = row.split_once('\t').unwrap_or(("plain", row));
            line(&fill(&unescape(text), &mut random), class == "plain")
        })
        .collect()
}

pub fn positives() -> Vec<Line> {
    let mut random = Random::new(7);
    let keys: Vec<(&str, &str)> =
        rows(include_str!("../corpus/keys.txt")).filter_map(|row| row.split_once('\t')).collect();
    let mut out = Vec::new();
    for (i, notation) in rows(include_str!("../corpus/notations.txt")).enumerate() {
        for j in 0..12 {
            let (key, form) = keys[(i * 7 + j * 5) % keys.len()];
            let filled = unescape(notation).replace("KEY", key).replace("VAL", &fill(form, &mut random));
            out.push(line(&filled, i < 24));
        }
    }
    out.extend(labelled(include_str!("../corpus/lines.txt"), 11, 3));
    out
}

pub fn second_batch() -> Vec<Line> {
    labelled(include_str!("../corpus/second_batch.txt"), 23, 3)
}

pub fn third_batch() -> Vec<Line> {
    labelled(include_str!("../corpus/third_batch.txt"), 29, 3)
}

pub fn fourth_batch() -> Vec<Line> {
    labelled(include_str!("../corpus/fourth_batch.txt"), 31, 2)
}

pub fn fifth_batch() -> Vec<Line> {
    labelled(include_str!("../corpus/fifth_batch.txt"), 43, 2)
}

pub fn sixth_batch() -> Vec<Line> {
    labelled(include_str!("../corpus/sixth_batch.txt"), 59, 3)
}

pub fn seventh_batch() -> Vec<Line> {
    labelled(include_str!("../corpus/seventh_batch.txt"), 67, 3)
}

pub fn seventh_harmless() -> Vec<String> {
    unlabelled(include_str!("../corpus/seventh_harmless.txt"), 71)
}

pub fn harmless() -> Vec<String> {
    let first = include_str!("../corpus/harmless.txt");
    let second = include_str!("../corpus/second_harmless.txt");
    [unlabelled(first, 13), unlabelled(second, 14)].concat()
}

pub fn fourth_harmless() -> Vec<String> {
    unlabelled(include_str!("../corpus/fourth_harmless.txt"), 37)
}

pub fn fifth_harmless() -> Vec<String> {
    unlabelled(include_str!("../corpus/fifth_harmless.txt"), 47)
}

pub fn sixth_harmless() -> Vec<String> {
    unlabelled(include_str!("../corpus/sixth_harmless.txt"), 61)
}

fn unlabelled(file: &str, seed: u64) -> Vec<String> {
    let mut random = Random::new(seed);
    rows(file)
        .flat_map(|row| {
            let times = if row.contains('{') { 2 } else { 1 };
            std::iter::repeat_n(row, times)
        })
        .map(|row| fill(&unescape(row), &mut random))
        .collect()
}

pub fn contexts() -> Vec<Line> {
    trees(include_str!("../corpus/contexts.txt"), 17)
}

pub fn fourth_contexts() -> Vec<Line> {
    trees(include_str!("../corpus/fourth_contexts.txt"), 41)
}

pub fn fifth_contexts() -> Vec<Line> {
    trees(include_str!("../corpus/fifth_contexts.txt"), 53)
}

fn trees(file: &str, seed: u64) -> Vec<Line> {
    let mut random = Random::new(seed);
    rows(file)
        .flat_map(|row| std::iter::repeat_n(row, 4))
        .map(|row| line(&fill(row, &mut random), true))
        .collect()
}
