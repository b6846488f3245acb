//! Traffic with a memory: which logs were acknowledged, and whether each is where it should be, once.

use super::{Client, Stage, fresh_trace, wait_until};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Logs of one post.
const BATCH: usize = 10;

/// What was posted and acknowledged, by trace, in order.
pub struct Traffic {
    pub acknowledged: BTreeMap<String, Vec<String>>,
    traces: Vec<String>,
    posted: usize,
}

/// What stands in Redis beyond what should.
pub struct Found {
    /// Elements that stand in a list a second time.
    pub doubles: usize,
}

impl Traffic {
    /// Over so many new traces.
    pub fn over(traces: usize) -> Traffic {
        let traces = (0..traces).map(|_| fresh_trace()).collect();
        Traffic { acknowledged: BTreeMap::new(), traces, posted: 0 }
    }

    pub fn trace(&self, at: usize) -> &str {
        &self.traces[at]
    }

    pub fn count(&self) -> usize {
        self.acknowledged.values().map(Vec::len).sum()
    }

    /// Posts so many batches, one after the other, with a pause between them; returns how many were acknowledged.
    pub async fn post(&mut self, client: &Client, batches: usize, pause: Duration) -> usize {
        let mut stored = 0;
        for _ in 0..batches {
            let trace = self.traces[self.posted % self.traces.len()].clone();
            self.posted += 1;
            let ids: Vec<String> = (0..BATCH).map(|n| format!("{}-{n}", self.posted)).collect();
            let log = |id: &String| json!({"trace_id": trace, "message": format!("log {id}"), "level": "log", "id": id});
            let body = Value::Array(ids.iter().map(log).collect()).to_string();
            let request = client.request(Method::POST, "/log").header("Content-Type", "application/json");
            if let Ok(answer) = client.try_send(request.body(body)).await
                && answer.status == 200
                && answer.json["success"] == true
            {
                stored += 1;
                self.acknowledged.entry(trace).or_default().extend(ids);
            }
            tokio::time::sleep(pause).await;
        }
        stored
    }

    /// Waits, without a word to the worker, until every acknowledged log is in Redis.
    pub async fn arrives(&self, stage: &Stage, limit: Duration) {
        let all_there = || async {
            for (trace, ids) in &self.acknowledged {
                let there: BTreeSet<String> = listed(stage, trace).await.into_iter().collect();
                if !ids.iter().all(|id| there.contains(id)) {
                    return false;
                }
            }
            true
        };
        wait_until("every acknowledged log is in Redis", limit, all_there).await;
    }

    /// Fails unless `GET /logs` shows every acknowledged log once.
    pub async fn is_read_back(&self, client: &Client) {
        for (trace, ids) in &self.acknowledged {
            let entries = client.entries(trace).await;
            let shown: Vec<&str> = entries.iter().map(|entry| entry["id"].as_str().unwrap()).collect();
            let unique: BTreeSet<&str> = shown.iter().copied().collect();
            assert_eq!(unique.len(), shown.len(), "{trace}: seen twice");
            let missing: Vec<&String> = ids.iter().filter(|id| !unique.contains(id.as_str())).collect();
            assert!(missing.is_empty(), "{trace}: acknowledged and missing: {missing:?}");
        }
    }

    /// What Redis holds of these traces.
    pub async fn found(&self, stage: &Stage) -> Found {
        let mut doubles = 0;
        for trace in self.acknowledged.keys() {
            let ids = listed(stage, trace).await;
            doubles += ids.len() - ids.iter().collect::<BTreeSet<_>>().len();
        }
        Found { doubles }
    }
}

/// The ids in a trace's list, in order of arrival.
pub async fn listed(stage: &Stage, trace: &str) -> Vec<String> {
    let key = format!("logs:{trace}");
    let Ok(reply) = stage.redis.run(&["LRANGE", key.as_str(), "0", "-1"]).await else { return Vec::new() };
    if matches!(reply, ops::upstash::Reply::Error(_)) {
        return Vec::new();
    }
    let id =
        |element: &String| serde_json::from_str::<Value>(element).unwrap()["id"].as_str().unwrap().to_owned();
    reply.texts().iter().rev().map(id).collect()
}
