//! Child processes in a group of their own, so that a wrapper's children end with it.

use std::{
    io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

/// How often a condition that has no event is looked at again.
const POLL: Duration = Duration::from_millis(10);

/// A child process and everything it starts. Dropping it kills them all, and so does our own end, however sudden.
#[derive(Debug)]
pub struct ProcessGroup {
    child: Child,
    ended: Option<ExitStatus>,
    guard: Option<Child>,
}

impl ProcessGroup {
    /// Starts the command in a process group of its own. The guard stands in that group before the command does, so that
    /// no moment is left in which our death would leave the command behind.
    ///
    /// # Errors
    /// What the system says when the program cannot be started.
    pub fn spawn(command: &mut Command) -> io::Result<ProcessGroup> {
        let mut guard = guard();
        let group = guard.as_ref().and_then(|guard| i32::try_from(guard.id()).ok()).unwrap_or_default();
        match command.process_group(group).spawn() {
            Ok(child) => Ok(ProcessGroup { child, ended: None, guard }),
            Err(cause) => {
                dismiss(&mut guard);
                Err(cause)
            }
        }
    }

    /// The command's process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The child itself, for its pipes.
    pub fn child_mut(&mut self) -> &mut Child {
        &mut self.child
    }

    /// How the command ended; nothing while it runs. Once it has ended its group is killed as well.
    pub fn try_wait(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none()
            && let Ok(Some(status)) = self.child.try_wait()
        {
            self.signal(Signal::SIGKILL);
            dismiss(&mut self.guard);
            self.ended = Some(status);
        }
        self.ended
    }

    /// Waits until the command has ended by itself.
    pub async fn wait(&mut self) -> ExitStatus {
        loop {
            if let Some(status) = self.try_wait() {
                return status;
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Kills the group at once (`SIGKILL`), as a crash would, and waits until the command is gone.
    pub fn kill9(&mut self) {
        if self.ended.is_none() {
            self.signal(Signal::SIGKILL);
            self.ended = self.child.wait().ok();
            dismiss(&mut self.guard);
        }
    }

    /// Asks the group to end (`SIGTERM`) and kills it when it has not within `grace`.
    pub async fn stop(&mut self, grace: Duration) {
        if self.try_wait().is_some() {
            return;
        }
        self.signal(Signal::SIGTERM);
        let deadline = Instant::now() + grace;
        while Instant::now() < deadline {
            if self.try_wait().is_some() {
                return;
            }
            tokio::time::sleep(POLL).await;
        }
        self.kill9();
    }

    fn signal(&self, signal: Signal) {
        // The guard is not waited for while it stands for the group, so that nobody else gets its number.
        let leader = self.guard.as_ref().unwrap_or(&self.child);
        if let Ok(pid) = i32::try_from(leader.id()) {
            // The only failure is that nobody is left.
            let _ = killpg(Pid::from_raw(pid), signal);
        }
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        self.kill9();
    }
}

/// A shell that leads a group, waits for the end of a pipe only we hold, and then kills the group: the way to leave
/// nothing behind when we are killed ourselves, or a test run is interrupted. What asks the group to end is not meant for
/// it. Without a shell there is no such guard.
fn guard() -> Option<Child> {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "trap '' HUP INT TERM; read _; kill -s KILL 0"]);
    shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0).spawn().ok()
}

fn dismiss(guard: &mut Option<Child>) {
    if let Some(mut guard) = guard.take() {
        let _ = guard.kill();
        let _ = guard.wait();
    }
}

/// The first executable file of that name in the given folders, then on `PATH`.
pub fn find_program(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders
        .iter()
        .cloned()
        .chain(std::env::split_paths(&path))
        .map(|folder| folder.join(name))
        .find(|file| is_program(file))
}

/// Whether the path is a file that may be executed.
pub fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// Looks every 10 ms until the condition holds; false when it does not within `limit`.
pub async fn eventually<F: Future<Output = bool>>(limit: Duration, mut condition: impl FnMut() -> F) -> bool {
    let deadline = Instant::now() + limit;
    loop {
        if condition().await {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        tokio::time::sleep(POLL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn stopping_ends_the_children_of_the_child_too() {
        let mut shell = Command::new("sh");
        shell.args(["-c", "sleep 300 & echo $!; wait"]).stdout(Stdio::piped());
        let mut group = ProcessGroup::spawn(&mut shell).unwrap();
        let mut line = String::new();
        let out = group.child_mut().stdout.take().unwrap();
        io::BufRead::read_line(&mut io::BufReader::new(out), &mut line).unwrap();
        let sleeper = Pid::from_raw(line.trim().parse().unwrap());
        assert!(nix::sys::signal::kill(sleeper, None).is_ok());
        group.stop(Duration::from_secs(5)).await;
        let gone =
            eventually(Duration::from_secs(5), || async { nix::sys::signal::kill(sleeper, None).is_err() })
                .await;
        assert!(gone, "the grandchild is still there");
    }
}
