//! What can go wrong on the way to Redis, switchable while the server runs.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::request::{Command, Request};
use super::store::writes;

/// One thing that goes wrong, for whom and how often.
///
/// As JSON: `{"kind":"status","status":500,"times":3,"only_writes":true}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What happens.
    #[serde(flatten)]
    pub kind: FaultKind,
    /// For how many requests more; absent: until it is cleared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// Only for requests that hold a command which changes data.
    #[serde(default)]
    pub only_writes: bool,
}

/// What happens to a request. Times are milliseconds in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultKind {
    /// Everything goes on as usual, this much later. Adds to whatever else happens.
    Latency {
        /// Before the execution.
        #[serde(rename = "ms", with = "millis")]
        delay: Duration,
    },
    /// A read region that has seen nothing yet: a request that changes no data is answered as if there were none. Whatever
    /// else happens to the request happens as well. <https://upstash.com/docs/redis/features/consistency>
    LaggingReads,
    /// Nothing is executed; the answer has this status.
    Status {
        /// 400 to 599.
        status: u16,
    },
    /// Nothing is executed; the connection is held and then closed without an answer.
    Hang {
        /// How long it is held.
        #[serde(rename = "ms", with = "millis")]
        delay: Duration,
    },
    /// Nothing is executed; the connection is reset at once.
    Close,
    /// Nothing is executed; 200 with something that is not JSON.
    Garbage,
    /// Everything is executed, and then the answer has this status.
    ExecuteThenStatus {
        /// 400 to 599.
        status: u16,
    },
    /// Everything is executed, and then the connection is reset.
    ExecuteThenClose,
    /// The request is held, and executed after this time whether the client is still there or not.
    ExecuteLate {
        /// From the request's arrival to its execution.
        #[serde(rename = "ms", with = "millis")]
        delay: Duration,
    },
    /// Some commands of a request are answered with an error and not executed; the others are. A transaction with
    /// such a command still executes the others, as Redis does when a command fails inside one.
    CommandError {
        /// Which commands.
        #[serde(flatten)]
        which: Which,
        /// Redis's error text.
        error: String,
    },
}

/// Which commands of a request a [`FaultKind::CommandError`] meets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// The one at this place, counted from 0.
    Index(usize),
    /// Those whose key (first argument) contains this text.
    KeyContains(String),
    /// Those of this name, in any case.
    Command(String),
}

impl From<FaultKind> for Fault {
    fn from(kind: FaultKind) -> Fault {
        Fault { kind, times: None, only_writes: false }
    }
}

impl Fault {
    /// See [`FaultKind::Latency`].
    pub fn latency(delay: Duration) -> Fault {
        FaultKind::Latency { delay }.into()
    }

    /// See [`FaultKind::LaggingReads`].
    pub fn lagging_reads() -> Fault {
        FaultKind::LaggingReads.into()
    }

    /// See [`FaultKind::Status`].
    pub fn status(status: u16) -> Fault {
        FaultKind::Status { status }.into()
    }

    /// See [`FaultKind::Hang`].
    pub fn hang(delay: Duration) -> Fault {
        FaultKind::Hang { delay }.into()
    }

    /// See [`FaultKind::Close`].
    pub fn close() -> Fault {
        FaultKind::Close.into()
    }

    /// See [`FaultKind::Garbage`].
    pub fn garbage() -> Fault {
        FaultKind::Garbage.into()
    }

    /// See [`FaultKind::ExecuteThenStatus`].
    pub fn execute_then_status(status: u16) -> Fault {
        FaultKind::ExecuteThenStatus { status }.into()
    }

    /// See [`FaultKind::ExecuteThenClose`].
    pub fn execute_then_close() -> Fault {
        FaultKind::ExecuteThenClose.into()
    }

    /// See [`FaultKind::ExecuteLate`].
    pub fn execute_late(delay: Duration) -> Fault {
        FaultKind::ExecuteLate { delay }.into()
    }

    /// See [`FaultKind::CommandError`].
    pub fn command_error(which: Which, error: impl Into<String>) -> Fault {
        FaultKind::CommandError { which, error: error.into() }.into()
    }

    /// Only for the next `n` requests it concerns.
    pub fn times(mut self, n: u64) -> Fault {
        self.times = Some(n);
        self
    }

    /// Only for requests that hold a command which changes data.
    pub fn only_writes(mut self) -> Fault {
        self.only_writes = true;
        self
    }

    fn concerns(&self, request: &Request) -> bool {
        if self.only_writes && !request.commands().iter().any(writes) {
            return false;
        }
        match &self.kind {
            FaultKind::CommandError { which, .. } => {
                request.commands().iter().enumerate().any(|(index, command)| which.is(index, command))
            }
            FaultKind::LaggingReads => !request.commands().iter().any(writes),
            _ => true,
        }
    }
}

impl Which {
    fn is(&self, index: usize, command: &Command) -> bool {
        match self {
            Which::Index(wanted) => *wanted == index,
            Which::KeyContains(text) => {
                command.get(1).is_some_and(|key| String::from_utf8_lossy(key).contains(text.as_str()))
            }
            Which::Command(name) => {
                command.first().is_some_and(|word| word.eq_ignore_ascii_case(name.as_bytes()))
            }
        }
    }
}

/// The faults in force. All methods take effect from the next request on.
#[derive(Debug, Default)]
pub struct Faults {
    active: Mutex<Vec<Fault>>,
}

/// What the faults in force do to one request.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Waited for first.
    pub latency: Duration,
    /// Whether a read region answers that has no data.
    pub lagging: bool,
    /// The first fault that decides how the request ends.
    pub ending: Option<FaultKind>,
    /// Commands that are answered with an error instead of being executed, by place.
    pub errors: Vec<(usize, String)>,
}

impl Plan {
    /// Whether any fault concerns the request.
    pub fn is_fault(&self) -> bool {
        !self.latency.is_zero() || self.lagging || self.ending.is_some() || !self.errors.is_empty()
    }
}

impl Faults {
    /// Replaces every fault in force by this one.
    pub fn set(&self, fault: Fault) {
        *self.active() = vec![fault];
    }

    /// Replaces every fault in force by these.
    pub fn set_all(&self, faults: Vec<Fault>) {
        *self.active() = faults;
    }

    /// Adds one to those in force. Latencies add up; of the others the first that concerns a request decides.
    pub fn add(&self, fault: Fault) {
        self.active().push(fault);
    }

    /// From now on nothing goes wrong. What is on its way (a hang, a late execution) goes on.
    pub fn clear(&self) {
        self.active().clear();
    }

    /// The faults in force, with the times they have left.
    pub fn list(&self) -> Vec<Fault> {
        self.active().clone()
    }

    /// Decides on a request and counts it against the faults that concern it.
    pub(super) fn plan(&self, request: &Request) -> Plan {
        let mut plan = Plan::default();
        let mut active = self.active();
        for fault in active.iter_mut().filter(|fault| fault.concerns(request)) {
            match &fault.kind {
                FaultKind::Latency { delay } => plan.latency += *delay,
                FaultKind::LaggingReads => plan.lagging = true,
                FaultKind::CommandError { which, error } => {
                    let hit = request
                        .commands()
                        .iter()
                        .enumerate()
                        .filter(|(index, command)| which.is(*index, command));
                    plan.errors.extend(hit.map(|(index, _)| (index, error.clone())));
                }
                _ if plan.ending.is_some() => continue,
                other => plan.ending = Some(other.clone()),
            }
            fault.times = fault.times.map(|left| left.saturating_sub(1));
        }
        active.retain(|fault| fault.times != Some(0));
        plan
    }

    fn active(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(delay: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        u64::try_from(delay.as_millis()).unwrap_or(u64::MAX).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pipeline(commands: &[&[&str]]) -> Request {
        let command =
            |words: &&[&str]| words.iter().map(|word| bytes::Bytes::from(word.to_string())).collect();
        Request::Pipeline(commands.iter().map(command).collect())
    }

    #[test]
    fn a_fault_for_the_next_two_writes_leaves_reads_alone() {
        let faults = Faults::default();
        faults.set(Fault::status(500).times(2).only_writes());
        let (read, write) = (pipeline(&[&["GET", "k"]]), pipeline(&[&["GET", "k"], &["LPUSH", "k", "v"]]));
        assert!(!faults.plan(&read).is_fault());
        assert!(faults.plan(&write).is_fault());
        assert!(faults.plan(&write).is_fault());
        assert!(!faults.plan(&write).is_fault());
        assert!(faults.list().is_empty());
    }

    #[test]
    fn latencies_add_up_and_the_first_other_fault_decides() {
        let faults = Faults::default();
        let ms = Duration::from_millis;
        faults.set_all(vec![
            Fault::latency(ms(5)),
            Fault::close().times(1),
            Fault::garbage(),
            Fault::latency(ms(2)),
        ]);
        let request = pipeline(&[&["PING"]]);
        let plan = faults.plan(&request);
        assert_eq!((plan.latency, plan.ending), (ms(7), Some(FaultKind::Close)));
        assert_eq!(faults.plan(&request).ending, Some(FaultKind::Garbage));
    }

    #[test]
    fn a_lagging_read_region_is_not_asked_for_a_request_that_writes() {
        let faults = Faults::default();
        faults.set_all(vec![Fault::lagging_reads(), Fault::execute_then_close()]);
        let read = faults.plan(&pipeline(&[&["LRANGE", "k", "0", "-1"]]));
        let at_primary = faults.plan(&pipeline(&[&["LTRIM", "k", "0", "-1"], &["LRANGE", "k", "0", "-1"]]));
        assert_eq!((read.lagging, at_primary.lagging), (true, false));
        assert_eq!(
            (&read.ending, &at_primary.ending),
            (&at_primary.ending, &Some(FaultKind::ExecuteThenClose))
        );
    }

    #[test]
    fn an_error_for_one_command_is_found_by_place_key_or_name() {
        let request =
            pipeline(&[&["LPUSH", "logs:a", "1"], &["LPUSH", "logs:b", "2"], &["expire", "logs:a", "9"]]);
        let places = |which| {
            let faults = Faults::default();
            faults.set(Fault::command_error(which, "ERR no"));
            faults.plan(&request).errors.into_iter().map(|(index, _)| index).collect::<Vec<_>>()
        };
        assert_eq!(places(Which::Index(1)), [1]);
        assert_eq!(places(Which::KeyContains(":a".into())), [0, 2]);
        assert_eq!(places(Which::Command("EXPIRE".into())), [2]);
    }

    #[test]
    fn faults_are_written_as_plain_json() {
        let fault = Fault::command_error(Which::Index(1), "ERR no").times(2);
        let text = serde_json::to_value(&fault).unwrap();
        let expected = r#"{"kind":"command_error","index":1,"error":"ERR no","times":2,"only_writes":false}"#;
        assert_eq!(text, serde_json::from_str::<serde_json::Value>(expected).unwrap());
        assert_eq!(serde_json::from_value::<Fault>(text).unwrap(), fault);
        let hang: Fault = serde_json::from_str(r#"{"kind":"hang","ms":30000}"#).unwrap();
        assert_eq!(hang, Fault::hang(Duration::from_secs(30)));
    }
}
