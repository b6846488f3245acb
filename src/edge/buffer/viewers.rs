//! What viewers of the shard are told; src/tail.mjs has their sockets.

use super::{Inner, LogBuffer};
use crate::buffer::{Told, Wanted};
use crate::edge::now;
use crate::tail::{self, Cursor, FRAME_BYTES, Subject};
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{Error, Result};

/// Cursor, length in bytes and text of a frame, with NUL between them, which neither of the first two can hold.
fn joined(cursor: &Cursor, frame: &str) -> String {
    format!("{cursor}\0{}\0{frame}", frame.len())
}

#[wasm_bindgen]
impl LogBuffer {
    /// The first frame for a viewer who comes with `after`, as [`joined`].
    ///
    /// # Errors
    /// When storage fails, or the configuration cannot be used.
    pub fn greet(&self, subject: &str, after: &str) -> std::result::Result<String, js_sys::Error> {
        self.inner.greet(subject, after).map_err(|error| js_sys::Error::new(&error.to_string()))
    }

    /// The next frame for a viewer who is as far as `cursor`, as [`joined`]; undefined when there is nothing to tell.
    ///
    /// # Errors
    /// As for [`LogBuffer::greet`].
    pub fn tell(&self, subject: &str, cursor: &str) -> std::result::Result<Option<String>, js_sys::Error> {
        self.inner.tell(subject, cursor).map_err(|error| js_sys::Error::new(&error.to_string()))
    }
}

impl Inner {
    fn greet(&self, subject: &str, after: &str) -> Result<String> {
        let subject = parsed(subject)?;
        let shards = self.config()?.shards;
        let cursor = self.with(|shard| shard.cursor(&subject, after))?;
        Ok(joined(&cursor, &tail::hello(&cursor, shards)))
    }

    fn tell(&self, subject: &str, cursor: &str) -> Result<Option<String>> {
        let subject = parsed(subject)?;
        let now = now();
        let told = self.with(|shard| shard.told(&subject, shard.cursor(&subject, cursor), now))?;
        Ok(match told {
            None => None,
            Some(Told::Cleared(cursor)) => Some(joined(&cursor, &tail::cleared(&cursor))),
            Some(Told::Missed(count, cursor)) => Some(joined(&cursor, &tail::missed(&cursor, count))),
            Some(Told::Traces(traces, cursor)) => Some(joined(&cursor, &tail::traces(&cursor, &traces))),
            Some(Told::Logs(wanted, cursor)) => {
                let (cursor, entries) = self.entries(&wanted, cursor)?;
                Some(joined(&cursor, &tail::logs(&cursor, &entries)))
            }
        })
    }

    /// The JSON of these entries, as many as fit into a frame, and the cursor behind them.
    fn entries(&self, wanted: &[Wanted], mut cursor: Cursor) -> Result<(Cursor, Vec<u8>)> {
        let mut frame = Vec::new();
        let mut take = |seq: u64, json: &[u8]| {
            let full = !frame.is_empty() && frame.len() + json.len() > FRAME_BYTES;
            if !full {
                cursor = cursor.past(seq);
                if !frame.is_empty() && !json.is_empty() {
                    frame.push(b',');
                }
                frame.extend_from_slice(json);
            }
            full
        };
        for of_one_row in wanted.chunk_by(|one, next| one.slot == next.slot) {
            let in_memory = of_one_row.iter().all(|wanted| wanted.body.is_some());
            let slots: Vec<i64> = of_one_row.iter().map(|wanted| wanted.slot).take(1).collect();
            let row = if in_memory { None } else { self.storage.rows(&slots).next().transpose()? };
            let stored: Vec<&[u8]> =
                row.as_ref().map(|row| row.entries().map(|(_, _, json)| json).collect()).unwrap_or_default();
            let first = row.as_ref().map_or(0, |row| row.head.seq);
            for Wanted { seq, body, .. } in of_one_row {
                let at = usize::try_from(seq.saturating_sub(first)).unwrap_or(usize::MAX);
                let json = body.as_deref().or_else(|| stored.get(at).copied()).unwrap_or_default();
                if take(*seq, json) {
                    return Ok((cursor, frame));
                }
            }
        }
        Ok((cursor, frame))
    }
}

fn parsed(subject: &str) -> Result<Subject> {
    Subject::parse(subject).ok_or_else(|| Error::RustError("there is nothing of that name to follow".into()))
}
