//! The ledger, asked by itself.

use super::*;

const LIMITS: Limits = Limits { global: 100, systems: [80, 50, 50, 10], trace: 20 };

fn ask(turn: u64, window: i64, want: Option<System>) -> LeaseRequest {
    LeaseRequest {
        v: LEASE_VERSION,
        shard: 0,
        shards: 1,
        turn,
        window,
        spent: [0; 4],
        held: [0; 4],
        overdrawn: 0,
        want,
        count: 1,
    }
}

#[test]
fn grants_never_exceed_a_quota_in_whatever_order_requests_come() {
    let mut ledger = Ledger::new(LIMITS, 1_000);
    let mut total = 0;
    for shard in 0..40 {
        for turn in 1..4 {
            let request = LeaseRequest { shard, shards: 40, ..ask(turn, 1_000, Some(System::Browser)) };
            let reply = ledger.lease(&request, 2_000);
            total = total.max(LIMITS.systems[0] - reply.left[0]);
            assert_eq!(ledger.lease(&request, 2_000), reply, "a repeated request grants nothing");
        }
    }
    assert!(total <= LIMITS.systems[0]);
    assert_eq!(ledger.left().0, LIMITS.global - total);
}

#[test]
fn what_a_shard_no_longer_names_goes_back() {
    let mut ledger = Ledger::new(LIMITS, 1_000);
    let first = ledger.lease(&ask(1, 1_000, Some(System::Browser)), 1_000);
    assert_eq!(first.granted[0], 40);
    let back = LeaseRequest { spent: [3, 0, 0, 0], ..ask(2, 1_000, Some(System::Convex)) };
    let second = ledger.lease(&back, 1_000);
    assert_eq!((second.granted[0], second.left[0]), (3, 77));
    let overtaken = LeaseRequest { held: [9, 9, 9, 9], ..ask(1, 1_000, None) };
    assert_eq!(ledger.lease(&overtaken, 1_000).granted, second.granted);
}

#[test]
fn windows_turn_by_whole_hours_and_a_reset_starts_one() {
    let mut ledger = Ledger::new(LIMITS, 1_000);
    ledger.lease(&ask(1, 1_000, Some(System::Browser)), 1_000);
    let reply = ledger.lease(&ask(2, 1_000, None), 1_000 + 2 * WINDOW_MS + 5);
    assert_eq!((reply.window, reply.granted), (1_000 + 2 * WINDOW_MS, [0; 4]));
    let before = ledger.state().window;
    ledger.reset(before);
    assert!(ledger.state().window > before);
}

#[test]
fn what_idle_shards_hold_comes_back_when_another_is_short() {
    let mut ledger = Ledger::new(LIMITS, 1_000);
    let of = |shard, turn, want| LeaseRequest { shard, shards: 2, ..ask(turn, 1_000, want) };
    let idle = ledger.lease(&of(0, 1, Some(System::Manual)), 1_000);
    assert_eq!(idle.granted[3], 2);
    let wanting = LeaseRequest { count: 9, ..of(1, 1, Some(System::Manual)) };
    assert_eq!(ledger.recalls(&wanting, 1_000), [0]);
    ledger.lease(&of(0, 2, None), 1_000);
    assert_eq!(ledger.lease(&wanting, 1_000).granted[3], 9);
    assert!(ledger.recalls(&LeaseRequest { turn: 2, ..wanting.clone() }, 1_999).is_empty(), "once a second");
    assert_eq!(ledger.recalls(&LeaseRequest { shard: 0, ..wanting }, 2_000), [1]);
}

#[test]
fn another_number_of_shards_is_granted_nothing_until_the_buffers_are_drained() {
    let mut ledger = Ledger::new(LIMITS, 1_000);
    ledger.lease(&ask(1, 1_000, Some(System::Browser)), 1_000);
    let changed = LeaseRequest { shard: 3, shards: 4, ..ask(1, 1_000, Some(System::Browser)) };
    let refused = ledger.lease(&changed, 1_000);
    assert_eq!((refused.undrained_from, refused.granted), (1, [0; 4]));
    ledger.reshard(4, 2_000);
    let granted = ledger.lease(&LeaseRequest { turn: 2, ..changed }, 2_000);
    assert_eq!((granted.undrained_from, granted.resharded_at), (0, 2_000));
    assert!(granted.granted[0] > 0);
}

#[test]
fn the_earlier_objects_counts_go_on() {
    let earlier = EarlierState {
        global: 30.0,
        systems: [20.0, 10.0, 0.0, 0.0],
        traces: vec![("t".into(), 7.0), ("odd".into(), f64::NAN)],
        window_start: 5_000.0,
    };
    let mut ledger = Ledger::from_earlier(LIMITS, &earlier, 6_000);
    assert_eq!((ledger.state().window, ledger.left()), (5_000, (70, [60, 40, 50, 10])));
    assert_eq!(ledger.lease(&ask(0, 0, None), 6_000).earlier_traces.get("t"), Some(&7));
    ledger.turn_window(5_000 + WINDOW_MS);
    assert_eq!(ledger.left().0, 100);
    let old = Ledger::from_earlier(LIMITS, &earlier, 5_000 + WINDOW_MS);
    assert_eq!(old.left().0, 100);
}
