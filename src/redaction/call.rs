//! The strings a function is called with: `createHmac("sha256", "…")`, `mysqli_connect('db', 'ada', '…')`.

use super::charset;
use super::names::Rule;
use super::scan::Scanner;
use super::value;

/// How far the arguments of a call are followed.
const CALL_AT_MOST: usize = 400;

impl Scanner<'_> {
    /// The strings among a call's arguments that look generated.
    pub fn arguments(&mut self, from: usize) -> bool {
        if from < self.arguments_to {
            return false; // looked at within the call around it
        }
        let (mut at, mut taken, mut depth) = (from, false, 0);
        while at < from + CALL_AT_MOST {
            match self.byte(at) {
                // `Object(mysqli), …`
                b'(' => (depth, at) = (depth + 1, at + 1),
                b')' if depth > 0 => (depth, at) = (depth - 1, at + 1),
                b')' | b'{' | b'\n' | 0 => break,
                b'"' | b'\'' | b'`' | b'\\' => {
                    let Some((quote, start)) = value::opening(self.text, at) else { break };
                    let (end, after) = self.closing(start, quote);
                    taken |= self.take_generated(start, end, after);
                    at = after.max(at + 1);
                }
                _ => at += 1,
            }
        }
        self.looked(from, at);
        self.arguments_to = at;
        if taken {
            self.resume(at);
        }
        taken
    }

    /// Behind an object that is a call's first argument, or where that would start: `jwt.sign({ sub: id }, "…")`
    pub fn behind_braces(&mut self, from: usize) -> usize {
        if self.byte(from) != b'{' {
            return from;
        }
        let mut depth = 0_usize;
        let rest = self.slice(from, from + CALL_AT_MOST);
        let close = rest.iter().position(|&b| {
            depth = if b == b'{' { depth + 1 } else { depth - usize::from(b == b'}') };
            depth == 0
        });
        self.looked(from, from + close.unwrap_or(rest.len()));
        close.map_or(from, |close| from + close + 1)
    }

    /// A string on a line where a placeholder stood for a secret: one of them is it.
    pub fn owed(&mut self, start: usize, end: usize, after: usize) -> bool {
        self.take_generated(start, end, after)
    }

    /// `ApiKey("x")`: a function is given one letter, which is no secret.
    pub fn is_letter_given(&self, start: usize, end: usize) -> bool {
        let open = start.saturating_sub(2);
        end == start + 1 && self.byte(open) == b'(' && charset::is_alnum(self.before(open))
    }

    fn take_generated(&mut self, start: usize, end: usize, after: usize) -> bool {
        let content = self.slice(start, end);
        let generated = end > start
            && start >= self.done
            && content.len() <= 512
            && !content.contains(&b'@')
            && value::looks_generated(content, 8)
            && !value::says_nothing(content);
        if generated {
            self.take(start, end, after, Rule::KEY_VALUE);
        }
        generated
    }
}
