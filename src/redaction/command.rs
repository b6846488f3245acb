//! What follows a command's flags: `--password value`, `-u user:value`, `-pvalue`.

use super::charset;
use super::keys::{self, Level};
use super::lists::{ends_as, is_one_of, list};
use super::names::Rule;
use super::scan::Scanner;
use super::value;
use super::words::{Beginnings, Words};

/// The command's own `-u` takes `user:password`.
const USER: u32 = 1 << 8;

/// Its password's flag takes the password without a space alone.
const GLUED: u32 = 1 << 9;

/// Its flags begin with a slash.
const SLASHED: u32 = 1 << 10;

/// Commands, and the letter of the flag with which each takes its password.
#[rustfmt::skip]
static COMMANDS: Words<128> = Words::new(&[
    (USER, "curl wget smbclient rpcclient smbget"),
    (GLUED | b'p' as u32, "mysql mysqldump mysqladmin mysqlimport mariadb 7z 7za 7zr 7zz rar unrar"),
    (b'p' as u32, "mongosh mongo mongodump mongorestore mongoexport mongoimport sshpass rdesktop snowsql"),
    (SLASHED, "signtool"),
    (b'P' as u32, "mosquitto_pub mosquitto_sub sqlcmd bcp isql zip unzip ipmitool"),
    (b'w' as u32, "ldapsearch ldapmodify ldapdelete ldapwhoami ldapadd ldappasswd"),
    (b'a' as u32, "redis-cli"),
    (b'A' as u32, "snmpwalk snmpget snmpset snmptrap snmptable snmpinform"),
    (b'k' as u32, "openssl"),
    (b't' as u32, "codecov"),
    (b'N' as u32, "ssh-keygen"),
]);

/// Whether a command takes a password by one of its flags.
pub fn takes_password(word: &str) -> bool {
    COMMANDS.any_case(word.as_bytes()).is_some()
}

impl Scanner<'_> {
    /// A command that takes a password, by a flag or as a word.
    #[inline(never)]
    pub fn command(&mut self, start: usize, end: usize) -> bool {
        if self.is_at(start, b"sqlplus ") {
            let mut at = end + 1;
            while self.byte(at) == b'-' {
                at = charset::WORD.run_within(self.text, at, 16) + 1; // `-S`
            }
            return self.logon(at);
        }
        // `supabase link --project-ref … -p …`
        if self.is_at(start, b"supabase link ") || self.is_at(start, b"supabase db ") {
            self.line.password_flag = b'p';
        }
        if self.is_at(start, b"security ") {
            self.line.password_flag = self.keychain_flag(end).unwrap_or(self.line.password_flag);
        }
        if let Some(known) = COMMANDS.any_case(self.slice(start, end)) {
            self.line.user_flag |= known & USER != 0;
            self.line.slashed |= known & SLASHED != 0;
            if known & 0xff != 0 {
                self.line.password_flag = (known & 0xff) as u8;
                self.line.glued_flag = known & GLUED != 0;
            }
        }
        false
    }

    /// The letter of the flag with which macOS' `security` takes a password, by what it is to do.
    fn keychain_flag(&self, end: usize) -> Option<u8> {
        let to = charset::WORD.run_within(self.text, end + 1, 32);
        let verb = self.slice(end + 1, to);
        match () {
            () if is_one_of!(verb, "unlock-keychain create-keychain set-keychain-password") => Some(b'p'),
            () if is_one_of!(verb, "add-generic-password add-internet-password") => Some(b'w'),
            () if is_one_of!(verb, "import") => Some(b'P'),
            () if is_one_of!(verb, "set-key-partition-list") => Some(b'k'),
            () => None,
        }
    }

    /// Oracle's `user/password@host`
    fn logon(&mut self, at: usize) -> bool {
        let (from, to, _) = self.argument_at(at, 128);
        let word = self.slice(from, to);
        let Some(slash) = word.iter().position(|&b| b == b'/').filter(|slash| *slash > 0) else {
            return false;
        };
        let sign = word.iter().rposition(|&b| b == b'@').unwrap_or(word.len());
        slash < sign && self.command_span(from + slash + 1, from + sign)
    }

    /// Oracle's `system/password@host`, no command before it.
    #[inline(never)]
    pub fn oracle_logon(&mut self, user: usize, slash: usize) -> bool {
        let word = self.slice(slash + 1, slash + 97);
        let sign = word.iter().take_while(|b| b.is_ascii_graphic()).position(|&b| b == b'@');
        self.looked(slash, slash + 97);
        let told = sign.and_then(|sign| word.get(..sign)).is_some_and(value::is_told);
        let alone = matches!(self.before(user), 0 | b' ' | b'\n' | b'"' | b'\'' | b'=');
        told && alone && self.logon(user)
    }

    /// Oracle's `IDENTIFIED BY tiger`, in capitals or behind a user.
    pub fn identified(&mut self, by: usize, end: usize) -> bool {
        let (from, to, _) = self.argument_at(end + 1, 64);
        let statement = self.byte(by) == b'B' || is_one_of!(self.nth_word(2), "user");
        statement && !is_one_of!(self.slice(from, to), "random values") && self.command_span(from, to)
    }

    /// `id=npmrc,src=.npmrc`: a secret of Docker's build, by its file or its variable
    fn of_build(&self, from: usize) -> bool {
        let value = self.slice(from, from + 96);
        let word = value.split(|b| b.is_ascii_whitespace()).next().unwrap_or_default();
        word.split(|&b| b == b',')
            .skip(1)
            .any(|part| part.starts_with(b"src=") || part.starts_with(b"env=") || part.starts_with(b"type="))
    }

    /// `--password value`, `-u user:value`, `-pvalue`
    #[inline(never)]
    pub fn flag(&mut self, start: usize, end: usize) -> bool {
        let long = self.before(start - 1) == b'-';
        let word = self.slice(start, end);
        // The password comes another way: `echo … | docker login --password-stdin`.
        if ends_as!(word, "stdin") || word == b"S" && is_one_of!(self.nth_word(0), "sudo") {
            return self.piped(start);
        }
        if self.substituted(start, end) {
            return true;
        }
        // `ConvertTo-SecureString -AsPlainText "…"`
        if word == b"AsPlainText" {
            return self.quoted_argument(end);
        }
        if self.glued(start, word, long) {
            let to = self.bare_end(start + 1, false, false);
            self.looked(start, to);
            return self.command_span(start + 1, to);
        }
        // `--cookie "a=…; b=…"`, curl's `-b "a=…; b=…"`; `-b jar.txt` names a file
        if long && word == b"cookie" || !long && word == b"b" && self.line.user_flag {
            return self.cookies(end + 1);
        }
        // Erlang's `-setcookie …`
        if word == b"setcookie" && self.byte(end) == b' ' {
            return self.command_value(end + 1);
        }
        // `["-a", "…"]`, as a process is started
        let listed = self.one_at(end, const { &Beginnings::of(&["\", \"", "\",\"", "', '", "','"]) });
        let space = listed.map_or_else(|| value::run_of(self.text, end, b' '), |gap| gap.len() - 1);
        let from = end + space;
        let dash = self.byte(from + usize::from(listed.is_some())) == b'-';
        let secret = matches!(keys::level(word), Level::Always | Level::UnlessNumber | Level::UnlessCount);
        // `pulumi config set --secret infra:apiToken`, `docker build --secret id=npmrc`
        let named = charset::WORD.run_within(self.text, from, 48);
        let path = if self.byte(named) == b':' { named + 1 } else { from };
        let named = if path > from { charset::WORD.run_within(self.text, path, 48) } else { named };
        let names = self.byte(named) == b' ' && keys::level(self.slice(path, named)) == Level::Always;
        if long && secret && names && path > from && charset::is_alnum(self.byte(named + 1)) {
            return self.command_value(named + 1);
        }
        let names = names || is_one_of!(word, "secret") && self.is_at(from, b"id=") && self.of_build(from);
        if (long || word.len() > 4) && space > 0 && !dash && secret && !names {
            return !self.explains(space, from) && self.command_value(from);
        }
        // `openssl dgst -sha256 -hmac …`
        if word == b"hmac" && self.line.password_flag == b'k' && space > 0 && !dash {
            return self.command_value(from);
        }
        // `--auth user:password`, `--auth token`; `gh secret set NAME --body …`
        let body = self.line.secret && is_one_of!(word, "body value");
        if long && space > 0 && (body || keys::level(word) == Level::IfGenerated) {
            let (at, to, _) = self.argument_at(from, usize::MAX);
            let content = self.slice(at, to);
            let colon = content.iter().position(|&b| b == b':').map_or(0, |colon| colon + 1);
            return value::looks_generated(content, 10) && self.command_span(at + colon, to);
        }
        let named =
            matches!(word, b"u" | b"U" | b"a") || long && is_one_of!(word, "user auth login proxy-user");
        if named && space > 0 && !self.line.user_flag {
            let (at, to, _) = self.argument_at(from, usize::MAX);
            self.line.account |= !long && !dash;
            // `-U 'ada%…'` is Samba's.
            let colon = |b: &u8| *b == b':' || *b == b'%' && word == b"U";
            let colon = self.slice(at, to).iter().position(colon).unwrap_or(to - at);
            let password = self.slice(at + colon + 1, to);
            let samba = self.byte(at + colon) == b'%' && value::is_told(password);
            if (samba || value::looks_generated(password, 8)) && self.command_span(at + colon + 1, to) {
                return true;
            }
        }
        // `curl -uada:…`
        if self.line.user_flag
            && !long
            && self.byte(start) == b'u'
            && self.byte(end) == b':'
            && word.len() > 1
        {
            let (from, to, _) = self.argument_at(end + 1, 128);
            return self.command_span(from, to);
        }
        let httpie = word == b"a" && is_one_of!(self.nth_word(0), "http https xh");
        let user = httpie
            || self.line.user_flag
                && (word == b"u"
                    || word == b"U"
                    || !long && is_bundle(word)
                    || (long && matches!(word, b"user" | b"proxy-user")));
        if user && space > 0 {
            let (at, to, _) = self.argument_at(from, usize::MAX);
            let parts = |b: &u8| *b == b':' || *b == b'%' && word == b"U";
            let Some(colon) = self.slice(at, to).iter().position(parts) else { return false };
            if self.is_at(at + colon, b"://") {
                return false; // `wget -qu http://…`
            }
            return self.command_span(at + colon + 1, to);
        }
        // `ssh-keygen -p -P … -N …`: the old passphrase, and the new one
        if word == b"P" && self.line.password_flag == b'N' && space > 0 && !dash {
            return self.command_value(from);
        }
        // SNMP's passphrases: `-a SHA -A … -x AES -X …`
        if matches!(word, b"A" | b"X")
            && space > 0
            && !dash
            && (self.line.password_flag == b'A' || self.words_mention(list!(super::places::SNMP)))
        {
            return self.command_value(from);
        }
        if self.line.account && !long && matches!(word, b"p" | b"P" | b"w") && space > 0 {
            let (at, to, _) = self.argument_at(from, usize::MAX);
            let content = self.slice(at, to);
            let told = word == b"p" && value::is_told(content) && !content.contains(&b'.');
            if told || value::looks_chosen(content) {
                return self.command_span(at, to);
            }
        }
        if self.line.password_flag != 0 && !long && word.first() == Some(&self.line.password_flag) {
            return match word.len() {
                // `mysql -p shop` asks for the password; shop is the database.
                1 if self.line.glued_flag && space > 0 => false,
                1 if space > 0 && !dash => self.command_value(from),
                1 if value::opening(self.text, end).is_some() => self.command_value(end),
                1 => false,
                _ => false,
            };
        }
        false
    }

    /// `--keep-tokens      change password only if expired`: a column of words beside an option, as its help has them;
    /// and what stands for a value there
    #[inline(never)]
    fn explains(&self, space: usize, from: usize) -> bool {
        let to = from + self.slice(from, from + 32).iter().take_while(|b| b.is_ascii_alphabetic()).count();
        // `--private-key PATH   path to a file`
        let stands_for = to > from + 2
            && self.slice(from, to).iter().all(u8::is_ascii_uppercase)
            && self.is_at(to, b"  ")
            && self.byte(to + value::run_of(self.text, to, b' ').min(32)).is_ascii_alphabetic();
        stands_for
            || space > 1 && to > from && self.byte(to) == b' ' && self.byte(to + 1).is_ascii_alphabetic()
    }

    /// `mysql -pvalue`, `sqlcmd -Pvalue`
    fn glued(&self, start: usize, word: &[u8], long: bool) -> bool {
        let letter = self.line.password_flag;
        let flag = matches!(letter, b'p' | b'P') && !long && word.len() > 1 && self.byte(start) == letter;
        flag && !word.iter().all(|b| b.is_ascii_digit() || *b == letter)
    }

    /// `chpasswd <<< "ada:…"`, cloud-init's `chpasswd list: ada:…`
    pub fn fed(&mut self, end: usize) -> bool {
        let Some(link) = self.one_at(end, const { &Beginnings::of(&[" <<< ", " list: "]) }) else {
            return false;
        };
        let (from, to, _) = self.argument_at(end + link.len(), 128);
        let colon = self.slice(from, to).iter().position(|&b| b == b':');
        colon.is_some_and(|colon| self.command_span(from + colon + 1, to))
    }

    fn command_value(&mut self, at: usize) -> bool {
        let (from, to, _) = self.argument_at(at, usize::MAX);
        self.command_span(from, to)
    }

    pub fn command_span(&mut self, from: usize, to: usize) -> bool {
        let content = self.judged(from, to);
        if from >= to
            || value::says_nothing(content)
            || (content.starts_with(b"$") && !content.contains(&b'!'))
        {
            return false;
        }
        self.take(from, to, to, Rule::COMMAND_LINE);
        true
    }
}

/// curl's short options with `-u` the last of them: `-sSfu user:password`
fn is_bundle(word: &[u8]) -> bool {
    (2..=8).contains(&word.len())
        && word.ends_with(b"u")
        && word.iter().all(|b| b"0146afgijklnpqsvGILNOSZu#".contains(b))
}
