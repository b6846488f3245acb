//! The owner of a shard, as `edge::buffer` is one, over storage in memory.

use super::redis::Redis;
use crate::buffer::row::{Meta as ShardMeta, ROW_MAX_BYTES, Row, RowHead};
use crate::buffer::wire::{ClearReply, Outcome, ReadHead, Room, Summary};
use crate::buffer::{Loader, Page, Shard, ShardSettings, Step};
use crate::entry::{Meta, System};
use crate::quota::{Ledger, Limits};
use crate::read::Trace;
use crate::redis::{Commands, Failure, Item};
use std::collections::BTreeMap;

pub const LIMITS: Limits = Limits { global: 60, systems: [30, 20, 20, 10], trace: 12 };

/// What becomes of a request to Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is executed and answered.
    None,
    /// It fails without having been executed.
    Lost,
    /// It is executed, and the answer is lost.
    AnswerLost,
    /// It is given up, and executed so many requests later.
    Late(u8),
    /// It is refused for now.
    Busy,
    /// It is refused for what is in it.
    Refused,
    /// One of its items is answered with an error.
    Item(u8),
}

/// One owner.
pub struct Owner {
    pub now: i64,
    pub settings: ShardSettings,
    pub redis: Redis,
    pub ledger: Ledger,
    pub ledger_reachable: bool,
    pub shard: Shard,
    pub rows: BTreeMap<i64, Row<'static>>,
    pub pages: BTreeMap<i64, Page>,
    pub meta: Option<ShardMeta>,
    /// Bodies that will be executed yet: after so many further requests, or at that time.
    pub late: Vec<(u8, i64, Vec<u8>)>,
    /// Whether a late execution happened.
    pub came_late: bool,
    /// Whether Redis lost something that it was told to keep.
    pub lost: bool,
    /// Highest number of a request's bytes.
    pub largest: usize,
    /// A trace whose list is more than Redis answers with: who asks for it is refused.
    pub huge: Option<&'static str>,
}

impl Owner {
    pub fn new(limits: Limits) -> Owner {
        let now = 1_000_000_000_000;
        let settings = ShardSettings {
            shard: 0,
            shards: 1,
            limits,
            buffer_max_bytes: 64 << 20,
            flush_delay_ms: 200,
            seed: 7,
        };
        let mut owner = Owner {
            now,
            shard: Loader::new(settings.clone(), None, now).finish(),
            settings,
            redis: Redis::default(),
            ledger: Ledger::new(limits, now),
            ledger_reachable: true,
            rows: BTreeMap::new(),
            pages: BTreeMap::new(),
            meta: None,
            late: Vec::new(),
            came_late: false,
            lost: false,
            largest: 0,
            huge: None,
        };
        owner.checkpoint();
        owner
    }

    pub fn append(&mut self, entries: &[(Meta<'static>, Vec<u8>)]) -> Vec<Outcome> {
        let entries: Vec<(Meta<'static>, &[u8])> =
            entries.iter().map(|(m, json)| (m.clone(), json.as_slice())).collect();
        let wanted = self.shard.wanted(entries.iter().map(|(meta, _)| meta), self.now);
        let mut asked = 0;
        while let Some(request) = self.shard.lease_request(wanted, self.now) {
            asked += 1;
            assert!(asked <= 8, "it asks for leases without end");
            let reply = self.ledger_reachable.then(|| self.ledger.lease(&request, self.now));
            self.shard.lease_answer(&request, reply.as_ref(), self.now);
        }
        if !self.shard.is_ready() {
            // The owner refuses all of them.
            return vec![Outcome::Full { of: Room::Waiting }; entries.len()];
        }
        let appended = self.shard.append(entries.clone(), self.now);
        for row in appended.rows {
            let head = row.head.to_json();
            assert_eq!(RowHead::read(&head).unwrap(), row.head);
            assert!(
                head.len() + row.body.len() <= ROW_MAX_BYTES,
                "a row of {} bytes",
                head.len() + row.body.len()
            );
            if let Some(over) = self.rows.get(&row.slot) {
                assert!(over.head.seq != row.head.seq);
                for (seq, meta, _) in over.entries() {
                    let waits = self.shard.waiting_of(&meta.trace_id).any(|entry| entry.seq == seq);
                    assert!(!waits, "a slot is overwritten while entry {seq} waits in it");
                }
            }
            self.rows.insert(row.slot, row);
        }
        if self.shard.wants_checkpoint(false) {
            self.checkpoint();
        }
        appended.outcomes
    }

    pub fn checkpoint(&mut self) {
        let meta = self.shard.take_checkpoint(self.now, |page| {
            assert!(page.lines.len() <= ROW_MAX_BYTES, "a page of {} bytes", page.lines.len());
            self.pages.insert(page.slot, page);
            Ok::<(), ()>(())
        });
        self.meta = Some(meta.unwrap());
    }

    pub fn crash(&mut self) {
        self.settings.seed += 1;
        let mut loader = Loader::new(self.settings.clone(), self.meta.clone(), self.now);
        let counts = loader.pages();
        self.pages.retain(|_, page| page.number <= *counts.end());
        let mut pages: Vec<_> = self.pages.values().collect();
        pages.sort_by_key(|page| page.number);
        for page in pages {
            if counts.contains(&page.number) {
                loader.page(page).unwrap();
            } else {
                loader.free_page(page.slot);
            }
        }
        let mut rows: Vec<_> = self.rows.values().collect();
        rows.sort_by_key(|row| row.head.seq);
        for row in rows {
            loader.row(row.slot, &row.head);
        }
        self.shard = loader.finish();
    }

    pub fn pass(&mut self, ms: i64) {
        let until = self.now + ms;
        if ms > 60_000 && self.shard.pending() == 0 && self.shard.wants_checkpoint(true) {
            // The alarm goes off.
            self.checkpoint();
        }
        while let Some(at) = self.late.iter().map(|late| late.1).filter(|at| *at <= until).min() {
            self.now = self.now.max(at);
            self.late_ones(|late, now| late.1 <= now);
        }
        self.now = until;
    }

    fn late_ones(&mut self, due: impl Fn(&(u8, i64, Vec<u8>), i64) -> bool) {
        let now = self.now;
        let (come, stay) = std::mem::take(&mut self.late).into_iter().partition(|late| due(late, now));
        self.late = stay;
        let come: Vec<(u8, i64, Vec<u8>)> = come;
        for (_, _, body) in come {
            self.came_late = true;
            // What deletes may take something away.
            self.lost |= body.windows(5).any(|bytes| bytes == b"\"DEL\"");
            self.redis.execute(&body, None, now);
        }
    }

    fn ask(&mut self, commands: Commands, fault: Fault) -> Result<Vec<Item>, Failure> {
        for late in &mut self.late {
            late.0 = late.0.saturating_sub(1);
        }
        self.late_ones(|late, _| late.0 == 0);
        let count = commands.len();
        let body = commands.into_body();
        if std::env::var("SHOW").is_ok() {
            eprintln!("{} {fault:?} {}", self.now, String::from_utf8_lossy(&body));
        }
        self.largest = self.largest.max(body.len());
        assert!(body.len() < 8_000_000, "a request of {} bytes", body.len());
        let refused = || Err(Failure::Refused { status: 413, said: "too large".to_string() });
        let asks =
            |trace: &str| String::from_utf8_lossy(&body).contains(&format!(r#""LRANGE","logs:{trace}""#));
        if self.huge.is_some_and(asks) {
            return refused();
        }
        let unknown = Err(Failure::Uncertain("no answer".to_string()));
        match fault {
            Fault::None => Ok(self.redis.execute(&body, None, self.now)),
            Fault::Item(at) => Ok(self.redis.execute(&body, Some(usize::from(at) % count), self.now)),
            Fault::Lost => unknown,
            Fault::AnswerLost => {
                self.redis.execute(&body, None, self.now);
                unknown
            }
            Fault::Late(after) => {
                self.late.push((after, self.now + 90_000, body));
                unknown
            }
            Fault::Busy => Err(Failure::Refused { status: 429, said: "busy".to_string() }),
            Fault::Refused => refused(),
        }
    }

    /// One step; false when nothing was due.
    pub fn step(&mut self, fault: Fault) -> bool {
        for _ in 0..20 {
            match self.shard.step(self.now, false) {
                Step::Rest => {
                    assert!(self.shard.wake_at().is_none_or(|at| at > self.now), "due, and nothing to do");
                    return false;
                }
                Step::Load(slots) => {
                    for slot in slots {
                        if let Some(row) = self.rows.get(&slot) {
                            self.shard.supply(row);
                        }
                    }
                }
                Step::Ask(commands, _) => {
                    let answer = self.ask(commands, fault);
                    self.shard.settle(answer, self.now);
                    if self.shard.wants_checkpoint(false) {
                        self.checkpoint();
                    }
                    return true;
                }
            }
        }
        panic!("it loads and loads");
    }

    /// Lets a healthy Redis and time do their work until nothing is left to do.
    pub fn rest(&mut self) {
        for _ in 0..20_000 {
            if self.step(Fault::None) {
                self.pass(5);
            } else if let Some(at) = self.shard.wake_at() {
                self.pass((at - self.now).max(1));
            } else if self.late.is_empty() {
                if self.shard.wants_checkpoint(true) {
                    self.checkpoint();
                }
                return;
            } else {
                self.pass(1_000);
            }
        }
        panic!("it never rests: {:?}", self.shard);
    }

    /// A clear as the Durable Object does it; `during` runs between the deletion and what follows it.
    pub fn clear(
        &mut self,
        trace_id: Option<&str>,
        fault: Fault,
        during: impl FnOnce(&mut Owner),
    ) -> Option<(ClearReply, u64)> {
        let (mark, requests) = (self.shard.mark(), self.shard.clear_requests(trace_id));
        for commands in requests {
            let answer = self.ask(commands, fault);
            let refused =
                answer.as_ref().is_ok_and(|items| Shard::undeleted(items, trace_id.is_some()).is_some());
            if answer.is_err() || refused {
                self.lost |= matches!(fault, Fault::AnswerLost | Fault::Item(_));
                self.shard.clear_failed(self.now);
                return None;
            }
        }
        during(self);
        for slot in self.shard.slots_to_fence(mark) {
            let head = self.rows[&slot].head.clone();
            self.shard.fence(trace_id, mark, &head, self.now);
        }
        let slots = trace_id.map(|trace_id| self.shard.slots_of(trace_id));
        let reply = self.shard.cleared(trace_id, mark, self.now);
        match (trace_id, slots) {
            (Some(trace_id), Some(slots)) => {
                for slot in slots {
                    let row = self.rows.get_mut(&slot).unwrap();
                    row.clear(|seq, meta| seq <= mark && meta.trace_id == trace_id);
                }
            }
            _ => self.rows.values_mut().filter(|row| row.head.seq <= mark).for_each(|row| row.body.clear()),
        }
        let mut younger: Vec<_> = self.rows.values().filter(|row| row.head.seq > mark).collect();
        younger.sort_by_key(|row| row.head.seq);
        for row in younger {
            self.shard.count_again(trace_id, &row.head);
        }
        self.checkpoint();
        if trace_id.is_none() {
            // What a scan finds that no live trace owns is swept.
            let owned = |trace: &str| self.shard.owns(trace);
            self.redis.sweep(owned);
        }
        Some((reply, mark))
    }

    fn buffered(&mut self, trace_id: &str, all: bool) -> (ReadHead, Vec<String>) {
        let head = self.shard.read_head(trace_id, self.now);
        let waiting = (!all).then(|| self.shard.waiting_seqs(trace_id));
        let (mut entries, mut slots) = self.shard.waiting_entries(trace_id);
        if all {
            slots.extend(self.shard.slots_of(trace_id));
            if !head.doubtful {
                self.shard.found_short(trace_id, self.now);
            }
        }
        for slot in slots {
            self.shard.pick(&self.rows[&slot], trace_id, waiting.as_ref(), &mut entries);
        }
        (head, entries.into_values().map(|json| String::from_utf8(json).unwrap()).collect())
    }

    /// A trace as `GET /logs` shows it, by id, in the order of arrival; `None` when Redis cannot tell.
    pub fn read(&mut self, trace_id: &str) -> Option<Vec<String>> {
        if self.redis.wrong.contains(&crate::redis::list_key(trace_id)) {
            return None;
        }
        let (head, waiting) = self.buffered(trace_id, false);
        let stored = self.redis.list(trace_id, self.now);
        let mut trace = Trace::default();
        trace.hide(head.cleared.iter().cloned());
        stored.iter().for_each(|element| trace.push(element));
        waiting.iter().for_each(|element| trace.push(element));
        if head.doubtful || (trace.len() as u64) < head.flushed + waiting.len() as u64 {
            let (head, kept) = self.buffered(trace_id, true);
            trace = Trace::default();
            trace.hide(head.cleared);
            stored.iter().chain(&kept).for_each(|element| trace.push(element));
        }
        Some(ids(&trace.select()))
    }

    pub fn summary(&self, trace_id: &str) -> Option<Summary> {
        self.shard.recent(usize::MAX, self.now).into_iter().find(|summary| summary.id == trace_id)
    }
}

pub fn ids(elements: &[String]) -> Vec<String> {
    let id = |json: &String| {
        serde_json::from_str::<serde_json::Value>(json).unwrap()["id"].as_str().unwrap().to_string()
    };
    elements.iter().map(id).collect()
}

/// An entry with this much text.
pub fn entry(
    trace: &str,
    id: &str,
    system: System,
    error: bool,
    timestamp: i64,
    size: usize,
) -> (Meta<'static>, Vec<u8>) {
    let json = format!(
        r#"{{"id":"{id}","trace_id":"{trace}","system":"{}","level":"{}","message":"{}","timestamp":{timestamp}}}"#,
        system.as_str(),
        if error { "error" } else { "log" },
        "x".repeat(size),
    );
    let len = u32::try_from(json.len()).unwrap();
    let meta =
        Meta { id: id.to_string().into(), trace_id: trace.to_string().into(), system, error, timestamp, len };
    (meta, json.into_bytes())
}
