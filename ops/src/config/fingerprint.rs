//! What was written where nobody can read it back, as a keyed fingerprint.
//!
//! At each sync HMAC-SHA-256 of the value is kept, under a key that this machine made for itself, together with a mark by
//! which the other side tells that it was changed since (the time of a GitHub secret). A value cannot be had from it
//! without the key, and guessed at with it only where the value can be guessed. Both files are in the state folder,
//! readable by their owner alone; without them everything that is write-only is unknown, and nothing else is lost.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
};

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use serde::{Deserialize, Serialize};

use super::steps;
use crate::run::{Run, folder::StateFolder};

/// The state folder's folder of them.
const FOLDER: &str = "config";
const KEY_FILE: &str = "fingerprint.key";
/// Bytes of the key: the length of the hash (RFC 2104, section 3).
const KEY_BYTES: usize = 32;

/// The fingerprints of one place.
pub struct Fingerprints {
    key: Option<hmac::Key>,
    place: String,
    kept: BTreeMap<String, Kept>,
}

/// One value's.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    hmac: String,
    /// What the other side said of it when it was written.
    mark: String,
}

/// What was known of values that are being changed.
#[derive(Debug)]
pub struct Aside(BTreeMap<String, Kept>);

/// How a value compares with the one that was written last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// It is the one that was written, and was not changed there since.
    Same,
    /// Another was written.
    Differs,
    /// It is the one that was written, and somebody changed it there since.
    ChangedThere,
    /// Nothing was written from this machine.
    Unknown,
}

impl Fingerprints {
    /// Those of a place, whose name tells it from every other.
    pub fn open(run: &Run, place: &str) -> Fingerprints {
        let key = key(run.folder());
        if let Err(cause) = &key {
            run.printer().warn(&format!("what is write-only cannot be compared: {cause}"));
        }
        let kept = run.folder().read(FOLDER, &file(place)).and_then(|text| serde_json::from_str(&text).ok());
        let key = key.ok().map(|bytes| hmac::Key::new(hmac::HMAC_SHA256, &bytes));
        Fingerprints { key, place: place.to_owned(), kept: kept.unwrap_or_default() }
    }

    /// Compares a value; `mark` is what the other side says of it now.
    pub fn compare(&self, name: &str, value: &str, mark: &str) -> Likeness {
        let (Some(kept), Some(key)) = (self.kept.get(name), &self.key) else { return Likeness::Unknown };
        let hmac = STANDARD_NO_PAD.decode(&kept.hmac).unwrap_or_default();
        if hmac::verify(key, &self.message(name, value), &hmac).is_err() {
            Likeness::Differs
        } else if kept.mark != mark {
            Likeness::ChangedThere
        } else {
            Likeness::Same
        }
    }

    /// Keeps what was written.
    pub fn record(&mut self, run: &Run, name: &str, value: &str, mark: &str) {
        let Some(key) = &self.key else { return };
        let hmac = STANDARD_NO_PAD.encode(hmac::sign(key, &self.message(name, value)));
        self.kept.insert(name.to_owned(), Kept { hmac, mark: mark.to_owned() });
        self.save(run);
    }

    /// Nobody knows what is there now.
    pub fn forget(&mut self, run: &Run, name: &str) {
        if self.kept.remove(name).is_some() {
            self.save(run);
        }
    }

    /// While these are being changed nobody knows what is there: a run that is killed meanwhile leaves no word of them.
    pub fn set_aside<'a>(&mut self, run: &Run, names: impl Iterator<Item = &'a str>) -> Aside {
        let aside = Aside(names.filter_map(|name| self.kept.remove_entry(name)).collect());
        if !aside.0.is_empty() {
            self.save(run);
        }
        aside
    }

    /// What is there is what was there before.
    pub fn put_back(&mut self, run: &Run, aside: Aside) {
        self.kept.extend(aside.0);
        self.save(run);
    }

    /// The same value elsewhere has another fingerprint.
    fn message(&self, name: &str, value: &str) -> Vec<u8> {
        [self.place.as_str(), name, value].join("\0").into_bytes()
    }

    fn save(&self, run: &Run) {
        let text = serde_json::to_string(&self.kept).unwrap_or_default();
        if let Err(cause) = run.folder().write(FOLDER, &file(&self.place), &text) {
            run.printer().warn(&format!("what was written cannot be compared later: {cause}"));
        }
        steps::passed("fingerprint");
    }
}

fn file(place: &str) -> String {
    let plain: String = place.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    format!("written-{plain}.json")
}

/// The machine's key, made when there is none.
fn key(folder: &StateFolder) -> io::Result<Vec<u8>> {
    let path = folder.make(FOLDER)?.join(KEY_FILE);
    if let Ok(text) = fs::read_to_string(&path)
        && let Ok(bytes) = STANDARD_NO_PAD.decode(text.trim())
        && bytes.len() == KEY_BYTES
    {
        return Ok(bytes);
    }
    let mut bytes = [0_u8; KEY_BYTES];
    getrandom::fill(&mut bytes).map_err(|cause| io::Error::other(cause.to_string()))?;
    let _ = fs::remove_file(&path);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    file.write_all(STANDARD_NO_PAD.encode(bytes).as_bytes())?;
    Ok(bytes.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Effect, globals::Globals};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_value_is_known_again_and_in_no_file() {
        let state = tempfile::tempdir().unwrap();
        let folder = || StateFolder::at(state.path());
        let run = Run::begin_in(folder(), "config", Effect::None, Globals::default());
        Fingerprints::open(&run, "github production").record(&run, "KEY", "geheim", "monday");
        let kept = Fingerprints::open(&run, "github production");
        assert_eq!(kept.compare("KEY", "geheim", "monday"), Likeness::Same);
        assert_eq!(kept.compare("KEY", "geheim", "tuesday"), Likeness::ChangedThere);
        assert_eq!(kept.compare("KEY", "anders", "monday"), Likeness::Differs);
        assert_eq!(kept.compare("OTHER", "geheim", "monday"), Likeness::Unknown);
        assert_eq!(
            Fingerprints::open(&run, "github development").compare("KEY", "geheim", "monday"),
            Likeness::Unknown
        );
        for entry in fs::read_dir(state.path().join(FOLDER)).unwrap().map(|entry| entry.unwrap().path()) {
            assert!(!fs::read_to_string(&entry).unwrap().contains("geheim"));
            assert_eq!(fs::metadata(&entry).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
