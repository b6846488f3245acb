//! Words of a command or of a procedure that are secrets by their number: `mc alias set s3 https://… user secret`,
//! `lftp -u user,password`, `sp_addlogin 'user', 'password'`.

use super::charset::{BASE64, HEX, HEX_DASH, TOKEN_DOT};
use super::keys::{self, Level};
use super::lists::is_one_of;
use super::names::Rule;
use super::scan::Scanner;
use super::value;
use super::words::Beginnings;

/// Words behind which such a one may stand.
pub const OPERANDS: &str = "alias host lftp open config use crumb auth priv initial unseal secret_id entry set-output save-state set-env sp_addlogin \
    sp_password sp_addlinkedsrvlogin sp_setapprole";

/// Commands that look for a secret in what their words are.
const WORDS_AT_MOST: usize = 8;

/// The longest word of a command, and the longest string of a procedure.
const WORD_AT_MOST: usize = 128;

/// The length of a UUID.
const UUID: usize = 36;

/// Which of a procedure's strings are secrets, one bit each.
const FIRST: u8 = 1;
const SECOND: u8 = 1 << 1;
const FIFTH: u8 = 1 << 4;

impl Scanner<'_> {
    /// Takes what stands by its number behind a word of [`OPERANDS`].
    #[inline(never)]
    pub fn operand(&mut self, start: usize, end: usize) -> bool {
        let word = self.slice(start, end);
        match () {
            // Jenkins' token against forged requests
            () if is_one_of!(word, "crumb") => {
                let to = HEX.run_within(self.text, end + 1, 65);
                matches!(to - end, 33 | 65) && self.command_span(end + 1, to)
            }
            // Cisco's `snmp-server user ada admins v3 auth sha … priv aes 128 …`
            () if is_one_of!(word, "auth") => {
                static HASHES: Beginnings = Beginnings::of(&[" sha ", " md5 ", " sha-2 256 "]);
                let hash = self.one_at(end, &HASHES).filter(|_| is_one_of!(self.nth_word(0), "v3"));
                hash.is_some_and(|hash| self.passphrase(end + hash.len()))
            }
            () if is_one_of!(word, "priv") => {
                static CIPHERS: Beginnings =
                    Beginnings::of(&[" aes 128 ", " aes 192 ", " aes 256 ", " des ", " 3des "]);
                self.one_at(end, &CIPHERS).is_some_and(|cipher| self.passphrase(end + cipher.len()))
            }
            // SASL's PLAIN: base64 of a zero byte, the user, another and the password (RFC 4616)
            () if is_one_of!(word, "initial") => {
                let from = end + " response: ".len();
                let to = BASE64.run_within(self.text, from, WORD_AT_MOST);
                let zero = self.byte(from) == b'A' && matches!(self.byte(from + 1), b'A'..=b'P');
                self.is_at(end, b" response: ") && zero && to >= from + 12 && self.command_span(from, to)
            }
            // Vault's share of the key that opens it: `vault operator unseal …`
            () if is_one_of!(word, "unseal") => {
                let known = is_one_of!(self.nth_word(0), "operator vault bao");
                let (from, to, _) = self.argument_at(end + 1, WORD_AT_MOST);
                let share = value::looks_generated(self.slice(from, to), 32);
                known && share && self.command_span(from, to)
            }
            // MinIO's client
            () if is_one_of!(word, "alias") => {
                is_one_of!(self.nth_word(0), "mc mcli")
                    && self.is_at(end, b" set ")
                    && self.numbered(end + 4, 3)
            }
            () if is_one_of!(word, "host") => {
                is_one_of!(self.nth_word(0), "config")
                    && is_one_of!(self.nth_word(1), "mc mcli")
                    && self.is_at(end, b" add ")
                    && self.numbered(end + 4, 3)
            }
            () if is_one_of!(word, "lftp open") => self.user_comma(end, word == b"open"),
            () if is_one_of!(word, "config") && is_one_of!(self.nth_word(0), "bundle bundler") => {
                self.gem_source(end)
            }
            () if is_one_of!(word, "config") && is_one_of!(self.nth_word(0), "composer poetry") => {
                self.package_source(end)
            }
            () if is_one_of!(word, "use") => is_one_of!(self.nth_word(0), "net") && self.network_drive(end),
            // Vault's, told by its form: `approle secret_id 9f2c…-…`
            () if is_one_of!(word, "secret_id") => {
                let to = HEX_DASH.run_within(self.text, end + 1, UUID + 1);
                to == end + 1 + UUID && self.command_span(end + 1, to)
            }
            () if is_one_of!(word, "entry") => {
                is_one_of!(self.nth_word(0), "duplicate") && self.duplicate_entry(end + 1)
            }
            () if is_one_of!(word, "set-output save-state set-env") => self.workflow_command(end),
            () if is_one_of!(word, "sp_addlogin") => self.procedure(end, SECOND),
            () if is_one_of!(word, "sp_password") => self.procedure(end, FIRST | SECOND),
            () if is_one_of!(word, "sp_setapprole") => self.procedure(end, SECOND),
            () if is_one_of!(word, "sp_addlinkedsrvlogin") => self.procedure(end, FIFTH),
            () => false,
        }
    }

    /// Takes the word here if it may be a passphrase.
    fn passphrase(&mut self, at: usize) -> bool {
        let (from, to, _) = self.argument_at(at, WORD_AT_MOST);
        value::is_told(self.slice(from, to)) && self.command_span(from, to)
    }

    /// The word of a command that the space at `at` leads to: its content, and where reading goes on.
    fn shell_word(&mut self, at: usize) -> Option<(usize, usize, usize)> {
        let from = at + value::run_of(self.text, at, b' ').min(4);
        if from == at {
            return None;
        }
        if matches!(self.byte(from), b'"' | b'\'') {
            return Some(self.argument_at(from, WORD_AT_MOST));
        }
        let rest = self.slice(from, from + WORD_AT_MOST);
        let to = from + rest.iter().take_while(|&&b| b > b' ' && !b"\"';|)`".contains(&b)).count();
        self.looked(from, to);
        (to > from).then_some((from, to, to))
    }

    /// Takes the word behind so many others, flags not counted.
    fn numbered(&mut self, mut at: usize, before: usize) -> bool {
        let mut passed = 0;
        for _ in 0..WORDS_AT_MOST {
            let Some((from, to, after)) = self.shell_word(at) else { return false };
            if self.byte(from) == b'-' {
            } else if passed == before {
                return self.command_span(from, to);
            } else {
                passed += 1;
            }
            at = after;
        }
        false
    }

    /// `lftp -u user,password sftp://host`. What else is opened takes such a flag too: then it must look like a password.
    fn user_comma(&mut self, mut at: usize, doubtful: bool) -> bool {
        let mut flag = false;
        for _ in 0..WORDS_AT_MOST {
            let Some((from, to, after)) = self.shell_word(at) else { return false };
            let word = self.slice(from, to);
            if flag {
                let comma = word.iter().position(|&b| b == b',');
                let Some(start) = comma.map(|comma| from + comma + 1) else { return false };
                return (!doubtful || value::is_told(self.slice(start, to))) && self.command_span(start, to);
            }
            flag = matches!(word, b"-u" | b"--user");
            at = after;
        }
        false
    }

    /// `bundle config set --global gems.example.com user:password`
    fn gem_source(&mut self, mut at: usize) -> bool {
        let mut named = false;
        for _ in 0..WORDS_AT_MOST {
            let Some((from, to, after)) = self.shell_word(at) else { return false };
            let word = self.slice(from, to);
            if named {
                let colon = word.iter().position(|&b| b == b':').unwrap_or(word.len());
                let address = self.is_at(from + colon, b"://");
                return !address && self.command_span(from + colon + 1, to);
            }
            named = word.contains(&b'.') && !word.contains(&b'/') && word.first() != Some(&b'-');
            at = after;
        }
        false
    }

    /// `composer config http-basic.repo.example.com ada password`
    fn package_source(&mut self, end: usize) -> bool {
        const GLOBAL: [&[u8]; 3] = [b" --global", b" -g", b""];
        let flag = GLOBAL.iter().find(|flag| self.is_at(end, flag)).map_or(0, |flag| flag.len());
        self.is_at(end + flag, b" http-basic.") && self.numbered(end + flag, 2)
    }

    /// `net use Z: \\nas\share password /user:ada`
    fn network_drive(&mut self, mut at: usize) -> bool {
        let mut shared = false;
        for _ in 0..WORDS_AT_MOST {
            let Some((from, to, after)) = self.shell_word(at) else { return false };
            if shared {
                let user = self.is_at(after, b" /user:") || self.is_at(after, b" /u:");
                let told = value::is_told(self.slice(from, to));
                let option = matches!(self.byte(from), b'/' | b'*');
                return (user || told) && !option && self.command_span(from, to);
            }
            shared = self.is_at(from, b"\\\\");
            at = after;
        }
        false
    }

    /// Takes the strings of a procedure that have these numbers: `EXEC sp_addlogin 'ada', 'password'`.
    fn procedure(&mut self, end: usize, secret: u8) -> bool {
        let (mut at, mut taken) = (end, false);
        for place in 0..6 {
            at += self.slice(at, at + 4).iter().take_while(|b| matches!(b, b' ' | b',' | b'(')).count();
            at += usize::from(self.byte(at) == b'N' && self.byte(at + 1) == b'\'');
            if self.is_at(at, b"NULL") {
                at += 4;
                continue;
            }
            let (from, to, after) = self.argument_at(at, WORD_AT_MOST);
            if from == at || after == to {
                break;
            }
            if secret >> place & 1 == 1 && !value::says_nothing(self.slice(from, to)) {
                self.take(from, to, after, Rule::COMMAND_LINE);
                taken = true;
            }
            at = after;
        }
        taken
    }

    /// MySQL's `Duplicate entry '…' for key 'access_tokens.token'`: a value, and behind it the name of its index
    fn duplicate_entry(&mut self, open: usize) -> bool {
        let (from, to, after) = self.argument_at(open, WORD_AT_MOST);
        if from == open || !self.is_at(after, b" for key '") {
            return false;
        }
        let index = after + 10;
        let close = TOKEN_DOT.run_within(self.text, index, WORD_AT_MOST);
        self.looked(after, close);
        let name = self.slice(index, close).rsplit(|&b| b == b'.').next().unwrap_or_default();
        keys::level(name) != Level::Harmless
            && value::looks_generated(self.slice(from, to), 16)
            && self.command_span(from, to)
    }

    /// GitHub's workflow commands: `::set-output name=deploy_token::…`
    fn workflow_command(&mut self, end: usize) -> bool {
        let name = end + 6;
        if self.slice(end, name) != b" name=" {
            return false;
        }
        let close = TOKEN_DOT.run_within(self.text, name, WORD_AT_MOST);
        let (from, to, _) = self.argument_at(close + 2, 512);
        let secret = match keys::level(self.slice(name, close)) {
            Level::Always | Level::UnlessNumber | Level::UnlessCount => true,
            Level::IfGenerated => value::looks_generated(self.judged(from, to), 10),
            _ => false,
        };
        secret
            && self.is_at(close, b"::")
            && !value::says_nothing(self.judged(from, to))
            && self.command_span(from, to)
    }

    /// `rsync --password-file=<(echo password)`: what a shell writes into the file that a flag names
    pub fn substituted(&mut self, start: usize, end: usize) -> bool {
        let echo = self.is_at(end, b"=<(echo ") || self.is_at(end, b" <(echo ");
        let name = self.slice(start, end);
        if !echo || !name.windows(4).any(|part| matches!(part, b"pass" | b"toke" | b"secr" | b"pwfi")) {
            return false;
        }
        let (from, to, _) = self.argument_at(end + 8, WORD_AT_MOST);
        self.command_span(from, to)
    }

    /// PostgreSQL's `pgp_sym_encrypt(data, 'password')`: the second string, whatever it looks like.
    pub fn sealed_with(&mut self, open: usize) -> bool {
        let (_, _, after) = self.argument_at(open, WORD_AT_MOST);
        let (from, to, behind) = self.argument_at(after + 2, WORD_AT_MOST);
        self.is_at(after, b", ") && from > after + 2 && behind > to && self.command_span(from, to)
    }

    /// PostgreSQL's `crypt('password', gen_salt('bf'))`: the first string, whatever it looks like.
    pub fn crypted(&mut self, open: usize) -> bool {
        let (from, to, after) = self.argument_at(open, WORD_AT_MOST);
        from > open && after > to && self.byte(after) == b',' && self.command_span(from, to)
    }
}
