//! Production is changed only by who names it.

use std::io::{self, IsTerminal};

use log_ingestion_worker::config::Environment;

use crate::{exit::Failure, run::Run};

/// Goes on in production only when its name was typed, at the terminal or as `--yes --env production`.
///
/// # Errors
/// When it was not. Nothing was changed then.
pub fn environment(run: &Run, environment: Environment, what: &str) -> Result<(), Failure> {
    if environment == Environment::Development {
        return Ok(());
    }
    let globals = run.globals();
    run.printer().warn(&format!("{what} in production"));
    if globals.yes && globals.env == Some(Environment::Production) {
        return Ok(());
    }
    let hint = "nothing was changed; without a terminal: --yes --env production";
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(Failure::new("production must be named, and nobody can be asked", hint));
    }
    run.printer().say("Type the environment's name to go on:");
    let mut answer = String::new();
    match io::stdin().read_line(&mut answer) {
        Ok(_) if answer.trim() == environment.as_str() => Ok(()),
        _ => Err(Failure::new("another name was typed", hint)),
    }
}
