//! One-time codes: digits where something near them speaks of a code, before or behind; and OAuth codes.

use super::charset;
use super::keys::Level;
use super::lists::is_one_of;
use super::names::Rule;
use super::scan::Scanner;
use super::separator::Separator;
use super::value;
use super::words::{Beginnings, mentions};
use super::written::Value;

/// What a `code` may be that is no one-time code.
pub const OTHER_CODES: &str = "status exit error zip postal country area response return http reason product op source close promo \
    discount coupon currency language result event \
    booking reference tracking referral voucher gift order shipping invite";

/// How far behind a code in pairs of digits its purpose is looked for.
const SAID_WITHIN: usize = 32;

/// Whose messages say no more of a one-time code than `WhatsApp code: 123-456`.
const SENDERS: &str =
    "whatsapp telegram google facebook instagram uber lyft tiktok linkedin snapchat viber steam";

/// What a one-time code is entered for.
pub static SIGNING_IN: Beginnings = Beginnings::of(&[
    " to verify",
    " to sign",
    " to log",
    " to confirm",
    " to finish sign",
    " to finish log",
    " to complete your sign",
    " to complete your log",
    " to complete your verif",
]);

impl Scanner<'_> {
    /// An OAuth code outside of a URL: long, generated, with small letters (a voucher's has capitals).
    pub fn oauth_code(&mut self, sep: Separator) -> bool {
        let small = self.slice(sep.value, sep.value + 24).iter().any(u8::is_ascii_lowercase);
        small && self.generated_value(sep, 20, Rule::URL_QUERY)
    }

    /// `…?code={UUID}&state=…`: Amazon Cognito's and Keycloak's OAuth codes are UUIDs.
    pub fn uuid_code(&mut self, sep: Separator) -> bool {
        const UUID: usize = 36;
        let end = sep.value + UUID;
        static BESIDE: Beginnings = Beginnings::of(&["&state=", "&session_state=", "&iss=", "&scope="]);
        let code = self.one_at(end, &BESIDE).is_some() && value::is_uuid(self.slice(sep.value, end));
        if code {
            self.take(sep.value, end, end, Rule::URL_QUERY);
        }
        code
    }

    /// Whether what stands just before speaks of signing in: then a code of digits is a one-time code.
    pub fn of_signing_in(&mut self, start: usize) -> bool {
        const WORDS: &[&[u8]] = &[b"sign", b"otp", b"verif", b"mfa", b"2fa", b"login", b"<#>"];
        let from = start.saturating_sub(96);
        let new = self.signing_in.new_of(from, start, WORDS);
        self.looked(new, start);
        let mut before = [0; 96];
        let before = before.get_mut(..start - new).unwrap_or_default();
        before.copy_from_slice(self.slice(new, start));
        before.make_ascii_lowercase();
        let found = mentions(before, WORDS);
        self.signing_in.note(from, start, found);
        found
    }

    /// `Code: 123456` and behind it `This code will expire in 10 minutes.`
    pub fn expires_behind(&mut self, sep: Separator) -> bool {
        const WORDS: &[&[u8]] = &[
            b"code will expire",
            b"code expires",
            b"not share",
            b": \"totp\"",
            b":\"totp\"",
            b": 'totp'",
            // Convex Auth's flows
            b"flow: 'email-verif",
            b"flow: 'reset-verif",
            b"\"flow\":\"email-verif",
            b"\"flow\":\"reset-verif",
            b":\"otp\"",
        ];
        let (from, to) = (sep.value, self.text.len().min(sep.value + 80));
        let new = self.expiry.new_of(from, to, WORDS);
        self.looked(new, to);
        let found = mentions(self.slice(new, to), WORDS);
        self.expiry.note(from, to, found);
        found
    }

    /// `12 34 56`
    pub fn digits_in_pairs(&self, start: usize) -> bool {
        let two = |at: usize| self.slice(at, at + 2).iter().filter(|b| b.is_ascii_digit()).count() == 2;
        self.byte(start + 2) == b' '
            && self.byte(start + 5) == b' '
            && (0..3).all(|pair| two(start + 3 * pair))
            && !charset::is_alnum(self.byte(start + 8))
    }

    /// Whether a code that ends here is said to be one for signing in: a sort code and a colour are written in pairs too.
    fn says_one_time(&self, end: usize) -> bool {
        mentions(
            self.slice(end, end + SAID_WITHIN),
            &[b"ne-time", b"erification", b"ogin", b"ign-in", b"ecurity", b"OTP"],
        )
    }

    /// Takes the value if it is 4 to 8 digits.
    pub fn digits_value(&mut self, sep: Separator) -> bool {
        let (start, end) = match self.value(sep) {
            Some(Value::Quoted(start, end, _) | Value::Bare(start, end)) => (start, end),
            _ => return false,
        };
        // A longer one is none, and is not counted through: values stand within values.
        let digits = self.slice(start, end.min(start + 12));
        // Werkzeug's `Debugger PIN: 123-456-789`
        let groups = end - start == 11 && digits.iter().skip(3).step_by(4).all(|&b| b == b'-');
        let count = digits.iter().filter(|b| b.is_ascii_digit()).count();
        if !(groups && count == 9 || (4..=8).contains(&digits.len()) && count == digits.len()) {
            return false;
        }
        self.take(start, end, end, Rule::ONE_TIME_CODE);
        true
    }

    /// Whether a word says that a one-time code is to come.
    pub fn speaks_of_one_time(&mut self, start: usize, end: usize) -> bool {
        let word = self.slice(start, end);
        if is_one_of!(word, "otp passcode totp")
            || is_one_of!(word, "token code")
                && is_one_of!(self.nth_word(0), "2fa mfa tfa otp totp authy duo sms authenticator")
        {
            return true;
        }
        if is_one_of!(word, "password") {
            return is_one_of!(self.nth_word(0), "time one-time");
        }
        if !is_one_of!(word, "code pin puk") {
            return false;
        }
        let (from, to) = self.words[0];
        let joined = to > from && to + 1 == start && self.alone(from, end) == Level::Always;
        let asked = is_one_of!(
            self.nth_word(0),
            "the this following checking entered sending sent submitted received"
        ) && self.of_signing_in(start);
        static PURPOSES: Beginnings = Beginnings::of(&[
            " to sign",
            " to log",
            " to verify",
            " to confirm",
            " to complete",
            " below to sign",
            " below to log",
            " below to ver",
            " below to conf",
        ]);
        let purpose = self.one_at(end, &PURPOSES).is_some();
        joined
            || asked
            || purpose
            || is_one_of!(word, "pin puk") && !is_one_of!(self.nth_word(0), "gpio board header")
            || is_one_of!(self.nth_word(0), "your")
    }

    /// `… sent to +1555…`, `… was sent to ada@example.com`, and behind `sent code` plain ` to …`
    fn sent_to_someone(&mut self, end: usize) -> bool {
        let sent = is_one_of!(self.nth_word(1), "sent sending resent texted emailed mailed delivered");
        static LINKS: Beginnings = Beginnings::of(&[
            " sent to ",
            " was sent to ",
            " has been sent to ",
            " emailed to ",
            " texted to ",
        ]);
        let link = self.one_at(end, &LINKS).map(str::len);
        let Some(link) = link.or((sent && self.is_at(end, b" to ")).then_some(4)) else { return false };
        let from = end + link;
        let to = from + self.slice(from, from + 48).iter().take_while(|b| **b > b' ').count();
        self.looked(end, to);
        let whom = self.slice(from, to);
        whom.contains(&b'@')
            || whom.starts_with(b"+")
            || whom.starts_with(b"**")
            || whom.len() >= 8 && whom.iter().all(u8::is_ascii_digit)
            || sent && is_one_of!(whom, "user customer phone number client")
    }

    /// `mfa challenge answered with 123456`
    fn answered(&mut self, start: usize) -> bool {
        const ANSWERED: &str = "answered solved verified confirmed";
        let six = super::charset::DIGITS.run_within(self.text, start, 7) == start + 6;
        let counts = self.byte(start + 6) == b' ' && !self.is_at(start + 6, b" by ");
        six && !counts
            && is_one_of!(self.nth_word(0), "with")
            && is_one_of!(self.nth_word(1), ANSWERED)
            && self.of_signing_in(start)
    }

    /// `pin reset => 1646`
    fn pin_set(&self, start: usize) -> bool {
        let (_, to) = self.words[0];
        matches!(self.slice(to, start), b" => " | b" -> " | b": " | b" = ")
            && is_one_of!(self.nth_word(0), "reset set changed updated now")
            && is_one_of!(self.nth_word(1), "pin puk")
            && is_one_of!(self.nth_word(2), "voicemail account card user sim door alarm lock phone device")
    }

    /// Digits where the line speaks of a one-time code, and `123456 is your code`.
    pub fn one_time_code(&mut self, start: usize, end: usize) -> bool {
        let word = self.slice(start, end);
        if !(2..=8).contains(&word.len()) {
            return false;
        }
        // `123 456`, `123-456`
        let three = |at: usize| self.slice(at, at + 3).iter().filter(|b| b.is_ascii_digit()).count() == 3;
        let parted = matches!(word.len(), 3 | 7)
            && matches!(self.byte(start + 3), b' ' | b'-')
            && three(start)
            && three(start + 4)
            && !charset::is_alnum(self.byte(start + 7));
        let paired = word.len() == 2
            && self.digits_in_pairs(start)
            && !(self.before(start) == b' ' && self.before(start - 1).is_ascii_digit()) // the end of a longer row
            && (self.line.one_time || self.says_one_time(start + 8) && self.code_behind(start + 8));
        let end = if parted {
            start + 7
        } else if paired {
            start + 8
        } else {
            end
        };
        let parted = parted || paired;
        let message =
            (parted || matches!(word.len(), 5 | 6)) && matches!(self.byte(end), 0 | b'\n' | b'"' | b'.');
        self.line.one_time |=
            message && is_one_of!(self.nth_word(0), "code") && is_one_of!(self.nth_word(1), SENDERS);
        if self.check_value(start, word) {
            self.take(start, end, end, Rule::CARD);
            return true;
        }
        if !parted && (!(4..=8).contains(&word.len()) || !word.iter().all(u8::is_ascii_digit)) {
            return false;
        }
        if matches!(self.byte(end), b':' | b'/' | b'%')
            || self.byte(end) == b'.' && self.byte(end + 1).is_ascii_digit()
        {
            return false;
        }
        let named = self.line.one_time
            && (is_one_of!(
                self.nth_word(0),
                "is was code token otp use enter passcode pin puk totp got expected received entered est es ist lautet er jest kod \
                    kode tan"
            ) || is_one_of!(self.nth_word(0), "password")
                && is_one_of!(self.nth_word(1), "time one-time")
                || is_one_of!(self.nth_word(0), "le") && is_one_of!(self.nth_word(1), "est")
                || self.behind_code(start)
                || self.linked_code(start)
                || matches!(self.slice(start.saturating_sub(2), start), b": " | b"= " | b"# "));
        let named =
            named || self.answered(start) || self.pin_set(start) || self.behind_kod(start, word.len());
        let announced = self.code_behind(end);
        let plain = self.one_at(end, &SIGNING_IN).is_some();
        let expires = is_one_of!(self.nth_word(0), "code otp passcode pin")
            && !is_one_of!(self.nth_word(1), OTHER_CODES)
            && (self
                .one_at(end, const { &Beginnings::of(&[" expires in ", " is valid for ", " (valid "]) })
                .is_some()
                || self.sent_to_someone(end));
        let asked = is_one_of!(self.nth_word(0), "enter use type code")
            && (plain || self.is_at(end, b" to continue") && self.of_signing_in(start))
            || word.len() != 4
                && is_one_of!(self.nth_word(0), "code")
                && is_one_of!(self.nth_word(1), "enter type")
                && (parted || matches!(word.len(), 6));
        let announced = announced || asked || expires || self.code_alone(start, end);
        if named || announced {
            self.take(start, end, end, Rule::ONE_TIME_CODE);
        }
        named || announced
    }
}
