//! Values that are bound to a statement's placeholders, told by their place: `set pin = $1 -- params: ["1234"]`, EF Core's
//! `[Parameters=[@p0='1234'], …] UPDATE Users SET Pin = @p0`.

use super::MARK;
use super::charset;
use super::keys::{self, Level};
use super::lists::is_one_of;
use super::names::Rule;
use super::scan::Scanner;
use super::separator::Separator;
use super::statement::is_owed;
use super::value;
use super::written::Value;

/// Where the next command's parameters open in EF Core's log.
const NEXT: &[u8] = b"Parameters=[";

/// What such values are called.
pub const BOUND: &str = "params parameters bindings values args";

/// The most values that are told by their place.
pub const MOST: u32 = 32;

/// How far behind its parameters a statement ends at most.
const STATEMENT_AT_MOST: usize = 1024;

/// The longest value without marks.
const BARE_AT_MOST: usize = 512;

/// The longest name of a column.
const COLUMN_AT_MOST: usize = 48;

/// How what is bound to a statement is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    /// `params: ["ada", "…"]`
    Listed,
    /// EF Core's `[Parameters=[@p0='…', @p1='…'], …]`
    Named,
    /// Drizzle's `params: …`, a line of its own: a value may have spaces.
    Below,
    /// Ecto's `["ada", "…"]`, no name before it: a string alone is what it says.
    Unnamed,
}

/// Which value a placeholder stands for: `$2` for the second one. `None` when it does not say.
pub fn place_of(placeholder: &[u8]) -> Option<u32> {
    let number = number(placeholder.strip_prefix(b"$")?)?;
    (1..=MOST).contains(&number).then(|| 1 << (number - 1))
}

/// A number of one or two digits.
fn number(digits: &[u8]) -> Option<u32> {
    let fits = (1..=2).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    fits.then(|| digits.iter().fold(0, |sum, b| 10 * sum + u32::from(b - b'0')))
}

/// Which parameter `@p1` is, and how many bytes that takes.
fn parameter(text: &[u8]) -> Option<(u32, usize)> {
    let digits = text.strip_prefix(b"@p")?.iter().take_while(|b| b.is_ascii_digit()).count();
    let number = number(text.get(2..2 + digits)?)?;
    (number < MOST).then_some((number, 2 + digits))
}

/// Whether a value is EF Core's placeholder.
pub fn is_parameter(value: &[u8]) -> bool {
    parameter(value).is_some_and(|(_, length)| length == value.len())
}

/// Whether a bound value may be the secret that its place says it is: an address of somebody's is none.
pub fn may_be_secret(value: &[u8]) -> bool {
    let mut parts = value.splitn(2, |&b| b == b'@');
    let address = match (parts.next(), parts.next()) {
        (Some(user), Some(host)) => {
            let plain = |b: &u8| charset::TOKEN_DOT.has(*b) || *b == b'+';
            !user.is_empty() && host.contains(&b'.') && user.iter().chain(host).all(plain)
        }
        _ => false,
    };
    !address && !value::says_nothing(value)
}

/// Whether a column holds a secret.
pub fn holds_secret(column: &[u8]) -> bool {
    matches!(keys::level(column), Level::Always | Level::UnlessNumber | Level::UnlessCount | Level::Digits)
}

impl Scanner<'_> {
    /// Notes a placeholder that stands for a secret.
    pub fn owes(&mut self, content: &[u8]) {
        if is_owed(content) {
            self.line.owed = true;
            self.line.places |= place_of(content).unwrap_or(0);
        }
    }

    /// What the line before says of the parameters on this one: Drizzle's `Failed query: … set "pin" = $1\nparams: 1234`,
    /// PostgreSQL's `DETAIL:  parameters: …`
    pub fn places_below(&self) -> u32 {
        let below = self.is_at(self.at, b"params: ") || self.is_at(self.at, b"DETAIL:  param");
        if below { self.line.places } else { 0 }
    }

    /// `pin = $1`: notes it where a placeholder stands for a PIN.
    pub fn owes_digits(&mut self, sep: Separator) -> bool {
        let place = match self.value(sep) {
            Some(Value::Bare(start, end)) => place_of(self.judged(start, end)),
            _ => None,
        };
        self.line.places |= place.unwrap_or(0);
        place.is_some()
    }

    /// `params: ["ada", "…"]`: takes those that stand for a secret. The others are read as any text is.
    pub fn bound_values(&mut self, name: &[u8], sep: Separator) -> bool {
        let named = self.byte(sep.value) == b'[' && self.is_at(sep.value + 1, b"@p");
        // `params: {"id":7,"token":"…"}`: they have names
        let listed = self.byte(sep.value) != b'{';
        if self.in_row || !listed || !(named || self.line.places != 0) || !is_one_of!(name, BOUND) {
            return false;
        }
        let places = if named { self.owed_parameters(sep.value) } else { self.line.places };
        let written = match self.byte(sep.value.saturating_sub(name.len() + 3)) {
            _ if named => Written::Named,
            b'\n' => Written::Below,
            _ => Written::Listed,
        };
        self.take_bound(sep.value, places, written);
        true
    }

    /// Ecto's `… VALUES ($1,$2) ["ada", "…"]`: a list behind a statement, without a name.
    pub fn bound_list(&mut self) -> bool {
        let list = self.at;
        if self.line.places == 0 || self.in_row || self.before(list) != b' ' {
            return false;
        }
        self.take_bound(list, self.line.places, Written::Unnamed);
        self.at = self.at.max(list + 1);
        true
    }

    /// Takes those of the values at `list` that stand in these places.
    fn take_bound(&mut self, list: usize, places: u32, written: Written) {
        let named = written == Written::Named;
        let mut at = list + usize::from(self.byte(list) == b'[');
        for nth in 0..MOST {
            at += value::run_of(self.text, at, b' ').min(4);
            let place = match named.then(|| parameter(self.slice(at, at + 8))) {
                // PostgreSQL's `parameters: $1 = 'ada', $2 = '…'`
                None if self.byte(at) == b'$' => {
                    let end = charset::DIGITS.run_within(self.text, at + 1, 2);
                    let number = number(self.slice(at + 1, end)).filter(|n| (1..=MOST).contains(n));
                    let Some(number) = number.filter(|_| self.is_at(end, b" = ")) else { break };
                    at = end + 3;
                    number - 1
                }
                None => nth,
                Some(Some((number, length))) if self.byte(at + length) == b'=' => {
                    at += length + 1;
                    number
                }
                _ => break,
            };
            let (from, to, after) = self.bound_value(at);
            self.looked(at, after);
            let bare = from == at;
            if bare && self.byte(to) == b' ' && written != Written::Below {
                break; // a sentence
            }
            let content = self.judged(from, to);
            let told = match () {
                () if written == Written::Unnamed => self.before(from) == b'"',
                () if bare => value::is_told(content) || content.iter().all(u8::is_ascii_digit),
                () => true,
            };
            if from < to && places >> place & 1 == 1 && told && may_be_secret(content) {
                self.take(from, to, after, Rule::KEY_VALUE);
            } else {
                self.read_until(after);
            }
            // ` (Size = 256)`
            let note = self.slice(after, after + COLUMN_AT_MOST);
            let noted = named && note.starts_with(b" (");
            at = after + if noted { note.iter().position(|&b| b == b')').map_or(0, |to| to + 1) } else { 0 };
            if self.byte(at) != b',' {
                break;
            }
            at += 1;
        }
        self.line.places = 0;
        self.at = self.at.max(list);
    }

    /// The value at `at`: its content, and where reading goes on.
    fn bound_value(&mut self, at: usize) -> (usize, usize, usize) {
        if let Some((quote, from)) = value::opening(self.text, at) {
            let (to, after) = self.closing(from, quote);
            return (from, to, after);
        }
        // Elixir's `~N[2024-01-01 00:00:00]`
        if self.byte(at) == b'~' {
            let rest = self.slice(at, at + COLUMN_AT_MOST);
            let to = at + rest.iter().position(|&b| b == b']').map_or(0, |close| close + 1);
            return (to, to, to);
        }
        let start = at + if self.is_at(at, MARK.as_bytes()) { MARK.len() } else { 0 };
        let rest = self.slice(start, start + BARE_AT_MOST);
        let part =
            |b: &&u8| !matches!(**b, 0..=b' ' | b',' | b']' | b')' | b'}' | b'<' | b'|' | b'"' | b'\'');
        let to = start + rest.iter().take_while(part).count();
        (at, to, to)
    }

    /// `$2='…'` alone: takes it where that placeholder stands for a secret.
    pub fn bound_here(&mut self, mark: usize, start: usize, end: usize, after: usize) -> bool {
        let sign = mark - usize::from(self.before(mark) == b' ');
        if self.line.places == 0 || self.before(sign) != b'=' {
            return false;
        }
        let name = self.slice(sign.saturating_sub(6), sign - 1).trim_ascii_end();
        let dollar = name.iter().rposition(|&b| b == b'$').unwrap_or(name.len());
        let place = place_of(name.get(dollar..).unwrap_or_default()).unwrap_or(0);
        let secret = self.line.places & place != 0 && may_be_secret(self.judged(start, end));
        if secret {
            self.take(start, end, after, Rule::KEY_VALUE);
        }
        secret
    }

    /// Which parameters of the list that opens at `list` the statement behind it puts into a secret's column.
    fn owed_parameters(&mut self, list: usize) -> u32 {
        if list < self.bound_to {
            return 0; // looked at behind the list before
        }
        let rest = self.slice(list, list + STATEMENT_AT_MOST);
        let next = rest.windows(NEXT.len()).position(|part| part == NEXT);
        self.bound_to = list + next.unwrap_or(rest.len());
        self.looked(list, self.bound_to);
        let (mut places, mut columns, mut column) = (0, 0, 0);
        for at in list..self.bound_to.min(self.text.len()) {
            match self.byte(at) {
                b'(' if self.is_at(at.saturating_sub(7), b"VALUES ") => {
                    (columns, column) = (self.sensitive_columns(at - 7), 0);
                }
                b',' => column += 1,
                b')' => columns = 0,
                b'@' => {
                    let Some((number, _)) = parameter(self.slice(at, at + 8)) else { continue };
                    let set = self.slice(at.saturating_sub(COLUMN_AT_MOST), at).trim_ascii_end();
                    let owed = match set.strip_suffix(b"=") {
                        Some(set) => {
                            let set = set.trim_ascii_end();
                            let set =
                                set.strip_suffix(b"]").or_else(|| set.strip_suffix(b"\"")).unwrap_or(set);
                            let length = set.iter().rev().take_while(|&&b| charset::WORD.has(b)).count();
                            holds_secret(set.get(set.len() - length..).unwrap_or_default())
                        }
                        None => column < 64 && columns >> column & 1 == 1,
                    };
                    places |= u32::from(owed) << number;
                }
                _ => {}
            }
        }
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_say_which_value_they_stand_for() {
        assert_eq!(place_of(b"$1"), Some(1));
        assert_eq!(place_of(b"$32"), Some(1 << 31));
        for other in ["$0", "$33", "$", "$100", "?", "%s", "$a"] {
            assert_eq!(place_of(other.as_bytes()), None, "{other}");
        }
        assert_eq!(parameter(b"@p12='x"), Some((12, 4)));
        assert_eq!(parameter(b"@pin"), None);
    }
}
