//! What a password or a one-time code is called where letters are not ASCII's.

use super::charset;
use super::names::Rule;
use super::scan::Scanner;

/// Names of a password: what of each stands before its first letter beyond ASCII, and the rest.
const PASSWORDS: [(&str, &str); 11] = [
    ("contrase", "ña"),
    ("has", "ło"),
    ("Has", "ło"),
    ("", "пароль"),
    ("", "Пароль"),
    ("", "密码"),
    ("", "密碼"),
    ("", "パスワード"),
    ("", "비밀번호"),
    ("", "كلمة المرور"),
    ("", "סיסמה"),
];

/// Names of a one-time code.
const CODES: [&str; 7] = ["код", "Код", "認証コード", "确认码", "验证码", "驗證碼", "인증번호"];

/// What may stand between such a name and the secret.
const LINKS: [&str; 9] = [" ", ":", "：", "=", "は", "是", "为", "«", "подтверждения"];

impl Scanner<'_> {
    /// A byte beyond ASCII: whether a name of the tables stands here, and a secret behind it.
    #[inline(never)]
    pub fn foreign(&mut self) {
        let start = self.at;
        self.at += 1;
        let starts = |word: &str| self.slice(start, start + word.len()) == word.as_bytes();
        let password = PASSWORDS
            .iter()
            .find(|(before, rest)| starts(rest) && self.slice(0, start).ends_with(before.as_bytes()));
        let (length, code) = match (password, CODES.iter().find(|word| starts(word))) {
            (Some((_, rest)), _) => (rest.len(), false),
            (None, Some(word)) => (word.len(), true),
            (None, None) => return,
        };
        let mut at = start + length;
        for _ in 0..6 {
            at += LINKS.iter().find(|link| self.is_at(at, link.as_bytes())).map_or(0, |link| link.len());
        }
        self.line.password |= !code;
        self.line.one_time |= code;
        self.looked(start, at);
        let end = charset::ALNUM.run_within(self.text, at, 9);
        let digits = matches!(end - at, 4..=8) && self.slice(at, end).iter().all(u8::is_ascii_digit);
        if code && digits {
            self.take(at, end, end, Rule::ONE_TIME_CODE);
        } else if code || !self.chosen(at) {
            self.at = start + length;
        }
    }
}
