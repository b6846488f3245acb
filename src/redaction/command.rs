//! What follows a command's flags: `--password value`, `-u user:value`, `-pvalue`.

use super::charset;
use super::keys::{self, Level};
use super::names::Rule;
use super::scan::Scanner;
use super::value;
use super::words::one_of;

impl Scanner<'_> {
    /// `--password value`, `-u user:value`, `-pvalue`
    #[inline(never)]
    pub fn flag(&mut self, start: usize, end: usize) -> bool {
        let long = self.before(start - 1) == b'-';
        let word = self.slice(start, end);
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
                _ if self.line.password_flag != b'p' => false,
                _ if word.iter().all(|b| b.is_ascii_digit() || *b == b'p') => false,
                _ => {
                    let to = value::bare_end(self.text, start + 1, false);
                    self.looked(start, to);
                    self.command_span(start + 1, to)
                }
            };
        }
        false
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
