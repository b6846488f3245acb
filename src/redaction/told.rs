//! What a sentence says a secret is: `password for ada is …`, `mot de passe de jean est …`, `token for the runner: …`,
//! `password changed from … to …`.

use super::charset;
use super::keys::Level;
use super::lists::{ends_as, is_one_of, list};
use super::names::Rule;
use super::phrase::PASSWORDS;
use super::scan::Scanner;
use super::value;
use super::words::Beginnings;

/// What says whose a secret is, or what for.
const OF: &str = "for of on at de du del do da för für pour para till von voor di van til dla от для";

/// What says that the secret comes next.
const IS: &str = "is was equals are ist lautet war est es é è är er jest";

/// How a secret becomes another.
const CHANGES: &str = "changed changing rotated updated switched reset replaced migrated went geändert gewijzigd veranderd ändrat endret cambiada alterada";

/// Those of them behind which what it became stands alone: `Wachtwoord gewijzigd naar …`.
const FOREIGN: [&str; 7] = ["geändert", "gewijzigd", "veranderd", "ändrat", "endret", "cambiada", "alterada"];

/// What says what it was, and what it became.
static FROM: Beginnings = Beginnings::of(&[" from ", " von ", " van ", " från ", " fra "]);
static TO: Beginnings = Beginnings::of(&[" to ", " auf ", " naar ", " till ", " til ", " a ", " para "]);

/// Which of somebody's secrets it is.
const KINDS: &str = "wifi new temporary initial root admin guest default database";

/// What gives somebody a secret.
const SETS: &str = "set setting reset resetting changed changing change updated updating update rotated";

/// So many words before a secret are said of what it is for, where nothing announces it.
const PURPOSE: usize = 9;

/// How far behind its name a secret is looked for.
const FURTHEST: usize = 80;

impl Scanner<'_> {
    /// Behind a secret's name that ends here: whose it is, a verb or a sign, and the secret.
    #[inline(never)]
    pub fn told(&mut self, end: usize, password: bool) -> bool {
        if self.byte(end) != b' ' || self.comments_column() {
            return false;
        }
        let Some((value, words, account)) = self
            .told_at(end, password)
            .or_else(|| self.behind_purpose(end))
            .or_else(|| self.behind_account(end))
        else {
            return false;
        };
        let value = self.behind_change(value);
        if value == 0 {
            return true;
        }
        let value = value + if self.is_at(value, b"PASSWORD(") { 9 } else { 0 };
        if account && let Some(to) = self.generated_account(value) {
            self.take(value, to, to, Rule::KEY_VALUE);
            return true;
        }
        let (from, to, after) = self.argument_at(value, 2 * FURTHEST);
        // A bare one that is longer goes whole.
        let cut = from == value && to + 3 >= value + 2 * FURTHEST;
        let to = if cut { self.bare_end(from, false, false).max(to) } else { to };
        let after = after.max(to);
        let content = self.judged(from, to);
        let quoted = from > value && content.len() >= 3;
        let has = |test: fn(&u8) -> bool| content.iter().any(test);
        let mixed = content.len() >= 6
            && has(|b| b.is_ascii_digit() || b"!@#$".contains(b))
            && has(u8::is_ascii_alphabetic)
            && !value::is_method(content)
            && !value::is_date(content); // `API key created: 2025-06-01T10:22:31Z`
        let digits = matches!(content.len(), 4..=8) && has(u8::is_ascii_digit) && self.line.pin;
        let secret = match () {
            () if words == PURPOSE => value::looks_generated(content, 12),
            () if password => {
                quoted || mixed || value::is_told(content) || value::is_coined(content) || digits
            }
            () if value::names_kind(content) => false,
            () if words == 0 => value::looks_generated(content, 16),
            () if words <= 2 => quoted || mixed,
            () => value::looks_generated(content, 12),
        };
        if !secret || self.says_other(content) {
            return false;
        }
        self.take(from, to, after, Rule::KEY_VALUE);
        self.changed_to(after);
        self.line.spoken = if password { self.line.spoken } else { after }; // another may follow
        true
    }

    /// Where the secret stands, how many words stand before it, and whether the last of them is an account's. A
    /// secret that became another is taken at once: then it stands at 0.
    fn told_at(&mut self, end: usize, password: bool) -> Option<(usize, usize, bool)> {
        static SIGNS: Beginnings = Beginnings::of(&[" = ", " => ", " -> ", " → ", " : "]);
        let (mut at, mut words) = (end, 0);
        loop {
            if !charset::is_alnum(self.byte(at + 1))
                && let Some(sign) = self.one_at(at, &SIGNS)
            {
                return (words > 0).then_some((at + sign.len(), words, false));
            }
            let from = at + 1;
            let rest = self.slice(from, end + FURTHEST);
            let to = from + rest.iter().take_while(|b| !matches!(b, 0..=b' ' | b'=' | b'"')).count();
            self.looked(from, to);
            let word = self.slice(from, to);
            let space = self.byte(to) == b' ';
            if space && is_one_of!(word, IS) {
                if !self.is_at(to, b" generated for ") {
                    return Some((to + 1, words, false));
                }
                (at, words) = (to + 14, 1);
                continue;
            }
            // `reset ada's password to …`, `password will be …`
            if space && is_one_of!(word, "to") && self.words_mention(list!(SETS)) {
                return Some((to + 1, words, false));
            }
            if words == 0 && self.is_at(from, b"will be ") {
                return Some((from + 8, 0, false));
            }
            // `signing key in use: …`
            if words == 0 && self.is_at(from, b"in use: ") {
                return Some((from + 8, 0, false));
            }
            if words == 0 && is_one_of!(word, "mismatch mismatch:") {
                return self.told_mismatch(to, password, true).then_some((0, 0, false));
            }
            // `password for user ada changed to …`
            if words > 0 && self.is_at(to, b" to ") && (is_one_of!(word, CHANGES) || word == b"set") {
                return Some((to + 4, words, false));
            }
            // `changed password from … to …`
            if words == 0 && is_one_of!(word, "from") && self.words_mention(list!(CHANGES)) {
                return self.told_change(end, password).then_some((0, 0, false));
            }
            if words == 0 && is_one_of!(word, CHANGES) {
                return self.told_change(to, password).then_some((0, 0, false));
            }
            words += 1;
            if words > 2 && self.byte(from) == b'(' {
                return self.behind_remark(from).map(|value| (value, words, false));
            }
            let made = is_one_of!(
                word,
                "generated: created: saved: stored: issued: obtained: acquired: refreshed: minted:"
            ) || word == b"used:" && self.line.one_time;
            if space && (word.ends_with(b":") && words > 1 || word == b"is:" || word == b"was:" || made) {
                return Some((to + 1, words, word.contains(&b'@')));
            }
            let plain = |b: &u8| b.is_ascii_alphanumeric() || *b >= 0x80 || b"@._-'/%`".contains(b);
            if !space
                || to == from
                || words > 6
                || words == 1 && !is_one_of!(word, OF) && !(password && is_one_of!(word, "used"))
                || !word.iter().all(plain)
            {
                return None;
            }
            at = to;
        }
    }

    /// `use the following password to sign in: …`: what the secret is for stands between.
    fn behind_purpose(&mut self, end: usize) -> Option<(usize, usize, bool)> {
        if let Some(value) = self.behind_errand(end) {
            return Some((value, PURPOSE, false));
        }
        let leads = self.is_at(end, b" to ") || self.is_at(end, b" for ") || self.is_at(end, b" when ");
        if !leads || !self.words_mention(list!("following")) {
            return None;
        }
        let rest = self.slice(end, end + FURTHEST);
        let colon = rest.iter().position(|b| matches!(b, b':' | b'\n' | b'"' | b'.' | b'='));
        let at = end + colon.unwrap_or(rest.len());
        self.looked(end, at);
        self.is_at(at, b": ").then_some((at + 2, 3, false))
    }

    /// Jenkins' `password to proceed: …`: up to three words and a colon.
    fn behind_errand(&mut self, end: usize) -> Option<usize> {
        if !self.is_at(end, b" to ") {
            return None;
        }
        let mut at = end + 3;
        for _ in 0..3 {
            let to = charset::ALNUM.run_within(self.text, at + 1, 16);
            self.looked(at, to);
            if to == at + 1 || self.is_at(to, b": ") {
                return (to > at + 1).then_some(to + 2);
            }
            if self.byte(to) != b' ' {
                return None;
            }
            at = to;
        }
        None
    }

    /// Elasticsearch's `PASSWORD kibana_system = …`, a line of its own
    fn behind_account(&mut self, end: usize) -> Option<(usize, usize, bool)> {
        let start = end.saturating_sub(8);
        if !matches!(self.before(start), 0 | b'\n') || self.slice(start, end) != b"PASSWORD" {
            return None;
        }
        let user = charset::TOKEN.run_within(self.text, end + 1, 48);
        (user > end + 1 && self.is_at(user, b" = ")).then_some((user + 3, 1, false))
    }

    /// `setting[smtp.password] changed from … to …`
    pub fn changed_entry(&mut self, start: usize, end: usize) -> bool {
        if !self.is_at(end, b"] ") {
            return false;
        }
        let to = charset::ALNUM.run_within(self.text, end + 2, 12);
        self.is_at(to, b" from ")
            && is_one_of!(self.slice(end + 2, to), CHANGES)
            && self.alone(start, end) == Level::Always
            && self.told_change(to, true)
    }

    /// `is now …`, `was rotated to …`: where the secret stands behind it.
    fn behind_change(&self, value: usize) -> usize {
        static LINKS: Beginnings = Beginnings::of(&[
            "now ",
            "set to ",
            "changed to ",
            "reset to ",
            "rotated to ",
            "updated to ",
            "replaced with ",
            "replaced by ",
        ]);
        let link = self.one_at(value, &LINKS);
        value + link.map_or(0, |link| link.len())
    }

    /// `password for ada (change it soon): …`: where the secret stands behind the remark.
    fn behind_remark(&mut self, open: usize) -> Option<usize> {
        let rest = self.slice(open, open + FURTHEST);
        let close = open + rest.iter().position(|b| matches!(b, b')' | b'\n')).unwrap_or(rest.len());
        self.looked(open, close);
        let is = if self.is_at(close, b") is ") { 5 } else { 3 };
        (is == 5 || self.is_at(close, b"): ")).then_some(close + is)
    }

    /// Takes what stands here where nothing but a password can.
    pub fn told_here(&mut self, at: usize) -> bool {
        self.take_ahead(at, value::is_told)
    }

    /// Takes the string or the word here if it is a secret.
    pub fn take_ahead(&mut self, at: usize, secret: impl Fn(&[u8]) -> bool) -> bool {
        let (from, to, after) = self.argument_at(at, FURTHEST);
        let content = self.judged(from, to);
        if !secret(content) || self.says_other(content) {
            return false;
        }
        self.take(from, to, after, Rule::KEY_VALUE);
        true
    }

    /// `from … to …`
    fn told_change(&mut self, at: usize, password: bool) -> bool {
        let (mut at, mut taken) = (at, false);
        let foreign =
            FOREIGN.iter().any(|verb| self.slice(at.saturating_sub(verb.len()), at) == verb.as_bytes());
        for links in [&FROM, &TO] {
            let Some(link) = self.one_at(at, links) else {
                if foreign && password && !taken {
                    continue;
                }
                break;
            };
            let start = at + link.len();
            let (from, to, after) = self.argument_at(start, FURTHEST);
            let content = self.judged(from, to);
            let quoted = password && from > start && content.len() >= 3;
            let dashed = taken || self.one_at(after, &TO).is_some();
            let worded = password
                && (value::is_coined(content)
                    || dashed && value::is_dashed(content)
                    || taken && value::is_joined(content));
            // `Passwort geändert auf Server2`, `… von Admin1`: where, and by whom
            let marked = || content.iter().any(|b| b"!@#$%^&*?+=".contains(b));
            if foreign && !taken && self.one_at(after, &TO).is_none() && !marked() {
                break;
            }
            if !(quoted || worded || value::is_told(content)) || self.says_other(content) {
                break;
            }
            self.take(from, to, after, Rule::KEY_VALUE);
            (at, taken) = (after, true);
        }
        taken
    }

    /// `got … want …`, `… != …`
    pub fn told_mismatch(&mut self, from: usize, password: bool, named: bool) -> bool {
        let (mut at, mut taken) = (from, false);
        for _ in 0..2 {
            let before = at;
            for word in [",", " expected", " got", " want", " vs", " !=", " but got"] {
                at += if self.is_at(at, word.as_bytes()) { word.len() } else { 0 };
            }
            if self.byte(at) != b' ' || at == before && !(named && at == from) {
                break;
            }
            let (from, to, after) = self.argument_at(at + 1, FURTHEST);
            let content = self.judged(from, to);
            let secret = if password { value::is_told(content) } else { value::looks_generated(content, 16) };
            if !secret || self.says_other(content) {
                break;
            }
            self.take(from, to, after, Rule::KEY_VALUE);
            (at, taken) = (after, true);
        }
        taken
    }

    /// MySQL's `… for root@localhost: …`: small letters, capitals, digits and any mark.
    fn generated_account(&mut self, from: usize) -> Option<usize> {
        let word = self.slice(from, from + 32);
        let length = word.iter().take_while(|b| b.is_ascii_graphic() && **b != b'"').count();
        self.looked(from, from + length);
        let has = |test: fn(&u8) -> bool| word.iter().take(length).any(test);
        let all = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_digit);
        let ends = matches!(self.byte(from + length), 0..=b' ');
        let fits = all && (8..32).contains(&length) && ends && has(u8::is_ascii_punctuation);
        (fits && !has(|b| *b == b'=')).then_some(from + length)
    }

    /// `use … as the token`, `with … as the password`: what stands before the word `as`, given where that is.
    #[inline(never)]
    pub fn told_before(&mut self, at: usize, end: usize) -> bool {
        // `use … as password for …`
        let bare = self.is_at(end, b" password ") || self.is_at(end, b" pw ");
        let article = if bare { end } else { charset::ALNUM.run_within(self.text, end + 1, 5) };
        let kind = charset::ALNUM.run_within(self.text, article + 1, 10);
        let of_kind = self.byte(kind) == b' ' && is_one_of!(self.slice(article + 1, kind), KINDS);
        let name = if of_kind { kind + 1 } else { article + 1 };
        let to = charset::WORD.run_within(self.text, name, 16);
        if at < 2
            || self.byte(article) != b' '
            || !bare && !is_one_of!(self.slice(end + 1, article), "the your my its")
        {
            return false;
        }
        let named = self.slice(name, to);
        let stop = at - 1;
        let back = self.slice(stop.saturating_sub(FURTHEST).max(self.done), stop);
        let length = back.iter().rev().take_while(|b| b.is_ascii_graphic()).count();
        self.looked(stop - length, to);
        let word = self.slice(stop - length, stop);
        let mark = usize::from(
            length > 2 && matches!(word.first(), Some(b'"' | b'\'' | b'`')) && word.first() == word.last(),
        );
        let (start, stop) = (stop - length + mark, stop - mark);
        let content = self.slice(start, stop);
        let secret = self.alone(name, to) == Level::Always
            && (value::looks_generated(content, 16) || ends_as!(named, PASSWORDS) && value::is_told(content));
        if !secret || length == FURTHEST || self.says_other(content) {
            return false;
        }
        let resume = self.at;
        self.take(start, stop, stop, Rule::KEY_VALUE);
        self.at = self.at.max(resume);
        true
    }

    /// Whether what stands where a secret is told says something about it instead.
    pub fn says_other(&self, content: &[u8]) -> bool {
        value::says_nothing(content)
            || value::is_sentence(content)
            || value::is_address(content)
            || value::is_path(content)
            || value::is_code(content)
            || value::is_assignment(content)
    }
}
