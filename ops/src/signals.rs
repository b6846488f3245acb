//! The signals by which a person or a supervisor ends a command.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::Failure;

/// Ctrl-C, `SIGTERM` and the end of the terminal. From its creation on they no longer kill the process.
#[derive(Debug)]
pub struct Stop {
    signals: [Signal; 3],
}

impl Stop {
    /// Starts watching. Needs a tokio runtime.
    ///
    /// # Errors
    /// When the system does not let us watch signals.
    pub fn watch() -> Result<Stop, Failure> {
        let watch = |kind| {
            let hint = "look at the limits of this shell (ulimit -a)";
            signal(kind).map_err(|cause| Failure::new(format!("signals cannot be watched: {cause}"), hint))
        };
        let signals =
            [watch(SignalKind::interrupt())?, watch(SignalKind::terminate())?, watch(SignalKind::hangup())?];
        Ok(Stop { signals })
    }

    /// Returns at the first of them.
    pub async fn wait(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.signals;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
