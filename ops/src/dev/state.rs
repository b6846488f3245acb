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
};

/// Bytes of randomness in a token.
const TOKEN_BYTES: usize = 24;

pub struct State {
    folder: PathBuf,
    wrangler: PathBuf,
}

impl State {
    /// Opens the project's state folder; it is created when absent.
    pub fn open(project: &Path) -> Result<State, Failure> {
        let folder = project.join(".wrangler/ops-dev");
        fs::create_dir_all(&folder).map_err(|cause| unwritable(&folder, &cause))?;
        Ok(State { folder, wrangler: project.join(".wrangler/state") })
    }

    /// Where our own data is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where wrangler keeps the Durable Objects' storage.
    pub fn wrangler_folder(&self) -> &Path {
        &self.wrangler
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
        let file = self.folder.join("token");
        match fs::read_to_string(&file) {
            Ok(token) if !token.trim().is_empty() => return Ok(token.trim().to_owned()),
            _ => {}
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
}
