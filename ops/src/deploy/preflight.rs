//! Everything that can be known to go wrong before anything is sent.

use std::collections::BTreeSet;

use log_ingestion_worker::config::{self, Config, Environment, SETTINGS};

use super::{
    git::Commit,
    newer,
    options::{DeployArgs, Excuse},
    secrets_file::{self, Brought},
};
use crate::{
    config::unread,
    exit::Failure,
    project::Project,
    rollback::known::Known,
    run::printer::Mark,
    switch::{
        Switch,
        attempt::Way,
        proof::{self, Claim, SOON},
        vars,
    },
    verify::Depth,
    wrangler::{
        trouble::Trouble,
        types::{Deployment, Live, Version},
    },
};

/// Largest message of a version or a deployment, in bytes: the API's limit.
const MAX_MESSAGE_BYTES: usize = 100;

/// What a deployment begins with.
#[derive(Debug)]
pub struct Ready {
    /// Which way it goes.
    pub way: Way,
    /// What serves now.
    pub before: Option<Deployment>,
    /// The version's tag: the commit.
    pub tag: String,
    /// The version's and the deployments' message: the run, and the commit's first line.
    pub message: String,
    /// Secrets that move with the version.
    pub secrets: Brought,
    /// A version that is not live and whose secrets come along.
    pub inherits: Option<String>,
    /// Checks that fail already, and are let pass.
    pub tolerated: Vec<String>,
    /// Vars that the worker does not read.
    pub unread: Vec<String>,
}

/// What serves now, with what must be known of it.
struct Standing {
    deployment: Deployment,
    version: Version,
    versions: Vec<Version>,
}

/// Makes every check. Nothing is changed.
///
/// # Errors
/// The first thing that is in the way.
pub async fn check(switch: &Switch<'_>, args: &DeployArgs) -> Result<Ready, Failure> {
    let (run, project) = (switch.run, &switch.project);
    configuration(project, switch.environment)?;
    let secrets = secrets_file::read(run, args.secrets_file.as_deref())?;
    let unread = unread::lines(&project.vars(switch.environment));
    for line in &unread {
        run.printer()
            .say(&format!("  {} {line}", run.printer().for_stderr(Mark::Warning.word(), Mark::Warning)));
    }
    let (tag, subject) = source(switch, args).await?;
    let message = message(run.id().as_str(), &subject, !secrets.names.is_empty());

    let step = run.printer().step("what is live");
    let standing = standing(switch).await.map_err(|trouble| trouble.failure())?;
    let Some(standing) = standing else {
        step.end(Mark::Dim, "nothing: this is the first deployment");
        if !project.has_workers_dev(switch.environment) {
            // Else nobody could prove it once it is there.
            switch.target()?;
        }
        required(&secrets.names, switch)?;
        let (before, inherits, tolerated) = (None, None, Vec::new());
        return Ok(Ready { way: Way::First, before, tag, message, secrets, inherits, tolerated, unread });
    };
    step.end(Mark::Good, &described(&standing.version));
    in_the_way(args, &standing)?;
    let known = Known::of(&run.journal().runs(), switch.environment.as_str());
    let is_allowed = args.excuses(Excuse::NewerVersion);
    let inherits =
        newer::inherits(&standing.versions, &standing.version, &secrets.names, &known, is_allowed)?;
    if let Some((then, now)) =
        vars::shards_change(&standing.version.vars(), &project.vars(switch.environment))
    {
        let message = format!(
            "{} goes from {then} to {now}: the worker would take no log until it is drained, and could not be proven",
            vars::SHARDS
        );
        let deploy = switch.wrangler.shown(&["deploy", "--durable-objects-code-update-mode", "immediate"]);
        let hint = format!("ops/runbooks/redis.md: {deploy}, and at once {}", switch.shown("drain"));
        return Err(Failure::new(message, hint));
    }
    let way = way(project, switch.environment, &standing.version)?;
    let set = standing.version.secrets();
    required(&set.union(&secrets.names).cloned().collect(), switch)?;
    let tolerated = health(switch, args, &standing.version).await?;
    vars(switch, &standing.version);
    let before = Some(standing.deployment);
    Ok(Ready { way, before, tag, message, secrets, inherits, tolerated, unread })
}

/// wrangler.toml fits the environment: the same check the worker makes when it starts.
fn configuration(project: &Project, environment: Environment) -> Result<(), Failure> {
    let name = environment.as_str();
    let hint = format!("mend the vars of {name} in wrangler.toml");
    if !project.has(environment) {
        return Err(Failure::new(
            format!("wrangler.toml has no section [env.{name}]"),
            format!("write it, with its vars in [env.{name}.vars], or look whether its name is right"),
        ));
    }
    let vars = project.vars(environment);
    let secret = SETTINGS.iter().find(|setting| setting.secret && vars.contains_key(setting.key));
    if let Some(secret) = secret {
        let message =
            format!("{} is a var in wrangler.toml: it would replace the secret of that name", secret.key);
        return Err(Failure::new(message, "remove the var"));
    }
    let loaded = Config::load(|key| vars.get(key).cloned()).map_err(|problems| {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Failure::new(
            format!("wrangler.toml cannot be used for {name}: {}", problems.join("; ")),
            hint.clone(),
        )
    })?;
    if loaded.environment != environment {
        let said = loaded.environment.as_str();
        return Err(Failure::new(format!("wrangler.toml says ENVIRONMENT = \"{said}\" for {name}"), hint));
    }
    Ok(())
}

/// The commit, as tag and first line.
async fn source(switch: &Switch<'_>, args: &DeployArgs) -> Result<(String, String), Failure> {
    let commit = Commit::of(switch.project.root()).await;
    let Some(commit) = commit else {
        if args.allow_dirty {
            return Ok(("no-commit".into(), "a folder without git".into()));
        }
        let message = "this folder has no git commit: nobody could say later what was deployed";
        return Err(Failure::new(message, "commit it, or deploy it all the same: --allow-dirty"));
    };
    if !commit.changed.is_empty() && !args.allow_dirty {
        let (first, more) = (commit.changed.first().map_or("", String::as_str), commit.changed.len() - 1);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let message = format!("the working tree differs from commit {}: {first}{more}", commit.tag);
        return Err(Failure::new(message, "commit or stash it, or deploy it all the same: --allow-dirty"));
    }
    Ok((commit.tag, commit.subject))
}

/// `ops RUN SUBJECT`, cut where the API cuts.
fn message(run: &str, subject: &str, has_secrets: bool) -> String {
    let with_secrets = if has_secrets { newer::WITH_SECRETS } else { "" };
    let mut message = format!("{}{run} {with_secrets}{subject}", newer::OURS);
    message.truncate(message.floor_char_boundary(MAX_MESSAGE_BYTES));
    message.trim_end().to_owned()
}

async fn standing(switch: &Switch<'_>) -> Result<Option<Standing>, Trouble> {
    let Live::Deployed(deployment) = switch.wrangler.live().await? else { return Ok(None) };
    let largest = deployment.versions.iter().max_by(|one, other| one.percentage.total_cmp(&other.percentage));
    let id = largest.map(|share| share.version_id.clone()).unwrap_or_default();
    let (version, versions) = tokio::try_join!(switch.wrangler.version(&id), switch.wrangler.versions())?;
    Ok(Some(Standing { deployment, version, versions }))
}

/// Somebody else's work that a deployment would undo.
fn in_the_way(args: &DeployArgs, standing: &Standing) -> Result<(), Failure> {
    let shares = standing.deployment.shares();
    if standing.deployment.versions.len() > 1 {
        let message = format!("a gradual deployment is under way: {shares}");
        let hint = "let it end, or end it: npx wrangler versions deploy VERSION@100%";
        return Err(Failure::new(message, hint));
    }
    if standing.version.metadata.source == "dash" && !args.excuses(Excuse::Drift) {
        let message = format!("the live version {} was edited in the dashboard", standing.version.id);
        let hint = "bring the edit into wrangler.toml, or overwrite it: --allow drift";
        return Err(Failure::new(message, hint));
    }
    Ok(())
}

/// Whether a migration is pending, by the tag of the live version.
fn way(project: &Project, environment: Environment, live: &Version) -> Result<Way, Failure> {
    let tags = project.migrations(environment);
    let Some(tag) = live.migration_tag() else {
        return Ok(if tags.is_empty() { Way::Beside } else { Way::Migration });
    };
    if !tags.iter().any(|known| known == tag) {
        let message =
            format!("the live version has Durable Object migration {tag}, which this wrangler.toml lacks");
        return Err(Failure::new(message, "this checkout is older than what is live: update it"));
    }
    Ok(if tags.last().map(String::as_str) == Some(tag) { Way::Beside } else { Way::Migration })
}

fn required(set: &BTreeSet<String>, switch: &Switch<'_>) -> Result<(), Failure> {
    let missing: Vec<&str> = config::missing_secrets(|name| set.contains(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let message = format!("{} has no secret {}", switch.worker, missing.join(", "));
    Err(Failure::new(
        message,
        "give it with this deployment: --secrets-file FILE (JSON, or lines of NAME=value)",
    ))
}

/// The live version answers where it should and is well: else nobody could say what a deployment did to it.
async fn health(switch: &Switch<'_>, args: &DeployArgs, live: &Version) -> Result<Vec<String>, Failure> {
    let excused = args.excuses(Excuse::Unhealthy);
    let target = switch.target()?;
    let claim = Claim {
        what: "the live version, before",
        version: &live.id,
        beside: None,
        // With an excuse everything that fails already must be known.
        depth: if excused { Depth::Normal } else { Depth::ReadOnly },
        patience: SOON,
    };
    let report = proof::look(switch.run, &target, switch.environment, &claim).await?;
    let mut failed: Vec<String> = report.failed().map(|check| check.name.to_owned()).collect();
    if failed.iter().any(|name| name == "redis") {
        // What waits for Redis waits ever longer.
        failed.push("buffer".to_owned());
    }
    let first = proof::failures(&report, &[]).first().map(|check| (check.name, proof::line(check)));
    match first {
        None => Ok(Vec::new()),
        Some(("reachable" | "identity" | "version" | "environment", line)) if !excused => Err(Failure::new(
            format!("{} is not the live version {}: {line}", target.url, live.id),
            "see whether --url is this environment's. If it is (an earlier worker, or a broken one): --allow unhealthy",
        )),
        Some((_, line)) if !excused => Err(Failure::new(
            format!("{} is not well already: {line}", target.url),
            "mend that first, or deploy the repair: --allow unhealthy",
        )),
        Some(_) => {
            switch.run.printer().warn(&format!(
                "failed before this deployment, and may go on failing: {}",
                failed.join(", ")
            ));
            Ok(failed)
        }
    }
}

/// Says which vars change.
fn vars(switch: &Switch<'_>, live: &Version) {
    for line in vars::changes(&live.vars(), &switch.project.vars(switch.environment)) {
        switch.run.printer().say(&format!("  {line}"));
    }
}

/// A version for people.
fn described(version: &Version) -> String {
    let tag = version.tag().map(|tag| format!(" ({tag})")).unwrap_or_default();
    format!("{}{tag}, {} by {}", version.id, version.metadata.created_on, version.metadata.author_email)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_message_names_the_run_and_fits() {
        let run = "0198c0de-0000-7000-8000-000000000000";
        assert_eq!(message(run, "First", false), format!("ops {run} First"));
        assert_eq!(message(run, "First", true), format!("ops {run} with secrets: First"));
        let long = message(run, &"ß".repeat(100), false);
        assert!(long.len() <= MAX_MESSAGE_BYTES && long.starts_with(&format!("ops {run} ß")), "{long}");
    }

    #[test]
    fn a_configuration_the_worker_would_refuse_is_refused_here() {
        let folder = tempfile::tempdir().unwrap();
        let check = |vars: &str| {
            let text = format!("name = \"w\"\n[vars]\n{vars}");
            fs::write(folder.path().join("wrangler.toml"), text).unwrap();
            configuration(&Project::open(folder.path()).unwrap(), Environment::Development)
        };
        assert!(check("ENVIRONMENT = \"development\"").is_ok());
        let cases = [
            ("ENVIRONMENT = \"production\"", "ENVIRONMENT = \"production\" for development"),
            ("ENVIRONMENT = \"development\"\nRATE_LIMIT_TRACE = \"many\"", "RATE_LIMIT_TRACE must be"),
            ("ENVIRONMENT = \"development\"\nLOG_ADMIN_TOKEN = \"x\"", "LOG_ADMIN_TOKEN is a var"),
        ];
        for (vars, said) in cases {
            let refused = check(vars).unwrap_err();
            assert!(refused.message().contains(said), "{refused}");
        }
        let project = Project::open(folder.path()).unwrap();
        let refused = configuration(&project, Environment::Production).unwrap_err();
        assert_eq!(refused.message(), "wrangler.toml has no section [env.production]");
    }
}
