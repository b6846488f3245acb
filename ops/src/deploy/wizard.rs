//! `ops deploy` on a terminal, when nothing was given: from the tools to production, one question at a time.
//!
//! It changes nothing itself. Each deployment is an `ops deploy --env …` of its own, with its journal, its proof and its
//! way back; Ctrl-C ends the one that is going on in a known state, and then this.

use std::{env, io::Write, process::Stdio};

use log_ingestion_worker::config::{Environment, SETTINGS, missing_secrets};
use reqwest::Url;
use serde_json::{Map, Value};
use tempfile::NamedTempFile;
use tokio::process::Command;

use super::{git::Commit, options::DeployArgs};
use crate::{
    dev,
    exit::{Exit, Failure},
    project::Project,
    run::{Run, ask::is_yes, printer::Mark},
    secrets::value,
    signals::Stop,
    verify::Target,
    wrangler::{
        CALL_LIMIT, Wrangler,
        tools::Tools,
        trouble::Kind,
        types::{Identity, Live, Secret},
    },
};

/// Whether there is somebody to guide: nothing was given, and a terminal is there.
pub fn is_wanted(run: &Run, args: &DeployArgs) -> bool {
    let nothing = run.globals().given().iter().all(|flag| *flag == "--verbose");
    nothing && args.is_default() && run.can_ask()
}

/// Leads through both environments.
///
/// # Errors
/// What is in the way, with what to do about it; what was deployed until then stays, proven.
pub async fn run(run: &Run) -> Result<Exit, Failure> {
    let project = Project::find()?;
    let mut guide = Guide { run, project, stop: Stop::watch()?, allow_dirty: false };
    guide.tools().await?;
    let tools = Tools::find(guide.project.root())?;
    guide.login(&tools).await?;
    guide.commit().await?;
    let mut exit = Exit::Done;
    for environment in [Environment::Development, Environment::Production] {
        let name = environment.as_str();
        if !guide.agrees(&format!("Deploy to {name}? [y/N]")).await? {
            run.printer().say(&format!("Nothing was deployed to {name}."));
            break;
        }
        match guide.deploy(&tools, environment).await? {
            Exit::Done => {}
            Exit::Warnings => exit = Exit::Warnings,
            other => return Ok(other),
        }
    }
    guide.addresses();
    Ok(exit)
}

struct Guide<'a> {
    run: &'a Run,
    project: Project,
    stop: Stop,
    allow_dirty: bool,
}

impl Guide<'_> {
    fn heading(&self, text: &str) {
        self.run.printer().say(&format!("\n{text}"));
    }

    async fn tools(&mut self) -> Result<(), Failure> {
        self.heading("Tools");
        dev::script(self.project.root(), "setup").await
    }

    /// Somebody is logged in: by a token in the environment, or by wrangler.
    async fn login(&mut self, tools: &Tools) -> Result<(), Failure> {
        self.heading("Cloudflare");
        let wrangler = self.wrangler(tools, Environment::Development);
        let identity = match wrangler.whoami().await {
            Ok(identity) => identity,
            Err(trouble) if matches!(trouble.kind, Kind::NoToken | Kind::BadToken) && !has_token() => {
                let question = "Nobody is logged in. Log in with a browser now? [y/N]";
                if !self.agrees(question).await? {
                    return Err(trouble.failure());
                }
                let mut login = Command::new(&tools.wrangler);
                login.arg("login").current_dir(self.project.root()).env("PATH", &tools.path);
                self.child(login).await?;
                wrangler.whoami().await.map_err(|trouble| trouble.failure())?
            }
            Err(trouble) => return Err(trouble.failure()),
        };
        self.run.printer().say(&format!("  {} {}", Mark::Good.word(), described(&identity)));
        Ok(())
    }

    /// What is deployed is a commit.
    async fn commit(&mut self) -> Result<(), Failure> {
        self.heading("Code");
        let commit = Commit::of(self.project.root()).await;
        let said = match &commit {
            Some(commit) => format!("{}: {}", commit.tag, commit.subject),
            None => "a folder without a commit".to_owned(),
        };
        self.run.printer().say(&format!("  {} {said}", Mark::Good.word()));
        if commit.is_some_and(|commit| commit.changed.is_empty()) {
            return Ok(());
        }
        self.allow_dirty =
            self.agrees("Nobody could say later what exactly was deployed. Go on? [y/N]").await?;
        match self.allow_dirty {
            true => Ok(()),
            false => Err(Failure::new("the working tree is no commit", "commit it, then `ops deploy` again")),
        }
    }

    /// One environment: its address, its secrets, and an `ops deploy` of its own.
    async fn deploy(&mut self, tools: &Tools, environment: Environment) -> Result<Exit, Failure> {
        let name = environment.as_str();
        self.heading(&format!("{name}: {}", self.project.worker_name(environment)));
        let wrangler = self.wrangler(tools, environment);
        let live = wrangler.live().await.map_err(|trouble| trouble.failure())?;
        if live == Live::Absent {
            self.run.printer().say("  It is not there yet: this is its first deployment.");
        }
        let known = Target::deployed(self.run, Some(&self.project), environment).is_some();
        // A first deployment to workers.dev learns its address from wrangler.
        let learns = live == Live::Absent && self.project.has_workers_dev(environment);
        let url = if known || learns { None } else { Some(self.address(name).await?) };
        let set: Vec<String> = match live {
            Live::Absent => Vec::new(),
            Live::Deployed(_) => {
                let secrets = wrangler.secrets().await.map_err(|trouble| trouble.failure())?;
                secrets.into_iter().map(|Secret { name }| name).collect()
            }
        };
        let secrets = self.secrets(&set)?;
        let mut command = Command::new(env::current_exe().map_err(|cause| broken(&cause))?);
        command.args(["deploy", "--env", name]).current_dir(self.project.root());
        command.args(url.iter().flat_map(|url| ["--url", url.as_str()]));
        command.args(["--allow-dirty"].iter().filter(|_| self.allow_dirty));
        command.args(["--verbose"].iter().filter(|_| self.run.globals().verbose));
        if let Some(file) = &secrets {
            command.arg("--secrets-file").arg(file.path());
        }
        let status = self.child(command).await?;
        // A deployment that somebody ended by force may have left anything.
        Ok(status.map_or(Exit::Unknown, exit_of))
    }

    async fn address(&mut self, name: &str) -> Result<Url, Failure> {
        let hint = "fill in its route in wrangler.toml, or give --url";
        let question =
            format!("Where will {name} answer? Its address, like https://logs.example.com (nothing: stop):");
        let answer = self.ask(&question).await?.unwrap_or_default();
        Url::parse(&answer).map_err(|_| Failure::new(format!("nothing says where {name} answers"), hint))
    }

    /// The secrets it cannot do without and has not: asked for one by one, in a file that only we can read and that is
    /// gone with the value.
    fn secrets(&self, set: &[String]) -> Result<Option<NamedTempFile>, Failure> {
        let missing: Vec<&str> = missing_secrets(|name| set.iter().any(|known| known == name)).collect();
        if missing.is_empty() {
            return Ok(None);
        }
        let mut values = Map::new();
        for setting in SETTINGS.iter().filter(|setting| missing.contains(&setting.key)) {
            self.run.printer().say(&format!("  {} is needed: {}", setting.key, setting.doc));
            let value = value::given(setting, None)?;
            self.run.mask().hide(&value);
            values.insert(setting.key.to_owned(), Value::String(value));
        }
        let mut file = tempfile::Builder::new().prefix("ops-secrets-").suffix(".json").tempfile();
        let written = file.as_mut().map_err(|cause| broken(cause))?;
        written.write_all(Value::Object(values).to_string().as_bytes()).map_err(|cause| broken(&cause))?;
        file.map(Some).map_err(|cause| broken(&cause))
    }

    /// What is left to do: the clients must know where to post.
    fn addresses(&self) {
        let address = |environment| Target::deployed(self.run, Some(&self.project), environment);
        let (development, production) = (address(Environment::Development), address(Environment::Production));
        if development.is_none() && production.is_none() {
            return;
        }
        self.heading("Put these into Next.js and Convex:");
        let say = |where_to: &str, line: String| {
            self.run.printer().data(&format!("# {where_to}\n{line}"));
        };
        if let Some(Target { url, .. }) = development {
            let url = url.as_str().trim_end_matches('/');
            say("Next.js, .env.local", format!("NEXT_PUBLIC_LOG_WORKER_URL={url}"));
            say("Convex, development", format!("npx convex env set LOG_WORKER_URL {url}"));
        }
        if let Some(Target { url, .. }) = production {
            let url = url.as_str().trim_end_matches('/');
            say("Next.js, where production is built", format!("NEXT_PUBLIC_LOG_WORKER_URL={url}"));
            say("Convex, production", format!("npx convex env set --prod LOG_WORKER_URL {url}"));
            self.run.printer().say(
                "Reads and clear are closed in production until it has LOG_READ_TOKEN and LOG_ADMIN_TOKEN:\n  \
                 ops secrets rotate LOG_READ_TOKEN --env production --to FILE",
            );
        }
    }

    fn wrangler(&self, tools: &Tools, environment: Environment) -> Wrangler {
        Wrangler::new(tools.clone(), self.project.root(), environment, CALL_LIMIT)
    }

    async fn agrees(&mut self, question: &str) -> Result<bool, Failure> {
        Ok(self.ask(question).await?.is_some_and(|answer| is_yes(&answer)))
    }

    async fn ask(&mut self, question: &str) -> Result<Option<String>, Failure> {
        tokio::select! {
            answer = self.run.ask(question) => Ok(answer),
            () = self.stop.wait() => Err(Failure::new("interrupted", "what was deployed until here stays")),
        }
    }

    /// Runs a program at this terminal, to its end: it hears the terminal's Ctrl-C itself.
    async fn child(&mut self, mut command: Command) -> Result<Option<i32>, Failure> {
        command.stdin(Stdio::inherit());
        let mut child = command.spawn().map_err(|cause| broken(&cause))?;
        loop {
            tokio::select! {
                status = child.wait() => return status.map(|status| status.code()).map_err(|cause| broken(&cause)),
                () = self.stop.wait() => {}
            }
        }
    }
}

fn has_token() -> bool {
    env::var_os("CLOUDFLARE_API_TOKEN").is_some_and(|token| !token.is_empty())
}

fn described(identity: &Identity) -> String {
    let accounts: Vec<&str> = identity.accounts.iter().map(|account| account.name.as_str()).collect();
    let who = identity.email.as_deref().unwrap_or("a token");
    format!("{who}, account {}", accounts.join(", "))
}

fn exit_of(status: i32) -> Exit {
    match status {
        0 => Exit::Done,
        2 => Exit::Warnings,
        3 => Exit::RolledBack,
        4 => Exit::Unknown,
        64 => Exit::Usage,
        _ => Exit::Failed,
    }
}

fn broken(cause: &std::io::Error) -> Failure {
    Failure::new(format!("it could not be run: {cause}"), "free some space, and try again")
}
