//! `LogBuffer`: the object of one shard. A shell over [`Shard`]: it gathers requests into one transaction, carries
//! out the steps towards Redis, and sees to it that there is always a next wake-up while something waits.
//!
//! What it stores, and when it cleans up: [`crate::buffer::row`].

use super::hop;
use super::limiter;
use super::settings;
use super::storage::Storage;
use crate::buffer::wire::{
    self, AppendReply, ClearQuery, ClearReply, RecentQuery, RecentReply, SweepQuery, TraceQuery,
};
use crate::buffer::{Mode, Shard, ShardSettings, Step};
use crate::config::Config;
use crate::quota::LeaseReply;
use crate::redis::{Client, Commands, list_key};
use futures_channel::oneshot;
use futures_util::lock::Mutex;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen_futures::spawn_local;
use worker::{
    Delay, DurableObject, Env, Request, Response, ResponseBuilder, Result, State, console_error, console_log,
    durable_object,
};

/// While something waits, an alarm is set at most this far ahead, in ms: how long a backlog can lie still when the
/// object is evicted or its code breaks. A flush in time comes from a timer and costs no alarm.
const ALARM_MS: i64 = 8_000;

/// A timer longer than this is left to the alarm, in ms.
const TIMER_MAX_MS: i64 = 30_000;

/// How long the first request of a group waits for others to share its transaction, in ms. 0 is one turn of the
/// event loop: every request that has arrived by then is in.
const GROUP_MS: u64 = 0;

/// Leases asked for before one group is judged at most: two for each system. More would keep it waiting.
const LEASES_MAX: usize = 8;

/// Bytes of a page of wasm memory (WebAssembly core specification, section 4.2.8).
const WASM_PAGE_BYTES: usize = 65_536;

/// One shard of the buffer.
#[durable_object(alarm)]
pub struct LogBuffer {
    inner: Rc<Inner>,
}

impl DurableObject for LogBuffer {
    fn new(state: State, env: Env) -> Self {
        LogBuffer { inner: Rc::new(Inner::new(state, env)) }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let path = request.path();
        let body = request.bytes().await?;
        let answer = self.inner.answer(&path, body).await;
        match answer {
            Ok(body) => Ok(ResponseBuilder::new().fixed(body)),
            Err(Refusal { status, why }) => {
                console_error!("buffer {path}: {status} {why}");
                Ok(Response::ok(why)?.with_status(status))
            }
        }
    }

    async fn alarm(&self) -> Result<Response> {
        // Never fails: the platform stops repeating an alarm that throws (Cloudflare, "Alarms").
        self.inner.alarm().await;
        Response::ok("")
    }
}

/// Why a request to the shard has no answer; for the worker's log, not for clients.
struct Refusal {
    status: u16,
    why: String,
}

impl<E: std::fmt::Display> From<E> for Refusal {
    fn from(error: E) -> Refusal {
        Refusal { status: 500, why: error.to_string() }
    }
}

type Answered = std::result::Result<Vec<u8>, Refusal>;

/// An append that waits for its group.
struct Waiter {
    body: Vec<u8>,
    answer: oneshot::Sender<std::result::Result<AppendReply, String>>,
}

struct Inner {
    state: State,
    env: Env,
    storage: Storage,
    /// `None` before the first use, and after storage failed: then it is loaded anew.
    shard: RefCell<Option<Shard>>,
    group: RefCell<Vec<Waiter>>,
    /// Held by the one that commits a group.
    commit: Mutex<()>,
    /// Held by the one that talks to Redis for this shard.
    redis: Mutex<()>,
    running: Cell<bool>,
    /// When the timer that is set goes off, Unix ms.
    timer_at: Cell<Option<i64>>,
    /// Tells the newest timer from those it replaced.
    timer: Cell<u64>,
    /// When the alarm that is set goes off, Unix ms.
    alarm_at: Cell<Option<i64>>,
    last_append: Cell<i64>,
    /// What was redacted from logs posted here, by rule.
    redactions: RefCell<BTreeMap<String, u64>>,
}

impl Inner {
    fn new(state: State, env: Env) -> Inner {
        let storage = Storage::new(state.storage().sql());
        Inner {
            state,
            env,
            storage,
            shard: RefCell::new(None),
            group: RefCell::new(Vec::new()),
            commit: Mutex::new(()),
            redis: Mutex::new(()),
            running: Cell::new(false),
            timer_at: Cell::new(None),
            timer: Cell::new(0),
            alarm_at: Cell::new(None),
            last_append: Cell::new(0),
            redactions: RefCell::new(BTreeMap::new()),
        }
    }

    async fn answer(self: &Rc<Self>, path: &str, body: Vec<u8>) -> Answered {
        match path {
            wire::APPEND => self.append(body).await,
            wire::READ => self.read(&body, false),
            wire::RETAINED => self.read(&body, true),
            wire::RECENT => {
                let query: RecentQuery = serde_json::from_slice(&body)?;
                let traces = self.with(|shard| shard.recent(query.limit, super::now()))?;
                Ok(serde_json::to_vec(&RecentReply { v: wire::VERSION, traces })?)
            }
            wire::CLEAR => {
                let query: ClearQuery = serde_json::from_slice(&body)?;
                self.clear(query.trace_id.as_deref()).await
            }
            wire::SWEEP => {
                let query: SweepQuery = serde_json::from_slice(&body)?;
                self.sweep(query).await
            }
            wire::STATUS => self.status(),
            wire::DRAIN => {
                self.wake().await?;
                self.run(true).await;
                self.status()
            }
            #[cfg(feature = "fault-injection")]
            "/fault/trap" => std::process::abort(),
            _ => Err(Refusal { status: 404, why: "not found".to_string() }),
        }
    }

    /// Works on the shard, after loading it if need be.
    fn with<T>(&self, work: impl FnOnce(&mut Shard) -> T) -> Result<T> {
        let mut shard = self.shard.borrow_mut();
        if shard.is_none() {
            *shard = Some(self.storage.load(self.settings()?, super::now())?);
        }
        match shard.as_mut() {
            Some(shard) => Ok(work(shard)),
            None => Err("the shard is not loaded".into()),
        }
    }

    fn config(&self) -> Result<Rc<Config>> {
        settings::config(&self.env).map_err(|problems| {
            let named: Vec<String> = problems.iter().map(ToString::to_string).collect();
            named.join("; ").into()
        })
    }

    fn settings(&self) -> Result<ShardSettings> {
        let config = self.config()?;
        let name = self.state.id().name().unwrap_or_default();
        let shard = name.strip_prefix("shard-").and_then(|number| number.parse().ok());
        // An object that an alarm woke may not know its name: then its number is found among all names.
        let by_id = || (0..config.shards).find(|&shard| self.is_shard(shard).unwrap_or(false));
        Ok(ShardSettings {
            shard: shard.or_else(by_id).unwrap_or(0),
            shards: config.shards,
            limits: config.limits,
            buffer_max_bytes: config.buffer_max_bytes,
            flush_delay_ms: config.flush_delay_ms,
            seed: seed(),
        })
    }

    fn is_shard(&self, shard: u32) -> Result<bool> {
        let named = self.env.durable_object(wire::BINDING)?;
        Ok(named.id_from_name(&wire::shard_name(shard))?.to_string() == self.state.id().to_string())
    }

    fn client(&self) -> Result<Client> {
        let config = self.config()?;
        let access = config.redis.clone().ok_or("no Redis is configured")?;
        Ok(Client::new(access, config.redis_timeout_ms))
    }

    /// Waits for its group, and answers once the group's rows are durable: the platform holds every answer back
    /// until the writes before it are.
    async fn append(self: &Rc<Self>, body: Vec<u8>) -> Answered {
        let (answer, answered) = oneshot::channel();
        let leads = {
            let mut group = self.group.borrow_mut();
            group.push(Waiter { body, answer });
            group.len() == 1
        };
        if leads {
            Delay::from(Duration::from_millis(GROUP_MS)).await;
            let _commit = self.commit.lock().await;
            let group = self.group.take();
            self.commit(group).await;
        }
        let reply = answered.await.map_err(|_| "the group was lost")??;
        Ok(serde_json::to_vec(&reply)?)
    }

    async fn commit(self: &Rc<Self>, group: Vec<Waiter>) {
        let mut entries = Vec::new();
        let mut waiters = Vec::new();
        for Waiter { body, .. } in &group {
            match wire::decode_append(body) {
                Ok((decoded, redactions)) => {
                    waiters.push(Ok(decoded.len()));
                    entries.extend(decoded);
                    for (rule, count) in redactions {
                        *self.redactions.borrow_mut().entry(rule).or_default() += count;
                    }
                }
                Err(why) => waiters.push(Err(why)),
            }
        }
        let stored = self.store(&entries).await;
        drop(entries);
        let (mut outcomes, window_end, failed) = match stored {
            Ok((outcomes, window_end)) => (outcomes.into_iter(), window_end, None),
            Err(error) => {
                // What memory holds may not be what storage holds.
                self.shard.take();
                (Vec::new().into_iter(), 0, Some(error.to_string()))
            }
        };
        for (Waiter { answer, .. }, decoded) in group.into_iter().zip(waiters) {
            let reply = match (decoded, &failed) {
                (Err(why), _) => Err(why),
                (Ok(_), Some(error)) => Err(error.clone()),
                (Ok(count), None) => {
                    let outcomes = outcomes.by_ref().take(count).collect();
                    Ok(AppendReply { v: wire::VERSION, outcomes, window_end })
                }
            };
            // A sender that is gone has timed out and will ask again.
            let _ = answer.send(reply);
        }
        self.schedule();
    }

    async fn store(
        self: &Rc<Self>,
        entries: &[(crate::entry::Meta, &[u8])],
    ) -> Result<(Vec<wire::Outcome>, i64)> {
        let wanted = self.with(|shard| shard.wanted(entries.iter().map(|(meta, _)| meta), super::now()))?;
        for _ in 0..LEASES_MAX {
            let Some(request) = self.with(|shard| shard.lease_request(wanted, super::now()))? else { break };
            let reply = self.lease(&request).await;
            self.with(|shard| shard.lease_answer(&request, reply.as_ref(), super::now()))?;
        }
        if !self.with(|shard| shard.is_ready())? {
            return Err("the quota's keeper does not answer, and never has".into());
        }
        let now = super::now();
        if self.alarm_at.get().is_none_or(|at| at > now + ALARM_MS) {
            self.arm(now + ALARM_MS).await?;
        }
        let appended = self.with(|shard| shard.append(entries, now))?;
        self.storage.store(appended.rows)?;
        if self.with(|shard| shard.wants_checkpoint(false))? {
            self.checkpoint()?;
        }
        self.last_append.set(now);
        Ok((appended.outcomes, self.with(|shard| shard.window_end())?))
    }

    async fn lease(&self, request: &crate::quota::LeaseRequest) -> Option<LeaseReply> {
        let timeout = self.config().map_or(1_000, |config| config.hop_timeout_ms / 2);
        let body = serde_json::to_vec(request).ok()?;
        let stub = hop::object(&self.env, limiter::BINDING, limiter::NAME).ok()?;
        let payload = js_sys::Uint8Array::from(body.as_slice()).into();
        match hop::send(&stub, limiter::LEASE, &payload, timeout).await {
            Ok(body) => serde_json::from_slice(&body).ok(),
            Err(lost) => {
                console_error!("no lease: {lost}");
                None
            }
        }
    }

    fn checkpoint(&self) -> Result<()> {
        let checkpoint = self.with(|shard| shard.take_checkpoint(super::now()))?;
        // What memory holds is not what storage holds then: it is loaded anew.
        self.storage.checkpoint(&checkpoint).inspect_err(|_| drop(self.shard.take()))
    }

    fn read(self: &Rc<Self>, body: &[u8], all: bool) -> Answered {
        let TraceQuery { trace_id } = serde_json::from_slice(body)?;
        let now = super::now();
        let (head, mut entries, slots) = self.with(|shard| {
            let head = shard.read_head(&trace_id, now);
            let (entries, mut slots) = shard.waiting_entries(&trace_id);
            if all {
                slots.extend(shard.slots_of(&trace_id));
                slots.sort_unstable();
                slots.dedup();
                shard.found_short(&trace_id, now);
            }
            (head, entries, slots)
        })?;
        for row in self.storage.rows(&slots)? {
            self.with(|shard| shard.pick(&row, &trace_id, !all, &mut entries))?;
        }
        self.schedule();
        Ok(wire::encode_read(&head, entries.values().map(Vec::as_slice)))
    }

    fn status(&self) -> Answered {
        let mut status = self.with(|shard| shard.status(super::now()))?;
        status.version = settings::version(&self.env).0;
        status.storage_bytes = self.storage.size();
        status.redactions = self.redactions.borrow().clone();
        status.memory_bytes = (core::arch::wasm32::memory_size::<0>() * WASM_PAGE_BYTES) as u64;
        Ok(serde_json::to_vec(&status)?)
    }

    async fn clear(self: &Rc<Self>, trace_id: Option<&str>) -> Answered {
        let _redis = self.redis.lock().await;
        let (mark, requests) = self.with(|shard| (shard.mark(), shard.clear_requests(trace_id)))?;
        let mut first = None;
        for commands in requests {
            match self.ask(commands).await {
                Ok(items) => first.get_or_insert(items),
                Err(refusal) => {
                    self.with(|shard| shard.clear_failed(super::now()))?;
                    self.schedule();
                    return Err(refusal);
                }
            };
        }
        // From here on without a pause: all of it is one transaction.
        let now = super::now();
        let fenced = self.with(|shard| shard.slots_to_fence(mark))?;
        for head in self.storage.heads(&fenced)? {
            self.with(|shard| shard.fence(trace_id, mark, &head, now))?;
        }
        let slots = trace_id.map(|trace_id| self.with(|shard| shard.slots_of(trace_id))).transpose()?;
        let mut reply = self.with(|shard| shard.cleared(trace_id, mark, now))?;
        match (trace_id, slots) {
            (Some(trace_id), Some(slots)) => self.storage.clear_trace(&slots, trace_id, mark)?,
            _ => self.storage.clear_all(mark)?,
        }
        for head in self.storage.heads_after(mark)? {
            self.with(|shard| shard.count_again(trace_id, &head))?;
        }
        self.checkpoint()?;
        if let (Some(_), Some(items)) = (trace_id, first) {
            Shard::cleared_elsewhere(&mut reply, &items);
        }
        self.schedule();
        Ok(serde_json::to_vec(&reply)?)
    }

    /// Deletes lists that no live trace of this shard owns.
    async fn sweep(self: &Rc<Self>, query: SweepQuery) -> Answered {
        let _redis = self.redis.lock().await;
        let mut commands = Commands::new();
        let mut count = 0;
        for trace_id in &query.traces {
            if !self.with(|shard| shard.owns(trace_id))? {
                let key = list_key(trace_id);
                commands.push("LLEN", [key.as_str()]).push("DEL", [key.as_str()]);
                count += 1;
            }
        }
        let mut reply = ClearReply { v: wire::VERSION, ..ClearReply::default() };
        if count > 0 {
            for pair in self.ask(commands).await?.chunks(2) {
                let mut one = ClearReply::default();
                Shard::cleared_elsewhere(&mut one, pair);
                reply.traces += one.traces;
                reply.logs += one.logs;
            }
        }
        Ok(serde_json::to_vec(&reply)?)
    }

    async fn ask(&self, commands: Commands) -> std::result::Result<Vec<crate::redis::Item>, Refusal> {
        let count = commands.len() as u64;
        self.with(|shard| {
            shard.counters().redis_requests += 1;
            shard.counters().redis_commands += count;
        })?;
        self.client()?
            .pipeline(commands)
            .await
            .map_err(|failure| Refusal { status: 502, why: failure.to_string() })
    }

    /// Sets the alarm, when it is not set to go off by then.
    async fn arm(&self, at: i64) -> Result<()> {
        self.state
            .storage()
            .set_alarm(worker::ScheduledTime::new(js_sys::Date::new(&(at as f64).into())))
            .await?;
        self.alarm_at.set(Some(at));
        self.with(|shard| shard.counters().rows_written += 1)
    }

    /// Arms the alarm if something waits and none is set.
    async fn wake(&self) -> Result<()> {
        let now = super::now();
        if self.with(|shard| shard.wake_at().is_some())?
            && self.alarm_at.get().is_none_or(|at| at > now + ALARM_MS)
        {
            self.arm(now + ALARM_MS).await?;
        }
        Ok(())
    }

    async fn alarm(self: &Rc<Self>) {
        self.alarm_at.set(None);
        if let Err(error) = self.on_alarm().await {
            console_error!("alarm: {error}");
            // Storage failed, or the configuration cannot be used: come back rather than leave a backlog lying.
            if let Err(error) = self.arm(super::now() + ALARM_MS).await {
                console_error!("alarm: it could not be set again: {error}");
            }
        }
    }

    async fn on_alarm(self: &Rc<Self>) -> Result<()> {
        self.with(|shard| shard.counters().alarms += 1)?;
        self.wake().await?;
        self.run(false).await;
        let now = super::now();
        let busy = self.with(|shard| shard.wake_at().is_some())? || now - self.last_append.get() < ALARM_MS;
        if busy {
            if self.alarm_at.get().is_none() {
                self.arm(now + ALARM_MS).await?;
            }
            return Ok(());
        }
        if self.with(|shard| shard.idle_for_good(now))? {
            self.storage.delete_rows()?;
            self.with(Shard::rows_deleted)?;
            self.checkpoint()?;
        } else if self.with(|shard| shard.wants_checkpoint(true))? {
            self.checkpoint()?;
        }
        if let Some(at) = self.with(|shard| shard.idle_at())? {
            self.arm(at.max(now + ALARM_MS)).await?;
        }
        Ok(())
    }

    /// Sets a timer for the next step, if the one that is set comes too late.
    fn schedule(self: &Rc<Self>) {
        let now = super::now();
        let Ok(Some(at)) = self.with(|shard| shard.wake_at()) else { return };
        let delay = at.saturating_sub(now).max(0);
        if self.running.get()
            || delay > TIMER_MAX_MS
            || self.timer_at.get().is_some_and(|set| set <= now + delay)
        {
            return;
        }
        let timer = self.timer.get() + 1;
        self.timer.set(timer);
        self.timer_at.set(Some(now + delay));
        let inner = self.clone();
        spawn_local(async move {
            Delay::from(Duration::from_millis(u64::try_from(delay).unwrap_or(0))).await;
            if inner.timer.get() == timer {
                inner.timer_at.set(None);
                inner.run(false).await;
            }
        });
    }

    /// Takes every step that is due, one after the other.
    async fn run(self: &Rc<Self>, hurry: bool) {
        if self.running.replace(true) {
            return;
        }
        if let Err(error) = self.steps(hurry).await {
            console_error!("flush: {error}");
        }
        self.running.set(false);
        self.schedule();
    }

    async fn steps(self: &Rc<Self>, hurry: bool) -> Result<()> {
        loop {
            let _redis = self.redis.lock().await;
            match self.with(|shard| shard.step(super::now(), hurry))? {
                Step::Rest => return Ok(()),
                Step::Load(slots) => {
                    for row in self.storage.rows(&slots)? {
                        self.with(|shard| shard.supply(&row))?;
                    }
                }
                Step::Ask(commands, mode) => {
                    let client = self.client()?;
                    let answer = match mode {
                        Mode::Pipeline => client.pipeline(commands).await,
                        Mode::Transaction => client.transaction(commands).await,
                    };
                    if let Err(failure) = &answer {
                        console_log!("flush: {failure}");
                    }
                    self.with(|shard| shard.settle(answer, super::now()))?;
                    if self.with(|shard| shard.wants_checkpoint(false))? {
                        self.checkpoint()?;
                    }
                }
            }
        }
    }
}

fn seed() -> u64 {
    let mut bytes = [0; 8];
    // Without randomness hashing still works; it is only no secret how.
    let _ = getrandom::fill(&mut bytes);
    u64::from_le_bytes(bytes)
}
