//! What goes wrong, at which call and which time.

use std::{sync::Mutex, time::Duration};

/// What happens to a call.
#[derive(Debug, Clone)]
pub enum Action {
    /// It is not executed and answered with this status, code and message.
    Refuse(u16, u32, &'static str),
    /// It is not executed and answered 429; with the seconds of `Retry-After` when given.
    Busy(Option<u32>),
    /// It is not executed, and the body of the answer is no JSON.
    Garbage,
    /// It is not executed, and nothing is ever answered.
    Hang,
    /// It is not executed, and the connection closes.
    Close,
    /// It is executed, and the connection closes instead of the answer.
    LoseAnswer,
    /// It is executed, and nothing is ever answered.
    ExecuteAndHang,
    /// It is executed this much later.
    Delay(Duration),
    /// From this call on deployments are accepted and never take effect.
    Freeze,
    /// From this call on deployments take this long to reach the front.
    Slow(Duration),
    /// It is executed and answered; from then on the API answers 500 to everything.
    DownAfter,
    /// Before it is executed, someone else deploys a version of their own to this Worker.
    SomeoneDeploys(String),
}

/// One thing that goes wrong.
#[derive(Debug)]
pub struct Fault {
    method: &'static str,
    path: String,
    times: std::ops::Range<usize>,
    action: Action,
    seen: usize,
}

impl Fault {
    /// At every such call. The path is what follows `/accounts/ID` (or `/client/v4` where that is absent), without the
    /// query; `*` stands for anything within one segment.
    pub fn at(method: &'static str, path: impl Into<String>, action: Action) -> Fault {
        Fault { method, path: path.into(), times: 0..usize::MAX, action, seen: 0 }
    }

    /// Only at the n-th such call, the first being 1.
    pub fn nth(mut self, nth: usize) -> Fault {
        self.times = nth - 1..nth;
        self
    }

    /// From the n-th such call on, the first being 1.
    pub fn from(mut self, nth: usize) -> Fault {
        self.times = nth - 1..usize::MAX;
        self
    }
}

/// Every fault that is planted.
#[derive(Debug, Default)]
pub struct Faults {
    planted: Mutex<Vec<Fault>>,
}

impl Faults {
    pub fn plant(&self, fault: Fault) {
        self.planted.lock().unwrap().push(fault);
    }

    /// What happens to this call. Each fault counts the calls that it fits.
    pub fn strike(&self, method: &str, path: &str) -> Option<Action> {
        let mut struck = None;
        for fault in self.planted.lock().unwrap().iter_mut() {
            if fault.method != method || !fits(&fault.path, path) {
                continue;
            }
            let time = fault.seen;
            fault.seen += 1;
            if struck.is_none() && fault.times.contains(&time) {
                struck = Some(fault.action.clone());
            }
        }
        struck
    }
}

fn fits(pattern: &str, path: &str) -> bool {
    let (mut wanted, mut segments) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), segments.next()) {
            (None, None) => return true,
            (Some(wanted), Some(segment)) if wanted == "*" || wanted == segment => {}
            _ => return false,
        }
    }
}
