//! The values of one environment, as a type of its own: what is written to a local file takes those of development
//! and nothing else, and what is told a deployment is told the values of its own environment.

use std::{fmt, marker::PhantomData};

use log_ingestion_worker::config::{Environment, SETTINGS};

use super::Row;
use crate::config::keys::Target;

/// An environment, as a type.
pub trait Side: Copy + 'static {
    /// Which one.
    const ENVIRONMENT: Environment;
}

/// The side of development.
#[derive(Clone, Copy, Debug)]
pub struct Development;

/// The side of production.
#[derive(Clone, Copy, Debug)]
pub struct Production;

impl Side for Development {
    const ENVIRONMENT: Environment = Environment::Development;
}

impl Side for Production {
    const ENVIRONMENT: Environment = Environment::Production;
}

/// A value of one side. Only a table makes one, from that side's column.
#[derive(Clone, PartialEq, Eq)]
pub struct Value<S> {
    text: String,
    side: PhantomData<S>,
}

impl<S: Side> Value<S> {
    /// The value.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// Its length, for people.
    pub fn length(&self) -> usize {
        self.text.chars().count()
    }
}

/// Without the value.
impl<S> fmt::Debug for Value<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[a value]")
    }
}

/// A key and what it is to be on one side.
#[derive(Clone, Debug)]
pub struct Entry<S> {
    /// Where it goes.
    pub targets: Vec<Target>,
    /// Its heading.
    pub group: String,
    /// Its name.
    pub key: String,
    /// Nothing means that it is not to be set.
    pub value: Option<Value<S>>,
}

/// Every key of a table with its values of one side, in order.
#[derive(Clone, Debug)]
pub struct Selection<S> {
    entries: Vec<Entry<S>>,
}

impl<S: Side> Selection<S> {
    pub(super) fn of(rows: Vec<Row>) -> Selection<S> {
        let entry = |row: Row| {
            let text = row.value(S::ENVIRONMENT).to_owned();
            let value = Some(text).filter(|text| !text.is_empty());
            let value = value.map(|text| Value { text, side: PhantomData });
            Entry { targets: row.targets, group: row.group, key: row.key, value }
        };
        Selection { entries: rows.into_iter().map(entry).collect() }
    }

    /// The keys of one target.
    pub fn of_target(&self, target: Target) -> impl Iterator<Item = &Entry<S>> {
        self.entries.iter().filter(move |entry| entry.targets.contains(&target))
    }

    /// Whether the table has a key for the target.
    pub fn names(&self, target: Target) -> bool {
        self.of_target(target).next().is_some()
    }
}

/// A var of the worker that its own configuration calls public: the one kind of value that may be of production and
/// stand in a file that is committed.
#[derive(Clone, Debug)]
pub struct PublicVar {
    /// Its name.
    pub key: &'static str,
    /// Its value; nothing means that it is not to be set.
    pub text: Option<String>,
}

impl<S: Side> Entry<S> {
    /// The entry as a public var; nothing for everything else.
    pub fn public_var(&self) -> Option<PublicVar> {
        let setting = SETTINGS.iter().find(|setting| setting.key == self.key && !setting.secret)?;
        Some(PublicVar { key: setting.key, text: self.value.as_ref().map(|value| value.text.clone()) })
    }
}
