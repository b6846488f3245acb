//! Secrets in sentences and commands: `your code is 123456`, `password is …`, `--password …`, `curl -u user:…`,
//! `IDENTIFIED BY '…'`.

use super::benign;
use super::charset;
use super::keys::Level;
use super::lists::{List, ends_as, is_one_of, list};
use super::names::Rule;
use super::scan::Scanner;
use super::words::mentions;
use super::{statement, value};

/// How the names of passwords end.
pub const PASSWORDS: &str = "password passphrase passwd pwd passcode pass pw passordet passwort kennwort passe senha clave wachtwoord adgangskode passord \
    pre-shared-key";

/// What stands before `password …` when the password itself comes next.
const BEFORE: &str = "using with the my temporary new default is old root admin typed tried entered sent gave used guessed \
    submitted supplied provided has got passed wifi guest user initial generated connect und \
    wrong incorrect expected invalid bad use and env setenv";

/// What follows a password that a sentence names.
const AFTER: &str = "does is was accepted rejected matches works failed anmelden einloggen";

/// How far before a code a grant is spoken of.
const GRANT_WITHIN: usize = 32;

/// What SQL says before a password.
const IDENTIFIED: &str = "identified mysql_native_password caching_sha2_password sha256_password";

impl Scanner<'_> {
    /// The word so many words before the one that is read; empty when there is none.
    pub fn nth_word(&self, nth: usize) -> &[u8] {
        let (start, end) = self.words.get(nth).copied().unwrap_or((0, 0));
        self.slice(start, end)
    }

    /// What a word means for the words behind it. Nothing stands between it and a value but space.
    #[inline(never)]
    pub fn phrase(&mut self, start: usize, end: usize) -> bool {
        let length = end - start;
        let flag =
            self.before(start) == b'-' && matches!(self.before(start - 1), b'-' | b' ' | b'"' | b'\'' | 0);
        if flag && self.flag(start, end) {
            return true;
        }
        if self.byte(start).is_ascii_digit() {
            if length <= 3 && self.is_at(start, b"7z") && self.before(start) != b'.' {
                return self.command(start, end);
            }
            return self.one_time_code(start, end) || self.lettered_code(start, end);
        }
        if !(2..=40).contains(&length) {
            return false;
        }
        if self.is_at(start, b"G-") {
            return self.one_time_code(start + 2, end);
        }
        let stated = match self.byte(start) {
            b'A' | b'a' | b'P' | b'L' | b'V' | b'v' => matches!(length, 4..=6 | 12),
            b'I' => length == 8,
            b'm' => length == 10,
            b'r' => length == 11,
            b'S' | b's' => length == 7,
            _ => false,
        };
        if stated && !self.in_row && self.statement(start, end) {
            return true;
        }
        let telling = match self.byte(start) | 0x20 {
            b'b' => matches!(length, 2 | 3 | 5 | 6),
            b'i' => matches!(length, 2 | 4 | 8),
            b'a' => length == 2,
            b'z' => length == 3,
            b'u' => length == 5,
            b'c' | b'w' => length == 4,
            b't' => matches!(length, 2 | 4 | 5),
            b'm' => matches!(length, 5..=13),
            b's' => matches!(length, 5..=10),
            b'l' => matches!(length, 5 | 7 | 10..=13),
            b'o' => matches!(length, 3 | 7),
            b'r' => matches!(length, 3 | 8 | 9),
            b'p' => matches!(length, 3 | 8),
            _ => false,
        };
        if !self.line.one_time && self.names_code(start, end) {
            self.line.one_time = true;
        }
        if self.byte(end - 1).is_ascii_digit() | self.byte(end - 1).is_ascii_uppercase()
            && self.lettered_code(start, end)
        {
            return true;
        }
        if length == 8 && self.is_at(start, b"chpasswd") && (self.piped(start) || self.fed(end)) {
            return true;
        }
        if matches!(length, 3 | 6..=8) && self.kept(start, end) {
            return true;
        }
        if !telling {
            return self.argument(start, end);
        }
        let word = self.slice(start, end);
        match word.first().map(u8::to_ascii_lowercase) {
            Some(b'b') if is_one_of!(word, "bearer basic") => self.scheme_phrase(start, end),
            Some(b'b') if length == 2 => {
                is_one_of!(word, "by")
                    && self.words_mention(list!(IDENTIFIED))
                    && (self.quoted_argument(end)
                        || is_one_of!(self.nth_word(0), "identified") && self.identified(start, end))
            }
            // `IDENTIFIED WITH mysql_native_password AS '*…'`
            Some(b'a') if is_one_of!(word, "as") => {
                self.told_before(start, end)
                    || self.words_mention(list!(IDENTIFIED)) && self.quoted_argument(end)
            }
            Some(b'i') if is_one_of!(word, "identify") => {
                is_one_of!(self.nth_word(0), "nickserv") && self.last_word(end)
            }
            Some(b'i') if length == 2 && is_one_of!(word, "is") => {
                self.seed_behind(end)
                    || self.said_to_be(start, end)
                    || self.predicate(end + usize::from(self.byte(end) == b':'), 0)
            }
            // `password was set to …`
            Some(b't')
                if length == 2
                    && is_one_of!(word, "to")
                    && is_one_of!(self.nth_word(0), "set changed updated reset") =>
            {
                let auxiliary = is_one_of!(self.nth_word(1), "was been is");
                self.predicate(end, if auxiliary { 2 } else { 1 })
            }
            Some(b'l' | b'm')
                if is_one_of!(word, "login machine")
                    && !is_one_of!(self.nth_word(0), "docker podman az oc helm") =>
            {
                self.line.account = true;
                self.netrc |= is_one_of!(word, "machine") && self.words[0].1 == 0;
                false
            }
            Some(b'l')
                if is_one_of!(word, "login")
                    && is_one_of!(self.nth_word(0), "docker podman az oc helm registry") =>
            {
                self.line.password_flag = b'p';
                false
            }
            Some(b'o' | b'c' | b'p' | b't') if self.speaks_of_one_time(start, end) => {
                self.line.one_time = true;
                self.argument(start, end)
            }
            _ => self.command(start, end) || self.argument(start, end),
        }
    }

    pub fn words_mention(&self, list: &List) -> bool {
        (0..3).any(|nth| list.has(self.nth_word(nth)))
    }

    /// `password 'x'`, `PASSWORD('x')`, `login user password x`, `token 1a2b3c…`
    #[inline(never)]
    fn argument(&mut self, start: usize, end: usize) -> bool {
        let next = self.byte(end);
        // password, passwd, passphrase, passcode, secret, token, key: nearly every other word is turned away here.
        let tail = [self.byte(end - 2) | 0x20, self.byte(end - 1) | 0x20];
        if !matches!(next, b' ' | b'(' | b'\t')
            || !matches!(
                &tail,
                b"rd"
                    | b"wd"
                    | b"pw"
                    | b"ss"
                    | b"se"
                    | b"de"
                    | b"et"
                    | b"en"
                    | b"ey"
                    | b"sk"
                    | b"ty"
                    | b"ng"
                    | b"rt"
                    | b"ha"
                    | b"ve"
                    | b"ie"
                    | b"at"
                    | b"ok"
            )
            || tail == *b"at" && !self.is_at(start, b"pat ")
            || tail == *b"ok" && !self.is_at(start, b"tok ")
        {
            return false;
        }
        let word = self.slice(start, end);
        let from = end + if next == b'(' { 1 } else { value::run_of(self.text, end, next) };
        // Python's `key b'…'`
        let from = from + usize::from(self.byte(from) == b'b' && matches!(self.byte(from + 1), b'\'' | b'"'));
        let first = self.byte(from);
        let candidate = charset::is_alnum(first)
            || first >= 0x80
            || matches!(first, b'\'' | b'"' | b'\\' | b'$' | b'_' | b'!' | b'#' | b'*' | b'@' | b'[' | b'`');
        if word == b"ConvertTo-SecureString" || is_one_of!(self.nth_word(0), "setx") {
            return self.quoted_argument(end);
        }
        // Google Cloud's id, behind which its secret stands
        if self.is_at(from, b"GOOG1") {
            return false;
        }
        if self.of_device(start, word, from) {
            return true;
        }
        if is_one_of!(word, "code") && matches!(first, b'\'' | b'"') && self.of_grant(start) {
            return self.quoted_argument(from);
        }
        if is_one_of!(word, "phrase mnemonic") && self.seed_words(from) {
            return true;
        }
        // `(tok 9f2c…, 3 scopes)`
        if word == b"tok" {
            let to = charset::CREDENTIAL.run_within(self.text, from, 256);
            let token = value::is_unmistakable(self.slice(from, to));
            if token {
                self.take(from, to, to, Rule::KEY_VALUE);
            }
            return token;
        }
        let level = self.alone(start, end);
        let slash = self.slice(start.saturating_sub(2), start) == b"/ ";
        let pass = level == Level::UnlessNumber && (slash || word.ends_with(b"PASS") || ends_as!(word, "pw"));
        if !candidate
            || level != Level::Always && !pass && !self.joined_key(start, end)
            || level == Level::Always && self.level_of(start, end, false) == Level::Harmless
        {
            return false;
        }
        let password = ends_as!(word, PASSWORDS);
        if !password && is_one_of!(word, "key secret") && self.grouped_secret(from) {
            return true;
        }
        if self.told(end, password) || password && self.faulted(end) || self.required(end) {
            return true;
        }
        if ends_as!(word, "cookie") {
            return false; // `cookie ".AspNetCore.Antiforgery.…"` is its name
        }
        if matches!(first, b'\'' | b'"') {
            let long = self.slice(from + 1, charset::CREDENTIAL.run_within(self.text, from + 1, 128));
            let generated = value::looks_generated(long, 16);
            let shared = is_one_of!(self.nth_word(0), "pre-shared preshared");
            let told = (password || shared) && value::is_told(long);
            return (told || password || generated && !self.names_object(word, long))
                && (told || !is_one_of!(self.nth_word(0), "field invalid missing unexpected the"))
                && self.quoted_argument(from);
        }
        if next == b'(' {
            return false;
        }
        let from = from + usize::from(first == b'[');
        let to = self.bare_end(from, false, false);
        self.looked(from, to);
        let content = self.judged(from, to);
        let has = |test: fn(&u8) -> bool| content.iter().any(test);
        let netrc = password && self.line.account && content.len() >= 6 && has(|b| b.is_ascii_digit())
            || password && self.netrc && (self.words[0].1 == 0 || is_one_of!(self.nth_word(1), "login"));
        // A word in small letters is none of what follows.
        if !netrc && content.iter().all(u8::is_ascii_lowercase) {
            return false;
        }
        let telling = content.len() >= 6
            && has(|b| b.is_ascii_digit())
            && has(|b| b.is_ascii_alphabetic())
            && !content.contains(&b'/')
            && value::is_told(content)
            && (is_one_of!(self.nth_word(0), BEFORE)
                || is_one_of!(self.nth_word(1), "user username login")
                || self.concludes(to)
                || slash
                || is_one_of!(self.nth_word(0), "set") && self.words_mention(list!("config configure user-secrets secrets"))
                // `hibernate.connection.password …`, a line of its own
                || matches!(self.byte(to), 0 | b'\n' | b'\r') && (self.words[0].1 == 0 || self.before(start) == b'.' || self.slice(start.saturating_sub(2), start) == b", "));
        // `TOTP secret JBSW…`: base32
        let base32 = content.len() >= 16
            && (has(|b| b.is_ascii_digit()) || is_one_of!(self.nth_word(0), "totp otp 2fa mfa hotp"))
            && content.iter().all(|b| b.is_ascii_uppercase() || matches!(b, b'2'..=b'7'));
        // `logged in with password rainy-day from 10.0.4.7`
        let dashed = password && is_one_of!(self.nth_word(0), "with using") && self.is_at(to, b" from ");
        let dashed = dashed && content.split(|&b| b == b'-').count() > 1 && content.len() >= 6;
        let secret = netrc
            || dashed && content.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
            || is_one_of!(self.nth_word(0), "enable")
                && is_one_of!(word, "secret")
                && value::is_told(content)
            || base32 && is_one_of!(word, "secret")
            || (password && (telling || value::looks_generated(content, 8)))
            || value::looks_generated(content, 16);
        // `backup code 5mt2y161ji`
        let secret = secret || is_one_of!(word, "code") && value::looks_generated(content, 8);
        // `security code 552`
        let digits = content.iter().all(u8::is_ascii_digit);
        if is_one_of!(word, "code") && (3..=8).contains(&content.len()) && digits {
            self.take(from, to, to, Rule::ONE_TIME_CODE);
            return true;
        }
        let fingerprint = content.iter().all(|b| b.is_ascii_digit() || matches!(b, b'A'..=b'F'))
            || self.is_fingerprint(content)
            || content.starts_with(b"SHA256:");
        let named =
            is_one_of!(word, "secret") && is_one_of!(self.nth_word(0), "get describe delete edit patch"); // an object's name
        if !secret
            || named
            || self.names_object_of(word, content, to)
            || fingerprint
            || value::is_assignment(content)
            || value::says_nothing(content)
            || value::is_code(content)
        {
            return false;
        }
        self.take(from, to, to, Rule::KEY_VALUE);
        let _ = self.told_mismatch(to, password, false); // `expected password … but got …`
        true
    }

    /// `invalid_grant: code "…" was already redeemed`
    fn of_grant(&self, start: usize) -> bool {
        let back = self.slice(start.saturating_sub(GRANT_WITHIN), start);
        let from = self.byte(start + 6) != 0 && mentions(back, &[b"grant", b"oauth", b"OAuth"]);
        let long = self.slice(start + 6, charset::CREDENTIAL.run_within(self.text, start + 6, 128));
        from && value::looks_generated(long, 16)
    }

    /// `seed phrase ` and the words of one
    fn seed_words(&mut self, from: usize) -> bool {
        const SEEDS: &str = "seed recovery secret mnemonic backup wallet";
        if !is_one_of!(self.nth_word(0), SEEDS) {
            return false;
        }
        let Some(to) = statement::mnemonic_in(self.text, from) else { return false };
        self.looked(from, to);
        self.take(from, to, to, Rule::KEY_VALUE);
        true
    }

    /// A network device's `password 7 …`, `snmp-server community …`, `tacacs-server … key …`; and `key …` anywhere
    /// when the value can be nothing else.
    fn of_device(&mut self, start: usize, word: &[u8], from: usize) -> bool {
        let typed = is_one_of!(word, "password secret key")
            && self.byte(from).is_ascii_digit()
            && self.byte(from + 1) == b' ';
        if !typed && !is_one_of!(word, "community rocommunity rwcommunity key") {
            return false;
        }
        let from = from + if typed { 2 } else { 0 };
        let to = value::bare_end(self.slice(0, from + 128), from, false);
        self.looked(from, to);
        let content = self.judged(from, to);
        let key = is_one_of!(word, "key");
        let (before, _) = self.words[0];
        let known = match () {
            () if typed => value::looks_generated(content, 8) || value::is_told(content),
            () if is_one_of!(word, "community") => {
                is_one_of!(self.nth_word(0), "snmp-server") && !is_one_of!(content, "public private")
            }
            // net-snmp's `rocommunity … 10.0.0.0/8`
            () if is_one_of!(word, "rocommunity rwcommunity") => {
                let network = self.byte(to) == b' ' && self.byte(to + 1).is_ascii_digit();
                !is_one_of!(content, "public private")
                    && !value::says_nothing(content)
                    && (network || value::is_told(content) || value::looks_generated(content, 8))
            }
            () if !key || self.alone(before, start + word.len()) == Level::Harmless => false,
            () if self.is_fingerprint(content) => false,
            () if self.words_mention(list!("isakmp tacacs-server radius-server")) => value::is_told(content),
            () => {
                let padded = content.ends_with(b"=") && benign::inner_value(content).is_some();
                value::is_unmistakable(content) && (padded || !content.contains(&b'/'))
            }
        };
        if known {
            // `data key plaintext=…`
            let from = from + benign::inner_value(content).unwrap_or(0);
            self.take(from, to, to, Rule::KEY_VALUE);
        }
        known
    }

    /// `GPG key c36da571…`, `using EDDSA key 8792…`: which key it is
    fn is_fingerprint(&self, content: &[u8]) -> bool {
        let hex = content.strip_prefix(b"0x").unwrap_or(content);
        is_one_of!(self.nth_word(0), "gpg pgp eddsa ecdsa rsa dsa ed25519")
            && hex.len() <= 40
            && hex.iter().all(u8::is_ascii_hexdigit)
    }

    /// Whether the word behind a password goes on about it.
    fn concludes(&self, to: usize) -> bool {
        let end = charset::ALNUM.run_within(self.text, to + 1, 12);
        self.byte(to) == b' ' && is_one_of!(self.slice(to + 1, end), AFTER)
    }

    fn joined_key(&self, start: usize, end: usize) -> bool {
        const CIPHERS: &str = "encrypting decrypting encrypted decrypted encrypt decrypt";
        // Azure DevOps' and GitHub's personal access token: `devops pat …`
        is_one_of!(self.slice(start, end), "pat")
            || is_one_of!(self.slice(start, end), "key") && self.of_service(start, end)
            || is_one_of!(self.slice(start, end), "key code")
                && (self.level_of(start, end, false) == Level::Always
                    || is_one_of!(self.nth_word(0), "with using")
                        && (is_one_of!(self.nth_word(1), CIPHERS)
                            || is_one_of!(self.nth_word(2), "encryption decryption"))
                    || is_one_of!(self.nth_word(0), "exchanging exchange exchanged"))
    }

    /// A string behind a word, with or without a bracket.
    pub fn quoted_argument(&mut self, end: usize) -> bool {
        let at = end + value::run_of(self.text, end, b' ');
        let at = at + usize::from(self.byte(at) == b'(');
        let Some((quote, start)) = value::opening(self.text, at) else { return false };
        let (to, after) = self.closing(start, quote);
        let content = self.judged(start, to);
        if to == after
            || self.before(at) == b':' // psql's `:'variable'`
            || content.len() < 3
            || value::says_nothing(content)
            || value::is_sentence(content)
            || benign::is_prompt(content)
        {
            return false;
        }
        self.take(start, to, after, Rule::COMMAND_LINE);
        self.changed_to(after);
        true
    }
}
