//! The row: what one group commit stores.
//!
//! # Layout of a shard's storage, version 2
//!
//! | table | a row | cleaned up |
//! | --- | --- | --- |
//! | `slots` | one group commit: `slot`, `seq` (its first entry's number), `head` ([`RowHead`] as JSON), `body` (the entries' JSON, one after the other) | overwritten by a later commit once it is over [`RETAIN_MS`] old and all of it is in Redis; all at once when the shard has been idle that long |
//! | `pages` | summaries of live traces ([`super::TraceLine`]), many a row: `slot`, `number`, `lines` | overwritten by a later page once nothing in it counts |
//! | `meta` | one row: [`Meta`] as JSON, as of the last checkpoint | never |
//!
//! Version 1 had a table `traces` with a row a trace, which is read once and dropped.
//!
//! Entries are numbered from 1 in order of arrival. What a row says of an entry stays true after the entry is in
//! Redis: the rows of the last hour are the memory of ids, and the copy from which a list that Redis lost is
//! written again.

use super::late::GivenUp;
use crate::quota::PerSystem;
use crate::{entry, json};
use serde::{Deserialize, Serialize};

/// Version of the layout.
pub const LAYOUT: u8 = 2;
/// The first version with summaries in pages.
pub const PAGED_LAYOUT: u8 = 2;

/// How long a row is kept at least, in ms: as long as a list lives after a write (3,660 s), and ids are promised
/// for 3,600 s; a minute more for clocks.
pub const RETAIN_MS: i64 = 3_720_000;

/// Bytes one row may have: the platform refuses more than 2 MB (Cloudflare, "SQLite in Durable Objects": limits).
pub const ROW_MAX_BYTES: usize = 1_900_000;

/// Bytes of a row's head without entries.
pub(super) const ROW_HEAD_BYTES: usize = 200;

/// Bytes an entry takes in a head at most: a control character is six bytes of JSON.
pub(super) fn head_bytes(meta: &entry::Meta<'_>) -> usize {
    130 + 6 * (meta.id.len() + meta.trace_id.len())
}

/// What a row says of its entries.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RowHead<'a> {
    /// [`LAYOUT`].
    pub v: u8,
    /// Number of the first entry.
    pub seq: u64,
    /// When it was stored, Unix ms.
    pub at: i64,
    /// The quota window its entries were counted in.
    pub window: i64,
    /// Every entry up to this number was in Redis, or its trace set aside, when the row was stored.
    pub flushed: u64,
    /// Places of entries whose trace's list had expired, so that a new one begins with them.
    #[serde(default)]
    pub begins: Vec<usize>,
    /// The entries, in order. A cleared one keeps its place, with a `len` of 0.
    #[serde(borrow)]
    pub entries: Vec<entry::Meta<'a>>,
}

impl<'a> RowHead<'a> {
    /// Reads one.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(json: &'a [u8]) -> serde_json::Result<RowHead<'a>> {
        Self::read_exact(json).map_or_else(|| serde_json::from_slice(json), Ok)
    }

    /// One that this version wrote, where nothing is escaped and no entry begins a list anew.
    fn read_exact(row: &'a [u8]) -> Option<RowHead<'a>> {
        let mut text = json::Exact::new(std::str::from_utf8(row).ok()?);
        text.text("{\"v\":")?;
        let v = text.integer()?;
        text.text(",\"seq\":")?;
        let seq = text.integer()?;
        text.text(",\"at\":")?;
        let at = text.integer()?;
        text.text(",\"window\":")?;
        let window = text.integer()?;
        text.text(",\"flushed\":")?;
        let flushed = text.integer()?;
        text.text(",\"entries\":")?;
        let entries = entry::Meta::read_list(&mut text, row.len())?;
        text.text("}")?;
        text.is_done().then_some(RowHead { v, seq, at, window, flushed, begins: Vec::new(), entries })
    }

    /// As JSON.
    pub fn to_json(&self) -> Vec<u8> {
        let RowHead { v, seq, at, window, flushed, begins, entries } = self;
        let names: usize = entries.iter().map(|meta| meta.id.len() + meta.trace_id.len()).sum();
        let mut out = Vec::with_capacity(ROW_HEAD_BYTES + 100 * entries.len() + names);
        out.extend_from_slice(b"{\"v\":");
        json::write_integer(&mut out, v);
        out.extend_from_slice(b",\"seq\":");
        json::write_integer(&mut out, seq);
        out.extend_from_slice(b",\"at\":");
        json::write_integer(&mut out, at);
        out.extend_from_slice(b",\"window\":");
        json::write_integer(&mut out, window);
        out.extend_from_slice(b",\"flushed\":");
        json::write_integer(&mut out, flushed);
        if !begins.is_empty() {
            out.extend_from_slice(b",\"begins\":");
            json::write_list(&mut out, begins, |out, place| json::write_integer(out, place));
        }
        out.extend_from_slice(b",\"entries\":");
        json::write_list(&mut out, entries, |out, meta| meta.write(out));
        out.push(b'}');
        out
    }

    /// As one that borrows nothing.
    pub fn into_owned(self) -> RowHead<'static> {
        let RowHead { v, seq, at, window, flushed, begins, entries } = self;
        let entries = entries.into_iter().map(entry::Meta::into_owned).collect();
        RowHead { v, seq, at, window, flushed, begins, entries }
    }
}

/// A row to be stored, or as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<'a> {
    /// Where in the ring.
    pub slot: i64,
    /// What it says.
    pub head: RowHead<'a>,
    /// The entries' JSON, one after the other.
    pub body: Vec<u8>,
}

impl<'a> Row<'a> {
    /// The entries with their numbers and JSON; a cleared one has none.
    pub fn entries(&self) -> impl Iterator<Item = (u64, &entry::Meta<'a>, &[u8])> {
        let mut at = 0_usize;
        self.head.entries.iter().zip(self.head.seq..).map(move |(meta, seq)| {
            let len = usize::try_from(meta.len).unwrap_or(0);
            let json = self.body.get(at..at.saturating_add(len)).unwrap_or_default();
            at = at.saturating_add(len);
            (seq, meta, json)
        })
    }

    /// Empties the entries that `cleared` names; returns whether there were any.
    pub fn clear(&mut self, cleared: impl Fn(u64, &entry::Meta<'_>) -> bool) -> bool {
        let mut body = Vec::new();
        let mut lens = Vec::new();
        let mut changed = false;
        for (seq, meta, json) in self.entries() {
            if meta.len > 0 && cleared(seq, meta) {
                changed = true;
                lens.push(0);
            } else {
                body.extend_from_slice(json);
                lens.push(meta.len);
            }
        }
        if changed {
            for (meta, len) in self.head.entries.iter_mut().zip(lens) {
                meta.len = len;
            }
            self.body = body;
        }
        changed
    }
}

/// What the shard itself stores, as of the last checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Meta {
    /// [`LAYOUT`].
    pub v: u8,
    /// When the shard was made, Unix ms.
    pub born: i64,
    /// Summaries and spent quotas hold every entry up to this number.
    pub checkpoint: u64,
    /// As [`RowHead::flushed`].
    pub flushed: u64,
    /// Entries up to this number were cleared.
    pub cleared: u64,
    /// How often something was cleared.
    pub clears: u64,
    /// Which entries a write that was given up may still bring.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_up: Option<GivenUp>,
    /// The quota window.
    pub window: i64,
    /// Logs spent in it up to the checkpoint, per system.
    pub spent: PerSystem,
    /// As [`super::wire::Counters::late_doubles`].
    pub late_doubles: u64,
    /// The oldest page that counts.
    pub oldest_page: u64,
    /// The newest: one above it belongs to a checkpoint that was not stored as a whole.
    pub newest_page: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::System;

    #[test]
    fn a_head_reads_back_as_it_was_written() {
        let meta = |system, id: &'static str, trace_id: &'static str, error| entry::Meta {
            id: id.into(),
            trace_id: trace_id.into(),
            system,
            error,
            timestamp: -1,
            len: 7,
        };
        let entries = vec![
            meta(System::Convex, "a", "t", false),
            meta(System::Convex, "\"\\\u{1}", "\n\u{e9}\u{1f600}", true),
        ];
        let head = RowHead { v: 2, seq: 3, at: 4, window: 5, flushed: 2, begins: vec![1], entries };
        let json = head.to_json();
        // Stored layout: what is read must never change.
        assert_eq!(
            std::str::from_utf8(&json).unwrap(),
            concat!(
                r#"{"v":2,"seq":3,"at":4,"window":5,"flushed":2,"begins":[1],"entries":["#,
                r#"{"id":"a","trace":"t","system":"convex","ts":-1,"len":7},"#,
                r#"{"id":"\"\\\u0001","trace":"\n"#,
                "\u{e9}\u{1f600}",
                r#"","system":"convex","error":true,"ts":-1,"len":7}]}"#
            )
        );
        assert_eq!(RowHead::read(&json).unwrap(), head);
        assert_eq!(RowHead::read(&json).unwrap().into_owned(), head);
        for system in System::ALL {
            let of_one = RowHead { entries: vec![meta(system, "a", "t", false)], ..head.clone() };
            assert_eq!(RowHead::read(&of_one.to_json()).unwrap(), of_one);
        }
        // Read in one go, where there is nothing to escape; and by serde where there is.
        for (plain, error) in [(true, true), (true, false), (false, true)] {
            let entries = vec![meta(System::Worker, if plain { "a" } else { "\"" }, "\u{e9}", error); 2];
            let head = RowHead { begins: Vec::new(), entries, ..head.clone() };
            let json = head.to_json();
            assert_eq!(RowHead::read_exact(&json), plain.then(|| head.clone()));
            assert_eq!(RowHead::read(&json).unwrap(), head);
        }
        let none = RowHead { begins: Vec::new(), entries: Vec::new(), ..head };
        assert_eq!(RowHead::read(&none.to_json()).unwrap(), none);
    }
}
