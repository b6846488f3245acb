//! What viewers are told: every log once and in order, or counted as missed, whatever happens between two looks.

use super::owner::{Fault, Owner, entry, ids};
use crate::buffer::Told;
use crate::buffer::wire::Outcome;
use crate::entry::System;
use crate::quota::Limits;
use crate::tail::{Cursor, Subject};
use proptest::prelude::*;
use std::collections::VecDeque;

const PLENTY: Limits = Limits { global: 1_000_000, systems: [1_000_000; 4], trace: 1_000_000 };
const TRACES: [&str; 2] = ["a", "b"];

/// A viewer, and what it is still owed: a model that knows nothing of rings and rows.
struct Viewer {
    subject: Subject,
    cursor: String,
    owed: VecDeque<String>,
    /// Those of `owed` that it was told are missed.
    missing: u64,
    missed: u64,
    cleared: u64,
}

impl Viewer {
    fn new(owner: &Owner, subject: Subject) -> Viewer {
        let cursor = owner.shard.cursor(&subject, "").to_string();
        Viewer { subject, cursor, owed: VecDeque::new(), missing: 0, missed: 0, cleared: 0 }
    }

    fn follows(&self, trace: &str) -> bool {
        self.subject == Subject::Logs || self.subject == Subject::Trace(trace.to_string())
    }

    /// Is told one thing, as after a break: it knows nothing but its cursor. Returns whether there was anything.
    fn look(&mut self, owner: &Owner) -> bool {
        let cursor = owner.shard.cursor(&self.subject, &self.cursor);
        let Some(told) = owner.shard.told(&self.subject, cursor, owner.now) else { return false };
        self.cursor = match told {
            Told::Cleared(cursor) => {
                self.cleared += 1;
                cursor
            }
            Told::Missed(count, cursor) => {
                assert!(count > 0);
                self.missed += count;
                self.missing += count;
                cursor
            }
            Told::Traces(..) => unreachable!("it follows logs"),
            Told::Logs(wanted, mut cursor) => {
                assert!(!wanted.is_empty());
                for wanted in wanted {
                    cursor = cursor.past(wanted.seq);
                    let row = &owner.rows[&wanted.slot];
                    let (_, _, json) = row.entries().find(|(seq, ..)| *seq == wanted.seq).unwrap();
                    assert!(wanted.body.is_none_or(|body| *body == *json), "memory and row differ");
                    if !json.is_empty() {
                        let seen = ids(&[String::from_utf8(json.to_vec()).unwrap()]).remove(0);
                        while self.owed.front().expect("it came, and was not told of yet") != &seen {
                            // Any but the newest may be those that are no longer held.
                            self.owed.pop_front();
                            self.missing =
                                self.missing.checked_sub(1).expect("it is told of those before it");
                        }
                        self.owed.pop_front();
                    }
                }
                cursor
            }
        }
        .to_string();
        true
    }

    /// Nobody can read any more what it is owed.
    fn is_owed_nothing(&mut self) {
        self.owed.clear();
        self.missing = 0;
    }

    fn catch_up(&mut self, owner: &Owner) {
        for _ in 0..10_000 {
            if !self.look(owner) {
                return;
            }
        }
        panic!("it is told and told");
    }
}

#[derive(Debug, Clone)]
enum Event {
    Append(u8, u8),
    Look(u8),
    Pass(i64),
    Flush,
    Crash,
    Clear(Option<u8>),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (any::<u8>(), 1..5_u8).prop_map(|(trace, count)| Event::Append(trace, count)),
        3 => (0..3_u8).prop_map(Event::Look),
        3 => prop_oneof![1..2_000_i64, 1_000_000..2_500_000_i64, Just(4_000_000)].prop_map(Event::Pass),
        2 => Just(Event::Flush),
        1 => Just(Event::Crash),
        1 => proptest::option::of(any::<u8>()).prop_map(Event::Clear),
    ]
}

proptest! {
    #[test]
    fn every_log_is_seen_in_order_or_counted_as_missed(events in prop::collection::vec(event(), 1..60)) {
        let mut owner = Owner::new(PLENTY);
        let mut viewers = vec![Viewer::new(&owner, Subject::Logs)];
        viewers.extend(TRACES.map(|trace| Viewer::new(&owner, Subject::Trace(trace.into()))));
        let mut named = 0;
        for event in events {
            match event {
                Event::Append(trace, count) => {
                    let trace = TRACES[usize::from(trace) % TRACES.len()];
                    if owner.summary(trace).is_none() {
                        // Its list has expired: what is still owed of it nobody can read.
                        viewers[1..].iter_mut().filter(|viewer| viewer.follows(trace)).for_each(Viewer::is_owed_nothing);
                    }
                    let logs: Vec<_> = (0..count).map(|n| {
                        entry(trace, &format!("{named}-{n}"), System::Worker, false, owner.now, 10)
                    }).collect();
                    named += 1;
                    for (outcome, (meta, _)) in owner.append(&logs).iter().zip(&logs) {
                        if matches!(outcome, Outcome::Stored { .. }) {
                            viewers.iter_mut().filter(|viewer| viewer.follows(trace))
                                .for_each(|viewer| viewer.owed.push_back(meta.id.to_string()));
                        }
                    }
                }
                Event::Look(which) => { viewers[usize::from(which) % 3].look(&owner); }
                Event::Pass(ms) => {
                    if ms > 60_000 {
                        owner.rest();
                    }
                    owner.pass(ms);
                }
                Event::Flush => { owner.step(Fault::None); }
                Event::Crash => owner.crash(),
                Event::Clear(which) => {
                    // What a viewer of everything has missed before a clear is no longer told apart from what was cleared.
                    viewers[0].catch_up(&owner);
                    let trace = which.map(|which| TRACES[usize::from(which) % TRACES.len()]);
                    let cleared = owner.clear(trace, Fault::None, |_| ()).is_some();
                    for viewer in viewers[1..].iter_mut().filter(|viewer| cleared && trace.is_none_or(|trace| viewer.follows(trace))) {
                        viewer.is_owed_nothing();
                    }
                }
            }
        }
        for viewer in &mut viewers {
            viewer.catch_up(&owner);
            if let Subject::Trace(trace) = &viewer.subject && owner.summary(trace).is_none() {
                viewer.is_owed_nothing();
            }
            prop_assert_eq!(viewer.owed.len() as u64, viewer.missing, "{:?}: {:?}", viewer.subject, viewer.owed);
        }
    }
}

fn follow(owner: &Owner, trace: &str) -> Viewer {
    Viewer::new(owner, Subject::Trace(trace.into()))
}

fn append(owner: &mut Owner, trace: &str, name: &str, count: usize, viewers: &mut [&mut Viewer]) {
    let logs: Vec<_> = (0..count)
        .map(|n| entry(trace, &format!("{name}-{n}"), System::Worker, false, owner.now, 10))
        .collect();
    owner.append(&logs);
    for viewer in viewers {
        viewer.owed.extend(logs.iter().map(|(meta, _)| meta.id.to_string()));
    }
}

#[test]
fn within_the_hour_nothing_is_missed_and_after_it_exactly_what_is_no_longer_held() {
    let mut owner = Owner::new(PLENTY);
    let (mut soon, mut late) = (follow(&owner, "t"), follow(&owner, "t"));
    append(&mut owner, "t", "first", 7, &mut [&mut soon, &mut late]);
    owner.rest();
    owner.pass(3_500_000);
    soon.catch_up(&owner);
    assert_eq!((soon.missed, soon.owed.len()), (0, 0));
    append(&mut owner, "t", "second", 5, &mut [&mut late]);
    owner.rest();
    owner.pass(300_000);
    // Its row takes the place of the first one's.
    append(&mut owner, "t", "third", 3, &mut [&mut late]);
    owner.crash();
    late.catch_up(&owner);
    assert_eq!((late.missed, late.missing, late.owed.len(), late.cleared), (7, 0, 0, 0));
}

#[test]
fn a_foreign_cursor_gets_all_that_is_held_and_none_gets_what_comes() {
    let mut owner = Owner::new(PLENTY);
    append(&mut owner, "t", "log", 3, &mut []);
    let subject = Subject::Trace("t".into());
    let other = Cursor { born: 1, seq: 2, count: 2, first: 1, cleared: 0 }.to_string();
    for foreign in ["0", "nonsense", &other] {
        let cursor = owner.shard.cursor(&subject, foreign);
        let Some(Told::Logs(wanted, _)) = owner.shard.told(&subject, cursor, owner.now) else { panic!() };
        assert_eq!(wanted.iter().map(|wanted| wanted.seq).collect::<Vec<_>>(), [1, 2, 3]);
    }
    assert!(owner.shard.told(&subject, owner.shard.cursor(&subject, ""), owner.now).is_none());
}

#[test]
fn a_cleared_trace_is_told_once_and_what_came_since_follows() {
    let mut owner = Owner::new(PLENTY);
    let (mut one, mut other) = (follow(&owner, "t"), follow(&owner, "u"));
    append(&mut owner, "t", "gone", 3, &mut []);
    append(&mut owner, "u", "stays", 2, &mut [&mut other]);
    owner.clear(Some("t"), Fault::None, |_| ()).unwrap();
    append(&mut owner, "t", "new", 2, &mut [&mut one]);
    one.catch_up(&owner);
    other.catch_up(&owner);
    assert_eq!((one.cleared, one.owed.len()), (1, 0));
    assert_eq!((other.cleared, other.owed.len()), (0, 0));
    owner.clear(None, Fault::None, |_| ()).unwrap();
    one.catch_up(&owner);
    other.catch_up(&owner);
    assert_eq!((one.cleared, other.cleared), (2, 1));
}

#[test]
fn a_list_of_traces_is_told_whole_at_first_then_what_changed_and_anew_after_a_clear() {
    let mut owner = Owner::new(PLENTY);
    let named = |owner: &Owner, cursor: Cursor| match owner.shard.told(&Subject::Traces, cursor, owner.now) {
        Some(Told::Traces(traces, cursor)) => {
            (traces.into_iter().map(|trace| (trace.id, trace.log_count)).collect::<Vec<_>>(), cursor)
        }
        Some(Told::Cleared(cursor)) => (vec![("cleared".to_string(), 0)], cursor),
        _ => (Vec::new(), cursor),
    };
    append(&mut owner, "a", "x", 1, &mut []);
    owner.now += 1;
    append(&mut owner, "b", "x", 2, &mut []);
    let (all, cursor) = named(&owner, owner.shard.cursor(&Subject::Traces, ""));
    assert_eq!(all, [("b".to_string(), 2), ("a".to_string(), 1)]);
    assert_eq!(named(&owner, cursor).0, []);
    owner.now += 1;
    append(&mut owner, "a", "y", 1, &mut []);
    owner.crash();
    let (changed, cursor) = named(&owner, cursor);
    assert_eq!(changed, [("a".to_string(), 2)]);
    owner.clear(Some("a"), Fault::None, |_| ()).unwrap();
    let (cleared, cursor) = named(&owner, cursor);
    assert_eq!(cleared, [("cleared".to_string(), 0)]);
    assert_eq!(named(&owner, cursor).0, [("b".to_string(), 2)]);
}
