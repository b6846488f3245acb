//! Redis answers, and what it says is no, or it keeps silent now and then for hours: nothing is lost by it, and what it costs
//! does not grow.

use super::owner::{Fault, Owner, entry, ids};
use crate::buffer::ids::MAX_IDS;
use crate::buffer::wire::{Outcome, Room};
use crate::entry::System;
use crate::quota::Limits;

const PLENTY: Limits = Limits { global: 1_000_000, systems: [1_000_000; 4], trace: 1_000_000 };

fn log(owner: &mut Owner, trace: &str, id: &str) -> Vec<Outcome> {
    let log = entry(trace, id, System::Convex, false, owner.now, 10);
    owner.append(&[log])
}

/// An owner with so many traces in Redis, one log each.
fn with_traces(count: u32) -> Owner {
    let mut owner = Owner::new(PLENTY);
    for trace in 0..count {
        log(&mut owner, &format!("t{trace}"), "1");
    }
    owner.rest();
    owner
}

fn commands(owner: &mut Owner) -> u64 {
    owner.shard.counters().redis_commands
}

#[test]
fn a_clear_claims_nothing_when_redis_deletes_nothing() {
    for one in [Some("t0"), None] {
        let mut owner = with_traces(2);
        owner.redis.keeps = true;
        assert!(owner.clear(one, Fault::None, |_| ()).is_none());
        assert_eq!(owner.read("t0").unwrap(), ["1"]);
        owner.redis.keeps = false;
        owner.rest();
        assert_eq!(owner.read("t0").unwrap(), ["1"]);
        assert!(owner.clear(one, Fault::None, |_| ()).is_some());
        assert!(owner.read("t0").unwrap().is_empty());
    }
}

#[test]
fn a_refusal_has_no_list_counted_and_silence_has_them_counted_once_a_minute() {
    let mut owner = with_traces(1_200);
    let (before, first) = (commands(&mut owner), owner.now);
    for n in 0..5 {
        log(&mut owner, "t0", &format!("busy{n}"));
        owner.pass(1_000);
        owner.step(Fault::Busy);
        owner.pass(20_000);
        while owner.step(Fault::None) {}
    }
    assert!(commands(&mut owner) - before < 30, "{} commands", commands(&mut owner) - before);
    let before = commands(&mut owner);
    for n in 0..5 {
        log(&mut owner, "t0", &format!("silent{n}"));
        owner.pass(1_000);
        owner.step(Fault::Lost);
        owner.pass(20_000);
        // A census, too, gets no answer now and then, and goes on where it was.
        owner.step(Fault::None);
        owner.step(Fault::None);
        owner.step(Fault::Lost);
        owner.pass(1_000);
        while owner.step(Fault::None) {}
    }
    let minutes = u64::try_from(owner.now - first).unwrap() / 60_000 + 1;
    let spent = commands(&mut owner) - before;
    assert!((1_200..minutes * 1_800).contains(&spent), "{spent} commands in {minutes} minutes");
    owner.rest();
}

#[test]
fn a_list_that_cannot_be_read_is_not_asked_for_for_ever_and_holds_nobody_up() {
    let mut owner = with_traces(2);
    owner.shard.found_short("t0", owner.now);
    owner.huge = Some("t0");
    for n in 0..60 {
        let id = format!("more{n}");
        log(&mut owner, "t1", &id);
        owner.pass(300);
        owner.step(Fault::None);
        assert!(ids(&owner.redis.list("t1", owner.now)).contains(&id), "the other flows at once");
        while owner.step(Fault::None) {}
        owner.pass(20_000);
    }
    let before = commands(&mut owner);
    owner.rest();
    assert!(owner.shard.mending.is_done() && commands(&mut owner) - before < 10);
    assert_eq!(owner.read("t0").unwrap(), ["1"]);
}

#[test]
fn a_list_that_cannot_be_looked_at_holds_nobody_up() {
    let mut owner = with_traces(3);
    for trace in ["t0", "t1", "t2"] {
        log(&mut owner, trace, "2");
    }
    owner.pass(300);
    owner.step(Fault::AnswerLost);
    owner.huge = Some("t0");
    owner.pass(15_000);
    owner.step(Fault::None);
    log(&mut owner, "new", "1");
    owner.pass(300);
    owner.step(Fault::None);
    assert_eq!(ids(&owner.redis.list("new", owner.now)), ["1"], "the others flow at once");
    for _ in 0..30 {
        owner.pass(20_000);
        while owner.step(Fault::None) {}
    }
    assert_eq!(owner.shard.pending(), 1, "all but what cannot be looked for are known to be in Redis");
    owner.huge = None;
    owner.rest();
    for trace in ["t0", "t1", "t2"] {
        assert_eq!(ids(&owner.redis.list(trace, owner.now)), ["1", "2"], "{trace}, once each");
    }
}

#[test]
fn a_list_is_looked_at_in_pieces_where_redis_answers_no_more_at_once() {
    let mut owner = Owner::new(PLENTY);
    for n in 0..40 {
        log(&mut owner, "t", &n.to_string());
    }
    owner.rest();
    owner.redis.answers_at_most = Some(250);
    for n in 40..44 {
        log(&mut owner, "t", &n.to_string());
        log(&mut owner, "other", &n.to_string());
    }
    owner.pass(300);
    owner.step(Fault::AnswerLost);
    for _ in 0..10 {
        owner.pass(20_000);
        while owner.step(Fault::None) {}
    }
    assert_eq!(owner.shard.pending(), 0);
    assert!(owner.shard.counters().redis_commands < 300, "{}", commands(&mut owner));
    let expected: Vec<String> = (0..44).map(|n| n.to_string()).collect();
    assert_eq!(ids(&owner.redis.list("t", owner.now)), expected, "once each");
    assert_eq!(ids(&owner.redis.list("other", owner.now)), expected[40..]);
}

#[test]
fn a_list_longer_than_redis_answers_is_not_written_again_and_lives_as_long_as_it_should() {
    let mut owner = Owner::new(PLENTY);
    for n in 0..10 {
        log(&mut owner, "t0", &n.to_string());
    }
    owner.rest();
    let key = crate::redis::list_key("t0");
    let found = owner.redis.list("t0", owner.now);
    // It is there, and half of it is gone, as is its time to live.
    let half: Vec<&str> = found.iter().take(5).map(String::as_str).collect();
    let mut commands_made = vec![vec!["DEL", &key], vec!["LPUSH", &key]];
    commands_made[1].extend(half);
    owner.redis.execute(serde_json::to_string(&commands_made).unwrap().as_bytes(), None, owner.now);
    assert_eq!(owner.redis.ttl("t0", owner.now), None);
    owner.redis.answers_at_most = Some(250);
    let before = commands(&mut owner);
    owner.shard.found_short("t0", owner.now);
    owner.rest();
    assert!(owner.shard.mending.is_done() && commands(&mut owner) - before < 10);
    assert!(owner.redis.ttl("t0", owner.now).is_some_and(|ttl| ttl <= 3_660_000));
    assert_eq!(owner.redis.list("t0", owner.now).len(), 5);
    assert_eq!(owner.read("t0").unwrap().len(), 10, "it is read from what the buffer keeps");
    assert_eq!(owner.summary("t0").unwrap().log_count, 10);
    // Nobody asks for it again, and it goes on.
    let before = commands(&mut owner);
    owner.shard.found_short("t0", owner.now);
    log(&mut owner, "t0", "10");
    owner.rest();
    assert!(commands(&mut owner) - before < 10, "{}", commands(&mut owner) - before);
    assert_eq!((owner.read("t0").unwrap().len(), owner.summary("t0").unwrap().log_count), (11, 11));
}

#[test]
fn a_shard_full_of_expired_traces_has_room_again_while_requests_come() {
    let mut owner = Owner::new(Limits { trace: 10, ..PLENTY });
    let long = "x".repeat(4_000);
    let mut traces = 0;
    loop {
        let batch: Vec<_> = (traces..traces + 500)
            .map(|n| entry(&format!("{long}{n}"), "1", System::Worker, false, owner.now, 10))
            .collect();
        if owner.append(&batch).iter().any(|outcome| matches!(outcome, Outcome::Full { of: Room::Traces })) {
            break;
        }
        traces += 500;
    }
    assert!(owner.shard.counters().refused_traces > 0);
    owner.rest();
    // Nobody leaves it alone, as clients that try again would not.
    let mut taken = false;
    for n in 0..90 {
        owner.now += 60_000;
        taken = matches!(log(&mut owner, &format!("late{n}"), "1")[..], [Outcome::Stored { .. }]);
        while owner.step(Fault::None) {}
    }
    assert!(taken, "of {traces} traces all have expired");
}

#[test]
fn a_shard_that_remembers_all_the_ids_it_may_says_so_and_takes_logs_when_they_are_an_hour_old() {
    let mut owner = Owner::new(PLENTY);
    log(&mut owner, "t", "1");
    for id in 0..MAX_IDS as u64 {
        owner.shard.ids.insert(id, owner.now);
    }
    assert_eq!(log(&mut owner, "t", "2"), [Outcome::Full { of: Room::Ids }]);
    assert_eq!(owner.shard.counters().refused_ids, 1);
    assert!(matches!(log(&mut owner, "t", "1")[..], [Outcome::Duplicate { .. }]), "what is stored is known");
    owner.now += 3_900_000;
    assert!(matches!(log(&mut owner, "t", "2")[..], [Outcome::Stored { .. }]));
}

#[test]
fn a_list_that_cannot_be_audited_is_given_up_and_the_others_are_audited() {
    let mut owner = with_traces(2);
    for trace in ["t0", "t1"] {
        log(&mut owner, trace, "2");
    }
    owner.pass(300);
    owner.step(Fault::Late(100));
    owner.pass(1_000);
    // Looked for in vain, and sent again: the first may come all the same, and does.
    owner.step(Fault::None);
    owner.step(Fault::None);
    owner.huge = Some("t0");
    owner.rest();
    let doubles = |owner: &Owner, trace: &str| owner.shard.traces.get(trace).map(|trace| trace.doubles);
    assert_eq!((doubles(&owner, "t0"), doubles(&owner, "t1")), (Some(0), Some(1)));
}

#[test]
fn a_trace_that_is_refused_for_ever_costs_no_rows_and_the_others_are_flushed_together_still() {
    let mut owner = with_traces(2);
    owner.redis.wrong.insert(crate::redis::list_key("t0"));
    for n in 0..3 {
        let large = entry("t0", &format!("large{n}"), System::Worker, false, owner.now, 700_000);
        owner.append(&[large]);
    }
    owner.pass(300);
    for _ in 0..10 {
        while owner.step(Fault::None) {}
        owner.pass(20_000);
    }
    let rows = owner.shard.counters().rows_written;
    let mut pushes = commands(&mut owner);
    for n in 0..20 {
        log(&mut owner, "t1", &format!("more{n}"));
        while owner.step(Fault::None) {}
    }
    owner.pass(300);
    while owner.step(Fault::None) {}
    pushes = commands(&mut owner) - pushes;
    assert!(pushes <= 4, "{pushes} commands for twenty logs of one trace");
    for _ in 0..10 {
        owner.pass(30_000);
        while owner.step(Fault::None) {}
    }
    assert_eq!(owner.shard.counters().rows_written - rows, 20, "a row a log, and none for trying again");
    owner.redis.wrong.clear();
    owner.rest();
    assert_eq!(owner.redis.list("t0", owner.now).len(), 4);
}

#[test]
fn a_redis_that_takes_nothing_is_asked_with_pauses() {
    let mut owner = with_traces(1);
    for trace in 0..200 {
        log(&mut owner, &format!("u{trace}"), "1");
    }
    let before = owner.shard.counters().redis_requests;
    let end = owner.now + 120_000;
    while owner.now < end {
        while owner.step(Fault::Refused) {}
        owner.pass(100);
    }
    let asked = owner.shard.counters().redis_requests - before;
    assert!(asked < 40, "{asked} requests in two minutes");
    owner.rest();
    assert!((0..200).all(|trace| owner.redis.list(&format!("u{trace}"), owner.now).len() == 1));
}

#[test]
fn rows_are_let_go_while_one_write_after_another_is_given_up() {
    let mut owner = with_traces(1);
    let mut rows = Vec::new();
    for n in 0..600 {
        log(&mut owner, &format!("u{}", n % 7), &n.to_string());
        owner.pass(300);
        // Once a minute one gets no answer.
        owner.step(Fault::Lost);
        for _ in 0..6 {
            owner.pass(10_000);
            while owner.step(Fault::None) {}
        }
        rows.push(owner.rows.len());
    }
    let after = |minutes: usize| rows.get(minutes - 1).copied().unwrap();
    assert!(after(600) <= after(120) + 10, "{} rows after two hours, {} after ten", after(120), after(600));
}
