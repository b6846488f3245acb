//! What a log costs in Redis commands, how soon it is visible, and that nobody waits for Redis.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use ops::upstash::{Executed, Fault, Stats};
use serde_json::json;
use support::{Stage, log, with};

/// From acknowledgement to the LIST, for 99 of 100 logs.
const VISIBLE_WITHIN: Duration = Duration::from_secs(1);
/// On a busy machine a run may be late; a worker that is late is late in each.
const RUNS: usize = 3;

/// When each entry was in its LIST, by id.
fn visible(journal: &[Executed]) -> HashMap<String, Instant> {
    let mut visible = HashMap::new();
    for executed in journal {
        for command in executed.commands.iter().filter(|command| command[0].eq_ignore_ascii_case(b"LPUSH")) {
            for element in command.iter().skip(2) {
                let entry: serde_json::Value = serde_json::from_slice(element).unwrap();
                visible.insert(entry["id"].as_str().unwrap().to_owned(), executed.at);
            }
        }
    }
    visible
}

/// Posts the logs of one group after the other, each group at once and once the group before is in Redis. Returns
/// the time of 99 of 100 logs from their acknowledgement to their LIST, and what Redis was asked meanwhile.
async fn run(stage: &Stage, groups: Vec<(String, usize)>) -> (Duration, Stats) {
    stage.drained().await;
    stage.redis.reset_stats();
    stage.redis.start_journal();
    let mut acknowledged = Vec::new();
    for (trace, size) in groups {
        let posts: Vec<_> = (0..size)
            .map(|n| {
                let (client, id) = ((*stage).clone(), format!("{trace}-{n}"));
                let log = with(&trace, json!({"id": id}));
                tokio::spawn(async move {
                    client.post(log).await.expect_status(200);
                    (id, Instant::now())
                })
            })
            .collect();
        for post in posts {
            acknowledged.push(post.await.unwrap());
        }
        stage.flushed(&trace, size).await;
    }
    let stats = stage.redis.stats();
    let visible = visible(&stage.redis.take_journal());
    let mut delays: Vec<Duration> =
        acknowledged.iter().map(|(id, at)| visible[id].saturating_duration_since(*at)).collect();
    delays.sort_unstable();
    (delays[delays.len() * 99 / 100], stats)
}

/// Fails unless one of a few runs costs at most `most` commands a log with all of it visible in time.
async fn assert_cost(name: &str, most: f64, groups: impl Fn(usize) -> Vec<(String, usize)>) {
    let Some(stage) = Stage::start().await else { return };
    stage.post(log("warm up", "m")).await.expect_status(200);
    let mut said = Vec::new();
    for number in 0..RUNS {
        let groups = groups(number);
        let logs: usize = groups.iter().map(|(_, size)| size).sum();
        let (p99, stats) = run(&stage, groups).await;
        let per_log = stats.commands as f64 / logs as f64;
        println!(
            "{name}: {per_log:.3} commands a log, visible within {p99:?} at p99; {:?}",
            stats.by_command
        );
        if per_log <= most && p99 <= VISIBLE_WITHIN {
            return;
        }
        said.push((per_log, p99));
    }
    panic!(
        "{name}: more than {most} commands a log, or later than {VISIBLE_WITHIN:?}, in every run: {said:?}"
    );
}

#[tokio::test]
async fn a_single_log_far_from_others_costs_at_most_two_commands_and_is_visible_within_a_second() {
    assert_cost("singles of 12 traces", 2.0, |run| {
        (0..12).map(|n| (format!("single {run} {n}"), 1)).collect()
    })
    .await;
}

#[tokio::test]
async fn logs_in_bursts_of_twenty_cost_at_most_a_fifth_of_a_command_and_are_visible_within_a_second() {
    assert_cost("bursts of 20", 0.2, |run| (0..6).map(|n| (format!("burst {run} {n}"), 20)).collect()).await;
}

#[tokio::test]
async fn a_log_that_follows_within_a_minute_costs_one_command() {
    let Some(stage) = Stage::start().await else { return };
    stage.post(log("t", "first")).await.expect_status(200);
    stage.flushed("t", 1).await;
    stage.redis.reset_stats();
    for n in 2..=4 {
        stage.post(log("t", "next")).await.expect_status(200);
        stage.flushed("t", n).await;
    }
    let stats = stage.redis.stats();
    assert!(stats.commands <= 6 && stats.count("LPUSH") == 3, "{stats:?}");
}

#[tokio::test]
async fn reading_a_trace_is_one_command_and_recent_traces_none() {
    let Some(stage) = Stage::start().await else { return };
    stage.post((0..500).map(|n| log("t", &n.to_string())).collect::<Vec<_>>()).await.expect_status(200);
    for waiting in [true, false] {
        if !waiting {
            stage.drained().await;
        }
        stage.redis.reset_stats();
        for path in ["/logs?trace_id=t", "/logs?trace_id=unknown", "/traces/recent", "/"] {
            let before = stage.redis.stats().count("LRANGE");
            stage.get(path).await.expect_status(200);
            let reads = stage.redis.stats().count("LRANGE") - before;
            assert_eq!(reads, u64::from(path.starts_with("/logs")), "{path}, waiting: {waiting}");
        }
    }
    let stats = stage.redis.stats();
    assert_eq!((stats.requests, stats.commands), (2, 2), "{stats:?}");
}

/// Times from a post to its answer, sorted.
async fn acknowledgements(stage: &Stage, trace: &str) -> Vec<Duration> {
    let mut times = Vec::new();
    for n in 0..100 {
        let begin = Instant::now();
        stage.post(log(trace, &n.to_string())).await.expect_status(200);
        times.push(begin.elapsed());
    }
    times.sort_unstable();
    times
}

#[tokio::test]
async fn nobody_waits_for_redis() {
    let Some(stage) = Stage::start().await else { return };
    acknowledgements(&stage, "warm up").await;
    let mut commands = Vec::new();
    for latency in [0, 20] {
        stage.redis.faults().set(Fault::latency(Duration::from_millis(latency)));
        stage.redis.reset_stats();
        let trace = format!("latency {latency}");
        let times = acknowledgements(&stage, &trace).await;
        println!("Redis at {latency} ms: acknowledged in {:?} at p50, {:?} at p99", times[50], times[99]);
        stage.flushed(&trace, 100).await;
        commands.push(stage.redis.stats().commands);
    }
    assert!(commands.iter().all(|&commands| commands < 100), "{commands:?} commands for 100 logs");
    // Redis holds its answer for longer than a client would wait, and a log is acknowledged all the same.
    stage.redis.faults().set(Fault::latency(Duration::from_secs(600)));
    for n in 0..20 {
        stage.post(log("t", &n.to_string())).await.expect_status(200);
    }
}
