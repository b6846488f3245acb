//! Tickets: what opens a tail where no header can be sent. A browser's WebSocket sends none, and a token in a URL would
//! outlive its use in histories and logs.
//!
//! One object keeps them all, as stored state, so that one is good for every shard, for one use, and for its time
//! even when that object is evicted meanwhile.

use crate::access::Secret;

/// How long a ticket may be used, in seconds.
pub const LIFE_S: i64 = 30;

/// Tickets that wait to be used at most; beyond it the oldest is void. Whoever gets one has the read token.
const MAX: usize = 500;

/// The tickets that may be used.
#[derive(Debug, Default)]
pub struct Tickets {
    live: Vec<(Secret, i64)>,
}

impl Tickets {
    /// Those that were stored: a line each, until when it may be used (Unix ms) and the ticket. None of what cannot be read.
    pub fn read(stored: &str) -> Tickets {
        let live = |line: &str| {
            let (until, ticket) = line.split_once(' ')?;
            Some((Secret::new(ticket.to_string())?, until.parse().ok()?))
        };
        Tickets { live: stored.lines().filter_map(live).collect() }
    }

    /// To be stored.
    pub fn write(&self) -> String {
        self.live.iter().map(|(ticket, until)| format!("{until} {}\n", ticket.reveal())).collect()
    }

    /// A new ticket, made of these random bytes.
    pub fn issue(&mut self, random: &[u8; 24], now: i64) -> String {
        self.forget(now);
        let ticket: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        if self.live.len() >= MAX {
            self.live.remove(0);
        }
        self.live.extend(Secret::new(ticket.clone()).map(|secret| (secret, now + LIFE_S * 1_000)));
        ticket
    }

    /// Uses a ticket up. Returns whether it was one. Compares with each in constant time.
    pub fn redeem(&mut self, given: &str, now: i64) -> bool {
        self.forget(now);
        let before = self.live.len();
        self.live.retain(|(ticket, _)| !ticket.matches(given));
        self.live.len() < before
    }

    fn forget(&mut self, now: i64) {
        self.live.retain(|(_, until)| *until > now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_good_once_and_for_thirty_seconds() {
        let mut tickets = Tickets::default();
        let one = tickets.issue(&[1; 24], 0);
        let other = tickets.issue(&[2; 24], 0);
        assert_eq!(one.len(), 48);
        assert!(!tickets.redeem(&one[..47], 1) && !tickets.redeem("", 1));
        let mut tickets = Tickets::read(&tickets.write());
        assert!(tickets.redeem(&one, 29_999));
        assert!(!tickets.redeem(&one, 29_999));
        assert!(!tickets.redeem(&other, 30_000));
        assert_eq!(tickets.write(), "");
    }

    #[test]
    fn the_oldest_of_too_many_is_void() {
        let mut tickets = Tickets::default();
        let first = tickets.issue(&[255; 24], 0);
        for n in 0..MAX {
            tickets.issue(&[u8::try_from(n % 250).unwrap(); 24], 1);
        }
        assert!(!tickets.redeem(&first, 2));
        assert_eq!(tickets.live.len(), MAX);
    }
}
