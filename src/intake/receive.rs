//! Receiving a body: never more than its limit, and never more at once than one isolate can hold.

use std::cell::Cell;

thread_local! {
    /// Bytes of bodies this isolate has in hand. Not state that outlives a request: what a request reserves, it
    /// gives back when it ends (src/log.mjs keeps one going whose sender went away), and an isolate that is thrown
    /// away has nothing in hand.
    static IN_FLIGHT: Cell<usize> = const { Cell::new(0) };
}

/// How long a body may take, in seconds: kept by src/log.mjs, which holds the timer.
pub const TIME_MAX_S: u64 = 10;

/// A body announced as no longer than this, in bytes, is received in one piece, and its room taken before it comes.
const PIECE_MAX: usize = 64 * 1024;

/// One of so many parts of the room is kept for bodies of [`PIECE_MAX`] and less: a few senders whose large ones stop half-way
/// hold the rest until their time is over, and must not keep out everybody's single logs.
const SHORT_SHARE: usize = 8;

/// A body that is refused is still received, up to this many times its limit: the platform ends the connection of a
/// sender that is answered half-way, and the sender never sees why.
const DISCARD_FACTOR: usize = 4;

/// Why a body was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// It is larger than it may be.
    TooLarge,
    /// The isolate has as much in hand as it may.
    NoRoom,
    /// It did not come within [`TIME_MAX_S`].
    TooSlow,
    /// The connection broke.
    Broken,
    /// It is not packed as it says it is.
    NotPacked,
}

/// A body on its way in. Gives its room back when dropped.
#[derive(Debug)]
pub struct Receiver {
    limit: usize,
    budget: usize,
    announced: Option<usize>,
    body: Vec<u8>,
    /// Bytes that came, dropped ones included; of a packed body, unpacked.
    came: usize,
    /// Of a packed body: bytes that came as they were sent.
    packed: Option<usize>,
    reserved: usize,
    unread: Option<Unread>,
}

impl Receiver {
    /// A body of at most `limit` bytes, which said of itself that it has `announced`, while this isolate has at most
    /// `budget` bytes in hand.
    pub fn new(limit: usize, budget: usize, announced: Option<usize>) -> Receiver {
        let mut receiver = Receiver {
            limit,
            budget,
            announced,
            body: Vec::new(),
            came: 0,
            packed: None,
            reserved: 0,
            unread: None,
        };
        match announced {
            Some(length) if length > limit => receiver.refuse(Unread::TooLarge),
            // The platform holds a sender to the length it announced.
            Some(length) if length <= PIECE_MAX => receiver.reserve(length),
            // Room is taken for what comes, not for what was announced: that costs a sender nothing.
            _ => {}
        }
        receiver
    }

    /// As [`Receiver::new`], for a body that is unpacked as it comes: what it announces of itself says nothing of that. The
    /// limit is what it may become, however tightly it is packed: an error in a loop is hundreds of logs that are alike.
    pub fn of_packed(limit: usize, budget: usize) -> Receiver {
        let mut receiver = Receiver::new(limit, budget, None);
        receiver.packed = Some(0);
        receiver
    }

    /// Whether the body is to be unpacked.
    pub fn is_packed(&self) -> bool {
        self.packed.is_some()
    }

    /// Notes what came of a packed body, before it is unpacked. Returns whether to go on receiving.
    pub fn push_packed(&mut self, bytes: usize) -> bool {
        let packed = self.packed.get_or_insert(0);
        *packed = packed.saturating_add(bytes);
        *packed <= self.limit.saturating_mul(DISCARD_FACTOR)
    }

    /// Whether the body can be received in one piece: it is short, and there is room for it.
    pub fn in_one_piece(&self) -> bool {
        self.unread.is_none() && self.is_short()
    }

    fn is_short(&self) -> bool {
        self.announced.is_some_and(|length| length <= PIECE_MAX)
    }

    /// Takes what came. Returns whether to go on receiving: what is refused is received all the same, and dropped; but
    /// not unpacked.
    pub fn push(&mut self, chunk: &[u8]) -> bool {
        self.came = self.came.saturating_add(chunk.len());
        if self.unread.is_none() && self.came > self.limit {
            self.refuse(Unread::TooLarge);
        }
        if self.unread.is_none() && self.came > self.reserved {
            self.reserve(self.came - self.reserved);
        }
        if self.unread.is_none() {
            if self.came > self.body.capacity() {
                // As `Vec` grows by itself, but not beyond what was announced.
                let most = self.announced.unwrap_or(usize::MAX).min(2 * self.came).max(self.came);
                self.body.reserve_exact(most - self.body.len());
            }
            self.body.extend_from_slice(chunk);
        }
        match self.packed {
            Some(_) => self.unread.is_none(),
            None => self.came <= self.limit.saturating_mul(DISCARD_FACTOR),
        }
    }

    /// Drops the body, and all that is still to come of it.
    pub fn refuse(&mut self, why: Unread) {
        self.unread.get_or_insert(why);
        self.body = Vec::new();
        self.give_back();
    }

    /// The body, or why there is none.
    ///
    /// # Errors
    /// [`Unread`].
    pub fn body(&self) -> Result<&[u8], Unread> {
        self.unread.map_or(Ok(&self.body), Err)
    }

    /// Frees the body's memory; its room stays taken, for what was made of it.
    pub fn digested(&mut self) {
        self.body = Vec::new();
    }

    fn reserve(&mut self, bytes: usize) {
        let after = IN_FLIGHT.get().saturating_add(bytes);
        // One of the largest fits all the same.
        let share = (self.budget / SHORT_SHARE).min(self.budget.saturating_sub(self.limit));
        let kept = if self.is_short() { 0 } else { share };
        if after > self.budget - kept {
            self.refuse(Unread::NoRoom);
        } else {
            IN_FLIGHT.set(after);
            self.reserved += bytes;
        }
    }

    fn give_back(&mut self) {
        IN_FLIGHT.set(IN_FLIGHT.get().saturating_sub(self.reserved));
        self.reserved = 0;
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.give_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(limit: usize, announced: Option<usize>, chunks: &[&[u8]]) -> Result<Vec<u8>, Unread> {
        let mut receiver = Receiver::new(limit, 100, announced);
        for chunk in chunks {
            receiver.push(chunk);
        }
        receiver.body().map(<[u8]>::to_vec)
    }

    #[test]
    fn a_body_is_taken_whole_or_refused_by_its_size() {
        for announced in [None, Some(5)] {
            assert_eq!(received(5, announced, &[b"ab", b"cde"]), Ok(b"abcde".to_vec()));
        }
        assert_eq!(received(5, None, &[b"abc", b"def"]), Err(Unread::TooLarge));
        assert_eq!(received(5, Some(6), &[]), Err(Unread::TooLarge));
        assert_eq!(received(5, Some(0), &[]), Ok(Vec::new()));
    }

    #[test]
    fn a_refused_body_is_received_on_but_not_for_ever() {
        let mut receiver = Receiver::new(10, 100, None);
        assert!(receiver.push(&[0; 11]));
        assert!(receiver.push(&[0; 29]));
        assert!(!receiver.push(&[0; 1]));
    }

    #[test]
    fn a_packed_body_is_bounded_by_what_it_becomes() {
        let unpacked = |bytes: usize| {
            let mut receiver = Receiver::of_packed(1 << 20, 1 << 22);
            assert!(receiver.push_packed(60));
            let on = receiver.push(&vec![b'x'; bytes]);
            assert_eq!(on, receiver.body().is_ok(), "what is refused is not unpacked");
            receiver.body().map(<[u8]>::len)
        };
        assert_eq!(unpacked(1 << 20), Ok(1 << 20));
        assert_eq!(unpacked((1 << 20) + 1), Err(Unread::TooLarge));
        assert!(!Receiver::of_packed(10, 100).push_packed(41));
    }

    #[test]
    fn large_bodies_leave_room_for_short_ones() {
        let budget = 4 * PIECE_MAX;
        let mut large = Receiver::new(budget, budget * 2, None);
        large.push(&vec![b' '; budget]);
        let mut more = Receiver::new(budget, budget * 2, None);
        more.push(&vec![b' '; budget]);
        assert_eq!((large.body().is_ok(), more.body()), (true, Err(Unread::NoRoom)));
        let mut rest = Receiver::new(budget, budget * 2, None);
        rest.push(&vec![b' '; budget * 3 / 4]);
        assert!(rest.body().is_ok());
        assert!(Receiver::new(budget, budget * 2, Some(PIECE_MAX)).body().is_ok());
        drop((large, rest));
        // The largest there may be is taken, however little room there is.
        let mut largest = Receiver::new(budget, budget, None);
        largest.push(&vec![b' '; budget]);
        assert!(largest.body().is_ok());
    }

    #[test]
    fn bodies_in_hand_share_one_budget_and_give_it_back() {
        for announced in [None, Some(60)] {
            let mut held = Receiver::new(80, 100, announced);
            held.push(&[1; 60]);
            assert!(held.body().is_ok());
            let mut refused = Receiver::new(80, 100, announced);
            refused.push(&[2; 60]);
            assert_eq!((refused.in_one_piece(), refused.body()), (false, Err(Unread::NoRoom)));
            held.digested();
            assert_eq!(Receiver::new(80, 100, Some(60)).body(), Err(Unread::NoRoom), "still in hand");
            drop(held);
            let mut again = Receiver::new(80, 100, announced);
            again.push(&[3; 60]);
            assert_eq!(again.body(), Ok(&[3; 60][..]));
        }
        assert_eq!(IN_FLIGHT.get(), 0);
    }
}
