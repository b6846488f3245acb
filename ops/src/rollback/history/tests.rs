use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;

fn version(number: u64, change: impl FnOnce(&mut Value)) -> Version {
    let mut version = json!({
        "id": format!("v{number}"),
        "number": number,
        "metadata": { "created_on": format!("2026-01-0{number}T00:00:00Z"), "author_email": "me@example.com" },
        "annotations": { "workers/tag": format!("tag{number}"), "workers/triggered_by": "version_upload" },
        "resources": {
            "script_runtime": { "migration_tag": "v2" },
            "bindings": [
                { "name": "UPSTASH_REDIS_REST_URL", "type": "secret_text" },
                { "name": "UPSTASH_REDIS_REST_TOKEN", "type": "secret_text" },
                { "name": "LOG_BUFFER_SHARDS", "type": "plain_text", "text": "1" },
            ],
        },
    });
    change(&mut version);
    serde_json::from_value(version).unwrap()
}

fn plain(number: u64) -> Version {
    version(number, |_| {})
}

fn deployments(shares: &[&[(u64, u8)]]) -> Vec<Deployment> {
    let deployment = |(at, shares): (usize, &&[(u64, u8)])| {
        let versions: Vec<Value> = shares
            .iter()
            .map(|(number, share)| json!({ "version_id": format!("v{number}"), "percentage": share }))
            .collect();
        let created_on = format!("2026-02-0{}T00:00:00Z", at + 1);
        json!({ "id": format!("d{at}"), "created_on": created_on, "versions": versions })
    };
    let all = shares.iter().enumerate().map(deployment);
    all.map(|deployment| serde_json::from_value(deployment).unwrap()).collect()
}

/// The history of these deployments, with these versions proven.
fn history(versions: Vec<Version>, shares: &[&[(u64, u8)]], proven: &[u64]) -> History {
    let deployments = deployments(shares);
    let now = deployments.last().unwrap().clone();
    let live = now.sole().map_or("v1", |id| id).to_owned();
    let listed = versions.clone();
    let (live, others): (Vec<_>, Vec<_>) = versions.into_iter().partition(|version| version.id == live);
    let mut known = Known::default();
    known.proven.extend(proven.iter().map(|number| (format!("v{number}"), Proof::default())));
    History::assemble(now, live.into_iter().next().unwrap(), &deployments, &listed, others, known)
}

fn previous(versions: u64, shares: &[&[(u64, u8)]], proven: &[u64]) -> Result<String, String> {
    let history = history((1..=versions).map(plain).collect(), shares, proven);
    history.previous().map(|candidate| candidate.version.id.clone())
}

const ALL: u8 = 100;

#[test]
fn the_previous_version_is_the_one_that_was_live_and_proven() {
    assert_eq!(previous(2, &[&[(1, ALL)], &[(2, ALL)]], &[1, 2]).as_deref(), Ok("v1"));
    // The same version twice in a row, which misleads wrangler's bare rollback.
    assert_eq!(previous(2, &[&[(1, ALL)], &[(2, ALL)], &[(2, ALL)]], &[1, 2]).as_deref(), Ok("v1"));
    // Tried beside it, without traffic.
    assert_eq!(previous(2, &[&[(1, ALL)], &[(2, 0), (1, ALL)], &[(2, ALL)]], &[1]).as_deref(), Ok("v1"));
}

#[test]
fn a_version_that_was_left_is_not_gone_back_to() {
    // v2 was bad: back to v1. A second rollback must not bring v2.
    assert!(previous(2, &[&[(1, ALL)], &[(2, ALL)], &[(1, ALL)]], &[1, 2]).is_err());
    let shares: &[&[(u64, u8)]] = &[&[(1, ALL)], &[(2, ALL)], &[(3, ALL)], &[(2, ALL)]];
    assert_eq!(previous(3, shares, &[1, 2, 3]).as_deref(), Ok("v1"));
    // Repaired forward after that: v2 was live before v4, and v3 was not good then either.
    let shares: &[&[(u64, u8)]] = &[&[(2, ALL)], &[(3, ALL)], &[(2, ALL)], &[(4, ALL)]];
    assert_eq!(previous(4, shares, &[2, 3, 4]).as_deref(), Ok("v2"));
}

#[test]
fn what_nobody_saw_proven_does_not_go_without_saying() {
    let why = previous(3, &[&[(1, ALL)], &[(2, ALL)], &[(3, ALL)]], &[1, 3]).unwrap_err();
    assert_eq!(why, "v2 was live before, and this machine never saw it proven");
    assert!(previous(1, &[&[(1, ALL)]], &[1]).is_err());
}

#[test]
fn what_cannot_work_is_refused_with_the_reason() {
    let tag = |tag: &'static str| {
        move |version: &mut Value| version["resources"]["script_runtime"]["migration_tag"] = json!(tag)
    };
    let shards = |version: &mut Value| version["resources"]["bindings"][2]["text"] = json!("4");
    let no_secret = |version: &mut Value| version["resources"]["bindings"][1]["name"] = json!("OTHER");
    let cases = [
        (version(1, tag("v1")), "a Durable Object migration lies between: v1 has v1, the live version v2"),
        (version(1, no_secret), "v1 has no secret UPSTASH_REDIS_REST_TOKEN"),
        (version(1, shards), "v1 has LOG_BUFFER_SHARDS = 4, the live version 1"),
        (plain(2), "v2 is the live version"),
    ];
    let now = deployments(&[&[(2, ALL)]]).remove(0);
    for (candidate, said) in cases {
        let refused = refusal(&candidate, &plain(2), &now).unwrap();
        assert!(refused.message().starts_with(said) && !refused.hint().is_empty(), "{refused}");
    }
    assert_eq!(refusal(&plain(1), &plain(2), &now), None);
    let newest = version(9, |version| version["number"] = json!(101));
    assert!(refusal(&plain(1), &newest, &now).unwrap().message().contains("older than the 100 newest"));
    assert_eq!(refusal(&plain(2), &newest, &now), None);
    let split = deployments(&[&[(2, 90), (1, 10)]]).remove(0);
    assert!(refusal(&plain(1), &plain(2), &split).unwrap().message().contains("90 % v2, 10 % v1"));
}

#[test]
fn a_secret_that_changed_between_is_named_where_the_journal_knows_it() {
    let secret = |number| {
        version(number, |version| version["annotations"] = json!({ "workers/triggered_by": "secret" }))
    };
    let versions = vec![plain(1), secret(2), plain(3), plain(4), plain(5)];
    let mut known = Known::default();
    known.set.insert("v2".into(), BTreeSet::from(["LOG_READ_TOKEN".to_owned()]));
    known.with_secrets.insert("v4".into());
    let between = |one: u64, other: u64| {
        let changes = secret_changes(&versions, &plain(one), &plain(other), &known);
        changes.into_iter().map(|change| (change.version, change.name)).collect::<Vec<_>>()
    };
    let (put, brought) = (("v2".to_owned(), Some("LOG_READ_TOKEN".to_owned())), ("v4".to_owned(), None));
    assert_eq!(between(1, 5), [put.clone(), brought.clone()]);
    assert_eq!(between(2, 3), []);
    assert_eq!(between(5, 1), [put, brought.clone()]);
    assert_eq!(between(3, 4), [brought]);
}
