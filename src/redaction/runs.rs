//! What was looked at once and need not be again: runs of bytes, stretches without some words, far ends.

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

/// Where some words, always the same ones, were looked for in vain: windows that overlap are not looked through again.
#[derive(Default)]
pub struct Vain {
    from: usize,
    to: usize,
}

impl Vain {
    /// From where on `from..to` is to be looked through: what was is left out, but for what a word could begin with.
    pub fn new_of(&self, from: usize, to: usize, words: &[&[u8]]) -> usize {
        let begun = words.iter().map(|word| word.len() - 1).max().unwrap_or(0);
        if (self.from..=self.to).contains(&from) {
            self.to.saturating_sub(begun).clamp(from, to)
        } else {
            from
        }
    }

    /// Notes what looking through `from..to` gave.
    pub fn note(&mut self, from: usize, to: usize, found: bool) {
        let joins = (self.from..=self.to).contains(&from);
        *self = match found {
            true => Vain::default(),
            false if joins => Vain { from: self.from, to: self.to.max(to) },
            false => Vain { from, to },
        };
    }
}

/// From how many bytes on it is remembered where something ends.
const FAR: usize = 512;

/// Where things of some kinds end that were looked at last, if that is far: from within it is not looked for again. Each of
/// the `N` places is for the kinds that share it.
pub struct Far<K, const N: usize>([Option<(K, usize, usize, usize)>; N]);

impl<K: Copy, const N: usize> Default for Far<K, N> {
    fn default() -> Self {
        Far([None; N])
    }
}

impl<K: Copy + PartialEq, const N: usize> Far<K, N> {
    /// The end of a thing of this kind that starts at `from`, and where reading goes on, if `from` is well within the last.
    pub fn known(&self, place: usize, kind: K, from: usize) -> Option<(usize, usize)> {
        let (known, start, end, after) = (*self.0.get(place % N)?)?;
        (known == kind && start <= from && from + FAR < end).then_some((end, after))
    }

    /// Notes where one ends.
    pub fn note(&mut self, place: usize, kind: K, from: usize, (end, after): (usize, usize)) {
        if from + FAR < end
            && let Some(known) = self.0.get_mut(place % N)
        {
            *known = Some((kind, from, end, after));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FAR, Far, Vain};
    use crate::redaction::words::mentions;

    #[test]
    fn a_far_end_is_known_from_within_and_by_its_own_kind_alone() {
        let mut far = Far::<char, 2>::default();
        let end = 100 + 2 * FAR;
        far.note(0, 'a', 100, (end, end + 1));
        for (kind, from, known) in [
            ('a', 100, true),
            ('a', end - FAR - 1, true),
            ('a', end - FAR, false), // near enough to look again
            ('a', 99, false),        // begins before it
            ('b', 100, false),
        ] {
            assert_eq!(far.known(0, kind, from), known.then_some((end, end + 1)), "{kind} at {from}");
        }
        far.note(2, 'b', 100, (end, end)); // shares the place
        assert_eq!(far.known(0, 'a', 100), None);
        far.note(1, 'c', 100, (100 + FAR, 100 + FAR));
        assert_eq!(far.known(1, 'c', 100), None, "what ends near is not kept");
    }

    #[test]
    fn a_window_that_was_partly_looked_through_tells_what_a_whole_look_does() {
        const WORDS: &[&[u8]] = &[b"login", b"2fa"];
        let text =
            b"ab login c 2f login 2fa xx logi n lo gin 2fa login no more of any kind is here, lo 2f log"
                .repeat(3);
        for (length, step) in [(5, 1), (8, 3), (12, 7), (30, 4), (40, 41)] {
            let mut vain = Vain::default();
            for from in (0..text.len() - length).step_by(step).chain([3, 200, 190, 60]) {
                let to = from + length;
                let found = mentions(&text[vain.new_of(from, to, WORDS)..to], WORDS);
                vain.note(from, to, found);
                assert_eq!(found, mentions(&text[from..to], WORDS), "{from}..{to}");
            }
        }
    }
}
