//! Where the summaries of traces are stored: a log of pages.
//!
//! A checkpoint writes what has changed since the one before to the end of the log, many summaries a page, for a row
//! written is what costs. The last line about a trace counts. The oldest pages are emptied as new ones come: what still
//! counts in them is written to the end again, and their slots are free.

use super::row::ROW_MAX_BYTES;
use std::collections::VecDeque;
use std::ops::RangeInclusive;

/// Bytes of the log that need not count, beside as many as do: a small shard's pages are not written again and again.
const SPARE_BYTES: usize = 256 * 1024;
/// Pages the log has before the oldest is emptied whatever it holds, beside one for each [`SPARE_BYTES`] that count: a
/// start reads so many rows.
const SPARE_PAGES: usize = 64;

/// A page, to be stored or as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Where it is stored.
    pub slot: i64,
    /// Its place in the log, from 1.
    pub number: u64,
    /// A line of JSON each: a [`super::TraceLine`], or the id of a trace that is forgotten.
    pub lines: Vec<u8>,
}

/// Where what counts of a trace is stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stored {
    /// The number of its page; 0 when it is in none.
    pub page: u64,
    /// Bytes of its line.
    pub bytes: usize,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    number: u64,
    slot: i64,
    bytes: usize,
    /// Bytes of its lines that count.
    live: usize,
}

/// The log, but for what stands in it.
#[derive(Debug, Default)]
pub struct Pages {
    /// Oldest first.
    log: VecDeque<Place>,
    bytes: usize,
    live: usize,
    newest: u64,
    /// The page that is being filled, and the bytes of its lines that count.
    open: Option<(Page, usize)>,
    free: Vec<i64>,
    slots: i64,
}

impl Pages {
    /// A log whose newest page has this number, before its pages are told.
    pub fn new(newest: u64) -> Pages {
        Pages { newest, ..Pages::default() }
    }

    /// Takes in a slot whose page does not count.
    pub fn found_free(&mut self, slot: i64) {
        self.slots = self.slots.max(slot + 1);
        self.free.push(slot);
    }

    /// Takes in a page that counts, in order of their numbers; its lines do once [`Pages::counts`] is told.
    pub fn found(&mut self, page: &Page) {
        self.slots = self.slots.max(page.slot + 1);
        self.push(page, 0);
    }

    fn push(&mut self, page: &Page, live: usize) {
        self.bytes += page.lines.len();
        self.live += live;
        self.log.push_back(Place { number: page.number, slot: page.slot, bytes: page.lines.len(), live });
    }

    /// The numbers of the pages that count.
    pub fn numbers(&self) -> RangeInclusive<u64> {
        self.log.front().map_or(self.newest + 1, |page| page.number)..=self.newest
    }

    /// Notes that a line counts from now on.
    pub fn counts(&mut self, line: Stored) {
        if let Some(page) = self.place(line.page) {
            page.live += line.bytes;
            self.live += line.bytes;
        }
    }

    /// Notes that a line counts no longer.
    pub fn is_void(&mut self, line: Stored) {
        if let Some(page) = self.place(line.page) {
            page.live = page.live.saturating_sub(line.bytes);
            self.live = self.live.saturating_sub(line.bytes);
        }
    }

    fn place(&mut self, number: u64) -> Option<&mut Place> {
        let at = self.log.binary_search_by_key(&number, |page| page.number).ok()?;
        self.log.get_mut(at)
    }

    /// Up to which page the log is to be emptied, after `coming` bytes were written: for each of them two that still count
    /// are moved at most, and a page at least. So what counts no longer never outgrows what does by much, as each byte that
    /// came can become void but once.
    pub fn to_empty(&self, coming: usize) -> u64 {
        let (mut bytes, mut pages, mut moved, mut through) = (self.bytes, self.log.len(), 0, 0);
        for page in &self.log {
            let much = bytes > SPARE_BYTES + 2 * self.live;
            let many = coming > 0 && pages > SPARE_PAGES + self.live / SPARE_BYTES;
            let enough = moved > 0 && moved + page.live > 2 * coming;
            if page.live > 0 && (enough || !(much || many)) {
                break;
            }
            through = page.number;
            bytes = bytes.saturating_sub(page.bytes);
            moved += page.live;
            pages -= 1;
        }
        through
    }

    /// Puts a line at the end of the log, hands on the page that is full before it, and says where the line is.
    ///
    /// # Errors
    /// What `store` says.
    pub fn put<E>(
        &mut self,
        line: &[u8],
        counts: bool,
        store: &mut impl FnMut(Page) -> Result<(), E>,
    ) -> Result<Stored, E> {
        if self.open.as_ref().is_some_and(|(page, _)| page.lines.len() + line.len() >= ROW_MAX_BYTES) {
            self.close(store)?;
        }
        let (mut page, live) = match self.open.take() {
            Some(open) => open,
            None => (Page { slot: self.slot(), number: self.newest + 1, lines: Vec::new() }, 0),
        };
        page.lines.extend_from_slice(line);
        page.lines.push(b'\n');
        let stored = Stored { page: page.number, bytes: line.len() + 1 };
        self.open = Some((page, live + if counts { stored.bytes } else { 0 }));
        Ok(stored)
    }

    /// Hands on the page that is being filled.
    ///
    /// # Errors
    /// What `store` says.
    pub fn close<E>(&mut self, store: &mut impl FnMut(Page) -> Result<(), E>) -> Result<(), E> {
        let Some((page, live)) = self.open.take() else { return Ok(()) };
        self.newest = page.number;
        self.push(&page, live);
        store(page)
    }

    /// Leaves out the pages up to this one.
    pub fn empty(&mut self, through: u64) {
        while let Some(page) = self.log.front().copied().filter(|page| page.number <= through) {
            self.log.pop_front();
            self.bytes = self.bytes.saturating_sub(page.bytes);
            self.live = self.live.saturating_sub(page.live);
            self.free.push(page.slot);
        }
    }

    fn slot(&mut self) -> i64 {
        self.free.pop().unwrap_or_else(|| {
            self.slots += 1;
            self.slots - 1
        })
    }
}
