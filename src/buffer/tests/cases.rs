//! Histories worth telling one by one.

use super::owner::{Fault, Owner, entry, ids};
use crate::buffer::memory::WAITING_MEMORY_BYTES;
use crate::buffer::wire::Outcome;
use crate::entry::System;
use crate::quota::Limits;

const PLENTY: Limits = Limits { global: 1_000_000, systems: [1_000_000; 4], trace: 1_000_000 };

/// Appends one log to the trace "t".
fn log(owner: &mut Owner, id: &str) {
    let log = entry("t", id, System::Convex, false, owner.now, 10);
    owner.append(&[log]);
}

fn stored(outcomes: &[Outcome]) -> usize {
    outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Stored { .. })).count()
}

#[test]
fn of_ten_thousand_traces_the_newest_come_first_also_after_a_start() {
    let mut owner = Owner::new(PLENTY);
    for batch in 0..10 {
        let logs: Vec<_> = (0..1_000)
            .map(|n| {
                let number = batch * 1_000 + n;
                // Their times are no order of arrival.
                let timestamp = owner.now + (number * 7_919) % 10_000;
                entry(&format!("t{number}"), "1", System::Convex, false, timestamp, 10)
            })
            .collect();
        assert_eq!(stored(&owner.append(&logs)), 1_000);
    }
    let newest: Vec<i64> = (0..50).map(|n| owner.now + 9_999 - n).collect();
    let times = |owner: &Owner| -> Vec<i64> {
        owner.shard.recent(50, owner.now).iter().map(|summary| summary.timestamp).collect()
    };
    assert_eq!(times(&owner), newest);
    owner.crash();
    assert_eq!(times(&owner), newest);
    owner.rest();
    assert!(owner.largest > 100_000 && owner.redis.list("t9999", owner.now).len() == 1);
    owner.pass(2 * 3_660_000);
    assert!(owner.shard.recent(50, owner.now).is_empty(), "their lists have expired");
    owner.append(&[entry("new", "1", System::Convex, false, owner.now, 10)]);
    owner.rest();
    owner.checkpoint();
    assert_eq!(owner.shard.traces.keys().len(), 1, "what has expired is forgotten");
}

#[test]
fn what_memory_does_not_hold_is_read_from_its_row_when_its_turn_comes() {
    let mut owner = Owner::new(PLENTY);
    for n in 0..24 {
        let logs = [entry("big", &format!("e{n}"), System::Worker, false, owner.now, 1_000_000)];
        assert_eq!(stored(&owner.append(&logs)), 1);
    }
    assert!(owner.shard.memory.bytes() <= WAITING_MEMORY_BYTES);
    assert_eq!(owner.read("big").unwrap().len(), 24, "waiting ones are read from their rows too");
    owner.step(Fault::AnswerLost);
    owner.rest();
    let wanted: Vec<String> = (0..24).map(|n| format!("e{n}")).collect();
    assert_eq!(ids(&owner.redis.list("big", owner.now)), wanted);
    assert_eq!((owner.shard.memory.bytes(), owner.shard.held_bytes), (0, 0));
}

#[test]
fn a_backlog_that_was_flushed_before_a_crash_is_found_however_deep_it_lies() {
    let mut owner = Owner::new(PLENTY);
    for batch in 0..6 {
        let logs: Vec<_> = (0..1_000)
            .map(|n| entry("deep", &format!("{batch}-{n}"), System::Worker, false, owner.now, 10))
            .collect();
        owner.append(&logs);
    }
    while owner.step(Fault::None) {}
    assert_eq!(owner.redis.list("deep", owner.now).len(), 6_000);
    // Nothing told storage that it is in Redis.
    owner.crash();
    owner.rest();
    assert_eq!(owner.redis.list("deep", owner.now).len(), 6_000);
}

#[test]
fn a_request_stays_small_however_long_and_strange_the_traces_names_are() {
    let mut owner = Owner::new(PLENTY);
    for batch in 0..4 {
        let logs: Vec<_> = (0..500)
            .map(|n| {
                let trace = format!("{}{batch}-{n}", "\u{1}".repeat(4_080));
                let (mut meta, json) = entry("t", "1", System::Worker, false, owner.now, 10);
                meta.trace_id = trace.into();
                (meta, json)
            })
            .collect();
        assert_eq!(stored(&owner.append(&logs)), 500);
    }
    owner.rest();
    assert!(owner.largest < 8_000_000, "{}", owner.largest);
    owner.clear(None, Fault::None, |_| ()).unwrap();
    assert!(owner.largest < 8_000_000, "{}", owner.largest);
}

#[test]
fn an_id_is_taken_again_once_it_is_forgotten() {
    let mut owner = Owner::new(PLENTY);
    let log = [entry("t", "same", System::Manual, false, owner.now, 10)];
    assert_eq!(stored(&owner.append(&log)), 1);
    owner.rest();
    owner.pass(3_600_000 - 5_000);
    assert_eq!(stored(&owner.append(&log)), 0);
    owner.pass(400_000);
    let other = [entry("t", "same", System::Manual, false, owner.now, 10)];
    assert_eq!(stored(&owner.append(&other)), 1);
}

#[test]
fn a_list_that_was_being_written_again_as_it_expired_begins_without_what_was_in_it() {
    let mut owner = Owner::new(PLENTY);
    log(&mut owner, "old");
    owner.rest();
    owner.redis.wipe();
    owner.shard.found_short("t", owner.now);
    // It is counted and read; what is to be written again gets lost on its way.
    owner.step(Fault::None);
    owner.step(Fault::None);
    while owner.shard.counters.lists_restored == 0 {
        assert!(owner.step(Fault::Lost));
    }
    assert_eq!(owner.redis.list("t", owner.now), [""; 0]);
    owner.pass(3_800_000);
    log(&mut owner, "new");
    owner.rest();
    assert_eq!(ids(&owner.redis.list("t", owner.now)), ["new"]);
    assert_eq!(owner.summary("t").unwrap().log_count, 1);
}

#[test]
fn a_list_that_a_repair_puts_back_late_as_it_was_is_looked_at_also_by_the_next_instance() {
    let mut owner = Owner::new(PLENTY);
    log(&mut owner, "one");
    log(&mut owner, "two");
    owner.rest();
    owner.pass(3_600_000);
    owner.redis.wipe();
    owner.shard.found_short("t", owner.now);
    owner.pass(40_000);
    // It is counted and read, and what is to be written again comes late.
    owner.step(Fault::None);
    owner.step(Fault::None);
    owner.step(Fault::Late(100));
    assert_eq!(owner.shard.counters.lists_restored, 1);
    owner.crash();
    // By then its time is over, and a new list takes its place.
    owner.pass(30_000);
    log(&mut owner, "three");
    owner.pass(200);
    owner.step(Fault::None);
    owner.step(Fault::None);
    assert_eq!(ids(&owner.redis.list("t", owner.now)), ["three"]);
    owner.pass(70_000);
    assert_eq!(ids(&owner.redis.list("t", owner.now)), ["one", "two"]);
    // No fewer than it should have: only its entries tell.
    assert!(owner.read("t").unwrap().contains(&"three".to_string()));
    owner.rest();
    assert!(ids(&owner.redis.list("t", owner.now)).contains(&"three".to_string()));
}

#[test]
fn no_list_is_left_without_a_time_to_live() {
    let lives =
        |owner: &Owner| owner.redis.ttl("t", owner.now).is_some_and(|ttl| ttl > 0 && ttl <= 3_660_000);

    // The list had expired by the time its time to live was renewed.
    let mut owner = Owner::new(PLENTY);
    log(&mut owner, "first");
    owner.pass(200);
    owner.step(Fault::AnswerLost);
    owner.crash();
    owner.step(Fault::None);
    owner.pass(3_800_000);
    log(&mut owner, "second");
    owner.rest();
    assert!(lives(&owner));

    // It was lost, begun anew, and could not be read for its repair at first.
    let mut owner = Owner::new(PLENTY);
    log(&mut owner, "first");
    owner.rest();
    log(&mut owner, "second");
    owner.redis.wipe();
    owner.pass(200);
    owner.step(Fault::None);
    assert_eq!(owner.redis.ttl("t", owner.now), None);
    owner.step(Fault::None);
    owner.step(Fault::Item(0));
    owner.rest();
    assert!(lives(&owner));
    assert_eq!(ids(&owner.redis.list("t", owner.now)), ["first", "second"]);
}

#[test]
fn what_was_cleared_does_not_come_back_however_late_anybody_looks() {
    let mut owner = Owner::new(PLENTY);
    for id in ["first", "second"] {
        log(&mut owner, id);
        owner.pass(200);
        owner.step(if id == "first" { Fault::None } else { Fault::Late(100) });
    }
    owner.clear(Some("t"), Fault::None, |_| ()).unwrap();
    // It is executed, without a time to live, and no alarm goes off.
    owner.pass(3_800_000);
    assert_eq!(ids(&owner.redis.list("t", owner.now)), ["second"]);
    // New rows take the places of old ones.
    for id in ["third", "fourth"] {
        log(&mut owner, id);
    }
    owner.crash();
    owner.rest();
    assert_eq!(ids(&owner.redis.list("t", owner.now)), ["third", "fourth"]);
}

#[test]
fn a_list_is_doubted_until_it_was_looked_at_whenever_the_instance_ends() {
    let mut owner = Owner::new(PLENTY);
    log(&mut owner, "one");
    owner.rest();
    owner.redis.wipe();
    owner.shard.found_short("t", owner.now);
    owner.step(Fault::None);
    owner.step(Fault::None);
    owner.step(Fault::Late(100));
    let until = |owner: &Owner| owner.shard.late.given_up.map(|given_up| given_up.until);
    let horizon = until(&owner);
    while until(&owner) == horizon {
        if !owner.step(Fault::None) {
            owner.pass(1_000);
        }
    }
    // It is too late for the write, and all lists were counted: the next step reads this one.
    owner.crash();
    assert!(owner.shard.read_head("t", owner.now).doubtful);
    owner.rest();
    assert!(!owner.shard.read_head("t", owner.now).doubtful);
    assert_eq!(ids(&owner.redis.list("t", owner.now)), ["one"]);
}

#[test]
fn what_an_earlier_worker_left_in_a_list_is_counted_with_its_trace() {
    let mut owner = Owner::new(PLENTY);
    let element = |id: &str, level: &str| {
        format!(r#"{{"id":"{id}","system":"worker","level":"{level}","message":"m","timestamp":5}}"#)
    };
    let commands = serde_json::json!([
        ["LPUSH", "logs:t", element("a", "log"), element("b", "error"), "not JSON"],
        ["EXPIRE", "logs:t", "3600"]
    ]);
    owner.redis.execute(commands.to_string().as_bytes(), None, owner.now);
    log(&mut owner, "one");
    let told = |owner: &Owner| {
        let summary = owner.summary("t").unwrap();
        (summary.log_count, summary.systems.len(), summary.has_errors)
    };
    assert_eq!(told(&owner), (1, 1, false));
    // The survey fails at first.
    owner.pass(300);
    owner.step(Fault::None);
    owner.step(Fault::Lost);
    owner.rest();
    assert_eq!(told(&owner), (3, 2, true));
    log(&mut owner, "two");
    owner.rest();
    owner.crash();
    assert_eq!(told(&owner), (4, 2, true));
    log(&mut owner, "three");
    owner.rest();
    assert_eq!(told(&owner), (5, 2, true));
    let (cleared, _) = owner.clear(None, Fault::None, |_| {}).unwrap();
    assert_eq!((cleared.traces, cleared.logs), (1, 5));
    log(&mut owner, "four");
    owner.rest();
    assert_eq!(told(&owner), (1, 1, false));
}

#[test]
fn a_list_that_cannot_be_read_or_is_too_long_is_left_uncounted_and_holds_up_nothing() {
    let mut owner = Owner::new(PLENTY);
    let mut earlier = |trace: &str, count: usize| {
        let elements = (0..count).map(|n| format!(r#"{{"id":"{trace}{n}","level":"error"}}"#));
        let command = ["LPUSH".to_string(), format!("logs:{trace}")].into_iter().chain(elements);
        let commands =
            serde_json::json!([command.collect::<Vec<_>>(), ["EXPIRE", format!("logs:{trace}"), "3600"]]);
        owner.redis.execute(commands.to_string().as_bytes(), None, owner.now);
    };
    earlier("t", 2);
    earlier("long", 2_000);
    let (meta, json) = entry("long", "one", System::Browser, false, owner.now, 10);
    owner.append(&[(meta, json)]);
    log(&mut owner, "one");
    owner.pass(300);
    owner.step(Fault::None);
    for _ in 0..3 {
        owner.pass(15_000);
        assert!(owner.step(Fault::Lost));
    }
    owner.rest();
    assert!(owner.shard.to_survey.is_empty());
    let told = |trace| owner.summary(trace).map(|summary| (summary.log_count, summary.has_errors));
    assert_eq!((told("t"), told("long")), (Some((1, false)), Some((1, false))));
}

#[test]
fn what_was_cleared_is_looked_for_also_by_the_instance_after_the_next() {
    let mut owner = Owner::new(PLENTY);
    log(&mut owner, "1");
    owner.rest();
    log(&mut owner, "2");
    owner.pass(200);
    owner.step(Fault::Late(2));
    owner.clear(None, Fault::None, |_| ()).unwrap();
    // It comes, and nobody looks while it would have been looked for.
    owner.pass(600_000);
    owner.crash();
    owner.pass(10_000);
    assert!(owner.clear(None, Fault::Lost, |_| ()).is_none());
    log(&mut owner, "3");
    owner.crash();
    owner.rest();
    assert_eq!(owner.read("t").unwrap(), ["3"]);
    assert_eq!(ids(&owner.redis.list("t", owner.now)), ["3"]);
}

#[test]
fn a_list_that_may_have_no_time_to_live_is_not_forgotten_before_it_is_gone() {
    let mut owner = Owner::new(PLENTY);
    let one = |owner: &mut Owner, trace: &str, id: &str| {
        let log = entry(trace, id, System::Convex, false, owner.now, 10);
        owner.append(&[log]);
    };
    log(&mut owner, "1");
    owner.rest();
    one(&mut owner, "other", "1");
    owner.pass(200);
    owner.redis.wipe();
    log(&mut owner, "2");
    owner.step(Fault::AnswerLost);
    assert_eq!(owner.redis.ttl("t", owner.now), None, "it began anew, and lives for ever");
    owner.crash();
    for trace in ["other", "third"] {
        one(&mut owner, trace, "2");
    }
    owner.step(Fault::None);
    // Nothing is done for longer than the trace lives, and then Redis refuses for a while.
    owner.pass(3_800_000);
    one(&mut owner, "third", "3");
    for _ in 0..3 {
        owner.step(Fault::Refused);
    }
    owner.rest();
    assert!(owner.redis.list("t", owner.now).is_empty());
}

#[test]
fn a_repeat_is_told_what_is_left_of_the_quota_also_right_after_a_start() {
    let mut owner = Owner::new(PLENTY);
    let log = [entry("t", "1", System::Convex, false, owner.now, 10)];
    assert!(matches!(owner.append(&log)[..], [Outcome::Stored { left: 999_999 }]));
    owner.crash();
    assert!(matches!(owner.append(&log)[..], [Outcome::Duplicate { left: 999_999 }]));
    assert!(matches!(owner.append(&log)[..], [Outcome::Duplicate { left: 999_999 }]));
}

#[test]
fn repeats_ask_for_tokens_of_a_quota_that_is_used_up_at_most_once_a_second() {
    let mut owner = Owner::new(Limits { global: 1, systems: [1; 4], trace: 9 });
    let log = [entry("t", "1", System::Convex, false, owner.now, 10)];
    assert_eq!(stored(&owner.append(&log)), 1);
    owner.crash();
    let before = owner.shard.counters().lease_calls;
    for _ in 0..100 {
        assert!(matches!(owner.append(&log)[..], [Outcome::Duplicate { left: 0 }]));
    }
    // One is the greeting of a shard that starts.
    assert!(owner.shard.counters().lease_calls - before <= 2);
}
