//! One suite for both stores, and random commands to show that they agree.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;
use ops::upstash::{
    Reply,
    request::Command,
    store::{MemoryStore, Store, Transaction, run},
};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};

/// Runs the same scenario over the memory store and over a real Redis.
macro_rules! on_both_stores {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[tokio::test]
            async fn in_memory() {
                super::scenarios::$name(&super::MemoryStore::new()).await;
            }

            #[tokio::test]
            async fn in_redis() {
                if let Some((server, _data)) = super::common::redis_server().await {
                    super::scenarios::$name(&server.store()).await;
                }
            }
        }
    )+};
}

on_both_stores!(strings, lists, expiry, wrong_use, scanning, transactions, any_bytes);

fn command(words: &[&str]) -> Command {
    words.iter().map(|word| Bytes::copy_from_slice(word.as_bytes())).collect()
}

mod scenarios {
    use super::*;

    /// A line is a command (words separated by spaces, `""` for an empty one) and what it must answer.
    async fn check(store: &dyn Store, lines: &[(&str, &str)]) {
        for (line, expected) in lines {
            let words: Vec<&str> =
                line.split(' ').map(|word| if word == "\"\"" { "" } else { word }).collect();
            assert_eq!(show(&run(store, &words).await.unwrap()), *expected, "{line}");
        }
    }

    /// `(integer) 1` and such, shorter: what redis-cli prints.
    fn show(reply: &Reply) -> String {
        match reply {
            Reply::Int(n) => n.to_string(),
            Reply::Nil => "nil".into(),
            Reply::Error(text) => text.clone(),
            Reply::Array(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(" ")),
            other => other.as_text().unwrap(),
        }
    }

    pub async fn strings(store: &dyn Store) {
        check(
            store,
            &[
                ("PING", "PONG"),
                ("PING hello", "hello"),
                ("ECHO hello", "hello"),
                ("GET k", "nil"),
                ("SET k v", "OK"),
                ("get k", "v"),
                ("SET k w NX", "nil"),
                ("SET k w XX GET", "v"),
                ("TYPE k", "string"),
                ("SET n 41", "OK"),
                ("INCR n", "42"),
                ("INCRBY n -50", "-8"),
                ("INCRBY fresh 9223372036854775807", "9223372036854775807"),
                ("INCR fresh", "ERR increment or decrement would overflow"),
                ("EXISTS k k n none", "3"),
                ("DBSIZE", "3"),
                ("DEL k none n", "2"),
                ("UNLINK fresh", "1"),
                ("TYPE k", "none"),
                ("SET k \"\"", "OK"),
                ("GET k", ""),
                ("FLUSHALL", "OK"),
                ("DBSIZE", "0"),
            ],
        )
        .await;
    }

    pub async fn lists(store: &dyn Store) {
        check(
            store,
            &[
                ("LPUSHX l a", "0"),
                ("LPUSH l a b c", "3"),
                ("RPUSH l d", "4"),
                ("LPUSHX l e", "5"),
                ("RPUSHX l a", "6"),
                ("LRANGE l 0 -1", "[e c b a d a]"),
                ("LRANGE l -2 100", "[d a]"),
                ("LRANGE l 3 1", "[]"),
                ("LRANGE none 0 -1", "[]"),
                ("LLEN l", "6"),
                ("LINDEX l -1", "a"),
                ("LINDEX l 6", "nil"),
                ("LREM l -1 a", "1"),
                ("LRANGE l 0 -1", "[e c b a d]"),
                ("LREM l 0 none", "0"),
                ("LTRIM l 1 -2", "OK"),
                ("LRANGE l 0 -1", "[c b a]"),
                ("LPOP l", "c"),
                ("RPOP l 5", "[a b]"),
                ("EXISTS l", "0"),
                ("LPOP l", "nil"),
                ("LPOP l 2", "nil"),
                ("RPUSH l x", "1"),
                ("LTRIM l 5 9", "OK"),
                ("TYPE l", "none"),
            ],
        )
        .await;
    }

    pub async fn expiry(store: &dyn Store) {
        check(
            store,
            &[
                ("TTL k", "-2"),
                ("SET k v", "OK"),
                ("TTL k", "-1"),
                ("EXPIRE k 100 XX", "0"),
                ("EXPIRE k 100 GT", "0"),
                ("EXPIRE k 100 NX", "1"),
                ("EXPIRE k 200 NX", "0"),
                ("EXPIRE k 50 GT", "0"),
                ("EXPIRE k 300 LT", "0"),
                ("TTL k", "100"),
                ("EXPIRE k 3660 GT", "1"),
                ("TTL k", "3660"),
                ("SET k w KEEPTTL", "OK"),
                ("TTL k", "3660"),
                ("PERSIST k", "1"),
                ("PERSIST k", "0"),
                ("SET k v EX 10", "OK"),
                ("TTL k", "10"),
                ("SET k v", "OK"),
                ("TTL k", "-1"),
                ("LPUSH l a", "1"),
                ("EXPIRE l 10", "1"),
                ("LPUSH l b", "2"),
                ("TTL l", "10"),
                ("EXPIRE l -1", "1"),
                ("EXISTS l", "0"),
                ("SET soon v PX 40", "OK"),
                ("PEXPIRE k 40", "1"),
            ],
        )
        .await;
        tokio::time::sleep(Duration::from_millis(80)).await;
        check(store, &[("GET soon", "nil"), ("EXISTS k", "0"), ("PTTL k", "-2"), ("SET soon w NX", "OK")])
            .await;
    }

    pub async fn wrong_use(store: &dyn Store) {
        let wrong_type = "WRONGTYPE Operation against a key holding the wrong kind of value";
        let no_integer = "ERR value is not an integer or out of range";
        check(
            store,
            &[
                ("SET s v", "OK"),
                ("LPUSH l a", "1"),
                ("LPUSH s a", wrong_type),
                ("LRANGE s 0 -1", wrong_type),
                ("LLEN s", wrong_type),
                ("LPOP s", wrong_type),
                ("GET l", wrong_type),
                ("INCR l", wrong_type),
                ("SET l v GET", wrong_type),
                ("INCR s", no_integer),
                ("INCRBY s 1.5", no_integer),
                ("INCRBY s 01", no_integer),
                ("LRANGE l a 1", no_integer),
                ("EXPIRE s soon", no_integer),
                ("EXPIRE s 9223372036854775807", "ERR invalid expire time in 'expire' command"),
                ("EXPIRE s 10 QQ", "ERR Unsupported option QQ"),
                ("EXPIRE s 10 NX GT", "ERR NX and XX, GT or LT options at the same time are not compatible"),
                ("EXPIRE s 10 GT LT", "ERR GT and LT options at the same time are not compatible"),
                ("SET s v EX 0", "ERR invalid expire time in 'set' command"),
                ("SET s v EX ten", no_integer),
                ("SET s v NX XX", "ERR syntax error"),
                ("SET s v EX", "ERR syntax error"),
                ("LPOP l -1", "ERR value is out of range, must be positive"),
                ("SCAN x", "ERR invalid cursor"),
                ("SCAN 0 COUNT 0", "ERR syntax error"),
                ("GET", "ERR wrong number of arguments for 'get' command"),
                ("Get a b", "ERR wrong number of arguments for 'get' command"),
                ("LPUSH l", "ERR wrong number of arguments for 'lpush' command"),
                ("LPOP l 1 2", "ERR wrong number of arguments for 'lpop' command"),
                ("NOPE", "ERR unknown command 'NOPE', with args beginning with: "),
                ("Nope a b", "ERR unknown command 'Nope', with args beginning with: 'a' 'b' "),
                ("GET s", "v"),
                ("LRANGE l 0 -1", "[a]"),
            ],
        )
        .await;
    }

    pub async fn scanning(store: &dyn Store) {
        for n in 0..300 {
            run(store, &["LPUSH", &format!("logs:{n}"), "x"]).await.unwrap();
            run(store, &["SET", &format!("other:{n}"), "x"]).await.unwrap();
        }
        let mut seen = BTreeSet::new();
        let (mut cursor, mut steps) = ("0".to_owned(), 0);
        loop {
            let step = ["SCAN", &cursor, "MATCH", "logs:*", "COUNT", "50", "TYPE", "list"];
            let Reply::Array(parts) = run(store, &step).await.unwrap() else { panic!("not an array") };
            seen.extend(parts[1].texts());
            cursor = parts[0].as_text().unwrap();
            steps += 1;
            if cursor == "0" {
                break;
            }
        }
        assert_eq!(seen.len(), 300);
        assert!((5..=30).contains(&steps), "{steps} steps");
        let found: BTreeSet<_> =
            run(store, &["KEYS", "logs:1?"]).await.unwrap().texts().into_iter().collect();
        assert_eq!(found, (10..20).map(|n| format!("logs:{n}")).collect());
        check(store, &[("DBSIZE", "600"), ("FLUSHDB", "OK"), ("SCAN 0", "[0 []]")]).await;
    }

    pub async fn transactions(store: &dyn Store) {
        let commands =
            [&["SET", "k", "v"][..], &["LPUSH", "k", "a"], &["LPUSH", "l", "a", "b"], &["EXPIRE", "l", "9"]];
        let done = store.transaction(commands.map(command).to_vec()).await.unwrap();
        let Transaction::Executed(replies) = done else { panic!("{done:?}") };
        assert_eq!(
            replies.iter().map(show).collect::<Vec<_>>(),
            ["OK", "WRONGTYPE Operation against a key holding the wrong kind of value", "2", "1"]
        );
        let refused = store.transaction(vec![command(&["SET", "k", "w"]), command(&["GET"])]).await.unwrap();
        let cause = "ERR wrong number of arguments for 'get' command".to_owned();
        assert_eq!(refused, Transaction::Discarded(cause));
        check(store, &[("GET k", "v")]).await;
    }

    pub async fn any_bytes(store: &dyn Store) {
        let all: Vec<u8> = (0..=255).collect();
        let words = [b"RPUSH".as_slice(), &all, &all, b"", "🦀\u{2028}".as_bytes()];
        assert_eq!(run(store, &words).await.unwrap(), Reply::Int(3));
        let expected = [all.as_slice(), b"", "🦀\u{2028}".as_bytes()].map(Reply::bulk).to_vec();
        assert_eq!(
            run(store, &[b"LRANGE".as_slice(), &all, b"0", b"-1"]).await.unwrap(),
            Reply::Array(expected)
        );
        let big = vec![b'x'; 3 << 20];
        run(store, &[b"SET".as_slice(), b"big", &big]).await.unwrap();
        assert_eq!(run(store, &["GET", "big"]).await.unwrap(), Reply::bulk(&big));
    }
}

/// Few keys and few values, so that commands meet.
fn any_command() -> impl Strategy<Value = Vec<String>> {
    let key = prop::sample::select(vec!["a", "b", "c"]).prop_map(str::to_owned);
    let value = prop::sample::select(vec!["x", "x", "y", "y", "10", "-3", "", "9223372036854775807"])
        .prop_map(str::to_owned);
    let index = (-4_i64..5).prop_map(|n| n.to_string());
    let seconds = prop::sample::select(vec!["1000", "2000", "3000", "-5", "0", "x", "9223372036854775807"]);
    let option = prop::sample::select(vec!["", "NX", "XX", "GT", "LT", "nx", "EX"]).prop_map(str::to_owned);
    let words = |fixed: &'static [&'static str]| prop::sample::select(fixed.to_vec()).prop_map(str::to_owned);
    prop_oneof![
        4 => (words(&["LPUSH", "RPUSH", "LPUSHX", "RPUSHX"]), key.clone(), prop::collection::vec(value.clone(), 0..4))
            .prop_map(|(name, key, values)| [vec![name, key], values].concat()),
        2 => (words(&["SET", "set"]), key.clone(), value.clone(), option.clone())
            .prop_map(|(name, key, value, option)| without_empty(vec![name, key, value], vec![option])),
        1 => (key.clone(), value.clone(), words(&["EX", "PX", "KEEPTTL", "GET"]), seconds.clone(), option.clone())
            .prop_map(|(key, value, unit, time, option)| {
                let time = if unit == "EX" || unit == "PX" { format!("{time}000") } else { String::new() };
                without_empty(vec!["SET".into(), key, value], vec![unit, time, option])
            }),
        3 => (words(&["GET", "DEL", "UNLINK", "EXISTS", "TYPE", "TTL", "PERSIST", "LLEN", "LPOP", "RPOP", "INCR"]), key.clone())
            .prop_map(|(name, key)| vec![name, key]),
        2 => (key.clone(), seconds, option.clone(), option)
            .prop_map(|(key, time, one, two)| without_empty(vec!["EXPIRE".into(), key, time.into()], vec![one, two])),
        2 => (words(&["LRANGE", "LTRIM"]), key.clone(), index.clone(), index.clone())
            .prop_map(|(name, key, from, to)| vec![name, key, from, to]),
        1 => (words(&["LINDEX", "LPOP", "RPOP", "INCRBY"]), key.clone(), index.clone())
            .prop_map(|(name, key, index)| vec![name, key, index]),
        2 => (key.clone(), index, value.clone()).prop_map(|(key, count, value)| vec!["LREM".into(), key, count, value]),
        1 => (key, value).prop_map(|(key, value)| vec!["INCRBY".into(), key, value]),
        1 => words(&["DBSIZE", "PING", "FLUSHDB", "NOPE", "GET", "SET"]).prop_map(|name| vec![name]),
    ]
}

fn without_empty(mut words: Vec<String>, options: Vec<String>) -> Vec<String> {
    words.extend(options.into_iter().filter(|option| !option.is_empty()));
    words
}

/// The clock moves between the two stores: a time to live may differ by a second.
fn agree(words: &[String], memory: &Reply, redis: &Reply) -> bool {
    match (memory, redis) {
        (Reply::Int(a), Reply::Int(b)) if words[0] == "TTL" && *a > 0 => (a - b).abs() <= 1,
        _ => memory == redis,
    }
}

#[tokio::test]
async fn the_stores_agree_on_random_commands() {
    let Some((server, _data)) = common::redis_server().await else { return };
    let redis = server.store();
    let mut runner = TestRunner::new(Config::default());
    for _ in 0..300 {
        let scripts = prop::collection::vec(prop::collection::vec(any_command(), 1..6), 1..30);
        let script = apart(scripts.new_tree(&mut runner).unwrap().current());
        let memory = MemoryStore::new();
        run(&redis, &["FLUSHALL"]).await.unwrap();
        for (step, batch) in script.iter().enumerate() {
            let commands: Vec<Command> = batch
                .iter()
                .map(|words| command(&words.iter().map(String::as_str).collect::<Vec<_>>()))
                .collect();
            if step % 3 == 2 {
                let ours = memory.transaction(commands.clone()).await.unwrap();
                let theirs = redis.transaction(commands).await.unwrap();
                match (ours, theirs) {
                    (Transaction::Executed(a), Transaction::Executed(b)) => compare(&script, batch, &a, &b),
                    (ours, theirs) => assert_eq!(ours, theirs, "{batch:?}"),
                }
            } else {
                let ours = memory.pipeline(commands.clone()).await.unwrap();
                compare(&script, batch, &ours, &redis.pipeline(commands).await.unwrap());
            }
            let (words, look) = look_at_everything();
            let ours = memory.pipeline(look.clone()).await.unwrap();
            compare(&script, &words, &ours, &redis.pipeline(look).await.unwrap());
        }
    }
}

/// Moves every end of a time to live seconds away from every other: `EXPIRE … GT` asks which is the later, and of two that are
/// the same each store's own clock would say so.
fn apart(mut script: Vec<Vec<Vec<String>>>) -> Vec<Vec<Vec<String>>> {
    const SECONDS: i64 = 5; // of 145 commands at most, and the times are 1,000 apart
    for (nth, words) in (0..).zip(script.iter_mut().flatten()) {
        let (at, unit) = match words[0].as_str() {
            "EXPIRE" => (2, 1),
            "SET" => (4, if words.get(3).is_some_and(|unit| unit == "PX") { 1_000 } else { 1 }),
            _ => continue,
        };
        if let Some(time) = words.get_mut(at)
            && let Ok(number @ 1_000..=3_000_000) = time.parse::<i64>()
        {
            *time = (number + nth * SECONDS * unit).to_string();
        }
    }
    script
}

/// Every value and every end: what a wrong step has changed is seen at once.
fn look_at_everything() -> (Vec<Vec<String>>, Vec<Command>) {
    let questions = ["a", "b", "c"]
        .iter()
        .flat_map(|key| [vec!["GET", key], vec!["LRANGE", key, "0", "-1"], vec!["TTL", key]]);
    questions
        .map(|words| (words.iter().map(|word| word.to_string()).collect::<Vec<_>>(), command(&words)))
        .unzip()
}

fn compare(script: &[Vec<Vec<String>>], batch: &[Vec<String>], memory: &[Reply], redis: &[Reply]) {
    assert_eq!(memory.len(), redis.len());
    for ((words, ours), theirs) in batch.iter().zip(memory).zip(redis) {
        assert!(
            agree(words, ours, theirs),
            "{words:?}\nmemory {ours:?}\nredis  {theirs:?}\nscript {script:?}"
        );
    }
}

#[tokio::test]
async fn a_memory_store_starts_again_from_its_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.json");
    let first = MemoryStore::with_snapshot(&file).unwrap();
    run(&first, &["RPUSH", "logs:t", "a", "b"]).await.unwrap();
    run(&first, &["EXPIRE", "logs:t", "3600"]).await.unwrap();
    run(&first, &["SET", "soon", "x", "PX", "1"]).await.unwrap();
    first.save().await.unwrap();
    drop(first);
    tokio::time::sleep(Duration::from_millis(5)).await;
    let second = MemoryStore::with_snapshot(&file).unwrap();
    assert_eq!(run(&second, &["LRANGE", "logs:t", "0", "-1"]).await.unwrap().texts(), ["a", "b"]);
    assert!(common::int(run(&second, &["TTL", "logs:t"]).await.unwrap()) > 3590);
    assert_eq!(run(&second, &["GET", "soon"]).await.unwrap(), Reply::Nil);
}

#[tokio::test]
async fn a_redis_store_connects_again_after_its_server_was_restarted() {
    let Some((server, data)) = common::redis_server().await else { return };
    let program = ops::upstash::store::find_redis_server(&common::project()).unwrap();
    server.stop().await;
    let durable = ops::upstash::store::RedisServer::start(&program, data.path(), true).await.unwrap();
    run(&durable.store(), &["SET", "k", "v"]).await.unwrap();
    let orphan = durable.store();
    durable.stop().await;
    assert!(run(&orphan, &["GET", "k"]).await.unwrap_err().to_string().contains("did not answer"));
    let again = ops::upstash::store::RedisServer::start(&program, data.path(), true).await.unwrap();
    assert_eq!(run(&again.store(), &["GET", "k"]).await.unwrap().as_text().as_deref(), Some("v"));
}
