//! A rollback for people.

use std::time::SystemTime;

use super::{
    effects::Effects,
    history::{Candidate, History},
};
use crate::{
    run::{age::age, printer::Mark},
    switch::Switch,
    wrangler::types::Version,
};

/// What can be gone back to, on stdout.
pub fn list(switch: &Switch<'_>, history: &History) {
    let printer = switch.run.printer();
    printer.data(&format!("{}  {}", switch.environment.as_str(), switch.worker));
    for (number, candidate) in (1..).zip(&history.candidates) {
        let mark = match (candidate.live, &candidate.refused) {
            (true, _) => Mark::Dim,
            (false, None) => Mark::Good,
            (false, Some(_)) => Mark::Bad,
        };
        let what = described(&candidate.version);
        printer.data(&format!("  {} {number:>2}  {what}", printer.for_stdout(mark.word(), mark)));
        for note in notes(candidate) {
            printer.data(&format!("          {note}"));
        }
    }
}

/// What going back will do, on stderr.
pub fn effects(switch: &Switch<'_>, history: &History, to: &Candidate, effects: &Effects<'_>) {
    let printer = switch.run.printer();
    printer.say(&format!("  from     {}", described(&history.live)));
    printer.say(&format!("  to       {}", described(&to.version)));
    for (what, line) in effects.lines() {
        printer.say(&format!("  {what:<8} {line}"));
    }
}

fn described(version: &Version) -> String {
    let made = humantime::parse_rfc3339(&version.metadata.created_on).ok();
    let since = made.and_then(|made| SystemTime::now().duration_since(made).ok());
    let when = since.map_or_else(|| version.metadata.created_on.clone(), |since| age(since.as_secs()));
    let tag = version.tag().map(|tag| format!(" ({tag})")).unwrap_or_default();
    let message = version.message().map(|message| format!(": {message}")).unwrap_or_default();
    format!("{}{tag}  {when}, by {}{message}", version.id, version.metadata.author_email)
}

fn notes(candidate: &Candidate) -> Vec<String> {
    let mut notes = Vec::new();
    if candidate.live {
        notes.push("live".to_owned());
    } else if let Some(refused) = &candidate.refused {
        notes.push(format!("cannot be: {}", refused.message()));
    }
    notes.push(match (&candidate.served, &candidate.proven) {
        (_, Some(proof)) => format!("proven at {} by run {}", proof.at, proof.run),
        (Some(at), None) => format!("had all the traffic from {at}; this machine never saw it proven"),
        (None, None) => "never had all the traffic, as far as the API tells".to_owned(),
    });
    notes.extend(candidate.secrets.iter().filter(|_| !candidate.live).map(|change| {
        let name = change.name.as_deref().unwrap_or("a secret");
        format!("{name} changed between: {}, by {}", change.at, change.author)
    }));
    notes
}
