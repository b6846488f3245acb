//! The runbook's table of scenarios says what the tests say, of every one of them and of nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;

const SOURCES: [&str; 6] = [
    include_str!("cloudflare/deploy_code.rs"),
    include_str!("cloudflare/deploy_api.rs"),
    include_str!("cloudflare/deploy_access.rs"),
    include_str!("cloudflare/deploy_killed.rs"),
    include_str!("cloudflare/rollback.rs"),
    include_str!("cloudflare/terminal.rs"),
];
const TABLE: &str = include_str!("../runbooks/scenarios.md");
/// The least there must be.
const LEAST: usize = 40;

/// What is live then, in the table's words.
fn live(ends: &str) -> &'static str {
    match ends {
        "Old" => "the version from before",
        "OldBeside" => "the version from before, the new one beside it without traffic",
        "New" => "the new version",
        "Theirs" => "somebody else's version",
        "Bad" => "the new version, not well",
        other => panic!("{other} has no words"),
    }
}

/// The rows of the macros: the test's name, the exit status, and what is live.
fn told() -> BTreeSet<(String, String, String)> {
    let mut rows = BTreeSet::new();
    let mut name = None;
    for line in SOURCES.iter().flat_map(|source| source.lines()) {
        let inside = line.strip_prefix("    ").filter(|line| !line.starts_with(' '));
        if let Some(inside) = inside {
            let begins = inside.split(['(', ':']).next().unwrap_or_default();
            let rest = inside.get(begins.len()..).unwrap_or_default();
            let is_name = begins.contains('_')
                && begins.bytes().all(|b| b.is_ascii_lowercase() || b"_0123456789".contains(&b));
            if is_name && (rest.starts_with("(site) {") || (rest.starts_with(": ") && rest.contains("=>"))) {
                name = Some((begins.to_owned(), rest.starts_with(": ")));
            }
        }
        let Some((_, end)) = line.rsplit_once("=> ").filter(|_| line.trim_end().ends_with(';')) else {
            continue;
        };
        let Some((name, of_signal)) = name.take() else { continue };
        let words: Vec<&str> = end.trim_end_matches(';').split(", ").collect();
        let row = match (words[0].parse::<u8>(), words.get(1)) {
            (Ok(exit), Some(ends)) => (name, exit.to_string(), live(ends).to_owned()),
            (Ok(exit), None) if of_signal => (name, exit.to_string(), live("Old").to_owned()),
            // Killed: what counts is where the next run settles it.
            (Err(_), Some(_)) => (name, "killed".to_owned(), live(words[0]).to_owned()),
            _ => panic!("{line}"),
        };
        rows.insert(row);
    }
    rows
}

fn rows() -> BTreeSet<(String, String, String)> {
    let rows = TABLE.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| scenario"));
    let cells = rows
        .map(|row| row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect::<Vec<_>>());
    cells
        .filter(|cells| !cells[0].starts_with("---"))
        .map(|cells| (cells[0].replace("'s ", " s ").replace(' ', "_"), cells[1].clone(), cells[2].clone()))
        .collect()
}

#[test]
fn every_row_is_a_test_that_says_so() {
    let (told, rows) = (told(), rows());
    let missing: Vec<_> = told.difference(&rows).collect();
    assert!(missing.is_empty(), "not in ops/runbooks/scenarios.md: {missing:#?}");
    for (name, _, _) in rows.difference(&told) {
        let by_itself = SOURCES.iter().any(|source| source.contains(&format!("async fn {name}()")));
        assert!(by_itself, "ops/runbooks/scenarios.md has a row without a test: {name}");
    }
    assert!(rows.len() >= LEAST, "{} scenarios", rows.len());
}
