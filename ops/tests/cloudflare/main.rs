//! What `ops` and wrangler do with Cloudflare: the real wrangler, the real workerd, and a control plane of our own
//! ([`control_plane`]) between them.
//!
//! One program for all of it: the control plane is linked once, and the machine's cores stay busy until the last test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../config_world/mod.rs"]
mod config_world;
mod control_plane;
#[path = "../common/fake_gh.rs"]
mod fake_gh;
#[path = "../common/runbook.rs"]
mod runbook;
#[path = "../common/shell.rs"]
mod shell;

mod config_worker;
mod deploy_access;
mod deploy_api;
mod deploy_code;
mod deploy_killed;
mod rollback;
mod runbooks;
mod secrets;
mod status;
mod terminal;
mod upgrade;
mod wrangler_by_hand;
mod wrangler_driver;
