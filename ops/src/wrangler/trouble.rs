//! Why a call failed, as far as wrangler lets one know: its exit status is 1 for everything, so its entry for programs
//! is read, and where that says too little its words.

use std::{fmt, process::ExitStatus, time::Duration};

use super::record::Records;
use crate::exit::Failure;

/// How much of what wrangler printed is kept for a person.
const KEPT_LINES: usize = 12;

/// All that `wrangler whoami --json` says where nobody is logged in.
const NOT_LOGGED_IN: &str = r#"{"loggedIn":false"#;

/// What `wrangler secret list` says below the line that there is no such worker.
const NEW_WORKER: &str = "If this is a new Worker, run `wrangler deploy` first";

/// Codes of the API that something is done about.
pub mod code {
    /// Too weak a token, or the wrong account; also what a bad token meets first.
    pub const AUTHENTICATION: u32 = 10_000;
    /// No such worker.
    pub const NO_WORKER: u32 = 10_007;
    /// The code is not valid: it throws when it is started, most of the time.
    pub const INVALID_SCRIPT: u32 = 10_021;
    /// A binding that is to be kept is not there: a required secret, most of the time.
    pub const NOTHING_TO_INHERIT: u32 = 10_057;
    /// Secrets changed since the version was live.
    pub const SECRETS_CHANGED: u32 = 10_220;
    /// Durable Object migrations lie between the version and the live one.
    pub const MIGRATION_BETWEEN: u32 = 100_140;
}

/// What kind of trouble it is, by what can be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// There is no token.
    NoToken,
    /// The token is not known: mistyped, expired, revoked.
    BadToken,
    /// The token is good and may not do this; or the account is another's.
    Denied,
    /// There is no such worker.
    NotFound,
    /// The API asks for patience.
    Busy,
    /// The API failed, or answered what is no answer.
    Server,
    /// The API could not be reached, or the connection broke.
    Network,
    /// It was not over within the limit, and was ended.
    Timeout,
    /// The API refused it for a reason of its own: see the code.
    Refused,
    /// The code or the configuration is wrong; nothing was sent.
    Build,
    /// The program could not be run, or was ended by a signal.
    Program,
    /// Something else.
    Other,
}

/// A call that failed.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// What can be done about it.
    pub kind: Kind,
    /// The API's code.
    pub code: Option<u32>,
    /// What went wrong, in one line.
    pub message: String,
    /// How long the API asks to wait.
    pub retry_after: Option<Duration>,
    command: String,
    output: String,
}

impl Trouble {
    pub(super) fn new(kind: Kind, command: String, message: String) -> Trouble {
        Trouble { kind, code: None, message, retry_after: None, command, output: String::new() }
    }

    pub(super) fn timeout(command: String, limit: Duration, stdout: &str, stderr: &str) -> Trouble {
        let message = format!("it was not over after {} s and was ended", limit.as_secs());
        Trouble { output: kept(stdout, stderr), ..Trouble::new(Kind::Timeout, command, message) }
    }

    pub(super) fn of_call(
        command: String,
        status: ExitStatus,
        stdout: &str,
        stderr: &str,
        records: &Records,
    ) -> Trouble {
        let failed = records.failed();
        let code = failed.as_ref().and_then(|failed| failed.code).or_else(|| code_in(stderr));
        let retry_after = failed.as_ref().and_then(|failed| failed.retry_after());
        let said = failed.map(|failed| failed.message).filter(|message| !message.is_empty());
        let said = said.or_else(|| first_error(stderr));
        // What the API said stands below the line that names the request.
        let message = code.and_then(|code| line_with(stderr, code)).or_else(|| said.clone());
        let message = message.unwrap_or_else(|| match stdout.contains(NOT_LOGGED_IN) {
            true => "nobody is logged in".to_owned(),
            false => format!("it ended with {status}"),
        });
        let message = message.lines().next().unwrap_or_default().trim().to_owned();
        let kind = match (status.code(), said.is_some()) {
            (None, _) | (Some(126..=255), false) => Kind::Program,
            _ => kind_of(code, retry_after, &format!("{message}\n{stdout}\n{stderr}")),
        };
        Trouble { kind, code, message, retry_after, command, output: kept(stdout, stderr) }
    }

    pub(super) fn of_kind(self, kind: Kind) -> Trouble {
        Trouble { kind, ..self }
    }

    /// Whether the same question may be answered a moment later.
    pub fn may_pass(&self) -> bool {
        matches!(self.kind, Kind::Busy | Kind::Server | Kind::Network | Kind::Timeout)
    }

    /// What a person can do about it.
    pub fn hint(&self) -> &'static str {
        match (self.kind, self.code) {
            (Kind::NoToken, _) => {
                "set CLOUDFLARE_API_TOKEN to a token made from the template \"Edit Cloudflare Workers\", or run `npx wrangler login`"
            }
            (Kind::BadToken, _) => {
                "make a new token (dash.cloudflare.com/profile/api-tokens) and set CLOUDFLARE_API_TOKEN to it"
            }
            (Kind::Denied, _) => {
                "give the token \"Workers Scripts: Edit\" of this account; `npx wrangler whoami` shows which accounts it sees"
            }
            (Kind::NotFound, _) => "deploy it first: `ops deploy`",
            (Kind::Busy | Kind::Server, _) => {
                "wait a minute and try again; www.cloudflarestatus.com says whether it is theirs"
            }
            (Kind::Network, _) => "look at the network and at HTTPS_PROXY, and try again",
            (Kind::Timeout, _) => "try again; with a slow network, give it longer: --wrangler-timeout 2m",
            (Kind::Build, _) => "mend what the lines above name, and try again",
            (Kind::Program, _) => "run scripts/setup, and try again",
            (_, Some(code::INVALID_SCRIPT)) => {
                "run it locally (`ops dev`): the code throws when it is loaded"
            }
            (_, Some(code::NOTHING_TO_INHERIT)) => "set the missing secret: `ops secrets put NAME`",
            (_, Some(code::SECRETS_CHANGED)) => {
                "secrets changed since that version was live: deploy a good build instead"
            }
            (_, Some(code::MIGRATION_BETWEEN)) => {
                "a Durable Object migration lies between: go forward with a repaired build"
            }
            (Kind::Refused | Kind::Other, _) => "the lines above are what wrangler said",
        }
    }

    /// For the person who ran the command.
    pub fn failure(&self) -> Failure {
        Failure::new(self.to_string(), self.hint()).detail(self.output.clone())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.command, self.message)
    }
}

impl std::error::Error for Trouble {}

fn kind_of(api: Option<u32>, retry_after: Option<Duration>, words: &str) -> Kind {
    let said = |text: &str| words.contains(text);
    match api {
        _ if said("set a CLOUDFLARE_API_TOKEN environment variable")
            || said("You are not authenticated")
            || said(NOT_LOGGED_IN) =>
        {
            Kind::NoToken
        }
        Some(9109 | 1000 | 1001) => Kind::BadToken,
        Some(code::AUTHENTICATION | 9106) if said("[code: 9109]") || said("Invalid API Token") => {
            Kind::BadToken
        }
        Some(code::AUTHENTICATION | 9106 | 9103 | 10_023) => Kind::Denied,
        Some(code::NO_WORKER | 10_090) => Kind::NotFound,
        // `secret list` keeps the API's code to itself.
        None if said(NEW_WORKER) => Kind::NotFound,
        _ if retry_after.is_some() || said("rate limit") || said("Too Many Requests") => Kind::Busy,
        // 10013 is "an unknown error has occurred", 7010 and 10002 are services that are away.
        Some(10_013 | 10_002 | 7010) => Kind::Server,
        Some(_) => Kind::Refused,
        None if said("malformed response") => Kind::Server,
        None if said("fetch failed")
            || said("connectivity issue")
            || said("ECONNRE")
            || said("socket hang up") =>
        {
            Kind::Network
        }
        None if said("Build failed") || said("custom build") || said("Could not resolve") => Kind::Build,
        None => Kind::Other,
    }
}

/// `[code: N]` of the first error.
fn code_in(stderr: &str) -> Option<u32> {
    let (_, rest) = stderr.split_once("[code: ")?;
    rest.split_once(']')?.0.parse().ok()
}

fn line_with(stderr: &str, code: u32) -> Option<String> {
    let line = stderr.lines().find(|line| line.contains(&format!("[code: {code}]")))?;
    Some(line.trim().trim_start_matches("✘ [ERROR] ").to_owned())
}

fn first_error(stderr: &str) -> Option<String> {
    let (_, rest) = stderr.split_once("[ERROR] ")?;
    rest.lines().next().map(str::to_owned)
}

/// The end of what it printed, without what helps nobody: empty lines, where its own log was, the dump of an object
/// that it prints when a build fails.
fn kept(stdout: &str, stderr: &str) -> String {
    let noise = |line: &&str| {
        line.trim().is_empty()
            || line.contains("Logs were written to")
            || line.contains("please open an issue")
    };
    let lines: Vec<&str> =
        stdout.lines().chain(stderr.lines()).map(str::trim_end).filter(|line| !noise(line)).collect();
    let built = |line: &&str| line.starts_with("[custom build]") || line.contains("[ERROR]");
    let lines = match lines.iter().any(|line| line.contains("[ERROR] Running custom build")) {
        true => lines.into_iter().filter(built).collect(),
        false => lines,
    };
    lines.get(lines.len().saturating_sub(KEPT_LINES)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    fn trouble(records: &str, stderr: &str) -> Trouble {
        let records = Records::parse(records);
        Trouble::of_call("wrangler x".into(), ExitStatus::from_raw(1 << 8), "", stderr, &records)
    }

    #[test]
    fn the_entry_for_programs_is_believed_first() {
        let found = trouble(
            r#"{"type":"command-failed","message":"You are being rate limited [code: 10429]","code":10429,"retry_after_ms":7000}"#,
            "✘ [ERROR] other words [code: 10007]",
        );
        assert_eq!((found.kind, found.code), (Kind::Busy, Some(10429)));
        assert_eq!(found.retry_after, Some(Duration::from_secs(7)));
    }

    #[test]
    fn without_one_its_words_are() {
        let cases = [
            (
                "✘ [ERROR] In a non-interactive environment, it's necessary to set a CLOUDFLARE_API_TOKEN environment variable for",
                Kind::NoToken,
            ),
            (
                "✘ [ERROR] A request failed.\n Authentication error [code: 10000]\n x [code: 9109]",
                Kind::BadToken,
            ),
            (
                "✘ [ERROR] A request failed.\n Authentication error [code: 10000]\n Getting User settings...",
                Kind::Denied,
            ),
            ("✘ [ERROR] This Worker does not exist on your account. [code: 10007]", Kind::NotFound),
            (
                "✘ [ERROR] Worker \"w\" not found.\n  If this is a new Worker, run `wrangler deploy` first to create it.",
                Kind::NotFound,
            ),
            ("✘ [ERROR] fetch failed", Kind::Network),
            ("✘ [ERROR] Received a malformed response from the API", Kind::Server),
            ("✘ [ERROR] Uncaught Error: x [code: 10021]", Kind::Refused),
            ("✘ [ERROR] Running custom build `scripts/build` failed.", Kind::Build),
            ("✘ [ERROR] something new", Kind::Other),
        ];
        for (stderr, kind) in cases {
            assert_eq!(trouble("", stderr).kind, kind, "{stderr}");
        }
        assert_eq!(
            trouble("", "✘ [ERROR] fetch failed\n\n🪵  Logs were written to \"x\"").output,
            "✘ [ERROR] fetch failed"
        );
    }

    #[test]
    fn whoami_says_in_its_answer_alone_that_nobody_is_logged_in() {
        let status = ExitStatus::from_raw(1 << 8);
        let answer = "{\"loggedIn\":false}\n";
        let found = Trouble::of_call("wrangler whoami".into(), status, answer, "", &Records::parse(""));
        assert_eq!((found.kind, found.message.as_str()), (Kind::NoToken, "nobody is logged in"));
    }

    #[test]
    fn a_program_that_is_killed_or_says_nothing_is_not_the_api_s_fault() {
        let killed = Trouble::of_call("w".into(), ExitStatus::from_raw(9), "", "", &Records::parse(""));
        assert_eq!(killed.kind, Kind::Program);
    }
}
