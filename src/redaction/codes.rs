//! One-time codes in other languages and forms than `your code is 123456`: `Ihr Sicherheitscode lautet …`,
//! `123456 est votre code`, `Use Q7K-9PX as your code`, `@example.com #123456`; and a card's check value in a sentence.

use super::charset::{self, TOKEN_DOT};
use super::lists::is_one_of;
use super::names::Rule;
use super::one_time::{OTHER_CODES, SIGNING_IN};
use super::scan::Scanner;
use super::value;
use super::words::{Beginnings, Words, mentions};

/// How far behind a card's number its check value starts at most, when it expires standing between.
const EXPIRY_AT_MOST: usize = 16;

/// How far before the end of a card's number it is said that its check value stands behind it.
const NAMED_WITHIN: usize = 32;

/// One-time codes' names, as far as they are ASCII's: 1 for what is nothing else, 2 for what is one when it is somebody's
/// or what is behind it says so.
#[rustfmt::skip]
static NAMES: Words<64> = Words::new(&[
    (1, "sicherheitscode tigungscode bestaetigungscode einmalcode anmeldecode zugangscode freischaltcode verificatiecode \
        beveiligingscode inlogcode bekreftelseskode engangskode engangskod ngskod vahvistuskoodi kodunuz verifieringskod"),
    (2, "code kod kode koden codice digo koodisi tan mtan"),
]);

/// What stands before such a name where it is somebody's.
const WHOSE: &str = "your votre ton ihr ihre dein deine mein tu su seu twoj uw je j din dit tuo suo";

/// What stands behind such a name.
static PURPOSES: Beginnings = Beginnings::of(&[
    " to ",
    " er ",
    " din er ",
    " din är ",
    " är ",
    " es ",
    " é ",
    " è ",
    " di ver",
    " di sic",
    " di acc",
    " de conf",
    " de connex",
    " de ver",
    " de uso ",
    " de vér",
    " de séc",
    " de val",
    " d'acc",
    " d'auth",
    " de seg",
    " de acc",
    " de ace",
    " de aut",
    " weryf",
    " verif",
    " jednoraz",
    " autoryz",
    " potwierdz",
    " logow",
    " aktywac",
    " sms",
]);

/// What links such a name and the code, where the link is no ASCII word.
const LINKS: [&str; 4] = [" è ", " é ", " är ", " : "];

/// What says behind a code whose it is.
static BEHIND: Beginnings = Beginnings::of(&[
    " is your ",
    " as your ",
    " is the ",
    " ist ihr ",
    " ist dein ",
    " est votre ",
    " est ton ",
    " es tu ",
    " es su ",
    " är din ",
    " er din ",
    " is uw ",
    " is je ",
    " é o seu ",
    " è il tuo ",
]);

/// What a code was typed as.
static TYPED_AS: Beginnings = Beginnings::of(&[
    " (totp",
    " (otp",
    " as passcode",
    " as otp",
    " as totp",
    " as the passcode",
    " as the otp",
]);

/// How codes' names end, or start.
const SPOKEN: [&[u8]; 10] =
    [b"one-time pass", b"code", b"Code", b"kod", b"digo", b"odice", b"OTP", b"PIN", b"TAN", b"passcode"];

/// How long an element's tag is at most between a code and what it is called.
const TAG_AT_MOST: usize = 64;

/// How far behind a code its name may stand.
const BEHIND_AT_MOST: usize = 72;

impl Scanner<'_> {
    /// Whether a word is what a one-time code is called somewhere.
    pub fn names_code(&self, start: usize, end: usize) -> bool {
        let tail = [self.byte(end.saturating_sub(2)) | 0x20, self.byte(end - 1) | 0x20];
        if !matches!(&tail, b"de" | b"od" | b"en" | b"di" | b"si" | b"du" | b"uz" | b"ce" | b"an" | b"go") {
            return false;
        }
        let word = self.slice(start, end);
        match NAMES.any_case(word) {
            Some(1) => true,
            Some(_) => self.is_personal(start, end),
            None => false,
        }
    }

    /// Whether a code's name is somebody's, or says what it is for.
    pub fn is_personal(&self, start: usize, end: usize) -> bool {
        let (from, to) = self.words[0];
        static OTHERS: Beginnings = Beginnings::of(&[" postal", " promo", " client", " pays", " de r"]);
        let whose =
            to + 1 == start && is_one_of!(self.slice(from, to), WHOSE) && self.one_at(end, &OTHERS).is_none();
        // `Your Acme code: 123456`
        let theirs = to + 1 == start
            && self.byte(from).is_ascii_uppercase()
            && is_one_of!(self.nth_word(1), "your")
            && !is_one_of!(self.nth_word(0), OTHER_CODES)
            && (self.is_at(end, b": ") || self.is_at(end, b" is "));
        whose || theirs || !is_one_of!(self.nth_word(0), OTHER_CODES) && self.one_at(end, &PURPOSES).is_some()
    }

    /// `Bestätigungscode 123456`
    pub fn behind_code(&self, start: usize) -> bool {
        let (from, to) = self.words[0];
        to > from && to + 1 == start && NAMES.any_case(self.slice(from, to)) == Some(1)
    }

    /// `kod weryfikacyjny to 123456`, `kod jednorazowy 123456`, and alone at a line's start `Kod: 123456`
    pub fn behind_kod(&self, start: usize, length: usize) -> bool {
        const KINDS: &str = "weryfikacyjny jednorazowy autoryzacyjny aktywacyjny sms logowania";
        let nth = |nth: usize| is_one_of!(self.nth_word(nth), "kod kodem");
        match () {
            () if is_one_of!(self.nth_word(0), "to") => nth(1) || nth(2),
            () if is_one_of!(self.nth_word(0), KINDS) => nth(1),
            // `Logga in med kod 123456`
            () if is_one_of!(self.nth_word(1), "med") && length == 6 => nth(0),
            () => {
                let alone = self.words[1].1 == 0 && length == 6 && nth(0);
                alone && self.slice(start.saturating_sub(2), start) == b": "
            }
        }
    }

    /// Whether a link that is no ASCII word stands before a code.
    pub fn linked_code(&self, start: usize) -> bool {
        LINKS.iter().any(|link| self.slice(start.saturating_sub(link.len()), start) == link.as_bytes())
    }

    /// `… is your login code`, `… est votre code`: what stands behind a code.
    pub fn code_behind(&mut self, end: usize) -> bool {
        if !matches!(self.byte(end), b' ' | b'"' | b'\'' | b'*' | b'<') {
            return false;
        }
        let end = end + usize::from(!matches!(self.byte(end), b' ' | b'<'));
        if self.byte(end) == b'<' {
            return self.code_before_tags(end);
        }
        // `typed 777666 as passcode`
        if self.one_at(end, &TYPED_AS).is_some() {
            return true;
        }
        let Some(link) = self.one_at(end, &BEHIND) else {
            return self.code_of_subject(end);
        };
        let rest = self.slice(end + link.len(), end + BEHIND_AT_MOST);
        let rest = rest.split(|b| b"\n.".contains(b)).next().unwrap_or_default();
        self.looked(end, end + BEHIND_AT_MOST);
        mentions(rest, &SPOKEN) && (!link.ends_with("the ") || mentions(rest, &[b"one-time"]))
    }

    /// A code alone on its line, and below it `The code expires in 10 minutes.`
    pub fn code_alone(&mut self, start: usize, end: usize) -> bool {
        const EXPIRES: [&[u8]; 4] =
            [b"ode expires", b"ode will expire", b"ode is valid", b"ode is only valid"];
        let alone = matches!(self.before(start), 0 | b'\n') && matches!(self.byte(end), b'\n' | b'\r');
        if !alone {
            return false;
        }
        self.looked(end, end + BEHIND_AT_MOST);
        mentions(self.slice(end, end + BEHIND_AT_MOST), &EXPIRES)
    }

    /// `<h1>123456</h1><p>is your one-time code`, as a message's HTML is written
    fn code_before_tags(&mut self, end: usize) -> bool {
        let mut at = end;
        while self.byte(at) == b'<' {
            let tag = self.slice(at, at + TAG_AT_MOST);
            let Some(close) = tag.iter().position(|&b| b == b'>') else { return false };
            let blank = self.slice(at + close + 1, at + close + 9);
            at += close + 1 + blank.iter().take_while(|b| b.is_ascii_whitespace()).count();
            if at > end + BEHIND_AT_MOST {
                return false;
            }
        }
        let rest = self.slice(at, at + BEHIND_AT_MOST);
        let rest = rest.split(|b| b"<\n.".contains(b)).next().unwrap_or_default();
        self.looked(end, at + rest.len());
        self.is_at(at, b"is your ") && mentions(rest, &SPOKEN)
    }

    /// `123456 – Ihr Bestätigungscode`, as a message's subject is written
    fn code_of_subject(&mut self, end: usize) -> bool {
        const OTHERS: [&[u8]; 12] = [
            b"rder",
            b"ostal",
            b"zip",
            b"oucher",
            b"romo",
            b"iscount",
            b"utschein",
            b"abatt",
            b"eferral",
            b"racking",
            b"ource",
            b"rror",
        ];
        let Some(dash) = self.one_at(end, const { &Beginnings::of(&[" – ", " - ", " — "]) }) else {
            return false;
        };
        let whose = end + dash.len();
        static ASKED: Beginnings =
            Beginnings::of(&["enter this to ", "use this to ", "enter it to ", "use it to "]);
        if let Some(asked) = self.one_at(whose, &ASKED) {
            let at = whose + asked.len();
            return self.is_at(at, b"log in") || self.is_at(at, b"sign in");
        }
        let to = TOKEN_DOT.run_within(self.text, whose, 8);
        let rest = self.slice(to, to + BEHIND_AT_MOST);
        let rest = rest.split(|b| b"\n.,\"".contains(b)).next().unwrap_or_default();
        self.looked(end, to + rest.len());
        self.byte(to) == b' '
            && is_one_of!(self.slice(whose, to), WHOSE)
            && mentions(rest, &SPOKEN)
            && !mentions(rest, &OTHERS)
    }

    /// `Use Q7K-9PX as your code`, `K7QM2X is your code`, `Your code is K7QM2X`: a code of capitals and digits.
    pub fn lettered_code(&mut self, start: usize, end: usize) -> bool {
        let word = self.slice(start, end);
        let has = |test: fn(&u8) -> bool| word.iter().any(test);
        let capitals = (5..=9).contains(&word.len())
            && has(u8::is_ascii_digit)
            && has(u8::is_ascii_uppercase)
            && word.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'-');
        if !capitals {
            return false;
        }
        let asked = is_one_of!(self.nth_word(0), "enter use type") && self.one_at(end, &SIGNING_IN).is_some();
        let named = self.line.one_time
            && (is_one_of!(self.nth_word(0), "is") && is_one_of!(self.nth_word(1), "code passcode otp")
                || is_one_of!(self.nth_word(0), "code passcode otp")
                    && self.slice(start.saturating_sub(2), start) == b": ");
        // `sign-in code "9KOYSA"`
        let quoted = self.line.one_time
            && is_one_of!(self.nth_word(0), "code passcode otp")
            && matches!(self.slice(start.saturating_sub(2), start), b" \"" | b" '");
        let secret = asked || named || quoted || self.code_behind(end);
        if secret {
            self.take(start, end, end, Rule::ONE_TIME_CODE);
        }
        secret
    }

    /// `@example.com #123456`: a code bound to its site, the last line of a message.
    pub fn bound_code(&mut self, at: usize) -> bool {
        if !matches!(self.before(at), 0 | b'\n' | b' ' | b'"' | b'n') {
            return false;
        }
        let host = TOKEN_DOT.run_within(self.text, at + 1, 64);
        self.looked(at, host);
        if host < at + 4 || !self.is_at(host, b" #") || !self.slice(at, host).contains(&b'.') {
            return false;
        }
        let end = charset::ALNUM.run_within(self.text, host + 2, 12);
        let digits = value::digits(self.slice(host + 2, end));
        let last =
            matches!(self.byte(end), 0 | b'\n' | b'\r' | b'"' | b'\'' | b'\\') || self.is_at(end, b" %");
        if !last || !(4..=8).contains(&(end - host - 2)) || digits < 3 {
            return false;
        }
        self.take(host + 2, end, end, Rule::ONE_TIME_CODE);
        true
    }

    /// `4539404091452157,11/26,671`, `4539404091452157/0729/105`: whether nothing but when it expires stands between a card's
    /// number and what starts here; and `PAN/CVC: 4539 4040 9145 2157 / 671`, which names both.
    fn stands_behind_card(&self, start: usize) -> bool {
        let card = self.line.card_to;
        let gap = self.slice(card, start.min(card + EXPIRY_AT_MOST));
        if matches!(gap, b" / " | b"/") {
            let back = self.slice(card.saturating_sub(NAMED_WITHIN), card);
            return mentions(back, &[b"PAN/CV", b"PAN / CV", b"ard/CV", b"ard/cv", b"umber/CV", b"umber/cv"]);
        }
        if self.is_amount(start) {
            return false;
        }
        let gap = gap.strip_suffix(b" ").unwrap_or(gap);
        let ([first, between @ .., last], true) = (gap, card + EXPIRY_AT_MOST > start) else { return false };
        let parts = |b: &u8| b",;|/\t".contains(b);
        let mut digits = between.iter().filter(|b| b.is_ascii_digit());
        let month = matches!(
            (digits.next(), digits.next()),
            (Some(b'0'), Some(b'1'..=b'9')) | (Some(b'1'), Some(b'0'..=b'2'))
        );
        parts(first)
            && parts(last)
            && month
            && matches!(digits.count(), 2 | 4)
            && between.iter().all(|b| b.is_ascii_digit() || b"/|- ".contains(b))
    }

    /// `…,12/26,150.75`, `…,12/26,500,USD`: whether the number that starts here is an amount's.
    fn is_amount(&self, start: usize) -> bool {
        let end = charset::DIGITS.run_within(self.text, start, 5);
        let behind = self.slice(end + 1, end + 4);
        match self.byte(end) {
            b'.' => behind.first().is_some_and(u8::is_ascii_digit),
            b',' | b';' | b' ' => {
                behind.iter().take(2).all(u8::is_ascii_digit)
                    || behind.len() == 3
                        && behind.iter().all(u8::is_ascii_uppercase)
                        && !self.byte(end + 4).is_ascii_alphanumeric()
            }
            _ => false,
        }
    }

    /// `exp 12/29 cvc 123`, `cvv is 737`, `security code is 221`; and behind a card's number `cid 4417`.
    pub fn check_value(&self, start: usize, word: &[u8]) -> bool {
        // American Express prints four digits (`4DBC`) in front; of `Prüfnummer` and `Prüfziffer` the end is a word.
        const NAMED: &str = "cvc cvv cvc2 cvv2";
        const BEHIND_CARD: &str = "cid code 4dbc fnummer fziffer";
        if !matches!(word.len(), 3 | 4) || !word.iter().all(u8::is_ascii_digit) {
            return false;
        }
        if self.line.card_to > 0 && self.stands_behind_card(start) {
            return true;
        }
        let (_, to) = self.words[0];
        if to == 0 || !matches!(self.slice(to, start), b" " | b": " | b":" | b"=" | b" #" | b" = ") {
            return false;
        }
        let nth = usize::from(is_one_of!(self.nth_word(0), "is was"));
        let other = is_one_of!(self.nth_word(nth + 1), OTHER_CODES)
            || is_one_of!(self.nth_word(nth + 1), "decline declined http reason avs");
        is_one_of!(self.nth_word(nth), NAMED)
            || self.line.card_to > 0 && is_one_of!(self.nth_word(nth), BEHIND_CARD) && !other
            // `the 3 digits on the back are 420`
            || self.line.card_to > 0 && is_one_of!(self.nth_word(0), "are is") && is_one_of!(self.nth_word(1), "back")
            || is_one_of!(self.nth_word(nth), "code") && is_one_of!(self.nth_word(nth + 1), "security")
    }
}
