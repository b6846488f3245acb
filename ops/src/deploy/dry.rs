//! `--dry-run`: every step and command, without a token, a network or a change.

use log_ingestion_worker::config::Environment;

use super::options::DeployArgs;
use crate::{
    exit::{Exit, Failure},
    project::Project,
    run::Run,
    wrangler::{Wrangler, tools::Tools},
};

/// Says what a deployment would do.
///
/// # Errors
/// When wrangler is missing.
pub fn run(
    run: &Run,
    args: &DeployArgs,
    project: &Project,
    environment: Environment,
) -> Result<Exit, Failure> {
    let tools = Tools::find(project.root())?;
    let wrangler = Wrangler::new(tools, project.root(), environment, *args.wrangler_timeout);
    let secrets: Vec<String> = args
        .secrets_file
        .iter()
        .flat_map(|file| ["--secrets-file".to_owned(), file.display().to_string()])
        .collect();
    let about = ["--tag", "COMMIT", "--message", "ops RUN SUBJECT"];
    let immediate = ["--durable-objects-code-update-mode", "immediate"];
    let shown = |parts: &[&[&str]]| wrangler.shown(&parts.concat());
    let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
    let steps = [
        ("preflight: what is live, and whether it is well", shown(&[&["deployments", "status", "--json"]])),
        ("", shown(&[&["versions", "view", "LIVE", "--json"]])),
        ("", shown(&[&["versions", "list", "--json"]])),
        ("build", shown(&[&["deploy", "--dry-run"]])),
        ("upload, not deployed", shown(&[&["versions", "upload"], &about, &secrets])),
        (
            "beside the live version, without traffic; verify it by the override header",
            shown(&[&["versions", "deploy", "NEW@0%", "LIVE@100%", "-y"], &about[2..], &immediate]),
        ),
        (
            "all the traffic; verify every part, Durable Objects too",
            shown(&[&["versions", "deploy", "NEW@100%", "-y"], &about[2..], &immediate]),
        ),
        ("routes and schedules", shown(&[&["triggers", "deploy"]])),
        (
            "whenever something fails: back to what was live; verify that",
            shown(&[&["versions", "deploy", "LIVE@100%", "-y"], &about[2..], &immediate]),
        ),
        (
            "instead of upload and the steps after it, for a first deployment or a Durable Object migration (no way back)",
            shown(&[&["deploy"], &about, &secrets, &immediate]),
        ),
    ];
    for (what, command) in steps {
        if !what.is_empty() {
            run.printer().data(&format!("# {what}"));
        }
        run.printer().data(&command);
    }
    Ok(Exit::Done)
}
