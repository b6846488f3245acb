//! One run of the program: its own process group, its own folder, a limit.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use log_ingestion_worker::access::Secret;
use serde::de::DeserializeOwned;
use tempfile::TempDir;

use super::{
    record::Records,
    tools::Tools,
    trouble::{Kind, Trouble},
};
use crate::process::ProcessGroup;

/// How long wrangler may take to end by itself once it is told to.
const GRACE: Duration = Duration::from_secs(2);

/// Variables of the caller's that would change which worker is meant, or what is printed or logged.
const REMOVED: [&str; 8] = [
    "CLOUDFLARE_ENV",
    "WRANGLER_API_ENVIRONMENT",
    "WRANGLER_OUTPUT_FILE_DIRECTORY",
    "WRANGLER_LOG",
    // Set to false it would put secrets into wrangler's log.
    "WRANGLER_LOG_SANITIZE",
    "FORCE_COLOR",
    "WRANGLER_CI_OVERRIDE_NAME",
    "NODE_OPTIONS",
];

/// A call that can be run, and run again.
pub struct Call {
    pub arguments: Vec<String>,
    program: PathBuf,
    path: OsString,
    project: PathBuf,
    variables: Vec<(String, OsString)>,
    limit: Duration,
    /// Goes through a pipe: it is in no file, under whatever name.
    input: Option<Secret>,
}

/// A call that succeeded.
pub struct Finished {
    command: String,
    pub stdout: String,
    records: Records,
}

impl Call {
    pub fn new(
        tools: &Tools,
        project: &Path,
        arguments: &[&str],
        variables: &[(String, OsString)],
        limit: Duration,
    ) -> Call {
        Call {
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            program: tools.wrangler.clone(),
            path: tools.path.clone(),
            project: project.to_owned(),
            variables: variables.to_vec(),
            limit,
            input: None,
        }
    }

    pub fn limit(self, limit: Duration) -> Call {
        Call { limit, ..self }
    }

    /// Secrets that move with the version, as a JSON object. wrangler takes a file alone, and of lines of `NAME=value`
    /// it makes something else: a variable of that name in our environment wins, and `$` begins another's name.
    pub fn secrets(mut self, json: Option<&str>) -> Call {
        let Some(json) = json else { return self };
        self.arguments.extend(["--secrets-file", "/dev/stdin"].map(str::to_owned));
        self.input(json)
    }

    /// What it reads from standard input.
    pub fn input(self, text: &str) -> Call {
        Call { input: Secret::new(text.to_owned()), ..self }
    }

    /// Runs it to its end. Dropping the future kills its process group.
    ///
    /// # Errors
    /// [`Trouble`], also when it is not over within the limit; nothing of it runs any more then.
    pub async fn run(&self) -> Result<Finished, Trouble> {
        let folder = tempfile::Builder::new().prefix("ops-wrangler-").tempdir();
        let folder = folder.map_err(|cause| self.broken(&cause))?;
        let mut group = self.start(&folder).map_err(|cause| self.broken(&cause))?;
        let status = tokio::time::timeout(self.limit, group.wait()).await;
        if status.is_err() {
            group.stop(GRACE).await;
        }
        let text = |name: &str| plain(&fs::read(folder.path().join(name)).unwrap_or_default());
        let (stdout, stderr) = (text("stdout"), text("stderr"));
        let records = Records::parse(&text("records"));
        match status {
            Ok(status) if status.success() => Ok(Finished { command: self.shown(), stdout, records }),
            Ok(status) => Err(Trouble::of_call(self.shown(), status, &stdout, &stderr, &records)),
            Err(_) => Err(Trouble::timeout(self.shown(), self.limit, &stdout, &stderr)),
        }
    }

    fn start(&self, folder: &TempDir) -> io::Result<ProcessGroup> {
        let file = |name: &str| folder.path().join(name);
        let mut command = Command::new(&self.program);
        for name in REMOVED {
            command.env_remove(name);
        }
        command
            .current_dir(&self.project)
            .args(&self.arguments)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .env("PATH", &self.path)
            .env("CI", "true")
            .env("NO_COLOR", "1")
            .env("WRANGLER_SEND_METRICS", "false")
            .env("WRANGLER_HIDE_BANNER", "true")
            .env("WRANGLER_NO_SKILLS_UPDATE_PROMPTS", "true")
            .env("WRANGLER_OUTPUT_FILE_PATH", file("records"))
            .env("WRANGLER_LOG_PATH", file("logs"))
            .stdin(Stdio::null())
            .stdout(File::create(file("stdout"))?)
            .stderr(File::create(file("stderr"))?);
        if self.input.is_some() {
            command.stdin(Stdio::piped());
        }
        let mut group = ProcessGroup::spawn(&mut command)?;
        if let (Some(input), Some(mut pipe)) = (self.input.clone(), group.child_mut().stdin.take()) {
            // On a thread: who does not read it is not waited for.
            std::thread::spawn(move || {
                let _ = pipe.write_all(input.reveal().as_bytes());
            });
        }
        Ok(group)
    }

    /// The command without its options.
    fn shown(&self) -> String {
        format!(
            "wrangler {}",
            self.arguments
                .iter()
                .take_while(|word| !word.starts_with("--"))
                .cloned()
                .collect::<Vec<_>>()
                .join(" ")
        )
    }

    fn broken(&self, cause: &io::Error) -> Trouble {
        Trouble::new(Kind::Program, self.shown(), format!("it could not be run: {cause}"))
    }
}

impl Finished {
    /// What it printed, as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Trouble> {
        serde_json::from_str(&self.stdout)
            .map_err(|cause| self.silent(&format!("its answer is not as expected: {cause}")))
    }

    /// The entry of that type.
    pub fn record<T: DeserializeOwned>(&self, kind: &str) -> Option<T> {
        self.records.find(kind)
    }

    /// It succeeded without saying what must be known.
    pub fn silent(&self, why: &str) -> Trouble {
        Trouble::new(Kind::Other, self.command.clone(), why.to_owned())
    }
}

/// Text without escapes: colours are there whatever `NO_COLOR` says.
fn plain(bytes: &[u8]) -> String {
    console::strip_ansi_codes(&String::from_utf8_lossy(bytes)).into_owned()
}
