//! The names rules are counted under: the structural ones, then the table's, each once.

use super::rules::RULES;

/// A rule, as an index into [`NAMES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule(u16);

impl Rule {
    /// `password=…`, `"api_key": "…"` in any notation
    pub const KEY_VALUE: Self = Self(0);
    /// A sensitive key of a context
    pub const CONTEXT_KEY: Self = Self(1);
    /// `Authorization: …`, `Bearer …`, `Basic …`
    pub const AUTHORIZATION: Self = Self(2);
    /// `Cookie: …`, `Set-Cookie: …`
    pub const COOKIE: Self = Self(3);
    /// `scheme://user:…@host`
    pub const URL_PASSWORD: Self = Self(4);
    /// PEM private keys
    pub const PRIVATE_KEY: Self = Self(5);
    /// JWT and JWE
    pub const JWT: Self = Self(6);
    /// Payment cards
    pub const CARD: Self = Self(7);
    /// `your code is 123456`
    pub const ONE_TIME_CODE: Self = Self(8);
    /// `?code=…`, `?sig=…`
    pub const URL_QUERY: Self = Self(9);
    /// `--password …`, `-u user:…`, `IDENTIFIED BY '…'`
    pub const COMMAND_LINE: Self = Self(10);
    /// `123456:AA…`
    pub const TELEGRAM: Self = Self(11);
    /// Discord bot tokens and webhooks
    pub const DISCORD: Self = Self(12);
    /// Azure AD client secrets
    pub const AZURE_CLIENT_SECRET: Self = Self(13);
    /// HCP Terraform tokens
    pub const TERRAFORM: Self = Self(14);
    /// `name|…`: Convex deploy keys, Facebook app tokens
    pub const PIPE_TOKEN: Self = Self(15);
    /// Mailchimp API keys
    pub const MAILCHIMP: Self = Self(16);
    /// `REDACT_PREFIXES`
    pub const DEPLOYMENT: Self = Self(17);

    /// A row of the table.
    pub fn of_row(row: usize) -> Self {
        Self(ROW_NAME.get(row).copied().unwrap_or(0))
    }

    /// Index into [`NAMES`].
    pub fn index(self) -> usize {
        self.0 as usize
    }

    /// As counted.
    pub fn name(self) -> &'static str {
        NAMES.get(self.index()).copied().unwrap_or("unknown")
    }
}

const STRUCTURAL: [&str; 18] = [
    "key-value",
    "context-key",
    "authorization",
    "cookie",
    "url-password",
    "private-key",
    "jwt",
    "payment-card",
    "one-time-code",
    "url-query",
    "command-line",
    "telegram-bot-token",
    "discord-token",
    "azure-client-secret",
    "hashicorp-terraform-token",
    "pipe-token",
    "mailchimp-key",
    "deployment-prefix",
];

const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut i = 0;
    while i < a.len() && i < b.len() && a[i] == b[i] {
        i += 1;
    }
    a.len() == b.len() && i == a.len()
}

/// Neighbouring rows of one name are one rule.
const fn repeats(row: usize) -> bool {
    row > 0 && same(RULES[row].name, RULES[row - 1].name)
}

/// How many rules there are.
pub const PATTERN_COUNT: usize = {
    let (mut n, mut row) = (STRUCTURAL.len(), 0);
    while row < RULES.len() {
        n += !repeats(row) as usize;
        row += 1;
    }
    n
};

/// Every rule's name.
pub static NAMES: [&str; PATTERN_COUNT] = {
    let mut out = [""; PATTERN_COUNT];
    let mut n = 0;
    while n < STRUCTURAL.len() {
        out[n] = STRUCTURAL[n];
        n += 1;
    }
    let mut row = 0;
    while row < RULES.len() {
        if !repeats(row) {
            out[n] = RULES[row].name;
            n += 1;
        }
        row += 1;
    }
    out
};

static ROW_NAME: [u16; RULES.len()] = {
    let mut out = [0; RULES.len()];
    let (mut n, mut row) = (STRUCTURAL.len() as u16, 0);
    while row < RULES.len() {
        n += !repeats(row) as u16;
        out[row] = n - 1;
        row += 1;
    }
    out
};
