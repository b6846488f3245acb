//! What wrangler writes for programs (`WRANGLER_OUTPUT_FILE_PATH`): one JSON object a line, each with a `type`.

use std::time::Duration;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

/// The entries of one run.
#[derive(Debug)]
pub struct Records(Vec<Value>);

/// The last entry of a run that failed. Missing for wrong options, and for the commands that write no entries.
#[derive(Debug, Deserialize)]
pub struct Failed {
    pub message: String,
    /// The API's error code.
    pub code: Option<u32>,
    retry_after_ms: Option<u64>,
}

impl Failed {
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after_ms.map(Duration::from_millis)
    }
}

impl Records {
    /// Lines that are no JSON, the last of a killed run, are left out.
    pub fn parse(text: &str) -> Records {
        Records(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }

    /// The last entry of this type, when it has the fields that are asked for.
    pub fn find<T: DeserializeOwned>(&self, kind: &str) -> Option<T> {
        let last =
            self.0.iter().rev().find(|record| record.get("type").and_then(Value::as_str) == Some(kind));
        last.and_then(|record| T::deserialize(record).ok())
    }

    pub fn failed(&self) -> Option<Failed> {
        self.find("command-failed")
    }
}
