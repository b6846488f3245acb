//! What `ops dev` keeps between runs: `.wrangler/ops-dev/` is ours, `.wrangler/state/` is wrangler's.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use crate::{
    exit::Failure,
    local_redis::{self, remove},
    run::lock::{self, Held, Lock},
};

/// Our folder in the project.
const FOLDER: &str = ".wrangler/ops-dev";
/// The token's file in it.
const TOKEN: &str = "token";
/// Bytes of randomness in a token.
const TOKEN_BYTES: usize = 24;

pub struct State {
    folder: PathBuf,
    wrangler: PathBuf,
}

impl State {
    /// Opens the project's state folder; it is created when absent.
    pub fn open(project: &Path) -> Result<State, Failure> {
        let folder = project.join(FOLDER);
        fs::create_dir_all(&folder).map_err(|cause| unwritable(&folder, &cause))?;
        Ok(State { folder, wrangler: project.join(".wrangler/state") })
    }

    /// Makes this `ops dev` the only one over this state: two would write into one storage, and `--fresh` would take it
    /// from under the other. Nothing is given back where the file system knows no locks, which is a warning.
    ///
    /// # Errors
    /// When another has it, with its process and its ports.
    pub fn lock(&self, port: u16, redis_port: u16) -> Result<Option<Lock>, Failure> {
        let ours =
            format!("process {}, the worker on port {port}, Redis on port {redis_port}", std::process::id());
        match lock::hold(&self.folder.join("lock"), &ours) {
            Ok(Held::Ours(lock)) => Ok(Some(lock)),
            Ok(Held::Theirs(holder)) => Err(Failure::new(
                format!(
                    "`ops dev` runs in this checkout already: {}",
                    holder.as_deref().unwrap_or("a process that starts just now")
                ),
                "use that one, or end it first (Ctrl-C in its terminal, or kill with its number); for two at once take a \
                 second checkout, with other ports",
            )),
            Err(cause) => {
                eprintln!("warning: no lock against another `ops dev` in this checkout: {cause}");
                Ok(None)
            }
        }
    }

    /// Where our own data is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where wrangler keeps the Durable Objects' storage.
    pub fn wrangler_folder(&self) -> &Path {
        &self.wrangler
    }

    /// What this run's worker has beside the vars of wrangler.toml.
    pub fn vars(&self) -> PathBuf {
        self.folder.join("vars.env")
    }

    /// Everything wrangler printed in this run.
    pub fn wrangler_log(&self) -> PathBuf {
        self.folder.join("wrangler.log")
    }

    /// Forgets all data. The token stays: a shell that has it in a variable goes on working.
    pub fn drop_data(&self) -> Result<(), Failure> {
        local_redis::forget(&self.folder)
            .and_then(|()| remove(fs::remove_dir_all(&self.wrangler)))
            .map_err(|cause| unwritable(&self.folder, &cause))
    }

    /// The local Redis's token: made once, readable by its owner alone.
    pub fn token(&self) -> Result<String, Failure> {
        let file = self.folder.join(TOKEN);
        if let Some(token) = kept(&file) {
            return Ok(token);
        }
        let token = random_hex().map_err(|cause| unwritable(&file, &cause))?;
        let write = || -> io::Result<()> {
            let mut options = OpenOptions::new();
            options
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&file)?
                .write_all(token.as_bytes())
        };
        write().map_err(|cause| unwritable(&file, &cause))?;
        Ok(token)
    }
}

/// The token that was made for this project; nothing while there is none.
pub fn kept_token(project: &Path) -> Option<String> {
    kept(&project.join(FOLDER).join(TOKEN))
}

fn kept(file: &Path) -> Option<String> {
    let token = fs::read_to_string(file).ok()?;
    Some(token.trim().to_owned()).filter(|token| !token.is_empty())
}

fn random_hex() -> io::Result<String> {
    let mut bytes = [0_u8; TOKEN_BYTES];
    getrandom::fill(&mut bytes).map_err(|cause| io::Error::other(cause.to_string()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn unwritable(path: &Path, cause: &io::Error) -> Failure {
    let hint = "make the project's .wrangler folder writable, or remove it";
    Failure::new(format!("{} cannot be used: {cause}", path.display()), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_made_once_and_survives_dropping_the_data() {
        let project = tempfile::tempdir().unwrap();
        let state = State::open(project.path()).unwrap();
        let token = state.token().unwrap();
        assert_eq!(token.len(), 2 * TOKEN_BYTES);
        fs::create_dir_all(state.wrangler_folder().join("v3")).unwrap();
        fs::write(state.folder().join("redis.json"), "{}").unwrap();
        state.drop_data().unwrap();
        state.drop_data().unwrap();
        assert!(!state.wrangler_folder().exists() && !state.folder().join("redis.json").exists());
        assert_eq!(State::open(project.path()).unwrap().token().unwrap(), token);
    }

    #[test]
    fn one_at_a_time_has_the_state_and_a_file_left_behind_is_no_lock() {
        let project = tempfile::tempdir().unwrap();
        let state = State::open(project.path()).unwrap();
        fs::write(state.folder().join("lock"), "process 1, the worker on port 1, Redis on port 2").unwrap();
        let held = state.lock(8787, 8079).unwrap();
        let refused = state.lock(8788, 8080).unwrap_err();
        let who = format!("process {}, the worker on port 8787, Redis on port 8079", std::process::id());
        assert!(refused.message().ends_with(&who), "{refused}");
        state.drop_data().unwrap();
        assert!(state.lock(8788, 8080).is_err(), "dropping the data drops no lock");
        drop(held);
        let _ours = state.lock(8788, 8080).unwrap();
    }
}
