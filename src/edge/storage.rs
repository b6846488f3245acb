//! A shard's storage: the tables of [`crate::buffer::row`], read and written.

use crate::buffer::row::{LAYOUT, Meta, PAGED_LAYOUT, Row, RowHead};
use crate::buffer::{Loader, Page, Shard, ShardSettings, Stored, TraceLine};
use js_sys::Uint8Array;
use worker::{Error, Result, SqlStorage, SqlStorageValue};

/// The shard's tables.
pub struct Storage(SqlStorage);

type Values = Vec<SqlStorageValue>;

/// The table of rows.
const SLOTS: &str =
    "CREATE TABLE IF NOT EXISTS slots (slot INTEGER PRIMARY KEY, seq INTEGER NOT NULL, head BLOB NOT NULL,
    body BLOB NOT NULL);";

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
        self.0.exec(SLOTS, None)?;
        self.0.exec(
            "CREATE TABLE IF NOT EXISTS meta (id INTEGER PRIMARY KEY CHECK (id = 0), value BLOB NOT NULL);
             CREATE TABLE IF NOT EXISTS pages (slot INTEGER PRIMARY KEY, number INTEGER NOT NULL, lines BLOB NOT NULL);",
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
        let by_row = meta.as_ref().is_some_and(|meta| meta.v < PAGED_LAYOUT);
        let mut loader = Loader::new(settings, meta, now);
        if by_row {
            for values in self.0.exec("SELECT * FROM traces", None)?.raw() {
                loader.trace(earlier_trace(values?), Stored::default());
            }
        }
        self.load_pages(&mut loader)?;
        for values in self.0.exec("SELECT slot, head FROM slots ORDER BY seq", None)?.raw() {
            let mut values = values?.into_iter();
            let slot = integer(values.next());
            let head = blob(values.next());
            let head = RowHead::read(&head)?;
            loader.row(slot, &head);
        }
        let mut shard = loader.finish();
        if is_new || by_row {
            // When the shard began is what later proves that it saw every list begin.
            self.checkpoint(&mut shard, now)?;
        }
        self.0.exec("DROP TABLE IF EXISTS traces", None)?;
        Ok(shard)
    }

    fn load_pages(&self, loader: &mut Loader) -> Result<()> {
        let counts = loader.pages();
        // Left by a checkpoint that was not stored as a whole: a number is given once.
        self.0.exec("DELETE FROM pages WHERE number > ?", vec![number_of(*counts.end())])?;
        for values in self.0.exec("SELECT slot, number FROM pages ORDER BY number", None)?.raw() {
            let mut values = values?.into_iter();
            let (slot, number) = (integer(values.next()), whole_number(integer(values.next())));
            if !counts.contains(&number) {
                loader.free_page(slot);
                continue;
            }
            let found = self
                .0
                .exec("SELECT lines FROM pages WHERE slot = ?", vec![SqlStorageValue::Integer(slot)])?;
            for values in found.raw() {
                loader.page(&Page { slot, number, lines: blob(values?.into_iter().next()) })?;
            }
        }
        Ok(())
    }

    /// Stores rows.
    ///
    /// # Errors
    /// When storage fails.
    pub fn store(&self, rows: Vec<Row<'_>>) -> Result<()> {
        for row in rows {
            let head = row.head.to_json();
            debug_assert!(head.len() + row.body.len() <= 2_000_000);
            // `exec` would have each array filled with zeros before it is written.
            self.0.exec_raw(
                "INSERT INTO slots (slot, seq, head, body) VALUES (?, ?, ?, ?)
                 ON CONFLICT (slot) DO UPDATE SET seq = excluded.seq, head = excluded.head, body = excluded.body",
                vec![
                    number(row.slot).into(),
                    number_of(row.head.seq).into(),
                    Uint8Array::from(head.as_slice()).into(),
                    Uint8Array::from(row.body.as_slice()).into(),
                ],
            )?;
        }
        Ok(())
    }

    /// Reads the rows in these slots.
    ///
    /// # Errors
    /// When storage fails.
    pub fn rows(&self, slots: &[i64]) -> impl Iterator<Item = Result<Row<'static>>> {
        slots.iter().filter_map(|&slot| self.row(slot).transpose())
    }

    fn row(&self, slot: i64) -> Result<Option<Row<'static>>> {
        let found = self.0.exec("SELECT head, body FROM slots WHERE slot = ?", vec![number(slot)])?;
        let Some(values) = found.raw().next() else { return Ok(None) };
        let mut values = values?.into_iter();
        let head = owned_head(&blob(values.next()))?;
        Ok(Some(Row { slot, head, body: blob(values.next()) }))
    }

    /// Reads the heads of the rows in these slots.
    ///
    /// # Errors
    /// When storage fails.
    pub fn heads(&self, slots: &[i64]) -> Result<Vec<RowHead<'static>>> {
        let mut heads = Vec::with_capacity(slots.len());
        for &slot in slots {
            let found = self.0.exec("SELECT head FROM slots WHERE slot = ?", vec![number(slot)])?;
            for values in found.raw() {
                heads.push(owned_head(&blob(values?.into_iter().next()))?);
            }
        }
        Ok(heads)
    }

    /// The heads of the rows whose entries are all younger than `mark`.
    ///
    /// # Errors
    /// When storage fails.
    pub fn heads_after(&self, mark: u64) -> Result<Vec<RowHead<'static>>> {
        let found =
            self.0.exec("SELECT head FROM slots WHERE seq > ? ORDER BY seq", vec![number_of(mark)])?;
        found.raw().map(|values| owned_head(&blob(values?.into_iter().next()))).collect()
    }

    /// Empties the bodies of all rows up to `mark`. Returns how many rows that wrote.
    ///
    /// # Errors
    /// When storage fails.
    pub fn clear_all(&self, mark: u64) -> Result<usize> {
        let emptied = self
            .0
            .exec("UPDATE slots SET body = x'' WHERE seq <= ? AND length(body) > 0", vec![number_of(mark)])?;
        Ok(emptied.rows_written())
    }

    /// Empties one trace's entries up to `mark` in these slots. Returns how many rows that wrote.
    ///
    /// # Errors
    /// When storage fails.
    pub fn clear_trace(&self, slots: &[i64], trace_id: &str, mark: u64) -> Result<usize> {
        let mut written = 0;
        for row in self.rows(slots) {
            let mut row = row?;
            if row.clear(|seq, meta| seq <= mark && meta.trace_id == trace_id) {
                self.store(vec![row])?;
                written += 1;
            }
        }
        Ok(written)
    }

    /// Stores a checkpoint of the shard.
    ///
    /// # Errors
    /// When storage fails: then the shard is not what is stored, and must be loaded anew.
    pub fn checkpoint(&self, shard: &mut Shard, now: i64) -> Result<()> {
        let meta = shard.take_checkpoint(now, |page| {
            self.0.exec(
                "INSERT INTO pages (slot, number, lines) VALUES (?, ?, ?)
                 ON CONFLICT (slot) DO UPDATE SET number = excluded.number, lines = excluded.lines",
                vec![number(page.slot), number_of(page.number), page.lines.into()],
            )?;
            Ok::<(), Error>(())
        })?;
        let meta = serde_json::to_vec(&meta)?;
        self.0.exec(
            "INSERT INTO meta (id, value) VALUES (0, ?) ON CONFLICT (id) DO UPDATE SET value = excluded.value",
            vec![meta.into()],
        )?;
        Ok(())
    }

    /// Deletes all rows. `DELETE FROM slots` counts, and is billed, as a row written for each; a table dropped counts none, and
    /// one made two (`rowsWritten` of workerd's cursors, 1.20261117.1).
    ///
    /// # Errors
    /// When storage fails.
    pub fn delete_rows(&self) -> Result<()> {
        self.0.exec(&format!("DROP TABLE slots; {SLOTS}"), None)?;
        Ok(())
    }
}

/// A row of the table of traces that the first layout had.
fn earlier_trace(values: Values) -> TraceLine {
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
    TraceLine {
        earlier: 0,
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
        owes_repair: false,
        aside,
    }
}

fn owned_head(json: &[u8]) -> Result<RowHead<'static>> {
    Ok(RowHead::read(json)?.into_owned())
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
