//! May a page post, and read what it is answered?

use reqwest::Method;

use super::unexpected;
use crate::verify::{
    client::{Answer, Who},
    contract::Readers,
    report::Finding,
    suite::Suite,
};

/// A page that is on no list.
const STRANGER: &str = "https://page.example";
/// A path that is no route.
const NOWHERE: &str = "/no-such-route";

/// A browser that asks before it posts is told that it may.
pub async fn preflight(suite: &mut Suite<'_>) -> Result<Finding, Finding> {
    let request = suite.client.request(Who::Anyone, Method::OPTIONS, "/log");
    let request = request
        .header("Origin", origin(suite))
        .header("Access-Control-Request-Method", "POST")
        .header("Access-Control-Request-Headers", "content-type,authorization");
    let answer = suite.client.send(request).await?;
    if answer.status != 200 || !answer.text.is_empty() {
        return Err(unexpected(&answer, "200 without a body"));
    }
    readable(suite, &answer)
}

/// What goes wrong can be read by the page: a 404, and a refused log.
pub async fn errors(suite: &mut Suite<'_>) -> Result<Finding, Finding> {
    let request = suite.client.request(Who::Anyone, Method::GET, NOWHERE).header("Origin", origin(suite));
    let answer = suite.client.send(request).await?;
    if (answer.status, answer.error()) != (404, "Not found") {
        return Err(unexpected(&answer, "404 Not found"));
    }
    readable(suite, &answer)
}

fn origin<'a>(suite: &'a Suite<'_>) -> &'a str {
    suite.plan.origin.as_deref().unwrap_or(STRANGER)
}

fn readable(suite: &Suite<'_>, answer: &Answer) -> Result<Finding, Finding> {
    match (&answer.readers, &suite.plan.origin) {
        (Readers::All, _) => Ok(Finding::pass("any page may read it")),
        (Readers::Asker, _) => Ok(Finding::pass(format!("{} may read it, others may not", origin(suite)))),
        (Readers::Nobody, None) => Ok(Finding::pass("only pages of ALLOWED_ORIGINS may read it")),
        (Readers::Nobody, Some(origin)) => {
            let hint = "add it to ALLOWED_ORIGINS in wrangler.toml and deploy, or give another as --origin";
            Err(Finding::fail(format!("the page {origin} may not read it"), hint))
        }
    }
}
