//! The options of `ops deploy`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

use crate::wrangler::CALL_LIMIT;

/// The options of `ops deploy`.
#[derive(Args, Clone, Debug)]
pub struct DeployArgs {
    /// Deploy a working tree that differs from its commit.
    #[arg(long)]
    pub allow_dirty: bool,
    /// Go on in spite of this (may be given more than once).
    #[arg(long, value_name = "WHAT")]
    pub allow: Vec<Excuse>,
    /// Secrets that move with the version: a file with a JSON object of names and texts, or with lines of NAME=value.
    #[arg(long, value_name = "FILE")]
    pub secrets_file: Option<PathBuf>,
    /// How long wrangler may take to answer one question; three times that to change something.
    #[arg(long, value_name = "DURATION", default_value_t = CALL_LIMIT.into(), value_parser = limit)]
    pub wrangler_timeout: humantime::Duration,
}

/// What may stand in the way and be let pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Excuse {
    /// What serves now fails checks: those may go on failing.
    Unhealthy,
    /// Somebody uploaded a version that was never deployed.
    NewerVersion,
    /// The live version was edited in the dashboard.
    Drift,
}

impl DeployArgs {
    /// Whether nothing was given.
    pub fn is_default(&self) -> bool {
        !self.allow_dirty && self.allow.is_empty() && self.secrets_file.is_none()
    }

    /// Whether this may be let pass.
    pub fn excuses(&self, what: Excuse) -> bool {
        self.allow.contains(&what)
    }
}

fn limit(text: &str) -> Result<humantime::Duration, String> {
    let limit: humantime::Duration =
        text.parse().map_err(|cause: humantime::DurationError| cause.to_string())?;
    if *limit < Duration::from_secs(1) {
        return Err("it must be at least 1s".into());
    }
    Ok(limit)
}
