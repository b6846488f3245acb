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

/// Bytes of all pages, and of what counts in them.
fn bytes(owner: &Owner) -> (usize, usize) {
    let live = owner.shard.traces.iter().map(|(_, trace)| trace.stored.bytes).sum();
    (owner.pages.values().map(|page| page.lines.len()).sum(), live)
}

/// Whether a crash changes nothing of what is known.
fn same_after_a_start(owner: &mut Owner) -> bool {
    let before = known(owner);
    owner.crash();
    before == known(owner)
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
                    prop_assert!(same_after_a_start(&mut owner));
                }
            }
        }
        prop_assert!(same_after_a_start(&mut owner));
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
        most = most.max(bytes(&owner).0);
        if round % 97 == 0 {
            assert!(same_after_a_start(&mut owner));
        }
    }
    let (_, live) = bytes(&owner);
    assert!(owner.shard.traces.live() > 9_000, "an hour's and more");
    assert!(most < 3 * live + 512 * 1024, "{most} bytes of pages for traces of {live}");
    assert!(owner.pages.len() < 100, "{} pages", owner.pages.len());

    owner.pass(3 * 3_600_000);
    logs(&mut owner, ["last".to_string()].into_iter());
    owner.checkpoint();
    assert_eq!(owner.shard.pages.numbers().count(), 1, "what has expired is gone at once");
    for _ in 0..200 {
        logs(&mut owner, ["last".to_string()].into_iter());
        owner.pass(2_000);
        while owner.step(Fault::None) {}
        owner.checkpoint();
    }
    assert!(owner.shard.pages.numbers().count() < 70, "{:?}", owner.shard.pages.numbers());
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
    let plain = |n: u32| format!("trace_1764000000000_{n:09}");
    let long = |n: u32| format!("{n}{}", "x".repeat(4_000));
    let escaped = |n: u32| format!("{n}{}", "\u{1}".repeat(700));
    type Id<'a> = &'a dyn Fn(u32) -> String;
    // How many traces there are, and how many of them go on between two checkpoints.
    let loads: [(Id, u32, u32); 4] =
        [(&plain, 2_000, 2_000), (&plain, 3_000, 700), (&long, 600, 300), (&escaped, 600, 200)];
    for (id, traces, at_once) in loads {
        let mut owner = Owner::new(PLENTY);
        let mut at = 0;
        for round in 0..40 {
            let before = owner.shard.counters.rows_written;
            logs(&mut owner, (0..at_once).map(|n| id((at + n) % traces)));
            at += at_once;
            owner.pass(2_000);
            while owner.step(Fault::None) {}
            owner.checkpoint();
            let (stored, live) = bytes(&owner);
            assert!(stored < 4 * live + 1024 * 1024, "round {round}: {stored} bytes of pages, {live} count");
            let rows = owner.shard.counters.rows_written - before;
            assert!(rows < 20, "round {round}: {rows} rows for {at_once} logs");
        }
        assert!(same_after_a_start(&mut owner));
    }
}

#[test]
fn a_checkpoint_is_due_before_it_would_be_large() {
    let mut owner = Owner::new(PLENTY);
    for round in 0..40 {
        logs(&mut owner, (0..40).map(|n| format!("{}{}", round * 40 + n, "\u{1}".repeat(4_000))));
        owner.pass(1_000);
        while owner.step(Fault::None) {}
    }
    assert!(owner.pages.len() > 5, "without being asked for: {}", owner.pages.len());
    let waiting: usize = owner.shard.traces.iter().filter(|(_, trace)| trace.changed).count();
    assert!(waiting <= 200 + 40, "{waiting} traces of 24 KB are not stored yet");
}

#[test]
fn a_checkpoint_that_was_stored_in_part_is_as_if_it_had_not_been() {
    let mut owner = Owner::new(PLENTY);
    for round in 0..6 {
        logs(&mut owner, (0..50).map(|n| format!("t{n}")));
        owner.pass(1_000);
        while owner.step(Fault::None) {}
        let before = known(&owner);
        if round % 2 == 0 {
            // Its pages are stored, and what says that they count is not.
            let pages = &mut owner.pages;
            let stored = owner.shard.take_checkpoint(owner.now, |page| {
                pages.insert(page.slot, page);
                Ok::<(), ()>(())
            });
            assert!(stored.is_ok());
        } else {
            owner.checkpoint();
        }
        owner.crash();
        assert_eq!(before, known(&owner), "round {round}");
    }
}
