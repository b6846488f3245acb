//! A secret's name and its value side by side in a sentence or a command: `password 'x'`, `login user password x`, `token 1a2b…`.

use super::benign;
use super::charset;
use super::keys::Level;
use super::lists::{ends_as, is_one_of, list};
use super::names::Rule;
use super::phrase::PASSWORDS;
use super::scan::Scanner;
use super::words::mentions;
use super::{statement, value};

/// What stands before `password …` when the password itself comes next.
const BEFORE: &str = "using with the my temporary new default is old root admin typed tried entered sent gave used guessed \
    submitted supplied provided has got passed wifi guest user initial generated connect und \
    wrong incorrect expected invalid bad use and env setenv fastcgi_param uwsgi_param";

/// Which password it is, where it may stand in brackets.
const WHICH: &str = "old new wrong temporary current master initial root admin";

/// What follows a password that a sentence names.
const AFTER: &str = "does is was accepted rejected matches works failed anmelden einloggen";

/// How far before a code a grant is spoken of.
const GRANT_WITHIN: usize = 32;

impl Scanner<'_> {
    /// `password 'x'`, `PASSWORD('x')`, `login user password x`, `token 1a2b3c…`
    #[inline(never)]
    pub fn argument(&mut self, start: usize, end: usize) -> bool {
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
                    | b"rf"
            )
            || tail == *b"at" && !self.is_at(start, b"pat ")
            || tail == *b"ok" && !self.is_at(start, b"tok ")
        {
            return false;
        }
        let word = self.slice(start, end);
        let from = end + if next == b'(' { 1 } else { value::run_of(self.text, end, next) };
        // `the old password ("…")`
        let bracketed =
            is_one_of!(self.nth_word(0), WHICH) && (self.is_at(end, b" (\"") || self.is_at(end, b" ('"));
        let from = from + usize::from(bracketed);
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
        if is_one_of!(word, "code")
            && matches!(first, b'\'' | b'"')
            && !is_one_of!(self.nth_word(0), "error promo")
            && self.of_grant(start, from)
        {
            return self.quoted_argument(from);
        }
        if is_one_of!(word, "phrase mnemonic") && self.seed_words(from) {
            return true;
        }
        if word == b"tok" && self.before(start) == b'(' {
            return self.short_for_token(from);
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
            // ipsec.secrets' `: PSK "…"`
            return (told || password || word == b"PSK" || generated && !self.names_object(word, long))
                && (told || !is_one_of!(self.nth_word(0), "field invalid missing unexpected the"))
                && self.quoted_argument(from);
        }
        if next == b'(' {
            return false;
        }
        self.unquoted_argument(start, word, from, password, slash)
    }

    /// The value without marks behind a secret's name. Behind a slash, as in `user / password …`, more of them are told.
    fn unquoted_argument(
        &mut self,
        start: usize,
        word: &[u8],
        from: usize,
        password: bool,
        slash: bool,
    ) -> bool {
        let from = from + usize::from(self.byte(from) == b'[');
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

    /// `(tok 9f2c…, 3 scopes)`
    fn short_for_token(&mut self, from: usize) -> bool {
        let to = charset::CREDENTIAL.run_within(self.text, from, 256);
        self.looked(from, to);
        let content = self.slice(from, to);
        let token = value::is_unmistakable(content) && !content.iter().all(u8::is_ascii_hexdigit);
        if token {
            self.take(from, to, to, Rule::KEY_VALUE);
        }
        token
    }

    /// `invalid_grant: code "…" was already redeemed`
    fn of_grant(&self, start: usize, from: usize) -> bool {
        let back = self.slice(start.saturating_sub(GRANT_WITHIN), start);
        let long = self.slice(from + 1, charset::CREDENTIAL.run_within(self.text, from + 1, 128));
        mentions(back, &[b"_grant", b"oauth", b"OAuth"]) && value::looks_generated(long, 16)
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
}
