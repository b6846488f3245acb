//! What wrangler tells of deployments and versions. Fields nobody here needs are left out.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// What serves a worker.
#[derive(Clone, Debug, PartialEq)]
pub enum Live {
    /// There is no worker of this name, or it has never been deployed.
    Absent,
    /// The current deployment.
    Deployed(Deployment),
}

/// Which versions serve, since when, and by whom.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Deployment {
    /// A UUID.
    pub id: String,
    /// RFC 3339.
    pub created_on: String,
    /// Who deployed.
    #[serde(default)]
    pub author_email: String,
    /// `workers/message`, `workers/triggered_by`.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// One or two versions.
    pub versions: Vec<Share>,
}

/// A version's share of the requests.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Share {
    /// A UUID.
    pub version_id: String,
    /// 0 to 100.
    pub percentage: f64,
}

impl Deployment {
    /// The version that gets every request; nothing while traffic is split.
    pub fn sole(&self) -> Option<&str> {
        let mut serving = self.versions.iter().filter(|share| share.percentage > 0.0);
        match (serving.next(), serving.next()) {
            (Some(share), None) => Some(&share.version_id),
            _ => None,
        }
    }

    /// What its deployer said of it.
    pub fn message(&self) -> Option<&str> {
        self.annotations.get("workers/message").map(String::as_str)
    }

    /// Whether a version has a place in it, at 0 % too.
    pub fn names(&self, version: &str) -> bool {
        self.versions.iter().any(|share| share.version_id == version)
    }

    /// The share of a version, in percent.
    pub fn share(&self, version: &str) -> f64 {
        self.versions.iter().filter(|share| share.version_id == version).map(|share| share.percentage).sum()
    }

    /// For people: `90 % of 6b1f…, 10 % of 07ac…`.
    pub fn shares(&self) -> String {
        let shares = self.versions.iter().map(|share| format!("{} % {}", share.percentage, share.version_id));
        shares.collect::<Vec<_>>().join(", ")
    }
}

/// A version. Lists leave `resources` out.
#[derive(Clone, Debug, Deserialize)]
pub struct Version {
    /// A UUID.
    pub id: String,
    /// Counts up with each upload.
    #[serde(default)]
    pub number: u64,
    /// When and by whom.
    pub metadata: Metadata,
    /// `workers/tag`, `workers/message`, `workers/triggered_by`.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// What it was uploaded with.
    #[serde(default)]
    pub resources: Resources,
}

impl Version {
    /// What its deployer called it; a version made by a secret's edit has none.
    pub fn tag(&self) -> Option<&str> {
        self.annotations.get("workers/tag").map(String::as_str)
    }

    /// What its deployer said of it.
    pub fn message(&self) -> Option<&str> {
        self.annotations.get("workers/message").map(String::as_str)
    }

    /// What made it: `upload`, `version_upload`, `secret`, …
    pub fn triggered_by(&self) -> Option<&str> {
        self.annotations.get("workers/triggered_by").map(String::as_str)
    }

    /// The names of its secrets.
    pub fn secrets(&self) -> BTreeSet<String> {
        self.of_kind("secret_text").map(|binding| binding.name.clone()).collect()
    }

    /// Its vars.
    pub fn vars(&self) -> BTreeMap<String, String> {
        let pair = |binding: &Binding| (binding.name.clone(), binding.text.clone().unwrap_or_default());
        self.of_kind("plain_text").map(pair).collect()
    }

    fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Binding> {
        self.resources.bindings.iter().filter(move |binding| binding.kind == kind)
    }

    /// The last Durable Object migration that was applied when it was uploaded.
    pub fn migration_tag(&self) -> Option<&str> {
        self.resources.script_runtime.migration_tag.as_deref()
    }
}

/// When and by whom a version was made.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Metadata {
    /// RFC 3339.
    #[serde(default)]
    pub created_on: String,
    /// Who uploaded.
    #[serde(default)]
    pub author_email: String,
    /// With what: `wrangler`, `dash`, `api`.
    #[serde(default)]
    pub source: String,
}

/// What a version was uploaded with.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Resources {
    /// Its vars, secrets (without their values) and objects.
    #[serde(default)]
    pub bindings: Vec<Binding>,
    /// What its code runs under.
    #[serde(default)]
    pub script_runtime: Runtime,
}

/// One binding.
#[derive(Clone, Debug, Deserialize)]
pub struct Binding {
    /// Its name in the worker.
    pub name: String,
    /// `plain_text`, `secret_text`, `durable_object_namespace`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// The value of a `plain_text`.
    #[serde(default)]
    pub text: Option<String>,
    /// The class of a `durable_object_namespace`.
    #[serde(default)]
    pub class_name: Option<String>,
}

/// What a version's code runs under.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Runtime {
    /// See [`Version::migration_tag`].
    #[serde(default)]
    pub migration_tag: Option<String>,
    /// `2026-11-01`
    #[serde(default)]
    pub compatibility_date: Option<String>,
}

/// A secret's name.
#[derive(Clone, Debug, Deserialize)]
pub struct Secret {
    /// The name; its value is never told.
    pub name: String,
}

/// What an upload or a deploy made.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Uploaded {
    /// The version.
    pub version_id: String,
    /// Where it answers, for people: `https://NAME.SUB.workers.dev`, `app.example.com/* (zone name: example.com)`.
    #[serde(default)]
    pub targets: Vec<String>,
}

/// Who a token belongs to.
#[derive(Clone, Debug, Deserialize)]
pub struct Identity {
    /// The person's address; nothing for some tokens.
    #[serde(default)]
    pub email: Option<String>,
    /// The accounts it sees.
    #[serde(default)]
    pub accounts: Vec<Account>,
}

/// An account.
#[derive(Clone, Debug, Deserialize)]
pub struct Account {
    /// 32 hexadecimal digits.
    pub id: String,
    /// For people.
    pub name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(shares: &[(&str, f64)]) -> Deployment {
        let versions = shares.iter().map(|&(id, percentage)| Share { version_id: id.into(), percentage });
        Deployment {
            id: "d".into(),
            created_on: "2026-01-01T00:00:00Z".into(),
            author_email: String::new(),
            annotations: BTreeMap::new(),
            versions: versions.collect(),
        }
    }

    #[test]
    fn a_version_at_0_percent_is_there_and_serves_nothing() {
        let tried = deployment(&[("new", 0.0), ("old", 100.0)]);
        assert_eq!((tried.sole(), tried.names("new"), tried.share("new")), (Some("old"), true, 0.0));
        let split = deployment(&[("new", 10.0), ("old", 90.0)]);
        assert_eq!((split.sole(), split.shares().as_str()), (None, "10 % new, 90 % old"));
    }
}
