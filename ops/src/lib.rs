//! The companion of the log-ingestion worker, as a library: what the `ops` program does, and what the tests and the
//! benchmark build on.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`cli`] | the command line: from arguments to an exit status |
//! | [`run`] | the frame of every command: its flags, id, output, journal and lock |
//! | [`history`] | `ops history`: what earlier runs did |
//! | [`deploy`] | `ops deploy`: a release that ends in a known state |
//! | [`rollback`] | `ops rollback`: back to a version that was live before, proven |
//! | [`switch`] | what the two share: from one live version to another, ending in a known state |
//! | [`verify`] | `ops verify` and `ops health`: is it our worker, is it well, does it keep its promises |
//! | [`status`] | `ops status`: what is live, since when, by whom, how well, and how far from the checkout |
//! | [`secrets`] | `ops secrets`: what is set, and setting one so that the worker is well afterwards |
//! | [`ci`] | `ops ci`: the workflow runs on GitHub, shown, waited for, and their logs |
//! | [`config`] | `ops config`: one source of truth for the app, Convex, the worker and GitHub |
//! | [`doctor`] | `ops doctor`: what a machine needs, has, and lacks |
//! | [`tail`] | `ops tail`: logs in the terminal as they arrive |
//! | [`drain`] | `ops drain`: everything that waits goes to Redis |
//! | [`project`] | the project's folder and what its wrangler.toml says |
//! | [`dev`] | `ops dev`: set-up, local Redis, the worker, and the lines to paste |
//! | [`upstash`] | a local server that speaks the Upstash Redis REST API, with faults and counters |
//! | [`local_redis`] | which store stands behind it |
//! | [`redact`] | `ops redact`: what would be redacted in a text, and by which rule |
//! | [`workerd`] | runs the built worker under workerd: start, crash, start again over the same storage |
//! | [`wrangler`] | the wrangler CLI: typed calls with a limit, and why one failed |
//! | [`process`] | child processes that end with us, with everything they started |
//! | [`port`] | a port that nobody is given by chance while nothing of ours listens on it |
//! | [`signals`], [`exit`] | how a command is ended, and how it ends |

pub mod ci;
pub mod cli;
pub mod config;
pub mod deploy;
pub mod dev;
pub mod doctor;
pub mod drain;
pub mod exit;
pub mod history;
pub mod local_redis;
pub mod port;
pub mod process;
pub mod project;
pub mod redact;
pub mod rollback;
pub mod run;
pub mod secrets;
pub mod signals;
pub mod status;
pub mod switch;
pub mod tail;
pub mod upstash;
pub mod verify;
pub mod workerd;
pub mod wrangler;
