//! The worker's public vars in wrangler.toml, which is committed; the next deployment takes them from there. Every remark
//! and blank of the file stays.

use std::{fs, path::PathBuf};

use log_ingestion_worker::config::Environment;
use toml_edit::{DocumentMut, Item, Table, TableLike, Value, value};

use crate::{
    config::{
        file,
        keys::Target,
        outcome::{Change, Kind, Outcome},
        table::{PublicVar, Selection, Side},
    },
    project::Project,
};

/// What the file is to say, and how that differs from what it says.
pub struct Plan {
    path: PathBuf,
    text: String,
    /// What differs.
    pub outcome: Outcome,
}

/// The tables of an environment's vars. Development has two: the top level, and the name it is deployed under as well.
fn tables(file: &DocumentMut, environment: Environment) -> Vec<Vec<&'static str>> {
    let named = vec!["env", environment.as_str(), "vars"];
    match environment {
        Environment::Production => vec![named],
        Environment::Development => {
            let has_name = file.get("env").and_then(|all| all.get(environment.as_str())).is_some();
            std::iter::once(vec!["vars"]).chain(has_name.then_some(named)).collect()
        }
    }
}

/// Compares. Only what the worker's own configuration calls public can be given.
pub fn plan<S: Side>(project: &Project, selection: &Selection<S>, prune: bool) -> Plan {
    let path = project.root().join("wrangler.toml");
    let mut outcome = Outcome::of(Target::Worker.name(), format!("vars in {}", path.display()));
    let read = fs::read_to_string(&path).map_err(|cause| cause.to_string());
    let read = read.and_then(|text| text.parse::<DocumentMut>().map_err(|cause| cause.to_string()));
    let mut file = match read {
        Ok(file) => file,
        Err(cause) => {
            outcome.unreadable = Some(cause);
            return Plan { path, text: String::new(), outcome };
        }
    };
    let vars: Vec<PublicVar> =
        selection.of_target(Target::Worker).filter_map(|entry| entry.public_var()).collect();
    for table in tables(&file, S::ENVIRONMENT) {
        let Some(table) = descend(file.as_item_mut(), &table) else {
            outcome.unreadable = Some(format!("[{}] is no table", table.join(".")));
            break;
        };
        for var in &vars {
            compare(table, var, prune, &mut outcome);
        }
    }
    Plan { path, text: file.to_string(), outcome }
}

impl Plan {
    /// Writes the file.
    pub fn apply(self) -> Outcome {
        let Plan { path, text, mut outcome } = self;
        if outcome.changes.is_empty() {
            return outcome;
        }
        match file::replace_committed(&path, &text) {
            Ok(()) => {
                outcome.all_applied();
                outcome.notes.push("they are live with the next deployment: ops deploy".into());
            }
            Err(cause) => outcome.rest_not_applied(&format!("wrangler.toml could not be written: {cause}")),
        }
        outcome
    }
}

/// The table, made where it is not there.
fn descend<'a>(file: &'a mut Item, path: &[&str]) -> Option<&'a mut dyn TableLike> {
    let mut item = file;
    for name in path {
        item = item.as_table_like_mut()?.entry(name).or_insert(Item::Table(Table::new()));
    }
    item.as_table_like_mut()
}

/// Brings one var of one table in line, and notes what that changes.
fn compare(table: &mut dyn TableLike, var: &PublicVar, prune: bool, outcome: &mut Outcome) {
    let was = table.get(var.key).and_then(Item::as_value).map(plain);
    let change = match (&was, &var.text) {
        (None, None) => return,
        (Some(was), Some(now)) if was == now => {
            outcome.unchanged += 1;
            return;
        }
        (None, Some(_)) => Kind::Add,
        (Some(_), Some(_)) => Kind::Update,
        (Some(_), None) if prune => Kind::Remove,
        (Some(_), None) => {
            let note = format!("{} is set there and empty in the source: --prune removes it", var.key);
            if !outcome.notes.contains(&note) {
                outcome.notes.push(note);
            }
            return;
        }
    };
    match (&var.text, table.get_mut(var.key).and_then(Item::as_value_mut)) {
        (Some(now), Some(there)) => {
            // With the remark behind it.
            let decor = there.decor().clone();
            *there = now.as_str().into();
            *there.decor_mut() = decor;
        }
        (Some(now), None) => {
            table.insert(var.key, value(now.as_str()));
        }
        (None, _) => {
            table.remove(var.key);
        }
    }
    // Development has the var twice, and a person is told once.
    if !outcome.changes.iter().any(|known| known.key == var.key) {
        outcome.changes.push(Change { key: var.key.to_owned(), change, was, now: var.text.clone() });
    }
}

/// As wrangler hands it to the worker: a text.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string().trim().to_owned(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::table::Table;

    const FILE: &str = "# the file\nname = \"w\"\n\n[vars] # here\nENVIRONMENT = \"development\"\n\
        RATE_LIMIT_TRACE = 500 # an hour\n\n[env.development]\nname = \"w\"\n[env.development.vars]\n\
        RATE_LIMIT_TRACE = \"500\"\n\n# last\n[env.production]\nname = \"p\"\nvars = { RATE_LIMIT_TRACE = \"5\", LOG_PUBLIC_READS = \"true\" }\n";

    const SOURCE: &str = "| WORKER | g | RATE_LIMIT_TRACE | 7 | 8 |\n| WORKER | g | LOG_PUBLIC_READS | | |\n\
        | WORKER | g | FLUSH_DELAY_MS | | 9 |\n| WORKER | g | LOG_READ_TOKEN | a-secret | a-secret |\n";

    fn project() -> (tempfile::TempDir, Project) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("wrangler.toml"), FILE).unwrap();
        let project = Project::open(folder.path()).unwrap();
        (folder, project)
    }

    #[test]
    fn only_public_vars_change_and_every_remark_stays() {
        let (folder, project) = project();
        let read = || fs::read_to_string(folder.path().join("wrangler.toml")).unwrap();
        let outcome = plan(&project, &Table::of(SOURCE).into_development(), false).apply();
        assert_eq!(outcome.applied, ["RATE_LIMIT_TRACE"]);
        let expected = FILE
            .replace("RATE_LIMIT_TRACE = 500 # an hour", "RATE_LIMIT_TRACE = \"7\" # an hour")
            .replace("RATE_LIMIT_TRACE = \"500\"", "RATE_LIMIT_TRACE = \"7\"");
        assert_eq!(read(), expected);
        let outcome = plan(&project, &Table::of(SOURCE).into_production(), false).apply();
        assert_eq!(outcome.applied, ["RATE_LIMIT_TRACE", "FLUSH_DELAY_MS"]);
        assert_eq!(outcome.notes.len(), 2, "{:?}", outcome.notes);
        let outcome = plan(&project, &Table::of(SOURCE).into_production(), true).apply();
        assert_eq!(outcome.applied, ["LOG_PUBLIC_READS"]);
        let vars = Project::open(folder.path()).unwrap().vars(Environment::Production);
        assert_eq!(
            vars.into_iter().collect::<Vec<_>>(),
            [("FLUSH_DELAY_MS".into(), "9".into()), ("RATE_LIMIT_TRACE".into(), "8".into())]
        );
        assert!(
            read().starts_with("# the file") && read().contains("# last") && !read().contains("a-secret")
        );
    }
}
