//! Questions to the person at the terminal. Ctrl-C works at them: a caller that stops waiting is not held.

use std::io::{self, IsTerminal};

use super::Run;
use crate::exit::Failure;

impl Run {
    /// Whether there is somebody to ask.
    pub fn can_ask(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// The line that is typed in answer, without white space around it; nothing at the end of the input, and where
    /// nobody can be asked.
    pub async fn ask(&self, question: &str) -> Option<String> {
        if !self.can_ask() {
            return None;
        }
        self.printer.say(question);
        // A thread of its own, which nobody waits for: reading cannot be interrupted.
        let (send, answer) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let read = io::stdin().read_line(&mut line);
            let _ = send.send(read.ok().filter(|count| *count > 0).map(|_| line.trim().to_owned()));
        });
        answer.await.ok().flatten()
    }

    /// Goes on only with a yes: `--yes`, or an answer at the terminal. `what` says what will happen.
    ///
    /// # Errors
    /// When it was not confirmed, or nobody can be asked. Nothing was changed then.
    pub async fn confirm(&self, what: &str) -> Result<(), Failure> {
        self.printer.warn(what);
        if self.globals.yes {
            return Ok(());
        }
        let refused = |message: &str| Err(Failure::new(message, "nothing was changed; --yes answers yes"));
        if !self.can_ask() {
            return refused("it must be confirmed, and nobody can be asked");
        }
        match self.ask("Go on? [y/N]").await {
            Some(answer) if is_yes(&answer) => Ok(()),
            _ => refused("it was not confirmed"),
        }
    }
}

/// Whether a person who types this agrees.
pub fn is_yes(answer: &str) -> bool {
    ["y", "yes"].contains(&answer.to_lowercase().as_str())
}
