//! `ops drain`: done when nothing waits, and not before.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;
#[path = "common/liar.rs"]
mod liar;
#[path = "common/worker.rs"]
mod worker;

use std::{
    collections::VecDeque,
    process::Output,
    sync::{Arc, Mutex},
};

use liar::Passing;
use serde_json::{Value, json};
use worker::{Setup, TOKENS, finish, out, talk};

/// The worker itself, with Redis away and back.
#[tokio::test]
async fn the_backlog_of_a_worker_is_drained_once_redis_is_back() {
    let worker = Setup::default().start().await;
    worker.redis.stop_listening().await.unwrap();
    for number in 0..3 {
        let log = json!({ "trace_id": "t", "message": number.to_string(), "level": "log" });
        let posted = reqwest::Client::new().post(format!("{}/log", worker.workerd.url())).json(&log).send();
        assert_eq!(posted.await.unwrap().status(), 200);
    }
    let output = worker.ops(&["drain", "--timeout", "1s"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", talk(&output));
    assert!(talk(&output).contains("error: 3 still waiting for Redis after 1 s\n"), "{}", talk(&output));

    worker.redis.resume().await.unwrap();
    let output = worker.ops(&["drain", "--reset-limiter", "--yes", "--json"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    let told: Value = serde_json::from_str(out(&output)).unwrap();
    assert_eq!((&told["waiting"], &told["shards"][0]["waiting"]), (&json!(0), &json!(0)));
    assert_eq!(worker.redis.run(&["LLEN", "logs:t"]).await.unwrap().as_int(), Some(3));
    let limiter = &worker.health().await["components"]["rate_limiter"]["current_state"];
    assert_eq!(limiter["global_current"], 0, "{limiter}");
}

#[tokio::test]
async fn production_is_drained_by_who_has_its_token() {
    let worker = Setup::production().start().await;
    let output = worker.ops(&["drain", "--env", "production"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", talk(&output));
    assert!(talk(&output).contains("hint: set OPS_ADMIN_TOKEN in the environment"), "{}", talk(&output));
    let mut command = worker.command(&["drain", "--env", "production"]);
    command.env("OPS_ADMIN_TOKEN", TOKENS[2].1);
    let output = finish(command).await;
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
}

/// Answers the two routes in the worker's place: each request takes the next answer, the last stays.
fn answering(
    answers: &[(u16, Value)],
) -> (impl Fn(&mut Passing) + Send + Sync + 'static, Arc<Mutex<Vec<String>>>) {
    let answers = Mutex::new(VecDeque::from(answers.to_vec()));
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    let lie = move |passing: &mut Passing| {
        if passing.is("POST /buffer/drain") || passing.is("POST /limiter/reset") {
            seen.lock().unwrap().push(passing.route.clone());
            let mut answers = answers.lock().unwrap();
            let (status, body) =
                if answers.len() > 1 { answers.pop_front().unwrap() } else { answers[0].clone() };
            (passing.status, passing.body) = (status, body.to_string());
        }
    };
    (lie, asked)
}

async fn drain(url: &str, arguments: &[&str]) -> Output {
    let state = tempfile::tempdir().unwrap();
    let mut command = worker::ops(state.path());
    command.args(["drain", "--url", url]).args(arguments);
    finish(command).await
}

#[tokio::test]
async fn it_asks_until_nothing_waits() {
    let worker = Setup::default().start().await;
    let waiting = |count: u64| (503, json!({ "success": false, "waiting": count, "error": "not yet" }));
    let empty = (200, json!({ "success": true, "waiting": 0, "shards": [{ "shard": 0, "waiting": 0 }] }));
    let silent = json!({ "success": false, "waiting": 0, "shards": [{ "shard": 0, "waiting": 0, "error": "no answer" }] });
    let (lie, asked) = answering(&[waiting(7), (502, Value::Null), (503, silent), empty]);
    let liar = liar::serve(worker.workerd.url(), lie).await;
    let output = drain(&liar, &["--json"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    let told: Value = serde_json::from_str(out(&output)).unwrap();
    assert_eq!(
        (&told["waiting"], &told["shards"][0]["shard"], asked.lock().unwrap().len()),
        (&json!(0), &json!(0), 4)
    );
    assert!(talk(&output).contains("  ok draining the buffers: nothing waits ("), "{}", talk(&output));
}

#[tokio::test]
async fn what_still_waits_is_counted_when_the_time_is_over() {
    let worker = Setup::default().start().await;
    let (lie, _) = answering(&[(503, json!({ "success": false, "waiting": 12 }))]);
    let liar = liar::serve(worker.workerd.url(), lie).await;
    let output = drain(&liar, &["--timeout", "1s"]).await;
    assert_eq!((output.status.code(), out(&output)), (Some(1), ""));
    assert!(
        talk(&output).contains("error: 12 still waiting for Redis after 1 s\nhint: "),
        "{}",
        talk(&output)
    );
}

#[tokio::test]
async fn who_may_not_is_told_which_token_is_missing_and_a_stranger_is_not_asked() {
    let worker = Setup::default().start().await;
    for (status, error, hint) in
        [(401, "send LOG_ADMIN_TOKEN", "OPS_ADMIN_TOKEN"), (404, "Not found", "earlier version")]
    {
        let (lie, asked) = answering(&[(status, json!({ "error": error }))]);
        let liar = liar::serve(worker.workerd.url(), lie).await;
        let output = drain(&liar, &[]).await;
        let said = talk(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains(&format!("error: the buffers were not drained: {status}: {error}"))
                && said.contains(hint),
            "{said}"
        );
        assert_eq!(asked.lock().unwrap().len(), 1);
        let output = drain(&liar, &["--env", "production"]).await;
        assert_eq!(output.status.code(), Some(1));
        assert!(
            talk(&output).contains("is not the worker that is meant: it says development"),
            "{}",
            talk(&output)
        );
        assert_eq!(asked.lock().unwrap().len(), 1, "it was not asked again");
    }
}

#[tokio::test]
async fn quotas_are_reset_only_when_that_is_confirmed() {
    let worker = Setup::default().start().await;
    let (lie, asked) = answering(&[(200, json!({ "success": true, "waiting": 0 }))]);
    let liar = liar::serve(worker.workerd.url(), lie).await;
    let output = drain(&liar, &["--reset-limiter"]).await;
    assert_eq!((output.status.code(), asked.lock().unwrap().len()), (Some(1), 0), "{}", talk(&output));
    assert!(talk(&output).contains("hint: nothing was changed; --yes answers yes"), "{}", talk(&output));
    let output = drain(&liar, &["--reset-limiter", "--dry-run"]).await;
    assert_eq!((output.status.code(), asked.lock().unwrap().len()), (Some(0), 0));
    assert!(out(&output).ends_with(&format!("would POST {liar}/limiter/reset\n")), "{}", out(&output));
    let output = drain(&liar, &["--reset-limiter", "--yes"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    assert_eq!(*asked.lock().unwrap(), ["POST /buffer/drain", "POST /limiter/reset"]);
}
