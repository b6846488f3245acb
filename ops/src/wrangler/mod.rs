//! The wrangler CLI as a library: typed calls, each with a limit, and failures a program can act on.
//!
//! What wrangler was seen to do, and what follows for whoever calls it:
//!
//! - **Its exit status says nothing about the deployment.** Exit 1 may mean deployed (a later step failed, an answer was
//!   lost), exit 0 may mean nothing serves it. After [`Wrangler::deploy`] and [`Wrangler::deploy_versions`], failed or
//!   not, ask [`Wrangler::live`].
//! - It never gives up by itself (300 s for a server that does not answer), and its child goes on when it is killed: a
//!   call here has a limit, and its whole process group ends with it, with a dropped future, or with us.
//! - An upload is repeated by wrangler when its answer is lost: a version more than expected is no error.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`tools`] | wrangler and Node: found, and new enough |
//! | `call` | one run of the program |
//! | `record` | what it writes for programs |
//! | [`types`] | deployments and versions |
//! | [`trouble`] | why a call failed |

mod call;
mod record;
pub mod tools;
pub mod trouble;
pub mod types;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use log_ingestion_worker::config::Environment;
use serde::de::DeserializeOwned;

use call::{Call, Finished};
use tools::Tools;
use trouble::{Kind, Trouble};
use types::{Deployment, Live, Secret, Uploaded, Version};

/// Longest time a question may take. A call that changes something may take three times as long: wrangler
/// asks several questions for it, and sends an upload up to three times.
pub const CALL_LIMIT: Duration = Duration::from_secs(40);
/// See [`CALL_LIMIT`].
const CHANGE_FACTOR: u32 = 3;
/// Longest time a build may take: the first one compiles tools.
pub const BUILD_LIMIT: Duration = Duration::from_secs(30 * 60);
/// How often a read is tried in all.
const READS: u32 = 3;
/// Longest wait between two reads, whatever `Retry-After` asks for.
const MAX_WAIT: Duration = Duration::from_secs(20);

/// wrangler in one project, for one environment.
#[derive(Clone, Debug)]
pub struct Wrangler {
    tools: Tools,
    project: PathBuf,
    /// `--env NAME`, or `--env=` for the top level.
    environment: Vec<String>,
    limit: Duration,
    variables: Vec<(String, OsString)>,
}

/// When the code of running Durable Objects is replaced: at once. wrangler's default would leave active objects on
/// the old code for up to five minutes.
const IMMEDIATE: [&str; 2] = ["--durable-objects-code-update-mode", "immediate"];

impl Wrangler {
    /// wrangler for this environment; a question is given up after `limit` (see [`CALL_LIMIT`]).
    pub fn new(tools: Tools, project: &Path, environment: Environment, limit: Duration) -> Wrangler {
        // Development is the top level of wrangler.toml, which must be asked for by name as well.
        let environment = match environment {
            Environment::Development => vec!["--env=".to_owned()],
            Environment::Production => vec!["--env".to_owned(), environment.as_str().to_owned()],
        };
        Wrangler { tools, project: project.to_owned(), environment, limit, variables: Vec::new() }
    }

    /// Sets a variable of the environment for every call.
    pub fn variable(mut self, name: &str, value: impl Into<OsString>) -> Wrangler {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// The command as a person would type it.
    pub fn shown(&self, arguments: &[&str]) -> String {
        let environment = self.environment.iter().map(String::as_str);
        let words = ["npx", "wrangler"].into_iter().chain(arguments.iter().copied()).chain(environment);
        words.map(quoted).collect::<Vec<_>>().join(" ")
    }

    /// Who the token belongs to, and which accounts it sees.
    ///
    /// # Errors
    /// [`Trouble`]; that the token may deploy shows only when it does.
    pub async fn whoami(&self) -> Result<types::Identity, Trouble> {
        // The one command that knows no environment.
        self.read_json(self.bare(&["whoami", "--json"])).await
    }

    /// What is live.
    ///
    /// # Errors
    /// [`Trouble`]. A worker that does not exist is none: [`Live::Absent`].
    pub async fn live(&self) -> Result<Live, Trouble> {
        match self.read_json::<Deployment>(self.call(&["deployments", "status", "--json"])).await {
            Ok(deployment) => Ok(Live::Deployed(deployment)),
            Err(trouble) if trouble.kind == Kind::NotFound => Ok(Live::Absent),
            Err(trouble) => Err(trouble),
        }
    }

    /// The latest deployments (at most ten), the oldest first.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn deployments(&self) -> Result<Vec<Deployment>, Trouble> {
        self.read_json(self.call(&["deployments", "list", "--json"])).await
    }

    /// The latest versions (at most ten), the oldest first.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn versions(&self) -> Result<Vec<Version>, Trouble> {
        self.read_json(self.call(&["versions", "list", "--json"])).await
    }

    /// One version, with its bindings and its migration tag.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn version(&self, id: &str) -> Result<Version, Trouble> {
        self.read_json(self.call(&["versions", "view", id, "--json"])).await
    }

    /// The names of the live secrets.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn secrets(&self) -> Result<Vec<Secret>, Trouble> {
        self.read_json(self.call(&["secret", "list"])).await
    }

    /// Builds and checks the configuration without asking the API anything.
    ///
    /// # Errors
    /// [`Kind::Build`] when it does not build.
    pub async fn build(&self) -> Result<(), Trouble> {
        let call = self.call(&["deploy", "--dry-run"]).limit(BUILD_LIMIT);
        call.run().await.map(drop).map_err(|trouble| match trouble.kind {
            Kind::Timeout | Kind::Program => trouble,
            _ => trouble.of_kind(Kind::Build),
        })
    }

    /// Uploads a version without deploying it. Secrets (a JSON object) become part of it.
    ///
    /// # Errors
    /// [`Trouble`]; versions may have been uploaded all the same. None is deployed.
    pub async fn upload(&self, tag: &str, message: &str, secrets: Option<&str>) -> Result<Uploaded, Trouble> {
        let call = self.change(&["versions", "upload", "--tag", tag, "--message", message]);
        let finished = call.secrets(secrets).run().await?;
        finished.record("version-upload").ok_or_else(|| finished.silent("no version-upload entry"))
    }

    /// Deploys versions, at most two, at these percentages; Durable Objects take the new code at once.
    ///
    /// # Errors
    /// [`Trouble`]; it may be live all the same.
    pub async fn deploy_versions(&self, shares: &[(&str, u8)], message: &str) -> Result<(), Trouble> {
        let shares: Vec<String> = shares.iter().map(|(id, share)| format!("{id}@{share}%")).collect();
        let mut arguments = vec!["versions", "deploy"];
        arguments.extend(shares.iter().map(String::as_str));
        arguments.extend(["-y", "--message", message].iter().chain(&IMMEDIATE));
        self.change(&arguments).run().await.map(drop)
    }

    /// Goes back to a version even when secrets changed since (they go back with it): the one way past code 10220.
    ///
    /// # Errors
    /// [`Trouble`]; it may be live all the same.
    pub async fn roll_back(&self, id: &str, message: &str) -> Result<(), Trouble> {
        let arguments = ["rollback", id, "--message", message, IMMEDIATE[0], IMMEDIATE[1]];
        self.change(&arguments).run().await.map(drop)
    }

    /// Uploads and deploys in one step, triggers included: the way of a first deploy and of a migration.
    ///
    /// # Errors
    /// [`Trouble`]; it may be live all the same.
    pub async fn deploy(&self, tag: &str, message: &str, secrets: Option<&str>) -> Result<Uploaded, Trouble> {
        let arguments = ["deploy", "--tag", tag, "--message", message, IMMEDIATE[0], IMMEDIATE[1]];
        let finished = self.change(&arguments).secrets(secrets).run().await?;
        finished.record("deploy").ok_or_else(|| finished.silent("no deploy entry"))
    }

    /// Applies routes, custom domains and cron triggers, which `versions deploy` leaves as they are.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn triggers(&self) -> Result<(), Trouble> {
        self.change(&["triggers", "deploy"]).run().await.map(drop)
    }

    /// Sets one secret: a new version of the latest code, deployed at once. The value goes through standard input.
    ///
    /// # Errors
    /// [`Trouble`]; on a worker that does not exist it would make one, so ask [`Wrangler::live`] first.
    pub async fn put_secret(&self, name: &str, value: &str) -> Result<(), Trouble> {
        self.change(&["secret", "put", name]).input(value).run().await.map(drop)
    }

    /// Sets several secrets with one version: a JSON object of names and texts.
    ///
    /// # Errors
    /// As [`Wrangler::put_secret`].
    pub async fn put_secrets(&self, json: &str) -> Result<(), Trouble> {
        self.change(&["secret", "bulk"]).input(json).run().await.map(drop)
    }

    fn call(&self, arguments: &[&str]) -> Call {
        let mut call = self.bare(arguments);
        call.arguments.extend(self.environment.clone());
        call
    }

    fn bare(&self, arguments: &[&str]) -> Call {
        Call::new(&self.tools, &self.project, arguments, &self.variables, self.limit)
    }

    fn change(&self, arguments: &[&str]) -> Call {
        self.call(arguments).limit(self.limit * CHANGE_FACTOR)
    }

    /// Reads change nothing: what may pass is tried again.
    async fn read_json<T: DeserializeOwned>(&self, call: Call) -> Result<T, Trouble> {
        let mut tried = 1;
        loop {
            let outcome = call.run().await.and_then(|finished: Finished| finished.json());
            match outcome {
                Err(trouble) if trouble.may_pass() && tried < READS => {
                    let wait = trouble.retry_after.unwrap_or(Duration::from_secs(1) * tried);
                    tokio::time::sleep(wait.min(MAX_WAIT)).await;
                    tried += 1;
                }
                outcome => return outcome,
            }
        }
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=@%./:".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_command_can_be_pasted() {
        assert_eq!(quoted("--env=production"), "--env=production");
        assert_eq!(quoted("it's here"), r"'it'\''s here'");
        assert_eq!(quoted(""), "''");
    }
}
