//! Reading the newest elements of a list: in one answer, or in several where Redis gives no more at once.

use crate::redis::{Commands, Item, Oversize};

/// Bytes read of a list at most: an answer takes some three times as much memory, of an isolate's 128 MB.
pub(super) const READ_MAX_BYTES: u64 = 20 * 1024 * 1024;

/// The newest elements of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// How many.
    pub(super) depth: usize,
    /// How many of them one command reads.
    pub(super) piece: usize,
}

impl Window {
    /// The newest `depth`, at most `piece` with one command if that is given.
    pub(super) fn new(depth: usize, piece: Option<usize>) -> Window {
        let depth = depth.max(1);
        Window { depth, piece: piece.unwrap_or(depth).clamp(1, depth) }
    }

    /// How many commands read it.
    pub(super) fn commands(self) -> usize {
        self.depth.div_ceil(self.piece)
    }

    /// Reads it.
    pub(super) fn ask(self, commands: &mut Commands, key: &str) {
        for first in (0..self.depth).step_by(self.piece) {
            let last = first.saturating_add(self.piece).min(self.depth) - 1;
            commands.push("LRANGE", [key, &first.to_string(), &last.to_string()]);
        }
    }

    /// What was found of it, newest first, or why it could not be read.
    pub(super) fn found(self, items: &mut impl Iterator<Item = Item>) -> Result<Vec<String>, String> {
        let of_it: Vec<Item> = items.by_ref().take(self.commands()).collect();
        let mut elements = Vec::new();
        for item in of_it {
            elements.extend(item?.into_strings().ok_or("no list in the answer")?);
        }
        Ok(elements)
    }

    /// How many elements one command may read of it, after that was too much; `None` when it reads one already.
    pub(super) fn smaller_piece(self, too_much: Oversize) -> Option<usize> {
        let times = usize::try_from(too_much.times()).unwrap_or(usize::MAX);
        (self.piece > 1).then(|| (self.piece / times).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::Reply;

    const TOO_MUCH: &str = "ERR max request size exceeded. Limit: 10 bytes, Actual: 25 bytes";

    #[test]
    fn a_window_is_read_in_pieces_and_put_together_in_order() {
        let window = Window::new(5, Some(2));
        let mut commands = Commands::new();
        window.ask(&mut commands, "k");
        assert_eq!(
            String::from_utf8(commands.into_body()).unwrap(),
            r#"[["LRANGE","k","0","1"],["LRANGE","k","2","3"],["LRANGE","k","4","4"]]"#
        );
        let list = |texts: &[&str]| {
            Ok(Reply::List(texts.iter().map(|text| Reply::Text(text.to_string())).collect()))
        };
        // What follows is another's.
        let mut items = vec![list(&["e", "d"]), list(&["c"]), list(&[]), list(&["z"])].into_iter();
        assert_eq!(window.found(&mut items).unwrap(), ["e", "d", "c"]);
        let mut items = vec![list(&["e"]), Err(TOO_MUCH.to_string()), list(&[]), list(&["z"])].into_iter();
        assert_eq!(window.found(&mut items).unwrap_err(), TOO_MUCH);
        assert_eq!(items.count(), 1);
    }

    #[test]
    fn pieces_shrink_until_they_are_single_elements() {
        let too_much = Oversize::of(TOO_MUCH).unwrap();
        let mut pieces = vec![21];
        while let Some(piece) = Window::new(21, pieces.last().copied()).smaller_piece(too_much) {
            pieces.push(piece);
        }
        assert_eq!(pieces, [21, 7, 2, 1]);
        assert_eq!(Window::new(0, Some(0)), Window { depth: 1, piece: 1 });
    }
}
