//! What follows a command's flags: `--password value`, `-u user:value`, `-pvalue`.

use super::charset;
use super::keys::{self, Level};
use super::names::Rule;
use super::near::ends_as;
use super::scan::Scanner;
use super::value;
use super::words::one_of;

/// How far back the start of a pipe is looked for.
const PIPED_AT_MOST: usize = 120;

impl Scanner<'_> {
    /// `--password value`, `-u user:value`, `-pvalue`
    #[inline(never)]
    pub fn flag(&mut self, start: usize, end: usize) -> bool {
        let long = self.before(start - 1) == b'-';
        let word = self.slice(start, end);
        // The password comes another way: `echo … | docker login --password-stdin`.
        if ends_as(word, "stdin") || word == b"S" && self.word_is(0, "sudo") {
            return self.piped(start);
        }
        if self.glued(start, word, long) {
            let to = value::bare_end(self.text, start + 1, false);
            self.looked(start, to);
            return self.command_span(start + 1, to);
        }
        if long && word == b"cookie" {
            return self.cookies(value::opening(self.text, end + 1).map_or(end + 1, |_| end + 1));
        }
        let space = value::run_of(self.text, end, b' ');
        let from = end + space;
        let secret = matches!(keys::level(word), Level::Always | Level::UnlessNumber | Level::UnlessCount);
        let named = charset::WORD.run_within(self.text, from, 48);
        let names = self.byte(named) == b' ' && keys::level(self.slice(from, named)) == Level::Always;
        if (long || word.len() > 4) && space > 0 && self.byte(from) != b'-' && secret && !names {
            return self.command_value(from);
        }
        // `--auth user:password`, `--auth token`; `gh secret set NAME --body …`
        let body = self.line.secret && one_of(word, "body value");
        if long && space > 0 && (body || keys::level(word) == Level::IfGenerated) {
            let (at, to, _) = self.argument_at(from, usize::MAX);
            let content = self.slice(at, to);
            let colon = content.iter().position(|&b| b == b':').map_or(0, |colon| colon + 1);
            return value::looks_generated(content, 10) && self.command_span(at + colon, to);
        }
        let named = matches!(word, b"u" | b"U" | b"a") || long && one_of(word, "user auth login proxy-user");
        if named && space > 0 && !self.line.user_flag {
            let (at, to, _) = self.argument_at(from, usize::MAX);
            self.line.account |= !long && self.byte(from) != b'-';
            // `-U 'ada%…'` is Samba's.
            let colon = |b: &u8| *b == b':' || *b == b'%' && word == b"U";
            let colon = self.slice(at, to).iter().position(colon).unwrap_or(to - at);
            let password = self.slice(at + colon + 1, to);
            if value::looks_generated(password, 8) && self.command_span(at + colon + 1, to) {
                return true;
            }
        }
        // `curl -uada:…`
        if self.line.user_flag && !long && self.byte(start) == b'u' && self.byte(end) == b':' && word.len() > 1 {
            let (from, to, _) = self.argument_at(end + 1, 128);
            return self.command_span(from, to);
        }
        let user = self.line.user_flag
            && (word == b"u" || word == b"U" || (long && matches!(word, b"user" | b"proxy-user")));
        if user && space > 0 {
            let (at, to, _) = self.argument_at(from, usize::MAX);
            let Some(colon) = self.slice(at, to).iter().position(|&b| b == b':') else { return false };
            return self.command_span(at + colon + 1, to);
        }
        if self.line.account && !long && matches!(word, b"p" | b"P" | b"w") && space > 0 {
            let (at, to, _) = self.argument_at(from, usize::MAX);
            if value::looks_chosen(self.slice(at, to)) {
                return self.command_span(at, to);
            }
        }
        if self.line.password_flag != 0 && !long && word.first() == Some(&self.line.password_flag) {
            return match word.len() {
                // `mysql -p shop` asks for the password; shop is the database.
                1 if self.line.glued_flag && space > 0 => false,
                1 if space > 0 && self.byte(from) != b'-' => self.command_value(from),
                1 if value::opening(self.text, end).is_some() => self.command_value(end),
                1 => false,
                _ => false,
            };
        }
        false
    }

    /// `mysql -pvalue`
    fn glued(&self, start: usize, word: &[u8], long: bool) -> bool {
        let flag = self.line.password_flag == b'p' && !long && word.len() > 1 && self.byte(start) == b'p';
        flag && !word.iter().all(|b| b.is_ascii_digit() || *b == b'p')
    }

    /// `echo … | sudo -S`: what is piped into what stands here.
    pub fn piped(&mut self, end: usize) -> bool {
        let from = end.saturating_sub(PIPED_AT_MOST).max(self.done);
        let line = self.slice(from, end);
        self.looked(from, end);
        let Some(pipe) = line.iter().rposition(|&b| b == b'|') else { return false };
        let said = line.get(..pipe).unwrap_or_default();
        let Some(echo) = said.windows(5).rposition(|part| part == b"echo ") else { return false };
        let at = from + echo + 5;
        let at = at + if self.is_at(at, b"-n ") { 3 } else { 0 };
        let (start, stop, _) = self.argument_at(at, PIPED_AT_MOST);
        // `echo 'root:…' | chpasswd`
        let user = self.slice(start, stop).iter().position(|&b| b == b':').filter(|_| self.is_at(end, b"chpasswd"));
        let start = start + user.map_or(0, |colon| colon + 1);
        let resume = self.at;
        let taken = stop < from + pipe && self.command_span(start, stop);
        self.at = self.at.max(resume);
        taken
    }

    fn command_value(&mut self, at: usize) -> bool {
        let (from, to, _) = self.argument_at(at, usize::MAX);
        self.command_span(from, to)
    }

    fn command_span(&mut self, from: usize, to: usize) -> bool {
        let content = self.slice(from, to);
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
