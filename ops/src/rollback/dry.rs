//! `--dry-run`: every step and command, without a token, a network or a change.

use super::RollbackArgs;
use crate::{exit::Exit, switch::Switch};

/// Says what going back would do.
pub fn run(switch: &Switch<'_>, args: &RollbackArgs) -> Exit {
    let to = args.to.as_deref().unwrap_or("VERSION");
    let about = ["--message", "ops RUN back to VERSION"];
    let immediate = ["--durable-objects-code-update-mode", "immediate"];
    let shown = |parts: &[&[&str]]| switch.wrangler.shown(&parts.concat());
    let (none, all) = (format!("{to}@0%"), format!("{to}@100%"));
    let mut steps = vec![
        ("what is live, and what was", shown(&[&["deployments", "list", "--json"]])),
        ("", shown(&[&["versions", "list", "--json"]])),
        ("", shown(&[&["versions", "view", "LIVE", "--json"]])),
        ("", shown(&[&["versions", "view", to, "--json"]])),
    ];
    if !args.list {
        steps.extend([
            (
                "beside the live version, without traffic; verify it by the override header",
                shown(&[&["versions", "deploy", &none, "LIVE@100%", "-y"], &about, &immediate]),
            ),
            (
                "all the traffic; verify every part, Durable Objects too",
                shown(&[&["versions", "deploy", &all, "-y"], &about, &immediate]),
            ),
            (
                "instead of these two, where secrets changed since (after asking): they go back with it",
                shown(&[&["rollback", to], &about, &immediate]),
            ),
            (
                "whenever it does worse than what was live: back to that; verify it",
                shown(&[&["versions", "deploy", "LIVE@100%", "-y"], &about, &immediate]),
            ),
        ]);
    }
    for (what, command) in steps {
        if !what.is_empty() {
            switch.run.printer().data(&format!("# {what}"));
        }
        switch.run.printer().data(&command);
    }
    for (flag, what) in [(args.reset_limiter, "POST /limiter/reset"), (args.clear_logs, "DELETE /logs/clear")]
    {
        if flag {
            switch.run.printer().data(&format!("# asked for beside it\n{what}"));
        }
    }
    Exit::Done
}
