//! Where the machine keeps what outlives a run: journals, locks, what an alert last said.
//!
//! `$OPS_STATE_DIR`, else `$XDG_STATE_HOME/log-ingestion-ops`, else `~/.local/state/log-ingestion-ops`. It is the
//! person's and not the project's, because two clones of the project deploy the same worker. Readable by its owner
//! alone. Everything in it may be removed while no `ops` runs.

use std::{
    env,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// The folder's name among those of other programs.
const NAME: &str = "log-ingestion-ops";

/// The machine's state folder, which may not be there.
#[derive(Clone, Debug)]
pub struct StateFolder {
    path: Option<PathBuf>,
}

impl StateFolder {
    /// This machine's and person's.
    pub fn of_machine() -> StateFolder {
        let folder = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let path = folder("OPS_STATE_DIR")
            .or_else(|| Some(folder("XDG_STATE_HOME")?.join(NAME)))
            .or_else(|| Some(folder("HOME")?.join(".local/state").join(NAME)));
        StateFolder { path }
    }

    /// The folder at this path.
    pub fn at(path: &Path) -> StateFolder {
        StateFolder { path: Some(path.to_owned()) }
    }

    /// A folder in it, made when it is not there.
    ///
    /// # Errors
    /// When there is no place for it, or it cannot be made.
    pub fn make(&self, name: &str) -> io::Result<PathBuf> {
        let folder = self.inside(name)?;
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(|cause| io::Error::new(cause.kind(), format!("{}: {cause}", folder.display())))?;
        Ok(folder)
    }

    /// The path of something in it, which may not be there.
    ///
    /// # Errors
    /// When neither `HOME` nor the variables above are set.
    pub fn inside(&self, name: &str) -> io::Result<PathBuf> {
        let none =
            || io::Error::new(io::ErrorKind::NotFound, "HOME is not set; set OPS_STATE_DIR to a folder");
        Ok(self.path.as_ref().ok_or_else(none)?.join(name))
    }

    /// Replaces a file at once: a reader sees the old text or the new one.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&self, folder: &str, file: &str, text: &str) -> io::Result<()> {
        let folder = self.make(folder)?;
        let mut fresh = tempfile::NamedTempFile::new_in(&folder)?;
        fresh.write_all(text.as_bytes())?;
        fresh.persist(folder.join(file)).map(drop).map_err(|failed| failed.error)
    }

    /// A file's text; nothing when there is none.
    pub fn read(&self, folder: &str, file: &str) -> Option<String> {
        fs::read_to_string(self.inside(folder).ok()?.join(file)).ok()
    }
}

/// Opens a file for appending that its owner alone may read.
pub(super) fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).read(true).mode(0o600).open(path)
}
