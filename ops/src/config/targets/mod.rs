//! Where configuration goes, one file each: what differs there from the source, and making it the same.
//!
//! | module | what it is |
//! | --- | --- |
//! | `local` | a local file; of development alone |
//! | `convex` | the variables of a Convex deployment, through its CLI |
//! | `worker` | the secrets of the deployed worker, through wrangler |
//! | `proof` | is the worker well with them? else they are taken back |
//! | `vars` | the worker's public vars, in wrangler.toml |
//! | `github` | the secrets of GitHub Actions, through `gh` |

pub mod convex;
pub mod github;
pub mod local;
mod proof;
pub mod vars;
pub mod worker;
