//! Slower than it was? Compared with the last time this environment was verified with all the traffic.

use serde_json::Value;

use crate::run::journal::PastRun;

/// From here on a slower answer is worth a look: times the last good run's.
const SLOWER: u64 = 2;
/// Below this half of the answers are not slow, ms: twice next to nothing is the network's noise.
const UNNOTICED_MS: u64 = 50;
/// The step that says that a version serves, and how fast.
pub const VERIFIED: &str = "verified";

/// Half of the answers took no longer, ms, when a run of this environment last ended well; nothing before the first.
pub fn last_good<'a>(
    runs: impl DoubleEndedIterator<Item = &'a PastRun>,
    environment: &str,
    but: &str,
) -> Option<u64> {
    let of_others =
        runs.rev().filter(|past| past.run != but && past.environment.as_deref() == Some(environment));
    of_others.flat_map(|past| past.step(VERIFIED)).find_map(|step| step.get("p50_ms").and_then(Value::as_u64))
}

/// A warning when answers take more than twice as long as they did.
pub fn slower(p50_ms: u64, last_ms: Option<u64>) -> Option<String> {
    let last = last_ms?;
    (p50_ms > last.saturating_mul(SLOWER).max(UNNOTICED_MS)).then(|| {
        format!("answers take {p50_ms} ms (p50), after the last run that ended well it was {last} ms")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        exit::Exit,
        run::{Effect, Run, folder::StateFolder, globals::Globals},
    };
    use log_ingestion_worker::config::Environment;

    #[test]
    fn twice_as_slow_is_worth_a_look_and_noise_is_not() {
        for (now, last, warned) in
            [(201, 100, true), (200, 100, false), (51, 3, true), (50, 3, false), (90, 60, false)]
        {
            assert_eq!(slower(now, Some(last)).is_some(), warned, "{now} after {last}");
        }
        assert_eq!(slower(9_000, None), None);
    }

    #[test]
    fn it_is_compared_with_the_last_run_of_the_same_environment() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::at(folder.path());
        let past = |environment, p50: Option<u64>| {
            let globals = Globals { env: Some(environment), ..Globals::default() };
            let run = Run::begin_in(state.clone(), "deploy", Effect::Changes, globals);
            if let Some(p50) = p50 {
                run.step(VERIFIED, json!({ "version": "v", "p50_ms": p50 }));
            }
            run.close(Exit::Done, Value::Null);
            run.id().to_string()
        };
        past(Environment::Production, Some(10));
        past(Environment::Production, Some(20));
        past(Environment::Development, Some(30));
        // It failed, and says nothing of how fast it was.
        past(Environment::Production, None);
        let own = past(Environment::Production, Some(40));
        let journal = crate::run::journal::Journal::of(&state);
        let runs = journal.runs();
        assert_eq!(last_good(runs.iter(), "production", &own), Some(20));
        assert_eq!(last_good(runs.iter(), "development", &own), Some(30));
        assert_eq!(last_good([].iter(), "production", &own), None);
    }
}
