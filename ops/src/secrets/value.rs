//! A secret's value: read, checked, made, and left for its clients.

use std::{
    fs::{self, OpenOptions},
    io::{self, IsTerminal, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use console::Term;
use log_ingestion_worker::config::{self, Setting};

use crate::exit::Failure;

/// The API's limit for one secret.
const MAX_BYTES: usize = 5 * 1024;
/// Bytes of randomness in a new token.
const TOKEN_BYTES: usize = 32;

/// The value from a file or standard input; at a terminal it is asked for and not shown. White space around it goes,
/// as wrangler does it.
///
/// # Errors
/// When there is none, or it is not what the setting must look like. The value is in no message.
pub fn given(setting: &Setting, file: Option<&Path>) -> Result<String, Failure> {
    let name = setting.key;
    let hint = format!("ops secrets put {name} < FILE, or --file FILE");
    let unread =
        |cause: io::Error| Failure::new(format!("the value could not be read: {cause}"), hint.clone());
    let value = match file {
        Some(file) => fs::read_to_string(file).map_err(unread)?,
        None if io::stdin().is_terminal() => {
            eprint!("The value of {name} (it is not shown): ");
            Term::stderr().read_secure_line().map_err(unread)?
        }
        None => {
            let mut text = String::new();
            let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX) + 2;
            io::stdin().lock().take(most).read_to_string(&mut text).map_err(unread)?;
            text
        }
    };
    checked(setting, &value, &hint)
}

/// The value without the white space around it, as wrangler takes it. `hint` says how to give one.
///
/// # Errors
/// When it is empty, longer than the API takes, or not what the setting must look like. The value is in no message.
pub fn checked(setting: &Setting, value: &str, hint: &str) -> Result<String, Failure> {
    let (name, value) = (setting.key, value.trim().to_owned());
    if value.is_empty() {
        return Err(Failure::new(format!("no value was given for {name}"), hint));
    }
    if value.len() > MAX_BYTES {
        return Err(Failure::new(format!("the value of {name} is longer than {MAX_BYTES} bytes"), hint));
    }
    match config::check(setting, &value) {
        Some(problem) => Err(Failure::new(problem.to_string(), "the worker would refuse every log with it")),
        None => Ok(value),
    }
}

/// A token nobody can guess.
///
/// # Errors
/// When the system has no randomness.
pub fn fresh() -> Result<String, Failure> {
    let mut bytes = [0_u8; TOKEN_BYTES];
    getrandom::fill(&mut bytes)
        .map_err(|cause| Failure::new(format!("no token could be made: {cause}"), "try again"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Leaves it in a new file that its owner alone may read.
///
/// # Errors
/// When the file is there already, or cannot be written.
pub fn keep(file: &Path, value: &str) -> Result<(), Failure> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    let written = opened.and_then(|mut file| writeln!(file, "{value}"));
    written.map_err(|cause| {
        Failure::new(
            format!("{} cannot be made: {cause}", file.display()),
            "name a file that does not exist yet",
        )
    })
}

/// Removes it again.
pub fn forget(file: &Path) {
    let _ = fs::remove_file(file);
}
