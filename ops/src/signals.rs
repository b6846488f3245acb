//! The signals by which a person or a supervisor ends a command.

use tokio::signal::unix::{SignalKind, signal};

/// Returns at Ctrl-C, `SIGTERM`, or when the terminal is closed.
pub async fn stop() {
    let wait = |kind| async move {
        match signal(kind) {
            Ok(mut signals) => drop(signals.recv().await),
            Err(cause) => {
                eprintln!("warning: a signal cannot be watched: {cause}");
                std::future::pending().await
            }
        }
    };
    tokio::select! {
        () = wait(SignalKind::interrupt()) => {}
        () = wait(SignalKind::terminate()) => {}
        () = wait(SignalKind::hangup()) => {}
    }
}
