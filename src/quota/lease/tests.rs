//! A lease against its ledger.

use super::super::{Ledger, Limits};
use super::*;

const LIMITS: Limits = Limits { global: 50, systems: [20, 15, 15, 5], trace: 5 };

fn one(system: System) -> PerSystem {
    let mut wanted = [0; 4];
    wanted[system.index()] = 1;
    wanted
}

/// One log over one shard, as a shard does it.
fn log(lease: &mut Lease, ledger: Option<&mut Ledger>, system: System, now: i64) -> Result<u64, Scope> {
    if let Some(ledger) = ledger {
        while let Some(request) = lease.request(one(system), now) {
            let reply = ledger.lease(&request, now);
            lease.granted(&request, &reply, now);
        }
    } else if lease.request(one(system), now).is_some() {
        lease.failed(now);
    }
    lease.check(system).map_err(|refusal| refusal.scope)?;
    lease.spend(system);
    Ok(lease.remaining(system))
}

#[test]
fn with_one_shard_what_remains_falls_by_exactly_one_a_log() {
    let (mut ledger, mut lease) = (Ledger::new(LIMITS, 0), Lease::new(0, 1));
    let told: Vec<_> = (0..22).map(|_| log(&mut lease, Some(&mut ledger), System::Browser, 10)).collect();
    let wanted: Vec<_> = (0..20).rev().map(Ok).chain([Err(Scope::System); 2]).collect();
    assert_eq!(told, wanted);
    assert_eq!(log(&mut lease, Some(&mut ledger), System::Manual, 10), Ok(4));
    assert_eq!(log(&mut lease, Some(&mut ledger), System::Browser, WINDOW_MS), Ok(19));
}

#[test]
fn the_global_quota_is_shared_by_systems_to_its_last_token() {
    let limits = Limits { global: 10, systems: [20, 15, 15, 5], trace: 5 };
    let (mut ledger, mut lease) = (Ledger::new(limits, 0), Lease::new(0, 1));
    let mut stored = 0;
    for n in 0..40 {
        let system = System::ALL[n % 4];
        match log(&mut lease, Some(&mut ledger), system, 10) {
            Ok(remaining) => {
                stored += 1;
                assert!(remaining <= 10 - stored);
            }
            Err(scope) => assert!(scope == Scope::Global || system == System::Manual, "{scope:?}"),
        }
    }
    assert_eq!(stored, 10);
}

/// Asks as often as the lease wants to, but not for ever.
fn ask(lease: &mut Lease, ledger: &mut Ledger, wanted: PerSystem, now: i64, ledger_now: i64) -> usize {
    let mut asked = 0;
    while let Some(request) = lease.request(wanted, now) {
        let reply = ledger.lease(&request, ledger_now);
        lease.granted(&request, &reply, now);
        asked += 1;
        assert!(asked < 10, "it asks and asks");
    }
    asked
}

#[test]
fn a_batch_beyond_what_is_left_asks_once_and_takes_what_there_is() {
    let (mut ledger, mut lease) = (Ledger::new(LIMITS, 0), Lease::new(0, 1));
    ask(&mut lease, &mut ledger, [12, 0, 0, 0], 10, 10);
    ask(&mut lease, &mut ledger, [17, 0, 0, 0], 10, 10);
    // All twenty are held now, and none is left at the ledger.
    ask(&mut lease, &mut ledger, [25, 0, 0, 0], 10, 10);
    assert_eq!(lease.held_of(System::Browser), 20);
    assert!(ask(&mut lease, &mut ledger, [25, 9, 16, 7], 20, 20) <= 4, "once a system");
}

#[test]
fn a_window_that_goes_on_by_the_ledgers_clock_is_asked_about_once() {
    let (mut ledger, mut lease) = (Ledger::new(LIMITS, 0), Lease::new(0, 1));
    ask(&mut lease, &mut ledger, [1, 1, 1, 1], 10, 10);
    assert!(ask(&mut lease, &mut ledger, [1, 1, 1, 1], WINDOW_MS, WINDOW_MS - 5) <= 4);
    assert_eq!(lease.window(), 0);
    assert!(lease.check(System::Browser).is_ok());
    ask(&mut lease, &mut ledger, [1, 0, 0, 0], WINDOW_MS + ASK_AGAIN_MS, WINDOW_MS + ASK_AGAIN_MS);
    assert_eq!(lease.window(), WINDOW_MS);
}

#[test]
fn an_unreachable_ledger_costs_no_more_than_the_declared_allowance() {
    let (mut ledger, mut lease) = (Ledger::new(LIMITS, 0), Lease::new(0, 1));
    log(&mut lease, Some(&mut ledger), System::Convex, 10).unwrap();
    let through = (0..500).filter(|_| log(&mut lease, None, System::Convex, 20).is_ok()).count();
    assert!(through as u64 <= 15 + FAIL_OPEN_ALLOWANCE, "{through}");
    assert_eq!(lease.overdrawn(), FAIL_OPEN_ALLOWANCE);
    // What was overdrawn counts once the ledger is back.
    assert!(log(&mut lease, Some(&mut ledger), System::Convex, 20 + ASK_AGAIN_MS).is_err());
}

#[test]
fn a_shard_that_starts_again_has_what_it_held() {
    let (mut ledger, mut lease) = (Ledger::new(LIMITS, 0), Lease::new(0, 1));
    for _ in 0..7 {
        log(&mut lease, Some(&mut ledger), System::Browser, 10).unwrap();
    }
    let mut again = Lease::new(0, 1);
    again.recall(lease.window(), lease.spent());
    assert_eq!(again.overdrawn(), 0, "nothing is told that is not known");
    assert_eq!(log(&mut again, Some(&mut ledger), System::Browser, 20), Ok(12));
}

#[test]
fn a_used_up_quota_is_asked_about_once_a_second() {
    let (mut ledger, mut lease) = (Ledger::new(LIMITS, 0), Lease::new(0, 1));
    let mut asked = 0;
    for n in 0..1_000 {
        asked += ask(&mut lease, &mut ledger, one(System::Manual), n, n);
        let _ = log(&mut lease, None, System::Manual, n);
    }
    assert!((1..12).contains(&asked), "{asked}");
}

/// A lease of the same shard after its object was thrown out of memory and loaded again.
fn reloaded(lease: &Lease) -> Lease {
    let mut again = Lease::new(lease.shard, lease.shards);
    again.recall(lease.window(), lease.spent());
    again
}

#[test]
fn what_a_shard_held_when_it_was_evicted_comes_back_though_it_gets_no_log() {
    let (mut ledger, mut idle) = (Ledger::new(LIMITS, 0), Lease::new(0, 2));
    log(&mut idle, Some(&mut ledger), System::Browser, 10).unwrap();
    assert!(idle.held_of(System::Browser) > 0);
    let mut loaded = reloaded(&idle);
    ledger.take_back(&loaded.give_back(), 20);
    assert_eq!(ledger.left().1, [19, 15, 15, 5], "all but what was spent");
    // It goes on, and so does a request of the instance that is gone.
    let late = LeaseRequest { turn: 9, held: [9; 4], ..idle.give_back() };
    ledger.take_back(&late, 30);
    assert_eq!(ledger.left().1, [19, 15, 15, 5]);
    assert!(log(&mut loaded, Some(&mut ledger), System::Browser, 40).is_ok());
    assert_eq!(loaded.spent()[0] + loaded.held_of(System::Browser) + ledger.left().1[0], 20);
}

#[test]
fn what_is_given_back_while_a_shard_is_greeted_is_spent_by_nobody_twice() {
    let (mut ledger, mut before) = (Ledger::new(LIMITS, 0), Lease::new(0, 2));
    log(&mut before, Some(&mut ledger), System::Browser, 10).unwrap();
    let mut lease = reloaded(&before);
    let greeting = lease.request(one(System::Browser), 20).unwrap();
    let answer = ledger.lease(&greeting, 20);
    ledger.take_back(&lease.give_back(), 20);
    lease.granted(&greeting, &answer, 20);
    assert_eq!((lease.held_of(System::Browser), ledger.left().1[0]), (0, 19));
}

#[test]
fn a_quota_that_was_lowered_holds_for_what_was_granted_before() {
    let (mut ledger, mut lease) = (Ledger::new(LIMITS, 0), Lease::new(0, 1));
    log(&mut lease, Some(&mut ledger), System::Browser, 10).unwrap();
    for lowered in [Limits { systems: [3, 15, 15, 5], ..LIMITS }, Limits { global: 3, ..LIMITS }] {
        let mut ledger = Ledger::restore(lowered, ledger.state().clone());
        let mut lease = reloaded(&lease);
        let more =
            (0..30).filter(|_| log(&mut lease, Some(&mut ledger), System::Browser, 20).is_ok()).count();
        assert_eq!(more, 2, "{lowered:?}");
    }
}

#[test]
fn a_clock_that_went_back_keeps_no_shard_from_asking() {
    let (mut ledger, mut lease) = (Ledger::new(LIMITS, 0), Lease::new(0, 1));
    log(&mut lease, Some(&mut ledger), System::Browser, 10).unwrap();
    lease.failed(WINDOW_MS - 1);
    assert!(lease.request([99, 0, 0, 0], WINDOW_MS - 1).is_none(), "not at once");
    assert!(lease.request([99, 0, 0, 0], 20).is_some());
}

#[test]
fn a_window_that_ended_by_the_shards_clock_alone_is_not_spent_again() {
    let (mut ledger, mut lease) = (Ledger::new(LIMITS, 0), Lease::new(0, 1));
    while log(&mut lease, Some(&mut ledger), System::Browser, 10).is_ok() {}
    // Its clock is two seconds ahead, and what it asks as its window ends is lost.
    let mut through = 0;
    assert!(lease.request(one(System::Browser), WINDOW_MS).is_some());
    lease.failed(WINDOW_MS);
    for ahead in [1, 1_001, 1_900] {
        let (now, ledger_now) = (WINDOW_MS + ahead, WINDOW_MS + ahead - 2_000);
        ask(&mut lease, &mut ledger, one(System::Browser), now, ledger_now);
        while lease.check(System::Browser).is_ok() {
            lease.spend(System::Browser);
            through += 1;
        }
        assert_eq!(lease.window(), WINDOW_MS);
    }
    assert_eq!(through, FAIL_OPEN_ALLOWANCE);
    let now = WINDOW_MS + 3_000;
    ask(&mut lease, &mut ledger, one(System::Browser), now, now - 2_000);
    assert!(!lease.unreachable() && lease.window() == WINDOW_MS);
}

#[test]
fn while_the_ledger_is_away_nobody_is_told_to_wait_for_the_hours_end() {
    let (mut ledger, mut lease) = (Ledger::new(LIMITS, 0), Lease::new(0, 1));
    log(&mut lease, Some(&mut ledger), System::Browser, 10).unwrap();
    while log(&mut lease, None, System::Browser, 20).is_ok() {}
    assert_eq!(lease.check(System::Browser).unwrap_err().until, 20 + ASK_AGAIN_MS);
    log(&mut lease, Some(&mut ledger), System::Browser, 2_000).unwrap_err();
    assert_eq!(lease.check(System::Browser).unwrap_err().until, WINDOW_MS);
}
