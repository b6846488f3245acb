//! The suite that `ops verify` and every deployment run, against the worker of these tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use log_ingestion_worker::access::Secret;
use ops::{
    run::globals::CorrelationId,
    verify::{Plan, Status, Tokens, verify},
};
use support::{fresh_trace, shared};

#[tokio::test]
async fn the_suite_of_a_deployment_passes_and_removes_its_logs() {
    let worker = shared().await;
    let run: CorrelationId = fresh_trace().parse().unwrap();
    let token = |name: &str| Secret::new(std::env::var(name).unwrap_or_default());
    let (admin, read) = (token("LOG_ADMIN_TOKEN"), None);
    let tokens = Tokens { admin, read, ingest: token("LOG_INGEST_TOKEN") };
    let plan = Plan { tokens, ..Plan::new(worker.base().parse().unwrap(), run.clone()) };
    let report = verify(&plan, &|_| {}, std::future::pending()).await.unwrap();
    assert_eq!(report.outcome, Status::Pass, "{report:#?}");
    assert!(worker.messages(run.as_str()).await.is_empty());
}
