//! Where the summaries of traces are stored: a log of pages.
//!
//! A checkpoint writes what has changed since the one before to the end of the log, many summaries a page, for a row
//! written is what costs. The last line about a trace counts. The oldest pages are emptied as new ones come: what still
//! counts in them is written to the end again, and their slots are free.

use super::row::ROW_MAX_BYTES;
use std::collections::VecDeque;

/// Bytes the log may take beside what its traces take in memory, which is more than their lines do: a small shard's pages
/// are not written again and again.
const SPARE_BYTES: usize = 256 * 1024;
/// Pages the log has before the oldest is emptied whatever its size: a start reads so many rows, and few more.
const PAGES: usize = 64;
/// Bytes of pages one checkpoint empties, beyond the first page: what a checkpoint may take of memory and time.
const EMPTIED_MAX_BYTES: usize = 4 * 1024 * 1024;

/// A page, to be stored or as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Where it is stored.
    pub slot: i64,
    /// Its place in the log, from 1.
    pub number: u64,
    /// A line of JSON each: a [`super::TraceRow`], or the id of a trace that is forgotten.
    pub lines: Vec<u8>,
}

/// A page that counts.
#[derive(Debug, Clone, Copy)]
struct Stored {
    number: u64,
    slot: i64,
    bytes: usize,
}

/// The log, but for what stands in it.
#[derive(Debug, Default)]
pub struct Pages {
    /// Oldest first.
    log: VecDeque<Stored>,
    bytes: usize,
    newest: u64,
    free: Vec<i64>,
    slots: i64,
}

impl Pages {
    /// Takes in a page as it was found in storage, in order of their numbers; returns whether it counts, which those
    /// before `oldest` do not.
    pub fn found(&mut self, page: &Page, oldest: u64) -> bool {
        self.slots = self.slots.max(page.slot + 1);
        self.newest = self.newest.max(page.number);
        let counts = page.number >= oldest;
        if counts {
            self.push(page);
        } else {
            self.free.push(page.slot);
        }
        counts
    }

    /// The oldest page that counts.
    pub fn oldest(&self) -> u64 {
        self.log.front().map_or(self.newest + 1, |page| page.number)
    }

    /// Up to which page the log is to be emptied, now that `coming` bytes are to be written and the traces take `live`
    /// bytes of memory.
    pub fn to_empty(&self, coming: usize, live: usize) -> u64 {
        let (mut bytes, mut pages, mut emptied) = (self.bytes + coming, self.log.len() + 1, 0);
        let enough = (2 * coming).min(EMPTIED_MAX_BYTES);
        let mut through = 0;
        for page in &self.log {
            if (bytes <= SPARE_BYTES + live && pages <= PAGES)
                || (emptied > 0 && emptied + page.bytes > enough)
            {
                break;
            }
            through = page.number;
            bytes = bytes.saturating_sub(page.bytes);
            emptied += page.bytes;
            pages -= 1;
        }
        through
    }

    /// Puts a line at the end of `coming`, which is to follow the log; returns the number of its page.
    pub fn put(&mut self, coming: &mut Vec<Page>, line: &[u8]) -> u64 {
        if coming.last().is_none_or(|page| page.lines.len() + line.len() >= ROW_MAX_BYTES) {
            self.newest += 1;
            coming.push(Page { slot: self.slot(), number: self.newest, lines: Vec::new() });
        }
        if let Some(page) = coming.last_mut() {
            page.lines.extend_from_slice(line);
            page.lines.push(b'\n');
        }
        self.newest
    }

    /// Notes that these pages are stored, and that those up to `emptied` do not count any more.
    pub fn stored(&mut self, pages: &[Page], emptied: u64) {
        pages.iter().for_each(|page| self.push(page));
        while let Some(page) = self.log.front().copied().filter(|page| page.number <= emptied) {
            self.log.pop_front();
            self.bytes = self.bytes.saturating_sub(page.bytes);
            self.free.push(page.slot);
        }
    }

    fn push(&mut self, page: &Page) {
        let bytes = page.lines.len();
        self.log.push_back(Stored { number: page.number, slot: page.slot, bytes });
        self.bytes += bytes;
    }

    fn slot(&mut self) -> i64 {
        self.free.pop().unwrap_or_else(|| {
            self.slots += 1;
            self.slots - 1
        })
    }
}
