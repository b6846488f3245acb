//! `ops config init`: a first source of truth.

use std::{
    fs::{DirBuilder, OpenOptions},
    io::{self, IsTerminal, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use console::Term;
use log_ingestion_worker::config::{self, Environment, Kind, Setting};
use serde_json::json;

use super::{
    keys::{self, Known, Target},
    source::SourceArgs,
    table::Table,
    validate::BOTH,
};
use crate::{
    dev,
    exit::{Exit, Failure},
    project::find_project,
    run::Run,
    secrets,
};

const HEAD: &str = "\
# The source of truth for configuration. Keep it outside of every repository, readable by you alone (chmod 600):
# it holds production's values. Lines that do not begin with | are comments.
#
#   TARGET      NEXTJS, CONVEX, LOG_WORKER, GITHUB; several with commas between
#   GROUP       a heading in generated files
#   DEV_VALUE   local files and development; PROD_VALUE: production alone. Empty: not set.
#               A | within a value is written \\|. Every other character stands for itself, quotes too.
#
#   ops config validate                      what is wrong
#   ops config sync --mode local             writes the local files, with development's values
#   ops config sync --mode deploy-prod       sets production's, after asking
#   ops config drift                         what is not as it says here

";

/// Which keys a first file has, under which heading; a key of several targets is one row.
const ROWS: [(&str, &[&str]); 5] = [
    ("App", &["NEXT_PUBLIC_CONVEX_URL", "NEXT_PUBLIC_LOG_WORKER_URL", "LOG_WORKER_URL"]),
    ("Redis", &["UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"]),
    ("Log tokens", &["LOG_INGEST_TOKEN", "LOG_READ_TOKEN", "LOG_ADMIN_TOKEN"]),
    ("Log worker", &["ALLOWED_ORIGINS"]),
    ("Deployment", &["CLOUDFLARE_API_TOKEN", "CLOUDFLARE_ACCOUNT_ID", "CONVEX_DEPLOY_KEY"]),
];

/// What `ops dev` serves, for whoever develops on one machine; its Redis's token is each checkout's own.
const LOCAL: [(&str, &str); 3] = [
    ("NEXT_PUBLIC_LOG_WORKER_URL", "http://127.0.0.1:8787"),
    ("LOG_WORKER_URL", "http://127.0.0.1:8787"),
    ("UPSTASH_REDIS_REST_URL", "http://127.0.0.1:8079"),
];
const REDIS_TOKEN: &str = "UPSTASH_REDIS_REST_TOKEN";

/// Writes it, and asks for values at a terminal.
///
/// # Errors
/// When the file is there already, or cannot be written.
pub fn run(run: &Run, source: &SourceArgs) -> Result<Exit, Failure> {
    let path = source.path()?;
    let shown = path.display();
    if path.exists() {
        let hint = "edit it, or name another: --source FILE";
        return Err(Failure::new(format!("{shown} is there already"), hint));
    }
    // Outside of a checkout nobody serves anything: the token is one of the values to be filled in.
    let redis_token = match find_project() {
        Ok(project) => dev::redis_token(&project)?,
        Err(_) => String::new(),
    };
    if !redis_token.is_empty() {
        run.mask().hide(&redis_token);
    }
    let mut table = template(&redis_token);
    if io::stdin().is_terminal() && io::stderr().is_terminal() && !run.printer().json() {
        ask(run, &mut table)?;
    }
    write(&path, &table.text()).map_err(|cause| {
        Failure::new(format!("{shown} cannot be made: {cause}"), "name another: --source FILE")
    })?;
    if run.printer().json() {
        run.printer().data(&json!({ "source": path, "keys": table.rows().len() }).to_string());
    } else {
        run.printer().data(&format!("{shown}"));
        run.printer().say("Fill in what is empty, then: ops config validate");
    }
    Ok(Exit::Done)
}

/// The file with every key that is known, development's local values filled in.
fn template(redis_token: &str) -> Table {
    let mut text = HEAD.to_owned();
    let mut rows = Vec::new();
    for (group, names) in ROWS {
        for &key in names {
            let (targets, known) = known(key);
            let local = LOCAL.iter().find(|(name, _)| *name == key).map_or("", |(_, value)| value);
            let value = if key == REDIS_TOKEN { redis_token } else { local };
            let targets: Vec<&str> = targets.iter().map(|target| target.name()).collect();
            text += &format!("# {key}: {}\n", known.map_or("", |known| known.doc));
            rows.push([
                targets.join(", "),
                group.to_owned(),
                key.to_owned(),
                value.to_owned(),
                String::new(),
            ]);
        }
    }
    text += "\n";
    let head = ["TARGET", "GROUP", "KEY", "DEV_VALUE", "PROD_VALUE"].map(str::to_owned);
    rows.insert(0, head);
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or(0);
    let widths = [0, 1, 2, 3, 4].map(width);
    let line = |row: &[String; 5]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!(" {cell:<width$} |"));
        format!("|{}\n", cells.collect::<String>())
    };
    for (index, row) in rows.iter().enumerate() {
        text += &line(row);
        if index == 0 {
            text += &line(&widths.map(|width| "-".repeat(width)));
        }
    }
    Table::of(&text)
}

fn known(key: &str) -> (Vec<Target>, Option<Known>) {
    let targets: Vec<Target> =
        Target::ALL.into_iter().filter(|&target| keys::find(target, key).is_some()).collect();
    let known = targets.first().and_then(|&target| keys::find(target, key));
    (targets, known)
}

/// Asks for every value that is empty; an empty answer leaves it so.
fn ask(run: &Run, table: &mut Table) -> Result<(), Failure> {
    let unread =
        |cause: io::Error| Failure::new(format!("the answer could not be read: {cause}"), "try again");
    run.printer().say("Enter leaves a value empty; `new` makes a token. Secrets are not shown.");
    for index in 0..table.rows().len() {
        for environment in BOTH {
            let Some(row) = table.rows().get(index).filter(|row| row.value(environment).is_empty()) else {
                continue;
            };
            let (key, targets) = (row.key.clone(), row.targets.clone());
            let known = targets.first().and_then(|&target| keys::find(target, &key));
            let kind = known.map_or(Kind::Text, |known| known.kind);
            let secret = keys::is_secret(&targets, &key, "");
            loop {
                eprint!("{key} ({}): ", environment.as_str());
                let term = Term::stderr();
                let answer =
                    if secret { term.read_secure_line() } else { term.read_line() }.map_err(unread)?;
                let answer = match (answer.trim(), kind) {
                    ("", _) => break,
                    ("new", Kind::Token) => secrets::fresh_token()?,
                    (answer, _) => answer.to_owned(),
                };
                match accept(table, index, environment, (kind, secret), &answer) {
                    Ok(()) => break,
                    Err(why) => run.printer().say(&format!("{key} {why}")),
                }
            }
        }
    }
    Ok(())
}

fn accept(
    table: &mut Table,
    index: usize,
    environment: Environment,
    (kind, secret): (Kind, bool),
    answer: &str,
) -> Result<(), String> {
    let setting = Setting { key: "", kind, default: None, secret, required: false, doc: "" };
    match config::check(&setting, answer) {
        Some(problem) => Err(problem.wanted),
        None => table.set(index, environment, answer),
    }
}

/// A new file that its owner alone may read, in folders that are made when they are not there.
fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::validate::{Severity, findings};

    #[test]
    fn a_first_file_has_every_key_that_is_required_and_lacks_nothing_but_values() {
        let table = template("the-token-of-ops-dev");
        assert_eq!(table.problems(), []);
        for target in Target::ALL {
            for known in keys::of_target(target).iter().filter(|known| known.required) {
                let found =
                    table.rows().iter().any(|row| row.key == known.key && row.targets.contains(&target));
                assert!(found, "{} {}", target.name(), known.key);
            }
        }
        let found = findings(&table, None);
        let rules: Vec<&str> = found
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .map(|finding| finding.rule)
            .filter(|rule| *rule != "missing")
            .collect();
        assert_eq!(rules, Vec::<&str>::new(), "{found:?}");
        insta::assert_snapshot!("template", table.text());
    }
}
