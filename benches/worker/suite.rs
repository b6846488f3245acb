//! Which cases run, in groups, and the ratios that are made of them.

use std::time::{Duration, Instant};

use crate::{
    Arguments,
    cases::{self, Loop, Pace, Row},
    load, profile,
    replay::Form,
    report::{self, Bound, Promise},
    turns::{CONNECTIONS, DENSE, GROWING, STEADY, Side, Turns, WARM_UP},
    viewers::Viewers,
    world::{Subject, World},
};

/// Rounds of what is measured with and without viewers; the median of each counts.
const ROUNDS: usize = 3;
/// Live traces of the cases about growth.
const MANY_TRACES: u64 = 50_000;
/// Viewers of a live tail, and the requests a second they look on at.
const VIEWERS: usize = 200;
const WATCHED_RATE: f64 = 200.0;
/// Starts of which the median counts.
const STARTS: usize = 15;

const NOW: Duration = Duration::ZERO;
const SLOW: Duration = Duration::from_millis(20);
const OURS: Subject = Subject::Ours(1);

struct Suite<'a> {
    arguments: &'a Arguments,
    pace: Pace,
    rows: Vec<Row>,
    promises: Vec<Promise>,
}

/// Runs what the arguments ask for.
pub async fn run(arguments: &Arguments) -> (Vec<Row>, Vec<Promise>) {
    let pace = Pace {
        warm_up: WARM_UP,
        measured: Duration::from_secs_f64(arguments.seconds),
        replayed: Duration::from_secs_f64(arguments.replay),
    };
    let mut suite = Suite { arguments, pace, rows: Vec::new(), promises: Vec::new() };
    report::head();
    if suite.wants("singles") {
        suite.singles().await;
    }
    if suite.wants("group") {
        suite.group().await;
    }
    if suite.wants("batches") {
        suite.batches().await;
    }
    if suite.wants("bounds") {
        suite.bounds().await;
    }
    if suite.wants("reads") {
        suite.reads().await;
    }
    if suite.wants("shards") {
        suite.shards().await;
    }
    if suite.wants("viewers") {
        suite.viewers().await;
    }
    if suite.wants("cost") {
        suite.cost().await;
    }
    if suite.wants("cold") {
        suite.cold().await;
    }
    if suite.wants("quota") {
        suite.quota().await;
    }
    if arguments.only.iter().any(|only| only == "profile") {
        profile::run(arguments.seconds).await;
    }
    (suite.rows, suite.promises)
}

impl Suite<'_> {
    fn wants(&self, group: &str) -> bool {
        self.arguments.only.is_empty() || self.arguments.only.iter().any(|only| only == group)
    }

    fn take(&mut self, row: Row) -> usize {
        report::row(&row);
        self.rows.push(row);
        self.rows.len() - 1
    }

    fn promise(&mut self, what: &str, value: f64, bound: Bound) {
        self.promises.push(Promise { what: what.into(), value, bound });
    }

    async fn in_turn(
        &mut self,
        name: &str,
        latency: Duration,
        turns: &Turns,
        sides: &[Side<'_>],
    ) -> Vec<usize> {
        let rows = turns.take(name, latency, self.pace.measured, sides).await;
        rows.into_iter().map(|row| self.take(row)).collect()
    }

    async fn singles(&mut self) {
        let (unique, hot) = (cases::unique(), cases::hot(20, 44));
        let both = |script| [(OURS, 1, script), (Subject::Reference, 1, script)];
        let name = "unique traces, c16, Redis 0 ms";
        let fast = self.in_turn(name, NOW, &GROWING, &both(&unique)).await;
        let name = "unique traces, c16, Redis 20 ms";
        let slow = self.in_turn(name, SLOW, &GROWING, &both(&unique)).await;
        let three = [(OURS, 1, &hot), (Subject::Reference, 1, &hot), (Subject::Hello, 1, &hot)];
        let hot = self.in_turn("20 hot traces, c16, Redis 0 ms", NOW, &STEADY, &three).await;
        let one = cases::hot(1, 44);
        self.in_turn("one hot trace, c16, Redis 0 ms", NOW, &STEADY, &both(&one)).await;
        let long = cases::hot(20, 1_000);
        self.in_turn("1 KB messages, 20 traces, c16, Redis 0 ms", NOW, &STEADY, &both(&long)).await;
        for latency in [NOW, SLOW] {
            let world = World::start(OURS, latency, &[]).await;
            let rate = self.rows[fast[0]].requests_s / 2.0;
            let name = format!("open loop at half of that, Redis {} ms", latency.as_millis());
            let row = cases::open(&world, &name, rate, 1, self.pace, &unique).await;
            self.take(row);
        }
        let ratio = |of: fn(&Row) -> f64, pair: &[usize]| of(&self.rows[pair[0]]) / of(&self.rows[pair[1]]);
        let p50 = ratio(|row| row.p50_ms, &slow);
        let (throughput, throughput_hot) =
            (ratio(|row| row.requests_s, &fast), ratio(|row| row.requests_s, &hot));
        let cpu_hot = ratio(|row| row.cpu_us, &hot);
        let reference = ratio(|row| row.requests_s, &hot[1..]);
        self.promise("reference / hello: requests a second, hot traces", reference, Bound::AtLeast(0.11));
        self.promise("unique traces, Redis 20 ms: p50 / reference", p50, Bound::AtMost(0.35));
        self.promise(
            "unique traces, Redis 0 ms: requests a second / reference",
            throughput,
            Bound::AtLeast(3.0),
        );
        self.promise(
            "20 hot traces, Redis 0 ms: requests a second / reference",
            throughput_hot,
            Bound::AtLeast(1.8),
        );
        self.promise("20 hot traces, Redis 0 ms: CPU per log / reference", cpu_hot, Bound::AtMost(0.7));
    }

    /// What waiting for others to share a commit gives.
    async fn group(&mut self) {
        for wait in ["0", "1", "2", "5"] {
            let world = World::start(OURS, NOW, &[("GROUP_COMMIT_MS", wait)]).await;
            for connections in [1, 16, 64, 256] {
                let name = format!("group waits {wait} ms, c{connections}");
                let row =
                    cases::closed(&world, &name, connections, 1, self.pace, &cases::hot(1_000, 44)).await;
                self.take(row);
            }
        }
    }

    async fn batches(&mut self) {
        for size in [10, 500] {
            let world = World::start(OURS, NOW, &[]).await;
            let name = format!("batches of {size}, c16");
            let row = cases::closed(&world, &name, CONNECTIONS, size, self.pace, &cases::batches(size)).await;
            self.take(row);
        }
        let (of_50, singles) = (cases::batches(50), cases::hot(20, 44));
        let sides = [(OURS, 50, &of_50), (Subject::Reference, 1, &singles)];
        let at = self.in_turn("batches of 50, and 20 hot traces, c16", NOW, &DENSE, &sides).await;
        let value = self.rows[at[0]].logs_s / self.rows[at[1]].logs_s;
        self.promise(
            "batches of 50: logs a second / the reference's single posts",
            value,
            Bound::AtLeast(30.0),
        );
    }

    /// What a worker would reach that takes nothing for itself: the ratios of [`Subject::Carrier`].
    async fn bounds(&mut self) {
        let (of_50, hot) = (cases::batches(50), cases::hot(20, 44));
        let sides = [(Subject::Carrier, 1, &hot), (Subject::Reference, 1, &hot)];
        let singles = self.in_turn("20 hot traces, c16, Redis 0 ms", NOW, &STEADY, &sides).await;
        let sides = [(Subject::Carrier, 50, &of_50), (OURS, 50, &of_50)];
        let batches = self.in_turn("batches of 50, c16", NOW, &DENSE, &sides).await;
        let rows = &self.rows;
        let hot = rows[singles[0]].requests_s / rows[singles[1]].requests_s;
        let hot_cpu = rows[singles[0]].cpu_us / rows[singles[1]].cpu_us;
        let of_50 = rows[batches[0]].logs_s / rows[singles[1]].logs_s;
        let of_50_cpu = rows[batches[1]].cpu_us / rows[batches[0]].cpu_us;
        for (what, value) in [
            ("carrying alone, 20 hot traces: requests a second / reference", hot),
            ("carrying alone, 20 hot traces: CPU per log / reference", hot_cpu),
            ("carrying alone, batches of 50: logs a second / the reference's single posts", of_50),
            ("batches of 50: CPU per log / carrying alone", of_50_cpu),
        ] {
            self.promise(what, value, Bound::AtLeast(0.0));
        }
    }

    async fn reads(&mut self) {
        let world = World::start(OURS, NOW, &[]).await;
        load::exactly(world.worker.port(), 1, 1, 0, &cases::batches(100)).await;
        world.drained().await;
        let trace = cases::get("/logs?trace_id=trace_0000000000000000");
        let row =
            cases::closed(&world, "GET /logs of 100 entries, c16", CONNECTIONS, 0, self.pace, &trace).await;
        self.take(row);
        let mut recent = Vec::new();
        for (from, to) in [(0, 10), (10, 1_000), (1_000, MANY_TRACES)] {
            let world = &world;
            let filled = if from < 1_000 {
                load::exactly(world.worker.port(), 4, to - from, from, &cases::spread(1)).await
            } else {
                load::exactly(world.worker.port(), 4, (to - from) / 500, 1_000, &cases::spread(500)).await
            };
            assert_eq!(filled.refused, 0, "not all traces are live");
            world.drained().await;
            let name = format!("GET /traces/recent, {to} live traces, c16");
            let row =
                cases::closed(world, &name, CONNECTIONS, 0, self.pace, &cases::get("/traces/recent")).await;
            recent.push(row.cpu_us);
            self.take(row);
        }
        drop(world);
        let ours = self.growth(OURS, MANY_TRACES).await;
        // The reference grows so fast that it is filled with a tenth.
        let reference = self.growth(Subject::Reference, MANY_TRACES / 10).await;
        self.promise(
            "CPU of GET /traces/recent at 50,000 traces / at 10",
            recent[2] / recent[0],
            Bound::AtMost(1.5),
        );
        self.promise("CPU per log at 50,000 live traces / at none", ours, Bound::AtMost(1.1));
        self.promise(
            "  the same of the reference, at 5,000 / at none (for comparison)",
            reference,
            Bound::AtLeast(0.0),
        );
    }

    /// How many times the CPU a log costs that `many` other live traces cause.
    async fn growth(&mut self, subject: Subject, many: u64) -> f64 {
        let worlds = [World::start(subject, NOW, &[]).await, World::start(subject, NOW, &[]).await];
        let port = worlds[1].worker.port();
        let filled = match subject {
            OURS => load::exactly(port, 4, many / 500, 0, &cases::spread(500)).await,
            _ => load::exactly(port, CONNECTIONS, many, 0, &cases::unique()).await,
        };
        assert_eq!(filled.refused, 0, "not all of the other traces are there");
        worlds[1].drained().await;
        let hot = cases::hot(20, 44);
        let mut loops = [0, many].map(|live| {
            Loop::new(
                &format!("singles over 20 hot traces, {live} others live"),
                subject,
                CONNECTIONS,
                1,
                &hot,
            )
        });
        STEADY.alternate(&mut loops, &worlds, self.pace.measured).await;
        let [few, full] = loops.map(|each| self.take(each.row()));
        self.rows[full].cpu_us / self.rows[few].cpu_us
    }

    async fn shards(&mut self) {
        for shards in [1, 4, 16] {
            let world = World::start(Subject::Ours(shards), NOW, &[]).await;
            let row =
                cases::closed(&world, "unique traces, c64, Redis 0 ms", 64, 1, self.pace, &cases::unique())
                    .await;
            self.take(row);
        }
    }

    /// What viewers of the live tail cost those who post; with and without them in turn, in one world.
    async fn viewers(&mut self) {
        let world = World::start(OURS, NOW, &[]).await;
        let traces: Vec<String> = (0..20).map(|n| format!("trace_hot_{n:04}")).collect();
        let mut rounds = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            for (rows, count) in rounds.iter_mut().zip([0, VIEWERS]) {
                let viewers = Viewers::open(world.worker.port(), count, &traces);
                let name = format!("open loop at {WATCHED_RATE}/s, {count} viewers");
                let row = cases::open(&world, &name, WATCHED_RATE, 1, self.pace, &cases::hot(20, 44)).await;
                if count > 0 {
                    report::line(format_args!("  {} frames to {count} viewers", viewers.frames()));
                }
                rows.push(row);
            }
        }
        let [none, some] = rounds.map(|mut rows| {
            rows.sort_by(|a, b| a.p50_ms.total_cmp(&b.p50_ms));
            self.take(rows.swap_remove(ROUNDS / 2))
        });
        let ratio = self.rows[some].p50_ms / self.rows[none].p50_ms;
        self.promise("200 viewers: p50 of posts / without any", ratio, Bound::AtMost(1.2));
    }

    async fn cost(&mut self) {
        let forms = [
            ("people, posted singly", Form::Singly, 2.00),
            ("people, batches of 20 per trace", Form::PerTrace(20), 0.50),
            ("people, batches of 500", Form::Mixed(500), 0.10),
        ];
        for (name, form, most) in forms {
            let world = World::start(OURS, SLOW, &[]).await;
            let row = cases::people(&world, name, form, self.pace).await;
            let (dollars, commands) =
                (row.dollars.unwrap_or(f64::NAN), row.used.redis_commands / row.used.logs);
            let visible = row.visible_p99_ms.unwrap_or(f64::NAN);
            self.take(row);
            self.promise(&format!("{name}: dollars per million logs"), dollars, Bound::AtMost(most));
            if form == Form::Singly {
                self.promise(&format!("{name}: Redis commands per log"), commands, Bound::AtMost(0.25));
                self.promise(
                    &format!("{name}: ms from acknowledgement to LIST, p99"),
                    visible,
                    Bound::AtMost(1_000.0),
                );
            }
        }
        let world = World::start(Subject::Reference, SLOW, &[]).await;
        let row = cases::people(&world, "people, posted singly", Form::Singly, self.pace).await;
        self.take(row);
        let world = World::start(OURS, SLOW, &[]).await;
        let lone = Pace { measured: self.pace.replayed / 2, ..self.pace };
        let row = cases::open(&world, "one lone log a second", 1.0, 1, lone, &cases::hot(1, 44)).await;
        self.take(row);
    }

    /// From the start of the process to the first 200, of both in turn.
    async fn cold(&mut self) {
        let subjects = [OURS, Subject::HelloRust];
        let mut worlds = Vec::new();
        for subject in subjects {
            worlds.push(World::start(subject, NOW, &[]).await);
        }
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..STARTS {
            for (world, times) in worlds.iter_mut().zip(&mut times) {
                world.worker.stop().await;
                let begun = Instant::now();
                world.worker.restart().await.expect("workerd starts again");
                let answer =
                    load::send(&mut None, world.worker.port(), ("GET", "/".into(), String::new())).await;
                assert_eq!(answer, Some(200));
                times.push(begun.elapsed());
                world.worker.stop().await;
            }
        }
        let [ours, hello] = times.map(|mut times| {
            times.sort_unstable();
            times[STARTS / 2].as_secs_f64()
        });
        report::line(format_args!(
            "cold start: {:.0} ms, of a hello-world in Rust {:.0} ms",
            ours * 1_000.0,
            hello * 1_000.0
        ));
        self.promise("cold start / a hello-world built the same way", ours / hello, Bound::AtMost(1.5));
    }

    async fn quota(&mut self) {
        let quota = [("RATE_LIMIT_GLOBAL", "5000")];
        let world = World::start(Subject::Ours(16), NOW, &quota).await;
        let before = world.count(0, 0).await;
        let load = load::exactly(world.worker.port(), 64, 20_000, 0, &cases::unique()).await;
        let after = world.count(load.answered, load.answered).await;
        let stored = world.between(&before, &after).logs;
        report::line(format_args!(
            "quota of 5,000 over 16 shards, 20,000 posts by 64 connections: {stored} stored, {} refused",
            load.refused
        ));
        self.promise(
            "quota of 5,000 over 16 shards, 20,000 posts: stored, at most",
            stored,
            Bound::AtMost(5_000.0),
        );
        self.promise("  at least", stored, Bound::AtLeast(4_950.0));
    }
}
