//! One question to whoever answers at an address. Where it leads is told and not followed.

use std::time::Duration;

use reqwest::{ClientBuilder, Url, redirect::Policy};

use super::super::client::{is_local, proxies, root_cause};
use crate::exit::Failure;

/// Longest time one answer may take: a page may have to be rendered by a server that slept.
const LIMIT: Duration = Duration::from_secs(20);

pub struct Web {
    http: reqwest::Client,
}

/// What was answered.
pub struct Answered {
    pub status: u16,
    /// Where it leads.
    pub location: Option<Url>,
}

/// Nobody answered.
pub struct Silence {
    pub why: String,
    /// Nothing runs there, on this machine: which is no fault of a deployment.
    pub is_here: bool,
}

impl Web {
    pub fn new() -> Result<Web, Failure> {
        let builder = reqwest::Client::builder()
            .timeout(LIMIT)
            .redirect(Policy::none())
            // Some providers show machines without a name another page.
            .user_agent(concat!("Mozilla/5.0 (compatible; ops/", env!("CARGO_PKG_VERSION"), ")"));
        let builder = proxies().into_iter().fold(builder, ClientBuilder::proxy);
        let http = builder.build().map_err(|cause| {
            let hint = "install the system's certificates (ca-certificates), or set SSL_CERT_FILE";
            Failure::new(format!("HTTPS cannot be used: {}", root_cause(&cause)), hint)
        })?;
        Ok(Web { http })
    }

    pub async fn get(&self, url: &Url) -> Result<Answered, Silence> {
        match self.http.get(url.clone()).send().await {
            Ok(answer) => {
                let location = answer.headers().get("location").and_then(|value| value.to_str().ok());
                let location = location.and_then(|to| url.join(to).ok());
                Ok(Answered { status: answer.status().as_u16(), location })
            }
            Err(cause) if cause.is_timeout() => {
                let why = format!("no answer within {} s", LIMIT.as_secs());
                Err(Silence { why, is_here: false })
            }
            Err(cause) => {
                Err(Silence { why: root_cause(&cause), is_here: cause.is_connect() && is_local(url) })
            }
        }
    }
}
