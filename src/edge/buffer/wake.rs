//! Wake-ups: the timer that paces flushes, the alarm behind it, and the steps towards Redis they take.

use super::Inner;
use crate::buffer::{Mode, Shard, Step};
use crate::edge::now;
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen_futures::spawn_local;
use worker::{Delay, Result, console_error, console_log};

/// While something waits, an alarm is set at most this far ahead, in ms: how long a backlog can lie still when the
/// object is evicted or its code breaks. A flush in time comes from a timer and costs no alarm.
const ALARM_MS: i64 = 8_000;

/// A timer longer than this is left to the alarm, in ms.
const TIMER_MAX_MS: i64 = 30_000;

impl Inner {
    /// Sets the alarm, when it is not set to go off by then.
    async fn arm(&self, at: i64) -> Result<()> {
        self.state
            .storage()
            .set_alarm(worker::ScheduledTime::new(js_sys::Date::new(&(at as f64).into())))
            .await?;
        self.alarm_at.set(Some(at));
        self.with(|shard| shard.counters().rows_written += 1)
    }

    /// Sees to it that the alarm goes off soon.
    pub(super) async fn arm_soon(&self, now: i64) -> Result<()> {
        if self.alarm_at.get().is_none_or(|at| at > now + ALARM_MS) {
            self.arm(now + ALARM_MS).await?;
        }
        Ok(())
    }

    /// As [`Inner::arm_soon`], if something waits.
    pub(super) async fn wake(&self) -> Result<()> {
        if self.with(|shard| shard.wake_at().is_some())? { self.arm_soon(now()).await } else { Ok(()) }
    }

    pub(super) async fn alarm(self: &Rc<Self>) {
        let _awake = self.awake.hold();
        self.alarm_at.set(None);
        if let Err(error) = self.on_alarm().await {
            console_error!("alarm: {error}");
            // Storage failed, or the configuration cannot be used: come back rather than leave a backlog lying.
            if let Err(error) = self.arm(now() + ALARM_MS).await {
                console_error!("alarm: it could not be set again: {error}");
            }
        }
    }

    async fn on_alarm(self: &Rc<Self>) -> Result<()> {
        self.with(|shard| shard.counters().alarms += 1)?;
        self.wake().await?;
        self.run(false).await;
        let now = now();
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
    pub(super) fn schedule(self: &Rc<Self>) {
        let now = now();
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
        let awake = self.awake.hold();
        spawn_local(async move {
            let _awake = awake;
            Delay::from(Duration::from_millis(u64::try_from(delay).unwrap_or(0))).await;
            if inner.timer.get() == timer {
                inner.timer_at.set(None);
                inner.run(false).await;
            }
        });
    }

    /// Takes every step that is due, one after the other.
    pub(super) async fn run(self: &Rc<Self>, hurry: bool) {
        if self.running.replace(true) {
            return;
        }
        let steps = self.steps(hurry).await;
        self.running.set(false);
        match steps {
            Ok(()) => self.schedule(),
            // No Redis is configured, or storage failed: the same would happen at once again. The alarm comes back.
            Err(error) => console_error!("flush: {error}"),
        }
    }

    async fn steps(self: &Rc<Self>, hurry: bool) -> Result<()> {
        loop {
            let _redis = self.redis.lock().await;
            match self.with(|shard| shard.step(now(), hurry))? {
                Step::Rest => return Ok(()),
                Step::Load(slots) => {
                    for row in self.storage.rows(&slots) {
                        let row = row?;
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
                    self.with(|shard| shard.settle(answer, now()))?;
                    if self.with(|shard| shard.wants_checkpoint(false))? {
                        self.checkpoint()?;
                    }
                }
            }
        }
    }
}
