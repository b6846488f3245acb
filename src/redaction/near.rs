//! What no name and no sign points at, but the words beside it do: `rotating signing key from … to …`,
//! `/reset-password/…`, `createHmac("sha256", "…")`, `password = $1 -- ["…"]`.

use super::benign;
use super::charset;
use super::keys::Level;
use super::lists::{ends_as, is_one_of};
use super::names::Rule;
use super::operands::OPERANDS;
use super::places::POSITIONAL_CALLS;
use super::scan::{NEW_VALUE, Scanner};
use super::statement;
use super::value;
use super::words::Words;

/// What may stand between a secret's name and the secret.
#[rustfmt::skip]
static LINKS: Words<128> = Words::new(&[
    (1, "is was to from now value new old put set with and as using default test live rejected used add plaintext \
        digest hash rotated changed provided received presented supplied generated loaded imported derived created minted env environment"),
]);

/// Segments of a path behind which a secret stands.
pub const DOORS: &str = "magic magic-link magiclink reset password-reset verify verify-email confirm confirm-email activate \
    invite invites invitation invitations accept-invite unsubscribe hook hooks webhook webhooks";

/// Functions that are given a secret.
const CALLS: &str = "createhmac hash_hmac hmac auth compare comparesync password_verify password_hash __construct \
    mysqli_connect mysqli_real_connect mysql_connect pg_connect getconnection login signin authenticate connect attempt validateuser crypt pgp_sym_encrypt pgp_sym_decrypt aes_encrypt aes_decrypt";

/// How much of what stands beside a word is looked at to tell whether it is a secret.
const NEAR_AT_MOST: usize = 128;

/// The shortest secret that nothing but the words beside it tell.
const UNMISTAKABLE: usize = 20;

/// What a password is called in a sentence.
const PASSWORDS: &str = "password passwords passphrase phrase mnemonic passwd pwd passcode pin secret credentials login pw pass \
    passordet passwort kennwort passe senha contrasena";

/// Words that speak of somebody's account.
const LOGINS: &str = "login logged admin account credentials root";

/// Commands that take a password as a word among their others.
const POSITIONAL: &str = "htpasswd add_user change_password auth-user-pass wpa_passphrase createUser";

/// Directives of a server that set a header or a parameter.
const DIRECTIVES: &str = "proxy_set_header grpc_set_header add_header more_set_headers fastcgi_param uwsgi_param RequestHeader http-request";

/// Users that every Oracle database has.
const ORACLE: &str = "system sys scott";

/// Words behind which, and a colon, something else than a password stands.
const IDS: &str = "id user username request trace session account order reference version error at via";

/// Words that mean something on a line of which nothing was said yet, and before a space.
static BEGINNINGS: Words<128> =
    Words::new(&[(1, POSITIONAL), (1, DIRECTIVES), (1, LOGINS), (1, OPERANDS), (1, "user")]);

impl Scanner<'_> {
    /// What a word that nothing else took means for what is near it; whether it was taken itself.
    #[inline(never)]
    pub fn near(&mut self, start: usize, end: usize) -> bool {
        let word = self.slice(start, end);
        let level = self.speaks(start, end);
        // Nearly every word is turned away here: nothing of what follows is about it.
        if level == Level::Harmless
            && self.line_is_quiet()
            && !self.line.positional
            && !matches!(self.byte(end), b'/' | b':' | b'(')
            && BEGINNINGS.any_case(word).is_none()
        {
            return false;
        }
        // `root/hunter2`
        if self.byte(end) == b'/'
            && (self.before(start) == b' ' && is_one_of!(word, "root admin")
                || self.before(start) == b'[' && self.line.login)
            && self.chosen(end + 1)
        {
            return true;
        }
        // `log in with admin / hunter2`
        if self.is_at(end, b" / ")
            && is_one_of!(word, "root admin administrator")
            && is_one_of!(self.nth_word(0), "with")
            && is_one_of!(self.nth_word(1), "in login")
            && self.chosen(end + 3)
        {
            return true;
        }
        // `system/…@orcl`
        if self.byte(end) == b'/' && is_one_of!(word, ORACLE) && self.oracle_logon(start, end) {
            return true;
        }
        // `htpasswd -b file ada hunter2`, `net use z: /user:ada hunter2`
        if self.line.positional && self.before(start) == b' ' && (self.chosen(start) || self.told_here(start))
        {
            return true;
        }
        let user = self.before(start) == b'/' && self.byte(end) == b':' && is_one_of!(word, "user")
            || self.words[1].1 == 0 && is_one_of!(word, "user use") && is_one_of!(self.nth_word(0), "net");
        if self.byte(end) == b' ' {
            if is_one_of!(word, POSITIONAL) {
                self.line.positional = true;
                if self.placed(start, end) {
                    return true;
                }
            }
            if is_one_of!(word, DIRECTIVES) && self.directive(end)
                || is_one_of!(word, OPERANDS) && self.operand(start, end)
            {
                return true;
            }
        }
        self.line.positional |= user;
        // `creds ada/hunter2`, `creds are ada:hunter2`
        let parted = match self.byte(end) {
            b'/' | b':' => end + 1,
            b' ' if self.is_at(end, b" / ") => end + 3,
            _ => 0,
        };
        if parted > 0
            && let Some(linked) = self.credentials_lead(start)
        {
            let rest = self.slice(parted, parted + 64);
            let marked = || rest.iter().take_while(|b| **b > b' ').any(|b| b"!@#$%^&*".contains(b));
            // `creds for the FTP: ada / …`
            let purpose = self.is_at(start.saturating_sub(2), b": ");
            let told = !linked && (parted == end + 1 || purpose || marked());
            if self.chosen(parted) || told && self.told_here(parted) {
                return true;
            }
        }
        if level == Level::Harmless && self.line_is_quiet() && self.byte(end) != b'(' {
            self.line.login = is_one_of!(word, LOGINS);
            return false;
        }
        if (self.line.secret || self.line.password || self.line.login) && self.echoed(start, end) {
            return true;
        }
        if self.line.login && is_one_of!(word, "and") && self.default_login(end) {
            return true;
        }
        // `prompt "Password:" answered with …`
        if self.line.password
            && is_one_of!(word, "with")
            && is_one_of!(self.nth_word(0), "answered")
            && is_one_of!(self.nth_word(2), "prompt")
            && self.byte(end) == b' '
            && self.told_here(end + 1)
        {
            return true;
        }
        if self.line.login && is_one_of!(word, "with using") && self.login_with(end) {
            return true;
        }
        // `wg set wg0 … preshared-key /dev/stdin <<< "…"`
        if self.line.secret && self.is_at(end, b" <<< ") && self.quoted_argument(end + 4) {
            return true;
        }
        // PHP's `$auth->attempt(…)`, `Auth::attempt(…)`: whatever is tried elsewhere is called so as well
        let calls = self.byte(end) == b'('
            && (word != b"attempt" || matches!(self.slice(start.saturating_sub(2), start), b"->" | b"::"));
        if calls && is_one_of!(word, POSITIONAL_CALLS) && self.positional_call(word, end + 1) {
            return true;
        }
        let signs = self.byte(end) == b'(' && is_one_of!(word, "sign verify encode decode");
        if signs && self.is_at(start.saturating_sub(4), b"jwt.") {
            let claims = self.behind_braces(end + 1);
            return self.arguments(claims);
        }
        if self.is_at(start.saturating_sub(5), b"hmac.new(") {
            return self.arguments(end + 1);
        }
        if calls && (level == Level::Always || is_one_of!(word, CALLS)) {
            self.line.one_time |= ends_as!(word, "code");
            return self.arguments(end + 1);
        }
        // `admin / hunter2`, `ada:hunter2`
        if self.line.login
            && (self.is_at(end, b" / ") && self.chosen(end + 3)
                || self.byte(end) == b':'
                    && !value::is_method(word)
                    && (self.chosen(end + 1) || self.turned_away(end + 1)))
        {
            return true;
        }
        let led = self.line.spoken > 0 && self.leads(self.line.spoken, start);
        let bracketed = self.before(start) == b'(' && self.line.password && !self.tells_resource(end);
        let linked = self.line.linked || bracketed;
        if led && (!self.line.pin && self.generated_near(start) || linked && self.chosen(start)) {
            return true;
        }
        let links = led && LINKS.any_case(word).is_some();
        match level {
            Level::Harmless => {}
            _ => {
                if self.typed(start, end) {
                    return true;
                }
                self.line.password = self.line.password || ends_as!(word, PASSWORDS);
                self.line.secret = true;
                self.line.one_time = self.line.one_time || ends_as!(word, "code codes");
                self.table_head(start, end);
                // `/secrets?filter=…`: a query, no list
                if word.ends_with(b"s")
                    && !self.queried(end)
                    && !self.is_at(end, b"::")
                    && self.listed_behind(end)
                {
                    return true;
                }
            }
        }
        self.line.login = self.line.login || is_one_of!(word, LOGINS);
        self.line.spoken = if level != Level::Harmless || links { end } else { 0 };
        self.line.pin = level == Level::Digits || self.line.pin && links;
        self.line.linked =
            links && self.line.password && (self.line.linked || is_one_of!(word, "is was to from plaintext"));
        if self.line.password {
            return self.told_later(word, end);
        }
        // `token for ada was …`
        self.line.secret
            && self.byte(end) == b' '
            && is_one_of!(word, "is was")
            && self.generated_near(end + 1)
    }

    /// Whether nothing was said yet that a secret could follow.
    fn line_is_quiet(&self) -> bool {
        self.line.spoken == 0 && !self.line.secret && !self.line.password && !self.line.login
    }

    /// What the word says of a secret: alone, with the one before it, or as the way to one.
    fn speaks(&self, start: usize, end: usize) -> Level {
        if self.before(start) == b'/' && self.slash_at(end) && is_one_of!(self.slice(start, end), DOORS) {
            return Level::Always;
        }
        // What secrets are called ends so (password, pwd, phrase, code, secret, token…); most other words do not.
        let tail = [self.byte(end.saturating_sub(2)) | 0x20, self.byte(end - 1) | 0x20];
        #[rustfmt::skip]
        let speaks = tail[1].is_ascii_digit() || matches!(&tail,
            b"rd" | b"wd" | b"se" | b"de" | b"et" | b"en" | b"ns" | b"ey" | b"ys" | b"al" | b"ls" | b"ie" | b"es" | b"tp"
            | b"in" | b"wt" | b"ss" | b"pw" | b"ts" | b"ds" | b"rf" | b"on" | b"th" | b"ws" | b"rt");
        if end - start < 3 || !speaks {
            return Level::Harmless;
        }
        match self.level_of(start, end, false) {
            level @ (Level::Always | Level::UnlessNumber | Level::UnlessCount | Level::Digits) => level,
            // `invalid token: …`
            Level::IfGenerated if self.alone(start, end) == Level::Always => Level::Always,
            _ => Level::Harmless,
        }
    }

    /// Where a password was spoken of: `… for root@localhost: value`, `… we agreed on is value`.
    fn told_later(&mut self, word: &[u8], end: usize) -> bool {
        let from = match () {
            () if self.is_at(end, b": ") && !is_one_of!(word, IDS) && !self.of_manager(word) => end + 2,
            // French leaves a space before its colon.
            () if self.is_at(end, b" : ") && !is_one_of!(word, IDS) => end + 3,
            () if self.is_at(end, b", it's ") || self.is_at(end, b". it's ") => end + 7,
            () if self.is_at(end, b", which is ") => end + 11,
            () if self.byte(end) == b' ' && is_one_of!(word, "is was ist lautet est es jest er") => {
                let mark = usize::from(matches!(self.byte(end + 1), b'"' | b'\''));
                end + if self.is_at(end, " « ".as_bytes()) { 4 } else { 1 + mark }
            }
            // `answered with '…'`, `reset to "…"`
            () if (self.is_at(end, b" '") || self.is_at(end, b" \"")) && is_one_of!(word, "with to as") => {
                end + 2
            }
            // `expect "password:"; send "…\r"`
            () if self.is_at(end, b" \"") && is_one_of!(word, "send") => {
                let to = value::bare_end(self.slice(0, end + 98), end + 2, false);
                self.looked(end, to);
                let sent = self.is_at(to, b"\\r") && !value::says_nothing(self.slice(end + 2, to));
                return sent && self.command_span(end + 2, to);
            }
            () => return false,
        };
        if let Some(to) = statement::mnemonic(self.text, from) {
            self.looked(from, to);
            self.take(from, to, to, Rule::KEY_VALUE);
            return true;
        }
        self.chosen(from)
    }

    /// `password manager: …`, `password manager integration: …`: the program, no password
    fn of_manager(&self, word: &[u8]) -> bool {
        let words = [word, self.nth_word(0), self.nth_word(1)];
        words.windows(2).any(|pair| {
            matches!(pair, [last, before] if is_one_of!(last, "manager managers") && is_one_of!(before, "password passwords"))
        })
    }

    /// Takes what starts here if it is a password as people choose them, or a PIN's digits.
    pub fn chosen(&mut self, start: usize) -> bool {
        let end = value::bare_end(self.slice(0, start + 96), start, false);
        self.looked(start, end);
        let content = self.slice(start, end);
        let pin =
            self.line.linked && matches!(content.len(), 4..=8) && content.iter().all(u8::is_ascii_digit);
        if !(value::looks_chosen(content) || value::is_passphrase(content) || pin)
            || benign::is_setting(content)
            || is_status(content)
        {
            return false;
        }
        self.take(start, end, end, Rule::KEY_VALUE);
        self.line.spoken = end; // `… from a to b`
        true
    }

    /// A line of its own behind one that announced a password.
    pub fn announced(&mut self) {
        let start = self.at + value::run_of(self.text, self.at, b' ').min(16);
        let start = start + if self.is_at(start, b"- ") { 2 } else { 0 };
        let start = start + if self.is_at(start, NEW_VALUE) { NEW_VALUE.len() } else { 0 };
        let end = value::bare_end(self.slice(0, start + 2048), start, false);
        self.looked(start, end);
        let alone = matches!(self.byte(end), b'\n' | b'\r' | 0);
        let least = if self.line.password { 8 } else { 20 };
        if alone && self.is_announced(start, end, least) {
            self.take(start, end, end, Rule::KEY_VALUE);
            self.line.prompt = true; // another may follow
        }
    }

    fn is_announced(&self, start: usize, end: usize, least: usize) -> bool {
        let content = self.slice(start, end);
        value::looks_generated(content, least)
            || self.is_at(start.saturating_sub(NEW_VALUE.len()), NEW_VALUE) && value::is_told(content)
    }

    /// Whether nothing but marks stands between.
    fn leads(&self, from: usize, to: usize) -> bool {
        let gap = self.slice(from, to);
        (1..=6).contains(&gap.len()) && gap.iter().all(|b| b" \t\"'`(</>[\\:,-".contains(b) || *b >= 0x80)
    }

    /// Takes the word that starts here if it looks generated beyond doubt.
    fn generated_near(&mut self, start: usize) -> bool {
        // Nearly every word is turned away here: it ends before it could be generated beyond doubt.
        let plain = charset::CREDENTIAL.run_within(self.text, start, UNMISTAKABLE);
        if plain < start + UNMISTAKABLE && !b"!#$*^|".contains(&self.byte(plain)) {
            return false;
        }
        if !self.has_digit(start, start + NEAR_AT_MOST) {
            return false;
        }
        let whole = self.bare_end(start, false, false);
        let end = whole.min(start + NEAR_AT_MOST);
        let in_path = self.before(start) == b'/';
        let ends = |b: &u8| b"?#&".contains(b) || in_path && matches!(b, b'/' | b'\\');
        let end = start + self.slice(start, end).iter().position(ends).unwrap_or(end - start);
        self.looked(start, end);
        let content = self.judged(start, end);
        // A webhook's path says what stands behind it.
        let door = in_path
            && (self.is_at(start.saturating_sub(6), b"hooks/")
                || self.is_at(start.saturating_sub(5), b"hook/"))
            && content.len() >= 24
            && content.iter().all(|&b| charset::is_alnum(b))
            && value::looks_generated(content, 24);
        if !door && !value::is_unmistakable(content)
            || in_path && self.is_version(start, end)
            || benign::is_setting(content)
        {
            return false;
        }
        let cut = end == start + NEAR_AT_MOST;
        let end =
            if cut { end + self.slice(end, whole).iter().position(ends).unwrap_or(whole - end) } else { end };
        // `data key plaintext=…`
        let start = start + benign::inner_value(content).unwrap_or(0);
        self.take(start, end, end, Rule::KEY_VALUE);
        self.line.spoken = end; // `… from a to b`
        true
    }

    /// Whether a digit stands here: windows overlap, and what was looked through is not again.
    fn has_digit(&mut self, from: usize, to: usize) -> bool {
        let to = to.min(self.text.len());
        let new = self.digits.new_of(from, to, &[]);
        self.looked(new, to);
        let found = self.slice(new, to).iter().any(u8::is_ascii_digit);
        self.digits.note(from, to, found);
        found
    }
}

/// Windows' `0xC000006A`, which says why somebody was turned away.
fn is_status(value: &[u8]) -> bool {
    value.strip_prefix(b"0x").is_some_and(|hex| hex.len() == 8 && hex.iter().all(u8::is_ascii_hexdigit))
}
