//! What was seen earlier on a line, or in the text, and changes what comes after it.

/// What was seen earlier on the line and changes what comes after it.
#[derive(Default)]
pub struct Line {
    /// A command that takes `-u user:password`.
    pub user_flag: bool,
    /// The letter of the flag with which a command takes its password (`-p`, `-a`, `-k`), or 0.
    pub password_flag: u8,
    /// That command takes it without a space alone.
    pub glued_flag: bool,
    /// An account was named, as in `machine … login …`.
    pub account: bool,
    /// Where a card's number ends, 0 for none.
    pub card_to: usize,
    /// A one-time code was spoken of.
    pub one_time: bool,
    /// Where the words that speak of a secret end, 0 for none.
    pub spoken: usize,
    /// Those words spoke of a PIN: digits alone may be it.
    pub pin: bool,
    /// What may follow those words at once is a password as people choose them.
    pub linked: bool,
    /// A password was spoken of.
    pub password: bool,
    /// A secret of whatever kind was spoken of.
    pub secret: bool,
    /// A shell's prompt: what it prints comes on the next line.
    pub prompt: bool,
    /// Somebody logged in, or has an account.
    pub login: bool,
    /// A command was named that takes a password as a word among its others.
    pub positional: bool,
    /// A command was named whose flags begin with a slash.
    pub slashed: bool,
    /// A remote desktop's client was named.
    pub desktop: bool,
    /// Whether it is a table's head has been asked.
    pub looked_at: bool,
    /// Which of the values to come stand for a secret's placeholders, one bit each: `$1` is the first.
    pub places: u32,
    /// A placeholder stood for a secret; it is one of the strings to come.
    pub owed: bool,
}
