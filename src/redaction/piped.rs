//! What is piped into a command that takes a secret: `echo … | sudo -S`, `printf %s … | wrangler secret put API_KEY`.

use super::charset;
use super::lists::{is_one_of, list};
use super::scan::Scanner;

/// How far back the start of a pipe is looked for.
const PIPED_AT_MOST: usize = 160;

/// Commands that keep secrets for others, and take one from a pipe.
const KEEPERS: &str = "wrangler gh glab docker podman fly flyctl vercel supabase heroku gcloud eas doppler";

impl Scanner<'_> {
    /// `echo … | sudo -S`: what is piped into what stands here.
    pub fn piped(&mut self, end: usize) -> bool {
        let from = end.saturating_sub(PIPED_AT_MOST).max(self.done);
        let line = self.slice(from, end);
        self.looked(from, end);
        let Some(pipe) = line.iter().rposition(|&b| b == b'|') else { return false };
        let said = line.get(..pipe).unwrap_or_default();
        let word = |word: &[u8]| said.windows(word.len()).rposition(|part| part == word);
        let (start, stop) = match (word(b"echo "), word(b"printf ")) {
            (Some(echo), _) => {
                let at = from + echo + 5;
                let at = at + if self.is_at(at, b"-n ") { 3 } else { 0 };
                let (start, stop, _) = self.argument_at(at, PIPED_AT_MOST);
                (start, stop)
            }
            (None, Some(printf)) => self.printed(from + printf + 7),
            (None, None) => return false,
        };
        // `echo 'root:…' | chpasswd`, `echo 'API_KEY=…' | fly secrets import`
        let mark = match () {
            () if self.is_at(end, b"chpasswd") => b':',
            () if self.is_at(end, b"secrets import") => b'=',
            () => 0,
        };
        let user = self.slice(start, stop).iter().position(|&b| b == mark);
        let start = start + user.map_or(0, |mark| mark + 1);
        let resume = self.at;
        let taken = stop < from + pipe && self.command_span(start, stop);
        self.at = self.at.max(resume);
        taken
    }

    /// `'%s' "…"`, `"…"`: what `printf` prints, given its arguments.
    fn printed(&mut self, at: usize) -> (usize, usize) {
        let (start, stop, after) = self.argument_at(at, PIPED_AT_MOST);
        if !self.is_at(start, b"%s") {
            return (start, stop);
        }
        let (start, stop, _) = self.argument_at(after + 1, PIPED_AT_MOST);
        (start, stop)
    }

    /// `echo … | npx wrangler secret put API_KEY`, `… | vercel env add API_KEY`, read at the word for what is kept.
    pub fn kept(&mut self, start: usize, end: usize) -> bool {
        if self.byte(end) != b' ' || !is_one_of!(self.slice(start, end), "secret secrets env variable") {
            return false;
        }
        let verb = charset::WORD.run_within(self.text, end + 1, 10);
        is_one_of!(self.slice(end + 1, verb), "put set create import add versions")
            && self.words_mention(list!(KEEPERS))
            && self.piped(start)
    }
}
