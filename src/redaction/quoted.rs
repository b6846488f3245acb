//! A string behind a secret's name: taken, unless it says something else, or reading goes on in it.

use super::benign;
use super::called;
use super::charset;
use super::lists::ends_as;
use super::names::Rule;
use super::object;
use super::phrase::PASSWORDS;
use super::scan::Scanner;
use super::separator::Separator;
use super::statement;
use super::validated;
use super::value;

/// How far before its end the last line of a key starts at most: `-----END ENCRYPTED PRIVATE KEY-----\n`.
const PEM_END: usize = 64;

impl Scanner<'_> {
    /// Takes the string from `start` to `end` of a name that starts at `name`, or leaves it.
    #[inline(never)]
    pub fn quoted_value(
        &mut self,
        sep: Separator,
        name: usize,
        start: usize,
        end: usize,
        after: usize,
    ) -> bool {
        let content = self.judged(start, end);
        let named = charset::WORD.run_within(self.text, name, 64);
        let own = self.slice(name, named);
        let nothing = value::says_nothing(content);
        if nothing && self.is_owned(sep, name, own, content) && !self.is_token_of_text(own, content, after) {
            self.take_named(start, end, after, Rule::KEY_VALUE);
            return true;
        }
        if nothing {
            self.owes(content);
            self.resume(after);
            self.changed_to(after);
            return true;
        }
        if let Some(to) = statement::mnemonic(self.text, start).filter(|&to| to == end) {
            self.take(start, to, after, Rule::KEY_VALUE);
            return true;
        }
        let sentence = value::is_sentence(content) && !self.of_connection(name);
        let said = !ends_as!(own, PASSWORDS) && content.iter().all(|b| !b.is_ascii_digit());
        let label = said && benign::is_same_but(b"_-", own, content)
            || benign::is_foreign_text(own, content)
            || own.contains(&b'-') && benign::is_version(content)
            || benign::repeats(own, content)
            || benign::ends_in_name(own, content)
            || self.is_translation(name, content)
            || self.is_at(after, b" object ") && object::is_type_name(content)
            || self.before(start - 1) == b'(' && benign::is_prompt(content) // `password = input("Password: ")`
            || called::is_name_of_key(own, content)
            || called::is_fingerprint(own, content)
            || called::is_path_to(own, content)
            || validated::is_validation(content)
            || self.is_column(own, start, end)
            || self.is_letter_given(start, end)
            || self.is_token_of_text(own, content, after)
            || sep.colon && benign::is_label_text(content)
            || self.inside > 0 && benign::is_styling(content)
            || object::is_reference(content);
        if object::prints_itself(own, content) {
            // What the object holds is named in the string, and it is all there is.
            self.inside = if self.byte(after) == b'}' { 0 } else { self.inside };
            return self.pass(start, content);
        }
        if label
            || value::is_address(content)
            || value::is_path(content)
            || value::names_header(content)
            || sentence
        {
            return self.pass(start, content);
        }
        if content.starts_with(b"Bearer ") || content.starts_with(b"Basic ") {
            return self.authorization(sep.value).unwrap_or(false);
        }
        // A key that goes on in the next string is its own rule's.
        let last = self.slice(start.max(end.saturating_sub(PEM_END)), end);
        let first = content.get(..content.len().min(48)).unwrap_or_default();
        let private =
            first.starts_with(b"-----BEGIN ") && first.windows(11).any(|part| part == b"PRIVATE KEY");
        if private && !last.windows(8).any(|part| part == b"-----END") {
            self.at = start;
            return true;
        }
        self.take_named(start, end, after, Rule::KEY_VALUE);
        self.changed_to(after);
        true
    }

    /// `host=… dbname=… password='it is long'`: where a password stands, no sentence does.
    fn of_connection(&self, name: usize) -> bool {
        let back = self.slice(name.saturating_sub(96), name);
        back.windows(7).any(|part| part == b"dbname=") && self.byte(name) == b'p'
    }
}
