//! Measures redaction on log lines of your own: `cargo run --release --example redaction_corpus -- [--show] FILE…`.
//!
//! A file holds one JSON object a line:
//!
//! ```text
//! {"kind":"positive","category":"yaml","plain":true,"text":"…","secrets":["what must not survive", …]}
//! {"kind":"positive","category":"context","plain":false,"context":{…},"secrets":[…]}
//! {"kind":"negative","category":"prose","text":"what must come out byte for byte"}
//! {"kind":"negative","category":"context","context":{…}}
//! ```
//!
//! `plain` marks what any tool should find. Printed are, by category, the share of secrets gone and of harmless lines
//! untouched; with `--show` every line that went wrong, secrets and all, so keep the output to yourself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use log_ingestion_worker::json::{self, Json};
use log_ingestion_worker::redaction::{MARK, Tally, redact_context, redact_text};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Case {
    kind: String,
    category: String,
    #[serde(default)]
    plain: bool,
    text: Option<String>,
    context: Option<Box<RawValue>>,
    #[serde(default)]
    secrets: Vec<String>,
}

/// So many of so many.
#[derive(Default, Clone, Copy)]
struct Share(usize, usize);

impl Share {
    fn add(&mut self, good: bool) {
        self.0 += usize::from(good);
        self.1 += 1;
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.1 == 0 {
            return write!(f, "{:>20}", "-");
        }
        write!(f, "{:>6.2} % of {:>6}", 100.0 * self.0 as f64 / self.1 as f64, self.1)
    }
}

#[derive(Default)]
struct Score {
    gone: Share,
    plain: Share,
    untouched: Share,
    shape: Share,
}

fn written(tree: &Json<'_>) -> String {
    let mut out = Vec::new();
    json::write_value(&mut out, tree, json::MAX_DEPTH);
    String::from_utf8(out).unwrap()
}

fn holds(tree: &Json<'_>, secret: &str) -> bool {
    match tree {
        Json::String(text) | Json::Number(text) => text.contains(secret),
        Json::Array(items) => items.iter().any(|item| holds(item, secret)),
        Json::Object(fields) => fields.iter().any(|(_, value)| holds(value, secret)),
        _ => false,
    }
}

/// The same keys in the same order; a leaf is itself or holds the marker.
fn same_shape(before: &Json<'_>, after: &Json<'_>) -> bool {
    match (before, after) {
        (Json::Array(a), Json::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_shape(a, b))
        }
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((k, a), (l, b))| k == l && same_shape(a, b))
        }
        (_, Json::String(text)) => before == after || text.contains(MARK),
        _ => before == after,
    }
}

fn judge(case: &Case, score: &mut Score, wrong: &mut Vec<String>) {
    let mut tally = Tally::default();
    let (before, after, left): (String, String, Vec<bool>) = match (&case.text, &case.context) {
        (Some(text), _) => {
            let clean = redact_text(text, &mut tally).into_owned();
            let left = case.secrets.iter().map(|secret| clean.contains(secret.as_str())).collect();
            (text.clone(), clean, left)
        }
        (None, Some(context)) => {
            let before = json::parse(context.get()).unwrap();
            let mut after = before.clone();
            redact_context(&mut after, &mut tally);
            score.shape.add(same_shape(&before, &after));
            let left = case.secrets.iter().map(|secret| holds(&after, secret)).collect();
            (written(&before), written(&after), left)
        }
        _ => panic!("a case has a text or a context"),
    };
    if case.kind == "negative" {
        score.untouched.add(before == after);
        if before != after {
            wrong.push(format!("TOUCHED [{}] {before}\n     -> {after}", case.category));
        }
    }
    for (secret, left) in case.secrets.iter().zip(left) {
        score.gone.add(!left);
        if case.plain {
            score.plain.add(!left);
        }
        if left {
            let plain = if case.plain { " plain" } else { "" };
            wrong.push(format!("MISSED{plain} [{}] {secret}\n  in {before}\n  -> {after}", case.category));
        }
    }
}

fn main() {
    let (options, files): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|a| a.starts_with("--"));
    assert!(!files.is_empty(), "error: no file given\nhint: redaction_corpus [--show] FILE…");
    let (mut all, mut by_category, mut wrong) = (Score::default(), BTreeMap::new(), Vec::new());
    for file in files {
        let lines = std::fs::read_to_string(&file).unwrap_or_else(|cause| panic!("{file}: {cause}"));
        for (number, line) in lines.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let case: Case =
                serde_json::from_str(line).unwrap_or_else(|cause| panic!("{file}:{}: {cause}", number + 1));
            let score: &mut Score = by_category.entry(case.category.clone()).or_default();
            judge(&case, &mut all, &mut Vec::new());
            judge(&case, score, &mut wrong);
        }
    }
    if options.iter().any(|option| option == "--show") {
        wrong.iter().for_each(|line| println!("{line}"));
    }
    println!(
        "{:28}{:>20}{:>20}{:>20}{:>20}",
        "", "secrets gone", "plain ones", "harmless as is", "same shape"
    );
    for (name, score) in by_category.iter().chain([(&"all".to_owned(), &all)]) {
        println!("{name:28}{}{}{}{}", score.gone, score.plain, score.untouched, score.shape);
    }
}
