//! What the worker under `ops dev` has beside wrangler.toml's vars, handed to wrangler as a file: whoever looks at the
//! processes of the machine sees their arguments. It is written at each start; a later change of `.dev.vars` is for the next.
//!
//! With `--env-file` wrangler leaves `.dev.vars` alone, so what that says is in the file too. It puts values in where such
//! a file has `$NAME`, which it does not in `.dev.vars`: a `$` is written so that it stays one.

use std::{
    fs::{self, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use crate::{
    config::dotenv::{self, Reader},
    local_redis::remove,
};

/// Writes the file for its owner alone, and gives the files that wrangler is to read, in order: `ours` are above the rest.
///
/// # Errors
/// What the disk says of the file, or of `.dev.vars`.
pub fn write(project: &Path, file: &Path, ours: [(&str, &str); 2]) -> io::Result<Vec<PathBuf>> {
    // Without .dev.vars wrangler reads these; Node, which reads them too, ends when one is not there.
    let usual = [".env", ".env.local"].map(|name| project.join(name));
    let mut files: Vec<PathBuf> = usual.into_iter().filter(|file| file.is_file()).collect();
    let mut text = String::new();
    match fs::read_to_string(project.join(".dev.vars")) {
        Ok(theirs) => {
            files.clear();
            for var in dotenv::read(&theirs) {
                match dotenv::line(&var.key, &var.value, Reader::Next) {
                    Some(line) => text += &format!("{line}\n"),
                    None => {
                        let key = var.key;
                        eprintln!("warning: {key} of .dev.vars is left out: it has every kind of quote");
                    }
                }
            }
        }
        Err(cause) if cause.kind() == ErrorKind::NotFound => {}
        Err(cause) => return Err(io::Error::new(cause.kind(), format!(".dev.vars: {cause}"))),
    }
    for (key, value) in ours {
        text += &format!("{key}={value}\n");
    }
    remove(fs::remove_file(file))?;
    let mut made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    made.write_all(text.as_bytes())?;
    files.push(file.to_owned());
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_dev_vars_says_goes_with_it_and_ours_stand_above() {
        let project = tempfile::tempdir().unwrap();
        let file = project.path().join("vars.env");
        let ours = [("URL", "http://127.0.0.1:1"), ("TOKEN", "t")];
        assert_eq!(write(project.path(), &file, ours).unwrap(), std::slice::from_ref(&file));
        fs::write(project.path().join(".env"), "A=b\n").unwrap();
        assert_eq!(write(project.path(), &file, ours).unwrap(), [project.path().join(".env"), file.clone()]);
        fs::write(project.path().join(".dev.vars"), "# mine\nTOKEN=old\nOTHER='a$b #1'\n").unwrap();
        assert_eq!(write(project.path(), &file, ours).unwrap(), std::slice::from_ref(&file));
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(text, "TOKEN=old\nOTHER='a\\$b #1'\nURL=http://127.0.0.1:1\nTOKEN=t\n");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
