//! The companion binary of the log-ingestion worker. Everything it does is in the library.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    ops::cli::main().await.into()
}
