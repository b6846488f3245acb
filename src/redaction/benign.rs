//! What stands where a secret would and is none by its form: a name said again, a label, a measure, an object's name, a
//! word that a tokenizer cut out.

use super::charset::{self, ALNUM_UNDER};
use super::keys;
use super::lists::{ends_as, is_one_of};
use super::scan::Scanner;
use super::value;
use super::words::{Beginnings, Words};

/// The longest text of a label.
const LABEL_AT_MOST: usize = 48;

/// The longest piece of a text that a tokenizer cuts out.
const PIECE_AT_MOST: usize = 16;

/// The longest name of a Kubernetes object with its namespace (RFC 1123: 63 bytes each).
const OBJECT_AT_MOST: usize = 127;

/// How much of what stands before a name is looked through for `map[`.
const MAP_AT_MOST: usize = 160;

/// What a password or a secret is called in other languages (1), what labels say beside it (2), and English words that are
/// labels with one of those only (4, 8), or with any other (16).
#[rustfmt::skip]
static LABELS: Words<512> = Words::new(&[
    (1, "passwort kennwort geheimnis passe senha contraseña hasło wachtwoord lösenord adgangskode passord heslo jelszó \
        salasana parolă parola şifre пароль 密码 密碼 パスワード 비밀번호 סיסמה"),
    (16, "geheim sandi chiave jeton schlüssel clé klucz"),
    (1, "clientgeheim zugriffstoken einmalcode engangskode ciasteczka palavra-passe parole slaptažodis"),
    (1, "Пароль Şifre كلمة mật पासवर्ड Κωδικός รหัสผ่าน \
        シークレット секретный Секретный 新しいパスワード"),
    (2, "incorrect invalid wrong missing المرور khẩu πρόσβασης ключ återställ Återställ kata privata api client acceso accesso d'accès d'ordine one-time enter confirm repeat re-enter retype verify new current old your forgot reset change choose create set show hide \
        neues altes aktuelles ihr dein eingeben bestätigen wiederholen vergessen ändern zurücksetzen \
        mot de nouveau ancien actuel votre le oublié confirmer confirmez saisir saisissez modifier réinitialiser \
        nueva actual tu su la confirmar repetir olvidó olvidaste cambiar nova atual sua esqueceu esqueci digite alterar \
        nowe stare obecne powtórz potwierdź wpisz podaj zmień nieuw huidig herhaal bevestig vergeten nuova conferma"),
    (4, "password"),
    (8, "token"),
]);

/// Whether a label says its field's name again: `"confirmPassword":"Confirm password"`.
pub fn repeats(name: &[u8], value: &[u8]) -> bool {
    if value.len() > LABEL_AT_MOST {
        return false;
    }
    let end = value.iter().rposition(|b| !b" *:?".contains(b)).map_or(0, |last| last + 1);
    let value = value.get(..end).unwrap_or_default();
    value.contains(&b' ') && value.len() <= name.len() + 8 && is_same_but(b" -_", name, value)
}

/// Whether a label of several words ends in its field's name: `"token":"Access token"`. A passphrase may end so too.
pub fn ends_in_name(name: &[u8], value: &[u8]) -> bool {
    let word = |word: &[u8]| !word.is_empty() && word.iter().all(u8::is_ascii_alphabetic);
    let value = value.strip_suffix(b":").unwrap_or(value);
    let last = value.rsplit(|&b| b == b' ').next().unwrap_or_default();
    value.len() <= LABEL_AT_MOST
        && !ends_as!(name, super::phrase::PASSWORDS)
        && value.contains(&b' ')
        && value.first().is_some_and(u8::is_ascii_uppercase)
        && last.eq_ignore_ascii_case(name)
        && value.split(|&b| b == b' ').all(word)
}

/// Whether two texts are the same but for these marks, in letters of any case.
pub fn is_same_but(marks: &[u8], one: &[u8], other: &[u8]) -> bool {
    fn kept(text: &[u8], marks: &[u8]) -> impl Iterator<Item = u8> {
        text.iter().filter(move |b| !marks.contains(b)).map(u8::to_ascii_lowercase)
    }
    kept(one, marks).eq(kept(other, marks))
}

/// Whether a value is what a form writes beside the field: `Passwort eingeben`, `Nouveau mot de passe`, `Repeat password`.
pub fn is_label_text(value: &[u8]) -> bool {
    let value = value.strip_prefix("¿".as_bytes()).unwrap_or(value);
    let first = value.first().copied().unwrap_or(0);
    if value.len() > LABEL_AT_MOST || !(first.is_ascii_uppercase() || first >= 0xc3) {
        return false;
    }
    let mut said = 0;
    for word in value.split(|&b| b == b' ') {
        let plain = word.strip_suffix(b"?").or_else(|| word.strip_suffix(b":")).unwrap_or(word);
        let inner =
            word.iter().skip(1).any(u8::is_ascii_uppercase) && word.iter().any(u8::is_ascii_lowercase);
        match LABELS.any_case(plain).filter(|_| !inner) {
            Some(role) => said |= role,
            None if plain.is_empty() => {}
            None => return false,
        }
    }
    said & 1 != 0 || said & 16 != 0 && value.contains(&b' ') || said & 6 == 6 || said & 10 == 10
}

/// `API-nøkkel`, `トークン` where a token, an API's key or a code is: letters alone, and not those of English alone. None of those
/// is so; a password may be.
pub fn is_foreign_text(name: &[u8], value: &[u8]) -> bool {
    let plain = |b: &u8| b.is_ascii_alphabetic() || *b >= 0x80 || b" -'.,:!?()\\".contains(b);
    let foreign = |b: &u8| matches!(*b, 0xc3..=0xed);
    (ends_as!(name, "token apikey api_key cookie cookies otp") || name == b"code")
        && value.len() <= 2 * LABEL_AT_MOST
        && value.iter().any(foreign)
        && value.iter().all(plain)
        && !value.first().is_some_and(u8::is_ascii_lowercase)
}

/// Whether a name may be a [label](is_label)'s, whatever its value.
pub fn may_be_label(name: &[u8]) -> bool {
    is_one_of!(name, "name id type header param field env namespace kind channel purpose")
        || keys::is_about(name)
}

/// A label inside a sensitive object, of a word: `otp: {channel: "whatsapp", purpose: "login"}`.
pub fn is_label(name: &[u8], value: &[u8]) -> bool {
    const PLACES: &str =
        "prod production dev development test testing stage staging live sandbox local ci qa preview";
    const WAYS: &str = "sms email mail whatsapp telegram voice call phone push app totp";
    let word = |b: &u8| b.is_ascii_lowercase() || b"-_".contains(b);
    keys::is_label(name, value)
        || is_one_of!(name, "env") && is_one_of!(value, PLACES)
        || is_one_of!(name, "namespace kind")
            && value.len() <= 63
            && value.iter().all(|b| b.is_ascii_alphabetic() || *b == b'-')
        || is_one_of!(name, "channel") && is_one_of!(value, WAYS)
        || is_one_of!(name, "purpose") && (1..=24).contains(&value.len()) && value.iter().all(word)
}

/// What a program asks with: `prompt_password("Password: ")`.
pub fn is_prompt(value: &[u8]) -> bool {
    let words = value.trim_ascii_end().strip_suffix(b":").unwrap_or_default();
    !words.is_empty() && words.iter().all(|b| b.is_ascii_alphabetic() || b" ()".contains(b))
}

/// A length or a time as a style sheet writes them: `1px`, `0.5rem`, `300ms`.
pub fn is_measure(value: &[u8]) -> bool {
    let number = value.iter().take_while(|b| b.is_ascii_digit() || **b == b'.').count();
    let unit = value.get(number..).unwrap_or_default();
    (1..=4).contains(&number)
        && value.first().is_some_and(u8::is_ascii_digit)
        && matches!(unit, b"px" | b"em" | b"rem" | b"vh" | b"vw" | b"pt" | b"ms")
}

/// How much or how many: `~2.3k`, `4/10`, `12,480`, `85%`.
pub fn is_amount(value: &[u8]) -> bool {
    let value = value.strip_prefix(b"~").unwrap_or(value);
    let number = value.iter().take_while(|b| b.is_ascii_digit() || b".,/".contains(b)).count();
    value.first().is_some_and(u8::is_ascii_digit)
        && value.len() <= 24
        && matches!(value.get(number..), Some(b"" | b"k" | b"K" | b"m" | b"M" | b"B" | b"%"))
}

/// A package's version where a package's name holds a secret's: `"js-cookie": "3.0.5"`
pub fn is_version(value: &[u8]) -> bool {
    let part = |part: &[u8]| matches!(part.len(), 1..=3) && part.iter().all(u8::is_ascii_digit);
    value.len() <= 11 && value.split(|&b| b == b'.').count() == 3 && value.split(|&b| b == b'.').all(part)
}

/// A colour as a style sheet writes it: `#1f6feb`. Digits alone may be a code.
fn is_colour(value: &[u8]) -> bool {
    let hex = value.strip_prefix(b"#").unwrap_or_default();
    matches!(hex.len(), 3 | 6 | 8)
        && hex.iter().all(u8::is_ascii_hexdigit)
        && hex.iter().any(u8::is_ascii_alphabetic)
}

/// What a design's tokens are: a colour or a measure.
pub fn is_styling(value: &[u8]) -> bool {
    is_colour(value) || is_measure(value)
}

/// `cfg.apiKey` under `apiKey`: the name of what is taken from elsewhere.
pub fn is_field_of(value: &[u8], name: &[u8]) -> bool {
    let path = value.strip_suffix(name).and_then(|path| path.strip_suffix(b".")).unwrap_or_default();
    name.len() > 2 && !path.is_empty() && path.iter().all(|&b| b.is_ascii_alphabetic() || b"_.".contains(&b))
}

/// The name of a Kubernetes object: words joined by dashes or full stops, behind them a short random part at most
/// (`default-token-x7k2p`, `my-app-7d9c5b6f4`).
pub fn is_object_name(value: &[u8]) -> bool {
    let small = |part: &[u8]| part.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let word = |part: &[u8]| {
        part.len() >= 2
            && part.first().is_some_and(u8::is_ascii_lowercase)
            && part.iter().filter(|b| b.is_ascii_digit()).count() < 3
    };
    let value = value.get(..value.len().min(64)).unwrap_or_default();
    let Some(last) = value.iter().rposition(|&b| matches!(b, b'-' | b'.')) else { return false };
    let (names, random) = (value.get(..last).unwrap_or_default(), value.get(last + 1..).unwrap_or_default());
    value.len() <= 63
        && (1..=10).contains(&random.len())
        && small(random)
        && names
            .split(|&b| matches!(b, b'-' | b'.'))
            .all(|part| part.len() <= 16 && small(part) && word(part))
}

/// What a tokenizer cuts a text into: a word, the rest of one (`##ing`, `Ġthe`), a short number.
pub fn is_piece(value: &[u8]) -> bool {
    if value.len() > PIECE_AT_MOST {
        return false;
    }
    let year = value.len() == 4 && (value.starts_with(b"19") || value.starts_with(b"20"));
    let number = (value.len() <= 3 || year) && value.iter().all(u8::is_ascii_digit);
    let word = value.iter().all(|&b| b.is_ascii_alphabetic() || b >= 0x80 || b"#' -_.,".contains(&b));
    let mut letters = value.iter().filter(|b| b.is_ascii_alphabetic());
    let first = letters.next().is_some_and(u8::is_ascii_uppercase);
    let capitals = letters.filter(|b| b.is_ascii_uppercase()).count();
    let all = value.iter().filter(|b| b.is_ascii_alphabetic()).count();
    number || word && (capitals == 0 || first && capitals + 1 == all && all <= 8)
}

/// A name of several words with a number or a truth under it: `minLength=12`, `recovery_codes_remaining=10`.
pub fn is_setting(value: &[u8]) -> bool {
    let name = value.iter().take_while(|b| b.is_ascii_alphabetic() || **b == b'_').count();
    let (name, said) = value.split_at_checked(name).unwrap_or_default();
    let joined = name
        .windows(2)
        .any(|two| matches!(two, [a, b] if a.is_ascii_lowercase() && (b.is_ascii_uppercase() || *b == b'_')));
    let number = |said: &[u8]| (1..=3).contains(&said.len()) && said.iter().all(u8::is_ascii_digit);
    name.first().is_some_and(u8::is_ascii_lowercase)
        && joined
        && said.strip_prefix(b"=").is_some_and(|said| number(said) || matches!(said, b"true" | b"false"))
}

/// The name that a value begins with where it is one with a value of its own: `access=9f2c…`. Where that value starts.
pub fn inner_value(value: &[u8]) -> Option<usize> {
    let name = ALNUM_UNDER.run_within(value, 0, 24);
    let named = value.get(..name)?.iter().filter(|b| b.is_ascii_digit()).count() < 3;
    let from = name + 1;
    (name > 1
        && named
        && value.first().is_some_and(u8::is_ascii_alphabetic)
        && value.get(name) == Some(&b'=')
        && value.get(from).is_some_and(|&b| charset::is_alnum(b))
        && value.len() >= from + 6)
        .then_some(from)
}

/// Whether a text ends within a `map[` that is not closed again.
fn is_in_map(text: &[u8]) -> bool {
    let mut open = 0u32;
    text.iter().enumerate().rev().any(|(at, b)| match b {
        b']' => {
            open += 1;
            false
        }
        b'[' if open > 0 => {
            open -= 1;
            false
        }
        b'[' => text.get(..at).is_some_and(|before| before.ends_with(b"map")),
        _ => false,
    })
}

impl Scanner<'_> {
    /// `/secrets?filter=…`, `credentials.secret=…`: a path's query or fragment, a key that goes on
    pub fn queried(&self, end: usize) -> bool {
        self.byte(end) == b'.' && self.byte(end + 1).is_ascii_alphabetic()
            || b"?&#".contains(&self.byte(end))
                && self.byte(charset::TOKEN_DOT.run_within(self.text, end + 1, 48)) == b'='
    }

    /// `t('account.changePassword') -> "Changer le mot de passe"`: what a text's key stands for in a language
    pub fn is_translation(&self, name: usize, content: &[u8]) -> bool {
        let back = self.slice(name.saturating_sub(LABEL_AT_MOST), name);
        let key = back.iter().rev().take_while(|&&b| charset::TOKEN_DOT.has(b)).count();
        let open = back.get(..back.len() - key).unwrap_or_default();
        let Some(call) = open.strip_suffix(b"('").or_else(|| open.strip_suffix(b"(\"")) else { return false };
        let function = call.iter().rev().take_while(|&&b| charset::is_alnum(b) || b == b'_').count();
        is_one_of!(call.get(call.len() - function..).unwrap_or_default(), "t tr __ gettext translate")
            && !content.iter().any(u8::is_ascii_digit)
    }

    /// A column's name, as its builder is given it: `passwordHash: text('password_hash')`
    pub fn is_column(&self, name: &[u8], start: usize, end: usize) -> bool {
        let content = self.slice(start, end);
        let open = start.saturating_sub(2);
        let builder = self.slice(open.saturating_sub(8), open);
        let from = builder.iter().rposition(|b| !b.is_ascii_alphabetic()).map_or(0, |at| at + 1);
        self.byte(open) == b'('
            && is_one_of!(builder.get(from..).unwrap_or_default(), "text varchar char citext")
            && content.len() <= 64
            && (content == name
                || !content.iter().any(u8::is_ascii_uppercase) && is_same_but(b"_", content, name))
    }

    /// `{"token":" world","logprob":-0.002}`: a piece of text, which its place or its likelihood stands behind
    pub fn is_token_of_text(&mut self, name: &[u8], content: &[u8], after: usize) -> bool {
        let named = name == b"token" || self.pieces && name == b"text";
        if !named || content.len() > 24 || value::looks_generated(content, 8) {
            return false;
        }
        let rest = self.slice(after, after + 24);
        self.looked(after, after + 24);
        let gap = rest.iter().take_while(|b| b", \"'\\".contains(b)).count();
        let next = rest.get(gap..).unwrap_or_default();
        let word = next.iter().take_while(|b| b.is_ascii_alphabetic() || **b == b'_').count();
        let sign = next.get(word..).unwrap_or_default();
        rest.first() == Some(&b',')
            && (is_one_of!(next.get(..word).unwrap_or_default(), "logprob bytes start_offset")
                || (self.pieces || content.iter().all(u8::is_ascii_uppercase))
                    && is_one_of!(next.get(..word).unwrap_or_default(), "pos start position index"))
            && sign.iter().find(|b| !b"\"'\\".contains(b)) == Some(&b':')
    }

    /// Go's `map[password: user:ada]`: a name without a value, and the next one, which the order of names tells.
    pub fn empty_in_map(&mut self, name: usize, value: usize, end: usize) -> bool {
        let next = charset::TOKEN_DOT.run_within(self.text, value, 40);
        let own = charset::TOKEN_DOT.run_within(self.text, name, 40);
        if self.byte(next) != b':' || next > end || next == value || value != own + 2 {
            return false;
        }
        let (next, own) = (self.slice(value, next), self.slice(name, own));
        let back = self.slice(name.saturating_sub(MAP_AT_MOST), name);
        self.looked(name.saturating_sub(MAP_AT_MOST), name);
        next > own
            && next.first().is_some_and(u8::is_ascii_alphabetic)
            && matches!(self.before(name), b'[' | b' ')
            && is_in_map(back)
    }

    /// `secret "my-app-7d9c5b6f4" created`: an object's name, but where the word before says whose secret it is.
    pub fn names_object(&self, word: &[u8], content: &[u8]) -> bool {
        const WHOSE: &str = "client webhook signing jwt shared session app api hmac totp consumer oauth encryption cookie auth csrf \
            refresh with using my new old the";
        is_one_of!(word, "secret") && is_object_name(content) && !is_one_of!(self.nth_word(0), WHOSE)
    }

    /// `secret my-app-tls-9f8d7c in namespace prod`, `created secret default/my-app-9f8d7c`: the same without quotation
    /// marks, where it is told what became of it.
    pub fn names_object_of(&self, word: &[u8], content: &[u8], end: usize) -> bool {
        static TOLD: Beginnings = Beginnings::of(&[
            " in namespace ",
            " not found",
            " created",
            " deleted",
            " updated",
            " already exists",
            " is forbidden",
        ]);
        const DONE: &str = "created deleted updated patched reconciling reconciled syncing in";
        if content.len() > OBJECT_AT_MOST {
            return false;
        }
        let slash = content.iter().position(|&b| b == b'/');
        let (space, name) = content.split_at(slash.map_or(0, |slash| slash + 1));
        let told = slash.is_some() && space.iter().all(|b| b.is_ascii_lowercase() || b"-/".contains(b))
            || is_one_of!(self.nth_word(0), DONE)
            || self.one_at(end, &TOLD).is_some();
        told && self.names_object(word, name)
    }

    /// Azure's `….vault.azure.net/secrets/{name}/{version}`: the version is no secret.
    pub fn is_version(&mut self, start: usize, end: usize) -> bool {
        let back = self.slice(start.saturating_sub(MAP_AT_MOST), start);
        self.looked(start.saturating_sub(MAP_AT_MOST), start);
        end - start == 32 && back.windows(13).any(|part| part == b".vault.azure.")
    }
}

#[cfg(test)]
mod tests {
    use super::is_in_map;

    #[test]
    fn a_map_that_was_closed_holds_nothing_more() {
        for (text, within) in [
            ("map[", true),
            ("map[a:[1 2] b:map[c:d] ", true),
            ("x[map[a:b ", true),
            ("ctx=map[id:1] ", false),
            ("map[a:b] list[", false),
            ("a] ", false),
        ] {
            assert_eq!(is_in_map(text.as_bytes()), within, "{text}");
        }
    }
}
