//! Secrets told by their place: a command's word by its number, what a directive sets, a field between colons.

use super::charset::{HEX, WORD};
use super::keys::{self, Level};
use super::lists::{ends_as, is_one_of};
use super::names::Rule;
use super::near::DOORS;
use super::scan::Scanner;
use super::separator::Separator;
use super::value;
use super::words::mentions;

/// What an SNMP user's passphrase is hashed or encrypted with.
pub const SNMP: &str = "sha md5 aes des sha-224 sha-256 sha-384 sha-512 aes-128 aes-192 aes-256 aes128 aes256 sha256 sha512 3des";

/// Schemes of databases and queues.
pub const DATABASES: &str =
    "postgres postgresql mysql mariadb redis rediss mongodb srv amqp amqps mssql sqlserver clickhouse";

/// Functions that are given a password by its place.
pub const POSITIONAL_CALLS: &str = "httpbasicauth httpdigestauth basicauth login signin authenticate attempt validateuser checkcredentials compare comparesync hash hashsync pdo crypt __construct pgp_sym_encrypt pgp_sym_decrypt secretstr secretbytes";

/// How much blank may stand before a string of a list.
const BLANK_AT_MOST: usize = 24;

impl Scanner<'_> {
    /// What a slash, a star or its own first letters put into its place: a link's token, a flag's value, a hash.
    #[inline(never)]
    pub fn by_place(&mut self, start: usize, end: usize) -> Option<(usize, usize, Rule)> {
        match (self.before(start), self.byte(start), end - start) {
            (b'/', b'p', 1) => self.slashed_flag(end),
            // Render's deploy hook: `/deploy/srv-…?key=…`
            (b'/', b's', 8..) if self.is_at(end, b"?key=") && self.is_at(start, b"srv-") => {
                let to = WORD.run_within(self.text, end + 5, 64);
                let hook = self.is_at(start.saturating_sub(8), b"/deploy/") && to > end + 10;
                hook.then_some((end + 5, to, Rule::URL_QUERY))
            }
            // Google Calendar's secret address: `/private-…/basic.ics`
            (b'/', b'p', 40) if self.is_at(end, b"/basic.ics") => {
                let secret = start + "private-".len();
                let hex = HEX.run_within(self.text, secret, 32) == end;
                (hex && self.is_at(start, b"private-")).then_some((secret, end, Rule::URL_QUERY))
            }
            (b'/', _, 22..=96) => self.link_token(start, end),
            // PostgreSQL's `md5…` and MySQL's `*…`
            (_, b'm', 35) => {
                let hash = self.is_at(start, b"md5") && HEX.run_within(self.text, start + 3, 32) == end;
                // PgBouncer's `"ada" "md5…"`
                let listed = self.slice(start.saturating_sub(3), start) == b"\" \"" && self.byte(end) == b'"';
                (hash && (listed || self.of_hashes(start, end))).then_some((start, end, Rule::KEY_VALUE))
            }
            (b'*', _, 40) => {
                let capitals = |b: &u8| b.is_ascii_digit() || matches!(b, b'A'..=b'F');
                let hash = self.slice(start, end).iter().all(capitals);
                (hash && self.of_hashes(start, end)).then_some((start, end, Rule::KEY_VALUE))
            }
            _ => None,
        }
    }

    /// `xfreerdp /u:ada /p:…`, `signtool sign /f key.pfx /p …`
    fn slashed_flag(&mut self, end: usize) -> Option<(usize, usize, Rule)> {
        let asked = match self.byte(end) {
            b':' => self.line.desktop,
            b' ' => self.line.slashed && self.byte(end + 1) != b'/',
            _ => false,
        };
        if !asked {
            return None;
        }
        let (at, to, _) = self.argument_at(end + 1, 128);
        (at < to && !value::says_nothing(self.slice(at, to))).then_some((at, to, Rule::COMMAND_LINE))
    }

    /// Django's `/reset/MTI/c8z0xk-3f…/`, `/password/reset/key/3-c8z0xk-3f…/`: base 36, a dash and a hash behind a
    /// segment that opens a door.
    fn link_token(&mut self, start: usize, end: usize) -> Option<(usize, usize, Rule)> {
        self.looked(start, end);
        let token = self.slice(start, end);
        let dash = token.iter().rposition(|&b| b == b'-')?;
        let (time, hash) = (token.get(..dash)?, token.get(dash + 1..)?);
        let small = |b: &u8| b.is_ascii_digit() || b.is_ascii_lowercase() || *b == b'-';
        // A time in base 36 is three or six letters when it has no digit; a commit's hash is behind a word.
        let timed = match time.len() {
            3 | 6 if hash.len() != 40 => true,
            1..=20 => time.iter().any(u8::is_ascii_digit),
            _ => false,
        };
        let fits = timed
            && time.iter().all(small)
            && time.iter().filter(|b| **b == b'-').count() < 2
            && (20..=64).contains(&hash.len())
            && hash.iter().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'));
        let door = |nth: usize| {
            let (_, to) = self.words.get(nth).copied().unwrap_or((0, 0));
            let word = self.nth_word(nth);
            self.slash_at(to)
                && (is_one_of!(word, DOORS) && !word.windows(4).any(|part| part == b"hook")
                    || word.windows(5).any(|part| part == b"reset"))
        };
        (fits && (door(0) || door(1))).then_some((start, end, Rule::KEY_VALUE))
    }

    /// Whether a path goes on here, its slash escaped or not (`\/`).
    pub fn slash_at(&self, at: usize) -> bool {
        self.byte(value::slash(self.text, at)) == b'/'
    }

    /// `HTTPBasicAuth('ada', '…')`, `client.login('ada', '…')`, `bcrypt.hash('…', 10)`: the string by its number.
    pub fn positional_call(&mut self, word: &[u8], open: usize) -> bool {
        match () {
            () if ends_as!(word, "auth") => self.second_string(open, true),
            () if is_one_of!(word, "login signin authenticate attempt validateuser checkcredentials") => {
                self.second_string(open, false)
            }
            // PHP's `new PDO('mysql:…', 'ada', '…')`, and in its traces `PDO->__construct('mysql:…', 'ada', '…')`
            () if is_one_of!(word, "pdo __construct") => {
                let base = self.slice(open.saturating_sub(18), open);
                if word.starts_with(b"_") && !mentions(base, &[b"PDO->", b"PDO::", b"sqli->", b"sqli::"]) {
                    return false;
                }
                let (_, _, after) = self.argument_at(open, 160);
                self.is_at(after, b", ") && self.second_string(after + 2, true)
            }
            () if is_one_of!(word, "crypt") => self.crypted(open),
            () if word.starts_with(b"pgp_") => self.sealed_with(open),
            // pydantic's `SecretStr('…')`, `SecretBytes(b'…')`
            () if word.starts_with(b"Secret") => {
                let open = open + usize::from(self.byte(open) == b'b');
                value::opening(self.text, open).is_some() && self.told_here(open)
            }
            () => {
                let hashes = is_one_of!(self.nth_word(0), "bcrypt bcryptjs argon2");
                let quoted = value::opening(self.text, open).is_some();
                hashes && quoted && self.told_here(open)
            }
        }
    }

    /// Python's `('ada', '…')`, and `['ada', '…']`: the second of two strings, whatever it looks like where nothing else
    /// can stand there.
    pub fn second_string(&mut self, open: usize, sure: bool) -> bool {
        let text = self.text;
        let blank = |at: usize| {
            let rest = text.get(at..).unwrap_or_default();
            at + rest.iter().take(BLANK_AT_MOST).take_while(|b| b.is_ascii_whitespace()).count()
        };
        let (listed, open) = (self.before(open) == b'[', blank(open));
        let (from, to, after) = self.argument_at(open, 48);
        if from == open || after == to || self.byte(after) != b',' {
            return false;
        }
        let at = blank(after + 1);
        let (from, to, after) = self.argument_at(at, 96);
        let closes = match self.byte(blank(after)) {
            b')' => !listed,
            b']' => listed,
            b',' => sure,
            _ => false,
        };
        let fits = from > at && after > to && closes;
        let content = self.slice(from, to);
        let told = if listed {
            value::looks_chosen(content) || value::looks_generated(content, 8)
        } else {
            sure || value::is_told(content)
        };
        fits && told && self.command_span(from, to)
    }

    /// Python's `auth=("ada", "…")`, `basicAuth: ['ada', '…']`, `auth=ada:…`: a user and a password.
    #[inline(never)]
    pub fn user_and_password(&mut self, sep: Separator) -> bool {
        let at = sep.value;
        match self.byte(at) {
            b'(' => self.second_string(at + 1, true) || self.arguments(at + 1),
            b'[' => self.second_string(at + 1, false),
            _ => {
                if let Some((_, start)) = value::opening(self.text, at) {
                    return self.quoted_user(at, start);
                }
                let user = WORD.run_within(self.text, at, 48);
                sep.unspaced && user > at && self.byte(user) == b':' && self.chosen(user + 1)
            }
        }
    }

    /// `…=user:secret`, where that is what must stand
    pub fn user_of_pair(&mut self, sep: Separator) -> bool {
        let (at, end, after) = self.argument_at(sep.value, 256);
        let user = WORD.run_within(self.text, at, 48);
        let secret = user + 1;
        let fits = user > at
            && self.byte(user) == b':'
            && secret < end
            && !value::says_nothing(self.judged(secret, end));
        if fits {
            self.take(secret, end, after, Rule::KEY_VALUE);
        }
        fits
    }

    /// Node's `auth: 'ada:…'`
    fn quoted_user(&mut self, at: usize, start: usize) -> bool {
        let user = WORD.run_within(self.text, start, 48);
        if user == start || self.byte(user) != b':' {
            return false;
        }
        let (_, to, after) = self.argument_at(at, 128);
        let content = self.judged(user + 1, to);
        let fits = to > user + 1 && after > to && value::is_told(content) && !self.says_other(content);
        if fits {
            self.take(user + 1, to, after, Rule::KEY_VALUE);
        }
        fits
    }

    /// Whether passwords' hashes are spoken of beside a hash.
    fn of_hashes(&mut self, start: usize, end: usize) -> bool {
        const SPOKEN: [&[u8]; 12] = [
            b"pg_authid",
            b"pg_shadow",
            b"rolpassword",
            b"pgbouncer",
            b"userlist",
            b"passwd",
            b"PASSWD",
            b"authentication_string",
            b"assword hash",
            b"assword_hash",
            b"PASSWORD",
            b"mysql.user",
        ];
        let (from, to) = (start.saturating_sub(96), self.text.len().min(end + 96));
        self.looked(from, to);
        mentions(self.slice(from, start), &SPOKEN) || mentions(self.slice(end, to), &SPOKEN)
    }

    /// `htpasswd -b file ada …`, `rabbitmqctl add_user ada …`: the command's own place for a password.
    pub fn placed(&mut self, start: usize, end: usize) -> bool {
        let word = self.slice(start, end);
        let hashes = is_one_of!(word, "htpasswd");
        let (mut place, mut flagged) = match () {
            () if hashes => (3, false),
            () if is_one_of!(word, "add_user change_password")
                && is_one_of!(self.nth_word(0), "rabbitmqctl") =>
            {
                (2, true)
            }
            () if is_one_of!(word, "createuser") => return self.snmp_user(end),
            () => return false,
        };
        let mut at = end;
        for _ in 0..8 {
            if self.byte(at) != b' ' {
                break;
            }
            let (from, to, after) = self.argument_at(at + 1, 128);
            let content = self.slice(from, to);
            at = after;
            if content.first() == Some(&b'-') {
                flagged |= hashes && content.contains(&b'b');
                place -= usize::from(hashes && place > 2 && content.contains(&b'n')); // no file
            } else if place > 1 {
                place -= 1;
            } else {
                return flagged && self.command_span(from, to);
            }
        }
        false
    }

    /// `createUser ada SHA "…" AES "…"`
    fn snmp_user(&mut self, end: usize) -> bool {
        let (mut at, mut made_with, mut taken) = (end, false, false);
        for _ in 0..6 {
            if self.byte(at) != b' ' {
                break;
            }
            let (from, to, after) = self.argument_at(at + 1, 128);
            let method = is_one_of!(self.slice(from, to), SNMP);
            taken |= made_with && !method && self.command_span(from, to);
            (at, made_with) = (after, method);
        }
        taken
    }

    /// nginx's `proxy_set_header X-Internal-Auth "…";`, Apache's `RequestHeader set Authorization "…"`
    pub fn directive(&mut self, end: usize) -> bool {
        let from = end + 1 + if self.is_at(end + 1, b"set ") { 4 } else { 0 };
        let to = WORD.run_within(self.text, from, 64);
        let name = self.slice(from, to);
        let level = keys::level(name);
        if self.byte(to) != b' ' || matches!(level, Level::Harmless | Level::Query | Level::Code) {
            return false;
        }
        if ends_as!(name, "authorization") {
            return self.authorization(to + 1).unwrap_or(false);
        }
        let (start, stop, _) = self.argument_at(to + 1, 512);
        let content = self.slice(start, stop);
        let secret = value::looks_generated(content, 16) || level == Level::Always && value::is_told(content);
        secret && self.command_span(start, stop)
    }
}
