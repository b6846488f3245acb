//! What is deployed, as git names it.

use std::{path::Path, process::Stdio};

use tokio::process::Command;

/// The commit that is checked out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The short hash, with `-dirty` when files differ from it: the version's tag.
    pub tag: String,
    /// The first line of its message.
    pub subject: String,
    /// Files that differ from it, and files git does not know.
    pub changed: Vec<String>,
}

impl Commit {
    /// The commit of the project; nothing when it is no git repository, or git is not installed.
    pub async fn of(project: &Path) -> Option<Commit> {
        let hash = git(project, &["rev-parse", "--short=10", "HEAD"]).await?;
        let subject = git(project, &["log", "-1", "--format=%s"]).await?;
        let status = git(project, &["status", "--porcelain"]).await?;
        let changed: Vec<String> =
            status.lines().filter_map(|line| line.get(3..)).map(str::to_owned).collect();
        let tag = if changed.is_empty() { hash } else { format!("{hash}-dirty") };
        Some(Commit { tag, subject, changed })
    }
}

/// How many commits the checkout is ahead of this one; nothing when git does not know it.
pub async fn ahead_of(project: &Path, commit: &str) -> Option<u64> {
    git(project, &["rev-list", "--count", &format!("{commit}..HEAD")]).await?.parse().ok()
}

/// The branch that is checked out; nothing when none is.
pub async fn branch(project: &Path) -> Option<String> {
    git(project, &["symbolic-ref", "--quiet", "--short", "HEAD"]).await
}

/// The commit that the branch has at `origin`, as far as this checkout knows: of the last push or fetch.
pub async fn pushed(project: &Path, branch: &str) -> Option<String> {
    git(project, &["rev-parse", "--verify", "--quiet", &format!("refs/remotes/origin/{branch}")]).await
}

async fn git(project: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    command.current_dir(project).args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}
