//! What is to be verified, and how deeply.

use std::{env, time::Duration};

use log_ingestion_worker::{access::Secret, config::Environment};
use reqwest::Url;

use crate::run::globals::CorrelationId;

/// How long an expected version may take to serve everywhere, unless told otherwise.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// How much is looked at. Each includes the one before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// What the worker says of itself.
    Health,
    /// Everything that can be seen without writing.
    ReadOnly,
    /// Seven logs are posted, read back, and removed.
    #[default]
    Normal,
    /// A trace's quota is used up, on a trace of its own.
    Deep,
}

/// The tokens a deployment in production asks for. None of them is ever shown.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    /// `OPS_INGEST_TOKEN`: posts.
    pub ingest: Option<Secret>,
    /// `OPS_READ_TOKEN`: reads.
    pub read: Option<Secret>,
    /// `OPS_ADMIN_TOKEN`: reads, clears, drains and resets.
    pub admin: Option<Secret>,
}

impl Tokens {
    /// From the process's environment. They are no arguments: those can be seen by others.
    pub fn from_environment() -> Tokens {
        let token = |name: &str| Secret::new(env::var(name).unwrap_or_default().trim().to_owned());
        Tokens {
            ingest: token("OPS_INGEST_TOKEN"),
            read: token("OPS_READ_TOKEN"),
            admin: token("OPS_ADMIN_TOKEN"),
        }
    }
}

/// What is to be verified.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where the worker answers.
    pub url: Url,
    /// What the worker must say it is.
    pub environment: Option<Environment>,
    /// The version that must serve, everywhere; it is waited for.
    pub version: Option<String>,
    /// A worker's name and a version id: requests ask for that version, whatever its share of the traffic
    /// (`Cloudflare-Workers-Version-Overrides`). Durable Objects run the version that has the traffic, and are not
    /// looked at.
    pub override_version: Option<(String, String)>,
    /// How much is looked at.
    pub depth: Depth,
    /// Whether [`Depth::Deep`] may spend the quota of a deployment in production.
    pub may_spend: bool,
    /// What opens a deployment in production.
    pub tokens: Tokens,
    /// Sent with every request, and the trace id of the test logs.
    pub correlation_id: CorrelationId,
    /// The origin of a page that must be able to read answers.
    pub origin: Option<String>,
    /// How long [`Plan::version`] may take to serve.
    pub patience: Duration,
}

impl Plan {
    /// The usual depth, without an expectation, with the tokens of the process's environment.
    pub fn new(url: Url, correlation_id: CorrelationId) -> Plan {
        Plan {
            url,
            environment: None,
            version: None,
            override_version: None,
            depth: Depth::Normal,
            may_spend: false,
            tokens: Tokens::from_environment(),
            correlation_id,
            origin: None,
            patience: PATIENCE,
        }
    }
}
