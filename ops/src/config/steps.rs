//! The points of a change at which a test kills the program.

/// Says that a point was passed. In a build for tests the process kills itself (`SIGKILL`) at the point whose number,
/// counted from 1, is in `OPS_TEST_KILL_AT`; a release has none of this.
#[cfg(debug_assertions)]
pub fn passed(_what: &str) {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed) + 1;
    let kill_at = std::env::var("OPS_TEST_KILL_AT").ok().and_then(|text| text.parse::<usize>().ok());
    if kill_at == Some(count) {
        let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL);
    }
}

/// As above: nothing.
#[cfg(not(debug_assertions))]
pub fn passed(_what: &str) {}
