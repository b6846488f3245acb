//! `ops deploy`: a release that ends in a known state.
//!
//! ```text
//! preflight ─► build ─► upload ─► beside the live version, and in its place ([`crate::switch`])
//! ```
//!
//! There are no steps between 0 and 100 %: percentages would split Durable Objects, not risk. With a Durable Object
//! migration, and for the first deployment, wrangler deploys at once and there is no way back: then a failure is 4.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`options`] | the command's options |
//! | `wizard` | on a terminal, when nothing was given: from the tools to production, one question at a time |
//! | `preflight` | everything that can be known to go wrong before anything is sent |
//! | `newer` | versions newer than the live one, whose secrets would come along |
//! | `secrets_file` | secrets that move with the version, checked |
//! | `release` | the way forward |
//! | `dry` | `--dry-run` |
//! | `git` | what is deployed, as git names it |

mod dry;
pub(crate) mod git;
mod newer;
pub mod options;
mod preflight;
mod release;
mod secrets_file;
mod wizard;

use crate::{
    exit::{Exit, Failure},
    project::Project,
    run::Run,
    switch::Switch,
};
use options::DeployArgs;

/// Deploys, and ends in a known state.
///
/// # Errors
/// What is in the way before anything was sent. Everything later is an exit status, said and journalled.
pub async fn run(run: &Run, args: &DeployArgs) -> Result<Exit, Failure> {
    let Some(environment) = run.globals().env else {
        if wizard::is_wanted(run, args) {
            return wizard::run(run).await;
        }
        return Err(Failure::usage("which environment?", "give --env development or --env production"));
    };
    let project = Project::find()?;
    if run.globals().dry_run {
        return dry::run(run, args, &project, environment);
    }
    let switch = Switch::new(run, project, environment, *args.wrangler_timeout)?;
    switch.conclude(release::forward(&switch, args)).await
}
