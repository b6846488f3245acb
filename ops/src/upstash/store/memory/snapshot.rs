//! The file a memory store starts from again: JSON, with keys and values in base64.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{
    StoreError,
    database::{Database, Entry, Value},
    now_ms,
};

/// Raised when an older program could not read what this one writes.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Snapshot {
    version: u32,
    keys: Vec<Key>,
}

#[derive(Serialize, Deserialize)]
struct Key {
    key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at_ms: Option<u64>,
    #[serde(flatten)]
    value: Stored,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Stored {
    Text(String),
    List(Vec<String>),
}

/// The database of a snapshot; an empty one when there is no file.
///
/// # Errors
/// [`StoreError::Snapshot`] when the file cannot be read or understood. It is never overwritten then.
pub fn read(path: &Path) -> Result<Database, StoreError> {
    let failed =
        |cause: String| StoreError::Snapshot { path: path.display().to_string(), action: "read", cause };
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Database::default()),
        Err(cause) => return Err(failed(cause.to_string())),
    };
    let snapshot: Snapshot = serde_json::from_slice(&text).map_err(|cause| failed(cause.to_string()))?;
    if snapshot.version != VERSION {
        return Err(failed(format!("it has version {}, this program reads {VERSION}", snapshot.version)));
    }
    let mut database = Database::default();
    for key in snapshot.keys {
        let bytes =
            |text: &String| BASE64.decode(text).map(Bytes::from).map_err(|cause| failed(cause.to_string()));
        let value = match &key.value {
            Stored::Text(text) => Value::Text(bytes(text)?),
            Stored::List(items) => Value::List(items.iter().map(bytes).collect::<Result<_, _>>()?),
        };
        database.insert(bytes(&key.key)?, Entry { value, expires_at: key.expires_at_ms });
    }
    database.take_changed();
    Ok(database)
}

/// The snapshot's text when something may have changed since the last one; from then on nothing has.
pub fn write_if_changed(database: &mut Database) -> Option<Vec<u8>> {
    if !database.take_changed() {
        return None;
    }
    let keys = database.iter(now_ms()).map(|(key, entry)| Key {
        key: BASE64.encode(key),
        expires_at_ms: entry.expires_at,
        value: match &entry.value {
            Value::Text(text) => Stored::Text(BASE64.encode(text)),
            Value::List(items) => Stored::List(items.iter().map(|item| BASE64.encode(item)).collect()),
        },
    });
    serde_json::to_vec(&Snapshot { version: VERSION, keys: keys.collect() }).ok()
}

/// Replaces the file as a whole.
pub fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_back_byte_for_byte() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/store.json");
        let mut database = Database::default();
        let list = [b"a".as_slice(), b"\xff\0", b""].map(Bytes::copy_from_slice);
        database.insert(Bytes::from_static(b"\xfe"), Entry::new(Value::List(list.into())));
        let end = Some(now_ms() + 60_000);
        let text = Value::Text(Bytes::from_static("ä".as_bytes()));
        database.insert(Bytes::from_static(b"t"), Entry { value: text, expires_at: end });
        replace(&path, &write_if_changed(&mut database).unwrap()).unwrap();
        assert!(write_if_changed(&mut database).is_none());

        let again = read(&path).unwrap();
        let now = now_ms();
        assert_eq!(again.iter(now).count(), 2);
        for (key, entry) in database.iter(now) {
            let copy = again.get(key, now).unwrap();
            assert_eq!((&copy.value, copy.expires_at), (&entry.value, entry.expires_at));
        }
    }

    #[test]
    fn a_broken_snapshot_is_an_error_and_not_an_empty_store() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.json");
        fs::write(&path, "{").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("could not be read"));
    }
}
