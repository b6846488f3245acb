//! The document at `GET /openapi.json` and the worker say the same: schemathesis (PyPI) makes requests of the document,
//! good ones and bad ones, and compares each answer with it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{collections::BTreeSet, path::PathBuf, process::Stdio, time::Instant};

use serde_json::Value;
use support::{Setup, Stage, project, shared, skip};

/// Requests a route and phase may take, at most.
const EXAMPLES: &str = "200";

/// The program that scripts/setup installs. Without it the test is skipped, but never in continuous integration.
fn schemathesis() -> Option<PathBuf> {
    let program = project().join(".tools/schemathesis/bin/schemathesis");
    if program.exists() {
        return Some(program);
    }
    let why = "there is no .tools/schemathesis: scripts/setup installs it where there is python3 with venv";
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{why}");
    skip(why);
    None
}

async fn compare(stage: &Stage, arguments: &[&str]) {
    let Some(program) = schemathesis() else { return };
    let folder = tempfile::tempdir().unwrap();
    let support = project().join("tests/openapi_support");
    let begun = Instant::now();
    let run = tokio::process::Command::new(program)
        .current_dir(folder.path())
        .env("HOOKS", support.join("hooks.py"))
        .arg("--config-file")
        .arg(support.join("schemathesis.toml"))
        .args(["run", &format!("{}/openapi.json", stage.base())])
        .args(["--max-examples", EXAMPLES])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}\n{}", String::from_utf8_lossy(&run.stderr));
    let counted = said.lines().find(|line| line.contains(" generated, ")).unwrap_or(&said);
    eprintln!("schemathesis: {} in {} s", counted.trim(), begun.elapsed().as_secs());
}

#[tokio::test]
async fn in_development_every_answer_is_as_the_document_says() {
    let Some(stage) = Stage::start().await else { return };
    compare(&stage, &[]).await;
}

#[tokio::test]
async fn in_production_every_answer_is_as_the_document_says_with_a_token_and_without() {
    let setup = Setup::generous().production().var("LOG_READ_TOKEN", "read-token-0123456789");
    let setup =
        setup.var("LOG_INGEST_TOKEN", "ingest-token-0123456789").var("ALLOWED_ORIGINS", "https://a.example");
    let Some(stage) = setup.start().await else { return };
    compare(&stage, &["--phases", "coverage"]).await;
    compare(&stage, &["--phases", "coverage", "-H", "Authorization: Bearer read-token-0123456789"]).await;
}

#[tokio::test]
async fn the_document_is_public_and_names_every_route_of_the_root() {
    let worker = shared().await;
    let document = worker.get("/openapi.json").await.expect_status(200).json;
    assert_eq!(document["openapi"], "3.1.0");
    let listed = worker.get("/").await.json["endpoints"].as_object().unwrap().clone();
    let of_root = listed.values().map(|route| route.as_str().unwrap().split('?').next().unwrap().to_owned());
    let of_root: BTreeSet<String> =
        of_root.chain(["GET /".to_owned(), "OPTIONS /{path}".to_owned()]).collect();
    let mut of_document = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        of_document
            .extend(methods.as_object().unwrap().keys().map(|m| format!("{} {path}", m.to_uppercase())));
    }
    let missing: Vec<&String> = of_root.difference(&of_document).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert_references(&document, &document);
}

/// Fails when the document refers to something it does not hold.
fn assert_references(document: &Value, part: &Value) {
    match part {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                let pointer = reference.strip_prefix('#').unwrap();
                assert!(document.pointer(pointer).is_some(), "{reference}");
            }
            members.values().for_each(|part| assert_references(document, part));
        }
        Value::Array(parts) => parts.iter().for_each(|part| assert_references(document, part)),
        _ => {}
    }
}
