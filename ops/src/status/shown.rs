//! A status for people.

use super::{Health, Standing};
use crate::{
    run::{
        age::age,
        printer::{Mark, Printer},
    },
    verify::Status,
};

pub fn all(printer: &Printer, standings: &[Standing]) {
    for standing in standings {
        printer.data(&format!("{}  {}", standing.environment, standing.worker));
        for (mark, what, said) in lines(standing) {
            printer.data(&format!("  {} {what:<8} {said}", printer.for_stdout(mark.word(), mark)));
        }
    }
}

fn lines(standing: &Standing) -> Vec<(Mark, &'static str, String)> {
    let Some(live) = &standing.live else {
        return vec![(Mark::Dim, "live", "nothing is deployed".into())];
    };
    let mut lines = Vec::new();
    for share in &live.versions {
        let tag = share.tag.as_ref().map(|tag| format!(" ({tag})")).unwrap_or_default();
        lines.push((Mark::Good, "live", format!("{} % {}{tag}", share.percentage, share.id)));
    }
    let age = live.age_s.map_or_else(|| live.created_on.clone(), age);
    let message = live.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
    lines.push((Mark::Good, "since", format!("{age}, by {}{message}", live.author)));
    lines.push(match &standing.health {
        Health::Unknown => (Mark::Dim, "health", "nothing says where it answers: --env and --url".into()),
        Health::Asked { url, outcome, failed, waiting } => {
            let waiting = waiting.map(|count| format!(", {count} waiting for Redis")).unwrap_or_default();
            match outcome {
                Status::Pass | Status::Skip => (Mark::Good, "health", format!("{url} is well{waiting}")),
                Status::Warn => (Mark::Warning, "health", format!("{url} needs a look: ops health{waiting}")),
                Status::Fail => (Mark::Bad, "health", format!("{url}: {}{waiting}", failed.join("; "))),
            }
        }
    });
    lines.extend(standing.warnings.iter().map(|warning| (Mark::Warning, "look", warning.clone())));
    lines
}
