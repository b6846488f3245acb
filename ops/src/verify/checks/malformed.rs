//! Is a log that is none refused, with the reason?

use reqwest::Method;
use serde_json::json;

use super::{shut, unexpected};
use crate::verify::{client::Who, report::Finding, suite::Suite};

/// Each wrong body is 400 with its own words.
pub async fn refused(suite: &mut Suite<'_>) -> Result<Finding, Finding> {
    let trace = suite.trace();
    let bodies = [
        ("{".to_owned(), ""),
        ("[1".to_owned(), ""),
        (json!({ "message": "m", "level": "log" }).to_string(), "trace_id is required"),
        (json!({ "trace_id": trace, "level": "log" }).to_string(), "message is required"),
        (
            json!({ "trace_id": trace, "message": "m", "level": "loud" }).to_string(),
            "level must be one of: log, info, warn, error",
        ),
        (
            json!({ "trace_id": trace, "message": "m", "level": "log", "system": "moon" }).to_string(),
            "system must be one of: browser, convex, worker, manual",
        ),
    ];
    let count = bodies.len();
    for (body, wanted) in bodies {
        let request = suite.client.request(Who::Sender, Method::POST, "/log");
        let request = request.header("Content-Type", "application/json").body(body);
        let answer = suite.client.send(request).await?;
        if let Some(finding) = shut(suite, Who::Sender, &answer) {
            return Err(finding);
        }
        let said = answer.error();
        if answer.status != 400 || said.is_empty() || !wanted.is_empty() && said != wanted {
            let wanted = if wanted.is_empty() { "what is wrong with the JSON" } else { wanted };
            return Err(unexpected(&answer, &format!("400: {wanted}")));
        }
    }
    Ok(Finding::pass(format!("{count} wrong bodies, each 400 with its reason")))
}
