//! Which keys there are: those of the worker from its own declaration ([`SETTINGS`]), those of its clients from the
//! contract with them, and every other key by its name.

use log_ingestion_worker::{
    config::{Kind, SETTINGS},
    redaction,
};

/// Where a key goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Target {
    /// The web app: `.env.local`.
    #[value(name = "nextjs")]
    NextJs,
    /// The Convex functions: `.env.local`, and the variables of a deployment.
    Convex,
    /// The log worker: `.dev.vars`, its secrets, and the vars in wrangler.toml.
    #[value(alias = "log_worker")]
    Worker,
    /// The secrets of GitHub Actions, in the environment of the same name.
    #[value(name = "github")]
    GitHub,
}

impl Target {
    /// All of them, in the order in which they are served.
    pub const ALL: [Target; 4] = [Target::NextJs, Target::Convex, Target::Worker, Target::GitHub];

    /// The target of that name in the table, in any case.
    pub fn named(word: &str) -> Option<Target> {
        Some(match word.to_ascii_uppercase().as_str() {
            "NEXTJS" => Target::NextJs,
            "CONVEX" => Target::Convex,
            "LOG_WORKER" | "WORKER" => Target::Worker,
            "GITHUB" => Target::GitHub,
            _ => return None,
        })
    }

    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Target::NextJs => "NEXTJS",
            Target::Convex => "CONVEX",
            Target::Worker => "LOG_WORKER",
            Target::GitHub => "GITHUB",
        }
    }
}

/// What is known of a key at a target.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// Its name.
    pub key: &'static str,
    /// What its value must look like.
    pub kind: Kind,
    /// Whether the target does not work without it. What wrangler.toml brings is not asked of the table.
    pub required: bool,
    /// Whether it is a secret.
    pub secret: bool,
    /// What it does.
    pub doc: &'static str,
}

const fn known(key: &'static str, kind: Kind, required: bool, secret: bool, doc: &'static str) -> Known {
    Known { key, kind, required, secret, doc }
}

const NEXTJS: &[Known] = &[
    known(
        "NEXT_PUBLIC_CONVEX_URL",
        Kind::Url,
        true,
        false,
        "the Convex deployment that the browser talks to",
    ),
    known("NEXT_PUBLIC_LOG_WORKER_URL", Kind::Url, true, false, "where the browser posts its logs"),
];

const CONVEX: &[Known] = &[
    known("LOG_WORKER_URL", Kind::Url, true, false, "where functions post their logs"),
    known("LOG_INGEST_TOKEN", Kind::Token, false, true, "what they send along, when the worker asks for it"),
    known("LOG_READ_TOKEN", Kind::Token, false, true, "with which they read logs in production"),
    known("LOG_ADMIN_TOKEN", Kind::Token, false, true, "with which they clear logs in production"),
    known("UPSTASH_REDIS_REST_URL", Kind::Url, false, true, "the Redis that holds the traces"),
    known("UPSTASH_REDIS_REST_TOKEN", Kind::Text, false, true, "its token"),
];

const GITHUB: &[Known] = &[
    known("CLOUDFLARE_API_TOKEN", Kind::Text, true, true, "with which workflows deploy the worker"),
    known("CLOUDFLARE_ACCOUNT_ID", Kind::Text, true, false, "the account it is deployed to"),
    known("CONVEX_DEPLOY_KEY", Kind::Text, false, true, "with which workflows deploy Convex"),
];

/// Every key a target is known to read.
pub fn of_target(target: Target) -> Vec<Known> {
    match target {
        Target::NextJs => NEXTJS.to_vec(),
        Target::Convex => CONVEX.to_vec(),
        Target::GitHub => GITHUB.to_vec(),
        Target::Worker => {
            let own = |setting: &log_ingestion_worker::config::Setting| Known {
                key: setting.key,
                kind: setting.kind,
                required: setting.required && setting.secret,
                secret: setting.secret,
                doc: setting.doc,
            };
            SETTINGS.iter().map(own).collect()
        }
    }
}

/// What is known of a key at a target.
pub fn find(target: Target, key: &str) -> Option<Known> {
    of_target(target).into_iter().find(|known| known.key == key)
}

/// Whether a browser gets to see it.
pub fn is_public(key: &str) -> bool {
    key.starts_with("NEXT_PUBLIC_")
}

/// Words in a name that make its value a secret.
const SECRET_WORDS: [&str; 8] =
    ["SECRET", "TOKEN", "PASSWORD", "PASSWD", "PASSPHRASE", "PRIVATE", "CREDENTIAL", "APIKEY"];

/// Whether the name says that the value is a secret.
pub fn sounds_secret(key: &str) -> bool {
    let upper = key.to_ascii_uppercase();
    SECRET_WORDS.iter().any(|word| upper.contains(word)) || upper.ends_with("_KEY") || upper == "KEY"
}

/// Whether the value must not be shown: by what is known of the key, by its name, or by how the value looks.
pub fn is_secret(targets: &[Target], key: &str, value: &str) -> bool {
    let mut known = targets.iter().filter_map(|&target| find(target, key)).peekable();
    if known.peek().is_some() {
        return known.any(|known| known.secret);
    }
    if is_public(key) {
        return false;
    }
    sounds_secret(key) || !redaction::find(&format!("{key}={value}")).is_empty()
}

/// Largest TCP port.
const MAX_PORT: u64 = 65_535;

/// What a key's value must look like when nobody declared it: by its name.
pub fn kind_by_name(key: &str) -> Option<Kind> {
    let upper = key.to_ascii_uppercase();
    if upper.ends_with("_URL") || upper.ends_with("_URI") {
        Some(Kind::Url)
    } else if upper.ends_with("_ORIGINS") {
        Some(Kind::Origins)
    } else if upper.ends_with("_PORT") {
        Some(Kind::Integer { min: 1, max: MAX_PORT })
    } else {
        None
    }
}
