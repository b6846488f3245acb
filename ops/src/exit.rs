//! How a command ends: the exit status, and what a person reads when it failed.

use std::{fmt, process::ExitCode};

/// Exit statuses, the same for every command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// It was done.
    Done = 0,
    /// It failed, and what was there before is proven to be there still.
    Failed = 1,
    /// It was done, with warnings; or something was found that is not as it should be, or could not be looked at.
    Warnings = 2,
    /// It failed, and what was there before was brought back and is proven to serve.
    RolledBack = 3,
    /// Nobody knows how things stand: a person must look, and the last paragraph says at what.
    Unknown = 4,
    /// What it waited for was not over in time (the status of timeout(1)).
    TimedOut = 124,
    /// The command line was wrong (`EX_USAGE` of sysexits.h).
    Usage = 64,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Why a command failed, for a person: one line of what is wrong, one of what to do, and where there is any the
/// output of the program that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    message: String,
    hint: String,
    detail: Option<String>,
    exit: Exit,
}

impl Failure {
    /// What is wrong, and what to do about it.
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Failure {
        Failure { message: message.into(), hint: hint.into(), detail: None, exit: Exit::Failed }
    }

    /// A command line that cannot be meant.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Failure {
        Failure::new(message, hint).exit(Exit::Usage)
    }

    /// Ends the command with another status than [`Exit::Failed`].
    pub fn exit(mut self, exit: Exit) -> Failure {
        self.exit = exit;
        self
    }

    /// The status the command ends with.
    pub fn status(&self) -> Exit {
        self.exit
    }

    /// What is wrong, in one line.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it, in one line.
    pub fn hint(&self) -> &str {
        &self.hint
    }

    /// Adds what the failing program printed. It is shown first, so that the last lines are ours.
    pub fn detail(mut self, text: impl Into<String>) -> Failure {
        self.detail = Some(text.into()).filter(|text| !text.trim().is_empty());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.detail.iter().flat_map(|text| text.trim_end().lines()) {
            writeln!(f, "  | {line}")?;
        }
        write!(f, "error: {}\nhint: {}", self.message, self.hint)
    }
}

#[cfg(test)]
mod tests {
    use super::Failure;

    #[test]
    fn the_last_two_lines_say_what_is_wrong_and_what_to_do() {
        let failure = Failure::new("the build failed", "mend it").detail("line one\nline two\n");
        assert_eq!(failure.to_string(), "  | line one\n  | line two\nerror: the build failed\nhint: mend it");
    }
}
