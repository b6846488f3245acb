//! One deployment, and one `ops dev` of a checkout, at a time on this machine. The system gives the lock back when its holder ends, however it ends.

use std::{
    fs::{File, TryLockError},
    io::{self, Read, Seek, Write},
    path::Path,
    time::SystemTime,
};

use humantime::format_rfc3339_seconds;

use super::{Run, folder::private};
use crate::exit::Failure;

/// Held until dropped, or until the process ends.
#[derive(Debug)]
#[must_use = "dropping it lets others in"]
pub struct Lock {
    _file: Option<File>,
}

/// As [`Run::lock`].
pub(super) fn take(run: &Run, what: &str) -> Result<Lock, Failure> {
    let name: String =
        what.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    let opened = run.folder().make("locks").map(|folder| folder.join(format!("{name}.lock")));
    let since = format_rfc3339_seconds(SystemTime::now());
    let ours =
        format!("ops {} (run {}, process {}, since {since})", run.command(), run.id(), std::process::id());
    match opened.and_then(|path| hold(&path, &ours)) {
        Ok(Held::Ours(lock)) => Ok(lock),
        Ok(Held::Theirs(holder)) => Err(Failure::new(
            format!("{what} is being changed by {}", holder.as_deref().unwrap_or("another ops")),
            "wait until it has ended, then look at `ops history` and `ops status`",
        )),
        Err(cause) => Ok(without(run, &cause)),
    }
}

/// Whose a lock is.
#[derive(Debug)]
pub enum Held {
    /// Ours, until it is dropped.
    Ours(Lock),
    /// Another process's, with what that said of itself.
    Theirs(Option<String>),
}

/// Takes the lock on this file, which is made when it is not there, and leaves word in it for who comes second. A file
/// that a killed process left behind is in nobody's way.
///
/// # Errors
/// When the file cannot be made, or its file system knows no locks.
pub fn hold(path: &Path, word: &str) -> io::Result<Held> {
    let mut file = private(path)?;
    match file.try_lock() {
        Ok(()) => {
            // Only for the words of who comes second.
            let _ = file.set_len(0).and_then(|()| file.write_all(word.as_bytes()));
            Ok(Held::Ours(Lock { _file: Some(file) }))
        }
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = file.rewind().and_then(|()| file.read_to_string(&mut holder));
            Ok(Held::Theirs(Some(holder).filter(|holder| !holder.is_empty())))
        }
        Err(TryLockError::Error(cause)) => Err(cause),
    }
}

/// A machine without a place for locks must still be able to roll back.
fn without(run: &Run, cause: &io::Error) -> Lock {
    run.printer().warn(&format!("no lock against another `ops` on this machine: {cause}"));
    Lock { _file: None }
}

/// Whether nobody holds the lock on this file.
pub(super) fn is_free(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| file.try_lock_shared().is_ok())
}

#[cfg(test)]
mod tests {
    use crate::run::{Effect, Run, folder::StateFolder, globals::Globals};
    use std::path::Path;

    fn run(folder: &Path) -> Run {
        Run::begin_in(StateFolder::at(folder), "deploy", Effect::Changes, Globals::default())
    }

    #[test]
    fn who_comes_second_is_told_who_was_first() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (run(folder.path()), run(folder.path()));
        let held = first.lock("a-worker").unwrap();
        let refused = second.lock("a-worker").unwrap_err();
        let who = format!("a-worker is being changed by ops deploy (run {}, process ", first.id());
        assert!(refused.message().starts_with(&who), "{refused}");
        let _other = second.lock("another-worker").unwrap();
        drop(held);
        let _mine = second.lock("a-worker").unwrap();
    }

    #[test]
    fn without_a_place_for_it_a_run_goes_on() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let run = run(&file.path().join("no-folder"));
        let _lock = run.lock("a-worker").unwrap();
        run.step("upload", serde_json::Value::Null);
    }
}
