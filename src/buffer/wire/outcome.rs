//! What became of one appended entry, as a shard tells it.

use crate::quota::Scope;
use serde::{Deserialize, Serialize};

/// What became of one appended entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "lowercase", from = "OutcomeRead")]
pub enum Outcome {
    /// Durable.
    Stored {
        /// Logs its system may still store in this window.
        left: u64,
    },
    /// Its (trace, id) was durable already; nothing was stored, no quota spent.
    Duplicate {
        /// As for `Stored`.
        left: u64,
    },
    /// Over a quota.
    Over {
        /// Which quota.
        scope: Scope,
        /// When the window ends, Unix ms.
        until: i64,
    },
    /// The shard holds as much as it may.
    Full {
        /// Of what.
        of: Room,
    },
    /// The number of shards was changed, and the buffers were not drained since.
    Undrained {
        /// What it was.
        from: u32,
        /// What it is.
        to: u32,
    },
}

/// What a shard has no more room for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Room {
    /// Bytes that wait for Redis (`BUFFER_MAX_BYTES`).
    #[default]
    Waiting,
    /// Ids of the last hour's logs ([`MAX_IDS`](crate::buffer::MAX_IDS)).
    Ids,
    /// Memory for traces that are alive (`buffer::traces::MAX_TRACES_BYTES`).
    Traces,
}

/// An [`Outcome`] as it is read: all fields side by side. What serde makes of a tag buffers every value first, which is felt
/// on the path of a log, and is a hundredth of the bundle. A field that is missing is one this code does not need.
#[derive(Deserialize)]
struct OutcomeRead {
    is: Is,
    #[serde(default)]
    left: u64,
    #[serde(default)]
    scope: Option<Scope>,
    #[serde(default)]
    until: i64,
    #[serde(default)]
    from: u32,
    #[serde(default)]
    to: u32,
    #[serde(default)]
    of: Room,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Is {
    Stored,
    Duplicate,
    Over,
    Full,
    Undrained,
}

impl From<OutcomeRead> for Outcome {
    fn from(read: OutcomeRead) -> Outcome {
        match read.is {
            Is::Stored => Outcome::Stored { left: read.left },
            Is::Duplicate => Outcome::Duplicate { left: read.left },
            Is::Over => Outcome::Over { scope: read.scope.unwrap_or(Scope::Global), until: read.until },
            Is::Full => Outcome::Full { of: read.of },
            Is::Undrained => Outcome::Undrained { from: read.from, to: read.to },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_reads_back_as_it_was_written() {
        let outcomes = [
            Outcome::Stored { left: 7 },
            Outcome::Duplicate { left: 0 },
            Outcome::Over { scope: Scope::Trace, until: 9 },
            Outcome::Full { of: Room::Ids },
            Outcome::Undrained { from: 1, to: 4 },
        ];
        let written = serde_json::to_string(&outcomes).unwrap();
        assert!(written.starts_with(r#"[{"is":"stored","left":7},"#), "{written}");
        assert_eq!(serde_json::from_str::<Vec<Outcome>>(&written).unwrap(), outcomes);
        assert!(serde_json::from_str::<Outcome>(r#"{"is":"else"}"#).is_err());
        let earlier = serde_json::from_str::<Outcome>(r#"{"is":"full"}"#).unwrap();
        assert_eq!(earlier, Outcome::Full { of: Room::Waiting });
    }
}
