//! What is stored of traces: it is what memory knows, it stays small, and it costs few rows.

use super::owner::{Fault, Owner, entry};
use crate::entry::System;
use crate::quota::Limits;
use proptest::prelude::*;
use std::collections::BTreeMap;

const PLENTY: Limits = Limits { global: 10_000_000, systems: [10_000_000; 4], trace: 10_000_000 };

/// Takes in a log for each of these traces.
fn logs(owner: &mut Owner, traces: impl Iterator<Item = String>) {
    let now = owner.now;
    let logs: Vec<_> = traces
        .enumerate()
        .map(|(n, trace)| entry(&trace, &format!("{now}-{n}"), System::Browser, n % 7 == 0, now, 10))
        .collect();
    owner.append(&logs);
}

/// What is known of every trace that has entries.
fn known(owner: &Owner) -> BTreeMap<String, impl PartialEq + std::fmt::Debug + use<>> {
    let told = owner.shard.traces.iter().filter(|(_, trace)| trace.count > 0);
    told.map(|(key, trace)| {
        let counts = (trace.count, trace.window, trace.in_window, trace.first);
        (key.to_string(), (counts, trace.systems, trace.errors, trace.newest))
    })
    .collect()
}

fn bytes(owner: &Owner) -> usize {
    owner.pages.values().map(|page| page.lines.len()).sum()
}

#[derive(Debug, Clone)]
enum Event {
    /// Logs of so many traces from this one on.
    Logs(u16, u16),
    Checkpoint,
    Crash,
    Clear,
    ClearOne(u16),
    /// So many minutes.
    Pass(u8),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0..400_u16, 1..60_u16).prop_map(|(first, count)| Event::Logs(first, count)),
        4 => Just(Event::Checkpoint),
        2 => Just(Event::Crash),
        1 => Just(Event::Clear),
        2 => (0..400_u16).prop_map(Event::ClearOne),
        1 => (1..100_u8).prop_map(Event::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_start_knows_what_was_known(events in proptest::collection::vec(event(), 1..60)) {
        let mut owner = Owner::new(PLENTY);
        for event in events {
            match event {
                Event::Logs(first, count) => {
                    logs(&mut owner, (first..first + count).map(|n| format!("t{n}")));
                    owner.pass(1_000);
                    while owner.step(Fault::None) {}
                }
                Event::Checkpoint => owner.checkpoint(),
                Event::Clear => drop(owner.clear(None, Fault::None, |_| {})),
                Event::ClearOne(n) => drop(owner.clear(Some(&format!("t{n}")), Fault::None, |_| {})),
                Event::Pass(minutes) => owner.pass(i64::from(minutes) * 60_000),
                Event::Crash => {
                    let before = known(&owner);
                    owner.crash();
                    prop_assert_eq!(before, known(&owner));
                }
            }
        }
        let before = known(&owner);
        owner.crash();
        prop_assert_eq!(before, known(&owner));
    }
}

#[test]
fn the_log_of_pages_stays_small_while_traces_come_and_go() {
    let mut owner = Owner::new(PLENTY);
    let mut most = 0;
    for round in 0..400_u32 {
        // Fifty new traces, and the hundred before them go on.
        let first = round * 50;
        logs(
            &mut owner,
            (first.saturating_sub(100)..first + 50).map(|n| format!("trace_1764000000000_{n:09}")),
        );
        owner.pass(20_000);
        while owner.step(Fault::None) {}
        let before = owner.shard.counters.rows_written;
        owner.checkpoint();
        assert!(owner.shard.counters.rows_written - before <= 3, "a checkpoint of 150 traces takes few rows");
        most = most.max(bytes(&owner));
        if round % 97 == 0 {
            let before = known(&owner);
            owner.crash();
            assert_eq!(before, known(&owner));
        }
    }
    let live = owner.shard.traces.bytes();
    assert!(owner.shard.traces.live() > 9_000, "an hour's and more");
    assert!(most < 2 * live, "{most} bytes of pages for traces of {live}");
    assert!(owner.pages.len() < 100, "{} pages", owner.pages.len());

    owner.pass(3 * 3_600_000);
    logs(&mut owner, ["last".to_string()].into_iter());
    for _ in 0..200 {
        logs(&mut owner, ["last".to_string()].into_iter());
        owner.pass(2_000);
        while owner.step(Fault::None) {}
        owner.checkpoint();
    }
    assert!(bytes(&owner) < 600_000, "{} bytes for one trace", bytes(&owner));
    let before = known(&owner);
    owner.crash();
    assert_eq!((known(&owner).len(), known(&owner)), (1, before));
}

#[test]
fn a_trace_that_goes_on_slowly_for_hours_is_counted_exactly_after_a_start() {
    let mut owner = Owner::new(PLENTY);
    for n in 1..=1_600_u64 {
        logs(&mut owner, ["slow".to_string()].into_iter());
        owner.pass(5_000);
        while owner.step(Fault::None) {}
        if n % 100 == 0 {
            owner.crash();
            assert_eq!(owner.summary("slow").unwrap().log_count, n);
        }
    }
}

#[test]
fn traces_that_all_go_on_do_not_fill_the_log_with_what_no_longer_counts() {
    let mut owner = Owner::new(PLENTY);
    for _ in 0..25 {
        logs(&mut owner, (0..2_000).map(|n| format!("trace_1764000000000_{n:09}")));
        owner.pass(2_000);
        while owner.step(Fault::None) {}
        owner.checkpoint();
        let (stored, live) = (bytes(&owner), owner.shard.traces.bytes());
        assert!(stored < 3 * live, "{stored} bytes of pages for traces of {live}");
    }
}
