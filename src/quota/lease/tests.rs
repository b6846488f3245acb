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
