//! What is deployed, compared with the source: the same look as before a sync.

use log_ingestion_worker::config::Environment;

use super::{Found, State, live::Looked};
use crate::{
    config::{
        fingerprint::Fingerprints,
        keys::Target,
        outcome::{Kind, Outcome},
        places::Places,
        table::{Selection, Side, Table},
        targets::{
            convex::{self, Convex},
            github::{self, GitHub},
            vars, worker,
        },
    },
    project::Project,
    run::Run,
};

/// Compares one environment.
pub async fn compare(
    run: &Run,
    project: &Project,
    places: &Places,
    table: &Table,
    (environment, live): (Environment, &Looked),
    found: &mut Found,
) {
    match environment {
        Environment::Development => {
            side(run, project, places, &table.clone().into_development(), live, found).await;
        }
        Environment::Production => {
            side(run, project, places, &table.clone().into_production(), live, found).await;
        }
    }
}

async fn side<S: Side>(
    run: &Run,
    project: &Project,
    places: &Places,
    selection: &Selection<S>,
    live: &Looked,
    found: &mut Found,
) {
    let environment = S::ENVIRONMENT;
    let limit = run.globals().timeout;
    if selection.names(Target::Convex) {
        let plan = match Convex::open(places, environment, limit) {
            Ok(cli) => cli.plan(run, convex::wanted(selection), true).await,
            Err(why) => convex::Plan::unreadable(environment, why),
        };
        tell(environment, &plan.outcome, found);
    }
    if selection.names(Target::Worker) {
        let place = worker::place(project, environment);
        let plan = match live {
            Looked::Version(_, version) => {
                let secrets =
                    version.resources.bindings.iter().filter(|binding| binding.kind == "secret_text");
                let names: Vec<String> = secrets.map(|binding| binding.name.clone()).collect();
                let fingerprints = Fingerprints::open(run, &place);
                worker::Plan::make(None, place, worker::wanted(selection), &names, &fingerprints, true)
            }
            Looked::Unreadable(why, _) => worker::Plan::unreadable(place, why.clone()),
        };
        // What the live worker is unreadable for is said once, when no secret is asked of it.
        if plan.outcome.unreadable.is_none() || !worker::wanted(selection).is_empty() {
            tell(environment, &plan.outcome, found);
        }
        tell(environment, &vars::plan(project, selection, true).outcome, found);
    }
    if selection.names(Target::GitHub) {
        let fingerprints = Fingerprints::open(run, &github::place(project, environment));
        let plan = match GitHub::open(project.root(), environment, limit) {
            Ok(gh) => gh.plan(selection, &fingerprints, true).await,
            Err(why) => github::Plan::unreadable(environment, why),
        };
        tell(environment, &plan.outcome, found);
    }
}

fn tell(environment: Environment, outcome: &Outcome, found: &mut Found) {
    let place = format!("{} {}", outcome.target, outcome.place);
    let at = (environment, place.as_str());
    if let Some(why) = &outcome.unreadable {
        found.unreadable(at, why.clone(), "see `ops doctor`, and whether somebody is logged in");
        return;
    }
    found.compared += 1;
    let hint = match environment {
        Environment::Development => "ops config sync --mode deploy-dev; or correct the source",
        Environment::Production => "ops config sync --mode deploy-prod; or correct the source",
    };
    for change in &outcome.changes {
        let key = change.key.as_str();
        match change.change {
            Kind::Add => found.drift(at, key, "is not set there", hint),
            Kind::Update => found.drift(at, key, "differs from the source", hint),
            Kind::Remove => {
                found.drift(
                    at,
                    key,
                    "is set there, and empty in the source",
                    &format!("{hint}, with --prune"),
                );
            }
            Kind::Write => found.item(
                at,
                State::Unreadable,
                Some(key),
                "is set there, and was not written from this machine: it cannot be compared",
                hint,
            ),
        }
    }
    for name in &outcome.others {
        found.drift(
            at,
            name,
            "is set there, and not in the source",
            "add it to the source, or remove it there",
        );
    }
}
