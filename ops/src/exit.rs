//! How a command ends: the exit status, and what a person reads when it failed.

use std::{fmt, process::ExitCode};

/// Exit statuses, the same for every command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// It was done.
    Done = 0,
    /// It failed, and nothing is left half done.
    Failed = 1,
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
}

impl Failure {
    /// What is wrong, and what to do about it.
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Failure {
        Failure { message: message.into(), hint: hint.into(), detail: None }
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
