//! Replacing a file: whoever looks, and whenever we are killed, it is the old one or the new one, and so is its backup.

use std::{
    fs::{self, File, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::steps;

/// Who may read what is written here: its owner.
const PRIVATE: u32 = 0o600;

/// What the names of files in the making begin and end with. `.gitignore` of a Next.js app covers them (`.env*.local`),
/// and this project's its own (`.dev.vars*`).
pub struct Names {
    /// Of the backup.
    pub backup: String,
    making: (String, String),
}

impl Names {
    /// For a file of this name.
    pub fn of(file: &str) -> Names {
        match file.strip_suffix(".local") {
            Some(name) => Names {
                backup: format!("{name}.backup.local"),
                making: (format!("{name}.making-"), ".local".into()),
            },
            None => {
                Names { backup: format!("{file}.backup"), making: (format!("{file}.making-"), String::new()) }
            }
        }
    }

    fn is_making(&self, name: &str) -> bool {
        name.starts_with(&self.making.0) && name.ends_with(&self.making.1)
    }
}

/// Replaces the file by a text, and keeps what it held as its backup. Nothing is touched when it says so already.
/// What a killed run left half made is removed.
///
/// # Errors
/// What the system says; the file and its backup are as they were.
pub fn replace(path: &Path, text: &str, names: &Names) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    sweep(folder, names);
    let old = match fs::read(path) {
        Ok(old) => Some(old),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => None,
        Err(cause) => return Err(cause),
    };
    if old.as_deref() == Some(text.as_bytes()) {
        return if is_private(path) {
            Ok(())
        } else {
            fs::set_permissions(path, Permissions::from_mode(PRIVATE))
        };
    }
    if let Some(old) = old {
        put(&folder.join(&names.backup), &old, names, PRIVATE)?;
    }
    put(path, text.as_bytes(), names, PRIVATE)
}

/// Replaces a file that is committed: no backup, and who may read it stays.
///
/// # Errors
/// What the system says; the file is as it was.
pub fn replace_committed(path: &Path, text: &str) -> io::Result<()> {
    let name = path.file_name().map(|name| format!(".{}", name.to_string_lossy())).unwrap_or_default();
    let names = Names::of(&name);
    sweep(path.parent().unwrap_or(Path::new(".")), &names);
    put(path, text.as_bytes(), &names, fs::metadata(path)?.permissions().mode() & 0o777)
}

/// Whether its owner alone may read it.
pub fn is_private(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o077 == 0)
}

/// The file that is meant: the one a link leads to, when it is one.
pub fn resolved(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

fn put(path: &Path, bytes: &[u8], names: &Names, mode: u32) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let made = tempfile::Builder::new()
        .prefix(&names.making.0)
        .suffix(&names.making.1)
        .permissions(Permissions::from_mode(PRIVATE))
        .tempfile_in(folder)?;
    steps::passed("made");
    let (front, back) = bytes.split_at(bytes.len() / 2);
    let mut file = made.as_file();
    file.write_all(front)?;
    steps::passed("half written");
    file.write_all(back)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    file.sync_all()?;
    steps::passed("written");
    made.persist(path).map_err(|failed| failed.error)?;
    steps::passed("in place");
    // The name is on the disk once its folder is.
    File::open(folder)?.sync_all()
}

/// Removes what killed runs left.
fn sweep(folder: &Path, names: &Names) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if names.is_making(&entry.file_name().to_string_lossy()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
