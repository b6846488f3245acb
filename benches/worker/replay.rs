//! A realistic replay: twenty people at a time use a web application, whose console posts what it prints.
//!
//! Each session logs 30 to 200 times: in bursts of 1 to 20 (a page loads, a form is sent), a few ms apart within one,
//! with pauses of 0.5 to 6 s between them. When a session ends another begins.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ops::upstash::Executed;
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::Instant};

use crate::{load, world::World};

/// People at a time.
const SESSIONS: u64 = 20;

/// How the logs are posted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Each by itself.
    Singly,
    /// So many of a trace together: what is left when its session ends goes alone.
    PerTrace(usize),
    /// So many of all sessions together, as a collector in front of them would.
    Mixed(usize),
}

/// What came of it.
pub struct Replayed {
    pub logs: u64,
    pub requests: u64,
    pub refused: u64,
    /// From acknowledgement to the LIST for 99 of 100 logs, in ms.
    pub visible_p99_ms: f64,
}

type Acknowledged = Arc<Mutex<HashMap<String, std::time::Instant>>>;

struct Poster {
    port: u16,
    requests: AtomicU64,
    refused: AtomicU64,
    acknowledged: Acknowledged,
}

impl Poster {
    async fn post(self: Arc<Self>, logs: Vec<Value>) {
        let ids: Vec<String> = logs.iter().filter_map(|log| Some(log["id"].as_str()?.to_owned())).collect();
        let body = match logs.as_slice() {
            [one] => one.to_string(),
            _ => Value::Array(logs).to_string(),
        };
        self.requests.fetch_add(1, Ordering::Relaxed);
        let status = load::send(&mut None, self.port, ("POST", "/log".into(), body)).await;
        if status == Some(200) {
            let now = std::time::Instant::now();
            let mut acknowledged = self.acknowledged.lock().unwrap_or_else(|poison| poison.into_inner());
            acknowledged.extend(ids.into_iter().map(|id| (id, now)));
        } else {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Replays for so long; the same sessions each time.
pub async fn replay(world: &World, form: Form, time: Duration) -> Replayed {
    world.redis.start_journal();
    let poster = Arc::new(Poster {
        port: world.worker.port(),
        requests: AtomicU64::new(0),
        refused: AtomicU64::new(0),
        acknowledged: Acknowledged::default(),
    });
    let end = Instant::now() + time;
    let mixed = Arc::new(Mutex::new(Vec::new()));
    let mut people = JoinSet::new();
    for person in 0..SESSIONS {
        people.spawn(person_at(person, form, end, poster.clone(), mixed.clone()));
    }
    while people.join_next().await.is_some() {}
    let rest = std::mem::take(&mut *mixed.lock().unwrap_or_else(|poison| poison.into_inner()));
    if !rest.is_empty() {
        poster.clone().post(rest).await;
    }
    world.drained().await;
    let visible = visible(&world.redis.take_journal());
    let acknowledged = poster.acknowledged.lock().unwrap_or_else(|poison| poison.into_inner());
    let mut delays: Vec<Duration> = acknowledged
        .iter()
        .map(|(id, at)| visible.get(id).map_or(Duration::MAX, |seen| seen.saturating_duration_since(*at)))
        .collect();
    delays.sort_unstable();
    Replayed {
        logs: acknowledged.len() as u64,
        requests: poster.requests.load(Ordering::Relaxed),
        refused: poster.refused.load(Ordering::Relaxed),
        visible_p99_ms: delays
            .get(delays.len() * 99 / 100)
            .map_or(f64::NAN, |delay| delay.as_secs_f64() * 1_000.0),
    }
}

/// One session after the other.
async fn person_at(
    person: u64,
    form: Form,
    end: Instant,
    poster: Arc<Poster>,
    mixed: Arc<Mutex<Vec<Value>>>,
) {
    let mut random = StdRng::seed_from_u64(person);
    let mut posts = JoinSet::new();
    // People do not begin at one moment.
    tokio::time::sleep(Duration::from_millis(random.random_range(0..3_000))).await;
    let mut session = 0;
    while Instant::now() < end {
        session += 1;
        let trace = format!("trace_{}_{person:04}{session:05}", 1_700_000_000_000_u64 + person);
        let (mut left, mut number, mut held) = (random.random_range(30..=200), 0, Vec::new());
        while left > 0 && Instant::now() < end {
            let burst = random.random_range(1..=20).min(left);
            left -= burst;
            for _ in 0..burst {
                number += 1;
                held.push(log(&trace, number, &mut random));
                match form {
                    Form::Singly => drop(posts.spawn(poster.clone().post(std::mem::take(&mut held)))),
                    Form::PerTrace(size) if held.len() >= size => {
                        posts.spawn(poster.clone().post(std::mem::take(&mut held)));
                    }
                    Form::PerTrace(_) => {}
                    Form::Mixed(size) => {
                        let batch = {
                            let mut mixed = mixed.lock().unwrap_or_else(|poison| poison.into_inner());
                            mixed.append(&mut held);
                            (mixed.len() >= size).then(|| std::mem::take(&mut *mixed))
                        };
                        if let Some(batch) = batch {
                            posts.spawn(poster.clone().post(batch));
                        }
                    }
                }
                tokio::time::sleep(Duration::from_millis(random.random_range(0..8))).await;
            }
            tokio::time::sleep(Duration::from_millis(random.random_range(500..6_000))).await;
        }
        if !held.is_empty() {
            posts.spawn(poster.clone().post(held));
        }
    }
    while posts.join_next().await.is_some() {}
}

fn log(trace: &str, number: u64, random: &mut impl Rng) -> Value {
    let words = ["GET /api/orders 200", "state changed", "render", "cache miss for key", "user clicked save"];
    let word = words[random.random_range(0..words.len())];
    json!({
        "id": format!("{trace}-{number}"), "trace_id": trace, "message": format!("{word} #{number}"),
        "level": if number.is_multiple_of(40) { "error" } else { "log" }, "system": "browser", "user_id": "anonymous",
        "context": {"timestamp": 1_700_000_000_000_u64, "url": "https://app.example.com/orders", "userAgent": "Mozilla/5.0"},
    })
}

/// When each entry was in its LIST, by id.
fn visible(journal: &[Executed]) -> HashMap<String, std::time::Instant> {
    let mut visible = HashMap::new();
    for executed in journal {
        let pushes = executed.commands.iter().filter(|command| command[0].eq_ignore_ascii_case(b"LPUSH"));
        for element in pushes.flat_map(|command| command.iter().skip(2)) {
            if let Some(id) = serde_json::from_slice::<Value>(element)
                .ok()
                .and_then(|entry| Some(entry["id"].as_str()?.to_owned()))
            {
                visible.insert(id, executed.at);
            }
        }
    }
    visible
}
