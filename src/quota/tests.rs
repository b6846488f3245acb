//! Many shards on one ledger: whatever happens in whatever order, a quota is not exceeded and hardly wasted.

use super::lease::FAIL_OPEN_ALLOWANCE;
use super::{Lease, LeaseReply, LeaseRequest, Ledger, Limits, PerSystem, WINDOW_MS};
use crate::entry::System;
use proptest::prelude::*;
use std::collections::BTreeMap;

const SHARDS: u32 = 8;
const LIMITS: Limits = Limits { global: 400, systems: [200, 150, 150, 40], trace: 50 };

/// What happens to a request for tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Answered,
    /// The ledger heard it, its answer was lost.
    Unanswered,
    /// It never arrived.
    Lost,
    /// It arrives after the shard gave up on it, and after others.
    Late,
    /// While its answer is under way the shard is asked to give back what it holds.
    Recalled,
}

#[derive(Debug, Clone)]
enum Event {
    Logs {
        shard: usize,
        system: usize,
        count: u64,
        fate: Fate,
    },
    Evict {
        shard: usize,
    },
    Pass {
        ms: i64,
    },
    /// A shard's clock is set to be off by so much.
    Skew {
        shard: usize,
        ms: i64,
    },
}

fn event() -> impl Strategy<Value = Event> {
    let shard = 0..SHARDS as usize;
    let fate = prop_oneof![
        8 => Just(Fate::Answered), 1 => Just(Fate::Unanswered), 1 => Just(Fate::Lost), 1 => Just(Fate::Late),
        4 => Just(Fate::Recalled),
    ];
    prop_oneof![
        20 => (shard.clone(), 0..4_usize, 1..30_u64, fate)
            .prop_map(|(shard, system, count, fate)| Event::Logs { shard, system, count, fate }),
        1 => shard.prop_map(|shard| Event::Evict { shard }),
        3 => (0..3_000_i64).prop_map(|ms| Event::Pass { ms }),
    ]
}

struct World {
    ledger: Ledger,
    leases: Vec<Lease>,
    /// Each shard's clock, off by up to two seconds.
    skew: Vec<i64>,
    now: i64,
    late: Vec<LeaseRequest>,
    /// Requests for tokens.
    asked: u64,
    /// Logs let through without a token, by window and shard.
    overdrawn: BTreeMap<(i64, usize), u64>,
}

impl World {
    fn new() -> World {
        World {
            ledger: Ledger::new(LIMITS, 1),
            leases: (0..SHARDS).map(|shard| Lease::new(shard, SHARDS)).collect(),
            skew: (0..i64::from(SHARDS)).map(|shard| shard * 500 - 2_000).collect(),
            now: 10_000,
            late: Vec::new(),
            asked: 0,
            overdrawn: BTreeMap::new(),
        }
    }

    /// Logs that were stored, per system.
    fn logs(&mut self, shard: usize, system: System, count: u64, fate: Fate) -> u64 {
        let now = self.now + self.skew[shard];
        let mut wanted = [0; 4];
        wanted[system.index()] = count;
        let mut asked = 0;
        while let Some(request) = self.leases[shard].request(wanted, now) {
            asked += 1;
            self.asked += 1;
            assert!(asked < 10, "a shard asks without end");
            // Nobody is asked to give back without end.
            let fate = if asked > 1 && fate == Fate::Recalled { Fate::Answered } else { fate };
            let reply = self.carry(&request, fate);
            match reply {
                Some(reply) => self.leases[shard].granted(&request, &reply, now),
                None => self.leases[shard].failed(now),
            }
        }
        let (mut stored, lease) = (0, &mut self.leases[shard]);
        let before = lease.overdrawn();
        for _ in 0..count {
            if lease.check(system).is_ok() {
                lease.spend(system);
                stored += 1;
            }
        }
        *self.overdrawn.entry((lease.window(), shard)).or_default() += lease.overdrawn() - before;
        stored
    }

    fn carry(&mut self, request: &LeaseRequest, fate: Fate) -> Option<LeaseReply> {
        match fate {
            Fate::Lost => None,
            Fate::Late => {
                self.late.push(request.clone());
                None
            }
            Fate::Answered | Fate::Unanswered | Fate::Recalled => {
                for shard in self.ledger.recalls(request, self.now) {
                    self.recall(shard);
                }
                let reply = self.ledger.lease(request, self.now);
                if fate == Fate::Recalled {
                    self.recall(request.shard);
                }
                for late in self.late.drain(..) {
                    self.ledger.lease(&late, self.now);
                }
                (fate != Fate::Unanswered).then_some(reply)
            }
        }
    }

    fn recall(&mut self, shard: u32) {
        let request = self.leases[shard as usize].give_back();
        self.ledger.take_back(&request, self.now);
    }

    /// The shard forgets all but what its rows say.
    fn evict(&mut self, shard: usize) {
        let before = std::mem::replace(&mut self.leases[shard], Lease::new(shard as u32, SHARDS));
        if before.is_ready() {
            self.leases[shard].recall(before.window(), before.spent());
        }
    }
}

/// The event, with nothing lost: then nothing is let through without a token.
fn heard(event: Event) -> Event {
    match event {
        Event::Logs { shard, system, count, fate } if fate != Fate::Answered => {
            Event::Logs { shard, system, count, fate: Fate::Recalled }
        }
        event => event,
    }
}

/// Hours of several windows: time passes in leaps, and clocks are set.
fn over_hours(event: Event) -> Event {
    match event {
        Event::Pass { ms } => Event::Pass { ms: ms * 400 },
        Event::Evict { shard } => Event::Skew { shard, ms: (shard as i64 * 997) % 4_000 - 2_000 },
        event => event,
    }
}

/// Fails when a quota of a window is exceeded by more than may be.
fn live(events: Vec<Event>, until: i64) -> Result<(), TestCaseError> {
    let mut world = World::new();
    let mut windows: BTreeMap<i64, PerSystem> = BTreeMap::new();
    for event in events {
        match event {
            Event::Logs { shard, system, count, fate } => {
                let logs = world.logs(shard, System::ALL[system], count, fate);
                windows.entry(world.leases[shard].window()).or_default()[system] += logs;
            }
            Event::Evict { shard } => world.evict(shard),
            Event::Pass { ms } => world.now = (world.now + ms).min(until),
            Event::Skew { shard, ms } => world.skew[shard] = ms,
        }
        for (&window, stored) in &windows {
            let of_window = world.overdrawn.range((window, 0)..=(window, usize::MAX));
            let allowance: u64 = of_window.map(|(_, &logs)| logs.min(FAIL_OPEN_ALLOWANCE)).sum();
            prop_assert!(stored.iter().sum::<u64>() <= LIMITS.global + allowance, "{windows:?}");
            for (system, limit) in LIMITS.systems.into_iter().enumerate() {
                prop_assert!(stored[system] <= limit + allowance, "{windows:?}");
            }
        }
    }
    Ok(())
}

/// All of it lies in one window, for every clock.
const ONE_WINDOW: i64 = WINDOW_MS - 10_000;

proptest! {
    // A case is a whole hour.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_interleaving_exceeds_a_quota_by_more_than_the_declared_allowance(
        events in prop::collection::vec(event(), 1..300)
    ) {
        live(events, ONE_WINDOW)?;
    }

    #[test]
    fn no_interleaving_exceeds_a_quota_while_the_ledger_is_heard(
        events in prop::collection::vec(event().prop_map(heard), 1..300)
    ) {
        live(events, ONE_WINDOW)?;
    }

    #[test]
    fn no_quota_is_exceeded_in_any_window_whatever_the_clocks_say(
        events in prop::collection::vec(event().prop_map(heard).prop_map(over_hours), 1..300),
        lossy in prop::collection::vec(event().prop_map(over_hours), 1..300)
    ) {
        live(events, i64::MAX)?;
        live(lossy, i64::MAX)?;
    }

    #[test]
    fn a_busy_hour_uses_its_quota_up(
        order in prop::collection::vec((0..SHARDS as usize, 0..4_usize, 0..SHARDS as usize * 100), 4_000)
    ) {
        let mut world = World::new();
        let mut stored: PerSystem = [0; 4];
        for (shard, system, evicted) in order {
            world.now += 100;
            if evicted < SHARDS as usize {
                world.evict(evicted);
            }
            stored[system] += world.logs(shard, System::ALL[system], 1, Fate::Answered);
        }
        let total: u64 = stored.iter().sum();
        prop_assert!(total <= LIMITS.global);
        prop_assert!(total + u64::from(SHARDS) >= LIMITS.global, "{total} of {}", LIMITS.global);
    }
}

#[test]
fn a_quota_of_one_system_over_sixteen_shards_is_used_to_its_last_token() {
    let limits = Limits { global: 5_000, systems: [5_000; 4], trace: 5_000 };
    let mut world = World { ledger: Ledger::new(limits, 1), ..World::new() };
    world.leases = (0..16).map(|shard| Lease::new(shard, 16)).collect();
    world.skew = vec![0; 16];
    let mut stored = 0;
    for log in 0..20_000_usize {
        world.now += 1;
        stored += world.logs(log * 7 % 16, System::Browser, 1, Fate::Answered);
    }
    assert_eq!(stored, 5_000);
    assert!((16..1_000).contains(&world.asked), "{} requests for tokens", world.asked);
}
