//! A shard's storage: the tables of [`crate::buffer::row`], read and written.

use crate::buffer::row::{LAYOUT, Meta, Row, RowHead};
use crate::buffer::{Checkpoint, Loader, Shard, ShardSettings, TraceRow};
use worker::{Error, Result, SqlStorage, SqlStorageValue};

/// The shard's tables.
pub struct Storage(SqlStorage);

type Values = Vec<SqlStorageValue>;

impl Storage {
    /// The tables in `sql`.
    pub fn new(sql: SqlStorage) -> Storage {
        Storage(sql)
    }

    /// Bytes of the database.
    pub fn size(&self) -> u64 {
        self.0.database_size() as u64
    }

    /// Reads the shard, after making its tables if it has none.
    ///
    /// # Errors
    /// When storage fails, or holds a layout this code does not know.
    pub fn load(&self, settings: ShardSettings, now: i64) -> Result<Shard> {
        self.0.exec(
            "CREATE TABLE IF NOT EXISTS meta (id INTEGER PRIMARY KEY CHECK (id = 0), value BLOB NOT NULL);
             CREATE TABLE IF NOT EXISTS slots (slot INTEGER PRIMARY KEY, seq INTEGER NOT NULL, head BLOB NOT NULL,
                body BLOB NOT NULL);
             CREATE TABLE IF NOT EXISTS traces (trace_id TEXT PRIMARY KEY, count INTEGER NOT NULL,
                systems INTEGER NOT NULL, errors INTEGER NOT NULL, newest INTEGER NOT NULL, written_at INTEGER NOT NULL,
                quota_window INTEGER NOT NULL, in_window INTEGER NOT NULL, cleared INTEGER NOT NULL,
                first INTEGER NOT NULL, whole INTEGER NOT NULL, aside_since INTEGER, aside_error TEXT) WITHOUT ROWID;",
            None,
        )?;
        let mut meta: Option<Meta> = None;
        for values in self.0.exec("SELECT value FROM meta", None)?.raw() {
            let bytes = blob(values?.into_iter().next());
            let stored: Meta = serde_json::from_slice(&bytes)?;
            if stored.v > LAYOUT {
                return Err(Error::RustError(format!(
                    "storage has layout {}, this code knows {LAYOUT}",
                    stored.v
                )));
            }
            meta = Some(stored);
        }
        let is_new = meta.is_none();
        let mut loader = Loader::new(settings, meta, now);
        for values in self.0.exec("SELECT * FROM traces", None)?.raw() {
            loader.trace(trace_row(values?));
        }
        for values in self.0.exec("SELECT slot, head FROM slots ORDER BY seq", None)?.raw() {
            let mut values = values?.into_iter();
            let slot = integer(values.next());
            let head: RowHead = serde_json::from_slice(&blob(values.next()))?;
            loader.row(slot, &head);
        }
        let mut shard = loader.finish();
        if is_new {
            // When the shard began is what later proves that it saw every list begin.
            let checkpoint = shard.take_checkpoint(now);
            self.checkpoint(&checkpoint)?;
        }
        Ok(shard)
    }

    /// Stores rows.
    ///
    /// # Errors
    /// When storage fails.
    pub fn store(&self, rows: Vec<Row>) -> Result<()> {
        for row in rows {
            let head = serde_json::to_vec(&row.head)?;
            debug_assert!(head.len() + row.body.len() <= 2_000_000);
            self.0.exec(
                "INSERT INTO slots (slot, seq, head, body) VALUES (?, ?, ?, ?)
                 ON CONFLICT (slot) DO UPDATE SET seq = excluded.seq, head = excluded.head, body = excluded.body",
                vec![number(row.slot), number_of(row.head.seq), head.into(), row.body.into()],
            )?;
        }
        Ok(())
    }

    /// Reads the rows in these slots.
    ///
    /// # Errors
    /// When storage fails.
    pub fn rows(&self, slots: &[i64]) -> Result<Vec<Row>> {
        let mut rows = Vec::with_capacity(slots.len());
        for &slot in slots {
            let found = self.0.exec("SELECT head, body FROM slots WHERE slot = ?", vec![number(slot)])?;
            for values in found.raw() {
                let mut values = values?.into_iter();
                let head = serde_json::from_slice(&blob(values.next()))?;
                rows.push(Row { slot, head, body: blob(values.next()) });
            }
        }
        Ok(rows)
    }

    /// Reads the heads of the rows in these slots.
    ///
    /// # Errors
    /// When storage fails.
    pub fn heads(&self, slots: &[i64]) -> Result<Vec<RowHead>> {
        let mut heads = Vec::with_capacity(slots.len());
        for &slot in slots {
            let found = self.0.exec("SELECT head FROM slots WHERE slot = ?", vec![number(slot)])?;
            for values in found.raw() {
                heads.push(serde_json::from_slice(&blob(values?.into_iter().next()))?);
            }
        }
        Ok(heads)
    }

    /// The heads of the rows whose entries are all younger than `mark`.
    ///
    /// # Errors
    /// When storage fails.
    pub fn heads_after(&self, mark: u64) -> Result<Vec<RowHead>> {
        let found =
            self.0.exec("SELECT head FROM slots WHERE seq > ? ORDER BY seq", vec![number_of(mark)])?;
        found.raw().map(|values| Ok(serde_json::from_slice(&blob(values?.into_iter().next()))?)).collect()
    }

    /// Empties the bodies of all rows up to `mark`, and forgets every trace but for what it spent of its quota.
    ///
    /// # Errors
    /// When storage fails.
    pub fn clear_all(&self, mark: u64) -> Result<()> {
        self.0
            .exec("UPDATE slots SET body = x'' WHERE seq <= ? AND length(body) > 0", vec![number_of(mark)])?;
        Ok(())
    }

    /// Empties one trace's entries up to `mark` in these slots.
    ///
    /// # Errors
    /// When storage fails.
    pub fn clear_trace(&self, slots: &[i64], trace_id: &str, mark: u64) -> Result<()> {
        for mut row in self.rows(slots)? {
            if row.clear(|seq, meta| seq <= mark && meta.trace_id == trace_id) {
                self.store(vec![row])?;
            }
        }
        Ok(())
    }

    /// Stores a checkpoint.
    ///
    /// # Errors
    /// When storage fails.
    pub fn checkpoint(&self, checkpoint: &Checkpoint) -> Result<()> {
        for row in &checkpoint.traces {
            let (since, error) = row.aside.clone().unzip();
            self.0.exec(
                "INSERT INTO traces VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                 ON CONFLICT (trace_id) DO UPDATE SET count = excluded.count, systems = excluded.systems,
                    errors = excluded.errors, newest = excluded.newest, written_at = excluded.written_at,
                    quota_window = excluded.quota_window, in_window = excluded.in_window, cleared = excluded.cleared,
                    first = excluded.first, whole = excluded.whole, aside_since = excluded.aside_since, aside_error = excluded.aside_error",
                vec![
                    row.trace_id.as_str().into(),
                    number_of(row.count),
                    number(row.systems.into()),
                    number(row.errors.into()),
                    number(row.newest),
                    number(row.written_at),
                    number(row.window),
                    number_of(row.in_window),
                    number_of(row.cleared),
                    number_of(row.first),
                    number(row.whole.into()),
                    since.map(number_of).unwrap_or(SqlStorageValue::Null),
                    error.into(),
                ],
            )?;
        }
        for trace_id in &checkpoint.forgotten {
            self.0.exec("DELETE FROM traces WHERE trace_id = ?", vec![(&**trace_id).into()])?;
        }
        let meta = serde_json::to_vec(&checkpoint.meta)?;
        self.0.exec(
            "INSERT INTO meta (id, value) VALUES (0, ?) ON CONFLICT (id) DO UPDATE SET value = excluded.value",
            vec![meta.into()],
        )?;
        Ok(())
    }

    /// Deletes all rows, without a cost per row.
    ///
    /// # Errors
    /// When storage fails.
    pub fn delete_rows(&self) -> Result<()> {
        self.0.exec("DELETE FROM slots", None)?;
        Ok(())
    }
}

fn trace_row(values: Values) -> TraceRow {
    let mut values = values.into_iter();
    let trace_id = text(values.next()).unwrap_or_default();
    let mut next = || integer(values.next());
    let (count, systems, errors, newest, written_at) = (next(), next(), next(), next(), next());
    let (window, in_window, cleared, first, whole) = (next(), next(), next(), next(), next());
    let since = values.next();
    let error = text(values.next()).unwrap_or_default();
    let aside = match since {
        Some(SqlStorageValue::Integer(since)) => Some((whole_number(since), error)),
        _ => None,
    };
    TraceRow {
        trace_id,
        count: whole_number(count),
        systems: u8::try_from(systems).unwrap_or(0),
        errors: errors != 0,
        newest,
        written_at,
        window,
        in_window: whole_number(in_window),
        cleared: whole_number(cleared),
        first: whole_number(first),
        whole: whole != 0,
        aside,
    }
}

fn whole_number(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

fn number(value: i64) -> SqlStorageValue {
    SqlStorageValue::Integer(value)
}

fn number_of(value: u64) -> SqlStorageValue {
    SqlStorageValue::Integer(i64::try_from(value).unwrap_or(i64::MAX))
}

fn integer(value: Option<SqlStorageValue>) -> i64 {
    match value {
        Some(SqlStorageValue::Integer(number)) => number,
        #[allow(clippy::cast_possible_truncation)]
        Some(SqlStorageValue::Float(number)) => number as i64,
        _ => 0,
    }
}

fn text(value: Option<SqlStorageValue>) -> Option<String> {
    match value {
        Some(SqlStorageValue::String(text)) => Some(text),
        _ => None,
    }
}

fn blob(value: Option<SqlStorageValue>) -> Vec<u8> {
    match value {
        Some(SqlStorageValue::Blob(bytes)) => bytes,
        Some(SqlStorageValue::String(text)) => text.into_bytes(),
        _ => Vec::new(),
    }
}
