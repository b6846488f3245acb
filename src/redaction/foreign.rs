//! What a password or a one-time code is called where letters are not ASCII's.

use super::charset;
use super::lists::is_one_of;
use super::names::Rule;
use super::scan::Scanner;
use super::value;
use super::words::Beginnings;

/// A name, and where its first letter beyond ASCII stands, by the first two bytes of which it is found.
#[derive(Clone, Copy)]
struct Name {
    word: &'static str,
    before: usize,
    letter: [u8; 2],
}

/// Of these words, each of which has such a letter.
const fn names<const N: usize>(words: [&'static str; N]) -> [Name; N] {
    let mut names = [Name { word: "", before: 0, letter: [0; 2] }; N];
    let mut at = 0;
    while at < N {
        let bytes = words[at].as_bytes();
        let mut before = 0;
        while bytes[before].is_ascii() {
            before += 1;
        }
        names[at] = Name { word: words[at], before, letter: [bytes[before], bytes[before + 1]] };
        at += 1;
    }
    names
}

/// Names of a password.
static PASSWORDS: [Name; 17] = names([
    "contraseña",
    "Contraseña",
    "hasło",
    "Hasło",
    "lösenordet",
    "Lösenordet",
    "lösenord",
    "Lösenord",
    "şifre",
    "Şifre",
    "пароль",
    "Пароль",
    "密码",
    "密碼",
    "パスワード",
    "비밀번호",
    "סיסמה",
]);

/// Names of a one-time code.
static CODES: [Name; 6] = names(["код", "Код", "認証コード", "验证码", "驗證碼", "인증번호"]);

/// What may stand between such a name and the secret.
static LINKS: Beginnings = Beginnings::of(&[
    " ",
    ":",
    "[",
    "：",
    "=",
    "は",
    "是",
    "为",
    "«",
    "подтверждения",
    "to ",
    "är ",
    "est ",
    "es ",
    "é ",
    "jednorazowe",
]);

/// What says of a password that it is a one-time code.
const ONCE: &str = "jednorazowe jednorazowego";

impl Scanner<'_> {
    /// A byte beyond ASCII: whether a name of the tables stands here, and a secret behind it.
    #[inline(never)]
    pub fn foreign(&mut self) {
        let start = self.at;
        self.at += 1;
        let here = [self.byte(start), self.byte(start + 1)];
        // Where a name of the list that has its first letter beyond ASCII here ends.
        let ends = |list: &[Name]| {
            list.iter().filter(|name| name.letter == here).find_map(|name| {
                let from = start.saturating_sub(name.before);
                self.slice(from, from + name.word.len())
                    .eq(name.word.as_bytes())
                    .then_some(from + name.word.len())
            })
        };
        let password = ends(&PASSWORDS);
        let found = password.or_else(|| ends(&CODES));
        // `"contraseña":"…"`
        static SIGNS: Beginnings = Beginnings::of(&["\":", "':", "\\\":"]);
        if let Some(named) = password
            && let Some(sign) = self.one_at(named, &SIGNS)
        {
            let at = named + sign.len() + value::run_of(self.text, named + sign.len(), b' ').min(1);
            let (from, to, after) = self.argument_at(at, usize::MAX);
            if from > at && from < to && !value::says_nothing(self.judged(from, to)) {
                self.take(from, to, after, Rule::KEY_VALUE);
                return;
            }
        }
        // `contraseña=tortilla-sevilla`, `hasło: pierogi-z-serem`
        if let Some(named) = password
            && let Some(sign) = self.one_at(named, const { &Beginnings::of(&["=", ": "]) })
        {
            let (from, to, after) = self.argument_at(named + sign.len(), usize::MAX);
            let content = self.judged(from, to);
            let word = |part: &[u8]| part.iter().all(|b| b.is_ascii_lowercase() || *b >= 0x80);
            let joined = content.split(|&b| b == b'-').count() > 1 && content.split(|&b| b == b'-').all(word);
            if joined && !value::says_nothing(content) {
                self.take(from, to, after, Rule::KEY_VALUE);
                return;
            }
        }
        let code = password.is_none();
        let Some(named) = found else { return };
        // `jednorazowe hasło: 123456`, `hasło jednorazowe: 123456`
        let once = [self.nth_word(0), self.nth_word(1)].iter().any(|word| is_one_of!(word, ONCE));
        let mut at = named;
        for _ in 0..6 {
            let Some(link) = self.one_at(at, &LINKS) else { break };
            at += link.len();
        }
        self.line.password |= !code;
        self.line.one_time |= code;
        self.looked(start, at);
        let end = charset::ALNUM.run_within(self.text, at, 9);
        let digits = matches!(end - at, 4..=8) && self.slice(at, end).iter().all(u8::is_ascii_digit);
        let once = once || self.slice(named, at).ends_with(b"jednorazowe: ");
        if (code || once) && digits {
            self.take(at, end, end, Rule::ONE_TIME_CODE);
        } else if code
            || !(self.chosen(at)
                || at > named && self.told_here(at)
                || self.told(named, true)
                || self.faulted(named))
        {
            self.at = named;
        }
    }
}
