//! Runs of bytes that were measured once and need not be again.

use super::charset::{self, Charset};

/// What is known of the runs already measured, one slot a charset, so that a hostile text (`SG.SG.SG.…`) cannot have
/// one run measured from each of its bytes.
#[derive(Default)]
pub struct Runs {
    slots: [(Option<Charset>, usize, bool); 24],
    /// Bytes looked at.
    pub looked: u64,
}

impl Runs {
    /// Where the run of `set` at `from` ends, and its slot.
    pub fn end(&mut self, set: Charset, text: &[u8], from: usize) -> (usize, usize) {
        let known = self.slots.iter().position(|slot| slot.0 == Some(set));
        let free = known.or_else(|| self.slots.iter().position(|slot| slot.0.is_none())).unwrap_or(0);
        if let Some(slot) = self.slots.get_mut(free) {
            if slot.0 != Some(set) || from >= slot.1 {
                *slot = (Some(set), set.run(text, from), false);
                self.looked += (slot.1 - from) as u64;
            }
            return (slot.1, free);
        }
        (from, free)
    }

    /// [`charset::is_mixed`] of what is left of a run; what was once plain to its end stays so.
    pub fn mixed(&mut self, slot: usize, token: &[u8]) -> bool {
        let Some(slot) = self.slots.get_mut(slot) else { return false };
        if slot.2 {
            return false;
        }
        let needed = charset::mixed_within(token);
        slot.2 = needed.is_none();
        self.looked += needed.unwrap_or(token.len()) as u64;
        needed.is_some()
    }
}
