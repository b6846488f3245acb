//! A batch on its way to Redis: it stays as it is until every entry's fate is known.

use super::window::{READ_MAX_BYTES, Window};
use crate::redis::{Commands, Item, LIST_TTL_S, Oversize, list_key};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// An entry that is not yet in Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Its number.
    pub seq: u64,
    /// Its trace.
    pub key: Rc<str>,
    /// When it was stored, Unix ms.
    pub at: i64,
    /// Bytes of its JSON.
    pub len: u32,
    /// Its JSON; `None` while it is only in storage.
    pub body: Option<Rc<[u8]>>,
}

impl Pending {
    /// What it counts towards the bytes a shard holds: its JSON, and what remembering it costs.
    pub fn weight(&self) -> u64 {
        u64::from(self.len) + PENDING_OVERHEAD
    }

    /// Its JSON as text; empty while it is only in storage.
    pub fn text(&self) -> &str {
        self.body.as_deref().and_then(|body| std::str::from_utf8(body).ok()).unwrap_or("")
    }

    /// What it takes in a request at most: its JSON, where quoting at most doubles each byte, and the commands that
    /// name its trace, where a control character is six bytes.
    pub fn request_bytes(&self) -> u64 {
        2 * u64::from(self.len) + 2 * (6 * self.key.len() as u64 + 40)
    }
}

/// Bytes a waiting entry costs beside its JSON.
pub const PENDING_OVERHEAD: u64 = 256;

/// The entries of one trace in a batch.
#[derive(Debug, Clone)]
pub struct Part {
    /// The trace.
    pub key: Rc<str>,
    /// Its entries, in order; none once only the time to live is left to renew.
    pub entries: Vec<Pending>,
    /// Whether the next write renews the list's time to live.
    pub renew: bool,
}

/// Entries on their way.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// What is not yet known to be in Redis.
    pub parts: Vec<Part>,
    /// Whether an earlier request may have been executed, so that the lists must be looked at before the next.
    pub uncertain: bool,
    /// Whether what was only in storage was asked for.
    pub loaded: bool,
    /// Whether it was sent again after such a look, so that a late execution may double it.
    pub resent: bool,
    /// Whether each part goes in a request of its own, because Redis refused them together.
    pub alone: bool,
    /// The trace that was set aside and that it retries.
    pub aside: Option<Rc<str>>,
    /// How far back in each list its entries may stand.
    pub depths: HashMap<Rc<str>, usize>,
    /// Elements that one command of a look reads at most, where Redis answers no more in one piece.
    pub piece: Option<usize>,
    /// Requests that wrote or may have written.
    pub sent: u32,
    /// Times that an item of it was answered with an error.
    pub errors: u32,
}

impl Batch {
    /// A batch of these entries, grouped by trace, in order.
    pub fn of(entries: Vec<Pending>) -> Batch {
        let mut places = HashMap::new();
        let mut parts: Vec<Part> = Vec::new();
        for entry in entries {
            let at = *places.entry(entry.key.clone()).or_insert(parts.len());
            match parts.get_mut(at) {
                Some(part) => part.entries.push(entry),
                None => parts.push(Part { key: entry.key.clone(), entries: vec![entry], renew: true }),
            }
        }
        Batch { parts, ..Batch::default() }
    }

    /// Whether an entry's JSON is still only in storage.
    pub fn lacks_bodies(&self) -> bool {
        self.entries().any(|entry| entry.body.is_none())
    }

    /// Every entry.
    pub fn entries(&self) -> impl Iterator<Item = &Pending> {
        self.parts.iter().flat_map(|part| &part.entries)
    }

    /// How many parts the next request carries.
    pub fn span(&self) -> usize {
        if self.alone { self.parts.len().min(1) } else { self.parts.len() }
    }

    /// One `LPUSH` a trace, and an `EXPIRE` where it is due.
    pub fn write(&self) -> Commands {
        let mut commands = Commands::new();
        let ttl = LIST_TTL_S.to_string();
        for part in self.parts.iter().take(self.span()) {
            let key = list_key(&part.key);
            let arguments = std::iter::once(key.as_str()).chain(part.entries.iter().map(Pending::text));
            if !part.entries.is_empty() {
                commands.push("LPUSH", arguments);
            }
            if part.renew {
                commands.push("EXPIRE", [key.as_str(), ttl.as_str()]);
            }
        }
        commands
    }

    /// How far into its list a part's entries may stand. Each request so far may have put them there, and no other shard
    /// writes it. After a start any of the trace's entries that wait may stand there, those of later batches above those of
    /// this one.
    fn window(&self, part: &Part) -> Window {
        let waiting = self.depths.get(&part.key).copied().unwrap_or(0);
        let sent = part.entries.len().saturating_mul(self.sent.max(1) as usize);
        Window::new(sent.saturating_add(waiting).saturating_add(LOOK_MARGIN), self.piece)
    }

    /// Reads the newest of each list, deep enough to find every write of this batch, as a transaction.
    pub fn look(&self) -> Commands {
        let mut commands = Commands::new();
        for part in &self.parts {
            let key = list_key(&part.key);
            at_primary(&mut commands, &key);
            self.window(part).ask(&mut commands, &key);
        }
        commands
    }

    /// What a look found of each part: the elements, or why they could not be read.
    pub fn found(&self, items: Vec<Item>) -> Vec<Result<Vec<String>, String>> {
        let mut items = items.into_iter();
        let of_part = |part| {
            items.next(); // what `at_primary` sent
            self.window(part).found(&mut items)
        };
        self.parts.iter().map(of_part).collect()
    }

    /// Has the next look read less with one command, after that was too much. `false` when that cannot be.
    pub fn look_closer(&mut self, found: &[Result<Vec<String>, String>]) -> bool {
        let of_part = |(part, found): (&Part, &Result<Vec<String>, String>)| {
            let too_much = Oversize::of(found.as_ref().err()?)?;
            let piece = self.window(part).smaller_piece(too_much);
            Some(piece.filter(|_| too_much.actual <= READ_MAX_BYTES))
        };
        let pieces: Option<Vec<usize>> = self.parts.iter().zip(found).filter_map(of_part).collect();
        let piece = pieces.and_then(|pieces| pieces.into_iter().min());
        self.piece = piece.or(self.piece);
        piece.is_some()
    }
}

/// Has a transaction executed where a list is written, by a command that changes nothing of it: the read after it then sees all
/// that was written. Reads alone may be answered by a read region that lags behind, and what it lacks would be sent twice. A sync
/// token would not do: what got no answer left none. <https://upstash.com/docs/redis/features/globaldatabase>
pub(super) fn at_primary(commands: &mut Commands, key: &str) {
    commands.push("LTRIM", [key, "0", "-1"]);
}

/// Elements looked at beyond those that the batch itself may have put there.
const LOOK_MARGIN: usize = 20;

/// Which of a part's entries stand among these elements, identical to the byte.
pub fn standing(part: &Part, elements: &[String]) -> Vec<bool> {
    let elements: HashSet<&str> = elements.iter().map(String::as_str).collect();
    part.entries.iter().map(|entry| elements.contains(entry.text())).collect()
}
