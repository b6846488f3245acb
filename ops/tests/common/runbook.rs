//! A runbook's shell commands: found, and run as they stand, against the local control plane.
#![allow(dead_code)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use crate::{
    common::project,
    control_plane::{ADMIN_TOKEN, Site},
    shell,
};

/// The worker of `--env development`.
pub const DEVELOPMENT: &str = "supportsignal-log-ingestion-worker";

/// One block of shell commands.
#[derive(Clone, Debug)]
pub struct Fence {
    pub line: usize,
    /// Of the section it stands in.
    pub heading: String,
    pub text: String,
    /// What it needs that is not here, when its first line says so: `# needs Cloudflare Pages`.
    pub needs: Option<String>,
}

/// Every `sh` block of a runbook, in its order.
pub fn fences(file: &str) -> Vec<Fence> {
    let text = fs::read_to_string(project().join("ops/runbooks").join(file)).unwrap();
    let (mut all, mut heading) = (Vec::new(), String::new());
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if let Some(title) = line.strip_prefix('#') {
            heading = title.trim_start_matches('#').trim().to_owned();
        }
        let Some(language) = line.strip_prefix("```") else { continue };
        let inside: Vec<&str> =
            lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
        if language == "sh" {
            let needs = inside.first().and_then(|first| first.strip_prefix("# needs ")).map(str::to_owned);
            all.push(Fence { line: number + 1, heading: heading.clone(), text: inside.join("\n"), needs });
        }
    }
    all
}

/// Where the commands run: a checkout, with production deployed, and the programs they name.
pub struct Desk {
    pub site: Site,
    /// Where development answers.
    pub development: String,
    variables: Vec<(String, String)>,
    placeholders: Vec<(String, String)>,
    folders: Vec<PathBuf>,
    /// Of our own stand-ins; gone with the value.
    programs: tempfile::TempDir,
}

impl Desk {
    pub async fn new(site: Site) -> Desk {
        let programs = tempfile::tempdir().unwrap();
        let development = site.plane.front(DEVELOPMENT).await;
        // What scripts/setup brings, and what git must not see.
        let _ = std::os::unix::fs::symlink(project().join(".tools"), site.project.path().join(".tools"));
        site.project.write(".gitignore", "node_modules\nbuild\n.wrangler*\n.state\n.tools\n.dev.vars*\n");
        shell::program(programs.path(), "cargo", &cargo(&site.front, &development));
        let variables = Vec::new();
        let (placeholders, folders) = (Vec::new(), vec![programs.path().to_owned()]);
        Desk { site, development, variables, placeholders, folders, programs }
            .with("URL", "")
            .with("LOG_ADMIN_TOKEN", ADMIN_TOKEN)
    }

    /// Puts a folder's programs before others.
    pub fn program_from(mut self, folder: &Path) -> Desk {
        self.folders.push(folder.to_owned());
        self
    }

    /// What a person types in a word's place.
    pub fn placeholder(mut self, word: &str, value: &str) -> Desk {
        self.placeholders.push((format!(" {word} "), format!(" {value} ")));
        self
    }

    /// Writes a file into the home folder.
    pub fn home_file(&self, name: &str, text: &str) {
        fs::create_dir_all(self.home()).unwrap();
        fs::write(self.home().join(name), text).unwrap();
    }

    /// Sets a variable of the environment.
    pub fn with(mut self, name: &str, value: &str) -> Desk {
        let value = if name == "URL" { self.site.front.clone() } else { value.to_owned() };
        self.variables.push((name.to_owned(), value));
        self
    }

    /// Runs a block and asserts that each of its commands ends as it says: `# exit 2` at a line's end, else 0.
    pub async fn run(&self, file: &str, fence: &Fence) {
        shell::check(&fence.text).unwrap_or_else(|why| panic!("{file}:{}: {why}", fence.line));
        if fence.needs.is_some() {
            return;
        }
        let mut command = self.site.project.command("bash", &self.site.plane);
        let text = self
            .placeholders
            .iter()
            .fold(fence.text.clone(), |text, (word, value)| text.replace(word, value));
        let home = self.home();
        fs::create_dir_all(&home).unwrap();
        let path = command.get_envs().find(|(name, _)| *name == "PATH").unwrap().1.unwrap().to_owned();
        let folders = self.folders.iter().cloned().chain(std::env::split_paths(&path));
        command
            .args(["--noprofile", "--norc", "-euo", "pipefail", "-c", &expecting(&text)])
            .env("PATH", std::env::join_paths(folders).unwrap())
            .env("OPS_STATE_DIR", self.site.project.path().join(".state"))
            .env("OPS_ADMIN_TOKEN", ADMIN_TOKEN)
            .env("HOME", &home)
            .env_remove("CI")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        self.site.project.commit();
        let output = tokio::process::Command::from(command).kill_on_drop(true).output().await.unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        println!("== {file}:{}\n{out}{err}", fence.line);
        assert!(
            output.status.success(),
            "{file}:{} {}\n{}\n{out}\n{err}",
            fence.line,
            output.status,
            fence.text
        );
    }

    pub fn home(&self) -> PathBuf {
        // Outside the checkout, where secrets may be.
        self.programs.path().join("home")
    }

    pub fn path(&self) -> &Path {
        self.site.project.path()
    }
}

/// `cargo run -p ops -- …` is what everybody has; here it was built before. An environment's worker has its route; here
/// its address on loopback, which `ops` takes from `--url` alone. What asks no environment asks the worker of `ops dev`;
/// here production's.
fn cargo(production: &str, development: &str) -> String {
    format!(
        r#"[ "$1" = run ] || exit 99
while [ "$1" != -- ]; do shift; done
shift
case "$1 $* " in
    *" --url "*) ;;
    deploy*" --env development "* | verify*" --env development "* | health*" --env development "* | secrets*" --env development "* | \
    drain*" --env development "* | rollback*" --env development "*) set -- "$@" --url {development} ;;
    deploy*" --env production "* | verify* | health* | secrets*" --env production "* | drain* | rollback*) set -- "$@" --url {production} ;;
esac
said=$(mktemp)
status=0
{:?} "$@" 2>"$said" || status=$?
cat "$said" >&2
# Fills the table in, as a person does now.
case "$1 ${{2:-}}" in "config init") cp "$HOME/filled-in.env" "$OPS_CONFIG_SOURCE" ;; esac
# How long answers took on a machine that does other things as well is no reason to stop.
[ $status != 2 ] || [ "$(grep -c '^warning:' "$said")" != "$(grep -c '^warning: answers take' "$said")" ] ||
    case $1 in deploy | rollback) status=0 ;; esac
# It tells how far the checkout is from what is live.
[ "$1 $status" != "status 2" ] || status=0
rm "$said"
exit $status"#,
        env!("CARGO_BIN_EXE_ops")
    )
}

/// With a test of the exit status after each line that names one.
fn expecting(text: &str) -> String {
    let line = |line: &str| match line.split_once("# exit ") {
        None => line.to_owned(),
        Some((command, status)) => {
            let command = command.split_once(" #").map_or(command, |(command, _)| command);
            let status: String = status.chars().take_while(char::is_ascii_digit).collect();
            format!(
                "status=0; {command} || status=$?; [ $status = {status} ] || {{ echo \"exit $status\" >&2; exit 98; }}"
            )
        }
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}
