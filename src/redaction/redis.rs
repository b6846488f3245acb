//! Redis' own statements that set a password.

use super::lists::is_one_of;
use super::names::Rule;
use super::scan::Scanner;

/// The longest rule of an access list.
const RULE_AT_MOST: usize = 256;

/// Rules that are a word alone.
const FLAGS: &str = "on off nopass resetpass reset allkeys resetkeys allchannels resetchannels allcommands nocommands \
    clearselectors";

impl Scanner<'_> {
    /// `ACL SETUSER worker on >password #hash ~jobs:* +@all`, as it is typed or as `MONITOR` shows it: what is added
    /// (`>`, `#`) or taken away (`<`, `!`) goes.
    pub fn redis_user(&mut self, end: usize) -> bool {
        if !is_one_of!(self.nth_word(0), "acl") {
            return false;
        }
        let (mut at, mut taken) = (end + usize::from(self.byte(end) == b'"'), false);
        for nth in 0..32 {
            if self.byte(at) != b' ' {
                break;
            }
            let quoted = self.byte(at + 1) == b'"';
            let from = at + 1 + usize::from(quoted);
            let rest = self.slice(from, from + RULE_AT_MOST);
            let ends =
                |b: &u8| *b < b' ' || if quoted { *b == b'"' } else { matches!(b, b' ' | b'"' | b'\'') };
            let to = from + rest.iter().position(ends).unwrap_or(rest.len());
            self.looked(at, to);
            // What is no rule ends the list; the first word is the user's name.
            let word = self.slice(from, to);
            if nth > 0 && word.iter().all(u8::is_ascii_alphabetic) && !is_one_of!(word, FLAGS) {
                break;
            }
            if matches!(self.byte(from), b'>' | b'<' | b'#' | b'!') && to > from + 1 {
                self.take(from + 1, to, to, Rule::COMMAND_LINE);
                taken = true;
            }
            at = to + usize::from(quoted);
        }
        taken
    }

    /// `CONFIG SET requirepass …`, whatever stands behind the password.
    pub fn redis_setting(&mut self, end: usize) -> bool {
        if !is_one_of!(self.nth_word(0), "set") || !is_one_of!(self.nth_word(1), "config") {
            return false;
        }
        let (from, to, _) = self.argument_at(end + 1, RULE_AT_MOST);
        self.command_span(from, to)
    }
}
