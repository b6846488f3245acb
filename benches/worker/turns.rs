//! The sides of a ratio take turns.

use std::time::Duration;

use crate::{
    cases::{Loop, Row},
    load::Script,
    world::{Subject, World},
};

/// Connections of each side, and of all else whose name says `c16`.
pub const CONNECTIONS: usize = 16;
/// Before a case counts: V8 has compiled most of what is hot by then.
pub const WARM_UP: Duration = Duration::from_secs(5);

/// One side of a ratio: what is sent to whom, and how many logs are in each request.
pub type Side<'a> = (Subject, u64, &'a Script);

/// How the sides of a ratio take turns. What is measured of one is summed: a machine that others share is at one moment twice as
/// fast as at the next, and the more often the sides alternate, the more of that both have alike.
pub struct Turns {
    /// In fresh worlds each.
    rounds: usize,
    /// Before a side counts, in each world.
    warm_up: Duration,
    /// In one world.
    slices: u64,
}

/// For what costs the same however much came before. After 15 s V8 has compiled nearly all of it: what it still does then
/// takes less than a tenth of one core. Of one and the same bundle two processes differ by a twelfth for as long as they live, so
/// there are several.
pub const STEADY: Turns = Turns { rounds: 3, warm_up: Duration::from_secs(15), slices: 3 };
/// For what sends so much that a world has soon had all it may (`cases::WORLD_LOGS`).
pub const DENSE: Turns = Turns { slices: 6, ..STEADY };
/// For what costs the reference the more, the more traces it has seen.
pub const GROWING: Turns = Turns { rounds: 3, warm_up: WARM_UP, slices: 1 };

impl Turns {
    /// One case of several sides, in worlds of their own, whose slices take `measured` each.
    pub async fn take(
        &self,
        name: &str,
        latency: Duration,
        measured: Duration,
        sides: &[Side<'_>],
    ) -> Vec<Row> {
        let new = |&(subject, logs, script): &Side<'_>| Loop::new(name, subject, CONNECTIONS, logs, script);
        let mut loops: Vec<Loop> = sides.iter().map(new).collect();
        for _ in 0..self.rounds {
            let mut worlds = Vec::new();
            for (subject, ..) in sides {
                worlds.push(World::start(*subject, latency, &[]).await);
            }
            self.alternate(&mut loops, &worlds, measured).await;
        }
        loops.iter().map(Loop::row).collect()
    }

    /// Warms each up in its world, and measures them in turn.
    pub async fn alternate(&self, loops: &mut [Loop], worlds: &[World], measured: Duration) {
        for (each, world) in loops.iter_mut().zip(worlds) {
            each.warm_up(world, self.warm_up).await;
        }
        for _ in 0..self.slices {
            for (each, world) in loops.iter_mut().zip(worlds) {
                each.slice(world, measured, self.slices).await;
            }
        }
    }
}
