//! `wrangler dev` as a child: quiet while it works, quoted when it fails.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::{state::State, vars};
use crate::{
    exit::Failure,
    process::{ProcessGroup, is_program},
    upstash::Server,
};

/// Longest time wrangler and workerd may take to end by themselves.
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// How often the worker is asked whether it answers.
const POLL: Duration = Duration::from_millis(100);
/// How much of what wrangler printed is quoted when it failed.
const QUOTED_LINES: usize = 25;

pub struct Wrangler {
    group: ProcessGroup,
    url: String,
    output: Arc<Output>,
    log: PathBuf,
}

impl Wrangler {
    /// Starts it. The worker gets the local Redis's address and its token, which stand above what a `.dev.vars` says and
    /// leave that file alone; no argument shows the token.
    pub fn start(
        project: &Path,
        port: u16,
        redis: &Server,
        state: &State,
        verbose: bool,
    ) -> Result<Wrangler, Failure> {
        let hint = "run scripts/setup (it runs npm ci)";
        let tools = project.join("node_modules/.bin");
        let program = tools.join("wrangler");
        if !is_program(&program) {
            return Err(Failure::new("wrangler is missing: node_modules/.bin/wrangler", hint));
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(tools).chain(std::env::split_paths(&path)));
        let path =
            path.map_err(|cause| Failure::new(format!("PATH cannot be extended: {cause}"), "mend PATH"))?;
        let started = |cause| Failure::new(format!("wrangler could not be started: {cause}"), hint);
        let ours = [("UPSTASH_REDIS_REST_URL", &*redis.url()), ("UPSTASH_REDIS_REST_TOKEN", redis.token())];
        let vars = vars::write(project, &state.vars(), ours).map_err(|cause| {
            let hint = "see that .dev.vars is text in UTF-8, and that .wrangler/ops-dev can be written";
            Failure::new(format!("the worker's vars cannot be handed over: {cause}"), hint)
        })?;
        let mut command = Command::new(&program);
        command
            .current_dir(project)
            .args(["dev", "--ip", "127.0.0.1", "--port", &port.to_string(), "--persist-to"])
            .arg(state.wrangler_folder())
            // Left to itself it looks for a free port and takes it later: two that start at once choose the same one.
            .args(["--inspector-port", "0"])
            .args(vars.iter().flat_map(|file| [OsStr::new("--env-file"), file.as_os_str()]))
            .arg("--show-interactive-dev-session=false")
            .env("PATH", path)
            .env("WRANGLER_SEND_METRICS", "false")
            .env("WRANGLER_HIDE_BANNER", "true")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let log = state.wrangler_log();
        let file = File::create(&log).map_err(started)?;
        let mut group = ProcessGroup::spawn(&mut command).map_err(started)?;
        let output = Arc::new(Output { file: Mutex::new(file), loud: AtomicBool::new(verbose), verbose });
        let child = group.child_mut();
        for pipe in [child.stdout.take().map(boxed), child.stderr.take().map(boxed)].into_iter().flatten() {
            let output = output.clone();
            std::thread::spawn(move || output.copy(pipe));
        }
        Ok(Wrangler { group, url: format!("http://127.0.0.1:{}", port), output, log })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Waits until the worker answers `/health` with what it is: 200, or 503 when a component is not well.
    pub async fn ready(&mut self, limit: Duration) -> Result<(), Failure> {
        let client = reqwest::Client::builder().timeout(Duration::from_secs(10)).build();
        let client =
            client.map_err(|cause| Failure::new(format!("no HTTP client: {cause}"), "report this"))?;
        let health = format!("{}/health", self.url);
        let deadline = Instant::now() + limit;
        loop {
            if let Some(failure) = self.failed_to_start().await {
                return Err(failure);
            }
            if let Ok(response) = client.get(&health).send().await
                && matches!(response.status().as_u16(), 200 | 503)
            {
                self.output.loud.store(true, Ordering::Relaxed);
                return Ok(());
            }
            if Instant::now() > deadline {
                let message =
                    format!("the worker did not answer {health} within {} minutes", limit.as_secs() / 60);
                return Err(Failure::new(message, self.read_log()).detail(self.quote()));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Waits until wrangler ends by itself, which it should not.
    pub async fn ended(&mut self) -> Failure {
        let status = self.group.wait().await;
        Failure::new(format!("wrangler dev ended by itself ({status})"), self.read_log()).detail(self.quote())
    }

    pub async fn stop(mut self) {
        self.group.stop(STOP_LIMIT).await;
    }

    /// With an error wrangler may end, or wait for a change of the sources; we end in both cases, with the reason.
    async fn failed_to_start(&mut self) -> Option<Failure> {
        let ended = self.group.try_wait();
        if ended.is_none() && !self.output_so_far().contains("[ERROR]") {
            return None;
        }
        // The lines that explain it are on their way.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let how = ended.map_or("it reports an error".into(), |status| status.to_string());
        Some(
            Failure::new(format!("wrangler dev did not start ({how})"), self.read_log()).detail(self.quote()),
        )
    }

    fn output_so_far(&self) -> String {
        fs::read(&self.log).map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default()
    }

    fn quote(&self) -> String {
        if self.output.verbose {
            return String::new();
        }
        let text = self.output_so_far();
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        lines.get(lines.len().saturating_sub(QUOTED_LINES)..).unwrap_or_default().join("\n")
    }

    fn read_log(&self) -> String {
        format!("read {}, or start with --verbose", self.log.display())
    }
}

/// Where wrangler's output goes: all of it to a file, and to stderr what a person should see.
struct Output {
    file: Mutex<File>,
    /// Before the worker answers errors are only kept: a failure quotes them once.
    loud: AtomicBool,
    verbose: bool,
}

impl Output {
    fn copy(&self, pipe: Box<dyn Read + Send>) {
        let mut in_error = false;
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            let line = without_colour(&String::from_utf8_lossy(&line));
            {
                let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
                let _ = writeln!(file, "{line}");
            }
            // An error goes from its mark to the next empty line.
            in_error = line.contains("[ERROR]") || in_error && !line.trim().is_empty();
            if self.verbose || in_error && self.loud.load(Ordering::Relaxed) {
                eprintln!("{line}");
            }
        }
    }
}

fn boxed(pipe: impl Read + Send + 'static) -> Box<dyn Read + Send> {
    Box::new(pipe)
}

/// wrangler colours its errors whatever it is told.
fn without_colour(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            // `ESC [ … letter`
            characters.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(character);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::without_colour;

    #[test]
    fn colours_are_taken_out() {
        assert_eq!(without_colour("\u{1b}[31m✘ \u{1b}[41;31m[\u{1b}[0mERROR] no"), "✘ [ERROR] no");
    }
}
